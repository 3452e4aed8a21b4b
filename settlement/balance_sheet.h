/* Every account: its owner, its tier, its balances by settlement's count and by the engine's.
 *
 * Accounts are numbered from 1 in the order of their creation. An account whose balances moved is
 * dirty until its block ends.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 64 bytes an account and two assets, a cache line. First the line of assets 0 and 1 of all
 *          accounts, then that of 2 and 3 ...: touched as accounts and assets come, so that room for assets costs nothing
 * Limits   accounts_max accounts, assets_max assets
 */

#ifndef SETTLEMENT_BALANCE_SHEET_H
#define SETTLEMENT_BALANCE_SHEET_H

#include "common/hash.h"
#include "common/money.h"

struct arena;
struct balance_sheet;
struct image_move;

struct balance_cell {
    amount_t available; /* from postings */
    amount_t held;
    amount_t engine_available; /* from the engine's last BALANCE event */
    amount_t engine_held;
};

struct balance_owner {
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint64_t last_command; /* that moved a balance */
    uint64_t leaf_height;  /* of the block that changed the account's leaf last */
    uint16_t tier;
    bool is_dirty;
    bool is_frozen;
    bool is_pending; /* until an operator has approved of it */
};

size_t balance_sheet_bytes(uint32_t accounts_max, uint32_t assets_max);
MUST_CHECK struct balance_sheet *balance_sheet_new(struct arena *arena, uint32_t accounts_max,
                                                   uint32_t assets_max);

/* Opens the next account and returns its number; 0 when all are in use. */
uint32_t balance_sheet_open(struct balance_sheet *sheet, const uint8_t public_key[PUBLIC_KEY_BYTES],
                            uint16_t tier);

uint32_t balance_sheet_count(const struct balance_sheet *sheet);
bool balance_sheet_has(const struct balance_sheet *sheet, uint32_t account);

/* Needs: the account exists. */
struct balance_owner *balance_sheet_owner(const struct balance_sheet *sheet, uint32_t account);

/* Needs: the account exists, asset < assets_max. */
struct balance_cell *balance_sheet_cell(const struct balance_sheet *sheet, uint32_t account,
                                        uint16_t asset);

/* Where an account's owner and balances are, whether it is there yet or not: for a journal's readers on other threads,
 * who know from its leaf that it is (proof_journal.h).
 * Needs: account <= accounts_max, asset < assets_max. */
const struct balance_owner *balance_sheet_owner_place(const struct balance_sheet *sheet,
                                                      uint32_t account);
const struct balance_cell *balance_sheet_cell_place(const struct balance_sheet *sheet,
                                                    uint32_t account, uint16_t asset);

/* Makes the account dirty, once. */
void balance_sheet_touch(struct balance_sheet *sheet, uint32_t account, uint64_t command);

/* The dirty accounts in the order in which they became so; forget makes them clean. */
const uint32_t *balance_sheet_dirty(const struct balance_sheet *sheet, uint32_t *count);
void balance_sheet_forget_dirty(struct balance_sheet *sheet);

/* The sheet in an image of its memory (image.h); NULL when the arena is too small. */
MUST_CHECK struct balance_sheet *balance_sheet_image(struct arena *arena,
                                                     const struct balance_sheet *sheet,
                                                     const struct image_move *move);

#endif /* SETTLEMENT_BALANCE_SHEET_H */
