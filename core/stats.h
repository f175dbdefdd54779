/*
 * The hub's counters: plain numbers, one writer. To add one, add a row; /stats, the USR1 log and
 * the JSON follow.
 */
#ifndef CHATROOM_STATS_H
#define CHATROOM_STATS_H

#include "wire.h"

#include <stdint.h>

struct netpoll_stats;

/* Gauges first (clients, rooms), then counters since the start. */
#define STATS_LIST(X)                                                                              \
    X(clients)                /* connected now */                                                  \
    X(rooms)                  /* existing now */                                                   \
    X(connections)            /* accepted */                                                       \
    X(refused)                /* turned away: the hub was full */                                  \
    X(messages)               /* posted to rooms, actions included */                              \
    X(privates)               /* private messages handed over */                                   \
    X(commands)               /* lines that started with / */                                      \
    X(replays)                /* histories sent */                                                 \
    X(filter_drops)           /* messages by verdict of the filters */                             \
    X(filter_rewrites)        /* */                                                                \
    X(filter_replies)         /* */                                                                \
    X(filter_kicks)           /* */                                                                \
    X(filter_diverts)         /* */                                                                \
    X(filter_shadows)         /* */                                                                \
    X(filter_reloads)         /* that were done */                                                 \
    X(filter_reloads_refused) /* the old ones stayed */                                            \
    X(filter_rollbacks)       /* the old ones came back */                                         \
    X(shadow_events)          /* seen by the candidate of --shadow */                              \
    X(shadow_differences)     /* on which it was of another mind */                                \
    X(controls_removed)       /* control characters taken out of input */                          \
    X(invalid_utf8)           /* ill-formed sequences replaced in input */                         \
    X(long_lines)             /* dropped: over --max-line */                                       \
    X(gaps)                   /* times a slow connection was skipped ahead */                      \
    X(skipped)                /* messages it missed by that */                                     \
    X(closed_slow)            /* connections closed for reading too slowly */                      \
    X(held)                   /* times input waited for a connection to take its replies */        \
    X(undelivered)            /* private messages refused: the receiver does not read */           \
    X(broken)                 /* connections that an error ended: reset, timed out ... */          \
    X(no_memory)              /* connections or messages lost for want of memory */

/* What netpoll counts, under its own names. */
#define STATS_NETPOLL_LIST(X)                                                                      \
    X(turns)                                                                                       \
    X(reads)                                                                                       \
    X(read_bytes)                                                                                  \
    X(sends)                                                                                       \
    X(sent_bytes)                                                                                  \
    X(short_sends)                                                                                 \
    X(failed_sends)                                                                                \
    X(accept_pauses)                                                                               \
    X(accept_drops)                                                                                \
    X(starved)                                                                                     \
    X(stale_events)

struct stats {
#define STATS_FIELD(name) uint64_t name;
    STATS_LIST(STATS_FIELD)
#undef STATS_FIELD
};

#define STATS_ITEMS_MAX 48

/* All counters as items of a stats event; returns how many, at most STATS_ITEMS_MAX. `np` may be
 * NULL. */
size_t stats_items(const struct stats *stats, const struct netpoll_stats *np,
                   struct event_item *items);

#endif
