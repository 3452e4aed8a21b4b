#include "common/arena.h"
#include "common/params.h"
#include "engine/book.h"
#include "engine/directory.h"
#include "node/bench.h"
#include "node/bench_case.h"
#include "node/bench_report_os.h"

#include <getopt.h>
#include <string.h>

/* Commands are applied in batches, as the node applies them. A batch looks ahead when the book is too large
 * for the caches; when it is too large for the nearer ones alone, only the lines of the id table are worth
 * the work. */
#define BATCH        256
#define AHEAD_IDS    16384
#define AHEAD_ORDERS 262144

/* How many commands ahead the three hints of one come: each reads what the one before has brought. */
#define AHEAD_FIRST  18
#define AHEAD_SECOND 12
#define AHEAD_THIRD  6

/* The loop is one function: an engine, which does more for each command, gains less from that. */
#define INLINE inline __attribute__((always_inline))

/* The books, and ids to find orders by: no accounts, no events. */
struct replay {
    struct books books;
    struct directory directory;
    struct arena arena;
    uint32_t market_count;
    bool full; /* more orders rest than the flow's depth allows for */
    struct bench_outcome outcome;
};

static bool replay_open(struct replay *replay, const struct flow *flow, uint32_t market_count)
{
    const uint32_t depth = (uint32_t)flow->header.target_depth;
    const struct params params = {.orders_max = depth + depth / 2 + 4096,
                                  .levels_max = depth + depth / 2 + 4097,
                                  .markets_max = market_count};
    *replay =
        (struct replay){.market_count = market_count, .outcome = {.digest = FLOW_DIGEST_START}};
    return arena_map(&replay->arena,
                     book_all_bytes(&params) + directory_bytes(book_order_slots(&params))) &&
           book_all_init(&replay->books, &replay->arena, &params) &&
           directory_init(&replay->directory, &replay->arena, &replay->books.orders);
}

/* Takes an order out of everything. */
static INLINE void order_drop(struct replay *replay, uint32_t slot)
{
    book_remove(&replay->books, slot);
    directory_remove_id(&replay->directory, slot);
    order_pool_give(&replay->books.orders, slot);
}

static inline void trade_count(struct replay *replay, const struct order *maker, uint64_t taker,
                               qty_t qty)
{
    struct bench_outcome *outcome = &replay->outcome;
    outcome->trades++;
    outcome->quantity += (uint64_t)qty.lots;
    outcome->digest = flow_digest(outcome->digest, maker->id, taker, (uint64_t)maker->price.ticks,
                                  (uint64_t)qty.lots);
}

/* Matches what crosses; returns what is left. */
static qty_t order_match(struct replay *replay, const struct flow_record *record)
{
    struct books *books = &replay->books;
    const enum side makers = opposite((enum side)record->side);
    qty_t left = {record->qty};

    /* Ends: each pass fills the taker or removes the front maker. */
    while (left.lots > 0 && book_reaches(books, record->market, makers, (price_t){record->price})) {
        const uint32_t slot = book_front(books, record->market, makers);
        const struct order *maker = &books->orders.orders[slot];
        const qty_t traded = qty_min(left, maker->left);
        trade_count(replay, maker, record->id, traded);
        left = qty_less(left, traded);
        book_fill(books, slot, traded);
        if (maker->left.lots == 0) order_drop(replay, slot);
    }
    return left;
}

/* Needs: a slot is free. */
static INLINE void order_rest(struct replay *replay, const struct flow_record *record, qty_t left)
{
    struct order_pool *pool = &replay->books.orders;
    const uint32_t slot = order_pool_take(pool);
    struct order *order = &pool->orders[slot];
    order->id = record->id;
    order->price.ticks = record->price;
    order->qty.lots = record->qty;
    order->left = left;
    order->account = record->account;
    order->market = record->market;
    order->side = record->side;
    directory_add_id(&replay->directory, slot);
    book_add(&replay->books, slot);
}

