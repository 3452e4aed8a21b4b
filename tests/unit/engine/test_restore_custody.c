#include "engine/restore_custody.h"

#include "engine/state.h"
#include "tests/harness.h"
#include "tests/unit/engine/lies.h"

TEST(restore_custody, addresses_and_floors_that_cannot_be_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    LIE(ADDRESSES, address, 0, record.account = 99);
    LIE(ADDRESSES, address, 0, record.kind = 3);
    LIE(ADDRESSES, address, 0, record.chain[0] = 'X');
    LIE(ADDRESSES, address, 0, record.address[0] = 0);
    LIE(ADDRESSES, address, 0, record.address[1] = '2'; record.account = 2); /* the second's */
    LIE(TRANSFERS, transfer, 0, record.deposit_last = 1);
    LIE(TRANSFERS, transfer, 0, record.deposit_last = UINT64_MAX);
    LIE(TRANSFERS, transfer, 0, record.withdrawal_last = 0);
    pair_close(&pair);
}

TEST(restore_custody, deposits_that_cannot_be_are_refused)
{
    struct pair pair;
    struct snapshot_deposit other;
    pair_open(&pair);
    snapshot_deposit_get(snapshots_record(&pair.snapshot, SNAPSHOT_DEPOSITS, 1), &other);
    LIE(DEPOSITS, deposit, 0, memcpy(record.txid, other.txid, 32));
    LIE(DEPOSITS, deposit, 0, record.account = 99);
    LIE(DEPOSITS, deposit, 0, record.asset = USD);
    LIE(DEPOSITS, deposit, 0, record.chain[0] = 'X');
    LIE(DEPOSITS, deposit, 0, record.amount.units = 0);
    LIE(DEPOSITS, deposit, 0, record.credited.units--);
    LIE(DEPOSITS, deposit, 0, record.credited.units++);
    LIE(DEPOSITS, deposit, 0, record.state = DEPOSIT_REORGED);
    LIE(DEPOSITS, deposit, 0, record.state = 0);
    LIE(DEPOSITS, deposit, 0, record.state = 5);
    LIE(DEPOSITS, deposit, 1, record.state = DEPOSIT_OWED);
    pair_close(&pair);
}

/* What a withdrawal holds or has in flight is in its account's balance and the asset's sum. */
TEST(restore_custody, withdrawals_that_cannot_be_are_refused)
{
    struct pair pair;
    struct snapshot_withdrawal other;
    pair_open(&pair);
    snapshot_withdrawal_get(snapshots_record(&pair.snapshot, SNAPSHOT_WITHDRAWALS, 1), &other);
    LIE(WITHDRAWALS, withdrawal, 0, memcpy(record.client_id, other.client_id, 36));
    LIE(WITHDRAWALS, withdrawal, 0, record.amount.units++);
    LIE(WITHDRAWALS, withdrawal, 0, record.amount.units = -1);
    LIE(WITHDRAWALS, withdrawal, 0, record.account = 1);
    LIE(WITHDRAWALS, withdrawal, 0, record.state = WITHDRAWAL_DENIED);
    LIE(WITHDRAWALS, withdrawal, 0, record.state = WITHDRAWAL_APPROVED);
    LIE(WITHDRAWALS, withdrawal, 0, record.block = 1);
    LIE(WITHDRAWALS, withdrawal, 1, record.amount.units--);
    LIE(WITHDRAWALS, withdrawal, 1, record.state = WITHDRAWAL_FINAL);
    LIE(WITHDRAWALS, withdrawal, 1, record.block = 9);
    LIE(WITHDRAWALS, withdrawal, 1, record.block = 0);
    LIE(WITHDRAWALS, withdrawal, 1, record.asset = USD);
    LIE(ASSETS, asset, 0, record.in_flight.units++; record.supply.units++);
    LIE(WITHDRAWN, withdrawn, 0, record.sum.units = 0);
    LIE(WITHDRAWN, withdrawn, 0, record.account = 99);
    LIE(WITHDRAWN, withdrawn, 0, record.asset = 9);
    LIE(ACCOUNTS, account, 0, record.frozen = 2);
    pair_close(&pair);
}

