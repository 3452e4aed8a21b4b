/* Any bytes as commands, to the engine and to the model at once: every event byte and every balance must be
 * the same, and every invariant and the conservation of each asset must hold after each command.
 *
 * An input names a random world (tests/model/dice.h) and then says, step by step, what comes next:
 *
 *     RAW      a whole command, header, payload and all, as it stands in the input
 *     PAYLOAD  a command of a known type in the right sequence, its payload from the input
 *     TIME     the stamp moves on
 *     others   what the dice give, with up to three places in it changed
 */

#include "common/le.h"
#include "tests/model/dice.h"
#include "tests/model/script.h"

#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 400
#define HEADER_FIXED 6u  /* length, type */
#define AUTH_AT      12u /* auth_kind, auth_length */

enum step { RAW, PAYLOAD, TIME, STEPS = 32 };

static const uint16_t command_types[] = {
#define MESSAGE(kind, id, NAME, name) TYPE_OF_##kind(id)
#define TYPE_OF_command(id)           id,
#define TYPE_OF_event(id)
#define TYPE_OF_notice(id)
#define FIELD(type, name)
#define BYTES(name, count)
#define END(kind, NAME, name)
#include "common/messages.def"
#undef MESSAGE
#undef TYPE_OF_command
#undef TYPE_OF_event
#undef TYPE_OF_notice
#undef FIELD
#undef BYTES
#undef END
};
#define COMMAND_TYPES (sizeof(command_types) / sizeof(*command_types))

/* How many places the dice's command is changed in: mostly none, or little would ever rest. */
static const uint8_t changes_of[256 / STEPS] = {0, 0, 0, 0, 1, 1, 2, 3};

/* What an eight-byte field may become. */
static const uint64_t corners[] = {
    0,          1,         2,          INT64_MAX,    (uint64_t)INT64_MIN,
    UINT64_MAX, INT32_MAX, UINT32_MAX, (1ull << 53), 1000000007,
    99,         256};

struct input {
    const uint8_t *at;
    const uint8_t *end;
};

static struct {
    struct trial trial;
    struct dice dice;
    struct genesis genesis;
    uint64_t stamp_ns;
    uint32_t count;
} play;

static uint8_t byte_next(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static void step(struct trial_command *command)
{
    if (command->stamp_ns < play.stamp_ns) command->stamp_ns = play.stamp_ns;
    play.stamp_ns = command->stamp_ns;
    play.count++;
    trial_regulate(&play.trial, command);
    const bool same = trial_step(&play.trial, command);
    if (!same) {
        script_print_command(stderr, command);
        fprintf(stderr, "\n  the model says\n");
        script_print_events(stderr, play.trial.model_events.bytes, play.trial.model_out.at);
        fprintf(stderr, "  the engine says\n");
        script_print_events(stderr, play.trial.engine_out.begin, play.trial.engine_out.at);
    }
    ASSERT(same);
    INVARIANT(engine_check(play.trial.engine));
    INVARIANT(model_check(play.trial.model));
}

/* As a peer or a damaged log would have it. Bytes that are no command are left where they are: what follows
 * may be one. */
static void raw_step(struct input *input)
{
    struct trial_command command = {.stamp_ns = play.stamp_ns};
    struct command decoded;
    const size_t rest = (size_t)(input->end - input->at);
    const uint32_t length = rest < COMMAND_HEADER_BYTES ? 0 : le_get_u32(input->at);
    if (length > rest || !command_decode(input->at, length, &decoded)) return;
    if (length <= TRIAL_COMMAND_MAX) {
        command.byte_count = (uint16_t)length;
        memcpy(command.bytes, input->at, length);
        step(&command);
    }
    input->at += length;
}

static void payload_step(struct input *input)
{
    const uint16_t type = command_types[byte_next(input) % COMMAND_TYPES];
    const uint8_t how = byte_next(input);
    const size_t byte_count = message_payload_bytes(type);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + byte_count),
        .type = type,
        .origin = how % 4 == 0   ? 0
                  : how % 4 == 1 ? 7
                                 : 1,
        .deadline_ns = how >= 250 ? play.stamp_ns - 1 + how % 3 : 0,
    };
    struct trial_command command = {.stamp_ns = play.stamp_ns,
                                    .byte_count = (uint16_t)header.length,
                                    .regular = how % 16 != 15,
                                    .aim = (int16_t)(how / 16)};
    command_header_put(command.bytes, &header);
    for (size_t i = 0; i < byte_count; i++)
        command.bytes[COMMAND_HEADER_BYTES + i] = byte_next(input);
    step(&command);
}

/* Changes one place of the command: its header behind length and type, or its payload. Sometimes it keeps
 * whatever sequence and nonce it has. */
static void command_change(struct input *input, struct trial_command *command)
{
    const uint8_t how = byte_next(input);
    const size_t at = HEADER_FIXED + byte_next(input) % (command->byte_count - HEADER_FIXED);
    const uint8_t value = byte_next(input);
    if (how >= 224) command->regular = false;
    if (at >= AUTH_AT && at < AUTH_AT + 4) return; /* what decodes has none of these */
    if (how % 4 == 0 && at >= COMMAND_HEADER_BYTES && at + 8 <= command->byte_count)
        le_put_u64(command->bytes + at, corners[value % (sizeof(corners) / sizeof(*corners))]);
    else if (how % 4 == 1)
        command->bytes[at] = value;
    else if (how % 4 == 2)
        command->bytes[at] = (uint8_t)(command->bytes[at] + value % 7 - 3);
    else
        command->bytes[at] ^= (uint8_t)(1u << value % 8);
}

static void dice_step(struct input *input, uint8_t changes)
{
    struct trial_command command;
    play.dice.stamp_ns = play.stamp_ns;
    dice_next(&play.dice, play.trial.model, &command);
    while (changes-- > 0)
        command_change(input, &command);
    step(&command);
}

static void world_open(uint64_t seed)
{
    play.count = 0;
    script_genesis(&play.genesis);
    dice_open(&play.dice, seed, &play.genesis);
    play.stamp_ns = play.dice.stamp_ns;
    trial_open(&play.trial, &play.genesis);
    /* Assets, markets, nodes, accounts, their money, filters. */
    struct input none = {NULL, NULL};
    for (uint32_t i = 5 + 2 * play.dice.markets + 4 * play.dice.accounts; i > 0; i--)
        dice_step(&none, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct input input = {bytes, bytes + byte_count};
    const uint8_t seed = byte_next(&input);
    world_open(seed | (uint64_t)byte_next(&input) << 8);
    while (input.at < input.end && play.count < COMMANDS_MAX) {
        const uint8_t next = byte_next(&input);
        if (next % STEPS == RAW)
            raw_step(&input);
        else if (next % STEPS == PAYLOAD)
            payload_step(&input);
        else if (next % STEPS == TIME)
            play.stamp_ns += UINT64_C(1) << byte_next(&input) % 54;
        else
            dice_step(&input, changes_of[next / STEPS]);
    }
    trial_check(&play.trial);
    trial_close(&play.trial);
    return 0;
}
