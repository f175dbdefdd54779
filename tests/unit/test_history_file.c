/*
 * The history file in a folder of its own: where it is, who may read it, what gets into it, and
 * that it stays small.
 */
#include "buffer.h"
#include "history_file.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    char home[64];
    struct history_environment env;
    struct buffer seen; /* the lines of the last opening, with newlines */
} w;

static int set_up(void **state)
{
    (void)state;
    snprintf(w.home, sizeof w.home, "/tmp/chatroom-test-XXXXXX");
    assert_non_null(mkdtemp(w.home));
    w.env = (struct history_environment){.home = w.home};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", w.home);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a path of our own */
    buffer_fini(&w.seen);
    return 0;
}

static char *path(const char *tail)
{
    static char text[160];
    snprintf(text, sizeof text, "%s%s", w.home, tail);
    return text;
}

#define FILE_PATH "/.local/state/chatroom/history"

static void on_line(void *owner, struct str text)
{
    (void)owner;
    buffer_add(&w.seen, text);
    buffer_add_char(&w.seen, '\n');
}

static struct history_file *must_open(void)
{
    struct history_file *h;
    buffer_clear(&w.seen);
    assert_int_equal(history_open(&h, &w.env, on_line, NULL), 0);
    return h;
}

/* What the next session would see. */
static void assert_kept(const char *expected)
{
    history_close(must_open());
    assert_str(buffer_str(&w.seen), str_of(expected));
}

static void put_file(struct str text, mode_t mode)
{
    history_close(must_open());
    int fd = open(path(FILE_PATH), O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.size), text.size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static mode_t mode_of(const char *tail)
{
    struct stat st;
    assert_int_equal(stat(path(tail), &st), 0);
    return st.st_mode & 07777;
}

static void lines_are_kept(void **state)
{
    (void)state;
    struct history_file *h = must_open();
    assert_str(buffer_str(&w.seen), STR(""));
    history_append(h, STR("one"));
    history_append(h, STR("gr\xc3\xbc\xc3\x9f"));
    history_append(h, STR(""));
    history_append(h, STR("one"));
    history_close(h);
    assert_kept("gr\xc3\xbc\xc3\x9f\none\n");
}

static void it_is_the_owners(void **state)
{
    (void)state;
    mode_t mask = umask(0);
    history_close(must_open());
    umask(mask);
    assert_int_equal(mode_of(FILE_PATH), 0600);
    assert_int_equal(mode_of("/.local/state/chatroom"), 0700);
    put_file(STR("one\n"), 0644);
    assert_kept("one\n");
    assert_int_equal(mode_of(FILE_PATH), 0600);
}

static void the_environment_says_where(void **state)
{
    (void)state;
    char state_home[80];
    snprintf(state_home, sizeof state_home, "%s/state", w.home);
    w.env.state_home = state_home;
    history_close(must_open());
    assert_int_equal(mode_of("/state/chatroom/history"), 0600);
    struct history_file *h;
    w.env = (struct history_environment){.state_home = "relative"};
    assert_int_equal(history_open(&h, &w.env, on_line, NULL), -ENOENT);
    w.env.home = "";
    assert_int_equal(history_open(&h, &w.env, on_line, NULL), -ENOENT);
    w.env.home = "/dev/null";
    assert_int_equal(history_open(&h, &w.env, on_line, NULL), -ENOTDIR);
}

static void no_links_no_pipes(void **state)
{
    (void)state;
    struct history_file *h;
    history_close(must_open());
    assert_int_equal(unlink(path(FILE_PATH)), 0);
    assert_int_equal(symlink("/dev/null", path(FILE_PATH)), 0);
    assert_int_equal(history_open(&h, &w.env, on_line, NULL), -ELOOP);
    assert_int_equal(unlink(path(FILE_PATH)), 0);
    assert_int_equal(mkfifo(path(FILE_PATH), 0600), 0);
    assert_int_equal(history_open(&h, &w.env, on_line, NULL), -EPERM);
}

static void secrets(void **state)
{
    (void)state;
    static const char *const secret[] = {" blank",
                                         "\tblank",
                                         "/auth x",
                                         "/PASS hunter2",
                                         "/oper bob x",
                                         "/msg nickserv identify hunter2",
                                         "/msg  NickServ  IDENTIFY x y",
                                         "/msg chanserv register #x y"};
    static const char *const harmless[] = {"hello",      "/msg bob how do you identify yourself?",
                                           "/passage",   "/msg bob",
                                           "/msg",       "auth",
                                           "/join #auth"};
    for (size_t i = 0; i < COUNT_OF(secret); i++)
        assert_true(history_is_secret(str_of(secret[i])));
    for (size_t i = 0; i < COUNT_OF(harmless); i++)
        assert_false(history_is_secret(str_of(harmless[i])));
    struct history_file *h = must_open();
    history_append(h, STR("/msg nickserv identify hunter2"));
    history_close(h);
    assert_kept("");
}

static void it_stays_small(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int i = 0; text.size <= HISTORY_BYTES_MAX; i++)
        buffer_printf(&text, "line %d\n", i % 5000);
    put_file(buffer_str(&text), 0600);
    buffer_fini(&text);
    history_close(must_open());
    struct stat st;
    assert_int_equal(stat(path(FILE_PATH), &st), 0);
    assert_int_equal(st.st_size, w.seen.size);
    assert_int_equal(st.st_mode & 07777, 0600);
    size_t lines = 0;
    for (size_t i = 0; i < w.seen.size; i++)
        lines += w.seen.data[i] == '\n';
    assert_int_equal(lines, HISTORY_LINES_MAX);
    assert_int_not_equal(access(path(FILE_PATH ".new"), F_OK), 0);
}

