/* Plays a script through the engine and compares the whole trace with the one written in it.
 *
 *     # A comment.
 *     ann has 100 coin                 set-up: silent, must succeed
 *     ann sells 3 @ 100                a command; its trace follows, every event of it
 *     | ann 1: sell limit 3 @ 100 gtc, holds 3 coin
 *     | sell level 100: 3 (1)
 *     | ann: 97 coin, 3 held
 *
 * Set-up words, before the first account:   bounds orders N | levels N | accounts N
 *     market prices A..B | lots A..B | lot N | tick N | notional N | orders N
 *     tier MAKER_PPM TAKER_PPM (of tier 0), free NAME (an account of tier 1, which pays no fees)
 * Commands:   NAME buys|sells QTY @ PRICE [gtc|ioc|fok|maker] [as ID] [by TIME]
 *     NAME buys|sells market QTY, NAME buys|sells market for QUOTE
 *     NAME cancels ORDER | CLIENT_ID | ORDER CLIENT_ID [only-new|only-partly], NAME cancels all
 *     NAME gets|gives AMOUNT ASSET, the market halts|breaks|resumes, the time is TIME
 *
 * The engine's invariants are asserted after every command.
 */

#include "common/fee.h"
#include "common/reject.h"
#include "tests/unit/engine/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define WORDS_MAX 16
#define TEXT_MAX  (256 * 1024)

struct story {
    struct world world;
    bool open;
    char names[16][16]; /* by account */
    char expected[TEXT_MAX];
    char actual[TEXT_MAX];
    size_t expected_bytes;
    size_t actual_bytes;
    const char *line; /* in hand, for messages */
};

static void text_add(char *text, size_t *used, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(text + *used, TEXT_MAX - *used, format, arguments);
    va_end(arguments);
    ASSERT(written >= 0 && (size_t)written < TEXT_MAX - *used);
    *used += (size_t)written;
}

#define SAY(story, ...) text_add((story)->actual, &(story)->actual_bytes, __VA_ARGS__)

_Noreturn static void script_bad(const struct story *story)
{
    fprintf(stderr, "cannot read this line: %s\n", story->line);
    exit(2);
}

/* ---- The trace ---- */

static const char *asset_word(uint16_t asset)
{
    return asset == COIN ? "coin" : "usd";
}

static const char *side_word(uint8_t side)
{
    return side == BUY ? "buy" : "sell";
}

static const char *type_word(uint8_t type, uint8_t time_in_force)
{
    if (type == MARKET) return "market";
    if (type == LIMIT_MAKER) return "maker";
    return time_in_force == GTC ? "gtc" : time_in_force == IOC ? "ioc" : "fok";
}

static void say_accepted(struct story *story, const struct event *event)
{
    struct order_accepted_event accepted;
    order_accepted_event_get(event->payload, &accepted);
    SAY(story, "| %s %" PRIu64 ": %s %s", story->names[accepted.account], accepted.order_id,
        side_word(accepted.side), type_word(accepted.type, accepted.time_in_force));
    if (accepted.quote_qty.units != 0)
        SAY(story, " for %" PRId64, accepted.quote_qty.units);
    else
        SAY(story, " %" PRId64, accepted.qty.lots);
    if (accepted.type != MARKET) SAY(story, " @ %" PRId64, accepted.price.ticks);
    if (accepted.client_id[0] != 0) SAY(story, " as %.36s", (const char *)accepted.client_id);
    SAY(story, ", holds %" PRId64 " %s\n", accepted.hold.units, asset_word(accepted.hold_asset));
}

static void say_fill(struct story *story, const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    const struct params *params = engine_params(story->world.engine);
    const struct market *market = &params->markets[fill.market];
    const amount_t quote = market_notional(market, fill.price, fill.qty);
    const amount_t base = market_base_amount(market, fill.qty);
    const bool taker_buys = fill.taker_side == BUY;
    const int64_t taker_fee = fee_of(taker_buys ? base : quote, fill.taker_rate_ppm).charged.units;
    const int64_t maker_fee = fee_of(taker_buys ? quote : base, fill.maker_rate_ppm).charged.units;
    SAY(story,
        "| trade %" PRIu64 " of run %" PRIu64 ": %s %" PRIu64 " %s %" PRId64 " @ %" PRId64
        " with %s %" PRIu64 ", fees %" PRId64 " %s and %" PRId64 " %s\n",
        fill.trade_id, fill.aggregate_id, story->names[fill.taker_account], fill.taker_order,
        taker_buys ? "buys" : "sells", fill.qty.lots, fill.price.ticks,
        story->names[fill.maker_account], fill.maker_order, taker_fee, taker_buys ? "coin" : "usd",
        maker_fee, taker_buys ? "usd" : "coin");
}

