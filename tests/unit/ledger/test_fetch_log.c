#include "ledger/fetch_log.h"

#include "tests/harness.h"

/* A log of which some entries are missing: entry i is right when its term is 7. What is missing is one hole after the
 * other, and a hole is right when all its entries are. */
struct hole {
    uint64_t first, last;
};

static struct fetch_log fetch;
static struct hole holes[4];
static uint32_t hole_count, hole_at;
static uint64_t next, widened_to;
static bool all_right;
static uint32_t blamed, blame_count;
static enum status add_status;
static uint64_t now_ms;

/* Peers 1 to 3; what they were asked last, and how they answer. */
static bool up[5];
static struct fetch_range asked[5];
static uint32_t ask_count[5];
static uint64_t lowest[5], highest[5]; /* entries below are gone there; above, not there yet */
static uint64_t terms[5];

static bool send(void *context, uint32_t node, const struct peers_piece *pieces, uint32_t count)
{
    (void)context;
    if (!up[node]) return false;
    assert_int_equal(count, 1);
    assert_true(fetch_ask_entries_decode(pieces[0].bytes, pieces[0].byte_count, &asked[node]));
    ask_count[node]++;
    return true;
}

static bool is_up(void *context, uint32_t node)
{
    (void)context;
    return up[node];
}

static bool needs(void *context, uint64_t *first, uint64_t *last)
{
    (void)context;
    if (hole_at == hole_count) return false;
    *first = next;
    *last = holes[hole_at].last;
    return true;
}

static void enter(void)
{
    next = holes[hole_at].first;
    all_right = true;
}

static enum status add(void *context, const struct wal_entry *entry)
{
    (void)context;
    if (add_status != STATUS_OK) return add_status;
    assert_int_equal(entry->index, next);
    assert_int_equal(entry->length, entry->index % 50);
    all_right = all_right && entry->term == 7;
    if (next++ < holes[hole_at].last) return STATUS_OK;
    if (all_right && holes[hole_at].first > widened_to && widened_to > 0) {
        holes[hole_at].first = widened_to; /* what can be read below was replaced */
        all_right = false;
    }
    if (!all_right) {
        enter();
        return STATUS_MISMATCH;
    }
    if (++hole_at < hole_count) enter();
    return STATUS_OK;
}

static void blame(void *context, uint32_t node, const char *what, uint64_t index)
{
    (void)context;
    (void)what;
    (void)index;
    blamed = node;
    blame_count++;
}

static void begin(void)
{
    static struct node_set nodes;
    nodes = (struct node_set){.count = 4};
    for (uint32_t i = 0; i < 4; i++)
        nodes.members[i] = (struct node_member){.node = i + 1, .role = NODE_VOTER};
    hole_at = blame_count = blamed = 0;
    widened_to = 0;
    add_status = STATUS_OK;
    now_ms = 1000;
    enter();
    fetch_log_begin(&fetch, 4, &nodes, (struct peers){NULL, send, is_up},
                    (struct fetch_log_sink){NULL, needs, add, blame}, now_ms);
    for (uint32_t node = 1; node <= 3; node++) {
        up[node] = true;
        lowest[node] = 1;
        highest[node] = UINT64_MAX;
        terms[node] = 7;
        ask_count[node] = 0;
        asked[node] = (struct fetch_range){0};
        fetch_log_link(&fetch, node, true);
    }
}

/* Answers what this peer was asked last. */
static void answer(uint32_t node)
{
    static struct fetch_entries entries;
    static uint8_t bytes[FETCH_RANGE_BYTES + FETCH_ENTRIES_MAX * (FETCH_ENTRY_HEADER_BYTES + 50)];
    if (asked[node].first == 0) return;
    entries = (struct fetch_entries){.first = asked[node].first};
    size_t length = 0;
    if (entries.first >= lowest[node] && entries.first <= highest[node])
        for (; entries.count < asked[node].count; entries.count++) {
            const uint32_t of = (uint32_t)((entries.first + entries.count) % 50);
            entries.entries[entries.count] =
                (struct fetch_entry){.term = terms[node], .type = WAL_COMMANDS, .length = of};
            length += of;
        }
    asked[node].first = 0;
    length += fetch_entries_encode(&entries, bytes);
    fetch_log_receive(&fetch, now_ms, node, bytes, length);
}

static void run(uint64_t ms)
{
    for (const uint64_t until = now_ms + ms;
         now_ms < until && !fetch.done && fetch.status == STATUS_OK; now_ms += 50) {
        fetch_log_turn(&fetch, now_ms);
        for (uint32_t node = 1; node <= 3; node++)
            if (up[node]) answer(node);
    }
}

