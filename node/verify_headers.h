/* What can be said of blocks without executing them: header after header, from where a chain begins.
 *
 * Each follows the one before it by its hash, numbers and voters; a certificate is checked with the set that its header
 * names, if anybody knows it (node/voters.h); of a body that is here, all that its bytes alone decide. From block 1 on
 * the history of each header is checked as well, and as long as no body lacks, that none makes or loses money
 * (node/conservation.h).
 *
 * Owner    the auditor
 * Memory   the caller's; the chain's reader and the voters outlive it
 */

#ifndef NODE_VERIFY_HEADERS_H
#define NODE_VERIFY_HEADERS_H

#include "ledger/chain.h"
#include "ledger/history.h"
#include "node/conservation.h"
#include "node/verify_fault.h"
#include "node/voters.h"

struct verify_headers {
    struct chain *chain;
    const struct voters *voters;
    hash_t chain_id;
    struct conservation *conservation; /* NULL: money is not counted */
    /* Where it has come to. */
    uint64_t height; /* 0: nowhere yet */
    struct block_header header;
    hash_t hash;
    struct history history;
    bool from_first; /* `history` is that of block 1 and all above */
    /* What was found. */
    uint64_t body_count; /* bodies whose bytes are right */
    uint64_t
        conserved_height;     /* up to it no block from 1 on makes or loses money; 0: not counted */
    uint64_t certified_count; /* certificates that are right */
    uint64_t certified_height;
    enum voters_word word;  /* the weakest word of their voters */
    uint64_t unknown_count; /* certificates of voters whom nobody knows */
    uint64_t unknown_first, unknown_last;
    struct verify_fault fault; /* the first thing that is wrong */
};

/* `conservation` is new, or NULL. */
void verify_headers_begin(struct verify_headers *headers, struct chain *chain,
                          const struct voters *voters, hash_t chain_id,
                          struct conservation *conservation);

/* The next header: `height` is the first, or one above the last. STATUS_MISMATCH: `fault` says what is wrong; other
 * statuses are those of reading, with a reason too. */
MUST_CHECK enum status verify_headers_next(struct verify_headers *headers, uint64_t height);

#endif /* NODE_VERIFY_HEADERS_H */
