#include "gateway/identify.h"

#include "gateway/admit.h"
#include "gateway/grant.h"
#include "gateway/route.h"

#include "common/intent_key.h"
#include "common/parameter.h"

#include <string.h>

static void fill_client_id(struct desk_question *question)
{
    struct desk *desk = question->desk;
    if (desk->random_used + ADMIT_CLIENT_ID_LETTERS > DESK_RANDOM_BYTES) {
        randombytes_buf(desk->random, sizeof(desk->random));
        desk->random_used = 0;
    }
    admit_client_id(question->request.client_id, desk->random + desk->random_used);
    desk->random_used += ADMIT_CLIENT_ID_LETTERS;
}

/* Whether the key signed what was sent, in either writing: the payload is then the one that it signed. */
static bool verify(struct desk_question *question, uint32_t key_index)
{
    struct desk *desk = question->desk;
    struct request *request = &question->request;
    if (auth_verify(desk->auth, desk->facts.view, key_index, &request->payload, &request->proof))
        return true;
    if (question->encoded == NULL) return false;
    request->payload = *question->encoded;
    return auth_verify(desk->auth, desk->facts.view, key_index, &request->payload, &request->proof);
}

/* Key, time, signature, in the order in which clients see them refused. */
static bool authenticate_key(struct desk_question *question)
{
    struct desk *desk = question->desk;
    struct request *request = &question->request;
    const enum security security = request->route->security;
    const bool trades = security == SECURITY_TRADE || security == SECURITY_BATCH;
    const uint16_t permission = trades                          ? KEY_TRADE
                                : security == SECURITY_WITHDRAW ? KEY_WITHDRAW
                                                                : KEY_READ;
    const struct auth_piece *text = &question->headers[DESK_API_KEY];
    uint32_t key_index;
    uint64_t timestamp_ns;
    if (!auth_find_key(desk->facts.view, text->bytes, text->byte_count, permission, request->ip,
                       &key_index, &request->refusal))
        return false;
    request->account = view_key(desk->facts.view, key_index)->account;
    request->key_index = key_index;
    if (security == SECURITY_USER_STREAM) return true;
    if (!intent_deadline(request->form, &timestamp_ns, &request->deadline_ns, &request->refusal))
        return false;
    if (request->payload.signature_count == 0 && !question->by_session) {
        request->refusal = refusal_of(REJECT_MANDATORY, "signature", NULL);
        return false;
    }
    if (!auth_check_time(timestamp_ns, request->deadline_ns, request->now_ns, &request->refusal))
        return false;
    if (!question->by_session && !verify(question, key_index)) {
        request->refusal = auth_refusal(&request->payload);
        return false;
    }
    request->permissions = view_key(desk->facts.view, key_index)->permissions;
    fill_client_id(question);
    return true;
}

/* Whether the request is signed at all, and of a time that counts. */
static bool is_signed_now(struct request *request)
{
    uint64_t timestamp_ns;
    if (!intent_deadline(request->form, &timestamp_ns, &request->deadline_ns, &request->refusal))
        return false;
    if (request->payload.signature_count == 0) {
        request->refusal = refusal_of(REJECT_MANDATORY, "signature", NULL);
        return false;
    }
    return auth_check_time(timestamp_ns, request->deadline_ns, request->now_ns, &request->refusal);
}

/* The account's own key, named by itself: what is about API keys is not for any of them. */
static bool authenticate_owner(struct desk_question *question)
{
    const struct view *view = question->desk->facts.view;
    struct request *request = &question->request;
    const struct auth_piece *text = &question->headers[DESK_API_KEY];
    if (!auth_find_owner(view, text->bytes, text->byte_count, &request->account,
                         &request->refusal) ||
        !is_signed_now(request))
        return false;
    if (auth_verify_owner(view, request->account, &request->payload, &request->proof)) return true;
    request->refusal = auth_refusal(&request->payload);
    return false;
}

/* Nobody knows the key yet. That its owner has it, and wants an account for it, is all there is to know. */
static bool authenticate_opener(struct desk_question *question)
{
    struct request *request = &question->request;
    const struct form_field *field;
    uint8_t public_key[PUBLIC_KEY_BYTES];
    if (!parameter_mandatory(request->form, "publicKey", &field, &request->refusal) ||
        !intent_key_public(request->form, public_key, &request->refusal) || !is_signed_now(request))
        return false;
    if (auth_verify_public(public_key, &request->payload, &request->proof)) return true;
    request->refusal = auth_refusal(&request->payload);
    return false;
}

static bool authenticate_operator(struct desk_question *question)
{
    struct request *request = &question->request;
    const struct form_field *field = form_find(request->form, "operator");
    struct auth_piece text = question->headers[DESK_OPERATOR];
    uint8_t public_key[PUBLIC_KEY_BYTES];
    if (text.bytes == NULL) text = question->headers[DESK_API_KEY];
    if (text.bytes == NULL && field != NULL)
        text = (struct auth_piece){field->value, field->value_bytes};
    request->refusal = refusal_of(REJECT_UNKNOWN_OPERATOR, NULL, NULL);
    if (!hash_from_hex(text.bytes == NULL ? "" : text.bytes, text.byte_count, public_key,
                       sizeof(public_key)))
        return false;
    const struct facts *facts = &question->desk->facts;
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
static bool authenticate_reader(struct desk_question *question)
{
    const struct facts *facts = &question->desk->facts;
    struct request *request = &question->request;
    const struct grant_request asks = {
        .target = question->target,
        .key = question->headers[DESK_READER_KEY],
        .time = question->headers[DESK_READER_TIME],
        .signature = question->headers[DESK_READER_SIGNATURE],
        .grant = question->headers[DESK_READER_GRANT],
    };
    struct node_set members;
    request_members(facts, &members);
    return grant_check(&asks, facts->genesis, facts->chain_id, &members, request->now_ns,
                       &request->refusal);
}

/* One of the items that a signature covers together. */
static bool follow_principal(struct desk_question *question)
{
    struct request *request = &question->request;
    const struct request *principal = question->principal;
    request->proof = principal->proof;
    request->account = principal->account;
    request->deadline_ns = principal->deadline_ns;
    fill_client_id(question);
    return true;
}

bool identify_asker(struct desk_question *question)
{
    struct request *request = &question->request;
    const enum security security = request->route->security;
    if (security == SECURITY_NONE || security == SECURITY_ITEMS) return true;
    if (question->principal != NULL) return follow_principal(question);
    if (request->route->security == SECURITY_READER) return authenticate_reader(question);
    request->payload = question->payload != NULL
                           ? *question->payload
                           : auth_payload_of(request->query, request->query_bytes, request->body,
                                             request->body_bytes);
    const bool by_operators = request->route->security == SECURITY_OPERATOR ||
                              request->route->security == SECURITY_CONNECTOR;
    if (security == SECURITY_OWNER) return authenticate_owner(question);
    if (security == SECURITY_OPENER) return authenticate_opener(question);
    return by_operators ? authenticate_operator(question) : authenticate_key(question);
}
