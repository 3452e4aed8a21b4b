/* A chain's files as what statements are judged by (ledger/epoch.h).
 *
 * Owner    whoever has the chain
 * Cost     a header: two reads, which end what the chain's last read gave
 */

#ifndef NODE_EPOCH_CHAIN_H
#define NODE_EPOCH_CHAIN_H

#include "ledger/chain.h"
#include "ledger/epoch.h"

/* Good while the chain is open. */
struct epoch_chain epoch_chain_of(struct chain *chain);

#endif /* NODE_EPOCH_CHAIN_H */
