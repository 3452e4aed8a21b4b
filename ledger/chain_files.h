/* The inside of the chain on disk, shared by the files that make it up: reading and appending (chain_fs.c), taking
 * bodies away (chain_prune_fs.c), beginning above a block and putting aside (chain_begin_fs.c), mending
 * (chain_mend_fs.c), what came again (chain_filled_fs.c). Nobody else includes this, but tests that want small segments.
 */

#ifndef LEDGER_CHAIN_FILES_H
#define LEDGER_CHAIN_FILES_H

#include "ledger/chain_scan.h"

#define CHAIN_UNFINISHED "unfinished" /* a file that gets its name when it is whole */
#define CHAIN_QUARANTINE "quarantine" /* folder of what was damaged */

struct iovec;

struct chain {
    int folder;
    int index;   /* -1: not opened yet */
    int segment; /* the segment at hand: the writer's last, the reader's latest; -1: none */
    uint32_t segment_number; /* as in a place */
    bool writes;
    bool known;            /* a reader: the index's header was read, `base` is right */
    struct chain *earlier; /* a reader of the folder earlier/; NULL: not looked for yet */
    uint64_t base;
    uint64_t lowest_from, lowest_body; /* chain_files_first_body: what it was given, and found */
    char *directory;

    /* The writer's. */
    uint32_t segment_bytes; /* CHAIN_SEGMENT_BYTES; less in tests */
    uint64_t tip, certified, first_body;
    uint32_t offset; /* end of the segment */
    uint32_t whole;  /* the first segment that still has its bodies */
    uint32_t synced_segment, synced_offset;
    uint32_t unsynced_blocks;
    bool failed;

    /* What the last read gave. */
    uint8_t *buffer;
    size_t buffer_bytes;
};

/* Logs what failed, by errno. */
enum status chain_files_io_failed(const struct chain *chain, const char *what, const char *file);
enum status chain_files_damaged(const struct chain *chain, const char *file, uint64_t offset,
                                const char *what);

/* Writes whole pieces; changes them. False: errno says why. */
bool chain_files_write(int descriptor, struct iovec *pieces, int piece_count, uint64_t offset);
bool chain_files_write_bytes(int descriptor, const uint8_t *bytes, size_t byte_count,
                             uint64_t offset);

/* Writes the index's header. False: errno says why. */
bool chain_files_put_header(const struct chain *chain);

/* The place of a height's block, or of its certificate. STATUS_NOT_FOUND: not there yet, or half written, which
 * another look settles. */
MUST_CHECK enum status chain_files_place(struct chain *chain, uint64_t height, uint32_t type,
                                         struct chain_place *place);

/* Makes the buffer hold that many bytes. STATUS_NO_MEMORY: logged. */
MUST_CHECK enum status chain_files_reserve(struct chain *chain, size_t byte_count);

/* ---- What was lost and came again (chain_filled_fs.c) ---- */

/* The block of which only the header is in its segment. STATUS_NOT_FOUND, not logged; STATUS_DAMAGED, STATUS_IO: logged. */
MUST_CHECK enum status chain_files_read_filled(struct chain *chain, uint64_t height,
                                               const uint8_t header[BLOCK_HEADER_BYTES],
                                               struct chain_block *block);

/* chain_first_body, given what the index says: a body that came again does not interrupt. Cost: an entry of the index a
 * height that it goes down, once. Needs: the index is open. */
uint64_t chain_files_first_body(struct chain *chain, uint64_t from);

/* Bodies of these heights were taken away on purpose. */
void chain_files_take_filled_away(const struct chain *chain, uint64_t lowest, uint64_t highest);

#endif /* LEDGER_CHAIN_FILES_H */
