/* See link.h. */
#include "link.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool starts_host(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static bool in_host(char c)
{
    return starts_host(c) || c == '.' || c == '-';
}

static bool ends_authority(char c)
{
    return c == '\0' || strchr("/?# \t\n\v\f\r\"'<>", c);
}

static size_t host_end(struct str text, size_t at)
{
    while (at < text.size && in_host(text.data[at]))
        at++;
    return at;
}

/* True if the authority at `at` has more in it than a reader sees at a glance. */
static bool hides(struct str text, size_t at)
{
    for (size_t i = at; i < text.size && !ends_authority(text.data[i]); i++) {
        if (text.data[i] == '@' || text.data[i] == '%' || i - at == LINK_AUTHORITY_MAX)
            return true;
    }
    return false;
}

/* Without the dots and hyphens at its end. */
static struct str trimmed(struct str host)
{
    while (host.size > 0 && !starts_host(host.data[host.size - 1]))
        host.size--;
    return host;
}

/* The link whose authority starts at `at`. A slash behind the host is no start of another. */
static void take(struct str text, size_t at, struct link *link)
{
    size_t end = host_end(text, at);
    struct str host = str_from(text.data + at, end - at);
    *link = (struct link){.fault = LINK_PLAIN, .host = STR(""), .behind = end};
    if (end > at && end < text.size && text.data[end] == '/')
        link->behind++;
    if (hides(text, at))
        link->fault = LINK_HIDDEN;
    else if (host.size == 0 || !starts_host(host.data[0]) || host.size > LINK_HOST_MAX)
        link->fault = LINK_NAMELESS;
    else
        link->host = trimmed(host);
}

static bool is_scheme_end(struct str text, size_t slash)
{
    return slash > 0 && text.data[slash - 1] == ':' && slash + 1 < text.size &&
           text.data[slash + 1] == '/';
}

/* Where the "name.domain" begins that ends at `slash`, in two letters; `slash` if none does. */
static size_t domain_before(struct str text, size_t slash)
{
    const char *data = text.data;
    size_t start = slash;
    while (start > 0 && in_host(data[start - 1]))
        start--;
    if (start == slash || data[start] == '.' ||
        (start > 0 && (data[start - 1] == '@' || data[start - 1] == '/')))
        return slash;
    const char *dot = memchr(data + start, '.', slash - start);
    bool long_enough = dot && data + slash - dot > 2;
    return long_enough && is_letter(data[slash - 1]) && is_letter(data[slash - 2]) ? start : slash;
}

static bool is_www(struct str text, size_t at)
{
    const char *w = text.data + at;
    if (at + 4 > text.size || (w[1] | 0x20) != 'w' || (w[2] | 0x20) != 'w' || w[3] != '.')
        return false;
    return at == 0 || (!in_host(w[-1]) && w[-1] != '@');
}

bool link_next(struct str text, size_t from, struct link *link)
{
    for (size_t i = from; i < text.size; i++) {
        size_t start = i;
        if (text.data[i] == '/')
            start = is_scheme_end(text, i) ? i + 2 : domain_before(text, i);
        else if ((text.data[i] | 0x20) != 'w' || !is_www(text, i))
            continue;
        if (text.data[i] == '/' && start == i)
            continue;
        take(text, start, link);
        return true;
    }
    return false;
}
