#include "common/intent_filters.h"

#include "common/parameter.h"

#include <string.h>

#define AT(field) offsetof(struct market_filters, field)

/* clang-format off */
static const struct filter_name filters_by_name[FILTER_COUNT] = {
    {"marketMinQty",        AT(market_qty_min),     FILTER_QTY},
    {"marketMaxQty",        AT(market_qty_max),     FILTER_QTY},
    {"maxNotional",         AT(notional_max),       FILTER_QUOTE},
    {"maxPosition",         AT(position_max),       FILTER_BASE},
    {"bidMultiplierUp",     AT(bid_up),             FILTER_PERCENT},
    {"bidMultiplierDown",   AT(bid_down),           FILTER_PERCENT},
    {"askMultiplierUp",     AT(ask_up),             FILTER_PERCENT},
    {"askMultiplierDown",   AT(ask_down),           FILTER_PERCENT},
    {"avgPriceMins",        AT(average_minutes),    FILTER_WHOLE},
    {"bandPpm",             AT(band_ppm),           FILTER_WHOLE},
    {"maxNumAlgoOrders",    AT(algo_orders_max),    FILTER_WHOLE},
    {"maxNumIcebergOrders", AT(iceberg_orders_max), FILTER_WHOLE},
    {"icebergParts",        AT(iceberg_parts_max),  FILTER_WHOLE},
    {"maxNumOrderLists",    AT(order_lists_max),    FILTER_WHOLE},
    {"minTrailingDelta",    AT(trailing_min),       FILTER_WHOLE},
    {"maxTrailingDelta",    AT(trailing_max),       FILTER_WHOLE},
    {"selfTradeModes",      AT(self_trade_modes),   FILTER_MODES},
    {"selfTradeDefault",    AT(self_trade_default), FILTER_MODE},
};
/* clang-format on */

const struct filter_name *intent_filter(int index)
{
    ASSERT(index >= 0 && index < FILTER_COUNT);
    return &filters_by_name[index];
}

/* How wide a filter is in struct market_filters. */
static size_t width_of(const struct filter_name *filter)
{
    if (filter->unit <= FILTER_QUOTE) return sizeof(int64_t);
    return filter->unit <= FILTER_WHOLE ? sizeof(uint32_t) : sizeof(uint8_t);
}

int64_t intent_filter_get(const struct market_filters *filters, int index)
{
    const struct filter_name *filter = intent_filter(index);
    const uint8_t *at = (const uint8_t *)filters + filter->offset;
    int64_t wide;
    uint32_t whole;
    switch (width_of(filter)) {
    case sizeof(wide):
        memcpy(&wide, at, sizeof(wide));
        return wide;
    case sizeof(whole):
        memcpy(&whole, at, sizeof(whole));
        return whole;
    default:
        return *at;
    }
}

bool intent_filter_set(struct market_filters *filters, int index, int64_t value)
{
    const struct filter_name *filter = intent_filter(index);
    uint8_t *at = (uint8_t *)filters + filter->offset;
    const uint32_t whole = (uint32_t)value;
    switch (width_of(filter)) {
    case sizeof(value):
        memcpy(at, &value, sizeof(value));
        return true;
    case sizeof(whole):
        if (value < 0 || value > UINT32_MAX) return false;
        memcpy(at, &whole, sizeof(whole));
        return true;
    default:
        if (value < 0 || value > UINT8_MAX) return false;
        *at = (uint8_t)value;
        return true;
    }
}

/* Words joined by commas, each once, as a set of bits. */
static bool read_modes(const struct form_field *field, int64_t *modes, struct refusal *refusal)
{
    *modes = 0;
    for (const char *at = field->value;; at++) {
        const size_t word_bytes = strcspn(at, ",");
        uint8_t mode;
        if (!intent_self_trade(at, word_bytes, &mode) || (*modes >> mode & 1) != 0)
            return parameter_refuse(refusal, REJECT_DATA, field->name, NULL);
        *modes |= (int64_t)1 << mode;
        at += word_bytes;
        if (*at == '\0') return true;
    }
}

