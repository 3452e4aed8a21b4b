/* Deposits and withdrawals as one list: those that memory remembers, and older ones from PostgreSQL.
 *
 * Memory has the newest by number, as the log has (custody_view.h), and speaks for them. What it has put out has ended
 * and does not change any more, so PostgreSQL's row of it is final once its cursor has passed the command that put
 * out the last one; before that the answer would have a gap, and is a refusal.
 *
 * Owner    one gateway loop
 * Cost     O(what memory holds + rows)
 */

#ifndef GATEWAY_RECALL_CUSTODY_H
#define GATEWAY_RECALL_CUSTODY_H

#include "gateway/query_read.h"
#include "gateway/reply.h"

/* HISTORY_DEPOSITS, HISTORY_WITHDRAWALS. */
bool recall_custody_has(enum history_kind kind);

/* Up to which number there are any: a question goes no further, so that rows of what memory has not heard of take
 * nobody's place. */
uint64_t recall_custody_last(enum history_kind kind, const struct view *view);

/* Whether memory alone has every one that the query may show. */
bool recall_custody_is_whole(const struct history_query *query, const struct view *view,
                             const struct params *params);

/* An account's are written newest first, all accounts' by rising number. `rows` is NULL when memory alone answers. */
MUST_CHECK bool recall_custody_answer(const struct history_query *query,
                                      const struct history_rows *rows, const struct view *view,
                                      const struct printing *printing, struct writer *json);

#endif /* GATEWAY_RECALL_CUSTODY_H */
