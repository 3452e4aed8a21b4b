#include "node/client.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A command is answered, or its outcome unknown, after 10 s. */
#define TIMEOUT_S 15

struct client {
    CURL *curl;
    char url[256];
    char error[CURL_ERROR_SIZE];
    char *body;
    size_t body_bytes;
    bool is_too_long;
};

static size_t on_body(char *bytes, size_t item_bytes, size_t item_count, void *context)
{
    struct client *client = context;
    const size_t byte_count = item_bytes * item_count;
    client->is_too_long = byte_count > CLIENT_ANSWER_MAX - client->body_bytes;
    if (client->is_too_long) return 0;
    char *body = realloc(client->body, client->body_bytes + byte_count + 1);
    if (body == NULL) return 0;
    memcpy(body + client->body_bytes, bytes, byte_count);
    client->body = body;
    client->body_bytes += byte_count;
    body[client->body_bytes] = '\0';
    return byte_count;
}

struct client *client_new(const char *url)
{
    struct client *client = calloc(1, sizeof(*client));
    if (client == NULL) return NULL;
    client->curl = curl_easy_init();
    if (client->curl == NULL || strlen(url) >= sizeof(client->url)) {
        client_free(client);
        return NULL;
    }
    memcpy(client->url, url, strlen(url) + 1);
    const size_t length = strlen(url);
    if (length > 0 && url[length - 1] == '/') client->url[length - 1] = '\0';
    return client;
}

void client_free(struct client *client)
{
    if (client == NULL) return;
    curl_easy_cleanup(client->curl);
    free(client->body);
    free(client);
}

static void set_request(struct client *client, const char *method, const char *url,
                        const char *form, struct curl_slist *headers)
{
    CURL *curl = client->curl;
    curl_easy_reset(curl); /* the connection stays */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (form != NULL) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

static struct client_answer perform(struct client *client)
{
    free(client->body);
    client->body = NULL;
    client->body_bytes = 0;
    client->error[0] = '\0';
    client->is_too_long = false;

    const CURLcode code = curl_easy_perform(client->curl);
    if (code != CURLE_OK) {
        if (client->is_too_long)
            snprintf(client->error, sizeof(client->error), "the answer is longer than %d bytes",
                     CLIENT_ANSWER_MAX);
        else if (client->error[0] == '\0')
            snprintf(client->error, sizeof(client->error), "%s", curl_easy_strerror(code));
        return (struct client_answer){.body = client->error,
                                      .body_bytes = strlen(client->error),
                                      .is_too_long = client->is_too_long};
    }
    struct client_answer answer = {.body = client->body == NULL ? "" : client->body,
                                   .body_bytes = client->body_bytes};
    curl_off_t retry_after = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &answer.http_status);
    curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &retry_after);
    answer.retry_after_s = (long)retry_after;
    return answer;
}

struct client_answer client_send(struct client *client, const char *method, const char *path,
                                 const char *text, const char *header)
{
    static const struct client_answer too_long = {.body = "the request is too long"};
    char url[CLIENT_TEXT_MAX + 512];
    const bool post = strcmp(method, "POST") == 0;
    const bool query = !post && text[0] != '\0';
    if (snprintf(url, sizeof(url), "%s%s%s%s", client->url, path, query ? "?" : "",
                 query ? text : "") >= (int)sizeof(url))
        return too_long;

    struct curl_slist *headers = NULL;
    if (header != NULL) headers = curl_slist_append(headers, header);
    set_request(client, method, url, post ? text : NULL, headers);
    const struct client_answer answer = perform(client);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return answer;
}

uint64_t client_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

struct client_answer client_send_signed(struct client *client, const char *method, const char *path,
                                        const char *text, const struct client_key *key)
{
    char full[CLIENT_TEXT_MAX], header[128], hex[2 * crypto_auth_hmacsha256_BYTES + 1];
    uint8_t code[crypto_auth_hmacsha256_BYTES];
    const int length = snprintf(full, sizeof(full) - 128, "%s%stimestamp=%" PRIu64, text,
                                text[0] == '\0' ? "" : "&", client_now_us() / 1000);
    ASSERT(length > 0 && (size_t)length < sizeof(full) - 128);

    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const uint8_t *)key->secret_key, strlen(key->secret_key));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)full, (unsigned long long)length);
    crypto_auth_hmacsha256_final(&state, code);
    hash_hex(code, sizeof(code), hex);
    snprintf(full + length, sizeof(full) - (size_t)length, "&signature=%s", hex);
    snprintf(header, sizeof(header), "X-MBX-APIKEY: %s", key->api_key);
    return client_send(client, method, path, full, header);
}

/* Base64 with the three characters that a form would read otherwise percent-encoded. */
static void put_base64(char *to, size_t capacity, const uint8_t *bytes, size_t byte_count)
{
    char base64[128];
    sodium_bin2base64(base64, sizeof(base64), bytes, byte_count, sodium_base64_VARIANT_ORIGINAL);
    size_t length = 0;
    for (const char *at = base64; *at != '\0' && length + 4 < capacity; at++) {
        if (strchr("+/=", *at) == NULL)
            to[length++] = *at;
        else
            length += (size_t)snprintf(to + length, capacity - length, "%%%02X", (unsigned)*at);
    }
    to[length] = '\0';
}

struct client_answer client_send_operator(struct client *client, const char *path, const char *text,
                                          const uint8_t secret_key[SECRET_KEY_BYTES])
{
    char full[CLIENT_TEXT_MAX], header[128], public_hex[2 * PUBLIC_KEY_BYTES + 1], encoded[300];
    uint8_t signature[SIGNATURE_BYTES];
    hash_sign(secret_key, text, strlen(text), signature);
    put_base64(encoded, sizeof(encoded), signature, sizeof(signature));
    hash_hex(secret_key + SECRET_KEY_BYTES - PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES, public_hex);
    if (snprintf(full, sizeof(full), "%s&signature=%s", text, encoded) >= (int)sizeof(full))
        return (struct client_answer){.body = "the request is too long"};
    snprintf(header, sizeof(header), "X-Quorex-Operator: %s", public_hex);
    return client_send(client, "POST", path, full, header);
}
