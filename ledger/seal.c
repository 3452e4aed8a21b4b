#include "ledger/seal.h"

#include "common/le.h"
#include "common/withdrawal_event.h"

static_assert(FILL_BYTES <= WITHDRAWAL_MOVED_BYTES, "a leaf has room for either");

void seal_begin(struct seal *seal, uint64_t first_command)
{
    ASSERT(first_command > 0);
    seal->first_command = first_command;
    seal->last_command = first_command - 1;
    seal->body_length = 0;
    seal->ordinal = 0;
    merkle_begin(&seal->commands);
    merkle_begin(&seal->fills);
    merkle_begin(&seal->releases);
    hash_stream_begin(&seal->events);
    hash_stream_begin(&seal->body);
}

void seal_command(struct seal *seal, const struct applied *record)
{
    ASSERT(record->number == seal->last_command + 1);
    ASSERT(record->flags == (APPLIED_FIRST | APPLIED_LAST));

    uint8_t header[APPLIED_HEADER_BYTES], number[8];
    applied_header_put(header, record);
    hash_stream_add(&seal->body, header, sizeof(header));
    hash_stream_add(&seal->body, record->command, record->command_length);
    le_put_u64(number, record->number);
    hash_stream_add(&seal->events, number, sizeof(number));
    hash_streams_add((struct hash_stream *const[2]){&seal->body, &seal->events},
                     (const uint8_t *const[2]){record->events, record->events},
                     (const size_t[2]){record->events_length, record->events_length});
    seal->body_length += sizeof(header) + record->command_length + record->events_length;

    merkle_add(&seal->commands, merkle_leaf(record->command, record->command_length));
    seal->last_command = record->number;
    seal->ordinal = 0;
}

size_t seal_leaf(uint64_t command, uint32_t ordinal, const struct event *event,
                 uint8_t leaf[SEAL_LEAF_BYTES_MAX])
{
    const size_t byte_count = EVENT_HEADER_BYTES + (size_t)event->payload_length;
    ASSERT(12 + byte_count <= SEAL_LEAF_BYTES_MAX);
    uint8_t *at = le_put_u64(leaf, command);
    at = le_put_u32(at, ordinal);
    at = le_put_bytes(at, event->payload - EVENT_HEADER_BYTES, byte_count);
    return (size_t)(at - leaf);
}

bool seal_is_release(const struct event *event)
{
    struct withdrawal_moved_event changed;
    if (!withdrawal_event_is(event->type)) return false;
    withdrawal_event_get(event, &changed);
    return changed.state == WITHDRAWAL_APPROVED && changed.before != WITHDRAWAL_APPROVED;
}

hash_t seal_releases_hash(hash_t events, uint32_t count, hash_t root)
{
    uint8_t bytes[HASH_BYTES + 4 + HASH_BYTES];
    uint8_t *at = le_put_bytes(bytes, events.bytes, HASH_BYTES);
    at = le_put_u32(at, count);
    le_put_bytes(at, root.bytes, HASH_BYTES);
    return hash_tagged("quorex/releases/1", bytes, sizeof(bytes));
}

void seal_event(struct seal *seal, const struct event *event)
{
    ASSERT(seal->last_command >= seal->first_command);
    uint8_t leaf[SEAL_LEAF_BYTES_MAX];
    struct merkle *tree = event->type == T_FILL    ? &seal->fills
                          : seal_is_release(event) ? &seal->releases
                                                   : NULL;
    if (tree != NULL)
        merkle_add(tree,
                   merkle_leaf(leaf, seal_leaf(seal->last_command, seal->ordinal, event, leaf)));
    seal->ordinal++;
}

/* ---- Many records at once ---- */

#define LEAF_ROOM_BYTES 1024       /* of a leaf that is hashed beside another */
#define LEAVES_MAX      128        /* of a kind, before they go into their tree */
#define EVENTS_ROOM     (8 * 1024) /* of a run of records; more events than that go in by themselves */

/* A leaf that waits for another, beside which it is hashed. */
struct waiting_leaf {
    hash_t *hash; /* where it goes; NULL: none waits */
    size_t byte_count;
    uint8_t text[LEAF_ROOM_BYTES + HASH_PAD_BYTES];
};

/* Records of which not all has gone into the seal. */
struct seal_run {
    struct seal *seal;
    struct waiting_leaf leaf;
    uint32_t command_count, fill_count;
    hash_t commands[LEAVES_MAX], fills[LEAVES_MAX];
    const uint8_t *body; /* what has not gone into the body's hash begins here */
    size_t events_bytes; /* what has not gone into that of the events */
    uint8_t events[EVENTS_ROOM];
};

/* Hashes the leaf whose text is the tag and these bytes into *hash, now or with the next one. */
static void add_leaf(struct seal_run *run, const uint8_t *bytes, size_t byte_count, hash_t *hash)
{
    if (byte_count + 1 > LEAF_ROOM_BYTES) {
        *hash = merkle_leaf(bytes, byte_count);
        return;
    }
    uint8_t other[LEAF_ROOM_BYTES + HASH_PAD_BYTES];
    uint8_t *text = run->leaf.hash == NULL ? run->leaf.text : other;
    le_put_bytes(le_put_u8(text, 0x00), bytes, byte_count);
    if (run->leaf.hash == NULL) {
        run->leaf.hash = hash;
        run->leaf.byte_count = byte_count + 1;
        return;
    }
    hash_t hashes[2];
    hash_of_pair((uint8_t *const[2]){run->leaf.text, other},
                 (const size_t[2]){run->leaf.byte_count, byte_count + 1}, hashes);
    *run->leaf.hash = hashes[0];
    *hash = hashes[1];
    run->leaf.hash = NULL;
}

