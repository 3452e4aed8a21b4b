#include "ledger/origin.h"

#include "common/le.h"
#include "ledger/sequence.h"

/* Where a command's header has its origin, epoch and sequence (messages.h). */
#define ORIGIN_AT   8
#define EPOCH_AT    16
#define SEQUENCE_AT 24

void origin_init(struct origin_stream *origin, uint32_t node, uint64_t nonce, uint8_t *bytes,
                 struct origin_entry *entries)
{
    ASSERT(node != 0);
    *origin = (struct origin_stream){
        .node = node,
        .nonce = nonce,
        .first = 1,
        .next = 1,
        .unsent = 1,
        .bytes = bytes,
        .entries = entries,
    };
    const struct command_header header = {.length = ORIGIN_HELLO_BYTES, .type = T_HELLO};
    const struct hello_command hello = {.nonce = nonce, .node = node};
    command_header_put(origin->hello, &header);
    hello_command_put(origin->hello + COMMAND_HEADER_BYTES, &hello);
}

static struct origin_entry *entry_at(const struct origin_stream *origin, uint64_t sequence)
{
    ASSERT(sequence - origin->first < ORIGIN_COMMANDS);
    return &origin->entries[(origin->place + sequence - origin->first) % ORIGIN_COMMANDS];
}

static uint8_t *bytes_at(const struct origin_stream *origin, uint64_t position)
{
    return origin->bytes + position % ORIGIN_BYTES;
}

static void number(const struct origin_stream *origin, uint8_t *command, uint64_t sequence)
{
    le_put_u32(command + ORIGIN_AT, origin->node);
    le_put_u64(command + EPOCH_AT, origin->epoch);
    le_put_u64(command + SEQUENCE_AT, sequence);
}

/* Where a command of this length would begin: not over the end of the bytes. */
static uint64_t position_next(const struct origin_stream *origin, size_t byte_count)
{
    const uint64_t left = ORIGIN_BYTES - origin->head % ORIGIN_BYTES;
    return byte_count <= left ? origin->head : origin->head + left;
}

bool origin_take(struct origin_stream *origin, const uint8_t *command, size_t byte_count)
{
    ASSERT(byte_count >= COMMAND_HEADER_BYTES && byte_count <= COMMAND_BYTES_MAX);
    ASSERT(le_get_u32(command) == byte_count &&
           le_get_u16(command + COMMAND_TYPE_OFFSET) >= T_ASSET_CREATE);
    if (origin->epoch == 0 || origin_count(origin) == ORIGIN_COMMANDS) return false;
    const uint64_t position = position_next(origin, byte_count);
    if (position + byte_count - origin->tail > ORIGIN_BYTES) return false;

    uint8_t *at = bytes_at(origin, position);
    le_put_bytes(at, command, byte_count);
    number(origin, at, origin->next);
    *entry_at(origin, origin->next++) =
        (struct origin_entry){.position = position, .length = (uint32_t)byte_count};
    origin->head = position + byte_count;
    return true;
}

struct origin_run origin_run(const struct origin_stream *origin, size_t room)
{
    ASSERT(room >= COMMAND_BYTES_MAX);
    struct origin_run run = {0};
    if (origin->epoch == 0) {
        if (!origin->hello_sent)
            run = (struct origin_run){
                .bytes = origin->hello, .byte_count = ORIGIN_HELLO_BYTES, .count = 1};
        return run;
    }
    if (origin->unsent == origin->next) return run;

    const uint64_t begin = entry_at(origin, origin->unsent)->position;
    uint64_t end = begin, sequence = origin->unsent;
    for (; sequence < origin->next; sequence++) {
        const struct origin_entry *entry = entry_at(origin, sequence);
        if (entry->position != end || end + entry->length - begin > room) break;
        end += entry->length;
    }
    run.bytes = bytes_at(origin, begin);
    run.byte_count = end - begin;
    run.first_sequence = origin->unsent;
    run.count = (uint32_t)(sequence - origin->unsent);
    return run;
}

