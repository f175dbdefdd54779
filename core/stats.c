/* The counters as a list; see stats.h. */
#include "stats.h"

#include "netpoll.h"

size_t stats_items(const struct stats *stats, const struct netpoll_stats *np,
                   struct event_item *items)
{
    size_t n = 0;
#define STATS_ITEM(field)    items[n++] = (struct event_item){STR(#field), stats->field};
#define STATS_NETPOLL(field) items[n++] = (struct event_item){STR(#field), np->field};
    STATS_LIST(STATS_ITEM)
    if (np) {
        STATS_NETPOLL_LIST(STATS_NETPOLL)
    }
#undef STATS_ITEM
#undef STATS_NETPOLL
    return n;
}
