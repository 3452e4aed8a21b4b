/* quorex light check: what a proof proves to whoever follows the chain, offline or with a server's help.
 *
 *     quorex light check --data DIR --proof FILE ...            what a server answered, kept as a file
 *     quorex light check --data DIR --url URL --header H [--at N]
 *     quorex light check --data DIR --url URL --from A [--to B]
 *
 * Every proof ends in the root of the history, and that is known here from certified headers: the root of size n is the
 * history_root of header n + 1. A folder that another process writes may be asked meanwhile.
 *
 *     inclusion      header H, with this hash, is block H of the certified chain
 *     consistency    the chain of A headers with this root is the beginning of the certified one
 *
 * Proofs that begin in a block, of accounts and receipts, end in one of its roots; they join the table in light_page_json.c
 * and the one in light_check.c.
 *
 * Owner    a program of its own
 */

#ifndef NODE_LIGHT_CHECK_H
#define NODE_LIGHT_CHECK_H

#include "node/light_page.h"
#include "node/light_store.h"

#define LIGHT_CHECK_REASON_MAX 256

/* What is known here: a light node's folder, opened and checked. */
struct light_known {
    struct light light;
    struct light_store *store;
};

/* Whether `proof` proves what it says. `words`: what is proved, or why it is not. */
MUST_CHECK bool light_check_proof(const struct light_known *known, const struct light_proof *proof,
                                  char words[LIGHT_CHECK_REASON_MAX]);

/* What a server was asked to prove: about which block or size, in the history of which size. */
struct light_asked {
    enum light_proof_kind kind;
    uint64_t low, high;
};

/* Whether the proof is about that. A right proof of another kind or size says nothing about what was asked. */
bool light_check_is_asked(const struct light_proof *proof, const struct light_asked *asked);

/* Returns 0, 1 when something is not proved, 2 on wrong usage. */
int light_check_main(int argc, char **argv);

#endif /* NODE_LIGHT_CHECK_H */
