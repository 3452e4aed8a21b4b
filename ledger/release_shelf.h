/* What releases need, kept for ever: of blocks whose bodies went, beside the chain.
 *
 *     DIR/leaves   what release.h keeps of a block, one behind the other
 *     DIR/index    records of 32 bytes, heights rising:
 *                  height u64 | offset u64 | length u32 | crc32c u32 (of that part of leaves) |
 *                  zero u32 | crc32c u32 (of the 28 bytes before)
 *     DIR/earlier  the same of the chain's earlier part (chain.h), whose writer is another
 *
 * While a body is here, releases are made out of it and nothing is kept. Before bodies are taken away, release_shelf_take puts
 * on the disk what their releases need. A record that is damaged hides no other, and is written again when the block's body
 * is still here. What is read is checked by its sum here, and by who proves with it against the header, which is signed.
 *
 * Owner    a writer: the chain's. Readers: any number, while the writer adds
 * Memory   release_shelf_read gives, the caller frees
 * Limits   heights in which withdrawals were approved: 250 bytes a withdrawal, some 68 a block
 * Cost     take: a header a block; of a block with releases its body is read and hashed, and two files are synchronised.
 *          read: a bit of the records' count each, and one read; damaged records are gone over one by one
 */

#ifndef LEDGER_RELEASE_SHELF_H
#define LEDGER_RELEASE_SHELF_H

#include "common/block_header.h"
#include "common/status.h"

#include <stddef.h>

#define RELEASE_SHELF_RECORD_BYTES 32
#define RELEASE_SHELF_BLOCKS       1024 /* looked at in one call */

struct chain;

/* Goes on from block `*shelved` + 1 to `below` - 1, some blocks a call, and keeps what there is. Durable when *shelved has
 * come to below - 1. A body that is not here any more, or is damaged, is passed over. STATUS_IO, STATUS_NO_SPACE,
 * STATUS_NO_MEMORY: logged. */
MUST_CHECK enum status release_shelf_take(const char *directory, struct chain *chain,
                                          uint64_t *shelved, uint64_t below);

/* The same of the chain's earlier part, which has a writer of its own, into DIR/earlier. */
MUST_CHECK enum status release_shelf_take_earlier(const char *directory, struct chain *earlier,
                                                  uint64_t *shelved, uint64_t below);

/* What was kept of a block; *bytes is to be freed. STATUS_NOT_FOUND: nothing; STATUS_DAMAGED: not what was written,
 * or a record that cannot be read lies where this height's would; STATUS_IO, STATUS_NO_MEMORY. All but the first: logged. */
MUST_CHECK enum status release_shelf_read(const char *directory, uint64_t height, uint8_t **bytes,
                                          size_t *byte_count);

#endif /* LEDGER_RELEASE_SHELF_H */
