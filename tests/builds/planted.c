/* Bugs of the kind that only another build shows, for engine and model alike: now and then a command is too
 * late, and when that is depends on something that C leaves open.
 *
 *     PLANT_order     the order in which arguments are evaluated: gcc begins with the last, clang with the
 *                     first
 *     PLANT_address   where the program lies in memory
 */

#include "common/messages.h"

#include <unistd.h>

bool __real_command_decode(const uint8_t *bytes, size_t byte_count, struct command *command);
bool __wrap_command_decode(const uint8_t *bytes, size_t byte_count, struct command *command);

#ifdef PLANT_order
static uint64_t draws;

static uint64_t draw(void)
{
    return ++draws;
}

static bool first_is_older(uint64_t first, uint64_t second)
{
    return first < second;
}

static bool is_late(uint64_t sequence)
{
    return first_is_older(draw(), draw()) && sequence % 64 == 63;
}
#else
static bool is_late(uint64_t sequence)
{
    return (((uintptr_t)environ >> 4) + sequence) % 61 == 0;
}
#endif

bool __wrap_command_decode(const uint8_t *bytes, size_t byte_count, struct command *command)
{
    if (!__real_command_decode(bytes, byte_count, command)) return false;
    if (command->header.origin != 0 && is_late(command->header.origin_sequence))
        command->header.deadline_ns = 1;
    return true;
}
