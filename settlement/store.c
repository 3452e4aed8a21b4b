#include "settlement/store.h"

#include "common/applied.h"
#include "common/arena.h"
#include "common/fee.h"
#include "common/withdrawal_event.h"
#include "settlement/open_order.h"
#include "settlement/posting.h"

#include <string.h>

#define ENTRY_SLOTS (STORE_ENTRIES_MAX * 2)

/* A balance after its last change, and what the present command's facts add to it. */
struct latest {
    amount_t available;
    amount_t held;
    uint64_t height;
    __int128 moved_available;
    __int128 moved_held;
    uint32_t generation; /* of the store, when all this was written; an older one: all is 0 */
    bool is_moved;
};

struct store {
    const struct genesis *genesis;
    struct params params;

    struct latest *latest;    /* by (account - 1) x assets_max + asset */
    uint64_t *changed_assets; /* by account - 1: one bit an asset */
    uint32_t *changed;        /* accounts with such a bit */
    uint32_t changed_count;
    uint32_t *moved; /* places in `latest` that the present command moved */
    uint32_t moved_count;
    uint32_t generation; /* rises with every reset */
    uint32_t account_highest;
    uint64_t *trades; /* by market: its last trade id */
    uint64_t deposit_last, withdrawal_last;
    __int128
        sums[PARAMS_ASSETS_LIMIT]; /* of the rows of the block in hand, by asset: zero in the end */

    struct open_orders *open_orders;
    struct entry_row *entries; /* of this block, netted, in the order of their first posting */
    uint32_t *entry_slots;     /* open addressing: index into entries + 1, 0 free */
    uint32_t entry_count;

    struct candle_row *candles; /* by market x INTERVAL_COUNT + interval; fill_count 0: none */
    uint16_t *candle_markets;   /* markets with such a candle */
    uint8_t *has_candles;       /* by market */
    uint32_t candle_market_count;
    uint64_t stamp_ns;              /* of the last record */
    uint64_t opens[INTERVAL_COUNT]; /* of the candles that hold it */
};

/* One pass over a block. */
struct pass {
    struct store *store;
    const struct store_sink *sink;
    const struct block_header *header;
    const struct applied *applied; /* the record in hand */
    uint64_t command;
    uint64_t stamp_ns;
    uint32_t ordinal;
    uint32_t fill_count;
    struct order_terms_event terms;   /* of the order that ends next; order_id 0: none */
    struct order_tagged_event tagged; /* likewise */
};

size_t store_bytes(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    const size_t an_account =
        params->assets_max * (sizeof(struct latest) + sizeof(uint32_t)) + 8 + 4;
    const size_t a_market = INTERVAL_COUNT * sizeof(struct candle_row) + 3 + 8;
    return sizeof(struct store) + params->accounts_max * an_account +
           params->markets_max * a_market + (size_t)STORE_ENTRIES_MAX * sizeof(struct entry_row) +
           ENTRY_SLOTS * sizeof(uint32_t) + open_order_bytes(params->orders_max) + 1024;
}

struct store *store_new(struct arena *arena, const struct genesis *genesis)
{
    const size_t accounts = genesis->params.accounts_max, assets = genesis->params.assets_max;
    const size_t markets = genesis->params.markets_max;
    struct store *store = arena_take(arena, sizeof(*store));
    if (store == NULL) return NULL;
    store->genesis = genesis;
    store->params = genesis->params;
    store->latest = arena_take_array(arena, accounts * assets, sizeof(struct latest));
    store->changed_assets = arena_take_array(arena, accounts, sizeof(uint64_t));
    store->changed = arena_take_array(arena, accounts, sizeof(uint32_t));
    store->moved = arena_take_array(arena, accounts * assets, sizeof(uint32_t));
    store->open_orders = open_order_new(arena, genesis->params.orders_max);
    store->entries = arena_take_array(arena, STORE_ENTRIES_MAX, sizeof(struct entry_row));
    store->entry_slots = arena_take_array(arena, ENTRY_SLOTS, sizeof(uint32_t));
    store->candles = arena_take_array(arena, markets * INTERVAL_COUNT, sizeof(struct candle_row));
    store->trades = arena_take_array(arena, markets, sizeof(uint64_t));
    store->candle_markets = arena_take_array(arena, markets, sizeof(uint16_t));
    store->has_candles = arena_take_array(arena, markets, sizeof(uint8_t));
    if (store->latest == NULL || store->changed_assets == NULL || store->changed == NULL ||
        store->moved == NULL || store->entries == NULL || store->entry_slots == NULL ||
        store->candles == NULL || store->trades == NULL || store->candle_markets == NULL ||
        store->has_candles == NULL || store->open_orders == NULL)
        return NULL;
    return store;
}

