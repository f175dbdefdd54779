/* See fields.h. */
#include "fields.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static void add(struct fields *f, struct field field)
{
    assert(f->count < FIELDS_MAX);
    field.object = f->object;
    f->list[f->count++] = field;
}

void fields_text(struct fields *f, const char *name, const char *text)
{
    add(f, (struct field){.name = name, .kind = text ? FIELD_TEXT : FIELD_NULL, .text = text});
}

void fields_bool(struct fields *f, const char *name, bool value)
{
    add(f, (struct field){.name = name, .kind = FIELD_BOOL, .count = value});
}

void fields_count(struct fields *f, const char *name, bool known, uint64_t value)
{
    add(f, (struct field){.name = name, .kind = known ? FIELD_COUNT : FIELD_NULL, .count = value});
}

void fields_real(struct fields *f, const char *name, bool known, double value)
{
    bool finite = known && isfinite(value);
    add(f, (struct field){.name = name, .kind = finite ? FIELD_REAL : FIELD_NULL, .real = value});
}

static void print_json_text(const char *text, FILE *to)
{
    fputc('"', to);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < ' ')
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

/* In quotes; quotes inside are doubled. */
static void print_csv_text(const char *text, FILE *to)
{
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void print_number(const struct field *v, FILE *to)
{
    if (v->kind == FIELD_BOOL)
        fputs(v->count ? "true" : "false", to);
    else if (v->kind == FIELD_COUNT)
        fprintf(to, "%" PRIu64, v->count);
    else
        fprintf(to, "%.10g", v->real);
}

static bool same_object(const struct field *a, const struct field *b)
{
    if (!a->object || !b->object)
        return a->object == b->object;
    return strcmp(a->object, b->object) == 0;
}

/* Closes the object before, and opens that of the field, where it is another one. */
static void print_border(const struct field *before, const struct field *v, FILE *to)
{
    bool same = before && same_object(before, v);
    if (before && before->object && !same)
        fputc('}', to);
    if (before)
        fputc(',', to);
    if (v->object && !same)
        fprintf(to, "\"%s\":{", v->object);
}

void fields_print_json(const struct fields *f, FILE *to)
{
    const struct field *before = NULL;
    fputc('{', to);
    for (size_t i = 0; i < f->count; before = &f->list[i++]) {
        const struct field *v = &f->list[i];
        print_border(before, v, to);
        fprintf(to, "\"%s\":", v->name);
        if (v->kind == FIELD_NULL)
            fputs("null", to);
        else if (v->kind == FIELD_TEXT)
            print_json_text(v->text, to);
        else
            print_number(v, to);
    }
    fputs(before && before->object ? "}}\n" : "}\n", to);
}

void fields_print_csv(const struct fields *f, FILE *to)
{
    for (size_t i = 0; i < f->count; i++)
        fprintf(to, "%s%s%s%s", i ? "," : "", f->list[i].object ? f->list[i].object : "",
                f->list[i].object ? "." : "", f->list[i].name);
    fputc('\n', to);
    for (size_t i = 0; i < f->count; i++) {
        const struct field *v = &f->list[i];
        if (i)
            fputc(',', to);
        if (v->kind == FIELD_TEXT)
            print_csv_text(v->text, to);
        else if (v->kind != FIELD_NULL)
            print_number(v, to);
    }
    fputc('\n', to);
}
