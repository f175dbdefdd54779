/*
 * The face of a terminal: lines scroll by, and below them stands the one that is being typed.
 *
 *     event --view--> lines --scroll--\
 *                                      > out --terminal_write()--> terminal
 *     key --editor--> input_line -----/
 *
 * A turn draws once. Between two drawings of lines FRAME_MS pass, and nothing is drawn while the
 * terminal has not taken what was; what comes meanwhile gathers in `scroll`, which is bounded. So
 * neither a flood nor a slow terminal holds up typing, and what is typed is drawn at once.
 */
#include "client_options.h"
#include "colour.h"
#include "face_terminal_impl.h"
#include "session.h"
#include "text.h"
#include "wire.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_MS = 20,
    ORPHAN_MS = 5,
    RETRY_MS = 10,       /* when to try again to write to a terminal that takes no more */
    LAST_WORDS_MS = 500, /* for what is left to write at the end */
};

static struct face_terminal *self(struct face *f)
{
    return (struct face_terminal *)f;
}

static uint64_t now(const struct face_terminal *t)
{
    return t->host->now_ms(t->host->owner);
}

/* ---- lines --------------------------------------------------------------------------------- */

struct view_scene face_terminal_scene(const struct face_terminal *t)
{
    const struct session *s = t->host->session(t->host->owner);
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct view_scene){
        .nick = session_nick(s),
        .room = session_room(s),
        .time_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
        .now_ms = now(t),
    };
}

void face_terminal_show(struct face_terminal *t)
{
    scroll_take(&t->scroll, &t->lines, t->rows > 2 ? t->rows - 2 : 1);
}

void face_terminal_note(struct face_terminal *t, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    t->face.ops->note(&t->face, str_of(text));
}

/* What Tab should know. */
static void learn(struct completion *c, const struct event *e)
{
    switch (e->type) {
    case EVENT_MESSAGE:
    case EVENT_ACTION:
    case EVENT_PRIVATE:
        completion_spoke(c, e->from);
        break;
    case EVENT_JOIN:
        completion_is_here(c, e->from);
        break;
    case EVENT_PART:
        if (!e->own)
            completion_left(c, e->from);
        break;
    case EVENT_NICK:
        completion_renamed(c, e->from, e->nick);
        break;
    case EVENT_WHO:
        for (size_t i = 0; i < e->item_count; i++)
            completion_is_here(c, e->items[i].name);
        break;
    case EVENT_ROOMS:
        for (size_t i = 0; i < e->item_count; i++)
            completion_room(c, e->items[i].name);
        break;
    default:
        break;
    }
}

static void on_event(struct face *f, const struct event *e, struct str json)
{
    struct face_terminal *t = self(f);
    struct view_scene scene = face_terminal_scene(t);
    (void)json;
    learn(t->completion, e);
    view_event(t->view, &scene, e, &t->lines);
    face_terminal_show(t);
    t->stale = t->stale || e->own || e->to.size > 0; /* nick or room may have changed */
}

static void on_note(struct face *f, struct str text)
{
    struct face_terminal *t = self(f);
    struct view_scene scene = face_terminal_scene(t);
    view_note(t->view, &scene, text, &t->lines);
    face_terminal_show(t);
}

static void on_link(struct face *f, enum face_link state, unsigned seconds)
{
    struct face_terminal *t = self(f);
    t->link = state;
    t->seconds = seconds;
    t->stale = true;
}

/* ---- the line at the bottom ---------------------------------------------------------------- */

/* Before the line to be said: as what it would be shown, "[#lobby] <ann> hello"; a command is said
 * by nobody. */
static void prompt_to_talk(struct face_terminal *t, struct input_look *look)
{
    const struct session *s = t->host->session(t->host->owner);
    struct str room = session_room(s);
    bool command = str_starts_with(look->text, STR("/")) && !str_starts_with(look->text, STR("//"));
    buffer_add_literal(&t->prompt, "[");
    buffer_add(&t->prompt, room.size > 0 ? room : STR("no room"));
    buffer_add_literal(&t->prompt, "] ");
    look->colour = STR("36");
    if (command)
        return;
    look->colour = STR("1");
    buffer_add_literal(&t->prompt, "<");
    buffer_add(&t->prompt, session_nick(s));
    buffer_add_literal(&t->prompt, "> ");
}

static void prompt_without_hub(struct face_terminal *t, struct input_look *look)
{
    look->colour = STR("31");
    if (t->link == FACE_WAITING)
        buffer_printf(&t->prompt, "[no hub; next try in %u s] ", t->seconds);
    else
        buffer_add(&t->prompt,
                   t->link == FACE_DIALLING ? STR("[no hub; connecting] ") : STR("[no hub] "));
}

static void prompt_to_search(struct face_terminal *t, const struct editor_search *search,
                             struct input_look *look)
{
    look->colour = STR("33");
    buffer_add(&t->prompt, search->failed ? STR("(not found: ") : STR("(search: "));
    buffer_add(&t->prompt, search->word);
    buffer_add_literal(&t->prompt, ") ");
}

