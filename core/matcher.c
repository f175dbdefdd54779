/*
 * The automaton is a trie of the words, completed to a table: row[column of the next byte] is where
 * to go on, so that each byte costs one dependent load. Bytes that occur in no word share one
 * column.
 *
 * The sieve before it makes use of two facts. A word of five bytes or more can be known by its
 * first four bytes and by the four one place on; one of the two places is even, so that every
 * second place of the text will do. And of a byte of chat the low five bits tell the most, in both
 * cases alike, so that what a short word leaves open can be filled in with all 32 of them.
 */
#include "matcher.h"

#include "text.h"

#include <errno.h>
#include <stdlib.h>

enum {
    GRAM = 4,        /* bytes that the sieve looks at */
    GRAM_STRIDE = 2, /* ... at every so many places */
    GRAM_BITS = 16,
    FEW = 4,      /* bytes that are looked for one by one: memchr() is that much faster */
    ROW_HEAD = 2, /* a row starts with the two halves of its owners; columns count from behind */
};

#define GRAM_MASK 0x1f1f1f1fu /* the bits of them that count */
#define NOWHERE   SIZE_MAX

/* A transition is the index of the row to go to, with what need not be looked up there. */
#define TO_OUTPUT 0x80000000u /* it has owners */
#define TO_DEEP   0x40000000u /* GRAM bytes or more are matched so far */
#define TO_ROW    0x3fffffffu

struct matcher {
    uint32_t *rows; /* row 0 is the start: nothing is matched so far */
    uint32_t row_size;
    uint32_t states;
    unsigned singles;       /* bytes that are words */
    unsigned char few[FEW]; /* the first of them */
    uint16_t column[256];
    uint64_t grams[(1 << GRAM_BITS) / 64];
    uint64_t single[256]; /* owners of words of one byte; these are not in the automaton */
};

static uint64_t owners_of(const struct matcher *m, uint32_t row)
{
    uint64_t owners;
    memcpy(&owners, &m->rows[row], sizeof owners);
    return owners;
}

static void add_owners(struct matcher *m, uint32_t row, uint64_t owners)
{
    owners |= owners_of(m, row);
    memcpy(&m->rows[row], &owners, sizeof owners);
}

/* ---- the sieve ------------------------------------------------------------------------------ */

static uint32_t gram_at(const char *bytes)
{
    uint32_t gram;
    memcpy(&gram, bytes, sizeof gram);
    return ((gram & GRAM_MASK) * 0x9e3779b1u) >> (32 - GRAM_BITS);
}

/* 1 if a word may begin about here, otherwise 0. */
static unsigned may_begin(const struct matcher *m, const char *bytes)
{
    uint32_t gram = gram_at(bytes);
    return (m->grams[gram / 64] >> (gram % 64)) & 1;
}

/* Enters all grams that begin with the bytes before `at`; those from there on are open if their bit
 * in `open` is set. */
static void add_grams(struct matcher *m, char bytes[GRAM], size_t at, unsigned open)
{
    while (at < GRAM && !(open >> at & 1))
        at++;
    if (at == GRAM) {
        uint32_t gram = gram_at(bytes);
        m->grams[gram / 64] |= UINT64_C(1) << (gram % 64);
        return;
    }
    for (bytes[at] = 0; bytes[at] < 32; bytes[at]++)
        add_grams(m, bytes, at + 1, open);
}

/* Enters what the sieve may see of `word` where it looks `shift` bytes behind its beginning. */
static void add_window(struct matcher *m, struct str word, int shift)
{
    char bytes[GRAM] = {0};
    unsigned open = 0;
    for (int i = 0; i < GRAM; i++) {
        int from = i + shift;
        if (from >= 0 && (size_t)from < word.size)
            bytes[i] = word.data[from];
        else
            open |= 1u << i;
    }
    add_grams(m, bytes, 0, open);
}

static void add_to_sieve(struct matcher *m, struct str word)
{
    add_window(m, word, 0);
    add_window(m, word, word.size > GRAM ? 1 : -1);
}

/* The first place from `from` on, in steps of GRAM_STRIDE, where a word may begin: there, one byte
 * before, or one after. NOWHERE if no word begins at or behind `from`. */
