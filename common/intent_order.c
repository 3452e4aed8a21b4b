#include "common/intent_order.h"

#include "common/parameter.h"

#include <string.h>

#define WORDS(table) table, sizeof(table) / sizeof(table[0])

static const struct parameter_word sides[] = {{"BUY", BUY}, {"SELL", SELL}};

static const struct parameter_word order_types[] = {
    {"LIMIT", LIMIT},
    {"MARKET", MARKET},
    {"LIMIT_MAKER", LIMIT_MAKER},
    {"STOP_LOSS", STOP_LOSS},
    {"STOP_LOSS_LIMIT", STOP_LOSS_LIMIT},
    {"TAKE_PROFIT", TAKE_PROFIT},
    {"TAKE_PROFIT_LIMIT", TAKE_PROFIT_LIMIT},
};

static const struct parameter_word times_in_force[] = {{"GTC", GTC}, {"IOC", IOC}, {"FOK", FOK}};

static const struct parameter_word self_trades[] = {
    {"NONE", SELF_TRADE_NONE},
    {"EXPIRE_TAKER", SELF_TRADE_EXPIRE_TAKER},
    {"EXPIRE_MAKER", SELF_TRADE_EXPIRE_MAKER},
    {"EXPIRE_BOTH", SELF_TRADE_EXPIRE_BOTH},
    {"DECREMENT", SELF_TRADE_DECREMENT},
    {"TRANSFER", SELF_TRADE_TRANSFER},
};

static const struct parameter_word restrictions[] = {
    {"ONLY_NEW", CANCEL_ONLY_NEW},
    {"ONLY_PARTIALLY_FILLED", CANCEL_ONLY_PARTIALLY_FILLED},
};

static const struct parameter_word replace_modes[] = {
    {"STOP_ON_FAILURE", REPLACE_STOP_ON_FAILURE},
    {"ALLOW_FAILURE", REPLACE_ALLOW_FAILURE},
};

/* Our own limit of placed orders is counted, not enforced: either mode does the same. */
static const struct parameter_word limit_modes[] = {{"DO_NOTHING", 0}, {"CANCEL_ONLY", 1}};

static const struct order_names order_names = {
    "side",
    "type",
    "newClientOrderId",
    "strategyId",
    "strategyType",
    {"pegPriceType", "pegOffsetValue", "pegOffsetType"},
    {"timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice", "trailingDelta",
     "icebergQty"},
};

/* NO: refused when sent. MAY: free. YES: refused when missing. ONE: exactly one of the type's ONEs.
 * ANY: at least one of its ANYs. */
enum need { NO, MAY, YES, ONE, ANY };

/* clang-format off */
static const uint8_t order_needs[][ORDER_FIELD_COUNT] = {
    /*                      TIF  qty  quote price stop trail iceberg */
    [LIMIT]             = { YES, YES, NO,  YES,  NO,  NO,   MAY },
    [MARKET]            = { NO,  ONE, ONE, NO,   NO,  NO,   NO  },
    [LIMIT_MAKER]       = { NO,  YES, NO,  YES,  NO,  NO,   MAY },
    [STOP_LOSS]         = { NO,  YES, NO,  NO,   ANY, ANY,  NO  },
    [STOP_LOSS_LIMIT]   = { YES, YES, NO,  YES,  ANY, ANY,  MAY },
    [TAKE_PROFIT]       = { NO,  YES, NO,  NO,   ANY, ANY,  NO  },
    [TAKE_PROFIT_LIMIT] = { YES, YES, NO,  YES,  ANY, ANY,  MAY },
};
/* clang-format on */

/* The order's type-dependent parameters; NULL where one was not sent. */
struct order_text {
    const struct order_names *names;
    const struct form_field *fields[ORDER_FIELD_COUNT];
};

const char *intent_self_trade_name(uint8_t mode)
{
    for (size_t i = 0; i < sizeof(self_trades) / sizeof(self_trades[0]); i++)
        if (self_trades[i].value == mode) return self_trades[i].word;
    return "";
}

bool intent_self_trade(const char *word, size_t word_bytes, uint8_t *mode)
{
    for (size_t i = 0; i < sizeof(self_trades) / sizeof(self_trades[0]); i++) {
        if (strlen(self_trades[i].word) != word_bytes) continue;
        if (memcmp(self_trades[i].word, word, word_bytes) != 0) continue;
        *mode = self_trades[i].value;
        return true;
    }
    return false;
}

