/*
 * What typing means: keys change the line, lines are said, pastes are guarded.
 */
#include "client_options.h"
#include "face_terminal_impl.h"
#include "session.h"
#include "text.h"
#include "wire.h"

#include <errno.h>
#include <signal.h>
#include <sysexits.h>

enum {
    AWAY_MS = 5 * 60 * 1000, /* without a key, where the terminal does not tell the focus */
    PASTING_MS = 10,         /* when to ask again whether the hub takes more of a paste */
    SIGNAL_BASE = 128,
};

/* ---- what is said -------------------------------------------------------------------------- */

/* Shows what one says oneself: the hub does not send it back. */
static void show_said(struct face_terminal *t, enum event_type type, struct str to, struct str text)
{
    struct view_scene scene = face_terminal_scene(t);
    struct event e = {
        .type = type,
        .own = true,
        .room = scene.room,
        .from = scene.nick,
        .to = to,
        .text = text,
    };
    view_event(t->view, &scene, &e, &t->lines);
    face_terminal_show(t);
}

static void show_command(struct face_terminal *t, struct str line)
{
    struct str rest = line;
    struct str command = str_word(&rest);
    if (text_equal_fold(command, STR("/me")) && rest.size > 0) {
        show_said(t, EVENT_ACTION, STR(""), rest);
        return;
    }
    struct str to = str_word(&rest);
    if (text_equal_fold(command, STR("/msg")) && rest.size > 0) {
        show_said(t, EVENT_PRIVATE, to, rest);
        return;
    }
    struct view_scene scene = face_terminal_scene(t);
    view_command(t->view, &scene, line, &t->lines);
    face_terminal_show(t);
}

static bool is_command(struct str line)
{
    return str_starts_with(line, STR("/")) && !str_starts_with(line, STR("//"));
}

/* Gives a line to the hub and shows it. Returns what the host says. */
static int say(struct face_terminal *t, struct str line)
{
    int rc = t->host->say(t->host->owner, line);
    if (rc < 0)
        return rc;
    if (is_command(line))
        show_command(t, line);
    else
        show_said(t, EVENT_MESSAGE, STR(""), str_skip(line, str_starts_with(line, STR("//"))));
    return 0;
}

static void remember(struct face_terminal *t, struct str line)
{
    if (history_is_secret(line))
        return;
    editor_remember(t->editor, line);
    if (t->history)
        history_append(t->history, line);
}

/* The client lives on the hub's JSON. */
static bool is_wire(struct str line)
{
    return text_equal_fold(str_word(&line), STR("/wire"));
}

/* Enter. What cannot be said stays where it is. */
static void say_typed(struct face_terminal *t)
{
    struct str line = editor_text(t->editor);
    int rc = 0;
    if (is_wire(line))
        face_terminal_note(t, "This client needs the hub's JSON, so /wire is not sent.");
    else if (line.size > 0)
        rc = say(t, line);
    if (rc == -EAGAIN)
        face_terminal_note(t, "The hub does not read: this has to wait.");
    t->beep = t->beep || rc < 0;
    if (rc < 0)
        return;
    remember(t, editor_text(t->editor));
    editor_clear(t->editor);
}

/* ---- pastes -------------------------------------------------------------------------------- */

size_t face_terminal_unsent(const struct face_terminal *t)
{
    struct str rest = str_skip(buffer_str(&t->paste.text), t->paste.taken);
    size_t lines = 0;
    for (size_t i = 0; i < rest.size; i++)
        lines += rest.data[i] == '\n';
    return lines;
}

/* What is pasted is text, whatever it starts with: a line of a log must not be a command. */
static int say_pasted(struct face_terminal *t, struct str before, struct str line)
{
    struct buffer text = {0};
    bool escape = before.size == 0 && str_starts_with(line, STR("/"));
    buffer_add(&text, before);
    buffer_add(&text, escape ? STR("/") : STR(""));
    buffer_add(&text, line);
    int rc = text.failed ? -ENOMEM : 0;
    if (rc == 0 && text.size > 0)
        rc = say(t, buffer_str(&text));
    buffer_fini(&text);
    return rc;
}

/* All its lines are said; what came behind the last newline goes into the line. */
static void end_pasting(struct face_terminal *t, struct str rest)
{
    struct str after = buffer_str(&t->after);
    t->pasting = false;
    t->stale = true;
    bool fits = editor_replace(t->editor, 0, rest);
    fits = fits && editor_replace(t->editor, 0, after);
    if (fits)
        editor_back(t->editor, after.size);
    t->beep = t->beep || !fits;
    buffer_clear(&t->after);
    paste_drop(&t->paste);
}

static void give_up_pasting(struct face_terminal *t, const char *why)
{
    size_t lines = face_terminal_unsent(t);
    face_terminal_note(t, "%zu pasted %s not sent: %s.", lines,
                       lines == 1 ? "line was" : "lines were", why);
    end_pasting(t, STR(""));
}

/* Says lines as long as the hub takes them. */
static void go_on_pasting(struct face_terminal *t)
{
    struct str line;
    bool whole;
    while (t->pasting) {
        size_t taken = t->paste.taken;
        if (!paste_take(&t->paste, &line, &whole)) {
            end_pasting(t, STR(""));
        } else if (!whole) {
            end_pasting(t, line);
        } else {
            int rc = say_pasted(t, STR(""), line);
            if (rc < 0)
                t->paste.taken = taken;
            if (rc == -EAGAIN)
                return;
            if (rc < 0)
                give_up_pasting(t, rc == -ENOTCONN ? "there is no connection" : "out of memory");
        }
    }
}

