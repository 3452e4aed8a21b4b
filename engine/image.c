#include "engine/image.h"

#include "common/arena.h"
#include "engine/state.h"

#include <string.h>

/* What was at `memory` is now at `image`. */
struct move {
    const uint8_t *memory;
    uint8_t *image;
};

static void *moved(const struct move *move, const void *pointer)
{
    return move->image + ((const uint8_t *)pointer - move->memory);
}

#define MOVE(pointer) ((pointer) = moved(move, (pointer)))

static void move_ladders(const struct move *move, struct ladder_pool *pool)
{
    MOVE(pool->levels);
    MOVE(pool->nodes);
}

static void move_accounts(const struct move *move, struct accounts *accounts)
{
    MOVE(accounts->accounts);
    MOVE(accounts->terms);
    MOVE(accounts->balances);
    MOVE(accounts->touches);
    MOVE(accounts->by_public_key.entries);
}

static void move_books(const struct move *move, struct books *books)
{
    MOVE(books->orders.orders);
    MOVE(books->orders.extras);
    move_ladders(move, &books->levels);
    MOVE(books->markets);
    MOVE(books->hidden);
    MOVE(books->changed);
    MOVE(books->tags);
    MOVE(books->parked);
}

static void move_triggers(const struct move *move, struct triggers *triggers)
{
    MOVE(triggers->markets);
    MOVE(triggers->rising);
    MOVE(triggers->falling);
    move_ladders(move, &triggers->levels);
    MOVE(triggers->sleepers);
    MOVE(triggers->trailing.followers);
    MOVE(triggers->trailing.classes);
    MOVE(triggers->trailing.markets);
}

/* Every pointer that struct engine has. */
static void move_engine(const struct move *move, struct engine *engine)
{
    move_accounts(move, &engine->accounts);
    move_books(move, &engine->books);
    engine->directory.pool = &engine->books.orders;
    MOVE(engine->directory.by_id.entries);
    MOVE(engine->directory.by_client.entries);
    MOVE(engine->directory.rosters);
    MOVE(engine->lists.lists);
    move_triggers(move, &engine->triggers);
    MOVE(engine->averages.lines);
    MOVE(engine->averages.windows);
    MOVE(engine->averages.rings);
    MOVE(engine->volumes.accounts);
    MOVE(engine->volumes.slots);
    MOVE(engine->switches.entries);
    MOVE(engine->switches.heap);
    MOVE(engine->switches.owned);
    MOVE(engine->switches.by_owner.entries);
    MOVE(engine->repeats.records);
    MOVE(engine->repeats.owners);
    MOVE(engine->repeats.heap);
    MOVE(engine->repeats.by_name.entries);
    MOVE(engine->keys.ids);
    MOVE(engine->keys.rights);
    MOVE(engine->keys.owners);
    MOVE(engine->keys.by_id.entries);
    MOVE(engine->custody.addresses);
    MOVE(engine->custody.deposits);
    MOVE(engine->custody.withdrawals);
    MOVE(engine->custody.days);
    MOVE(engine->custody.address_counts);
    MOVE(engine->custody.by_address.entries);
    MOVE(engine->custody.by_deposit.entries);
    MOVE(engine->custody.by_withdrawal.entries);
    MOVE(engine->ids);
    MOVE(engine->prints);
}

size_t image_bytes(void)
{
    return (sizeof(struct engine) + 63) & ~(size_t)63;
}

const struct engine *image_engine(struct arena *arena, const void *image, const void *memory,
                                  const struct engine *engine)
{
    struct engine *copy = arena_take(arena, sizeof(struct engine));
    if (copy == NULL) return NULL;
    const struct move move = {memory, (uint8_t *)(uintptr_t)image};
    memcpy(copy, moved(&move, engine), sizeof(*copy));
    move_engine(&move, copy);
    return copy;
}
