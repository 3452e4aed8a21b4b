/* What a signed request asks for: parameters in, one command's payload or a refusal out.
 *
 * The gateway builds every command through here; settlement re-derives the command from the signed
 * bytes in its authentication field through here too and compares, so that no order of an Ed25519
 * key is certified that its owner did not sign. Parameters, their order of checking, and every code
 * and text are those of the Binance Spot API.
 *
 * Needs: `params` of the moment for symbols and scales. Account and operator index are the caller's
 * to fill: they come from the key, not from the text.
 */

#ifndef COMMON_INTENT_H
#define COMMON_INTENT_H

#include "common/form.h"
#include "common/order_tag.h"
#include "common/params.h"
#include "common/reject.h"

/* The payload of one command, whichever it is. Commands that extend others (order_tag.h) begin with the same members, in
 * the same order: `order_place` is good for ORDER_SUBMIT too, and so on. */
struct intent {
    uint16_t type; /* enum message_type, below T_NOOP */
    union {
        struct order_place_command order_place;
        struct order_submit_command order_submit;
        struct order_cancel_command order_cancel;
        struct cancel_all_command cancel_all;
        struct order_amend_command order_amend;
        struct order_replace_command order_replace;
        struct order_resubmit_command order_resubmit;
        struct list_place_command list_place;
        struct list_submit_command list_submit;
        struct list_cancel_command list_cancel;
        struct switch_set_command switch_set;
        struct asset_create_command asset_create;
        struct market_create_command market_create;
        struct market_status_command market_status;
        struct account_create_command account_create;
        struct key_add_command key_add;
        struct credit_command credit;
        struct debit_command debit;
        struct account_tier_command account_tier;
        struct market_filters_command market_filters;
        struct node_add_command node_add;
        struct node_role_command node_role;
        struct node_remove_command node_remove;
        struct node_swap_command node_swap;
        struct rules_set_command rules_set;
        struct route_set_command route_set;
        struct account_freeze_command account_freeze;
        struct deposit_address_command deposit_address;
        struct deposit_report_command deposit_report;
        struct deposit_reorg_command deposit_reorg;
        struct withdrawal_approve_command withdrawal_approve;
        struct withdrawal_deny_command withdrawal_deny;
        struct liabilities_order_command liabilities_order;
        struct withdrawal_report_command withdrawal_report;
        struct withdraw_command withdraw;
        struct address_allow_command address_allow;
        struct withdrawal_cancel_command withdrawal_cancel;
        struct connector_add_command connector_add;
        struct route_fee_set_command route_fee_set;
        struct key_create_command key_create;
        struct key_limit_command key_limit;
        struct key_remove_command key_remove;
        struct account_open_command account_open;
        struct account_approve_command account_approve;
        struct opening_set_command opening_set;
    };
};

enum response_type { RESPONSE_DEFAULT, RESPONSE_ACK, RESPONSE_RESULT, RESPONSE_FULL };

/* POST /api/v3/order. client_id stays zero when newClientOrderId is absent: the gateway makes one. With strategyId,
 * strategyType or idempotent=true it is an ORDER_SUBMIT, from rules 5 on; below, the first two are read and dropped, and the
 * third is no parameter. Likewise the requests below that place orders. */
MUST_CHECK bool intent_order_place(const struct form *form, const struct params *params,
                                   struct intent *intent, struct refusal *refusal);

/* newOrderRespType; the default (FULL for LIMIT and MARKET, ACK otherwise; RESULT for `order_type` 0,
 * which stands for an order list) is already resolved. */
MUST_CHECK bool intent_response_type(const struct form *form, uint8_t order_type,
                                     enum response_type *response, struct refusal *refusal);

/* DELETE /api/v3/order. */
MUST_CHECK bool intent_order_cancel(const struct form *form, const struct params *params,
                                    struct intent *intent, struct refusal *refusal);

/* DELETE /api/v3/openOrders. */
MUST_CHECK bool intent_cancel_all(const struct form *form, const struct params *params,
                                  struct intent *intent, struct refusal *refusal);

/* PUT /api/v3/order/amend/keepPriority. */
MUST_CHECK bool intent_order_amend(const struct form *form, const struct params *params,
                                   struct intent *intent, struct refusal *refusal);

/* POST /api/v3/order/cancelReplace. */
MUST_CHECK bool intent_order_replace(const struct form *form, const struct params *params,
                                     struct intent *intent, struct refusal *refusal);

