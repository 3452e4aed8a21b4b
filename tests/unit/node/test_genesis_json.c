#include "node/genesis_json.h"

#include "node/file_os.h"
#include "tests/harness.h"

#include <unistd.h>

static struct genesis written, found;
static char folder[] = "/tmp/quorex-genesis-XXXXXX";
static char path[FILE_PATH_MAX];

static void list_market(struct params *params, const char *symbol, uint16_t base, uint16_t quote)
{
    struct market_create_command listing = {.base = base,
                                            .quote = quote,
                                            .tick_units = 1000000,
                                            .lot_units = 1000,
                                            .price_min = {1},
                                            .price_max = {100000000},
                                            .qty_min = {1},
                                            .qty_max = {90000000},
                                            .notional_min = {500000000},
                                            .account_orders_max = 200};
    memcpy(listing.symbol, symbol, strlen(symbol));
    assert_true(market_list(&listing, params->assets, &params->markets[params->market_count]));
    params->market_count++;
}

static void make_genesis(struct genesis *genesis)
{
    memset(genesis, 0, sizeof(*genesis));
    for (size_t i = 0; i < sizeof(genesis->nonce); i++)
        genesis->nonce[i] = (uint8_t)(i * 7);
    genesis->time_ns = 1795000000123456789u;
    genesis->validators.count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        genesis->validators.members[i].node = i + 1;
        memset(genesis->validators.members[i].public_key, (int)(i + 40), PUBLIC_KEY_BYTES);
        snprintf(genesis->validators.members[i].address, NODE_ADDRESS_BYTES, "10.0.0.%u:8580", i);
    }
    genesis->operator_count = 1;
    memset(genesis->operators[0], 99, PUBLIC_KEY_BYTES);
    genesis->params = (struct params){.rules = 1,
                                      .accounts_max = 10,
                                      .keys_max = 11,
                                      .orders_max = 12,
                                      .levels_max = 13,
                                      .assets_max = 14,
                                      .markets_max = 15,
                                      .block_ms = 100,
                                      .idle_block_ms = 1000,
                                      .stamp_step_ms = 10000,
                                      .uncertified_blocks_max = 600,
                                      .checkpoint_blocks = 10000,
                                      .origin_lost_ms = 20000,
                                      .gateway_secret_version = 1,
                                      .tree_secret_version = 2,
                                      .tier_count = 2,
                                      .asset_count = 2,
                                      .tiers = {{1000, 2000, {0}}, {0, 1, {0}}},
                                      .assets = {{"BTC", 8}, {"USDT", 8}}};
    genesis->params.volume_asset = 1;
    genesis->params.tiers[1] = (struct fee_tier){-1, 5, {12345678901}};
    list_market(&genesis->params, "BTCUSDT", 0, 1);
    struct market_filters *filters = &genesis->params.markets[0].filters;
    filters->market_qty_max.lots = 70000;
    filters->notional_max.units = 123;
    filters->position_max.units = 456;
    filters->bid_up = 50000;
    filters->ask_down = 1;
    filters->band_ppm = 77;
    filters->self_trade_modes = 1 << SELF_TRADE_DECREMENT;
    filters->self_trade_default = SELF_TRADE_DECREMENT;
    genesis->params.markets[0].status = MARKET_HALT;
}

static void start(void)
{
    memcpy(folder, "/tmp/quorex-genesis-XXXXXX", sizeof(folder));
    assert_non_null(mkdtemp(folder));
    assert_true(file_path(path, folder, "genesis.json"));
    make_genesis(&written);
}

static void finish(void)
{
    unlink(path);
    rmdir(folder);
}

/* Replaces the first `old` in the written file by `new`. */
static void edit(const char *old, const char *new)
{
    char *text;
    size_t length;
    assert_int_equal(file_read(path, &text, &length), STATUS_OK);
    char *at = strstr(text, old);
    assert_non_null(at);

    const size_t tail = length - (size_t)(at - text) - strlen(old);
    char *edited = malloc(length + strlen(new) + 1);
    memcpy(edited, text, (size_t)(at - text));
    memcpy(edited + (at - text), new, strlen(new));
    memcpy(edited + (at - text) + strlen(new), at + strlen(old), tail);
    const size_t edited_length = length - strlen(old) + strlen(new);
    assert_int_equal(file_replace(path, edited, edited_length, 0644), STATUS_OK);
    free(edited);
    free(text);
}

