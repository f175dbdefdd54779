/* The allocator: every allocation of the project's own code and of Lua, which asks by way of it. */
#include "board.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *block);

static void count(void *block, int sign)
{
    struct faults_board *board = faults_board();
    if (!block)
        return;
    board->heap_blocks += sign;
    board->heap_bytes += sign * (int64_t)malloc_usable_size(block);
}

static void *counted(void *block)
{
    count(block, 1);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return faults_strike(FAULTS_memory) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return faults_strike(FAULTS_memory) ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (faults_strike(FAULTS_memory))
        return NULL;
    count(old, -1);
    return counted(__real_realloc(old, size));
}

char *__wrap_strdup(const char *text)
{
    return faults_strike(FAULTS_memory) ? NULL : counted(__real_strdup(text));
}

void __wrap_free(void *block)
{
    count(block, -1);
    __real_free(block);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
