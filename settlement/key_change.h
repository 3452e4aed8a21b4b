/* Keys as their accounts manage them: what the command alone must have led to.
 *
 * Owner    the settlement's thread
 */

#ifndef SETTLEMENT_KEY_CHANGE_H
#define SETTLEMENT_KEY_CHANGE_H

#include "settlement/state.h"

/* KEY_CREATED, KEY_LIMITED, KEY_REMOVED. */
enum status key_change(struct settlement *s, const struct event *event);

#endif /* SETTLEMENT_KEY_CHANGE_H */
