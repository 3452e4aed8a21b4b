#include "ledger/history.h"

void history_begin(struct history *history)
{
    merkle_begin(&history->tree);
}

hash_t history_leaf(hash_t header_hash)
{
    return merkle_leaf(header_hash.bytes, HASH_BYTES);
}

void history_add(struct history *history, uint64_t height, hash_t header_hash)
{
    ASSERT(height == history->tree.leaf_count + 1);
    merkle_add(&history->tree, history_leaf(header_hash));
}

uint64_t history_height(const struct history *history)
{
    return history->tree.leaf_count;
}

hash_t history_root(const struct history *history)
{
    return merkle_root(&history->tree);
}
