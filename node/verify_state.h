/* An audit under way: what verify.c, verify_execute.c and verify_checkpoint.c share.
 *
 * Owner    verify_audit
 */

#ifndef NODE_VERIFY_STATE_H
#define NODE_VERIFY_STATE_H

#include "common/arena.h"
#include "ledger/chain.h"
#include "node/conservation.h"
#include "node/digest.h"
#include "node/verify.h"

struct engine;

struct audit {
    const struct verify_options *options;
    const struct genesis *genesis;
    struct verify_result *result;
    struct arena engine_arena, settlement_arena, events_arena, conservation_arena;
    struct engine *engine;
    struct conservation *conservation;
    struct digest digest;
    struct validator_set voters; /* of the block in hand */
    struct chain *chain;
    struct chain *headers; /* another reader of the same: the block in hand stays good */
    uint8_t *events;       /* what re-execution of one command gives */
    size_t events_bytes;
    struct block_header previous;
    hash_t previous_hash;
};

#endif /* NODE_VERIFY_STATE_H */
