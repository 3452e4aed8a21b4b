#include "gateway/market_choice.h"

#include "common/parameter.h"

static const struct parameter_word statuses[] = {
    {"TRADING", MARKET_TRADING},
    {"HALT", MARKET_HALT},
    {"BREAK", MARKET_BREAK},
};

bool market_choice_read_status(struct request *request, uint8_t *status)
{
    *status = 0;
    return parameter_optional_word(request->form, "symbolStatus", statuses,
                                   sizeof(statuses) / sizeof(statuses[0]), REJECT_SYMBOL_STATUS,
                                   status, &request->refusal);
}

static bool has_status(const struct facts *facts, uint16_t market, uint8_t status)
{
    return status == 0 || facts->params->markets[market].status == status;
}

bool market_choice_status(struct request *request, const struct facts *facts, uint16_t market)
{
    uint8_t status;
    if (!market_choice_read_status(request, &status)) return false;
    if (has_status(facts, market, status)) return true;
    return parameter_refuse(&request->refusal, REJECT_STATUS_MISMATCH, NULL, NULL);
}

bool market_choice_read(struct request *request, const struct facts *facts,
                        struct market_choice *choice)
{
    uint8_t status;
    uint32_t named;
    if (!request_markets(request, facts, choice->markets, &named, &choice->is_single)) return false;
    choice->asked_count = named;
    choice->is_all = !choice->is_single && form_find(request->form, "symbols") == NULL;
    choice->count = named;
    if (choice->is_single) return market_choice_status(request, facts, choice->markets[0]);
    if (!market_choice_read_status(request, &status)) return false;
    choice->count = 0;
    for (uint32_t index = 0; index < named; index++)
        if (has_status(facts, choice->markets[index], status))
            choice->markets[choice->count++] = choice->markets[index];
    return true;
}
