#include "gateway/request.h"

#include "common/parameter.h"

#include <string.h>

#define MICROSECONDS_FROM 1000000000000000u /* times from 10^15 on are in us */
#define SYMBOL_LETTERS    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
#define SYMBOLS_RANGE     "^\\[(\"[A-Z0-9-_.]{1,20}\",?)+\\]$"

bool request_admits(const struct facts *facts)
{
    const struct progress *progress = facts->progress;
    if (atomic_load_explicit(&progress->stuck, memory_order_relaxed) != 0) return false;
    /* In this order: what is certified was sealed. */
    const uint64_t certified =
        atomic_load_explicit(&progress->certified_height, memory_order_acquire);
    const uint64_t sealed = atomic_load_explicit(&progress->sealed_height, memory_order_acquire);
    return sealed - certified <= facts->params->uncertified_blocks_max || sealed < certified;
}

void request_members(const struct facts *facts, struct node_set *set)
{
    const struct members *members = view_members(facts->view);
    uint64_t height = facts->blocks->height + 1, since;
    /* Restored, and no block has come yet. */
    if (height < members->base_height) height = members->base_height;
    const bool known = members_at(members, height, set, &since);
    ASSERT(known);
}

struct printing request_printing(const struct request *request, const struct facts *facts)
{
    return (struct printing){facts->params, request->time_unit_ns, facts->view};
}

enum outcome request_refuse(struct request *request, enum reject reject, const char *first,
                            const char *second)
{
    request->refusal = refusal_of(reject, first, second);
    return OUTCOME_REFUSED;
}

bool request_market(struct request *request, const struct facts *facts, uint16_t *market)
{
    return intent_market(request->form, facts->params, market, &request->refusal);
}

/* Reads one element of the array; moves *at past it. False when it is none, or no symbol may be written so. */
static bool read_symbol(const char **at, const char **symbol, size_t *symbol_bytes)
{
    if (**at != '"') return false;
    *symbol = *at + 1;
    *symbol_bytes = strspn(*symbol, SYMBOL_LETTERS);
    if (*symbol_bytes == 0 || *symbol_bytes > MARKET_SYMBOL_BYTES) return false;
    if ((*symbol)[*symbol_bytes] != '"') return false;
    *at = *symbol + *symbol_bytes + 1;
    return true;
}

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static bool read_symbols(struct request *request, const struct facts *facts, const char *text,
                         uint16_t *markets, uint32_t *count)
{
    const char *symbol;
    size_t symbol_bytes;
    bool seen[PARAMS_MARKETS_LIMIT] = {false};
    const char *at = skip_spaces(text);
    bool more = *at == '[';
    *count = 0;
    while (more) {
        at = skip_spaces(at + 1);
        if (!read_symbol(&at, &symbol, &symbol_bytes)) break;
        const int market = params_find_market(facts->params, symbol, symbol_bytes);
        if (market < 0)
            return parameter_refuse(&request->refusal, REJECT_UNKNOWN_MARKET, NULL, NULL);
        if (seen[market])
            return parameter_refuse(&request->refusal, REJECT_SYMBOL_TWICE, NULL, NULL);
        seen[market] = true;
        markets[(*count)++] = (uint16_t)market;
        at = skip_spaces(at);
        more = *at == ',';
    }
    if (*count > 0 && !more && *at == ']' && *skip_spaces(at + 1) == 0) return true;
    return parameter_refuse(&request->refusal, REJECT_ILLEGAL_CHARACTERS, "symbols", SYMBOLS_RANGE);
}

