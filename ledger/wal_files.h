/* The inside of the write-ahead log, shared by the files that make it up: writing (wal_fs.c), segments
 * (wal_segment_fs.c), reading (wal_read_fs.c), the directory and its vote file (wal_directory_fs.c), the
 * scan (wal_scan_fs.c), mending (wal_patch_fs.c). Nobody else includes this.
 */

#ifndef LEDGER_WAL_FILES_H
#define LEDGER_WAL_FILES_H

#include "ledger/wal.h"
#include "ledger/wal_repair.h"
#include "ledger/wal_vote.h"

#define WAL_NAME_BYTES   32
#define WAL_WRITE_BYTES  (1024 * 1024) /* the largest single write */
#define WAL_WINDOW_BYTES (1024 * 1024) /* read at once */
#define WAL_PIECE_BYTES  (256 * 1024)  /* zeros written at once when preparing */
#define WAL_VOTE_NAME    "vote"

struct wal_file {
    struct wal_segment segment; /* its configuration's bytes are not kept */
    uint64_t bytes;             /* that can be read */
    bool bad;                   /* neither copy of the header can be read */
};

/* Where an entry begins. From a mark on, records lie in the order of their indexes up to the next
 * mark, so walking from it finds what it covers. */
struct wal_mark {
    uint64_t index;
    uint64_t offset;
    uint32_t file; /* in wal->files */
};

struct wal_known {
    uint64_t index; /* 0: nothing here yet */
    uint64_t term;
    hash_t hash;
};

/* Entries first .. last cannot be read. When they do not lead to what follows, neither may those from
 * `floor` on: unreadable records may have replaced them. */
struct wal_gap {
    uint64_t first, last, floor;
    bool tail;
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
    struct wal_file *dead; /* below the base: to be given back */
    uint32_t dead_count, dead_capacity;
    struct wal_mark *marks;
    uint32_t mark_count, mark_capacity;
    uint64_t *configurations; /* indexes above the base, rising */
    uint32_t configuration_count, configuration_capacity;

    struct wal_base base; /* its configuration's bytes are those below */
    uint8_t base_configuration[WAL_CONFIGURATION_BYTES_MAX];

    struct wal_scan last; /* what the log holds */
    uint32_t active;      /* the file written to */
    int active_file;
    uint64_t offset; /* where its next write goes */
    uint8_t *buffer; /* a write is put together here */
    size_t buffer_bytes;

    const uint8_t *zeros; /* WAL_PIECE_BYTES */
    struct {
        int file; /* -1: none begun */
        uint64_t done;
    } next; /* the file being prepared */
    bool spares[WAL_SPARES_MAX];

    struct {
        int file; /* -1: none open */
        uint32_t file_index;
        uint8_t *window;
        uint64_t window_offset;
        size_t window_bytes;
        uint64_t next_index; /* 0: unknown; else it begins at the place below */
        uint32_t next_file;
        uint64_t next_offset;
    } reader;
    struct wal_known known[WAL_HASHES]; /* by index modulo their count */

    struct wal_vote vote;
    int vote_file;

    /* Of a log that is read to be mended: what is missing, the first file to be written anew, and where the
     * log stood before it. */
    bool tolerant;
    bool damaged;
    struct wal_gap *gaps;
    uint32_t gap_count, gap_capacity;
    uint32_t patch_file;
    struct wal_scan patch_start;
    uint64_t write_max; /* the highest write seen */

    /* Of the log that takes its place: segments have names of their own until it is whole. */
    struct wal *older;      /* knows what lies below `lowest`; NULL otherwise */
    uint64_t lowest;        /* entry taken */
    uint64_t next_sequence; /* of the first segment, when there is no file yet; 0: 1 */
    uint64_t replaces;      /* what the next segment to begin says; 0 afterwards */
    uint64_t patch;         /* what every segment says; 0: an ordinary log */
};

/* ---- wal_fs.c ---- */

