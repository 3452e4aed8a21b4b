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
