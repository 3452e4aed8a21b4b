#include "gateway/publish.h"

#include "common/block_header.h"
#include "gateway/crc32.h"
#include "gateway/stream.h"
#include "tests/unit/gateway/market_fixture.h"

#include <jansson.h>

#define MS_NS     1000000ull
#define SECOND_NS (1000 * MS_NS)
#define PRICES    400
#define RECORDED  64

static struct publisher *publisher;
static uint64_t now_ns;
static uint64_t update_id;
static struct {
    uint32_t channel;
    bool conflatable;
    char text[4096];
} recorded[RECORDED];
static uint32_t recorded_count;

static void record(void *context, const struct publish_message *message)
{
    (void)context;
    if (recorded_count == RECORDED || message->payload_bytes >= 4096) return;
    recorded[recorded_count].channel = message->channel;
    recorded[recorded_count].conflatable = message->conflatable;
    memcpy(recorded[recorded_count].text, message->payload, message->payload_bytes);
    recorded[recorded_count++].text[message->payload_bytes] = '\0';
}

static struct block_list blocks;

static void notice(uint16_t type, const uint8_t *payload)
{
    block_list_apply(&blocks, type, payload);
    publish_notice(publisher, type, payload);
}

static void open_publisher(void (*sink)(void *, const struct publish_message *))
{
    static struct block_entry entries[BLOCK_LIST_KEPT];
    memset(entries, 0, sizeof(entries));
    blocks = (struct block_list){.entries = entries};
    fixture_open(8 << 20);
    publisher = publish_new(&fixture_arena, &fixture_genesis, fixture_views, &blocks);
    assert_non_null(publisher);
    publish_attach(publisher, (struct publish_sink){NULL, sink});
    now_ns = FIXTURE_START_NS;
    update_id = 0;
    recorded_count = 0;
}

static uint32_t find_channel(const char *name)
{
    const uint32_t channel = channel_find(fixture_views, name, strlen(name));
    assert_true(channel != CHANNEL_NONE);
    return channel;
}

static uint32_t subscribe(const char *name)
{
    const uint32_t channel = find_channel(name);
    publish_subscribe(publisher, channel);
    return channel;
}

static void give(const struct event *event)
{
    const struct applied applied = fixture_applied(now_ns);
    market_view_apply(fixture_views, &applied, event);
    publish_event(publisher, &applied, event);
}

static void end_command(void)
{
    const struct applied applied = fixture_applied(now_ns);
    market_views_advance(fixture_views, now_ns);
    publish_end(publisher, &applied);
}

static void give_fill(uint64_t id, uint64_t aggregate, int64_t price, int64_t lots)
{
    const struct event event = fixture_fill(0, id, aggregate, price, lots, BUY);
    give(&event);
}

static void give_level(enum side side, int64_t price, int64_t lots)
{
    const struct event event = fixture_level(0, ++update_id, side, price, lots);
    give(&event);
}

/* ---- The local order book, as the documentation tells clients to keep it ---- */

struct client {
    uint32_t channel;
    bool has_snapshot;
    bool is_skipping; /* a slow reader: messages pass it by until it has caught up */
    uint64_t skipped_from;
    uint64_t last_id;
    uint64_t event_count;
    int64_t book[2][PRICES]; /* lots by price */
};

static struct client clients[3];

static void take_side(struct client *client, const json_t *levels, int side)
{
    for (size_t i = 0; i < json_array_size(levels); i++) {
        const json_t *level = json_array_get(levels, i);
        int64_t price, lots;
        const char *price_text = json_string_value(json_array_get(level, 0));
        const char *qty_text = json_string_value(json_array_get(level, 1));
        assert_int_equal(decimal_parse(price_text, strlen(price_text), 8, &price), DECIMAL_OK);
        assert_int_equal(decimal_parse(qty_text, strlen(qty_text), 8, &lots), DECIMAL_OK);
        client->book[side][price / 1000000] = lots / 1000;
    }
}

static void take_difference(struct client *client, const char *payload, size_t payload_bytes)
{
    json_t *message = json_loadb(payload, payload_bytes, 0, NULL);
    assert_non_null(message);
    const uint64_t first = (uint64_t)json_integer_value(json_object_get(message, "U"));
    const uint64_t last = (uint64_t)json_integer_value(json_object_get(message, "u"));
    assert_true(first <= last);
    if (client->has_snapshot && last > client->last_id) {
        /* The first one kept straddles the snapshot; each later one begins where the last ended. */
        if (client->event_count == 0) {
            assert_true(first <= client->last_id + 1);
        } else {
            assert_true(first == client->last_id + 1);
        }
        take_side(client, json_object_get(message, "b"), BUY);
        take_side(client, json_object_get(message, "a"), SELL);
        client->last_id = last;
        client->event_count++;
    }
    json_decref(message);
}

