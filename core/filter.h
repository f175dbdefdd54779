/*
 * The filter seam: a chain of filters looks at everything that happens before it has an effect.
 * Knows no Lua and no sockets. A kind of filter (plugins/lua_host.c is one) is a row of functions,
 * struct filter_ops; to add another, implement those and hand the filter to filter_chain_add().
 *
 * Glossary
 *   event     something a client did (a message, a join ...), borrowed for the call
 *   verdict   what a filter says of it; a closed vocabulary
 *   chain     filters in order of their priority. `replace` goes on with the new text; `accept`
 *             ends the walk in the event's favour; every other verdict ends it
 *   match     what a filter wants to see at all, decided in C before the filter is entered
 *   breaker   a filter that faults too often is left out for a while (breaker.h)
 *
 * A filter never ends the hub: one that cannot decide says so with FILTER_FAULT; the chain lets the
 * event pass, or drops it where the filter is declared `closed`.
 */
#ifndef CHATROOM_FILTER_H
#define CHATROOM_FILTER_H

#include "address.h"
#include "breaker.h"
#include "fault_lines.h"
#include "histogram.h"
#include "str.h"

#include <stdint.h>

enum filter_kind {
    FILTER_MESSAGE, /* a line to a room */
    FILTER_ACTION,  /* /me */
    FILTER_PRIVATE, /* /msg; `to` is the receiver */
    FILTER_JOIN,    /* into `room`; a drop keeps the client out (not of the lobby on connect) */
    FILTER_LEAVE,   /* told only: verdicts have no effect */
    FILTER_NICK,    /* `to` is the new nick; a drop keeps the old one */
    FILTER_CONNECT, /* a new client, before its welcome; a kick turns it away */
    FILTER_COMMAND, /* /NAME of a filter; `to` is NAME, `text` its arguments */
    FILTER_KINDS
};

enum filter_verdict {
    FILTER_PASS,    /* nothing to say */
    FILTER_ACCEPT,  /* as it is now, or as result.text if not empty; the rest is not asked */
    FILTER_REPLACE, /* result.text instead; the walk goes on */
    FILTER_DROP,    /* it does not happen; the client is told result.text if not empty */
    FILTER_REPLY,   /* it does not happen; result.text is the answer, as a notice */
    FILTER_DIVERT,  /* a message or action goes to room result.text instead */
    FILTER_SHADOW,  /* its author believes it was sent; nobody gets it */
    FILTER_KICK,    /* the client is told result.text and disconnected */
    FILTER_FAULT,   /* the filter could not decide */
    FILTER_VERDICTS
};

/* What happened. Strings are borrowed, and empty where the kind has none. */
struct filter_event {
    enum filter_kind kind;
    uint64_t client;   /* id of who did it */
    int64_t time_ms;   /* wall clock, UNIX milliseconds */
    int64_t joined_ms; /* when it connected */
    struct str from;   /* nick */
    struct str to;
    struct str room;                  /* with its '#' */
    struct str text;                  /* clean UTF-8, one line */
    const struct address_brief *peer; /* NULL: none. address_brief_format() makes a text of it */
};

struct filter_result {
    enum filter_verdict verdict;
    struct str text; /* borrowed from the filter (or from the chain) until its next call */
    struct str by;   /* name of the filter that decided; empty for pass */
    struct str
        message;   /* DIVERT, from the chain: what to post there, rewritten by who came before */
    struct str at; /* from the filter: where it was decided, "words.lua:31"; the same life time. Of
                      a fault wherever known; otherwise only for the log at level debug, and where
                      filter->tell_places is set. */
    bool excused;  /* FAULT, from the filter: it is not its fault. The breaker does not count it. */
};

/* What filters may do to the hub; implemented by the core (hub_filters.c), and by tests. Every one
 * may be called inside a handler or a tick; effects come after the event that is being judged. */
struct filter_hub {
    void *owner;
    /* Says `text` in `room` in the name of the filter `by`. 0, -ENOENT without such a room, -EAGAIN
     * if too much was said in this turn. */
    int (*say)(void *owner, struct str by, struct str room, struct str text);
    /* A notice to one client, by nick. The same errors. */
    int (*tell)(void *owner, struct str by, struct str nick, struct str text);
    /* Calls `each` for the nicks in `room` (at most `most`); how many there are, or -ENOENT. */
    int64_t (*members)(void *owner, struct str room, size_t most,
                       void (*each)(void *arg, struct str nick), void *arg);
    /* The same for rooms. */
    int64_t (*rooms)(void *owner, size_t most,
                     void (*each)(void *arg, struct str room, uint32_t members), void *arg);
    /* Wall clock of this turn, UNIX milliseconds. */
    int64_t (*now_ms)(void *owner);
};