static void forget_candles(struct store *store)
{
    for (uint32_t i = 0; i < store->candle_market_count; i++) {
        const uint16_t market = store->candle_markets[i];
        store->has_candles[market] = 0;
        memset(&store->candles[(size_t)market * INTERVAL_COUNT], 0,
               INTERVAL_COUNT * sizeof(struct candle_row));
    }
    store->candle_market_count = 0;
}

static void forget_entries(struct store *store)
{
    if (store->entry_count > 0) memset(store->entry_slots, 0, ENTRY_SLOTS * sizeof(uint32_t));
    store->entry_count = 0;
}

void store_reset(struct store *store)
{
    forget_candles(store);
    forget_entries(store);
    open_order_reset(store->open_orders);
    for (uint32_t i = 0; i < store->changed_count; i++)
        store->changed_assets[store->changed[i] - 1] = 0;
    store->changed_count = 0;
    store->moved_count = 0;
    store->generation++;
    store->account_highest = 0;
    memset(store->trades, 0, store->params.markets_max * sizeof(uint64_t));
    store->deposit_last = store->withdrawal_last = 0;
    store->stamp_ns = 0;
    store->params = store->genesis->params;
}

const struct params *store_params(const struct store *store)
{
    return &store->params;
}

bool store_list_asset(struct store *store, uint16_t index, const struct asset *asset)
{
    if (index < store->params.asset_count)
        return strcmp(store->params.assets[index].symbol, asset->symbol) == 0;

    struct asset_created_event created = {.asset = index, .decimals = asset->decimals};
    uint8_t payload[ASSET_CREATED_BYTES];
    memcpy(created.symbol, asset->symbol, ASSET_SYMBOL_BYTES);
    asset_created_event_put(payload, &created);
    const struct event event = {T_ASSET_CREATED, sizeof(payload), payload};
    if (!params_follows(&store->params, &event)) return false;
    params_apply(&store->params, &event);
    return true;
}

bool store_list_market(struct store *store, uint16_t index,
                       const struct market_create_command *listing)
{
    if (index < store->params.market_count)
        return memcmp(store->params.markets[index].symbol, listing->symbol,
                      sizeof(listing->symbol)) == 0;

    struct market_created_event created = {.market = index,
                                           .base = listing->base,
                                           .quote = listing->quote,
                                           .tick_units = listing->tick_units,
                                           .lot_units = listing->lot_units,
                                           .price_min = listing->price_min,
                                           .price_max = listing->price_max,
                                           .qty_min = listing->qty_min,
                                           .qty_max = listing->qty_max,
                                           .notional_min = listing->notional_min,
                                           .account_orders_max = listing->account_orders_max};
    uint8_t payload[MARKET_CREATED_BYTES];
    memcpy(created.symbol, listing->symbol, sizeof(created.symbol));
    market_created_event_put(payload, &created);
    const struct event event = {T_MARKET_CREATED, sizeof(payload), payload};
    if (!params_follows(&store->params, &event)) return false;
    params_apply(&store->params, &event);
    return true;
}

/* The account's balance, 0 when nothing was heard of it. Needs: both are within bounds. */
static struct latest *latest_of(struct store *store, uint32_t account, uint16_t asset)
{
    struct latest *latest =
        &store->latest[(size_t)(account - 1) * store->params.assets_max + asset];
    if (latest->generation != store->generation)
        *latest = (struct latest){.generation = store->generation};
    return latest;
}

bool store_load_balance(struct store *store, const struct balance_row *row)
{
    if (row->account < 1 || row->account > store->params.accounts_max ||
        row->asset >= store->params.asset_count || row->available.units < 0 || row->held.units < 0)
        return false;
    struct latest *latest = latest_of(store, row->account, row->asset);
    latest->available = row->available;
    latest->held = row->held;
    latest->height = row->height;
    if (row->account > store->account_highest) store->account_highest = row->account;
    return true;
}

bool store_load_order(struct store *store, uint16_t market, uint64_t order_id, uint64_t list_id)
{
    struct open_order *order = open_order_take(store->open_orders, market, order_id);
    if (order == NULL) return false;
    order->list_id = list_id;
    return true;
}

