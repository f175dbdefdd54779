/*
 * What filters cost an event, through the whole seam: match, breaker, clock, Lua and back. Medians
 * of several rounds, in nanoseconds of this process's CPU time:
 *
 *     bench_filters [--tap] DIR_WITH_THE_FILTERS_THAT_SHIP [ROW...]
 *
 * With words behind the folder, only the rows that hold one of them. With --tap one short round
 * each, no figures, and the verdicts looked at: for ctest.
 *
 * The events are those of 64 members who write in turn, four lines a second: 256 different ones of
 * 64 bytes, so that nobody repeats a line for an hour. No filter objects to any of them. Timers run
 * once a second, and count. Compare within one run only, for the machine's speed drifts; that is
 * why the rounds of all rows are interleaved.
 */
#include "diag.h"
#include "filter.h"
#include "lua_host.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS = 15,
    EVENTS = 20000, /* a round */
    MEMBERS = 64,
    LINES = 256,
    STEP_MS = 250,
    TICK_MS = 1000,
    MAX_TEXT = 8192,
    MAX_ROWS = 64,
};

#define START_MS 1700000000000

struct row {
    const char *name;
    const char *script; /* a script of its own, or */
    const char *files;  /* those that ship, "flood words" */
    const char *text;   /* instead of the lines of all */
    enum filter_kind kind;
    unsigned scripts; /* so many are entered for each event; the others do not match */
    double limit;     /* what it may cost at most, by its makers' promise; 0: none is made */
};

#define TRIVIAL "on_message = function(msg) end }"
#define LINK    "see https://en.wikipedia.org/wiki/Lua for the words of that one"
#define NUMBERS "we had 1204 of them in the year 2019, and 1733 in the year 2021"

static const struct row rows[] = {
    {.name = "no filter"},
    {.name = "trivial on_message",
     .script = "return { name = 'b', " TRIVIAL,
     .scripts = 1,
     .limit = 150},
    {.name = "msg.len",
     .script = "return { name = 'b', on_message = function(msg) if msg.len > 99 then "
               "return hub.drop() end end }",
     .scripts = 1},
    {.name = "match miss, prefix",
     .script = "return { name = 'b', match = { prefix = '!' }, " TRIVIAL,
     .limit = 60},
    {.name = "match miss, 1000 words",
     .script = "local w = {} for i = 1, 1000 do w[i] = ('qz%dxv'):format(i) end "
               "return { name = 'b', match = { contains = w }, " TRIVIAL,
     .limit = 60},
    {.name = "words:mask",
     .script = "local w = hub.words({ 'spam', 'scam', 'viagra' }) return { name = 'b', "
               "on_message = function(msg) w:mask(msg.text) end }",
     .scripts = 1,
     .limit = 600},
    {.name = "chain of five",
     .files = "flood words links repeats caps",
     .scripts = 2,
     .limit = 1000},
    {.name = "flood", .files = "flood", .scripts = 1},
    {.name = "words", .files = "words"},
    {.name = "links", .files = "links"},
    {.name = "links, of a link", .files = "links", .text = LINK, .scripts = 1},
    {.name = "repeats", .files = "repeats", .scripts = 1},
    {.name = "caps", .files = "caps"},
    {.name = "shout", .files = "shout", .scripts = 1},
    {.name = "slowmode", .files = "slowmode", .scripts = 1},
    {.name = "jail", .files = "jail", .scripts = 1},
    {.name = "pii", .files = "pii"},
    {.name = "pii, of a number", .files = "pii", .text = NUMBERS, .scripts = 1},
    {.name = "audit", .files = "audit", .scripts = 1},
    {.name = "welcome, of a join", .files = "welcome", .kind = FILTER_JOIN, .scripts = 1},
    {.name = "commands, /roll",
     .files = "commands",
     .text = "2d6",
     .kind = FILTER_COMMAND,
     .scripts = 1},
};

/* A row at work. */
struct bench {
    const struct row *row;
    const struct material *material;
    struct filter_chain *chain;
    struct filter_event event; /* the next one */
    uint64_t events;
    uint64_t passed; /* of them, those no filter objected to */
    double rounds[ROUNDS];
};

/* ---- the hub, of which filters ask little --------------------------------------------------- */

static int64_t clock_ms(void *owner)
{
    (void)owner;
    return START_MS;
}

