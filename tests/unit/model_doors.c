/*
 * Where lines and clients come in: the linker's --wrap puts these functions between the session and
 * the hub, and they tell the model.
 */
#include "command.h"
#include "model_judge.h"
#include "model_run.h"

#include <stdlib.h>
#include <unistd.h>

struct episode run;
unsigned model_reloads[2];

/* ---- tools ---------------------------------------------------------------------------------- */

size_t model_below(size_t n)
{
    return (size_t)unit_below(&run.random, n);
}

bool model_chance(unsigned percent)
{
    return model_below(100) < percent;
}

void model_grow(char **bytes, size_t *size, const char *more, size_t n)
{
    *bytes = realloc(*bytes, *size + n + 1);
    assert_non_null(*bytes);
    memcpy(*bytes + *size, more, n);
    *size += n;
}

void model_shrink(char *bytes, size_t *size, size_t n)
{
    memmove(bytes, bytes + n, *size - n);
    *size -= n;
}

/* ---- at the doors --------------------------------------------------------------------------- */

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __real_command_run(struct hub *hub, struct conn *c, struct str line);
int __real_server_broadcast(struct server *s, uint64_t client, struct str text);
struct conn *__real_hub_connect(struct hub *hub, uint64_t handle, const struct address_brief *peer);
void __real_hub_leave(struct hub *hub, struct conn *c, const char *why, struct str text);
void __real_hub_disconnect(struct hub *hub, struct conn *c, const char *why);
void __real_hub_post_notice(struct hub *hub, struct room *room, struct str by, struct str text);
int __real_server_filters_load(struct server *s, struct server_chains *out);
void __wrap_command_run(struct hub *hub, struct conn *c, struct str line);
int __wrap_server_broadcast(struct server *s, uint64_t client, struct str text);
struct conn *__wrap_hub_connect(struct hub *hub, uint64_t handle, const struct address_brief *peer);
void __wrap_hub_leave(struct hub *hub, struct conn *c, const char *why, struct str text);
void __wrap_hub_disconnect(struct hub *hub, struct conn *c, const char *why);
void __wrap_hub_post_notice(struct hub *hub, struct room *room, struct str by, struct str text);
int __wrap_server_checker_ask(struct server *s);
int __wrap_server_filters_load(struct server *s, struct server_chains *out);

static struct player *player_of(uint64_t handle)
{
    for (size_t i = run.known; i-- > 0;) {
        if (run.players[i].client->handle == handle)
            return &run.players[i];
    }
    fail_msg("nobody has that handle");
    return NULL;
}

/* The next line that it wrote is the one that was taken in. */
static void take_written(struct player *p, struct str line)
{
    const char *end = memchr(p->written, '\n', p->written_size);
    assert_non_null(end);
    assert_str(line, str_from(p->written, (size_t)(end - p->written)));
    model_shrink(p->written, &p->written_size, (size_t)(end - p->written) + 1);
}

void __wrap_command_run(struct hub *hub, struct conn *c, struct str line)
{
    struct player *p = player_of(c->handle);
    char copy[MODEL_LINE_SIZE];
    assert_true(line.size < sizeof copy);
    memcpy(copy, line.data, line.size);
    copy[line.size] = '\0'; /* the model reads numbers to their end */
    struct str kept = {copy, line.size};
    take_written(p, kept);
    uint64_t undelivered = hub->stats.undelivered;
    bool reloads = str_equal(kept, STR("/reload"));
    bool late = reloads && run.reloader; /* of several in a turn, the first is heard */
    if (reloads && !late)
        run.reloader = p;
    /* The rest of the model follows when __real_hub_leave() has been called. */
    bool quits = str_starts_with(kept, STR("/quit"));
    __real_command_run(hub, c, line);
    if (!quits && model_is_open(p->model))
        model_command(run.model, p->model, kept, hub->stats.undelivered == undelivered);
    if (late && model_is_open(p->model))
        model_reload_late(run.model, p->model);
}

int __wrap_server_broadcast(struct server *s, uint64_t client, struct str text)
{
    struct player *p = player_of(client);
    char copy[MODEL_LINE_SIZE];
    assert_true(text.size < sizeof copy);
    memcpy(copy, text.data, text.size);
    bool escaped = text.size > 0 && text.data[0] == '/';
    if (escaped) { /* it was "//text" */
        assert_true(p->written_size > 0 && p->written[0] == '/');
        model_shrink(p->written, &p->written_size, 1);
    }
    take_written(p, str_from(copy, text.size));
    model_message(run.model, p->model, str_from(copy, text.size));
    return __real_server_broadcast(s, client, text);
}

struct conn *__wrap_hub_connect(struct hub *hub, uint64_t handle, const struct address_brief *peer)
{
    struct player *p = &run.players[run.known++];
    assert_true(run.known <= run.count);
    p->client->handle = handle;
    struct conn *c = __real_hub_connect(hub, handle, peer);
    p->model = c ? model_connect(run.model, c->id) : model_refuse(run.model);
    p->leaving |= !c;
    return c;
}

void __wrap_hub_leave(struct hub *hub, struct conn *c, const char *why, struct str text)
{
    struct player *p = player_of(c->handle);
    if (c->state == CONN_OPEN)
        model_leave(run.model, p->model, text);
    p->leaving = true;
    __real_hub_leave(hub, c, why, text);
}

void __wrap_hub_disconnect(struct hub *hub, struct conn *c, const char *why)
{
    struct player *p = player_of(c->handle);
    p->doomed = c->flags & CONN_DOOMED;
    p->leaving = true;
    p->disconnected = true;
    if (c->state == CONN_OPEN)
        model_leave(run.model, p->model, STR(""));
    __real_hub_disconnect(hub, c, why);
    model_gone(run.model, p->model);
}

void __wrap_hub_post_notice(struct hub *hub, struct room *room, struct str by, struct str text)
{
    model_notice(run.model, room_name(room), text);
    __real_hub_post_notice(hub, room, by, text);
}

/* A checker that is quick, and never finds anything. */
int __wrap_server_checker_ask(struct server *s)
{
    s->reload.answer = SERVER_CHECKED_FINE;
    return 0;
}

/* The rest of a reload cannot fail. What a failure logs is expected, and kept from the terminal. */
int __wrap_server_filters_load(struct server *s, struct server_chains *out)
{
    char log[512];
    bool fails = model_chance(20);
    if (fails) {
        judge_break();
        unit_capture(STDERR_FILENO);
    }
    int rc = __real_server_filters_load(s, out);
    if (fails)
        unit_captured(log, sizeof log);
    assert_int_equal(rc < 0, fails);
    if (run.reloader && !run.reloader->disconnected)
        model_reloaded(run.model, run.reloader->model, !fails);
    run.reloader = NULL;
    model_reloads[!fails]++;
    return rc;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
