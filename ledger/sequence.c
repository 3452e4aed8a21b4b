#include "ledger/sequence.h"

#include "common/le.h"

#define NS_PER_MS 1000000u

/* ---- Origins ---- */

static struct sequence_origin *origin_of(struct sequence *sequence, uint32_t node)
{
    for (uint32_t i = 0; i < sequence->origin_count; i++)
        if (sequence->origins[i].node == node) return &sequence->origins[i];
    return NULL;
}

const struct sequence_origin *sequence_find(const struct sequence *sequence, uint32_t node)
{
    for (uint32_t i = 0; i < sequence->origin_count; i++)
        if (sequence->origins[i].node == node) return &sequence->origins[i];
    return NULL;
}

/* The one whose HELLO is the oldest: among twice as many as can be members, hardly one of them. */
static struct sequence_origin *origin_oldest(struct sequence *sequence)
{
    struct sequence_origin *oldest = &sequence->origins[0];
    for (uint32_t i = 1; i < sequence->origin_count; i++)
        if (sequence->origins[i].epoch < oldest->epoch) oldest = &sequence->origins[i];
    return oldest;
}

static struct sequence_origin *origin_place(struct sequence *sequence, uint32_t node)
{
    struct sequence_origin *origin = origin_of(sequence, node);
    if (origin != NULL) return origin;
    origin = sequence->origin_count < SEQUENCE_ORIGINS_MAX
                 ? &sequence->origins[sequence->origin_count++]
                 : origin_oldest(sequence);
    *origin = (struct sequence_origin){.node = node};
    return origin;
}

/* Whoever had sent something in it must know how far it came. */
static void epoch_close(struct sequence_origin *origin)
{
    if (origin->last > 0) {
        origin->closed_epoch = origin->epoch;
        origin->closed_last = origin->last;
    }
    origin->epoch = 0;
    origin->nonce = 0;
    origin->last = 0;
    origin->expected = 1;
    origin->losing = false;
    origin->tell = true;
}

static void tell_all(struct sequence *sequence)
{
    for (uint32_t i = 0; i < sequence->origin_count; i++)
        sequence->origins[i].tell = true;
}

void sequence_dropped(struct sequence *sequence, uint32_t node)
{
    struct sequence_origin *origin = origin_of(sequence, node);
    if (origin != NULL) origin->tell = true;
}

void sequence_expected(const struct sequence *sequence, uint32_t node, uint64_t *epoch,
                       uint64_t *expected)
{
    const struct sequence_origin *origin = sequence_find(sequence, node);
    const bool open = origin != NULL && origin->epoch != 0;
    *epoch = open ? origin->epoch : 0;
    *expected = open ? origin->expected : 0;
}

void sequence_forget(struct sequence *sequence, uint32_t node)
{
    struct sequence_origin *origin = origin_of(sequence, node);
    if (origin != NULL) *origin = sequence->origins[--sequence->origin_count];
}

/* ---- Where it begins, and how it stands ---- */

void sequence_init(struct sequence *sequence, const struct genesis *genesis,
                   const struct sequence_base *base)
{
    *sequence = (struct sequence){
        .genesis_ns = genesis->time_ns,
        .stamp_step_ns = (uint64_t)genesis->params.stamp_step_ms * NS_PER_MS,
        .block_ns = (uint64_t)genesis->params.block_ms * NS_PER_MS,
        .idle_block_ns = (uint64_t)genesis->params.idle_block_ms * NS_PER_MS,
        .admitting = true,
    };
    if (base == NULL) return;

    ASSERT(base->origin_count <= SEQUENCE_ORIGINS_MAX);
    sequence->command_count = base->command_count;
    sequence->sealed_height = base->sealed_height;
    sequence->delivered_stamp_ns = base->stamp_ns;
    sequence->stamp_ns = base->stamp_ns;
    sequence->origin_count = base->origin_count;
    for (uint32_t i = 0; i < base->origin_count; i++) {
        const struct sequence_origin *origin = &base->origins[i];
        sequence->origins[i] = (struct sequence_origin){
            .node = origin->node,
            .epoch = origin->epoch,
            .nonce = origin->nonce,
            .last = origin->last,
            .expected = origin->last + 1,
        };
    }
    INVARIANT(sequence_check(sequence));
}

