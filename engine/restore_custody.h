/* The custody of a snapshot: addresses, deposits, withdrawals, and what was withdrawn today.
 *
 * Owner    whoever restores
 */

#ifndef ENGINE_RESTORE_CUSTODY_H
#define ENGINE_RESTORE_CUSTODY_H

#include "engine/sections.h"
#include "engine/state.h"

/* False when the records are no engine's. What a withdrawal holds is taken off what its account's balance has
 * unexplained. Needs: parameters, accounts and stamp are loaded. */
MUST_CHECK bool restore_custody(struct engine *engine, struct sections *sections);

#endif /* ENGINE_RESTORE_CUSTODY_H */
