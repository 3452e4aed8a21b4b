/* Reading every byte of the chain files once: what is there, and the first thing that is wrong. Of a segment that
 * has both files the one with the bodies counts: its bodies are on their way out, or a cut left it so.
 *
 * A bad record is a torn tail when nothing whole follows it, it is not below the synchronised place, and
 * the index does not know a record at or behind its place that the file is long enough to hold.
 * Otherwise it was once whole, and is damage.
 *
 * Owner    any thread; reads only, also beside a writer that appends
 * Memory   chain_scan_end frees what chain_scan took
 * Cost     every byte once
 */

#ifndef LEDGER_CHAIN_SCAN_H
#define LEDGER_CHAIN_SCAN_H

#include "ledger/chain.h"

#define CHAIN_FILE_NAME_MAX 32

struct chain_scan {
    uint64_t tip;        /* last whole block */
    uint64_t base;       /* chain_base */
    uint64_t first_body; /* from here on every body is there */
    uint64_t certified;  /* last height with a certificate */
    uint32_t segment; /* the last segment, 0 when there is none; CHAIN_HEADERS_FILE as in a place */
    uint32_t whole;  /* the first segment that still has its bodies' file, or one behind the last */
    uint32_t offset; /* in it: behind its last whole record */
    uint64_t torn_bytes; /* behind that */
    uint8_t *index;      /* the entries, as the segments give them */
    uint64_t entries;
    /* The first wrong entry of the index file, or NULL in index_fault. A last few records that the
     * index does not hold yet are no fault. */
    const char *index_fault;
    uint64_t index_offset;
    bool index_current; /* the file's bytes are those of `index` */
    /* STATUS_DAMAGED: where and what. */
    char file[CHAIN_FILE_NAME_MAX];
    uint32_t file_segment; /* as in a place */
    uint64_t file_offset;
    const char *fault;
};

/* Reads the files of `directory`. STATUS_DAMAGED fills the last group; STATUS_IO and STATUS_NO_MEMORY
 * are logged. */
MUST_CHECK enum status chain_scan(const char *directory, struct chain_scan *scan);
void chain_scan_end(struct chain_scan *scan);

/* Name of a segment's file, or of its headers file. */
void chain_segment_name(uint32_t segment, char name[CHAIN_FILE_NAME_MAX]);

/* Which of them a file name is, as in a place, or 0. */
uint32_t chain_segment_number(const char *name);

/* Reads up to `byte_count` bytes at `offset`, fewer only at the end of the file. -1: errno says why. */
int64_t chain_read_at(int descriptor, uint8_t *bytes, size_t byte_count, uint64_t offset);

#endif /* LEDGER_CHAIN_SCAN_H */