static void prompt_to_ask(struct face_terminal *t, struct input_look *look)
{
    look->colour = STR("1;33");
    buffer_printf(&t->prompt, "Send %zu lines? y/N ", t->paste.lines);
    look->text = STR("");
    look->cursor = 0;
}

static struct input_look look_of(struct face_terminal *t)
{
    struct editor_search search = editor_search(t->editor);
    struct input_look look = {
        .text = editor_text(t->editor),
        .cursor = editor_cursor(t->editor),
    };
    buffer_clear(&t->prompt);
    if (t->asking)
        prompt_to_ask(t, &look);
    else if (search.active)
        prompt_to_search(t, &search, &look);
    else if (t->link == FACE_CONNECTED)
        prompt_to_talk(t, &look);
    else
        prompt_without_hub(t, &look);
    look.prompt = buffer_str(&t->prompt);
    if (!t->colour)
        look.colour = STR("");
    return look;
}

static void draw_input(struct face_terminal *t)
{
    struct input_look look = look_of(t);
    t->stale = false;
    if (!t->leaving)
        input_line_draw(&t->input, &t->screen, &look, &t->out);
}

/* ---- drawing ------------------------------------------------------------------------------- */

static void measure(struct face_terminal *t)
{
    terminal_size(t->terminal, &t->screen.columns, &t->rows);
    view_columns(t->view, t->screen.columns);
}

static void take_new_size(struct face_terminal *t)
{
    t->resized = false;
    t->stale = true;
    measure(t);
    input_line_erase_resized(&t->input, &t->screen, &t->out);
}

/* The lines that have gathered, and the line below them anew. A terminal that knows it shows all of
 * that at once (mode 2026); others ignore it. */
static void draw_lines(struct face_terminal *t)
{
    bool sync = !t->screen.dumb;
    if (sync)
        buffer_add_literal(&t->out, "\x1b[?2026h");
    input_line_erase(&t->input, &t->screen, &t->out);
    if (scroll_draw(&t->scroll, t->rows > 2 ? t->rows - 2 : 1, &t->out) > 0)
        view_stamp(t->view);
    draw_input(t);
    if (sync)
        buffer_add_literal(&t->out, "\x1b[?2026l");
}

static bool are_lines_due(const struct face_terminal *t, uint64_t at)
{
    return !scroll_is_empty(&t->scroll) && at - t->drawn_ms >= FRAME_MS;
}

/* An empty screen, for the line at its bottom. */
static void clear(struct face_terminal *t)
{
    t->clear = false;
    t->stale = true;
    t->input = (struct input_line){0};
    if (t->screen.dumb)
        buffer_add_literal(&t->out, "\r\n");
    else
        buffer_printf(&t->out, "\x1b[2J\x1b[%zu;1H", t->rows);
}

/* Without memory something is missing, and drawn with the next change. */
static void draw(struct face_terminal *t, uint64_t at)
{
    if (t->out.failed)
        buffer_clear(&t->out);
    if (t->resized)
        take_new_size(t);
    if (t->clear)
        clear(t);
    if (are_lines_due(t, at)) {
        t->drawn_ms = at;
        draw_lines(t);
    } else if (t->stale) {
        draw_input(t);
    }
    bool rings = view_rings(t->view) && t->o->bell;
    if (t->beep || rings)
        buffer_add_char(&t->out, '\a');
    t->beep = false;
}

/* ---- time ---------------------------------------------------------------------------------- */

