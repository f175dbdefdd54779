/* See presence.h. */
#include "presence.h"

#include "wire.h"

bool presence_is_empty(const struct presence *p)
{
    return p->joined.count + p->left.count == 0;
}

static struct str room_of(const struct presence *p)
{
    return str_from(p->room, p->room_size);
}

/* Copies up to `max` bytes of whole characters; returns how many. */
static size_t copy(char *to, struct str from, size_t max)
{
    from = text_cut(from, max);
    if (from.size > 0)
        memcpy(to, from.data, from.size);
    return from.size;
}

static void add_name(struct presence_names *names, struct str nick)
{
    size_t at = names->count++;
    if (at < PRESENCE_NAMES_MAX)
        names->sizes[at] = copy(names->text[at], nick, TEXT_NICK_MAX);
}

bool presence_take(struct presence *p, const struct event *e, uint64_t now_ms)
{
    if (presence_is_empty(p)) {
        p->room_size = copy(p->room, e->room, sizeof p->room);
        p->since_ms = now_ms;
    } else if (!text_equal_fold(e->room, room_of(p))) {
        return false;
    }
    bool left = e->type == EVENT_PART;
    if (left)
        p->why_size = copy(p->why, e->text, sizeof p->why);
    add_name(left ? &p->left : &p->joined, e->from);
    return true;
}

bool presence_rename(struct presence *p, const struct event *e)
{
    struct presence_names *names = &p->joined;
    for (size_t i = 0; i < names->count && i < PRESENCE_NAMES_MAX; i++) {
        if (text_equal_fold(str_from(names->text[i], names->sizes[i]), e->from)) {
            names->sizes[i] = copy(names->text[i], e->nick, TEXT_NICK_MAX);
            return true;
        }
    }
    return false;
}

unsigned presence_wait(const struct presence *p, uint64_t now_ms)
{
    if (presence_is_empty(p))
        return 0;
    uint64_t passed = now_ms - p->since_ms;
    return passed < PRESENCE_MS ? (unsigned)(PRESENCE_MS - passed) : 1;
}

/* "bob", "bob and cem", "bob, cem, dan, eve and 12 others" */
static void tell_names(const struct presence_names *names, struct buffer *out)
{
    size_t named = names->count < PRESENCE_NAMED_MAX ? names->count : PRESENCE_NAMED_MAX;
    size_t others = names->count - named;
    for (size_t i = 0; i < named; i++) {
        if (i > 0)
            buffer_add(out, i + 1 == named && others == 0 ? STR(" and ") : STR(", "));
        buffer_add(out, str_from(names->text[i], names->sizes[i]));
    }
    if (others > 0)
        buffer_printf(out, " and %zu other%s", others, others == 1 ? "" : "s");
}

static void tell_room(const struct presence *p, struct str current, struct buffer *out)
{
    if (text_equal_fold(room_of(p), current))
        return;
    buffer_add_char(out, ' ');
    buffer_add(out, room_of(p));
}

void presence_tell(struct presence *p, struct str current, struct buffer *out)
{
    if (p->joined.count > 0) {
        tell_names(&p->joined, out);
        buffer_add_literal(out, " joined");
        tell_room(p, current, out);
    }
    if (p->joined.count > 0 && p->left.count > 0)
        buffer_add_literal(out, "; ");
    if (p->left.count > 0) {
        tell_names(&p->left, out);
        buffer_add_literal(out, " left");
        tell_room(p, current, out);
    }
    if (p->left.count == 1 && p->why_size > 0) {
        buffer_add_literal(out, ": ");
        buffer_add(out, str_from(p->why, p->why_size));
    }
    *p = (struct presence){0};
}
