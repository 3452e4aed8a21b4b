#include "tests/golden/story.h"

void story_put_id(uint8_t field[36], const char *id)
{
    memset(field, 0, 36);
    memcpy(field, id, strnlen(id, 36));
}

/* What the words say beside the command's own fields. */
struct wish {
    bool market;
    bool stop;
    bool profit;
    bool maker;
    bool typed;
    bool forced;
};

static bool is_number(const char *word)
{
    return word != NULL && word[word[0] == '-'] >= '0' && word[word[0] == '-'] <= '9';
}

static uint8_t type_of(const struct order_place_command *place, const struct wish *wish)
{
    const bool priced = place->price.ticks != 0;
    if (wish->market) return MARKET;
    if (wish->stop) return priced ? STOP_LOSS_LIMIT : STOP_LOSS;
    if (wish->profit) return priced ? TAKE_PROFIT_LIMIT : TAKE_PROFIT;
    return wish->maker ? LIMIT_MAKER : LIMIT;
}

static bool has_own_force(uint8_t type)
{
    return type == LIMIT || type == STOP_LOSS_LIMIT || type == TAKE_PROFIT_LIMIT;
}

/* One word without a value; false: it is none of them. */
static bool flag_read(const char *word, struct order_place_command *place, struct wish *wish)
{
    static const char *const forces[] = {"", "gtc", "ioc", "fok"};
    for (uint8_t force = GTC; force <= FOK; force++) {
        if (!story_is(word, forces[force])) continue;
        place->time_in_force = force;
        wish->forced = true;
        return true;
    }
    if (!story_is(word, "maker")) return false;
    wish->maker = true;
    return true;
}

/* A word and its value; false: it is none of them. */
static bool value_read(const struct story *story, char **words, struct order_place_command *place,
                       struct wish *wish)
{
    const char *name = words[0], *value = words[1];
    if (story_is(name, "@"))
        place->price.ticks = story_number(story, value);
    else if (story_is(name, "for"))
        place->quote_qty.units = story_number(story, value);
    else if (story_is(name, "trailing"))
        place->trailing_delta = (uint32_t)story_number(story, value);
    else if (story_is(name, "showing"))
        place->iceberg_qty.lots = story_number(story, value);
    else if (story_is(name, "session"))
        place->session = (uint32_t)story_number(story, value);
    else if (story_is(name, "self"))
        place->self_trade = story_self_trade(story, value);
    else if (story_is(name, "side"))
        place->side = (uint8_t)story_number(story, value);
    else if (story_is(name, "as") && value != NULL)
        story_put_id(place->client_id, value);
    else if (story_is(name, "type")) {
        place->type = (uint8_t)story_number(story, value);
        wish->typed = true;
    } else if (story_is(name, "force")) {
        place->time_in_force = (uint8_t)story_number(story, value);
        wish->forced = true;
    } else
        return false;
    return true;
}

/* stop or profit, and its price if there is one; returns how many words that were. */
static int stop_read(const struct story *story, char **words, struct order_place_command *place,
                     struct wish *wish)
{
    const bool stop = story_is(words[0], "stop"), profit = story_is(words[0], "profit");
    if (!stop && !profit) return 0;
    wish->stop = stop;
    wish->profit = profit;
    if (!is_number(words[1])) return 1;
    place->stop_price.ticks = story_number(story, words[1]);
    return 2;
}

static char **terms_read(const struct story *story, char **words, struct order_place_command *place,
                         struct wish *wish, uint8_t *list_id)
{
    while (*words != NULL && !story_is(*words, "and")) {
        const int stop = stop_read(story, words, place, wish);
        if (stop > 0) {
            words += stop;
        } else if (flag_read(*words, place, wish)) {
            words++;
        } else if (list_id != NULL && story_is(*words, "list-id") && words[1] != NULL) {
            story_put_id(list_id, words[1]);
            words += 2;
        } else if (value_read(story, words, place, wish)) {
            words += 2;
        } else {
            story_unreadable(story, *words);
        }
    }
    return words;
}

char **story_order(const struct story *story, char **words, struct order_place_command *place,
                   uint8_t *list_id)
{
    struct wish wish = {.market = story_is(words[1], "market")};
    if (!story_is(words[0], "buys") && !story_is(words[0], "sells"))
        story_unreadable(story, words[0]);
    place->side = story_is(words[0], "buys") ? BUY : SELL;
    words += wish.market ? 2 : 1;
    if (!story_is(*words, "for")) place->qty.lots = story_number(story, *words++);
    words = terms_read(story, words, place, &wish, list_id);
    if (!wish.typed) place->type = type_of(place, &wish);
    if (!wish.forced && has_own_force(place->type)) place->time_in_force = GTC;
    return words;
}
