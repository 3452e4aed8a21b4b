#include "settlement/balance_sheet.h"

#include "common/arena.h"
#include "settlement/image.h"

#include <assert.h>
#include <string.h>

struct balance_sheet {
    struct balance_owner *owners; /* by account - 1 */
    struct balance_cell *cells;   /* by place_of */
    uint32_t *dirty;
    uint32_t count;
    uint32_t dirty_count;
    uint32_t accounts_max;
    uint32_t assets_max;
};

#define LINE_ASSETS 2u /* whose cells fill a cache line */

static_assert(LINE_ASSETS * sizeof(struct balance_cell) == 64, "a cache line");

static size_t lines_of(uint32_t assets_max)
{
    return (assets_max + LINE_ASSETS - 1) / LINE_ASSETS;
}

static size_t place_of(const struct balance_sheet *sheet, uint32_t account, uint16_t asset)
{
    const size_t line = (size_t)(asset / LINE_ASSETS) * sheet->accounts_max + (account - 1);
    return line * LINE_ASSETS + asset % LINE_ASSETS;
}

size_t balance_sheet_bytes(uint32_t accounts_max, uint32_t assets_max)
{
    const size_t an_account = sizeof(struct balance_owner) + sizeof(uint32_t) +
                              lines_of(assets_max) * LINE_ASSETS * sizeof(struct balance_cell);
    return accounts_max * an_account + sizeof(struct balance_sheet) + 256;
}

struct balance_sheet *balance_sheet_new(struct arena *arena, uint32_t accounts_max,
                                        uint32_t assets_max)
{
    struct balance_sheet *sheet = arena_take(arena, sizeof(*sheet));
    if (sheet == NULL) return NULL;
    sheet->accounts_max = accounts_max;
    sheet->assets_max = assets_max;
    sheet->owners = arena_take_array(arena, accounts_max, sizeof(struct balance_owner));
    sheet->cells =
        arena_take_array(arena, (size_t)accounts_max * lines_of(assets_max) * LINE_ASSETS,
                         sizeof(struct balance_cell));
    sheet->dirty = arena_take_array(arena, accounts_max, sizeof(uint32_t));
    if (sheet->owners == NULL || sheet->cells == NULL || sheet->dirty == NULL) return NULL;
    return sheet;
}

uint32_t balance_sheet_open(struct balance_sheet *sheet, const uint8_t public_key[PUBLIC_KEY_BYTES],
                            uint16_t tier)
{
    if (sheet->count == sheet->accounts_max) return 0;
    struct balance_owner *owner = &sheet->owners[sheet->count++];
    memcpy(owner->public_key, public_key, PUBLIC_KEY_BYTES);
    owner->tier = tier;
    return sheet->count;
}

uint32_t balance_sheet_count(const struct balance_sheet *sheet)
{
    return sheet->count;
}

bool balance_sheet_has(const struct balance_sheet *sheet, uint32_t account)
{
    return account >= 1 && account <= sheet->count;
}

struct balance_owner *balance_sheet_owner(const struct balance_sheet *sheet, uint32_t account)
{
    ASSERT(balance_sheet_has(sheet, account));
    return &sheet->owners[account - 1];
}

struct balance_cell *balance_sheet_cell(const struct balance_sheet *sheet, uint32_t account,
                                        uint16_t asset)
{
    ASSERT(balance_sheet_has(sheet, account));
    ASSERT(asset < sheet->assets_max);
    return &sheet->cells[place_of(sheet, account, asset)];
}

const struct balance_owner *balance_sheet_owner_place(const struct balance_sheet *sheet,
                                                      uint32_t account)
{
    ASSERT(account >= 1 && account <= sheet->accounts_max);
    return &sheet->owners[account - 1];
}

const struct balance_cell *balance_sheet_cell_place(const struct balance_sheet *sheet,
                                                    uint32_t account, uint16_t asset)
{
    ASSERT(account >= 1 && account <= sheet->accounts_max && asset < sheet->assets_max);
    return &sheet->cells[place_of(sheet, account, asset)];
}

void balance_sheet_touch(struct balance_sheet *sheet, uint32_t account, uint64_t command)
{
    struct balance_owner *owner = balance_sheet_owner(sheet, account);
    owner->last_command = command;
    if (owner->is_dirty) return;
    owner->is_dirty = true;
    sheet->dirty[sheet->dirty_count++] = account;
}

const uint32_t *balance_sheet_dirty(const struct balance_sheet *sheet, uint32_t *count)
{
    *count = sheet->dirty_count;
    return sheet->dirty;
}

void balance_sheet_forget_dirty(struct balance_sheet *sheet)
{
    for (uint32_t i = 0; i < sheet->dirty_count; i++)
        sheet->owners[sheet->dirty[i] - 1].is_dirty = false;
    sheet->dirty_count = 0;
}

struct balance_sheet *balance_sheet_image(struct arena *arena, const struct balance_sheet *sheet,
                                          const struct image_move *move)
{
    struct balance_sheet *copy = image_take(arena, move, sheet, sizeof(*copy));
    if (copy == NULL) return NULL;
    copy->owners = image_at(move, copy->owners);
    copy->cells = image_at(move, copy->cells);
    copy->dirty = image_at(move, copy->dirty);
    return copy;
}
