/*
 * Who is there: the rooms, their links, who of them talks and who is read. See engine.h.
 */
#include "clocks.h"
#include "engine_impl.h"
#include "say.h"
#include "stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VISITORS_MAX = 1000 };

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

bool engine_is_quiet(const struct engine *e, uint32_t room)
{
    return e->quiet && room + 1 == e->room_count;
}

bool engine_hears(const struct engine *e, const struct link *l, uint32_t talker)
{
    const struct link *from = &e->links[e->talkers[talker].link];
    return l->listens && l->room == from->room && (l != from || e->driver->echoes);
}

/* Members of a room; the quiet one has one, beside its sender. */
static uint32_t members_of(const struct engine *e, uint32_t room)
{
    return engine_is_quiet(e, room) ? 1 : e->w->members;
}

/* Senders of a room that come on top of the members. */
static uint32_t extra_of(const struct engine *e, uint32_t room)
{
    if (engine_is_quiet(e, room))
        return 1;
    return e->w->all_talk ? 0 : e->w->senders;
}

static void count_all(struct engine *e)
{
    const struct workload *w = e->w;
    e->quiet = w->quiet_rate > 0;
    e->room_count = w->rooms + e->quiet;
    e->talker_count = w->rooms * w->senders + e->quiet;
    for (uint32_t r = 0; r < e->room_count; r++)
        e->link_count += members_of(e, r) + extra_of(e, r);
    if (w->churn > 0)
        e->visitor_count = least(w->churn < 1 ? 1 : (uint32_t)w->churn, VISITORS_MAX);
}

/* How many of the members are read in full: eight in all, if rooms are few. Where all talk, nobody
 * hears itself, so it takes two to hear everybody. */
static uint32_t samples_of(const struct engine *e, uint32_t room)
{
    uint32_t wanted = SAMPLES_MAX / least(e->w->rooms, SAMPLES_MAX);
    if (e->w->all_talk && wanted < 2)
        wanted = 2;
    return least(wanted, members_of(e, room));
}

/* Which member is sample `i`: they are spread, the first and the last member among them. */
static uint32_t sample_at(const struct engine *e, uint32_t room, uint32_t i)
{
    uint32_t samples = samples_of(e, room);
    return samples == 1 ? 0 : (uint32_t)((uint64_t)i * (members_of(e, room) - 1) / (samples - 1));
}

/* How many samples come before a member. */
static uint32_t samples_before(const struct engine *e, uint32_t room, uint32_t member)
{
    uint32_t n = 0;
    while (n < samples_of(e, room) && sample_at(e, room, n) < member)
        n++;
    return n;
}

static bool is_sample(const struct engine *e, uint32_t room, uint32_t member)
{
    uint32_t before = samples_before(e, room, member);
    return before < samples_of(e, room) && sample_at(e, room, before) == member;
}

/* So many percent of the members, spread over those who are no samples. */
static bool is_slow(const struct engine *e, uint32_t room, uint32_t member)
{
    if (engine_is_quiet(e, room) || is_sample(e, room, member))
        return false;
    uint64_t slow = (uint64_t)members_of(e, room) * e->w->slow / 100;
    uint64_t others = members_of(e, room) - samples_of(e, room);
    uint64_t rank = member - samples_before(e, room, member);
    return (rank + 1) * slow / others != rank * slow / others;
}

static void add_reader(struct engine *e, uint32_t link, bool samples)
{
    struct room *r = &e->rooms[e->links[link].room];
    uint32_t index = e->reader_count++;
    e->readers[index] = (struct reader){.link = link, .samples = samples};
    e->links[link].reader = index;
    if (samples)
        r->sample[r->samples++] = index;
}

static void add_talker(struct engine *e, uint32_t link)
{
    struct room *r = &e->rooms[e->links[link].room];
    uint32_t index = r->first_talker + r->talkers++;
    e->talkers[index] = (struct talker){.link = link};
    e->links[link].talker = index;
}

/* Whether something else than messages comes to such a link, or only answers. */
static bool is_chatty(const struct engine *e, const struct link *l)
{
    return (l->talker != NONE && e->driver->answers) || (e->w->churn > 0 && e->driver->announces);
}

static void add_member(struct engine *e, uint32_t room, uint32_t member)
{
    uint32_t index = e->link_count++;
    struct link *l = &e->links[index];
    bool sample = is_sample(e, room, member);
    *l = (struct link){.fd = -1, .room = room, .talker = NONE, .reader = NONE, .listens = true};
    l->slow = is_slow(e, room, member);
    if (e->w->all_talk && !engine_is_quiet(e, room))
        add_talker(e, index);
    if (!l->slow && (sample || is_chatty(e, l)))
        add_reader(e, index, sample);
}