uint64_t store_list_of(const struct store *store, uint16_t market, uint64_t order_id)
{
    const struct open_order *order = open_order_find(store->open_orders, market, order_id);
    return order == NULL ? 0 : order->list_id;
}

struct balance_pair store_balance(const struct store *store, uint32_t account, uint16_t asset)
{
    ASSERT(account >= 1 && account <= store->params.accounts_max &&
           asset < store->params.assets_max);
    const struct latest *latest =
        &store->latest[(size_t)(account - 1) * store->params.assets_max + asset];
    if (latest->generation != store->generation) return (struct balance_pair){0};
    return (struct balance_pair){latest->available, latest->held};
}

uint32_t store_accounts(const struct store *store)
{
    return store->account_highest;
}

uint64_t store_trades(const struct store *store, uint16_t market)
{
    ASSERT(market < store->params.markets_max);
    return store->trades[market];
}

uint64_t store_deposits(const struct store *store)
{
    return store->deposit_last;
}

uint64_t store_withdrawals(const struct store *store)
{
    return store->withdrawal_last;
}

static void emit_entries(struct store *store, const struct store_sink *sink)
{
    for (uint32_t i = 0; i < store->entry_count; i++) {
        const struct entry_row *row = &store->entries[i];
        store->sums[row->asset] += (__int128)row->available.units + row->held.units;
        sink->entry(sink->context, row);
    }
    forget_entries(store);
}

/* The row that the posting nets into, made when it is new. Ends: half of the slots are free. */
static struct entry_row *entry_of(struct pass *pass, const struct posting *posting)
{
    struct store *store = pass->store;
    if (store->entry_count == STORE_ENTRIES_MAX) emit_entries(store, pass->sink);

    const uint64_t key =
        (uint64_t)(uint32_t)posting->account << 32 | (uint64_t)posting->asset << 16 | posting->kind;
    for (uint64_t at = key * 0x9e3779b97f4a7c15u >> 40;; at++) {
        uint32_t *slot = &store->entry_slots[at % ENTRY_SLOTS];
        if (*slot == 0) {
            struct entry_row *made = &store->entries[store->entry_count++];
            *slot = store->entry_count;
            *made = (struct entry_row){.height = pass->header->height,
                                       .command = pass->header->last_command,
                                       .account = posting->account,
                                       .asset = posting->asset,
                                       .kind = posting->kind};
            return made;
        }
        struct entry_row *row = &store->entries[*slot - 1];
        if (row->account == posting->account && row->asset == posting->asset &&
            row->kind == posting->kind)
            return row;
    }
}

/* Nets a set's postings into rows. */
static void enter(struct pass *pass, const struct posting_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct posting *posting = &set->items[i];
        const bool held = posting->place == POSTING_HELD;
        struct entry_row *row = entry_of(pass, posting);
        if (!amount_add(held ? row->held : row->available, posting->amount,
                        held ? &row->held : &row->available)) {
            /* The net does not fit: give out what there is and net on from zero. */
            emit_entries(pass->store, pass->sink);
            row = entry_of(pass, posting);
            *(held ? &row->held : &row->available) = posting->amount;
        }
        row->event_count++;
    }
}

/* Enters what a fact moves, and keeps it until the balances after the command say what else moved. */
static void book(struct pass *pass, const struct posting_set *set)
{
    struct store *store = pass->store;
    enter(pass, set);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct posting *posting = &set->items[i];
        if (posting->account < 0) continue;
        struct latest *latest = latest_of(store, (uint32_t)posting->account, posting->asset);
        if (posting->place == POSTING_HELD)
            latest->moved_held += posting->amount.units;
        else
            latest->moved_available += posting->amount.units;
        if (latest->is_moved) continue;
        latest->is_moved = true;
        store->moved[store->moved_count++] = (uint32_t)(latest - store->latest);
    }
}

static bool account_valid(const struct pass *pass, uint32_t account)
{
    return account >= 1 && account <= pass->store->params.accounts_max;
}

static bool asset_valid(const struct pass *pass, uint16_t asset)
{
    return asset < pass->store->params.asset_count;
}

static void candle_start(struct candle_row *row, uint16_t market, uint16_t interval,
                         uint64_t open_ns, price_t price)
{
    *row = (struct candle_row){.market = market,
                               .interval = interval,
                               .open_ns = open_ns,
                               .open = price,
                               .high = price,
                               .low = price};
}

