/* In which block a market's trade is: one small file a market, beside the chain.
 *
 *     DIR/<market>   records of 24 bytes, heights and trades rising:
 *                    height u64 | first trade u64 | count u32 | crc32c u32 (of the 20 bytes before)
 *
 * A market's trades are numbered without a gap, so a block's are a range. The files follow from the blocks:
 * a node that starts from a checkpoint goes through the blocks above it again, and they are compared or written
 * then; what lies below a checkpoint was synchronised before it counted. A node that began above the genesis has the
 * trades from there on.
 *
 * Owner    a writer: one thread of one process. Readers: any number, while the writer adds
 * Memory   struct trade_spans is the caller's, some 20 KiB
 * Cost     add: one file opened, one read, one write, per block and market traded; find: 17 bits of a year's
 *          blocks, some 28 reads of 24 bytes
 */

#ifndef LEDGER_TRADE_INDEX_H
#define LEDGER_TRADE_INDEX_H

#include "common/messages.h"
#include "common/params.h"
#include "common/status.h"

#define TRADE_INDEX_RECORD_BYTES 24

/* A block's trades of one market. */
struct trade_span {
    uint16_t market;
    uint32_t count;
    uint64_t first;
};

/* All of a block's. */
struct trade_spans {
    uint16_t count;
    struct trade_span spans[PARAMS_MARKETS_LIMIT];
    uint16_t places[PARAMS_MARKETS_LIMIT]; /* by market: its place among them, and one; 0: none */
};

/* ---- Pure (trade_index.c). ---- */

void trade_spans_begin(struct trade_spans *spans);

/* Counts a fill. Events of other kinds are none. */
void trade_spans_add(struct trade_spans *spans, const struct event *event);

void trade_index_put(uint8_t at[TRADE_INDEX_RECORD_BYTES], uint64_t height,
                     const struct trade_span *span);
/* False for what is no record; the market is not in it. */
MUST_CHECK bool trade_index_get(const uint8_t at[TRADE_INDEX_RECORD_BYTES], uint64_t *height,
                                struct trade_span *span);

/* ---- The files (trade_index_fs.c). ---- */

/* Adds the trades of a block, or finds that they are there; what is there of this height or above and differs, goes.
 * Makes the folder. STATUS_IO, STATUS_NO_SPACE, logged. */
MUST_CHECK enum status trade_index_add(const char *directory, uint64_t height,
                                       const struct trade_spans *spans);

/* All that was added is on the disk when it returns STATUS_OK. */
MUST_CHECK enum status trade_index_sync(const char *directory);

/* The block that has the trade. STATUS_NOT_FOUND: none is known here; STATUS_IO, logged. */
MUST_CHECK enum status trade_index_find(const char *directory, uint16_t market, uint64_t trade_id,
                                        uint64_t *height);

#endif /* LEDGER_TRADE_INDEX_H */
