/* Describing, testing and replaying filters; see filter_tool.h. JSON is read by jansson. */
#include "filter_tool.h"

#include "diag.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

enum { SETTINGS_MAX = 64, TEXT_MAX = 1 << 20 };

struct tool {
    filter_load_fn *load;
    filter_test_fn *test;
    struct filter_load_options options;
    struct filter_hub hub; /* nobody's, but what filters say is shown */
    const char *settings[SETTINGS_MAX + 1];
};

static int print_said(void *owner, struct str by, struct str target, struct str text)
{
    char to[128];
    char what[1024];
    (void)owner;
    printf("# " STR_FMT " says to %s: %s\n", STR_ARG(by), diag_escape(target, to, sizeof to),
           diag_escape(text, what, sizeof what));
    return 0;
}

/* ---- describe ------------------------------------------------------------------------------- */

static void print_list(const char *label, const struct str *items, size_t n, const char *none)
{
    printf("%-12s ", label);
    for (size_t i = 0; i < n; i++)
        printf("%s" STR_FMT, i ? ", " : "", STR_ARG(items[i]));
    printf("%s\n", n ? "" : none);
}

static void print_kinds(const char *label, uint32_t kinds)
{
    bool any = false;
    printf("%-12s ", label);
    for (int k = 0; k < FILTER_KINDS; k++) {
        if (!(kinds & 1U << k))
            continue;
        printf("%s%s", any ? ", " : "", filter_kind_name((enum filter_kind)k));
        any = true;
    }
    printf("%s\n", any ? "" : "nothing");
}

static void print_match(const struct filter_match *m)
{
    if (m->prefix.size > 0)
        printf("%-12s starts with \"" STR_FMT "\"\n", "match", STR_ARG(m->prefix));
    if (m->contain_count > 0)
        print_list("contains", m->contains, m->contain_count, "");
    if (m->min_length > 0)
        printf("%-12s at least %zu bytes\n", "match", m->min_length);
    if (m->max_length > 0)
        printf("%-12s at most %zu bytes\n", "match", m->max_length);
    if (m->fits)
        printf("%-12s " STR_FMT "\n", "match", STR_ARG(m->rule_means));
    if (m->sample > 0)
        printf("%-12s %g of what matches\n", "sample", m->sample);
}

static void print_settings(const struct filter *f)
{
    for (size_t i = 0; i < f->setting_count; i++) {
        const struct filter_setting *s = &f->settings[i];
        printf("%-12s " STR_FMT "." STR_FMT "=" STR_FMT " (" STR_FMT ") " STR_FMT "\n", "setting",
               STR_ARG(f->name), STR_ARG(s->key), STR_ARG(s->value), STR_ARG(s->type),
               STR_ARG(s->help));
    }
}

static const char *priority_name(int priority)
{
    return priority == FILTER_FIRST ? " (first)" : priority == FILTER_LAST ? " (last)" : "";
}

static void print_filter(const struct filter *f, const char *path)
{
    printf("%-12s " STR_FMT " " STR_FMT "\n", "filter", STR_ARG(f->name), STR_ARG(f->version));
    printf("%-12s %s\n", "file", path);
    if (f->description.size > 0)
        printf("%-12s " STR_FMT "\n", "description", STR_ARG(f->description));
    print_list("rooms", f->match.rooms, f->match.room_count, "all");
    print_kinds("sees", f->match.kinds ? f->match.kinds & f->kinds : f->kinds);
    print_match(&f->match);
    print_list("commands", f->commands, f->command_count, "none");
    print_settings(f);
    printf("%-12s %d%s\n", "priority", f->priority, priority_name(f->priority));
    printf("%-12s %s\n", "on a fault", f->closed ? "the message is dropped" : "the message passes");
    if (f->ops->memory)
        printf("%-12s %zu bytes after loading\n", "memory", f->ops->memory(f));
}

static int load(const struct tool *t, const char *path, struct filter **out)
{
    char why[512];
    if (t->load(out, path, &t->options, why, sizeof why) == 0)
        return 0;
    fprintf(stderr, "chatroom_server: filter: %s\n", why);
    return EX_CONFIG;
}

