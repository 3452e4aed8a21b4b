#include "gateway/reply_custody.h"

#include "common/wide.h"

#include <string.h>

static const char *const deposit_states[] = {"", "CONFIRMING", "CREDITED", "REORGED", "OWED"};
static const char *const withdrawal_states[] = {"RELEASED",  "HELD",  "APPROVED", "DENIED",
                                                "BROADCAST", "FINAL", "FAILED",   "CANCELED"};

#define WITHDRAWAL_STATES (sizeof(withdrawal_states) / sizeof(withdrawal_states[0]))

static void put_padded(struct writer *json, const char *name, const uint8_t *text,
                       size_t field_bytes)
{
    writer_key(json, name);
    writer_padded(json, text, field_bytes);
}

static void put_txid(struct writer *json, const uint8_t txid[TXID_BYTES])
{
    static const uint8_t none[TXID_BYTES];
    writer_key(json, "txid");
    if (memcmp(txid, none, TXID_BYTES) == 0)
        writer_null(json);
    else
        writer_hex(json, txid, TXID_BYTES);
}

static const struct route_changed_event *route_of(const struct printing *printing,
                                                  const uint8_t *chain, uint16_t asset)
{
    const int index = params_find_route(printing->params, chain, asset);
    ASSERT(index >= 0); /* routes stay */
    return &printing->params->routes[index];
}

/* An amount, whole in the chain's own unit. */
static void put_chain_amount(struct writer *json, const struct printing *printing, amount_t amount,
                             const uint8_t *chain, uint16_t asset)
{
    const int decimals = printing->params->assets[asset].decimals;
    uint8_t wide[WIDE_BYTES];
    char text[WIDE_TEXT_MAX];
    writer_key(json, "chainAmount");
    if (wide_of_units(amount, decimals, route_of(printing, chain, asset)->decimals, wide))
        writer_text(json, text, wide_print(wide, text));
    else
        writer_null(json);
}

void reply_deposit(struct writer *json, const struct printing *printing,
                   const struct deposit_changed_event *deposit)
{
    const struct asset *asset = &printing->params->assets[deposit->asset];
    writer_object(json);
    writer_key_u64(json, "id", deposit->deposit);
    writer_key_u64(json, "account", deposit->account);
    writer_key_string(json, "asset", asset->symbol);
    put_padded(json, "chain", deposit->chain, CHAIN_BYTES);
    put_txid(json, deposit->txid);
    writer_key_u64(json, "output", deposit->output);
    writer_key_decimal(json, "amount", deposit->amount.units, asset->decimals);
    put_chain_amount(json, printing, deposit->amount, deposit->chain, deposit->asset);
    writer_key_decimal(json, "credited", deposit->credited.units, asset->decimals);
    writer_key_u64(json, "height", deposit->height);
    writer_key_u64(json, "confirmations", deposit->confirmations);
    writer_key_u64(json, "confirmationsNeeded",
                   route_of(printing, deposit->chain, deposit->asset)->confirmations);
    writer_key_string(json, "status", deposit_states[deposit->state]);
    writer_object_end(json);
}

void reply_withdrawal(struct writer *json, const struct printing *printing,
                      const struct withdrawal_moved_event *withdrawal, uint64_t certified_height)
{
    const struct asset *asset = &printing->params->assets[withdrawal->asset];
    const bool released =
        withdrawal->state == WITHDRAWAL_APPROVED && withdrawal->block <= certified_height;
    writer_object(json);
    writer_key_u64(json, "id", withdrawal->withdrawal);
    put_padded(json, "withdrawOrderId", withdrawal->client_id, sizeof(withdrawal->client_id));
    writer_key_u64(json, "account", withdrawal->account);
    writer_key_string(json, "asset", asset->symbol);
    put_padded(json, "chain", withdrawal->chain, CHAIN_BYTES);
    put_padded(json, "address", withdrawal->address, CHAIN_ADDRESS_BYTES);
    writer_key_decimal(json, "amount", withdrawal->amount.units, asset->decimals);
    writer_key_decimal(json, "transactionFee", withdrawal->fee.units, asset->decimals);
    writer_key_decimal(json, "paid", withdrawal->paid.units, asset->decimals);
    put_chain_amount(json, printing, withdrawal->paid, withdrawal->chain, withdrawal->asset);
    writer_key_u64(json, "approvals", (uint64_t)__builtin_popcount(withdrawal->approvers));
    writer_key_u64(json, "approvalsNeeded",
                   route_of(printing, withdrawal->chain, withdrawal->asset)->approvals);
    writer_key(json, "block");
    if (withdrawal->block == 0)
        writer_null(json);
    else
        writer_u64(json, withdrawal->block);
    put_txid(json, withdrawal->txid);
    writer_key_string(json, "status", withdrawal_states[released ? 0 : withdrawal->state]);
    writer_object_end(json);
}

