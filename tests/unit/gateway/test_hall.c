#include "gateway/hall.h"

#include "gateway/crowd.h"
#include "gateway/desk_state.h"
#include "gateway/listen_key.h"
#include "gateway/quota.h"
#include "tests/unit/gateway/asker_fixture.h"

#include <pthread.h>

#define THREADS 4u
#define NOW_NS  (QUOTA_MINUTE_NS * 100)
#define ORDER   "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ROUNDS 5000u
#else
#define ROUNDS 50000u
#endif

static struct arena arena;
static struct metrics first_metrics;
static struct hall *hall;

static void open_hall(uint32_t loop_count)
{
    arena_unmap(&arena);
    assert_true(arena_map(&arena, hall_bytes(loop_count)));
    memset(&first_metrics, 0, sizeof(first_metrics));
    hall = hall_new(&arena, loop_count, &first_metrics);
    assert_non_null(hall);
}

TEST(hall, who_is_there_is_counted_for_each_crowd)
{
    open_hall(1);
    hall_enter(hall, HALL_COMMANDS, 7, 1);
    hall_enter(hall, HALL_ORDERS, 7, 3);
    hall_enter(hall, HALL_ORDERS, 7, 0);
    hall_leave(hall, HALL_ORDERS, 7, 1);
    assert_int_equal(hall_count(hall, HALL_COMMANDS, 7), 1);
    assert_int_equal(hall_count(hall, HALL_ORDERS, 7), 2);
    assert_int_equal(hall_count(hall, HALL_ORDERS, 8), 0);
    assert_int_equal(hall_count(hall, HALL_LOOKUPS, 7), 0);
}

/* All, and all of an address, to the last that may be; 0 is no bound of an address. */
TEST(hall, connections_have_two_bounds)
{
    open_hall(2);
    assert_int_equal(hall_connect(hall, 7, 3, 2), HALL_IN);
    assert_int_equal(hall_connect(hall, 7, 3, 2), HALL_IN);
    assert_int_equal(hall_connect(hall, 7, 3, 2), HALL_ADDRESS_IS_FULL);
    assert_int_equal(hall_connect(hall, 7, 3, 0), HALL_IN);
    assert_int_equal(hall_connect(hall, 8, 3, 2), HALL_IS_FULL);
    hall_leave(hall, HALL_CONNECTIONS, 7, 1);
    assert_int_equal(hall_connect(hall, 8, 3, 2), HALL_IN);
}

/* Each loop writes what is its own; a node shows the sums. */
TEST(hall, metrics_are_summed_up)
{
    struct metrics sum;
    open_hall(3);
    assert_ptr_equal(hall_metrics(hall, 0), &first_metrics);
    metric_set(&first_metrics.fills_total, 5);
    for (uint32_t loop = 0; loop < 3; loop++) {
        metric_add(&hall_metrics(hall, loop)->http_requests_total, 10 + loop);
        metric_set(&hall_metrics(hall, loop)->ws_connections, 1);
    }
    hall_sum_metrics(hall, &sum);
    assert_int_equal(metric_get(&sum.fills_total), 5);
    assert_int_equal(metric_get(&sum.http_requests_total), 33);
    assert_int_equal(metric_get(&sum.ws_connections), 3);
}

/* A node is done when its last loop is; its port opens once. */
TEST(hall, last_loop_ends_the_answering)
{
    open_hall(3);
    assert_false(hall_port_is_open(hall));
    hall_open_port(hall);
    assert_true(hall_port_is_open(hall));
    assert_false(hall_is_last_to_answer(hall));
    assert_false(hall_is_last_to_answer(hall));
    assert_true(hall_is_last_to_answer(hall));
}

/* ---- threads ---- */

#define ALL_MAX     5u
#define ADDRESS_MAX 2u

static _Atomic uint32_t all_in, address_in[3], too_many;
static _Atomic uint32_t refused;

static void visit(uint64_t address)
{
    if (hall_connect(hall, address, ALL_MAX, ADDRESS_MAX) != HALL_IN) {
        atomic_fetch_add(&refused, 1);
        return;
    }
    if (atomic_fetch_add(&all_in, 1) >= ALL_MAX ||
        atomic_fetch_add(&address_in[address], 1) >= ADDRESS_MAX)
        atomic_fetch_add(&too_many, 1);
    sched_yield();
    atomic_fetch_sub(&address_in[address], 1);
    atomic_fetch_sub(&all_in, 1);
    hall_leave(hall, HALL_CONNECTIONS, address, 1);
}