static int hear(void *owner, struct str by, struct str target, struct str text)
{
    (void)owner;
    (void)by;
    (void)target;
    (void)text;
    return 0;
}

static const struct filter_hub quiet = {.say = hear, .tell = hear, .now_ms = clock_ms};

/* ---- the chain ------------------------------------------------------------------------------ */

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_filters: %s\n", what);
    exit(1);
}

static void add(struct filter_chain *chain, const char *path)
{
    static const char *const settings[] = {"links.allow=wikipedia.org", NULL};
    struct filter_load_options options = {.settings = settings, .hub = &quiet};
    char why[512];
    struct filter *f;
    if (lua_host_load(&f, path, &options, why, sizeof why) < 0)
        die(why);
    if (filter_chain_add(chain, f) < 0)
        die("the filters do not go together");
}

static void add_script(struct filter_chain *chain, const char *script)
{
    char path[] = "/tmp/bench_filters_XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, script, strlen(script)) < 0)
        die("cannot write to /tmp");
    close(fd);
    add(chain, path);
    unlink(path);
}

static void add_files(struct filter_chain *chain, const char *names, const char *dir)
{
    struct str left = str_of(names);
    for (struct str name = str_word(&left); name.size > 0; name = str_word(&left)) {
        char path[4096];
        snprintf(path, sizeof path, "%s/" STR_FMT ".lua", dir, STR_ARG(name));
        add(chain, path);
    }
}

/* ---- the events ----------------------------------------------------------------------------- */

/* What people write: 58 bytes of a sentence and a word of six. */
static const char *const sentences[] = {
    "Has anybody here already been looking at the notes of the ",
    "I think that we should ask them before the next talk of a ",
    "there is a new version out since last night, and with it, ",
    "no, not this one; you want what Ann had put beside the old",
    "Thanks! That was it, and now everything compiles again on ",
    "what did you say is the name of the thing that holds that ",
    "we could meet at half past twelve in the hall near to the ",
    "It may well be that nobody has seen this but me and, well,",
};
static const char *const last_words[] = {
    " apple", " bread", " chair", " dream", " earth", " field", " glass", " heart",
    " ivory", " joint", " knife", " lemon", " mouth", " night", " ocean", " paper",
    " queen", " river", " sheet", " table", " uncle", " voice", " watch", " youth",
    " zebra", " brick", " cloud", " drawn", " eight", " fence", " grape", " house",
};

/* Made once: it is filters that are measured. */
struct material {
    struct str lines[LINES];
    struct str nicks[MEMBERS];
};

static __attribute__((format(printf, 1, 2))) struct str compose(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0)
        die("out of memory");
    return str_from(text, (size_t)size);
}

static void make_material(struct material *m)
{
    for (size_t i = 0; i < LINES; i++)
        m->lines[i] = compose("%s%s", sentences[i % 8], last_words[i / 8]);
    for (size_t i = 0; i < MEMBERS; i++)
        m->nicks[i] = compose("member%zu", i);
}

static void free_material(struct material *m)
{
    for (size_t i = 0; i < LINES; i++)
        free((char *)m->lines[i].data);
    for (size_t i = 0; i < MEMBERS; i++)
        free((char *)m->nicks[i].data);
}

/* What stays the same from one event to the next. */
static struct filter_event first_event(const struct row *row)
{
    return (struct filter_event){
        .kind = row->kind,
        .time_ms = START_MS,
        .joined_ms = START_MS,
        .to = row->kind == FILTER_COMMAND ? STR("roll") : STR(""),
        .room = STR("#lobby"),
        .text = row->text ? str_of(row->text) : STR(""),
    };
}

/* A member's lines start at a place of its own, so that neighbours write different things. */
static void next_event(struct bench *b)
{
    size_t member = b->events % MEMBERS;
    b->event.client = 1000 + member;
    b->event.from = b->material->nicks[member];
    if (!b->row->text)
        b->event.text = b->material->lines[(b->events / MEMBERS + member * 5) % LINES];
}

static void step(struct bench *b)
{
    struct filter_result result;
    next_event(b);
    if (b->event.kind == FILTER_COMMAND)
        filter_chain_command(b->chain, &b->event, &result);
    else
        filter_chain_run(b->chain, &b->event, &result);
    b->passed += result.verdict == FILTER_PASS;
    b->events++;
    b->event.time_ms += STEP_MS;
    if (b->event.time_ms % TICK_MS == 0)
        filter_chain_tick(b->chain, b->event.time_ms);
}

