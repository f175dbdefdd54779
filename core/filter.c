/*
 * The chain: walks the filters, keeps their counters, and sees to it that no text of theirs goes on
 * that a client could not have sent. It trusts the filters' code, not their texts.
 */
#include "filter.h"

#include "diag.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>

/* A filter that rewrites badly does so for every message: one log line for so many. */
#define REFUSALS_PER_LOG_LINE 1000

struct filter_chain {
    struct filter **filters;
    size_t count;
    size_t size;
    size_t max_text;
    /* For cleaned texts. A filter's text may be part of the text it was given, so that one must
     * stay while the next is made: `spare` is the buffer that the message's text is not in. */
    char *cleaned[2];
    unsigned spare;
};

static const char *const verdict_names[] = {
    [FILTER_PASS] = "pass",   [FILTER_DROP] = "drop", [FILTER_REPLACE] = "replace",
    [FILTER_REPLY] = "reply", [FILTER_KICK] = "kick",
};

static const char *const kind_names[] = {
    [FILTER_MESSAGE] = "message",
    [FILTER_ACTION] = "action",
};

struct filter_chain *filter_chain_new(size_t max_text)
{
    struct filter_chain *chain = calloc(1, sizeof *chain);
    if (!chain)
        return NULL;
    chain->max_text = max_text;
    for (int i = 0; i < 2; i++) {
        chain->cleaned[i] = malloc(TEXT_CLEAN_MAX(max_text) + 1);
        if (!chain->cleaned[i]) {
            filter_chain_free(chain);
            return NULL;
        }
    }
    return chain;
}

void filter_chain_free(struct filter_chain *chain)
{
    if (!chain)
        return;
    for (size_t i = 0; i < chain->count; i++)
        chain->filters[i]->ops->free(chain->filters[i]);
    free(chain->filters);
    free(chain->cleaned[0]);
    free(chain->cleaned[1]);
    free(chain);
}

int filter_chain_add(struct filter_chain *chain, struct filter *f)
{
    if (chain->count == chain->size) {
        size_t size = chain->size ? chain->size * 2 : 8;
        struct filter **filters = realloc(chain->filters, size * sizeof(struct filter *));
        if (!filters)
            return -ENOMEM;
        chain->filters = filters;
        chain->size = size;
    }
    chain->filters[chain->count++] = f;
    return 0;
}

size_t filter_chain_size(const struct filter_chain *chain)
{
    return chain->count;
}

struct filter *filter_chain_at(const struct filter_chain *chain, size_t i)
{
    return chain->filters[i];
}

/* `text`, which must fit max_text, cleaned: itself, or in the spare buffer. */
static struct str clean(struct filter_chain *chain, struct str text)
{
    struct text_repairs ignored = {0};
    return text_clean(text, chain->cleaned[chain->spare], &ignored);
}

static void refuse(const struct filter_chain *chain, struct filter *f, struct str text)
{
    if (f->refused++ % REFUSALS_PER_LOG_LINE != 0)
        return;
    char name[64];
    diag_escape(f->name, name, sizeof name);
    if (text.size > chain->max_text)
        diag_log(DIAG_WARN,
                 "filter %s: refused a rewriting of %zu bytes: the limit is %zu; "
                 "the text before it stands (refused so far: %llu)",
                 name, text.size, chain->max_text, (unsigned long long)f->refused);
    else
        diag_log(DIAG_WARN,
                 "filter %s: refused a rewriting that leaves nothing; "
                 "the text before it stands (refused so far: %llu)",
                 name, (unsigned long long)f->refused);
}

/* Takes the filter's text as the message's, if it can be sent. */
static void rewrite(struct filter_chain *chain, struct filter *f, struct str text,
                    struct filter_message *m, struct filter_result *result)
{
    struct str cleaned = text;
    if (text.size <= chain->max_text)
        cleaned = clean(chain, text);
    if (cleaned.size == 0 || cleaned.size > chain->max_text) {
        refuse(chain, f, cleaned);
        return;
    }
    if (cleaned.data == chain->cleaned[chain->spare])
        chain->spare ^= 1;
    m->text = cleaned;
    result->verdict = FILTER_REPLACE;
    result->by = f->name;
}

/* The walk ends here: the text is for the sender. */
static void finish(struct filter_chain *chain, struct filter *f, const struct filter_result *said,
                   struct filter_result *result)
{
    result->verdict = said->verdict;
    struct str text = clean(chain, text_cut(said->text, chain->max_text));
    result->text = text_cut(text, chain->max_text);
    result->by = f->name;
}

void filter_chain_run(struct filter_chain *chain, const struct filter_message *m,
                      struct filter_result *result)
{
    struct filter_message now = *m;
    *result = (struct filter_result){.verdict = FILTER_PASS};
    for (size_t i = 0; i < chain->count; i++) {
        struct filter *f = chain->filters[i];
        struct filter_result said = {.verdict = FILTER_PASS};
        f->calls++;
        f->ops->on_message(f, &now, &said);
        f->verdicts[said.verdict]++;
        if (said.verdict == FILTER_PASS)
            continue;
        if (said.verdict != FILTER_REPLACE) {
            finish(chain, f, &said, result);
            return;
        }
        rewrite(chain, f, said.text, &now, result);
    }
    result->text = now.text;
}

const char *filter_verdict_name(enum filter_verdict verdict)
{
    return verdict_names[verdict];
}

const char *filter_kind_name(enum filter_kind kind)
{
    return kind_names[kind];
}
