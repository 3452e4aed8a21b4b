#include "node/demo_flow.h"

#include "node/client.h"
#include "node/demo.h"
#include "node/trader.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DECIMALS       8
#define LEVELS         6   /* quoted on each side */
#define ORDERS_MAX     64  /* remembered of one market */
#define REFRESH_TURNS  25  /* between two looks at what is still open */
#define BALANCE_ROUNDS 100 /* between two looks at the balances */
#define PAUSE_MAX_MS   30000

struct quote {
    uint64_t order_id;
    int64_t price; /* ticks */
    enum side side;
};

struct flow_market {
    const struct demo_market *demo;
    int64_t reference; /* ticks */
    int64_t step;      /* ticks between two levels */
    uint32_t turn;
    uint32_t quote_count;
    struct quote quotes[ORDERS_MAX];
};

enum role { MAKER, TAKER };

struct flow {
    struct client *client;
    struct client_key keys[2];             /* by enum role */
    int64_t began[2][DEMO_ASSET_COUNT];    /* units, when first seen */
    int64_t balances[2][DEMO_ASSET_COUNT]; /* units, when last seen */
    struct flow_market markets[DEMO_MARKET_COUNT];
    uint64_t random;
    uint64_t request_ms; /* between two requests */
    uint64_t pause_ms;   /* before the next one, because of an error */
};

/* xorshift64: the flow's whims, not anybody's keys. */
static uint64_t whim(struct flow *flow, uint64_t below)
{
    flow->random ^= flow->random << 13;
    flow->random ^= flow->random >> 7;
    flow->random ^= flow->random << 17;
    return flow->random % below;
}

/* Sleeps, and says whether a signal to stop has come. */
static bool stopped_after(uint64_t milliseconds)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    const struct timespec pause = {(time_t)(milliseconds / 1000),
                                   (long)(milliseconds % 1000) * 1000000};
    return sigtimedwait(&signals, NULL, &pause) > 0;
}

/* 4xx but 418 and 429 is the market's answer; all else asks for patience. */
static bool answered(struct flow *flow, const struct client_answer *answer)
{
    const long status = answer->http_status;
    const bool busy = status == 0 || status >= 500 || status == 429 || status == 418;
    if (!busy) {
        flow->pause_ms = 0;
        return status == 200;
    }
    if (flow->pause_ms == 0)
        fprintf(stderr, "quorex demo-flow: waiting: %s (HTTP %ld)\n", answer->body, status);
    flow->pause_ms = flow->pause_ms == 0 ? 500 : 2 * flow->pause_ms;
    if (answer->retry_after_s > 0) flow->pause_ms = (uint64_t)answer->retry_after_s * 1000;
    if (flow->pause_ms > PAUSE_MAX_MS) flow->pause_ms = PAUSE_MAX_MS;
    /* What became of the request is unknown, so is what is open. */
    for (int i = 0; i < DEMO_MARKET_COUNT; i++)
        flow->markets[i].turn = 0;
    return false;
}

static json_t *request(struct flow *flow, enum role role, const char *method, const char *path,
                       const char *text)
{
    const struct client_answer answer =
        client_send_signed(flow->client, method, path, text, &flow->keys[role]);
    if (!answered(flow, &answer)) return NULL;
    return json_loadb(answer.body, answer.body_bytes, 0, NULL);
}

static int64_t units_of(const json_t *text)
{
    int64_t units = 0;
    if (!json_is_string(text) || decimal_parse(json_string_value(text), json_string_length(text),
                                               DECIMALS, &units) != DECIMAL_OK)
        return 0;
    return units;
}

/* ---- what the accounts have ---- */

static void refresh_balances(struct flow *flow, enum role role)
{
    json_t *root = request(flow, role, "GET", "/api/v3/account", ""), *item;
    size_t index;
    json_array_foreach(json_object_get(root, "balances"), index, item)
    {
        const char *asset = json_string_value(json_object_get(item, "asset"));
        for (int i = 0; asset != NULL && i < DEMO_ASSET_COUNT; i++) {
            if (strcmp(asset, demo_assets[i]) != 0) continue;
            flow->balances[role][i] =
                units_of(json_object_get(item, "free")) + units_of(json_object_get(item, "locked"));
            if (flow->began[role][i] == 0) flow->began[role][i] = flow->balances[role][i];
        }
    }
    json_decref(root);
}

/* Whether the account may give away more of what `side` sells. */
static bool can_spare(const struct flow *flow, enum role role, const struct demo_market *demo,
                      enum side side)
{
    const uint16_t asset = side == BUY ? demo->quote : demo->base;
    return flow->balances[role][asset] > flow->began[role][asset] / 4;
}

/* ---- one market ---- */

