/* Lines out of bytes; see frame.h. */
#include "frame.h"

#include <errno.h>
#include <stdlib.h>

enum { LARGE = 8 << 10 };

void frame_fini(struct frame *f)
{
    free(f->kept);
    *f = (struct frame){0};
}

void frame_trim(struct frame *f)
{
    if (f->used > 0 || !f->kept)
        return;
    free(f->kept);
    f->kept = NULL;
    f->size = 0;
}

static struct str kept_bytes(const struct frame *f)
{
    return f->kept ? str_from(f->kept + f->start, f->used) : STR("");
}

/* For `need` bytes from the beginning of the buffer. */
static int make_room(struct frame *f, size_t need)
{
    if (f->start > 0)
        memmove(f->kept, f->kept + f->start, f->used);
    f->start = 0;
    if (need <= f->size)
        return 0;
    size_t size = f->size ? f->size : 128;
    while (size < need)
        size *= 2;
    char *kept = size > UINT32_MAX ? NULL : realloc(f->kept, size);
    if (!kept)
        return -ENOMEM;
    f->kept = kept;
    f->size = (uint32_t)size;
    return 0;
}

int frame_hold(struct frame *f, struct str in)
{
    if (f->used == 0)
        f->start = 0;
    size_t need = f->used + in.size;
    if (f->start + need > f->size && make_room(f, need) < 0)
        return -ENOMEM;
    if (in.size > 0)
        memcpy(f->kept + f->start + f->used, in.data, in.size);
    f->used = (uint32_t)need;
    return 0;
}

int frame_unget(struct frame *f, struct str *in, struct str line)
{
    /* A line that came in pieces still stands in the buffer. */
    if (f->kept && line.data == f->kept + f->start) {
        f->used = (uint32_t)line.size;
        return frame_hold(f, STR("\r\n")); /* with \r: the line itself may end in one */
    }
    in->size += (size_t)(in->data - line.data);
    in->data = line.data;
    return 0;
}

struct str frame_lend(struct frame *f, struct frame_loan *loan)
{
    struct str all = kept_bytes(f);
    *loan = (struct frame_loan){f->kept, f->size};
    *f = (struct frame){.skipping = f->skipping};
    return all;
}

/* What waits may wait for long: a large buffer, three quarters of which are empty, is halved. */
static void shrink(struct frame *f)
{
    if (f->size <= LARGE || f->used > f->size / 4)
        return;
    char *smaller = malloc(f->size / 2);
    if (!smaller)
        return;
    memcpy(smaller, f->kept + f->start, f->used);
    free(f->kept);
    f->kept = smaller;
    f->start = 0;
    f->size /= 2;
}

int frame_return(struct frame *f, struct frame_loan *loan, struct str rest)
{
    int rc = 0;
    if (rest.size > 0 && f->used == 0) {
        free(f->kept);
        f->kept = loan->memory;
        f->start = (uint32_t)(rest.data - loan->memory);
        f->used = (uint32_t)rest.size;
        f->size = loan->size;
        shrink(f);
    } else {
        rc = frame_hold(f, rest);
        free(loan->memory);
    }
    loan->memory = NULL;
    return rc;
}

static struct str without_cr(struct str line)
{
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

/* Drops input up to the newline that ends an overlong line; false if it is not there yet. */
static bool skip_line(struct frame *f, struct str *in)
{
    const char *newline = memchr(in->data, '\n', in->size);
    *in = str_skip(*in, newline ? (size_t)(newline - in->data) + 1 : in->size);
    f->skipping = !newline;
    return newline;
}

static enum frame_result too_long(struct frame *f, struct str *in)
{
    f->used = 0;
    skip_line(f, in);
    return FRAME_TOO_LONG;
}

/* The input ends inside a line. One byte more than `max` is allowed if it is a \r: that may belong
 * to the end of the line, which frame_end() does not count either. */
static enum frame_result keep_rest(struct frame *f, struct str *in, size_t max)
{
    size_t size = f->used + in->size - (in->data[in->size - 1] == '\r');
    if (size > max)
        return too_long(f, in);
    struct str rest = *in;
    *in = str_skip(*in, in->size);
    if (frame_hold(f, rest) == 0)
        return FRAME_MORE;
    f->used = 0;
    f->skipping = true;
    return FRAME_NOMEM;
}

enum frame_result frame_next(struct frame *f, struct str *in, size_t max, struct str *line)
{
    if (in->size == 0 || (f->skipping && !skip_line(f, in)) || in->size == 0)
        return FRAME_MORE;
    const char *newline = memchr(in->data, '\n', in->size);
    if (!newline)
        return keep_rest(f, in, max);
    struct str part = {in->data, (size_t)(newline - in->data)};
    if (f->used + part.size > max + 1)
        return too_long(f, in);
    *in = str_skip(*in, part.size + 1);
    if (f->used > 0) {
        if (frame_hold(f, part) < 0) {
            f->used = 0;
            return FRAME_NOMEM;
        }
        part = kept_bytes(f);
        f->used = 0;
    }
    *line = without_cr(part);
    return line->size > max ? FRAME_TOO_LONG : FRAME_LINE;
}

bool frame_end(struct frame *f, struct str *line)
{
    *line = without_cr(kept_bytes(f));
    f->used = 0;
    return line->size > 0 && !f->skipping;
}
