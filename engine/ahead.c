#include "engine/ahead.h"

#include "common/order_tag.h"
#include "engine/state.h"

/* How far before the first look the log's own bytes are asked for. */
#define AHEAD_BYTES 1024

#define AHEAD_FIRST  18
#define AHEAD_SECOND 12
#define AHEAD_THIRD  6

struct ahead ahead_begin(const struct engine *engine, const uint8_t *at, const uint8_t *end)
{
    return (struct ahead){
        .engine = engine,
        .at = at,
        .end = end,
        .on =
            engine->books.orders.count >= AHEAD_ORDERS || engine->accounts.count >= AHEAD_ACCOUNTS,
    };
}

static void account_hint(const struct engine *engine, const struct ahead_seen *seen)
{
    const struct market *market = &engine->params.markets[seen->market];
    __builtin_prefetch(accounts_balance(&engine->accounts, seen->account, market->base), 1);
    __builtin_prefetch(accounts_balance(&engine->accounts, seen->account, market->quote), 1);
    directory_hint_roster(&engine->directory, seen->account, seen->market);
}

static void place_read(struct ahead_seen *seen, const uint8_t *payload)
{
    struct order_place_command place;
    order_place_command_get(payload, &place);
    *seen = (struct ahead_seen){
        .key = (uint64_t)place.price.ticks,
        .account = place.account,
        .market = place.market,
        .side = place.side,
        .kind = AHEAD_PLACE,
    };
}

static void cancel_read(struct ahead_seen *seen, const uint8_t *payload)
{
    struct order_cancel_command cancel;
    order_cancel_command_get(payload, &cancel);
    *seen = (struct ahead_seen){
        .key = cancel.order_id,
        .account = cancel.account,
        .market = cancel.market,
        .kind = AHEAD_CANCEL,
    };
}

/* Reads where the command will go. Leaves it AHEAD_NOTHING when its bytes are not a whole command that is
 * worth a look, or when it names what does not exist. */
static void command_read(const struct engine *engine, struct ahead_seen *seen,
                         const uint8_t *command, size_t byte_count)
{
    const uint16_t type = order_tag_base(le_get_u16(command + 4));
    seen->kind = AHEAD_NOTHING;
    if (type == T_ORDER_PLACE && byte_count >= COMMAND_HEADER_BYTES + ORDER_PLACE_BYTES)
        place_read(seen, command + COMMAND_HEADER_BYTES);
    else if (type == T_ORDER_CANCEL && byte_count >= COMMAND_HEADER_BYTES + ORDER_CANCEL_BYTES)
        cancel_read(seen, command + COMMAND_HEADER_BYTES);
    else
        return;
    if (seen->market >= engine->params.market_count || seen->side > SELL ||
        !accounts_exists(&engine->accounts, seen->account))
        seen->kind = AHEAD_NOTHING;
}

static void first_look(const struct engine *engine, struct ahead_seen *seen, const uint8_t *command)
{
    if (seen->kind == AHEAD_NOTHING) return;
    account_hint(engine, seen);
    if (seen->kind == AHEAD_CANCEL) {
        directory_hint_cancel(&engine->directory, seen->market, seen->key);
        return;
    }
    /* The client id is an ORDER_PLACE's last field. */
    const uint8_t *payload_end = command + COMMAND_HEADER_BYTES + ORDER_PLACE_BYTES;
    seen->client_hash =
        directory_client_hash(seen->account, seen->market, payload_end - CLIENT_ID_BYTES);
    directory_hint_client(&engine->directory, seen->client_hash);
    directory_hint_cancel(&engine->directory, seen->market,
                          engine->books.markets[seen->market].last_order + AHEAD_FIRST);
}

static bool has_price(const struct ahead_seen *seen)
{
    return (int64_t)seen->key > 0;
}

static void second_look(const struct engine *engine, const struct ahead_seen *seen)
{
    if (seen->kind == AHEAD_PLACE && has_price(seen)) {
        book_hint_place(&engine->books, seen->market, (enum side)seen->side,
                        (price_t){(int64_t)seen->key});
        directory_hint_newest(&engine->directory, seen->account, seen->market);
    } else if (seen->kind == AHEAD_CANCEL) {
        book_hint_order(&engine->books,
                        directory_guess(&engine->directory, seen->market, seen->key));
    }
}

static void third_look(const struct engine *engine, const struct ahead_seen *seen)
{
    if (seen->kind == AHEAD_PLACE && has_price(seen)) {
        book_hint_queue(&engine->books, seen->market, (enum side)seen->side,
                        (price_t){(int64_t)seen->key});
    } else if (seen->kind == AHEAD_CANCEL) {
        const uint32_t slot = directory_guess(&engine->directory, seen->market, seen->key);
        book_hint_neighbours(&engine->books, slot);
        directory_hint_order(&engine->directory, slot);
    }
}

/* Looks at the next command, and asks for the bytes of those after it. */
static void see_next(struct ahead *ahead)
{
    const uint8_t *command = ahead->at;
    struct ahead_seen *seen = &ahead->seen[ahead->count++ % AHEAD_SEEN];
    const size_t room = (size_t)(ahead->end - command);
    const uint32_t length = room >= COMMAND_HEADER_BYTES ? le_get_u32(command) : 0;
    seen->client_hash = 0;
    if (length < COMMAND_HEADER_BYTES || length > room) { /* damage, which the step will find */
        seen->kind = AHEAD_NOTHING;
        ahead->at = ahead->end;
        return;
    }
    ahead->at = command + length;
    for (uint32_t line = 0; line < length; line += 64)
        __builtin_prefetch(command + AHEAD_BYTES + line);
    const uint32_t auth_bytes = le_get_u16(command + 14);
    if (auth_bytes >= KEY_ID_BYTES && auth_bytes <= length - COMMAND_HEADER_BYTES)
        keys_hint(&ahead->engine->keys, command + length - auth_bytes);
    command_read(ahead->engine, seen, command, length);
    first_look(ahead->engine, seen, command);
}

uint32_t ahead_look(struct ahead *ahead)
{
    const uint32_t stepped = ahead->stepped++;
    const uint32_t second = stepped + AHEAD_SECOND, third = stepped + AHEAD_THIRD;
    while (ahead->count < stepped + AHEAD_FIRST && ahead->at < ahead->end)
        see_next(ahead);
    if (second < ahead->count) second_look(ahead->engine, &ahead->seen[second % AHEAD_SEEN]);
    if (third < ahead->count) third_look(ahead->engine, &ahead->seen[third % AHEAD_SEEN]);
    return stepped < ahead->count ? ahead->seen[stepped % AHEAD_SEEN].client_hash : 0;
}
