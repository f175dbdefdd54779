/*
 * The editor as its user knows it: keys in, and what the line is then, "with the cur|sor". It has a
 * pseudo-terminal, which libedit wants to see, and which nobody reads.
 */
#include "buffer.h"
#include "editor.h"
#include "unit.h"

#include <errno.h>
#include <locale.h>
#include <pty.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define NI_HAO "\xe4\xbd\xa0\xe5\xa5\xbd"
#define ACUTE  "\xcc\x81"
#define LEFT   "\x1b[D"
#define RIGHT  "\x1b[C"
#define UP     "\x1b[A"
#define DOWN   "\x1b[B"
#define DEL    "\x1b[3~"

struct world {
    int terminal[2];
    struct editor *e;
};

static int set_up(void **state)
{
    static struct world w;
    assert_int_equal(openpty(&w.terminal[0], &w.terminal[1], NULL, NULL, NULL), 0);
    assert_int_equal(editor_new(&w.e, w.terminal[1]), 0);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    editor_free(w->e);
    close(w->terminal[0]);
    close(w->terminal[1]);
    return 0;
}

/* Types the keys; returns what the last one led to. */
static enum editor_result type_bytes(struct world *w, struct str bytes)
{
    struct keys keys = {0};
    struct key key;
    enum editor_result result = EDITOR_EDITED;
    while (keys_next(&keys, &bytes, 0, &key))
        result = editor_key(w->e, &key);
    return result;
}

static enum editor_result type(struct world *w, const char *bytes)
{
    return type_bytes(w, str_of(bytes));
}

static void assert_line(struct world *w, const char *expected)
{
    struct str text = editor_text(w->e);
    size_t cursor = editor_cursor(w->e);
    struct buffer shown = {0};
    buffer_add(&shown, str_from(text.data, cursor));
    buffer_add_char(&shown, '|');
    buffer_add(&shown, str_skip(text, cursor));
    assert_str(buffer_str(&shown), str_of(expected));
    buffer_fini(&shown);
}

/* Types the keys and looks at the line. */
static void check(struct world *w, const char *keys, const char *expected)
{
    type(w, keys);
    assert_line(w, expected);
}

static void letters(void **state)
{
    struct world *w = *state;
    assert_line(w, "|");
    check(w, "hello", "hello|");
    check(w, "\x01gr\xc3\xbc\xc3\x9f " NI_HAO " ", "gr\xc3\xbc\xc3\x9f " NI_HAO " |hello");
    check(w, "\x05\xff!", "gr\xc3\xbc\xc3\x9f " NI_HAO " hello\xef\xbf\xbd!|");
}

static void emacs_keys(void **state)
{
    struct world *w = *state;
    check(w, "one two three", "one two three|");
    check(w,
          "\x1b"
          "b\x1b"
          "b",
          "one |two three");
    check(w,
          "\x1b"
          "f",
          "one two| three");
    check(w, "\x01\x06\x06", "on|e two three");
    check(w, "\x02\x04", "o|e two three");
    check(w, "\x0b", "o|");
    check(w, "\x19\x19", "oe two threee two three|");
    check(w, "\x17", "oe two threee two |");
    check(w, "\x15", "|");
    check(w, "ab\x14", "ba|");
    check(w,
          "\x01\x1b"
          "u",
          "BA|");
    check(w, "\x1b[H.\x1b[F.", ".BA.|");
    check(w, "\x1b[1~\x1b[3~\x1b[4~\x7f", "BA|");
    check(w, " x y\x1b[1;5D\x1b[1;5D", "BA |x y");
    check(w, "\x1b[1;5C\x1b\x7f", "BA | y");
}

static void a_letter_and_its_accents_are_one(void **state)
{
    struct world *w = *state;
    check(w, "ae" ACUTE NI_HAO "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb.",
          "ae" ACUTE NI_HAO "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb.|");
    check(w, LEFT "\x7f", "ae" ACUTE NI_HAO "|.");
    check(w, LEFT LEFT LEFT, "a|e" ACUTE NI_HAO ".");
    check(w, DEL, "a|" NI_HAO ".");
    check(w, RIGHT "\x7f\x7f", "|\xe5\xa5\xbd.");
    check(w, LEFT, "|\xe5\xa5\xbd.");
    assert_int_not_equal(type(w, "\x7f"), EDITOR_LINE);
    check(w, RIGHT RIGHT RIGHT DEL, "\xe5\xa5\xbd.|");
}

