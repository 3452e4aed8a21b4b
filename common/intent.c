#include "common/intent.h"

#include "common/parameter.h"

#include <string.h>

#define SYMBOL_RANGE        "^[A-Z0-9-_.]{1,20}$"
#define RECV_WINDOW_DEFAULT 500000000000  /* 5,000 ms, in units of 10^-8 ms, as numbers are read */
#define RECV_WINDOW_MAX     6000000000000 /* 60,000 ms */
#define RECV_WINDOW_STEP    100000        /* 1 us: three decimals */
#define MICROSECONDS_FROM   1000000000000000u /* timestamps from 10^15 on are in us */
#define TIMESTAMP_MAX_NS    (UINT64_MAX / 2)

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

static const struct parameter_word responses[] = {
    {"ACK", RESPONSE_ACK},
    {"RESULT", RESPONSE_RESULT},
    {"FULL", RESPONSE_FULL},
};

/* The parameters of an order that depend on its type, in the order in which they are checked. */
enum order_field {
    TIME_IN_FORCE,
    QUANTITY,
    QUOTE_QTY,
    PRICE,
    STOP_PRICE,
    TRAILING_DELTA,
    ICEBERG_QTY,
    ORDER_FIELD_COUNT
};

static const char *const order_field_names[ORDER_FIELD_COUNT] = {
    "timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice", "trailingDelta", "icebergQty",
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
    const struct form_field *fields[ORDER_FIELD_COUNT];
};

bool intent_market(const struct form *form, const struct params *params, uint16_t *market,
                   struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_mandatory(form, "symbol", &field, refusal)) return false;
    if (field->value_bytes > MARKET_SYMBOL_BYTES ||
        strspn(field->value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != field->value_bytes)
        return parameter_refuse(refusal, REJECT_ILLEGAL_CHARACTERS, "symbol", SYMBOL_RANGE);

    const int index = params_find_market(params, field->value, field->value_bytes);
    if (index < 0) return parameter_refuse(refusal, REJECT_UNKNOWN_MARKET, NULL, NULL);
    *market = (uint16_t)index;
    return true;
}

/* A mandatory word of an enumeration. */
static bool read_word(const struct form *form, const char *name, const struct parameter_word *words,
                      size_t word_count, enum reject reject, uint8_t *value,
                      struct refusal *refusal)
{
    const struct form_field *field;
    return parameter_mandatory(form, name, &field, refusal) &&
           parameter_word(field, words, word_count, reject, value, refusal);
}

/* The same when it may be missing: `value` keeps what it has. */
static bool read_optional_word(const struct form *form, const char *name,
                               const struct parameter_word *words, size_t word_count,
                               enum reject reject, uint8_t *value, struct refusal *refusal)
{
    const struct form_field *field;
    return parameter_optional(form, name, &field, refusal) &&
           (field == NULL || parameter_word(field, words, word_count, reject, value, refusal));
}

/* Refuses `name` when it was sent: what it asks for is not what the request would do. */
static bool absent(const struct form *form, const char *name, struct refusal *refusal)
{
    if (form_find(form, name) == NULL) return true;
    return parameter_refuse(refusal, REJECT_NOT_REQUIRED, name, NULL);
}

/* Strategy numbers are for the client's own books: well-formed, and then ignored. */
static bool check_strategy(const struct form *form, struct refusal *refusal)
{
    const struct form_field *field;
    uint64_t value;
    if (!parameter_optional(form, "strategyId", &field, refusal)) return false;
    if (field != NULL && !parameter_u64(field, &value, refusal)) return false;
    if (!parameter_optional(form, "strategyType", &field, refusal)) return false;
    if (field == NULL) return true;
    if (!parameter_u64(field, &value, refusal)) return false;
    if (value < 1000000) return parameter_refuse(refusal, REJECT_STRATEGY_TYPE, NULL, NULL);
    return true;
}

/* Finds the type-dependent parameters and checks the form of each, whatever the type. */
static bool read_order_text(const struct form *form, struct order_text *text,
                            struct refusal *refusal)
{
    for (int i = 0; i < ORDER_FIELD_COUNT; i++) {
        const struct form_field **field = &text->fields[i];
        uint64_t unused;
        if (!parameter_optional(form, order_field_names[i], field, refusal)) return false;
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
        if (needs[i] != need) continue;
        if (found < 2) names[found++] = order_field_names[i];
        sent += text->fields[i] != NULL;
    }
    return sent;
}

