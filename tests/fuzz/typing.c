/*
 * What a terminal sends, and what a person's row looks like for it: keys and pastes out of bytes
 * that come in pieces, a row of text around a cursor, completion. The editor between them is
 * libedit's; a plain one stands in for it here.
 *
 *   byte 0   how the row looks; byte 1: its columns; byte 2: the size of the pieces; then the bytes
 *
 * What must hold: however the bytes are cut, the keys are the same; text and pastes are clean; and
 * the row is one: no more columns than there are, and no sequences but those that move the cursor,
 * erase and colour.
 */
#include "completion.h"
#include "fuzz.h"
#include "glyph.h"
#include "input_line.h"
#include "keys.h"
#include "paste.h"
#include "text.h"

#include <stdlib.h>
#include <unistr.h>

enum { LINE_MOST = 400, PASTE_MOST = 64 << 10 };

/* What was typed so far, with a cursor in it. */
static struct {
    char text[LINE_MOST];
    size_t size;
    size_t cursor;
    struct paste paste;
    struct completion *completion;
    struct input_line row;
    struct input_screen screen;
    struct buffer drawn;
} game;

/* ---- the row -------------------------------------------------------------------------------- */

/* Takes one thing off a row that was drawn: a control character or sequence that stays in the row;
 * false for anything else. */
static bool take_movement(struct str *s)
{
    size_t at = 2;
    if (s->data[0] == '\r' || s->data[0] == '\b') {
        *s = str_skip(*s, 1);
        return true;
    }
    if (!str_starts_with(*s, STR("\x1b[")))
        return false;
    while (at < s->size && ((s->data[at] >= '0' && s->data[at] <= '9') || s->data[at] == ';'))
        at++;
    if (at == s->size || !strchr("mKCDGA", s->data[at]))
        return false;
    *s = str_skip(*s, at + 1);
    return true;
}

static void check_row(void)
{
    struct str s = buffer_str(&game.drawn);
    fuzz_check(game.row.drawn <= game.screen.columns && game.row.cursor < game.screen.columns + 1,
               "%zu columns are drawn, of %zu; the cursor is in %zu", game.row.drawn,
               game.screen.columns, game.row.cursor);
    while (s.size > 0) {
        if (take_movement(&s))
            continue;
        const char *escape = s.data;
        while (s.size > 0 && !strchr("\r\b\x1b", s.data[0]))
            s = str_skip(s, 1);
        struct str text = str_from(escape, (size_t)(s.data - escape));
        fuzz_check(text.size > 0 && fuzz_is_clean(text), "in the row: \"" STR_FMT "\"",
                   STR_ARG(text));
    }
    buffer_clear(&game.drawn);
}

static void draw(void)
{
    struct input_look look = {
        .prompt = STR("#tea> "),
        .colour = STR("36"),
        .text = str_from(game.text, game.size),
        .cursor = game.cursor,
    };
    input_line_draw(&game.row, &game.screen, &look, &game.drawn);
    check_row();
}

/* ---- the line ------------------------------------------------------------------------------- */

static void insert(struct str s)
{
    if (game.size + s.size > LINE_MOST)
        return;
    memmove(game.text + game.cursor + s.size, game.text + game.cursor, game.size - game.cursor);
    memcpy(game.text + game.cursor, s.data, s.size);
    game.size += s.size;
    game.cursor += s.size;
}

/* As an editor takes it in: well-formed, and not too much of it. */
static void insert_clean(struct str s)
{
    struct text_repairs ignored = {0};
    char *memory = fuzz_must(malloc(TEXT_CLEAN_MAX(s.size) + 1));
    insert(text_cut(text_clean(s, memory, &ignored), 40));
    free(memory);
}

/* One that a key makes: those of C1 are no key's, and go with what else is cleaned. */
static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.size; i++) {
        if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f)
            return true;
    }
    return false;
}

static void move_back(void)
{
    const uint8_t *text = (const uint8_t *)game.text;
    ucs4_t ignored;
    const uint8_t *before = u8_prev(&ignored, text + game.cursor, text);
    game.cursor = before ? (size_t)(before - text) : 0;
}

