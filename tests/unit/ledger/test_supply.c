#include "ledger/supply.h"

#include "common/le.h"
#include "tests/harness.h"

/* A source that has 1,000,000 bytes of chunk 0 and entries 11 to 20, and peers that take what is sent. */
static struct supply supply;
static bool up[8], full[8];
static uint32_t sent_to[4096], sent_count;
static uint8_t last[PEERS_MESSAGE_MAX];
static size_t last_bytes;
static uint32_t reads, entry_bytes;

static bool take(void *context, uint32_t node, const struct peers_piece *pieces, uint32_t count)
{
    (void)context;
    if (full[node]) return false;
    last_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(last_bytes + pieces[i].byte_count <= PEERS_MESSAGE_MAX);
        memcpy(last + last_bytes, pieces[i].bytes, pieces[i].byte_count);
        last_bytes += pieces[i].byte_count;
    }
    sent_to[sent_count++] = node;
    return true;
}

static bool is_up(void *context, uint32_t node)
{
    (void)context;
    return up[node];
}

static void offer(void *context, struct fetch_offer *made)
{
    (void)context;
    *made = (struct fetch_offer){.height = 50, .checkpoint_height = 40};
}

static enum status read_chunk(void *context, const struct fetch_object *object, uint32_t offset,
                              uint8_t *bytes, uint32_t capacity, uint32_t *byte_count,
                              uint32_t *total)
{
    (void)context;
    reads++;
    if (object->kind != FETCH_CHUNK || object->part != 0 || offset >= 1000000)
        return STATUS_NOT_FOUND;
    *total = 1000000;
    *byte_count = *total - offset < capacity ? *total - offset : capacity;
    memset(bytes, 7, *byte_count);
    return STATUS_OK;
}

static enum status read_entry(void *context, uint64_t index, struct wal_entry *entry)
{
    static uint8_t bytes[PEERS_MESSAGE_MAX];
    (void)context;
    if (index < 11 || index > 20) return STATUS_NOT_FOUND;
    memset(bytes, (int)index, entry_bytes);
    *entry = (struct wal_entry){
        .index = index, .term = 3, .type = WAL_COMMANDS, .length = entry_bytes, .bytes = bytes};
    return STATUS_OK;
}

static void begin(void)
{
    supply_begin(&supply, (struct peers){NULL, take, is_up},
                 (struct supply_source){NULL, offer, read_chunk, read_entry});
    for (int i = 0; i < 8; i++) {
        up[i] = true;
        full[i] = false;
    }
    sent_count = reads = 0;
    entry_bytes = 100;
}

static void ask(uint32_t node, uint32_t part, uint32_t offset, uint32_t count)
{
    uint8_t bytes[FETCH_ASK_BYTES];
    const struct fetch_ask question = {{FETCH_CHUNK, part, 40}, offset, count};
    supply_receive(&supply, node, bytes, fetch_ask_encode(&question, bytes));
}

TEST(supply, answers_what_it_has)
{
    begin();
    uint8_t bytes[FETCH_SHORT_BYTES];
    supply_receive(&supply, 2, bytes, fetch_what_encode(bytes));
    assert_false(supply_turn(&supply));
    struct fetch_offer made;
    assert_true(fetch_offer_decode(last, last_bytes, &made));
    assert_int_equal(made.checkpoint_height, 40);
    assert_int_equal(sent_to[0], 2);
}

TEST(supply, gives_pieces_up_to_the_end)
{
    begin();
    struct fetch_piece piece;
    ask(2, 0, 1000000 - 10, 4096);
    (void)!supply_turn(&supply);
    assert_true(fetch_piece_decode(last, last_bytes, &piece));
    assert_int_equal(piece.byte_count, 10);
    assert_int_equal(piece.total, 1000000);
    ask(2, 0, 1000000, 4096);
    (void)!supply_turn(&supply);
    assert_true(fetch_piece_decode(last, last_bytes, &piece));
    assert_int_equal(piece.total, 0);
    ask(2, 1, 0, 4096);
    (void)!supply_turn(&supply);
    assert_true(fetch_piece_decode(last, last_bytes, &piece));
    assert_int_equal(piece.total, 0);
    assert_int_equal(piece.object.part, 1);
}

/* One who asks much does not keep one who asks little waiting. */
TEST(supply, takes_the_peers_in_turn)
{
    begin();
    for (uint32_t i = 0; i < 10; i++)
        ask(2, 0, i * 1000, 1000);
    ask(3, 0, 0, 1000);
    ask(5, 0, 0, 1000);
    for (int i = 0; i < 12; i++)
        assert_int_equal(supply_turn(&supply), i < 11);
    assert_int_equal(sent_to[0], 2);
    assert_int_equal(sent_to[1], 3);
    assert_int_equal(sent_to[2], 5);
    assert_int_equal(sent_to[3], 2);
    assert_int_equal(sent_count, 12);
    assert_false(supply_turn(&supply));
}

