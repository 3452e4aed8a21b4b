#include "settlement/store_load.h"

#include "common/log.h"
#include "settlement/database.h"
#include "settlement/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BALANCES_AT_ONCE 10000

static enum status load_assets(struct store *store, struct database *database)
{
    const enum status status =
        database_run(database, "SELECT asset, symbol, decimals FROM quorex.assets ORDER BY asset");
    if (status != STATUS_OK) return status;
    for (int row = 0; row < database_rows(database); row++) {
        struct asset asset = {.decimals = (uint8_t)database_number(database, row, 2)};
        snprintf(asset.symbol, sizeof(asset.symbol), "%s", database_text(database, row, 1));
        if (!store_list_asset(store, (uint16_t)database_number(database, row, 0), &asset))
            return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

static enum status load_markets(struct store *store, struct database *database)
{
    const enum status status =
        database_run(database, "SELECT market, symbol, base, quote, tick_units, lot_units,"
                               " price_min, price_max, qty_min, qty_max, notional_min,"
                               " account_orders_max FROM quorex.markets ORDER BY market");
    if (status != STATUS_OK) return status;
    for (int row = 0; row < database_rows(database); row++) {
        struct market_create_command listing = {
            .base = (uint16_t)database_number(database, row, 2),
            .quote = (uint16_t)database_number(database, row, 3),
            .tick_units = database_number(database, row, 4),
            .lot_units = database_number(database, row, 5),
            .price_min = {database_number(database, row, 6)},
            .price_max = {database_number(database, row, 7)},
            .qty_min = {database_number(database, row, 8)},
            .qty_max = {database_number(database, row, 9)},
            .notional_min = {database_number(database, row, 10)},
            .account_orders_max = (uint32_t)database_number(database, row, 11),
        };
        const char *symbol = database_text(database, row, 1);
        memcpy(listing.symbol, symbol, strnlen(symbol, sizeof(listing.symbol)));
        if (!store_list_market(store, (uint16_t)database_number(database, row, 0), &listing))
            return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

enum status store_load_listings(struct store *store, struct database *database, bool is_news)
{
    enum status status = load_assets(store, database);
    if (status == STATUS_OK) status = load_markets(store, database);
    if (status == STATUS_MALFORMED && is_news)
        log_error("settlement", "the database lists what this chain does not", "%s", "");
    return status;
}

enum status store_load_balances(struct store *store, struct database *database, bool is_news)
{
    int64_t account = 0, asset = -1;
    for (;;) {
        const enum status status = database_run(
            database,
            "SELECT account, asset, available, held, height FROM quorex.balances"
            " WHERE (account, asset) > (%" PRId64 ", %" PRId64 ") ORDER BY account, asset LIMIT %d",
            account, asset, BALANCES_AT_ONCE);
        if (status != STATUS_OK) return status;
        const int row_count = database_rows(database);
        for (int row = 0; row < row_count; row++) {
            account = database_number(database, row, 0);
            asset = database_number(database, row, 1);
            const struct balance_row balance = {
                .account = (uint32_t)account,
                .asset = (uint16_t)asset,
                .available = {database_number(database, row, 2)},
                .held = {database_number(database, row, 3)},
                .height = (uint64_t)database_number(database, row, 4),
            };
            if (store_load_balance(store, &balance)) continue;
            if (is_news)
                log_error("settlement", "the database has a balance that cannot be",
                          "account=%" PRId64 " asset=%" PRId64, account, asset);
            return STATUS_MALFORMED;
        }
        if (row_count < BALANCES_AT_ONCE) return STATUS_OK;
    }
}

/* An order of an open list may have ended: then it has a row, which counts up to the cursor (ahead.h). */
enum status store_load_lists(struct store *store, struct database *database, bool is_news)
{
    const enum status status = database_run(
        database,
        "SELECT l.market, l.list_id, o.order_id FROM quorex.order_lists l"
        " CROSS JOIN quorex.cursor c CROSS JOIN LATERAL"
        " unnest(ARRAY[l.a_order, l.b_order, l.c_order]) AS o (order_id)"
        " WHERE l.closed_ns = 0 AND o.order_id > 0 AND NOT EXISTS"
        " (SELECT 1 FROM quorex.orders d WHERE d.account = l.account"
        " AND d.market = l.market AND d.order_id = o.order_id AND d.command <= c.command)");
    if (status != STATUS_OK) return status;
    for (int row = 0; row < database_rows(database); row++) {
        const uint16_t market = (uint16_t)database_number(database, row, 0);
        const uint64_t list_id = (uint64_t)database_number(database, row, 1);
        const uint64_t order_id = (uint64_t)database_number(database, row, 2);
        if (store_load_order(store, market, order_id, list_id)) continue;
        if (is_news)
            log_error("settlement", "the database has more open orders of lists than can be",
                      "market=%u list=%" PRIu64, market, list_id);
        return STATUS_MALFORMED;
    }
    return STATUS_OK;
}
