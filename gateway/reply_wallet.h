/* Deposits, withdrawals and addresses as the wallet API of Binance (/sapi) prints them: its names, its numbers of states. */

#ifndef GATEWAY_REPLY_WALLET_H
#define GATEWAY_REPLY_WALLET_H

#include "gateway/reply_order.h"

/* The API's number of an enum deposit_state or withdrawal_state. */
int reply_wallet_deposit_status(uint8_t state);
int reply_wallet_withdrawal_status(uint8_t state);

/* `address`: to which it came, NULL where that is not known. */
void reply_wallet_deposit(struct writer *json, const struct printing *printing,
                          const struct deposit_changed_event *deposit,
                          const struct transfer_times *times,
                          const struct address_changed_event *address);

/* Of what leaves, the amount is what arrives: the fee is beside it. */
void reply_wallet_withdrawal(struct writer *json, const struct printing *printing,
                             const struct withdrawal_moved_event *withdrawal,
                             const struct transfer_times *times);

/* {"id":"7"}: what a withdrawal that was just asked for is found by. */
void reply_wallet_applied(struct writer *json, uint64_t withdrawal);

#endif /* GATEWAY_REPLY_WALLET_H */
