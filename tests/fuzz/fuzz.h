/*
 * What the fuzzers share. A target is one file NAME.c with LLVMFuzzerTestOneInput(): it runs the
 * real code on the bytes of one input, and ends the program where a promise is broken. README.md
 * says what targets there are, and how to run and to add one.
 *
 *   int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *   {
 *       struct fuzz_input in = {data, size};
 *       unsigned limit = fuzz_below(&in, 100);
 *       struct str text = fuzz_rest(&in);
 *       fuzz_check(parse(text, limit) <= 0, "a limit of %u", limit);
 *       return 0;
 *   }
 *
 * Inputs that end early are inputs: what is taken from behind the end is zero, or empty.
 */
#ifndef CHATROOM_FUZZ_H
#define CHATROOM_FUZZ_H

#include "str.h"

#include <stdint.h>

/* What a fuzzing engine calls: libFuzzer, AFL++'s driver, or replay.c. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Called once before, by all of them. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The bytes of an input that were not taken yet. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* The next byte; 0 at the end. */
uint8_t fuzz_byte(struct fuzz_input *in);

/* A number from 0 to n - 1, of one byte; n is 1 to 256. */
unsigned fuzz_below(struct fuzz_input *in, unsigned n);

/* What stands before the next `end`, which is taken too; all that is left where there is none. */
struct str fuzz_part(struct fuzz_input *in, char end);

/* All that is left. */
struct str fuzz_rest(struct fuzz_input *in);

/* A copy in memory of just its size, so that a sanitizer sees a read behind its end; of at least
 * one byte. The caller frees it. With a NUL behind it. */
char *fuzz_copy(struct str s);
char *fuzz_string(struct str s);

/* Memory, or the end: there is nothing an input could do about it. */
void *fuzz_must(void *memory);

/* Ends the program with a sentence where the condition does not hold, in every build. */
#define fuzz_check(condition, ...)                                                                 \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_fail(__FILE__, __LINE__, #condition, __VA_ARGS__);                                \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *condition, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* True if `s` is UTF-8 without control characters, but perhaps TAB: what everything remote must be
 * when it comes out. */
bool fuzz_is_clean(struct str s);

/* For code that reads files: a file in memory that holds `s`, by a path that is valid until the
 * next call with the same `which`, 0 to 3. */
const char *fuzz_file(unsigned which, struct str s);

#endif