void sequence_base_of(const struct sequence *sequence, struct sequence_base *base)
{
    *base = (struct sequence_base){
        .command_count = sequence->command_count,
        .sealed_height = sequence->sealed_height,
        .stamp_ns = sequence->delivered_stamp_ns,
    };
    for (uint32_t i = 0; i < sequence->origin_count; i++) {
        const struct sequence_origin *origin = &sequence->origins[i];
        if (origin->epoch == 0) continue;
        uint32_t at = base->origin_count++;
        for (; at > 0 && base->origins[at - 1].node > origin->node; at--)
            base->origins[at] = base->origins[at - 1];
        base->origins[at] = (struct sequence_origin){
            .node = origin->node,
            .epoch = origin->epoch,
            .nonce = origin->nonce,
            .last = origin->last,
            .expected = origin->last + 1,
        };
    }
}

/* Nothing is in flight any more, or nothing that counts. */
static void flight_reset(struct sequence *sequence)
{
    sequence->seal_in_flight = false;
    sequence->in_flight = 0;
    sequence->stamp_ns = sequence->delivered_stamp_ns;
    for (uint32_t i = 0; i < sequence->origin_count; i++) {
        sequence->origins[i].expected = sequence->origins[i].last + 1;
        sequence->origins[i].losing = false;
    }
}

void sequence_lead(struct sequence *sequence, struct sequence_time now)
{
    ASSERT(sequence->batch.bytes == NULL);
    flight_reset(sequence);
    sequence->leading = true;
    sequence->sealed_at_ns = now.monotonic_ns;
    tell_all(sequence);
}

void sequence_lose(struct sequence *sequence)
{
    ASSERT(sequence->batch.bytes == NULL);
    flight_reset(sequence);
    sequence->leading = false;
}

void sequence_admit(struct sequence *sequence, bool admitting)
{
    if (admitting && !sequence->admitting) tell_all(sequence);
    sequence->admitting = admitting;
}

/* ---- Batches ---- */

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

static bool batch_fits(const struct sequence *sequence, size_t byte_count)
{
    return byte_count <= BATCH_BYTES_MAX - sequence->batch.used;
}

/* Adds a command of the log's own and returns the place of its payload. Needs: it fits. */
static uint8_t *own_command(struct sequence *sequence, uint16_t type)
{
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type)),
        .type = type,
        .auth_kind = AUTH_NONE,
    };
    uint8_t *at = sequence->batch.bytes + sequence->batch.used;
    ASSERT(batch_fits(sequence, header.length));
    command_header_put(at, &header);
    sequence->batch.used += header.length;
    sequence->batch.command_count++;
    return at + COMMAND_HEADER_BYTES;
}

static size_t own_seal(struct sequence *sequence, struct sequence_time now, uint8_t *bytes)
{
    const struct seal_command seal = {.height = sequence->sealed_height + 1};
    batch_open(sequence, now, bytes);
    seal_command_put(own_command(sequence, T_SEAL), &seal);
    sequence->seal_in_flight = true;
    sequence->sealed_at_ns = now.monotonic_ns;
    return batch_close(sequence);
}

uint64_t sequence_due(const struct sequence *sequence)
{
    if (!sequence->leading || sequence->seal_in_flight) return 0;
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
    const uint64_t due = sequence_due(sequence);
    if (due != 0 && now.monotonic_ns >= due) {
        *byte_count = own_seal(sequence, now, bytes);
        return SEQUENCE_OWN;
    }
    batch_open(sequence, now, bytes);
    return SEQUENCE_ARRIVED;
}

