#include "common/parameter.h"

#include "common/hash.h"
#include "common/market.h"

#include <string.h>

#define NUMBER_RANGE    "^([0-9]{1,20})(\\.[0-9]{1,20})?$"
#define WHOLE_RANGE     "^[0-9]{1,20}$"
#define CLIENT_ID_RANGE "^[a-zA-Z0-9-_.:/]{1,36}$"
#define HEX32_RANGE     "^[0-9a-fA-F]{64}$"
#define RANGE_DIGITS    20

bool parameter_refuse(struct refusal *refusal, enum reject reject, const char *first,
                      const char *second)
{
    *refusal = refusal_of(reject, first, second);
    return false;
}

bool parameter_optional(const struct form *form, const char *name, const struct form_field **field,
                        struct refusal *refusal)
{
    *field = form_find(form, name);
    if (*field != NULL && (*field)->value_bytes == 0)
        return parameter_refuse(refusal, REJECT_EMPTY, name, NULL);
    return true;
}

bool parameter_mandatory(const struct form *form, const char *name, const struct form_field **field,
                         struct refusal *refusal)
{
    if (!parameter_optional(form, name, field, refusal)) return false;
    if (*field == NULL) return parameter_refuse(refusal, REJECT_MANDATORY, name, NULL);
    return true;
}

/* How many digits `text` starts with. */
static size_t digit_run(const char *text)
{
    size_t count = 0;
    while (text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

bool parameter_u64(const struct form_field *field, uint64_t *value, struct refusal *refusal)
{
    const size_t digits = digit_run(field->value);
    if (digits == 0 || digits > RANGE_DIGITS || digits != field->value_bytes)
        return parameter_refuse(refusal, REJECT_ILLEGAL_CHARACTERS, field->name, WHOLE_RANGE);

    uint64_t parsed = 0;
    for (size_t i = 0; i < digits; i++) {
        if (__builtin_mul_overflow(parsed, (uint64_t)10, &parsed) ||
            __builtin_add_overflow(parsed, (uint64_t)(field->value[i] - '0'), &parsed)) {
            parsed = UINT64_MAX;
            break;
        }
    }
    *value = parsed;
    return true;
}

bool parameter_number(const struct form_field *field, struct refusal *refusal)
{
    const size_t whole = digit_run(field->value);
    bool legal = whole > 0 && whole <= RANGE_DIGITS;
    if (legal && field->value[whole] == '.') {
        const size_t fraction = digit_run(field->value + whole + 1);
        legal =
            fraction > 0 && fraction <= RANGE_DIGITS && field->value_bytes == whole + 1 + fraction;
    } else {
        legal = legal && field->value_bytes == whole;
    }
    if (!legal)
        return parameter_refuse(refusal, REJECT_ILLEGAL_CHARACTERS, field->name, NUMBER_RANGE);
    return true;
}

bool parameter_units(const struct form_field *field, int decimals, enum reject filter,
                     int64_t *units, struct refusal *refusal)
{
    if (!parameter_number(field, refusal)) return false;
    const enum decimal_result result =
        decimal_parse(field->value, field->value_bytes, decimals, units);
    if (result == DECIMAL_OK) return true;

    /* The API speaks 8 decimals for every asset; fewer are our own step, which a filter guards. */
    int64_t unused;
    if (decimal_parse(field->value, field->value_bytes, ASSET_DECIMALS_MAX, &unused) ==
        DECIMAL_TOO_PRECISE)
        return parameter_refuse(refusal, REJECT_PRECISION, field->name, NULL);
    return parameter_refuse(refusal, filter, field->name, NULL);
}

bool parameter_word(const struct form_field *field, const struct parameter_word *words,
                    size_t word_count, enum reject reject, uint8_t *value, struct refusal *refusal)
{
    for (size_t i = 0; i < word_count; i++) {
        if (strcmp(field->value, words[i].word) != 0) continue;
        *value = words[i].value;
        return true;
    }
    return parameter_refuse(refusal, reject, field->name, NULL);
}

bool parameter_mandatory_word(const struct form *form, const char *name,
                              const struct parameter_word *words, size_t word_count,
                              enum reject reject, uint8_t *value, struct refusal *refusal)
{
    const struct form_field *field;
    return parameter_mandatory(form, name, &field, refusal) &&
           parameter_word(field, words, word_count, reject, value, refusal);
}

bool parameter_optional_word(const struct form *form, const char *name,
                             const struct parameter_word *words, size_t word_count,
                             enum reject reject, uint8_t *value, struct refusal *refusal)
{
    const struct form_field *field;
    return parameter_optional(form, name, &field, refusal) &&
           (field == NULL || parameter_word(field, words, word_count, reject, value, refusal));
}

bool parameter_absent(const struct form *form, const char *name, struct refusal *refusal)
{
    if (form_find(form, name) == NULL) return true;
    return parameter_refuse(refusal, REJECT_NOT_REQUIRED, name, NULL);
}

/* Whether an order's name is made of what it may be made of: '-', '.', '/', digits and ':' are neighbours. */
static bool has_legal_letters(const struct form_field *field)
{
    for (size_t at = 0; at < field->value_bytes; at++) {
        const char letter = field->value[at];
        if (!((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
              (letter >= '-' && letter <= ':') || letter == '_'))
            return false;
    }
    return true;
}

bool parameter_client_id(const struct form *form, const char *name,
                         uint8_t client_id[CLIENT_ID_BYTES], struct refusal *refusal)
{
    const struct form_field *field;
    memset(client_id, 0, CLIENT_ID_BYTES);
    if (!parameter_optional(form, name, &field, refusal)) return false;
    if (field == NULL) return true;
    if (field->value_bytes > CLIENT_ID_BYTES || !has_legal_letters(field))
        return parameter_refuse(refusal, REJECT_ILLEGAL_CHARACTERS, name, CLIENT_ID_RANGE);
    memcpy(client_id, field->value, field->value_bytes);
    return true;
}

bool parameter_hex32(const struct form_field *field, uint8_t bytes[32], struct refusal *refusal)
{
    if (!hash_from_hex(field->value, field->value_bytes, bytes, 32))
        return parameter_refuse(refusal, REJECT_ILLEGAL_CHARACTERS, field->name, HEX32_RANGE);
    return true;
}