/* What marks a request, and all that may have it. */
bool intent_order_only(const struct form *form, enum intent_request request,
                       struct refusal *refusal)
{
    enum {
        PLACES = REQUEST_ORDER | REQUEST_REPLACE | REQUEST_OCO | REQUEST_OTO | REQUEST_OTOCO |
                 REQUEST_OLD_OCO,
        NAMES_ORDER = REQUEST_CANCEL | REQUEST_AMEND,
    };
    static const struct {
        const char *name;
        int requests;
    } marks[] = {
        {"side", REQUEST_ORDER | REQUEST_REPLACE | REQUEST_OCO | REQUEST_OLD_OCO},
        {"type", REQUEST_ORDER | REQUEST_REPLACE},
        {"cancelReplaceMode", REQUEST_REPLACE},
        {"newQty", REQUEST_AMEND},
        {"aboveType", REQUEST_OCO},
        {"workingType", REQUEST_OTO | REQUEST_OTOCO},
        {"pendingType", REQUEST_OTO},
        {"pendingAboveType", REQUEST_OTOCO},
        {"countdownTime", REQUEST_SWITCH},
        {"orderId", NAMES_ORDER | PLACES},
        {"origClientOrderId", NAMES_ORDER | PLACES},
        {"orderListId", REQUEST_LIST_CANCEL | NAMES_ORDER | PLACES},
        {"listClientOrderId", REQUEST_LIST_CANCEL | NAMES_ORDER | PLACES},
    };
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if ((marks[i].requests & (int)request) == 0 &&
            !parameter_absent(form, marks[i].name, refusal))
            return false;
    return true;
}

/* One of the client's own numbers for the order; *given: whether it was sent. Chains below rules 5 took any, and dropped
 * it. */
static bool read_number(const struct form *form, const char *name, uint64_t most, bool bounded,
                        uint64_t *value, bool *given, struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_optional(form, name, &field, refusal)) return false;
    *given = field != NULL;
    if (!*given) return true;
    if (!parameter_u64(field, value, refusal)) return false;
    return !bounded || *value <= most || parameter_refuse(refusal, REJECT_DATA, name, NULL);
}

/* strategyId and strategyType. */
static bool read_strategy(const struct form *form, const struct order_names *names,
                          const struct params *params, struct order_tag *tag,
                          struct refusal *refusal)
{
    const bool kept = params->rules >= PARAMS_RULES_API;
    uint64_t id = 0, type = 0;
    bool has_id, has_type;
    *tag = (struct order_tag){.flags = 0};
    if (!read_number(form, names->strategy_id, ORDER_TAG_ID_MAX, kept, &id, &has_id, refusal) ||
        !read_number(form, names->strategy_type, ORDER_TAG_TYPE_MAX, kept, &type, &has_type,
                     refusal))
        return false;
    if (has_type && type < ORDER_TAG_TYPE_MIN)
        return parameter_refuse(refusal, REJECT_STRATEGY_TYPE, NULL, NULL);
    if (kept)
        *tag = (struct order_tag){
            .strategy_id = id,
            .strategy_type = (uint32_t)type,
            .flags = (uint8_t)((has_id ? ORDER_TAG_ID : 0) | (has_type ? ORDER_TAG_TYPE : 0)),
        };
    return true;
}

/* idempotent=true: only with a name by which it can be asked for again. */
static bool read_idempotent(const struct form *form, const struct params *params,
                            const uint8_t client_id[CLIENT_ID_BYTES], struct order_tag *tag,
                            struct refusal *refusal)
{
    static const struct parameter_word words[] = {{"false", 0}, {"true", 1}};
    uint8_t idempotent = 0;
    if (params->rules < PARAMS_RULES_API) return true; /* as ever: not a parameter */
    if (!parameter_optional_word(form, "idempotent", WORDS(words), REJECT_DATA, &idempotent,
                                 refusal))
        return false;
    if (idempotent == 0) return true;
    if (client_id[0] == 0)
        return parameter_refuse(refusal, REJECT_MANDATORY, "newClientOrderId", NULL);
    tag->flags |= ORDER_TAG_IDEMPOTENT;
    return true;
}

/* Finds the type-dependent parameters and checks the form of each, whatever the type. */
static bool read_order_text(const struct form *form, struct order_text *text,
                            struct refusal *refusal)
{
    for (int i = 0; i < ORDER_FIELD_COUNT; i++) {
        const struct form_field **field = &text->fields[i];
        uint64_t unused;
        *field = NULL;
        if (text->names->fields[i] == NULL) continue;
        if (!parameter_optional(form, text->names->fields[i], field, refusal)) return false;
        if (*field == NULL || i == TIME_IN_FORCE) continue;
        if (i == TRAILING_DELTA ? !parameter_u64(*field, &unused, refusal)
                                : !parameter_number(*field, refusal))
            return false;
    }
    return true;
}