static void take_snapshot(struct client *client)
{
    const struct depth *depth = &market_views_at(fixture_views, 0)->depth;
    memset(client->book, 0, sizeof(client->book));
    for (int side = 0; side < 2; side++) {
        struct depth_level levels[PRICES];
        const uint32_t count = depth_top(depth, (enum side)side, levels, PRICES);
        for (uint32_t i = 0; i < count; i++) {
            client->book[side][levels[i].price.ticks] = levels[i].qty.lots;
        }
    }
    client->has_snapshot = true;
    client->event_count = 0;
    client->last_id = depth->update_id;
}

static void keep_books(void *context, const struct publish_message *message)
{
    (void)context;
    for (int i = 0; i < 3; i++) {
        struct client *client = &clients[i];
        if (client->channel != message->channel) continue;
        if (client->is_skipping) {
            if (client->skipped_from == 0) client->skipped_from = message->first_update_id;
            continue;
        }
        take_difference(client, message->payload, message->payload_bytes);
    }
}

static void expect_same_book(const struct client *client)
{
    const struct depth *depth = &market_views_at(fixture_views, 0)->depth;
    assert_true(client->last_id == depth->update_id);
    for (int side = 0; side < 2; side++) {
        for (int64_t price = 1; price < PRICES; price++) {
            assert_int_equal(client->book[side][price],
                             depth_qty(depth, (enum side)side, (price_t){price}).lots);
        }
    }
}

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

/* Lets the slow client read again: everything it missed comes in one message. */
static void catch_up(struct client *client)
{
    struct publish_message message;
    if (client->skipped_from == 0) {
        client->is_skipping = false;
        return;
    }
    assert_true(publish_current(publisher, client->channel, client->skipped_from, &message));
    if (message.payload_bytes == 0) return; /* not between two differences */
    client->is_skipping = false;
    client->skipped_from = 0;
    take_difference(client, message.payload, message.payload_bytes);
}

static void play_depth(uint32_t seed)
{
    uint32_t random = seed;
    open_publisher(keep_books);
    memset(clients, 0, sizeof(clients));
    clients[0].channel = subscribe("btcusdt@depth");
    clients[1].channel = subscribe("btcusdt@depth@100ms");
    clients[2].channel = subscribe("btcusdt@depth@100ms");
    for (int step = 0; step < 3000; step++) {
        now_ns += (next_random(&random) % 60) * MS_NS;
        const uint32_t levels = next_random(&random) % 5;
        for (uint32_t i = 0; i < levels; i++) {
            const int64_t price = 1 + next_random(&random) % (PRICES - 1);
            const int64_t lots = next_random(&random) % 3 == 0 ? 0 : next_random(&random) % 900;
            give_level(next_random(&random) % 2 == 0 ? BUY : SELL, price, lots);
            /* REST may be asked between any two events. */
            struct client *client = &clients[next_random(&random) % 3];
            if (next_random(&random) % 50 == 0 && !client->is_skipping) take_snapshot(client);
        }
        end_command();
        if (next_random(&random) % 40 == 0) clients[2].is_skipping = true;
        if (next_random(&random) % 3 > 0) publish_tick(publisher, now_ns);
        if (clients[2].is_skipping && next_random(&random) % 10 == 0) catch_up(&clients[2]);
    }
    now_ns += 2 * SECOND_NS;
    publish_tick(publisher, now_ns);
    if (clients[2].is_skipping) catch_up(&clients[2]);
    for (int i = 0; i < 3; i++) {
        if (clients[i].has_snapshot) expect_same_book(&clients[i]);
    }
    assert_true(clients[0].event_count > 0 && clients[1].event_count > 0);
}

/* Whatever happens in the book, whenever the snapshot is taken, at either speed, and for a reader that
 * was left behind for a while: the documented procedure ends with the exchange's own book. */
TEST(publish, local_book_equals_the_exchange_s)
{
    for (uint32_t seed = 1; seed <= 20; seed++) {
        print_message("seed %u\n", seed);
        play_depth(seed);
    }
}

