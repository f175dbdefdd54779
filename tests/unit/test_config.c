/* The settings file: where it is, how its lines are read. */
#include "config.h"
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { END = 0, SETTING = 1 };

/* Reads one setting of `text`, which is changed. */
static struct config_reader reader(char *text)
{
    return (struct config_reader){.rest = text};
}

static void assert_next(struct config_reader *r, unsigned line, const char *name, const char *value)
{
    struct config_setting s;
    assert_int_equal(config_next(r, &s), SETTING);
    assert_int_equal(r->line, line);
    assert_string_equal(s.name, name);
    if (value)
        assert_string_equal(s.value, value);
    else
        assert_null(s.value);
}

static void assert_end(struct config_reader *r)
{
    struct config_setting s;
    assert_int_equal(config_next(r, &s), END);
    assert_int_equal(config_next(r, &s), END);
}

static void lines(void **state)
{
    (void)state;
    char text[] = "# settings\n"
                  "\n"
                  "nick = ann\n"
                  "  \t room\t#lobby  \r\n"
                  "   # room = #nowhere\n"
                  "reconnect\n"
                  "format=%t=%m\n"
                  "send =\n"
                  "connect-timeout 5";
    struct config_reader r = reader(text);
    assert_next(&r, 3, "nick", "ann");
    assert_next(&r, 4, "room", "#lobby");
    assert_next(&r, 6, "reconnect", NULL);
    assert_next(&r, 7, "format", "%t=%m");
    assert_next(&r, 8, "send", "");
    assert_next(&r, 9, "connect-timeout", "5");
    assert_end(&r);
}

static void quotes(void **state)
{
    (void)state;
    char text[] = "a = \"  x  \"\nb \"\"\nc = x\"y\"\nd = \"a \"b\" c\"\n";
    struct config_reader r = reader(text);
    assert_next(&r, 1, "a", "  x  ");
    assert_next(&r, 2, "b", "");
    assert_next(&r, 3, "c", "x\"y\"");
    assert_next(&r, 4, "d", "a \"b\" c");
    assert_end(&r);
}

static void assert_fault(const char *line)
{
    char text[256];
    struct config_setting s;
    snprintf(text, sizeof text, "nick ann\n%s\nroom #a\n", line);
    struct config_reader r = reader(text);
    assert_next(&r, 1, "nick", "ann");
    assert_int_equal(config_next(&r, &s), -EINVAL);
    assert_int_equal(r.line, 2);
    assert_next(&r, 3, "room", "#a");
}

static void faults(void **state)
{
    (void)state;
    assert_fault("= x");
    assert_fault("Nick = x");
    assert_fault("[section]");
    assert_fault("nick: ann");
    assert_fault("nick;");
    assert_fault("a = \"x");
    assert_fault("a = \"");
    assert_fault("\"a\" = b");
    assert_fault("\xc3\xa4 = b");
}

static void empty_files(void **state)
{
    (void)state;
    char texts[][8] = {"", "\n", " ", "#", "\n\n#x", "\r\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct config_reader r = reader(texts[i]);
        assert_end(&r);
    }
}

/* Whatever bytes there are: it ends, and stays within the text. */
static void random_files(void **state)
{
    (void)state;
    static const char bytes[] = "ab-9 =\"\n\r\t#\xff";
    struct unit_random random = {3};
    for (int round = 0; round < 20000; round++) {
        size_t size = (size_t)unit_below(&random, 40);
        char *text = malloc(size + 1); /* of just this size, for the sanitizer */
        for (size_t i = 0; i < size; i++)
            text[i] = bytes[unit_below(&random, sizeof bytes - 1)];
        text[size] = '\0';
        struct config_reader r = reader(text);
        struct config_setting s;
        int rc;
        while ((rc = config_next(&r, &s)) != END) {
            if (rc == SETTING)
                assert_true(s.name >= text && s.name < text + size);
            if (rc == SETTING && s.value)
                assert_true(s.value > s.name && s.value <= text + size);
        }
        free(text);
    }
}

static void the_usual_path(void **state)
{
    (void)state;
    char path[PATH_MAX];
    setenv("HOME", "/home/ann", 1);
    unsetenv("XDG_CONFIG_HOME");
    assert_int_equal(config_path(path, sizeof path), 0);
    assert_string_equal(path, "/home/ann/.config/chatroom/client.conf");
    setenv("XDG_CONFIG_HOME", "/etc/xdg", 1);
    assert_int_equal(config_path(path, sizeof path), 0);
    assert_string_equal(path, "/etc/xdg/chatroom/client.conf");
    setenv("XDG_CONFIG_HOME", "relative", 1);
    assert_int_equal(config_path(path, sizeof path), 0);
    assert_string_equal(path, "/home/ann/.config/chatroom/client.conf");
    assert_int_equal(config_path(path, 10), -ENAMETOOLONG);
    setenv("HOME", "", 1);
    assert_int_equal(config_path(path, sizeof path), -ENOENT);
    unsetenv("HOME");
    assert_int_equal(config_path(path, sizeof path), -ENOENT);
}

/* A file of these bytes, loaded; what config_load() says. */
static int load(const void *bytes, size_t size, char **out)
{
    char path[] = "/tmp/chatroom-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
    int rc = config_load(path, out);
    unlink(path);
    return rc;
}

static void loading(void **state)
{
    (void)state;
    char *text = NULL;
    assert_int_equal(load("nick ann\n", 9, &text), 0);
    assert_string_equal(text, "nick ann\n");
    free(text);
    assert_int_equal(load("", 0, &text), 0);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(config_load("/nowhere/at/all", &text), -ENOENT);
    assert_int_equal(config_load("/", &text), -EISDIR);
    assert_int_equal(load("a\0b", 3, &text), -EINVAL);
}

static void size_and_memory_have_limits(void **state)
{
    (void)state;
    char *text = NULL;
    char *large = malloc(CONFIG_SIZE_MAX + 1);
    assert_non_null(large);
    memset(large, '#', CONFIG_SIZE_MAX + 1);
    assert_int_equal(load(large, CONFIG_SIZE_MAX + 1, &text), -EFBIG);
    assert_int_equal(load(large, CONFIG_SIZE_MAX, &text), 0);
    assert_int_equal(strlen(text), CONFIG_SIZE_MAX);
    free(text);
    unit_alloc_fail_at(0);
    assert_int_equal(load(large, 10, &text), -ENOMEM);
    unit_alloc_fail_at(-1);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),        cmocka_unit_test(quotes),
        cmocka_unit_test(faults),       cmocka_unit_test(empty_files),
        cmocka_unit_test(random_files), cmocka_unit_test(the_usual_path),
        cmocka_unit_test(loading),      cmocka_unit_test(size_and_memory_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
