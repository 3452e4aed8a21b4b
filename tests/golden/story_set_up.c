#include "tests/golden/story.h"

#include "common/reject.h"

#include <ctype.h>

/* A symbol from a name as stories write it. */
static void symbol_put(char *symbol, size_t symbol_bytes, const char *name)
{
    size_t i = 0;
    for (; name[i] != '\0' && i < symbol_bytes - 1; i++)
        symbol[i] = (char)toupper((unsigned char)name[i]);
    symbol[i] = '\0';
}

static uint32_t account_open(struct story *story, const char *name, uint16_t tier)
{
    story_open(story);
    const uint32_t count = engine_counts(story->world.engine).accounts;
    if (count + 1 >= STORY_NAMES || story_is(name, "nobody")) story_unreadable(story, name);
    const uint32_t account = world_account(&story->world, tier, 0, 0);
    snprintf(story->names[account], sizeof(story->names[account]), "%s", name);
    return account;
}

static uint32_t account_found(struct story *story, const char *name)
{
    for (uint32_t account = 1; account < STORY_NAMES; account++)
        if (story_is(story->names[account], name)) return account;
    return account_open(story, name, 0);
}

static void bound_set(struct story *story, char **words)
{
    struct params *params = &story->world.genesis.params;
    const uint32_t bound = (uint32_t)story_number(story, words[1]);
    if (story_is(words[0], "orders"))
        params->orders_max = bound;
    else if (story_is(words[0], "levels"))
        params->levels_max = bound;
    else if (story_is(words[0], "accounts"))
        params->accounts_max = bound;
    else
        story_unreadable(story, words[0]);
}

static void pair_set(const struct story *story, const char *word, uint32_t *down, uint32_t *up)
{
    int64_t from, to;
    story_range(story, word, &from, &to);
    *down = (uint32_t)from;
    *up = (uint32_t)to;
}

/* The modes a market takes, divided by commas; the first is its default. */
static void modes_set(const struct story *story, const char *word, struct market_filters *filters)
{
    char copy[64], *rest = copy, *mode;
    snprintf(copy, sizeof(copy), "%s", word);
    filters->self_trade_modes = 0;
    while ((mode = strsep(&rest, ",")) != NULL) {
        const uint8_t self_trade = story_self_trade(story, mode);
        if (filters->self_trade_modes == 0) filters->self_trade_default = self_trade;
        filters->self_trade_modes |= (uint8_t)(1 << self_trade);
    }
}

bool story_filter(const struct story *story, struct market_filters *filters, char **words)
{
    const char *name = words[0], *value = words[1];
    if (value == NULL) return false;
    if (story_is(name, "market-lots"))
        story_range(story, value, &filters->market_qty_min.lots, &filters->market_qty_max.lots);
    else if (story_is(name, "notional-max"))
        filters->notional_max.units = story_number(story, value);
    else if (story_is(name, "position"))
        filters->position_max.units = story_number(story, value);
    else if (story_is(name, "bids"))
        pair_set(story, value, &filters->bid_down, &filters->bid_up);
    else if (story_is(name, "asks"))
        pair_set(story, value, &filters->ask_down, &filters->ask_up);
    else if (story_is(name, "trailing"))
        pair_set(story, value, &filters->trailing_min, &filters->trailing_max);
    else if (story_is(name, "band"))
        filters->band_ppm = (uint32_t)story_number(story, value);
    else if (story_is(name, "average"))
        filters->average_minutes = (uint32_t)story_number(story, value);
    else if (story_is(name, "stops"))
        filters->algo_orders_max = (uint32_t)story_number(story, value);
    else if (story_is(name, "icebergs"))
        filters->iceberg_orders_max = (uint32_t)story_number(story, value);
    else if (story_is(name, "parts"))
        filters->iceberg_parts_max = (uint32_t)story_number(story, value);
    else if (story_is(name, "lists"))
        filters->order_lists_max = (uint32_t)story_number(story, value);
    else if (story_is(name, "self"))
        modes_set(story, value, filters);
    else
        return false;
    return true;
}

