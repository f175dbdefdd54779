/*
 * Keys out of bytes: each kind, in any portions, and pastes that end, do not end, or lie about it.
 */
#include "buffer.h"
#include "keys.h"
#include "unit.h"

#define BEGIN "\x1b[200~"
#define END   "\x1b[201~"

/* What the keys were, readable: t(a) c(C) s(ESC [A) p(pasted) e f b. Parts of one paste are joined:
 * how it came in portions shows in them. */
static void describe(struct buffer *out, const struct key *key, bool *in_paste)
{
    static const char letters[] = {
        [KEY_TEXT] = 't',      [KEY_CONTROL] = 'c', [KEY_SEQUENCE] = 's', [KEY_PASTED] = 'p',
        [KEY_PASTE_END] = 'e', [KEY_FOCUS] = 'f',   [KEY_BLUR] = 'b'};
    if (*in_paste && key->type != KEY_PASTED)
        buffer_add_char(out, ')');
    if (!*in_paste || key->type != KEY_PASTED)
        buffer_add_char(out, letters[key->type]);
    bool opens = key->type == KEY_PASTED && !*in_paste;
    *in_paste = key->type == KEY_PASTED;
    if (key->type == KEY_TEXT)
        buffer_printf(out, "(%x)", (unsigned)key->code);
    else if (key->type == KEY_CONTROL)
        buffer_printf(out, "(%c)", (int)key->code);
    else if (key->type == KEY_SEQUENCE)
        buffer_printf(out, "(%.*s)", (int)key->bytes.size - 1, key->bytes.data + 1);
    else if (opens)
        buffer_add_char(out, '(');
    if (key->type == KEY_PASTED)
        buffer_add(out, key->bytes);
}

/* Feeds `in` in portions of random size up to `portion`. */
static void feed(struct keys *k, struct str in, size_t portion, struct unit_random *r,
                 struct buffer *out)
{
    bool in_paste = false;
    while (in.size > 0) {
        size_t size = 1 + unit_below(r, portion);
        size = size < in.size ? size : in.size;
        /* a copy of its own, so that the sanitizer sees what reads beyond it */
        struct buffer copy = {0};
        buffer_add(&copy, str_from(in.data, size));
        struct str part = buffer_str(&copy);
        struct key key;
        while (keys_next(k, &part, 0, &key))
            describe(out, &key, &in_paste);
        assert_int_equal(part.size, 0);
        buffer_fini(&copy);
        in = str_skip(in, size);
    }
    if (in_paste)
        buffer_add_char(out, ')');
}

static void assert_keys(struct str in, const char *expected)
{
    struct unit_random r = {7};
    for (size_t portion = 1; portion <= in.size; portion++) {
        struct keys k = {0};
        struct buffer out = {0};
        feed(&k, in, portion, &r, &out);
        assert_str(buffer_str(&out), str_of(expected));
        buffer_fini(&out);
    }
}

static void characters(void **state)
{
    (void)state;
    assert_keys(STR("a\xc3\xbc\xe4\xbd\xa0\xf0\x9f\x91\x8bz"), "t(61)t(fc)t(4f60)t(1f44b)t(7a)");
}

static void ill_formed_characters(void **state)
{
    (void)state;
    assert_keys(STR("\xffx"), "t(fffd)t(78)");
    assert_keys(STR("\xe4\xbdx"), "t(fffd)t(78)");
    assert_keys(STR("\xe4\xe4\xbd\xa0"), "t(fffd)t(4f60)");
    assert_keys(STR("\xed\xa0\x80x"), "t(fffd)t(fffd)t(78)");
    assert_keys(STR("\xe4\r"), "t(fffd)c(M)");
}

static void control_characters(void **state)
{
    (void)state;
    assert_keys(STR("\x01\x03\t\r\x7f\x1c"), "c(A)c(C)c(I)c(M)c(?)c(\\)");
    struct keys k = {0};
    struct key key;
    struct str nul = str_from("\0", 1);
    assert_true(keys_next(&k, &nul, 0, &key));
    assert_int_equal(key.type, KEY_CONTROL);
    assert_int_equal(key.code, '@');
}