static void add_sender(struct engine *e, uint32_t room)
{
    uint32_t index = e->link_count++;
    e->links[index] = (struct link){
        .fd = -1, .room = room, .talker = NONE, .reader = NONE, .listens = e->driver->must_join};
    add_talker(e, index);
    add_reader(e, index, false);
}

static void add_room(struct engine *e, uint32_t room)
{
    struct room *r = &e->rooms[room];
    r->first_link = e->link_count;
    r->first_talker = room * e->w->senders;
    for (uint32_t i = 0; i < members_of(e, room); i++)
        add_member(e, room, i);
    for (uint32_t i = 0; i < extra_of(e, room); i++)
        add_sender(e, room);
    r->links = e->link_count - r->first_link;
}

static int no_memory(void)
{
    return say(EX_OSERR, "out of memory");
}

static int allocate(struct engine *e)
{
    e->rooms = calloc(e->room_count, sizeof *e->rooms);
    e->links = calloc(e->link_count, sizeof *e->links);
    e->readers = calloc(e->link_count, sizeof *e->readers);
    e->talkers = calloc(e->talker_count, sizeof *e->talkers);
    e->queue = calloc(e->talker_count, sizeof *e->queue);
    e->visitors = calloc(e->visitor_count + 1, sizeof *e->visitors);
    if (!e->rooms || !e->links || !e->readers || !e->talkers || !e->queue || !e->visitors)
        return no_memory();
    return 0;
}

static void populate(struct engine *e)
{
    e->link_count = 0;
    for (uint32_t r = 0; r < e->room_count; r++)
        add_room(e, r);
    for (uint32_t v = 0; v < e->visitor_count; v++)
        e->visitors[v] = (struct visitor){.room = v % e->w->rooms, .entry.fd = -1};
}

/* Numbers that readers and visitors need: one for each talker of their room. */
static size_t numbers_wanted(const struct engine *e)
{
    size_t n = 0;
    for (uint32_t i = 0; i < e->reader_count; i++)
        n += e->rooms[e->links[e->readers[i].link].room].talkers;
    return n;
}

static void deal_out(struct engine *e)
{
    uint32_t *number = e->numbers;
    uint64_t *size = e->sizes;
    for (uint32_t i = 0; i < e->reader_count; i++) {
        struct reader *r = &e->readers[i];
        r->next = number;
        r->bytes = size;
        r->carry = e->carries + i * e->carry_size;
        number += e->rooms[e->links[r->link].room].talkers;
        size += e->rooms[e->links[r->link].room].talkers;
    }
    for (uint32_t v = 0; v < e->visitor_count; v++) {
        e->visitors[v].next = number;
        number += e->rooms[e->visitors[v].room].talkers;
    }
    for (uint32_t t = 0; t < e->talker_count; t++)
        e->talkers[t].out = e->outs + t * e->out_size;
}

/* A talker's buffer holds its window, or what is at most sent at once. */
static size_t out_wanted(const struct workload *w)
{
    size_t message = w->size + DRIVER_AROUND_MAX;
    size_t most = OUT_SIZE / message > 0 ? OUT_SIZE / message : 1;
    return message * (w->window > 0 && w->window < most ? w->window : most);
}

static int allocate_buffers(struct engine *e)
{
    size_t numbers = numbers_wanted(e);
    e->carry_size = e->w->size + DRIVER_AROUND_MAX;
    if (e->carry_size < CARRY_MIN)
        e->carry_size = CARRY_MIN;
    e->out_size = out_wanted(e->w);
    e->numbers = calloc(numbers + (size_t)e->visitor_count * e->w->senders + 1, sizeof(uint32_t));
    e->sizes = calloc(numbers + 1, sizeof(uint64_t));
    e->carries = calloc(e->reader_count + 1, e->carry_size);
    e->outs = calloc(e->talker_count + 1, e->out_size);
    e->in = malloc(e->carry_size + READ_SIZE);
    if (!e->numbers || !e->sizes || !e->carries || !e->outs || !e->in)
        return no_memory();
    deal_out(e);
    return 0;
}

static int watch_link(struct engine *e, uint32_t index)
{
    const struct link *l = &e->links[index];
    struct epoll_event event = {.events = EPOLLET, .data.u64 = (uint64_t)TAG_LINK << 32 | index};
    if (!l->slow)
        event.events |= EPOLLIN | EPOLLRDHUP;
    if (l->talker != NONE)
        event.events |= EPOLLOUT;
    if (epoll_ctl(l->reader == NONE ? e->far : e->near, EPOLL_CTL_ADD, l->fd, &event) < 0)
        return say(EX_OSERR, "epoll_ctl: %s", strerror(errno));
    return 0;
}

