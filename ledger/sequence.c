#include "ledger/sequence.h"

#include "common/le.h"

#define NS_PER_MS 1000000u

void sequence_init(struct sequence *sequence, const struct genesis *genesis, uint32_t node)
{
    *sequence = (struct sequence){
        .node = node,
        .genesis_ns = genesis->time_ns,
        .stamp_step_ns = (uint64_t)genesis->params.stamp_step_ms * NS_PER_MS,
        .block_ns = (uint64_t)genesis->params.block_ms * NS_PER_MS,
        .idle_block_ns = (uint64_t)genesis->params.idle_block_ms * NS_PER_MS,
    };
}

void sequence_lead(struct sequence *sequence, uint64_t nonce, struct sequence_time now)
{
    sequence->leading = true;
    sequence->nonce = nonce;
    sequence->hello_in_flight = false;
    sequence->epoch = 0;
    sequence->next_sequence = 1;
    sequence->seal_in_flight = false;
    sequence->sealed_at_ns = now.monotonic_ns;
    sequence->in_flight = 0;
}

void sequence_lose(struct sequence *sequence)
{
    sequence->leading = false;
    sequence->epoch = 0;
    sequence->in_flight = 0;
}

static uint64_t later(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

/* The next stamp: engine time never falls and rises by a step at most. */
static uint64_t next_stamp(const struct sequence *sequence, uint64_t now_ns)
{
    if (sequence->stamp_ns == 0) return later(now_ns, sequence->genesis_ns);
    const uint64_t most = sequence->stamp_ns + sequence->stamp_step_ns;
    return later(sequence->stamp_ns, now_ns < most ? now_ns : most);
}

static void batch_open(struct sequence *sequence, struct sequence_time now, uint8_t *bytes)
{
    sequence->batch.bytes = bytes;
    sequence->batch.used = BATCH_HEADER_BYTES;
    sequence->batch.command_count = 0;
    sequence->batch.stamp_ns = next_stamp(sequence, now.clock_ns);
}

/* Writes the header and counts the batch as proposed. */
static size_t batch_close(struct sequence *sequence)
{
    const struct batch_header header = {sequence->batch.command_count, sequence->batch.stamp_ns};
    batch_header_put(sequence->batch.bytes, &header);
    ASSERT(header.stamp_ns >= sequence->stamp_ns);
    sequence->stamp_ns = header.stamp_ns;
    sequence->in_flight++;
    sequence->batch.bytes = NULL;
    INVARIANT(sequence_check(sequence));
    return sequence->batch.used;
}

/* Opens a batch with one command of the node's own and room for its payload, which it returns. */
static uint8_t *own_command(struct sequence *sequence, struct sequence_time now, uint8_t *bytes,
                            uint16_t type)
{
    batch_open(sequence, now, bytes);
    const size_t payload = message_payload_bytes(type);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload),
        .type = type,
        .auth_kind = AUTH_NONE,
    };
    command_header_put(bytes + BATCH_HEADER_BYTES, &header);
    sequence->batch.used += header.length;
    sequence->batch.command_count = 1;
    return bytes + BATCH_HEADER_BYTES + COMMAND_HEADER_BYTES;
}

static size_t own_hello(struct sequence *sequence, struct sequence_time now, uint8_t *bytes)
{
    const struct hello_command hello = {.nonce = sequence->nonce, .node = sequence->node};
    hello_command_put(own_command(sequence, now, bytes, T_HELLO), &hello);
    sequence->hello_in_flight = true;
    return batch_close(sequence);
}

static size_t own_seal(struct sequence *sequence, struct sequence_time now, uint8_t *bytes)
{
    const struct seal_command seal = {.height = sequence->sealed_height + 1};
    seal_command_put(own_command(sequence, now, bytes, T_SEAL), &seal);
    sequence->seal_in_flight = true;
    sequence->sealed_at_ns = now.monotonic_ns;
    return batch_close(sequence);
}

uint64_t sequence_due(const struct sequence *sequence)
{
    if (sequence->epoch == 0 || sequence->seal_in_flight) return 0;
    return sequence->sealed_at_ns +
           (sequence->unsealed ? sequence->block_ns : sequence->idle_block_ns);
}

static bool behind(const struct sequence *sequence, uint64_t now_ns)
{
    return sequence->stamp_ns != 0 && now_ns > sequence->stamp_ns + sequence->stamp_step_ns;
}