static void candle_fold(struct candle_row *row, const struct fill_event *fill, amount_t notional)
{
    if (fill->price.ticks > row->high.ticks) row->high = fill->price;
    if (fill->price.ticks < row->low.ticks) row->low = fill->price;
    row->close = fill->price;
    row->volume += fill->qty.lots;
    row->quote_volume += notional.units;
    if (fill->taker_side == BUY) {
        row->taker_volume += fill->qty.lots;
        row->taker_quote_volume += notional.units;
    }
    row->fill_count++;
}

static void add_to_candles(struct pass *pass, const struct fill_event *fill, amount_t notional)
{
    struct store *store = pass->store;
    if (!store->has_candles[fill->market]) {
        store->has_candles[fill->market] = 1;
        store->candle_markets[store->candle_market_count++] = fill->market;
    }
    for (uint16_t interval = 0; interval < INTERVAL_COUNT; interval++) {
        struct candle_row *row = &store->candles[(size_t)fill->market * INTERVAL_COUNT + interval];
        const uint64_t open_ns = store->opens[interval];
        if (row->fill_count > 0 && row->open_ns != open_ns) {
            pass->sink->candle(pass->sink->context, row);
            row->fill_count = 0;
        }
        if (row->fill_count == 0) candle_start(row, fill->market, interval, open_ns, fill->price);
        candle_fold(row, fill, notional);
    }
}

static bool on_listing(struct pass *pass, const struct event *event)
{
    struct params *params = &pass->store->params;
    if (!params_follows(params, event)) return false;
    params_apply(params, event);
    if (event->type == T_ASSET_CREATED) {
        const uint16_t index = (uint16_t)(params->asset_count - 1);
        pass->sink->asset(pass->sink->context, index, &params->assets[index]);
    } else if (event->type == T_MARKET_CREATED) {
        const uint16_t index = (uint16_t)(params->market_count - 1);
        pass->sink->market(pass->sink->context, index, &params->markets[index]);
    }
    return true;
}

static bool on_account(struct pass *pass, const struct event *event)
{
    struct account_row row = {.time_ns = pass->stamp_ns};
    account_created_event_get(event->payload, &row.created);
    if (!account_valid(pass, row.created.account)) return false;
    pass->sink->account(pass->sink->context, &row);
    return true;
}

static bool on_credited(struct pass *pass, const struct event *event)
{
    struct credited_event credited;
    credited_event_get(event->payload, &credited);
    if (!account_valid(pass, credited.account) || !asset_valid(pass, credited.asset) ||
        credited.amount.units <= 0)
        return false;
    const struct posting_set set =
        posting_credit(posting_giver(&pass->store->genesis->params), credited.account,
                       credited.asset, credited.amount);
    book(pass, &set);
    return true;
}

static bool on_debited(struct pass *pass, const struct event *event)
{
    struct debited_event debited;
    debited_event_get(event->payload, &debited);
    if (!account_valid(pass, debited.account) || !asset_valid(pass, debited.asset) ||
        debited.amount.units <= 0)
        return false;
    const struct posting_set set = posting_debit(posting_giver(&pass->store->genesis->params),
                                                 debited.account, debited.asset, debited.amount);
    book(pass, &set);
    return true;
}

/* The database takes text in UTF-8 only; what a client may call an order is ASCII. `text` has room for a byte
 * more. */
static void printable(const uint8_t *bytes, size_t byte_count, char *text)
{
    size_t length = 0;
    for (; length < byte_count && bytes[length] != 0; length++)
        text[length] = bytes[length] >= 0x20 && bytes[length] < 0x7f ? (char)bytes[length] : '?';
    text[length] = '\0';
}

/* A deposit's rows tell what it came to; only what the command moved is booked. */
static bool on_deposit(struct pass *pass, const struct event *event)
{
    struct deposit_row row = {
        .command = pass->command, .ordinal = pass->ordinal, .time_ns = pass->stamp_ns};
    const struct deposit_changed_event *deposit = &row.deposit;
    deposit_changed_event_get(event->payload, &row.deposit);
    const int64_t moved = deposit->moved.units;
    if (!account_valid(pass, deposit->account) || !asset_valid(pass, deposit->asset) ||
        deposit->credited.units < 0 || moved < -INT64_MAX)
        return false;
    const struct posting_set none = {0};
    const struct posting_set set =
        moved == 0  ? none
        : moved > 0 ? posting_deposit(deposit->account, deposit->asset, deposit->moved)
                    : posting_reversal(deposit->account, deposit->asset, (amount_t){-moved});
    book(pass, &set);
    if (deposit->deposit > pass->store->deposit_last) pass->store->deposit_last = deposit->deposit;
    pass->sink->deposit(pass->sink->context, &row);
    return true;
}

