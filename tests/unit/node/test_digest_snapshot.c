#include "node/digest_snapshot.h"

#include "common/le.h"
#include "settlement/restore.h"
#include "settlement/snapshot.h"
#include "tests/harness.h"
#include "tests/unit/node/journal.h"

#define ROOM ((size_t)1024 * 1024)

/* A digest that runs on, and one that is restarted after every block. */
struct half {
    struct digest digest;
    struct settlement *settlement;
    struct arena arena;
    struct digest_block last;
    uint64_t restarts;
};

static struct journal journal;
static struct half whole, restarted;
static uint8_t bytes[DIGEST_SNAPSHOT_BYTES_MAX];

static uint8_t settled[ROOM];
static size_t settled_count;

static bool settled_take(void *context, const uint8_t *from, size_t byte_count)
{
    (void)context;
    if (settled_count + byte_count > ROOM) return false;
    memcpy(settled + settled_count, from, byte_count);
    settled_count += byte_count;
    return true;
}

static void settled_write(const struct settlement *settlement)
{
    const struct snapshot_sink sink = {settled_take, NULL};
    struct arena scratch;
    settled_count = 0;
    assert_true(arena_map(&scratch, settlement_snapshot_scratch_bytes(settlement)));
    assert_int_equal(settlement_snapshot_write(settlement, &journal.genesis, &scratch, &sink),
                     STATUS_OK);
    arena_unmap(&scratch);
}

static void restart(struct half *half)
{
    settled_write(half->settlement);
    const size_t byte_count = digest_snapshot_put(&half->digest, bytes);
    assert_true(byte_count <= sizeof(bytes));
    arena_unmap(&half->arena);
    memset(half, 0, offsetof(struct half, last));
    assert_true(arena_map(&half->arena, settlement_bytes(&journal.genesis)));
    assert_int_equal(restore_settlement(&half->arena, &journal.genesis, journal_tree_secret,
                                        settled, settled_count, &half->settlement),
                     STATUS_OK);
    assert_int_equal(
        digest_snapshot_get(&half->digest, &journal.genesis, half->settlement, bytes, byte_count),
        STATUS_OK);
    half->restarts++;
}

static bool digest(struct half *half, const struct applied *record, const struct command *command)
{
    bool sealed;
    assert_int_equal(digest_record(&half->digest, record, command, &half->last, &sealed),
                     STATUS_OK);
    return sealed;
}

static void take(void *context, const struct applied *record, const struct command *command)
{
    (void)context;
    (void)digest(&whole, record, command);
    if (digest(&restarted, record, command)) restart(&restarted);
}

static void half_begin(struct half *half)
{
    memset(half, 0, sizeof(*half));
    assert_true(arena_map(&half->arena, settlement_bytes(&journal.genesis)));
    half->settlement = settlement_new(&half->arena, &journal.genesis, journal_tree_secret);
    assert_non_null(half->settlement);
    digest_begin(&half->digest, &journal.genesis, half->settlement);
}

/* `trades` blocks after the first. */
static void begin(int trades)
{
    journal_begin(&journal);
    journal.take = take;
    half_begin(&whole);
    half_begin(&restarted);
    journal_open(&journal);
    for (int i = 0; i < trades; i++)
        journal_trade(&journal, 5000000 + 7 * i);
}

static void end(void)
{
    journal_end(&journal);
    arena_unmap(&whole.arena);
    arena_unmap(&restarted.arena);
}

/* The chain does not show where a node was started anew. */
TEST(digest_snapshot, a_restarted_digest_makes_the_same_headers)
{
    static uint8_t other[DIGEST_SNAPSHOT_BYTES_MAX];
    begin(20);
    assert_int_equal(restarted.restarts, 21);
    assert_memory_equal(restarted.last.bytes, whole.last.bytes, BLOCK_HEADER_BYTES);
    const size_t byte_count = digest_snapshot_put(&whole.digest, bytes);
    assert_int_equal(digest_snapshot_put(&restarted.digest, other), byte_count);
    assert_memory_equal(other, bytes, byte_count);
    end();
}

