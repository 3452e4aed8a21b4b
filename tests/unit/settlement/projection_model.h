/* What a chain's blocks must leave in the database, row by row, worked out a second time.
 *
 * From the events in the blocks' bodies and plain arithmetic on them; nothing of store.c, posting.c, fee.c or interval.c
 * is used. Entries are double entry by the chart as it is written here, the house's as the users'. Rows are lines of text as `psql -At` would print them, one list a table, in the order of its question.
 */

#ifndef TESTS_UNIT_SETTLEMENT_PROJECTION_MODEL_H
#define TESTS_UNIT_SETTLEMENT_PROJECTION_MODEL_H

#include "common/withdrawal_event.h"
#include "tests/unit/settlement/world.h"

#include <inttypes.h>
#include <time.h>

#define MODEL_ROWS      60000
#define MODEL_WIDTH     1280
#define MODEL_TRANSFERS 64
#define MODEL_HOUSES    5  /* accounts -1 to -5 */
#define MODEL_KINDS     13 /* of entries, from 1 */

enum model_table {
    MODEL_FILLS,
    MODEL_ORDERS,
    MODEL_PREVENTED,
    MODEL_AMENDMENTS,
    MODEL_LISTS,
    MODEL_BLOCKS,
    MODEL_CANDLES,
    MODEL_ENTRIES, /* users' and the house's, each kind by itself */
    MODEL_BALANCES,
    MODEL_DEPOSITS,
    MODEL_WITHDRAWALS,
    MODEL_ADDRESSES,
    MODEL_DEPOSIT_CHANGES,
    MODEL_WITHDRAWAL_CHANGES,
    MODEL_ADDRESS_CHANGES,
    MODEL_ACCOUNTS,
    MODEL_ASSETS,
    MODEL_MARKETS,
    MODEL_TABLES
};

static const char *const model_questions[MODEL_TABLES] = {
    "SELECT command, ordinal, trade_id, aggregate_id, time_ns, price, qty, maker_order, "
    "taker_order,"
    " maker_account, taker_account, maker_fee, taker_fee, maker_rebate, taker_side, maker_list,"
    " taker_list FROM quorex.fills"
    " ORDER BY trade_id",
    "SELECT order_id, command, account, client_id, side, type, time_in_force, status, reason, "
    "price,"
    " qty, executed, quote_qty, quote_executed, created_ns, closed_ns, list_id, stop_price,"
    " iceberg_qty, prevented, trailing_delta, strategy_id, strategy_type, tag_flags FROM "
    "quorex.orders ORDER BY order_id",
    "SELECT prevented_id, command, ordinal, time_ns, account, price, maker_order, taker_order,"
    " maker_qty, taker_qty, taker_side, mode FROM quorex.prevented_matches ORDER BY prevented_id",
    "SELECT command, ordinal, market, order_id, account, time_ns, orig_client_id, new_client_id,"
    " orig_qty, new_qty FROM quorex.order_amendments ORDER BY command",
    "SELECT list_id, command, account, client_id, kind, a_order, b_order, c_order, created_ns,"
    " closed_ns FROM quorex.order_lists ORDER BY list_id",
    "SELECT height, time_ns, first_command, last_command, fill_count, encode(hash, 'hex'),"
    " encode(header, 'hex') FROM quorex.blocks ORDER BY height",
    "SELECT \"interval\", open_ns, open, high, low, close, volume, quote_volume, fill_count,"
    " taker_volume, taker_quote_volume FROM quorex.candles ORDER BY \"interval\", open_ns",
    "SELECT height, command, account, asset, kind, delta_available, delta_held, event_count"
    " FROM quorex.ledger_entries ORDER BY height, account, asset, kind",
    "SELECT account, asset, available, held FROM quorex.balances ORDER BY account, asset",
    "SELECT deposit, account, asset, chain, encode(txid, 'hex'), output, amount, credited,"
    " chain_height, confirmations, state, created_ns, changed_ns, command FROM quorex.deposits"
    " ORDER BY deposit",
    "SELECT withdrawal, account, asset, chain, address, client_id, amount, state, approvers, block,"
    " encode(txid, 'hex'), created_ns, changed_ns, command, fee FROM quorex.withdrawals"
    " ORDER BY withdrawal",
    "SELECT created_ns, kind, chain, address, account, active_ns, changed_ns, command"
    " FROM quorex.addresses ORDER BY created_ns, kind, address",
    "SELECT command, ordinal, time_ns, deposit, account, asset, state, confirmations, chain_height,"
    " credited, moved FROM quorex.deposit_changes ORDER BY command, ordinal",
    "SELECT command, ordinal, time_ns, withdrawal, account, state, approvers, block,"
    " encode(txid, 'hex') FROM quorex.withdrawal_changes ORDER BY command, ordinal",
    "SELECT command, ordinal, time_ns, account, kind, chain, address, active_ns"
    " FROM quorex.address_changes ORDER BY command, ordinal",
    "SELECT account, encode(public_key, 'hex'), tier, time_ns FROM quorex.accounts"
    " ORDER BY account",
    "SELECT asset, symbol, decimals FROM quorex.assets ORDER BY asset",
    "SELECT market, symbol, base, quote, tick_units, lot_units, price_min, price_max, qty_min,"
    " qty_max, notional_min, account_orders_max FROM quorex.markets ORDER BY market",
};