static bool is_departed(uint8_t state)
{
    return state == WITHDRAWAL_APPROVED || state == WITHDRAWAL_BROADCAST;
}

/* The way from one state to the next; a hold and its release are told by the balances. */
static struct posting_set way_of(const struct withdrawal_moved_event *withdrawal)
{
    const uint32_t account = withdrawal->account;
    const uint16_t asset = withdrawal->asset;
    if (is_departed(withdrawal->state) && !is_departed(withdrawal->before))
        return posting_depart(account, asset, withdrawal->amount);
    if (withdrawal->state == WITHDRAWAL_FINAL && is_departed(withdrawal->before))
        return posting_arrive(asset, withdrawal->paid, withdrawal->fee);
    if (withdrawal->state == WITHDRAWAL_FAILED && is_departed(withdrawal->before))
        return posting_return(account, asset, withdrawal->amount);
    return (struct posting_set){0};
}

static bool on_withdrawal(struct pass *pass, const struct event *event)
{
    struct withdrawal_row row = {
        .command = pass->command, .ordinal = pass->ordinal, .time_ns = pass->stamp_ns};
    withdrawal_event_get(event, &row.withdrawal);
    if (!account_valid(pass, row.withdrawal.account) || !asset_valid(pass, row.withdrawal.asset) ||
        row.withdrawal.paid.units <= 0 || row.withdrawal.fee.units < 0 ||
        row.withdrawal.amount.units - row.withdrawal.fee.units != row.withdrawal.paid.units)
        return false;
    const struct posting_set set = way_of(&row.withdrawal);
    book(pass, &set);
    printable(row.withdrawal.address, CHAIN_ADDRESS_BYTES, row.address);
    printable(row.withdrawal.client_id, 36, row.client_id);
    if (row.withdrawal.withdrawal > pass->store->withdrawal_last)
        pass->store->withdrawal_last = row.withdrawal.withdrawal;
    pass->sink->withdrawal(pass->sink->context, &row);
    return true;
}

static bool on_address(struct pass *pass, const struct event *event)
{
    struct address_row row = {
        .command = pass->command, .ordinal = pass->ordinal, .time_ns = pass->stamp_ns};
    address_changed_event_get(event->payload, &row.address);
    if (!account_valid(pass, row.address.account) || row.address.active_ns > INT64_MAX)
        return false;
    printable(row.address.address, CHAIN_ADDRESS_BYTES, row.text);
    pass->sink->address(pass->sink->context, &row);
    return true;
}

/* What the two pay, and what the maker of a rate below zero is given. */
static void price_fees(struct fill_row *row, const struct posting_fill *moved)
{
    const struct fill_event *fill = &row->fill;
    const bool taker_buys = fill->taker_side == BUY;
    const amount_t taken = taker_buys ? moved->base : moved->quote;
    const amount_t made = taker_buys ? moved->quote : moved->base;
    row->taker_fee = fee_of(taken, fill->taker_rate_ppm).charged;
    if (fill->maker_rate_ppm < 0)
        row->maker_rebate = fee_rebate(taken, fill->maker_rate_ppm);
    else
        row->maker_fee = fee_of(made, fill->maker_rate_ppm).charged;
}

static bool on_fill(struct pass *pass, const struct event *event)
{
    struct fill_row row = {
        .command = pass->command, .ordinal = pass->ordinal, .time_ns = pass->stamp_ns};
    const struct fill_event *fill = &row.fill;
    fill_event_get(event->payload, &row.fill);
    if (fill->market >= pass->store->params.market_count ||
        !account_valid(pass, fill->maker_account) || !account_valid(pass, fill->taker_account))
        return false;

    const struct market *market = &pass->store->params.markets[fill->market];
    struct posting_fill moved;
    if (!posting_fill_of(market, fill, &moved)) return false;
    const struct posting_set set = posting_fill_set(market, &moved);
    book(pass, &set);
    price_fees(&row, &moved);
    row.maker_list = store_list_of(pass->store, fill->market, fill->maker_order);
    row.taker_list = store_list_of(pass->store, fill->market, fill->taker_order);
    pass->sink->fill(pass->sink->context, &row);
    pass->fill_count++;
    pass->store->trades[fill->market] = fill->trade_id;
    add_to_candles(pass, fill, moved.quote);
    return true;
}