static void keys_that_are_not_its_own(void **state)
{
    struct world *w = *state;
    assert_int_equal(type(w, "\x04"), EDITOR_END);
    assert_int_equal(type(w, "\x03"), EDITOR_INTERRUPT);
    assert_int_equal(type(w, "\x1a"), EDITOR_SUSPEND);
    assert_int_equal(type(w, "\x0c"), EDITOR_REDRAW);
    type(w, "x");
    assert_int_equal(type(w, "\t"), EDITOR_COMPLETE);
    assert_int_equal(type(w, "\r"), EDITOR_LINE);
    assert_int_equal(type(w, "\n"), EDITOR_LINE);
    assert_line(w, "x|");
    assert_int_equal(type(w, "\x04"), EDITOR_EDITED);
    assert_int_equal(type(w, "\x03"), EDITOR_EDITED);
    assert_line(w, "|");
}

/* None of them may end the input, wait, or leave a trace. */
static void keys_that_do_nothing(void **state)
{
    struct world *w = *state;
    type(w, "x");
    static const char *const keys[] = {"\x1b[15~", "\x1b[[A",     "\x1bOP", "\x16",   "\x18",
                                       "\x1bx",    "\x1b[1;2P",   "\x1c",   "\x1d",   "\x07",
                                       "\x1b[Z",   "\x1b[200;3x", "\x11",   "\x1b[A", "\x1b[B"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        enum editor_result result = type(w, keys[i]);
        assert_true(result == EDITOR_REFUSED || result == EDITOR_EDITED);
        assert_line(w, "x|");
    }
    check(w, "y", "xy|");
}

static void literal_next_of_the_users_terminal(void **state)
{
    struct world *w = *state;
    struct termios modes;
    assert_int_equal(tcgetattr(w->terminal[1], &modes), 0);
    modes.c_cc[VLNEXT] = 15; /* Ctrl-O */
    assert_int_equal(tcsetattr(w->terminal[1], TCSANOW, &modes), 0);
    editor_free(w->e);
    assert_int_equal(editor_new(&w->e, w->terminal[1]), 0);
    check(w,
          "a\x0f"
          "b",
          "ab|");
}

static void history(void **state)
{
    struct world *w = *state;
    editor_remember(w->e, STR("one"));
    editor_remember(w->e, STR("two " NI_HAO));
    editor_remember(w->e, STR("three"));
    editor_remember(w->e, STR("one"));
    check(w, "draft", "draft|");
    check(w, UP, "one|");
    check(w, UP, "three|");
    check(w, "\x10", "two " NI_HAO "|");
    check(w, UP, "two " NI_HAO "|");
    check(w, DOWN DOWN "\x0e", "draft|");
    check(w, UP UP "!", "three!|");
    editor_clear(w->e);
    assert_line(w, "|");
    check(w, UP, "one|");
}

static void history_is_bounded(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < EDITOR_HISTORY_MAX + 10; i++) {
        char line[16];
        snprintf(line, sizeof line, "line %d", i);
        editor_remember(w->e, str_of(line));
    }
    for (int i = 0; i < EDITOR_HISTORY_MAX + 20; i++)
        type(w, UP);
    assert_line(w, "line 10|");
}

static void assert_search(struct world *w, const char *word, bool failed)
{
    struct editor_search search = editor_search(w->e);
    assert_true(search.active);
    assert_str(search.word, str_of(word));
    assert_int_equal(search.failed, failed);
}

static void search(void **state)
{
    struct world *w = *state;
    editor_remember(w->e, STR("make tea"));
    editor_remember(w->e, STR("Make coffee"));
    editor_remember(w->e, STR("drink"));
    type(w, "draft" LEFT "\x12");
    assert_search(w, "", false);
    assert_line(w, "draf|t");
    check(w, "ma", "Make coffee|");
    assert_search(w, "ma", false);
    check(w, "\x12", "make tea|");
    assert_int_equal(type(w, "\x12"), EDITOR_REFUSED);
    assert_search(w, "ma", true);
    assert_line(w, "make tea|");
    check(w, "\x13", "Make coffee|");
    check(w, "ke t", "make tea|");
    check(w, "\x7f\x7f", "Make coffee|");
    assert_search(w, "make", false);
    check(w, "\x07", "draf|t");
    assert_false(editor_search(w->e).active);
}