TEST(fetch_log, fills_every_hole)
{
    holes[0] = (struct hole){5, 6};
    holes[1] = (struct hole){20, 20 + 3 * FETCH_ENTRIES_MAX};
    holes[2] = (struct hole){9000, 9000};
    hole_count = 3;
    begin();
    run(5000);
    assert_true(fetch.done);
    assert_int_equal(hole_at, 3);
    assert_int_equal(fetch.entries, 2 + 3 * FETCH_ENTRIES_MAX + 1 + 1);
    assert_int_equal(blame_count, 0);
}

TEST(fetch_log, of_a_whole_log_is_done_at_once)
{
    hole_count = 0;
    begin();
    fetch_log_turn(&fetch, now_ms);
    assert_true(fetch.done);
}

/* Its entries do not lead on: it is named, and another fills the hole. */
TEST(fetch_log, takes_another_when_entries_do_not_lead_on)
{
    holes[0] = (struct hole){5, 600};
    hole_count = 1;
    begin();
    terms[1] = 3;
    run(5000);
    assert_true(fetch.done);
    assert_int_equal(blame_count, 1);
    assert_int_equal(blamed, 1);
}

/* When all that can be asked were wrong, nobody has it. */
TEST(fetch_log, ends_when_nobody_is_right)
{
    holes[0] = (struct hole){5, 6};
    hole_count = 1;
    begin();
    terms[1] = terms[2] = terms[3] = 3;
    run(20000);
    assert_false(fetch.done);
    assert_int_equal(fetch.status, STATUS_NOT_FOUND);
    assert_int_equal(blame_count, 3);
}

/* A hole that turns out to begin lower is not the peer's fault. */
TEST(fetch_log, goes_lower_without_blame)
{
    holes[0] = (struct hole){15, 600};
    hole_count = 1;
    begin();
    widened_to = 12;
    run(5000);
    assert_true(fetch.done);
    assert_int_equal(blame_count, 0);
}

/* Who has recycled these entries says so; the next is asked. With nobody left it is a checkpoint that is needed. */
TEST(fetch_log, looks_for_one_who_still_has_them)
{
    holes[0] = (struct hole){5, 6};
    holes[1] = (struct hole){100, 101};
    hole_count = 2;
    begin();
    lowest[1] = lowest[2] = 50; /* and who had nothing for the first hole has the second */
    highest[3] = 50;
    run(5000);
    assert_true(fetch.done);

    begin();
    lowest[1] = lowest[2] = lowest[3] = 50;
    run(100);
    assert_int_equal(fetch.status, STATUS_NOT_FOUND);

    begin(); /* one is not there yet: the others make a quorum with this node, after a while */
    lowest[1] = lowest[2] = 50;
    up[3] = false;
    fetch_log_link(&fetch, 3, false);
    run(1000);
    assert_int_equal(fetch.status, STATUS_OK);
    run(5000);
    assert_int_equal(fetch.status, STATUS_NOT_FOUND);
}

/* One that says nothing, and one whose link breaks, are passed over; whoever fills a part is not blamed for it. */
TEST(fetch_log, goes_on_without_a_silent_peer)
{
    holes[0] = (struct hole){5, 5 + 2 * FETCH_ENTRIES_MAX};
    hole_count = 1;
    begin();
    fetch_log_turn(&fetch, now_ms);
    assert_int_equal(ask_count[1], 1);
    terms[1] = 3; /* the wrong first part comes, and then he is gone */
    answer(1);
    up[1] = false;
    fetch_log_link(&fetch, 1, false);
    terms[1] = 7;
    asked[1].first = 0;
    run(20000);
    assert_true(fetch.done);
    assert_int_equal(blame_count, 0);

    begin();
    fetch_log_turn(&fetch, now_ms);
    asked[1].first = 0; /* hears and says nothing */
    run(10000);
    assert_true(fetch.done);
}

/* More than was asked for, or something else, is not taken. */
TEST(fetch_log, ignores_what_it_did_not_ask_for)
{
    holes[0] = (struct hole){100, 101};
    hole_count = 1;
    begin();
    fetch_log_turn(&fetch, now_ms);
    asked[1].count = 3;
    answer(1);
    assert_int_equal(hole_at, 0);
    assert_int_equal(next, 100);
    asked[1] = (struct fetch_range){99, 2};
    answer(1);
    asked[2] = (struct fetch_range){100, 2};
    answer(2);
    assert_int_equal(next, 100);
    asked[1] = (struct fetch_range){100, 2};
    answer(1);
    assert_true(fetch.done);
}

TEST(fetch_log, says_what_the_log_said)
{
    holes[0] = (struct hole){5, 6};
    hole_count = 1;
    begin();
    add_status = STATUS_NO_SPACE;
    run(1000);
    assert_int_equal(fetch.status, STATUS_NO_SPACE);
    begin();
    add_status = STATUS_MALFORMED;
    run(20000);
    assert_int_equal(fetch.status, STATUS_NOT_FOUND);
    assert_int_equal(blame_count, 3);
}
