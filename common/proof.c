#include "common/proof.h"

#include "common/le.h"
#include "common/withdrawal_event.h"

size_t proof_put(const struct proof *proof, uint8_t bytes[PROOF_BYTES_MAX])
{
    const size_t headers_bytes = (size_t)proof->header_count * BLOCK_HEADER_BYTES;
    if (proof->header_count == 0 || proof->header_count > PROOF_HEADERS_MAX ||
        proof->subject_bytes > PROOF_SUBJECT_BYTES_MAX ||
        proof->certificate_bytes >
            PROOF_BYTES_MAX - PROOF_HEADER_BYTES - proof->subject_bytes - headers_bytes)
        return 0;
    uint8_t *at = le_put_u32(bytes, PROOF_MAGIC);
    at = le_put_u16(at, PROOF_VERSION);
    at = le_put_u16(at, (uint16_t)proof->kind);
    at = le_put_u32(at, (uint32_t)proof->subject_bytes);
    at = le_put_u32(at, proof->header_count);
    at = le_put_u32(at, (uint32_t)proof->certificate_bytes);
    at = le_put_bytes(at, proof->subject, proof->subject_bytes);
    at = le_put_bytes(at, proof->headers, headers_bytes);
    at = le_put_bytes(at, proof->certificate, proof->certificate_bytes);
    return (size_t)(at - bytes);
}

bool proof_get(const uint8_t *bytes, size_t byte_count, struct proof *proof)
{
    if (byte_count < PROOF_HEADER_BYTES || byte_count > PROOF_BYTES_MAX) return false;
    if (le_get_u32(bytes) != PROOF_MAGIC || le_get_u16(bytes + 4) != PROOF_VERSION) return false;
    const uint16_t kind = le_get_u16(bytes + 6);
    if (kind < PROOF_ACCOUNT || kind > PROOF_RELEASE) return false;
    proof->kind = (enum proof_kind)kind;
    proof->subject_bytes = le_get_u32(bytes + 8);
    proof->header_count = le_get_u32(bytes + 12);
    proof->certificate_bytes = le_get_u32(bytes + 16);
    if (proof->subject_bytes > PROOF_SUBJECT_BYTES_MAX || proof->header_count == 0 ||
        proof->header_count > PROOF_HEADERS_MAX || proof->certificate_bytes > PROOF_BYTES_MAX)
        return false;
    const size_t headers_bytes = (size_t)proof->header_count * BLOCK_HEADER_BYTES;
    if (byte_count !=
        PROOF_HEADER_BYTES + proof->subject_bytes + headers_bytes + proof->certificate_bytes)
        return false;
    proof->subject = bytes + PROOF_HEADER_BYTES;
    proof->headers = proof->subject + proof->subject_bytes;
    proof->certificate = proof->headers + headers_bytes;
    return true;
}

/* ---- account ---- */

size_t proof_account_put(const struct proof_account *account,
                         uint8_t bytes[PROOF_ACCOUNT_BYTES_MAX])
{
    ASSERT(account->count <= PROOF_ASSETS_MAX && account->depth <= PROOF_DEPTH_MAX);
    uint8_t *at = le_put_u32(bytes, account->position);
    at = le_put_u32(at, account->depth);
    at = le_put_bytes(at, account->salt.bytes, HASH_BYTES);
    at = le_put_bytes(at, account->public_key, PUBLIC_KEY_BYTES);
    at = le_put_u16(at, account->count);
    for (uint16_t i = 0; i < account->count; i++) {
        at = le_put_u16(at, account->balances[i].asset);
        at = le_put_i64(at, account->balances[i].available);
        at = le_put_i64(at, account->balances[i].held);
    }
    for (uint32_t i = 0; i < account->depth; i++)
        at = le_put_bytes(at, account->siblings[i].bytes, HASH_BYTES);
    return (size_t)(at - bytes);
}

