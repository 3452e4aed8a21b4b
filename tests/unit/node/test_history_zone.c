/* Candles of time zones out of a real database and memory, against a list worked out from the fills alone with the
 * calendar of the C library. */

#include "gateway/query.h"
#include "gateway/recall.h"
#include "gateway/zone.h"

#include "tests/harness.h"
#include "tests/unit/settlement/cluster.h"
#include "tests/unit/settlement/world.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#define DATABASE "zones"
#define FILLS    2600
#define WAIT_MS  60000
#define NS       1000000000ll

static struct world *world;
static PGconn *reader;
static PGresult *result;
static struct market_views *views;
static struct recall *recall;
static char answer[1 << 20], expected[1 << 20];

static void *run_writer(void *options)
{
    store_run(options);
    return NULL;
}

/* Fills minutes apart, sometimes a day. */
static void make_chain(void)
{
    uint64_t seed = 0x20e;
    world = world_new();
    while (world->trade_id < FILLS) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world->stamp_ns += (uint64_t)NS * (1 + (seed >> 33) % 1800);
        if (world->trade_id % 500 == 499) world->stamp_ns += (uint64_t)NS * 90000;
        const int64_t price = 3000000 + (int64_t)((seed >> 20) % 1000);
        world_sell(world, 1 + (uint32_t)(world->trade_id % 4), price, 3);
        world_buy(world, 1 + (uint32_t)((world->trade_id + 1) % 4), price, 3);
        if (world->trade_id % 10 == 0) assert_int_equal(world_seal(world), STATUS_OK);
    }
}

/* The same chain in PostgreSQL and in a gateway's memory, which forgets. */
static void open_zones(void)
{
    static struct progress progress;
    static struct metrics metrics;
    static struct arena arena;
    static char conninfo[256];
    const struct timespec step = {.tv_nsec = 1000000};
    struct park park;
    pthread_t thread;
    if (world != NULL) return;
    make_chain();
    cluster_start();
    cluster_ask("postgres", "CREATE DATABASE " DATABASE);
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo(DATABASE));
    assert_true(park_open(&park));
    struct store_options options = {.conninfo = conninfo,
                                    .genesis = &world->genesis,
                                    .source = {.context = world, .read = world_read},
                                    .park = &park,
                                    .progress = &progress,
                                    .metrics = &metrics};
    assert_int_equal(pthread_create(&thread, NULL, run_writer, &options), 0);
    for (int i = 0; i < WAIT_MS && atomic_load(&progress.projected_height) < world->height; i++)
        nanosleep(&step, NULL);
    assert_int_equal(atomic_load(&progress.projected_height), world->height);
    atomic_store(&progress.stopping, 1);
    park_wake(&park);
    pthread_join(thread, NULL);
    reader = PQconnectdb(conninfo);

    assert_true(arena_map(&arena, market_view_bytes(&world->genesis) + recall_bytes() + 4096));
    views = market_views_new(&arena, &world->genesis);
    recall = recall_new(&arena);
    assert_true(views != NULL && recall != NULL);
    for (uint64_t height = 1; height <= world->height; height++) {
        const struct world_block *block = &world->blocks[height - 1];
        const uint8_t *at = block->body;
        struct applied applied;
        struct event event;
        while (applied_next(&at, block->body + block->body_bytes, &applied)) {
            const uint8_t *next = applied.events;
            while (event_next(&next, applied.events + applied.events_length, &event))
                market_view_apply(views, &applied, &event);
            market_views_advance(views, applied.stamp_ns);
        }
    }
}

/* ---- The model ---- */

/* Where the candle that holds a second of local time opens, and the next one. */
static int64_t model_open(enum interval interval, int64_t local_s, int step)
{
    static const int64_t lengths[] = {1,    60,    180,   300,   900,   1800,  3600,
                                      7200, 14400, 21600, 28800, 43200, 86400, 259200};
    const time_t at = (time_t)local_s;
    struct tm day;
    if (interval < INTERVAL_1W) return (local_s / lengths[interval] + step) * lengths[interval];
    gmtime_r(&at, &day);
    day.tm_hour = day.tm_min = day.tm_sec = 0;
    if (interval == INTERVAL_1W) {
        day.tm_mday += 7 * step - (day.tm_wday + 6) % 7;
    } else {
        day.tm_mday = 1;
        day.tm_mon += step;
    }
    return (int64_t)timegm(&day);
}

struct model_fill {
    int64_t second, price;
};

static struct model_fill fills[FILLS];

