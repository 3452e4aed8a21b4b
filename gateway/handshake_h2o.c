#include "gateway/handshake_h2o.h"

#include <openssl/evp.h>
#include <string.h>

#define KEY_TEXT_BYTES 24 /* base64 of 16 bytes */
#define HTTP_1_1       0x101

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

void handshake_refuse(h2o_req_t *request, int http_status, const char *reason, const char *text)
{
    h2o_send_error_generic(request, http_status, reason, text, H2O_SEND_ERROR_KEEP_HEADERS);
}

/* The field's value, NULL when it is missing. `is_twice`, if it is given more than once, is set. */
static const h2o_iovec_t *find_header(h2o_req_t *request, const char *name, bool *is_twice)
{
    const ssize_t index = h2o_find_header_by_str(&request->headers, name, strlen(name), -1);
    if (index < 0) return NULL;
    if (h2o_find_header_by_str(&request->headers, name, strlen(name), index) >= 0) *is_twice = true;
    return &request->headers.entries[index].value;
}

/* libh2o puts its own name where a request says none. */
static bool has_host(const h2o_req_t *request)
{
    return request->input.authority.base != request->hostconf->authority.hostport.base;
}

/* Whether the key is the base64 of 16 bytes, as it must be. */
static bool is_key(const h2o_iovec_t *key)
{
    uint8_t decoded[KEY_TEXT_BYTES + 1];
    if (key == NULL || key->len != KEY_TEXT_BYTES) return false;
    if (memcmp(key->base + KEY_TEXT_BYTES - 2, "==", 2) != 0) return false;
    return EVP_DecodeBlock(decoded, (const uint8_t *)key->base, KEY_TEXT_BYTES) == 18;
}

static bool answer_key(const h2o_iovec_t *key, char accept[HANDSHAKE_ACCEPT_BYTES + 1])
{
    uint8_t text[KEY_TEXT_BYTES + sizeof(guid) - 1], digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes = 0;
    memcpy(text, key->base, KEY_TEXT_BYTES);
    memcpy(text + KEY_TEXT_BYTES, guid, sizeof(guid) - 1);
    if (EVP_Digest(text, sizeof(text), digest, &digest_bytes, EVP_sha1(), NULL) != 1) return false;
    return EVP_EncodeBlock((uint8_t *)accept, digest, (int)digest_bytes) == HANDSHAKE_ACCEPT_BYTES;
}

bool handshake_check(h2o_req_t *request, char accept[HANDSHAKE_ACCEPT_BYTES + 1])
{
    if (!h2o_memis(request->method.base, request->method.len, H2O_STRLIT("GET"))) {
        handshake_refuse(request, 405, "Method Not Allowed", "WebSocket streams are opened by GET");
        return false;
    }
    if (request->version != HTTP_1_1) {
        handshake_refuse(request, 400, "Bad Request", "WebSocket streams need HTTP/1.1");
        return false;
    }
    if (!has_host(request)) {
        handshake_refuse(request, 400, "Bad Request", "Host is missing");
        return false;
    }
    /* libh2o has looked for the token in Connection. */
    if (!h2o_contains_token(request->upgrade.base, request->upgrade.len, H2O_STRLIT("websocket"),
                            ',')) {
        h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_UPGRADE, NULL,
                       H2O_STRLIT("websocket"));
        handshake_refuse(request, 426, "Upgrade Required", "this address speaks WebSocket");
        return false;
    }
    bool is_twice = false;
    const h2o_iovec_t *version = find_header(request, "sec-websocket-version", &is_twice);
    const h2o_iovec_t *key = find_header(request, "sec-websocket-key", &is_twice);
    if (is_twice) {
        handshake_refuse(request, 400, "Bad Request", "a Sec-WebSocket field is given twice");
        return false;
    }
    if (version == NULL || !h2o_memis(version->base, version->len, H2O_STRLIT("13"))) {
        h2o_add_header_by_str(&request->pool, &request->res.headers,
                              H2O_STRLIT("sec-websocket-version"), 0, NULL, H2O_STRLIT("13"));
        handshake_refuse(request, 426, "Upgrade Required", "WebSocket version 13 is spoken here");
        return false;
    }
    if (!is_key(key) || !answer_key(key, accept)) {
        handshake_refuse(request, 400, "Bad Request",
                         "Sec-WebSocket-Key is not 16 bytes of base64");
        return false;
    }
    return true;
}
