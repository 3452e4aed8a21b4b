#include "settlement/restore_transfers.h"

#include "tests/harness.h"
#include "tests/unit/settlement/snapshots.h"

TEST(restore_transfers, what_cannot_be_is_refused)
{
    struct lying lying;
    lying_open(&lying);
    LIE(ADDRESSES, address, 0, record.account = 99);
    LIE(ADDRESSES, address, 0, record.kind = 0);
    LIE(ADDRESSES, address, 1, record.chain[0] = 'X');
    LIE(ADDRESSES, address, 1, record.address[0] = 0);
    LIE(TRANSFERS, transfer, 0, record.deposit_last = 1);
    LIE(TRANSFERS, transfer, 0, record.withdrawal_last = UINT64_MAX);
    LIE(DEPOSITS, deposit, 0, record.credited.units--);
    LIE(DEPOSITS, deposit, 0, record.state = 9);
    LIE(DEPOSITS, deposit, 0, record.account = 99);
    LIE(DEPOSITS, deposit, 0, record.asset = USDT);
    LIE(DEPOSITS, deposit, 1, record.txid[0] = 1); /* the first's */
    LIE(WITHDRAWALS, withdrawal, 0, record.amount.units++);
    LIE(WITHDRAWALS, withdrawal, 0, record.state = WITHDRAWAL_DENIED);
    LIE(WITHDRAWALS, withdrawal, 0, record.block = 1);
    LIE(WITHDRAWALS, withdrawal, 1, record.amount.units--);
    LIE(WITHDRAWALS, withdrawal, 1, record.client_id[0] = '1');
    LIE(WITHDRAWALS, withdrawal, 1, record.state = WITHDRAWAL_FAILED);
    LIE(WITHDRAWN, withdrawn, 0, record.sum.units = -1);
    LIE(ASSETS, asset, 0, record.in_flight.units++; record.owed.units++);
    lying_close(&lying);
}

/* Of rules 4: a fee that leaves nothing, a day that has not come, a day's sum below what counts for it. */
TEST(restore_transfers, charges_that_cannot_be_are_refused)
{
    static const struct {
        uint64_t index;
        int64_t fee;
        int32_t days;
    } lies[] = {{0, -1, 0}, {0, 9000, 0}, {1, 4000, 0}, {0, 70, 1}};
    struct world *world = world_new_with(snapshots_adjust);
    struct custody custody;
    struct settlement *twin;
    struct arena arena;
    custody_open(&custody, world);
    custody_charges(&custody, 70);
    custody_withdraw(&custody, 9000);
    custody_withdraw(&custody, 4000);
    assert_int_equal(world_seal(world), STATUS_OK);
    const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
    assert_int_equal(snapshots_restore(&arena, &world->genesis, &snapshot, &twin), STATUS_OK);
    const struct snapshot_bytes again = snapshots_of(twin, &world->genesis);
    assert_int_equal(again.count, snapshot.count);
    assert_memory_equal(again.bytes, snapshot.bytes, again.count);
    free(again.bytes);
    arena_unmap(&arena);

    const uint32_t until = (uint32_t)(world->stamp_ns / WORLD_DAY_NS) + 1;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t *at = snapshots_record(&snapshot, SETTLED_CHARGES, lies[i].index), was[12];
        memcpy(was, at, sizeof(was));
        settled_charge_put(at,
                           &(struct settled_charge){.fee = {lies[i].fee},
                                                    .until_day = until + (uint32_t)lies[i].days});
        snapshots_rehash(&snapshot);
        assert_int_not_equal(snapshots_restore(&arena, &world->genesis, &snapshot, &twin),
                             STATUS_OK);
        memcpy(at, was, sizeof(was));
    }
    struct settled_withdrawn day;
    uint8_t *at = snapshots_record(&snapshot, SETTLED_WITHDRAWN, 0);
    settled_withdrawn_get(at, &day);
    day.sum.units--;
    settled_withdrawn_put(at, &day);
    snapshots_rehash(&snapshot);
    assert_int_not_equal(snapshots_restore(&arena, &world->genesis, &snapshot, &twin), STATUS_OK);
    free(snapshot.bytes);
    world_free(world);
}