/* The chain's name is the hash of the genesis: what is read must be what was written, to the byte. */
TEST(genesis, reads_back_every_field)
{
    start();
    assert_int_equal(genesis_write(path, &written), STATUS_OK);
    assert_int_equal(genesis_read(path, &found), STATUS_OK);
    assert_memory_equal(&found, &written, sizeof(found));
    assert_true(hash_equal(genesis_chain_id(&found), genesis_chain_id(&written)));
    finish();
}

/* A second init must not replace the genesis of a chain that may hold money. */
TEST(genesis, is_never_overwritten)
{
    start();
    assert_int_equal(genesis_write(path, &written), STATUS_OK);
    written.time_ns++;
    assert_int_equal(genesis_write(path, &written), STATUS_EXISTS);
    assert_int_equal(genesis_read(path, &found), STATUS_OK);
    assert_int_equal(found.time_ns, written.time_ns - 1);
    finish();
}

TEST(genesis, that_is_missing_is_not_found)
{
    start();
    assert_int_equal(genesis_read(path, &found), STATUS_NOT_FOUND);
    finish();
}

/* Anything unclear in the file is refused, never guessed. */
TEST(genesis, refuses_what_it_does_not_understand)
{
    static const struct {
        const char *old, *new;
    } edits[] = {
        {"\"rules\": 1", "\"rules\": 9"},
        {"\"rules\": 1", "\"rules\": -1"},
        {"\"rules\": 1", "\"rules\": 1, \"extra\": 1"},
        {"\"accountsMax\"", "\"accountMax\""},
        {"\"keysMax\": 11", "\"keysMax\": 4294967296"},
        {"\"keysMax\": 11", "\"keysMax\": 1.5"},
        {"\"makerPpm\": 1000", "\"makerPpm\": 1000000"},
        {"\"tick\": \"0.01\"", "\"tick\": \"0.000000001\""},
        {"\"tick\": \"0.01\"", "\"tick\": \"0\""},
        {"\"tick\": \"0.01\"", "\"tick\": \"1e3\""},
        {"\"lot\": \"0.00001\"", "\"lot\": \"0.00000001\""}, /* tick x lot below one unit */
        {"\"minPrice\": \"0.01\"", "\"minPrice\": \"0.015\""},
        {"\"base\": \"BTC\"", "\"base\": \"ETH\""},
        {"\"base\": \"BTC\"", "\"base\": \"USDT\""},
        {"\"HALT\"", "\"halt\""},
        {"\"node\": 2", "\"node\": 1"},
        {"\"node\": 1", "\"node\": 0"},
        {"2828", "28zz"},
        {"\"time\"", "\"time\": 1, \"time\""},
        {"{", "["},
        {"\"makerPpm\": -1", "\"makerPpm\": -6"}, /* above the lowest taker fee */
        {"\"volumeMin\": \"0\"", "\"volumeMin\": \"1\""},
        {"\"volumeMin\": \"0\"", "\"volumeMin\": 0"},
        {"\"volumeAsset\": \"USDT\"", "\"volumeAsset\": \"EUR\""},
        {"\"bandPpm\": 77", "\"bandPpm\": \"77\""},
        {"\"bandPpm\": 77", "\"bandPpm\": 1000001"},
        {"\"bandPpm\"", "\"bandWidth\""},
        {"\"bidMultiplierUp\": \"5\"", "\"bidMultiplierUp\": \"0.5\""},
        {"\"marketMaxQty\": \"0.7\"", "\"marketMaxQty\": \"0.700001\""},
        {"\"selfTradeDefault\": \"DECREMENT\"", "\"selfTradeDefault\": \"NONE\""},
    };
    start();
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        unlink(path);
        assert_int_equal(genesis_write(path, &written), STATUS_OK);
        edit(edits[i].old, edits[i].new);
        if (genesis_read(path, &found) != STATUS_MALFORMED) fail_msg("accepted: %s", edits[i].new);
    }
    finish();
}

/* A file of an earlier form, or one written by hand, need not name what it leaves at its default. */
TEST(genesis, takes_defaults_for_filters_and_volumes)
{
    start();
    assert_int_equal(genesis_write(path, &written), STATUS_OK);
    edit("\"bandPpm\": 77,", "");
    edit("\"volumeAsset\": \"USDT\",", "");
    edit(",\n        \"volumeMin\": \"0\"", "");
    assert_int_equal(genesis_read(path, &found), STATUS_OK);
    assert_int_equal(found.params.markets[0].filters.band_ppm, 0);
    assert_int_equal(found.params.markets[0].filters.ask_down, 1);
    assert_int_equal(found.params.volume_asset, 0);
    assert_int_equal(found.params.tiers[0].volume_min.units, 0);
    finish();
}