struct model_rows {
    uint32_t count;
    char (*lines)[MODEL_WIDTH];
};

/* What postings of one kind did to an account's asset in the block: to what is available, to what is held. */
struct model_entry {
    int64_t moved[2];
    uint32_t posting_count;
};

struct model {
    struct model_rows tables[MODEL_TABLES];
    int64_t balances[WORLD_ACCOUNTS + 1][2][2];
    int64_t explained[WORLD_ACCOUNTS + 1][2][2]; /* of this command's change, by its facts */
    struct model_entry entries[MODEL_HOUSES + WORLD_ACCOUNTS + 1][2][MODEL_KINDS + 1];
    bool has_house;
    bool known[WORLD_ACCOUNTS + 1][2];
    uint64_t begun[2][MODEL_TRANSFERS]; /* of deposits and withdrawals, by number - 1 */
    uint64_t lists[MODEL_ROWS];         /* of orders, by id; 0: of none */
    uint64_t command, stamp_ns, fill_count;
    uint32_t ordinal;
    struct order_terms_event terms;
    struct order_tagged_event tagged;
};

static inline char *model_line(struct model *model, enum model_table table)
{
    struct model_rows *rows = &model->tables[table];
    if (rows->lines == NULL) rows->lines = calloc(MODEL_ROWS, MODEL_WIDTH);
    if (rows->lines == NULL || rows->count == MODEL_ROWS) abort();
    return rows->lines[rows->count++];
}

enum { MODEL_AVAILABLE, MODEL_HELD };

/* One posting: netted with its like, of the block, and for a user's balance a fact that explains it. */
static inline void model_post(struct model *model, int account, int asset, int kind, int place,
                              int64_t units)
{
    if (units == 0) return;
    struct model_entry *entry = &model->entries[MODEL_HOUSES + account][asset][kind];
    entry->moved[place] += units;
    entry->posting_count++;
    if (account > 0) model->explained[account][asset][place] += units;
}

/* The chart: fees -1, rounding -2, external -3, in flight -4, house -5. Kinds: 1 credit, 2 debit, 3 hold, 4 release,
 * 5 trade, 6 fee, 7 rebate, 8 deposit, 9 reversal, 10 depart, 11 arrive, 12 return, 13 charge. */
static inline void model_pay(struct model *model, int kind, int from, int to, int asset,
                             int64_t units)
{
    model_post(model, from, asset, kind, MODEL_AVAILABLE, -units);
    model_post(model, to, asset, kind, MODEL_AVAILABLE, units);
}

/* A fee rounds up. */
static inline int64_t model_fee(int64_t received, int64_t ppm)
{
    return (int64_t)(((__int128)received * ppm + 999999) / 1000000);
}