/* The paste's first line ends the one that is being typed, where the cursor is. */
static void begin_pasting(struct face_terminal *t)
{
    struct str line;
    bool whole;
    struct str text = editor_text(t->editor);
    struct str before = str_from(text.data, editor_cursor(t->editor));
    t->stale = true;
    paste_take(&t->paste, &line, &whole);
    if (!whole) {
        t->beep = !editor_replace(t->editor, 0, line) || t->beep;
        paste_drop(&t->paste);
        return;
    }
    int rc = say_pasted(t, before, line);
    if (rc < 0) {
        face_terminal_note(t, "The paste was not sent: %s.",
                           rc == -ENOTCONN ? "there is no connection" : "the hub does not read");
        paste_drop(&t->paste);
        return;
    }
    buffer_clear(&t->after);
    buffer_add(&t->after, str_skip(text, before.size));
    editor_clear(t->editor);
    t->pasting = true;
    go_on_pasting(t);
}

static void end_paste(struct face_terminal *t)
{
    switch (paste_end(&t->paste)) {
    case PASTE_INSERT:
        begin_pasting(t);
        break;
    case PASTE_ASK:
        t->asking = true;
        t->stale = true;
        break;
    case PASTE_TOO_LONG:
        face_terminal_note(t, "A paste of more than %d MiB is too long: it was dropped.",
                           PASTE_BYTES_MAX >> 20);
        break;
    case PASTE_NOTHING:
        break;
    }
}

/* "Send 12 lines? y/N": any other key than y is a no. */
static void answer(struct face_terminal *t, const struct key *key)
{
    t->asking = false;
    t->stale = true;
    if (key->type == KEY_TEXT && (key->code == 'y' || key->code == 'Y'))
        begin_pasting(t);
    else
        paste_drop(&t->paste);
}

/* ---- keys ---------------------------------------------------------------------------------- */

static void complete(struct face_terminal *t)
{
    const struct session *s = t->host->session(t->host->owner);
    struct completion_edit edit;
    struct str before = str_from(editor_text(t->editor).data, editor_cursor(t->editor));
    for (size_t i = 0; i < session_room_count(s); i++)
        completion_room(t->completion, session_room_at(s, i));
    bool found = completion_next(t->completion, before, session_nick(s), &edit);
    t->beep = !(found && editor_replace(t->editor, edit.remove, edit.insert)) || t->beep;
}

static void interrupt(struct face_terminal *t)
{
    if (t->pasting)
        give_up_pasting(t, "interrupted");
    else
        t->host->hurry(t->host->owner, SIGNAL_BASE + SIGINT);
}

static void leave(struct face_terminal *t)
{
    t->leaving = true;
    t->host->leave(t->host->owner, EX_OK);
}

static void edit(struct face_terminal *t, const struct key *key)
{
    bool tab = key->type == KEY_CONTROL && key->code == 'I';
    if (!tab)
        completion_done(t->completion);
    t->stale = true;
    switch (editor_key(t->editor, key)) {
    case EDITOR_EDITED:
        break;
    case EDITOR_REFUSED:
        t->beep = true;
        break;
    case EDITOR_LINE:
        say_typed(t);
        break;
    case EDITOR_COMPLETE:
        complete(t);
        break;
    case EDITOR_INTERRUPT:
        interrupt(t);
        break;
    case EDITOR_END:
        leave(t);
        break;
    case EDITOR_SUSPEND:
        kill(0, SIGTSTP); /* both processes, and comes back as a signal */
        break;
    case EDITOR_REDRAW:
        t->clear = true;
        break;
    }
}

static void take_key(struct face_terminal *t, const struct key *key)
{
    switch (key->type) {
    case KEY_FOCUS:
    case KEY_BLUR:
        t->focus_told = true;
        view_away(t->view, key->type == KEY_BLUR);
        return;
    case KEY_PASTED:
        paste_add(&t->paste, key->bytes);
        break;
    case KEY_PASTE_END:
        end_paste(t);
        break;
    case KEY_TEXT:
    case KEY_CONTROL:
    case KEY_SEQUENCE:
        if (t->asking)
            answer(t, key);
        else
            edit(t, key);
        break;
    }
    view_away(t->view, false);
}

void face_terminal_type(struct face_terminal *t, struct str bytes)
{
    struct key key;
    t->key_ms = t->host->now_ms(t->host->owner);
    while (!t->leaving && keys_next(&t->keys, &bytes, t->key_ms, &key))
        take_key(t, &key);
}

/* ---- time ---------------------------------------------------------------------------------- */

void face_terminal_go_on(struct face_terminal *t, uint64_t now_ms)
{
    if (keys_expired(&t->keys, now_ms))
        end_paste(t);
    if (t->pasting)
        go_on_pasting(t);
    if (!t->focus_told && now_ms - t->key_ms >= AWAY_MS)
        view_away(t->view, true);
}

unsigned face_terminal_typing_wait(const struct face_terminal *t, uint64_t now_ms)
{
    unsigned patience = keys_patience(&t->keys, now_ms);
    if (t->pasting)
        return PASTING_MS;
    uint64_t idle = now_ms - t->key_ms;
    if (patience > 0 || t->focus_told || idle >= AWAY_MS)
        return patience;
    return (unsigned)(AWAY_MS - idle);
}