static void escape_sequences(void **state)
{
    (void)state;
    assert_keys(STR("\x1b[A\x1bOB\x1b[1;5C\x1b[3~"), "s([A)s(OB)s([1;5C)s([3~)");
    assert_keys(STR("\x1b"
                    "b\x1b\x7f"),
                "s(b)s(\x7f)");
    assert_keys(STR("\x1b[15~x"), "s([15~)t(78)");
    assert_keys(STR("\x1b[[Ax"), "s([[A)t(78)");
    assert_keys(STR("\x1b[<0;1;2Mx"), "s([<0;1;2M)t(78)");
}

static void broken_off_sequences(void **state)
{
    (void)state;
    assert_keys(STR("\x1b\x03x"), "c(C)t(78)");
    assert_keys(STR("\x1b\x1b[A"), "s([A)");
    assert_keys(STR("\x1b[1\rx"), "c(M)t(78)");
    assert_keys(STR("\x1b\xc3\xbc"), "t(fc)");
    assert_keys(STR("\x1b[111111111111111111111111111111111111111111;1111111111111Ax"), "t(78)");
}

static void focus(void **state)
{
    (void)state;
    assert_keys(STR("\x1b[Ia\x1b[O"), "ft(61)b");
}

static void pastes(void **state)
{
    (void)state;
    assert_keys(STR("a" BEGIN "one\rtwo" END "b"), "t(61)p(one\rtwo)et(62)");
    assert_keys(STR(BEGIN END), "e");
    assert_keys(STR(BEGIN "\x1b[A\x03" END), "p(\x1b[A\x03)e");
    assert_keys(STR(BEGIN "x\x1b\x1b[20\x1b[201~y"), "p(x\x1b\x1b[20)et(79)");
    assert_keys(STR(BEGIN BEGIN END), "p(" BEGIN ")e");
    assert_keys(STR(END "x"), "s([201~)t(78)");
}

static void a_paste_without_end(void **state)
{
    (void)state;
    struct keys k = {0};
    struct key key;
    struct str in = STR(BEGIN "abc");
    assert_int_equal(keys_patience(&k, 1000), 0);
    assert_true(keys_next(&k, &in, 1000, &key));
    assert_str(key.bytes, STR("abc"));
    assert_false(keys_next(&k, &in, 1000, &key));
    assert_int_equal(keys_patience(&k, 1000), KEYS_PASTE_MS);
    assert_int_equal(keys_patience(&k, 1200), KEYS_PASTE_MS - 200);
    assert_int_equal(keys_patience(&k, 9999), 1);
    assert_false(keys_expired(&k, 1499));
    in = STR("\x1b[20"); /* half an end mark: it goes with the paste */
    assert_false(keys_next(&k, &in, 1400, &key));
    assert_false(keys_expired(&k, 1500));
    assert_true(keys_expired(&k, 1900));
    assert_false(keys_expired(&k, 9000));
    in = STR("x");
    assert_true(keys_next(&k, &in, 9000, &key));
    assert_int_equal(key.type, KEY_TEXT);
}

/* The same bytes are the same keys, in one piece or in many. */
static void portions_do_not_matter(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "\xc3", "\xbc", "\x1b", "[",    "O",
                                         "A", "2",    "0",    "0~",   "1~",   BEGIN,
                                         END, "\r",   ";",    "\xff", "\x7f", "\xe4\xbd\xa0"};
    struct unit_random r = {11};
    for (int round = 0; round < 3000; round++) {
        struct buffer in = {0};
        for (size_t n = 1 + unit_below(&r, 12); n > 0; n--)
            buffer_add(&in, str_of(pieces[unit_below(&r, COUNT_OF(pieces))]));
        struct buffer whole = {0};
        struct buffer parts = {0};
        struct keys k = {0};
        feed(&k, buffer_str(&in), 1000, &r, &whole);
        k = (struct keys){0};
        feed(&k, buffer_str(&in), 3, &r, &parts);
        assert_str(buffer_str(&parts), buffer_str(&whole));
        buffer_fini(&in);
        buffer_fini(&whole);
        buffer_fini(&parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters),
        cmocka_unit_test(ill_formed_characters),
        cmocka_unit_test(control_characters),
        cmocka_unit_test(escape_sequences),
        cmocka_unit_test(broken_off_sequences),
        cmocka_unit_test(focus),
        cmocka_unit_test(pastes),
        cmocka_unit_test(a_paste_without_end),
        cmocka_unit_test(portions_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
