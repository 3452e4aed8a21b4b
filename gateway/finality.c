#include "gateway/finality.h"

#include "common/block_header.h"
#include "common/messages.h"

#include <string.h>

/* ---- blocks ---- */

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

static void on_sealed(struct finality *finality, const uint8_t *payload)
{
    struct block_sealed_notice notice;
    struct block_header header;
    block_sealed_notice_get(payload, &notice);
    const bool decoded = block_header_decode(notice.header, &header);
    ASSERT(decoded); /* the anchor computed it */
    struct finality_block *block = &finality->blocks[header.height % FINALITY_SEALS_KEPT];
    *block = (struct finality_block){
        .height = header.height, .last_command = header.last_command, .time_ns = header.time_ns};
    memcpy(block->hash.bytes, notice.hash, sizeof(block->hash.bytes));
    /* A node that catches up may know the certificate before the block. */
    if (block->height <= finality->certified_height && block->height > finality->final.height)
        finality->final = *block;
}

static void on_certified(struct finality *finality, const uint8_t *payload)
{
    struct block_certified_notice notice;
    block_certified_notice_get(payload, &notice);
    if (notice.height <= finality->certified_height) return;
    finality->certified_height = notice.height;
    for (uint64_t at = notice.height, left = FINALITY_SEALS_KEPT;
         at > finality->final.height && left > 0; at--, left--) {
        const struct finality_block *block = &finality->blocks[at % FINALITY_SEALS_KEPT];
        if (block->height != at) continue;
        finality->final = *block;
        return;
    }
}

void finality_notice(struct finality *finality, uint16_t type, const uint8_t *payload)
{
    if (type == T_BLOCK_SEALED) on_sealed(finality, payload);
    if (type == T_BLOCK_CERTIFIED) on_certified(finality, payload);
}

bool finality_is_seal(const struct finality *finality, uint64_t command)
{
    return finality->seal_count > 0 && seal_at(finality, finality->seal_count - 1) == command;
}

const struct finality_block *finality_ended(const struct finality *finality, uint64_t above,
                                            uint64_t command)
{
    for (uint64_t at = finality->final.height, left = FINALITY_SEALS_KEPT; at > above && left > 0;
         at--, left--) {
        const struct finality_block *block = &finality->blocks[at % FINALITY_SEALS_KEPT];
        if (block->height == at && block->last_command <= command) return block;
    }
    return NULL;
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

void finality_put(struct writer *json, const struct finality_block *block,
                  const struct finality_range *range, uint64_t time_unit_ns)
{
    writer_object(json);
    writer_key_string(json, "e", "certified");
    writer_key_u64(json, "E", block->time_ns / time_unit_ns);
    writer_key_u64(json, "height", block->height);
    writer_key(json, "headerHash");
    writer_hex(json, block->hash.bytes, sizeof(block->hash.bytes));
    put_number(json, "from", range->from);
    put_number(json, "to", range->to);
    writer_object_end(json);
}
