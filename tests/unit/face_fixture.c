/* See face_fixture.h. Descriptors 1 and 2 are the face's only while it is called. */
#include "face_fixture.h"

#include <sys/mman.h>
#include <unistd.h>

/* ---- the host ------------------------------------------------------------------------------ */

static void keep(struct face_fixture *fx, struct str bytes)
{
    assert_true(fx->sent_size + bytes.size <= sizeof fx->sent);
    memcpy(fx->sent + fx->sent_size, bytes.data, bytes.size);
    fx->sent_size += bytes.size;
}

static int host_say(void *owner, struct str line)
{
    struct face_fixture *fx = owner;
    if (fx->say_result < 0)
        return fx->say_result;
    keep(fx, line);
    keep(fx, STR("\n"));
    return 0;
}

static int host_send(void *owner, struct str bytes)
{
    keep(owner, bytes);
    return 0;
}

static void host_leave(void *owner, int status)
{
    struct face_fixture *fx = owner;
    fx->left = status;
}

static void host_hurry(void *owner, int status)
{
    struct face_fixture *fx = owner;
    fx->hurried = status;
}

static void host_fail(void *owner, int status)
{
    struct face_fixture *fx = owner;
    fx->failure = status;
}

static void host_stop(void *owner, int status, struct str why)
{
    struct face_fixture *fx = owner;
    fx->stopped = status;
    snprintf(fx->why, sizeof fx->why, STR_FMT, STR_ARG(why));
}

static void host_timer(void *owner, unsigned ms)
{
    struct face_fixture *fx = owner;
    fx->timer_ms = ms;
}

static bool host_woken(void *owner)
{
    (void)owner;
    return false;
}

/* ---- its life ------------------------------------------------------------------------------ */

static void swap_in(struct face_fixture *fx)
{
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        fx->before[i] = dup(STDOUT_FILENO + i);
        dup2(fx->files[i], STDOUT_FILENO + i);
    }
}

static void swap_out(struct face_fixture *fx)
{
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(fx->before[i], STDOUT_FILENO + i);
        close(fx->before[i]);
    }
}

void face_fixture_init(struct face_fixture *fx, face_new_fn *new, const struct client_options *o)
{
    *fx =
        (struct face_fixture){.left = FACE_NOBODY, .hurried = FACE_NOBODY, .stopped = FACE_NOBODY};
    fx->host = (struct face_host){
        .owner = fx,
        .say = host_say,
        .send = host_send,
        .leave = host_leave,
        .hurry = host_hurry,
        .fail = host_fail,
        .stop = host_stop,
        .timer = host_timer,
        .wake_fd = -1,
        .woken = host_woken,
    };
    for (int i = 0; i < 2; i++)
        fx->files[i] = memfd_create("written", MFD_CLOEXEC);
    assert_true(fx->files[0] >= 0 && fx->files[1] >= 0);
    swap_in(fx);
    fx->face = new (o, &fx->host);
    swap_out(fx);
}

void face_fixture_fini(struct face_fixture *fx)
{
    if (fx->face)
        fx->face->ops->free(fx->face);
    close(fx->files[0]);
    close(fx->files[1]);
}

void face_replace(struct face_fixture *fx, int fd, int file)
{
    close(fx->files[fd - STDOUT_FILENO]);
    fx->files[fd - STDOUT_FILENO] = file;
}

/* ---- operations ---------------------------------------------------------------------------- */

/* Calls an operation of the face. */
#define CALL(fx, call)                                                                             \
    do {                                                                                           \
        struct face *face = (fx)->face;                                                            \
        swap_in(fx);                                                                               \
        face->ops->call;                                                                           \
        swap_out(fx);                                                                              \
    } while (0)

void face_event_json(struct face_fixture *fx, const struct event *e, struct str json)
{
    CALL(fx, event(face, e, json));
}

void face_event(struct face_fixture *fx, const struct event *e)
{
    char json[4096];
    assert_true(wire_json.bound(e) <= sizeof json);
    face_event_json(fx, e, str_from(json, wire_json.encode(e, json) - 1));
}

void face_raw_line(struct face_fixture *fx, struct str line)
{
    CALL(fx, raw(face, line));
    CALL(fx, raw(face, STR("\n")));
}

void face_unknown(struct face_fixture *fx, struct str json)
{
    CALL(fx, unknown(face, json));
}

void face_note(struct face_fixture *fx, struct str text)
{
    CALL(fx, note(face, text));
}

void face_linked(struct face_fixture *fx, enum face_link state)
{
    CALL(fx, link(face, state, 0));
}

void face_keys(struct face_fixture *fx, struct str bytes)
{
    CALL(fx, keys(face, bytes));
}

void face_keys_ended(struct face_fixture *fx)
{
    CALL(fx, keys_ended(face));
}

void face_time(struct face_fixture *fx)
{
    fx->timer_ms = 0;
    CALL(fx, timer(face));
}

bool face_signalled(struct face_fixture *fx, int number)
{
    swap_in(fx);
    bool dealt = fx->face->ops->signal(fx->face, number);
    swap_out(fx);
    return dealt;
}

int face_flush(struct face_fixture *fx)
{
    swap_in(fx);
    int rc = fx->face->ops->flush(fx->face);
    swap_out(fx);
    return rc;
}

static struct str written(struct face_fixture *fx, int file)
{
    assert_int_equal(face_flush(fx), 0);
    ssize_t n = pread(file, fx->read, sizeof fx->read, 0);
    assert_true(n >= 0 && n < (ssize_t)sizeof fx->read);
    return str_from(fx->read, (size_t)n);
}

struct str face_out(struct face_fixture *fx)
{
    return written(fx, fx->files[0]);
}

struct str face_err(struct face_fixture *fx)
{
    return written(fx, fx->files[1]);
}
