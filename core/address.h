/*
 * Addresses as people write them: "127.0.0.1:8888", "[::1]:8888", "localhost:8888", "unix:PATH",
 * and the sockets made from them. Server and client share it. Pure but for the last three.
 */
#ifndef CHATROOM_ADDRESS_H
#define CHATROOM_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A socket address of one of the three families the project speaks. */
struct address {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } u;
};

/* What is kept of a peer's address for the life of a connection: 20 bytes. */
struct address_brief {
    uint16_t family;
    uint16_t port; /* host byte order */
    uint8_t bytes[16];
};

/* Longest text of an address, with its NUL: "unix:" and a full sun_path. */
#define ADDRESS_TEXT_MAX 128

/*
 * Reads ADDR:PORT (numeric address), [V6]:PORT or unix:PATH. Returns 0, or -EINVAL with a sentence
 * in `why`. PORT 0 means any free port.
 */
int address_parse(struct address *out, const char *text, char *why, size_t why_size);

/* Writes the address as people write it, NUL-terminated; returns `out`. A unix peer without a
 * name is "unix". */
const char *address_format(const struct address *a, char *out, size_t size);

struct address_brief address_shorten(const struct address *a);
const char *address_brief_format(const struct address_brief *b, char *out, size_t size);

/*
 * socket(), bind(), listen(): a listening socket, close-on-exec, non-blocking, TCP_NODELAY for
 * what it accepts. A unix path left over by a dead process is replaced; one in use is not. Owner
 * and group may connect to it, nobody else, whatever the umask(2) of the process: mode 0660. `a`
 * gets the port the kernel chose. Returns the descriptor or a negative errno.
 */
int address_listen(struct address *a);

/*
 * The same for a socket that somebody else made and that listens already: sets what
 * address_listen() sets and reads its address into `a`. Returns 0, or a negative errno: -ENOTSOCK,
 * -EINVAL if it is no listening stream socket. `fd` stays the caller's.
 */
int address_inherit(int fd, struct address *a);

/* Makes the path of a unix listener somebody else's, chown(2). 0 for others, or a negative errno.
 */
int address_give(const struct address *a, uid_t uid, gid_t gid);

/* Removes the path of a unix listener; nothing for others. */
void address_unlink(const struct address *a);

/* The address at the other end of `fd`. Returns 0 or a negative errno; *out is then empty, which
 * formats as "unknown" (a peer that was reset already has none). */
int address_of_peer(int fd, struct address *out);

#endif