/* Missing parameters first, then superfluous ones. */
static bool check_needs(uint8_t type, const struct order_text *text, struct refusal *refusal)
{
    const uint8_t *needs = order_needs[type];
    const char *names[2];

    for (int i = 0; i < ORDER_FIELD_COUNT; i++)
        if (needs[i] == YES && text->fields[i] == NULL)
            return parameter_refuse(refusal, REJECT_MANDATORY, order_field_names[i], NULL);
    for (enum need need = ONE; need <= ANY; need++)
        if (count_sent(needs, text, need, names) == 0 && names[0] != NULL)
            return parameter_refuse(refusal, REJECT_MANDATORY_EITHER, names[0], names[1]);
    for (int i = 0; i < ORDER_FIELD_COUNT; i++)
        if (needs[i] == NO && text->fields[i] != NULL)
            return parameter_refuse(refusal, REJECT_NOT_REQUIRED, order_field_names[i], NULL);
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

bool intent_order_place(const struct form *form, const struct params *params, struct intent *intent,
                        struct refusal *refusal)
{
    struct order_text text;
    *intent = (struct intent){.type = T_ORDER_PLACE};
    struct order_place_command *order = &intent->order_place;

    return intent_market(form, params, &order->market, refusal) &&
           read_word(form, "side", WORDS(sides), REJECT_SIDE, &order->side, refusal) &&
           read_word(form, "type", WORDS(order_types), REJECT_ORDER_TYPE, &order->type, refusal) &&
           read_order_text(form, &text, refusal) &&
           parameter_client_id(form, "newClientOrderId", order->client_id, refusal) &&
           read_optional_word(form, "selfTradePreventionMode", WORDS(self_trades), REJECT_DATA,
                              &order->self_trade, refusal) &&
           check_strategy(form, refusal) && absent(form, "pegPriceType", refusal) &&
           absent(form, "pegOffsetValue", refusal) && absent(form, "pegOffsetType", refusal) &&
           check_needs(order->type, &text, refusal) && read_time_in_force(&text, order, refusal) &&
           scale_order(&text, params, order, refusal);
}

bool intent_response_type(const struct form *form, uint8_t order_type, enum response_type *response,
                          struct refusal *refusal)
{
    uint8_t value = order_type == LIMIT || order_type == MARKET ? RESPONSE_FULL : RESPONSE_ACK;
    if (!read_optional_word(form, "newOrderRespType", WORDS(responses), REJECT_RESPONSE_TYPE,
                            &value, refusal))
        return false;
    *response = (enum response_type)value;
    return true;
}

/* orderId, origClientOrderId, or both. */
static bool read_order_name(const struct form *form, struct order_cancel_command *cancel,
                            struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_optional(form, "orderId", &field, refusal)) return false;
    if (field != NULL && !parameter_u64(field, &cancel->order_id, refusal)) return false;
    if (!parameter_client_id(form, "origClientOrderId", cancel->orig_client_id, refusal))
        return false;
    if (field == NULL && cancel->orig_client_id[0] == 0)
        return parameter_refuse(refusal, REJECT_MANDATORY_EITHER, "origClientOrderId", "orderId");
    /* 0 stands for "not sent" in the command, and no order has it. */
    if (field != NULL && cancel->order_id == 0)
        return parameter_refuse(refusal, REJECT_UNKNOWN_ORDER, NULL, NULL);
    return true;
}

bool intent_order_cancel(const struct form *form, const struct params *params,
                         struct intent *intent, struct refusal *refusal)
{
    *intent = (struct intent){.type = T_ORDER_CANCEL};
    struct order_cancel_command *cancel = &intent->order_cancel;

    /* A signature does not cover the path: an order's own text must not pass for its cancel. */
    return intent_market(form, params, &cancel->market, refusal) &&
           read_order_name(form, cancel, refusal) &&
           parameter_client_id(form, "newClientOrderId", cancel->client_id, refusal) &&
           read_optional_word(form, "cancelRestrictions", WORDS(restrictions),
                              REJECT_CANCEL_RESTRICTION, &cancel->restriction, refusal) &&
           absent(form, "side", refusal) && absent(form, "type", refusal);
}

bool intent_cancel_all(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    *intent = (struct intent){.type = T_CANCEL_ALL};

    /* Nor may one order's text pass for the cancel of all. */
    return intent_market(form, params, &intent->cancel_all.market, refusal) &&
           absent(form, "side", refusal) && absent(form, "type", refusal) &&
           absent(form, "orderId", refusal) && absent(form, "origClientOrderId", refusal);
}

bool intent_deadline(const struct form *form, uint64_t *timestamp_ns, uint64_t *deadline_ns,
                     struct refusal *refusal)
{
    const struct form_field *field;
    uint64_t timestamp;
    int64_t window = RECV_WINDOW_DEFAULT;

    if (!parameter_mandatory(form, "timestamp", &field, refusal)) return false;
    if (!parameter_u64(field, &timestamp, refusal)) return false;
    if (!parameter_optional(form, "recvWindow", &field, refusal)) return false;
    if (field != NULL &&
        !parameter_units(field, ASSET_DECIMALS_MAX, REJECT_RECV_WINDOW, &window, refusal))
        return false;
    if (window > RECV_WINDOW_MAX) return parameter_refuse(refusal, REJECT_RECV_WINDOW, NULL, NULL);
    if (window % RECV_WINDOW_STEP != 0)
        return parameter_refuse(refusal, REJECT_PRECISION, "recvWindow", NULL);

    const uint64_t unit = timestamp >= MICROSECONDS_FROM ? 1000 : 1000000;
    if (timestamp > TIMESTAMP_MAX_NS / unit)
        return parameter_refuse(refusal, REJECT_TIMESTAMP_AHEAD, NULL, NULL);
    *timestamp_ns = timestamp * unit;
    *deadline_ns = *timestamp_ns + (uint64_t)(window / RECV_WINDOW_STEP) * 1000;
    return true;
}

