/* Which two orders make an OCO: one that takes profit and one that stops a loss, each on its side of the price. The engine
 * refuses any other pair, too, as a combination; here it is told what is wrong with it.
 */

#ifndef GATEWAY_OCO_SHAPE_H
#define GATEWAY_OCO_SHAPE_H

#include "common/assert.h"
#include "common/form.h"
#include "common/reject.h"

#include <stdbool.h>

/* What the parameters that say it are called. */
struct oco_names {
    const char *side, *above_type, *below_type;
};

/* False with the refusal when the types can be no pair. One that is not sent, or no word, is left to who reads the orders. */
MUST_CHECK bool oco_shape_check(const struct form *form, const struct oco_names *names,
                                struct refusal *refusal);

#endif /* GATEWAY_OCO_SHAPE_H */