size_t sequence_close(struct sequence *sequence)
{
    ASSERT(sequence->batch.bytes != NULL);
    if (sequence->batch.command_count > 0) return batch_close(sequence);
    sequence->batch.bytes = NULL;
    return 0;
}

/* ---- What arrived ---- */

static void batch_add(struct sequence *sequence, const uint8_t *commands, size_t byte_count,
                      uint32_t command_count)
{
    ASSERT(batch_fits(sequence, byte_count));
    le_put_bytes(sequence->batch.bytes + sequence->batch.used, commands, byte_count);
    sequence->batch.used += byte_count;
    sequence->batch.command_count += command_count;
}

/* Nobody's: it moves no stream, and no group or deadline can make it nothing. And nobody else vouches for it:
 * with another authentication than a node's own it would stop everybody. */
static bool is_bare(const struct command_header *header)
{
    const bool own = header->auth_kind == AUTH_NONE && header->auth_length == 0;
    return header->origin == 0 && header->origin_epoch == 0 && header->origin_sequence == 0 &&
           header->group == 0 && header->deadline_ns == 0 &&
           (own || header->type == T_EPOCH_CHANGE);
}

static bool is_nobodys(uint16_t type)
{
    return type == T_VOTE || type == T_CHECKPOINT_VOTE || type == T_LIABILITIES_VOTE ||
           type == T_EPOCH_CHANGE;
}

/* A vote, a HELLO or a change of the epoch. */
static enum sequence_taken add_bare(struct sequence *sequence, const struct command *command,
                                    const uint8_t *bytes)
{
    if (!is_bare(&command->header)) return SEQUENCE_REFUSED;
    if (command->header.type == T_HELLO) {
        struct hello_command hello;
        hello_command_get(command->payload, &hello);
        const struct sequence_origin *origin = sequence_find(sequence, hello.node);
        if (hello.node == 0) return SEQUENCE_REFUSED;
        if (origin != NULL && origin->epoch != 0 && origin->nonce == hello.nonce)
            return SEQUENCE_REFUSED;
    } else if (!is_nobodys(command->header.type)) {
        return SEQUENCE_REFUSED;
    }
    if (!batch_fits(sequence, command->header.length)) return SEQUENCE_FULL;
    batch_add(sequence, bytes, command->header.length, 1);
    return SEQUENCE_TAKEN;
}

/* A HELLO alone, of this node. */
static enum sequence_taken add_hello(struct sequence *sequence, uint32_t node, const uint8_t *run,
                                     size_t byte_count, size_t *taken)
{
    struct command command;
    if (!command_decode(run, byte_count, &command)) return SEQUENCE_REFUSED;
    struct hello_command hello;
    hello_command_get(command.payload, &hello);
    if (hello.node != node) return SEQUENCE_REFUSED;
    const enum sequence_taken result = add_bare(sequence, &command, run);
    if (result == SEQUENCE_TAKEN) *taken = byte_count;
    return result;
}

static bool is_of_stream(const struct command_header *header, const struct sequence_origin *origin)
{
    return header->type >= T_ASSET_CREATE && header->type != T_EPOCH_CHANGE &&
           header->origin == origin->node;
}

/* Adds the commands of a run that are the next ones. What is to be added is one stretch of the run: it is
 * copied at once. */
static enum sequence_taken add_stream(struct sequence *sequence, struct sequence_origin *origin,
                                      const uint8_t *run, size_t byte_count, size_t *taken)
{
    enum sequence_taken result = SEQUENCE_TAKEN;
    const size_t room = BATCH_BYTES_MAX - sequence->batch.used;
    const uint8_t *at = run, *next = run, *begin = run, *const end = run + byte_count;
    const uint64_t first = origin->expected;
    struct command command;
    for (; at < end; at = next) {
        const bool good = batch_next(&next, end, &command);
        if (!good || !is_of_stream(&command.header, origin)) {
            result = SEQUENCE_REFUSED; /* and not told: it would come again */
            break;
        }
        const struct command_header *header = &command.header;
        const bool present = header->origin_epoch == origin->epoch;
        if (!present || header->origin_sequence > origin->expected) {
            result = SEQUENCE_REFUSED;
            origin->tell = true;
            break;
        }
        if (header->origin_sequence < origin->expected) {
            if (origin->expected != first) { /* it steps back within the run */
                result = SEQUENCE_REFUSED;
                break;
            }
            begin = next;
            continue;
        }
        if ((size_t)(next - begin) > room) {
            result = SEQUENCE_FULL;
            break;
        }
        origin->expected++;
    }
    batch_add(sequence, begin, (size_t)(at - begin), (uint32_t)(origin->expected - first));
    *taken = (size_t)(at - run);
    return result;
}