/* Balances that a leaf has: by rising asset, none below zero, none of nothing. */
static bool balance_follows(const struct proof_account *account, uint16_t index)
{
    const struct proof_balance *balance = &account->balances[index];
    if (balance->available < 0 || balance->held < 0) return false;
    if (balance->available == 0 && balance->held == 0) return false;
    return balance->asset < PROOF_ASSETS_MAX &&
           (index == 0 || balance->asset > account->balances[index - 1].asset);
}

bool proof_account_get(const uint8_t *bytes, size_t byte_count, struct proof_account *account)
{
    if (byte_count < PROOF_ACCOUNT_HEADER_BYTES) return false;
    account->position = le_get_u32(bytes);
    account->depth = le_get_u32(bytes + 4);
    memcpy(account->salt.bytes, bytes + 8, HASH_BYTES);
    memcpy(account->public_key, bytes + 8 + HASH_BYTES, PUBLIC_KEY_BYTES);
    account->count = le_get_u16(bytes + 8 + HASH_BYTES + PUBLIC_KEY_BYTES);
    if (account->count > PROOF_ASSETS_MAX || account->depth > PROOF_DEPTH_MAX ||
        account->position >> account->depth != 0)
        return false;
    if (byte_count != PROOF_ACCOUNT_HEADER_BYTES + (size_t)account->count * PROOF_BALANCE_BYTES +
                          (size_t)account->depth * HASH_BYTES)
        return false;
    const uint8_t *at = bytes + PROOF_ACCOUNT_HEADER_BYTES;
    for (uint16_t i = 0; i < account->count; i++, at += PROOF_BALANCE_BYTES) {
        account->balances[i] =
            (struct proof_balance){le_get_u16(at), le_get_i64(at + 2), le_get_i64(at + 10)};
        if (!balance_follows(account, i)) return false;
    }
    memcpy(account->siblings, at, (size_t)account->depth * HASH_BYTES);
    return true;
}

/* ---- trade ---- */

size_t proof_trade_put(const struct proof_trade *trade, uint8_t bytes[PROOF_TRADE_BYTES_MAX])
{
    ASSERT(trade->path_count <= PROOF_PATH_MAX);
    uint8_t *at = le_put_u32(bytes, trade->index);
    at = le_put_u32(at, trade->path_count);
    at = le_put_bytes(at, trade->leaf, PROOF_FILL_BYTES);
    at = le_put_bytes(at, trade->path, trade->path_count * sizeof(hash_t));
    return (size_t)(at - bytes);
}

bool proof_trade_get(const uint8_t *bytes, size_t byte_count, struct proof_trade *trade)
{
    if (byte_count < 8 + PROOF_FILL_BYTES) return false;
    trade->index = le_get_u32(bytes);
    trade->path_count = le_get_u32(bytes + 4);
    if (trade->path_count > PROOF_PATH_MAX ||
        byte_count != 8 + PROOF_FILL_BYTES + (size_t)trade->path_count * HASH_BYTES)
        return false;
    memcpy(trade->leaf, bytes + 8, PROOF_FILL_BYTES);
    trade->command = le_get_u64(trade->leaf);
    trade->ordinal = le_get_u32(trade->leaf + 8);
    const uint8_t *at = trade->leaf + 12, *const end = trade->leaf + PROOF_FILL_BYTES;
    struct event event;
    if (!event_next(&at, end, &event) || at != end || event.type != T_FILL) return false;
    fill_event_get(event.payload, &trade->fill);
    memcpy(trade->path, bytes + 8 + PROOF_FILL_BYTES, (size_t)trade->path_count * HASH_BYTES);
    return true;
}

/* ---- release ---- */

#define RELEASE_HEAD_BYTES (3 * 4 + HASH_BYTES)

size_t proof_release_put(const struct proof_release *release,
                         uint8_t bytes[PROOF_RELEASE_BYTES_MAX])
{
    ASSERT(release->path_count <= PROOF_PATH_MAX);
    uint8_t *at = le_put_u32(bytes, release->index);
    at = le_put_u32(at, release->count);
    at = le_put_u32(at, release->path_count);
    at = le_put_bytes(at, release->events.bytes, HASH_BYTES);
    at = le_put_bytes(at, release->leaf, release->leaf_bytes);
    at = le_put_bytes(at, release->path, release->path_count * sizeof(hash_t));
    return (size_t)(at - bytes);
}

