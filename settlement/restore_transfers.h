/* The custody of settlement's snapshot: addresses, deposits, withdrawals, and what was withdrawn today.
 *
 * Owner    whoever restores
 */

#ifndef SETTLEMENT_RESTORE_TRANSFERS_H
#define SETTLEMENT_RESTORE_TRANSFERS_H

#include "settlement/snapshot.h"
#include "settlement/state.h"

/* False when the records are no settlement's. What a withdrawal holds is taken off engine_held, as orders do.
 * Needs: parameters, accounts, totals and stamp are loaded. */
MUST_CHECK bool restore_transfers(struct settlement *s, struct settled_sections *sections);

#endif /* SETTLEMENT_RESTORE_TRANSFERS_H */