/* What a loop does with the hall, as often as that. */
static void *loop_main(void *context)
{
    const uint64_t self = (uint64_t)(uintptr_t)context;
    uint8_t random[LISTEN_KEY_LETTERS];
    char letters[LISTEN_KEY_LETTERS];
    memset(random, (int)self, sizeof(random));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        quota_charge(hall_quota(hall), QUOTA_WEIGHT, 7, 1, NOW_NS);
        (void)quota_judge(hall_quota(hall), QUOTA_REQUESTS, 7, 1, NOW_NS);
        hall_enter(hall, HALL_ORDERS, round % 64, 2);
        hall_leave(hall, HALL_ORDERS, round % 64, 1);
        const uint32_t account = round % 64 + 1;
        random[0] = (uint8_t)account;
        listen_key_take(hall_keys(hall), account, NOW_NS, 0, random, letters);
        visit((round + self) % 3);
    }
    return NULL;
}

/* Nothing that a loop counts is lost, none has more than it may, and an account's key is the same everywhere. */
TEST(hall, loops_on_threads_share_one_truth)
{
    pthread_t threads[THREADS];
    char one[LISTEN_KEY_LETTERS], same[LISTEN_KEY_LETTERS];
    uint8_t random[LISTEN_KEY_LETTERS] = {99};
    open_hall(THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, loop_main, (void *)(i + 1)), 0);
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(quota_charge(hall_quota(hall), QUOTA_WEIGHT, 7, 0, NOW_NS), THREADS * ROUNDS);
    assert_int_equal(quota_charge(hall_quota(hall), QUOTA_REQUESTS, 7, 0, NOW_NS),
                     THREADS * ROUNDS);
    uint32_t orders = 0;
    for (uint64_t account = 0; account < 64; account++)
        orders += hall_count(hall, HALL_ORDERS, account);
    assert_int_equal(orders, THREADS * ROUNDS);
    assert_int_equal(atomic_load(&too_many), 0);
    assert_true(atomic_load(&refused) < THREADS * ROUNDS);
    for (uint64_t address = 0; address < 3; address++)
        assert_int_equal(hall_count(hall, HALL_CONNECTIONS, address), 0);
    listen_key_take(hall_keys(hall), 5, NOW_NS, 0, random, one);
    assert_int_equal(listen_key_account(hall_keys(hall), one, sizeof(one), NOW_NS), 5);
    listen_key_take(hall_keys(hall), 5, NOW_NS, 0, random, same);
    assert_memory_equal(one, same, sizeof(one));
}

/* ---- two desks ---- */

static struct asker askers[101], last;
static struct arena second_arena;
static struct gateway_options second_options;
static struct desk *both[2];

/* Two loops' desks over the same views, which share a hall. */
static void open_desks(void)
{
    asker_loop_count = 2;
    asker_open_limited();
    asker_loop_count = 1;
    second_options = asker_options;
    second_options.loop_index = 1;
    const struct desk_options options = {.gateway = &second_options,
                                         .view = desk_view,
                                         .markets = fixture_views,
                                         .blocks = &desk_blocks};
    arena_unmap(&second_arena);
    assert_true(arena_map(&second_arena, desk_arena_bytes(&fixture_genesis) + 4096));
    both[0] = asker_desk;
    both[1] = desk_new(&second_arena, &options);
    assert_non_null(both[1]);
}

static void close_desks(void)
{
    desk_free(both[1]);
    asker_desk = both[0];
    asker_close();
}

/* An address that has used its weight over one loop has none over another. */
TEST(hall, weight_of_an_address_is_one_over_all_loops)
{
    open_desks();
    for (uint32_t i = 0; i < 24; i++) {
        asker_desk = both[i % 2];
        asker_ask(&askers[0], METHOD_GET, "/api/v3/depth", "symbol=BTCUSDT&limit=5000");
        assert_int_equal(askers[0].question.answer.http_status, 200);
        assert_int_equal(askers[0].question.answer.used_weight, 250 * (i + 1));
        desk_forget(&askers[0].question);
    }
    for (uint32_t i = 0; i < 2; i++) {
        asker_desk = both[i];
        asker_ask(&last, METHOD_GET, "/api/v3/ping", "");
        assert_int_equal(last.question.answer.http_status, 429);
        desk_forget(&last.question);
    }
    close_desks();
}