static void model_fills(void)
{
    uint32_t count = 0;
    for (uint64_t height = 1; height <= world->height; height++) {
        const struct world_block *block = &world->blocks[height - 1];
        const uint8_t *at = block->body;
        struct applied applied;
        struct event event;
        while (applied_next(&at, block->body + block->body_bytes, &applied)) {
            const uint8_t *next = applied.events;
            while (event_next(&next, applied.events + applied.events_length, &event)) {
                struct fill_event fill;
                if (event.type != T_FILL) continue;
                fill_event_get(event.payload, &fill);
                assert_true(count < FILLS);
                fills[count++] =
                    (struct model_fill){(int64_t)(applied.stamp_ns / NS), fill.price.ticks};
            }
        }
    }
    assert_int_equal(count, FILLS);
}

/* "open,o,h,l,c,count;" of each candle that is to be shown. */
static void model_answer(const struct history_query *query, int64_t zone_s)
{
    static char lines[200000][96];
    uint32_t count = 0, next = 0, first = 0;
    const int64_t now_s = (int64_t)(world->stamp_ns / NS) + zone_s;
    const int64_t start_s = query->start_ns == 0 ? 0 : (int64_t)(query->start_ns / NS) + zone_s;
    const int64_t end_s =
        query->end_ns >= world->stamp_ns ? now_s : (int64_t)(query->end_ns / NS) + zone_s;
    int64_t open = model_open(query->interval, fills[0].second + zone_s, 0), close = 0;
    for (; open <= end_s; open = model_open(query->interval, open, 1)) {
        const int64_t end = model_open(query->interval, open, 1);
        int64_t o = close, h = close, l = close, n = 0;
        for (; next < FILLS && fills[next].second + zone_s < end; next++, n++) {
            const int64_t price = fills[next].price;
            if (n == 0) o = h = l = price;
            h = price > h ? price : h;
            l = price < l ? price : l;
            close = price;
        }
        if (open < start_s) continue;
        assert_true(count < 200000);
        snprintf(lines[count++], sizeof(lines[0]), "%lld,%lld,%lld,%lld,%lld,%lld;",
                 (long long)(open - zone_s) * 1000, (long long)o, (long long)h, (long long)l,
                 (long long)close, (long long)n);
    }
    if (query->newest && count > query->limit) first = count - query->limit;
    size_t used = 0;
    expected[0] = 0;
    for (uint32_t i = first; i < count && i - first < query->limit; i++)
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s", lines[i]);
}

/* ---- Ours ---- */

static const char *cell_of(const void *context, uint32_t row, uint32_t column)
{
    (void)context;
    if (PQgetisnull(result, (int)row, (int)column)) return NULL;
    return PQgetvalue(result, (int)row, (int)column);
}