/* More changes than a message may hold go out early, in messages that still tile. */
TEST(publish, flood_of_changes_goes_out_early)
{
    open_publisher(keep_books);
    memset(clients, 0, sizeof(clients));
    clients[0].channel = subscribe("btcusdt@depth");
    take_snapshot(&clients[0]);
    for (int i = 0; i < 3 * DEPTH_HISTORY; i++)
        give_level(BUY, 1 + i % (PRICES - 1), i % 7);
    end_command();
    assert_true(clients[0].event_count >= 5);
    publish_tick(publisher, now_ns + SECOND_NS);
    expect_same_book(&clients[0]);
}

/* A reader left behind further than the history reaches is told so. */
TEST(publish, reader_beyond_the_history_is_too_slow)
{
    struct publish_message message;
    open_publisher(record);
    const uint32_t channel = subscribe("btcusdt@depth");
    for (int i = 0; i < DEPTH_HISTORY; i++)
        give_level(BUY, 100, i + 1);
    publish_tick(publisher, now_ns);
    assert_true(publish_current(publisher, channel, 1, &message));
    assert_true(message.payload_bytes > 0);
    give_level(BUY, 100, 1);
    assert_false(publish_current(publisher, channel, 1, &message));
}

/* ---- Our own book stream: no REST, a snapshot first, a checksum in every message ---- */

static struct client readers[3];
static uint32_t resyncs;

/* The checksum of the reader's own levels, made as the documentation says. */
static uint32_t checksum_of(const struct client *reader)
{
    char bytes[4096];
    struct text text = text_over(bytes, sizeof(bytes));
    for (int side = BUY; side <= SELL; side++) {
        int count = 0;
        for (int64_t i = 1; i < PRICES && count < STREAM_CHECKED; i++) {
            const int64_t price = side == BUY ? PRICES - i : i;
            if (reader->book[side][price] == 0) continue;
            if (text.used > 0) text_add(&text, ":");
            text_decimal(&text, (__int128)price * 1000000, 8, 8);
            text_add(&text, ":");
            text_decimal(&text, (__int128)reader->book[side][price] * 1000, 8, 8);
            count++;
        }
    }
    assert_false(text_full(&text));
    return crc32_of(bytes, text.used);
}

static void take_book(struct client *reader, const char *payload, size_t payload_bytes)
{
    json_t *message = json_loadb(payload, payload_bytes, 0, NULL);
    assert_non_null(message);
    const char *event = json_string_value(json_object_get(message, "e"));
    if (strcmp(event, "bookUpdate") == 0) {
        assert_true(reader->has_snapshot);
        assert_int_equal(json_integer_value(json_object_get(message, "U")), reader->last_id + 1);
        take_side(reader, json_object_get(message, "b"), BUY);
        take_side(reader, json_object_get(message, "a"), SELL);
    } else {
        assert_string_equal(event, reader->has_snapshot ? "bookResync" : "bookSnapshot");
        resyncs += reader->has_snapshot;
        memset(reader->book, 0, sizeof(reader->book));
        take_side(reader, json_object_get(message, "bids"), BUY);
        take_side(reader, json_object_get(message, "asks"), SELL);
        reader->has_snapshot = true;
    }
    reader->last_id = (uint64_t)json_integer_value(json_object_get(message, "u"));
    reader->event_count++;
    assert_int_equal(json_integer_value(json_object_get(message, "checksum")), checksum_of(reader));
    json_decref(message);
}

static void keep_readers(void *context, const struct publish_message *message)
{
    (void)context;
    for (int i = 0; i < 3; i++) {
        struct client *reader = &readers[i];
        if (reader->channel != message->channel) continue;
        if (!reader->is_skipping) {
            take_book(reader, message->payload, message->payload_bytes);
        } else if (reader->has_snapshot && reader->skipped_from == 0) {
            reader->skipped_from = message->first_update_id;
        }
    }
}

/* As the socket does it: whoever begins, or was left behind, is given what it lacks between two messages. */
static void serve(struct client *reader)
{
    struct publish_message message;
    if (!reader->is_skipping || (reader->has_snapshot && reader->skipped_from == 0)) return;
    assert_true(publish_current(publisher, reader->channel, reader->skipped_from, &message));
    if (message.payload_bytes == 0) return;
    reader->is_skipping = false;
    reader->skipped_from = 0;
    take_book(reader, message.payload, message.payload_bytes);
}

