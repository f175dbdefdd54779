/*
 * Writes for authors what lua_api.c and the keys of a declaration say:
 *
 *   api/hub.lua   stubs, which make an editor complete and check what is written (LuaCATS)
 *   README.md     its tables, each between <!-- generated: NAME --> and <!-- end -->
 *
 *   lua_api_doc write DIR    writes both, in DIR
 *   lua_api_doc check DIR    prints TAP: whether both are what would be written
 */
#include "lua_api.h"
#include "lua_host_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BEGIN "<!-- generated: "
#define END   "<!-- end -->"

/* ---- parameters ---- */

/* Splits "name?: type; ..." off *rest; false at its end. */
static bool next_param(struct str *rest, struct str *name, struct str *type)
{
    if (rest->size == 0)
        return false;
    const char *end = memmem(rest->data, rest->size, "; ", 2);
    struct str one = {rest->data, end ? (size_t)(end - rest->data) : rest->size};
    *rest = str_skip(*rest, end ? one.size + 2 : one.size);
    const char *colon = memmem(one.data, one.size, ": ", 2);
    *name = str_from(one.data, (size_t)(colon - one.data));
    *type = str_skip(one, name->size + 2);
    return true;
}

/* "a, b"; what may be left out is in brackets if `brackets`. */
static void put_names(FILE *out, const char *params, bool brackets)
{
    struct str rest = str_of(params);
    struct str name;
    struct str type;
    for (bool first = true; next_param(&rest, &name, &type); first = false) {
        bool optional = name.data[name.size - 1] == '?';
        const char *open = optional && brackets ? "[" : "";
        name.size -= optional;
        fprintf(out, "%s" STR_FMT "%s",
                first   ? open
                : *open ? " [, "
                        : ", ",
                STR_ARG(name), *open ? "]" : "");
    }
}

/* ---- stubs ---- */

static void stub_function(FILE *out, const struct lua_api_class *class,
                          const struct lua_api_function *f)
{
    struct str name;
    struct str type;
    fprintf(out, "\n---%s\n", f->help);
    for (struct str rest = str_of(f->params); next_param(&rest, &name, &type);)
        fprintf(out, "---@param " STR_FMT " " STR_FMT "\n", STR_ARG(name), STR_ARG(type));
    for (struct str rest = str_of(f->returns); next_param(&rest, &name, &type);)
        fprintf(out, "---@return " STR_FMT " " STR_FMT "\n", STR_ARG(type), STR_ARG(name));
    fprintf(out, "function %s%c%s(", class->name, class->separator, f->name);
    put_names(out, f->params, false);
    fputs(") end\n", out);
}

static void stub_class(FILE *out, const struct lua_api_class *class)
{
    bool global = class->separator == '.';
    fprintf(out, "\n---%s\n---@class %s\n", class->help, class->name);
    if (global)
        fputs(
            "---@field config table<string, any> What `config` in the declaration says, as set.\n",
            out);
    fprintf(out, "%s%s = {}\n", global ? "" : "local ", class->name);
    for (size_t i = 0; i < class->count; i++)
        stub_function(out, class, &class->functions[i]);
}

static void stub_message(FILE *out)
{
    size_t count;
    const struct lua_api_field *fields = lua_api_fields(&count);
    fputs("\n---What a handler judges. Good until the handler returns: keep msg.text or msg.from, "
          "never msg.\n---@class (exact) Message\n",
          out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "---@field %s %s %s\n", fields[i].name, fields[i].type, fields[i].help);
}

static void stub_keys(FILE *out, const char *class, const char *help, const struct lua_key *keys,
                      size_t count)
{
    fprintf(out, "\n---%s\n---@class (exact) %s\n", help, class);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "---@field %s%s %s %s\n", keys[i].name, keys[i].required ? "" : "?",
                keys[i].means, keys[i].help);
}

static void put_stubs(FILE *out)
{
    size_t count;
    fputs("---@meta\n"
          "-- luacheck: ignore\n"
          "-- What filters of chatroom_server can call, for editors (LuaCATS). Generated from\n"
          "-- lua_api.c by `ninja lua_docs`: a change here is lost.\n",
          out);
    const struct lua_key *keys = lua_declare_keys(&count);
    stub_keys(out, "Filter", "What a filter returns at its end.", keys, count);
    keys = lua_match_keys(&count);
    stub_keys(out, "FilterMatch", "What a filter wants to see: all of it must hold.", keys, count);
    keys = lua_config_keys(&count);
    stub_keys(out, "Setting", "A key of `config`.", keys, count);
    fputs("\n---What hub.drop() and its like return, for a handler to return.\n"
          "---@class Verdict\n",
          out);
    stub_message(out);
    stub_class(out, &lua_api_tally);
    stub_class(out, &lua_api_shared);
    stub_class(out, &lua_api_words);
    stub_class(out, &lua_api_hub);
}

/* ---- tables of README.md ---- */

/* In a cell a '|' would end it. */
static void put_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_code(FILE *out, const char *text)
{
    fputc('`', out);
    put_cell(out, text);
    fputs("` | ", out);
}

static void table_keys(FILE *out, const struct lua_key *keys, size_t count)
{
    fputs("| key | type | |\n|---|---|---|\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "| `%s` | ", keys[i].name);
        put_code(out, keys[i].means);
        put_cell(out, keys[i].help);
        fputs(keys[i].required ? "; required |\n" : " |\n", out);
    }
}

