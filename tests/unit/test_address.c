/* Addresses as text, in every good and bad form, and the sockets made from them. */
#include "address.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#endif

#define PATH_107                                                                                   \
    "/tmp/"                                                                                        \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aa"                                                                                           \
    "aaaaaaaa"
_Static_assert(sizeof PATH_107 == 108, "the longest path, with its NUL");

/* ---- text ----------------------------------------------------------------------------------- */

static void good_addresses_come_back_as_they_are_written(void **state)
{
    static const struct {
        const char *in;
        const char *out;
        sa_family_t family;
    } cases[] = {
        {"127.0.0.1:8888", NULL, AF_INET},
        {"0.0.0.0:0", NULL, AF_INET},
        {"255.255.255.255:65535", NULL, AF_INET},
        {"localhost:8888", "127.0.0.1:8888", AF_INET},
        {"1.2.3.4:0080", "1.2.3.4:80", AF_INET},
        {"[::1]:8888", NULL, AF_INET6},
        {"[::]:0", NULL, AF_INET6},
        {"[2001:DB8:0:0::1]:443", "[2001:db8::1]:443", AF_INET6},
        {"[::ffff:1.2.3.4]:1", NULL, AF_INET6},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", AF_INET6},
        {"unix:chat.sock", NULL, AF_UNIX},
        {"unix:/run/a:b", NULL, AF_UNIX},
        {"unix:" PATH_107, NULL, AF_UNIX},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address a;
        char text[ADDRESS_TEXT_MAX];
        char why[200] = "untouched";
        memset(&a, 0xff, sizeof a);
        assert_int_equal(address_parse(&a, cases[i].in, why, sizeof why), 0);
        assert_string_equal(why, "untouched");
        assert_int_equal(a.u.any.sa_family, cases[i].family);
        assert_ptr_equal(address_format(&a, text, sizeof text), text);
        assert_string_equal(text, cases[i].out ? cases[i].out : cases[i].in);
    }
}

#define NO_PORT    "does not end in :PORT, a number from 0 to 65535"
#define NO_ADDRESS "has no numeric address before its port"
#define BRACKETS   "needs brackets around an IPv6 address: [::1]:8888"

static void bad_addresses_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *in;
        const char *why;
    } cases[] = {
        {"", NO_PORT},
        {"8888", NO_PORT},
        {"127.0.0.1", NO_PORT},
        {"127.0.0.1:", NO_PORT},
        {"127.0.0.1:port", NO_PORT},
        {"127.0.0.1:65536", NO_PORT},
        {"127.0.0.1:99999999999999999999999", NO_PORT},
        {"127.0.0.1:-1", NO_PORT},
        {"127.0.0.1:+1", NO_PORT},
        {"127.0.0.1: 1", NO_PORT},
        {"127.0.0.1:1 ", NO_PORT},
        {"127.0.0.1:0x50", NO_PORT},
        {"127.0.0.1:8888:", NO_PORT},
        {"[::1]", NO_PORT},
        {"[::1]8888", NO_PORT},
        {":8888", NO_ADDRESS},
        {"*:8888", NO_ADDRESS},
        {" 127.0.0.1:80", NO_ADDRESS},
        {"127.0.0.1 :80", NO_ADDRESS},
        {"127.1:80", NO_ADDRESS},
        {"256.0.0.1:80", NO_ADDRESS},
        {"1.2.3.4.5:80", NO_ADDRESS},
        {"example.org:80", NO_ADDRESS},
        {"LOCALHOST:80", NO_ADDRESS},
        {"[]:80", NO_ADDRESS},
        {"[:80", NO_ADDRESS},
        {"]:80", NO_ADDRESS},
        {"[127.0.0.1]:80", NO_ADDRESS},
        {"[localhost]:80", NO_ADDRESS},
        {"[::g]:80", NO_ADDRESS},
        {"[[::1]]:80", NO_ADDRESS},
        {"[fe80::1%lo]:80", NO_ADDRESS},
        {"[1111:2222:3333:4444:5555:6666:7777:8888:9999]:80", NO_ADDRESS},
        {"::1:80", BRACKETS},
        {"[::1:80", BRACKETS},
        {"::1]:80", BRACKETS},
        {"1:2:3", BRACKETS},
        {"UNIX:x:1", BRACKETS},
        {"unix:", "has no path after unix:"},
        {"unix:" PATH_107 "x", "is longer than a unix socket's path may be (107 bytes)"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address a;
        char why[256] = "";
        assert_int_equal(address_parse(&a, cases[i].in, why, sizeof why), -EINVAL);
        assert_non_null(strstr(why, cases[i].why));
        assert_int_equal(why[0], '"');
        assert_memory_equal(why + 1, cases[i].in, strnlen(cases[i].in, 40));
    }
}

