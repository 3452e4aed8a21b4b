/* quorex verify --proof FILE: whether a proof holds, offline, by the voters of the genesis or those of a file.
 *
 * Owner    a command of its own
 */

#ifndef NODE_VERIFY_PROOF_H
#define NODE_VERIFY_PROOF_H

#include "common/genesis.h"
#include "common/proof.h"
#include "common/status.h"

struct verify_proof_options {
    const char *proof; /* a file: the bytes, or the exchange's answer (JSON) with them in "proof" */
    const char *genesis; /* a file: names the chain, and its first voters */
    const char *
        validators; /* a file with "validators", as /quorex/v1/validators has them; NULL: the genesis' */
    const char *account; /* 64 hex digits: whose leaf it must be; NULL: any proof */
};

/* Prints what the proof says, or what is wrong with it. Returns 0 when it holds, 1 when not, 2 when it cannot be told.
 * Needs: hash_start. */
int verify_proof(const struct verify_proof_options *options);

/* Reads the file's bytes, or those of the "proof" in it when it is JSON. */
MUST_CHECK enum status verify_proof_read(const char *path, uint8_t bytes[PROOF_BYTES_MAX],
                                         size_t *byte_count);

/* Reads "validators" of the file; with NULL the set stays as it is. */
MUST_CHECK bool verify_proof_validators(const char *path, struct validator_set *set);

/* Prints a name and whole units, as decimal text. */
void verify_proof_print_units(const char *name, __int128 value);

#endif /* NODE_VERIFY_PROOF_H */
