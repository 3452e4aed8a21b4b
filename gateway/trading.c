#include "gateway/admit.h"
#include "gateway/route.h"

#include "common/parameter.h"

#include <string.h>

/* An order or a cancel without an id of its own gets the random one. */
static void complete_id(uint8_t client_id[36], const struct request *request)
{
    if (client_id[0] == 0) memcpy(client_id, request->client_id, 36);
}

static bool read_order(struct request *request, const struct facts *facts)
{
    struct intent *intent = &request->intent;
    if (!intent_order_place(request->form, facts->params, intent, &request->refusal) ||
        !intent_response_type(request->form, intent->order_place.type, &request->response,
                              &request->refusal))
        return false;
    admit_account(intent, request->account);
    return true;
}

enum outcome trading_place(struct request *request, const struct facts *facts)
{
    if (!read_order(request, facts)) return OUTCOME_REFUSED;
    complete_id(request->intent.order_place.client_id, request);
    request->reply_kind = REPLY_ORDER;
    return OUTCOME_COMMAND;
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
    const struct order_place_command *order = &request->intent.order_place;
    struct depth_level best = {0};
    const struct depth *depth = &market_views_at(facts->markets, order->market)->depth;
    if (!depth_best(depth, opposite((enum side)order->side), &best)) best.price.ticks = 0;
    if (!admit_test(order, facts->params, facts->view, best.price, &request->refusal))
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
    admit_account(&request->intent, request->account);
    complete_id(request->intent.order_cancel.client_id, request);
    request->reply_kind = REPLY_CANCEL;
    return OUTCOME_COMMAND;
}

enum outcome trading_cancel_all(struct request *request, const struct facts *facts)
{
    if (!intent_cancel_all(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    admit_account(&request->intent, request->account);
    request->reply_kind = REPLY_CANCEL_ALL;
    return OUTCOME_COMMAND;
}

enum outcome trading_admin(struct request *request, const struct facts *facts)
{
    if (!intent_admin(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    for (uint32_t index = 0; index < facts->genesis->operator_count; index++) {
        if (memcmp(facts->genesis->operators[index], request->proof.key_id, 32) == 0)
            admit_operator(&request->intent, (uint16_t)index);
    }
    request->reply_kind = REPLY_ADMIN;
    return OUTCOME_COMMAND;
}
