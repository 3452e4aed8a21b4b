#include "node/anchor_halt.h"

#include "common/log.h"

#include <stdio.h>

void anchor_halt(struct anchor *anchor, struct evidence_halt found)
{
    const struct anchor_options *options = anchor->options;
    log_error("anchor", "halted", "reason=\"%s\" height=%lu command=%lu %s", found.what,
              anchor->digest->height, anchor->digest->command, found.facts);
    anchor->halted = true;
    found.chain_id = anchor->digest->chain_id;
    /* What cannot be kept has been logged; the halt stands all the same. */
    if (options->evidence_directory != NULL)
        (void)!evidence_keep_halt(options->evidence_directory, &found);
    metric_set(&options->metrics->halted, 1);
    /* release: whoever sees it finds the log line and the evidence written. Pairs with the readers'
     * acquire. */
    atomic_store_explicit(&options->progress->halted, 1, memory_order_release);
}

void anchor_halt_hashes(struct anchor *anchor, struct evidence_halt found, const char *field,
                        hash_t ours, hash_t theirs)
{
    char ours_text[2 * HASH_BYTES + 1], theirs_text[2 * HASH_BYTES + 1], facts[256];
    hash_hex(ours.bytes, HASH_BYTES, ours_text);
    hash_hex(theirs.bytes, HASH_BYTES, theirs_text);
    snprintf(facts, sizeof(facts), "at_height=%lu differs=%s ours=%s theirs=%s", found.height,
             field, ours_text, theirs_text);
    found.facts = facts;
    anchor_halt(anchor, found);
}
