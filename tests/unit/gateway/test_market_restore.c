#include "gateway/market_restore.h"

#include "tests/unit/gateway/market_fixture.h"

#define MINUTE_NS (60ull * 1000000000ull)
#define HOUR_NS   (60 * MINUTE_NS)
#define ROOM      (32u << 20)

static uint8_t *bytes;
static size_t byte_count;
static uint64_t now_ns;

static bool take(void *context, const uint8_t *more, size_t more_bytes)
{
    (void)context;
    if (byte_count + more_bytes > ROOM) return false;
    memcpy(bytes + byte_count, more, more_bytes);
    byte_count += more_bytes;
    return true;
}

static void save(void)
{
    static struct byte_writer writer;
    if (bytes == NULL) bytes = malloc(ROOM);
    assert_non_null(bytes);
    byte_count = 0;
    byte_writer_begin(&writer, take, NULL);
    market_views_save(fixture_views, &writer);
    assert_true(byte_writer_end(&writer));
}

static void open_views(void)
{
    fixture_open(0);
    now_ns = FIXTURE_START_NS;
}

static void fill(uint64_t id, uint64_t after_ns, int64_t price)
{
    now_ns += after_ns;
    const struct applied applied = fixture_applied(now_ns);
    const struct event event = fixture_fill(0, id, id, price, 1 + (int64_t)(id % 7), BUY);
    market_view_apply(fixture_views, &applied, &event);
}

static bool load(void)
{
    struct byte_reader reader = byte_reader_over(bytes, byte_count);
    fixture_open(0);
    return market_views_load(fixture_views, now_ns, &reader) && reader.at == reader.end;
}

/* As long as nothing was forgotten and long after: what a restored market shows is what it showed. */
/* Only `any` has padding behind it; what that holds is nobody's. */
static void assert_same_figures(const struct ticker_figures *a, const struct ticker_figures *b)
{
    const size_t behind = offsetof(struct ticker_figures, open_ns);
    assert_int_equal(a->any, b->any);
    assert_memory_equal(&a->open_ns, &b->open_ns, sizeof(*a) - behind);
}

TEST(market_restore, full_rings_come_back)
{
    struct ticker_figures before, after;
    open_views();
    for (uint64_t id = 1; id <= 3000; id++)
        fill(id, 40 * 1000000000ull, 1000 + (int64_t)(id * 7919 % 100));
    save();
    struct market_view *view = market_views_at(fixture_views, 0);
    ticker_read(&view->ticker, now_ns, &before);
    assert_int_equal(view->trades.trade_count, 3000);
    static uint8_t first[ROOM];
    const size_t first_bytes = byte_count;
    memcpy(first, bytes, byte_count);
    assert_true(load());
    view = market_views_at(fixture_views, 0);
    ticker_read(&view->ticker, now_ns, &after);
    assert_same_figures(&before, &after);
    assert_int_equal(view->trades.trade_count, 3000);
    assert_int_equal(trades_at(&view->trades, 0)->id, 2001);
    assert_int_equal(view->series[INTERVAL_1S].begun, 3000);
    assert_int_equal(candle_series_count(&view->series[INTERVAL_1S]), CANDLE_KEPT);
    save();
    assert_int_equal(byte_count, first_bytes);
    assert_memory_equal(bytes, first, first_bytes);
}

/* The section speaks of the log's time. A gateway whose clock has let minutes go writes the same. */
TEST(market_restore, clock_ahead_of_the_log_changes_nothing)
{
    struct ticker_figures figures;
    static uint8_t first[1 << 20];
    open_views();
    for (uint64_t id = 1; id <= 30; id++)
        fill(id, 61 * MINUTE_NS, 1000 + (int64_t)id);
    save();
    const size_t first_bytes = byte_count;
    assert_true(first_bytes < sizeof(first));
    memcpy(first, bytes, byte_count);
    struct market_view *view = market_views_at(fixture_views, 0);
    ticker_read(&view->ticker, now_ns + 30 * HOUR_NS, &figures);
    assert_int_equal(figures.fill_count, 0);
    save();
    assert_int_equal(byte_count, first_bytes);
    assert_memory_equal(bytes, first, first_bytes);
    /* And the next fill, stamped in the last minute, still joins it. */
    const uint64_t begun = view->ticker.begun;
    fill(31, 1, 500);
    assert_int_equal(view->ticker.begun, begun);
    ticker_read(&view->ticker, now_ns, &figures);
    assert_int_equal(figures.low.ticks, 500);
    assert_int_equal(figures.fill_count, 25);
}