static void begin_reading(struct client *reader)
{
    *reader = (struct client){.is_skipping = true};
    reader->channel = subscribe("btcusdt@book");
    assert_true(publish_begins_with_state(publisher, reader->channel));
}

static void play_book(uint32_t seed)
{
    uint32_t random = seed;
    open_publisher(keep_readers);
    memset(readers, 0, sizeof(readers));
    for (int step = 0; step < 3000; step++) {
        struct client *reader = &readers[next_random(&random) % 3];
        now_ns += (next_random(&random) % 60) * MS_NS;
        for (uint32_t levels = next_random(&random) % 5; levels > 0; levels--) {
            const int64_t price = 1 + next_random(&random) % (PRICES - 1);
            const int64_t lots = next_random(&random) % 3 == 0 ? 0 : next_random(&random) % 900;
            give_level(next_random(&random) % 2 == 0 ? BUY : SELL, price, lots);
        }
        end_command();
        if (next_random(&random) % 100 == 0) {
            if (reader->channel != 0) publish_unsubscribe(publisher, reader->channel);
            begin_reading(reader);
        }
        if (next_random(&random) % 40 == 0) readers[2].is_skipping = true;
        if (next_random(&random) % 3 > 0) publish_tick(publisher, now_ns);
        for (int i = 0; i < 3; i++)
            if (readers[i].channel != 0 && next_random(&random) % 4 == 0) serve(&readers[i]);
    }
    publish_tick(publisher, now_ns += SECOND_NS);
    for (int i = 0; i < 3; i++) {
        if (readers[i].channel == 0) continue;
        serve(&readers[i]);
        assert_true(readers[i].event_count > 0);
        expect_same_book(&readers[i]);
    }
}

/* Whoever comes, whenever he comes, and whoever was left behind: each message fits the one before it, and
 * its checksum is that of the reader's own levels. */
TEST(publish, book_stream_needs_nothing_else)
{
    resyncs = 0;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        print_message("seed %u\n", seed);
        play_book(seed);
    }
    assert_int_equal(resyncs, 0);
}

/* A reader behind the history is not closed: he is told to begin anew, with what to begin from. */
TEST(publish, reader_of_a_book_is_resynchronised)
{
    open_publisher(keep_readers);
    memset(readers, 0, sizeof(readers));
    resyncs = 0;
    begin_reading(&readers[0]);
    serve(&readers[0]);
    assert_int_equal(readers[0].event_count, 1); /* an empty book is one too */
    readers[0].is_skipping = true;
    for (int i = 0; i < 2 * DEPTH_HISTORY + 5; i++)
        give_level(BUY, 1 + i % (PRICES - 1), 1 + i % 7);
    end_command();
    serve(&readers[0]);
    assert_int_equal(readers[0].event_count, 1); /* not between two differences */
    publish_tick(publisher, now_ns += SECOND_NS);
    serve(&readers[0]);
    assert_int_equal(resyncs, 1);
    expect_same_book(&readers[0]);
    give_level(BUY, 100, 1);
    end_command();
    publish_tick(publisher, now_ns += SECOND_NS);
    assert_int_equal(readers[0].event_count, 3);
    expect_same_book(&readers[0]);
}

/* Nothing is printed for nobody, and nothing after the last has gone. */
TEST(publish, nobody_there_nothing_printed)
{
    open_publisher(record);
    give_fill(1, 1, 100, 1);
    end_command();
    const uint32_t channel = subscribe("btcusdt@trade");
    give_fill(2, 2, 100, 1);
    end_command();
    assert_int_equal(recorded_count, 1);
    publish_unsubscribe(publisher, channel);
    give_fill(3, 3, 100, 1);
    end_command();
    assert_int_equal(recorded_count, 1);
    assert_false(recorded[0].conflatable);
}

/* Fills of one taker at one price are one aggregate trade, sent when nothing can join it any more. */
TEST(publish, aggregate_waits_for_its_last_fill)
{
    open_publisher(record);
    subscribe("btcusdt@aggTrade");
    give_fill(1, 1, 100, 2);
    give_fill(2, 1, 100, 3);
    assert_int_equal(recorded_count, 0);
    give_fill(3, 2, 101, 1);
    assert_int_equal(recorded_count, 1);
    assert_non_null(strstr(recorded[0].text, "\"a\":1,\"p\":\"1.00000000\",\"q\":\"0.00005000\","
                                             "\"f\":1,\"l\":2"));
    end_command();
    assert_int_equal(recorded_count, 2);
    assert_non_null(strstr(recorded[1].text, "\"a\":2,"));
    assert_false(recorded[0].conflatable || recorded[1].conflatable);
}