/* ---- What rules 4 add: the fee, and the day for which a withdrawal counts. */

static struct world charged;
static struct custody_world charged_custody;

static void open_charged(void)
{
    world_prepare(&charged);
    charged_custody = (struct custody_world){.world = &charged};
    world_open(&charged);
    (void)world_account(&charged, 0, 0, 0);
    (void)world_account(&charged, 0, 100, 0);
    custody_open(&charged_custody);
    assert_int_equal(custody_allow(&charged_custody, 2), REJECT_NONE);
    custody_open_charges(&charged_custody);
    charged_custody.route.withdrawal_min.units = 3; /* no fee is above it */
    assert_int_equal(custody_route(&charged_custody), REJECT_NONE);
    assert_int_equal(custody_fee(&charged_custody, 3), REJECT_NONE);
    charged.stamp_ns = 20000 * UINT64_C(86400000000000);
    assert_int_equal(custody_withdraw(&charged_custody, 2, 30, "held"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&charged_custody, 2, 10, "approved"), REJECT_NONE);
}

static enum status restored_with(const struct snapshot_bytes *snapshot, struct world *twin)
{
    memset(twin, 0, sizeof(*twin));
    twin->genesis = charged.genesis;
    return snapshots_restore(twin, snapshot);
}

/* The engine that comes back writes the same bytes, and gives a withdrawal that is undone back to its day. */
TEST(restore_custody, what_rules_4_add_comes_back)
{
    static struct world twin;
    open_charged();
    const struct snapshot_bytes snapshot = snapshots_of(charged.engine, &charged.genesis);
    assert_int_equal(le_get_u32(snapshot.bytes + 8), SNAPSHOT_VERSION_TAGLESS);
    assert_int_equal(snapshots_count(&snapshot, SNAPSHOT_CHARGES), 2);
    assert_int_equal(restored_with(&snapshot, &twin), STATUS_OK);
    const struct snapshot_bytes again = snapshots_of(twin.engine, &twin.genesis);
    assert_int_equal(again.count, snapshot.count);
    assert_memory_equal(again.bytes, snapshot.bytes, again.count);
    const struct withdrawal *held = custody_withdrawal(&twin.engine->custody, 1);
    assert_int_equal(held->facts.fee.units, 3);
    assert_int_equal(held->facts.paid.units, 27);
    assert_int_equal(held->until_day, 20001);
    free(again.bytes);
    free(snapshot.bytes);
    world_close(&twin);
    world_close(&charged);
}

TEST(restore_custody, charges_that_cannot_be_are_refused)
{
    static const struct {
        uint64_t index;
        int64_t fee;
        uint32_t until_day;
    } lies[] = {{0, -1, 20001}, {0, 30, 20001}, {1, 10, 20001}, {0, 3, 20002}};
    static struct world twin;
    open_charged();
    const struct snapshot_bytes snapshot = snapshots_of(charged.engine, &charged.genesis);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t *at = snapshots_record(&snapshot, SNAPSHOT_CHARGES, lies[i].index), was[12];
        memcpy(was, at, sizeof(was));
        snapshot_charge_put(
            at, &(struct snapshot_charge){.fee = {lies[i].fee}, .until_day = lies[i].until_day});
        snapshots_rehash(&snapshot);
        assert_int_not_equal(restored_with(&snapshot, &twin), STATUS_OK);
        memcpy(at, was, sizeof(was));
    }
    /* A sum of the day below what counts for it. */
    struct snapshot_withdrawn day;
    uint8_t *at = snapshots_record(&snapshot, SNAPSHOT_WITHDRAWN, 0);
    snapshot_withdrawn_get(at, &day);
    assert_int_equal(day.sum.units, 40);
    day.sum.units = 39;
    snapshot_withdrawn_put(at, &day);
    snapshots_rehash(&snapshot);
    assert_int_not_equal(restored_with(&snapshot, &twin), STATUS_OK);
    day.sum.units = 41; /* of one that was put out */
    snapshot_withdrawn_put(at, &day);
    snapshots_rehash(&snapshot);
    assert_int_equal(restored_with(&snapshot, &twin), STATUS_OK);
    world_close(&twin);
    free(snapshot.bytes);
    world_close(&charged);
}
