/*
 * Giving up what the hub does not need once it is set up: root, the way to new privileges, and
 * most system calls. Whoever takes the hub over through a fault in it finds itself in a process
 * that can read files and talk on sockets it has, and little else.
 *
 *     struct privileges_user user;
 *     privileges_find(&user, "chatroom", why, sizeof why);   as root
 *     ... bind sockets ...
 *     privileges_become(&user, why, sizeof why);             root no more
 *     ... load filters, make the ring, open what is left ...
 *     privileges_seal(why, sizeof why);                      for good
 *
 * All functions return 0, or a negative errno with a sentence in `why`. For the whole process: call
 * them while it has one thread.
 */
#ifndef CHATROOM_PRIVILEGES_H
#define CHATROOM_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct privileges_user {
    const char *name; /* borrowed */
    uid_t uid;
    gid_t gid;
};

/* Looks `name` up in the system's users, getpwnam(3). -EPERM unless the process may become it. */
int privileges_find(struct privileges_user *out, const char *name, char *why, size_t why_size);

/* Becomes that user, with its groups, for good: proves that there is no way back. */
int privileges_become(const struct privileges_user *user, char *why, size_t why_size);

/*
 * From here on no execve(2) gains privileges (PR_SET_NO_NEW_PRIVS), and a system call that is not
 * in the table of privileges.c fails with EPERM (seccomp(2)): no program is started, no socket
 * made, no file written. -ENOSYS where this kernel or container has no seccomp filters.
 */
int privileges_seal(char *why, size_t why_size);

#endif
