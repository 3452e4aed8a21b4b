#include "gateway/reply_wallet.h"

#include "gateway/text.h"

#include <string.h>

#define SECOND_NS 1000000000u
#define DAY_S     86400u

/* Pending, rejected or done; one that the account owes for was taken back as well. */
int reply_wallet_deposit_status(uint8_t state)
{
    enum { PENDING = 0, SUCCESS = 1, REJECTED = 2 };
    if (state == DEPOSIT_CONFIRMING) return PENDING;
    return state == DEPOSIT_CREDITED ? SUCCESS : REJECTED;
}

int reply_wallet_withdrawal_status(uint8_t state)
{
    enum { CANCELED = 1, AWAITING = 2, REJECTED = 3, PROCESSING = 4, FAILURE = 5, COMPLETED = 6 };
    switch (state) {
    case WITHDRAWAL_HELD:
        return AWAITING;
    case WITHDRAWAL_DENIED:
        return REJECTED;
    case WITHDRAWAL_FINAL:
        return COMPLETED;
    case WITHDRAWAL_FAILED:
        return FAILURE;
    case WITHDRAWAL_CANCELED:
        return CANCELED;
    default:
        return PROCESSING; /* approved, released, broadcast */
    }
}

static void put_padded(struct writer *json, const char *name, const uint8_t *text,
                       size_t field_bytes)
{
    writer_key(json, name);
    writer_padded(json, text, field_bytes);
}

static void put_id(struct writer *json, uint64_t id)
{
    char bytes[32];
    struct text text = text_over(bytes, sizeof(bytes));
    text_u64(&text, id);
    writer_key_text(json, "id", bytes, text.used);
}

static void put_txid(struct writer *json, const uint8_t txid[TXID_BYTES])
{
    static const uint8_t none[TXID_BYTES];
    writer_key(json, "txId");
    if (memcmp(txid, none, TXID_BYTES) == 0)
        writer_string(json, "");
    else
        writer_hex(json, txid, TXID_BYTES);
}

static void put_two(struct text *text, uint64_t value, const char *behind)
{
    const char digits[] = {(char)('0' + value / 10 % 10), (char)('0' + value % 10)};
    text_put(text, digits, 2);
    text_add(text, behind);
}

/* "2023-11-14 22:14:00", UTC. Months are counted from March, so that the day a leap year adds is a year's last. */
static void put_date(struct writer *json, const char *name, uint64_t time_ns)
{
    char bytes[40];
    struct text text = text_over(bytes, sizeof(bytes));
    const uint64_t seconds = time_ns / SECOND_NS;
    const uint64_t day = seconds / DAY_S + 719468; /* since 0000-03-01 */
    const uint64_t era_day = day % 146097;
    const uint64_t era_year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
    const uint64_t year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    const uint64_t month = (5 * year_day + 2) / 153;
    text_u64(&text, era_year + day / 146097 * 400 + (month >= 10));
    text_add(&text, "-");
    put_two(&text, month < 10 ? month + 3 : month - 9, "-");
    put_two(&text, year_day - (153 * month + 2) / 5 + 1, " ");
    put_two(&text, seconds % DAY_S / 3600, ":");
    put_two(&text, seconds % 3600 / 60, ":");
    put_two(&text, seconds % 60, "");
    writer_key_text(json, name, bytes, text.used);
}

/* "2/12": of how many blocks it needs. */
static void put_confirmations(struct writer *json, const char *name, uint32_t confirmations,
                              uint32_t needed)
{
    char bytes[40];
    struct text text = text_over(bytes, sizeof(bytes));
    text_u64(&text, confirmations);
    text_add(&text, "/");
    text_u64(&text, needed);
    writer_key_text(json, name, bytes, text.used);
}

void reply_wallet_deposit(struct writer *json, const struct printing *printing,
                          const struct deposit_changed_event *deposit,
                          const struct transfer_times *times,
                          const struct address_changed_event *address)
{
    const struct params *params = printing->params;
    const struct asset *asset = &params->assets[deposit->asset];
    const int route = params_find_route(params, deposit->chain, deposit->asset);
    ASSERT(route >= 0); /* routes stay */
    const uint32_t needed = params->routes[route].confirmations;
    writer_object(json);
    put_id(json, deposit->deposit);
    writer_key_decimal(json, "amount", deposit->amount.units, asset->decimals);
    writer_key_string(json, "coin", asset->symbol);
    put_padded(json, "network", deposit->chain, CHAIN_BYTES);
    writer_key_i64(json, "status", reply_wallet_deposit_status(deposit->state));
    writer_key(json, "address");
    if (address != NULL)
        writer_padded(json, address->address, CHAIN_ADDRESS_BYTES);
    else
        writer_string(json, "");
    writer_key_string(json, "addressTag", "");
    put_txid(json, deposit->txid);
    writer_key_u64(json, "insertTime", times->created_ns / printing->time_unit_ns);
    if (deposit->state == DEPOSIT_CREDITED)
        writer_key_u64(json, "completeTime", times->changed_ns / printing->time_unit_ns);
    writer_key_u64(json, "transferType", 0);
    put_confirmations(json, "confirmTimes", deposit->confirmations, needed);
    writer_key_u64(json, "unlockConfirm", needed);
    writer_key_u64(json, "walletType", 0);
    writer_object_end(json);
}

void reply_wallet_withdrawal(struct writer *json, const struct printing *printing,
                             const struct withdrawal_moved_event *withdrawal,
                             const struct transfer_times *times)
{
    const struct asset *asset = &printing->params->assets[withdrawal->asset];
    writer_object(json);
    put_id(json, withdrawal->withdrawal);
    writer_key_decimal(json, "amount", withdrawal->paid.units, asset->decimals);
    writer_key_decimal(json, "transactionFee", withdrawal->fee.units, asset->decimals);
    writer_key_string(json, "coin", asset->symbol);
    writer_key_i64(json, "status", reply_wallet_withdrawal_status(withdrawal->state));
    put_padded(json, "address", withdrawal->address, CHAIN_ADDRESS_BYTES);
    put_txid(json, withdrawal->txid);
    put_date(json, "applyTime", times->created_ns);
    put_padded(json, "network", withdrawal->chain, CHAIN_BYTES);
    writer_key_u64(json, "transferType", 0);
    put_padded(json, "withdrawOrderId", withdrawal->client_id, sizeof(withdrawal->client_id));
    writer_key_string(json, "info", "");
    writer_key_u64(json, "confirmNo", 0);
    writer_key_u64(json, "walletType", 0);
    writer_key_string(json, "txKey", "");
    if (withdrawal->state == WITHDRAWAL_FINAL) put_date(json, "completeTime", times->changed_ns);
    writer_object_end(json);
}

void reply_wallet_applied(struct writer *json, uint64_t withdrawal)
{
    writer_object(json);
    put_id(json, withdrawal);
    writer_object_end(json);
}
