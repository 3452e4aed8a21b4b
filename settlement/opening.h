/* Accounts that are opened with a key pair alone, as settlement checks them: that they may be, are the key's who signed,
 * and wait for an operator when they must. From rules 8 on.
 *
 * Owner    the thread of the settlement it belongs to
 */

#ifndef SETTLEMENT_OPENING_H
#define SETTLEMENT_OPENING_H

#include "settlement/state.h"

#define OPENING_HOUR_NS UINT64_C(3600000000000)

/* ACCOUNT_CREATED of an ACCOUNT_OPEN. */
enum status opening_created(struct settlement *s, const struct event *event);

/* ACCOUNT_PENDING. */
enum status opening_pending(struct settlement *s, const struct event *event);

/* Whether the command is of an account that waits, so that it must be refused. */
bool opening_waits(const struct settlement *s, uint32_t account);

/* At the command's end. */
enum status opening_close(struct settlement *s);

#endif /* SETTLEMENT_OPENING_H */