/* bookTicker follows the best price and quantity, once a command, and is silent about deeper levels. */
TEST(publish, best_is_sent_when_it_changes)
{
    open_publisher(record);
    subscribe("btcusdt@bookTicker");
    give_level(BUY, 100, 5);
    give_level(SELL, 102, 5);
    assert_int_equal(recorded_count, 0);
    end_command();
    assert_int_equal(recorded_count, 1);
    give_level(BUY, 99, 5);
    end_command();
    assert_int_equal(recorded_count, 1);
    give_level(BUY, 100, 4);
    end_command();
    assert_int_equal(recorded_count, 2);
    assert_non_null(strstr(recorded[1].text, "\"u\":4,\"s\":\"BTCUSDT\",\"b\":\"1.00000000\","
                                             "\"B\":\"0.00004000\""));
    give_level(BUY, 100, 5);
    give_level(BUY, 100, 4);
    end_command();
    assert_int_equal(recorded_count, 2);
}

static uint32_t count_texts(const char *part)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < recorded_count; i++)
        count += strstr(recorded[i].text, part) != NULL;
    return count;
}

/* A candle is shown at most once a period while it changes, and once more, closed, when a stamp has
 * passed its end, with the fills up to there. */
TEST(publish, candle_closes_by_stamp)
{
    open_publisher(record);
    subscribe("btcusdt@kline_1m");
    give_fill(1, 1, 100, 1);
    end_command();
    publish_tick(publisher, now_ns);
    assert_int_equal(recorded_count, 1);
    now_ns += 59 * SECOND_NS;
    give_fill(2, 2, 120, 1);
    end_command();
    now_ns += 2 * SECOND_NS; /* the next minute */
    give_fill(3, 3, 90, 1);
    end_command();
    assert_int_equal(recorded_count, 2);
    assert_non_null(strstr(recorded[1].text, "\"t\":1700000040000,"));
    assert_non_null(strstr(recorded[1].text, "\"L\":2,\"o\":\"1.00000000\",\"c\":\"1.20000000\""));
    assert_non_null(strstr(recorded[1].text, "\"x\":true"));
    assert_false(recorded[1].conflatable);
    publish_tick(publisher, now_ns + SECOND_NS);
    assert_int_equal(recorded_count, 3);
    assert_non_null(strstr(recorded[2].text, "\"t\":1700000100000,"));
    assert_non_null(strstr(recorded[2].text, "\"f\":3,\"L\":3"));
}

/* Without trades, and even without commands, candles go on and close at the carried price. */
TEST(publish, candles_go_on_without_trades)
{
    open_publisher(record);
    subscribe("btcusdt@kline_1s");
    give_fill(1, 1, 100, 1);
    end_command();
    now_ns += SECOND_NS;
    end_command(); /* a command that traded nothing */
    assert_int_equal(count_texts("\"x\":true"), 1);
    now_ns += SECOND_NS;
    end_command();
    assert_int_equal(count_texts("\"x\":true"), 2);
    assert_non_null(strstr(recorded[1].text, "\"f\":-1,\"L\":-1,\"o\":\"1.00000000\""));
    /* The log is silent: the clock closes them, two seconds late. */
    for (int i = 0; i < 10; i++)
        publish_tick(publisher, now_ns += SECOND_NS);
    assert_int_equal(count_texts("\"x\":true"), 2 + 8);
}

/* Tickers are sent once a second at most, and only with news. */
TEST(publish, tickers_are_sent_with_news_only)
{
    open_publisher(record);
    publish_tick(publisher, now_ns);
    subscribe("btcusdt@ticker");
    subscribe("!miniTicker@arr");
    publish_tick(publisher, now_ns += SECOND_NS); /* who comes gets the present state */
    assert_int_equal(count_texts("\"e\":\"24hrTicker\""), 1);
    assert_int_equal(count_texts("[{\"e\":\"24hrMiniTicker\""), 1);
    assert_int_equal(count_texts("ETHBTC"), 1);
    publish_tick(publisher, now_ns += SECOND_NS);
    assert_int_equal(recorded_count, 2);
    give_fill(1, 1, 100, 1);
    end_command();
    publish_tick(publisher, now_ns += 100 * MS_NS);
    assert_int_equal(recorded_count, 2);
    publish_tick(publisher, now_ns += SECOND_NS);
    assert_int_equal(recorded_count, 4);
    assert_int_equal(count_texts("ETHBTC"), 1); /* only the first: nothing new there since */
}

