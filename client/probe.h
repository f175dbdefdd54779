/*
 * What --ping found: round-trip times gathered, and told in one line. Pure.
 */
#ifndef CHATROOM_PROBE_H
#define CHATROOM_PROBE_H

#include "str.h"

#include <stdint.h>

enum { PROBE_PINGS_MAX = 100000, PROBE_REPORT_MAX = 768 };

/* Embedded. */
struct probe {
    uint64_t *times; /* nanoseconds, in the order they came until the report */
    uint32_t wanted;
    uint32_t sent;
    uint32_t answered;
    uint64_t sent_ns; /* when the last one was sent */
};

/* Nanoseconds; of no times all are zero. */
struct probe_summary {
    uint64_t min;
    uint64_t avg;
    uint64_t p50; /* the time that half of them do not exceed; nearest rank, so one that came */
    uint64_t p99;
    uint64_t max;
};

/* For so many round trips, 1 to PROBE_PINGS_MAX. Returns 0 or -ENOMEM. */
int probe_init(struct probe *p, uint32_t wanted);
void probe_fini(struct probe *p);

/* A ping is sent now, an answer to the last one came now: on any clock that does not jump. An
 * answer that nobody asked for is ignored, and so is a ping once all were sent. */
void probe_send(struct probe *p, uint64_t now_ns);
void probe_answer(struct probe *p, uint64_t now_ns);

/* The ping just sent, still unanswered, does not count: there was no hub to answer it. */
void probe_take_back(struct probe *p);

static inline bool probe_is_complete(const struct probe *p)
{
    return p->answered == p->wanted;
}

/* Sorts the times. */
struct probe_summary probe_summarize(struct probe *p);

/* The report about `hub`, with its newline, for people or as a JSON object. `out` has room for
 * PROBE_REPORT_MAX bytes; a name of a hub that is too long is cut. */
struct str probe_report(struct probe *p, struct str hub, bool json, char *out);

#endif
