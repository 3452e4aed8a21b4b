/* The inside of the write-ahead log, shared by the files that write it (wal_fs.c) and that read it at
 * start (wal_scan_fs.c). Nobody else includes this.
 */

#ifndef LEDGER_WAL_FILES_H
#define LEDGER_WAL_FILES_H

#include "ledger/wal.h"
#include "ledger/wal_vote.h"

#define WAL_NAME_BYTES   32
#define WAL_WRITE_BYTES  (1024 * 1024) /* the largest single write */
#define WAL_WINDOW_BYTES (1024 * 1024) /* read at once */
#define WAL_PIECE_BYTES  (256 * 1024)  /* zeros written at once when preparing */
#define WAL_VOTE_NAME    "vote"

struct wal_file {
    uint64_t sequence;
    uint64_t generation;
    uint64_t bytes;
};

/* Where an entry begins. From a mark on, records lie in the order of their indexes up to the next
 * mark, so walking from it finds what it covers. */
struct wal_mark {
    uint64_t index;
    uint64_t offset;
    uint32_t file; /* in wal->files */
};

struct wal {
    const struct wal_disk *disk;
    struct metrics *metrics;
    hash_t chain_id;
    uint32_t node;
    uint64_t segment_bytes;
    enum status failure; /* STATUS_OK, or the answer to everything from now on */

    struct wal_file *files; /* by rising sequence */
    uint32_t file_count, file_capacity;
    struct wal_mark *marks;
    uint32_t mark_count, mark_capacity;
    uint64_t *configurations; /* indexes, rising */
    uint32_t configuration_count, configuration_capacity;

    struct wal_scan last; /* what the log holds */
    uint32_t active;      /* the file written to */
    int active_file;
    uint64_t offset; /* where its next write goes */
    uint8_t *buffer; /* a write is put together here */
    size_t buffer_bytes;

    const uint8_t *zeros; /* WAL_PIECE_BYTES */
    struct {
        int file;   /* -1: none begun */
        bool ready; /* files[active + 1] is prepared */
        struct wal_file facts;
        uint64_t done;
    } next;

    struct {
        int file; /* -1: none open */
        uint32_t file_index;
        uint8_t *window;
        uint64_t window_offset;
        size_t window_bytes;
        uint64_t next_index; /* 0: unknown; else it begins at the place below */
        uint32_t next_file;
        uint64_t next_offset;
        hash_t hash; /* running hash of the entry read last */
    } reader;

    struct wal_vote vote;
    int vote_file;
};

/* Logs a failed call of the disk, once, and makes it the answer to everything. `result` is what the
 * call gave: a negative errno or a short count. */
enum status wal_files_fail(struct wal *wal, const char *what, const char *name, int64_t result);
enum status wal_files_no_memory(struct wal *wal);

void wal_files_name(uint64_t sequence, const char *suffix, char name[WAL_NAME_BYTES]);

/* Adds a file behind the others. */
MUST_CHECK enum status wal_files_add(struct wal *wal, struct wal_file facts);

/* Moves the log past a record that lies at `offset` of `file` and follows. */
MUST_CHECK enum status wal_files_take(struct wal *wal, const struct wal_record *record,
                                      uint32_t file, uint64_t offset);

/* The running hash at `index`, from the disk when it is not the last. */
MUST_CHECK enum status wal_files_hash(struct wal *wal, uint64_t index, hash_t *hash,
                                      uint64_t *term);

/* Makes files[active] the one written to, from wal->offset on. */
MUST_CHECK enum status wal_files_activate(struct wal *wal);

/* Writes one record of type WAL_CUT. */
MUST_CHECK enum status wal_files_cut(struct wal *wal);

/* Writes both slots of the vote file from wal->vote, with the next serial. */
MUST_CHECK enum status wal_files_vote(struct wal *wal);

/* Reads vote file and segments into `wal`, which is otherwise ready; makes them when there are none. */
MUST_CHECK enum status wal_scan_files(struct wal *wal, struct wal_damage *damage);

#endif /* LEDGER_WAL_FILES_H */
