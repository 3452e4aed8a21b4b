/* Parameters as operators' texts have them: shared by those who read these.
 *
 * Every function that returns false has filled `refusal`.
 */

#ifndef COMMON_INTENT_ADMIN_H
#define COMMON_INTENT_ADMIN_H

#include "common/form.h"
#include "common/params.h"
#include "common/reject.h"

/* A mandatory whole number of at most `max`. */
MUST_CHECK bool intent_admin_whole(const struct form *form, const char *name, uint64_t max,
                                   uint64_t *value, struct refusal *refusal);
MUST_CHECK bool intent_admin_u16(const struct form *form, const char *name, uint16_t *value,
                                 struct refusal *refusal);
MUST_CHECK bool intent_admin_u32(const struct form *form, const char *name, uint32_t *value,
                                 struct refusal *refusal);
MUST_CHECK bool intent_admin_nonce(const struct form *form, uint64_t *nonce,
                                   struct refusal *refusal);

/* A mandatory decimal number as units of 10^-decimals. */
MUST_CHECK bool intent_admin_units(const struct form *form, const char *name, int decimals,
                                   int64_t *units, struct refusal *refusal);

/* The index of an existing asset. */
MUST_CHECK bool intent_admin_asset(const struct form *form, const char *name,
                                   const struct params *params, uint16_t *asset,
                                   struct refusal *refusal);

#endif /* COMMON_INTENT_ADMIN_H */
