/* quorex verify --liabilities FILE, --opening FILE: whether a published file holds, and a holder's leaves in it, offline.
 *
 * Owner    a command of its own
 * Memory   the openings, some 1 MiB; the file is read as it comes
 */

#ifndef NODE_VERIFY_LIABILITIES_H
#define NODE_VERIFY_LIABILITIES_H

#include "common/assert.h"

#include <stdbool.h>

/* Whether a command's words ask for it. */
MUST_CHECK bool verify_liabilities_asked(int argc, char **argv);

/* Prints what holds, or what is wrong. Returns 0 when all holds, 1 when something does not, 2 when it cannot be told. */
int verify_liabilities_main(int argc, char **argv);

#endif /* NODE_VERIFY_LIABILITIES_H */
