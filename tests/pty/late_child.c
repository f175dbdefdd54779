/*
 * For LD_PRELOAD: a child of fork(2) comes to run when its parent is gone already. On a machine
 * with much to do that happens.
 */
#include <poll.h>
#include <unistd.h>

pid_t fork(void)
{
    pid_t parent = getpid();
    pid_t pid = _Fork();
    while (pid == 0 && getppid() == parent)
        poll(NULL, 0, 1);
    return pid;
}