/* Where the candle that holds a stamp begins; months and weeks by the calendar. */
static inline uint64_t model_open(int interval, uint64_t stamp_ns)
{
    static const uint64_t seconds[] = {1,    60,    180,   300,   900,   1800,  3600,
                                       7200, 14400, 21600, 28800, 43200, 86400, 259200};
    const time_t at = (time_t)(stamp_ns / 1000000000);
    struct tm day;
    if (interval < 14) return (uint64_t)at / seconds[interval] * seconds[interval] * 1000000000;
    gmtime_r(&at, &day);
    day.tm_hour = day.tm_min = day.tm_sec = 0;
    day.tm_mday = interval == 15 ? 1 : day.tm_mday - (day.tm_wday + 6) % 7;
    return (uint64_t)timegm(&day) * 1000000000;
}

/* The market is BTCUSDT: a step is 10 units of quote, a lot 1,000 of base. */
static inline void model_candles(struct model *model, const struct fill_event *fill)
{
    struct candle {
        uint64_t open_ns;
        int64_t open, high, low, close, volume, quote, count, taker_volume, taker_quote;
    };
    static struct candle candles[16];
    struct model_rows *rows = &model->tables[MODEL_CANDLES];
    const int64_t price = fill->price.ticks, quote = price * fill->qty.lots * STEP_UNITS;
    if (fill->trade_id == 1) memset(candles, 0, sizeof(candles));
    for (int interval = 0; interval < 16; interval++) {
        struct candle *candle = &candles[interval];
        const uint64_t open_ns = model_open(interval, model->stamp_ns);
        char prefix[64];
        const int used = snprintf(prefix, sizeof(prefix), "%d|%" PRIu64 "|", interval, open_ns);
        char *line = NULL;
        if (candle->open_ns == open_ns) /* its line is one of the last */
            for (uint32_t i = rows->count; line == NULL; i--)
                line = strncmp(rows->lines[i - 1], prefix, (size_t)used) == 0 ? rows->lines[i - 1]
                                                                              : NULL;
        else {
            *candle =
                (struct candle){.open_ns = open_ns, .open = price, .high = price, .low = price};
            line = model_line(model, MODEL_CANDLES);
        }
        if (price > candle->high) candle->high = price;
        if (price < candle->low) candle->low = price;
        candle->close = price;
        candle->volume += fill->qty.lots;
        candle->quote += quote;
        candle->count++;
        candle->taker_volume += fill->taker_side == BUY ? fill->qty.lots : 0;
        candle->taker_quote += fill->taker_side == BUY ? quote : 0;
        snprintf(line, MODEL_WIDTH,
                 "%s%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64
                 "|%" PRId64 "|%" PRId64 "|%" PRId64,
                 prefix, candle->open, candle->high, candle->low, candle->close, candle->volume,
                 candle->quote, candle->count, candle->taker_volume, candle->taker_quote);
    }
}

/* One way of a fill: what was held by one is the other's, who pays a fee on it; at a rate below zero the giver gets a
 * part of it back out of that fee. */
static inline void model_way(struct model *model, int asset, uint32_t giver, uint32_t receiver,
                             int64_t units, int64_t giver_ppm, int64_t receiver_ppm)
{
    model_post(model, (int)giver, asset, 5, MODEL_HELD, -units);
    model_post(model, (int)receiver, asset, 5, MODEL_AVAILABLE, units);
    if (receiver_ppm > 0) {
        const int64_t charged = model_fee(units, receiver_ppm);
        const int64_t whole = (int64_t)((__int128)units * receiver_ppm / 1000000);
        model_post(model, (int)receiver, asset, 6, MODEL_AVAILABLE, -charged);
        model_post(model, -1, asset, 6, MODEL_AVAILABLE, whole);
        model_post(model, -2, asset, 6, MODEL_AVAILABLE, charged - whole);
    }
    if (giver_ppm < 0)
        model_pay(model, 7, -1, (int)giver, asset,
                  (int64_t)((__int128)units * -giver_ppm / 1000000));
}

/* As the database prints the list of an order: nothing when it is of none. */
static inline const char *model_list_of(const struct model *model, uint64_t order_id, char text[24])
{
    if (order_id >= MODEL_ROWS) abort();
    text[0] = 0;
    if (model->lists[order_id] != 0) snprintf(text, 24, "%" PRIu64, model->lists[order_id]);
    return text;
}