/* However long the text is: the sentence behind it is what the user needs. */
static void the_reason_is_not_crowded_out_by_the_address(void **state)
{
    static const struct {
        const char *start;
        const char *why;
    } cases[] = {{"unix:", "107 bytes)"}, {"", "to 65535"}, {"1:", "to 65535"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address a;
        char text[5000];
        char why[200];
        memset(text, 'a', sizeof text);
        memcpy(text, cases[i].start, strlen(cases[i].start));
        text[sizeof text - 1] = '\0';
        assert_int_equal(address_parse(&a, text, why, sizeof why), -EINVAL);
        assert_non_null(strstr(why, cases[i].why));
        assert_non_null(strstr(why, "aaaa...\""));
    }
}

static void a_short_buffer_gets_a_short_text(void **state)
{
    struct address a;
    char why[8];
    char text[8];
    (void)state;
    assert_int_equal(address_parse(&a, "nonsense", why, sizeof why), -EINVAL);
    assert_string_equal(why, "\"nonsen");
    assert_int_equal(address_parse(&a, "10.20.30.40:50", NULL, 0), 0);
    assert_string_equal(address_format(&a, text, sizeof text), "10.20.3");
}

static void the_brief_form_says_what_the_log_needs(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        {"1.2.3.4:65535", "1.2.3.4:65535"},
        {"[2001:db8::1]:1", "[2001:db8::1]:1"},
        {"unix:/run/chat.sock", "unix"},
    };
    struct address none = {0};
    struct address_brief b = address_shorten(&none);
    char text[ADDRESS_TEXT_MAX];
    (void)state;
    assert_int_equal(sizeof b, 20);
    assert_string_equal(address_brief_format(&b, text, sizeof text), "unknown");
    assert_string_equal(address_format(&none, text, sizeof text), "unknown");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address a;
        assert_int_equal(address_parse(&a, cases[i].in, text, sizeof text), 0);
        b = address_shorten(&a);
        assert_string_equal(address_brief_format(&b, text, sizeof text), cases[i].out);
    }
}

/* ---- sockets -------------------------------------------------------------------------------- */

static struct address parsed(const char *text)
{
    struct address a;
    char why[200];
    assert_int_equal(address_parse(&a, text, why, sizeof why), 0);
    return a;
}

