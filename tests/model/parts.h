/* What the files of the model call of one another. model.h has the state. */

#ifndef TESTS_MODEL_PARTS_H
#define TESTS_MODEL_PARTS_H

#include "tests/model/model.h"

static inline int64_t least(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

static inline bool is_stop(uint8_t type)
{
    return type >= STOP_LOSS && type <= TAKE_PROFIT_LIMIT;
}

static inline bool has_price(uint8_t type)
{
    return type == LIMIT || type == LIMIT_MAKER || type == STOP_LOSS_LIMIT ||
           type == TAKE_PROFIT_LIMIT;
}

/* Whether prices must rise to the stop price; else they must fall to it. */
static inline bool is_rising(uint8_t type, uint8_t side)
{
    return (type == STOP_LOSS || type == STOP_LOSS_LIMIT) == (side == BUY);
}

static inline bool is_dormant(const struct model_order *order)
{
    return order->place == SLEEPS || order->place == TRAILS || order->place == PENDING;
}

/* The working order of an OTO or OTOCO has a pair or a single order waiting for it. */
static inline bool is_pending_leg(uint8_t kind, int leg)
{
    return kind != LIST_OCO && leg > 0;
}

/* An unknown kind has none. */
static inline int leg_count(uint8_t kind)
{
    if (kind < LIST_OCO || kind > LIST_OTOCO) return 0;
    return kind == LIST_OTOCO ? 3 : 2;
}

static inline struct market *market_of(struct model *model, uint16_t market)
{
    return &model->params.markets[market];
}

/* money.c: balances, holds, fees, tiers, the average price. */
int64_t model_quote_of(struct model *model, uint16_t market, int64_t price, int64_t lots);
int64_t model_base_of(struct model *model, uint16_t market, int64_t lots);
uint16_t model_hold_asset_of(struct model *model, uint16_t market, uint8_t side);
void model_balance_move(struct model *model, uint32_t account, uint16_t asset, int64_t available,
                        int64_t held);
struct model_order *model_sibling_of(const struct model_order *order);
void model_hold_take(struct model *model, struct model_order *order, int64_t units);
void model_hold_fall(struct model *model, struct model_order *order);
void model_hold_end(struct model *model, struct model_order *order);
int64_t model_hold_needed(struct model *model, const struct model_order *order);
void model_fill_pay(struct model *model, struct model_order *order, int64_t price, int64_t lots,
                    int32_t rate_ppm);
void model_volumes_count(struct model *model, const struct model_order *maker,
                         const struct model_order *taker, int64_t price, int64_t lots);
void model_tier_look(struct model *model, uint32_t account);
int64_t model_average_price(struct model *model, uint16_t market);
void model_average_count(struct model *model, uint16_t market, int64_t price, int64_t lots);

/* walk.c: what an order would get. */
struct walk {
    int64_t lots, quote;
    int64_t next_price; /* of the lot after those, where there is one within reach; else 0 */
};
struct walk model_dry_walk(struct model *model, const struct model_order *taker, int64_t bound,
                           int64_t lots, int64_t quote_max);
bool model_fok_fills(struct model *model, const struct model_order *taker, int64_t bound);
int64_t model_price_bound(struct model *model, const struct model_order *taker);
bool model_price_reached(uint8_t taker_side, int64_t bound, int64_t maker_price);
bool model_would_take(struct model *model, uint16_t market, uint8_t side, int64_t price);

/* checks.c: what is refused, and in which order. */
enum reject model_check_names(struct model *model, uint32_t account, uint16_t market);
enum reject model_check_form(struct model *model, const struct order_place_command *ask);
enum reject model_check_values(struct model *model, const struct order_place_command *ask);
enum reject model_check_state(struct model *model, const struct order_place_command *ask);
enum reject model_check_list_shape(const struct model *model, const struct list_place_command *ask,
                                   const struct order_place_command legs[3]);
enum reject model_check_list_state(struct model *model, const struct list_place_command *ask,
                                   const struct order_place_command legs[3]);
bool model_condition_met(uint8_t type, uint8_t side, int64_t stop_price, int64_t price);
struct model_order model_order_of_ask(struct model *model, const struct order_place_command *ask);
int64_t model_hold_of_ask(struct model *model, struct model_order *order);
int64_t model_pair_need(struct model *model, struct model_order *first, struct model_order *second);
bool model_id_is_none(const uint8_t id[36]);

/* orders.c: orders from acceptance to end. */
struct model_order *model_order_slot(struct model *model);
void model_order_accept(struct model *model, struct model_order *order);
void model_order_accepted_write(struct model *model, const struct model_order *order, int64_t hold);
void model_order_work(struct model *model, struct model_order *order);
void model_order_take(struct model *model, struct model_order *order, bool poor);
void model_order_sleep(struct model *model, struct model_order *order);
void model_order_end(struct model *model, struct model_order *order, uint8_t status,
                     uint8_t reason);
void model_work_queue_run(struct model *model);
void model_level_change(struct model *model, const struct model_order *order);
struct model_order *model_order_find(struct model *model, uint32_t account, uint16_t market,
                                     uint64_t id, const uint8_t client_id[36]);
void model_order_place(struct model *model, const struct order_place_command *ask);

/* repeats.c: what orders are called, and which were asked for twice. */
enum reject model_check_tags(const struct model *model, int count, uint8_t flags);
const struct order_repeated_event *model_repeat_find(const struct model *model,
                                                     const struct order_place_command *ask);
bool model_repeat_same(const struct model *model, const struct order_repeated_event *first,
                       const struct order_place_command *ask);
void model_repeat_remember(struct model *model, const struct model_order *order);

/* lists.c */
void model_legs_of_list(const struct list_place_command *ask, struct order_place_command legs[3]);
enum reject model_list_place(struct model *model, const struct list_place_command *ask);
enum reject model_list_cancel(struct model *model, const struct list_cancel_command *ask);
void model_list_order_ended(struct model *model, struct model_list *list, int leg, uint8_t status,
                            uint8_t reason);
void model_list_release(struct model *model, struct model_list *list);

/* custody.c: deposits and withdrawals. */
enum reject model_rules_set(struct model *model, const struct rules_set_command *ask);
enum reject model_liabilities_order(struct model *model,
                                    const struct liabilities_order_command *ask);
enum reject model_route_fee_set(struct model *model, const struct route_fee_set_command *ask);
enum reject model_connector_add(struct model *model, const struct connector_add_command *ask);
bool model_may_report(const struct model *model, uint16_t number);
enum reject model_route_set(struct model *model, const struct route_set_command *ask);
enum reject model_account_freeze(struct model *model, const struct account_freeze_command *ask);
enum reject model_deposit_address(struct model *model, const struct deposit_address_command *ask);
enum reject model_deposit_report(struct model *model, const struct deposit_report_command *ask);
enum reject model_deposit_reorg(struct model *model, const struct deposit_reorg_command *ask);
enum reject model_withdrawal_approve(struct model *model,
                                     const struct withdrawal_approve_command *ask);
enum reject model_withdrawal_deny(struct model *model, const struct withdrawal_deny_command *ask);
enum reject model_withdrawal_report(struct model *model,
                                    const struct withdrawal_report_command *ask);
enum reject model_withdraw(struct model *model, const struct withdraw_command *ask);
enum reject model_withdrawal_cancel(struct model *model,
                                    const struct withdrawal_cancel_command *ask);
enum reject model_address_allow(struct model *model, const struct address_allow_command *ask);
int64_t model_withdrawals_hold(const struct model *model, uint32_t account, uint16_t asset);

/* nodes.c: who runs the exchange. */
enum reject model_node_add(struct model *model, const struct node_add_command *ask);
enum reject model_node_role(struct model *model, const struct node_role_command *ask);
enum reject model_node_remove(struct model *model, const struct node_remove_command *ask);
enum reject model_node_swap(struct model *model, const struct node_swap_command *ask);
enum reject model_epoch_change(struct model *model, const struct epoch_change_command *ask);
enum reject model_vote(struct model *model, const struct vote_command *ask);

/* model.c: the orders of the node's sessions end. */
void model_sessions_end(struct model *model, uint32_t node);

/* operators.c */
enum reject model_operator_step(struct model *model, const struct command *command);

/* keys.c: what accounts do with their keys, and what keys may. */
bool model_key_may(const struct model *model, const struct command *command);
bool model_key_chain_named(const struct model *model, const struct command *command);
bool model_place_free(const struct model *model, uint32_t room, uint32_t taken, uint32_t own);
bool model_waits(const struct model *model, const struct command *command);
enum reject model_account_open(struct model *model, const struct account_open_command *ask);
enum reject model_account_approve(struct model *model, const struct account_approve_command *ask);
enum reject model_opening_set(struct model *model, const struct opening_set_command *ask);
enum reject model_key_create(struct model *model, const struct key_create_command *ask);
enum reject model_key_limit(struct model *model, const struct key_limit_command *ask);
enum reject model_key_remove(struct model *model, const struct key_remove_command *ask);

#endif /* TESTS_MODEL_PARTS_H */
