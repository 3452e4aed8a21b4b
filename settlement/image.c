#include "settlement/image.h"

#include "common/arena.h"
#include "settlement/state.h"

#include <string.h>

#define PARTS_MAX ((size_t)4096) /* struct settlement's parts, without their arrays */

void *image_take(struct arena *arena, const struct image_move *move, const void *pointer,
                 size_t byte_count)
{
    void *copy = arena_take(arena, byte_count);
    if (copy != NULL) memcpy(copy, image_at(move, pointer), byte_count);
    return copy;
}

size_t image_settlement_bytes(void)
{
    return ((sizeof(struct settlement) + 63) & ~(size_t)63) + PARTS_MAX;
}

/* False when the arena is too small. */
static bool take_parts(struct arena *arena, const struct image_move *move, struct settlement *copy)
{
    copy->accounts = balance_sheet_image(arena, copy->accounts, move);
    copy->orders = hold_book_image(arena, copy->orders, move);
    copy->keys = keyring_image(arena, copy->keys, move);
    copy->tree = account_tree_image(arena, copy->tree, move);
    copy->switches = switch_book_image(arena, copy->switches, move);
    copy->tiers = tier_book_image(arena, copy->tiers, move);
    copy->custody = custody_book_image(arena, copy->custody, move);
    return copy->custody != NULL && copy->accounts != NULL && copy->orders != NULL &&
           copy->keys != NULL && copy->tree != NULL && copy->switches != NULL &&
           copy->tiers != NULL;
}

const struct settlement *image_settlement(struct arena *arena, const void *image,
                                          const void *memory, const struct settlement *settlement)
{
    const struct image_move move = {memory, image};
    struct settlement *copy = image_take(arena, &move, settlement, sizeof(*copy));
    if (copy == NULL || !take_parts(arena, &move, copy)) return NULL;
    copy->journal = NULL;
    copy->sharing = NULL;
    copy->totals = image_at(&move, copy->totals);
    copy->markets = image_at(&move, copy->markets);
    copy->trails = image_at(&move, copy->trails);
    copy->sleepers = image_at(&move, copy->sleepers);
    copy->prices = image_at(&move, copy->prices);
    return copy;
}
