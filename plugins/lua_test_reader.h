/*
 * Reads a test file's tables key by key, so that a slip of the pen is an error and not a test that
 * tests nothing. All of it runs protected, and may raise an error of Lua; what is made is memory of
 * the state. `r->place` says where it is: what is raised names it, and its line.
 */
#ifndef CHATROOM_LUA_TEST_READER_H
#define CHATROOM_LUA_TEST_READER_H

#include "lua_test_impl.h"

struct lua_test_reader {
    lua_State *state;
    const struct lua_test_file *file;
    struct lua_test_place place; /* .steps is 0 but while steps are read */
};

/* A key that a table may have, and what becomes of its value. */
struct lua_test_key {
    const char *name;
    int type;
    size_t offset; /* of the struct str in the target that gets it, if there is no `take` */
    /* Copies the value on the top. */
    void (*take)(struct lua_test_reader *r, void *target);
};

/* Raises a sentence, with the file, and the line of `word` (or of the place, if NULL). */
__attribute__((format(printf, 3, 4))) _Noreturn void reader_fail(struct lua_test_reader *r,
                                                                 const char *word,
                                                                 const char *format, ...);

/* Zeroed memory that lives as long as the state; there is always one more than `count`. */
void *reader_make(struct lua_test_reader *r, size_t count, size_t size);

/* The string at `index`, without a copy: it is in a table that stays. */
struct str reader_string(struct lua_test_reader *r, int index);

/* Reads the table on the top into `target`; `what` is what it is called when it is at fault. */
void reader_take_table(struct lua_test_reader *r, const struct lua_test_key *keys, size_t count,
                       const char *what, void *target);

/* The length of the list on the top; raises an error if it is none. */
size_t reader_check_list(struct lua_test_reader *r, const char *key);

/* Pushes item `i`, from 0, of the list on the top, which must be of that type. */
void reader_push_item(struct lua_test_reader *r, size_t i, int type, const char *key);

/* In lua_test_step.c: the list `steps` on the top, into the test. */
void lua_test_take_steps(struct lua_test_reader *r, void *target);

#endif
