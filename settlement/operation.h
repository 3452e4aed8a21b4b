/* Operation: what operators' commands list, open and grant, and what arms and fires a switch, is what
 * was asked for.
 *
 * Owner    the thread of the settlement it belongs to
 */

#ifndef SETTLEMENT_OPERATION_H
#define SETTLEMENT_OPERATION_H

#include "settlement/state.h"

/* ASSET_CREATED, MARKET_CREATED, MARKET_STATUS_CHANGED, MARKET_FILTERED. */
MUST_CHECK enum status operation_parameters(struct settlement *s, const struct event *event);
/* LIABILITIES_ORDERED. */
MUST_CHECK enum status operation_liabilities(struct settlement *s, const struct event *event);

/* One each: ACCOUNT_CREATED, KEY_ADDED, CREDITED, DEBITED, TIER_SET, TIER_CHANGED, SWITCH_ARMED,
 * SWITCH_FIRED. */
MUST_CHECK enum status operation_account(struct settlement *s, const struct event *event);
MUST_CHECK enum status operation_key(struct settlement *s, const struct event *event);
MUST_CHECK enum status operation_credited(struct settlement *s, const struct event *event);
MUST_CHECK enum status operation_debited(struct settlement *s, const struct event *event);
MUST_CHECK enum status operation_tier_set(struct settlement *s, const struct event *event);
MUST_CHECK enum status operation_tier_changed(struct settlement *s, const struct event *event);
MUST_CHECK enum status operation_switch_armed(struct settlement *s, const struct event *event);
MUST_CHECK enum status operation_switch_fired(struct settlement *s, const struct event *event);

/* Whether an ACCOUNT_TIER left the account with the tier that is due. */
MUST_CHECK enum status operation_close(struct settlement *s);

#endif /* SETTLEMENT_OPERATION_H */
