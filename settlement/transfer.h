/* Transfers: a deposit, a withdrawal or an address that the engine says has changed is the one that its command
 * and what came before lead to, to the last field; and what it moves is booked.
 *
 *     deposit credited    external -> available        withdrawal asked     available -> held
 *     taken back          available -> external        approved             held -> in flight
 *                                                      denied               held -> available
 *                                                      final                in flight -> external
 *                                                      failed               in flight -> available
 *
 * Owner    the thread of the settlement it belongs to
 */

#ifndef SETTLEMENT_TRANSFER_H
#define SETTLEMENT_TRANSFER_H

#include "settlement/state.h"

/* ADDRESS_CHANGED, ACCOUNT_FROZEN, DEPOSIT_CHANGED, WITHDRAWAL_CHANGED. */
MUST_CHECK enum status transfer_address(struct settlement *s, const struct event *event);
MUST_CHECK enum status transfer_frozen(struct settlement *s, const struct event *event);
MUST_CHECK enum status transfer_deposit(struct settlement *s, const struct event *event);
MUST_CHECK enum status transfer_withdrawal(struct settlement *s, const struct event *event);

/* Whether an account that had to be frozen was. */
MUST_CHECK enum status transfer_close(struct settlement *s);

/* What withdrawals that wait for approval hold, and what is in flight, of the asset. */
__int128 transfer_held(const struct settlement *s, uint16_t asset);
__int128 transfer_in_flight(const struct settlement *s, uint16_t asset);

#endif /* SETTLEMENT_TRANSFER_H */
