#include "gateway/admit.h"

#include <string.h>

void admit_account(struct intent *intent, uint32_t account)
{
    switch (intent->type) {
    case T_ORDER_PLACE:
        intent->order_place.account = account;
        break;
    case T_ORDER_CANCEL:
        intent->order_cancel.account = account;
        break;
    case T_CANCEL_ALL:
        intent->cancel_all.account = account;
        break;
    default:
        break; /* operators' commands name their account in the text */
    }
}

void admit_operator(struct intent *intent, uint16_t operator_index)
{
    switch (intent->type) {
    case T_ASSET_CREATE:
        intent->asset_create.operator_index = operator_index;
        break;
    case T_MARKET_CREATE:
        intent->market_create.operator_index = operator_index;
        break;
    case T_MARKET_STATUS:
        intent->market_status.operator_index = operator_index;
        break;
    case T_ACCOUNT_CREATE:
        intent->account_create.operator_index = operator_index;
        break;
    case T_KEY_ADD:
        intent->key_add.operator_index = operator_index;
        break;
    case T_CREDIT:
        intent->credit.operator_index = operator_index;
        break;
    case T_DEBIT:
        intent->debit.operator_index = operator_index;
        break;
    default:
        break; /* not an operator's */
    }
}

void admit_client_id(uint8_t client_id[36], const uint8_t random[ADMIT_CLIENT_ID_LETTERS])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    memset(client_id, 0, 36);
    for (int index = 0; index < ADMIT_CLIENT_ID_LETTERS; index++)
        client_id[index] = (uint8_t)letters[random[index] % (sizeof(letters) - 1)];
}

static size_t auth_length(const struct admission *admission)
{
    if (admission->proof->kind == AUTH_HMAC) return 32;
    return 32 + SIGNATURE_BYTES + auth_payload_bytes(admission->payload);
}

size_t admit_bytes(const struct admission *admission)
{
    const size_t auth = auth_length(admission);
    if (auth > COMMAND_AUTH_MAX) return 0;
    return COMMAND_HEADER_BYTES + message_payload_bytes(admission->intent->type) + auth;
}

void admit_put(const struct admission *admission, uint8_t *at)
{
    const struct command_header header = {
        .length = (uint32_t)admit_bytes(admission),
        .type = admission->intent->type,
        .origin = admission->origin,
        .auth_kind = (uint16_t)admission->proof->kind,
        .auth_length = (uint16_t)auth_length(admission),
        .deadline_ns = admission->deadline_ns,
        .ticket = admission->ticket,
    };
    command_header_put(at, &header);
    at += COMMAND_HEADER_BYTES;
    at += intent_put(admission->intent, at);
    memcpy(at, admission->proof->key_id, 32);
    if (admission->proof->kind == AUTH_HMAC) return;
    memcpy(at + 32, admission->proof->signature, SIGNATURE_BYTES);
    auth_payload_put(admission->payload, at + 32 + SIGNATURE_BYTES);
}

bool admit_provable(const uint8_t *bytes, size_t byte_count, const struct params *params,
                    struct form *form)
{
    struct command command;
    if (!command_decode(bytes, byte_count, &command)) return false;
    if (command.header.auth_kind == AUTH_HMAC) return true;
    const char *text = (const char *)command.auth + 32 + SIGNATURE_BYTES;
    const size_t text_bytes = command.header.auth_length - 32u - SIGNATURE_BYTES;
    return form_parse(form, text, text_bytes, NULL, 0) && intent_matches(form, params, &command);
}

/* ---- order/test ---- */

static bool refuse(struct refusal *refusal, enum reject reject)
{
    *refusal = refusal_of(reject, NULL, NULL);
    return false;
}

/* What the order would hold; market orders are priced at the best level only. */
static amount_t hold_of(const struct market *market, const struct order_place_command *order,
                        price_t price)
{
    if (order->side == SELL && order->qty.lots > 0) return market_base_amount(market, order->qty);
    if (order->side == BUY && order->quote_qty.units > 0) return order->quote_qty;
    if (order->side == BUY && price.ticks > 0) return market_notional(market, price, order->qty);
    return (amount_t){0};
}

static uint32_t orders_in_market(const struct view *view, uint32_t account, uint16_t market)
{
    uint32_t count = 0;
    const struct view_order *order = NULL;
    while ((order = view_next_open(view, account, order)) != NULL)
        count += order->market == market;
    return count;
}

bool admit_test(const struct order_place_command *order, const struct params *params,
                const struct view *view, price_t best_price, struct refusal *refusal)
{
    const struct market *market = &params->markets[order->market];
    const bool priced = order->type != MARKET;
    if (market->status != MARKET_TRADING) return refuse(refusal, REJECT_MARKET_CLOSED);
    if (order->type != LIMIT && order->type != MARKET && order->type != LIMIT_MAKER)
        return refuse(refusal, REJECT_ORDER_TYPE_DISABLED);
    if (priced && (order->price.ticks < market->price_min.ticks ||
                   order->price.ticks > market->price_max.ticks))
        return refuse(refusal, REJECT_PRICE_FILTER);
    if (order->qty.lots > 0 &&
        (order->qty.lots < market->qty_min.lots || order->qty.lots > market->qty_max.lots))
        return refuse(refusal, REJECT_LOT_SIZE);
    if (priced &&
        market_notional(market, order->price, order->qty).units < market->notional_min.units)
        return refuse(refusal, REJECT_NOTIONAL);
    if (order->type == LIMIT_MAKER && best_price.ticks > 0 &&
        (order->side == BUY ? order->price.ticks >= best_price.ticks
                            : order->price.ticks <= best_price.ticks))
        return refuse(refusal, REJECT_WOULD_TAKE);
    if (orders_in_market(view, order->account, order->market) >= market->account_orders_max)
        return refuse(refusal, REJECT_MAX_NUM_ORDERS);
    if (order->client_id[0] != 0 &&
        view_open_client(view, order->account, order->market, order->client_id) != NULL)
        return refuse(refusal, REJECT_DUPLICATE_ORDER);

    const uint16_t asset = order->side == BUY ? market->quote : market->base;
    const amount_t hold = hold_of(market, order, priced ? order->price : best_price);
    if (view_balance(view, order->account, asset).available.units < hold.units)
        return refuse(refusal, REJECT_INSUFFICIENT_BALANCE);
    return true;
}