/* A hub without rooms and clients, for filters that are loaded without one. */
extern const struct filter_hub filter_nobody;

struct filter;

struct filter_ops {
    /* Judges `e`; fills result->verdict and result->text, both preset to pass and empty. Called
     * only for kinds in filter->kinds, in rooms that match, and texts that match. */
    void (*on_event)(struct filter *f, const struct filter_event *e, struct filter_result *result);
    /* Timers: runs the first that is due at `now_ms` (INT64_MIN: none is); returns when the next
     * one is (wall clock, ms), which may be by now, or INT64_MAX. `result` is preset to pass;
     * FILTER_FAULT if the timer failed. NULL: no timers. */
    int64_t (*tick)(struct filter *f, int64_t now_ms, struct filter_result *result);
    /* Hot reload. `save` hands out an opaque state (*size bytes, malloc'd; the caller frees), or
     * -ENOENT if the filter keeps none; `restore` takes it into the filter that replaces it. NULL:
     * the kind has no state to keep. */
    int (*save)(struct filter *f, char **state, size_t *size, char *why, size_t why_size);
    int (*restore)(struct filter *f, const char *state, size_t size, struct str old_version,
                   char *why, size_t why_size);
    /* Bytes of memory it uses now. NULL: not known. */
    size_t (*memory)(const struct filter *f);
    void (*free)(struct filter *f);
};

/* What a filter wants to see; all of it borrowed from the filter, and fixed once it is in a chain.
 * Zeroed means everything. See filter_match.h for how it is decided. */
struct filter_match {
    const struct str *rooms; /* globs (fnmatch(3)); none: all rooms */
    size_t room_count;
    struct str prefix;          /* the text starts with it */
    const struct str *contains; /* the text holds one of these, ASCII case ignored */
    size_t contain_count;
    size_t min_length; /* bytes of text */
    size_t max_length; /* 0: no limit */
    /* A rule on texts that only this kind of filter knows. Asked last; quick, and without
     * allocation. NULL: none. */
    bool (*fits)(void *rule, struct str text);
    void *rule;
    struct str rule_means; /* for people: "at least 5 capitals" */
    uint32_t kinds;        /* bit set of enum filter_kind: which of the handled kinds; 0: all */
    double sample;         /* looks at this share of what matches; 0: all */
};

/* A setting of a filter, for people: what --set may change, and what it is now. */
struct filter_setting {
    struct str key;
    struct str type;
    struct str value; /* as text; empty: none */
    struct str help;
};

/* First member of every filter; the implementation embeds it, and sets the first group. */
struct filter {
    const struct filter_ops *ops;
    struct str name;    /* all strings live as long as the filter */
    struct str version; /* may be empty, as may the next */
    struct str description;
    int priority;               /* low ones first; FILTER_FIRST, FILTER_NORMAL, FILTER_LAST */
    bool closed;                /* a fault drops what it judges, instead of letting it pass */
    uint64_t fingerprint;       /* of all it is made of: alike in filters that are */
    bool candidate;             /* of --shadow: its lines in the log are marked */
    uint32_t kinds;             /* bit set of the kinds it has a handler for */
    const struct str *commands; /* names it answers to, without the slash */
    size_t command_count;
    struct filter_match match;
    const struct filter_setting *settings;
    size_t setting_count;

    /* Kept by the chain. */
    uint64_t calls;
    uint64_t skips; /* the match said no */
    uint64_t verdicts[FILTER_VERDICTS];
    uint64_t refused;               /* rewritings the chain did not take: empty or too long */
    uint64_t repaired;              /* rewritings that had to be cleaned */
    uint64_t bypassed;              /* events while the breaker was open */
    uint64_t starved;               /* faults that are excused, and no verdicts */
    uint64_t slow;                  /* calls, of timers too, that took longer than FILTER_SOFT_NS */
    struct fault_lines fault_lines; /* of the faults */
    struct histogram ns;            /* of the calls */
    struct breaker breaker;
    bool tell_places; /* results should have `at`, whatever the level of the log */
};