static inline void model_fill(struct model *model, const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    const int64_t base = fill.qty.lots * LOT_UNITS;
    const int64_t quote = fill.price.ticks * fill.qty.lots * STEP_UNITS;
    const bool taker_buys = fill.taker_side == BUY;
    const uint32_t buyer = taker_buys ? fill.taker_account : fill.maker_account;
    const uint32_t seller = taker_buys ? fill.maker_account : fill.taker_account;
    const int64_t maker_ppm = fill.maker_rate_ppm, taker_ppm = fill.taker_rate_ppm;
    const int64_t taken = taker_buys ? base : quote, made = taker_buys ? quote : base;
    const int64_t maker_fee = maker_ppm > 0 ? model_fee(made, maker_ppm) : 0;
    const int64_t taker_fee = model_fee(taken, taker_ppm);
    const int64_t rebate = maker_ppm < 0 ? (int64_t)((__int128)taken * -maker_ppm / 1000000) : 0;
    model_way(model, BTC, seller, buyer, base, taker_buys ? maker_ppm : taker_ppm,
              taker_buys ? taker_ppm : maker_ppm);
    model_way(model, USDT, buyer, seller, quote, taker_buys ? taker_ppm : maker_ppm,
              taker_buys ? maker_ppm : taker_ppm);
    model->fill_count++;
    char maker[24], taker[24];
    snprintf(model_line(model, MODEL_FILLS), MODEL_WIDTH,
             "%" PRIu64 "|%u|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRId64 "|%" PRId64 "|%" PRIu64
             "|%" PRIu64 "|%u|%u|%" PRId64 "|%" PRId64 "|%" PRId64 "|%u|%s|%s",
             model->command, model->ordinal, fill.trade_id, fill.aggregate_id, model->stamp_ns,
             fill.price.ticks, fill.qty.lots, fill.maker_order, fill.taker_order,
             fill.maker_account, fill.taker_account, maker_fee, taker_fee, rebate, fill.taker_side,
             model_list_of(model, fill.maker_order, maker),
             model_list_of(model, fill.taker_order, taker));
    model_candles(model, &fill);
}

static inline void model_done(struct model *model, const struct event *event)
{
    struct order_done_event done;
    struct order_terms_event terms = {0};
    struct order_tagged_event tagged = {0};
    order_done_event_get(event->payload, &done);
    if (model->terms.order_id == done.order_id) terms = model->terms;
    if (model->tagged.order_id == done.order_id) tagged = model->tagged;
    snprintf(model_line(model, MODEL_ORDERS), MODEL_WIDTH,
             "%" PRIu64 "|%" PRIu64 "|%u|%.36s|%u|%u|%u|%u|%u|%" PRId64 "|%" PRId64 "|%" PRId64
             "|%" PRId64 "|%" PRId64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRId64 "|%" PRId64
             "|%" PRId64 "|%u|%" PRIu64 "|%u|%u",
             done.order_id, model->command, done.account, (const char *)done.client_id, done.side,
             done.type, done.time_in_force, done.status, done.reason, done.price.ticks,
             done.qty.lots, done.executed.lots, done.quote_qty.units, done.quote_executed.units,
             done.created_ns, model->stamp_ns, terms.list_id, terms.stop_price.ticks,
             terms.iceberg_qty.lots, terms.prevented.lots, terms.trailing_delta, tagged.strategy_id,
             tagged.strategy_type, tagged.flags);
}

static inline void model_prevented(struct model *model, const struct event *event)
{
    struct prevented_event prevented;
    prevented_event_get(event->payload, &prevented);
    snprintf(model_line(model, MODEL_PREVENTED), MODEL_WIDTH,
             "%" PRIu64 "|%" PRIu64 "|%u|%" PRIu64 "|%u|%" PRId64 "|%" PRIu64 "|%" PRIu64
             "|%" PRId64 "|%" PRId64 "|%u|%u",
             prevented.prevented_id, model->command, model->ordinal, model->stamp_ns,
             prevented.taker_account, prevented.price.ticks, prevented.maker_order,
             prevented.taker_order, prevented.maker_qty.lots, prevented.taker_qty.lots,
             prevented.taker_side, prevented.mode);
}

