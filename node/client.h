/* An HTTP client for our own programs: operators' commands, the demo's accounts and its flow.
 *
 * Owner    one thread; the connection is kept alive between requests
 * Memory   client_new allocates, client_free returns; an answer is good until the next request
 * Limits   an answer of CLIENT_ANSWER_MAX bytes; the rest is a failure
 */

#ifndef NODE_CLIENT_H
#define NODE_CLIENT_H

#include "common/hash.h"
#include "common/status.h"

#define CLIENT_ANSWER_MAX (4 * 1024 * 1024)
#define CLIENT_TEXT_MAX   4096

struct client;

/* What a trader signs with. */
struct client_key {
    char api_key[2 * HASH_BYTES + 1];
    char secret_key[2 * HASH_BYTES + 1];
};

struct client_answer {
    long http_status; /* 0: there was no answer; `body` says why */
    const char *body; /* terminated */
    size_t body_bytes;
    long retry_after_s; /* of a 429 or 418, otherwise 0 */
    bool is_too_long;   /* there was one, longer than CLIENT_ANSWER_MAX */
};

/* `url` is scheme, host and port, without a path. NULL when memory is out. */
struct client *client_new(const char *url);
void client_free(struct client *client);

/* Sends `text` as the query (GET, DELETE) or the form body (POST), with one more header line unless
 * `header` is NULL. */
struct client_answer client_send(struct client *client, const char *method, const char *path,
                                 const char *text, const char *header);

/* As client_send, after adding the timestamp and an HMAC-SHA256 signature to `text`. */
struct client_answer client_send_signed(struct client *client, const char *method, const char *path,
                                        const char *text, const struct client_key *key);

/* As client_send to POST, signed by an operator's Ed25519 key, whose public half X-Quorex-Operator
 * names. */
struct client_answer client_send_operator(struct client *client, const char *path, const char *text,
                                          const uint8_t secret_key[SECRET_KEY_BYTES]);

/* Microseconds since 1970: nonces and timestamps. */
uint64_t client_now_us(void);

#endif /* NODE_CLIENT_H */