/* POST /api/v3/orderList/oco, /oto, /otoco, and the old form /api/v3/order/oco. */
MUST_CHECK bool intent_list_oco(const struct form *form, const struct params *params,
                                struct intent *intent, struct refusal *refusal);
MUST_CHECK bool intent_list_oto(const struct form *form, const struct params *params,
                                struct intent *intent, struct refusal *refusal);
MUST_CHECK bool intent_list_otoco(const struct form *form, const struct params *params,
                                  struct intent *intent, struct refusal *refusal);
MUST_CHECK bool intent_list_old_oco(const struct form *form, const struct params *params,
                                    struct intent *intent, struct refusal *refusal);

/* Whichever of the four the text is. */
MUST_CHECK bool intent_list_place(const struct form *form, const struct params *params,
                                  struct intent *intent, struct refusal *refusal);

/* DELETE /api/v3/orderList. */
MUST_CHECK bool intent_list_cancel(const struct form *form, const struct params *params,
                                   struct intent *intent, struct refusal *refusal);

/* POST /quorex/v1/switch: symbol countdownTime (ms; 0 disarms). */
MUST_CHECK bool intent_switch_set(const struct form *form, const struct params *params,
                                  struct intent *intent, struct refusal *refusal);

/* The API's word for an enum self_trade, "" when there is none; and the other way round. */
const char *intent_self_trade_name(uint8_t mode);
MUST_CHECK bool intent_self_trade(const char *word, size_t word_bytes, uint8_t *mode);

/* POST /quorex/v1/admin, operators only. The text names its action and a nonce:
 *
 *   action=asset-create    symbol decimals
 *   action=market-create   symbol base quote tick lot minPrice maxPrice minQty maxQty minNotional
 *                          maxOrders (decimal text, in whole quote and base)
 *   action=market-status   symbol status=TRADING|HALT|BREAK
 *   action=account-create  publicKey (64 hex) tier
 *   action=key-add         account keyId (64 hex) publicKey (64 hex, optional) hmac=true|false
 *                          permissions (e.g. READ,TRADE)
 *   action=credit|debit    account asset amount (decimal text)
 *   action=account-tier    account tier (the lowest it may have)
 *   action=market-filters  symbol and any of marketMinQty marketMaxQty maxNotional maxPosition
 *                          bidMultiplierUp bidMultiplierDown askMultiplierUp askMultiplierDown
 *                          avgPriceMins bandPpm maxNumAlgoOrders maxNumIcebergOrders icebergParts
 *                          maxNumOrderLists minTrailingDelta maxTrailingDelta selfTradeModes
 *                          (e.g. NONE,DECREMENT) selfTradeDefault; others keep their value
 *   action=node-add        node publicKey (64 hex) address (host:port); it stands by
 *   action=node-role       node role=VOTER|STANDBY
 *   action=node-remove     node
 *   action=node-swap       oldNode (a voter, who goes) newNode (a standby, who takes its place)
 *   custody's              common/intent_custody.h
 *   all                    nonce (u64, above the operator's last); timestamp and recvWindow if a
 *                          deadline is wanted
 */
MUST_CHECK bool intent_admin(const struct form *form, const struct params *params,
                             struct intent *intent, struct refusal *refusal);

/* Copies into `asked` what an operator's text does not say: its operator, and the filters it leaves as
 * they are. */
void intent_admin_fill(const struct form *form, struct intent *asked, const struct intent *given);

/* timestamp (ms or us) and recvWindow (ms, up to 3 decimals, default 5000, at most 60000) as the
 * command's deadline; `timestamp_ns` is the parsed timestamp. */
MUST_CHECK bool intent_deadline(const struct form *form, uint64_t *timestamp_ns,
                                uint64_t *deadline_ns, struct refusal *refusal);

/* The form's symbol as a market index. */
MUST_CHECK bool intent_market(const struct form *form, const struct params *params,
                              uint16_t *market, struct refusal *refusal);

/* Bytes of `intent` as its command's payload; returns their count. */
size_t intent_put(const struct intent *intent, uint8_t *payload);

/* Whether `form` (the signed text of a command) asks for exactly `command`: type, every field it
 * names, and the deadline. What the text leaves to the market of the moment (the self-trade mode, the
 * filters that an operator does not name) is as the gateway found it: by the time another node looks,
 * the moment is another one. Of a command without tags (order_tag.h) the text may have some: rules may have
 * changed while it was on its way. */
MUST_CHECK bool intent_matches(const struct form *form, const struct params *params,
                               const struct command *command);

#endif /* COMMON_INTENT_H */