static int describe(const struct tool *t, char **args, int n)
{
    struct filter *f;
    (void)n;
    int status = load(t, args[0], &f);
    if (status != 0)
        return status;
    print_filter(f, args[0]);
    f->ops->free(f);
    return 0;
}

/* ---- test ----------------------------------------------------------------------------------- */

static int test(const struct tool *t, char **args, int n)
{
    int failed = 0;
    for (int i = 0; i < n; i++) {
        char why[512] = "";
        int rc = t->test(args[i], &t->options, why, sizeof why);
        if (rc < 0) {
            fprintf(stderr, "chatroom_server: filter: %s\n", why);
            return EX_CONFIG;
        }
        failed += rc;
    }
    return failed > 0;
}

/* ---- replay --------------------------------------------------------------------------------- */

static struct str member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? str_from(json_string_value(value), json_string_length(value))
                                 : STR("");
}

static bool kind_of(struct str type, enum filter_kind *out)
{
    static const enum filter_kind kinds[] = {FILTER_MESSAGE, FILTER_ACTION, FILTER_PRIVATE,
                                             FILTER_JOIN};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (str_equal(type, str_of(filter_kind_name(kinds[i])))) {
            *out = kinds[i];
            return true;
        }
    }
    return false;
}

/* ".5" and ".123Z" in milliseconds, which is as far as it is read. */
static int64_t parse_fraction(const char *text)
{
    int64_t ms = 0;
    int64_t worth = *text == '.' ? 100 : 0;
    for (text++; worth > 0 && *text >= '0' && *text <= '9'; text++, worth /= 10)
        ms += (*text - '0') * worth;
    return ms;
}

/* "2026-11-23T10:15:30.123Z" in UNIX milliseconds; 0 if it is none. */
static int64_t parse_time(struct str text)
{
    char copy[32];
    struct tm tm = {0};
    if (text.size < 20 || text.size >= sizeof copy)
        return 0;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
    return rest ? (int64_t)timegm(&tm) * 1000 + parse_fraction(rest) : 0;
}

static void print_difference(unsigned long line, const struct filter_event *e,
                             const struct filter_result *r)
{
    char text[256];
    char other[256];
    if (r->verdict == FILTER_PASS)
        return;
    printf("line %lu: %s " STR_FMT ": %s", line, filter_kind_name(e->kind), STR_ARG(e->from),
           filter_verdict_name(r->verdict));
    printf(": \"%s\"", diag_escape(e->text, text, sizeof text));
    if (r->text.size > 0 && !str_equal(r->text, e->text))
        printf(" -> \"%s\"", diag_escape(r->text, other, sizeof other));
    printf("\n");
}

/* True if it may have come from a hub, which sends nothing but clean text: so filters are spared
 * what they never see there, and the terminal what a capture may do to it. */
static bool is_genuine(const struct filter_event *e)
{
    return text_is_clean(e->from) && text_is_clean(e->room) && text_is_clean(e->to) &&
           text_is_clean(e->text);
}

/* One line of the capture; false if it is no event that filters see. */
static bool replay_line(struct filter_chain *chain, const json_t *object, unsigned long line)
{
    struct filter_event e = {0};
    struct filter_result result;
    if (!kind_of(member(object, "type"), &e.kind))
        return false;
    e.from = member(object, "from");
    e.room = member(object, "room");
    e.to = member(object, "to");
    e.text = member(object, "text");
    if (!is_genuine(&e))
        return false;
    e.client = (uint64_t)json_integer_value(json_object_get(object, "id"));
    e.time_ms = parse_time(member(object, "time"));
    filter_chain_tick(chain, e.time_ms);
    filter_chain_run(chain, &e, &result);
    print_difference(line, &e, &result);
    return true;
}

static void print_buckets(const struct histogram *h)
{
    for (size_t b = 0; b < HISTOGRAM_BUCKETS; b++) {
        if (h->buckets[b] > 0)
            printf("  from %10" PRIu64 " ns  %10" PRIu64 "\n", histogram_lowest(b), h->buckets[b]);
    }
}