/* A change that was decided in the block just ended, and an epoch, come along. */
TEST(digest_snapshot, a_decided_change_comes_along)
{
    static uint8_t other[DIGEST_SNAPSHOT_BYTES_MAX];
    begin(2);
    struct membership *membership = &whole.digest.membership;
    struct node_set nodes = membership->nodes, next = membership->nodes;
    next.members[next.count] = (struct node_member){.node = 9, .role = NODE_STANDBY};
    next.members[next.count].public_key[3] = 7;
    memcpy(next.members[next.count].address, "host:19", 7);
    next.count++;
    const uint64_t height = whole.digest.height;
    assert_true(membership_restore(membership, height, &nodes, &next, height + 2, 3));

    const size_t byte_count = digest_snapshot_put(&whole.digest, bytes);
    struct digest copy;
    assert_int_equal(
        digest_snapshot_get(&copy, &journal.genesis, whole.settlement, bytes, byte_count),
        STATUS_OK);
    assert_int_equal(digest_snapshot_put(&copy, other), byte_count);
    assert_memory_equal(other, bytes, byte_count);
    assert_int_equal(copy.membership.epoch, 3);
    assert_int_equal(copy.membership.change_height, height + 2);
    assert_true(node_member_equal(&copy.membership.next.members[next.count - 1],
                                  &next.members[next.count - 1]));
    assert_true(hash_equal(copy.membership.next_hash, membership->next_hash));

    bytes[60]++; /* it would count a block later than it can */
    assert_int_equal(
        digest_snapshot_get(&copy, &journal.genesis, whole.settlement, bytes, byte_count),
        STATUS_MALFORMED);
    end();
}

/* What is restored from any bytes has these bytes, or there is nothing. Cut, or longer, it is none. */
TEST(digest_snapshot, no_changed_byte_is_taken_for_another_state)
{
    static uint8_t again[DIGEST_SNAPSHOT_BYTES_MAX];
    for (int trades = 2; trades < 4; trades++) { /* an even and an odd number of headers */
        begin(trades);
        const size_t byte_count = digest_snapshot_put(&whole.digest, bytes);
        const struct genesis *genesis = &journal.genesis;
        struct digest copy;
        uint32_t stood = 0;
        for (size_t i = 0; i < byte_count; i++)
            for (unsigned bit = 0; bit < 8; bit++) {
                bytes[i] ^= (uint8_t)(1 << bit);
                const enum status status =
                    digest_snapshot_get(&copy, genesis, whole.settlement, bytes, byte_count);
                if (i < 4)
                    assert_int_equal(status, STATUS_UNSUPPORTED);
                else if (i < 20)
                    assert_true(status == STATUS_MALFORMED || status == STATUS_MISMATCH);
                if (status == STATUS_OK) {
                    assert_int_equal(digest_snapshot_put(&copy, again), byte_count);
                    assert_memory_equal(again, bytes, byte_count);
                    stood++;
                }
                bytes[i] ^= (uint8_t)(1 << bit);
            }
        print_message("%u of %zu changed bits could be\n", stood, 8 * byte_count);
        for (size_t count = 0; count < byte_count; count++)
            assert_int_equal(digest_snapshot_get(&copy, genesis, whole.settlement, bytes, count),
                             STATUS_MALFORMED);
        assert_int_equal(
            digest_snapshot_get(&copy, genesis, whole.settlement, bytes, byte_count + 1),
            STATUS_MALFORMED);
        end();
    }
}

/* Settlement and digest are of one moment, or they are no pair. */
TEST(digest_snapshot, a_settlement_of_another_height_is_refused)
{
    static uint8_t before[DIGEST_SNAPSHOT_BYTES_MAX];
    struct digest copy;
    begin(1);
    const size_t byte_count = digest_snapshot_put(&whole.digest, before);
    journal_trade(&journal, 5000000);
    assert_int_equal(
        digest_snapshot_get(&copy, &journal.genesis, whole.settlement, before, byte_count),
        STATUS_MISMATCH);
    end();
}

/* Before the first block it is the genesis's, and nothing else. */
TEST(digest_snapshot, a_digest_without_a_past_comes_back)
{
    struct digest copy;
    journal_begin(&journal);
    half_begin(&whole);
    const size_t byte_count = digest_snapshot_put(&whole.digest, bytes);
    assert_int_equal(byte_count, DIGEST_SNAPSHOT_HEAD_BYTES + 8 + DIGEST_SNAPSHOT_MEMBER_BYTES);
    assert_int_equal(
        digest_snapshot_get(&copy, &journal.genesis, whole.settlement, bytes, byte_count),
        STATUS_OK);
    bytes[DIGEST_SNAPSHOT_HEAD_BYTES + 4] ^= 2; /* another node */
    assert_int_equal(
        digest_snapshot_get(&copy, &journal.genesis, whole.settlement, bytes, byte_count),
        STATUS_MALFORMED);
    arena_unmap(&whole.arena);
    journal_end(&journal);
}