static void table_functions(FILE *out, const struct lua_api_class *class, bool verdicts)
{
    struct str name;
    struct str type;
    const char *object = class->separator == '.' ? class->name : "";
    fprintf(out, "| | %s|\n|---|%s---|\n", verdicts ? "" : "returns | ", verdicts ? "" : "---|");
    for (size_t i = 0; i < class->count; i++) {
        const struct lua_api_function *f = &class->functions[i];
        if ((f->call == NULL) != verdicts)
            continue;
        fprintf(out, "| `%s%s%c%s(", verdicts ? "return " : "", object, class->separator, f->name);
        put_names(out, f->params, true);
        fputs(")` | ", out);
        for (struct str rest = str_of(verdicts ? "" : f->returns); next_param(&rest, &name, &type);)
            fprintf(out, STR_FMT "%s", STR_ARG(name), rest.size > 0 ? ", " : "");
        fputs(verdicts ? "" : " | ", out);
        put_cell(out, f->help);
        fputs(" |\n", out);
    }
}

static void table_fields(FILE *out)
{
    size_t count;
    const struct lua_api_field *fields = lua_api_fields(&count);
    fputs("| field | type | |\n|---|---|---|\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "| `msg.%s` | ", fields[i].name);
        put_code(out, fields[i].type);
        put_cell(out, fields[i].help);
        fputs(" |\n", out);
    }
}

/* Writes the table that is called so; false if none is. */
static bool put_table(FILE *out, struct str name)
{
    size_t count;
    const struct lua_key *keys;
    if (str_equal(name, STR("keys"))) {
        keys = lua_declare_keys(&count);
        table_keys(out, keys, count);
    } else if (str_equal(name, STR("match"))) {
        keys = lua_match_keys(&count);
        table_keys(out, keys, count);
    } else if (str_equal(name, STR("setting"))) {
        keys = lua_config_keys(&count);
        table_keys(out, keys, count);
    } else if (str_equal(name, STR("msg"))) {
        table_fields(out);
    } else if (str_equal(name, STR("verdicts"))) {
        table_functions(out, &lua_api_hub, true);
    } else if (str_equal(name, STR("hub"))) {
        table_functions(out, &lua_api_hub, false);
    } else if (str_equal(name, STR("tally"))) {
        table_functions(out, &lua_api_tally, false);
    } else if (str_equal(name, STR("shared"))) {
        table_functions(out, &lua_api_shared, false);
    } else if (str_equal(name, STR("words"))) {
        table_functions(out, &lua_api_words, false);
    } else {
        return false;
    }
    return true;
}

/* Copies `text`, with fresh tables. Returns 0, or -EINVAL: a mark is wrong, and *at is there. */
static int put_readme(FILE *out, const char *text, const char **at)
{
    const char *begin;
    for (*at = text; (begin = strstr(*at, BEGIN)); *at += strlen(END)) {
        const char *name = begin + strlen(BEGIN);
        const char *close = strstr(name, " -->\n");
        const char *end = strstr(name, "\n" END);
        if (!close || !end) {
            *at = begin;
            return -EINVAL;
        }
        fwrite(*at, 1, (size_t)(close + strlen(" -->\n") - *at), out);
        *at = begin;
        if (!put_table(out, str_from(name, (size_t)(close - name))))
            return -EINVAL;
        fputs(END, out);
        *at = end + 1;
    }
    fputs(*at, out);
    return 0;
}

/* ---- files ---- */

/* All of a file, NUL-terminated; the caller frees it. NULL, with errno, if it cannot be read. */
static char *read_text(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *in = fopen(path, "r");
    if (!in)
        return NULL;
    ssize_t n = getdelim(&text, &size, '\0', in);
    fclose(in);
    if (n < 0) {
        free(text);
        return strdup("");
    }
    return text;
}

static int write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    if (!out)
        return -errno;
    fputs(text, out);
    return fclose(out) == 0 ? 0 : -errno;
}

static char *make_stubs(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    put_stubs(out);
    return fclose(out) == 0 ? text : NULL;
}

static char *make_readme(const char *old)
{
    char *text = NULL;
    size_t size;
    const char *at;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    int error = put_readme(out, old, &at);
    fclose(out);
    if (error == 0)
        return text;
    fprintf(stderr, "lua_api_doc: no table is called so, or it has no end: %.60s\n", at);
    free(text);
    return NULL;
}

/* ---- what is asked for ---- */

/* One of the two files; writes it, or prints whether it is up to date. Takes `fresh`. */
static bool settle(bool check, int number, const char *path, char *fresh)
{
    char *old = read_text(path);
    bool same = old && fresh && strcmp(old, fresh) == 0;
    bool done = same;
    if (check)
        printf("%sok %d - %s is up to date%s\n", same ? "" : "not ", number, path,
               same ? "" : ": run `ninja lua_docs`");
    else if (fresh && !same)
        done = write_text(path, fresh) == 0;
    free(old);
    free(fresh);
    return done;
}

int main(int argc, char **argv)
{
    char stubs[4096];
    char readme[4096];
    bool check = argc == 3 && strcmp(argv[1], "check") == 0;
    if (!check && (argc != 3 || strcmp(argv[1], "write") != 0)) {
        fputs("usage: lua_api_doc write|check DIR\n", stderr);
        return 64;
    }
    snprintf(stubs, sizeof stubs, "%s/api/hub.lua", argv[2]);
    snprintf(readme, sizeof readme, "%s/README.md", argv[2]);
    if (check)
        puts("1..2");
    char *old = read_text(readme);
    bool done = settle(check, 1, stubs, make_stubs());
    done = settle(check, 2, readme, old ? make_readme(old) : NULL) && done;
    free(old);
    return done ? 0 : 1;
}