static size_t next_place(const struct matcher *m, struct str text, size_t from)
{
    const char *data = text.data;
    size_t i = from;
    for (; i + GRAM + 6 <= text.size; i += 8) { /* one branch for four looks */
        if (may_begin(m, data + i) | may_begin(m, data + i + 2) | may_begin(m, data + i + 4) |
            may_begin(m, data + i + 6))
            break;
    }
    for (; i + GRAM <= text.size; i += GRAM_STRIDE) {
        if (may_begin(m, data + i))
            return i;
    }
    for (; i < text.size; i += GRAM_STRIDE) {
        char rest[GRAM] = {0};
        memcpy(rest, data + i, text.size - i);
        if (may_begin(m, rest))
            return i;
    }
    return NOWHERE;
}

/* ---- scanning ------------------------------------------------------------------------------- */

static uint64_t scan_few(const struct matcher *m, struct str text)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < m->singles && text.size > 0; i++) {
        if (memchr(text.data, m->few[i], text.size))
            found |= m->single[m->few[i]];
    }
    return found;
}

/* Two chains of `or`, so that one need not wait for the other. */
static uint64_t scan_single(const struct matcher *m, struct str text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    uint64_t even = 0;
    uint64_t odd = 0;
    size_t i = 0;
    for (; i + 2 <= text.size; i += 2) {
        even |= m->single[bytes[i]];
        odd |= m->single[bytes[i + 1]];
    }
    if (i < text.size)
        even |= m->single[bytes[i]];
    return even | odd;
}

static uint32_t step(const struct matcher *m, uint32_t to, char byte, uint64_t *found)
{
    to = m->rows[(to & TO_ROW) + m->column[(unsigned char)byte]];
    if (to & TO_OUTPUT)
        *found |= owners_of(m, to & TO_ROW);
    return to;
}

/* Runs the automaton from `from`, at least up to `least`, and until less than GRAM bytes of a word
 * are matched: any word pending there begins in the last GRAM - 1 bytes. Returns where it stopped.
 */
static size_t run_automaton(const struct matcher *m, struct str text, size_t from, size_t least,
                            uint64_t *found)
{
    uint32_t to = 0;
    size_t i = from;
    for (size_t end = least < text.size ? least : text.size; i < end; i++)
        to = step(m, to, text.data[i], found);
    for (; i < text.size && (to & TO_DEEP); i++)
        to = step(m, to, text.data[i], found);
    return i;
}

/* Where the sieve lets many places through, going to and fro costs more than the automaton alone:
 * so each run is at least twice as long as the one before. */
uint64_t matcher_scan(const struct matcher *m, struct str text, uint64_t wanted)
{
    uint64_t found = m->singles > FEW ? scan_single(m, text) : scan_few(m, text);
    size_t at = 0;
    for (size_t run = GRAM; (found & wanted) != wanted; run *= 2) {
        size_t place = next_place(m, text, at);
        if (place == NOWHERE)
            break;
        size_t from = place > at ? place - 1 : at;
        size_t end = run_automaton(m, text, from, place + run, &found);
        if (end == text.size)
            break;
        at = end - (GRAM - 1); /* > place */
    }
    return found & wanted;
}

/* ---- making it ------------------------------------------------------------------------------ */

/* Gives a column to every byte of the words; returns how many states they need at most. */
static size_t set_columns(struct matcher *m, const struct matcher_word *words, size_t count)
{
    size_t states = 1;
    m->row_size = ROW_HEAD + 1;
    for (size_t i = 0; i < 256; i++)
        m->column[i] = ROW_HEAD;
    for (size_t w = 0; w < count; w++) {
        struct str text = words[w].text;
        states += text.size;
        for (size_t i = 0; text.size > 1 && i < text.size; i++) {
            uint16_t *column = &m->column[(unsigned char)text_fold(text.data[i])];
            if (*column == ROW_HEAD)
                *column = (uint16_t)m->row_size++;
        }
    }
    for (size_t c = 'A'; c <= 'Z'; c++)
        m->column[c] = m->column[(unsigned char)text_fold((char)c)];
    return states;
}

static size_t most_states(const struct matcher *m)
{
    return MATCHER_BYTES_MAX / (m->row_size * sizeof *m->rows);
}

