/* The inside of the chain on disk, shared by the files that make it up: reading and appending (chain_fs.c), taking
 * bodies away (chain_prune_fs.c), beginning above a block and putting aside (chain_begin_fs.c), mending
 * (chain_mend_fs.c). Nobody else includes this, but tests that want small segments.
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

#endif /* LEDGER_CHAIN_FILES_H */
