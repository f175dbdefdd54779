/* See tally.h. */
#include "tally.h"

#include <string.h>

enum { FIRST_HEADS = 256 };

static void clear(struct tally_table *table)
{
    table->used = 0;
    memset(table->heads, 0, (table->mask + 1) * sizeof *table->heads);
}

void tally_init(struct tally *t, int64_t period_ms, int64_t now_ms)
{
    t->period_ms = period_ms;
    t->since_ms = now_ms;
    t->young = 0;
    for (unsigned i = 0; i < 2; i++) {
        t->tables[i].mask = FIRST_HEADS - 1;
        clear(&t->tables[i]);
    }
}

static void age(struct tally *t)
{
    t->young ^= 1;
    clear(&t->tables[t->young]);
}

/* Lets the periods pass that are over; after two nothing is left, however many they were. */
static void pass_time(struct tally *t, int64_t now_ms)
{
    if (now_ms - t->since_ms < t->period_ms)
        return;
    int64_t periods = (now_ms - t->since_ms) / t->period_ms;
    age(t);
    if (periods > 1)
        age(t);
    t->since_ms += periods * t->period_ms;
}

static struct tally_entry *find(struct tally_table *table, uint64_t key)
{
    uint16_t number = table->heads[key & table->mask];
    while (number > 0 && table->entries[number - 1].key != key)
        number = table->entries[number - 1].next;
    return number > 0 ? &table->entries[number - 1] : NULL;
}

/* Puts the entry of that number into its chain. */
static void link(struct tally_table *table, uint32_t number)
{
    struct tally_entry *e = &table->entries[number];
    uint16_t *head = &table->heads[e->key & table->mask];
    e->next = *head;
    *head = (uint16_t)(number + 1);
}

static void grow(struct tally_table *table)
{
    table->mask = 2 * table->mask + 1;
    memset(table->heads, 0, (table->mask + 1) * sizeof *table->heads);
    for (uint32_t i = 0; i < table->used; i++)
        link(table, i);
}

/* There must be room for it. */
static void add(struct tally_table *table, uint64_t key, uint32_t count)
{
    if (table->used > table->mask)
        grow(table);
    table->entries[table->used] = (struct tally_entry){.key = key, .count = count};
    link(table, table->used++);
}

uint32_t tally_count(struct tally *t, uint64_t key, int64_t now_ms)
{
    pass_time(t, now_ms);
    struct tally_entry *e = find(&t->tables[t->young], key);
    if (e) {
        e->count += e->count < UINT32_MAX;
        return e->count;
    }
    e = find(&t->tables[t->young ^ 1], key);
    uint32_t count = e ? e->count + (e->count < UINT32_MAX) : 1;
    if (t->tables[t->young].used == TALLY_KEYS_MAX)
        age(t);
    add(&t->tables[t->young], key, count);
    return count;
}
