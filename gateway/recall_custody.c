#include "gateway/recall_custody.h"

#include "gateway/reply_custody.h"

/* A list under way. */
struct listing {
    const struct history_query *query;
    const struct custody_view *view;
    const struct params *params;
    const struct printing *printing; /* NULL: only counted */
    struct writer *json;
    uint32_t left; /* that the list still takes */
};

bool recall_custody_has(enum history_kind kind)
{
    return kind == HISTORY_DEPOSITS || kind == HISTORY_WITHDRAWALS;
}

uint64_t recall_custody_last(enum history_kind kind, const struct view *view)
{
    const struct custody_view *custody = view_custody(view);
    return kind == HISTORY_DEPOSITS ? custody_view_deposit_last(custody)
                                    : custody_view_withdrawal_last(custody);
}

/* The lowest number that memory has: it has all from there on. */
static uint64_t oldest_of(const struct history_query *query, const struct view *view)
{
    const uint64_t kept = custody_view_kept(view_custody(view));
    const uint64_t last = recall_custody_last(query->kind, view);
    return last > kept ? last - kept + 1 : 1;
}

/* ---- What fits. ---- */

static bool owner_fits(const struct listing *listing, uint32_t account, const uint8_t *chain,
                       uint16_t asset)
{
    const struct history_query *query = listing->query;
    if (query->account != 0) return query->account == account;
    if (query->connector < 0) return true;
    const int route = params_find_route(listing->params, chain, asset);
    return route >= 0 && listing->params->routes[route].connector == query->connector;
}

static bool state_fits(const struct history_query *query,
                       const struct withdrawal_moved_event *withdrawal)
{
    if (query->state == HISTORY_ANY_STATE) return true;
    if (query->state != 0) return withdrawal->state == query->state;
    return withdrawal->state == WITHDRAWAL_APPROVED && withdrawal->block <= query->certified;
}

static void put_deposit(struct listing *listing, const struct deposit_changed_event *deposit)
{
    if (!owner_fits(listing, deposit->account, deposit->chain, deposit->asset)) return;
    listing->left--;
    if (listing->printing != NULL) reply_deposit(listing->json, listing->printing, deposit);
}

static void put_withdrawal(struct listing *listing, const struct withdrawal_moved_event *withdrawal)
{
    if (!owner_fits(listing, withdrawal->account, withdrawal->chain, withdrawal->asset) ||
        !state_fits(listing->query, withdrawal))
        return;
    listing->left--;
    if (listing->printing != NULL)
        reply_withdrawal(listing->json, listing->printing, withdrawal, listing->query->certified);
}

/* ---- From memory. ---- */

static void put_number(struct listing *listing, uint64_t number)
{
    if (listing->query->kind == HISTORY_DEPOSITS) {
        const struct deposit_changed_event *deposit = custody_view_deposit(listing->view, number);
        if (deposit != NULL) put_deposit(listing, deposit);
    } else {
        const struct withdrawal_moved_event *withdrawal =
            custody_view_withdrawal(listing->view, number);
        if (withdrawal != NULL) put_withdrawal(listing, withdrawal);
    }
}

static void put_memory(struct listing *listing, uint64_t oldest, uint64_t last)
{
    const struct history_query *query = listing->query;
    const uint64_t from = query->id_min > oldest ? query->id_min : oldest;
    const uint64_t to = query->id_max < last ? query->id_max : last;
    for (uint64_t i = from; i <= to && listing->left > 0; i++)
        put_number(listing, query->newest ? to - (i - from) : i);
}

/* ---- From PostgreSQL. ---- */

/* Whether what a row says can be printed: nobody may have touched it, but what if. */
static bool is_listed(const struct params *params, const uint8_t *chain, uint16_t asset)
{
    return params_find_route(params, chain, asset) >= 0;
}

static bool put_row(struct listing *listing, const struct history_rows *rows, uint32_t row,
                    uint64_t oldest)
{
    if (listing->query->kind == HISTORY_DEPOSITS) {
        struct deposit_changed_event deposit;
        if (!query_read_deposit(rows, row, &deposit) || deposit.amount.units < 0 ||
            deposit.state < DEPOSIT_CONFIRMING || deposit.state > DEPOSIT_OWED ||
            !is_listed(listing->params, deposit.chain, deposit.asset))
            return false;
        if (deposit.deposit < oldest) put_deposit(listing, &deposit);
        return true;
    }
    struct withdrawal_moved_event withdrawal;
    if (!query_read_withdrawal(rows, row, &withdrawal) || withdrawal.amount.units < 0 ||
        withdrawal.state < WITHDRAWAL_HELD || withdrawal.state > WITHDRAWAL_CANCELED ||
        !is_listed(listing->params, withdrawal.chain, withdrawal.asset))
        return false;
    if (withdrawal.withdrawal < oldest) put_withdrawal(listing, &withdrawal);
    return true;
}

static bool put_rows(struct listing *listing, const struct history_rows *rows, uint64_t oldest)
{
    const uint32_t count = rows == NULL ? 0 : rows->row_count;
    for (uint32_t i = 0; i < count && listing->left > 0; i++)
        if (!put_row(listing, rows, listing->query->newest ? count - 1 - i : i, oldest))
            return false;
    return true;
}

/* ---- The answer. ---- */

/* What memory puts out has ended: what is under way is all here. */
static bool is_under_way(uint8_t state)
{
    return state == 0 || state == WITHDRAWAL_HELD || state == WITHDRAWAL_APPROVED ||
           state == WITHDRAWAL_BROADCAST;
}

bool recall_custody_is_whole(const struct history_query *query, const struct view *view,
                             const struct params *params)
{
    const uint64_t oldest = oldest_of(query, view);
    if (query->id_min >= oldest) return true;
    if (query->kind == HISTORY_WITHDRAWALS && is_under_way(query->state)) return true;
    if (query->account == 0 && query->connector >= 0) return true; /* shown what the log knows */
    if (!query->newest) return false;
    struct listing listing = {
        .query = query, .view = view_custody(view), .params = params, .left = query->limit};
    put_memory(&listing, oldest, recall_custody_last(query->kind, view));
    return listing.left == 0;
}

bool recall_custody_answer(const struct history_query *query, const struct history_rows *rows,
                           const struct view *view, const struct printing *printing,
                           struct writer *json)
{
    const uint64_t oldest = oldest_of(query, view);
    const uint64_t last = recall_custody_last(query->kind, view);
    struct listing listing = {.query = query,
                              .view = view_custody(view),
                              .params = printing->params,
                              .printing = printing,
                              .json = json,
                              .left = query->limit};
    /* Asked for while memory had it all, it may have put out one since. */
    if (rows == NULL && !recall_custody_is_whole(query, view, printing->params)) return false;
    if (rows != NULL && rows->cursor < custody_view_put_out(listing.view)) return false;
    writer_array(json);
    bool good = true;
    if (query->newest) put_memory(&listing, oldest, last);
    good = put_rows(&listing, rows, oldest);
    if (!query->newest) put_memory(&listing, oldest, last);
    writer_array_end(json);
    return good;
}