/* The text of one filter as a whole number in its unit. */
static bool read_value(const struct form_field *field, const struct params *params,
                       const struct market *market, uint8_t unit, int64_t *value,
                       struct refusal *refusal)
{
    const int base = params->assets[market->base].decimals;
    const int quote = params->assets[market->quote].decimals;
    uint64_t whole;
    uint8_t mode;
    qty_t qty;
    switch (unit) {
    case FILTER_QTY:
        if (!parameter_units(field, base, REJECT_MARKET_SPEC, value, refusal)) return false;
        if (!market_qty_from_units(market, *value, &qty))
            return parameter_refuse(refusal, REJECT_MARKET_SPEC, NULL, NULL);
        *value = qty.lots;
        return true;
    case FILTER_BASE:
        return parameter_units(field, base, REJECT_MARKET_SPEC, value, refusal);
    case FILTER_QUOTE:
        return parameter_units(field, quote, REJECT_MARKET_SPEC, value, refusal);
    case FILTER_PERCENT:
        return parameter_units(field, FILTER_PERCENT_DECIMALS, REJECT_MARKET_SPEC, value, refusal);
    case FILTER_WHOLE:
        if (!parameter_u64(field, &whole, refusal)) return false;
        *value = whole > INT64_MAX ? INT64_MAX : (int64_t)whole;
        return true;
    case FILTER_MODES:
        return read_modes(field, value, refusal);
    default:
        if (!intent_self_trade(field->value, field->value_bytes, &mode))
            return parameter_refuse(refusal, REJECT_DATA, field->name, NULL);
        *value = mode;
        return true;
    }
}

/* The filters of a command, and back: the same names in another order. */
static struct market_filters filters_of(const struct market_filters_command *command)
{
    return (struct market_filters){
        .market_qty_min = command->market_qty_min,
        .market_qty_max = command->market_qty_max,
        .notional_max = command->notional_max,
        .position_max = command->position_max,
        .bid_up = command->bid_up,
        .bid_down = command->bid_down,
        .ask_up = command->ask_up,
        .ask_down = command->ask_down,
        .average_minutes = command->average_minutes,
        .band_ppm = command->band_ppm,
        .algo_orders_max = command->algo_orders_max,
        .iceberg_orders_max = command->iceberg_orders_max,
        .iceberg_parts_max = command->iceberg_parts_max,
        .order_lists_max = command->order_lists_max,
        .trailing_min = command->trailing_min,
        .trailing_max = command->trailing_max,
        .self_trade_modes = command->self_trade_modes,
        .self_trade_default = command->self_trade_default,
    };
}

static void put_filters(struct market_filters_command *command,
                        const struct market_filters *filters)
{
    command->market_qty_min = filters->market_qty_min;
    command->market_qty_max = filters->market_qty_max;
    command->notional_max = filters->notional_max;
    command->position_max = filters->position_max;
    command->bid_up = filters->bid_up;
    command->bid_down = filters->bid_down;
    command->ask_up = filters->ask_up;
    command->ask_down = filters->ask_down;
    command->average_minutes = filters->average_minutes;
    command->band_ppm = filters->band_ppm;
    command->algo_orders_max = filters->algo_orders_max;
    command->iceberg_orders_max = filters->iceberg_orders_max;
    command->iceberg_parts_max = filters->iceberg_parts_max;
    command->order_lists_max = filters->order_lists_max;
    command->trailing_min = filters->trailing_min;
    command->trailing_max = filters->trailing_max;
    command->self_trade_modes = filters->self_trade_modes;
    command->self_trade_default = filters->self_trade_default;
}

bool intent_filters_read(const struct form *form, const struct params *params,
                         struct market_filters_command *command, struct refusal *refusal)
{
    const struct market *market = &params->markets[command->market];
    struct market_filters filters = market->filters;
    for (int i = 0; i < FILTER_COUNT; i++) {
        const struct form_field *field;
        int64_t value;
        if (!parameter_optional(form, filters_by_name[i].name, &field, refusal)) return false;
        if (field == NULL) continue;
        if (!read_value(field, params, market, filters_by_name[i].unit, &value, refusal))
            return false;
        if (!intent_filter_set(&filters, i, value))
            return parameter_refuse(refusal, REJECT_DATA, filters_by_name[i].name, NULL);
    }
    put_filters(command, &filters);
    return true;
}

void intent_filters_fill(const struct form *form, struct market_filters_command *asked,
                         const struct market_filters_command *given)
{
    struct market_filters to = filters_of(asked);
    const struct market_filters from = filters_of(given);
    for (int i = 0; i < FILTER_COUNT; i++) {
        if (form_find(form, filters_by_name[i].name) != NULL) continue;
        const bool fits = intent_filter_set(&to, i, intent_filter_get(&from, i));
        ASSERT(fits);
    }
    put_filters(asked, &to);
}
