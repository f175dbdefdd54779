/*
 * Inside the load engine, see engine.h. Connections are *links*; a link may have a *talker* (it
 * sends) and a *reader* (it is read in full). Links, talkers and readers of a room are neighbours.
 *
 * All counts go up from engine_open() on, over all stretches, and so does what is due: a stretch is
 * over when they meet.
 *
 *   engine.c        who is there
 *   engine_talk.c   sending: windows and paces
 *   engine_hear.c   receiving: reading, counting, checking
 *   engine_visit.c  visitors
 *   engine_run.c    the loop and its three phases
 */
#ifndef BENCH_ENGINE_IMPL_H
#define BENCH_ENGINE_IMPL_H

#include "crowd.h"
#include "driver.h"
#include "engine.h"
#include "pace.h"
#include "stamp.h"

#define NONE UINT32_MAX

enum {
    SAMPLES_MAX = 8,
    READ_SIZE = 65536,
    OUT_SIZE = 65536, /* of a talker's buffer, if that holds a message */
    CARRY_MIN = 2048, /* of what a reader keeps of a unit that is not all there */
    NEAR_MAX = 256,   /* events of readers and talkers at a time */
    FAR_MAX = 64,     /* and of those who are only counted: so few that readers wait little */
};

/* What an event's data begins with; the rest is an index. */
enum tag { TAG_LINK, TAG_VISITOR, TAG_FAR };

struct link {
    int fd;
    uint32_t room;
    uint32_t talker; /* or NONE */
    uint32_t reader; /* or NONE: its bytes are thrown away */
    bool listens;
    bool slow;     /* never read */
    bool complete; /* has all that is due */
    uint64_t bytes;
    uint64_t due; /* bytes; of one that is read: deliveries */
};

struct reader {
    uint32_t link;
    bool samples;
    uint64_t heard;  /* deliveries */
    uint32_t *next;  /* of each talker of the room: the number that is due */
    uint64_t *bytes; /* and the size of its deliveries so far, all together */
    size_t have;     /* bytes of a unit that is not all there */
    char *carry;
};

struct talker {
    uint32_t link;
    uint32_t sent; /* messages put into `out` so far */
    uint32_t done; /* of these, all samples have */
    bool queued;
    bool blocked; /* the socket is full */
    size_t begin;
    size_t end;
    char *out;
};

struct room {
    uint32_t first_link;
    uint32_t links;
    uint32_t first_talker;
    uint32_t talkers;
    uint32_t samples;
    uint32_t sample[SAMPLES_MAX]; /* readers */
};

enum visit_state { ENTERING, PRESENT };

struct visitor {
    enum visit_state state;
    uint32_t room;
    struct entry entry;
    uint32_t *next; /* as a reader's; NONE: has heard nothing of that talker yet */
};

enum phase {
    PHASE_TALK,  /* messages are sent */
    PHASE_READ,  /* no more; readers get the rest */
    PHASE_COUNT, /* so what the others are due is known; they get theirs */
    PHASE_OVER,
};

struct engine {
    const struct workload *w;
    const struct driver *driver;
    struct sockaddr_in server;
    struct crowd crowd;
    int near; /* epoll: readers, talkers, visitors, and the other one */
    int far;  /* epoll: those who are only counted */
    uint32_t next_id;

    uint32_t room_count;
    uint32_t link_count;
    uint32_t talker_count;
    uint32_t reader_count;
    uint32_t visitor_count;
    bool quiet; /* the last room and its talker */
    struct room *rooms;
    struct link *links;
    struct talker *talkers;
    struct reader *readers;
    struct visitor *visitors;
    uint32_t *numbers; /* of `next` of all readers and visitors */
    uint64_t *sizes;   /* of `bytes` of all readers */
    char *carries;
    char *outs;
    size_t carry_size;
    size_t out_size;
    char *in; /* READ_SIZE, and a carry before it */

    enum phase phase;
    struct stretch *stretch;
    uint64_t epoch;    /* ns; stamps count from here */
    uint64_t start;    /* of the stretch */
    uint64_t deadline; /* 0: none */
    uint64_t left;     /* messages to send */
    uint64_t active;   /* when something came last */
    uint32_t behind;   /* links that are not complete in this phase */
    struct pace pace;
    struct pace quiet_pace;
    struct pace visit_pace;
    uint64_t visit_turn;
    bool choked;     /* a talker that is due cannot take a message */
    uint32_t *queue; /* ring of talkers with room in their window */
    uint32_t queue_begin;
    uint32_t queue_size;
};

/* Who heard something, for errors. */
struct listener {
    const char *kind; /* "receiver", "visitor" */
    uint32_t index;
    uint32_t room;
};

/* ---- engine.c ---- */

/* Whether `l` gets what the talker says. */
bool engine_hears(const struct engine *e, const struct link *l, uint32_t talker);
bool engine_is_quiet(const struct engine *e, uint32_t room);

/* ---- engine_talk.c ---- */

/* Says what is due now; sets the time the next is, if that is before `*wake`. */
int talk(struct engine *e, uint64_t now, uint64_t *wake);
void talk_begin(struct engine *e, uint64_t now);

/* Puts a talker into the queue of those with room in their window. */
void talk_queue(struct engine *e, uint32_t talker);

/* The socket of a talker takes bytes again. */
int talk_unblock(struct engine *e, uint32_t talker);

/* Answers a ping, aside from the messages; that is too small not to fit, or something is wrong. */
int talk_pong(const struct engine *e, int fd, const struct unit *ping);

/* ---- engine_hear.c ---- */

/* Something came for a link; `ended`: and it was the last. */
int hear(struct engine *e, uint32_t link, bool ended);

/* Begin PHASE_READ and PHASE_COUNT: set what is due, and how many links lack some. */
void hear_begin_read(struct engine *e);
int hear_begin_count(struct engine *e);

/* Deliveries that are due to all links that are counted, since engine_open(); of these, `read` to
 * those who are read in full. */
uint64_t hear_deliveries(const struct engine *e, uint64_t *read);

/* Says which link lacks what: EXIT_WRONG. */
int hear_stuck(const struct engine *e);

/* Takes the server's pings, which it sends on its own account, out of what was counted. */
int hear_forget_pings(struct engine *e);

/* Checks a delivery to a reader or visitor: whole, of its room, and the next of its talker.
 * `next` is the number due of each talker of the room, or NONE for any. */
int hear_check(const struct engine *e, const struct listener *who, const struct unit *unit,
               uint32_t *next, struct stamp *stamp);

/* ---- engine_visit.c ---- */

/* A visitor has come in, with the crowd. */
int visit_open(struct engine *e, uint32_t visitor);

/* Lets visitors come and go that are due, and sets `*wake` as talk() does. */
int visit(struct engine *e, uint64_t now, uint64_t *wake);
int visit_step(struct engine *e, uint32_t visitor);
bool visit_pending(const struct engine *e); /* somebody is on the way in */

#endif
