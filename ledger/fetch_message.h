/* What one who needs something asks a peer, and what the peer answers: messages of the links (peers.h).
 *
 *     what     32 | zero 7                                                     what have you?
 *     offer    33 | flags u8 | zero u16 u32 | height | certified_height | checkpoint_height |
 *              lineage_height | log_base | log_last
 *     ask      34 | object u8 | zero u16 | part u32 | height | offset u32 | count u32
 *     piece    35 | object u8 | zero u16 | part u32 | height | offset u32 | total u32 | bytes
 *     entries? 36 | zero u8 u16 | count u32 | first
 *     entries  37 | zero u8 u16 | count u32 | first | count x (term u64, type u32, length u32) | bytes of all
 *
 * Numbers are u64 where nothing else is said. An object is a string of bytes; a piece is a part of it, from
 * `offset` on, and says how long the whole is. A total of 0: the peer does not have it. Entries of count 0: it does
 * not have the first of them. A piece has all the bytes that were asked for, or those up to the end; entries may be
 * fewer.
 *
 * Owner    the caller; pure
 * Memory   decoded views point into the bytes
 * Limits   FETCH_PIECE_MAX bytes a piece; FETCH_ENTRIES_MAX entries a message; FETCH_HEADERS_MAX headers a run
 */

#ifndef LEDGER_FETCH_MESSAGE_H
#define LEDGER_FETCH_MESSAGE_H

#include "ledger/peers.h"

#include <stdbool.h>
#include <stdint.h>

#define FETCH_PIECE_MAX          (256u * 1024)
#define FETCH_ENTRIES_MAX        256u
#define FETCH_HEADERS_MAX        128u
#define FETCH_SHORT_BYTES        8 /* of a question for an offer, the shortest message */
#define FETCH_OFFER_BYTES        (8 + 6 * 8)
#define FETCH_ASK_BYTES          24
#define FETCH_PIECE_HEADER_BYTES 24
#define FETCH_RANGE_BYTES        16 /* entries: a question, or the front of an answer */
#define FETCH_ENTRY_HEADER_BYTES 16

enum fetch_message_type {
    FETCH_WHAT = 32,
    FETCH_OFFER,
    FETCH_ASK,
    FETCH_PIECE,
    FETCH_ASK_ENTRIES,
    FETCH_ENTRIES,
    FETCH_NODES, /* roster.h */
    FETCH_MESSAGE_LAST = 63
};

enum fetch_object_kind {
    FETCH_LINEAGE,  /* whole steps above `height`, as many as a piece holds; offset 0 (lineage.h) */
    FETCH_MANIFEST, /* of the checkpoint at `height` */
    FETCH_CERTIFICATE, /* of the checkpoint's root */
    FETCH_CHUNK,       /* number `part` */
    FETCH_HEADER,      /* of the block at `height` */
    FETCH_SIGNATURES,  /* its certificate */
    FETCH_BODY,
    FETCH_HEADERS, /* up to `part` headers, of `height` and those below it, the highest first; offset 0 */
    FETCH_KINDS
};

struct fetch_object {
    uint8_t kind; /* enum fetch_object_kind */
    uint32_t part;
    uint64_t height;
};

enum { FETCH_ARCHIVE = 1 }; /* flag of an offer: every body since the genesis is there */

struct fetch_offer {
    uint8_t flags;
    uint64_t height;
    uint64_t certified_height;
    uint64_t checkpoint_height; /* of the newest certified one; 0: none */
    uint64_t lineage_height;    /* of the last step; 0: none */
    uint64_t log_base;          /* entries above it, */
    uint64_t log_last;          /* up to this one */
};

struct fetch_ask {
    struct fetch_object object;
    uint32_t offset;
    uint32_t count; /* 1 to FETCH_PIECE_MAX */
};

struct fetch_piece {
    struct fetch_object object;
    uint32_t offset;
    uint32_t total; /* 0: not there */
    uint32_t byte_count;
    const uint8_t *bytes;
};

struct fetch_range {
    uint64_t first;
    uint32_t count; /* 1 to FETCH_ENTRIES_MAX in a question */
};

struct fetch_entry {
    uint64_t term;
    uint32_t type;
    uint32_t length;
    const uint8_t *bytes;
};

struct fetch_entries {
    uint64_t first;
    uint32_t count;
    struct fetch_entry entries[FETCH_ENTRIES_MAX];
};

/* Each writes its whole message (a piece and entries: the front, before the bytes themselves) and returns the
 * count. */
size_t fetch_what_encode(uint8_t bytes[FETCH_SHORT_BYTES]);
size_t fetch_offer_encode(const struct fetch_offer *offer, uint8_t bytes[FETCH_OFFER_BYTES]);
size_t fetch_ask_encode(const struct fetch_ask *ask, uint8_t bytes[FETCH_ASK_BYTES]);
size_t fetch_piece_encode(const struct fetch_piece *piece, uint8_t bytes[FETCH_PIECE_HEADER_BYTES]);
size_t fetch_ask_entries_encode(const struct fetch_range *range, uint8_t bytes[FETCH_RANGE_BYTES]);

/* The front of entries: room for all their headers follows the range. */
size_t fetch_entries_encode(const struct fetch_entries *entries, uint8_t *bytes);

/* Strict: exactly one message of that type, within its limits. */
MUST_CHECK bool fetch_what_decode(const uint8_t *bytes, size_t byte_count);
MUST_CHECK bool fetch_offer_decode(const uint8_t *bytes, size_t byte_count,
                                   struct fetch_offer *offer);
MUST_CHECK bool fetch_ask_decode(const uint8_t *bytes, size_t byte_count, struct fetch_ask *ask);
MUST_CHECK bool fetch_piece_decode(const uint8_t *bytes, size_t byte_count,
                                   struct fetch_piece *piece);
MUST_CHECK bool fetch_ask_entries_decode(const uint8_t *bytes, size_t byte_count,
                                         struct fetch_range *range);
MUST_CHECK bool fetch_entries_decode(const uint8_t *bytes, size_t byte_count,
                                     struct fetch_entries *entries);

/* Whether both name the same string of bytes. */
bool fetch_object_equal(const struct fetch_object *left, const struct fetch_object *right);

#endif /* LEDGER_FETCH_MESSAGE_H */
