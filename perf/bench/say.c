/* See say.h. */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

int say(int status, const char *format, ...)
{
    va_list args;
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr); /* there may be a line of progress */
    fputs("chatroom_bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}
