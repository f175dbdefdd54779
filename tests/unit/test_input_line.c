/*
 * The line at the bottom, drawn into a terminal of one row: what a person would see, where the
 * cursor is, and that it never leaves its row.
 */
#include "glyph.h"
#include "input_line.h"
#include "unit.h"

#include <stdlib.h>

#define NI_HAO "\xe4\xbd\xa0\xe5\xa5\xbd"
#define ACUTE  "\xcc\x81"

enum { COLUMNS_MAX = 200 };

/* A row of a terminal. A cell is the bytes of a character; the second half of a wide one is "". */
struct row {
    size_t columns;
    size_t cursor;
    char cells[COLUMNS_MAX][16];
};

static void row_clear_from(struct row *r, size_t column)
{
    for (; column < r->columns; column++)
        strcpy(r->cells[column], " ");
}

/* One character. Writing into the last column would leave the row: that is a failure. */
static void row_put(struct row *r, const struct glyph *g)
{
    if (g->columns == 0) {
        size_t at = r->cursor - 1;
        while (r->cells[at][0] == '\0')
            at--;
        strncat(r->cells[at], g->bytes.data, g->bytes.size);
        return;
    }
    assert_true(r->cursor + g->columns < r->columns || r->columns == 1);
    assert_true(r->cursor + g->columns <= r->columns);
    snprintf(r->cells[r->cursor], sizeof *r->cells, STR_FMT, STR_ARG(g->bytes));
    if (g->columns == 2)
        r->cells[r->cursor + 1][0] = '\0';
    r->cursor += g->columns;
}

/* CSI ...: K, C, m. */
static struct str row_sequence(struct row *r, struct str in)
{
    assert_true(str_starts_with(in, STR("\x1b[")));
    char *end;
    unsigned long n = strtoul(in.data + 2, &end, 10);
    while (*end == ';' || (*end >= '0' && *end <= '9'))
        end++;
    if (*end == 'K')
        row_clear_from(r, r->cursor);
    else if (*end == 'C')
        r->cursor += n;
    else
        assert_int_equal(*end, 'm');
    return str_skip(in, (size_t)(end + 1 - in.data));
}

static void row_write(struct row *r, struct str in)
{
    struct glyph g;
    while (in.size > 0) {
        if (in.data[0] == '\x1b') {
            in = row_sequence(r, in);
            continue;
        }
        glyph_take(&in, &g);
        if (g.code == '\r')
            r->cursor = 0;
        else if (g.code == '\b')
            r->cursor--;
        else
            row_put(r, &g);
    }
}

/* What is in the row, without blanks at the end. */
static void row_text(const struct row *r, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < r->columns; i++)
        strncat(out, r->cells[i], size - strlen(out) - 1);
    size_t length = strlen(out);
    while (length > 0 && out[length - 1] == ' ')
        out[--length] = '\0';
}

struct world {
    struct input_line line;
    struct input_screen screen;
    struct row row;
};

static struct world world(size_t columns)
{
    struct world w = {.screen = {.columns = columns, .utf8 = true}, .row = {.columns = columns}};
    row_clear_from(&w.row, 0);
    return w;
}

static void draw(struct world *w, const struct input_look *look)
{
    struct buffer out = {0};
    input_line_draw(&w->line, &w->screen, look, &out);
    if (w->screen.dumb)
        assert_null(memchr(out.data, '\x1b', out.size));
    row_write(&w->row, buffer_str(&out));
    assert_int_equal(w->row.cursor, w->line.cursor);
    buffer_fini(&out);
}

/* Draws `prompt` and `text`; the cursor stands at the '|' in `text`. */
static void show(struct world *w, const char *prompt, const char *text)
{
    char without[4096];
    const char *bar = strchr(text, '|');
    size_t cursor = (size_t)(bar - text);
    snprintf(without, sizeof without, "%.*s%s", (int)cursor, text, bar + 1);
    struct input_look look = {.prompt = str_of(prompt),
                              .colour = w->screen.dumb ? STR("") : STR("36"),
                              .text = str_of(without),
                              .cursor = cursor};
    draw(w, &look);
}

