/* A question about the past as PostgreSQL is asked: which statement, and its parameters.
 *
 * Owner    anybody; nothing is kept
 * Limits   QUERY_PARAMETERS_MAX parameters of at most 47 characters. Numbers beyond bigint are as large as bigint
 */

#ifndef GATEWAY_QUERY_H
#define GATEWAY_QUERY_H

#include "gateway/history.h"
#include "gateway/query_sql.h"

#define QUERY_PARAMETERS_MAX 8

struct query_parameters {
    int count;
    char texts[QUERY_PARAMETERS_MAX][48];
};

/* The number of its statement (query_sql.h). Needs: a kind that is asked for as such: HISTORY_ORDER_FILLS is HISTORY_FILLS
 * with an order. */
uint32_t query_statement(const struct history_query *query);

/* "h0" .. : what it is prepared as. */
void query_statement_name(uint32_t statement, char name[8]);

void query_parameters_of(const struct history_query *query, struct query_parameters *parameters);

#endif /* GATEWAY_QUERY_H */