static int connected_to(const struct address *a)
{
    int fd = socket(a->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &a->u.any, a->length), 0);
    return fd;
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void port_0_becomes_the_port_that_was_chosen(void **state)
{
    struct address a = parsed("127.0.0.1:0");
    int fd = address_listen(&a);
    (void)state;
    assert_true(fd >= 0);
    assert_int_not_equal(address_shorten(&a).port, 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);

    int client = connected_to(&a);
    int server = accept(fd, NULL, NULL);
    assert_true(server >= 0);
    assert_int_equal(option_of(server, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(server, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(server, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option_of(server, IPPROTO_TCP, TCP_KEEPINTVL), 20);
    assert_int_equal(option_of(server, IPPROTO_TCP, TCP_KEEPCNT), 4);
    assert_int_equal(option_of(server, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 128 << 10);

    struct address peer;
    assert_int_equal(address_of_peer(client, &peer), 0);
    assert_int_equal(peer.length, sizeof peer.u.v4);
    assert_int_equal(address_shorten(&peer).port, address_shorten(&a).port);
    close(server);
    close(client);
    close(fd);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* For so long, one end sends as much as it can, and the other reads 20 KB a second. Returns how
 * much that end could send, or the errno that ended it, negative. */
static int64_t send_to_a_slow_reader(int from, int to, int64_t ms)
{
    static char bytes[65536];
    int64_t sent = 0;
    for (int64_t end = now_ms() + ms; now_ms() < end;) {
        struct pollfd writable = {.fd = from, .events = POLLOUT};
        poll(&writable, 1, 50);
        ssize_t n = send(from, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return -errno;
        sent += n > 0 ? n : 0;
        if (recv(to, bytes, 1000, MSG_DONTWAIT) <= 0 && errno != EAGAIN)
            return -errno;
    }
    return sent;
}

/* A listening socket and the two ends of a connection to it. */
struct line {
    int listener;
    int client;
    int server;
};

static struct line line_open(void)
{
    struct address a = parsed("127.0.0.1:0");
    struct line line = {.listener = address_listen(&a)};
    assert_true(line.listener >= 0);
    line.client = connected_to(&a);
    line.server = accept(line.listener, NULL, NULL);
    assert_true(line.server >= 0);
    return line;
}

static void line_close(const struct line *line)
{
    close(line->server);
    close(line->client);
    close(line->listener);
}

/* TCP_USER_TIMEOUT would do so. If there is one, 1/300 of it must do no harm in 2.5 seconds. */
static void who_reads_slowly_is_not_taken_for_gone(void **state)
{
    struct line line = line_open();
    (void)state;
    int timeout_ms = option_of(line.server, IPPROTO_TCP, TCP_USER_TIMEOUT) / 300;
    setsockopt(line.server, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
    assert_true(send_to_a_slow_reader(line.server, line.client, 2500) > 100000);
    line_close(&line);
}

/* Linux 6.15 and newer. */
static void who_is_gone_is_sent_things_again_every_20_seconds(void **state)
{
    struct line line = line_open();
    int again_ms = 0;
    socklen_t size = sizeof again_ms;
    (void)state;
    if (getsockopt(line.server, IPPROTO_TCP, TCP_RTO_MAX_MS, &again_ms, &size) == 0)
        assert_int_equal(again_ms, 20000);
    else
        assert_int_equal(errno, ENOPROTOOPT);
    line_close(&line);
}

static void a_port_in_use_is_an_error_and_free_again_at_once(void **state)
{
    struct address a = parsed("127.0.0.1:0");
    int first = address_listen(&a);
    (void)state;
    assert_true(first >= 0);
    int client = connected_to(&a);
    int server = accept(first, NULL, NULL);
    assert_int_equal(address_listen(&a), -EADDRINUSE);
    close(first);
    close(server); /* this end first: it is in TIME_WAIT now */
    close(client);
    int second = address_listen(&a);
    assert_true(second >= 0);
    close(second);
}

static void an_ipv6_listener_leaves_ipv4_to_others(void **state)
{
    struct address six = parsed("[::]:0");
    int fd = address_listen(&six);
    (void)state;
    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
        skip();
    assert_true(fd >= 0);
    struct address four = parsed("0.0.0.0:0");
    four.u.v4.sin_port = six.u.v6.sin6_port;
    int other = address_listen(&four);
    assert_true(other >= 0);
    close(other);
    close(fd);
}

/* What a unix listener may meet, in a folder of its own. */
struct folder {
    char path[32];
    char file[48];
    struct address address;
};

static int make_folder(void **state)
{
    struct folder *f = calloc(1, sizeof *f);
    *state = f;
    if (!f)
        return -1;
    snprintf(f->path, sizeof f->path, "/tmp/test_address.XXXXXX");
    if (!mkdtemp(f->path))
        return -1;
    snprintf(f->file, sizeof f->file, "%s/sock", f->path);
    char text[64];
    snprintf(text, sizeof text, "unix:%s", f->file);
    f->address = parsed(text);
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *f = *state;
    unlink(f->file);
    int rc = rmdir(f->path);
    free(f);
    return rc;
}

static void a_unix_socket_listens_and_goes(void **state)
{
    struct folder *f = *state;
    char text[ADDRESS_TEXT_MAX];
    int fd = address_listen(&f->address);
    assert_true(fd >= 0);
    assert_string_equal(address_format(&f->address, text, sizeof text) + 5, f->file);

    int client = connected_to(&f->address);
    int server = accept(fd, NULL, NULL);
    struct address peer;
    assert_int_equal(address_of_peer(server, &peer), 0);
    assert_string_equal(address_format(&peer, text, sizeof text), "unix");
    close(server);
    close(client);
    close(fd);
    address_unlink(&f->address);
    assert_int_equal(access(f->file, F_OK), -1);
}

static void a_unix_path_in_use_is_left_alone(void **state)
{
    struct folder *f = *state;
    struct address again = f->address;
    int fd = address_listen(&f->address);
    assert_true(fd >= 0);
    assert_int_equal(address_listen(&again), -EADDRINUSE);
    close(connected_to(&f->address));
    close(fd);
}

static void a_unix_path_left_over_by_the_dead_is_taken(void **state)
{
    struct folder *f = *state;
    struct address again = f->address;
    int dead = address_listen(&f->address);
    assert_true(dead >= 0);
    close(dead);
    int fd = address_listen(&again);
    assert_true(fd >= 0);
    close(connected_to(&again));
    close(fd);
}

/* connect() says ECONNREFUSED to these as well, but nobody wants them gone. */
static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    struct folder *f = *state;
    struct stat before;
    struct stat after;
    int file = open(f->file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, "precious", 8), 8);
    assert_int_equal(fstat(file, &before), 0);
    close(file);
    assert_int_equal(address_listen(&f->address), -EADDRINUSE);
    assert_int_equal(stat(f->file, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_size, 8);
}

static void a_symbolic_link_is_left_alone(void **state)
{
    struct folder *f = *state;
    struct stat after;
    assert_int_equal(symlink("nowhere", f->file), 0);
    assert_int_equal(address_listen(&f->address), -EADDRINUSE);
    assert_int_equal(lstat(f->file, &after), 0);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    struct folder *f = *state;
    struct address a = f->address;
    snprintf(a.u.local.sun_path, sizeof a.u.local.sun_path, "%s/no/such", f->path);
    assert_int_equal(address_listen(&a), -ENOENT);
}

static void unlinking_is_for_unix_sockets_only(void **state)
{
    struct folder *f = *state;
    struct address none = {0};
    struct address tcp = parsed("127.0.0.1:1");
    int fd = address_listen(&f->address);
    assert_true(fd >= 0);
    close(fd);
    address_unlink(&none);
    address_unlink(&tcp);
    assert_int_equal(access(f->file, F_OK), 0);
}

static void who_has_no_peer_is_unknown(void **state)
{
    struct address peer;
    char text[ADDRESS_TEXT_MAX];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;
    memset(&peer, 0xff, sizeof peer);
    assert_int_equal(address_of_peer(fd, &peer), -ENOTCONN);
    assert_string_equal(address_format(&peer, text, sizeof text), "unknown");
    close(fd);
    assert_int_equal(address_of_peer(-1, &peer), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_come_back_as_they_are_written),
        cmocka_unit_test(bad_addresses_are_refused_with_a_sentence),
        cmocka_unit_test(the_reason_is_not_crowded_out_by_the_address),
        cmocka_unit_test(a_short_buffer_gets_a_short_text),
        cmocka_unit_test(the_brief_form_says_what_the_log_needs),
        cmocka_unit_test(port_0_becomes_the_port_that_was_chosen),
        cmocka_unit_test(who_reads_slowly_is_not_taken_for_gone),
        cmocka_unit_test(who_is_gone_is_sent_things_again_every_20_seconds),
        cmocka_unit_test(a_port_in_use_is_an_error_and_free_again_at_once),
        cmocka_unit_test(an_ipv6_listener_leaves_ipv4_to_others),
        cmocka_unit_test_setup_teardown(a_unix_socket_listens_and_goes, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_unix_path_in_use_is_left_alone, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_unix_path_left_over_by_the_dead_is_taken, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_socket_is_left_alone, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_symbolic_link_is_left_alone, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_an_error, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(unlinking_is_for_unix_sockets_only, make_folder,
                                        remove_folder),
        cmocka_unit_test(who_has_no_peer_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