static bool on_accepted(struct pass *pass, const struct event *event)
{
    struct order_accepted_event accepted;
    order_accepted_event_get(event->payload, &accepted);
    struct open_order *order =
        open_order_take(pass->store->open_orders, accepted.market, accepted.order_id);
    if (order == NULL) return false;
    memcpy(order->client_id, accepted.client_id, sizeof(order->client_id));
    return true;
}

/* The first ones, after the acceptance, come before any fill. */
static bool on_terms(struct pass *pass, const struct event *event)
{
    order_terms_event_get(event->payload, &pass->terms);
    struct open_order *order =
        open_order_find(pass->store->open_orders, pass->terms.market, pass->terms.order_id);
    if (order != NULL) order->list_id = pass->terms.list_id;
    return pass->terms.order_id != 0;
}

/* What the order was called when the command came, if the command calls it that. */
static void name_asked_for(const struct pass *pass, uint8_t client_id[36])
{
    struct command command;
    struct order_amend_command amend;
    const struct applied *applied = pass->applied;
    if (!command_decode(applied->command, applied->command_length, &command) ||
        command.header.type != T_ORDER_AMEND)
        return;
    order_amend_command_get(command.payload, &amend);
    memcpy(client_id, amend.orig_client_id, sizeof(amend.orig_client_id));
}

static bool on_amended(struct pass *pass, const struct event *event)
{
    struct amended_row row = {
        .command = pass->command, .ordinal = pass->ordinal, .time_ns = pass->stamp_ns};
    const struct order_amended_event *amended = &row.amended;
    order_amended_event_get(event->payload, &row.amended);
    if (amended->market >= pass->store->params.market_count ||
        !account_valid(pass, amended->account))
        return false;
    struct open_order *order =
        open_order_take(pass->store->open_orders, amended->market, amended->order_id);
    if (order == NULL) return false;
    if (order->client_id[0] == 0) name_asked_for(pass, order->client_id);
    printable(order->client_id, 36, row.former_client_id);
    printable(amended->client_id, 36, row.client_id);
    memcpy(order->client_id, amended->client_id, sizeof(order->client_id));
    pass->sink->amended(pass->sink->context, &row);
    return true;
}

static bool on_tagged(struct pass *pass, const struct event *event)
{
    order_tagged_event_get(event->payload, &pass->tagged);
    return pass->tagged.order_id != 0;
}

static bool on_done(struct pass *pass, const struct event *event)
{
    struct order_row row = {.command = pass->command, .closed_ns = pass->stamp_ns};
    order_done_event_get(event->payload, &row.done);
    if (row.done.market >= pass->store->params.market_count || row.done.side > SELL ||
        row.done.executed.lots < 0 || row.done.qty.lots < 0 ||
        !account_valid(pass, row.done.account))
        return false;

    /* An order's terms come right before its end, or after its acceptance: then it may be an older
     * one's end that follows. */
    if (pass->terms.order_id == row.done.order_id && pass->terms.market == row.done.market)
        row.terms = pass->terms;
    if (pass->tagged.order_id == row.done.order_id && pass->tagged.market == row.done.market)
        row.tagged = pass->tagged;
    pass->terms.order_id = pass->tagged.order_id = 0;
    open_order_remove(pass->store->open_orders, row.done.market, row.done.order_id);
    printable(row.done.client_id, 36, row.client_id);
    pass->sink->order(pass->sink->context, &row);
    return true;
}

static bool on_prevented(struct pass *pass, const struct event *event)
{
    struct prevented_row row = {
        .command = pass->command, .ordinal = pass->ordinal, .time_ns = pass->stamp_ns};
    prevented_event_get(event->payload, &row.prevented);
    if (row.prevented.market >= pass->store->params.market_count ||
        row.prevented.taker_side > SELL || !account_valid(pass, row.prevented.taker_account))
        return false;
    pass->sink->prevented(pass->sink->context, &row);
    return true;
}

static bool on_list(struct pass *pass, const struct event *event)
{
    struct list_row row = {.command = pass->command, .time_ns = pass->stamp_ns};
    list_accepted_event_get(event->payload, &row.accepted);
    if (row.accepted.market >= pass->store->params.market_count ||
        !account_valid(pass, row.accepted.account))
        return false;
    printable(row.accepted.client_id, 36, row.client_id);
    pass->sink->list(pass->sink->context, &row);
    return true;
}

static bool on_list_done(struct pass *pass, const struct event *event)
{
    struct list_done_event done;
    list_done_event_get(event->payload, &done);
    if (done.market >= pass->store->params.market_count) return false;
    const struct list_end_row row = {done.market, done.list_id, pass->stamp_ns};
    pass->sink->list_end(pass->sink->context, &row);
    return true;
}

