#include "ledger/backfill_relay.h"

#include "common/le.h"
#include "ledger/fetch_message.h"
#include "tests/harness.h"

static struct arena arena;
static struct park park, consensus_park;
static struct backfill_relay relay;
static bool up[8];
static uint32_t sent[64], sent_count;
static uint8_t last_byte;

static bool send(void *context, uint32_t node, const struct peers_piece *pieces, uint32_t count)
{
    (void)context;
    assert_int_equal(count, 1);
    if (!up[node]) return false;
    last_byte = pieces->bytes[pieces->byte_count - 1];
    sent[sent_count++] = node;
    return true;
}

static bool is_up(void *context, uint32_t node)
{
    (void)context;
    return up[node];
}

static void begin(void)
{
    assert_true(arena_map(&arena, backfill_relay_memory()));
    assert_true(park_open(&park) && park_open(&consensus_park));
    assert_true(backfill_relay_init(&relay, &arena, &park, &consensus_park));
    backfill_relay_begin(&relay, (struct peers){NULL, send, is_up});
    sent_count = 0;
    memset(up, 1, sizeof(up));
}

static void end(void)
{
    park_close(&park);
    park_close(&consensus_park);
    arena_unmap(&arena);
}

static void ask(uint32_t node, uint8_t byte)
{
    const struct peers peers = backfill_relay_peers(&relay);
    const struct peers_piece piece = {&byte, 1};
    assert_true(peers.is_up(peers.context, node));
    assert_true(peers.send(peers.context, node, &piece, 1));
}

static struct backfill_relay_record next(void)
{
    struct backfill_relay_record record;
    assert_true(backfill_relay_next(&relay, &record));
    return record;
}

TEST(backfill_relay, questions_go_out_and_answers_come_in)
{
    begin();
    backfill_relay_open(&relay);
    ask(3, 'x');
    assert_false(backfill_relay_turn(&relay));
    assert_int_equal(sent_count, 0); /* not shown yet */
    backfill_relay_flush(&relay);
    assert_false(backfill_relay_turn(&relay));
    assert_int_equal(sent_count, 1);
    assert_int_equal(sent[0], 3);
    assert_int_equal(last_byte, 'x');
    static uint8_t answer[FETCH_PIECE_HEADER_BYTES + FETCH_PIECE_MAX];
    memset(answer, 'a', sizeof(answer));
    backfill_relay_answer(&relay, 3, answer, sizeof(answer));
    const struct backfill_relay_record record = next();
    assert_int_equal(record.news, BACKFILL_ANSWER);
    assert_int_equal(record.node, 3);
    assert_int_equal(record.byte_count, sizeof(answer));
    assert_memory_equal(record.bytes, answer, sizeof(answer));
    backfill_relay_release(&relay);
    struct backfill_relay_record none;
    assert_false(backfill_relay_next(&relay, &none));
    end();
}

TEST(backfill_relay, what_cannot_be_sent_is_told)
{
    begin();
    backfill_relay_open(&relay);
    up[2] = false;
    ask(2, 'x');
    ask(3, 'y');
    backfill_relay_flush(&relay);
    (void)!backfill_relay_turn(&relay);
    assert_int_equal(sent_count, 1);
    const struct backfill_relay_record record = next();
    assert_int_equal(record.news, BACKFILL_REFUSED);
    assert_int_equal(record.node, 2);
    end();
}

/* The loop has other things to do. */
TEST(backfill_relay, a_turn_sends_a_few)
{
    begin();
    backfill_relay_open(&relay);
    for (uint8_t i = 0; i < 2 * BACKFILL_RELAY_ASKS + 1; i++)
        ask(1, i);
    backfill_relay_flush(&relay);
    assert_true(backfill_relay_turn(&relay));
    assert_int_equal(sent_count, BACKFILL_RELAY_ASKS);
    assert_true(backfill_relay_turn(&relay));
    assert_false(backfill_relay_turn(&relay));
    assert_int_equal(sent_count, 2 * BACKFILL_RELAY_ASKS + 1);
    assert_int_equal(last_byte, 2 * BACKFILL_RELAY_ASKS);
    end();
}

TEST(backfill_relay, tells_whom_to_ask_when_somebody_listens)
{
    struct node_set nodes = {.count = 2, .members = {{.node = 4}, {.node = 9}}};
    struct backfill_relay_record record;
    begin();
    backfill_relay_nodes(&relay, &nodes);
    (void)!backfill_relay_turn(&relay);
    backfill_relay_answer(&relay, 3, (const uint8_t *)"lost", 4);
    assert_false(backfill_relay_next(&relay, &record));
    backfill_relay_open(&relay);
    (void)!backfill_relay_turn(&relay);
    record = next();
    assert_int_equal(record.news, BACKFILL_NODES);
    assert_int_equal(record.byte_count, 8);
    assert_int_equal(le_get_u32(record.bytes + 4), 9);
    (void)!backfill_relay_turn(&relay);
    assert_false(backfill_relay_next(&relay, &record)); /* once */
    nodes.members[1].node = 10;
    backfill_relay_nodes(&relay, &nodes);
    (void)!backfill_relay_turn(&relay);
    record = next();
    assert_int_equal(le_get_u32(record.bytes + 4), 10);
    backfill_relay_close(&relay);
    backfill_relay_answer(&relay, 3, (const uint8_t *)"late", 4);
    backfill_relay_release(&relay);
    assert_false(backfill_relay_next(&relay, &record));
    end();
}

/* Nobody takes them for a while: what finds no room is lost, and the rest is whole. */
TEST(backfill_relay, a_full_ring_loses_answers_and_nothing_else)
{
    static uint8_t answer[FETCH_PIECE_MAX];
    struct backfill_relay_record record;
    uint32_t taken = 0;
    begin();
    backfill_relay_open(&relay);
    for (uint32_t i = 0; i < 100; i++) {
        memset(answer, (int)i, sizeof(answer));
        backfill_relay_answer(&relay, i + 1, answer, sizeof(answer));
    }
    while (backfill_relay_next(&relay, &record)) {
        assert_int_equal(record.node, taken + 1);
        assert_int_equal(record.bytes[1000], taken);
        taken++;
    }
    assert_in_range(taken, 20, 99);
    end();
}