enum sequence_turn sequence_turn(struct sequence *sequence, struct sequence_time now,
                                 uint8_t *bytes, size_t *byte_count)
{
    ASSERT(sequence->batch.bytes == NULL);
    *byte_count = 0;
    if (!sequence->leading) return SEQUENCE_WAIT;

    if (behind(sequence, now.clock_ns)) {
        if (sequence->in_flight >= SEQUENCE_EMPTY_MAX) return SEQUENCE_WAIT;
        batch_open(sequence, now, bytes);
        *byte_count = batch_close(sequence);
        return SEQUENCE_OWN;
    }
    if (sequence->in_flight >= SEQUENCE_IN_FLIGHT_MAX) return SEQUENCE_WAIT;
    if (sequence->epoch == 0) {
        if (sequence->hello_in_flight) return SEQUENCE_WAIT;
        *byte_count = own_hello(sequence, now, bytes);
        return SEQUENCE_OWN;
    }
    const uint64_t due = sequence_due(sequence);
    if (due != 0 && now.monotonic_ns >= due) {
        *byte_count = own_seal(sequence, now, bytes);
        return SEQUENCE_OWN;
    }
    batch_open(sequence, now, bytes);
    return SEQUENCE_ARRIVED;
}

static bool is_vote(uint16_t type)
{
    return type == T_VOTE || type == T_CHECKPOINT_VOTE;
}

bool sequence_add(struct sequence *sequence, const uint8_t *command, size_t byte_count)
{
    ASSERT(sequence->batch.bytes != NULL && sequence->epoch != 0);
    if (byte_count > BATCH_BYTES_MAX - sequence->batch.used) return false;

    struct command decoded;
    const bool good = command_decode(command, byte_count, &decoded);
    ASSERT(good && decoded.header.type != T_HELLO && decoded.header.type != T_SEAL);
    if (is_vote(decoded.header.type)) {
        decoded.header.origin = 0;
        decoded.header.origin_epoch = 0;
        decoded.header.origin_sequence = 0;
    } else {
        decoded.header.origin = sequence->node;
        decoded.header.origin_epoch = sequence->epoch;
        decoded.header.origin_sequence = sequence->next_sequence++;
    }
    uint8_t *at = sequence->batch.bytes + sequence->batch.used;
    le_put_bytes(at, command, byte_count);
    command_header_put(at, &decoded.header);
    sequence->batch.used += byte_count;
    sequence->batch.command_count++;
    return true;
}

size_t sequence_close(struct sequence *sequence)
{
    ASSERT(sequence->batch.bytes != NULL);
    if (sequence->batch.command_count > 0) return batch_close(sequence);
    sequence->batch.bytes = NULL;
    return 0;
}

/* Follows one delivered command as the engine will. */
static void follow(struct sequence *sequence, const struct command *command)
{
    sequence->command_count++;
    if (command->header.type == T_HELLO) {
        struct hello_command hello;
        hello_command_get(command->payload, &hello);
        if (sequence->leading && hello.node == sequence->node && hello.nonce == sequence->nonce) {
            sequence->epoch = sequence->command_count;
            sequence->hello_in_flight = false;
        }
    } else if (command->header.type == T_SEAL) {
        struct seal_command seal;
        seal_command_get(command->payload, &seal);
        sequence->seal_in_flight = false;
        if (seal.height != sequence->sealed_height + 1) return;
        sequence->sealed_height = seal.height;
        sequence->unsealed = false;
    } else if (!is_vote(command->header.type)) {
        sequence->unsealed = true;
    }
}

bool sequence_delivered(struct sequence *sequence, const uint8_t *bytes, size_t byte_count)
{
    if (byte_count < BATCH_HEADER_BYTES || le_get_u32(bytes) != BATCH_MAGIC) return false;
    const uint32_t count = le_get_u32(bytes + 4);
    const uint64_t stamp_ns = le_get_u64(bytes + 8);
    const uint8_t *at = bytes + BATCH_HEADER_BYTES, *const end = bytes + byte_count;
    struct command command;
    for (uint32_t i = 0; i < count; i++) {
        if (!batch_next(&at, end, &command)) return false;
        follow(sequence, &command);
    }
    if (at != end) return false;
    sequence->stamp_ns = later(sequence->stamp_ns, stamp_ns);
    if (sequence->in_flight > 0) sequence->in_flight--;
    INVARIANT(sequence_check(sequence));
    return true;
}

bool sequence_check(const struct sequence *sequence)
{
    ASSERT(sequence->batch.bytes == NULL || sequence->batch.stamp_ns >= sequence->stamp_ns);
    ASSERT(sequence->in_flight <= SEQUENCE_EMPTY_MAX);
    ASSERT(!sequence->seal_in_flight || !sequence->leading || sequence->in_flight > 0);
    ASSERT(sequence->next_sequence <= 1 || sequence->epoch != 0 || !sequence->leading);
    return true;
}