static void print_summary(const struct filter *f, unsigned long events, unsigned long other)
{
    printf("%lu events replayed, %lu lines passed over\n", events, other);
    for (int v = 0; v < FILTER_VERDICTS; v++) {
        if (f->verdicts[v] > 0)
            printf("  %-8s %" PRIu64 "\n", filter_verdict_name((enum filter_verdict)v),
                   f->verdicts[v]);
    }
    printf("  %-8s %" PRIu64 "\n", "skipped", f->skips);
    printf("time: p50 %" PRIu64 " ns, p99 %" PRIu64 " ns, max %" PRIu64 " ns\n",
           histogram_percentile(&f->ns, 50), histogram_percentile(&f->ns, 99), f->ns.max);
    print_buckets(&f->ns);
}

static int replay_file(struct filter_chain *chain, FILE *capture)
{
    char *text = NULL;
    size_t size = 0;
    unsigned long line = 0;
    unsigned long events = 0;
    ssize_t n;
    while ((n = getline(&text, &size, capture)) > 0) {
        json_t *object = json_loadb(text, (size_t)n, 0, NULL);
        events += replay_line(chain, object, ++line);
        json_decref(object);
    }
    free(text);
    print_summary(filter_chain_at(chain, 0), events, line - events);
    return 0;
}

static int replay_into(struct filter_chain *chain, const char *path)
{
    FILE *capture = fopen(path, "re");
    if (!capture) {
        fprintf(stderr, "chatroom_server: %s: %s\n", path, strerror(errno));
        return EX_NOINPUT;
    }
    int status = replay_file(chain, capture);
    fclose(capture);
    return status;
}

static int replay(const struct tool *t, char **args, int n)
{
    struct filter *f;
    (void)n;
    int status = load(t, args[0], &f);
    if (status != 0)
        return status;
    struct filter_chain *chain = filter_chain_new(TEXT_MAX);
    if (!chain || filter_chain_add(chain, f) < 0) {
        f->ops->free(f);
        filter_chain_free(chain);
        return EX_OSERR;
    }
    status = replay_into(chain, args[1]);
    filter_chain_free(chain);
    return status;
}

/* ---- the words ------------------------------------------------------------------------------ */

struct word {
    const char *name;
    const char *usage;
    int least; /* arguments */
    int most;
    int (*run)(const struct tool *t, char **args, int n);
};

static const struct word words[] = {
    {"describe", "describe FILE", 1, 1, describe},
    {"test", "test FILE...", 1, 1000, test},
    {"replay", "replay FILE CAPTURE.jsonl", 2, 2, replay},
};

enum { WORDS = sizeof words / sizeof *words };

static int usage(void)
{
    for (size_t i = 0; i < WORDS; i++)
        fprintf(stderr, "%s chatroom_server filter [--set NAME.KEY=VALUE]... %s\n",
                i ? "      " : "Usage:", words[i].usage);
    return EX_USAGE;
}

/* Takes the --set options off the front; returns how many arguments they were, or -1. */
static int take_settings(struct tool *t, int argc, char **argv)
{
    int used = 0;
    size_t n = 0;
    while (used < argc && strcmp(argv[used], "--set") == 0) {
        if (used + 1 == argc || n == SETTINGS_MAX)
            return -1;
        t->settings[n++] = argv[used + 1];
        used += 2;
    }
    return used;
}

int filter_tool(int argc, char **argv, struct filter_host host)
{
    struct tool t = {.load = host.load, .test = host.test, .hub = filter_nobody};
    t.hub.say = print_said;
    t.hub.tell = print_said;
    t.options = (struct filter_load_options){
        .settings = t.settings,
        .hub = &t.hub,
        .context = host.context,
    };
    int used = take_settings(&t, argc, argv);
    if (used < 0 || used == argc)
        return usage();
    const char *name = argv[used];
    /* The settings may stand behind the word, too. */
    int more = take_settings(&t, argc - used - 1, argv + used + 1);
    if (more < 0)
        return usage();
    int n = argc - used - 1 - more;
    for (size_t i = 0; i < WORDS; i++) {
        if (strcmp(name, words[i].name) == 0 && n >= words[i].least && n <= words[i].most)
            return words[i].run(&t, argv + used + 1 + more, n);
    }
    return usage();
}