/* A rolling window has news with every fill and every minute, the average price likewise; neither is sent
 * more than once a second. */
TEST(publish, windows_move_with_fills_and_minutes)
{
    open_publisher(record);
    publish_tick(publisher, now_ns);
    give_fill(1, 1, 100, 1);
    end_command();
    subscribe("btcusdt@ticker_1h");
    subscribe("btcusdt@avgPrice");
    subscribe("!ticker_4h@arr");
    publish_tick(publisher, now_ns += SECOND_NS); /* who comes gets the present state */
    assert_int_equal(count_texts("{\"e\":\"1hTicker\""), 1);
    assert_int_equal(count_texts("{\"e\":\"avgPrice\""), 1);
    assert_int_equal(count_texts("[{\"e\":\"4hTicker\""), 1);
    assert_int_equal(count_texts("ETHBTC"), 1);
    end_command();
    publish_tick(publisher, now_ns += SECOND_NS);
    assert_int_equal(recorded_count, 3);
    give_fill(2, 2, 110, 1);
    give_fill(3, 3, 120, 1);
    end_command();
    publish_tick(publisher, now_ns += 100 * MS_NS);
    assert_int_equal(recorded_count, 3);
    publish_tick(publisher, now_ns += SECOND_NS);
    assert_int_equal(recorded_count, 6);
    assert_int_equal(count_texts("\"c\":\"1.20000000\""), 2);
    assert_int_equal(count_texts("ETHBTC"), 1); /* nothing new there */
    now_ns += 60 * SECOND_NS;
    end_command();
    publish_tick(publisher, now_ns);
    assert_int_equal(recorded_count, 9); /* their windows begin a minute later */
    for (uint32_t i = 0; i < recorded_count; i++)
        assert_true(recorded[i].conflatable);
}

/* The same stream in both units: one message for each, alike but for its times. */
TEST(publish, units_are_streams_of_their_own)
{
    open_publisher(record);
    const uint32_t plain = subscribe("btcusdt@trade");
    const uint32_t fine = channel_in(plain, CHANNEL_US, fixture_genesis.params.markets_max);
    publish_subscribe(publisher, fine);
    give_fill(1, 1, 100, 1);
    end_command();
    assert_int_equal(recorded_count, 2);
    assert_int_equal(recorded[0].channel, plain);
    assert_non_null(strstr(recorded[0].text, "\"T\":1700000040000,"));
    assert_int_equal(recorded[1].channel, fine);
    assert_non_null(strstr(recorded[1].text, "\"T\":1700000040000000,"));
    publish_unsubscribe(publisher, plain);
    give_fill(2, 2, 100, 1);
    end_command();
    assert_int_equal(recorded_count, 3);
    assert_int_equal(recorded[2].channel, fine);
}

/* Every stream there is prints in both units, when it is due and when it is asked for, and says its own
 * name's event. */
TEST(publish, every_stream_speaks_in_both_units)
{
    static const char *const names[] = {
        "btcusdt@trade",         "btcusdt@aggTrade",        "btcusdt@bookTicker",
        "btcusdt@depth",         "btcusdt@depth@100ms",     "btcusdt@depth5",
        "btcusdt@depth10",       "btcusdt@depth20",         "btcusdt@depth5@100ms",
        "btcusdt@depth10@100ms", "btcusdt@depth20@100ms",   "btcusdt@ticker",
        "btcusdt@miniTicker",    "btcusdt@ticker_1h",       "btcusdt@ticker_4h",
        "btcusdt@ticker_1d",     "btcusdt@avgPrice",        "btcusdt@kline_1s",
        "btcusdt@kline_1M",      "btcusdt@kline_6h@+08:00", "!miniTicker@arr",
        "!ticker@arr",           "!ticker_1h@arr",          "!ticker_4h@arr",
        "!ticker_1d@arr",
    };
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    for (int i = 0; i < NAMES; i++) {
        open_publisher(record);
        publish_tick(publisher, now_ns);
        const uint32_t plain = subscribe(names[i]);
        const uint32_t fine = channel_in(plain, CHANNEL_US, fixture_genesis.params.markets_max);
        publish_subscribe(publisher, fine);
        give_level(BUY, 99, 5);
        give_level(SELL, 101, 5);
        give_fill(1, 1, 100, 1);
        end_command();
        publish_tick(publisher, now_ns += 2 * SECOND_NS);
        uint32_t counts[2] = {0};
        for (uint32_t j = 0; j < recorded_count; j++)
            counts[recorded[j].channel == fine]++;
        if (counts[0] == 0 || counts[0] != counts[1]) print_message("%s\n", names[i]);
        assert_true(counts[0] > 0);
        assert_int_equal(counts[0], counts[1]);
    }
}

