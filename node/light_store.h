/* A light node's folder: what it knows, kept so that a start needs nobody, and checked at every start.
 *
 *     DIR/genesis.json   the genesis that it was begun with
 *     DIR/trusted        an operator's word, if it was begun, or went on, with one (node/trusted.h)
 *     DIR/lineage        the steps from one set of voters to the next (ledger/lineage.h)
 *     DIR/chain/         headers, and the certificates that were needed (ledger/chain.h)
 *     DIR/pending        headers above the newest certificate, 448 bytes each: they count for nothing, and are fetched again
 *     DIR/evidence/      who signed twice, and forks (node/evidence.h, node/light_fork.h)
 *
 * Only what is certified goes into the chain. A hand-over's step is on disk before its header is, so every set that a
 * header of the chain names can be found again.
 *
 * Owner    one thread; of a folder, one process that writes and any number that read
 * Memory   light_store_open gives, light_store_close frees
 * Limits   files that rotted go to chain/quarantine and are fetched again; who finds a header in DIR that its own genesis
 *          does not lead to puts the whole chain there
 * Cost     open: reads every byte; three hashes a header and the signatures of hand-overs and of the last certificate;
 *          some 130 bytes of memory a header meanwhile
 */

#ifndef NODE_LIGHT_STORE_H
#define NODE_LIGHT_STORE_H

#include "common/genesis.h"
#include "ledger/light.h"
#include "node/trusted.h"

#define LIGHT_GENESIS_FILE "genesis.json" /* in DIR */

struct light_store;

struct light_store_options {
    const char *directory;         /* exists */
    const struct genesis *genesis; /* outlives the store */
    const struct trusted *trusted; /* an operator's word; height 0: none. Outlives the store */
    bool writes;
};

/* Opens the folder and brings `light` to what is certified there. STATUS_EXISTS: another process writes it;
 * STATUS_MISMATCH: the chain there has other voters at the height that an operator vouches for; for a reader also
 * STATUS_DAMAGED; STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY: logged. */
MUST_CHECK enum status light_store_open(const struct light_store_options *options,
                                        struct light_store **store, struct light *light);
void light_store_close(struct light_store *store); /* NULL is let be */

/* Notes a header that light_take took. */
MUST_CHECK enum status light_store_pend(struct light_store *store, const struct light *light,
                                        const uint8_t header[BLOCK_HEADER_BYTES]);

/* Keeps what light_take made certified: everything noted since, the certificate of the last header, and `next`, to whom
 * that hands over, or NULL. Durable with light_store_sync; `next` at once. */
MUST_CHECK enum status light_store_certify(struct light_store *store, const struct light *light,
                                           const struct certificate *certificate,
                                           const struct validator_set *next);
MUST_CHECK enum status light_store_sync(struct light_store *store);

/* Reads what is certified. STATUS_NOT_FOUND when it is not there. */
MUST_CHECK enum status light_store_header(struct light_store *store, uint64_t height,
                                          uint8_t header[BLOCK_HEADER_BYTES]);
MUST_CHECK enum status light_store_certificate(struct light_store *store, uint64_t height,
                                               struct certificate *certificate);

/* The set with this hash among those that the folder knows, or NULL. light_take decides what it is worth. Good until the
 * next call of light_store_certify. */
const struct validator_set *light_store_voters(struct light_store *store, hash_t hash);

/* DIR/evidence. */
const char *light_store_evidence(const struct light_store *store);

/* A file of DIR/evidence that proves a fork, found before or now; empty when there is none. */
void light_store_fork(const struct light_store *store, char *path, size_t capacity);

#endif /* NODE_LIGHT_STORE_H */
