/* The filters of a market by name: what an operator sets, what a genesis file holds, and what a signed
 * text may leave as it is.
 *
 * Quantities and amounts are decimal text in whole base or quote, multipliers have up to 4 decimals,
 * self-trade modes are their words.
 */

#ifndef COMMON_INTENT_FILTERS_H
#define COMMON_INTENT_FILTERS_H

#include "common/intent.h"

enum filter_unit {
    FILTER_QTY,     /* lots, of base */
    FILTER_BASE,    /* units of base */
    FILTER_QUOTE,   /* units of quote */
    FILTER_PERCENT, /* ten-thousandths */
    FILTER_WHOLE,   /* u32 */
    FILTER_MODES,   /* a set of enum self_trade */
    FILTER_MODE     /* one */
};

struct filter_name {
    const char *name;
    uint32_t offset; /* in struct market_filters */
    uint8_t unit;    /* enum filter_unit */
};

#define FILTER_PERCENT_DECIMALS 4
#define FILTER_COUNT            18

/* Needs: index < FILTER_COUNT. */
const struct filter_name *intent_filter(int index);

/* The value of a filter as a whole number, in its own unit. */
int64_t intent_filter_get(const struct market_filters *filters, int index);

/* False when the filter cannot hold it. */
MUST_CHECK bool intent_filter_set(struct market_filters *filters, int index, int64_t value);

/* action=market-filters, after its nonce and symbol. */
MUST_CHECK bool intent_filters_read(const struct form *form, const struct params *params,
                                    struct market_filters_command *command,
                                    struct refusal *refusal);

/* Copies into `asked` the filters that the text does not name. */
void intent_filters_fill(const struct form *form, struct market_filters_command *asked,
                         const struct market_filters_command *given);

#endif /* COMMON_INTENT_FILTERS_H */
