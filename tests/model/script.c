#include "tests/model/script.h"

#include "common/hash.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 4096

void script_genesis(struct genesis *genesis)
{
    *genesis = (struct genesis){.operator_count = 2, .validators = {.count = 2}};
    genesis->validators.members[0].node = 1;
    genesis->validators.members[1].node = 7;
    struct params *params = &genesis->params;
    params->rules = 1;
    params->accounts_max = params->keys_max = params->orders_max = params->levels_max = 1;
    params->assets_max = params->markets_max = 1;
    params->block_ms = 100;
    params->idle_block_ms = 1000;
    params->stamp_step_ms = 10000;
    params->uncertified_blocks_max = 64;
}

void script_add(struct script *script, const struct trial_command *command)
{
    if (script->count == script->room) {
        script->room = script->room == 0 ? 64 : script->room * 2;
        script->commands = realloc(script->commands, script->room * sizeof(*script->commands));
        ASSERT(script->commands != NULL);
    }
    script->commands[script->count++] = *command;
}

void script_free(struct script *script)
{
    free(script->commands);
    *script = (struct script){0};
}

/* ---- Words ---- */

static void print_bytes(FILE *out, const char *name, const uint8_t *bytes, size_t count)
{
    while (count > 0 && bytes[count - 1] == 0)
        count--;
    if (count == 0) return;
    fprintf(out, " %s=", name);
    for (size_t i = 0; i < count; i++) {
        if (isalnum(bytes[i]))
            fputc(bytes[i], out);
        else
            fprintf(out, "%%%02x", bytes[i]);
    }
}

static void print_number(FILE *out, const char *name, int64_t value)
{
    if (value == 0) return; /* what is not said is 0 */
    fprintf(out, " %s=%" PRId64, name, value);
    if (strstr(name, "reject") != NULL) fprintf(out, "(%s)", reject_name((enum reject)value));
}

#define VALUE_u8(value)     value
#define VALUE_u16(value)    value
#define VALUE_u32(value)    value
#define VALUE_u64(value)    (int64_t)(value)
#define VALUE_i32(value)    value
#define VALUE_i64(value)    value
#define VALUE_price(value)  (value).ticks
#define VALUE_qty(value)    (value).lots
#define VALUE_amount(value) (value).units

static void print_message(FILE *out, uint16_t type, const uint8_t *payload)
{
    fputs(message_name(type), out);
    switch (type) {
#define MESSAGE(kind, id, NAME, name) \
    case id: { \
        struct name##_##kind message; \
        name##_##kind##_get(payload, &message);
#define FIELD(type, name)  print_number(out, #name, VALUE_##type(message.name));
#define BYTES(name, count) print_bytes(out, #name, message.name, count);
#define END(kind, NAME, name) \
    break; \
    }
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END
    default:
        break;
    }
}

void script_print_command(FILE *out, const struct trial_command *bytes)
{
    struct command command;
    if (!command_decode(bytes->bytes, bytes->byte_count, &command)) {
        fputs("not a command", out);
        return;
    }
    print_message(out, command.header.type, command.payload);
    if (command.header.origin != 0) fprintf(out, ", origin %" PRIu32, command.header.origin);
    if (command.header.group != 0) fprintf(out, ", group %u", command.header.group);
    if (command.header.deadline_ns != 0)
        fprintf(out, ", deadline %" PRIu64, command.header.deadline_ns);
}

void script_print_events(FILE *out, const uint8_t *bytes, const uint8_t *end)
{
    struct event event;
    while (event_next(&bytes, end, &event)) {
        fputs("    ", out);
        print_message(out, event.type, event.payload);
        fputc('\n', out);
    }
    if (bytes != end) fputs("    and bytes that are no event\n", out);
}

/* ---- Files ---- */

bool script_write(const struct script *script, const char *path, const char *remark)
{
    const struct params *params = &script->genesis.params;
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        return false;
    }
    fprintf(out,
            "# %s\nworld accounts %" PRIu32 " keys %" PRIu32 " orders %" PRIu32 " levels %" PRIu32
            " assets %" PRIu32 " markets %" PRIu32 " volume %u\n",
            remark, params->accounts_max, params->keys_max, params->orders_max, params->levels_max,
            params->assets_max, params->markets_max, params->volume_asset);
    for (int i = 0; i < params->tier_count; i++)
        fprintf(out, "tier %d %d %" PRId64 "\n", params->tiers[i].maker_ppm,
                params->tiers[i].taker_ppm, params->tiers[i].volume_min.units);
    for (uint32_t i = 0; i < script->count; i++) {
        char hex[2 * TRIAL_COMMAND_MAX + 1];
        const struct trial_command *command = &script->commands[i];
        hash_hex(command->bytes, command->byte_count, hex);
        fprintf(out, "%" PRIu64 " %s # ", command->stamp_ns, hex);
        script_print_command(out, command);
        fputc('\n', out);
    }
    const bool written = ferror(out) == 0;
    return fclose(out) == 0 && written;
}

static bool read_tier(struct params *params, const char *line)
{
    int32_t maker, taker;
    int64_t volume;
    if (params->tier_count == PARAMS_TIERS_LIMIT) return false;
    if (sscanf(line, "tier %" SCNd32 " %" SCNd32 " %" SCNd64, &maker, &taker, &volume) != 3)
        return false;
    params->tiers[params->tier_count++] = (struct fee_tier){maker, taker, {volume}};
    return true;
}

static bool read_command(struct script *script, const char *line)
{
    struct trial_command command = {0};
    char hex[2 * TRIAL_COMMAND_MAX + 1];
    struct command decoded;
    if (sscanf(line, "%" SCNu64 " %1120[0-9a-f]", &command.stamp_ns, hex) != 2) return false;
    const size_t length = strlen(hex);
    command.byte_count = (uint16_t)(length / 2);
    if (!hash_from_hex(hex, length, command.bytes, command.byte_count)) return false;
    if (!command_decode(command.bytes, command.byte_count, &decoded)) return false;
    script_add(script, &command);
    return true;
}

static bool read_line(struct script *script, const char *line)
{
    struct params *params = &script->genesis.params;
    if (line[0] == '#' || line[0] == '\n') return true;
    if (strncmp(line, "tier ", 5) == 0) return read_tier(params, line);
    if (strncmp(line, "world ", 6) != 0) return read_command(script, line);
    return sscanf(line,
                  "world accounts %" SCNu32 " keys %" SCNu32 " orders %" SCNu32 " levels %" SCNu32
                  " assets %" SCNu32 " markets %" SCNu32 " volume %" SCNu16,
                  &params->accounts_max, &params->keys_max, &params->orders_max,
                  &params->levels_max, &params->assets_max, &params->markets_max,
                  &params->volume_asset) == 7;
}

bool script_read(struct script *script, const char *path)
{
    static_assert(2 * TRIAL_COMMAND_MAX == 1120, "read_command's bound");
    char line[LINE_MAX_BYTES];
    const char *reason = "";
    *script = (struct script){0};
    script_genesis(&script->genesis);
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        perror(path);
        return false;
    }
    bool good = true;
    for (int number = 1; good && fgets(line, sizeof(line), in) != NULL; number++) {
        good = read_line(script, line);
        if (!good) fprintf(stderr, "%s:%d: cannot read this line: %.60s\n", path, number, line);
    }
    fclose(in);
    if (good && !params_valid(&script->genesis.params, &reason)) {
        fprintf(stderr, "%s: %s\n", path, reason);
        good = false;
    }
    if (!good) script_free(script);
    return good;
}
