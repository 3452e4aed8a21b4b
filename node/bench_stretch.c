#include "node/bench_stretch.h"

#include "common/batch.h"
#include "common/le.h"
#include "ledger/block.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_HEADER_BYTES (sizeof(uint64_t) + BATCH_HEADER_BYTES)

/* A body's record is longer than its command and a batch's header together, so the log is never longer
 * than the bodies. */
static_assert(RECORD_HEADER_BYTES <= APPLIED_HEADER_BYTES, "room for a batch of each command");

static bool stretch_reserve(struct bench_stretch *stretch, size_t capacity)
{
    const size_t records = capacity / (APPLIED_HEADER_BYTES + COMMAND_HEADER_BYTES) + 2;
    uint8_t *bodies = realloc(stretch->bodies, capacity);
    if (bodies != NULL) stretch->bodies = bodies;
    uint8_t *log = realloc(stretch->log, capacity);
    if (log != NULL) stretch->log = log;
    uint8_t *redone = realloc(stretch->redone, capacity);
    if (redone != NULL) stretch->redone = redone;
    size_t *starts = realloc(stretch->records, records * sizeof(*starts));
    if (starts != NULL) stretch->records = starts;
    if (bodies == NULL || log == NULL || redone == NULL || starts == NULL) return false;
    stretch->body_capacity = capacity;
    return true;
}

bool bench_stretch_open(struct bench_stretch *stretch)
{
    *stretch = (struct bench_stretch){.bodies = NULL};
    if (!stretch_reserve(stretch, STRETCH_BYTES)) {
        bench_stretch_close(stretch);
        return false;
    }
    bench_stretch_clear(stretch);
    return true;
}

void bench_stretch_close(struct bench_stretch *stretch)
{
    free(stretch->bodies);
    free(stretch->log);
    free(stretch->redone);
    free(stretch->records);
    *stretch = (struct bench_stretch){.bodies = NULL};
}

void bench_stretch_clear(struct bench_stretch *stretch)
{
    stretch->body_bytes = stretch->log_bytes = stretch->redone_bytes = 0;
    stretch->record_count = stretch->redone_start = 0;
    stretch->first_command = stretch->last_command = 0;
    stretch->batch_commands = 0;
    stretch->overran = false;
    stretch->records[0] = 0;
}

/* ---- The log ---- */

static void batch_end(struct bench_stretch *stretch)
{
    if (stretch->batch_commands == 0) return;
    const struct batch_header header = {stretch->batch_commands, stretch->batch_stamp_ns};
    uint8_t *at = stretch->log + stretch->batch_start;
    batch_header_put(le_put_u64(at, stretch->record_count + 1), &header);
    stretch->records[++stretch->record_count] = stretch->log_bytes;
    stretch->batch_commands = 0;
}

static void batch_begin(struct bench_stretch *stretch, uint64_t stamp_ns, bool is_seal)
{
    stretch->batch_start = stretch->log_bytes;
    stretch->batch_stamp_ns = stamp_ns;
    stretch->batch_is_seal = is_seal;
    stretch->log_bytes += RECORD_HEADER_BYTES;
}

static void command_add(struct bench_stretch *stretch, const struct applied *record, bool is_seal)
{
    const size_t batch_bytes = stretch->log_bytes - stretch->batch_start - sizeof(uint64_t);
    if (is_seal || stretch->batch_is_seal || record->stamp_ns != stretch->batch_stamp_ns ||
        batch_bytes + record->command_length > BATCH_BYTES_MAX)
        batch_end(stretch);
    if (stretch->batch_commands == 0) batch_begin(stretch, record->stamp_ns, is_seal);
    memcpy(stretch->log + stretch->log_bytes, record->command, record->command_length);
    stretch->log_bytes += record->command_length;
    stretch->batch_commands++;
    if (stretch->first_command == 0) stretch->first_command = record->number;
    stretch->last_command = record->number;
}

enum status bench_stretch_add(struct bench_stretch *stretch, const uint8_t *body, size_t body_bytes)
{
    struct applied record;
    struct command command;
    const size_t needed = stretch->body_bytes + body_bytes;
    if (needed > stretch->body_capacity && !stretch_reserve(stretch, needed))
        return STATUS_NO_MEMORY;
    memcpy(stretch->bodies + stretch->body_bytes, body, body_bytes);
    const uint8_t *at = stretch->bodies + stretch->body_bytes, *const end = at + body_bytes;
    while (block_next(&at, end, &record, &command))
        command_add(stretch, &record, command.header.type == T_SEAL);
    batch_end(stretch);
    stretch->body_bytes = needed;
    return at == end ? STATUS_OK : STATUS_MALFORMED;
}

/* ---- The bodies again ---- */

static bool redone_put(struct bench_stretch *stretch, const uint8_t *bytes, size_t byte_count)
{
    if (stretch->overran || byte_count > stretch->body_bytes - stretch->redone_bytes) {
        stretch->overran = true;
        return false;
    }
    memcpy(stretch->redone + stretch->redone_bytes, bytes, byte_count);
    stretch->redone_bytes += byte_count;
    return true;
}

void bench_stretch_redo(struct bench_stretch *stretch, const uint8_t *part, size_t part_bytes)
{
    struct applied applied, whole;
    const uint8_t *at = part;
    const bool fits = applied_next(&at, part + part_bytes, &applied);
    ASSERT(fits && at == part + part_bytes);
    if ((applied.flags & APPLIED_FIRST) != 0) {
        stretch->redone_start = stretch->redone_bytes;
        (void)redone_put(stretch, part, part_bytes);
        return;
    }
    if (!redone_put(stretch, applied.events, applied.events_length)) return;
    /* The header of the whole, over that of the parts before. */
    uint8_t *const start = stretch->redone + stretch->redone_start;
    whole = (struct applied){.number = applied.number,
                             .stamp_ns = applied.stamp_ns,
                             .command_length = le_get_u32(start + 16),
                             .events_length = le_get_u32(start + 20) + applied.events_length,
                             .event_count = le_get_u32(start + 24) + applied.event_count,
                             .flags = APPLIED_FIRST | applied.flags};
    applied_header_put(start, &whole);
}

uint64_t bench_stretch_difference(const struct bench_stretch *stretch, struct applied *theirs,
                                  struct applied *ours)
{
    const uint8_t *at = stretch->bodies, *const end = at + stretch->body_bytes;
    size_t redone = 0;
    *ours = *theirs = (struct applied){.number = 0};
    for (const uint8_t *start = at; applied_next(&at, end, theirs); start = at) {
        const size_t byte_count = (size_t)(at - start);
        const size_t rest = stretch->redone_bytes - redone;
        const uint8_t *again = stretch->redone + redone;
        if (byte_count > rest || memcmp(start, again, byte_count) != 0) {
            if (!applied_next(&again, again + rest, ours)) ours->number = 0;
            return theirs->number;
        }
        redone += byte_count;
    }
    /* As many bytes as could be kept were the same, and then there came more. */
    return stretch->overran || redone != stretch->redone_bytes ? stretch->last_command : 0;
}
