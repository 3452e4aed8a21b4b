/* One parameter of a request, read with the refusals the Binance Spot API gives for it.
 *
 * Every function that returns false has filled `refusal`. Formats are checked as the API writes
 * them: a number is ^([0-9]{1,20})(\.[0-9]{1,20})?$, a whole number ^[0-9]{1,20}$.
 */

#ifndef COMMON_PARAMETER_H
#define COMMON_PARAMETER_H

#include "common/form.h"
#include "common/messages.h"
#include "common/reject.h"

#define CLIENT_ID_BYTES 36

/* One word of an enumeration and its number on the wire. */
struct parameter_word {
    const char *word;
    uint8_t value;
};

/* Fills `refusal` and returns false, for `return parameter_refuse(...)`. */
bool parameter_refuse(struct refusal *refusal, enum reject reject, const char *first,
                      const char *second);

/* The named field, NULL when it was not sent. An empty one is refused. */
MUST_CHECK bool parameter_optional(const struct form *form, const char *name,
                                   const struct form_field **field, struct refusal *refusal);

/* The named field. One that was not sent or is empty is refused. */
MUST_CHECK bool parameter_mandatory(const struct form *form, const char *name,
                                    const struct form_field **field, struct refusal *refusal);

/* A whole number of up to 20 digits; UINT64_MAX when it is larger than that. */
MUST_CHECK bool parameter_u64(const struct form_field *field, uint64_t *value,
                              struct refusal *refusal);

/* Whether the field has the format of a number; its value is for parameter_units. */
MUST_CHECK bool parameter_number(const struct form_field *field, struct refusal *refusal);

/* A number as a whole number of 10^-decimals. Digits beyond 8 decimals are too much precision; a
 * value that is no whole unit, or too large, fails `filter`. */
MUST_CHECK bool parameter_units(const struct form_field *field, int decimals, enum reject filter,
                                int64_t *units, struct refusal *refusal);

/* The value of the field's word, or false and `reject` with the field's name as its detail. */
MUST_CHECK bool parameter_word(const struct form_field *field, const struct parameter_word *words,
                               size_t word_count, enum reject reject, uint8_t *value,
                               struct refusal *refusal);

/* The same for a word that must be there, and for one that may be missing: `value` keeps what it has. */
MUST_CHECK bool parameter_mandatory_word(const struct form *form, const char *name,
                                         const struct parameter_word *words, size_t word_count,
                                         enum reject reject, uint8_t *value,
                                         struct refusal *refusal);
MUST_CHECK bool parameter_optional_word(const struct form *form, const char *name,
                                        const struct parameter_word *words, size_t word_count,
                                        enum reject reject, uint8_t *value,
                                        struct refusal *refusal);

/* Refuses `name` when it was sent: what it asks for is not what the request would do. */
MUST_CHECK bool parameter_absent(const struct form *form, const char *name,
                                 struct refusal *refusal);

/* A client's own order id: 1 to 36 of a-z A-Z 0-9 - _ . : /, padded with zero bytes; all zero when
 * it was not sent. */
MUST_CHECK bool parameter_client_id(const struct form *form, const char *name,
                                    uint8_t client_id[CLIENT_ID_BYTES], struct refusal *refusal);

/* Exactly 32 bytes in 64 hex digits. */
MUST_CHECK bool parameter_hex32(const struct form_field *field, uint8_t bytes[32],
                                struct refusal *refusal);

#endif /* COMMON_PARAMETER_H */
