#include "engine/ahead.h"

#include "engine/state.h"

/* Fewer open orders than this stay in the caches by themselves. */
#define AHEAD_ORDERS 8192

#define AHEAD_FIRST  18
#define AHEAD_SECOND 12
#define AHEAD_THIRD  6

struct ahead ahead_begin(const struct engine *engine, const uint8_t *at, const uint8_t *end)
{
    return (struct ahead){
        .engine = engine,
        .at = at,
        .end = end,
        .on = engine->books.orders.count >= AHEAD_ORDERS,
    };
}

/* Where the fields lie that say what a command will touch. */
static struct order_place_command place_read(const uint8_t *command)
{
    struct order_place_command place;
    order_place_command_get(command + COMMAND_HEADER_BYTES, &place);
    return place;
}

static struct order_cancel_command cancel_read(const uint8_t *command)
{
    struct order_cancel_command cancel;
    order_cancel_command_get(command + COMMAND_HEADER_BYTES, &cancel);
    return cancel;
}

static bool is_place(const uint8_t *command)
{
    return le_get_u16(command + 4) == T_ORDER_PLACE;
}

static void account_hint(const struct engine *engine, uint32_t account, uint16_t market_index)
{
    if (!accounts_exists(&engine->accounts, account)) return;
    const struct market *market = &engine->params.markets[market_index];
    __builtin_prefetch(accounts_balance(&engine->accounts, account, market->base), 1);
    __builtin_prefetch(accounts_balance(&engine->accounts, account, market->quote), 1);
    directory_hint_roster(&engine->directory, account, market_index);
}

/* Returns the hash of the client id, where there is one. */
static uint32_t first_look(const struct engine *engine, const uint8_t *command)
{
    uint32_t hash = 0;
    if (is_place(command)) {
        const struct order_place_command place = place_read(command);
        if (place.market >= engine->params.market_count) return 0;
        account_hint(engine, place.account, place.market);
        hash = directory_client_hash(place.account, place.market, place.client_id);
        directory_hint_client(&engine->directory, hash);
        directory_hint_cancel(&engine->directory, place.market,
                              engine->books.markets[place.market].last_order + AHEAD_FIRST);
    } else {
        const struct order_cancel_command cancel = cancel_read(command);
        if (cancel.market >= engine->params.market_count) return 0;
        directory_hint_cancel(&engine->directory, cancel.market, cancel.order_id);
        account_hint(engine, cancel.account, cancel.market);
    }
    return hash;
}

static void second_look(const struct engine *engine, const uint8_t *command)
{
    if (is_place(command)) {
        const struct order_place_command place = place_read(command);
        if (place.market >= engine->params.market_count || place.side > SELL ||
            place.price.ticks <= 0)
            return;
        book_hint_place(&engine->books, place.market, (enum side)place.side, place.price);
        directory_hint_newest(&engine->directory, place.account, place.market);
    } else {
        const struct order_cancel_command cancel = cancel_read(command);
        if (cancel.market < engine->params.market_count)
            book_hint_order(&engine->books,
                            directory_guess(&engine->directory, cancel.market, cancel.order_id));
    }
}

static void third_look(const struct engine *engine, const uint8_t *command)
{
    if (is_place(command)) {
        const struct order_place_command place = place_read(command);
        if (place.market < engine->params.market_count && place.side <= SELL &&
            place.price.ticks > 0)
            book_hint_queue(&engine->books, place.market, (enum side)place.side, place.price);
    } else {
        const struct order_cancel_command cancel = cancel_read(command);
        if (cancel.market >= engine->params.market_count) return;
        const uint32_t slot = directory_guess(&engine->directory, cancel.market, cancel.order_id);
        book_hint_neighbours(&engine->books, slot);
        directory_hint_order(&engine->directory, slot);
    }
}

/* Whether the bytes begin with a whole command that is worth a look. */
static bool is_worth(const uint8_t *command, size_t room)
{
    if (room < COMMAND_HEADER_BYTES + ORDER_CANCEL_BYTES) return false;
    const uint16_t type = le_get_u16(command + 4);
    return (type == T_ORDER_PLACE && room >= COMMAND_HEADER_BYTES + ORDER_PLACE_BYTES) ||
           type == T_ORDER_CANCEL;
}

/* Looks at commands until the farthest look is AHEAD_FIRST before the one stepped. */
static void seen_fill(struct ahead *ahead)
{
    while (ahead->count < ahead->stepped + AHEAD_FIRST && ahead->at < ahead->end) {
        const size_t room = (size_t)(ahead->end - ahead->at);
        const uint32_t length = room >= sizeof(uint32_t) ? le_get_u32(ahead->at) : 0;
        const bool whole = length >= COMMAND_HEADER_BYTES && length <= room;
        const bool worth = whole && is_worth(ahead->at, length);
        const uint32_t place = ahead->count++ % AHEAD_SEEN;
        ahead->seen[place] = worth ? ahead->at : NULL;
        ahead->hashes[place] = worth ? first_look(ahead->engine, ahead->at) : 0;
        ahead->at = whole ? ahead->at + length : ahead->end;
    }
}

uint32_t ahead_look(struct ahead *ahead)
{
    seen_fill(ahead);
    const uint32_t second = ahead->stepped + AHEAD_SECOND, third = ahead->stepped + AHEAD_THIRD;
    const uint8_t *command = second < ahead->count ? ahead->seen[second % AHEAD_SEEN] : NULL;
    if (command != NULL) second_look(ahead->engine, command);
    command = third < ahead->count ? ahead->seen[third % AHEAD_SEEN] : NULL;
    if (command != NULL) third_look(ahead->engine, command);
    const uint32_t stepped = ahead->stepped++;
    return stepped < ahead->count ? ahead->hashes[stepped % AHEAD_SEEN] : 0;
}