static void complete(void)
{
    struct completion_edit edit;
    struct str before = str_from(game.text, game.cursor);
    if (!completion_next(game.completion, before, STR("ann"), &edit))
        return;
    fuzz_check(edit.remove <= before.size && fuzz_is_clean(edit.insert), "%zu bytes go of %zu",
               edit.remove, before.size);
    game.cursor -= edit.remove;
    memmove(game.text + game.cursor, game.text + game.cursor + edit.remove,
            game.size - game.cursor - edit.remove);
    game.size -= edit.remove;
    insert(edit.insert);
}

static void control(uint32_t code)
{
    if (code == 'I') {
        complete();
        return;
    }
    completion_done(game.completion);
    if (code == 'M' || code == 'J')
        game.size = game.cursor = 0;
    else if (code == 'A')
        game.cursor = 0;
    else if (code == 'B')
        move_back();
    else if (code == 'E')
        game.cursor = game.size;
}

static void take_pasted(void)
{
    struct str line;
    bool whole;
    enum paste_verdict verdict = paste_end(&game.paste);
    fuzz_check((verdict == PASTE_ASK) == (game.paste.lines > PASTE_LINES_FREE), "%zu lines, %d",
               game.paste.lines, (int)verdict);
    while (paste_take(&game.paste, &line, &whole)) {
        fuzz_check(!has_control(line), "pasted: \"" STR_FMT "\"", STR_ARG(line));
        insert_clean(line);
    }
    paste_drop(&game.paste);
}

static void type(const struct key *key)
{
    switch (key->type) {
    case KEY_TEXT:
        fuzz_check(!has_control(key->bytes), "typed: \"" STR_FMT "\"", STR_ARG(key->bytes));
        insert_clean(key->bytes);
        break;
    case KEY_CONTROL:
        control(key->code);
        break;
    case KEY_PASTED:
        paste_add(&game.paste, key->bytes);
        break;
    case KEY_PASTE_END:
        take_pasted();
        break;
    default:
        move_back();
    }
    draw();
}

/* ---- keys ----------------------------------------------------------------------------------- */

/* What keys there were, for a comparison. Parts of a paste may be cut anywhere. */
struct record {
    struct buffer bytes;
    bool pasting;
};

static void note(struct record *r, const struct key *key)
{
    if (key->type != KEY_PASTED || !r->pasting)
        buffer_printf(&r->bytes, "\n%d %u ", (int)key->type, key->code);
    r->pasting = key->type == KEY_PASTED;
    buffer_add(&r->bytes, key->bytes);
}

static void read_keys(struct str in, size_t piece, struct record *r,
                      void (*each)(const struct key *))
{
    struct keys keys = {0};
    while (in.size > 0) {
        size_t n = in.size < piece ? in.size : piece;
        char *copy = fuzz_copy(str_from(in.data, n));
        struct str part = str_from(copy, n);
        struct key key;
        in = str_skip(in, n);
        while (keys_next(&keys, &part, 1000, &key)) {
            note(r, &key);
            if (each)
                each(&key);
        }
        free(copy);
    }
    if (keys_expired(&keys, 1000 + KEYS_PASTE_MS) && each)
        take_pasted();
}

static void begin(unsigned look, unsigned columns)
{
    game.screen = (struct input_screen){.columns = 1 + columns, .utf8 = look & 1, .dumb = look & 2};
    game.completion = completion_new();
    completion_spoke(game.completion, STR("bob"));
    completion_spoke(game.completion, STR("b\xc3\xb6rk"));
    completion_room(game.completion, STR("#tea"));
}

static void end(void)
{
    input_line_erase_resized(&game.row, &game.screen, &game.drawn);
    completion_free(game.completion);
    paste_fini(&game.paste);
    buffer_fini(&game.drawn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct record cut = {0};
    struct record whole = {0};
    memset(&game, 0, sizeof game);
    unsigned look = fuzz_byte(&in);
    begin(look, fuzz_byte(&in));
    size_t piece = 1 + fuzz_byte(&in);
    struct str bytes = text_cut(fuzz_rest(&in), PASTE_MOST);
    read_keys(bytes, piece, &cut, type);
    read_keys(bytes, bytes.size, &whole, NULL);
    fuzz_check(str_equal(buffer_str(&cut.bytes), buffer_str(&whole.bytes)),
               "the keys depend on how the bytes are cut");
    buffer_fini(&cut.bytes);
    buffer_fini(&whole.bytes);
    end();
    return 0;
}