static void refresh_quotes(struct flow *flow, struct flow_market *market)
{
    char text[64];
    snprintf(text, sizeof(text), "symbol=%s", market->demo->symbol);
    json_t *root = request(flow, MAKER, "GET", "/api/v3/openOrders", text), *item;
    size_t index;
    if (root != NULL) market->quote_count = 0;
    json_array_foreach(root, index, item)
    {
        if (market->quote_count == ORDERS_MAX) break;
        const char *side = json_string_value(json_object_get(item, "side"));
        market->quotes[market->quote_count++] = (struct quote){
            .order_id = (uint64_t)json_integer_value(json_object_get(item, "orderId")),
            .price = units_of(json_object_get(item, "price")) / market->demo->tick_units,
            .side = side != NULL && strcmp(side, "BUY") == 0 ? BUY : SELL,
        };
    }
    json_decref(root);
}

/* A small step either way, and a pull back to where the price began when it has gone far. */
static void wander(struct flow *flow, struct flow_market *market)
{
    const int64_t reach = market->step / 2;
    int64_t move = (int64_t)whim(flow, (uint64_t)(2 * reach + 1)) - reach;
    const int64_t away = market->reference - market->demo->price_ticks;
    if (away > market->demo->price_ticks / 50) move -= 1 + reach / 4;
    if (away < -market->demo->price_ticks / 50) move += 1 + reach / 4;
    market->reference += move;
}

static int64_t level_price(const struct flow_market *market, enum side side, int64_t level)
{
    return market->reference + (side == BUY ? -level : level) * market->step;
}

/* How far on its own side of the reference a quote is. */
static int64_t distance(const struct flow_market *market, const struct quote *quote)
{
    const int64_t away = quote->price - market->reference;
    return quote->side == BUY ? -away : away;
}

/* Cancels one quote that the reference has left behind or run into. */
static bool cancel_stale(struct flow *flow, struct flow_market *market)
{
    for (uint32_t i = 0; i < market->quote_count; i++) {
        const int64_t away = distance(market, &market->quotes[i]);
        if (away >= market->step / 4 && away <= (LEVELS + 2) * market->step) continue;

        char text[96];
        snprintf(text, sizeof(text), "symbol=%s&orderId=%" PRIu64, market->demo->symbol,
                 market->quotes[i].order_id);
        json_decref(request(flow, MAKER, "DELETE", "/api/v3/order", text));
        market->quotes[i] = market->quotes[--market->quote_count];
        return true;
    }
    return false;
}

static bool quoted(const struct flow_market *market, enum side side, int64_t level)
{
    const int64_t wanted = level_price(market, side, level);
    for (uint32_t i = 0; i < market->quote_count; i++) {
        const int64_t away = market->quotes[i].price - wanted;
        if (market->quotes[i].side == side && 2 * away <= market->step && 2 * away >= -market->step)
            return true;
    }
    return false;
}

/* Places an order; its id, or 0. */
static uint64_t place(struct flow *flow, enum role role, const struct demo_market *demo,
                      enum side side, const char *type, int64_t price_ticks, int64_t lots)
{
    char text[256], price[DECIMAL_TEXT_MAX], quantity[DECIMAL_TEXT_MAX];
    decimal_format(price_ticks * demo->tick_units, DECIMALS, price);
    decimal_format(lots * demo->lot_units, DECIMALS, quantity);
    snprintf(text, sizeof(text), "symbol=%s&side=%s&type=%s&price=%s&quantity=%s", demo->symbol,
             side == BUY ? "BUY" : "SELL", type, price, quantity);
    json_t *root = request(flow, role, "POST", "/api/v3/order", text);
    const uint64_t order_id = (uint64_t)json_integer_value(json_object_get(root, "orderId"));
    json_decref(root);
    return order_id;
}

static bool quote_missing(struct flow *flow, struct flow_market *market)
{
    for (int64_t level = 1; level <= LEVELS; level++) {
        for (enum side side = BUY; side <= SELL; side++) {
            if (quoted(market, side, level) || market->quote_count == ORDERS_MAX) continue;
            if (!can_spare(flow, MAKER, market->demo, side)) continue;

            const int64_t price = level_price(market, side, level);
            const int64_t lots = market->demo->order_lots *
                                 (int64_t)(50 + 20 * (uint64_t)level + whim(flow, 100)) / 100;
            const uint64_t order_id =
                place(flow, MAKER, market->demo, side, "LIMIT_MAKER", price, lots);
            if (order_id != 0)
                market->quotes[market->quote_count++] = (struct quote){order_id, price, side};
            else
                market->turn = 0; /* refused: what is open may have changed */
            return true;
        }
    }
    return false;
}