static INLINE void order_place(struct replay *replay, const struct flow_record *record)
{
    const enum side makers = opposite((enum side)record->side);
    qty_t left = {record->qty};
    if (book_reaches(&replay->books, record->market, makers, (price_t){record->price})) {
        left = order_match(replay, record);
        if (left.lots == 0) return;
    }
    if (record->op == FLOW_ADD) order_rest(replay, record, left);
}

static INLINE void record_apply(struct replay *replay, const struct flow_record *record)
{
    if (record->op == FLOW_CANCEL) {
        const uint32_t slot = directory_find(&replay->directory, record->market, record->id);
        if (slot != NO_SLOT) order_drop(replay, slot);
    } else {
        order_place(replay, record);
    }
    /* The command's changes are read out, as an engine would, and nobody is told. */
    for (struct book_change change; book_next_change(&replay->books, &change);)
        ;
}

/* What a command will need, asked for in three steps. The last two serve orders and cancels alike. */
static INLINE void record_hint(const struct replay *replay, const struct flow_record *at)
{
    const struct flow_record *record = at + AHEAD_FIRST;
    directory_hint_cancel(&replay->directory, record->market, record->id);

    record = at + AHEAD_SECOND;
    if (record->op == FLOW_CANCEL)
        book_hint_order(&replay->books,
                        directory_guess(&replay->directory, record->market, record->id));
    else
        book_hint_place(&replay->books, record->market, (enum side)record->side,
                        (price_t){record->price});

    record = at + AHEAD_THIRD;
    if (record->op == FLOW_CANCEL)
        book_hint_neighbours(&replay->books,
                             directory_guess(&replay->directory, record->market, record->id));
    else
        book_hint_queue(&replay->books, record->market, (enum side)record->side,
                        (price_t){record->price});
}

static void batch_apply(struct replay *replay, const struct flow_record *at,
                        const struct flow_record *end)
{
    for (; at < end; at++)
        record_apply(replay, at);
}

static void batch_apply_ids_ahead(struct replay *replay, const struct flow_record *at,
                                  const struct flow_record *end)
{
    for (; at < end; at++) {
        directory_hint_cancel(&replay->directory, at[AHEAD_THIRD].market, at[AHEAD_THIRD].id);
        record_apply(replay, at);
    }
}

static void batch_apply_ahead(struct replay *replay, const struct flow_record *at,
                              const struct flow_record *end)
{
    for (; at < end; at++) {
        record_hint(replay, at);
        record_apply(replay, at);
    }
}

static void records_apply(struct replay *replay, const struct flow_record *at,
                          const struct flow_record *end)
{
    const struct order_pool *pool = &replay->books.orders;
    while (at < end && !replay->full) {
        const uint64_t left = (uint64_t)(end - at);
        const struct flow_record *stop = at + (left < BATCH ? left : BATCH);
        const bool room = left >= BATCH + AHEAD_FIRST; /* to look beyond the batch */
        if (room && pool->count >= AHEAD_ORDERS)
            batch_apply_ahead(replay, at, stop);
        else if (room && pool->count >= AHEAD_IDS)
            batch_apply_ids_ahead(replay, at, stop);
        else
            batch_apply(replay, at, stop);
        at = stop;
        replay->full = pool->capacity - pool->count < BATCH; /* the next might not fit */
    }
}

/* One command at a time, with the clock read round each: no look-ahead could hide its cost. */
static void records_apply_timed(struct replay *replay, const struct flow_record *at,
                                const struct flow_record *end, struct bench_latency *latency)
{
    for (; at < end && replay->books.orders.count < replay->books.orders.capacity; at++) {
        struct flow_record record = *at;
        __asm__ volatile("" : "+m"(record)); /* it is here before the clock starts */
        const uint64_t begin = bench_ticks_begin();
        record_apply(replay, &record);
        bench_latency_note(latency, bench_ticks_end() - begin);
    }
}

