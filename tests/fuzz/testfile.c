/*
 * `chatroom_server filter test`: the input is the test file of a filter. What must hold: it is
 * refused with a sentence that names a line of it, or its tests are run and counted.
 *
 *   byte 0   how a line is looked up in it, besides: which test and which step of how many
 */
#include "diag.h"
#include "fuzz.h"
#include "lua_test.h"
#include "lua_test_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the filter and its tests are: they find each other by their names. */
static struct {
    char folder[64];
    char filter[96];
    char tests[96];
    FILE *out;
} game;

static void write_file(const char *path, struct str text)
{
    FILE *f = fopen(path, "we");
    fuzz_check(f && fwrite(text.data, 1, text.size, f) == text.size && fclose(f) == 0,
               "cannot write %s", path);
}

static void remove_files(void)
{
    unlink(game.filter);
    unlink(game.tests);
    rmdir(game.folder);
}

static void make_files(void)
{
    static const char filter[] =
        "local n = 0\n"
        "return { name = 't', config = { most = 3 }, commands = { roll = function(_, args)\n"
        "    return hub.reply(args) end }, on_message = function(msg) n = n + 1\n"
        "    if msg.text == 'say' then hub.say(msg.room, 'said') hub.log('info', 'logged') end\n"
        "    return n > hub.config.most and hub.drop('enough') end,\n"
        "    save = function() return n end, restore = function(saved) n = saved end }\n";
    strcpy(game.folder, "/tmp/chatroom-fuzz-XXXXXX");
    fuzz_check(mkdtemp(game.folder), "no folder");
    snprintf(game.filter, sizeof game.filter, "%s/t.lua", game.folder);
    snprintf(game.tests, sizeof game.tests, "%s/t_test.lua", game.folder);
    write_file(game.filter, str_of(filter));
    game.out = fopen("/dev/null", "we");
    fuzz_check(game.out, "no /dev/null");
    atexit(remove_files);
}

static void check_lines(const char *source, struct fuzz_input *in)
{
    unsigned bits = fuzz_byte(in);
    int lines = 1;
    for (const char *at = source; *at; at++)
        lines += *at == '\n';
    struct lua_test_place place = {.test = bits & 3,
                                   .tests = 1 + (bits >> 2 & 3),
                                   .step = bits >> 4 & 1,
                                   .steps = bits >> 5 & 3};
    int line = lua_test_line(source, &place);
    fuzz_check(line >= 0 && line <= lines, "line %d of %d", line, lines);
    int from = line > 0 ? line : 1;
    line = lua_test_line_of_word(source, from, "steps");
    fuzz_check(line >= from && line <= lines, "line %d of %d", line, lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct fuzz_input head = in;
    char why[512] = "";
    if (!game.out)
        make_files();
    fuzz_byte(&in);
    struct str text = fuzz_rest(&in);
    char *source = fuzz_string(text);
    check_lines(source, &head);
    free(source);
    write_file(game.tests, text);
    diag_init("fuzz", DIAG_INFO);
    const struct filter_load_options options = {.settings = NULL};
    int failed = lua_test_run_to(game.filter, &options, game.out, why, sizeof why);
    fuzz_check(failed >= 0 || strncmp(why, game.folder, strlen(game.folder)) == 0 ||
                   lua_source_has_place(why) /* or it raised one that it made up */,
               "%d, with \"%s\"", failed, why);
    return 0;
}
