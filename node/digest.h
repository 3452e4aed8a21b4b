/* The chain as a function of the log: records in, at each SEAL a header out.
 *
 * Every record is settled and sealed in the same breath. The anchor does this with what the engine
 * hands it, the auditor with what it finds in a body; both get the same headers or one of them is
 * wrong.
 *
 * Owner    one thread; pure but for the settlement it is given, which is pure too, and for who hashes aside
 * Memory   struct digest is the caller's
 * Cost     an event settled and hashed; a block the account tree (settle.h)
 */

#ifndef NODE_DIGEST_H
#define NODE_DIGEST_H

#include "common/genesis.h"
#include "ledger/block.h"
#include "ledger/epoch.h"
#include "ledger/history.h"
#include "ledger/seal.h"
#include "ledger/trade_index.h"
#include "node/membership.h"
#include "settlement/expect.h"
#include "settlement/reconcile.h"
#include "settlement/settle.h"

#define DIGEST_FAULT_MAX 320
#define DIGEST_AHEAD     2 /* records that are announced before the one that is digested */

/* Who puts records into the seal in the digest's place: hasher.h. */
struct digest_hashing {
    void (*add)(void *context); /* a record follows what came; NULL: the digest does it, at once */
    void (*finish)(void *context); /* at its return all of the block is in the seal */
    void *context;
};

struct digest {
    struct settlement *settlement;
    hash_t chain_id;
    struct membership membership;
    /* The headers up to `height`, by which the statements of an EPOCH_CHANGE are judged: set by whoever has
     * the chain's files. While nobody has, no change of epoch may stand. */
    struct epoch_chain chain;
    struct seal seal;
    struct digest_hashing hashing;
    struct history history;
    struct trade_spans
        trades; /* of block `trades_height`: while it is built, and until the next begins */
    uint64_t trades_height;
    hash_t last_hash;                            /* of the last header, zero before the first */
    uint64_t height;                             /* of the last header */
    uint64_t command;                            /* the last one digested */
    uint64_t expected;                           /* the last command that was announced */
    struct expect_named named[DIGEST_AHEAD + 1]; /* by command, modulo their count */
    char fault[DIGEST_FAULT_MAX]; /* after STATUS_MISMATCH: what differs, with both figures */
};

struct digest_block {
    struct block_header header;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    hash_t hash;
};

/* Needs: both outlive the digest; `settlement` is new. */
void digest_begin(struct digest *digest, const struct genesis *genesis,
                  struct settlement *settlement);

/* From here on `hashing` puts records into digest->seal; it may do so on another thread, up to `finish`. NULL: the digest
 * does it again, all that came being in the seal.
 * Needs: no block is under way, unless NULL. */
void digest_hash_aside(struct digest *digest, const struct digest_hashing *hashing);

/* Announces a record, the first part of one at least, that will be digested after at most DIGEST_AHEAD others: what it will
 * touch is asked of memory meanwhile. Whoever has them announces all of them in order; nothing hangs on it but time.
 * Needs: `command` is the record's. */
void digest_expect(struct digest *digest, const struct applied *record,
                   const struct command *command);

/* Digests one whole record: all events of one command. *sealed says whether the block ended with it and
 * `block` was filled. STATUS_MISMATCH: the record cannot follow from the log; the digest is of no use
 * any more.
 * Needs: `command` is the record's. */
MUST_CHECK enum status digest_record(struct digest *digest, const struct applied *record,
                                     const struct command *command, struct digest_block *block,
                                     bool *sealed);

/* Compares what the engine has told of some accounts with the state after the last block (reconcile.h).
 * STATUS_MISMATCH as digest_record. Needs: the slice is of that block, and nothing came after it. */
MUST_CHECK enum status digest_reconcile(struct digest *digest, const struct balance_slice *slice,
                                        bool *ended, struct reconcile_pass *pass);

/* What is wrong with an EPOCH_CHANGE if it came next in the log, NULL: nothing. One that is not of this time, which
 * the engine refuses, is none to object to.
 * Needs: `command` is one. */
const char *digest_epoch_objection(const struct digest *digest, const struct command *command);

#endif /* NODE_DIGEST_H */