/* Orders under way over one loop count when another is asked to place one. */
TEST(hall, orders_under_way_are_one_account_s_over_all_loops)
{
    open_desks();
    for (uint32_t i = 0; i < 100; i++) {
        asker_desk = both[i % 2];
        asker_ask_signed(&askers[i], METHOD_POST, "/api/v3/order", ORDER);
        assert_int_equal(askers[i].answer_count, 0);
        assert_int_not_equal(asker_next_command().type, 0);
    }
    for (uint32_t i = 0; i < 2; i++) {
        asker_desk = both[i];
        asker_ask_signed(&last, METHOD_POST, "/api/v3/order", ORDER);
        assert_int_equal(last.question.answer.http_status, 429);
        assert_non_null(strstr(last.text, "-1015"));
        desk_forget(&last.question);
    }
    for (uint32_t i = 0; i < 100; i++)
        desk_forget(&askers[i].question);
    close_desks();
}

/* Orders that have ended over one loop are in its view, and not yet in another's that is behind: there no order is placed before
 * that one has them. A question that has waited for something older waits on. */
TEST(hall, order_waits_for_its_account_s_others)
{
    open_desks();
    asker_desk = both[0];
    asker_ask_signed(&askers[0], METHOD_POST, "/api/v3/order", ORDER);
    struct command_header header = asker_next_command();
    desk_accept(0, 1, 1, BUY, 10000, 1, "a");
    asker_return(&header);
    assert_int_equal(hall_placed(asker_options.hall, 1), desk_number);
    desk_forget(&askers[0].question);

    asker_desk = both[1];
    atomic_store(&desk_progress.acked_command, desk_number + 1);
    asker_ask_signed(&last, METHOD_POST, "/api/v3/order", ORDER);
    hall_note_placed(asker_options.hall, 1, desk_number + 2);
    hall_note_placed(asker_options.hall, 1, desk_number);
    hall_note_placed(asker_options.hall, 2, desk_number + 3);
    desk_apply();
    desk_moved(asker_desk);
    assert_int_equal(asker_next_command().type, 0);
    desk_apply();
    desk_moved(asker_desk);
    header = asker_next_command();
    assert_int_equal(header.type, T_ORDER_PLACE);
    assert_int_equal(last.answer_count, 0);
    desk_forget(&last.question);
    close_desks();
}

/* What one loop may tell from now on, no other one is behind: a read there waits until its own view has come so far. */
TEST(hall, view_of_a_loop_is_the_least_that_others_answer_from)
{
    asker_open();
    desk_moved(asker_desk);
    assert_int_equal(atomic_load(&desk_progress.acked_command), 0); /* nobody else is there */
    asker_close();

    open_desks();
    desk_moved(both[1]);
    assert_int_equal(atomic_load(&desk_progress.acked_command), view_command(desk_view));
    atomic_store(&desk_progress.acked_command, view_command(desk_view) + 1); /* by a third */
    desk_moved(both[1]);
    assert_int_equal(atomic_load(&desk_progress.acked_command), view_command(desk_view) + 1);
    asker_desk = both[0];
    asker_ask(&last, METHOD_GET, "/api/v3/ping", "");
    assert_int_equal(last.answer_count, 0);
    desk_forget(&last.question);
    close_desks();
}

/* A command comes back to every loop: the one that it came through knows it by its ticket, and no other does, though the
 * first command of each has the same place in its table. */
TEST(hall, command_answers_the_loop_that_it_came_through)
{
    open_desks();
    struct command_header headers[2];
    for (uint32_t i = 0; i < 2; i++) {
        asker_desk = both[i];
        asker_ask_signed(&askers[i], METHOD_POST, "/api/v3/order", ORDER);
        headers[i] = asker_next_command();
    }
    assert_int_not_equal(headers[0].ticket, headers[1].ticket);
    for (uint32_t i = 0; i < 2; i++) {
        assert_non_null(desk_waiter(both[i], &headers[i]));
        assert_null(desk_waiter(both[1 - i], &headers[i]));
    }
    for (uint32_t i = 0; i < 2; i++)
        desk_forget(&askers[i].question);
    close_desks();
}
