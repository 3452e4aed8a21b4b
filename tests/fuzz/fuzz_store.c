/* Any bytes as a block's body: the projection gives rows or says MALFORMED, and never breaks.
 *
 * An even first byte: the next two are figures of the header and the rest is the body. An odd one: the
 * body is that of a real, busy block with bytes changed. Either comes after a real block that lists a
 * market and opens accounts, so that events about them get far. */

#include "tests/unit/settlement/world_custody.h"

static void on_block(void *context, const struct block_row *row)
{
    (void)context, (void)row;
}
static void on_fill(void *context, const struct fill_row *row)
{
    (void)context;
    ASSERT(row->maker_fee.units >= 0 && row->taker_fee.units >= 0);
    ASSERT(row->maker_rebate.units >= 0 && row->maker_rebate.units <= row->taker_fee.units);
}
static void on_order(void *context, const struct order_row *row)
{
    (void)context;
    ASSERT(strlen(row->client_id) <= 36);
}
static void on_entry(void *context, const struct entry_row *row)
{
    /* What is netted sums to zero over the block: the test of all entries together. */
    *(__int128 *)context += (__int128)row->available.units + row->held.units;
}
static void on_account(void *context, const struct account_row *row)
{
    (void)context, (void)row;
}
static void on_asset(void *context, uint16_t index, const struct asset *asset)
{
    (void)context, (void)index, (void)asset;
}
static void on_market(void *context, uint16_t index, const struct market *market)
{
    (void)context, (void)index, (void)market;
}
static void on_candle(void *context, const struct candle_row *row)
{
    (void)context;
    ASSERT(row->fill_count > 0 && row->low.ticks <= row->high.ticks);
}
static void on_balance(void *context, const struct balance_row *row)
{
    (void)context, (void)row;
}

static void on_prevented(void *context, const struct prevented_row *row)
{
    (void)context, (void)row;
}
static void on_list(void *context, const struct list_row *row)
{
    (void)context;
    ASSERT(strlen(row->client_id) <= 36);
}
static void on_list_end(void *context, const struct list_end_row *row)
{
    (void)context, (void)row;
}

static void on_deposit(void *context, const struct deposit_row *row)
{
    (void)context, (void)row;
}
static void on_withdrawal(void *context, const struct withdrawal_row *row)
{
    (void)context, (void)row;
}
static void on_address(void *context, const struct address_row *row)
{
    (void)context, (void)row;
}
static void on_amended(void *context, const struct amended_row *row)
{
    (void)context;
    ASSERT(strlen(row->former_client_id) <= 36 && strlen(row->client_id) <= 36);
}

static struct world *world;
static struct store *store;
static struct arena arena;

/* Block 1 lists and funds; block 2 has an order of every kind. */
static void prepare(void)
{
    world = world_new();
    if (world_seal(world) != STATUS_OK) abort();
    const uint64_t resting = world_buy(world, 1, 2999000, 2);
    world_sell(world, 1, 3000001, 3);
    world_buy(world, 2, 3000100, 5);
    world_place(world, 3, SELL, MARKET, 0, 1, 0);
    world_place(world, 4, BUY, MARKET, 0, 0, 100000000);
    world_cancel(world, 1, resting);
    world_debit(world, 3, BTC, 5);
    const struct world_order own = {.account = 3,
                                    .side = BUY,
                                    .type = LIMIT,
                                    .price = 3000500,
                                    .qty = 4,
                                    .iceberg = 2,
                                    .mode = SELF_TRADE_DECREMENT};
    const struct world_order pair[] = {
        {.account = 4, .side = SELL, .type = LIMIT_MAKER, .price = 3001000, .qty = 2},
        {.account = 4, .side = SELL, .type = STOP_LOSS, .stop = 3000450, .qty = 2}};
    world_sell(world, 3, 3000500, 1);
    world_enter(world, &own);
    world_place_list(world, LIST_OCO, pair);
    world_sell(world, 1, 3000400, 5); /* fires the stop */
    struct custody custody;
    custody_open(&custody, world);
    custody_told(&custody, custody_deposit_of(1, 7000, 3), 3, 7000);
    custody_withdraw(&custody, 9000);
    custody_withdraw(&custody, 4000);
    custody_approve(&custody, 1);
    if (world_seal(world) != STATUS_OK) abort();
    if (!arena_map(&arena, store_bytes(&world->genesis))) abort();
    store = store_new(&arena, &world->genesis);
}

/* The real second block with bytes changed: three of `data` say where and to what. */
static size_t patch(const uint8_t *data, size_t byte_count, uint8_t *body)
{
    const struct world_block *real = &world->blocks[1];
    memcpy(body, real->body, real->body_bytes);
    for (size_t i = 0; i + 3 <= byte_count; i += 3)
        body[le_get_u16(data + i) % real->body_bytes] ^= data[i + 2];
    return real->body_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t byte_count);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t byte_count)
{
    static uint8_t body[1 << 16];
    __int128 sum = 0;
    const struct store_sink sink = {&sum,         on_block,  on_fill,     on_order,   on_entry,
                                    on_account,   on_asset,  on_market,   on_candle,  on_balance,
                                    on_prevented, on_list,   on_list_end, on_deposit, on_withdrawal,
                                    on_address,   on_amended};
    if (world == NULL) prepare();
    if (byte_count < 3 || byte_count > sizeof(body)) return 0;
    struct block_bytes block;
    struct block_header header;
    uint8_t header_bytes[BLOCK_HEADER_BYTES];
    if (world_read(world, 1, &block) != STATUS_OK) abort();
    store_reset(store);
    if (store_block(store, &block, &sink) != STATUS_OK) abort();
    ASSERT(sum == 0);

    if (world_read(world, 2, &block) != STATUS_OK) abort();
    if (!block_header_decode(block.header, &header)) abort();
    if (data[0] & 1) {
        header.body_length = patch(data + 1, byte_count - 1, body);
    } else {
        header.body_length = byte_count - 3;
        header.last_command = header.first_command + data[1];
        header.fill_count = data[2];
        memcpy(body, data + 3, byte_count - 3);
    }
    block_header_encode(&header, header_bytes);
    block = (struct block_bytes){header_bytes, body, header.body_length};
    if (store_block(store, &block, &sink) == STATUS_OK) ASSERT(sum == 0);
    if (store_block_balances(store, &block) == STATUS_OK) store_balances(store, &sink);
    store_flush(store, &sink);
    return 0;
}