/* The names of the first two parameters whose need is `need`, and how many of them were sent. */
static int count_sent(const uint8_t needs[ORDER_FIELD_COUNT], const struct order_text *text,
                      enum need need, const char *names[2])
{
    int found = 0, sent = 0;
    names[0] = names[1] = NULL;
    for (int i = 0; i < ORDER_FIELD_COUNT; i++) {
        if (needs[i] != need || text->names->fields[i] == NULL) continue;
        if (found < 2) names[found++] = text->names->fields[i];
        sent += text->fields[i] != NULL;
    }
    return sent;
}

/* Missing parameters first, then superfluous ones. */
static bool check_needs(uint8_t type, const struct order_text *text, struct refusal *refusal)
{
    const uint8_t *needs = order_needs[type];
    const char *const *fields = text->names->fields;
    const char *names[2];

    for (int i = 0; i < ORDER_FIELD_COUNT; i++)
        if (needs[i] == YES && text->fields[i] == NULL)
            return parameter_refuse(refusal, REJECT_MANDATORY, fields[i], NULL);
    for (enum need need = ONE; need <= ANY; need++)
        if (count_sent(needs, text, need, names) == 0 && names[0] != NULL)
            return parameter_refuse(refusal,
                                    names[1] == NULL ? REJECT_MANDATORY : REJECT_MANDATORY_EITHER,
                                    names[0], names[1]);
    for (int i = 0; i < ORDER_FIELD_COUNT; i++)
        if (needs[i] == NO && text->fields[i] != NULL)
            return parameter_refuse(refusal, REJECT_NOT_REQUIRED, fields[i], NULL);
    if (count_sent(needs, text, ONE, names) > 1)
        return parameter_refuse(refusal, REJECT_NOT_REQUIRED, names[1], NULL);
    return true;
}

/* A price that was sent, in ticks: above zero and on a tick. Its bounds are the engine's to check. */
static bool read_price(const struct form_field *field, const struct market *market, int decimals,
                       price_t *price, struct refusal *refusal)
{
    int64_t units;
    if (field == NULL) return true;
    if (!parameter_units(field, decimals, REJECT_PRICE_FILTER, &units, refusal)) return false;
    if (units == 0 || !market_price_from_units(market, units, price))
        return parameter_refuse(refusal, REJECT_PRICE_FILTER, NULL, NULL);
    return true;
}

/* A quantity that was sent, in lots: above zero and on a lot. */
static bool read_qty(const struct form_field *field, const struct market *market, int decimals,
                     qty_t *qty, struct refusal *refusal)
{
    int64_t units;
    if (field == NULL) return true;
    if (!parameter_units(field, decimals, REJECT_LOT_SIZE, &units, refusal)) return false;
    if (units == 0 || !market_qty_from_units(market, units, qty))
        return parameter_refuse(refusal, REJECT_LOT_SIZE, NULL, NULL);
    return true;
}

/* An amount of the quote asset that was sent, above zero. */
static bool read_quote(const struct form_field *field, int decimals, amount_t *amount,
                       struct refusal *refusal)
{
    if (field == NULL) return true;
    if (!parameter_units(field, decimals, REJECT_NOTIONAL, &amount->units, refusal)) return false;
    if (amount->units == 0) return parameter_refuse(refusal, REJECT_NOTIONAL, NULL, NULL);
    return true;
}

static bool read_trailing_delta(const struct form_field *field, uint32_t *bips,
                                struct refusal *refusal)
{
    uint64_t value;
    if (field == NULL) return true;
    if (!parameter_u64(field, &value, refusal)) return false;
    if (value == 0 || value > UINT32_MAX)
        return parameter_refuse(refusal, REJECT_DATA, field->name, NULL);
    *bips = (uint32_t)value;
    return true;
}

/* Turns the numbers into the market's own steps. */
static bool scale_order(const struct order_text *text, const struct params *params,
                        struct order_place_command *order, struct refusal *refusal)
{
    const struct market *market = &params->markets[order->market];
    const int base = params->assets[market->base].decimals;
    const int quote = params->assets[market->quote].decimals;

    return read_price(text->fields[PRICE], market, quote, &order->price, refusal) &&
           read_qty(text->fields[QUANTITY], market, base, &order->qty, refusal) &&
           read_quote(text->fields[QUOTE_QTY], quote, &order->quote_qty, refusal) &&
           read_price(text->fields[STOP_PRICE], market, quote, &order->stop_price, refusal) &&
           read_trailing_delta(text->fields[TRAILING_DELTA], &order->trailing_delta, refusal) &&
           read_qty(text->fields[ICEBERG_QTY], market, base, &order->iceberg_qty, refusal);
}

