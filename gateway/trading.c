#include "gateway/admit.h"
#include "gateway/hall.h"
#include "gateway/oco_shape.h"
#include "gateway/order_batch.h"
#include "gateway/rehearse.h"
#include "gateway/route.h"

#include "common/command_rules.h"
#include "common/parameter.h"

#include <string.h>

/* Orders that have ended, in search of one's name: as many as the engine remembers of an account. Whoever goes round in more
 * names than these finds none of them here. */
#define REPEATS_SEEN_MAX 1000

static bool is_named(const struct view_order *order, const struct order_submit_command *submit)
{
    return order->market == submit->market &&
           memcmp(order->client_id, submit->client_id, sizeof(order->client_id)) == 0;
}

/* Whether the order was placed before under its name: asked for again it places nothing, and has room always. */
static bool is_repeat(const struct request *request, const struct facts *facts)
{
    const struct order_submit_command *submit = &request->intent.order_submit;
    const struct view_order *done = NULL;
    if (request->intent.type != T_ORDER_SUBMIT || (submit->flags & ORDER_TAG_IDEMPOTENT) == 0)
        return false;
    if (view_open_client(facts->view, request->account, submit->market, submit->client_id) != NULL)
        return true;
    for (uint32_t seen = 0; seen < REPEATS_SEEN_MAX; seen++) {
        done = view_next_done(facts->view, request->account, done);
        if (done == NULL) return false;
        if (is_named(done, submit)) return true;
    }
    return false;
}

/* Whether the account may place `count` more orders, by the log's clock. */
static bool has_room(struct request *request, const struct facts *facts, uint32_t count)
{
    static const char *const windows[] = {[TALLY_TEN_SECONDS] = "10 SECOND", [TALLY_DAY] = "1 DAY"};
    const struct view_account *account = view_account(facts->view, request->account);
    const uint64_t now_ns = market_views_now_ns(facts->markets);
    const uint32_t under_way =
        facts->hall == NULL ? 0 : hall_count(facts->hall, HALL_ORDERS, request->account);
    enum order_tally_window full;
    char limit[DECIMAL_TEXT_MAX + 1];
    if (!facts->limits_on ||
        order_tally_has_room(&account->tally, under_way + count, now_ns, &full) ||
        is_repeat(request, facts))
        return true;
    const uint64_t length_ns = order_tally_length_ns(full);
    request->retry_after_s = (uint32_t)((length_ns - now_ns % length_ns) / 1000000000u) + 1;
    limit[decimal_format(order_tally_limit(full), 0, limit)] = 0;
    return parameter_refuse(&request->refusal, REJECT_TOO_MANY_ORDERS, limit, windows[full]);
}

static bool has_newline(const char *text, size_t byte_count)
{
    return byte_count > 0 && memchr(text, '\n', byte_count) != NULL;
}

/* The intent has been read: it becomes the account's command. */
static enum outcome command_of(struct request *request, enum reply_kind kind)
{
    /* A path is not signed: the lines of a batch must not pass for one form. */
    if (has_newline(request->query, request->query_bytes) ||
        has_newline(request->body, request->body_bytes))
        return request_refuse(request, REJECT_ILLEGAL_CHARACTERS, "body", "name=value&name=value");
    admit_account(&request->intent, request->account);
    admit_ids(&request->intent, request->client_id);
    request->reply_kind = kind;
    return OUTCOME_COMMAND;
}

/* The same for one that places `count` orders. */
static enum outcome placing_of(struct request *request, const struct facts *facts,
                               enum reply_kind kind, uint32_t count)
{
    request->order_count = count;
    return has_room(request, facts, count) ? command_of(request, kind) : OUTCOME_REFUSED;
}

static bool read_order(struct request *request, const struct facts *facts)
{
    struct intent *intent = &request->intent;
    if (form_find(request->form, "idempotent") != NULL &&
        !command_rules_allow(facts->params->rules, T_ORDER_SUBMIT))
        return parameter_refuse(&request->refusal, REJECT_RULES, NULL, NULL);
    return intent_order_place(request->form, facts->params, intent, &request->refusal) &&
           intent_response_type(request->form, intent->order_place.type, &request->response,
                                &request->refusal);
}