/* A day of UTC+8 ends at 16:00 UTC: its candle closes there, UTC's goes on. */
TEST(publish, candles_of_the_east_close_by_their_own_clock)
{
    open_publisher(record);
    subscribe("btcusdt@kline_1d@+08:00");
    const uint32_t utc = subscribe("btcusdt@kline_1d");
    now_ns = 1700063999ull * SECOND_NS; /* 15:59:59 UTC */
    give_fill(1, 1, 100, 1);
    end_command();
    publish_tick(publisher, now_ns);
    now_ns += SECOND_NS;
    give_fill(2, 2, 120, 1);
    end_command();
    assert_int_equal(count_texts("\"x\":true"), 1);
    const uint32_t closed = recorded_count - 1;
    assert_true(recorded[closed].channel != utc);
    assert_false(recorded[closed].conflatable);
    assert_non_null(strstr(recorded[closed].text, "\"t\":1699977600000,\"T\":1700063999999,"));
    assert_non_null(strstr(recorded[closed].text, "\"f\":1,\"L\":1,"));
    publish_tick(publisher, now_ns += 2 * SECOND_NS);
    assert_int_equal(count_texts("\"t\":1700064000000,\"T\":1700150399999,"), 1);
    assert_int_equal(count_texts("\"t\":1700006400000,"), 1); /* UTC's: still open */
}

/* A block is shown when it is sealed and again when it is certified; a certificate certifies the
 * blocks below it. */
TEST(publish, blocks_are_sealed_then_certified)
{
    open_publisher(record);
    subscribe("quorex@block");
    for (uint64_t height = 1; height <= 3; height++) {
        struct block_sealed_notice sealed = {0};
        uint8_t payload[BLOCK_SEALED_BYTES];
        const struct block_header header = {
            .version = BLOCK_HEADER_VERSION, .height = height, .time_ns = now_ns, .tx_count = 5};
        block_header_encode(&header, sealed.header);
        block_sealed_notice_put(payload, &sealed);
        notice(T_BLOCK_SEALED, payload);
    }
    assert_int_equal(recorded_count, 3);
    assert_int_equal(count_texts("{\"e\":\"blockSealed\","), 3);
    uint8_t payload[BLOCK_CERTIFIED_BYTES];
    const struct block_certified_notice certified = {.height = 2, .vote_count = 3};
    block_certified_notice_put(payload, &certified);
    notice(T_BLOCK_CERTIFIED, payload);
    assert_int_equal(recorded_count, 5);
    assert_int_equal(count_texts("{\"e\":\"blockCertified\","), 2);
    assert_int_equal(count_texts("\"certificateHeight\":2,\"votes\":3}"), 2);
    assert_non_null(strstr(recorded[3].text, "\"height\":1,"));
    assert_non_null(strstr(recorded[4].text, "\"height\":2,"));
}

/* On a node that catches up the certificate may come first: both messages still do, in their order. */
TEST(publish, certificate_that_came_first_is_told_after_the_block)
{
    uint8_t payload[BLOCK_SEALED_BYTES];
    struct block_sealed_notice sealed = {0};
    const struct block_header header = {.version = BLOCK_HEADER_VERSION, .height = 1};
    const struct block_certified_notice certified = {.height = 1, .vote_count = 3};
    open_publisher(record);
    subscribe("quorex@block");
    block_certified_notice_put(payload, &certified);
    notice(T_BLOCK_CERTIFIED, payload);
    assert_int_equal(recorded_count, 0);
    block_header_encode(&header, sealed.header);
    block_sealed_notice_put(payload, &sealed);
    notice(T_BLOCK_SEALED, payload);
    assert_int_equal(recorded_count, 2);
    assert_non_null(strstr(recorded[0].text, "blockSealed"));
    assert_non_null(strstr(recorded[1].text, "blockCertified"));
}
