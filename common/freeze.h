/* The image of a memory range at one moment, made while its owner goes on writing to it.
 *
 *     owner           freeze_begin   goes on; a chunk's first write copies it   ...
 *     other thread  ─► prepare   └─► freeze_copy_all ─► reads the image ─► freeze_end
 *
 * freeze_begin makes the range read-only. Whoever comes to a chunk first copies it to the image and makes
 * it writable again: the owner, in the handler of the SIGSEGV that its write raises, or the other thread,
 * which goes through all of them. Pages that were never touched, or hold only zeros, take no memory in
 * the image.
 *
 *     OPEN ── freeze_begin ──► KEPT ──► COPYING ──► COPIED ──► OPEN      by the other thread
 *     writable                   │         │                  writable
 *                                └─────────┴───────► OWNED ───► OPEN      by the owner
 *
 * The owner does not wait for the other thread: from a chunk that that one is copying it copies the rest itself. Threads that help
 * the owner may write to the range too, where the owner orders their writes; of those that fault at once one goes first.
 *
 * Owner    freeze_begin: the thread that writes to the range, while none that helps it does. freeze_prepare, freeze_copy_all,
 *          freeze_image, freeze_end: another one, told of the beginning by the owner. freeze_init and
 *          freeze_close: while neither is at it.
 * Memory   the range is the caller's; struct freeze lies outside of it. The image takes as much as the
 *          range has in use, from freeze_prepare to freeze_end.
 * Limits   FREEZE_CHUNKS_MAX chunks of FREEZE_CHUNK_MIN at least; FREEZES_MAX ranges in a process. No
 *          system call may write to a frozen range: it would fail with EFAULT. Where the kernel can split
 *          no more mappings, all is copied before any is writable.
 * Cost     freeze_begin: one mprotect; on huge pages 0.05 ms for 600 MB, otherwise 11 ms. A chunk's
 *          first write: a signal, a copy, an mprotect; 0.25 ms for 2 MiB. Chunks below the size of a huge
 *          page split those that they lie in. benchmarks/bench_freeze measures.
 * Progress the owner alone: wait-free beside the kernel's own locks; with a helper it waits while that one copies a chunk.
 *          The other thread waits for the owner to finish a chunk.
 */

#ifndef COMMON_FREEZE_H
#define COMMON_FREEZE_H

#include "common/assert.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FREEZE_CHUNK_MIN  ((size_t)64 * 1024)
#define FREEZE_CHUNKS_MAX 16384 /* each may be a mapping of its own, of 65,530 in a process */
#define FREEZES_MAX       4

struct freeze {
    uint8_t *memory;
    size_t byte_count;
    size_t chunk_bytes; /* a power of two; chunks lie at multiples of it */
    size_t chunk_count;
    size_t page_bytes;
    uint8_t *image;
    uint8_t *mapping; /* of the image, which begins in it where a chunk can */
    _Atomic uint8_t *states;
    int page_map;        /* descriptor; -1: every page may have been touched */
    _Atomic bool active; /* release in freeze_end, acquire in freeze_begin: what ended is over */
    /* The other thread: the page of the range that it copies. */
    _Atomic size_t copying_offset;
    /* One fault at a time: what follows, and a chunk's way from OWNED to OPEN, is the thread's that holds it. */
    atomic_flag in_handler;
    /* The owner, in the handler: where it last met a chunk that was open already. */
    uintptr_t open_address;
    uint64_t owner_copies; /* chunks that the owner copied since the last freeze_begin */
    size_t rescued_offset; /* a page that the other thread was at when the owner took its chunk, */
    uint8_t *rescued;      /* and what was there */
};

/* Makes the range one that can be frozen, in chunks of `chunk_bytes`; 0: of a huge page, or more where that
 * are too many. False when there are too many chunks, or the system or FREEZES_MAX refuses.
 * Needs: a private anonymous mapping of its own, writable, from a page's first byte on; a power of two. */
MUST_CHECK bool freeze_init(struct freeze *freeze, void *memory, size_t byte_count,
                            size_t chunk_bytes);

/* Forgets the range; it is as it was. Needs: no freeze is active. */
void freeze_close(struct freeze *freeze);

/* Takes the memory that an image of the range would need now, so that copying need not. May be left out.
 * The thread that will call freeze_copy_all calls it, before it asks for freeze_begin. */
void freeze_prepare(struct freeze *freeze);

/* From here on the image is that of this moment. False, and nothing done, when the system refuses.
 * Needs: the last freeze has ended. */
MUST_CHECK bool freeze_begin(struct freeze *freeze);

/* Copies what has not been copied. When it returns the image is complete and the range writable. */
void freeze_copy_all(struct freeze *freeze);

/* The image: byte for byte the range as it was. Good from freeze_copy_all to freeze_end. */
const void *freeze_image(const struct freeze *freeze);

/* Gives the image's memory back. */
void freeze_end(struct freeze *freeze);

#endif /* COMMON_FREEZE_H */