void origin_sent(struct origin_stream *origin, const struct origin_run *run, size_t byte_count)
{
    ASSERT(byte_count <= run->byte_count);
    if (run->bytes == origin->hello) {
        origin->hello_sent = byte_count > 0;
        return;
    }
    ASSERT(run->bytes == NULL || run->first_sequence == origin->unsent);
    if (byte_count == run->byte_count) {
        origin->unsent += run->count;
        return;
    }
    while (byte_count > 0) {
        const uint32_t length = entry_at(origin, origin->unsent++)->length;
        ASSERT(length <= byte_count);
        byte_count -= length;
    }
}

void origin_rewind(struct origin_stream *origin)
{
    origin->unsent = origin->first;
    origin->hello_sent = false;
}

void origin_expected(struct origin_stream *origin, uint64_t epoch, uint64_t sequence)
{
    /* Without an epoch, the HELLO may have come to a leader that had not delivered yet what closed it here, and
     * took it for one said twice. Now he has. */
    if (origin->epoch == 0) origin->hello_sent = false;
    if (epoch == 0 || epoch != origin->epoch) return;
    /* Below `first`: said before the log delivered what is there now. */
    if (sequence < origin->first) sequence = origin->first;
    if (sequence <= origin->next) origin->unsent = sequence;
}

/* Everything up to `last` is in the log for good. */
static void drop(struct origin_stream *origin, uint64_t last)
{
    if (last < origin->first) return;
    uint64_t count = last + 1 - origin->first;
    if (last >= origin->next) {
        /* More than we have made: a leader has made commands in our name. They have used the numbers. */
        count = origin_count(origin);
        origin->next = last + 1;
    }
    origin->place += count;
    origin->first = last + 1;
    if (origin->unsent < origin->first) origin->unsent = origin->first;
    if (origin->first < origin->next) {
        origin->tail = entry_at(origin, origin->first)->position;
        return;
    }
    /* With nothing here it begins where memory is still in the cache. */
    origin->place = 0;
    origin->head += ORIGIN_BYTES - origin->head % ORIGIN_BYTES;
    origin->tail = origin->head;
}

/* Begins an epoch: what is left is numbered anew. */
static void epoch_open(struct origin_stream *origin, uint64_t epoch)
{
    const uint64_t count = origin_count(origin);
    origin->epoch = epoch;
    origin->first = 1;
    origin->next = 1 + count;
    origin->unsent = 1;
    for (uint64_t sequence = 1; sequence < origin->next; sequence++)
        number(origin, bytes_at(origin, entry_at(origin, sequence)->position), sequence);
}

void origin_delivered(struct origin_stream *origin, const struct sequence_origin *now)
{
    if (now == NULL) return;
    if (now->epoch != origin->epoch) {
        if (origin->epoch != 0) {
            if (now->closed_epoch == origin->epoch) drop(origin, now->closed_last);
            origin->epoch = 0;
            origin->hello_sent = false;
        }
        if (now->epoch == 0 || now->nonce != origin->nonce) return;
        epoch_open(origin, now->epoch);
    }
    if (origin->epoch != 0) drop(origin, now->last);
}

uint64_t origin_count(const struct origin_stream *origin)
{
    return origin->next - origin->first;
}

bool origin_check(const struct origin_stream *origin)
{
    ASSERT(origin->first <= origin->unsent && origin->unsent <= origin->next);
    ASSERT(origin_count(origin) <= ORIGIN_COMMANDS);
    uint64_t end = origin->tail;
    for (uint64_t sequence = origin->first; sequence < origin->next; sequence++) {
        const struct origin_entry *entry = entry_at(origin, sequence);
        const uint8_t *command = bytes_at(origin, entry->position);
        ASSERT(entry->position >= end && entry->position - end < COMMAND_BYTES_MAX);
        ASSERT(entry->position == end || entry->position % ORIGIN_BYTES == 0);
        ASSERT(entry->position % ORIGIN_BYTES + entry->length <= ORIGIN_BYTES);
        ASSERT(le_get_u32(command) == entry->length);
        ASSERT(le_get_u64(command + SEQUENCE_AT) == sequence);
        ASSERT(origin->epoch == 0 || le_get_u64(command + EPOCH_AT) == origin->epoch);
        end = entry->position + entry->length;
    }
    ASSERT(end == origin->head && origin->head - origin->tail <= ORIGIN_BYTES);
    return true;
}
