#include "gateway/recall_wallet.h"

#include "gateway/recall_custody.h"
#include "gateway/reply_wallet.h"

#include <string.h>

/* One of either kind. */
struct transfer {
    struct deposit_changed_event deposit;
    struct withdrawal_moved_event withdrawal;
    struct transfer_times times;
};

/* The account's address on a chain. */
struct own_address {
    const struct address_changed_event *address;
    bool is_one; /* it has no other there */
};

/* A list under way. */
struct listing {
    const struct history_query *query;
    const struct history_rows *rows;
    const struct custody_view *view;
    const struct printing *printing;
    struct writer *json;
    uint32_t unseen_rows; /* the newer ones have been asked for times */
    uint32_t skipped;
    uint32_t put;
    uint32_t address_count;
    struct own_address addresses[PARAMS_ROUTES_LIMIT]; /* each on another chain */
};

static bool is_of_deposits(const struct history_query *query)
{
    return query->kind == HISTORY_DEPOSITS;
}

/* The lowest number that memory has: it has all from there on. */
static uint64_t oldest_of(const struct history_query *query, const struct view *view)
{
    const uint64_t kept = custody_view_kept(view_custody(view));
    const uint64_t last = recall_custody_last(query->kind, view);
    return last > kept ? last - kept + 1 : 1;
}

/* The account's transfer with this number, from memory. */
static bool from_memory(const struct history_query *query, const struct custody_view *view,
                        uint64_t number, struct transfer *transfer)
{
    if (is_of_deposits(query)) {
        const struct deposit_changed_event *deposit = custody_view_deposit(view, number);
        if (deposit == NULL || deposit->account != query->account) return false;
        transfer->deposit = *deposit;
        transfer->times = custody_view_deposit_times(view, number);
    } else {
        const struct withdrawal_moved_event *withdrawal = custody_view_withdrawal(view, number);
        if (withdrawal == NULL || withdrawal->account != query->account) return false;
        transfer->withdrawal = *withdrawal;
        transfer->times = custody_view_withdrawal_times(view, number);
    }
    return true;
}

bool recall_wallet_is_whole(const struct history_query *query, const struct view *view)
{
    const struct custody_view *custody = view_custody(view);
    const uint64_t last = recall_custody_last(query->kind, view);
    struct transfer transfer;
    if (oldest_of(query, view) > 1) return false;
    for (uint64_t number = 1; number <= last; number++)
        if (from_memory(query, custody, number, &transfer) && transfer.times.created_ns == 0)
            return false;
    return true;
}

/* ---- what fits ---- */

static bool details_fit(const struct history_query *query, const struct transfer *transfer)
{
    const struct history_wallet *wallet = &query->wallet;
    const bool deposit = is_of_deposits(query);
    const uint16_t asset = deposit ? transfer->deposit.asset : transfer->withdrawal.asset;
    const int status = deposit ? reply_wallet_deposit_status(transfer->deposit.state)
                               : reply_wallet_withdrawal_status(transfer->withdrawal.state);
    const uint8_t *txid = deposit ? transfer->deposit.txid : transfer->withdrawal.txid;
    if (wallet->has_asset && wallet->asset != asset) return false;
    if (wallet->status >= 0 && wallet->status != status) return false;
    if (wallet->has_txid && memcmp(wallet->txid, txid, sizeof(wallet->txid)) != 0) return false;
    return query->client_id[0] == 0 ||
           strncmp((const char *)transfer->withdrawal.client_id, query->client_id,
                   sizeof(transfer->withdrawal.client_id)) == 0;
}

static bool is_full(const struct listing *listing)
{
    return listing->put == listing->query->wallet.limit;
}

static struct own_address *find_address(struct listing *listing, const uint8_t chain[CHAIN_BYTES])
{
    for (uint32_t i = 0; i < listing->address_count; i++)
        if (memcmp(listing->addresses[i].address->chain, chain, CHAIN_BYTES) == 0)
            return &listing->addresses[i];
    return NULL;
}

/* All addresses are walked, once a list. */
static void gather_addresses(struct listing *listing)
{
    if (!is_of_deposits(listing->query)) return;
    for (uint32_t i = 0; i < custody_view_address_count(listing->view); i++) {
        const struct address_changed_event *address = custody_view_address(listing->view, i);
        if (address->kind != ADDRESS_DEPOSIT || address->account != listing->query->account)
            continue;
        struct own_address *known = find_address(listing, address->chain);
        if (known != NULL)
            known->is_one = false;
        else if (listing->address_count < PARAMS_ROUTES_LIMIT)
            listing->addresses[listing->address_count++] = (struct own_address){address, true};
    }
}

