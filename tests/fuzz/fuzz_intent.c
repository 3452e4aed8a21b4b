/* Forms and what they ask for: any text is refused by name or becomes a command that matches it.
 *
 * The input is a query; a line end in it starts the body. */

#include "common/intent_custody.h"
#include "common/intent_key.h"
#include "common/intent_opening.h"
#include "common/key_rights.h"
#include "tests/unit/common/world.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static struct params params;
static struct form form;

/* The command that a gateway would make of it is one that settlement accepts for this very text. */
static void check_intent(const struct intent *intent, uint64_t deadline_ns)
{
    static uint8_t bytes[COMMAND_HEADER_BYTES + 512];
    struct command command;
    const size_t payload_bytes = intent_put(intent, bytes + COMMAND_HEADER_BYTES);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes),
        .type = intent->type,
        .deadline_ns = deadline_ns,
    };
    ASSERT(payload_bytes == message_payload_bytes(intent->type));
    command_header_put(bytes, &header);
    ASSERT(command_decode(bytes, header.length, &command));
    ASSERT(intent_matches(&form, &params, &command));

    /* Any bit of the payload's numbers, changed, must not match: here the first byte's. */
    bytes[COMMAND_HEADER_BYTES] ^= 1;
    const bool account_first = intent->type == T_CANCEL_ALL ||
                               order_tag_base(intent->type) == T_LIST_PLACE ||
                               intent->type == T_ADDRESS_ALLOW;
    ASSERT(account_first || !intent_matches(&form, &params, &command));
}

static void check_order(const struct order_place_command *order)
{
    ASSERT(order->market < params.market_count && order->side <= SELL);
    ASSERT(order->price.ticks >= 0 && order->qty.lots >= 0 && order->quote_qty.units >= 0);
    ASSERT((order->qty.lots > 0) != (order->quote_qty.units > 0));
    ASSERT(order->type == LIMIT || order->type == LIMIT_MAKER ? order->price.ticks > 0 : true);
}

/* Names only from their rules on; and who may ask again has said for what. */
static void check_tag(const struct intent *intent)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    ASSERT(intent->type == T_ORDER_PLACE ||
           (intent->type == T_ORDER_SUBMIT && params.rules >= PARAMS_RULES_API));
    (void)intent_put(intent, payload);
    const struct order_tag tag = order_tag_of(intent->type, payload, 0);
    ASSERT((tag.flags != 0) == (intent->type == T_ORDER_SUBMIT));
    ASSERT(intent->type == T_ORDER_PLACE || order_tag_valid(intent->type, tag));
    ASSERT((tag.flags & ORDER_TAG_IDEMPOTENT) == 0 || intent->order_place.client_id[0] != 0);
}

static bool cancel_withdrawal(const struct form *asked, const struct params *of,
                              struct intent *intent, struct refusal *refusal)
{
    (void)of;
    return intent_custody_cancel(asked, intent, refusal);
}

static bool limit_key(const struct form *asked, const struct params *of, struct intent *intent,
                      struct refusal *refusal)
{
    (void)of;
    return intent_key_limit(asked, intent, refusal);
}

static bool remove_key(const struct form *asked, const struct params *of, struct intent *intent,
                       struct refusal *refusal)
{
    (void)of;
    return intent_key_remove(asked, intent, refusal);
}

static bool open_account(const struct form *asked, const struct params *of, struct intent *intent,
                         struct refusal *refusal)
{
    (void)of;
    return intent_opening_open(asked, intent, refusal);
}

/* Any command of the chain may make it: no shape of it is refused later for what was read. */
static bool create_key(const struct form *asked, const struct params *of, struct intent *intent,
                       struct refusal *refusal)
{
    if (!intent_key_create(asked, of, intent, refusal)) return false;
    ASSERT(key_rights_valid(&intent->key_create));
    return true;
}

static bool (*const readers[])(const struct form *, const struct params *, struct intent *,
                               struct refusal *) = {
    intent_order_cancel,
    intent_cancel_all,
    intent_order_amend,
    intent_order_replace,
    intent_list_place,
    intent_list_cancel,
    intent_switch_set,
    intent_custody_withdraw,
    intent_custody_allow,
    cancel_withdrawal,
    intent_custody_apply,
    create_key,
    limit_key,
    remove_key,
    open_account,
};

static void check_refusal(const struct refusal *refusal)
{
    char text[REFUSAL_TEXT_MAX];
    ASSERT(reject_code(refusal->reject) <= -1000);
    ASSERT(refusal_text(refusal, text) > 0);
}

/* What the form is under the rules of the moment, as every kind of request. */
static void read_all(void)
{
    struct intent intent;
    struct refusal refusal;
    uint64_t timestamp_ns = 0, deadline_ns = 0;
    const bool timed = intent_deadline(&form, &timestamp_ns, &deadline_ns, &refusal);
    if (!timed) check_refusal(&refusal);

    if (intent_order_place(&form, &params, &intent, &refusal)) {
        check_order(&intent.order_place);
        check_tag(&intent);
        if (timed) check_intent(&intent, deadline_ns);
    } else {
        check_refusal(&refusal);
    }
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (!readers[i](&form, &params, &intent, &refusal))
            check_refusal(&refusal);
        else if (timed)
            check_intent(&intent, deadline_ns);
    }
    if (!intent_admin(&form, &params, &intent, &refusal))
        check_refusal(&refusal);
    else if (timed || form_find(&form, "timestamp") == NULL)
        check_intent(&intent, timed ? deadline_ns : 0);
}

/* An exchange with two ways for one of its coins. */
static void prepare(void)
{
    world_params(&params);
    params.routes[0] = (struct route_changed_event){.asset = BTC, .decimals = 8, .chain = "BTC"};
    params.routes[1] = (struct route_changed_event){.asset = BTC, .decimals = 18, .chain = "ETH"};
    params.route_count = 2;
    params.gateway_secret_version = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    const uint8_t *line_end = byte_count == 0 ? NULL : memchr(bytes, '\n', byte_count);
    const size_t query_bytes = line_end == NULL ? byte_count : (size_t)(line_end - bytes);
    const size_t body_start = line_end == NULL ? byte_count : query_bytes + 1;
    if (params.market_count == 0) prepare();
    if (!form_parse(&form, (const char *)bytes, query_bytes, (const char *)bytes + body_start,
                    byte_count - body_start)) {
        ASSERT(form.field_count == 0);
        return 0;
    }
    for (uint32_t i = 0; i < form.field_count; i++)
        ASSERT(strlen(form.fields[i].value) == form.fields[i].value_bytes);

    for (params.rules = PARAMS_RULES_API - 1; params.rules <= PARAMS_RULES; params.rules++)
        read_all();
    return 0;
}