/* Makes a log that has nothing yet, or NULL. */
struct wal *wal_files_new(const struct wal_options *options);
void wal_files_free(struct wal *wal);

/* Logs a failed call of the disk, once, and makes it the answer to everything. `result` is what the
 * call gave: a negative errno or a short count. */
enum status wal_files_fail(struct wal *wal, const char *what, const char *name, int64_t result);
enum status wal_files_no_memory(struct wal *wal);

/* Adds a file behind the others. */
MUST_CHECK enum status wal_files_add(struct wal *wal, const struct wal_file *file);
/* Adds one to those to be given back. */
MUST_CHECK enum status wal_files_bury(struct wal *wal, const struct wal_file *file);
MUST_CHECK enum status wal_files_add_gap(struct wal *wal, const struct wal_gap *gap);

/* Forgets entries from `index` on. */
void wal_files_forget(struct wal *wal, uint64_t index);

/* Moves the log past a record that lies at `offset` of `file`. `apart`: what lies before it cannot be read, so
 * nobody walks to it. */
MUST_CHECK enum status wal_files_take(struct wal *wal, const struct wal_record *record,
                                      uint32_t file, uint64_t offset, bool apart);

MUST_CHECK enum status wal_files_write(struct wal *wal, int file, const char *name, uint64_t offset,
                                       const void *bytes, size_t byte_count);

/* Writes one record of type WAL_CUT, which says that entries up to `lost` may have been lost. */
MUST_CHECK enum status wal_files_cut(struct wal *wal, uint64_t lost);

/* Writes both slots of the vote file from wal->vote, with the next serial. */
MUST_CHECK enum status wal_files_vote(struct wal *wal);

/* Takes a copy of `base`. */
void wal_files_set_base(struct wal *wal, const struct wal_base *base);

/* ---- wal_segment_fs.c ---- */

void wal_files_name(uint64_t number, const char *suffix, char name[WAL_NAME_BYTES]);
/* Of a segment of this log. */
void wal_files_segment_name(const struct wal *wal, uint32_t file, char name[WAL_NAME_BYTES]);

/* Makes files[active] the one written to, from wal->offset on. */
MUST_CHECK enum status wal_files_activate(struct wal *wal);

/* Goes on in a new segment, preparing what is left of it first. */
MUST_CHECK enum status wal_files_switch(struct wal *wal);

/* ---- wal_read_fs.c ---- */

/* Bytes of the record `index`, and where it lies. Needs: it can be read. */
MUST_CHECK enum status wal_files_read(struct wal *wal, uint64_t index, struct wal_record *record);

/* Term and running hash at `index`, from memory or the disk. Needs: it can be known. */
MUST_CHECK enum status wal_files_hash(struct wal *wal, uint64_t index, hash_t *hash,
                                      uint64_t *term);

/* Closes the file it reads: files are about to move. */
void wal_files_stop_reading(struct wal *wal);

/* ---- wal_directory_fs.c ---- */

enum wal_directory_use {
    WAL_DIRECTORY_OPEN, /* missing vote file: STATUS_AMNESIAC */
    WAL_DIRECTORY_MAKE, /* made when there is nothing at all */
    WAL_DIRECTORY_NEW,  /* made, and anything there is STATUS_EXISTS */
};

/* Finishes what a cut of the power left half done, reads the vote file and the headers of all segments that
 * count. Files that cannot be used any more are gone afterwards. */
MUST_CHECK enum status wal_directory_read(struct wal *wal, enum wal_directory_use use);

/* ---- wal_scan_fs.c ---- */

/* Reads directory and segments into `wal`, which is otherwise empty. A tolerant one finds all that is missing and
 * changes nothing; otherwise the first damage is named, and a torn tail is cut. */
MUST_CHECK enum status wal_scan_files(struct wal *wal, enum wal_directory_use use,
                                      struct wal_damage *damage);

#endif /* LEDGER_WAL_FILES_H */