static int watch_all(struct engine *e)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)TAG_FAR << 32};
    int status = 0;
    e->near = epoll_create1(EPOLL_CLOEXEC);
    e->far = epoll_create1(EPOLL_CLOEXEC);
    if (e->near < 0 || e->far < 0 || epoll_ctl(e->near, EPOLL_CTL_ADD, e->far, &event) < 0)
        return say(EX_OSERR, "epoll: %s", strerror(errno));
    for (uint32_t i = 0; i < e->link_count && !status; i++)
        status = watch_link(e, i);
    for (uint32_t v = 0; v < e->visitor_count && !status; v++)
        status = visit_open(e, v);
    return status;
}

/* Who does not read is to be felt at once, not when megabytes are under way. */
static void make_slow(const struct engine *e)
{
    int small = 1;
    for (uint32_t i = 0; i < e->link_count; i++)
        if (e->links[i].slow)
            setsockopt(e->links[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
}

/* The links, then the visitors. */
static void invite(struct engine *e, struct guest *guests)
{
    for (uint32_t i = 0; i < e->link_count; i++) {
        const struct link *l = &e->links[i];
        *guests++ = (struct guest){
            .id = e->next_id++, .room = l->room, .listens = l->listens, .talks = l->talker != NONE};
    }
    for (uint32_t v = 0; v < e->visitor_count; v++)
        *guests++ =
            (struct guest){.id = e->next_id++, .room = e->visitors[v].room, .listens = true};
}

static int bring_in(struct engine *e, struct guest *guests, int *fds)
{
    uint32_t count = e->link_count + e->visitor_count;
    invite(e, guests);
    for (uint32_t i = 0; i < count; i++)
        fds[i] = -1;
    int status = crowd_enter(&e->crowd, guests, fds, count);
    if (!status)
        status = crowd_settle(&e->crowd, fds, count);
    for (uint32_t i = 0; i < e->link_count; i++)
        e->links[i].fd = fds[i];
    for (uint32_t v = 0; v < e->visitor_count; v++)
        e->visitors[v].entry.fd = fds[e->link_count + v];
    return status;
}

static int connect_all(struct engine *e)
{
    size_t count = (size_t)e->link_count + e->visitor_count;
    struct guest *guests = calloc(count, sizeof *guests);
    int *fds = calloc(count, sizeof *fds);
    int status = guests && fds ? bring_in(e, guests, fds) : no_memory();
    free(guests);
    free(fds);
    return status;
}

int engine_open(struct engine **out, const struct workload *w, const struct sockaddr_in *server)
{
    struct engine *e = calloc(1, sizeof *e);
    *out = e;
    if (!e)
        return no_memory();
    e->w = w;
    e->driver = w->driver;
    e->server = *server;
    e->near = e->far = -1;
    e->epoch = now_ns();
    e->crowd = (struct crowd){.driver = w->driver,
                              .server = &e->server,
                              .parallel = w->parallel,
                              .patience_ms = w->patience_ms,
                              .progress = w->progress};
    count_all(e);
    int status = allocate(e);
    if (status)
        return status;
    populate(e);
    status = allocate_buffers(e);
    if (!status)
        status = connect_all(e);
    if (status)
        return status;
    make_slow(e);
    return watch_all(e);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; e->links && i < e->link_count; i++)
        close_fd(e->links[i].fd);
    for (uint32_t i = 0; e->visitors && i < e->visitor_count; i++)
        close_fd(e->visitors[i].entry.fd);
    close_fd(e->near);
    close_fd(e->far);
    free(e->rooms);
    free(e->links);
    free(e->readers);
    free(e->talkers);
    free(e->queue);
    free(e->visitors);
    free(e->numbers);
    free(e->sizes);
    free(e->carries);
    free(e->outs);
    free(e->in);
    free(e);
}

unsigned engine_connections(const struct engine *e)
{
    return e->link_count + e->visitor_count;
}

/* The only sender of a room hears nobody, though it is there. */
static bool hears_anybody(const struct engine *e, const struct link *l)
{
    const struct room *r = &e->rooms[l->room];
    for (uint32_t t = r->first_talker; t < r->first_talker + r->talkers; t++)
        if (engine_hears(e, l, t))
            return true;
    return false;
}

unsigned engine_receivers(const struct engine *e)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < e->link_count; i++)
        n += !e->links[i].slow && hears_anybody(e, &e->links[i]);
    return n;
}

unsigned engine_slow(const struct engine *e)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < e->link_count; i++)
        n += e->links[i].slow;
    return n;
}
