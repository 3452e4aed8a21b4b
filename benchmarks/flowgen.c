/* Writes a flow file (flow.h): the orders of one market, drawn at random and the same for the same
 * arguments on any machine, for there is no arithmetic but on whole numbers.
 *
 *     flowgen OUT.flow [key=value ...]
 *
 *     key       default   meaning
 *     seed      20240607
 *     n         5000000   measured commands, written after those that build the book
 *     depth     1000      orders that rest, about, both sides together
 *     spread    64        scale of the distance from the touch, in ticks
 *     deep      20        per cent of passive orders spread evenly over [0, 16 spread)
 *     mkt       80        marketable orders in 1000 commands
 *     recent    50        per cent of cancels that aim at one of the 64 newest orders; the others at any
 *     walk      50        the fair value moves a tick once in so many commands
 *     accounts  1000      accounts 1 .. N, drawn evenly
 *     digest=1            only says what the file would have to produce
 *
 * While it draws, it keeps a small book of its own: so it knows what can be cancelled, sizes each
 * marketable order to fill whole, and writes into the header what a correct book makes of the flow.
 */

#include "benchmarks/flow.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRICE_COUNT 65536
#define PRICE_FAIR  32768 /* where the fair value begins; it stays within FAIR_REACH of it */
#define FAIR_REACH  12000
#define TAKE_REACH  16 /* a marketable order walks at most so many ticks past the best price */
#define NEWEST      64

enum { BUY, SELL };

struct options {
    uint64_t seed, n, depth;
    uint32_t spread, deep, mkt, recent, walk, accounts;
    bool digest_only;
};

struct resting {
    uint32_t next, prev, qty;
    uint32_t place; /* in `live` */
    int32_t price;
    uint8_t side;
    bool rests;
};

struct market {
    struct resting *orders;        /* by id */
    uint32_t head[2][PRICE_COUNT]; /* ids, 0: nobody */
    uint32_t tail[2][PRICE_COUNT];
    int32_t best[2]; /* -1 and PRICE_COUNT when empty */
    uint32_t *live;  /* ids, for an even choice */
    uint32_t live_count;
    uint32_t newest[NEWEST];
    uint32_t newest_count;
    int32_t fair;
    uint32_t next_id;
};

static struct options options;
static struct market market;
static struct flow_header header;
static uint64_t random_state[4];