static bool balance_valid(const struct pass *pass, const struct balance_event *balance)
{
    return account_valid(pass, balance->account) && asset_valid(pass, balance->asset) &&
           balance->available.units >= 0 && balance->held.units >= 0;
}

static void note_balance(struct pass *pass, const struct balance_event *balance)
{
    struct store *store = pass->store;
    struct latest *latest = latest_of(store, balance->account, balance->asset);
    latest->available = balance->available;
    latest->held = balance->held;
    latest->height = pass->header->height;
    if (balance->account > store->account_highest) store->account_highest = balance->account;
    uint64_t *changed = &store->changed_assets[balance->account - 1];
    if (*changed == 0) store->changed[store->changed_count++] = balance->account;
    *changed |= (uint64_t)1 << balance->asset;
}

/* What no fact explains was held or released: it left one of the two amounts for the other. */
static bool on_balance(struct pass *pass, const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    if (!balance_valid(pass, &balance)) return false;

    struct latest *latest = latest_of(pass->store, balance.account, balance.asset);
    const __int128 to_available =
        (__int128)balance.available.units - latest->available.units - latest->moved_available;
    const __int128 to_held = (__int128)balance.held.units - latest->held.units - latest->moved_held;
    if (to_available + to_held != 0 || to_held > INT64_MAX || to_held < -INT64_MAX) return false;
    latest->moved_available = latest->moved_held = 0;
    note_balance(pass, &balance);

    const struct posting_set set =
        to_held > 0
            ? posting_hold(balance.account, balance.asset, (amount_t){(int64_t)to_held})
            : posting_release(balance.account, balance.asset, (amount_t){(int64_t)to_available});
    enter(pass, &set);
    return true;
}

/* Whether every balance that the command's facts moved was told. */
static bool all_told(struct store *store)
{
    bool told = true;
    for (uint32_t i = 0; i < store->moved_count; i++) {
        struct latest *latest = &store->latest[store->moved[i]];
        told &= latest->moved_available == 0 && latest->moved_held == 0;
        latest->moved_available = latest->moved_held = 0;
        latest->is_moved = false;
    }
    store->moved_count = 0;
    return told;
}

static bool on_event(struct pass *pass, const struct event *event)
{
    switch (event->type) {
    case T_ASSET_CREATED:
    case T_MARKET_CREATED:
    case T_MARKET_STATUS_CHANGED:
        return on_listing(pass, event);
    case T_DEPOSIT_CHANGED:
        return on_deposit(pass, event);
    case T_WITHDRAWAL_CHANGED:
    case T_WITHDRAWAL_MOVED:
        return on_withdrawal(pass, event);
    case T_ADDRESS_CHANGED:
        return on_address(pass, event);
    case T_ACCOUNT_CREATED:
        return on_account(pass, event);
    case T_CREDITED:
        return on_credited(pass, event);
    case T_DEBITED:
        return on_debited(pass, event);
    case T_ORDER_ACCEPTED:
        return on_accepted(pass, event);
    case T_ORDER_AMENDED:
        return on_amended(pass, event);
    case T_ORDER_TERMS:
        return on_terms(pass, event);
    case T_ORDER_TAGGED:
        return on_tagged(pass, event);
    case T_PREVENTED:
        return on_prevented(pass, event);
    case T_LIST_ACCEPTED:
        return on_list(pass, event);
    case T_LIST_DONE:
        return on_list_done(pass, event);
    case T_FILL:
        return on_fill(pass, event);
    case T_ORDER_DONE:
        return on_done(pass, event);
    case T_BALANCE:
        return on_balance(pass, event);
    default:
        return true; /* leaves no row */
    }
}

/* Time moves forward only: that is what makes a batch's candles come out once each. */
static bool move_time(struct store *store, uint64_t stamp_ns)
{
    if (stamp_ns < store->stamp_ns || stamp_ns > INT64_MAX) return false;
    if (stamp_ns == store->stamp_ns && stamp_ns != 0) return true;
    store->stamp_ns = stamp_ns;
    for (uint32_t i = 0; i < INTERVAL_COUNT; i++)
        store->opens[i] = interval_open_ns((enum interval)i, stamp_ns);
    return true;
}

