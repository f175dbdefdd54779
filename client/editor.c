/*
 * libedit, one key at a time: EL_UNBUFFERED makes el_wgets() return after each command, and
 * EL_GETCFN lets it read the key from here. It always gets a whole one (keys.h).
 *
 * Left out of its commands are those that ask for another key (Ctrl-V, Ctrl-X, Alt-X): they would
 * take the lack of it for the end of input.
 */
#include "editor_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unigbrk.h>
#include <unistd.h>
#include <unistr.h>

/* ---- text ---------------------------------------------------------------------------------- */

void editor_add_wide(struct buffer *out, const wchar_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t bytes[4];
        int n = u8_uctomb(bytes, (ucs4_t)text[i], sizeof bytes);
        if (n > 0)
            buffer_add(out, str_from((char *)bytes, (size_t)n));
    }
}

/* UTF-8 as wide characters, NUL-terminated; *count is their number. NULL without memory. */
static wchar_t *widen(struct str text, size_t *count)
{
    wchar_t *wide = malloc((text.size + 1) * sizeof *wide);
    if (!wide)
        return NULL;
    size_t n = 0;
    while (text.size > 0) {
        ucs4_t c;
        int size = u8_mbtouc(&c, (const uint8_t *)text.data, text.size);
        wide[n++] = (wchar_t)c;
        text = str_skip(text, (size_t)size);
    }
    wide[n] = L'\0';
    *count = n;
    return wide;
}

/* Brings `text` and `cursor` up to what libedit has. */
static void refresh(struct editor *e)
{
    if (e->text_valid)
        return;
    const LineInfoW *line = el_wline(e->el);
    buffer_clear(&e->text);
    editor_add_wide(&e->text, line->buffer, (size_t)(line->cursor - line->buffer));
    e->cursor = e->text.size;
    editor_add_wide(&e->text, line->cursor, (size_t)(line->lastchar - line->cursor));
    e->text_valid = true;
}

struct str editor_text(struct editor *e)
{
    refresh(e);
    return buffer_str(&e->text);
}

size_t editor_cursor(struct editor *e)
{
    refresh(e);
    return e->cursor;
}

static size_t characters(const struct editor *e)
{
    const LineInfoW *line = el_wline(e->el);
    return (size_t)(line->lastchar - line->buffer);
}