/* The earlier of two waits, of which 0 is none. */
static unsigned earlier(unsigned a, unsigned b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

static unsigned drawing_wait(const struct face_terminal *t, uint64_t at)
{
    if (t->out.size > 0)
        return RETRY_MS;
    if (scroll_is_empty(&t->scroll))
        return 0;
    uint64_t passed = at - t->drawn_ms;
    return passed < FRAME_MS ? (unsigned)(FRAME_MS - passed) : 1;
}

static void set_timer(struct face_terminal *t, uint64_t at)
{
    unsigned wait = earlier(drawing_wait(t, at), view_wait(t->view, at));
    wait = earlier(wait, face_terminal_typing_wait(t, at));
    uint64_t when = wait > 0 ? at + wait : 0;
    if (when == t->timer_ms)
        return;
    t->timer_ms = when;
    t->host->timer(t->host->owner, wait);
}

static void on_timer(struct face *f)
{
    self(f)->timer_ms = 0; /* what is due is done by the flush at the end of the turn */
}

static void tell_presence(struct face_terminal *t, uint64_t at)
{
    unsigned wait = view_wait(t->view, at);
    if (wait != 1)
        return;
    struct view_scene scene = face_terminal_scene(t);
    view_tell(t->view, &scene, &t->lines);
    face_terminal_show(t);
}

/* ---- starting, stopping, ending ------------------------------------------------------------ */

static void on_history(void *owner, struct str line)
{
    struct face_terminal *t = owner;
    editor_remember(t->editor, line);
}

/* Without a history file there is none, and nothing to say about it. */
static void open_history(struct face_terminal *t)
{
    struct history_environment env = history_environment();
    if (t->o->remember && history_open(&t->history, &env, on_history, t) < 0)
        t->history = NULL;
}

static int enter(struct face_terminal *t)
{
    int rc = terminal_enter(t->terminal);
    t->input = (struct input_line){0};
    t->stale = true;
    t->stopped = false;
    measure(t);
    return rc;
}

/* Where the shell, or whatever comes now, can write: an empty row and the old modes. */
static void depart(struct face_terminal *t)
{
    input_line_erase(&t->input, &t->screen, &t->out);
    terminal_write_all(t->terminal, &t->out, LAST_WORDS_MS);
    buffer_clear(&t->out);
    terminal_leave(t->terminal);
}

static int on_flush(struct face *f)
{
    struct face_terminal *t = self(f);
    uint64_t at = now(t);
    int rc = t->stopped ? enter(t) : 0;
    if (rc < 0)
        return rc;
    face_terminal_go_on(t, at);
    tell_presence(t, at);
    rc = terminal_write(t->terminal, &t->out);
    if (rc == 0 && t->out.size == 0) {
        draw(t, at);
        rc = terminal_write(t->terminal, &t->out);
    }
    set_timer(t, at);
    return rc == -EIO ? -EPIPE : rc; /* the terminal is gone: SIGHUP comes, or came */
}

static int on_start(struct face *f)
{
    struct face_terminal *t = self(f);
    if (!t->terminal)
        return -ENOTTY;
    int rc = editor_new(&t->editor, STDIN_FILENO);
    if (rc < 0)
        return rc;
    t->started = true;
    t->key_ms = now(t);
    t->drawn_ms = t->key_ms - FRAME_MS;
    open_history(t);
    rc = enter(t);
    return rc < 0 ? rc : on_flush(f);
}

static bool on_signal(struct face *f, int number)
{
    struct face_terminal *t = self(f);
    if (!t->started)
        return false;
    if (number == SIGWINCH)
        t->resized = true;
    if (number == SIGTSTP && !t->stopped)
        depart(t);
    if (number == SIGTSTP || number == SIGCONT)
        t->stopped = true; /* the next flush comes when this process goes on */
    return number != SIGINT;
}

static void on_keys(struct face *f, struct str bytes)
{
    face_terminal_type(self(f), bytes);
}

static void on_keys_ended(struct face *f)
{
    struct face_terminal *t = self(f);
    t->leaving = true;
    t->host->leave(t->host->owner, EX_OK);
}

/* In the keyboard process, which lost its reader. That may have died, and be on its way out still;
 * or it only takes no more keys, and will end this process when it has no use for it. */
static void on_orphaned(struct face *f)
{
    struct face_terminal *t = self(f);
    while (getppid() == t->pid)
        poll(NULL, 0, ORPHAN_MS);
    if (t->terminal)
        terminal_rescue(t->terminal);
}

static void show_the_rest(struct face_terminal *t)
{
    struct view_scene scene = face_terminal_scene(t);
    view_tell(t->view, &scene, &t->lines);
    face_terminal_show(t);
    input_line_erase(&t->input, &t->screen, &t->out);
    scroll_draw(&t->scroll, t->rows, &t->out);
}

static void on_free(struct face *f)
{
    struct face_terminal *t = self(f);
    if (t->started && !t->stopped) {
        show_the_rest(t);
        depart(t);
    }
    editor_free(t->editor);
    if (t->started)
        terminal_leave(t->terminal);
    history_close(t->history);
    completion_free(t->completion);
    view_free(t->view);
    terminal_free(t->terminal);
    paste_fini(&t->paste);
    scroll_fini(&t->scroll);
    buffer_fini(&t->lines);
    buffer_fini(&t->out);
    buffer_fini(&t->prompt);
    buffer_fini(&t->after);
    free(t);
}

static const struct face_ops terminal_ops = {
    .free = on_free,
    .start = on_start,
    .event = on_event,
    .note = on_note,
    .link = on_link,
    .keys = on_keys,
    .keys_ended = on_keys_ended,
    .timer = on_timer,
    .signal = on_signal,
    .flush = on_flush,
    .orphaned = on_orphaned,
};

/* The terminal's alphabet is the locale's. */
static bool is_utf8(void)
{
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

struct face *face_terminal_new(const struct client_options *options, const struct face_host *host)
{
    struct face_terminal *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    struct colour_environment env = colour_environment();
    t->face = (struct face){.ops = &terminal_ops, .raw = FACE_RAW_NOTED, .keys_raw = true};
    t->o = options;
    t->host = host;
    t->pid = getpid();
    t->link = FACE_DIALLING;
    t->colour = colour_wanted(options->color, &env, true);
    t->screen = (struct input_screen){.columns = 80, .utf8 = is_utf8()};
    t->rows = 24;
    if (terminal_new(&t->terminal, STDIN_FILENO, STDOUT_FILENO) == 0)
        t->screen.dumb = terminal_is_dumb(t->terminal);
    struct view_options look = {.colour = t->colour, .utf8 = t->screen.utf8};
    t->view = view_new(&look);
    t->completion = completion_new();
    if (t->view && t->completion)
        return &t->face;
    on_free(&t->face);
    return NULL;
}
