/* Named parameters of a request: a query string and a form body, read once.
 *
 * A key in both: the query wins. Names and values are percent-decoded into the caller's space; `+` in
 * a form body is a space. A key twice in one part, bad percent-encoding, or too many keys is
 * malformed.
 *
 * Part of the state machine: settlement and engine read signed texts with it, so every node must find the same in the same
 * bytes. Whoever changes what is found in some text does so under new rules (common/params.h). Only form.c fills a struct form:
 * one made elsewhere, field by field, would be looked up by what happens to be on a stack.
 *
 * Limits   FORM_FIELDS_MAX keys, FORM_BYTES_MAX bytes of decoded text
 * Memory   everything lives in struct form (of a copy: in the one it was copied from); values are zero-terminated and may
 *          hold no zero byte
 */

#ifndef COMMON_FORM_H
#define COMMON_FORM_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

#define FORM_FIELDS_MAX 48
#define FORM_BYTES_MAX  8192

struct form_field {
    const char *name;
    const char *value;
    size_t value_bytes;
};

/* Why a form is empty that should not be. */
enum form_fault {
    FORM_GOOD,
    FORM_MALFORMED,
    FORM_REPEATED, /* a key twice in one part */
    FORM_FULL      /* too many keys */
};

struct form {
    enum form_fault fault;
    uint64_t *found; /* a bit for each field that form_find has given; NULL: nobody wants to know */
    uint64_t initials; /* a bit for what each name begins with; most asked for begin otherwise */
    uint32_t field_count;
    uint32_t used_bytes;
    struct form_field fields[FORM_FIELDS_MAX];
    char bytes[FORM_BYTES_MAX];
};

/* Parses both parts (either may be empty). False when malformed; the form is empty then, and its fault says why. `found` is
 * NULL: whoever wants to know sets it, to where all bits are zero. */
MUST_CHECK bool form_parse(struct form *form, const char *query, size_t query_bytes,
                           const char *body, size_t body_bytes);

/* `copy` is the form without the fields whose names `is_dropped` says so of; nobody wants to know what is found in it. Whatever
 * was in it before does not matter. Needs: `form` was parsed, and stays as it is while `copy` is in use. */
void form_copy_but(const struct form *form, bool (*is_dropped)(const char *name),
                   struct form *copy);

/* The field with this name, or NULL. An empty value is present, with value_bytes 0. */
const struct form_field *form_find(const struct form *form, const char *name);

/* How many of the fields nobody has asked for. One that gives way to another of its name counts as that one does. Needs:
 * `found` is set. */
uint32_t form_unread(const struct form *form);

/* Reads an unsigned whole number of at most 19 digits. */
MUST_CHECK bool form_u64(const struct form_field *field, uint64_t *value);

#endif /* COMMON_FORM_H */