/* timeInForce, GTC where the type has none; an iceberg must be GTC. */
static bool read_time_in_force(const struct order_text *text, struct order_place_command *order,
                               struct refusal *refusal)
{
    order->time_in_force = GTC;
    if (text->fields[TIME_IN_FORCE] != NULL &&
        !parameter_word(text->fields[TIME_IN_FORCE], WORDS(times_in_force), REJECT_TIME_IN_FORCE,
                        &order->time_in_force, refusal))
        return false;
    if (text->fields[ICEBERG_QTY] != NULL && order->time_in_force != GTC)
        return parameter_refuse(refusal, REJECT_COMBINATION, NULL, NULL);
    return true;
}

static bool pegs_absent(const struct form *form, const struct order_names *names,
                        struct refusal *refusal)
{
    for (int i = 0; i < 3; i++)
        if (!parameter_absent(form, names->pegs[i], refusal)) return false;
    return true;
}

bool intent_order_read(const struct form *form, const struct order_names *names,
                       const struct params *params, struct order_place_command *order,
                       struct order_tag *tag, struct refusal *refusal)
{
    struct order_text text = {.names = names};
    return parameter_mandatory_word(form, names->side, WORDS(sides), REJECT_SIDE, &order->side,
                                    refusal) &&
           (names->type == NULL ||
            parameter_mandatory_word(form, names->type, WORDS(order_types), REJECT_ORDER_TYPE,
                                     &order->type, refusal)) &&
           read_order_text(form, &text, refusal) &&
           parameter_client_id(form, names->client_id, order->client_id, refusal) &&
           read_strategy(form, names, params, tag, refusal) && pegs_absent(form, names, refusal) &&
           check_needs(order->type, &text, refusal) && read_time_in_force(&text, order, refusal) &&
           scale_order(&text, params, order, refusal);
}

bool intent_order_self_trade(const struct form *form, const struct market *market, uint8_t *mode,
                             struct refusal *refusal)
{
    *mode = market->filters.self_trade_default;
    return parameter_optional_word(form, "selfTradePreventionMode", WORDS(self_trades), REJECT_DATA,
                                   mode, refusal);
}

bool intent_order_qty(const struct form_field *field, const struct params *params, uint16_t market,
                      qty_t *qty, struct refusal *refusal)
{
    const struct market *listing = &params->markets[market];
    return read_qty(field, listing, params->assets[listing->base].decimals, qty, refusal);
}

bool intent_order_place(const struct form *form, const struct params *params, struct intent *intent,
                        struct refusal *refusal)
{
    *intent = (struct intent){.type = T_ORDER_PLACE};
    struct order_place_command *order = &intent->order_place;
    struct order_tag tag;

    if (!intent_market(form, params, &order->market, refusal) ||
        !intent_order_read(form, &order_names, params, order, &tag, refusal) ||
        !read_idempotent(form, params, order->client_id, &tag, refusal) ||
        !intent_order_self_trade(form, &params->markets[order->market], &order->self_trade,
                                 refusal) ||
        !intent_order_only(form, REQUEST_ORDER, refusal))
        return false;
    if (tag.flags == 0) return true;
    intent->type = T_ORDER_SUBMIT;
    intent->order_submit.strategy_id = tag.strategy_id;
    intent->order_submit.strategy_type = tag.strategy_type;
    intent->order_submit.flags = tag.flags;
    return true;
}

/* An order by its id, its client id, or both; 0 and all zero where one was not sent. */
struct order_name {
    uint64_t order_id;
    uint8_t client_id[CLIENT_ID_BYTES];
};

static bool read_order_name(const struct form *form, const char *id_name, const char *client_name,
                            struct order_name *name, struct refusal *refusal)
{
    const struct form_field *field;
    *name = (struct order_name){0};
    if (!parameter_optional(form, id_name, &field, refusal)) return false;
    if (field != NULL && !parameter_u64(field, &name->order_id, refusal)) return false;
    if (!parameter_client_id(form, client_name, name->client_id, refusal)) return false;
    if (field == NULL && name->client_id[0] == 0)
        return parameter_refuse(refusal, REJECT_MANDATORY_EITHER, client_name, id_name);
    /* 0 stands for "not sent" in the command, and no order has it. */
    if (field != NULL && name->order_id == 0)
        return parameter_refuse(refusal, REJECT_UNKNOWN_ORDER, NULL, NULL);
    return true;
}

