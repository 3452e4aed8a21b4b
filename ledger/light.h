/* What a light node knows of a chain, and how it comes to know more: headers and certificates, and nobody's word.
 *
 * It begins with the voters of the genesis, or with a set that an operator vouches for from a height on. Each header
 * must follow the one before it; a certificate by q of the voters makes it, and all below it that lead there, certified:
 *
 *     certified ──► header ──► header ──► header with a certificate
 *        │            pending: counts for nothing        │
 *        └──────────────◄── all of it is certified ◄─────┘
 *
 * Another set of voters counts when a header that hands over to it (next_validators_hash) has a certificate of its own by
 * the old set. Until then headers above it may come, but no certificate of theirs counts: it is not known whose
 * signatures they would have to be. LIGHT_TURN_MAX above it that certificate is not to be expected any more, and somebody
 * has to vouch for the new set (docs/membership.md, "When the old set cannot sign").
 *
 * Owner    the caller; pure
 * Memory   struct light is the caller's, some 20 KiB; pending headers' bytes are the caller's to keep
 * Limits   LIGHT_PENDING_MAX headers above the newest certificate
 * Cost     a header: two hashes, some 2 us; with its certificate: q signatures, 50 us each. The caller chooses which
 *          certificates to show: one certifies all below
 *
 * Invariants, asserted by light_check:
 *   LI1  the tip is not below what is certified, and both are of this chain
 *   LI2  the voters of what is certified are known
 *   LI3  of a chain that was followed from block 1, the history has every header up to the tip
 */

#ifndef LEDGER_LIGHT_H
#define LEDGER_LIGHT_H

#include "ledger/certificate.h"
#include "ledger/history.h"

#define LIGHT_PENDING_MAX (1u << 20)
#define LIGHT_TURN_MAX    64 /* VOTE_TURN_MAX: no voter signs a hand-over later */

/* A place in the chain and what follows from it. */
struct light_point {
    uint64_t height; /* 0: before the first header */
    hash_t hash;
    struct block_header header;
    struct validator_set set; /* who signs the next header */
    bool set_known;
    uint64_t turn;          /* the hand-over behind which nobody is known; 0: there is none */
    struct history history; /* of all headers up to here; of a chain from block 1 */
};

struct light {
    hash_t chain_id;
    uint64_t first; /* the lowest header that is followed */
    /* An operator's word for the voters of one block; 0: none. */
    uint64_t trusted_height;
    hash_t trusted_hash;
    struct validator_set trusted;
    struct light_point certified;
    struct light_point tip; /* the last pending header, or what is certified */
};

/* One header of the chain and what came with it. */
struct light_step {
    const uint8_t *header;                 /* BLOCK_HEADER_BYTES */
    const struct certificate *certificate; /* of this very header; NULL: none is shown */
    const struct validator_set *next; /* to whom it hands over; NULL: not known yet, or to nobody */
};

enum light_answer {
    LIGHT_PENDING,   /* it follows the tip and is the tip now */
    LIGHT_CERTIFIED, /* and it is certified, with all below it */
    LIGHT_WANTS_SET, /* it would be, and hands over: nothing was done, show the next set with it */
    LIGHT_GAP, /* nothing was done: the voters before have not signed those over who would sign this */
    LIGHT_FULL, /* nothing was done: too many headers wait for a certificate */
    LIGHT_FALSE, /* nothing was done: it is not the next header of this chain, or not what is said of it */
};

/* Follows from block 1 on, by the voters of the genesis. */
void light_begin(struct light *light, hash_t chain_id, const struct validator_set *genesis);

/* Follows from block `height` on, by the voters that an operator vouches for.
 * Needs: height > 0. */
void light_begin_at(struct light *light, hash_t chain_id, uint64_t height,
                    const struct validator_set *trusted);

/* Follows above a header that is known to be certified, by the voters it hands over to. */
void light_begin_above(struct light *light, const uint8_t header[BLOCK_HEADER_BYTES],
                       const struct validator_set *next);

/* An operator vouches for the voters of block `height`, which lies above what is certified: a set may be missing before
 * them. */
void light_trust(struct light *light, uint64_t height, const struct validator_set *trusted);

/* Takes the header above the tip. `what` says why it is not, in words that follow "block 17: ". */
MUST_CHECK enum light_answer light_take(struct light *light, const struct light_step *step,
                                        const char **what);

/* Lets go of what is pending. */
void light_forget_pending(struct light *light);

/* Headers that wait for a certificate. */
uint64_t light_pending(const struct light *light);

/* Whether the header hands over to other voters, so that it needs a certificate of its own. */
bool light_hands_over(const struct block_header *header);

/* Whether the history of every header was computed here, from block 1 on. */
bool light_is_whole(const struct light *light);

/* The index-th node (from 0) that signed both of two headers of one epoch and height; fills both votes. False: there are
 * no more. What it signed is checked, whatever else the certificates are worth. `set`: the voters of that height. */
MUST_CHECK bool light_signed_twice(const struct certificate *one, const struct certificate *other,
                                   hash_t chain_id, const struct validator_set *set, uint32_t index,
                                   struct vote_command votes[2]);

/* Asserts LI1 to LI3. */
bool light_check(const struct light *light);

#endif /* LEDGER_LIGHT_H */
