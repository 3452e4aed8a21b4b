/* An account's deposits and withdrawals as the wallet API lists them: by coin, state and time, newest first.
 *
 * Memory speaks for those it has, and PostgreSQL for older ones, as in recall_custody.h. When one that memory has was
 * restored from a checkpoint it does not know since when: then PostgreSQL does.
 *
 * Owner    one gateway loop
 * Limits   the account's newest WALLET_LOOK_MAX are looked through; when that is not enough for the times and the limit
 *          that were asked for, the answer is REJECT_TRANSFERS_MANY
 * Cost     O(what memory holds, addresses of all included, + rows): each is looked at once
 */

#ifndef GATEWAY_RECALL_WALLET_H
#define GATEWAY_RECALL_WALLET_H

#include "gateway/query_read.h"
#include "gateway/reply.h"

#define WALLET_LOOK_MAX 1000

/* Whether memory alone has all that the question may show. */
bool recall_wallet_is_whole(const struct history_query *query, const struct view *view);

/* `rows` is NULL when memory alone answers. False with `refusal`. */
MUST_CHECK bool recall_wallet_answer(const struct history_query *query,
                                     const struct history_rows *rows, const struct view *view,
                                     const struct printing *printing, struct writer *json,
                                     struct refusal *refusal);

#endif /* GATEWAY_RECALL_WALLET_H */
