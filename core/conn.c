/* A client of the hub; see conn.h. */
#include "conn.h"

#include "diag.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct str conn_nick(const struct conn *c)
{
    return str_from(c->nick, c->nick_size);
}

struct link *conn_links(struct conn *c)
{
    return c->link_size > 1 ? c->links.many : &c->links.one;
}

struct link *conn_link(struct conn *c, uint32_t room)
{
    struct link *links = conn_links(c);
    for (uint16_t i = 0; i < c->link_count; i++) {
        if (links[i].room == room)
            return &links[i];
    }
    return NULL;
}

static int links_grow(struct conn *c)
{
    uint16_t size = (uint16_t)(c->link_size > 1 ? c->link_size * 2 : 4);
    struct link *old = c->link_size > 1 ? c->links.many : NULL;
    struct link first = c->links.one;
    struct link *many = realloc(old, size * sizeof *many);
    if (!many)
        return -ENOMEM;
    if (!old)
        many[0] = first;
    c->links.many = many;
    c->link_size = size;
    return 0;
}

int conn_link_add(struct conn *c, struct link link)
{
    if (c->link_count == CONN_ROOMS_MAX)
        return -EMLINK;
    uint16_t room_for = c->link_size > 1 ? c->link_size : 1;
    if (c->link_count == room_for && links_grow(c) < 0)
        return -ENOMEM;
    c->current = (uint8_t)c->link_count;
    conn_links(c)[c->link_count++] = link;
    return 0;
}

void conn_link_remove(struct conn *c, uint32_t room)
{
    struct link *links = conn_links(c);
    uint16_t i = 0;
    while (i < c->link_count && links[i].room != room)
        i++;
    if (i == c->link_count)
        return;
    c->link_count--;
    memmove(&links[i], &links[i + 1], (c->link_count - i) * sizeof *links);
    if (c->current > 0 && c->current >= i)
        c->current--;
}

uint32_t conn_room(struct conn *c)
{
    return c->link_count > 0 ? conn_links(c)[c->current].room : UINT32_MAX;
}

int conn_push(struct conn *c, const struct event *e)
{
    const struct wire *wire = wire_get((enum wire_id)c->wire);
    size_t bound = wire->bound(e);
    char *out = outq_push(&c->outq, bound);
    if (!out)
        return -ENOMEM;
    outq_shrink(&c->outq, bound - wire->encode(e, out));
    return 0;
}

const char *conn_label(const struct conn *c, char *out, size_t size)
{
    char nick[4 * TEXT_NICK_MAX + 8];
    char own[32];
    int n = snprintf(own, sizeof own, "client-%" PRIu64, c->id);
    if (str_equal(conn_nick(c), str_from(own, (size_t)n)))
        snprintf(out, size, "%s", own);
    else
        snprintf(out, size, "%s (%s)", own, diag_escape(conn_nick(c), nick, sizeof nick));
    return out;
}

void conn_fini(struct conn *c)
{
    outq_fini(&c->outq);
    frame_fini(&c->frame);
    if (c->link_size > 1)
        free(c->links.many);
    *c = (struct conn){0};
}