/* Time, on the wall. A call that takes longer than the soft budget is counted; the hard one is the
 * filter's own affair. In a tick no further timer starts once those before took so long. */
enum { FILTER_SOFT_NS = 500 * 1000, FILTER_TICK_NS = 5 * 1000 * 1000 };

enum { FILTER_FIRST = -1000, FILTER_NORMAL = 0, FILTER_LAST = 1000 };

/*
 * Makes a filter of a file; a kind of filter provides one such function. `settings` are the
 * NAME.KEY=VALUE of --set, NULL-terminated. `hub` is borrowed for the life of the filter. Returns 0
 * and sets *out, or a negative errno with a sentence in `why` that names the file, and the line
 * where it can.
 */
struct filter_load_options {
    const char *const *settings; /* may be NULL */
    const struct filter_hub *hub;
    void *context;  /* what filters of this kind share; the kind says what (lua_host_world.h) */
    bool candidate; /* for struct filter */
};
typedef int filter_load_fn(struct filter **out, const char *path,
                           const struct filter_load_options *options, char *why, size_t why_size);

/* Runs the tests that come with a filter file. Returns how many failed, or a negative errno; `why`
 * has a sentence then, wherever the function does not print what went wrong. */
typedef int filter_test_fn(const char *path, const struct filter_load_options *options, char *why,
                           size_t why_size);

/* A kind of filter, as whoever wires the program hands it to the server. */
struct filter_host {
    filter_load_fn *load;
    filter_test_fn *test;  /* prints TAP: `filter test` */
    filter_test_fn *check; /* silent, and 0 if there are no tests: before a reload, and --check */
    void *context;         /* for filter_load_options; borrowed */
};

struct filter_chain;

/* An empty chain for texts of at most `max_text` bytes; NULL without memory. */
struct filter_chain *filter_chain_new(size_t max_text);
void filter_chain_free(struct filter_chain *chain); /* and its filters */

/* Adds, behind those of the same or a lower priority; takes `f` if it returns 0. -ENOMEM; -EEXIST
 * if a filter of that name, or one that answers to the same command, is there already; -E2BIG if
 * there are 64, or too many words in all; -EINVAL if its match has a fault (filter_match.h). */
int filter_chain_add(struct filter_chain *chain, struct filter *f);

size_t filter_chain_size(const struct filter_chain *chain);

/* Nanoseconds that its filters have taken since it was made, timers included: for a budget of the
 * caller's. */
uint64_t filter_chain_spent(const struct filter_chain *chain);
struct filter *filter_chain_at(const struct filter_chain *chain, size_t i);
struct filter *filter_chain_find(const struct filter_chain *chain, struct str name);

/* True if some filter handles this kind at all: spares the making of the event. */
bool filter_chain_wants(const struct filter_chain *chain, enum filter_kind kind);

/*
 * Walks the chain. On PASS, ACCEPT and REPLACE the text to go on with is in the result (e->text, or
 * the last rewriting: cleaned, and refused in favour of the text before it if it is empty or too
 * long; the verdict is REPLACE if there was one). On the others it is what to tell the client, or
 * the room to divert to: cleaned, and cut to the length of a message. A FAULT never comes out: it
 * is PASS or DROP. A verdict that does not go with the kind is a fault, as is a divert to what is
 * no room's name. The breakers go by e->time_ms. Borrowed until the next run. No allocation.
 */
void filter_chain_run(struct filter_chain *chain, const struct filter_event *e,
                      struct filter_result *result);

/* Runs the filter that answers to the command e->to, whatever its match. False if none does. A
 * fault is always a DROP: nobody else does what was asked for. */
bool filter_chain_command(struct filter_chain *chain, const struct filter_event *e,
                          struct filter_result *result);

/* Runs due timers of all filters, as many as fit in FILTER_TICK_NS, and one at least, and so many
 * of each that it ends; returns when the next is due (wall clock, ms; it may be by now), or
 * INT64_MAX. Those of a filter that is out of order wait. */
int64_t filter_chain_tick(struct filter_chain *chain, int64_t now_ms);

/* What log lines about it start with: "filter NAME", or "candidate NAME", escaped. Returns `out`.
 */
enum { FILTER_LABEL = 80 };
const char *filter_label(const struct filter *f, char *out, size_t size);

/* "pass", "drop", ... and "message", "action", ... Static. */
const char *filter_verdict_name(enum filter_verdict verdict);
const char *filter_kind_name(enum filter_kind kind);

#endif