/* What has come of both kinds goes into their trees. */
static void leaves_end(struct seal_run *run)
{
    if (run->leaf.hash != NULL) *run->leaf.hash = hash_of(run->leaf.text, run->leaf.byte_count);
    run->leaf.hash = NULL;
    merkle_add_all(&run->seal->commands, run->commands, run->command_count);
    merkle_add_all(&run->seal->fills, run->fills, run->fill_count);
    run->command_count = run->fill_count = 0;
}

/* The bytes up to `end`, and the events that were copied together meanwhile, go into their hashes. */
static void streams_end(struct seal_run *run, const uint8_t *end)
{
    hash_streams_add((struct hash_stream *const[2]){&run->seal->body, &run->seal->events},
                     (const uint8_t *const[2]){run->body, run->events},
                     (const size_t[2]){(size_t)(end - run->body), run->events_bytes});
    run->body = end;
    run->events_bytes = 0;
}

/* `at`: where the record begins. */
static void add_streams(struct seal_run *run, const struct applied *record, const uint8_t *at)
{
    uint8_t number[8];
    if (run->events_bytes + sizeof(number) + record->events_length > EVENTS_ROOM)
        streams_end(run, at);
    if (sizeof(number) + record->events_length > EVENTS_ROOM) {
        le_put_u64(number, record->number);
        hash_stream_add(&run->seal->events, number, sizeof(number));
        hash_stream_add(&run->seal->events, record->events, record->events_length);
        return;
    }
    uint8_t *room = le_put_u64(run->events + run->events_bytes, record->number);
    le_put_bytes(room, record->events, record->events_length);
    run->events_bytes += sizeof(number) + record->events_length;
}

static void add_event(struct seal_run *run, const struct event *event)
{
    struct seal *seal = run->seal;
    if (event->type != T_FILL) {
        seal_event(seal, event); /* few of them are a leaf */
        return;
    }
    uint8_t leaf[SEAL_LEAF_BYTES_MAX];
    const size_t byte_count = seal_leaf(seal->last_command, seal->ordinal, event, leaf);
    if (run->fill_count == LEAVES_MAX) leaves_end(run);
    add_leaf(run, leaf, byte_count, &run->fills[run->fill_count++]);
    seal->ordinal++;
}

static void add_record(struct seal_run *run, const struct applied *record, const uint8_t *begin)
{
    struct seal *seal = run->seal;
    ASSERT(record->number == seal->last_command + 1);
    ASSERT(record->flags == (APPLIED_FIRST | APPLIED_LAST));
    add_streams(run, record, begin);
    if (run->command_count == LEAVES_MAX) leaves_end(run);
    add_leaf(run, record->command, record->command_length, &run->commands[run->command_count++]);
    seal->last_command = record->number;
    seal->ordinal = 0;

    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    while (event_next(&at, end, &event))
        add_event(run, &event);
}

void seal_records(struct seal *seal, const uint8_t *bytes, size_t byte_count)
{
    const uint8_t *at = bytes, *const end = bytes + byte_count;
    struct seal_run run;
    struct applied record;
    run.seal = seal;
    run.leaf.hash = NULL;
    run.command_count = run.fill_count = 0;
    run.body = bytes;
    run.events_bytes = 0;
    for (const uint8_t *begin = at; applied_next(&at, end, &record); begin = at)
        add_record(&run, &record, begin);
    ASSERT(at == end);
    streams_end(&run, end);
    leaves_end(&run);
    seal->body_length += byte_count;
}

/* Whether this block's header speaks of releases. */
static bool has_releases(const struct seal *seal, const struct seal_facts *facts)
{
    return facts->releases && seal->releases.leaf_count > 0;
}

static hash_t events_hash(const struct seal *seal, bool releases)
{
    struct hash_stream stream = seal->events;
    const hash_t events = hash_stream_end(&stream);
    return releases ? seal_releases_hash(events, (uint32_t)seal->releases.leaf_count,
                                         merkle_root(&seal->releases))
                    : events;
}

void seal_step(const struct seal *seal, const struct seal_facts *facts, struct block_header *header)
{
    ASSERT(seal->commands.leaf_count > 0 && seal->commands.leaf_count <= UINT32_MAX);
    ASSERT(seal->fills.leaf_count <= UINT32_MAX);
    const bool releases = has_releases(seal, facts);
    struct hash_stream body = seal->body;
    *header = (struct block_header){
        .version = BLOCK_HEADER_VERSION,
        .flags = releases ? BLOCK_RELEASES : 0,
        .height = facts->height,
        .time_ns = facts->time_ns,
        .epoch = facts->epoch,
        .first_command = seal->first_command,
        .last_command = seal->last_command,
        .tx_count = (uint32_t)seal->commands.leaf_count,
        .fill_count = (uint32_t)seal->fills.leaf_count,
        .body_length = seal->body_length,
        .chain_id = facts->chain_id,
        .prev_hash = facts->prev_hash,
        .history_root = facts->history_root,
        .tx_root = merkle_root(&seal->commands),
        .fills_root = merkle_root(&seal->fills),
        .state_root = facts->state_root,
        .events_hash = events_hash(seal, releases),
        .totals_root = facts->totals_root,
        .validators_hash = facts->validators_hash,
        .next_validators_hash = facts->next_validators_hash,
        .params_hash = facts->params_hash,
        .body_hash = hash_stream_end(&body),
    };
}