static void a_line_has_a_limit(void **state)
{
    (void)state;
    struct buffer line = {0};
    struct history_file *h = must_open();
    buffer_add_times(&line, 'x', HISTORY_LINE_MAX + 1);
    history_append(h, buffer_str(&line));
    history_close(h);
    assert_kept("");
    buffer_add_literal(&line, "\nshort");
    put_file(buffer_str(&line), 0600);
    assert_kept("short\n");
    buffer_fini(&line);
}

/* A file of another program: lines without end, empty ones, bytes of any kind. */
static void any_file_is_read(void **state)
{
    (void)state;
    put_file(STR("\n\none\n\ntwo\xff\x1b\nthree"), 0600);
    assert_kept("one\ntwo\xff\x1b\nthree\n");
}

static void two_clients(void **state)
{
    (void)state;
    struct history_file *a = must_open();
    struct buffer text = {0};
    for (int i = 0; text.size <= HISTORY_BYTES_MAX; i++)
        buffer_printf(&text, "line %d\n", i);
    put_file(buffer_str(&text), 0600);

    /* a third one is at it: nobody waits, nobody shortens it */
    int fd = open(path(FILE_PATH), O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    history_append(a, STR("while locked"));
    history_close(must_open());
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, text.size + sizeof "while locked");
    close(fd);

    struct history_file *b = must_open(); /* puts a new file in its place */
    history_append(a, STR("of a"));
    history_append(b, STR("of b"));
    history_close(a);
    history_close(b);
    history_close(must_open());
    assert_true(w.seen.size > 30);
    assert_memory_equal(w.seen.data + w.seen.size - 23, "while locked\nof a\nof b\n", 23);
    buffer_fini(&text);
}

static void without_memory_nothing_is_kept(void **state)
{
    (void)state;
    put_file(STR("one\n"), 0600);
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct history_file *h = NULL;
        int rc = history_open(&h, &w.env, on_line, NULL);
        assert_true(rc == 0 || rc == -ENOMEM);
        if (rc == 0)
            history_close(h);
    }
    unit_alloc_fail_at(-1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(lines_are_kept),
        test(it_is_the_owners),
        test(the_environment_says_where),
        test(no_links_no_pipes),
        test(secrets),
        test(it_stays_small),
        test(a_line_has_a_limit),
        test(any_file_is_read),
        test(two_clients),
        test(without_memory_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
