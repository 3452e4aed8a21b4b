#include "ledger/block.h"

#include "ledger/seal.h"

static bool faulty(struct block_fault *fault, const char *what, uint64_t command)
{
    fault->what = what;
    fault->command = command;
    return false;
}

bool block_next(const uint8_t **at, const uint8_t *end, struct applied *record,
                struct command *command)
{
    const uint8_t *next = *at;
    if (!applied_next(&next, end, record)) return false;
    if (record->flags != (APPLIED_FIRST | APPLIED_LAST)) return false;
    if (!command_decode(record->command, record->command_length, command)) return false;

    struct event event;
    const uint8_t *events = record->events;
    uint32_t count = 0;
    while (event_next(&events, next, &event))
        count++;
    if (events != next || count != record->event_count) return false;
    *at = next;
    return true;
}

/* Whether an event may stand where it does: SEALED only in the last command, a SEAL, and for this
 * height. */
static bool sealed_check(const struct block_header *header, const struct applied *record,
                         const struct command *command, const struct event *event)
{
    if (event->type != T_SEALED) return true;
    if (record->number != header->last_command || command->header.type != T_SEAL) return false;
    struct sealed_event sealed;
    sealed_event_get(event->payload, &sealed);
    return sealed.height == header->height && sealed.first_command == header->first_command;
}

/* The last command has one SEALED; before it may be what a switch did at that moment. */
static bool record_check(const struct block_header *header, const struct applied *record,
                         const struct command *command, struct seal *seal)
{
    seal_command(seal, record);
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    uint32_t sealed_count = 0;
    while (event_next(&at, end, &event)) {
        if (!sealed_check(header, record, command, &event)) return false;
        sealed_count += event.type == T_SEALED;
        seal_event(seal, &event);
    }
    return sealed_count == (record->number == header->last_command ? 1 : 0);
}

/* Compares what the body yields with the header; everything else is taken from the header. */
static bool derived_check(const struct block_header *header, const struct seal *seal,
                          struct block_fault *fault)
{
    const struct seal_facts facts = {
        .height = header->height,
        .time_ns = header->time_ns,
        .epoch = header->epoch,
        .chain_id = header->chain_id,
        .prev_hash = header->prev_hash,
        .history_root = header->history_root,
        .state_root = header->state_root,
        .totals_root = header->totals_root,
        .validators_hash = header->validators_hash,
        .next_validators_hash = header->next_validators_hash,
        .params_hash = header->params_hash,
        .releases = (header->flags & BLOCK_RELEASES) != 0,
    };
    struct block_header derived;
    seal_step(seal, &facts, &derived);
    const char *what = block_header_difference(header, &derived);
    return what == NULL || faulty(fault, what, 0);
}

bool block_body_check(const struct block_header *header, const uint8_t *body, size_t body_bytes,
                      struct block_fault *fault)
{
    if (header->first_command == 0 || header->last_command < header->first_command)
        return faulty(fault, "its commands are not a range", 0);
    if (header->body_length != body_bytes) return faulty(fault, "body_length", 0);

    const uint8_t *at = body, *const end = body + body_bytes;
    struct applied record;
    struct command command;
    struct seal seal;
    uint64_t stamp_ns = 0;
    seal_begin(&seal, header->first_command);
    while (block_next(&at, end, &record, &command)) {
        if (record.number != seal.last_command + 1 || record.number > header->last_command)
            return faulty(fault, "command numbers are not consecutive", record.number);
        if (record.stamp_ns < stamp_ns) return faulty(fault, "a stamp falls", record.number);
        stamp_ns = record.stamp_ns;
        if (!record_check(header, &record, &command, &seal))
            return faulty(fault, "a SEAL does not end it", record.number);
    }
    if (at != end) return faulty(fault, "its body is malformed", seal.last_command + 1);
    if (seal.last_command != header->last_command) return faulty(fault, "last_command", 0);
    if (stamp_ns != header->time_ns) return faulty(fault, "time_ns", header->last_command);
    return derived_check(header, &seal, fault);
}

bool block_link_check(const struct block_header *previous, hash_t previous_hash,
                      const struct block_header *header, struct block_fault *fault)
{
    const uint64_t below = previous == NULL ? 0 : previous->height;
    const uint64_t last_command = previous == NULL ? 0 : previous->last_command;
    const hash_t hash = previous == NULL ? (hash_t){{0}} : previous_hash;
    if (header->height != below + 1) return faulty(fault, "height", 0);
    if (header->first_command != last_command + 1) return faulty(fault, "first_command", 0);
    if (!hash_equal(header->prev_hash, hash)) return faulty(fault, "prev_hash", 0);
    if (previous == NULL) return true;
    if (header->time_ns < previous->time_ns) return faulty(fault, "time_ns falls", 0);
    if (header->epoch < previous->epoch) return faulty(fault, "epoch falls", 0);
    if (!hash_equal(header->chain_id, previous->chain_id)) return faulty(fault, "chain_id", 0);
    if (!hash_equal(header->validators_hash, previous->next_validators_hash))
        return faulty(fault, "validators_hash", 0);
    return true;
}

const char *block_header_difference(const struct block_header *left,
                                    const struct block_header *right)
{
#define NUMBER(field) \
    if (left->field != right->field) return #field;
#define HASH(field) \
    if (!hash_equal(left->field, right->field)) return #field;
    NUMBER(version)
    NUMBER(flags)
    NUMBER(height)
    NUMBER(time_ns)
    NUMBER(epoch)
    NUMBER(first_command)
    NUMBER(last_command)
    NUMBER(tx_count)
    NUMBER(fill_count)
    NUMBER(body_length)
    HASH(chain_id)
    HASH(prev_hash)
    HASH(history_root)
    HASH(tx_root)
    HASH(fills_root)
    HASH(state_root)
    HASH(events_hash)
    HASH(totals_root)
    HASH(validators_hash)
    HASH(next_validators_hash)
    HASH(params_hash)
    HASH(body_hash)
#undef NUMBER
#undef HASH
    return NULL;
}
