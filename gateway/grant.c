#include "gateway/grant.h"

#include "common/le.h"

#include <string.h>

#define TAG_BYTES 16
#define MS_NS     1000000u

static const char request_tag[TAG_BYTES] = "quorex/read/1";
static const char grant_tag[TAG_BYTES] = "quorex/grant/1";

void grant_request_put(hash_t chain_id, uint64_t time_ms, const char *target, size_t target_bytes,
                       uint8_t bytes[GRANT_REQUEST_BYTES])
{
    const hash_t hash = hash_of(target, target_bytes);
    uint8_t *at = le_put_bytes(bytes, request_tag, TAG_BYTES);
    at = le_put_bytes(at, chain_id.bytes, HASH_BYTES);
    at = le_put_u64(at, time_ms);
    (void)le_put_bytes(at, hash.bytes, HASH_BYTES);
}

void grant_put(hash_t chain_id, const uint8_t auditor[PUBLIC_KEY_BYTES], uint64_t expiry_ms,
               uint8_t bytes[GRANT_BYTES])
{
    uint8_t *at = le_put_bytes(bytes, grant_tag, TAG_BYTES);
    at = le_put_bytes(at, chain_id.bytes, HASH_BYTES);
    at = le_put_bytes(at, auditor, PUBLIC_KEY_BYTES);
    (void)le_put_u64(at, expiry_ms);
}

/* Decimal digits and a terminator; returns their count. */
static size_t number_text(uint64_t value, char text[21])
{
    char digits[20];
    size_t count = 0, used = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0)
        text[used++] = digits[--count];
    text[used] = '\0';
    return used;
}

size_t grant_text(const uint8_t operator_key[SECRET_KEY_BYTES], hash_t chain_id,
                  const uint8_t auditor[PUBLIC_KEY_BYTES], uint64_t expiry_ms,
                  char text[GRANT_TEXT_MAX + 1])
{
    uint8_t bytes[GRANT_BYTES], signature[SIGNATURE_BYTES];
    grant_put(chain_id, auditor, expiry_ms, bytes);
    hash_sign(operator_key, bytes, sizeof(bytes), signature);
    size_t used = 2 * PUBLIC_KEY_BYTES;
    hash_hex(operator_key + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES, text);
    text[used++] = '.';
    used += number_text(expiry_ms, text + used);
    text[used++] = '.';
    hash_hex(signature, sizeof(signature), text + used);
    return used + 2 * sizeof(signature);
}

/* Digits without a sign or a leading zero. */
static bool read_number(const char *text, size_t text_bytes, uint64_t *value)
{
    *value = 0;
    if (text_bytes == 0 || text_bytes > 19 || (text_bytes > 1 && text[0] == '0')) return false;
    for (size_t at = 0; at < text_bytes; at++) {
        if (text[at] < '0' || text[at] > '9') return false;
        *value = *value * 10 + (uint64_t)(text[at] - '0');
    }
    return true;
}

static bool refuse(struct refusal *refusal, enum reject reject)
{
    *refusal = refusal_of(reject, NULL, NULL);
    return false;
}

/* Whether `key` signed this request, now. */
static bool check_signature(const struct grant_request *request, hash_t chain_id,
                            uint8_t key[PUBLIC_KEY_BYTES], uint64_t now_ns, struct refusal *refusal)
{
    uint8_t bytes[GRANT_REQUEST_BYTES], signature[SIGNATURE_BYTES];
    uint64_t time_ms;
    const uint64_t now_ms = now_ns / MS_NS;
    if (request->key.bytes == NULL || request->time.bytes == NULL ||
        request->signature.bytes == NULL)
        return refuse(refusal, REJECT_READER_UNSIGNED);
    if (!hash_from_hex(request->key.bytes, request->key.byte_count, key, PUBLIC_KEY_BYTES) ||
        !read_number(request->time.bytes, request->time.byte_count, &time_ms) ||
        !hash_from_hex(request->signature.bytes, request->signature.byte_count, signature,
                       sizeof(signature)))
        return refuse(refusal, REJECT_READER_UNSIGNED);
    if (time_ms + GRANT_WINDOW_MS < now_ms || time_ms > now_ms + GRANT_WINDOW_MS)
        return refuse(refusal, REJECT_READER_SIGNATURE);
    grant_request_put(chain_id, time_ms, request->target.bytes, request->target.byte_count, bytes);
    return hash_verify(key, bytes, sizeof(bytes), signature) ||
           refuse(refusal, REJECT_READER_SIGNATURE);
}

/* Voter or standby; the same time for every key. */
static bool is_member(const struct node_set *members, const uint8_t key[PUBLIC_KEY_BYTES])
{
    bool found = false;
    for (uint32_t index = 0; index < members->count; index++)
        found |= sodium_memcmp(members->members[index].public_key, key, PUBLIC_KEY_BYTES) == 0;
    return found;
}

static bool is_operator(const struct genesis *genesis, const uint8_t key[PUBLIC_KEY_BYTES])
{
    bool found = false;
    for (uint32_t index = 0; index < genesis->operator_count; index++)
        found |= sodium_memcmp(genesis->operators[index], key, PUBLIC_KEY_BYTES) == 0;
    return found;
}

/* Whether an operator lets `auditor` read until later than now. */
static bool check_grant(const struct auth_piece *grant, const struct genesis *genesis,
                        hash_t chain_id, const uint8_t auditor[PUBLIC_KEY_BYTES], uint64_t now_ns)
{
    uint8_t operator_key[PUBLIC_KEY_BYTES], signature[SIGNATURE_BYTES], bytes[GRANT_BYTES];
    uint64_t expiry_ms;
    const size_t key_digits = 2 * PUBLIC_KEY_BYTES, signature_digits = 2 * SIGNATURE_BYTES;
    if (grant->byte_count < key_digits + signature_digits + 3) return false;
    const char *expiry = grant->bytes + key_digits + 1;
    const size_t expiry_digits = grant->byte_count - key_digits - signature_digits - 2;
    if (expiry[-1] != '.' || expiry[expiry_digits] != '.') return false;
    if (!hash_from_hex(grant->bytes, key_digits, operator_key, sizeof(operator_key)) ||
        !read_number(expiry, expiry_digits, &expiry_ms) ||
        !hash_from_hex(expiry + expiry_digits + 1, signature_digits, signature, sizeof(signature)))
        return false;
    grant_put(chain_id, auditor, expiry_ms, bytes);
    return is_operator(genesis, operator_key) && expiry_ms > now_ns / MS_NS &&
           hash_verify(operator_key, bytes, sizeof(bytes), signature);
}

bool grant_check(const struct grant_request *request, const struct genesis *genesis,
                 hash_t chain_id, const struct node_set *members, uint64_t now_ns,
                 struct refusal *refusal)
{
    uint8_t key[PUBLIC_KEY_BYTES];
    if (!check_signature(request, chain_id, key, now_ns, refusal)) return false;
    if (is_member(members, key)) return true;
    if (request->grant.bytes == NULL) return refuse(refusal, REJECT_READER_UNKNOWN);
    return check_grant(&request->grant, genesis, chain_id, key, now_ns) ||
           refuse(refusal, REJECT_GRANT);
}