/* The world's orders keep their names. */
static inline void model_amended(struct model *model, const struct event *event)
{
    struct order_amended_event amended;
    order_amended_event_get(event->payload, &amended);
    snprintf(model_line(model, MODEL_AMENDMENTS), MODEL_WIDTH,
             "%" PRIu64 "|%u|0|%" PRIu64 "|%u|%" PRIu64 "|%.36s|%.36s|%" PRId64 "|%" PRId64,
             model->command, model->ordinal, amended.order_id, amended.account, model->stamp_ns,
             (const char *)amended.client_id, (const char *)amended.client_id,
             amended.qty_before.lots, amended.qty.lots);
}

static inline void model_list(struct model *model, const struct event *event)
{
    struct list_accepted_event list;
    list_accepted_event_get(event->payload, &list);
    if (list.a_order + 2 >= MODEL_ROWS) abort();
    model->lists[list.a_order] = model->lists[list.b_order] = list.list_id;
    if (list.c_order != 0) model->lists[list.c_order] = list.list_id;
    snprintf(model_line(model, MODEL_LISTS), MODEL_WIDTH,
             "%" PRIu64 "|%" PRIu64 "|%u|%.36s|%u|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64
             "|0",
             list.list_id, model->command, list.account, (const char *)list.client_id, list.kind,
             list.a_order, list.b_order, list.c_order, model->stamp_ns);
}

/* An open list's line ends with 0: there its end goes. Ids rise from 1. */
static inline void model_list_done(struct model *model, const struct event *event)
{
    struct list_done_event done;
    list_done_event_get(event->payload, &done);
    char *line = model->tables[MODEL_LISTS].lines[done.list_id - 1];
    char *end = strrchr(line, '|') + 1;
    if (strtoull(line, NULL, 10) != done.list_id || strcmp(end, "0") != 0) abort();
    snprintf(end, (size_t)(line + MODEL_WIDTH - end), "%" PRIu64, model->stamp_ns);
}

/* What no fact of the command explains went from one of the two amounts to the other. */
static inline void model_balance(struct model *model, const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    const int account = (int)balance.account, asset = balance.asset;
    int64_t *now = model->balances[account][asset], *explained = model->explained[account][asset];
    const int64_t held = balance.held.units - now[MODEL_HELD] - explained[MODEL_HELD];
    if (balance.available.units - now[MODEL_AVAILABLE] - explained[MODEL_AVAILABLE] != -held)
        abort();
    model_post(model, account, asset, held > 0 ? 3 : 4, MODEL_AVAILABLE, -held);
    model_post(model, account, asset, held > 0 ? 3 : 4, MODEL_HELD, held);
    model->known[account][asset] = true;
    now[MODEL_AVAILABLE] = balance.available.units;
    now[MODEL_HELD] = balance.held.units;
    explained[0] = explained[1] = 0;
}

static inline void model_credit(struct model *model, const struct event *event)
{
    struct credited_event credited;
    credited_event_get(event->payload, &credited);
    model_pay(model, 1, model->has_house ? -5 : -3, (int)credited.account, credited.asset,
              credited.amount.units);
}

static inline void model_debit(struct model *model, const struct event *event)
{
    struct debited_event debited;
    debited_event_get(event->payload, &debited);
    model_pay(model, 2, (int)debited.account, model->has_house ? -5 : -3, debited.asset,
              debited.amount.units);
}

/* A deposit brings in, or gives back, what its event says that it moved. */
static inline void model_deposit_moves(struct model *model,
                                       const struct deposit_changed_event *deposit)
{
    const int64_t moved = deposit->moved.units;
    if (moved > 0) model_pay(model, 8, -3, (int)deposit->account, deposit->asset, moved);
    if (moved < 0) model_pay(model, 9, (int)deposit->account, -3, deposit->asset, -moved);
}