enum outcome trading_place(struct request *request, const struct facts *facts)
{
    return read_order(request, facts) ? placing_of(request, facts, REPLY_ORDER, 1)
                                      : OUTCOME_REFUSED;
}

static void put_commission(struct writer *json, const char *name, struct fee_tier tier)
{
    writer_key(json, name);
    writer_object(json);
    writer_key_decimal(json, "maker", tier.maker_ppm, 6);
    writer_key_decimal(json, "taker", tier.taker_ppm, 6);
    writer_object_end(json);
}

static void put_test_commission(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const struct view_account *account = view_account(facts->view, request->account);
    put_commission(json, "standardCommissionForOrder", facts->params->tiers[account->tier]);
    put_commission(json, "specialCommissionForOrder", (struct fee_tier){0});
    put_commission(json, "taxCommissionForOrder", (struct fee_tier){0});
    writer_key(json, "discount");
    writer_object(json);
    writer_key_bool(json, "enabledForAccount", false);
    writer_key_bool(json, "enabledForSymbol", false);
    writer_key(json, "discountAsset");
    writer_null(json);
    writer_key_decimal(json, "discount", 0, 8);
    writer_object_end(json);
}

enum outcome trading_test(struct request *request, const struct facts *facts)
{
    const struct form_field *compute;
    if (!read_order(request, facts)) return OUTCOME_REFUSED;
    if (!parameter_optional(request->form, "computeCommissionRates", &compute, &request->refusal))
        return OUTCOME_REFUSED;
    admit_account(&request->intent, request->account);
    const struct order_place_command *order = &request->intent.order_place;
    if (!rehearse_order(order, facts->params, facts->view,
                        market_views_at(facts->markets, order->market), request->now_ns,
                        &request->refusal))
        return OUTCOME_REFUSED;