static bool read_restriction(const struct form *form, uint8_t *restriction, struct refusal *refusal)
{
    return parameter_optional_word(form, "cancelRestrictions", WORDS(restrictions),
                                   REJECT_CANCEL_RESTRICTION, restriction, refusal);
}

bool intent_order_cancel(const struct form *form, const struct params *params,
                         struct intent *intent, struct refusal *refusal)
{
    *intent = (struct intent){.type = T_ORDER_CANCEL};
    struct order_cancel_command *cancel = &intent->order_cancel;
    struct order_name name;

    if (!intent_market(form, params, &cancel->market, refusal) ||
        !read_order_name(form, "orderId", "origClientOrderId", &name, refusal) ||
        !parameter_client_id(form, "newClientOrderId", cancel->client_id, refusal) ||
        !read_restriction(form, &cancel->restriction, refusal))
        return false;
    cancel->order_id = name.order_id;
    memcpy(cancel->orig_client_id, name.client_id, CLIENT_ID_BYTES);
    return intent_order_only(form, REQUEST_CANCEL, refusal);
}

bool intent_cancel_all(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    *intent = (struct intent){.type = T_CANCEL_ALL};
    return intent_market(form, params, &intent->cancel_all.market, refusal) &&
           intent_order_only(form, REQUEST_CANCEL_ALL, refusal);
}

bool intent_order_amend(const struct form *form, const struct params *params, struct intent *intent,
                        struct refusal *refusal)
{
    *intent = (struct intent){.type = T_ORDER_AMEND};
    struct order_amend_command *amend = &intent->order_amend;
    struct order_name name;
    const struct form_field *qty;

    if (!intent_market(form, params, &amend->market, refusal) ||
        !read_order_name(form, "orderId", "origClientOrderId", &name, refusal) ||
        !parameter_client_id(form, "newClientOrderId", amend->client_id, refusal) ||
        !parameter_mandatory(form, "newQty", &qty, refusal) ||
        !intent_order_qty(qty, params, amend->market, &amend->qty, refusal))
        return false;
    amend->order_id = name.order_id;
    memcpy(amend->orig_client_id, name.client_id, CLIENT_ID_BYTES);
    return intent_order_only(form, REQUEST_AMEND, refusal);
}

/* The new order's half of an ORDER_REPLACE. */
static void put_placed(struct order_replace_command *replace,
                       const struct order_place_command *order)
{
    replace->price = order->price;
    replace->qty = order->qty;
    replace->quote_qty = order->quote_qty;
    replace->stop_price = order->stop_price;
    replace->iceberg_qty = order->iceberg_qty;
    replace->trailing_delta = order->trailing_delta;
    replace->market = order->market;
    replace->side = order->side;
    replace->type = order->type;
    replace->time_in_force = order->time_in_force;
    replace->self_trade = order->self_trade;
    memcpy(replace->client_id, order->client_id, CLIENT_ID_BYTES);
}

bool intent_order_replace(const struct form *form, const struct params *params,
                          struct intent *intent, struct refusal *refusal)
{
    *intent = (struct intent){.type = T_ORDER_REPLACE};
    struct order_replace_command *replace = &intent->order_replace;
    struct order_place_command order = {0};
    struct order_name name;
    struct order_tag tag;
    uint8_t limit_mode;

    if (!intent_market(form, params, &order.market, refusal) ||
        !parameter_mandatory_word(form, "cancelReplaceMode", WORDS(replace_modes), REJECT_DATA,
                                  &replace->mode, refusal) ||
        !read_order_name(form, "cancelOrderId", "cancelOrigClientOrderId", &name, refusal) ||
        !parameter_client_id(form, "cancelNewClientOrderId", replace->cancel_client_id, refusal) ||
        !read_restriction(form, &replace->restriction, refusal) ||
        !parameter_optional_word(form, "orderRateLimitExceededMode", WORDS(limit_modes),
                                 REJECT_DATA, &limit_mode, refusal) ||
        !intent_order_read(form, &order_names, params, &order, &tag, refusal) ||
        !intent_order_self_trade(form, &params->markets[order.market], &order.self_trade, refusal))
        return false;
    put_placed(replace, &order);
    replace->cancel_order_id = name.order_id;
    memcpy(replace->cancel_orig_client_id, name.client_id, CLIENT_ID_BYTES);
    if (tag.flags != 0) {
        intent->type = T_ORDER_RESUBMIT;
        intent->order_resubmit.strategy_id = tag.strategy_id;
        intent->order_resubmit.strategy_type = tag.strategy_type;
        intent->order_resubmit.flags = tag.flags;
    }
    return intent_order_only(form, REQUEST_REPLACE, refusal);
}
