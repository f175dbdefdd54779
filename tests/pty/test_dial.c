/*
 * dial.c where no command line leads: what it makes of text, and a host with several addresses,
 * for which getaddrinfo(3) is replaced at link time.
 */
#include "dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    TIMEOUT_MS = 5000,
};

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*): ld --wrap names them so. */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out);
void __wrap_freeaddrinfo(struct addrinfo *list);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

/* A host with the addresses that the test names: a list of ports of 127.0.0.1, ended by 0. */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out)
{
    (void)service, (void)hints;
    check_expected_ptr(host);
    const uint16_t *port = mock_ptr_type(const uint16_t *);
    for (*out = NULL; *port; port++) {
        struct addrinfo *info = calloc(1, sizeof *info);
        struct sockaddr_in *a = calloc(1, sizeof *a);
        assert_true(info && a);
        *a = (struct sockaddr_in){.sin_family = AF_INET,
                                  .sin_port = htons(*port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        *info = (struct addrinfo){.ai_addr = (struct sockaddr *)a, .ai_addrlen = sizeof *a};
        while (*out)
            out = &(*out)->ai_next;
        *out = info;
    }
    return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_addr);
        free(list);
        list = next;
    }
    function_called();
}

/* A listener on a free port, which is written to `port`. */
static int listener(uint16_t *port)
{
    struct address a;
    char why[128];
    assert_int_equal(address_parse(&a, "127.0.0.1:0", why, sizeof why), 0);
    int fd = address_listen(&a);
    assert_true(fd >= 0);
    *port = ntohs(a.u.v4.sin_port);
    return fd;
}

/* A port where nobody listens. */
static uint16_t closed_port(void)
{
    uint16_t port;
    close(listener(&port));
    return port;
}

static int dial_ports(const uint16_t *ports, char *why, size_t why_size)
{
    struct dial_target target;
    assert_int_equal(dial_parse(&target, "hall.example:77", why, why_size), 0);
    expect_string(__wrap_getaddrinfo, host, "hall.example");
    will_return(__wrap_getaddrinfo, ports);
    expect_function_call(__wrap_freeaddrinfo);
    return dial(&target, TIMEOUT_MS, why, why_size);
}

static void the_last_address_is_tried_too(void **state)
{
    (void)state;
    uint16_t port;
    int hub = listener(&port);
    const uint16_t ports[] = {closed_port(), closed_port(), port, 0};
    char why[512];
    int fd = dial_ports(ports, why, sizeof why);
    assert_true(fd >= 0);
    struct address peer;
    assert_int_equal(address_of_peer(fd, &peer), 0);
    assert_int_equal(ntohs(peer.u.v4.sin_port), port);
    close(fd);
    close(hub);
}

static void the_first_that_answers_is_taken(void **state)
{
    (void)state;
    uint16_t first, second;
    int hubs[] = {listener(&first), listener(&second)};
    const uint16_t ports[] = {first, second, 0};
    char why[512];
    int fd = dial_ports(ports, why, sizeof why);
    struct address peer;
    assert_int_equal(address_of_peer(fd, &peer), 0);
    assert_int_equal(ntohs(peer.u.v4.sin_port), first);
    close(fd);
    close(hubs[0]);
    close(hubs[1]);
}

static void all_causes_are_told(void **state)
{
    (void)state;
    const uint16_t ports[] = {closed_port(), closed_port(), 0};
    char why[512];
    char wanted[512];
    assert_int_equal(dial_ports(ports, why, sizeof why), -ECONNREFUSED);
    snprintf(wanted, sizeof wanted,
             "127.0.0.1:%u: Connection refused; 127.0.0.1:%u: Connection refused", ports[0],
             ports[1]);
    assert_string_equal(why, wanted);
}

/* Cut, but ended. */
static void causes_fit_into_what_is_given(void **state)
{
    (void)state;
    const uint16_t ports[] = {closed_port(), closed_port(), closed_port(), 0};
    char why[40];
    assert_int_equal(dial_ports(ports, why, sizeof why), -ECONNREFUSED);
    assert_int_equal(strlen(why), sizeof why - 1);
}

static void text_is_read_as_people_write_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *port;
    } rows[] = {
        {"", "127.0.0.1", "8888"},
        {"localhost", "localhost", "8888"},
        {"localhost:1", "localhost", "1"},
        {":65535", "127.0.0.1", "65535"},
        {"10.0.0.1:80", "10.0.0.1", "80"},
        {"::1", "::1", "8888"},
        {"[::1]", "::1", "8888"},
        {"[::1]:80", "::1", "80"},
        {"fe80::1%lo", "fe80::1%lo", "8888"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dial_target target;
        char why[128];
        assert_int_equal(dial_parse(&target, rows[i].text, why, sizeof why), 0);
        assert_int_equal(target.local.length, 0);
        assert_string_equal(target.host, rows[i].host);
        assert_string_equal(target.port, rows[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_address_is_tried_too),
        cmocka_unit_test(the_first_that_answers_is_taken),
        cmocka_unit_test(all_causes_are_told),
        cmocka_unit_test(causes_fit_into_what_is_given),
        cmocka_unit_test(text_is_read_as_people_write_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
