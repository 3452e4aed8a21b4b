#include "gateway/oco_shape.h"

#include <string.h>

/* What an order does in a pair. */
enum part { PART_UNKNOWN, PART_NONE, PART_LIMIT, PART_PROFIT, PART_STOP };

static enum part part_of(const struct form_field *type)
{
    static const struct {
        const char *word;
        enum part part;
    } types[] = {{"LIMIT", PART_NONE},          {"MARKET", PART_NONE},
                 {"LIMIT_MAKER", PART_LIMIT},   {"TAKE_PROFIT", PART_PROFIT},
                 {"STOP_LOSS", PART_STOP},      {"TAKE_PROFIT_LIMIT", PART_PROFIT},
                 {"STOP_LOSS_LIMIT", PART_STOP}};
    for (size_t i = 0; type != NULL && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(type->value, types[i].word) == 0) return types[i].part;
    return PART_UNKNOWN;
}

/* What is wrong with the order on the side of profit, above for who sells: only a stop is. */
static enum reject wrong_at_profit(enum part part, bool sells)
{
    if (part != PART_STOP) return REJECT_NONE;
    return sells ? REJECT_OCO_SELL_STOP : REJECT_OCO_BUY_STOP;
}

/* What is wrong with the order on the side of loss: all but a stop are. */
static enum reject wrong_at_loss(enum part part, bool sells)
{
    if (part == PART_LIMIT) return sells ? REJECT_OCO_SELL_LIMIT : REJECT_OCO_BUY_LIMIT;
    if (part == PART_PROFIT) return sells ? REJECT_OCO_SELL_PROFIT : REJECT_OCO_BUY_PROFIT;
    return REJECT_NONE;
}

static enum reject wrong_with(enum part above, enum part below, bool sells)
{
    const enum part profit = sells ? above : below, loss = sells ? below : above;
    if (above == PART_NONE || below == PART_NONE) return REJECT_OCO_TYPE;
    if (above == PART_LIMIT && below == PART_LIMIT) return REJECT_OCO_BOTH_LIMIT;
    const enum reject reject = wrong_at_profit(profit, sells);
    return reject != REJECT_NONE ? reject : wrong_at_loss(loss, sells);
}

bool oco_shape_check(const struct form *form, const struct oco_names *names,
                     struct refusal *refusal)
{
    const struct form_field *side = form_find(form, names->side);
    const enum part above = part_of(form_find(form, names->above_type));
    const enum part below = part_of(form_find(form, names->below_type));
    if (side == NULL || above == PART_UNKNOWN || below == PART_UNKNOWN) return true;
    const bool sells = strcmp(side->value, "SELL") == 0;
    if (!sells && strcmp(side->value, "BUY") != 0) return true;
    const enum reject reject = wrong_with(above, below, sells);
    if (reject == REJECT_NONE) return true;
    *refusal = refusal_of(reject, NULL, NULL);
    return false;
}
