#include "common/form.h"

#include <assert.h>
#include <string.h>

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/* One part of a request: where its text ends, and whether `+` stands for a space in it. */
struct part {
    const char *at;
    const char *end;
    bool plus_is_space;
};

/* Decodes part->at up to `stop` (or '&', or the end) to the form's bytes, terminated, and moves past
 * what it read but not past the stop. NULL when it is malformed or there is no room. */
static const char *decode(struct form *form, struct part *part, char stop)
{
    if (form->used_bytes == FORM_BYTES_MAX) return NULL;
    char *const text = form->bytes + form->used_bytes;
    char *to = text, *const to_end = form->bytes + FORM_BYTES_MAX - 1;

    for (; part->at < part->end && *part->at != stop && *part->at != '&'; part->at++) {
        char byte = *part->at;
        if (byte == '%') {
            if (part->end - part->at < 3) return NULL;
            const int high = hex_digit(part->at[1]), low = hex_digit(part->at[2]);
            if (high < 0 || low < 0) return NULL;
            byte = (char)(high << 4 | low);
            part->at += 2;
        } else if (byte == '+' && part->plus_is_space) {
            byte = ' ';
        }
        if (byte == '\0' || to == to_end) return NULL;
        *to++ = byte;
    }
    *to = '\0';
    form->used_bytes += (uint32_t)(to - text) + 1;
    return text;
}

/* Letters of one case have a bit each. */
static uint64_t initial_of(const char *name)
{
    return (uint64_t)1 << (name[0] & 63);
}

/* Few names begin alike, and a call costs more than a byte. */
static bool is_named(const struct form_field *field, const char *name)
{
    return field->name[0] == name[0] && strcmp(field->name, name) == 0;
}

/* Where the first field from `first_field` on with this name is, or field_count. */
static uint32_t place_of(const struct form *form, uint32_t first_field, const char *name)
{
    uint32_t at = first_field;
    if ((form->initials & initial_of(name)) == 0) return form->field_count;
    while (at < form->field_count && !is_named(&form->fields[at], name))
        at++;
    return at;
}

/* Needs: there is room. */
static void add_field(struct form *form, struct form_field field)
{
    form->initials |= initial_of(field.name);
    form->fields[form->field_count++] = field;
}

static void make_empty(struct form *form)
{
    form->fault = FORM_GOOD;
    form->found = NULL;
    form->initials = 0;
    form->field_count = 0;
    form->used_bytes = 0;
}

static bool refuse(struct form *form, enum form_fault fault)
{
    form->fault = fault;
    return false;
}

/* Appends the fields of one part. A name that an earlier part has is kept behind that one, where
 * form_find does not reach. */
static bool parse_part(struct form *form, struct part part)
{
    const uint32_t first_field = form->field_count;

    while (part.at < part.end) {
        if (*part.at == '&') {
            part.at++;
            continue;
        }
        if (form->field_count == FORM_FIELDS_MAX) return refuse(form, FORM_FULL);
        const char *name = decode(form, &part, '=');
        if (name == NULL || *name == '\0') return refuse(form, FORM_MALFORMED);
        if (place_of(form, first_field, name) < form->field_count)
            return refuse(form, FORM_REPEATED);
        if (part.at < part.end && *part.at == '=') part.at++;
        const char *value = decode(form, &part, '&');
        if (value == NULL) return refuse(form, FORM_MALFORMED);
        add_field(form, (struct form_field){name, value, strlen(value)});
    }
    return true;
}

bool form_parse(struct form *form, const char *query, size_t query_bytes, const char *body,
                size_t body_bytes)
{
    make_empty(form);
    if (query_bytes > 0 && !parse_part(form, (struct part){query, query + query_bytes, false}))
        goto malformed;
    if (body_bytes > 0 && !parse_part(form, (struct part){body, body + body_bytes, true}))
        goto malformed;
    return true;

malformed:
    form->field_count = 0;
    return false;
}

void form_copy_but(const struct form *form, bool (*is_dropped)(const char *name), struct form *copy)
{
    ASSERT(form != copy && form->fault == FORM_GOOD);
    make_empty(copy);
    for (uint32_t i = 0; i < form->field_count; i++)
        if (!is_dropped(form->fields[i].name)) add_field(copy, form->fields[i]);
}

static_assert(FORM_FIELDS_MAX <= 64, "a bit each");

const struct form_field *form_find(const struct form *form, const char *name)
{
    const uint32_t at = place_of(form, 0, name);
    if (at == form->field_count) return NULL;
    if (form->found != NULL) *form->found |= (uint64_t)1 << at;
    return &form->fields[at];
}

uint32_t form_unread(const struct form *form)
{
    uint32_t count = 0;
    ASSERT(form->found != NULL);
    for (uint32_t i = 0; i < form->field_count; i++)
        count += (*form->found >> place_of(form, 0, form->fields[i].name) & 1) == 0;
    return count;
}

bool form_u64(const struct form_field *field, uint64_t *value)
{
    if (field->value_bytes == 0 || field->value_bytes > 19) return false;
    uint64_t parsed = 0;
    for (size_t i = 0; i < field->value_bytes; i++) {
        if (field->value[i] < '0' || field->value[i] > '9') return false;
        parsed = parsed * 10 + (uint64_t)(field->value[i] - '0');
    }
    *value = parsed;
    return true;
}