static int add_to_trie(struct matcher *m, const struct matcher_word *word)
{
    uint32_t row = 0;
    for (size_t i = 0; i < word->text.size; i++) {
        uint32_t *next = &m->rows[row + m->column[(unsigned char)word->text.data[i]]];
        if (*next == 0) {
            if (m->states == most_states(m))
                return -E2BIG;
            *next = m->states++ * m->row_size;
        }
        row = *next;
    }
    add_owners(m, row, word->owners);
    return 0;
}

static void add_single(struct matcher *m, const struct matcher_word *word)
{
    for (size_t c = 0; c < 256; c++) {
        if (text_fold((char)c) != text_fold(word->text.data[0]))
            continue;
        if (m->single[c] == 0 && m->singles++ < FEW)
            m->few[m->singles - 1] = (unsigned char)c;
        m->single[c] |= word->owners;
    }
}

static int add_words(struct matcher *m, const struct matcher_word *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].text.size == 0)
            return -EINVAL;
        if (words[i].text.size == 1) {
            add_single(m, &words[i]);
            continue;
        }
        int rc = add_to_trie(m, &words[i]);
        if (rc < 0)
            return rc;
        add_to_sieve(m, words[i].text);
    }
    return 0;
}

/* What is known of a state while the trie is completed. */
struct link {
    uint32_t row;  /* the state that is the n-th in order of depth; the rest is of state n */
    uint32_t fail; /* row of its longest end that is the beginning of a word too */
    uint32_t depth;
};

/* Completes the row of one state: where it has no child, the transition is that of its fail state,
 * which is less deep and so is complete. Puts its children in the queue. */
static uint32_t link_state(struct matcher *m, struct link *links, uint32_t row, uint32_t queued)
{
    const struct link *self = &links[row / m->row_size];
    for (uint32_t c = ROW_HEAD; c < m->row_size; c++) {
        uint32_t *to = &m->rows[row + c];
        uint32_t other = row == 0 ? 0 : m->rows[self->fail + c];
        if (*to == 0) {
            *to = other;
            continue;
        }
        struct link *child = &links[*to / m->row_size];
        child->fail = other;
        child->depth = self->depth + 1;
        links[queued++].row = *to;
    }
    add_owners(m, row, owners_of(m, self->fail));
    return queued;
}

/* Writes into every transition what is known of its target. */
static void flag_transitions(struct matcher *m, const struct link *links)
{
    for (uint32_t s = 0; s < m->states; s++) {
        uint32_t *row = &m->rows[s * m->row_size];
        for (uint32_t c = ROW_HEAD; c < m->row_size; c++) {
            uint32_t to = row[c];
            row[c] |= owners_of(m, to) ? TO_OUTPUT : 0;
            row[c] |= links[to / m->row_size].depth >= GRAM ? TO_DEEP : 0;
        }
    }
}

static int complete(struct matcher *m)
{
    struct link *links = calloc(m->states, sizeof *links);
    if (!links)
        return -ENOMEM;
    uint32_t queued = 1; /* the start */
    for (uint32_t i = 0; i < queued; i++)
        queued = link_state(m, links, links[i].row, queued);
    flag_transitions(m, links);
    free(links);
    return 0;
}

static int compile(struct matcher *m, const struct matcher_word *words, size_t count)
{
    size_t states = set_columns(m, words, count);
    if (states > most_states(m))
        states = most_states(m); /* words may share their beginnings */
    m->rows = calloc(states, m->row_size * sizeof *m->rows);
    if (!m->rows)
        return -ENOMEM;
    m->states = 1;
    int rc = add_words(m, words, count);
    return rc < 0 ? rc : complete(m);
}

int matcher_new(struct matcher **out, const struct matcher_word *words, size_t count)
{
    struct matcher *m = calloc(1, sizeof *m);
    if (!m)
        return -ENOMEM;
    int rc = compile(m, words, count);
    if (rc < 0) {
        matcher_free(m);
        return rc;
    }
    *out = m;
    return 0;
}

void matcher_free(struct matcher *m)
{
    if (!m)
        return;
    free(m->rows);
    free(m);
}

size_t matcher_memory(const struct matcher *m)
{
    return sizeof *m + (size_t)m->states * m->row_size * sizeof *m->rows;
}
