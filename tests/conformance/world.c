/*
 * The world of a test: opening, turning, the operations of its netpoll and of its peers.
 */
#include "conformance.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    DEADLINE_MS = 10000,
    SETTLE_ROUNDS = 4,
    MAX_HANDLES = 4096,
};

/* ---- time and turns ------------------------------------------------------------------------- */

uint64_t world_clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t world_deadline(void)
{
    return world_clock_ms() + DEADLINE_MS;
}

void world_turn(struct world *w, int timeout_ms)
{
    w->in_turn = true;
    int rc = netpoll_run_once(w->np, timeout_ms);
    w->in_turn = false;
    if (rc < 0)
        fail_msg("the turn failed: %s", strerror(-rc));
    if (w->violation[0])
        fail_msg("%s", w->violation);
}

/* What comes only when the turn's time is over has not come in time either. */
void world_turn_before(struct world *w, uint64_t deadline, int slice_ms, const char *what)
{
    uint64_t now = world_clock_ms();
    uint64_t left = now < deadline ? deadline - now : 0;
    world_turn(w, left < (uint64_t)slice_ms ? (int)left : slice_ms);
    if (world_clock_ms() >= deadline)
        fail_msg("not in time: %s", what);
}

void world_settle(struct world *w)
{
    struct link *fence = world_pipe(w);
    for (unsigned k = 1; k <= SETTLE_ROUNDS; k++) {
        peer_say(w, fence, ".");
        world_until(w, fence->in.count == k);
    }
    world_close(w, fence);
    world_until(w, fence->closed);
}

/* ---- opening and closing -------------------------------------------------------------------- */

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

void world_open(struct world *w, const struct netpoll_options *options)
{
    struct netpoll_options o = options ? *options : (struct netpoll_options){0};
    o.backend = w->suite->backend;
    if (o.max_handles == 0)
        o.max_handles = MAX_HANDLES;
    char note[256];
    int rc = w->suite->peers->open(w, &o, note, sizeof note);
    if (rc < 0)
        fail_msg("cannot open %s: %s (%s)", w->suite->name, strerror(-rc), note);
}

void world_open_listening(struct world *w, const struct netpoll_options *options)
{
    world_open(w, options);
    w->address = world_address(w);
    w->listener = world_listen(w, &w->address)->handle;
}

void world_close_netpoll(struct world *w)
{
    netpoll_free(w->np);
    w->np = NULL;
    free(w->by_slot); /* the next one gives out the same handles */
    w->by_slot = NULL;
    w->slot_count = 0;
}

struct address world_address(struct world *w)
{
    char text[ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "%s", w->suite->peers->address);
    if (strcmp(text, "unix:") == 0) {
        if (!w->directory[0]) {
            strcpy(w->directory, "/tmp/netpoll-XXXXXX");
            assert_non_null(mkdtemp(w->directory));
        }
        snprintf(text, sizeof text, "unix:%s/%zu", w->directory, w->link_count);
    }
    struct address a;
    char why[128];
    if (address_parse(&a, text, why, sizeof why) < 0)
        fail_msg("%s: %s", text, why);
    return a;
}

struct link *world_listen(struct world *w, struct address *at)
{
    int fd = address_listen(at);
    if (fd < 0)
        fail_msg("cannot listen: %s", strerror(-fd));
    netpoll_handle h;
    assert_int_equal(netpoll_listen(w->np, fd, &h), 0);
    return world_link(w, h);
}

struct link *world_link(struct world *w, netpoll_handle h)
{
    struct link *l = must(calloc(1, sizeof *l));
    l->handle = h;
    size_t i = netpoll_slot(h);
    if (i >= w->slot_count) {
        w->by_slot = must(realloc(w->by_slot, (i + 1) * sizeof *w->by_slot));
        memset(w->by_slot + w->slot_count, 0, (i + 1 - w->slot_count) * sizeof *w->by_slot);
        w->slot_count = i + 1;
    }
    w->by_slot[i] = l;
    w->links = must(realloc(w->links, (w->link_count + 1) * sizeof *w->links));
    w->links[w->link_count++] = l;
    return l;
}

struct link *world_newest(struct world *w)
{
    return w->links[w->link_count - 1];
}

static struct peer *peer_keep(struct world *w, struct peer *p)
{
    assert_non_null(p);
    w->peers = must(realloc(w->peers, (w->peer_count + 1) * sizeof *w->peers));
    w->peers[w->peer_count++] = p;
    return p;
}

struct peer *world_peer(struct world *w)
{
    return peer_keep(w, w->suite->peers->connect(w));
}

void world_drop(struct world *w, struct peer *p)
{
    for (size_t i = 0; i < w->peer_count; i++) {
        if (w->peers[i] == p)
            w->peers[i] = w->peers[--w->peer_count];
    }
    w->suite->peers->free(p);
}

struct link *world_connect(struct world *w)
{
    struct peer *p = world_peer(w);
    unsigned before = w->accepted;
    world_until(w, w->accepted > before);
    struct link *l = world_newest(w);
    l->peer = p;
    return l;
}

static struct link *adopt(struct world *w, struct peer *p, int fd)
{
    netpoll_handle h;
    peer_keep(w, p);
    assert_int_equal(netpoll_adopt(w->np, fd, &h), 0);
    struct link *l = world_link(w, h);
    l->peer = p;
    return l;
}

struct link *world_pair(struct world *w)
{
    int fd = -1;
    struct peer *p = w->suite->peers->pair(w, &fd);
    return adopt(w, p, fd);
}

struct link *world_pipe(struct world *w)
{
    int fd = -1;
    struct peer *p = w->suite->peers->pipe(w, &fd);
    return adopt(w, p, fd);
}

