/* Who may read bodies: members of the node set, and auditors whom an operator lets.
 *
 * A request carries, as headers:
 *
 *     X-Quorex-Key        64 hex digits: the Ed25519 public key that asks
 *     X-Quorex-Time       ms since 1970, at most GRANT_WINDOW_MS from this node's clock
 *     X-Quorex-Signature  128 hex digits: by that key, of the request
 *     X-Quorex-Grant      auditors: operator's public key (64 hex digits) . expiry in ms . signature
 *                         (128 hex digits): by that operator, of the grant
 *
 *     request   tag 16 "quorex/read/1" | chain id 32 | time_ms u64 | SHA-256 of the path with its query,
 *               exactly as sent
 *     grant     tag 16 "quorex/grant/1" | chain id 32 | auditor's public key 32 | expiry_ms u64
 *
 * Tags are padded with zero bytes, numbers are little-endian. A request can be sent again within its window:
 * it reads, and the answer is the same.
 *
 * Owner    pure
 * Cost     one Ed25519 check, two for an auditor; keys are compared in constant time
 */

#ifndef GATEWAY_GRANT_H
#define GATEWAY_GRANT_H

#include "common/node_set.h"
#include "common/reject.h"
#include "gateway/auth.h"

#define GRANT_WINDOW_MS     60000u
#define GRANT_REQUEST_BYTES 88
#define GRANT_BYTES         88
#define GRANT_TEXT_MAX      (2 * PUBLIC_KEY_BYTES + 1 + 20 + 1 + 2 * SIGNATURE_BYTES)

/* What a request says of itself; a piece that is not there has NULL bytes. */
struct grant_request {
    struct auth_piece key, time, signature, grant;
    struct auth_piece target; /* path and query as received */
};

/* What is signed. */
void grant_request_put(hash_t chain_id, uint64_t time_ms, const char *target, size_t target_bytes,
                       uint8_t bytes[GRANT_REQUEST_BYTES]);
void grant_put(hash_t chain_id, const uint8_t auditor[PUBLIC_KEY_BYTES], uint64_t expiry_ms,
               uint8_t bytes[GRANT_BYTES]);

/* The text of an X-Quorex-Grant header, and its terminator; returns its length. `operator_key` is the
 * operator's secret key, whose second half is the public one. */
size_t grant_text(const uint8_t operator_key[SECRET_KEY_BYTES], hash_t chain_id,
                  const uint8_t auditor[PUBLIC_KEY_BYTES], uint64_t expiry_ms,
                  char text[GRANT_TEXT_MAX + 1]);

/* Whether the request may read bodies at `now_ns`. REJECT_READER_UNSIGNED and REJECT_READER_SIGNATURE say
 * that it is not known who asks (401), REJECT_READER_UNKNOWN and REJECT_GRANT that the key may not (403).
 * `members`: the node set that counts. */
MUST_CHECK bool grant_check(const struct grant_request *request, const struct genesis *genesis,
                            hash_t chain_id, const struct node_set *members, uint64_t now_ns,
                            struct refusal *refusal);

#endif /* GATEWAY_GRANT_H */
