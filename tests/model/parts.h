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

static inline int leg_count(uint8_t kind)
{
    return kind == LIST_OTOCO ? 3 : 2;
}

static inline struct market *market_of(struct model *model, uint16_t market)
{
    return &model->params.markets[market];
}

/* money.c: balances, holds, fees, tiers, the average price. */
int64_t quote_of(struct model *model, uint16_t market, int64_t price, int64_t lots);
int64_t base_of(struct model *model, uint16_t market, int64_t lots);
uint16_t hold_asset_of(struct model *model, uint16_t market, uint8_t side);
void balance_move(struct model *model, uint32_t account, uint16_t asset, int64_t available,
                  int64_t held);
struct model_order *sibling_of(const struct model_order *order);
void hold_take(struct model *model, struct model_order *order, int64_t units);
void hold_fall(struct model *model, struct model_order *order);
void hold_end(struct model *model, struct model_order *order);
int64_t hold_needed(struct model *model, const struct model_order *order);
void fill_pay(struct model *model, struct model_order *order, int64_t price, int64_t lots,
              int32_t rate_ppm);
void volumes_count(struct model *model, const struct model_order *maker,
                   const struct model_order *taker, int64_t price, int64_t lots);
void tier_look(struct model *model, uint32_t account);
int64_t average_price(struct model *model, uint16_t market);
void average_count(struct model *model, uint16_t market, int64_t price, int64_t lots);

/* walk.c: what an order would get. */
struct walk {
    int64_t lots, quote;
    int64_t next_price; /* of the lot after those, where there is one within reach; else 0 */
};
struct walk dry_walk(struct model *model, const struct model_order *taker, int64_t bound,
                     int64_t lots, int64_t quote_max);
bool fok_fills(struct model *model, const struct model_order *taker, int64_t bound);
int64_t price_bound(struct model *model, const struct model_order *taker);
bool price_reached(uint8_t taker_side, int64_t bound, int64_t maker_price);
bool would_take(struct model *model, uint16_t market, uint8_t side, int64_t price);

/* checks.c: what is refused, and in which order. */
enum reject check_names(struct model *model, uint32_t account, uint16_t market);
enum reject check_form(struct model *model, const struct order_place_command *ask);
enum reject check_values(struct model *model, const struct order_place_command *ask);
enum reject check_state(struct model *model, const struct order_place_command *ask);
enum reject check_list_shape(const struct list_place_command *ask,
                             const struct order_place_command legs[3]);
enum reject check_list_state(struct model *model, const struct list_place_command *ask,
                             const struct order_place_command legs[3]);
bool condition_met(uint8_t type, uint8_t side, int64_t stop_price, int64_t price);
struct model_order order_of_ask(struct model *model, const struct order_place_command *ask);
int64_t hold_of_ask(struct model *model, struct model_order *order);
int64_t pair_need(struct model *model, struct model_order *first, struct model_order *second);
bool id_is_zero(const uint8_t id[36]);

/* orders.c: orders from acceptance to end. */
struct model_order *order_slot(struct model *model);
void order_accept(struct model *model, struct model_order *order);
void order_accepted_write(struct model *model, const struct model_order *order, int64_t hold);
void order_work(struct model *model, struct model_order *order);
void order_take(struct model *model, struct model_order *order, int64_t lots_max, bool poor);
void order_sleep(struct model *model, struct model_order *order);
void order_end(struct model *model, struct model_order *order, uint8_t status, uint8_t reason);
void work_queue_run(struct model *model);
void level_change(struct model *model, const struct model_order *order);
struct model_order *order_find(struct model *model, uint32_t account, uint16_t market, uint64_t id,
                               const uint8_t client_id[36]);
void order_place(struct model *model, const struct order_place_command *ask);

/* lists.c */
void legs_of_list(const struct list_place_command *ask, struct order_place_command legs[3]);
enum reject list_place(struct model *model, const struct list_place_command *ask);
enum reject list_cancel(struct model *model, const struct list_cancel_command *ask);
void list_order_ended(struct model *model, struct model_list *list, int leg, uint8_t status,
                      uint8_t reason);
void list_release(struct model *model, struct model_list *list);

/* operators.c */
enum reject operator_step(struct model *model, const struct command *command);

#endif /* TESTS_MODEL_PARTS_H */
