/* One pass over the line; each step returns false where it meets something unusual. */
#include "event_flat.h"

#include "text.h"

#include <stddef.h>

enum {
    DIGITS_MAX = 18,       /* a number with more may be too large for an int64_t */
    DAYS_TO_1970 = 719468, /* from 1 March of the year 0 */
    DAYS_OF_400_YEARS = 146097,
};

/* ---- bytes --------------------------------------------------------------------------------- */

/* Takes `wanted` off the front of *in. */
static bool take(struct str *in, char wanted)
{
    if (in->size == 0 || in->data[0] != wanted)
        return false;
    *in = str_skip(*in, 1);
    return true;
}

/* "text", without escapes, that need not be cleaned. */
static bool take_text(struct str *in, struct str *out)
{
    bool ascii = true;
    size_t n = 1;
    if (in->size == 0 || in->data[0] != '"')
        return false;
    for (;; n++) {
        unsigned char c = n < in->size ? (unsigned char)in->data[n] : 0;
        if (c == '"')
            break;
        if (c < ' ' || c == '\\' || c == 0x7f)
            return false;
        ascii = ascii && c < 0x80;
    }
    *out = str_from(in->data + 1, n - 1);
    *in = str_skip(*in, n + 1);
    return ascii || text_is_clean(*out);
}

/* The next `n` bytes are digits. */
static bool read_digits(const char *at, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(at[i] - '0');
    }
    *out = value;
    return true;
}

/* JSON has no leading zeros. What follows the digits is looked at by who takes the next thing. */
static bool take_number(struct str *in, uint64_t *out)
{
    size_t n = 0;
    while (n < in->size && in->data[n] >= '0' && in->data[n] <= '9')
        n++;
    bool leading_zero = n > 1 && in->data[0] == '0';
    if (n == 0 || n > DIGITS_MAX || leading_zero || !read_digits(in->data, n, out))
        return false;
    *in = str_skip(*in, n);
    return true;
}

/* ---- time ---------------------------------------------------------------------------------- */

/* Days since 1 January 1970. A year begins with March here, so that the leap day is its last. */
static int64_t days(uint64_t year, uint64_t month, uint64_t day)
{
    uint64_t y = month > 2 ? year : year - 1;
    uint64_t from_march = (month + 9) % 12;
    uint64_t day_of_year = (153 * from_march + 2) / 5 + day - 1;
    uint64_t in_era = y % 400;
    uint64_t day_of_era = in_era * 365 + in_era / 4 - in_era / 100 + day_of_year;
    return (int64_t)(y / 400 * DAYS_OF_400_YEARS + day_of_era) - DAYS_TO_1970;
}

static const int64_t LAST_MS = 253402300799999; /* of the year 9999: the next has five digits */

bool event_flat_time(struct str text, int64_t *ms)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";
    static const struct {
        unsigned char at;
        unsigned char size;
        unsigned char low;
        unsigned char high;
    } fields[] = {{5, 2, 1, 12}, {8, 2, 1, 31}, {11, 2, 0, 23}, {14, 2, 0, 59}, {17, 2, 0, 60}};
    uint64_t year;
    uint64_t rest;
    uint64_t f[5];
    if (text.size != sizeof form - 1)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (form[i] != '0' && text.data[i] != form[i])
            return false;
    }
    if (!read_digits(text.data, 4, &year) || year == 0 || !read_digits(text.data + 20, 3, &rest))
        return false;
    for (size_t i = 0; i < 5; i++) {
        if (!read_digits(text.data + fields[i].at, fields[i].size, &f[i]) || f[i] < fields[i].low ||
            f[i] > fields[i].high)
            return false;
    }
    int64_t seconds = days(year, f[0], f[1]) * 86400 + (int64_t)(f[2] * 3600 + f[3] * 60 + f[4]);
    *ms = seconds * 1000 + (int64_t)rest;
    return *ms >= 0 && *ms <= LAST_MS;
}

/* ---- members ------------------------------------------------------------------------------- */

const struct event_key event_text_keys[EVENT_TEXT_KEYS] = {
    {{"from", 4}, offsetof(struct event, from)},   {{"text", 4}, offsetof(struct event, text)},
    {{"room", 4}, offsetof(struct event, room)},   {{"to", 2}, offsetof(struct event, to)},
    {{"nick", 4}, offsetof(struct event, nick)},   {{"server", 6}, offsetof(struct event, server)},
    {{"token", 5}, offsetof(struct event, token)},
};

const struct event_key event_number_keys[EVENT_NUMBER_KEYS] = {
    {{"seq", 3}, offsetof(struct event, seq)},
    {{"id", 2}, offsetof(struct event, id)},
    {{"count", 5}, offsetof(struct event, count)},
    {{"skipped", 7}, offsetof(struct event, count)},
};

/* An event in the making. */
struct making {
    struct event *e;
    uint32_t seen; /* a bit for each kind of member: which of two counts is not for here */
};

enum { SEEN_TIME = 1, SEEN_TEXTS = 2, SEEN_NUMBERS = 1 << 16, SEEN_COUNT = 1 << 24 };

static bool once(struct making *m, uint32_t bit)
{
    bool again = m->seen & bit;
    m->seen |= bit;
    return !again;
}

static bool set_text(struct making *m, struct str key, struct str value)
{
    if (str_equal(key, STR("time")))
        return once(m, SEEN_TIME) && event_flat_time(value, &m->e->time_ms);
    for (size_t i = 0; i < EVENT_TEXT_KEYS; i++) {
        if (!str_equal(key, event_text_keys[i].name))
            continue;
        *(struct str *)event_key_place(&event_text_keys[i], m->e) = value;
        return once(m, (uint32_t)SEEN_TEXTS << i);
    }
    return false;
}

static bool set_number(struct making *m, struct str key, uint64_t value)
{
    for (size_t i = 0; i < EVENT_NUMBER_KEYS; i++) {
        if (!str_equal(key, event_number_keys[i].name))
            continue;
        bool count = event_number_keys[i].offset == offsetof(struct event, count);
        *(uint64_t *)event_key_place(&event_number_keys[i], m->e) = value;
        return once(m, count ? SEEN_COUNT : (uint32_t)SEEN_NUMBERS << i);
    }
    return false;
}

/* ,"key":value */
static bool take_member(struct str *in, struct making *m)
{
    struct str key;
    struct str text;
    uint64_t number;
    if (!take(in, ',') || !take_text(in, &key) || !take(in, ':') || in->size == 0)
        return false;
    if (in->data[0] == '"')
        return take_text(in, &text) && set_text(m, key, text);
    return take_number(in, &number) && set_number(m, key, number);
}

/* The type comes first, and those with lists are not for here. */
static bool take_type(struct str *in, enum event_type *out)
{
    static const struct str start = {"{\"type\":", 8};
    struct str name;
    if (!str_starts_with(*in, start))
        return false;
    *in = str_skip(*in, start.size);
    if (!take_text(in, &name))
        return false;
    for (int type = 0; type < EVENT_TYPES; type++) {
        if (str_equal(name, str_of(event_type_name((enum event_type)type)))) {
            *out = (enum event_type)type;
            return type != EVENT_WHO && type != EVENT_ROOMS && type != EVENT_STATS;
        }
    }
    return false;
}

bool event_flat_read(struct str line, struct event *e)
{
    struct making m = {.e = e};
    *e = (struct event){0};
    if (!take_type(&line, &e->type))
        return false;
    while (line.size > 1) {
        if (!take_member(&line, &m))
            return false;
    }
    return take(&line, '}');
}
