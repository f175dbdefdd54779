/*
 * The filter seam: a chain of filters looks at every message before it lands in a room's log.
 * Knows no Lua and no sockets. A kind of filter (plugins/lua_host.c is one) is a row of functions,
 * struct filter_ops; to add another, implement those and hand the filter to filter_chain_add().
 *
 * Glossary
 *   message   what a client said, borrowed for the call
 *   verdict   what a filter says of it; a closed vocabulary
 *   chain     filters in order. `replace` goes on with the new text; `drop`, `reply` and `kick`
 *             end the walk
 *
 * A filter never ends the hub: one that cannot decide (a script error) says FILTER_PASS, counts
 * the fault and logs it.
 */
#ifndef CHATROOM_FILTER_H
#define CHATROOM_FILTER_H

#include "str.h"

#include <stdint.h>

enum filter_kind {
    FILTER_MESSAGE, /* a line to a room */
    FILTER_ACTION,  /* /me */
};

enum filter_verdict {
    FILTER_PASS,    /* nothing to say */
    FILTER_DROP,    /* the message goes nowhere; the sender is told result.text if not empty */
    FILTER_REPLACE, /* result.text instead */
    FILTER_REPLY,   /* the message goes nowhere; result.text is the answer, as a notice */
    FILTER_KICK,    /* the sender is told result.text and disconnected */
};

struct filter_message {
    enum filter_kind kind;
    uint64_t client; /* id of the sender */
    int64_t time_ms; /* wall clock, UNIX milliseconds */
    struct str from; /* nick */
    struct str room; /* with its '#' */
    struct str text; /* clean UTF-8, one line */
};

struct filter_result {
    enum filter_verdict verdict;
    struct str text; /* borrowed from the filter (or from the chain) until its next call */
    struct str by;   /* name of the filter that decided; empty for pass */
};

struct filter;

struct filter_ops {
    /* Judges `m`; fills result->verdict and result->text, both preset to pass and empty. */
    void (*on_message)(struct filter *f, const struct filter_message *m,
                       struct filter_result *result);
    void (*free)(struct filter *f);
};

/* First member of every filter; the implementation embeds it. */
struct filter {
    const struct filter_ops *ops;
    struct str name; /* owned by the implementation, lives as long as the filter */
    uint64_t calls;  /* kept by the chain, as are the next two */
    uint64_t verdicts[FILTER_KICK + 1];
    uint64_t refused; /* rewritings the chain did not take: empty or too long */
    uint64_t faults;  /* kept by the implementation: script errors and the like */
};

/*
 * Makes a filter of a file; a kind of filter provides one such function. Returns 0 and sets *out,
 * or a negative errno with a sentence in `why` that names the file, and the line where it can.
 */
typedef int filter_load_fn(struct filter **out, const char *path, char *why, size_t why_size);

struct filter_chain;

/* An empty chain for texts of at most `max_text` bytes; NULL without memory. */
struct filter_chain *filter_chain_new(size_t max_text);
void filter_chain_free(struct filter_chain *chain); /* and its filters */

/* Appends; takes `f` if it returns 0, otherwise -ENOMEM. */
int filter_chain_add(struct filter_chain *chain, struct filter *f);

size_t filter_chain_size(const struct filter_chain *chain);
struct filter *filter_chain_at(const struct filter_chain *chain, size_t i);

/*
 * Walks the chain. On PASS and REPLACE the text to post is in the result (m->text, or the last
 * rewriting: cleaned, and refused in favour of the text before it if it is empty or too long).
 * On the others it is what to tell the sender: cleaned, and cut to the length of a message.
 * Borrowed until the next run. No allocation.
 */
void filter_chain_run(struct filter_chain *chain, const struct filter_message *m,
                      struct filter_result *result);

/* "pass", "drop", ... Static. */
const char *filter_verdict_name(enum filter_verdict verdict);
const char *filter_kind_name(enum filter_kind kind); /* "message", "action" */

#endif
