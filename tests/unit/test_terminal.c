/*
 * Modes, size and output of a pseudo-terminal whose other side the test holds.
 */
#include "terminal.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct {
    int master;
    int slave;
    struct termios before;
    struct terminal *t;
} w;

static void start(const char *term)
{
    setenv("TERM", term, 1);
    assert_int_equal(openpty(&w.master, &w.slave, NULL, NULL, NULL), 0);
    assert_int_equal(tcgetattr(w.slave, &w.before), 0);
    assert_int_equal(terminal_new(&w.t, w.slave, w.slave), 0);
}

static int set_up(void **state)
{
    (void)state;
    start("xterm");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    terminal_free(w.t);
    close(w.master);
    close(w.slave);
    return 0;
}

/* What was written to the terminal by now. */
static void assert_written(const char *expected)
{
    char got[256];
    size_t size = 0;
    struct pollfd fd = {.fd = w.master, .events = POLLIN};
    while (poll(&fd, 1, 0) > 0) {
        ssize_t n = read(w.master, got + size, sizeof got - size);
        if (n <= 0)
            break;
        size += (size_t)n;
    }
    assert_str(str_from(got, size), str_of(expected));
}

static tcflag_t modes(void)
{
    struct termios now;
    assert_int_equal(tcgetattr(w.slave, &now), 0);
    return now.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
}

static void assert_as_before(void)
{
    struct termios now = {0}; /* as w.before was: not all of it is filled in */
    assert_int_equal(tcgetattr(w.slave, &now), 0);
    assert_memory_equal(&now, &w.before, sizeof now);
}

static void entered_and_left(void **state)
{
    (void)state;
    assert_as_before();
    assert_int_equal(terminal_enter(w.t), 0);
    assert_int_equal(modes(), 0);
    assert_written("\x1b[?2004h\x1b[?1004h");
    terminal_leave(w.t);
    assert_as_before();
    assert_written("\x1b[?1004l\x1b[?2004l");
    terminal_leave(w.t);
    assert_written("");
}

static void keys_come_one_by_one(void **state)
{
    (void)state;
    assert_int_equal(terminal_enter(w.t), 0);
    assert_written("\x1b[?2004h\x1b[?1004h");
    assert_int_equal(write(w.master, "\x03\x1a\r\x13", 4), 4);
    char got[8];
    struct pollfd fd = {.fd = w.slave, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 5000), 1);
    assert_int_equal(read(w.slave, got, sizeof got), 4);
    assert_memory_equal(got, "\x03\x1a\r\x13", 4);
    assert_written("");
}

/* As when it was stopped, and somebody has used stty before `fg`. */
static void modes_changed_in_between_are_kept(void **state)
{
    (void)state;
    assert_int_equal(terminal_enter(w.t), 0);
    terminal_leave(w.t);
    struct termios changed = w.before;
    changed.c_iflag ^= (tcflag_t)IUTF8;
    assert_int_equal(tcsetattr(w.slave, TCSANOW, &changed), 0);
    assert_int_equal(tcgetattr(w.slave, &w.before), 0);
    assert_int_equal(terminal_enter(w.t), 0);
    assert_int_equal(modes(), 0);
    assert_int_equal(terminal_enter(w.t), 0); /* once more, as after a stop from outside */
    terminal_leave(w.t);
    assert_as_before();
}

static void rescued_by_the_other_process(void **state)
{
    (void)state;
    struct terminal *other;
    assert_int_equal(terminal_new(&other, w.slave, w.slave), 0);
    terminal_rescue(other);
    assert_written("");
    assert_int_equal(terminal_enter(w.t), 0);
    assert_written("\x1b[?2004h\x1b[?1004h");
    terminal_rescue(other);
    assert_as_before();
    assert_written("\x1b[?1004l\x1b[?2004l");

    /* the shell was faster */
    assert_int_equal(terminal_enter(w.t), 0);
    struct termios shells = w.before;
    shells.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    assert_int_equal(tcsetattr(w.slave, TCSANOW, &shells), 0);
    assert_written("\x1b[?2004h\x1b[?1004h");
    terminal_rescue(other);
    assert_int_equal(modes(), shells.c_lflag & (tcflag_t)(ISIG | IEXTEN));
    assert_written("");
    terminal_free(other);
}

static void a_dumb_one_gets_no_sequences(void **state)
{
    (void)state;
    static const char *const names[] = {"dumb", ""};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        tear_down(NULL);
        start(names[i]);
        assert_true(terminal_is_dumb(w.t));
        assert_int_equal(terminal_enter(w.t), 0);
        assert_int_equal(modes(), 0);
        terminal_leave(w.t);
        assert_as_before();
        assert_written("");
    }
}

static void its_size(void **state)
{
    (void)state;
    size_t columns;
    size_t rows;
    terminal_size(w.t, &columns, &rows);
    assert_int_equal(columns, 80);
    assert_int_equal(rows, 24);
    struct winsize size = {.ws_col = 1, .ws_row = 2};
    assert_int_equal(ioctl(w.master, TIOCSWINSZ, &size), 0);
    terminal_size(w.t, &columns, &rows);
    assert_int_equal(columns, 1);
    assert_int_equal(rows, 2);
}

static void a_terminal_that_is_not_read(void **state)
{
    (void)state;
    struct buffer out = {0};
    buffer_add_times(&out, 'x', 1 << 20);
    assert_int_equal(terminal_write(w.t, &out), 0);
    assert_in_range(out.size, 1, (1 << 20) - 1);
    assert_int_equal(terminal_write_all(w.t, &out, 10), 0);
    assert_true(out.size > 0);
    char got[4096];
    size_t left = (1 << 20) - out.size;
    while (left > 0) {
        ssize_t n = read(w.master, got, sizeof got);
        assert_true(n > 0);
        left -= (size_t)n;
    }
    size_t before = out.size;
    assert_int_equal(terminal_write(w.t, &out), 0);
    assert_true(out.size < before);
    buffer_fini(&out);
}

static void what_is_no_terminal(void **state)
{
    (void)state;
    struct terminal *t;
    int fd = open("/dev/null", O_RDWR);
    assert_int_equal(terminal_new(&t, fd, w.slave), -ENOTTY);
    assert_int_equal(terminal_new(&t, w.slave, fd), -ENOTTY);
    close(fd);
    unit_alloc_fail_at(0);
    assert_int_equal(terminal_new(&t, w.slave, w.slave), -ENOMEM);
    unit_alloc_fail_at(-1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(entered_and_left),
        test(keys_come_one_by_one),
        test(modes_changed_in_between_are_kept),
        test(rescued_by_the_other_process),
        test(a_dumb_one_gets_no_sequences),
        test(its_size),
        test(a_terminal_that_is_not_read),
        test(what_is_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
