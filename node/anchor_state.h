/* Everything the anchor is made of, for the files that make it up; others see anchor.h.
 *
 * Owner    the anchor's thread
 */

#ifndef NODE_ANCHOR_STATE_H
#define NODE_ANCHOR_STATE_H

#include "common/arena.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"
#include "ledger/history_store.h"
#include "ledger/sign_once.h"
#include "ledger/vote.h"
#include "node/anchor.h"
#include "node/change_queue.h"
#include "node/hasher.h"

struct anchor {
    const struct anchor_options *options;
    struct arena arena; /* of a settlement that is made here */
    struct digest own_digest;
    struct digest *digest;
    struct digest_block last;    /* the block sealed last */
    struct validator_set voters; /* of the block that is being built */
    struct chain *chain;
    struct hasher *hasher;
    struct history_store *history; /* NULL: not wanted */
    struct sign_once once;
    struct vote_state voting;
    struct certificate_tally tally;
    struct certificate_tally checkpoints;
    struct certificate checkpoint; /* the newest of one; height 0: it was handed on */
    struct certificate_tally liabilities;
    struct certificate liability; /* likewise */
    uint64_t liabilities_ordered; /* the checkpoint's height of which an operator wants them */
    uint64_t marked_ns;           /* of the last checkpoint's block; 0: there was none */
    struct change_queue changes;
    uint64_t turned;    /* last block that handed over to another set and is certified by itself */
    uint64_t stuck;     /* where no header can get enough votes; 0: nowhere */
    enum status status; /* of the first failure */
    bool votes;         /* there is a sign-once file, and a ring for this node's votes */
    bool halted;
    bool facts_full; /* nothing is taken until there is room for what may come of it */

    /* The body of the block under way: whole records, then the one being put together. */
    uint8_t *body;
    size_t body_bytes, body_capacity;
    size_t record_start;

    /* Heights up to which the gateway was told. */
    uint64_t sealed_noticed, certified_noticed;

    /* The EPOCH_CHANGE that operators have left here; no bytes: none. */
    struct {
        uint8_t bytes[EPOCH_COMMAND_BYTES_MAX];
        size_t byte_count;
        struct command command;
        uint64_t epoch;
        bool considered; /* at considered_ns */
        uint64_t considered_ns;
        const char *objection; /* that was logged last */
    } change;

    uint64_t shelved;         /* up to here bodies may go: what releases need of them is kept */
    uint64_t shelve_again_ns; /* that failed, and is not tried before; 0: it did not fail */
    uint64_t pruned;          /* no body below this height can go any more, but with others above */
};

#endif /* NODE_ANCHOR_STATE_H */
