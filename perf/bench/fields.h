/*
 * A result as named values, in objects of one level: written once as JSON, or as CSV. The names in
 * CSV are those of JSON with a point between: result.cpu_ns_per_delivery.
 */
#ifndef BENCH_FIELDS_H
#define BENCH_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { FIELDS_MAX = 96 };

enum field_kind { FIELD_NULL, FIELD_TEXT, FIELD_BOOL, FIELD_COUNT, FIELD_REAL };

struct field {
    const char *object; /* NULL: at the top */
    const char *name;
    enum field_kind kind;
    const char *text;
    uint64_t count; /* also of a bool */
    double real;
};

/* Zeroed it is empty. Names and texts are borrowed. */
struct fields {
    size_t count;
    const char *object; /* the one that what is added goes to; the caller sets it */
    struct field list[FIELDS_MAX];
};

/* Add a value; what is not `known` becomes null, and so does a NULL text and a real that is no
 * number. */
void fields_text(struct fields *f, const char *name, const char *text);
void fields_bool(struct fields *f, const char *name, bool value);
void fields_count(struct fields *f, const char *name, bool known, uint64_t value);
void fields_real(struct fields *f, const char *name, bool known, double value);

void fields_print_json(const struct fields *f, FILE *to);
void fields_print_csv(const struct fields *f, FILE *to);

#endif
