/*
 * From what a person writes, "localhost", "[::1]:8888", "unix:PATH", to a connected socket. Blocks,
 * up to its time-out for each address; the name server takes the time it takes.
 */
#ifndef CHATROOM_DIAL_H
#define CHATROOM_DIAL_H

#include "address.h"

#define DIAL_DEFAULT_HOST "127.0.0.1"
#define DIAL_DEFAULT_PORT "8888"

#define DIAL_HOST_MAX     256 /* longest name of a host, with its NUL */
#define DIAL_TEXT_MAX     (DIAL_HOST_MAX + 16)

/* Where to go. Either `local` is set (local.length > 0), or host and port are. */
struct dial_target {
    struct address local;
    char host[DIAL_HOST_MAX];
    char port[sizeof "65535"];
};

/* Reads HOST[:PORT], [V6][:PORT], V6, :PORT or unix:PATH. Returns 0, or -EINVAL with a sentence in
 * `why`. */
int dial_parse(struct dial_target *out, const char *text, char *why, size_t why_size);

/*
 * socket() and connect(), for each address of the target in the resolver's order until one
 * answers. Returns a blocking, close-on-exec descriptor; or -ENXIO if there is no such host, or
 * the negative errno of the last address tried, with all causes in `why`.
 */
int dial(const struct dial_target *target, unsigned timeout_ms, char *why, size_t why_size);

#endif