static void say_done(struct story *story, const struct event *event)
{
    static const char *const statuses[] = {"",       "new",      "partly filled",
                                           "filled", "canceled", "expired"};
    static const char *const reasons[] = {
        "", "", "", " with all", ", ioc", ", fok", ", no liquidity"};
    struct order_done_event done;
    order_done_event_get(event->payload, &done);
    SAY(story, "| %s %" PRIu64 " %s: %" PRId64 " of %" PRId64 " for %" PRId64 " usd%s\n",
        story->names[done.account], done.order_id, statuses[done.status], done.executed.lots,
        done.qty.lots, done.quote_executed.units, reasons[done.reason]);
}

static void say_level(struct story *story, const struct event *event)
{
    struct level_event level;
    level_event_get(event->payload, &level);
    SAY(story, "| %s level %" PRId64 ": %" PRId64 " (%" PRIu64 ")\n", side_word(level.side),
        level.price.ticks, level.qty.lots, level.update_id);
}

static void say_balance(struct story *story, const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    SAY(story, "| %s: %" PRId64 " %s, %" PRId64 " held\n", story->names[balance.account],
        balance.available.units, asset_word(balance.asset), balance.held.units);
}

static void say_transfer(struct story *story, const struct event *event)
{
    struct credited_event moved; /* a debit has the same fields */
    credited_event_get(event->payload, &moved);
    SAY(story, "| %s %s %" PRId64 " %s\n", story->names[moved.account],
        event->type == T_CREDITED ? "got" : "gave", moved.amount.units, asset_word(moved.asset));
}

static void say_event(struct story *story, const struct event *event)
{
    struct refused_event refused;
    switch (event->type) {
    case T_REFUSED:
    case T_NOOP:
        refused_event_get(event->payload, &refused);
        SAY(story, "| %s: %s\n", event->type == T_NOOP ? "no-op" : "refused",
            reject_name((enum reject)refused.reject));
        break;
    case T_ORDER_ACCEPTED:
        say_accepted(story, event);
        break;
    case T_FILL:
        say_fill(story, event);
        break;
    case T_ORDER_DONE:
        say_done(story, event);
        break;
    case T_LEVEL:
        say_level(story, event);
        break;
    case T_BALANCE:
        say_balance(story, event);
        break;
    case T_CREDITED:
    case T_DEBITED:
        say_transfer(story, event);
        break;
    default:
        SAY(story, "| %s\n", message_name(event->type));
    }
}

static void say_trace(struct story *story)
{
    const uint8_t *at = story->world.events.bytes;
    struct event event;
    while (event_next(&at, story->world.out.at, &event))
        say_event(story, &event);
    ASSERT(at == story->world.out.at);
    ASSERT(engine_check(story->world.engine));
}

/* ---- The script ---- */

static int64_t number_of(const struct story *story, const char *word)
{
    char *end;
    const int64_t number = strtoll(word, &end, 10);
    if (end == word || *end != '\0') script_bad(story);
    return number;
}

static bool is(const char *word, const char *wanted)
{
    return word != NULL && strcmp(word, wanted) == 0;
}

static bool is_number(const char *word)
{
    return word != NULL && word[0] >= '0' && word[0] <= '9';
}

static void story_open(struct story *story)
{
    if (story->open) return;
    world_open(&story->world);
    story->open = true;
}

static uint32_t account_named(struct story *story, const char *name, uint16_t tier)
{
    const uint32_t count = story->open ? engine_counts(story->world.engine).accounts : 0;
    for (uint32_t account = 1; account <= count; account++)
        if (is(story->names[account], name)) return account;
    if (count + 1 >= sizeof(story->names) / sizeof(story->names[0])) script_bad(story);
    story_open(story);
    const uint32_t account = world_account(&story->world, tier, 0, 0);
    snprintf(story->names[account], sizeof(story->names[account]), "%s", name);
    return account;
}