void reply_address_change(struct writer *json, const struct printing *printing,
                          const struct address_changed_event *address)
{
    writer_key_string(json, "kind", address->kind == ADDRESS_DEPOSIT ? "DEPOSIT" : "WITHDRAWAL");
    put_padded(json, "chain", address->chain, CHAIN_BYTES);
    put_padded(json, "address", address->address, CHAIN_ADDRESS_BYTES);
    writer_key_bool(json, "allowed", address->active_ns != 0);
    writer_key_u64(json, "activeFrom", address->active_ns / printing->time_unit_ns);
}

void reply_address(struct writer *json, const struct printing *printing,
                   const struct address_changed_event *address)
{
    writer_object(json);
    writer_key_u64(json, "account", address->account);
    reply_address_change(json, printing, address);
    writer_object_end(json);
}

void reply_deposit_change(struct writer *json, const struct printing *printing,
                          const struct deposit_changed_event *deposit)
{
    const int decimals = printing->params->assets[deposit->asset].decimals;
    writer_key_string(json, "status", deposit_states[deposit->state]);
    writer_key_u64(json, "confirmations", deposit->confirmations);
    writer_key_u64(json, "height", deposit->height);
    writer_key_decimal(json, "credited", deposit->credited.units, decimals);
    writer_key_decimal(json, "moved", deposit->moved.units, decimals);
}

void reply_withdrawal_change(struct writer *json, const struct withdrawal_moved_event *withdrawal)
{
    writer_key_string(json, "status", withdrawal_states[withdrawal->state]);
    writer_key_u64(json, "approvals", (uint64_t)__builtin_popcount(withdrawal->approvers));
    writer_key(json, "block");
    if (withdrawal->block == 0)
        writer_null(json);
    else
        writer_u64(json, withdrawal->block);
    put_txid(json, withdrawal->txid);
}

bool reply_withdrawal_state(const char *word, uint8_t *state)
{
    for (size_t i = 0; i < WITHDRAWAL_STATES; i++) {
        if (strcmp(word, withdrawal_states[i]) != 0) continue;
        *state = (uint8_t)i;
        return true;
    }
    return false;
}

/* The least that is whole here and on the chain, in units: amounts are multiples of it. */
static int64_t step_of(const struct asset *asset, const struct route_changed_event *route)
{
    int64_t step = 1;
    for (int i = route->decimals; i < asset->decimals; i++)
        step *= 10;
    return step;
}

/* Who has money here can leave before it counts. */
static void put_next_fee(struct writer *json, const struct printing *printing, int route,
                         uint64_t now_ns)
{
    const struct params *params = printing->params;
    const struct route_fee *next = &params->route_fees[route];
    if (next->from_ns <= now_ns) return;
    writer_key_decimal(json, "nextWithdrawFee", next->fee.units,
                       params->assets[params->routes[route].asset].decimals);
    writer_key_u64(json, "nextWithdrawFeeFrom", next->from_ns / printing->time_unit_ns);
}

int64_t reply_withdrawal_min(const struct params *params, int route, uint64_t now_ns)
{
    const struct route_changed_event *way = &params->routes[route];
    const int64_t fee = params_route_fee(params, route, now_ns).units;
    const int64_t step = step_of(&params->assets[way->asset], way);
    return way->withdrawal_min.units > fee ? way->withdrawal_min.units : fee + step;
}

void reply_network(struct writer *json, const struct printing *printing, int route, uint64_t now_ns)
{
    const struct params *params = printing->params;
    const struct route_changed_event *way = &params->routes[route];
    const struct asset *asset = &params->assets[way->asset];
    const int decimals = asset->decimals;
    const int64_t step = step_of(asset, way);
    const int64_t fee = params_route_fee(params, route, now_ns).units;
    writer_object(json);
    put_padded(json, "network", way->chain, CHAIN_BYTES);
    put_padded(json, "name", way->chain, CHAIN_BYTES);
    writer_key_string(json, "coin", asset->symbol);
    writer_key_bool(json, "isDefault", params_default_route(params, way->asset) == route);
    writer_key_bool(json, "depositEnable", true);
    writer_key_bool(json, "withdrawEnable", way->status == ROUTE_OPEN);
    writer_key_decimal(json, "withdrawFee", fee, decimals);
    put_next_fee(json, printing, route, now_ns);
    writer_key_decimal(json, "withdrawMin", reply_withdrawal_min(params, route, now_ns), decimals);
    writer_key_decimal(json, "withdrawMax", way->withdrawal_max.units, decimals);
    writer_key_decimal(json, "withdrawIntegerMultiple", step, decimals);
    writer_key_u64(json, "minConfirm", way->confirmations);
    writer_key_u64(json, "unLockConfirm", way->confirmations);
    writer_key_string(json, "addressRegex", "^[A-Za-z0-9_.:-]{1,64}$");
    writer_key_string(json, "memoRegex", "");
    writer_key_bool(json, "sameAddress", false);
    writer_key_bool(json, "resetAddressStatus", false);
    writer_key_bool(json, "busy", false);
    writer_object_end(json);
}