/* A withdrawal departs with its approval, and arrives (its fee stays) or comes back. */
static inline void model_withdrawal_moves(struct model *model,
                                          const struct withdrawal_moved_event *now)
{
    const int account = (int)now->account, asset = now->asset;
    const bool was_away = now->before == WITHDRAWAL_APPROVED || now->before == WITHDRAWAL_BROADCAST;
    if (now->state == WITHDRAWAL_APPROVED && !was_away) {
        model_post(model, account, asset, 10, MODEL_HELD, -now->amount.units);
        model_post(model, -4, asset, 10, MODEL_AVAILABLE, now->amount.units);
    }
    if (now->state == WITHDRAWAL_FINAL && was_away) {
        model_pay(model, 13, -4, -1, asset, now->fee.units);
        model_pay(model, 11, -4, -3, asset, now->amount.units - now->fee.units);
    }
    if (now->state == WITHDRAWAL_FAILED && was_away)
        model_pay(model, 12, -4, account, asset, now->amount.units);
}

static inline const char *model_hex(const uint8_t bytes[32])
{
    static char text[65];
    for (int i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

/* The line of a transfer, whose numbers rise by one, and when it was told first. */
static inline char *model_transfer(struct model *model, enum model_table table, uint64_t number,
                                   uint64_t *begun)
{
    struct model_rows *rows = &model->tables[table];
    uint64_t *known = &model->begun[table == MODEL_WITHDRAWALS][number - 1];
    if (number < 1 || number > MODEL_TRANSFERS || number > rows->count + 1) abort();
    if (number > rows->count) *known = model->stamp_ns;
    *begun = *known;
    return number > rows->count ? model_line(model, table) : rows->lines[number - 1];
}

static inline void model_deposit(struct model *model, const struct event *event)
{
    struct deposit_changed_event deposit;
    uint64_t begun;
    deposit_changed_event_get(event->payload, &deposit);
    model_deposit_moves(model, &deposit);
    char *line = model_transfer(model, MODEL_DEPOSITS, deposit.deposit, &begun);
    snprintf(line, MODEL_WIDTH,
             "%" PRIu64 "|%u|%u|%.12s|%s|%u|%" PRId64 "|%" PRId64 "|%" PRIu64 "|%u|%u|%" PRIu64
             "|%" PRIu64 "|%" PRIu64,
             deposit.deposit, deposit.account, deposit.asset, (const char *)deposit.chain,
             model_hex(deposit.txid), deposit.output, deposit.amount.units, deposit.credited.units,
             deposit.height, deposit.confirmations, deposit.state, begun, model->stamp_ns,
             model->command);
    snprintf(model_line(model, MODEL_DEPOSIT_CHANGES), MODEL_WIDTH,
             "%" PRIu64 "|%u|%" PRIu64 "|%" PRIu64 "|%u|%u|%u|%u|%" PRIu64 "|%" PRId64 "|%" PRId64,
             model->command, model->ordinal, model->stamp_ns, deposit.deposit, deposit.account,
             deposit.asset, deposit.state, deposit.confirmations, deposit.height,
             deposit.credited.units, deposit.moved.units);
}

static inline void model_withdrawal(struct model *model, const struct event *event)
{
    struct withdrawal_moved_event withdrawal;
    uint64_t begun;
    withdrawal_event_get(event, &withdrawal);
    model_withdrawal_moves(model, &withdrawal);
    char *line = model_transfer(model, MODEL_WITHDRAWALS, withdrawal.withdrawal, &begun);
    snprintf(line, MODEL_WIDTH,
             "%" PRIu64 "|%u|%u|%.12s|%.64s|%.36s|%" PRId64 "|%u|%u|%" PRIu64 "|%s|%" PRIu64
             "|%" PRIu64 "|%" PRIu64 "|%" PRId64,
             withdrawal.withdrawal, withdrawal.account, withdrawal.asset,
             (const char *)withdrawal.chain, (const char *)withdrawal.address,
             (const char *)withdrawal.client_id, withdrawal.amount.units, withdrawal.state,
             withdrawal.approvers, withdrawal.block, model_hex(withdrawal.txid), begun,
             model->stamp_ns, model->command, withdrawal.fee.units);
    snprintf(model_line(model, MODEL_WITHDRAWAL_CHANGES), MODEL_WIDTH,
             "%" PRIu64 "|%u|%" PRIu64 "|%" PRIu64 "|%u|%u|%u|%" PRIu64 "|%s", model->command,
             model->ordinal, model->stamp_ns, withdrawal.withdrawal, withdrawal.account,
             withdrawal.state, withdrawal.approvers, withdrawal.block, model_hex(withdrawal.txid));
}

/* An address has one line: it is found by what names it, which stands in its middle. */
static inline void model_address(struct model *model, const struct event *event)
{
    struct address_changed_event address;
    struct model_rows *rows = &model->tables[MODEL_ADDRESSES];
    char name[128], *line = NULL;
    uint64_t begun = model->stamp_ns;
    address_changed_event_get(event->payload, &address);
    snprintf(name, sizeof(name), "|%u|%.12s|%.64s|%u|", address.kind, (const char *)address.chain,
             (const char *)address.address, address.account);
    for (uint32_t i = 0; i < rows->count; i++)
        if (strstr(rows->lines[i], name) != NULL) line = rows->lines[i];
    if (line != NULL) begun = strtoull(line, NULL, 10);
    if (line == NULL) line = model_line(model, MODEL_ADDRESSES);
    snprintf(line, MODEL_WIDTH, "%" PRIu64 "%s%" PRIu64 "|%" PRIu64 "|%" PRIu64, begun, name,
             address.active_ns, model->stamp_ns, model->command);
    snprintf(model_line(model, MODEL_ADDRESS_CHANGES), MODEL_WIDTH,
             "%" PRIu64 "|%u|%" PRIu64 "|%u|%u|%.12s|%.64s|%" PRIu64, model->command,
             model->ordinal, model->stamp_ns, address.account, address.kind,
             (const char *)address.chain, (const char *)address.address, address.active_ns);
}

static inline void model_account(struct model *model, const struct event *event)
{
    struct account_created_event created;
    account_created_event_get(event->payload, &created);
    snprintf(model_line(model, MODEL_ACCOUNTS), MODEL_WIDTH, "%u|%s|%u|%" PRIu64, created.account,
             model_hex(created.public_key), created.tier, model->stamp_ns);
}

static inline void model_asset(struct model *model, const struct event *event)
{
    struct asset_created_event created;
    asset_created_event_get(event->payload, &created);
    snprintf(model_line(model, MODEL_ASSETS), MODEL_WIDTH, "%u|%.*s|%u", created.asset,
             (int)sizeof(created.symbol), (const char *)created.symbol, created.decimals);
}

static inline void model_market(struct model *model, const struct event *event)
{
    struct market_created_event market;
    market_created_event_get(event->payload, &market);
    snprintf(model_line(model, MODEL_MARKETS), MODEL_WIDTH,
             "%u|%.*s|%u|%u|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64 "|%" PRId64
             "|%" PRId64 "|%u",
             market.market, (int)sizeof(market.symbol), (const char *)market.symbol, market.base,
             market.quote, market.tick_units, market.lot_units, market.price_min.ticks,
             market.price_max.ticks, market.qty_min.lots, market.qty_max.lots,
             market.notional_min.units, market.account_orders_max);
}

static inline void model_event(struct model *model, const struct event *event)
{
    static const struct {
        uint16_t type;
        void (*take)(struct model *model, const struct event *event);
    } takers[] = {
        {T_ACCOUNT_CREATED, model_account},
        {T_ASSET_CREATED, model_asset},
        {T_MARKET_CREATED, model_market},
        {T_CREDITED, model_credit},
        {T_DEBITED, model_debit},
        {T_DEPOSIT_CHANGED, model_deposit},
        {T_WITHDRAWAL_CHANGED, model_withdrawal},
        {T_WITHDRAWAL_MOVED, model_withdrawal},
        {T_ADDRESS_CHANGED, model_address},
        {T_FILL, model_fill},
        {T_ORDER_DONE, model_done},
        {T_PREVENTED, model_prevented},
        {T_ORDER_AMENDED, model_amended},
        {T_LIST_ACCEPTED, model_list},
        {T_LIST_DONE, model_list_done},
        {T_BALANCE, model_balance},
    };
    if (event->type == T_ORDER_TERMS) order_terms_event_get(event->payload, &model->terms);
    if (event->type == T_ORDER_TAGGED) order_tagged_event_get(event->payload, &model->tagged);
    for (size_t i = 0; i < sizeof(takers) / sizeof(*takers); i++)
        if (event->type == takers[i].type) takers[i].take(model, event);
}

/* What was posted in the block, by account, asset and kind. */
static inline void model_entries(struct model *model, uint64_t height, uint64_t last_command)
{
    for (int account = -MODEL_HOUSES; account <= WORLD_ACCOUNTS; account++)
        for (int asset = 0; asset < 2; asset++)
            for (int kind = 1; kind <= MODEL_KINDS; kind++) {
                const struct model_entry *entry =
                    &model->entries[MODEL_HOUSES + account][asset][kind];
                if (entry->posting_count == 0) continue;
                snprintf(model_line(model, MODEL_ENTRIES), MODEL_WIDTH,
                         "%" PRIu64 "|%" PRIu64 "|%d|%d|%d|%" PRId64 "|%" PRId64 "|%u", height,
                         last_command, account, asset, kind, entry->moved[MODEL_AVAILABLE],
                         entry->moved[MODEL_HELD], entry->posting_count);
            }
    memset(model->entries, 0, sizeof(model->entries));
}

static inline void model_block(struct model *model, const struct world_block *block)
{
    struct block_header header;
    struct applied applied;
    const uint8_t *at = block->body;
    if (!block_header_decode(block->header, &header)) abort();
    model->fill_count = 0;
    while (applied_next(&at, block->body + block->body_bytes, &applied)) {
        const uint8_t *next = applied.events;
        struct event event;
        model->command = applied.number;
        model->stamp_ns = applied.stamp_ns;
        model->ordinal = 0;
        model->terms = (struct order_terms_event){0};
        model->tagged = (struct order_tagged_event){0};
        for (; event_next(&next, applied.events + applied.events_length, &event); model->ordinal++)
            model_event(model, &event);
    }
    model_entries(model, header.height, header.last_command);
    char *line = model_line(model, MODEL_BLOCKS);
    const hash_t hash = block_header_hash(block->header);
    int used = snprintf(line, MODEL_WIDTH,
                        "%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%s|",
                        header.height, header.time_ns, header.first_command, header.last_command,
                        model->fill_count, model_hex(hash.bytes));
    for (int i = 0; i < BLOCK_HEADER_BYTES; i++)
        used += snprintf(line + used, (size_t)(MODEL_WIDTH - used), "%02x", block->header[i]);
}

/* Lines in the order of their leading numbers. */
static inline int model_by_numbers(const void *left, const void *right)
{
    const char *a = left, *b = right;
    for (int i = 0; i < 2; i++) {
        char *a_end, *b_end;
        const unsigned long long x = strtoull(a, &a_end, 10), y = strtoull(b, &b_end, 10);
        if (x != y) return x < y ? -1 : 1;
        a = a_end + 1;
        b = b_end + 1;
    }
    return 0;
}

static inline void model_of(struct model *model, const struct world *world)
{
    memset(model, 0, sizeof(*model));
    model->has_house = params_has_house(&world->genesis.params);
    for (uint64_t height = 1; height <= world->height; height++)
        model_block(model, &world->blocks[height - 1]);
    for (uint32_t account = 1; account <= WORLD_ACCOUNTS; account++)
        for (int asset = 0; asset < 2; asset++)
            if (model->known[account][asset])
                snprintf(model_line(model, MODEL_BALANCES), MODEL_WIDTH,
                         "%u|%d|%" PRId64 "|%" PRId64, account, asset,
                         model->balances[account][asset][0], model->balances[account][asset][1]);
    const enum model_table sorted[] = {MODEL_ORDERS, MODEL_CANDLES};
    for (size_t i = 0; i < 2; i++)
        qsort(model->tables[sorted[i]].lines, model->tables[sorted[i]].count, MODEL_WIDTH,
              model_by_numbers);
}

static inline void model_end(struct model *model)
{
    for (int table = 0; table < MODEL_TABLES; table++)
        free(model->tables[table].lines);
}

#endif /* TESTS_UNIT_SETTLEMENT_PROJECTION_MODEL_H */