static void assert_row(const struct world *w, const char *expected, size_t cursor)
{
    char text[2048];
    row_text(&w->row, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(w->row.cursor, cursor);
}

static void a_short_line(void **state)
{
    (void)state;
    for (int dumb = 0; dumb < 2; dumb++) {
        struct world w = world(40);
        w.screen.dumb = dumb;
        show(&w, "[#lobby] ", "|");
        assert_row(&w, "[#lobby]", 9);
        show(&w, "[#lobby] ", "hello|");
        assert_row(&w, "[#lobby] hello", 14);
        show(&w, "[#lobby] ", "he|llo");
        assert_row(&w, "[#lobby] hello", 11);
        show(&w, "> ", "hi|");
        assert_row(&w, "> hi", 4);
    }
}

static void it_is_erased(void **state)
{
    (void)state;
    for (int dumb = 0; dumb < 2; dumb++) {
        struct world w = world(40);
        w.screen.dumb = dumb;
        show(&w, "[#lobby] ", "he|llo");
        struct buffer out = {0};
        input_line_erase(&w.line, &w.screen, &out);
        row_write(&w.row, buffer_str(&out));
        assert_row(&w, "", 0);
        buffer_fini(&out);
        show(&w, "> ", "x|");
        assert_row(&w, "> x", 3);
    }
}

static void wide_and_combining_characters(void **state)
{
    (void)state;
    struct world w = world(40);
    show(&w, "> ", NI_HAO "|");
    assert_row(&w, "> " NI_HAO, 6);
    show(&w, "> ", NI_HAO "e" ACUTE "|x");
    assert_row(&w, "> " NI_HAO "e" ACUTE "x", 7);
    w.screen.utf8 = false;
    show(&w, "> ", NI_HAO "|");
    assert_row(&w, "> ????", 6);
}

static void a_long_line_is_shown_around_the_cursor(void **state)
{
    (void)state;
    struct world w = world(21);
    show(&w, "", "0123456789abcdefghi|");
    assert_row(&w, "0123456789abcdefghi", 19);
    show(&w, "", "0123456789abcdefghij|");
    assert_row(&w, "<23456789abcdefghij", 19);
    show(&w, "", "0123456789abcde|fghij");
    assert_row(&w, "<23456789abcdefghij", 14);
    show(&w, "", "|0123456789abcdefghij");
    assert_row(&w, "0123456789abcdefghij", 0);
    show(&w, "", "0123456789|abcdefghijklmnopqrstuvwxyz");
    assert_row(&w, "0123456789abcdefghi>", 10);
    show(&w, "", "0123456789abcdefghijklmn|opqrstuvwxyz");
    assert_row(&w, "<bcdefghijklmnopqrs>", 14);
}

static void a_long_prompt_leaves_half_of_the_row(void **state)
{
    (void)state;
    struct world w = world(21);
    show(&w, "[#a-rather-long-room] <ann> ", "hello|");
    assert_row(&w, "[#a-ratherhello", 15);
}

static void one_column(void **state)
{
    (void)state;
    for (int dumb = 0; dumb < 2; dumb++) {
        struct world w = world(1);
        w.screen.dumb = dumb;
        show(&w, "[#lobby] ", "|abc");
        assert_row(&w, "a", w.line.cursor);
        show(&w, "[#lobby] ", "ab|c");
        assert_row(&w, "c", w.line.cursor);
        show(&w, "[#lobby] ", "abc|");
        assert_row(&w, "", 0);
        show(&w, "", NI_HAO "|");
        assert_row(&w, "", 0);
    }
}

static void a_narrower_terminal(void **state)
{
    (void)state;
    struct world w = world(60);
    show(&w, "[#lobby] ", "twenty columns and more, of which the cursor is at the|end");
    w.screen.columns = 20;
    struct buffer out = {0};
    input_line_erase_resized(&w.line, &w.screen, &out);
    assert_str(buffer_str(&out), STR("\r\x1b[2A\x1b[K\x1b[B\x1b[K\x1b[B\x1b[K\x1b[2A"));
    buffer_clear(&out);
    w.line.drawn = 12;
    input_line_erase_resized(&w.line, &w.screen, &out);
    assert_str(buffer_str(&out), STR("\r\x1b[K"));
    buffer_fini(&out);
}

/* The glyph of `text` at byte `at`, with what combines with it; " " at the end. */
static struct str cluster_at(struct str text, size_t at)
{
    struct str rest = str_skip(text, at);
    struct glyph g;
    const char *start = rest.data;
    if (!glyph_take(&rest, &g))
        return STR(" ");
    for (struct str next = rest; glyph_take(&next, &g) && g.columns == 0; rest = next)
        ;
    return str_from(start, (size_t)(rest.data - start));
}

static bool starts_cluster(struct str text, size_t at)
{
    struct str rest = str_skip(text, at);
    struct glyph g;
    return !glyph_take(&rest, &g) || g.columns > 0;
}

static size_t random_text(struct unit_random *r, char *out)
{
    static const char *const glyphs[] = {
        "a", "b", " ", "\xc3\xbc", NI_HAO, ("e" ACUTE), "\xf0\x9f\x91\x8b"};
    out[0] = '\0';
    for (size_t n = unit_below(r, 60); n > 0; n--)
        strcat(out, glyphs[unit_below(r, COUNT_OF(glyphs))]);
    return strlen(out);
}

/* Whatever is drawn over whatever: under the cursor is the character that belongs there. */
static void what_is_under_the_cursor(void **state)
{
    (void)state;
    struct unit_random r = {3};
    for (int round = 0; round < 20000; round++) {
        struct world w = world(3 + unit_below(&r, 60));
        w.screen.dumb = unit_below(&r, 2);
        for (int step = 0; step < 5; step++) {
            char text[1024];
            size_t size = random_text(&r, text);
            size_t cursor = unit_below(&r, size + 1);
            while (((unsigned char)text[cursor] & 0xc0) == 0x80 ||
                   !starts_cluster(str_from(text, size), cursor))
                cursor--;
            struct input_look look = {
                .prompt = STR("[#x] "), .text = str_from(text, size), .cursor = cursor};
            draw(&w, &look);
            struct str under = cluster_at(str_from(text, size), cursor);
            bool no_room = glyph_columns(under) == 2 && w.line.cursor + 2 >= w.screen.columns;
            assert_true(w.row.cursor < w.screen.columns);
            if (!no_room)
                assert_str(str_of(w.row.cells[w.row.cursor]), under);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_line),
        cmocka_unit_test(it_is_erased),
        cmocka_unit_test(wide_and_combining_characters),
        cmocka_unit_test(a_long_line_is_shown_around_the_cursor),
        cmocka_unit_test(a_long_prompt_leaves_half_of_the_row),
        cmocka_unit_test(one_column),
        cmocka_unit_test(a_narrower_terminal),
        cmocka_unit_test(what_is_under_the_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