/* Counts what rests, and checks the books while it is there. */
static void replay_end(struct replay *replay)
{
    struct bench_outcome *outcome = &replay->outcome;
    for (uint32_t market = 0; market < replay->market_count; market++)
        outcome->end_orders += book_check(&replay->books, (uint16_t)market);
    ASSERT(slot_table_check(&replay->directory.by_id));
    ASSERT(order_pool_check(&replay->books.orders));
    ASSERT(outcome->end_orders == replay->directory.by_id.count);
    for (uint32_t slot = 1; slot <= replay->books.orders.used; slot++)
        if (replay->books.orders.orders[slot].id != 0)
            outcome->end_quantity += (uint64_t)replay->books.orders.orders[slot].left.lots;
}

/* Replays and reports. `expects` says whether the header has what a book must make of the flow. */
static int measure(const struct flow *flow, uint32_t market_count, bool expects, bool timed)
{
    static struct replay replay;
    struct bench_latency latency = {.ticks = NULL};
    if (!replay_open(&replay, flow, market_count)) {
        fputs("quorex bench: there is no memory for a book of that depth\n", stderr);
        return 1;
    }
    const struct flow_record *first = flow->records + flow->header.preload_count;
    const struct flow_record *end = first + flow->header.command_count;
    records_apply(&replay, flow->records, first);
    if (timed && !bench_latency_open(&latency, flow->header.command_count)) return 1;

    if (!expects) replay.outcome.trades = replay.outcome.quantity = 0; /* of what is measured */
    const uint64_t begin_ns = bench_now_ns();
    if (timed)
        records_apply_timed(&replay, first, end, &latency);
    else
        records_apply(&replay, first, end);
    const uint64_t took_ns = bench_now_ns() - begin_ns;

    replay_end(&replay);
    if (replay.full) fputs("quorex bench: more orders rest than the flow's depth allows\n", stderr);
    struct bench_report report = {
        .commands = flow->header.command_count,
        .took_ns = took_ns,
        .outcome = replay.outcome,
        .ok = !replay.full && (!expects || bench_outcome_matches(&replay.outcome, &flow->header)),
        .latency = timed ? &latency : NULL,
        .records = first,
    };
    const bool written = bench_report_write(&report, stdout);
    bench_latency_close(&latency);
    arena_unmap(&replay.arena);
    return report.ok && written ? 0 : 1;
}

static int file_measure(const char *path, bool timed)
{
    struct flow flow;
    const char *reason;
    if (!flow_read(&flow, path, &reason)) {
        fprintf(stderr, "quorex bench: %s: %s\n", path, reason);
        return 1;
    }
    const int code = measure(&flow, 1, true, timed);
    flow_free(&flow);
    return code;
}

static int case_measure(const char *name, bool timed)
{
    struct bench_case made;
    if (!bench_case_make(&made, name)) {
        fprintf(stderr, "quorex bench: no case \"%s\", or no memory for it\n", name);
        return 1;
    }
    const int code = measure(&made.flow, made.market_count, false, timed);
    flow_free(&made.flow);
    return code;
}

int bench_match_main(int argc, char **argv)
{
    static const struct option known[] = {{"flow", required_argument, NULL, 'f'},
                                          {"case", required_argument, NULL, 'c'},
                                          {"latency", no_argument, NULL, 'l'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    static const char usage[] =
        "usage: quorex bench match --flow FILE | --case sparse|sweep|markets  [--latency]\n"
        "Replays an order flow through the book alone and prints one JSON object. Exit 1 when the\n"
        "result is not what the file says. --latency reads a clock round every command. Runs on\n"
        "processor BENCH_CPU, 1 when it is not set.\n";
    const char *path = NULL, *name = NULL;
    bool timed = false, wrong = false;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (option == 'f') path = optarg;
        if (option == 'c') name = optarg;
        if (option == 'l') timed = true;
        wrong = wrong || option == '?';
    }
    if (wrong || optind != argc || (path == NULL) == (name == NULL)) {
        fputs(usage, stderr);
        return 2;
    }
    bench_pin();
    return path != NULL ? file_measure(path, timed) : case_measure(name, timed);
}