static void search_ends(void **state)
{
    struct world *w = *state;
    editor_remember(w->e, STR("make tea"));
    editor_remember(w->e, STR(NI_HAO));
    assert_int_equal(type(w, "\x12tea\r"), EDITOR_LINE);
    assert_line(w, "make tea|");
    assert_false(editor_search(w->e).active);
    editor_clear(w->e);
    check(w,
          "\x12"
          "ea" LEFT "!",
          "make te!|a");
    editor_clear(w->e);
    check(w, "x\x12\xe4\xbd\xa0", NI_HAO "|");
    check(w, "\x7f", "x|");
    check(w, "zz", "x|");
    assert_search(w, "zz", true);
    check(w, "\x03", "x|");
    assert_false(editor_search(w->e).active);
    type(w, "\x12te");
    assert_true(editor_replace(w->e, 0, STR(" pasted")));
    assert_line(w, "make tea pasted|");
    assert_false(editor_search(w->e).active);
}

static void replacing(void **state)
{
    struct world *w = *state;
    type(w, NI_HAO " b!" LEFT);
    assert_true(editor_replace(w->e, 1, STR("bob ")));
    assert_line(w, NI_HAO " bob |!");
    assert_true(editor_replace(w->e, 6 + 5, STR("")));
    assert_line(w, "|!");
    assert_true(editor_replace(w->e, 0, STR(NI_HAO)));
    editor_back(w->e, 3);
    assert_line(w, "\xe4\xbd\xa0|\xe5\xa5\xbd!");
}

static void the_line_has_a_limit(void **state)
{
    struct world *w = *state;
    struct buffer text = {0};
    buffer_add_times(&text, 'x', EDITOR_CHARACTERS_MAX + 1);
    assert_false(editor_replace(w->e, 0, buffer_str(&text)));
    assert_line(w, "|");
    text.size--;
    assert_true(editor_replace(w->e, 0, buffer_str(&text)));
    assert_int_equal(type(w, "y"), EDITOR_REFUSED);
    assert_int_equal(type(w, "\xc3\xbc"), EDITOR_REFUSED);
    assert_int_equal(editor_text(w->e).size, EDITOR_CHARACTERS_MAX);
    for (int i = 0; i < 10; i++)
        type(w, "\x15\x19\x19");
    assert_in_range(editor_text(w->e).size, EDITOR_CHARACTERS_MAX, 3 * EDITOR_CHARACTERS_MAX);
    buffer_fini(&text);
}

static void it_needs_a_terminal(void **state)
{
    (void)state;
    int ends[2];
    struct editor *e;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(editor_new(&e, ends[0]), -ENOTTY);
    close(ends[0]);
    close(ends[1]);
}

/* The modes of the terminal are somebody else's business, from editor_new() on. */
static void modes_are_left_alone(void **state)
{
    struct world *w = *state;
    struct termios before = {0};
    struct termios after = {0};
    assert_int_equal(tcgetattr(w->terminal[1], &before), 0);
    before.c_lflag &= ~(tcflag_t)(ISIG | ICANON | ECHO | IEXTEN);
    before.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
    assert_int_equal(tcsetattr(w->terminal[1], TCSANOW, &before), 0);
    for (int round = 0; round < 3; round++) {
        type(w, "some text\x12x\x07" UP LEFT "\x16\x18\x03\x04");
        editor_remember(w->e, STR("some text"));
        editor_clear(w->e);
    }
    editor_free(w->e);
    assert_int_equal(tcgetattr(w->terminal[1], &after), 0);
    assert_memory_equal(&after, &before, sizeof after);
    w->e = NULL;
}

/* ---- against a model ------------------------------------------------------------------------ */

static const char *const clusters[] = {
    "a", " ", "-", "\xc3\xbc", "\xe4\xbd\xa0", ("e" ACUTE), "\xf0\x9f\x91\x8b"};