/* market WORD VALUE ... [in MARKET] */
static void market_set(struct story *story, char **words)
{
    struct market *market = &story->world.genesis.params.markets[story->market];
    for (; words[0] != NULL; words += 2) {
        if (words[1] == NULL) story_unreadable(story, words[0]);
        if (story_filter(story, &market->filters, words)) continue;
        if (story_is(words[0], "prices"))
            story_range(story, words[1], &market->price_min.ticks, &market->price_max.ticks);
        else if (story_is(words[0], "lots"))
            story_range(story, words[1], &market->qty_min.lots, &market->qty_max.lots);
        else if (story_is(words[0], "lot"))
            market->lot_units = story_number(story, words[1]);
        else if (story_is(words[0], "tick"))
            market->tick_units = story_number(story, words[1]);
        else if (story_is(words[0], "notional"))
            market->notional_min.units = story_number(story, words[1]);
        else if (story_is(words[0], "orders"))
            market->account_orders_max = (uint32_t)story_number(story, words[1]);
        else
            story_unreadable(story, words[0]);
    }
    market->units_per_step = market->tick_units * market->lot_units;
}

/* another market NAME BASE QUOTE */
static void market_add(struct story *story, char **words)
{
    struct params *params = &story->world.genesis.params;
    char symbol[MARKET_SYMBOL_BYTES + 1];
    if (words[0] == NULL || words[1] == NULL || words[2] == NULL || words[3] != NULL)
        story_unreadable(story, words[0]);
    symbol_put(symbol, sizeof(symbol), words[0]);
    snprintf(story->markets[params->market_count], sizeof(story->markets[0]), "%s", words[0]);
    world_add_market(params, symbol);
    struct market *market = &params->markets[params->market_count - 1];
    market->base = story_asset(story, words[1]);
    market->quote = story_asset(story, words[2]);
}

static void asset_add(struct story *story, const char *name)
{
    char symbol[ASSET_SYMBOL_BYTES + 1];
    symbol_put(symbol, sizeof(symbol), name);
    world_add_asset(&story->world.genesis.params, symbol);
}

/* tier MAKER TAKER, or tier N: MAKER TAKER [from VOLUME] */
static void tier_set(struct story *story, char **words)
{
    struct params *params = &story->world.genesis.params;
    unsigned index = 0;
    const char *colon = words[0] == NULL ? NULL : strchr(words[0], ':');
    if (colon != NULL) {
        index = (unsigned)(words[0][0] - '0');
        if (colon != words[0] + 1 || index >= PARAMS_TIERS_LIMIT) story_unreadable(story, words[0]);
        words++;
    }
    struct fee_tier *tier = &params->tiers[index];
    tier->maker_ppm = (int32_t)story_number(story, words[0]);
    tier->taker_ppm = (int32_t)story_number(story, words[1]);
    if (words[2] != NULL) {
        if (!story_is(words[2], "from")) story_unreadable(story, words[2]);
        tier->volume_min.units = story_number(story, words[3]);
    }
    if (index >= params->tier_count) params->tier_count = (uint16_t)(index + 1);
}

static void credit(struct story *story, char **words)
{
    const int64_t amount = story_number(story, words[2]);
    const uint16_t asset = story_asset(story, words[3]);
    if (words[4] != NULL) story_unreadable(story, words[4]);
    struct credit_command credit = {
        .account = account_found(story, words[0]), .asset = asset, .amount = {amount}};
    credit.nonce = ++story->world.nonce;
    ASSERT(world_credit(&story->world, credit) == REJECT_NONE);
}

/* What the genesis says: before the first account. */
static bool genesis_set_up(struct story *story, char **words)
{
    if (story_is(words[0], "bounds"))
        bound_set(story, words + 1);
    else if (story_is(words[0], "market"))
        market_set(story, words + 1);
    else if (story_is(words[0], "another") && story_is(words[1], "market"))
        market_add(story, words + 2);
    else if (story_is(words[0], "asset") && words[1] != NULL)
        asset_add(story, words[1]);
    else if (story_is(words[0], "tier"))
        tier_set(story, words + 1);
    else if (story_is(words[0], "volume") && story_is(words[1], "of"))
        story->world.genesis.params.volume_asset = story_asset(story, words[2]);
    else
        return false;
    return true;
}

bool story_set_up(struct story *story, char **words)
{
    if (!story->open && genesis_set_up(story, words)) return true;
    if (story_is(words[0], "free") && words[1] != NULL && words[2] == NULL)
        (void)account_open(story, words[1], 1);
    else if (story_is(words[1], "opens") && story_is(words[2], "at") && words[3] != NULL)
        (void)account_open(story, words[0], (uint16_t)story_number(story, words[3]));
    else if (story_is(words[1], "has"))
        credit(story, words);
    else
        return false;
    return true;
}
