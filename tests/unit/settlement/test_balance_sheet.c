#include "settlement/balance_sheet.h"

#include "common/arena.h"
#include "tests/harness.h"

/* Accounts are numbered from 1 up to their bound; a touched one is dirty once until forgotten. */
TEST(balance_sheet, numbers_accounts_and_lists_each_dirty_one_once)
{
    struct arena arena;
    if (!arena_map(&arena, balance_sheet_bytes(3, 2))) abort();
    struct balance_sheet *sheet = balance_sheet_new(&arena, 3, 2);
    const uint8_t key[32] = {9};
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(balance_sheet_open(sheet, key, 1), i);
    assert_int_equal(balance_sheet_open(sheet, key, 1), 0);
    assert_false(balance_sheet_has(sheet, 0));
    assert_true(balance_sheet_has(sheet, 3));
    assert_false(balance_sheet_has(sheet, 4));

    balance_sheet_cell(sheet, 2, 1)->available.units = 5;
    assert_int_equal(balance_sheet_cell(sheet, 3, 0)->available.units, 0);
    assert_int_equal(balance_sheet_cell(sheet, 2, 1)->available.units, 5);

    uint32_t count;
    balance_sheet_touch(sheet, 3, 10);
    balance_sheet_touch(sheet, 2, 11);
    balance_sheet_touch(sheet, 3, 12);
    const uint32_t *dirty = balance_sheet_dirty(sheet, &count);
    assert_int_equal(count, 2);
    assert_int_equal(dirty[0], 3);
    assert_int_equal(dirty[1], 2);
    assert_int_equal(balance_sheet_owner(sheet, 3)->last_command, 12);
    balance_sheet_forget_dirty(sheet);
    balance_sheet_touch(sheet, 3, 13);
    balance_sheet_dirty(sheet, &count);
    assert_int_equal(count, 1);
    arena_unmap(&arena);
}

/* Each account and asset has a cell of its own, also when the assets are odd in number; two assets of an account share
 * a cache line, and an asset that nobody has is next to none that somebody has but its twin. */
TEST(balance_sheet, every_cell_is_its_own)
{
    for (uint16_t assets = 1; assets <= 5; assets++) {
        struct arena arena;
        const uint8_t key[PUBLIC_KEY_BYTES] = {0};
        assert_true(arena_map(&arena, balance_sheet_bytes(7, assets)));
        struct balance_sheet *sheet = balance_sheet_new(&arena, 7, assets);
        assert_non_null(sheet);
        for (uint32_t account = 1; account <= 7; account++)
            assert_int_equal(balance_sheet_open(sheet, key, 0), account);
        for (uint32_t account = 1; account <= 7; account++)
            for (uint16_t asset = 0; asset < assets; asset++)
                balance_sheet_cell(sheet, account, asset)->available.units = account * 10 + asset;
        for (uint32_t account = 1; account <= 7; account++)
            for (uint16_t asset = 0; asset < assets; asset++) {
                const struct balance_cell *cell = balance_sheet_cell_place(sheet, account, asset);
                assert_int_equal(cell->available.units, account * 10 + asset);
                assert_ptr_equal(cell, balance_sheet_cell(sheet, account, asset));
                assert_int_equal((uintptr_t)cell % 64, asset % 2 * sizeof(*cell));
            }
        arena_unmap(&arena);
    }
}