static void take(struct flow *flow, struct flow_market *market)
{
    enum side side = whim(flow, 2) == 0 ? BUY : SELL;
    if (!can_spare(flow, TAKER, market->demo, side)) side = opposite(side);
    const int64_t reach = side == BUY ? 3 * market->step : -3 * market->step;
    const int64_t lots = market->demo->order_lots * (int64_t)(5 + whim(flow, 60)) / 100 + 1;
    (void)place(flow, TAKER, market->demo, side, "LIMIT&timeInForce=IOC", market->reference + reach,
                lots);
}

/* One request of one market: a look, a cancel, a quote or a taking. */
static void market_turn(struct flow *flow, struct flow_market *market)
{
    if (market->turn++ % REFRESH_TURNS == 0) {
        refresh_quotes(flow, market);
        return;
    }
    wander(flow, market);
    if (whim(flow, 6) == 0)
        take(flow, market);
    else if (!cancel_stale(flow, market) && !quote_missing(flow, market))
        take(flow, market);
}

static void cancel_all(struct flow *flow)
{
    for (int i = 0; i < DEMO_MARKET_COUNT; i++) {
        char text[64];
        snprintf(text, sizeof(text), "symbol=%s", demo_markets[i].symbol);
        json_decref(request(flow, MAKER, "DELETE", "/api/v3/openOrders", text));
    }
}

static bool pause_between(const struct flow *flow)
{
    return stopped_after(flow->pause_ms > flow->request_ms ? flow->pause_ms : flow->request_ms);
}

static void run(struct flow *flow)
{
    for (uint64_t round = 0;; round++) {
        if (round % BALANCE_ROUNDS == 0 || flow->began[TAKER][0] == 0) {
            refresh_balances(flow, MAKER);
            refresh_balances(flow, TAKER);
        }
        for (int i = 0; i < DEMO_MARKET_COUNT; i++) {
            market_turn(flow, &flow->markets[i]);
            if (!pause_between(flow)) continue;
            cancel_all(flow);
            return;
        }
    }
}

/* ---- command line ---- */

static bool load_keys(struct flow *flow, const char *path)
{
    struct trader traders[TRADER_COUNT_MAX];
    size_t count = 0;
    if (trader_read_all(path, traders, TRADER_COUNT_MAX, &count) != STATUS_OK) return false;
    if (count < 2) {
        fprintf(stderr, "quorex demo-flow: %s has fewer than two accounts\n", path);
        return false;
    }
    for (int role = 0; role < 2; role++) {
        hash_hex(traders[role].key_id, HASH_BYTES, flow->keys[role].api_key);
        memcpy(flow->keys[role].secret_key, traders[role].secret_key,
               sizeof(flow->keys[role].secret_key));
    }
    sodium_memzero(traders, sizeof(traders));
    return true;
}

static void begin(struct flow *flow)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    flow->random = client_now_us() | 1;
    for (int i = 0; i < DEMO_MARKET_COUNT; i++) {
        struct flow_market *market = &flow->markets[i];
        market->demo = &demo_markets[i];
        market->reference = market->demo->price_ticks;
        market->step = market->demo->price_ticks / 10000;
        if (market->step < 4) market->step = 4;
    }
}

static void print_usage(FILE *to)
{
    fputs("usage: quorex demo-flow --accounts FILE [--url URL] [--rate N]\n"
          "Quotes and takes on the demo's markets through the public API until it is stopped.\n"
          "  --accounts FILE  two accounts: DIR/flow-accounts.json\n"
          "  --url URL        of any node (default: http://127.0.0.1:8080)\n"
          "  --rate N         requests a second, 1 to 1000 (default: 6)\n"
          "  --help\n",
          to);
}

int demo_flow_main(int argc, char **argv)
{
    static const struct option known[] = {{"url", required_argument, NULL, 'u'},
                                          {"accounts", required_argument, NULL, 'a'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *url = "http://127.0.0.1:8080", *accounts = NULL;
    unsigned long rate = 6;
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        switch (option) {
        case 'u':
            url = optarg;
            break;
        case 'a':
            accounts = optarg;
            break;
        case 'r':
            rate = strtoul(optarg, NULL, 10);
            break;
        case 'h':
            print_usage(stdout);
            return 0;
        default:
            print_usage(stderr);
            return 2;
        }
    }
    if (accounts == NULL || optind != argc || rate < 1 || rate > 1000) {
        print_usage(stderr);
        return 2;
    }
    struct flow *flow = calloc(1, sizeof(*flow));
    int code = 1;
    if (flow != NULL && load_keys(flow, accounts) && (flow->client = client_new(url)) != NULL) {
        flow->request_ms = 1000 / rate;
        begin(flow);
        run(flow);
        client_free(flow->client);
        code = 0;
    }
    free(flow);
    return code;
}