/* ---- netpoll's operations ------------------------------------------------------------------- */

int world_send_parts(struct world *w, struct link *l, const struct iovec *parts, int n)
{
    w->in_call = true;
    int rc = netpoll_send(w->np, l->handle, parts, n);
    w->in_call = false;
    for (int k = 0; rc == 0 && k < n; k++)
        l->sent += parts[k].iov_len;
    return rc;
}

int world_send(struct world *w, struct link *l, const char *bytes, size_t n)
{
    struct iovec part = {.iov_base = (char *)bytes, .iov_len = n};
    return world_send_parts(w, l, &part, 1);
}

void world_commit(struct world *w)
{
    w->in_commit = true;
    netpoll_commit(w->np);
    w->in_commit = false;
    if (w->violation[0])
        fail_msg("%s", w->violation);
}

void world_pause(struct world *w, struct link *l)
{
    w->in_call = true;
    netpoll_pause(w->np, l->handle);
    w->in_call = false;
    l->is_paused = true;
}

void world_resume(struct world *w, struct link *l)
{
    w->in_call = true;
    netpoll_resume(w->np, l->handle);
    w->in_call = false;
    l->is_paused = false;
}

void world_shutdown(struct world *w, struct link *l)
{
    w->in_call = true;
    netpoll_shutdown(w->np, l->handle);
    w->in_call = false;
}

void world_close(struct world *w, struct link *l)
{
    l->close_asked = true;
    w->in_call = true;
    netpoll_close(w->np, l->handle);
    w->in_call = false;
}

/* ---- the peer's side ------------------------------------------------------------------------ */

void peer_write(struct world *w, struct link *l, const char *bytes, size_t n)
{
    size_t done = 0;
    world_watch(w, (done += w->suite->peers->write(l->peer, bytes + done, n - done)) == n);
}

void peer_say(struct world *w, struct link *l, const char *text)
{
    peer_write(w, l, text, strlen(text));
}

void peer_write_pattern(struct world *w, struct link *l, size_t *offset, size_t total)
{
    char block[8192];
    size_t n;
    do {
        n = total - *offset < sizeof block ? total - *offset : sizeof block;
        pattern_fill(block, *offset, n);
        n = n ? w->suite->peers->write(l->peer, block, n) : 0;
        *offset += n;
    } while (n > 0);
}

size_t peer_gather(struct world *w, struct link *l)
{
    char block[8192];
    size_t n;
    while ((n = w->suite->peers->read(l->peer, block, sizeof block)) > 0)
        bytes_append(&l->out, block, n);
    return l->out.count;
}

bool peer_at_end(struct world *w, struct link *l)
{
    peer_gather(w, l);
    return w->suite->peers->at_end(l->peer);
}

void peer_half_close(struct world *w, struct link *l)
{
    w->suite->peers->half_close(l->peer);
}

void peer_reset(struct world *w, struct link *l)
{
    assert_int_equal(world_send(w, l, "?", 1), 0);
    world_commit(w);
    w->suite->peers->reset(l->peer);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

void bytes_append(struct bytes *b, const char *bytes, size_t n)
{
    if (b->size - b->count < n) {
        b->size = (b->count + n) * 2;
        b->at = must(realloc(b->at, b->size));
    }
    memcpy(b->at + b->count, bytes, n);
    b->count += n;
}

void pattern_fill(char *out, size_t offset, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t at = offset + k;
        out[k] = (char)(at * 7 + (at >> 8) * 13 + (at >> 16) * 29);
    }
}

void assert_pattern(const struct bytes *b, size_t total)
{
    assert_int_equal(b->count, total);
    char block[4096];
    for (size_t at = 0; at < total; at += sizeof block) {
        size_t n = total - at < sizeof block ? total - at : sizeof block;
        pattern_fill(block, at, n);
        assert_memory_equal(b->at + at, block, n);
    }
}

void assert_text(const struct bytes *b, const char *text)
{
    assert_int_equal(b->count, strlen(text));
    if (b->count > 0)
        assert_memory_equal(b->at, text, b->count);
}

/* ---- before and after a test ---------------------------------------------------------------- */

static int descriptors_open(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

int world_setup(void **state)
{
    struct world *w = must(calloc(1, sizeof *w));
    w->suite = *state;
    w->descriptors = descriptors_open();
    *state = w;
    return 0;
}

static void links_free(struct world *w)
{
    for (size_t i = 0; i < w->link_count; i++) {
        free(w->links[i]->in.at);
        free(w->links[i]->out.at);
        free(w->links[i]);
    }
    free(w->links);
    free(w->by_slot);
}

static void directory_remove(struct world *w)
{
    if (!w->directory[0])
        return;
    for (size_t i = 0; i <= w->link_count; i++) {
        char path[ADDRESS_TEXT_MAX];
        snprintf(path, sizeof path, "%s/%zu", w->directory, i);
        unlink(path);
    }
    rmdir(w->directory);
}

int world_teardown(void **state)
{
    struct world *w = *state;
    w->suite->peers->feed(w);
    netpoll_free(w->np);
    while (w->peer_count > 0)
        w->suite->peers->free(w->peers[--w->peer_count]);
    free(w->peers);
    directory_remove(w);
    links_free(w);
    int leaked = descriptors_open() - w->descriptors;
    if (leaked != 0)
        print_error("%d descriptors leaked\n", leaked);
    if (w->violation[0])
        print_error("%s\n", w->violation);
    int rc = leaked != 0 || w->violation[0] ? -1 : 0;
    free(w);
    return rc;
}
