/*
 * Ctrl-R: the newest line of the history that holds what is typed, and with each further Ctrl-R the
 * next older one; Ctrl-S goes back. Any key that edits or moves ends it and applies to what was
 * found; Ctrl-G and Ctrl-C bring back the line as it was. (libedit has such a search, but it reads
 * the keyboard in a loop of its own until it is over.)
 */
#include "editor_impl.h"
#include "text.h"

void search_fini(struct search *s)
{
    buffer_fini(&s->word);
    buffer_fini(&s->before);
}

static bool holds(struct str line, struct str word)
{
    for (; line.size >= word.size; line = str_skip(line, 1)) {
        if (text_equal_fold(str_from(line.data, word.size), word))
            return true;
        if (line.size == 0)
            break;
    }
    return false;
}

/* Walks through the history from line number `from` on, 1 is the newest, to the older ones or the
 * newer ones, and stops at the first line that holds the word. Returns its number with its text in
 * *line, or 0. */
static size_t look(struct editor *e, size_t from, bool older, struct buffer *line)
{
    size_t found = 0;
    size_t at = 1;
    HistEventW ev;
    for (int rc = history_w(e->history, &ev, H_FIRST); rc >= 0;
         rc = history_w(e->history, &ev, H_NEXT), at++) {
        if (!older && at > from)
            break;
        struct buffer text = {0};
        editor_add_wide(&text, ev.str, wcslen(ev.str));
        bool candidate = !older || at >= from;
        if (candidate && holds(buffer_str(&text), buffer_str(&e->search.word))) {
            buffer_clear(line);
            buffer_add(line, buffer_str(&text));
            found = at;
        }
        buffer_fini(&text);
        if (found && older)
            break;
    }
    return found;
}

/* Shows what is found from line number `from` on. */
static void show(struct editor *e, size_t from, bool older)
{
    struct search *s = &e->search;
    struct buffer line = {0};
    size_t found = s->word.size > 0 ? look(e, from, older, &line) : 0;
    s->failed = found == 0 && s->word.size > 0;
    if (found) {
        s->at = found;
        editor_set(e, buffer_str(&line), line.size);
    }
    buffer_fini(&line);
}

void search_begin(struct editor *e)
{
    struct search *s = &e->search;
    s->active = true;
    s->failed = false;
    s->at = 0;
    buffer_clear(&s->word);
    buffer_clear(&s->before);
    buffer_add(&s->before, editor_text(e));
    s->before_cursor = editor_cursor(e);
}

void search_accept(struct editor *e)
{
    e->search.active = false;
}

static void search_abandon(struct editor *e)
{
    e->search.active = false;
    editor_set(e, buffer_str(&e->search.before), e->search.before_cursor);
}

static void lengthen(struct editor *e, struct str character)
{
    struct search *s = &e->search;
    if (s->word.size + character.size > EDITOR_CHARACTERS_MAX)
        return;
    buffer_add(&s->word, character);
    show(e, s->at ? s->at : 1, true);
}

static void shorten(struct editor *e)
{
    struct search *s = &e->search;
    while (s->word.size > 0 && ((unsigned char)s->word.data[--s->word.size] & 0xc0) == 0x80)
        ;
    s->at = 0;
    if (s->word.size == 0)
        editor_set(e, buffer_str(&s->before), s->before_cursor);
    show(e, 1, true);
}

static void go_on(struct editor *e, bool older)
{
    struct search *s = &e->search;
    if (older)
        show(e, s->at + 1, true);
    else if (s->at > 1)
        show(e, s->at - 1, false);
    else
        s->failed = true;
}

static bool search_control(struct editor *e, uint32_t code)
{
    switch (code) {
    case 'R':
    case 'S':
        go_on(e, code == 'R');
        return true;
    case 'H':
    case '?':
        shorten(e);
        return true;
    case 'C':
    case 'G':
        search_abandon(e);
        return true;
    default:
        search_accept(e);
        return false;
    }
}

bool search_key(struct editor *e, const struct key *key)
{
    if (key->type == KEY_CONTROL)
        return search_control(e, key->code);
    if (key->type != KEY_TEXT) {
        search_accept(e);
        return false;
    }
    lengthen(e, key->bytes);
    return true;
}