bool request_markets(struct request *request, const struct facts *facts, uint16_t *markets,
                     uint32_t *count, bool *single)
{
    const struct form_field *list;
    *single = form_find(request->form, "symbol") != NULL;
    if (!parameter_optional(request->form, "symbols", &list, &request->refusal)) return false;
    if (*single && list != NULL)
        return parameter_refuse(&request->refusal, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    if (*single) {
        *count = 1;
        return request_market(request, facts, &markets[0]);
    }
    if (list != NULL) return read_symbols(request, facts, list->value, markets, count);
    *count = facts->params->market_count;
    for (uint16_t market = 0; market < facts->params->market_count; market++)
        markets[market] = market;
    return true;
}

static bool begins_with(const struct request *request, const char *prefix)
{
    const size_t prefix_bytes = strlen(prefix);
    return request->path_bytes >= prefix_bytes && memcmp(request->path, prefix, prefix_bytes) == 0;
}

static bool is_path(const struct request *request, const char *path)
{
    return request->path_bytes == strlen(path) && begins_with(request, path);
}

/* The field, or NULL. Whether a handler has read it stays as it is. */
static const struct form_field *look_at(const struct form *form, const char *name)
{
    const uint64_t read = *form->found;
    const struct form_field *field = form_find(form, name);
    *form->found = read;
    return field;
}

/* What ccxt says twice: in a word of its own, and in the API's parameter. */
struct said_twice {
    const struct form_field *word, *meant;
    int64_t tick_units; /* of the market, in units of 10^-decimals */
    int decimals;
};

static bool is_same_text(const struct said_twice *said)
{
    return strcmp(said->word->value, said->meant->value) == 0;
}

/* Reads as many decimals as there are to be; `has_rest`: more follow that are not zero. */
static bool read_cut(const struct form_field *field, int decimals, int64_t *units, bool *has_rest)
{
    const char *text = field->value;
    const enum decimal_result whole = decimal_parse(text, field->value_bytes, decimals, units);
    *has_rest = whole == DECIMAL_TOO_PRECISE;
    if (!*has_rest) return whole == DECIMAL_OK;
    const size_t point = strcspn(text, ".");
    const size_t cut = decimals == 0 ? point : point + 1 + (size_t)decimals;
    return decimal_parse(text, cut, decimals, units) == DECIMAL_OK;
}

/* The word is as the client gave it; the parameter was rounded to the tick, or cut to it: they are less than one apart. */
static bool is_same_price(const struct said_twice *said)
{
    int64_t word, meant;
    bool word_goes_on, goes_on;
    if (!read_cut(said->word, said->decimals, &word, &word_goes_on)) return false;
    if (!read_cut(said->meant, said->decimals, &meant, &goes_on) || goes_on) return false;
    return meant - word < said->tick_units + word_goes_on && word - meant < said->tick_units;
}

/* In percent what the parameter has in its hundredths. */
static bool is_same_part(const struct said_twice *said)
{
    int64_t word, meant;
    return decimal_parse(said->word->value, said->word->value_bytes, 2, &word) == DECIMAL_OK &&
           decimal_parse(said->meant->value, said->meant->value_bytes, 0, &meant) == DECIMAL_OK &&
           word == meant;
}

static bool is_same_kind(const struct said_twice *said)
{
    const bool stops_loss = strncmp(said->meant->value, "STOP_LOSS", 9) == 0;
    const bool takes_profit = strncmp(said->meant->value, "TAKE_PROFIT", 11) == 0;
    return (stops_loss && strcmp(said->word->value, "stopLoss") == 0) ||
           (takes_profit && strcmp(said->word->value, "takeProfit") == 0);
}

/* What it calls postOnly is a type of its own. */
static bool is_same_maker(const struct said_twice *said)
{
    const bool is_maker = strcmp(said->meant->value, "LIMIT_MAKER") == 0;
    return strcmp(said->word->value, is_maker ? "true" : "false") == 0;
}

/* Over the WebSocket API ccxt sends an order's parameters in its own words beside the API's, into which it has put them: such
 * a word says nothing where the parameter that it stands for says the same. That one has been read, or is itself refused. */
static void pass_over_words_of_ccxt(const struct form *form, const struct params *params)
{
    static const struct {
        const char *word, *meant;
        const char *type; /* that orders have for which it is said: what it begins with */
        bool (*agrees)(const struct said_twice *said);
    } words[] = {{"clientOrderId", "newClientOrderId", "", is_same_text},
                 {"triggerPrice", "stopPrice", "", is_same_price},
                 {"stopLossPrice", "stopPrice", "STOP_LOSS", is_same_price},
                 {"takeProfitPrice", "stopPrice", "TAKE_PROFIT", is_same_price},
                 {"trailingTriggerPrice", "stopPrice", "", is_same_price},
                 {"trailingPercent", "trailingDelta", "", is_same_part},
                 {"cost", "quoteOrderQty", "", is_same_price},
                 {"stopLossOrTakeProfit", "type", "", is_same_kind},
                 {"postOnly", "type", "", is_same_maker}};
    const struct form_field *symbol = look_at(form, "symbol"), *type = look_at(form, "type");
    const int index = params_find_market(params, symbol->value, symbol->value_bytes);
    ASSERT(index >= 0);
    const struct market *market = &params->markets[index];
    struct said_twice said = {.tick_units = market->tick_units,
                              .decimals = params->assets[market->quote].decimals};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        said.word = look_at(form, words[i].word);
        said.meant = look_at(form, words[i].meant);
        if (said.word != NULL && said.meant != NULL && words[i].agrees(&said) &&
            strncmp(type->value, words[i].type, strlen(words[i].type)) == 0)
            (void)form_find(form, words[i].word);
    }
}

