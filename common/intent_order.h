/* The parameters of one order, whatever a request calls them: a request for one order, for an order
 * with a cancel, and each leg of an order list are read by the same rules.
 */

#ifndef COMMON_INTENT_ORDER_H
#define COMMON_INTENT_ORDER_H

#include "common/intent.h"

/* The parameters that depend on the order's type, in the order in which they are checked. */
enum order_field {
    TIME_IN_FORCE,
    QUANTITY,
    QUOTE_QTY,
    PRICE,
    STOP_PRICE,
    TRAILING_DELTA,
    ICEBERG_QTY,
    ORDER_FIELD_COUNT
};

/* What a request calls them; NULL for what it has no parameter for. */
struct order_names {
    const char *side;
    const char *type; /* NULL: the caller has set the order's type */
    const char *client_id;
    const char *strategy_id, *strategy_type;
    const char *pegs[3];
    const char *fields[ORDER_FIELD_COUNT];
};

/* Fills side, type, time in force, client id, prices and quantities of `order`, and the numbers of `tag`, which stays
 * empty below rules 5. Needs: order->market is set; the other fields are 0. */
MUST_CHECK bool intent_order_read(const struct form *form, const struct order_names *names,
                                  const struct params *params, struct order_place_command *order,
                                  struct order_tag *tag, struct refusal *refusal);

/* selfTradePreventionMode, or the market's own. */
MUST_CHECK bool intent_order_self_trade(const struct form *form, const struct market *market,
                                        uint8_t *mode, struct refusal *refusal);

/* A quantity in lots, above zero. A field that is NULL leaves it as it is. */
MUST_CHECK bool intent_order_qty(const struct form_field *field, const struct params *params,
                                 uint16_t market, qty_t *qty, struct refusal *refusal);

/* The requests that become commands of a trader. A signature does not cover the path, so the text of
 * one must not pass for another: each has parameters that the others refuse. */
enum intent_request {
    REQUEST_ORDER = 1 << 0,
    REQUEST_REPLACE = 1 << 1,
    REQUEST_CANCEL = 1 << 2,
    REQUEST_CANCEL_ALL = 1 << 3,
    REQUEST_AMEND = 1 << 4,
    REQUEST_OCO = 1 << 5,
    REQUEST_OTO = 1 << 6,
    REQUEST_OTOCO = 1 << 7,
    REQUEST_OLD_OCO = 1 << 8,
    REQUEST_LIST_CANCEL = 1 << 9,
    REQUEST_SWITCH = 1 << 10,
};

/* Refuses the parameters that mark other requests than `request`. */
MUST_CHECK bool intent_order_only(const struct form *form, enum intent_request request,
                                  struct refusal *refusal);

#endif /* COMMON_INTENT_ORDER_H */