/* A turn reads once at most. */
TEST(supply, turn_is_bounded)
{
    begin();
    for (uint32_t node = 1; node < 8; node++)
        for (uint32_t i = 0; i < SUPPLY_ASKS_MAX; i++)
            ask(node, 0, 0, FETCH_PIECE_MAX);
    for (uint32_t turn = 1; turn <= 7 * SUPPLY_ASKS_MAX; turn++) {
        (void)!supply_turn(&supply);
        assert_int_equal(reads, turn);
    }
}

/* More than the bound is forgotten. */
TEST(supply, remembers_a_bounded_number_of_questions)
{
    begin();
    for (uint32_t i = 0; i < SUPPLY_ASKS_MAX + 5; i++)
        ask(2, 0, i, 1);
    while (supply_turn(&supply)) {
    }
    assert_int_equal(sent_count, SUPPLY_ASKS_MAX);
    struct fetch_piece piece;
    assert_true(fetch_piece_decode(last, last_bytes, &piece));
    assert_int_equal(piece.offset, SUPPLY_ASKS_MAX - 1); /* the oldest ones count */
}

/* What has no room on its link stays, and holds nobody else up; what was asked over a link that is gone goes. */
TEST(supply, waits_for_room_and_forgets_who_is_gone)
{
    begin();
    full[2] = true;
    ask(2, 0, 0, 1000);
    ask(3, 0, 0, 1000);
    assert_true(supply_turn(&supply));
    assert_int_equal(sent_to[0], 3);
    assert_false(supply_turn(&supply));
    assert_int_equal(sent_count, 1);
    full[2] = false;
    assert_false(supply_turn(&supply));
    assert_int_equal(sent_count, 2);
    ask(2, 0, 0, 1000);
    up[2] = false;
    assert_false(supply_turn(&supply));
    up[2] = true;
    assert_false(supply_turn(&supply));
    assert_int_equal(sent_count, 2);
}

TEST(supply, gives_entries_as_many_as_there_are_and_fit)
{
    static struct fetch_entries entries;
    uint8_t bytes[FETCH_RANGE_BYTES];
    struct fetch_range range = {15, 100};
    begin();
    supply_receive(&supply, 2, bytes, fetch_ask_entries_encode(&range, bytes));
    (void)!supply_turn(&supply);
    assert_true(fetch_entries_decode(last, last_bytes, &entries));
    assert_int_equal(entries.first, 15);
    assert_int_equal(entries.count, 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(entries.entries[i].bytes[99], 15 + i);
    range = (struct fetch_range){11, 3};
    supply_receive(&supply, 2, bytes, fetch_ask_entries_encode(&range, bytes));
    (void)!supply_turn(&supply);
    assert_true(fetch_entries_decode(last, last_bytes, &entries));
    assert_int_equal(entries.count, 3);
    range.first = 10; /* recycled */
    supply_receive(&supply, 2, bytes, fetch_ask_entries_encode(&range, bytes));
    (void)!supply_turn(&supply);
    assert_true(fetch_entries_decode(last, last_bytes, &entries));
    assert_int_equal(entries.count, 0);

    entry_bytes = FETCH_PIECE_MAX / 2;
    range = (struct fetch_range){11, 9};
    supply_receive(&supply, 2, bytes, fetch_ask_entries_encode(&range, bytes));
    (void)!supply_turn(&supply);
    assert_true(fetch_entries_decode(last, last_bytes, &entries));
    assert_int_equal(entries.count, 2);
    entry_bytes = SUPPLY_ENTRY_MAX; /* one that is larger than a piece goes alone */
    supply_receive(&supply, 2, bytes, fetch_ask_entries_encode(&range, bytes));
    (void)!supply_turn(&supply);
    assert_true(fetch_entries_decode(last, last_bytes, &entries));
    assert_int_equal(entries.count, 1);
}

/* Only questions are for the supply. */
TEST(supply, ignores_everything_else)
{
    begin();
    uint8_t bytes[FETCH_OFFER_BYTES];
    const struct fetch_offer made = {.height = 1};
    supply_receive(&supply, 2, bytes, fetch_offer_encode(&made, bytes));
    supply_receive(&supply, 2, bytes, 0);
    bytes[0] = FETCH_ASK;
    supply_receive(&supply, 2, bytes, sizeof(bytes));
    assert_false(supply_turn(&supply));
    assert_int_equal(sent_count, 0);
}