/* A leaf's event says how long it is. */
bool proof_release_leaf_get(const uint8_t *bytes, size_t byte_count, struct proof_release *release)
{
    const size_t head = 8 + 4;
    const uint8_t *at = bytes + head;
    struct event event;
    if (byte_count < head || !event_next(&at, bytes + byte_count, &event) ||
        !withdrawal_event_is(event.type))
        return false;
    release->leaf_bytes = (uint32_t)(at - bytes);
    memcpy(release->leaf, bytes, release->leaf_bytes);
    release->command = le_get_u64(bytes);
    release->ordinal = le_get_u32(bytes + 8);
    withdrawal_event_get(&event, &release->withdrawal);
    return true;
}

bool proof_release_get(const uint8_t *bytes, size_t byte_count, struct proof_release *release)
{
    if (byte_count < RELEASE_HEAD_BYTES) return false;
    release->index = le_get_u32(bytes);
    release->count = le_get_u32(bytes + 4);
    release->path_count = le_get_u32(bytes + 8);
    memcpy(release->events.bytes, bytes + 12, HASH_BYTES);
    if (release->path_count > PROOF_PATH_MAX ||
        !proof_release_leaf_get(bytes + RELEASE_HEAD_BYTES, byte_count - RELEASE_HEAD_BYTES,
                                release))
        return false;
    const size_t fixed = RELEASE_HEAD_BYTES + release->leaf_bytes;
    if (byte_count != fixed + (size_t)release->path_count * HASH_BYTES) return false;
    memcpy(release->path, bytes + fixed, (size_t)release->path_count * HASH_BYTES);
    return true;
}

/* ---- totals ---- */

static uint8_t *put_i128(uint8_t *at, __int128 value)
{
    at = le_put_u64(at, (uint64_t)value);
    return le_put_u64(at, (uint64_t)((unsigned __int128)value >> 64));
}

static __int128 get_i128(const uint8_t *at)
{
    return (__int128)((unsigned __int128)le_get_u64(at + 8) << 64 | le_get_u64(at));
}

size_t proof_totals_put(const struct proof_totals *totals, uint8_t bytes[PROOF_TOTALS_BYTES_MAX])
{
    ASSERT(totals->count <= PROOF_ASSETS_MAX);
    uint8_t *at = le_put_u32(bytes, totals->count);
    for (uint32_t i = 0; i < totals->count; i++) {
        const struct proof_total *total = &totals->assets[i];
        at = le_put_u16(at, total->asset);
        at = put_i128(at, total->users);
        at = put_i128(at, total->fees);
        at = put_i128(at, total->rounding);
        at = put_i128(at, total->in_flight);
        at = put_i128(at, total->external);
        if (totals->has_house) at = put_i128(at, total->house);
    }
    return (size_t)(at - bytes);
}

bool proof_totals_get(const uint8_t *bytes, size_t byte_count, struct proof_totals *totals)
{
    if (byte_count < 4) return false;
    totals->count = le_get_u32(bytes);
    if (totals->count > PROOF_ASSETS_MAX) return false;
    totals->has_house = byte_count == 4 + (size_t)totals->count * PROOF_TOTAL_BYTES;
    const size_t total_bytes = totals->has_house ? PROOF_TOTAL_BYTES : PROOF_TOTAL_BYTES_OLD;
    if (byte_count != 4 + totals->count * total_bytes) return false;
    const uint8_t *at = bytes + 4;
    for (uint32_t i = 0; i < totals->count; i++, at += total_bytes) {
        totals->assets[i] = (struct proof_total){
            .asset = le_get_u16(at),
            .users = get_i128(at + 2),
            .fees = get_i128(at + 18),
            .rounding = get_i128(at + 34),
            .in_flight = get_i128(at + 50),
            .external = get_i128(at + 66),
            .house = totals->has_house ? get_i128(at + 82) : 0,
        };
        if (totals->assets[i].asset != i) return false;
    }
    return true;
}