static void set_bound(struct story *story, char **words)
{
    struct params *params = &story->world.genesis.params;
    const uint32_t bound = (uint32_t)number_of(story, words[2]);
    if (is(words[1], "orders"))
        params->orders_max = bound;
    else if (is(words[1], "levels"))
        params->levels_max = bound;
    else if (is(words[1], "accounts"))
        params->accounts_max = bound;
    else
        script_bad(story);
}

static void set_market(struct story *story, char **words)
{
    struct market *market = &story->world.genesis.params.markets[0];
    char *upper = strstr(words[2], "..");
    if (upper != NULL) *upper = '\0';
    const int64_t lower = number_of(story, words[2]);
    const int64_t end = upper == NULL ? 0 : number_of(story, upper + 2);
    if (is(words[1], "prices"))
        market->price_min.ticks = lower, market->price_max.ticks = end;
    else if (is(words[1], "lots"))
        market->qty_min.lots = lower, market->qty_max.lots = end;
    else if (is(words[1], "lot"))
        market->lot_units = lower;
    else if (is(words[1], "tick"))
        market->tick_units = lower;
    else if (is(words[1], "notional"))
        market->notional_min.units = lower;
    else if (is(words[1], "orders"))
        market->account_orders_max = (uint32_t)lower;
    else
        script_bad(story);
    market->units_per_step = market->tick_units * market->lot_units;
}

static bool set_up(struct story *story, char **words)
{
    const bool too_late = story->open; /* genesis has been read */
    if (is(words[0], "bounds") && !too_late) {
        set_bound(story, words);
    } else if (is(words[0], "market") && !too_late) {
        set_market(story, words);
    } else if (is(words[0], "tier") && !too_late) {
        story->world.genesis.params.tiers[0] = (struct fee_tier){
            (int32_t)number_of(story, words[1]), (int32_t)number_of(story, words[2]), {0}};
    } else if (is(words[0], "free")) {
        (void)account_named(story, words[1], 1);
    } else if (is(words[1], "has")) {
        struct credit_command credit = {.account = account_named(story, words[0], 0),
                                        .asset = is(words[3], "coin") ? COIN : USD,
                                        .amount = {number_of(story, words[2])}};
        credit.nonce = ++story->world.nonce;
        ASSERT(world_credit(&story->world, credit) == REJECT_NONE);
    } else {
        return false;
    }
    return true;
}

/* A client id in its field, padded with zero bytes. */
static void put_id(uint8_t field[36], const char *id)
{
    memset(field, 0, 36);
    memcpy(field, id, strnlen(id, 36));
}

/* What may follow an order: gtc ioc fok maker, as ID, by TIME. */
static void place_terms(struct story *story, struct order_place_command *place, char **words)
{
    for (; *words != NULL; words++) {
        if (is(*words, "gtc")) {
            place->time_in_force = GTC;
        } else if (is(*words, "ioc")) {
            place->time_in_force = IOC;
        } else if (is(*words, "fok")) {
            place->time_in_force = FOK;
        } else if (is(*words, "maker")) {
            place->type = LIMIT_MAKER;
        } else if (is(*words, "as") && words[1] != NULL) {
            put_id(place->client_id, *++words);
        } else if (is(*words, "by") && words[1] != NULL) {
            story->world.header.deadline_ns = (uint64_t)number_of(story, *++words);
        } else {
            script_bad(story);
        }
    }
}

static void do_place(struct story *story, char **words)
{
    struct order_place_command place = {.account = account_named(story, words[0], 0),
                                        .side = is(words[1], "buys") ? BUY : SELL,
                                        .type = LIMIT,
                                        .time_in_force = GTC};
    if (is(words[2], "market")) {
        place.type = MARKET;
        if (is(words[3], "for"))
            place.quote_qty.units = number_of(story, words[4]);
        else
            place.qty.lots = number_of(story, words[3]);
        place_terms(story, &place, words + (is(words[3], "for") ? 5 : 4));
    } else {
        if (!is(words[3], "@")) script_bad(story);
        place.qty.lots = number_of(story, words[2]);
        place.price.ticks = number_of(story, words[4]);
        place_terms(story, &place, words + 5);
    }
    (void)world_order_place(&story->world, place);
    story->world.header.deadline_ns = 0;
}