static struct history_rows rows_of(const struct history_query *query)
{
    struct query_parameters parameters;
    const char *values[QUERY_PARAMETERS_MAX];
    query_parameters_of(query, &parameters);
    for (int i = 0; i < parameters.count; i++)
        values[i] = parameters.texts[i];
    PQclear(result);
    result = PQexecParams(reader, query_sql(query_statement(query)), parameters.count, NULL, values,
                          NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail_msg("%s", PQresultErrorMessage(result));
    struct history_rows rows = {.row_count = (uint32_t)PQntuples(result), .cell = cell_of};
    assert_true(query_read_cursor(&rows));
    return rows;
}

/* The JSON of an answer as the model's words: a price is ticks of a hundredth. */
static void shorten(void)
{
    char *to = answer;
    for (const char *at = strchr(answer + 1, '['); at != NULL; at = strchr(at + 1, '[')) {
        long long open, count;
        double o, h, l, c, volume, quote;
        assert_int_equal(sscanf(at,
                                "[%lld,\"%lf\",\"%lf\",\"%lf\",\"%lf\",\"%lf\",%*d,\"%lf\",%lld,",
                                &open, &o, &h, &l, &c, &volume, &quote, &count),
                         8);
        assert_int_equal((long long)(volume * 100000 + 0.5), 3 * count);
        const int64_t ticks[] = {(int64_t)(o * 100 + 0.5), (int64_t)(h * 100 + 0.5),
                                 (int64_t)(l * 100 + 0.5), (int64_t)(c * 100 + 0.5)};
        char line[128];
        const int length = snprintf(line, sizeof(line), "%lld,%lld,%lld,%lld,%lld,%lld;", open,
                                    (long long)ticks[0], (long long)ticks[1], (long long)ticks[2],
                                    (long long)ticks[3], count);
        assert_true(to + length <= at + 60); /* what is written is shorter than what was read */
        memcpy(to, line, (size_t)length);
        to += length;
    }
    *to = 0;
}

static uint32_t whole_count, row_count;

static void compare(struct history_query query, int64_t zone_s)
{
    const struct market_view *market = market_views_at(views, 0);
    const struct printing printing = {market_views_params(views), 1000000, NULL};
    struct writer json;
    struct refusal refusal;
    zone_ask(&query, zone_s * NS, market->series, market_views_now_ns(views));
    const bool whole = recall_is_whole(&query, NULL, views);
    struct history_rows rows = {0};
    if (!whole) rows = rows_of(&query);
    whole ? whole_count++ : row_count++;
    writer_start(&json, answer, sizeof(answer) - 1);
    assert_true(recall_answer(recall, &query, whole ? NULL : &rows, NULL, views, &printing, &json,
                              &refusal));
    assert_false(json.overflow);
    answer[json.used] = 0;
    shorten();
    model_answer(&query, zone_s);
    if (strcmp(answer, expected) != 0) {
        size_t same = strspn(answer, "");
        while (answer[same] == expected[same])
            same++;
        fail_msg(
            "interval %s zone %lld start %llu newest %d limit %u whole %d at %zu\n%.150s\n%.150s",
            interval_name(query.interval), (long long)zone_s, (unsigned long long)query.start_ns,
            query.newest, query.limit, whole, same, answer + (same > 40 ? same - 40 : 0),
            expected + (same > 40 ? same - 40 : 0));
    }
}

/* Every zone and interval, from the beginning, the middle and near the end, up to now and up to a time, from either
 * end, few and many. */
TEST(history_zone, candles_are_the_models)
{
    static const int64_t zones_min[] = {480, 345, -210, 7, -720, 840, -1};
    static const enum interval intervals[] = {INTERVAL_3M,  INTERVAL_1H,   INTERVAL_4H,
                                              INTERVAL_12H, INTERVAL_1D,   INTERVAL_3D,
                                              INTERVAL_1W,  INTERVAL_MONTH};
    static const uint32_t limits[] = {1, 12, 1000};
    open_zones();
    model_fills();
    const uint64_t first_ns = (uint64_t)fills[0].second * NS, last_ns = world->stamp_ns;
    for (size_t zone = 0; zone < 7; zone++)
        for (size_t i = 0; i < 8; i++) {
            if (zone_is_utc(intervals[i], zones_min[zone] * 60 * NS)) continue;
            for (size_t limit = 0; limit < 3; limit++)
                for (uint64_t part = 0; part < 6; part++) {
                    struct history_query query = {.kind = HISTORY_CANDLES,
                                                  .interval = intervals[i],
                                                  .limit = limits[limit],
                                                  .id_max = INT64_MAX,
                                                  .end_ns = INT64_MAX};
                    query.newest = part == 0;
                    if (part > 0)
                        query.start_ns = (first_ns + (last_ns - first_ns) / 5 * (part - 1)) /
                                         (uint64_t)NS * (uint64_t)NS;
                    compare(query, zones_min[zone] * 60);
                    query.end_ns =
                        (last_ns - (last_ns - first_ns) / 7) / (uint64_t)NS * (uint64_t)NS;
                    compare(query, zones_min[zone] * 60);
                }
        }
    assert_true(whole_count > 100 && row_count > 100);
}

/* The same list in SQL, by a function of the schema: every interval, those without a trade too. */
TEST(history_zone, candles_without_trades_are_there_in_sql)
{
    open_zones();
    model_fills();
    const uint64_t second = (uint64_t)NS, first_ns = (uint64_t)fills[0].second * second;
    for (int i = 0; i < INTERVAL_COUNT; i++)
        for (uint64_t part = 0; part < 3; part++) {
            char sql[256];
            size_t used = 0;
            struct history_query query = {.interval = (enum interval)i, .limit = 900};
            query.start_ns =
                (first_ns + (world->stamp_ns - first_ns) / 3 * part) / second * second -
                (part == 0 ? 86400 * second : 0);
            query.end_ns = query.start_ns + (i < 2 ? 20000 : 30 * 86400) * second;
            if (query.end_ns > world->stamp_ns) query.end_ns = world->stamp_ns / second * second;
            snprintf(sql, sizeof(sql),
                     "SELECT open_ns / 1000000, open, high, low, close, fill_count"
                     " FROM quorex.candles_all(0, %d, %" PRIu64 ", %" PRIu64 ") LIMIT 900",
                     i, query.start_ns, query.end_ns);
            PQclear(result);
            result = PQexec(reader, sql);
            if (PQresultStatus(result) != PGRES_TUPLES_OK)
                fail_msg("%s", PQresultErrorMessage(result));
            answer[0] = 0;
            for (int row = 0; row < PQntuples(result); row++)
                for (int column = 0; column < 6; column++)
                    used +=
                        (size_t)snprintf(answer + used, sizeof(answer) - used, "%s%s",
                                         PQgetvalue(result, row, column), column < 5 ? "," : ";");
            model_answer(&query, 0);
            if (strcmp(answer, expected) != 0)
                fail_msg("interval %d part %d\n%.200s\n%.200s", i, (int)part, answer, expected);
            /* A minute before the first trade and a while after it: something is there. */
            assert_true(strlen(answer) > 0 || i > INTERVAL_1D || part == 0);
        }
}
