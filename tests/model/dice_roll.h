/* What all rolls of the dice share: numbers, and a command to put them into.
 *
 * Owner    tests/model/dice*.c
 */

#ifndef TESTS_MODEL_DICE_ROLL_H
#define TESTS_MODEL_DICE_ROLL_H

#include "common/le.h"
#include "tests/model/dice.h"

#include <string.h>

#define NS_PER_MS  UINT64_C(1000000)
#define NS_PER_SEC (1000 * NS_PER_MS)

/* What a command of each kind is; their weights are a world's. */
enum kind {
    PLACE,
    CANCEL,
    CANCEL_ALL,
    AMEND,
    REPLACE,
    LIST,
    LIST_CANCEL,
    SWITCH,
    SESSION,
    LOST,
    HELLO,
    SEAL,
    VOTE,
    CREDIT,
    DEBIT,
    STATUS,
    FILTERS,
    TIER,
    LISTING,
    PEOPLE,
    KINDS
};
static_assert(KINDS <= DICE_WEIGHTS, "a weight each");

static inline uint64_t roll(struct dice *dice)
{
    dice->state ^= dice->state >> 12;
    dice->state ^= dice->state << 25;
    dice->state ^= dice->state >> 27;
    return dice->state * 0x2545f4914f6cdd1du;
}

static inline uint32_t below(struct dice *dice, uint32_t bound)
{
    return (uint32_t)((roll(dice) >> 32) * bound >> 32);
}

static inline bool chance(struct dice *dice, uint32_t percent)
{
    return below(dice, 100) < percent;
}

/* Now and then, as often as this world slips: a field that should not be. */
static inline bool slip(struct dice *dice)
{
    return below(dice, 1000) < dice->slips;
}

static inline uint32_t one_of(struct dice *dice, const uint32_t *values, uint32_t count)
{
    return values[below(dice, count)];
}

#define ONE_OF(dice, ...) \
    one_of(dice, (const uint32_t[]){__VA_ARGS__}, \
           sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static inline void command_begin(struct dice *dice, struct trial_command *command, uint16_t type)
{
    struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type)), .type = type};
    if (type >= T_ORDER_PLACE && below(dice, 8) != 0) header.origin = below(dice, 2) == 0 ? 1 : 7;
    if (header.origin != 0 && dice->membership && dice->origin != 0 && chance(dice, 60))
        header.origin = dice->origin;
    if (type >= T_NODE_ADD) header.origin = dice->membership && chance(dice, 50) ? 1 : 0;
    command->stamp_ns = dice->stamp_ns;
    command->byte_count = (uint16_t)header.length;
    command->regular = true;
    command->aim = 0;
    command_header_put(command->bytes, &header);
}

/* `message` is a pointer. Draws of the dice stand in statements of their own wherever there are two: the
 * order within one is the compiler's. */
#define PUT(NAME, name, ...) \
    do { \
        command_begin(dice, command, T_##NAME); \
        name##_command_put(command->bytes + COMMAND_HEADER_BYTES, __VA_ARGS__); \
    } while (0)

static inline int64_t center_of(const struct model *model, uint16_t market)
{
    const struct market *spec = &model->params.markets[market];
    const int64_t middle = (spec->price_min.ticks + spec->price_max.ticks) / 2;
    return middle > 1000 ? 100 : middle;
}

static inline uint32_t some_account(struct dice *dice)
{
    const uint32_t accounts = dice->accounts + dice->newcomers;
    return slip(dice) ? below(dice, accounts + 3) : 1 + below(dice, accounts);
}

static inline uint16_t some_market(struct dice *dice)
{
    return (uint16_t)(slip(dice) ? below(dice, dice->markets + 2) : below(dice, dice->markets));
}

static inline void name_put(struct dice *dice, uint8_t client_id[36])
{
    if (chance(dice, 40)) return;
    const uint32_t name = below(dice, 6);
    for (uint32_t i = 0; i < 1 + name * 7; i++) /* of 1 to 36 letters */
        client_id[i] = (uint8_t)('a' + name);
    client_id[35] = (uint8_t)below(dice, 2);
}

/* ---- What each file rolls: the next command of its kind ---- */

/* dice_world.c: what a world begins with. False: it has all of it. */
bool dice_put_setup(struct dice *dice, const struct model *model, struct trial_command *command);
void dice_put_asset(struct dice *dice, struct trial_command *command, uint32_t index);
void dice_put_market(struct dice *dice, struct trial_command *command, const struct model *model,
                     uint32_t index);
void dice_put_filters(struct dice *dice, struct trial_command *command, const struct model *model,
                      uint16_t market);
void dice_put_credit(struct dice *dice, struct trial_command *command, uint32_t account,
                     uint16_t asset);

/* dice_order.c */
void dice_put_place(struct dice *dice, const struct model *model, struct trial_command *command);
void dice_put_cancel(struct dice *dice, const struct model *model, struct trial_command *command);
void dice_put_cancel_all(struct dice *dice, struct trial_command *command);
void dice_put_amend(struct dice *dice, const struct model *model, struct trial_command *command);
void dice_put_replace(struct dice *dice, const struct model *model, struct trial_command *command);
void dice_put_switch(struct dice *dice, struct trial_command *command);
void dice_put_session(struct dice *dice, struct trial_command *command);
struct order_place_command dice_some_order(struct dice *dice, const struct model *model,
                                           uint16_t market);
/* Makes the command of 1 or 3 orders one of `type`, which has their tags too. */
void dice_put_tags(struct dice *dice, struct trial_command *command, uint16_t type, int count);
int64_t dice_some_lots(struct dice *dice);
void dice_ask_terms(struct dice *dice, const struct model *model, int64_t center,
                    struct order_place_command *ask);
void dice_ask_slip(struct dice *dice, struct order_place_command *ask);

/* dice_list.c */
void dice_put_list(struct dice *dice, const struct model *model, struct trial_command *command);
void dice_put_list_cancel(struct dice *dice, const struct model *model,
                          struct trial_command *command);

/* dice_operator.c */
void dice_put_debit(struct dice *dice, const struct model *model, struct trial_command *command);
void dice_put_tier(struct dice *dice, struct trial_command *command);
void dice_put_people(struct dice *dice, struct trial_command *command);

/* dice_key.c: what accounts do with their keys; and a key to a command, by which it comes. */
void dice_put_key(struct dice *dice, const struct model *model, struct trial_command *command);
void dice_sign(struct dice *dice, const struct model *model, struct trial_command *command);
/* Signed by this key: a text, mostly of this chain. */
void dice_sign_text(struct dice *dice, const struct model *model, struct trial_command *command,
                    const uint8_t public_key[PUBLIC_KEY_BYTES]);
void dice_put_status(struct dice *dice, struct trial_command *command);

/* dice_opening.c: accounts that open themselves, and what operators say of them. */
void dice_put_opening(struct dice *dice, const struct model *model, struct trial_command *command);

/* dice_node.c */
void dice_put_node(struct dice *dice, struct trial_command *command, enum kind kind);
void dice_put_node_vote(struct dice *dice, const struct model *model,
                        struct trial_command *command);
void dice_put_membership(struct dice *dice, const struct model *model,
                         struct trial_command *command);

/* dice_custody.c */
void dice_put_custody(struct dice *dice, const struct model *model, struct trial_command *command);

#endif /* TESTS_MODEL_DICE_ROLL_H */
