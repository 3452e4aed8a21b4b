/* One command and the events it caused: as it leaves the engine, travels the rings, and rests in a
 * block's body.
 *
 *     number u64 | stamp_ns u64 | command_length u32 | events_length u32 | event_count u32 |
 *     flags u32 | command bytes | event bytes
 *
 * In a ring a command with many events comes in parts, each a whole number of events: the first
 * carries the command (later ones have command_length 0), the last is marked. In a body there is one
 * record per command, flags APPLIED_FIRST | APPLIED_LAST.
 */

#ifndef COMMON_APPLIED_H
#define COMMON_APPLIED_H

#include "common/messages.h"

#define APPLIED_HEADER_BYTES 32
#define APPLIED_PART_MAX     (64 * 1024) /* a part in a ring, header included */

#define APPLIED_FIRST 1u
#define APPLIED_LAST  2u

struct applied {
    uint64_t number;   /* command number, from 1 at genesis */
    uint64_t stamp_ns; /* engine time: its batch's stamp */
    uint32_t command_length;
    uint32_t events_length;
    uint32_t event_count;
    uint32_t flags;
    const uint8_t *command; /* command_length bytes */
    const uint8_t *events;  /* events_length bytes; walk with event_next */
};

/* Writes the header only. */
void applied_header_put(uint8_t *at, const struct applied *applied);

/* Decodes the record at *at and moves *at past it. Checks lengths; the command and the events are
 * for command_decode and event_next. */
MUST_CHECK bool applied_next(const uint8_t **at, const uint8_t *end, struct applied *applied);

#endif /* COMMON_APPLIED_H */
