/* Compiling a set of words: see word_set_impl.h for how they are kept. */
#include "text.h"
#include "word_set_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistr.h>

enum { FIRST_SLOTS = 64, FIRST_KEYS = 1024 };

/* Underscores separate: they are how people stress a word. */
static void make_ascii(struct word_set *set)
{
    for (int c = 0; c < 128; c++) {
        struct word_glyph g;
        word_glyph_make(&g, (uint32_t)c);
        set->ascii[c] = g.kind == WORD_GLYPH_LETTER ? g.folded[0] : '\0';
    }
}

static int grow_slots(struct word_set *set)
{
    size_t old_size = set->slots ? set->mask + 1 : 0;
    size_t size = old_size ? old_size * 2 : FIRST_SLOTS;
    struct word_slot *old = set->slots;
    struct word_slot *slots = calloc(size, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    set->slots = slots;
    set->mask = size - 1;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].size > 0)
            *word_set_probe(set, set->keys + old[i].key, old[i].size, old[i].hash) = old[i];
    }
    free(old);
    return 0;
}

static int grow_keys(struct word_set *set, size_t more)
{
    size_t room = set->keys_room ? set->keys_room : FIRST_KEYS;
    while (room < set->keys_size + more)
        room *= 2;
    if (room == set->keys_room)
        return 0;
    char *keys = realloc(set->keys, room);
    if (!keys)
        return -ENOMEM;
    set->keys = keys;
    set->keys_room = room;
    return 0;
}

/* Adds the key, or adds to what is known of it; `entry` is a number + 1, or 0. */
static int add_key(struct word_set *set, const struct word_key *key, uint32_t entry, bool leads)
{
    if (grow_keys(set, key->size) < 0 || (set->used * 2 > set->mask && grow_slots(set) < 0))
        return -ENOMEM;
    uint32_t hash = word_set_hash(key->bytes, key->size);
    struct word_slot *s = word_set_probe(set, key->bytes, key->size, hash);
    if (s->size == 0) {
        memcpy(set->keys + set->keys_size, key->bytes, key->size);
        s->hash = hash;
        s->key = (uint32_t)set->keys_size;
        s->size = (uint16_t)key->size;
        set->keys_size += key->size;
        set->used++;
    }
    if (!memchr(key->bytes, ' ', key->size))
        set->sizes[(unsigned char)key->bytes[0]] |= word_size_bit(key->size);
    if (s->entry == 0)
        s->entry = entry;
    s->leads |= leads;
    if (key->size > set->longest)
        set->longest = key->size;
    return 0;
}

/* Adds the beginnings of the entry, and itself. On -EINVAL *fault is the end of a sentence. */
static int add_entry(struct word_set *set, struct str text, uint32_t number, const char **fault)
{
    struct word_key key = {0};
    struct word word = {0};
    for (int words = 1; word_set_next(set, text, word.end, &key, &word); words++) {
        bool more = word_set_skip(set, text, word.end) < text.size;
        *fault = "is too long";
        if (key.size > WORD_KEY_MAX || words > WORD_SET_PHRASE_MAX)
            return -EINVAL;
        *fault = "is too much: the list is too long";
        if (set->keys_size > WORD_SET_BYTES_MAX)
            return -EINVAL;
        if (add_key(set, &key, more ? 0 : number, more) < 0)
            return -ENOMEM;
        word_key_add(&key, " ", 1);
    }
    return 0;
}

/* Without the spaces and line ends around it. */
static struct str trimmed(struct str s)
{
    while (s.size > 0 && (unsigned char)s.data[0] <= ' ')
        s = str_skip(s, 1);
    while (s.size > 0 && (unsigned char)s.data[s.size - 1] <= ' ')
        s.size--;
    return s;
}

/* What is wrong with an entry, as the end of a sentence, or NULL. Signs at its ends are refused
 * because to leave them away would make other words of them: "c" of "c++". */
static const char *fault_of(struct word_set *set, struct str text)
{
    const uint8_t *data = (const uint8_t *)text.data;
    if (text.size == 0)
        return "is empty";
    if (text.size > WORD_SET_ENTRY_MAX)
        return "is too long";
    if (u8_check(data, text.size))
        return "is not UTF-8";
    ucs4_t ignored;
    size_t last = (size_t)(u8_prev(&ignored, data + text.size, data) - data);
    size_t size;
    if (word_set_kind_at(set, text, 0, &size) == WORD_GLYPH_SEPARATOR ||
        word_set_kind_at(set, text, last, &size) == WORD_GLYPH_SEPARATOR)
        return "does not begin and end with a letter, a digit, or an emoji";
    if (word_set_skip(set, text, 0) == text.size)
        return "has nothing to be seen";
    return NULL;
}

static int add_entries(struct word_set *set, size_t count, char *why, size_t why_size)
{
    for (size_t i = 0; i < count; i++) {
        struct str text = trimmed(set->entries[i]);
        const char *fault = fault_of(set, text);
        int err = fault ? -EINVAL : add_entry(set, text, (uint32_t)i + 1, &fault);
        if (err == -EINVAL) {
            struct str start = text_cut(text, 40);
            snprintf(why, why_size, "entry %zu, \"" STR_FMT "\", %s", i + 1, STR_ARG(start), fault);
        }
        if (err)
            return err;
    }
    return 0;
}

/* Keeps the entries as they are written. */
static int copy_entries(struct word_set *set, const struct str *entries, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += entries[i].size;
    set->entries = calloc(count + 1, sizeof *set->entries);
    set->written = malloc(size + 1);
    if (!set->entries || !set->written)
        return -ENOMEM;
    char *at = set->written;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].size > 0)
            memcpy(at, entries[i].data, entries[i].size);
        set->entries[i] = str_from(at, entries[i].size);
        at += entries[i].size;
    }
    set->entry_count = count;
    set->written_size = size;
    return 0;
}

int word_set_new(struct word_set **out, const struct str *entries, size_t count, char *why,
                 size_t why_size)
{
    if (count > WORD_SET_ENTRIES_MAX) {
        snprintf(why, why_size, "%zu entries are more than %d", count, WORD_SET_ENTRIES_MAX);
        return -EINVAL;
    }
    struct word_set *set = calloc(1, sizeof *set);
    if (!set)
        return -ENOMEM;
    make_ascii(set);
    int err = copy_entries(set, entries, count);
    if (!err)
        err = grow_slots(set);
    if (!err)
        err = add_entries(set, count, why, why_size);
    if (err)
        word_set_free(set);
    else
        *out = set;
    return err;
}

void word_set_free(struct word_set *set)
{
    if (!set)
        return;
    free(set->slots);
    free(set->keys);
    free(set->entries);
    free(set->written);
    free(set);
}

size_t word_set_memory(const struct word_set *set)
{
    return sizeof *set + (set->mask + 1) * sizeof *set->slots + set->keys_room +
           set->entry_count * sizeof *set->entries + set->written_size;
}
