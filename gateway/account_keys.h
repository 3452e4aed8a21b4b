/* An account's keys, of all that the view has; without those that it removed.
 *
 * Owner    one gateway loop
 * Cost     all of its keys together: O(keys of the exchange)
 */

#ifndef GATEWAY_ACCOUNT_KEYS_H
#define GATEWAY_ACCOUNT_KEYS_H

#include "gateway/view.h"

/* Walks them as they were added: NULL starts; NULL at the end. */
const struct view_key *account_keys_next(const struct view *view, uint32_t account,
                                         const struct view_key *key);

#endif /* GATEWAY_ACCOUNT_KEYS_H */