/* The close before the window is that of the minute before it, which comes along. */
TEST(market_restore, previous_close_survives)
{
    struct ticker_figures figures;
    open_views();
    fill(1, 0, 100);
    fill(2, HOUR_NS, 200);
    fill(3, 26 * HOUR_NS, 300);
    save();
    assert_true(load());
    struct market_view *view = market_views_at(fixture_views, 0);
    ticker_read(&view->ticker, now_ns, &figures);
    assert_int_equal(figures.previous_close.ticks, 200);
    assert_int_equal(figures.open.ticks, 300);
    assert_int_equal(view->ticker.begun, 3);
    assert_int_equal(view->ticker.first, 1);
    ticker_read(&view->ticker, now_ns + 48 * HOUR_NS, &figures);
    assert_int_equal(figures.previous_close.ticks, 300);
    assert_int_equal(figures.last.ticks, 300);
}

static void put_u64(size_t at, uint64_t value)
{
    le_put_u64(bytes + at, value);
}

/* Places of one market with one fill: trade_count, aggregate_count, one trade of 41 bytes, one aggregate of
 * 49, minutes_begun, minute_count, the minute. */
#define TRADE_AT     16u
#define AGGREGATE_AT (TRADE_AT + 41)
#define BEGUN_AT     (AGGREGATE_AT + 49)
#define MINUTE_AT    (BEGUN_AT + 12)

static void assert_refused_with(size_t at, uint64_t value)
{
    const uint64_t kept = le_get_u64(bytes + at);
    assert_true(load());
    put_u64(at, value);
    assert_false(load());
    put_u64(at, kept);
}

TEST(market_restore, impossible_markets_are_refused)
{
    open_views();
    fill(7, 0, 1000);
    save();
    assert_refused_with(0, 0);                      /* a minute without a trade */
    assert_refused_with(0, 2);                      /* more trades than there are */
    assert_refused_with(8, 0);                      /* no aggregate of the trade */
    assert_refused_with(TRADE_AT, 0);               /* id */
    assert_refused_with(TRADE_AT, 8);               /* not the one that the others end with */
    assert_refused_with(TRADE_AT + 16, now_ns + 1); /* from the future */
    assert_refused_with(TRADE_AT + 24, 0);          /* price */
    assert_refused_with(TRADE_AT + 24, 1000000001); /* above the market's highest */
    assert_refused_with(TRADE_AT + 24, UINT64_MAX); /* below zero */
    assert_refused_with(TRADE_AT + 32, 0);          /* quantity */
    assert_refused_with(TRADE_AT + 32, 900000001);  /* above the market's largest */
    assert_refused_with(AGGREGATE_AT, 6);           /* not the last trade's */
    assert_refused_with(AGGREGATE_AT + 8, 8);       /* first id above the last */
    assert_refused_with(BEGUN_AT, 0);               /* fewer minutes than there are */
    assert_refused_with(BEGUN_AT, 2);               /* one before it that is not there */
    assert_refused_with(MINUTE_AT, FIXTURE_START_NS + MINUTE_NS);
    assert_refused_with(MINUTE_AT, FIXTURE_START_NS + 1); /* not a whole minute */
    assert_refused_with(MINUTE_AT + 8, 0);                /* no fill in it */
    assert_refused_with(MINUTE_AT + 24, 6);               /* another last trade */
    assert_refused_with(MINUTE_AT + 32, 1001);            /* open above high */
    assert_refused_with(MINUTE_AT + 64 + 8, 1ull << 62);  /* a volume that no sum reaches */
    assert_refused_with(MINUTE_AT + 96, 1000000);         /* takers bought more than was traded */
}

/* A market listed since the genesis is opened by the parameters; one that is another is refused. */
TEST(market_restore, parameters_open_their_markets)
{
    open_views();
    struct params params = fixture_genesis.params;
    params.rules = PARAMS_RULES;
    params.accounts_max = params.keys_max = params.orders_max = 1;
    params.block_ms = params.idle_block_ms = params.stamp_step_ms = 1000;
    params.uncertified_blocks_max = 1;
    params.tier_count = 1;
    fixture_genesis.params = params;
    fixture_views = market_views_new(&fixture_arena, &fixture_genesis);
    assert_null(fixture_views); /* the arena is used up */
    arena_unmap(&fixture_arena);
    assert_true(arena_map(&fixture_arena, market_view_bytes(&fixture_genesis)));
    fixture_views = market_views_new(&fixture_arena, &fixture_genesis);
    params.markets[2] = fixture_market("ETHUSDT", 2, 1, 1000000, 10000);
    params.market_count = 3;
    assert_true(market_views_adopt(fixture_views, &params));
    assert_int_equal(market_views_count(fixture_views), 3);
    assert_non_null(market_views_find(fixture_views, "ETHUSDT", 7));
    params.market_count = 2;
    assert_false(market_views_adopt(fixture_views, &params)); /* fewer than there are */
}
