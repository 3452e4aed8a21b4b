#include "gateway/market_choice.h"
#include "gateway/reply_ticker.h"
#include "gateway/route.h"
#include "gateway/zone.h"

#include "common/parameter.h"

#define MINUTE_NS          60000000000ull
#define DAY_NS             86400000000000ull
#define WINDOW_SYMBOLS_MAX 100 /* of one request for windows */
#define WINDOW_WEIGHT      4   /* of each, */
#define WINDOW_WEIGHT_MAX  200 /* and of all */

typedef void put_ticker(struct request *request, const struct facts *facts, uint16_t market,
                        bool mini);

/* An object for one symbol, an array otherwise. */
static enum outcome put_tickers(struct request *request, const struct facts *facts,
                                const struct market_choice *choice, bool mini, put_ticker *put)
{
    if (!choice->is_single) writer_array(&request->json);
    for (uint32_t index = 0; index < choice->count; index++)
        put(request, facts, choice->markets[index], mini);
    if (!choice->is_single) writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

static bool read_type(struct request *request, bool *mini)
{
    static const struct parameter_word types[] = {{"FULL", 0}, {"MINI", 1}};
    uint8_t type = 0;
    if (!parameter_optional_word(request->form, "type", types, 2, REJECT_TICKER_TYPE, &type,
                                 &request->refusal))
        return false;
    *mini = type == 1;
    return true;
}

/* ---- of the last 24 hours, and of now ---- */

static void put_day(struct request *request, const struct facts *facts, uint16_t market, bool mini)
{
    const struct printing printing = request_printing(request, facts);
    struct market_view *view = market_views_at(facts->markets, market);
    struct ticker_figures figures;
    ticker_read(&view->ticker, market_views_now_ns(facts->markets), &figures);
    reply_ticker_day(&request->json, &printing, view, &figures, mini);
}

enum outcome ticker_data_day(struct request *request, const struct facts *facts)
{
    struct market_choice choice;
    bool mini;
    if (!read_type(request, &mini) || !market_choice_read(request, facts, &choice))
        return OUTCOME_REFUSED;
    request->weight = choice.is_all || choice.asked_count > 100 ? 80
                      : choice.asked_count > 20                 ? 40
                                                                : 2;
    return put_tickers(request, facts, &choice, mini, put_day);
}

static void put_price(struct request *request, const struct facts *facts, uint16_t market,
                      bool mini)
{
    (void)mini;
    const struct market_view *view = market_views_at(facts->markets, market);
    writer_object(&request->json);
    writer_key_string(&request->json, "symbol", view->symbol);
    reply_price(&request->json, facts->params, market, "price", view->ticker.last);
    writer_object_end(&request->json);
}

static void put_best(struct request *request, const struct facts *facts, uint16_t market, bool mini)
{
    (void)mini;
    const struct printing printing = request_printing(request, facts);
    const struct market_view *view = market_views_at(facts->markets, market);
    writer_object(&request->json);
    writer_key_string(&request->json, "symbol", view->symbol);
    reply_best(&request->json, &printing, market, &view->depth);
    writer_object_end(&request->json);
}

static enum outcome put_now(struct request *request, const struct facts *facts, put_ticker *put)
{
    struct market_choice choice;
    if (!market_choice_read(request, facts, &choice)) return OUTCOME_REFUSED;
    request->weight = choice.is_single ? 2 : 4;
    return put_tickers(request, facts, &choice, false, put);
}

enum outcome ticker_data_price(struct request *request, const struct facts *facts)
{
    return put_now(request, facts, put_price);
}

enum outcome ticker_data_best(struct request *request, const struct facts *facts)
{
    return put_now(request, facts, put_best);
}

/* ---- of a window ---- */

/* The markets of a request for windows, which are never all; it is charged for each of them. */
static bool read_named(struct request *request, const struct facts *facts,
                       struct market_choice *choice)
{
    if (!market_choice_read(request, facts, choice)) return false;
    if (choice->is_all)
        return parameter_refuse(&request->refusal, REJECT_MANDATORY_EITHER, "symbol", "symbols");
    if (choice->asked_count > WINDOW_SYMBOLS_MAX)
        return parameter_refuse(&request->refusal, REJECT_DATA, "symbols", NULL);
    const uint32_t weight = choice->asked_count * WINDOW_WEIGHT;
    request->weight = weight < WINDOW_WEIGHT_MAX ? weight : WINDOW_WEIGHT_MAX;
    return true;
}

/* Where the zone's day began that holds `now_ns`; 1970 had no days before its first. */
static uint64_t day_open(uint64_t now_ns, int64_t zone_ns)
{
    const int64_t into_day =
        ((int64_t)(now_ns % DAY_NS) + zone_ns + (int64_t)DAY_NS) % (int64_t)DAY_NS;
    return now_ns < (uint64_t)into_day ? 0 : now_ns - (uint64_t)into_day;
}

enum outcome ticker_data_trading_day(struct request *request, const struct facts *facts)
{
    const struct printing printing = request_printing(request, facts);
    const uint64_t now_ns = market_views_now_ns(facts->markets);
    struct market_choice choice;
    const struct form_field *zone;
    int64_t zone_ns = 0;
    bool mini;
    if (!parameter_optional(request->form, "timeZone", &zone, &request->refusal) ||
        !read_type(request, &mini) || !read_named(request, facts, &choice))
        return OUTCOME_REFUSED;
    if (zone != NULL && !zone_read(zone->value, zone->value_bytes, &zone_ns))
        return request_refuse(request, REJECT_DATA, "timeZone", NULL);

    const uint64_t from_ns = day_open(now_ns, zone_ns);
    if (!choice.is_single) writer_array(&request->json);
    for (uint32_t index = 0; index < choice.count; index++) {
        const uint16_t market = choice.markets[index];
        struct ticker_figures figures;
        ticker_window(&market_views_at(facts->markets, market)->ticker, now_ns, now_ns - from_ns,
                      &figures);
        figures.close_ns = from_ns + DAY_NS - 1; /* the day's own end */
        reply_ticker_window(&request->json, &printing, market, &figures, mini);
    }
    if (!choice.is_single) writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* 1m to 59m, 1h to 23h, 1d to 7d. */
static bool read_window(struct request *request, uint64_t *window_ns)
{
    static const struct {
        char unit;
        uint64_t count_max;
        uint64_t length_ns;
    } units[] = {{'m', 59, MINUTE_NS}, {'h', 23, 60 * MINUTE_NS}, {'d', 7, DAY_NS}};
    const struct form_field *field;
    *window_ns = DAY_NS;
    if (!parameter_optional(request->form, "windowSize", &field, &request->refusal)) return false;
    if (field == NULL) return true;

    uint64_t count = 0;
    size_t at = 0;
    for (; at < 2 && field->value[at] >= '0' && field->value[at] <= '9'; at++)
        count = count * 10 + (uint64_t)(field->value[at] - '0');
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (field->value_bytes != at + 1 || field->value[at] != units[i].unit) continue;
        if (count == 0 || count > units[i].count_max || field->value[0] == '0') break;
        *window_ns = count * units[i].length_ns;
        return true;
    }
    return parameter_refuse(&request->refusal, REJECT_DATA, "windowSize", NULL);
}

/* Memory has the minutes of one day. What is longer is as many days as a zone has whose midnight is where the window
 * opens, and is put together from the same parts (zone.h). */
static void ask_days(struct request *request, const struct facts *facts, uint16_t market,
                     uint64_t window_ns)
{
    const uint64_t now_ns = market_views_now_ns(facts->markets);
    /* A chain whose log has said nothing yet is at the beginning of 1970. */
    const uint64_t from_ns = now_ns < window_ns ? 0 : (now_ns - window_ns) / MINUTE_NS * MINUTE_NS;
    const int64_t past_midnight = (int64_t)(from_ns % DAY_NS);
    const int64_t zone_ns =
        past_midnight > (int64_t)DAY_NS / 2 ? (int64_t)DAY_NS - past_midnight : -past_midnight;
    struct history_query *query = &request->history;
    *query = (struct history_query){
        .kind = HISTORY_CANDLES,
        .market = market,
        .interval = INTERVAL_1D,
        .limit = (uint32_t)(window_ns / DAY_NS) + 1, /* the rest of a minute may begin one more */
        .start_ns = from_ns,
        .end_ns = INT64_MAX,
        .id_max = INT64_MAX,
    };
    zone_ask(query, zone_ns, market_views_at(facts->markets, market)->series, now_ns);
}

static void put_window(struct request *request, const struct facts *facts, uint16_t market,
                       uint64_t window_ns, bool mini)
{
    const struct printing printing = request_printing(request, facts);
    struct ticker_figures figures;
    ticker_window(&market_views_at(facts->markets, market)->ticker,
                  market_views_now_ns(facts->markets), window_ns, &figures);
    reply_ticker_window(&request->json, &printing, market, &figures, mini);
}

/* Each opens on a minute: up to 59,999 ms earlier than its size. */
static enum outcome put_windows(struct request *request, const struct facts *facts,
                                const struct market_choice *choice, uint64_t window_ns, bool mini)
{
    if (!choice->is_single) writer_array(&request->json);
    for (uint32_t index = 0; index < choice->count; index++)
        put_window(request, facts, choice->markets[index], window_ns, mini);
    if (!choice->is_single) writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome ticker_data_window(struct request *request, const struct facts *facts)
{
    struct market_choice choice;
    uint64_t window_ns;
    bool mini;
    if (!read_window(request, &window_ns) || !read_type(request, &mini) ||
        !read_named(request, facts, &choice))
        return OUTCOME_REFUSED;
    if (window_ns <= TICKER_WINDOW_NS || choice.count == 0)
        return put_windows(request, facts, &choice, window_ns, mini);
    /* History is asked one question a request. */
    if (choice.asked_count > 1)
        return request_refuse(request, REJECT_OPTIONAL_COMBINATION, NULL, NULL);
    ask_days(request, facts, choice.markets[0], window_ns);
    request->history.single = choice.is_single;
    request->history.window = mini ? HISTORY_WINDOW_MINI : HISTORY_WINDOW_FULL;
    return OUTCOME_HISTORY;
}