/* A row per command that has a text: the member of struct intent and its codec. */
#define EACH_INTENT(ROW) \
    ROW(ORDER_PLACE, order_place) \
    ROW(ORDER_CANCEL, order_cancel) \
    ROW(CANCEL_ALL, cancel_all) \
    ROW(ASSET_CREATE, asset_create) \
    ROW(MARKET_CREATE, market_create) \
    ROW(MARKET_STATUS, market_status) \
    ROW(ACCOUNT_CREATE, account_create) \
    ROW(KEY_ADD, key_add) \
    ROW(CREDIT, credit) \
    ROW(DEBIT, debit)

size_t intent_put(const struct intent *intent, uint8_t *payload)
{
    switch (intent->type) {
#define ROW(NAME, name) \
    case T_##NAME: \
        return (size_t)(name##_command_put(payload, &intent->name) - payload);
        EACH_INTENT(ROW)
#undef ROW
    }
    const bool has_text = false;
    ASSERT(has_text);
    return 0;
}

/* The command's payload as an intent; false for a node's own commands. */
static bool intent_get(const struct command *command, struct intent *intent)
{
    *intent = (struct intent){.type = command->header.type};
    switch (command->header.type) {
#define ROW(NAME, name) \
    case T_##NAME: \
        name##_command_get(command->payload, &intent->name); \
        return true;
        EACH_INTENT(ROW)
#undef ROW
    }
    return false;
}

/* Copies into `asked` what does not come from the text: the account or operator, which the key
 * decides, and a client id that the gateway made up. */
static void fill_from_command(struct intent *asked, const struct intent *given)
{
    static const uint8_t none[CLIENT_ID_BYTES];

    switch (asked->type) {
    case T_ORDER_PLACE:
        asked->order_place.account = given->order_place.account;
        if (memcmp(asked->order_place.client_id, none, CLIENT_ID_BYTES) == 0)
            memcpy(asked->order_place.client_id, given->order_place.client_id, CLIENT_ID_BYTES);
        return;
    case T_ORDER_CANCEL:
        asked->order_cancel.account = given->order_cancel.account;
        if (memcmp(asked->order_cancel.client_id, none, CLIENT_ID_BYTES) == 0)
            memcpy(asked->order_cancel.client_id, given->order_cancel.client_id, CLIENT_ID_BYTES);
        return;
    case T_CANCEL_ALL:
        asked->cancel_all.account = given->cancel_all.account;
        return;
    case T_ASSET_CREATE:
        asked->asset_create.operator_index = given->asset_create.operator_index;
        return;
    case T_MARKET_CREATE:
        asked->market_create.operator_index = given->market_create.operator_index;
        return;
    case T_MARKET_STATUS:
        asked->market_status.operator_index = given->market_status.operator_index;
        return;
    case T_ACCOUNT_CREATE:
        asked->account_create.operator_index = given->account_create.operator_index;
        return;
    case T_KEY_ADD:
        asked->key_add.operator_index = given->key_add.operator_index;
        return;
    case T_CREDIT:
        asked->credit.operator_index = given->credit.operator_index;
        return;
    case T_DEBIT:
        asked->debit.operator_index = given->debit.operator_index;
        return;
    }
}

/* Reads the text as the kind of request that leads to commands of `type`. */
static bool intent_read(const struct form *form, const struct params *params, uint16_t type,
                        struct intent *intent)
{
    struct refusal refusal;
    switch (type) {
    case T_ORDER_PLACE:
        return intent_order_place(form, params, intent, &refusal);
    case T_ORDER_CANCEL:
        return intent_order_cancel(form, params, intent, &refusal);
    case T_CANCEL_ALL:
        return intent_cancel_all(form, params, intent, &refusal);
    default:
        return intent_admin(form, params, intent, &refusal) && intent->type == type;
    }
}

/* An operator's text is made unique by its nonce and may have no timestamp; then it has no deadline. */
static bool deadline_matches(const struct form *form, const struct command *command)
{
    struct refusal refusal;
    uint64_t timestamp_ns, deadline_ns;
    const bool trading = command->header.type >= T_ORDER_PLACE;
    if (!trading && form_find(form, "timestamp") == NULL) return command->header.deadline_ns == 0;
    return intent_deadline(form, &timestamp_ns, &deadline_ns, &refusal) &&
           deadline_ns == command->header.deadline_ns;
}

bool intent_matches(const struct form *form, const struct params *params,
                    const struct command *command)
{
    struct intent asked, given;
    uint8_t asked_bytes[COMMAND_PAYLOAD_MAX];

    if (!intent_get(command, &given)) return false;
    if (!intent_read(form, params, command->header.type, &asked)) return false;
    fill_from_command(&asked, &given);
    const size_t payload_bytes = intent_put(&asked, asked_bytes);
    return memcmp(asked_bytes, command->payload, payload_bytes) == 0 &&
           deadline_matches(form, command);
}
