/* The tree of all headers: what a block's history_root commits to.
 *
 * Leaf h - 1 is the hash of header h. history_root of header h covers headers 1 .. h - 1, so a reader
 * who trusts one header can be shown any older one (inclusion), and a reader who kept an old root can
 * be shown that nothing below it was rewritten (consistency). Proofs are merkle.h's over history_leaf.
 *
 * Owner    the caller; pure
 * Memory   the frontier only, about 2 KiB
 */

#ifndef LEDGER_HISTORY_H
#define LEDGER_HISTORY_H

#include "ledger/merkle.h"

struct history {
    struct merkle tree;
};

void history_begin(struct history *history);

/* The leaf that stands for a header. */
hash_t history_leaf(hash_t header_hash);

/* Appends header `height`. Needs: it is the next. */
void history_add(struct history *history, uint64_t height, hash_t header_hash);

/* Headers so far. */
uint64_t history_height(const struct history *history);

/* history_root of header history_height + 1; of an empty history, SHA-256 of nothing. */
hash_t history_root(const struct history *history);

#endif /* LEDGER_HISTORY_H */
