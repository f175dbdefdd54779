/* Links: what is one and what is not, where it leads, and lines made on purpose. */
#include "link.h"
#include "unit.h"

#include <stdlib.h>

/* All links of a text, one behind the other: "example.org evil.com", with "?" for one that hides
 * where it leads, and "-" for one that leads to no name. */
static const char *all(struct str text)
{
    static char out[4096];
    struct link link = {.behind = 0};
    size_t used = 0;
    out[0] = '\0';
    for (size_t from = 0; link_next(text, from, &link); from = link.behind) {
        assert_true(link.behind > from && link.behind <= text.size);
        assert_int_equal(link.host.size > 0, link.fault == LINK_PLAIN);
        struct str host = link.fault == LINK_PLAIN    ? link.host
                          : link.fault == LINK_HIDDEN ? STR("?")
                                                      : STR("-");
        used += (size_t)snprintf(out + used, sizeof out - used, "%s" STR_FMT, used ? " " : "",
                                 STR_ARG(host));
        assert_true(used < sizeof out);
    }
    return out;
}

struct example {
    const char *text;
    const char *links;
};

static void assert_examples(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str text = str_of(examples[i].text);
        char *exact = malloc(text.size + 1);
        memcpy(exact, text.data, text.size);
        assert_string_equal(all(str_from(exact, text.size)), examples[i].links);
        free(exact);
    }
}

static void links_lead_to_their_host(void **state)
{
    static const struct example examples[] = {
        {"see https://example.org/a?b#c, please", "example.org"},
        {"https://example.org", "example.org"},
        {"(http://www.example.org:8080/)", "www.example.org"},
        {"ftp://a.b.c", "a.b.c"},
        {"://a", "a"},
        {"www.example.org.", "www.example.org"},
        {"WWW.Example.ORG", "WWW.Example.ORG"},
        {"example.org/distrib", "example.org"},
        {"https://m\xc3\xbcnchen.de/", "m\xc3\xbcnchen.de"},
        {"https://a-b.org-/", "a-b.org"},
        {"https://evil.com/www.b.org", "evil.com www.b.org"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void there_may_be_more_than_one(void **state)
{
    static const struct example examples[] = {
        {"https://a.org https://b.org", "a.org b.org"},
        {"www.a.org, www.b.org", "www.a.org www.b.org"},
        {"x://a|www.b.org", "a www.b.org"},
        {"www.a.org|www.b.org", "www.a.org www.b.org"},
        {"a.org/ b.org/", "a.org b.org"},
        {"https://a.org:80/ c.org/x", "a.org c.org"},
        {"x://a.org://b.org", "a.org b.org"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void what_leads_nowhere_to_be_seen_is_said(void **state)
{
    static const struct example examples[] = {
        {"https://good.org@evil.com/", "?"},
        {"https://good.org:x@evil.com", "?"},
        {"https://good.org%2eevil.com", "?"},
        {"www.good.org@evil.com", "?"},
        {"https://evil.com\\@good.org", "?"},
        {"http://[::1]/", "-"},
        {"http://./", "-"},
        {"http://-a/", "-"},
        {"http://", "-"},
        {"http:///x", "-"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void the_rest_is_no_link(void **state)
{
    static const char *const texts[] = {
        "",
        "/",
        "//",
        "and/or",
        "1.5/2.5",
        "60 km/h",
        "src/main.c",
        "./configure",
        "../a.out",
        "e.g. this",
        "a:b",
        "TCP/IP.",
        "awww.a.org",
        "ann@www.a.org",
        "ann@example.org/",
        "/example.org/",
        ".example.org/",
        "a.b/",
        "a.b1/",
        "w",
        "ww",
        "www",
        "wwww.",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_string_equal(all(str_of(texts[i])), "");
}

static void hosts_and_authorities_have_a_longest(void **state)
{
    char text[2000] = "x://";
    struct link link;
    (void)state;
    memset(text + 4, 'a', sizeof text - 4);
    assert_true(link_next(str_from(text, 4 + LINK_HOST_MAX), 0, &link));
    assert_int_equal(link.host.size, LINK_HOST_MAX);
    assert_true(link_next(str_from(text, 4 + LINK_HOST_MAX + 1), 0, &link));
    assert_int_equal(link.fault, LINK_NAMELESS);
    memset(text + 10, '!', sizeof text - 10);
    assert_true(link_next(str_from(text, 4 + LINK_AUTHORITY_MAX), 0, &link));
    assert_str(link.host, STR("aaaaaa"));
    assert_true(link_next(str_from(text, 4 + LINK_AUTHORITY_MAX + 1), 0, &link));
    assert_int_equal(link.fault, LINK_HIDDEN);
}

/* Whatever the pieces: the walk ends, and stays inside. */
static void random_lines_do_no_harm(void **state)
{
    static const char *const pieces[] = {"://", "www.", "/",        "a.de", "WwW.", " ", "@",   "%",
                                         ".",   "-",    "\xc3\xa4", ":",    "|",    "1", "org/"};
    struct unit_random r = {23};
    size_t links = 0;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char line[128] = "";
        for (size_t n = unit_below(&r, 20); n > 0; n--)
            strcat(line, pieces[unit_below(&r, COUNT_OF(pieces))]);
        size_t size = strlen(line);
        char *exact = malloc(size + 1);
        memcpy(exact, line, size);
        links += all(str_from(exact, size))[0] != '\0';
        free(exact);
    }
    assert_in_range(links, 5000, 19999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_lead_to_their_host),
        cmocka_unit_test(there_may_be_more_than_one),
        cmocka_unit_test(what_leads_nowhere_to_be_seen_is_said),
        cmocka_unit_test(the_rest_is_no_link),
        cmocka_unit_test(hosts_and_authorities_have_a_longest),
        cmocka_unit_test(random_lines_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
