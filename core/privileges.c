/*
 * setresuid(2), prctl(2), and an allow-list made by libseccomp.
 *
 * To add a system call: a word in the table. The conversations of tests/chat run sealed, so that a
 * missing one fails there; `strace chatroom_server` shows which got EPERM.
 */
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* ---- the user ------------------------------------------------------------------------------- */

int privileges_find(struct privileges_user *out, const char *name, char *why, size_t why_size)
{
    if (geteuid() != 0) {
        snprintf(why, why_size, "only root can become another user; start it as %s instead", name);
        return -EPERM;
    }
    errno = 0;
    const struct passwd *entry = getpwnam(name);
    if (!entry) {
        int error = errno ? errno : ENOENT;
        snprintf(why, why_size, "there is no user \"%s\": %s", name, strerror(error));
        return -error;
    }
    *out = (struct privileges_user){.name = name, .uid = entry->pw_uid, .gid = entry->pw_gid};
    return 0;
}

/* True if the process is the user in every respect and root in none. */
static bool became(const struct privileges_user *user)
{
    uid_t uids[3];
    gid_t gids[3];
    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (uids[i] != user->uid || gids[i] != user->gid)
            return false;
    }
    return user->uid == 0 || setuid(0) < 0;
}

int privileges_become(const struct privileges_user *user, char *why, size_t why_size)
{
    if (initgroups(user->name, user->gid) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0) {
        int error = errno;
        snprintf(why, why_size, "cannot become user %s: %s", user->name, strerror(error));
        return -error;
    }
    if (became(user))
        return 0;
    snprintf(why, why_size, "became user %s, but not for good", user->name);
    return -EPERM;
}

/* ---- system calls --------------------------------------------------------------------------- */

/* With any arguments. */
/* clang-format off */
static const int allowed[] = {
    /* connections */
    SCMP_SYS(accept4), SCMP_SYS(close), SCMP_SYS(getpeername), SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
    SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
    /* pollers, timers, signals */
    SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait),
    SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(timer_create), SCMP_SYS(timer_delete),
    SCMP_SYS(timer_gettime), SCMP_SYS(timer_settime),
    /* descriptors and files; opening is a rule of its own, removing is for unix sockets */
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fcntl),
    SCMP_SYS(fstat), SCMP_SYS(getdents64), SCMP_SYS(inotify_add_watch), SCMP_SYS(ioctl),
    SCMP_SYS(lseek), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(pread64), SCMP_SYS(read),
    SCMP_SYS(readv), SCMP_SYS(stat), SCMP_SYS(statx), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    SCMP_SYS(write), SCMP_SYS(writev),
    /* memory; mapping is a rule of its own */
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mremap), SCMP_SYS(munmap),
    /* time, randomness, itself, its end */
    SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(geteuid), SCMP_SYS(getpid),
    SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(gettid), SCMP_SYS(gettimeofday),
    SCMP_SYS(getuid), SCMP_SYS(nanosleep), SCMP_SYS(prlimit64), SCMP_SYS(sched_yield),
    SCMP_SYS(sysinfo), SCMP_SYS(tgkill), SCMP_SYS(time), SCMP_SYS(uname),
};
/* clang-format on */

#ifdef CHATROOM_INSTRUMENTED
/* What sanitizers and gcov take: threads and processes of their own, files to write to. */
/* clang-format off */
static const int instruments[] = {
    SCMP_SYS(arch_prctl), SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(getdents), SCMP_SYS(getppid),
    SCMP_SYS(kill), SCMP_SYS(mkdir), SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(open), SCMP_SYS(openat),
    SCMP_SYS(prctl), SCMP_SYS(process_vm_readv), SCMP_SYS(ptrace), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(rseq), SCMP_SYS(sched_getaffinity), SCMP_SYS(set_robust_list),
    SCMP_SYS(sigaltstack), SCMP_SYS(wait4),
};
/* clang-format on */
#endif

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Files are opened for reading only; memory is mapped and changed so that none of it is code. */
static int allow_with_arguments(scmp_filter_ctx filter)
{
    enum { WRITE_FLAGS = O_ACCMODE | O_CREAT | O_TRUNC };
    const struct scmp_arg_cmp reads = SCMP_A2(SCMP_CMP_MASKED_EQ, WRITE_FLAGS, O_RDONLY);
    const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, reads);
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code);
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
    return rc;
}

static int make_filter(scmp_filter_ctx filter)
{
    int rc = allow_all(filter, allowed, sizeof allowed / sizeof *allowed);
#ifdef CHATROOM_INSTRUMENTED
    if (rc == 0)
        rc = allow_all(filter, instruments, sizeof instruments / sizeof *instruments);
#endif
    if (rc == 0)
        rc = allow_with_arguments(filter);
    /* A hub has no secrets that a speculating script could be kept from: no need to slow it down.
     */
    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    return rc == 0 ? seccomp_load(filter) : rc;
}

int privileges_seal(char *why, size_t why_size)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        snprintf(why, why_size, "cannot give up new privileges: %s", strerror(errno));
        return -errno;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = filter ? make_filter(filter) : -ENOMEM;
    if (filter)
        seccomp_release(filter);
    if (rc < 0)
        snprintf(why, why_size, "cannot restrict system calls: %s", strerror(-rc));
    return rc;
}