static void start(struct bench *b, const struct row *row, const struct material *material,
                  const char *dir)
{
    *b = (struct bench){.row = row,
                        .material = material,
                        .chain = filter_chain_new(MAX_TEXT),
                        .event = first_event(row)};
    if (!b->chain)
        die("out of memory");
    if (row->script)
        add_script(b->chain, row->script);
    if (row->files)
        add_files(b->chain, row->files, dir);
}

/* ---- measuring ------------------------------------------------------------------------------ */

static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static double round_ns(struct bench *b)
{
    uint64_t begin = cpu_ns();
    for (int i = 0; i < EVENTS; i++)
        step(b);
    return (double)(cpu_ns() - begin) / EVENTS;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How often a script was entered. */
static uint64_t calls(const struct bench *b)
{
    uint64_t count = 0;
    for (size_t i = 0; i < filter_chain_size(b->chain); i++)
        count += filter_chain_at(b->chain, i)->calls;
    return count;
}

static void measure(struct bench *benches, size_t count)
{
    for (int r = 0; r < ROUNDS; r++) {
        for (size_t i = 0; i < count; i++)
            benches[i].rounds[r] = round_ns(&benches[i]);
    }
    puts("                              median     least      most   scripts   limit");
    for (size_t i = 0; i < count; i++) {
        struct bench *b = &benches[i];
        qsort(b->rounds, ROUNDS, sizeof *b->rounds, by_value);
        printf("%-24s %8.1f ns %9.1f %9.1f %9.2f", b->row->name, b->rounds[ROUNDS / 2],
               b->rounds[0], b->rounds[ROUNDS - 1], (double)calls(b) / (double)b->events);
        if (b->row->limit > 0)
            printf(" %7.0f%s", b->row->limit,
                   b->rounds[ROUNDS / 2] > b->row->limit ? "  missed" : "");
        putchar('\n');
    }
}

/* ---- the miniature -------------------------------------------------------------------------- */

static uint64_t faults(const struct bench *b)
{
    uint64_t count = 0;
    for (size_t i = 0; i < filter_chain_size(b->chain); i++)
        count += filter_chain_at(b->chain, i)->verdicts[FILTER_FAULT];
    return count;
}

/* Whatever is measured must be what it says: nothing fails, nothing is objected to, and no script
 * is entered that need not be. Returns 1 if it is not. */
static int check(struct bench *b, size_t number)
{
    round_ns(b);
    bool good = faults(b) == 0 && b->passed == b->events && calls(b) == b->row->scripts * b->events;
    printf("%sok %zu - %s\n", good ? "" : "not ", number, b->row->name);
    if (!good)
        printf("# %" PRIu64 " of %" PRIu64 " passed, %" PRIu64 " scripts entered, %" PRIu64
               " faults\n",
               b->passed, b->events, calls(b), faults(b));
    return good ? 0 : 1;
}

static int check_all(struct bench *benches, size_t count)
{
    int status = 0;
    printf("1..%zu\n", count);
    for (size_t i = 0; i < count; i++)
        status |= check(&benches[i], i + 1);
    return status;
}

/* ---- the command line ----------------------------------------------------------------------- */

static bool wanted(const struct row *row, char **words)
{
    if (!*words)
        return true;
    for (; *words; words++) {
        if (strstr(row->name, *words))
            return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    static struct bench benches[MAX_ROWS];
    static struct material material;
    size_t count = 0;
    bool tap = argc > 1 && strcmp(argv[1], "--tap") == 0;
    char **args = argv + 1 + tap;
    if (!*args || **args == '-') {
        fprintf(stderr, "usage: bench_filters [--tap] DIR_WITH_THE_FILTERS_THAT_SHIP [ROW...]\n");
        return 64;
    }
    diag_init("bench_filters", tap ? DIAG_WARN : DIAG_ERROR); /* audit would log */
    make_material(&material);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (wanted(&rows[i], args + 1))
            start(&benches[count++], &rows[i], &material, *args);
    }
    if (count == 0)
        die("there is no such row");
    int status = 0;
    if (tap)
        status = check_all(benches, count);
    else
        measure(benches, count);
    for (size_t i = 0; i < count; i++)
        filter_chain_free(benches[i].chain);
    free_material(&material);
    return status;
}