static bool on_record(struct pass *pass, const struct applied *applied)
{
    if (applied->number != pass->command || applied->flags != (APPLIED_FIRST | APPLIED_LAST) ||
        !move_time(pass->store, applied->stamp_ns))
        return false;
    pass->applied = applied;
    pass->stamp_ns = applied->stamp_ns;
    pass->terms = (struct order_terms_event){0};
    pass->tagged = (struct order_tagged_event){0};
    pass->ordinal = 0;

    const uint8_t *at = applied->events, *const end = at + applied->events_length;
    struct event event;
    while (event_next(&at, end, &event)) {
        if (!on_event(pass, &event)) return false;
        pass->ordinal++;
    }
    return all_told(pass->store) && at == end && pass->ordinal == applied->event_count;
}

/* What the genesis lists has no event: it comes with the first block. */
static void emit_genesis(struct store *store, const struct store_sink *sink)
{
    for (uint16_t i = 0; i < store->params.asset_count; i++)
        sink->asset(sink->context, i, &store->params.assets[i]);
    for (uint16_t i = 0; i < store->params.market_count; i++)
        sink->market(sink->context, i, &store->params.markets[i]);
}

/* What the block's rows move, of every asset. */
static bool sums_are_zero(const struct store *store)
{
    for (uint16_t asset = 0; asset < store->params.asset_count; asset++)
        if (store->sums[asset] != 0) return false;
    return true;
}

enum status store_block(struct store *store, const struct block_bytes *block,
                        const struct store_sink *sink)
{
    struct block_header header;
    if (!block_header_decode(block->header, &header) || header.body_length != block->body_bytes ||
        header.first_command == 0 || header.last_command > INT64_MAX)
        return STATUS_MALFORMED;
    struct pass pass = {
        .store = store, .sink = sink, .header = &header, .command = header.first_command};
    memset(store->sums, 0, sizeof(store->sums));
    if (header.height == 1) emit_genesis(store, sink);

    const uint8_t *at = block->body, *const end = at + block->body_bytes;
    struct applied applied;
    while (at != end && pass.command <= header.last_command) {
        if (!applied_next(&at, end, &applied) || !on_record(&pass, &applied))
            return STATUS_MALFORMED;
        pass.command++;
    }
    if (at != end || pass.command != header.last_command + 1 ||
        pass.fill_count != header.fill_count)
        return STATUS_MALFORMED;

    emit_entries(store, sink);
    if (!sums_are_zero(store)) return STATUS_MALFORMED;
    const struct block_row row = {header, block_header_hash(block->header), block->header};
    sink->block(sink->context, &row);
    return STATUS_OK;
}

enum status store_block_balances(struct store *store, const struct block_bytes *block)
{
    struct block_header header;
    if (!block_header_decode(block->header, &header)) return STATUS_MALFORMED;
    struct pass pass = {.store = store, .header = &header};

    const uint8_t *at = block->body, *const end = at + block->body_bytes;
    struct applied applied;
    while (at != end) {
        if (!applied_next(&at, end, &applied)) return STATUS_MALFORMED;
        const uint8_t *next = applied.events, *const events_end = next + applied.events_length;
        struct event event;
        while (event_next(&next, events_end, &event)) {
            struct balance_event balance;
            if (event.type != T_BALANCE) continue;
            balance_event_get(event.payload, &balance);
            if (!balance_valid(&pass, &balance)) return STATUS_MALFORMED;
            note_balance(&pass, &balance);
        }
        if (next != events_end) return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

void store_flush(struct store *store, const struct store_sink *sink)
{
    for (uint32_t i = 0; i < store->candle_market_count; i++) {
        const size_t first = (size_t)store->candle_markets[i] * INTERVAL_COUNT;
        for (size_t interval = 0; interval < INTERVAL_COUNT; interval++)
            sink->candle(sink->context, &store->candles[first + interval]);
    }
    forget_candles(store);
}

static void emit_balance(struct store *store, const struct store_sink *sink, uint32_t account,
                         uint16_t asset)
{
    const struct latest *latest = latest_of(store, account, asset);
    sink->balance(sink->context, &(struct balance_row){account, asset, latest->available,
                                                       latest->held, latest->height});
}

void store_balances(struct store *store, const struct store_sink *sink)
{
    for (uint32_t i = 0; i < store->changed_count; i++) {
        const uint32_t account = store->changed[i];
        uint64_t *assets = &store->changed_assets[account - 1];
        for (; *assets != 0; *assets &= *assets - 1)
            emit_balance(store, sink, account, (uint16_t)__builtin_ctzll(*assets));
    }
    store->changed_count = 0;
}

uint32_t store_dirty_accounts(const struct store *store)
{
    return store->changed_count;
}