enum sequence_taken sequence_add_run(struct sequence *sequence, uint32_t node, const uint8_t *run,
                                     size_t byte_count, size_t *taken)
{
    ASSERT(sequence->batch.bytes != NULL);
    *taken = 0;
    if (byte_count == 0) return SEQUENCE_TAKEN;
    if (byte_count < COMMAND_HEADER_BYTES) return SEQUENCE_REFUSED;
    if (le_get_u16(run + COMMAND_TYPE_OFFSET) == T_HELLO)
        return add_hello(sequence, node, run, byte_count, taken);

    /* Who is not told now is told when the epoch is closed, or commands are admitted again. */
    struct sequence_origin *origin = origin_of(sequence, node);
    if (origin == NULL || origin->losing || !sequence->admitting) return SEQUENCE_REFUSED;
    if (origin->epoch == 0) {
        origin->tell = true;
        return SEQUENCE_REFUSED;
    }
    return add_stream(sequence, origin, run, byte_count, taken);
}

enum sequence_taken sequence_add(struct sequence *sequence, const uint8_t *command,
                                 size_t byte_count)
{
    ASSERT(sequence->batch.bytes != NULL);
    struct command decoded;
    if (!command_decode(command, byte_count, &decoded)) return SEQUENCE_REFUSED;
    const struct command_header *header = &decoded.header;
    if (header->type < T_ASSET_CREATE || header->type == T_EPOCH_CHANGE)
        return add_bare(sequence, &decoded, command);

    uint64_t epoch, expected;
    sequence_expected(sequence, header->origin, &epoch, &expected);
    if (epoch == 0 || header->origin_sequence < expected) return SEQUENCE_REFUSED;
    size_t taken;
    return sequence_add_run(sequence, header->origin, command, byte_count, &taken);
}

enum sequence_taken sequence_lost(struct sequence *sequence, uint32_t node)
{
    ASSERT(sequence->batch.bytes != NULL);
    struct sequence_origin *origin = origin_of(sequence, node);
    if (origin == NULL || origin->epoch == 0 || origin->losing || !sequence->admitting)
        return SEQUENCE_REFUSED;
    if (!batch_fits(sequence, COMMAND_HEADER_BYTES + ORIGIN_LOST_BYTES)) return SEQUENCE_FULL;
    const struct origin_lost_command lost = {.epoch = origin->epoch, .node = node};
    origin_lost_command_put(own_command(sequence, T_ORIGIN_LOST), &lost);
    origin->losing = true;
    return SEQUENCE_TAKEN;
}

/* ---- What the log delivers ---- */

static void follow_hello(struct sequence *sequence, const struct command *command)
{
    struct hello_command hello;
    hello_command_get(command->payload, &hello);
    if (hello.node == 0) return;
    struct sequence_origin *origin = origin_place(sequence, hello.node);
    if (origin->epoch != 0 && origin->nonce == hello.nonce) return;
    if (origin->epoch != 0) sequence->unsealed = true; /* orders of its sessions may end */
    epoch_close(origin);
    origin->epoch = sequence->command_count;
    origin->nonce = hello.nonce;
}

static void follow_lost(struct sequence *sequence, const struct command *command)
{
    struct origin_lost_command lost;
    origin_lost_command_get(command->payload, &lost);
    struct sequence_origin *origin = origin_of(sequence, lost.node);
    if (origin == NULL || lost.epoch == 0 || origin->epoch != lost.epoch) return;
    epoch_close(origin);
}