    writer_object(&request->json);
    if (compute != NULL && strcmp(compute->value, "true") == 0) {
        request->weight = 20;
        put_test_commission(request, facts);
    }
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome trading_cancel(struct request *request, const struct facts *facts)
{
    if (!intent_order_cancel(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return command_of(request, REPLY_CANCEL);
}

enum outcome trading_cancel_all(struct request *request, const struct facts *facts)
{
    if (!intent_cancel_all(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return command_of(request, REPLY_CANCEL_ALL);
}

enum outcome trading_amend(struct request *request, const struct facts *facts)
{
    if (!intent_order_amend(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return command_of(request, REPLY_AMEND);
}

/* Whoever asks here for what only POST /api/v3/order has should not believe that it was heard. */
static bool has_no_repeat(struct request *request)
{
    return parameter_absent(request->form, "idempotent", &request->refusal);
}

enum outcome trading_replace(struct request *request, const struct facts *facts)
{
    struct intent *intent = &request->intent;
    if (!has_no_repeat(request) ||
        !intent_order_replace(request->form, facts->params, intent, &request->refusal) ||
        !intent_response_type(request->form, intent->order_replace.type, &request->response,
                              &request->refusal))
        return OUTCOME_REFUSED;
    return placing_of(request, facts, REPLY_REPLACE, 1);
}

typedef bool list_reader(const struct form *form, const struct params *params,
                         struct intent *intent, struct refusal *refusal);

static enum outcome place_list(struct request *request, const struct facts *facts,
                               list_reader *reader)
{
    if (!has_no_repeat(request) ||
        !reader(request->form, facts->params, &request->intent, &request->refusal) ||
        !intent_response_type(request->form, 0, &request->response, &request->refusal))
        return OUTCOME_REFUSED;
    return placing_of(request, facts, REPLY_LIST,
                      request->intent.list_place.kind == LIST_OTOCO ? 3 : 2);
}

enum outcome trading_oco(struct request *request, const struct facts *facts)
{
    static const struct oco_names names = {"side", "aboveType", "belowType"};
    if (!oco_shape_check(request->form, &names, &request->refusal)) return OUTCOME_REFUSED;
    return place_list(request, facts, intent_list_oco);
}

enum outcome trading_oto(struct request *request, const struct facts *facts)
{
    return place_list(request, facts, intent_list_oto);
}

enum outcome trading_otoco(struct request *request, const struct facts *facts)
{
    static const struct oco_names names = {"pendingSide", "pendingAboveType", "pendingBelowType"};
    if (!oco_shape_check(request->form, &names, &request->refusal)) return OUTCOME_REFUSED;
    return place_list(request, facts, intent_list_otoco);
}

enum outcome trading_old_oco(struct request *request, const struct facts *facts)
{
    return place_list(request, facts, intent_list_old_oco);
}

enum outcome trading_cancel_list(struct request *request, const struct facts *facts)
{
    if (!intent_list_cancel(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return command_of(request, REPLY_LIST_CANCEL);
}

enum outcome trading_switch(struct request *request, const struct facts *facts)
{
    if (!intent_switch_set(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return command_of(request, REPLY_SWITCH);
}

/* Its lines alone say what is done: nothing that stands in the query is dropped. */
static bool query_only_signs(struct request *request)
{
    static const char *const names[] = {"timestamp", "recvWindow", "signature"};
    const struct auth_piece query = {request->query, request->query_bytes};
    if (order_batch_has_gap(&query))
        return parameter_refuse(&request->refusal, REJECT_ILLEGAL_CHARACTERS, "query",
                                "name=value&name=value");
    for (uint32_t field = 0; field < request->form->field_count; field++) {
        const char *name = request->form->fields[field].name;
        size_t known = 0;
        while (known < sizeof(names) / sizeof(names[0]) && strcmp(name, names[known]) != 0)
            known++;
        if (known == sizeof(names) / sizeof(names[0]))
            return parameter_refuse(&request->refusal, REJECT_NOT_REQUIRED, "query", NULL);
    }
    return true;
}

/* The signed text is the query with the body behind it, and no path: what was signed for another request could be cut in
 * two anew. A form has no newline (command_of), so a body that is signed whole and ends with one was signed as lines. */
static bool is_signed_as_lines(struct request *request)
{
    const size_t signed_bytes =
        request->payload.pieces[2].byte_count + request->payload.pieces[3].byte_count;
    if (!query_only_signs(request)) return false;
    if (request->proof.kind != AUTH_HMAC || signed_bytes != request->body_bytes)
        return parameter_refuse(&request->refusal, REJECT_SIGNATURE, NULL, NULL);
    if (request->body[request->body_bytes - 1] != '\n')
        return parameter_refuse(&request->refusal, REJECT_DATA, "body", NULL);
    return true;
}

/* What an Ed25519 key signs goes into the log with each command: it has to be the command's own text. */
enum outcome trading_batch(struct request *request, const struct facts *facts)
{
    (void)facts;
    const uint32_t count = order_batch_count(request->body, request->body_bytes);
    if (count == 0 || count > ORDER_BATCH_ITEMS_MAX)
        return request_refuse(request, REJECT_DATA, "body", NULL);
    if (request->route->security == SECURITY_BATCH && !is_signed_as_lines(request))
        return OUTCOME_REFUSED;
    return OUTCOME_ITEMS;
}

enum outcome trading_admin(struct request *request, const struct facts *facts)
{
    if (!intent_admin(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    const uint16_t type = request->intent.type;
    if (type == T_RULES_SET && request->intent.rules_set.rules > PARAMS_RULES)
        return request_refuse(request, REJECT_RULES, NULL, NULL); /* this build would stop */
    if (!command_rules_allow(facts->params->rules, type))
        return request_refuse(request, REJECT_RULES, NULL, NULL); /* older nodes would */
    if (type == T_CONNECTOR_ADD &&
        auth_signer(facts->genesis, NULL, request->intent.connector_add.public_key) >= 0)
        return request_refuse(request, REJECT_ALREADY_EXISTS, NULL, NULL); /* it would stay one */
    admit_operator(&request->intent,
                   (uint16_t)auth_signer(facts->genesis, facts->params, request->proof.key_id));
    request->reply_kind = REPLY_ADMIN;
    return OUTCOME_COMMAND;
}
