/* A story's chain on disk, its settlement with a journal, and the table of proofs over both. */

#ifndef TESTS_NODE_PROVED_H
#define TESTS_NODE_PROVED_H

#include "gateway/proof_source.h"
#include "node/proof_table_os.h"
#include "settlement/proof_journal.h"
#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/story.h"

struct proved {
    struct story story;
    struct chain_folder folder;
    char trades[128];
    struct arena arena, journal_arena;
    struct settlement *settlement;
    struct digest digest;
    struct proof_table *table;
    const struct proof_source *source;
};

/* Digests the story's blocks again, as an anchor does. */
static inline void proved_digest(struct proved *proved)
{
    for (uint32_t i = 0; i < proved->story.height; i++) {
        const struct story_block *block = &proved->story.blocks[i];
        const uint8_t *at = block->body, *const end = at + block->body_bytes;
        struct applied record;
        struct command command;
        struct digest_block made;
        bool sealed = false;
        while (block_next(&at, end, &record, &command))
            if (digest_record(&proved->digest, &record, &command, &made, &sealed) != STATUS_OK)
                abort();
        if (!sealed || !hash_equal(made.hash, block->hash)) abort();
        uint64_t fills = 0;
        for (uint16_t k = 0; k < proved->digest.trades.count; k++)
            fills += proved->digest.trades.spans[k].count;
        if (fills != block->header.fill_count) abort(); /* its own trades and no others */
        if (trade_index_add(proved->trades, i + 1, &proved->digest.trades) != STATUS_OK) abort();
    }
}

/* Bit h - 1 of `certified` gives block h a certificate. Keeps the story's plan. */
static inline void proved_begin(struct proved *proved, uint32_t certified)
{
    const struct story_plan plan = proved->story.plan;
    memset(proved, 0, sizeof(*proved));
    proved->story.plan = plan;
    story_tell(&proved->story, 0);
    chain_folder_make(&proved->folder);
    snprintf(proved->trades, sizeof(proved->trades), "%s/trades", proved->folder.path);
    const struct genesis *genesis = &proved->story.journal.genesis;
    const struct proof_journal_limits limits = proof_journal_limits_of(&genesis->params);
    if (!arena_map(&proved->arena, settlement_bytes(genesis)) ||
        !arena_map(&proved->journal_arena, proof_journal_bytes(&genesis->params, &limits)))
        abort();
    proved->settlement = settlement_new(&proved->arena, genesis, journal_tree_secret);
    struct proof_journal *journal =
        proof_journal_new(&proved->journal_arena, &genesis->params, &limits);
    settlement_keep(proved->settlement, journal);
    digest_begin(&proved->digest, genesis, proved->settlement);
    story_write(&proved->story, proved->folder.path, certified);
    proved_digest(proved);
    const struct proof_table_options options = {.chain = proved->folder.path,
                                                .trades = proved->trades,
                                                .journal = journal,
                                                .settlement = proved->settlement};
    if (proof_table_open(&options, &proved->table) != STATUS_OK) abort();
    proved->source = proof_table_source(proved->table);
}

static inline void proved_end(struct proved *proved)
{
    proof_table_close(proved->table);
    chain_folder_remove_files(proved->trades);
    chain_folder_remove(&proved->folder);
    arena_unmap(&proved->arena);
    arena_unmap(&proved->journal_arena);
    story_end(&proved->story);
}

#endif /* TESTS_NODE_PROVED_H */