/* How many characters stand in `bytes` bytes before the cursor. */
static int characters_before(struct editor *e, size_t bytes)
{
    struct str text = editor_text(e);
    int count = 0;
    for (size_t i = e->cursor - bytes; i < e->cursor; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

/* ---- commands of our own ------------------------------------------------------------------- */

/* The line with a mark for each character: true where what a person takes for one begins; a letter
 * has its accents with it, and an emoji all of its parts. */
struct clusters {
    size_t size;
    size_t cursor;
    char *begins; /* NULL without memory: then each character stands for itself */
};

static struct clusters clusters_of(EditLine *el)
{
    const LineInfoW *line = el_wline(el);
    struct clusters c = {.size = (size_t)(line->lastchar - line->buffer),
                         .cursor = (size_t)(line->cursor - line->buffer)};
    c.begins = c.size > 0 ? malloc(c.size) : NULL;
    if (c.begins)
        u32_grapheme_breaks((const ucs4_t *)line->buffer, c.size, c.begins);
    return c;
}

/* The size of the one before the cursor, in characters; 0 at the start of the line. */
static int cluster_before(EditLine *el)
{
    struct clusters c = clusters_of(el);
    size_t at = c.cursor;
    while (at > 0 && c.begins && !c.begins[--at])
        ;
    if (!c.begins && at > 0)
        at--;
    free(c.begins);
    return (int)(c.cursor - at);
}

/* The size of the one behind it; 0 at the end. */
static int cluster_behind(EditLine *el)
{
    struct clusters c = clusters_of(el);
    size_t at = c.cursor;
    if (at < c.size)
        at++;
    while (c.begins && at < c.size && !c.begins[at])
        at++;
    free(c.begins);
    return (int)(at - c.cursor);
}

static unsigned char on_left(EditLine *el, int ch)
{
    (void)ch;
    el_cursor(el, -cluster_before(el));
    return CC_REFRESH;
}

static unsigned char on_right(EditLine *el, int ch)
{
    (void)ch;
    el_cursor(el, cluster_behind(el));
    return CC_REFRESH;
}

static unsigned char on_backspace(EditLine *el, int ch)
{
    (void)ch;
    int count = cluster_before(el);
    if (count == 0)
        return CC_ERROR;
    el_wdeletestr(el, count);
    return CC_REFRESH;
}

static unsigned char on_delete(EditLine *el, int ch)
{
    (void)ch;
    int count = cluster_behind(el);
    if (count == 0)
        return CC_ERROR;
    el_cursor(el, count);
    el_wdeletestr(el, count);
    return CC_REFRESH;
}

/* ---- set-up -------------------------------------------------------------------------------- */

struct binding {
    const wchar_t *keys; /* as libedit writes them: ^B, and ESC [ D as a terminal sends it */
    const wchar_t *command;
};

/* Over libedit's emacs bindings. The sequences are those of xterm, VT220, rxvt and the Linux
 * console; the editor knows no others. */
static const struct binding bindings[] = {
    {L"^B", L"chat-left"},
    {L"\x1b[D", L"chat-left"},
    {L"\x1bOD", L"chat-left"},
    {L"^F", L"chat-right"},
    {L"\x1b[C", L"chat-right"},
    {L"\x1bOC", L"chat-right"},
    {L"^H", L"chat-backspace"},
    {L"^?", L"chat-backspace"},
    {L"^D", L"chat-delete"},
    {L"\x1b[3~", L"chat-delete"},
    {L"\x1b[A", L"ed-prev-history"},
    {L"\x1bOA", L"ed-prev-history"},
    {L"\x1b[B", L"ed-next-history"},
    {L"\x1bOB", L"ed-next-history"},
    {L"\x1b[H", L"ed-move-to-beg"},
    {L"\x1bOH", L"ed-move-to-beg"},
    {L"\x1b[1~", L"ed-move-to-beg"},
    {L"\x1b[7~", L"ed-move-to-beg"},
    {L"\x1b[F", L"ed-move-to-end"},
    {L"\x1bOF", L"ed-move-to-end"},
    {L"\x1b[4~", L"ed-move-to-end"},
    {L"\x1b[8~", L"ed-move-to-end"},
    {L"\x1b[1;5C", L"em-next-word"},
    {L"\x1b[1;3C", L"em-next-word"},
    {L"\x1b[1;5D", L"ed-prev-word"},
    {L"\x1b[1;3D", L"ed-prev-word"},
    {L"\\e^?", L"ed-delete-prev-word"},
    {L"^W", L"ed-delete-prev-word"},
    {L"^U", L"vi-kill-line-prev"},
    {L"^V", L"ed-unassigned"},
    {L"^X", L"ed-unassigned"},
    {L"\\ex", L"ed-unassigned"},
    {L"\\eX", L"ed-unassigned"},
};

static bool is_sequence(const wchar_t *keys, struct str sequence)
{
    if (wcslen(keys) != sequence.size)
        return false;
    for (size_t i = 0; i < sequence.size; i++) {
        if (keys[i] != (wchar_t)(unsigned char)sequence.data[i])
            return false;
    }
    return true;
}

/* libedit takes the end of a sequence that it does not know for text. */
static bool is_known(struct str sequence)
{
    if (sequence.size == 2)
        return true;
    for (size_t i = 0; i < sizeof bindings / sizeof *bindings; i++) {
        if (is_sequence(bindings[i].keys, sequence))
            return true;
    }
    return false;
}

/* The next character of the key that is being dealt with; 0 if it has no more. */
static int read_key(EditLine *el, wchar_t *out)
{
    struct editor *e;
    el_get(el, EL_CLIENTDATA, &e);
    if (!e->key || e->key_at == e->key->bytes.size) {
        e->starved = true;
        return 0;
    }
    if (e->key->type == KEY_TEXT) {
        *out = (wchar_t)e->key->code;
        e->key_at = e->key->bytes.size;
    } else {
        *out = (wchar_t)(unsigned char)e->key->bytes.data[e->key_at++];
    }
    return 1;
}

static wchar_t *no_prompt(EditLine *el)
{
    (void)el;
    static wchar_t nothing[] = L"";
    return nothing;
}

/* What the user's terminal has for "take the next one literally" would ask for another key. */
static void unbind_literal_next(EditLine *el, int tty)
{
    struct termios modes;
    if (tcgetattr(tty, &modes) < 0 || modes.c_cc[VLNEXT] == _POSIX_VDISABLE)
        return;
    wchar_t key[] = {(wchar_t)modes.c_cc[VLNEXT], L'\0'};
    el_wset(el, EL_BIND, key, L"ed-unassigned", NULL);
}

static void bind_keys(EditLine *el, int tty)
{
    el_wset(el, EL_EDITOR, L"emacs");
    el_wset(el, EL_ADDFN, L"chat-left", L"Move back over a character", on_left);
    el_wset(el, EL_ADDFN, L"chat-right", L"Move over a character", on_right);
    el_wset(el, EL_ADDFN, L"chat-backspace", L"Delete the character before", on_backspace);
    el_wset(el, EL_ADDFN, L"chat-delete", L"Delete the character behind", on_delete);
    unbind_literal_next(el, tty);
    for (size_t i = 0; i < sizeof bindings / sizeof *bindings; i++)
        el_wset(el, EL_BIND, bindings[i].keys, bindings[i].command, NULL);
}

/* A stream that takes everything and leads nowhere. */
static FILE *open_nowhere(void)
{
    return fopencookie(NULL, "w", (cookie_io_functions_t){0});
}

static int set_up(struct editor *e, int tty)
{
    e->nowhere = open_nowhere();
    e->history = history_winit();
    if (!e->nowhere || !e->history)
        return -ENOMEM;
    e->el = el_init_fd("chatroom_client", e->nowhere, e->nowhere, e->nowhere, tty, tty, tty);
    if (!e->el)
        return -ENOMEM;
    HistEventW ev;
    history_w(e->history, &ev, H_SETSIZE, EDITOR_HISTORY_MAX);
    el_set(e->el, EL_CLIENTDATA, e);
    bind_keys(e->el, tty);
    el_wset(e->el, EL_PROMPT, no_prompt);
    el_wset(e->el, EL_HIST, history_w, e->history);
    el_wset(e->el, EL_GETCFN, read_key);
    el_wset(e->el, EL_UNBUFFERED, 1);
    return 0;
}

int editor_new(struct editor **out, int tty)
{
    if (!isatty(tty))
        return -ENOTTY;
    struct editor *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    int rc = set_up(e, tty);
    if (rc < 0)
        editor_free(e);
    else
        *out = e;
    return rc;
}

/* Without editing, libedit leaves the terminal's modes alone at its end. */
void editor_free(struct editor *e)
{
    if (!e)
        return;
    if (e->el) {
        el_wset(e->el, EL_EDITMODE, 0);
        el_end(e->el);
    }
    if (e->history)
        history_wend(e->history);
    if (e->nowhere)
        fclose(e->nowhere);
    buffer_fini(&e->text);
    search_fini(&e->search);
    free(e);
}

/* ---- changing the line --------------------------------------------------------------------- */

/* el_reset() begins a new line; where it edits it would also set the terminal's modes. */
void editor_clear(struct editor *e)
{
    e->search.active = false;
    el_wset(e->el, EL_EDITMODE, 0);
    el_reset(e->el);
    el_wset(e->el, EL_EDITMODE, 1);
    e->text_valid = false;
}

static void empty(struct editor *e)
{
    int count = (int)characters(e);
    el_cursor(e->el, count);
    if (count > 0)
        el_wdeletestr(e->el, count);
    e->text_valid = false;
}

static bool insert(struct editor *e, struct str text)
{
    size_t count;
    if (text.size == 0)
        return true;
    wchar_t *wide = widen(text, &count);
    bool fits = wide && characters(e) + count <= EDITOR_CHARACTERS_MAX;
    if (fits)
        fits = el_winsertstr(e->el, wide) == 0;
    free(wide);
    e->text_valid = false;
    return fits;
}

void editor_set(struct editor *e, struct str text, size_t cursor)
{
    empty(e);
    if (insert(e, text))
        editor_back(e, text.size - cursor);
}

void editor_back(struct editor *e, size_t bytes)
{
    int count = characters_before(e, bytes);
    el_cursor(e->el, -count);
    e->text_valid = false;
}

bool editor_replace(struct editor *e, size_t remove, struct str text)
{
    search_accept(e);
    size_t removed = (size_t)characters_before(e, remove);
    if (characters(e) - removed + text.size > EDITOR_CHARACTERS_MAX)
        return false;
    if (removed > 0)
        el_wdeletestr(e->el, (int)removed);
    e->text_valid = false;
    return insert(e, text);
}

/* ---- keys ---------------------------------------------------------------------------------- */

/* Takes back what libedit makes of an end of input: a Ctrl-D at the end of the line. */
static void forget_end_of_input(struct editor *e)
{
    const LineInfoW *line = el_wline(e->el);
    if (line->lastchar == line->buffer || line->lastchar[-1] != L'\x04')
        return;
    el_cursor(e->el, (int)(line->lastchar - line->cursor));
    el_wdeletestr(e->el, 1);
}

static enum editor_result pass_on(struct editor *e, const struct key *key)
{
    int count;
    e->key = key;
    e->key_at = 0;
    e->starved = false;
    el_wgets(e->el, &count);
    e->key = NULL;
    e->text_valid = false;
    if (!e->starved)
        return EDITOR_EDITED;
    forget_end_of_input(e);
    return EDITOR_REFUSED;
}

/* Letters go around libedit's table of keys: for half of them it depends on the locale whether they
 * are letters there. */
static enum editor_result type(struct editor *e, const struct key *key)
{
    if (characters(e) >= EDITOR_CHARACTERS_MAX)
        return EDITOR_REFUSED;
    if (key->code < 0x80)
        return pass_on(e, key);
    static const char replacement[] = "\xef\xbf\xbd";
    bool whole = key->code != 0xfffd;
    return insert(e, whole ? key->bytes : str_of(replacement)) ? EDITOR_EDITED : EDITOR_REFUSED;
}

static enum editor_result interrupt(struct editor *e)
{
    if (characters(e) == 0)
        return EDITOR_INTERRUPT;
    editor_clear(e);
    return EDITOR_EDITED;
}

/* Yanking doubles a line at most, so it may go over the limit once. */
static enum editor_result control(struct editor *e, const struct key *key)
{
    switch (key->code) {
    case 'M':
    case 'J':
        return EDITOR_LINE;
    case 'I':
        return EDITOR_COMPLETE;
    case 'C':
        return interrupt(e);
    case 'Z':
        return EDITOR_SUSPEND;
    case 'L':
        return EDITOR_REDRAW;
    case 'R':
    case 'S':
        search_begin(e);
        return EDITOR_EDITED;
    case 'D':
        return characters(e) == 0 ? EDITOR_END : pass_on(e, key);
    case 'Y':
        return characters(e) < EDITOR_CHARACTERS_MAX ? pass_on(e, key) : EDITOR_REFUSED;
    case 'G':
    case 'Q':
    case '\\':
        return EDITOR_REFUSED;
    default:
        return pass_on(e, key);
    }
}

enum editor_result editor_key(struct editor *e, const struct key *key)
{
    if (e->search.active && search_key(e, key))
        return e->search.failed ? EDITOR_REFUSED : EDITOR_EDITED;
    switch (key->type) {
    case KEY_TEXT:
        return type(e, key);
    case KEY_CONTROL:
        return control(e, key);
    case KEY_SEQUENCE:
        return is_known(key->bytes) ? pass_on(e, key) : EDITOR_REFUSED;
    default:
        return EDITOR_REFUSED;
    }
}

/* ---- history ------------------------------------------------------------------------------- */

/* Deletes the line from the history, where it is. H_DEL hands out the string, to be freed. */
static void forget(struct editor *e, const wchar_t *line)
{
    HistEventW ev;
    for (int rc = history_w(e->history, &ev, H_FIRST); rc >= 0;
         rc = history_w(e->history, &ev, H_NEXT)) {
        if (wcscmp(ev.str, line) == 0) {
            if (history_w(e->history, &ev, H_DEL, ev.num) == 0)
                free((wchar_t *)ev.str);
            return;
        }
    }
}

void editor_remember(struct editor *e, struct str line)
{
    size_t count;
    wchar_t *wide = widen(line, &count);
    if (!wide)
        return;
    HistEventW ev;
    forget(e, wide);
    history_w(e->history, &ev, H_ENTER, wide);
    free(wide);
}

struct editor_search editor_search(const struct editor *e)
{
    return (struct editor_search){
        .active = e->search.active,
        .failed = e->search.active && e->search.failed,
        .word = buffer_str(&e->search.word),
    };
}