enum { MODEL_MAX = 300 };

/* Clusters, by their number. */
struct model {
    size_t size;
    size_t cursor;
    unsigned char line[MODEL_MAX];
};

static void model_insert(struct model *m, unsigned char cluster)
{
    memmove(&m->line[m->cursor + 1], &m->line[m->cursor], m->size - m->cursor);
    m->line[m->cursor++] = cluster;
    m->size++;
}

static void model_delete(struct model *m, size_t from, size_t count)
{
    memmove(&m->line[from], &m->line[from + count], m->size - from - count);
    m->size -= count;
}

static void model_key(struct model *m, int key)
{
    switch (key) {
    case 0: /* left */
        m->cursor -= m->cursor > 0;
        break;
    case 1: /* right */
        m->cursor += m->cursor < m->size;
        break;
    case 2:
        m->cursor = 0;
        break;
    case 3:
        m->cursor = m->size;
        break;
    case 4: /* backspace */
        if (m->cursor > 0)
            model_delete(m, --m->cursor, 1);
        break;
    case 5: /* delete */
        if (m->cursor < m->size)
            model_delete(m, m->cursor, 1);
        break;
    case 6: /* kill to the end */
        m->size = m->cursor;
        break;
    default: /* kill to the start */
        model_delete(m, 0, m->cursor);
        m->cursor = 0;
        break;
    }
}

static void assert_like(struct world *w, const struct model *m)
{
    char text[MODEL_MAX * 8] = "";
    for (size_t i = 0; i < m->size; i++) {
        if (i == m->cursor)
            strcat(text, "|");
        strcat(text, clusters[m->line[i]]);
    }
    assert_line(w, m->cursor == m->size ? strcat(text, "|") : text);
}

static void as_the_model_does(void **state)
{
    struct world *w = *state;
    static const char *const keys[] = {LEFT, RIGHT, "\x01", "\x05", "\x7f", DEL, "\x0b", "\x15"};
    struct unit_random r = {5};
    struct model m = {0};
    for (int round = 0; round < 20000; round++) {
        bool letter = m.size < MODEL_MAX - 1 && unit_below(&r, 3) > 0;
        int key = (int)unit_below(&r, unit_below(&r, 10) == 0 ? 8 : 6);
        unsigned char cluster = (unsigned char)unit_below(&r, COUNT_OF(clusters));
        type(w, letter ? clusters[cluster] : keys[key]);
        if (letter)
            model_insert(&m, cluster);
        else
            model_key(&m, key);
        assert_like(w, &m);
    }
}

/* Whatever is typed: the line is well-formed, the cursor in it, and nobody waits. */
static void any_keys(void **state)
{
    struct world *w = *state;
    struct unit_random r = {9};
    for (int round = 0; round < 30000; round++) {
        char bytes[6];
        size_t size = 1 + unit_below(&r, sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)unit_below(&r, unit_below(&r, 2) ? 256 : 32);
        if (unit_below(&r, 3) == 0)
            bytes[0] = '\x1b';
        if (type_bytes(w, str_from(bytes, size)) == EDITOR_LINE) {
            editor_remember(w->e, editor_text(w->e));
            editor_clear(w->e);
        }
        struct str text = editor_text(w->e);
        assert_in_range(editor_cursor(w->e), 0, text.size);
        assert_true(editor_cursor(w->e) == text.size ||
                    ((unsigned char)text.data[editor_cursor(w->e)] & 0xc0) != 0x80);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    /* libtinfo loses some bytes for each terminal that has attributes; and none are needed. */
    setenv("TERM", "dumb", 1);
    setlocale(LC_CTYPE, argc > 1 ? argv[1] : "C.UTF-8");
    const struct CMUnitTest tests[] = {
        test(letters),
        test(emacs_keys),
        test(a_letter_and_its_accents_are_one),
        test(keys_that_are_not_its_own),
        test(keys_that_do_nothing),
        test(literal_next_of_the_users_terminal),
        test(history),
        test(history_is_bounded),
        test(search),
        test(search_ends),
        test(replacing),
        test(the_line_has_a_limit),
        cmocka_unit_test(it_needs_a_terminal),
        test(modes_are_left_alone),
        test(as_the_model_does),
        test(any_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
