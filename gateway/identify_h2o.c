#include "gateway/identify_h2o.h"

#include "gateway/grant.h"
#include "gateway/route.h"

#include <string.h>

bool identify_header(const h2o_req_t *h2o, const char *name, struct auth_piece *value)
{
    const ssize_t index = h2o_find_header_by_str(&h2o->headers, name, strlen(name), -1);
    if (index < 0) return false;
    const h2o_iovec_t found = h2o->headers.entries[index].value;
    *value = (struct auth_piece){found.base, found.len};
    return true;
}

static void fill_client_id(struct exchange *exchange)
{
    struct server *server = exchange->server;
    if (server->random_used + ADMIT_CLIENT_ID_LETTERS > SERVER_RANDOM_BYTES) {
        randombytes_buf(server->random, sizeof(server->random));
        server->random_used = 0;
    }
    admit_client_id(exchange->request.client_id, server->random + server->random_used);
    server->random_used += ADMIT_CLIENT_ID_LETTERS;
}

/* Key, time, signature, in the order in which clients see them refused. */
static bool authenticate_key(struct exchange *exchange)
{
    struct server *server = exchange->server;
    struct request *request = &exchange->request;
    const enum security security = request->route->security;
    const uint16_t permission = security == SECURITY_TRADE      ? KEY_TRADE
                                : security == SECURITY_WITHDRAW ? KEY_WITHDRAW
                                                                : KEY_READ;
    struct auth_piece text = {NULL, 0};
    uint32_t key_index;
    uint64_t timestamp_ns;
    identify_header(exchange->h2o, "x-mbx-apikey", &text);
    if (!auth_find_key(server->facts.view, text.bytes, text.byte_count, permission, &key_index,
                       &request->refusal) ||
        !intent_deadline(request->form, &timestamp_ns, &request->deadline_ns, &request->refusal))
        return false;
    if (request->payload.signature_count == 0) {
        request->refusal = refusal_of(REJECT_MANDATORY, "signature", NULL);
        return false;
    }
    if (!auth_check_time(timestamp_ns, request->deadline_ns, request->now_ns, &request->refusal))
        return false;
    if (!auth_verify(server->auth, server->facts.view, key_index, &request->payload,
                     &request->proof)) {
        request->refusal = refusal_of(REJECT_SIGNATURE, NULL, NULL);
        return false;
    }
    request->account = view_key(server->facts.view, key_index)->account;
    fill_client_id(exchange);
    return true;
}

static bool authenticate_operator(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct form_field *field = form_find(request->form, "operator");
    struct auth_piece text = {NULL, 0};
    uint8_t public_key[PUBLIC_KEY_BYTES];
    if (!identify_header(exchange->h2o, "x-quorex-operator", &text) &&
        !identify_header(exchange->h2o, "x-mbx-apikey", &text) && field != NULL)
        text = (struct auth_piece){field->value, field->value_bytes};
    request->refusal = refusal_of(REJECT_UNKNOWN_OPERATOR, NULL, NULL);
    if (!hash_from_hex(text.bytes == NULL ? "" : text.bytes, text.byte_count, public_key,
                       sizeof(public_key)))
        return false;
    const struct facts *facts = &exchange->server->facts;
    const bool connectors_too = request->route->security == SECURITY_CONNECTOR;
    if (!auth_verify_operator(facts->genesis, connectors_too ? facts->params : NULL, public_key,
                              &request->payload, &request->proof))
        return false;
    /* The nonce makes a command's text count once; a timestamp may limit it further. A question has no nonce: without
     * a time it would be answered for ever to whoever has seen it. */
    uint64_t timestamp_ns;
    const bool may_go_without = request->method != METHOD_GET;
    return (may_go_without && form_find(request->form, "timestamp") == NULL) ||
           (intent_deadline(request->form, &timestamp_ns, &request->deadline_ns,
                            &request->refusal) &&
            auth_check_time(timestamp_ns, request->deadline_ns, request->now_ns,
                            &request->refusal));
}

/* A node's or an auditor's own key, over the path as it was sent. */
static bool authenticate_reader(struct exchange *exchange)
{
    const struct facts *facts = &exchange->server->facts;
    struct request *request = &exchange->request;
    const h2o_req_t *h2o = exchange->h2o;
    struct grant_request asks = {.target = {h2o->input.path.base, h2o->input.path.len}};
    const struct {
        const char *name;
        struct auth_piece *piece;
    } headers[] = {{"x-quorex-key", &asks.key},
                   {"x-quorex-time", &asks.time},
                   {"x-quorex-signature", &asks.signature},
                   {"x-quorex-grant", &asks.grant}};
    for (size_t index = 0; index < sizeof(headers) / sizeof(headers[0]); index++)
        (void)identify_header(h2o, headers[index].name, headers[index].piece);
    struct node_set members;
    request_members(facts, &members);
    return grant_check(&asks, facts->genesis, facts->chain_id, &members, request->now_ns,
                       &request->refusal);
}

bool identify_asker(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    if (request->route->security == SECURITY_NONE) return true;
    if (request->route->security == SECURITY_READER) return authenticate_reader(exchange);
    request->payload =
        auth_payload_of(request->query, request->query_bytes, request->body, request->body_bytes);
    const bool by_operators = request->route->security == SECURITY_OPERATOR ||
                              request->route->security == SECURITY_CONNECTOR;
    return by_operators ? authenticate_operator(exchange) : authenticate_key(exchange);
}
