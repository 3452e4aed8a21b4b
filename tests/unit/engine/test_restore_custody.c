#include "engine/restore_custody.h"

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