/* The address on the deposit's chain, when the account has one there and no other. */
static const struct address_changed_event *address_of(struct listing *listing,
                                                      const struct deposit_changed_event *deposit)
{
    const struct own_address *own = find_address(listing, deposit->chain);
    return own != NULL && own->is_one ? own->address : NULL;
}

static void put_transfer(struct listing *listing, const struct transfer *transfer)
{
    const struct history_query *query = listing->query;
    if (transfer->times.created_ns < query->start_ns || transfer->times.created_ns > query->end_ns)
        return;
    if (is_full(listing) || !details_fit(query, transfer)) return;
    if (listing->skipped < query->wallet.offset) {
        listing->skipped++;
        return;
    }
    listing->put++;
    if (is_of_deposits(query))
        reply_wallet_deposit(listing->json, listing->printing, &transfer->deposit, &transfer->times,
                             address_of(listing, &transfer->deposit));
    else
        reply_wallet_withdrawal(listing->json, listing->printing, &transfer->withdrawal,
                                &transfer->times);
}

/* ---- where they come from ---- */

static uint32_t row_count(const struct history_rows *rows)
{
    return rows == NULL ? 0 : rows->row_count;
}

/* A row as a transfer. False when it is none, or cannot be printed: nobody may have touched it, but what if. */
static bool read_row(const struct listing *listing, uint32_t row, uint64_t *number,
                     struct transfer *transfer)
{
    const struct params *params = listing->printing->params;
    const bool deposit = is_of_deposits(listing->query);
    if (deposit ? !query_read_deposit(listing->rows, row, &transfer->deposit)
                : !query_read_withdrawal(listing->rows, row, &transfer->withdrawal))
        return false;
    if (!query_read_times(listing->rows, row, listing->query->kind, &transfer->times)) return false;
    *number = deposit ? transfer->deposit.deposit : transfer->withdrawal.withdrawal;
    return params_find_route(params, deposit ? transfer->deposit.chain : transfer->withdrawal.chain,
                             deposit ? transfer->deposit.asset : transfer->withdrawal.asset) >= 0;
}

/* Since when a transfer that memory has is there, from its row. Both go from new to old, so that a row is looked at
 * once. */
static bool find_times(struct listing *listing, uint64_t number, struct transfer_times *times)
{
    struct transfer transfer;
    uint64_t found;
    for (; listing->unseen_rows > 0; listing->unseen_rows--) {
        if (!read_row(listing, listing->unseen_rows - 1, &found, &transfer)) return false;
        if (found < number) return false;
        if (found > number) continue;
        if (times->changed_ns == 0) times->changed_ns = transfer.times.changed_ns;
        times->created_ns = transfer.times.created_ns;
        return true;
    }
    return false;
}

static bool put_memory(struct listing *listing, uint64_t oldest, uint64_t last)
{
    struct transfer transfer;
    for (uint64_t number = last; number >= oldest && !is_full(listing); number--) {
        if (!from_memory(listing->query, listing->view, number, &transfer)) continue;
        if (transfer.times.created_ns == 0 && !find_times(listing, number, &transfer.times))
            return false;
        put_transfer(listing, &transfer);
    }
    return true;
}

/* Rows rise; `is_early` says that the lowest is from before the times that were asked for. */
static bool put_rows(struct listing *listing, uint64_t oldest, bool *is_early)
{
    struct transfer transfer;
    uint64_t number;
    *is_early = false;
    for (uint32_t row = row_count(listing->rows); row-- > 0 && !is_full(listing);) {
        if (!read_row(listing, row, &number, &transfer)) return false;
        *is_early = transfer.times.created_ns < listing->query->start_ns;
        if (number < oldest) put_transfer(listing, &transfer);
    }
    return true;
}

bool recall_wallet_answer(const struct history_query *query, const struct history_rows *rows,
                          const struct view *view, const struct printing *printing,
                          struct writer *json, struct refusal *refusal)
{
    const uint64_t oldest = oldest_of(query, view);
    struct listing listing = {.query = query,
                              .rows = rows,
                              .view = view_custody(view),
                              .printing = printing,
                              .json = json,
                              .unseen_rows = row_count(rows)};
    bool is_early;
    *refusal = refusal_of(REJECT_HISTORY_UNAVAILABLE, NULL, NULL);
    /* Asked for while memory had it all, it may have put out one since. */
    if (rows == NULL && !recall_wallet_is_whole(query, view)) return false;
    if (rows != NULL && rows->cursor < custody_view_put_out(listing.view)) return false;
    gather_addresses(&listing);
    writer_array(json);
    if (!put_memory(&listing, oldest, recall_custody_last(query->kind, view)) ||
        !put_rows(&listing, oldest, &is_early))
        return false;
    writer_array_end(json);
    if (is_full(&listing) || is_early || row_count(rows) < query->limit) return true;
    *refusal = refusal_of(REJECT_TRANSFERS_MANY, NULL, NULL);
    return false;
}