/* An order that its handler has read: its symbol and its type are good. */
static bool places_order(const struct request *request)
{
    return request->method == METHOD_POST &&
           (is_path(request, "/api/v3/order") || is_path(request, "/api/v3/order/test"));
}

/* Who asks, when, and how he is answered are no parameters of a handler; clients send them where they say nothing, too. */
bool request_is_read(struct request *request, const struct facts *facts)
{
    static const char *const others[] = {"timestamp", "recvWindow", "signature",       "apiKey",
                                         "operator",  "nonce",      "returnRateLimits"};
    const struct form *form = request->form;
    char read[DECIMAL_TEXT_MAX + 1], sent[DECIMAL_TEXT_MAX + 1];
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        (void)form_find(form, others[i]);
    if (form_unread(form) > 0 && places_order(request))
        pass_over_words_of_ccxt(form, facts->params);
    const uint32_t unread = form_unread(form);
    if (unread == 0 || (!begins_with(request, "/api/v3/") && !begins_with(request, "/quorex/v1/")))
        return true;
    read[decimal_format(form->field_count - unread, 0, read)] = 0;
    sent[decimal_format(form->field_count, 0, sent)] = 0;
    return parameter_refuse(&request->refusal, REJECT_PARAMETERS_UNREAD, read, sent);
}

bool request_u64(struct request *request, const char *name, uint64_t *value, bool *is_sent)
{
    const struct form_field *field;
    if (!parameter_optional(request->form, name, &field, &request->refusal)) return false;
    if (is_sent != NULL) *is_sent = field != NULL;
    return field == NULL || parameter_u64(field, value, &request->refusal);
}

bool request_path_u64(struct request *request, const char *name, uint64_t *value)
{
    const struct auth_piece *piece = &request->path_value;
    const size_t count = piece->byte_count;
    bool good = count > 0 && count <= 19 && (count == 1 || piece->bytes[0] != '0');
    *value = 0;
    for (size_t at = 0; good && at < count; at++) {
        good = piece->bytes[at] >= '0' && piece->bytes[at] <= '9';
        *value = *value * 10 + (uint64_t)(piece->bytes[at] - '0');
    }
    return good || parameter_refuse(&request->refusal, REJECT_DATA, name, NULL);
}

bool request_limit(struct request *request, uint32_t limit_default, uint32_t limit_max,
                   uint32_t *limit)
{
    uint64_t value = limit_default;
    if (!request_u64(request, "limit", &value, NULL)) return false;
    if (value == 0) return parameter_refuse(&request->refusal, REJECT_DATA, "limit", NULL);
    *limit = value > limit_max ? limit_max : (uint32_t)value;
    return true;
}

/* A time in ms or us; one beyond what 64 bits of ns hold is as late as can be. */
static uint64_t time_ns(uint64_t value)
{
    const uint64_t unit = value >= MICROSECONDS_FROM ? 1000 : 1000000;
    return value > INT64_MAX / unit ? (uint64_t)INT64_MAX : value * unit;
}

bool request_range(struct request *request, uint64_t *start_ns, bool *has_start, uint64_t *end_ns,
                   bool *has_end)
{
    uint64_t start = 0, end = 0;
    if (!request_u64(request, "startTime", &start, has_start)) return false;
    if (!request_u64(request, "endTime", &end, has_end)) return false;
    *start_ns = *has_start ? time_ns(start) : 0;
    /* A millisecond is meant as a whole. */
    const uint64_t rest = end >= MICROSECONDS_FROM ? 999 : 999999;
    *end_ns = *has_end ? time_ns(end) : (uint64_t)INT64_MAX;
    if (*has_end && *end_ns < (uint64_t)INT64_MAX - rest) *end_ns += rest;
    return true;
}

enum outcome request_read(struct request *request, const struct reading *reading,
                          enum outcome (*resume)(struct request *request,
                                                 const struct facts *facts))
{
    request->reading = *reading;
    request->resume = resume;
    return OUTCOME_READING;
}

void request_put_balances(struct request *request, const struct facts *facts, bool omit_zero)
{
    struct writer *json = &request->json;
    writer_key(json, "balances");
    writer_array(json);
    for (uint16_t asset = 0; asset < facts->params->asset_count; asset++) {
        const struct view_balance balance = view_balance(facts->view, request->account, asset);
        if (omit_zero && balance.available.units == 0 && balance.held.units == 0) continue;
        const int decimals = facts->params->assets[asset].decimals;
        writer_object(json);
        writer_key_string(json, "asset", facts->params->assets[asset].symbol);
        writer_key_decimal(json, "free", balance.available.units, decimals);
        writer_key_decimal(json, "locked", balance.held.units, decimals);
        writer_object_end(json);
    }
    writer_array_end(json);
}
