/* The statements of questions about the past, in SQL: what each of them asks of PostgreSQL, and how it finds it by an index
 * whatever the statistics say.
 *
 * Every statement gives PostgreSQL's cursor in its first two columns (command, block time) and at
 * least one row; a row whose third column is null says that nothing matched. The first is below zero when the question
 * begins with what retention has dropped (settlement/retention.h): its answer would have a gap that nobody sees.
 *
 * Owner    text that nobody writes
 * Cost     a page by an index, or a bounded walk of one: tests/unit/node/test_history_plans.c counts what each reads
 */

#ifndef GATEWAY_QUERY_SQL_H
#define GATEWAY_QUERY_SQL_H

#include "gateway/history.h"

#define QUERY_STATEMENTS (HISTORY_KINDS * 2)

/* Statements are numbered 0 .. QUERY_STATEMENTS - 1; each kind has one for either end: twice the kind, oldest first, and the
 * next, newest first. Their parameters are those of query_parameters_of, their columns what query_read.h reads. */
const char *query_sql(uint32_t statement);

#endif /* GATEWAY_QUERY_SQL_H */