static void follow_seal(struct sequence *sequence, const struct command *command)
{
    struct seal_command seal;
    seal_command_get(command->payload, &seal);
    sequence->seal_in_flight = false;
    if (seal.height != sequence->sealed_height + 1) return;
    sequence->sealed_height = seal.height;
    sequence->unsealed = false;
}

/* A node's own command, which the engine may find to be nothing. */
static void follow_bare(struct sequence *sequence, const struct command *command, uint64_t stamp_ns)
{
    const struct command_header *header = &command->header;
    if (header->type == T_ORIGIN_LOST) sequence->unsealed = true;
    if (header->group != 0) return;
    if (header->deadline_ns != 0 && stamp_ns > header->deadline_ns) return;
    if (header->type == T_HELLO) follow_hello(sequence, command);
    if (header->type == T_SEAL) follow_seal(sequence, command);
    if (header->type == T_ORIGIN_LOST) follow_lost(sequence, command);
}

/* Whether the command is its origin's next one; then it counts. `*near` is the origin of the one before. */
static bool follow_origin(struct sequence *sequence, const struct command_header *header,
                          struct sequence_origin **near)
{
    struct sequence_origin *origin = *near;
    if (origin == NULL || origin->node != header->origin) {
        origin = origin_of(sequence, header->origin);
        if (origin == NULL) return false;
        *near = origin;
    }
    if (header->origin_epoch != origin->epoch || origin->epoch == 0) return false;
    if (header->origin_sequence != origin->last + 1) return false;
    origin->last++;
    if (origin->expected <= origin->last) origin->expected = origin->last + 1;
    return true;
}

bool sequence_delivered(struct sequence *sequence, const uint8_t *bytes, size_t byte_count)
{
    struct batch_header header;
    if (!batch_header_get(bytes, byte_count, &header)) return false;
    const uint8_t *at = bytes + BATCH_HEADER_BYTES, *const end = bytes + byte_count;
    struct sequence_origin *near = NULL;
    struct command command;
    for (uint32_t i = 0; i < header.command_count; i++) {
        if (!batch_next(&at, end, &command)) return false;
        sequence->command_count++;
        if (command.header.origin != 0 && !follow_origin(sequence, &command.header, &near))
            continue;
        if (command.header.type >= T_ASSET_CREATE)
            sequence->unsealed = true;
        else
            follow_bare(sequence, &command, header.stamp_ns);
    }
    if (at != end) return false;
    sequence->delivered_stamp_ns = later(sequence->delivered_stamp_ns, header.stamp_ns);
    sequence->stamp_ns = later(sequence->stamp_ns, header.stamp_ns);
    if (sequence->in_flight > 0) sequence->in_flight--;
    INVARIANT(sequence_check(sequence));
    return true;
}

bool sequence_check(const struct sequence *sequence)
{
    ASSERT(sequence->batch.bytes == NULL || sequence->batch.stamp_ns >= sequence->stamp_ns);
    ASSERT(sequence->stamp_ns >= sequence->delivered_stamp_ns);
    ASSERT(sequence->in_flight <= SEQUENCE_EMPTY_MAX);
    ASSERT(sequence->leading || (sequence->in_flight == 0 && !sequence->seal_in_flight));
    ASSERT(!sequence->seal_in_flight || sequence->in_flight > 0);
    ASSERT(sequence->origin_count <= SEQUENCE_ORIGINS_MAX);
    for (uint32_t i = 0; i < sequence->origin_count; i++) {
        const struct sequence_origin *origin = &sequence->origins[i];
        ASSERT(origin->node != 0 && sequence_find(sequence, origin->node) == origin);
        ASSERT(origin->expected > origin->last && origin->epoch <= sequence->command_count);
        ASSERT(origin->epoch != 0 || (origin->last == 0 && origin->nonce == 0));
    }
    return true;
}