static void do_cancel(struct story *story, char **words)
{
    const uint32_t account = account_named(story, words[0], 0);
    if (is(words[2], "all")) {
        (void)world_cancel_all(&story->world, (struct cancel_all_command){.account = account});
        return;
    }
    struct order_cancel_command cancel = {.account = account};
    for (words += 2; *words != NULL; words++) {
        if (is_number(*words))
            cancel.order_id = (uint64_t)number_of(story, *words);
        else if (is(*words, "only-new"))
            cancel.restriction = CANCEL_ONLY_NEW;
        else if (is(*words, "only-partly"))
            cancel.restriction = CANCEL_ONLY_PARTIALLY_FILLED;
        else
            put_id(cancel.orig_client_id, *words);
    }
    (void)world_order_cancel(&story->world, cancel);
}

static void do_transfer(struct story *story, char **words)
{
    const struct credit_command credit = {.nonce = ++story->world.nonce,
                                          .account = account_named(story, words[0], 0),
                                          .asset = is(words[3], "coin") ? COIN : USD,
                                          .amount = {number_of(story, words[2])}};
    const struct debit_command debit = {credit.nonce, 0, credit.account, credit.asset,
                                        credit.amount};
    if (is(words[1], "gets"))
        (void)world_credit(&story->world, credit);
    else
        (void)world_debit(&story->world, debit);
}

static void do_market(struct story *story, char **words)
{
    struct market_status_command change = {.nonce = ++story->world.nonce};
    change.status = is(words[2], "halts")    ? MARKET_HALT
                    : is(words[2], "breaks") ? MARKET_BREAK
                                             : MARKET_TRADING;
    story_open(story);
    (void)world_market_status(&story->world, change);
}

static void line_play(struct story *story, char **words)
{
    if (set_up(story, words)) return;
    if (is(words[0], "the") && is(words[1], "time")) {
        story->world.stamp_ns = (uint64_t)number_of(story, words[3]);
        return;
    }
    if (is(words[0], "the") && is(words[1], "market"))
        do_market(story, words);
    else if (is(words[1], "buys") || is(words[1], "sells"))
        do_place(story, words);
    else if (is(words[1], "cancels"))
        do_cancel(story, words);
    else if (is(words[1], "gets") || is(words[1], "gives"))
        do_transfer(story, words);
    else
        script_bad(story);
    say_trace(story);
}

static void line_split(char *line, char *words[WORDS_MAX + 1])
{
    int count = 0;
    char *rest = line, *word;
    while ((word = strsep(&rest, " \t\n")) != NULL)
        if (*word != '\0' && count < WORDS_MAX) words[count++] = word;
    words[count] = NULL;
}

static void story_play(struct story *story, FILE *file)
{
    char line[512], copy[512];
    char *words[WORDS_MAX + 1];
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '|') {
            text_add(story->expected, &story->expected_bytes, "%s", line);
            continue;
        }
        SAY(story, "%s", line);
        text_add(story->expected, &story->expected_bytes, "%s", line);
        if (line[0] == '#' || line[0] == '\n') continue;
        memcpy(copy, line, sizeof(copy));
        story->line = line;
        line_split(copy, words);
        line_play(story, words);
    }
}

/* Prints where the two part. */
static bool story_agrees(const struct story *story)
{
    if (strcmp(story->expected, story->actual) == 0) return true;
    size_t at = 0, line = 1, start = 0;
    while (story->expected[at] == story->actual[at]) {
        if (story->expected[at] == '\n') line++, start = at + 1;
        at++;
    }
    const char *expected = story->expected + start, *actual = story->actual + start;
    printf("line %zu\n  expected: %.*s\n  engine:   %.*s\n", line, (int)strcspn(expected, "\n"),
           expected, (int)strcspn(actual, "\n"), actual);
    return false;
}

int main(int argc, char **argv)
{
    static struct story story;
    const char *mode = argc == 3 ? argv[1] : "";
    FILE *file = argc >= 2 ? fopen(argv[argc - 1], "r") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: golden_match [--print | --expect-difference] SCRIPT\n");
        return 2;
    }
    world_prepare(&story.world);
    story_play(&story, file);
    fclose(file);
    if (story.open) world_close(&story.world);

    if (is(mode, "--print")) {
        fputs(story.actual, stdout);
        return 0;
    }
    return story_agrees(&story) == !is(mode, "--expect-difference") ? 0 : 1;
}
