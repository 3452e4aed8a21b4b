/* Blocks as the anchor ends them, a hasher's thread beside it: a body is hashed while it grows and its accounts are moved,
 * then leaves and nodes by parts. Each block's header and roots must be those that come without a thread.
 *
 *     race_hashing [--short]
 *
 * `--short` keeps the last record from the thread: exit 0 only when every header is wrong.
 */

#include "node/hasher.h"
#include "tests/unit/ledger/blocks.h"
#include "tests/unit/settlement/crowd.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCKS     20
#define RECORDS    4000
#define BODY_BYTES (RECORDS * 400u)
#define A_BLOCK    1500u /* accounts that move */

static uint8_t body[BODY_BYTES];
static struct crowd beside, alone;
static bool is_short;

/* One more record, whose bytes follow from its number. Returns where it ends. */
static size_t add_record(size_t at, uint64_t number)
{
    uint8_t events[512];
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    for (uint64_t i = 0; i < number % 3; i++) {
        const struct fill_event fill = {.trade_id = number, .price = {7}, .qty = {(int64_t)i}};
        event_write_fill(&writer, &fill);
    }
    const struct applied record = {.number = number,
                                   .command_length = (uint32_t)(number % 100),
                                   .events_length = (uint32_t)(writer.at - events),
                                   .event_count = writer.count,
                                   .flags = APPLIED_FIRST | APPLIED_LAST};
    applied_header_put(body + at, &record);
    at += APPLIED_HEADER_BYTES;
    memset(body + at, (int)number, record.command_length);
    memcpy(body + at + record.command_length, events, record.events_length);
    return at + record.command_length + record.events_length;
}

static void header_of(const struct seal *seal, const struct settle_roots *roots,
                      struct block_header *header)
{
    const struct seal_facts facts = {
        .height = 1, .state_root = roots->state_root, .totals_root = roots->totals_root};
    seal_step(seal, &facts, header);
}

/* Whether the block has the same header with the thread and without. */
static bool block_fits(struct hasher *hasher, uint64_t first, uint32_t height)
{
    struct seal seal, expected;
    struct settle_roots roots, expected_roots;
    struct block_header header, expected_header;
    size_t at = 0;
    seal_begin(&seal, first);
    seal_begin(&expected, first);
    for (uint64_t i = 0; i < RECORDS; i++) {
        at = add_record(at, first + i);
        if (!is_short || i + 1 < RECORDS) hasher_give(hasher, &seal, body, at);
        if (i < A_BLOCK) crowd_move(&beside, height * 1000 + (uint32_t)i, 1);
    }
    if (crowd_seal(&beside, &roots) != STATUS_OK) abort();
    hasher_finish(hasher);
    header_of(&seal, &roots, &header);

    crowd_move(&alone, height * 1000, A_BLOCK);
    if (crowd_seal(&alone, &expected_roots) != STATUS_OK) abort();
    seal_records(&expected, body, at);
    header_of(&expected, &expected_roots, &expected_header);
    return block_header_difference(&header, &expected_header) == NULL;
}

int main(int argc, char **argv)
{
    struct hasher *hasher;
    uint32_t wrong = 0;
    is_short = argc > 1 && strcmp(argv[1], "--short") == 0;
    struct world *world = world_new();
    if (!hash_start() || hasher_open(HASHER_FORCED, &hasher) != STATUS_OK) return 2;
    crowd_make(&beside, world);
    crowd_make(&alone, world);
    settlement_share(beside.settlement, hasher_sharing(hasher));
    for (uint32_t i = 0; i < BLOCKS; i++)
        wrong += !block_fits(hasher, 1 + (uint64_t)i * RECORDS, i);
    hasher_close(hasher);
    printf("%u of %u headers are wrong\n", wrong, BLOCKS);
    crowd_free(&beside);
    crowd_free(&alone);
    world_free(world);
    return wrong == (is_short ? BLOCKS : 0) ? 0 : 1;
}
