#include "gateway/finality.h"

#include <string.h>

/* ---- ends of blocks ---- */

static uint64_t seal_at(const struct finality *finality, uint64_t index)
{
    return finality->seals[index % FINALITY_SEALS_KEPT];
}

static uint64_t first_seal(const struct finality *finality)
{
    return finality->seal_count > FINALITY_SEALS_KEPT ? finality->seal_count - FINALITY_SEALS_KEPT
                                                      : 0;
}

void finality_seal(struct finality *finality, uint64_t command)
{
    ASSERT(finality->seal_count == 0 || seal_at(finality, finality->seal_count - 1) < command);
    finality->seals[finality->seal_count++ % FINALITY_SEALS_KEPT] = command;
}

bool finality_is_seal(const struct finality *finality, uint64_t command)
{
    return finality->seal_count > 0 && seal_at(finality, finality->seal_count - 1) == command;
}

/* ---- marks ---- */

/* Whether a block is known to have ended at `from` or behind it, and before `to`. */
static bool is_apart(const struct finality *finality, uint64_t from, uint64_t to)
{
    uint64_t low = first_seal(finality), high = finality->seal_count;
    if (low == high || seal_at(finality, low) >= to) return false;
    if (seal_at(finality, high - 1) < to) return seal_at(finality, high - 1) >= from;
    /* The last seal before `to` is in [low, high - 1). */
    high--;
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (seal_at(finality, middle) < to)
            low = middle;
        else
            high = middle;
    }
    return seal_at(finality, low) >= from;
}

void finality_begin(struct finality_marks *marks, struct user_number heard)
{
    ASSERT(marks->count == 0);
    marks->marks[marks->count++] = (struct finality_range){heard, heard};
}

void finality_hear(const struct finality *finality, struct finality_marks *marks,
                   struct user_number number)
{
    struct finality_range *last = marks->count == 0 ? NULL : &marks->marks[marks->count - 1];
    ASSERT(last == NULL || user_number_compare(last->to, number) < 0);
    const bool is_new = last == NULL || (marks->count < FINALITY_MARKS_MAX &&
                                         is_apart(finality, last->to.command, number.command));
    if (is_new)
        marks->marks[marks->count++] = (struct finality_range){number, number};
    else
        last->to = number;
}

bool finality_take(struct finality_marks *marks, uint64_t last_command,
                   struct finality_range *range)
{
    uint32_t taken = 0;
    while (taken < marks->count && marks->marks[taken].to.command <= last_command)
        taken++;
    if (taken == 0) return false;
    *range = (struct finality_range){marks->marks[0].from, marks->marks[taken - 1].to};
    marks->count -= taken;
    memmove(marks->marks, marks->marks + taken, marks->count * sizeof(marks->marks[0]));
    return true;
}

/* ---- the message ---- */

static void put_number(struct writer *json, const char *name, struct user_number number)
{
    char text[USER_NUMBER_TEXT];
    writer_key_text(json, name, text, user_number_put(number, text));
}

void finality_put(struct writer *json, const struct block_entry *block,
                  const struct finality_range *range, uint64_t time_unit_ns)
{
    writer_object(json);
    writer_key_string(json, "e", "certified");
    writer_key_u64(json, "E", block->header.time_ns / time_unit_ns);
    writer_key_u64(json, "height", block->header.height);
    writer_key(json, "headerHash");
    writer_hex(json, block->hash.bytes, sizeof(block->hash.bytes));
    put_number(json, "from", range->from);
    put_number(json, "to", range->to);
    writer_object_end(json);
}
