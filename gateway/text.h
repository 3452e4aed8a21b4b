/* JSON and numbers written into a bounded buffer, as the API prints them.
 *
 * A writer that runs out of room stops writing and remembers it: check text_full once, at the end.
 *
 * Owner    the caller; lives on its stack
 * Memory   the buffer is the caller's; never zero-terminated
 */

#ifndef GATEWAY_TEXT_H
#define GATEWAY_TEXT_H

#include "common/market.h"

#define TEXT_DECIMALS 8 /* prices, quantities and amounts in JSON */

struct text {
    char *bytes;
    size_t capacity;
    size_t used;
    bool full;
};

static inline struct text text_over(char *bytes, size_t capacity)
{
    return (struct text){bytes, capacity, 0, false};
}

static inline bool text_full(const struct text *text)
{
    return text->full;
}

/* Appends bytes as they are. */
void text_put(struct text *text, const char *bytes, size_t byte_count);

/* Appends a zero-terminated string as it is. */
void text_add(struct text *text, const char *string);

void text_u64(struct text *text, uint64_t value);
void text_i64(struct text *text, int64_t value);

/* "text" with quotes, escaped; the bytes are UTF-8. */
void text_string(struct text *text, const char *bytes, size_t byte_count);

/* value x 10^-decimals, printed with exactly `shown` decimals; more precise values are cut towards zero.
 * Without quotes. Needs: 0 <= decimals, shown <= 18. */
void text_decimal(struct text *text, __int128 value, int decimals, int shown);

/* numerator / denominator with `shown` decimals, rounded half away from zero. Without quotes.
 * Needs: denominator > 0, |numerator| x 10^shown < 2^126. */
void text_ratio(struct text *text, __int128 numerator, __int128 denominator, int shown);

/* Quoted decimals with TEXT_DECIMALS places, as market data and orders show them. `decimals` of the
 * two assets: those of struct asset. */
void text_price(struct text *text, const struct market *market, int quote_decimals, price_t price);
void text_lots(struct text *text, const struct market *market, int base_decimals, __int128 lots);
void text_units(struct text *text, int asset_decimals, __int128 units);

#endif /* GATEWAY_TEXT_H */