static uint64_t seed_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t value = *state;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static uint64_t rotated(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

/* xoshiro256** */
static uint64_t random_next(void)
{
    uint64_t *state = random_state;
    const uint64_t value = rotated(state[1] * 5, 7) * 9, shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotated(state[3], 45);
    return value;
}

static uint32_t below(uint32_t bound)
{
    return (uint32_t)(((random_next() >> 32) * (uint64_t)bound) >> 32);
}

static uint32_t square_root(uint64_t value)
{
    uint64_t root = 0, bit = (uint64_t)1 << 62;
    while (bit > value)
        bit >>= 2;
    for (; bit != 0; bit >>= 2) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}

/* A distance whose density falls as 1 / (1 + d / spread)^3, cut at 16 spread:
 * spread (1 / sqrt(u) - 1), with u even in (0, 1) as a multiple of 2^-32. */
static uint32_t heavy_distance(uint32_t spread)
{
    const uint64_t even = (random_next() >> 32) | 1;
    const uint64_t one = (uint64_t)1 << 24;
    uint64_t root = square_root(even << 16); /* sqrt(u) as a multiple of 2^-24 */
    if (root == 0) root = 1;
    const uint64_t distance = (uint64_t)spread * (one - (root < one ? root : one)) / root;
    const uint32_t cut = 16 * spread;
    return distance < cut ? (uint32_t)distance : below(cut);
}

static void best_find(int side)
{
    int32_t *best = &market.best[side];
    if (side == BUY) {
        while (*best >= 0 && market.head[BUY][*best] == 0)
            (*best)--;
    } else {
        while (*best < PRICE_COUNT && market.head[SELL][*best] == 0)
            (*best)++;
    }
}

static void order_leave(uint32_t id)
{
    struct resting *order = &market.orders[id];
    const int side = order->side;
    if (order->prev != 0)
        market.orders[order->prev].next = order->next;
    else
        market.head[side][order->price] = order->next;
    if (order->next != 0)
        market.orders[order->next].prev = order->prev;
    else
        market.tail[side][order->price] = order->prev;
    order->rests = false;

    const uint32_t last = market.live[--market.live_count];
    market.live[order->place] = last;
    market.orders[last].place = order->place;
    if (order->price == market.best[side]) best_find(side);
}

static void order_rest(uint32_t id, int side, int32_t price, uint32_t qty)
{
    uint32_t *tail = &market.tail[side][price];
    market.orders[id] = (struct resting){.prev = *tail,
                                         .qty = qty,
                                         .place = market.live_count,
                                         .price = price,
                                         .side = (uint8_t)side,
                                         .rests = true};
    if (*tail != 0)
        market.orders[*tail].next = id;
    else
        market.head[side][price] = id;
    *tail = id;
    market.live[market.live_count++] = id;
    if (side == BUY ? price > market.best[BUY] : price < market.best[SELL])
        market.best[side] = price;
    market.newest[market.newest_count++ % NEWEST] = id;
}

static void draw_add(struct flow_record *record)
{
    const int side = (int)below(2);
    const uint32_t distance =
        below(100) < options.deep ? below(16 * options.spread) : heavy_distance(options.spread);
    int32_t price =
        side == BUY ? market.fair - 1 - (int32_t)distance : market.fair + 1 + (int32_t)distance;
    if (side == BUY && price >= market.best[SELL]) price = market.best[SELL] - 1; /* passive */
    if (side == SELL && price <= market.best[BUY]) price = market.best[BUY] + 1;
    *record = (struct flow_record){.op = FLOW_ADD,
                                   .side = (uint8_t)side,
                                   .qty = 1 + below(100),
                                   .id = market.next_id,
                                   .price = price,
                                   .account = record->account};
    order_rest(market.next_id++, side, price, record->qty);
}

static uint32_t draw_victim(void)
{
    if (below(100) < options.recent) {
        const uint32_t first = below(NEWEST);
        for (uint32_t i = 0; i < NEWEST; i++) {
            const uint32_t id = market.newest[(first + i) % NEWEST];
            if (id != 0 && market.orders[id].rests) return id;
        }
    }
    return market.live[below(market.live_count)];
}

static void draw_cancel(struct flow_record *record)
{
    const uint32_t victim = draw_victim();
    const struct resting *order = &market.orders[victim];
    *record = (struct flow_record){.op = FLOW_CANCEL,
                                   .side = order->side,
                                   .qty = order->qty,
                                   .id = victim,
                                   .price = order->price,
                                   .account = record->account};
    order_leave(victim);
}

/* Towards the fair value three times out of four. */
static int draw_taker_side(void)
{
    const int32_t middle = market.best[BUY] + market.best[SELL];
    const int side = 2 * market.fair > middle ? BUY : SELL;
    if (2 * market.fair == middle) return (int)below(2);
    return below(4) == 0 ? !side : side;
}

/* How much of `want` the makers of `side` have within reach; `*limit` is the price of the last. */
static uint32_t available(int side, uint32_t want, int32_t *limit)
{
    const int32_t best = market.best[side], step = side == SELL ? 1 : -1;
    int32_t price = best;
    uint32_t got = 0, id = market.head[side][price];
    *limit = price;
    while (got < want) {
        if (id != 0) {
            *limit = price;
            got += market.orders[id].qty;
            id = market.orders[id].next;
            continue;
        }
        do
            price += step;
        while (price >= 0 && price < PRICE_COUNT && market.head[side][price] == 0 &&
               abs(price - best) <= TAKE_REACH);
        if (price < 0 || price >= PRICE_COUNT || abs(price - best) > TAKE_REACH) break;
        id = market.head[side][price];
    }
    return got < want ? got : want;
}

static void fill(uint32_t taker, int makers, uint32_t left)
{
    while (left > 0) {
        const int32_t price = market.best[makers];
        const uint32_t id = market.head[makers][price];
        struct resting *maker = &market.orders[id];
        const uint32_t traded = maker->qty < left ? maker->qty : left;
        header.digest = flow_digest(header.digest, id, taker, (uint64_t)price, traded);
        header.trade_count++;
        header.trade_qty += traded;
        left -= traded;
        maker->qty -= traded;
        if (maker->qty > 0) continue;
        header.makers_filled++;
        order_leave(id);
    }
}

static void draw_take(struct flow_record *record)
{
    const int side = draw_taker_side();
    const uint32_t want = below(10) != 0 ? 1 + below(100) : 100 + below(900);
    int32_t limit;
    const uint32_t qty = available(!side, want, &limit);
    *record = (struct flow_record){.op = FLOW_TAKE,
                                   .side = (uint8_t)side,
                                   .qty = qty,
                                   .id = market.next_id,
                                   .price = limit,
                                   .account = record->account};
    fill(market.next_id++, !side, qty);
}

static void fair_walk(void)
{
    if (below(options.walk) != 0) return;
    market.fair += below(2) != 0 ? 1 : -1;
    if (market.fair > PRICE_FAIR + FAIR_REACH) market.fair = PRICE_FAIR + FAIR_REACH;
    if (market.fair < PRICE_FAIR - FAIR_REACH) market.fair = PRICE_FAIR - FAIR_REACH;
}

/* Adds and cancels are balanced by how far the book is from its depth. */
static enum flow_op draw_op(void)
{
    const uint32_t others = 1000 - options.mkt;
    const int64_t divisor = (int64_t)(options.depth != 0 ? options.depth : 1);
    const int64_t missing = ((int64_t)options.depth - (int64_t)market.live_count) * 4000 / divisor;
    int64_t adds = (int64_t)others * 565 / 1000 + missing;
    if (adds < (int64_t)others / 5) adds = others / 5;
    if (adds > (int64_t)others * 4 / 5) adds = others * 4 / 5;

    const uint32_t drawn = below(1000);
    if (drawn < options.mkt)
        return market.best[BUY] < 0 || market.best[SELL] >= PRICE_COUNT ? FLOW_ADD : FLOW_TAKE;
    if (drawn < options.mkt + (uint64_t)adds || market.live_count == 0) return FLOW_ADD;
    return FLOW_CANCEL;
}

static struct flow_record draw_record(bool preload)
{
    if (!preload) fair_walk();
    const enum flow_op op = preload ? FLOW_ADD : draw_op();
    struct flow_record record = {.account = 1 + below(options.accounts)};
    if (op == FLOW_ADD)
        draw_add(&record);
    else if (op == FLOW_CANCEL)
        draw_cancel(&record);
    else
        draw_take(&record);
    return record;
}

static void header_end(void)
{
    header.id_max = market.next_id - 1;
    header.end_orders = market.live_count;
    for (uint32_t i = 0; i < market.live_count; i++)
        header.end_qty += market.orders[market.live[i]].qty;
    for (int side = BUY; side <= SELL; side++)
        for (int price = 0; price < PRICE_COUNT; price++)
            header.end_levels += market.head[side][price] != 0;
}

static bool flow_write(FILE *file)
{
    for (uint64_t i = 0; i < options.depth + options.n; i++) {
        const bool preload = i < options.depth;
        const struct flow_record record = draw_record(preload);
        if (record.price < header.price_min) header.price_min = record.price;
        if (record.price > header.price_max) header.price_max = record.price;
        if (!preload) header.depth_sum += market.live_count;
        if (file != NULL && fwrite(&record, sizeof(record), 1, file) != 1) return false;
    }
    return true;
}

static uint64_t argument(int argc, char **argv, const char *key, uint64_t otherwise)
{
    const size_t length = strlen(key);
    for (int i = 2; i < argc; i++)
        if (strncmp(argv[i], key, length) == 0 && argv[i][length] == '=')
            return strtoull(argv[i] + length + 1, NULL, 0);
    return otherwise;
}

static bool start(int argc, char **argv)
{
    options = (struct options){
        .seed = argument(argc, argv, "seed", 20240607),
        .n = argument(argc, argv, "n", 5000000),
        .depth = argument(argc, argv, "depth", 1000),
        .spread = (uint32_t)argument(argc, argv, "spread", 64),
        .deep = (uint32_t)argument(argc, argv, "deep", 20),
        .mkt = (uint32_t)argument(argc, argv, "mkt", 80),
        .recent = (uint32_t)argument(argc, argv, "recent", 50),
        .walk = (uint32_t)argument(argc, argv, "walk", 50),
        .accounts = (uint32_t)argument(argc, argv, "accounts", 1000),
        .digest_only = argument(argc, argv, "digest", 0) != 0,
    };
    if (options.spread > 20000 / 16 || options.n + options.depth >= UINT32_MAX) return false;
    uint64_t state = options.seed;
    for (int i = 0; i < 4; i++)
        random_state[i] = seed_next(&state);

    header = (struct flow_header){.header_bytes = sizeof(struct flow_header),
                                  .record_bytes = sizeof(struct flow_record),
                                  .seed = options.seed,
                                  .preload_count = options.depth,
                                  .command_count = options.n,
                                  .target_depth = options.depth,
                                  .price_min = PRICE_COUNT,
                                  .digest = FLOW_DIGEST_START};
    memcpy(header.magic, FLOW_MAGIC, sizeof(header.magic));
    const size_t ids = (size_t)(options.depth + options.n) + 2;
    market.best[BUY] = -1;
    market.best[SELL] = PRICE_COUNT;
    market.fair = PRICE_FAIR;
    market.next_id = 1;
    market.orders = calloc(ids, sizeof(*market.orders));
    market.live = calloc(ids, sizeof(*market.live));
    return market.orders != NULL && market.live != NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2 || !start(argc, argv)) {
        fputs("usage: flowgen OUT.flow [key=value ...], spread at most 1250\n", stderr);
        return 2;
    }
    FILE *file = options.digest_only ? NULL : fopen(argv[1], "wb");
    if (file == NULL && !options.digest_only) {
        perror(argv[1]);
        return 1;
    }
    bool written = file == NULL || fwrite(&header, sizeof(header), 1, file) == 1;
    written = written && flow_write(file);
    header_end();
    if (file != NULL) {
        written = written && fseek(file, 0, SEEK_SET) == 0 &&
                  fwrite(&header, sizeof(header), 1, file) == 1;
        if (fclose(file) != 0 || !written) {
            perror(argv[1]);
            return 1;
        }
    }
    printf("%s seed=%" PRIu64 " commands=%" PRIu64 " trades=%" PRIu64 " qty=%" PRIu64
           " digest=%016" PRIx64 " end_orders=%" PRIu64 " end_qty=%" PRIu64 " end_levels=%" PRIu32
           " prices=%" PRId64 "..%" PRId64 "\n",
           argv[1], options.seed, options.n, header.trade_count, header.trade_qty, header.digest,
           header.end_orders, header.end_qty, header.end_levels, header.price_min,
           header.price_max);
    free(market.orders);
    free(market.live);
    return 0;
}
