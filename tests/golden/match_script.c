/* Plays a script through the engine and compares the whole trace with the one written in it.
 *
 *     # A comment.
 *     ann has 100 coin                 set-up: silent, must succeed
 *     ann sells 3 @ 100                a command; its trace follows, every event of it
 *     | ann 1: sell gtc 3 @ 100, holds 3 coin
 *     | sell level 100: 3 (1)
 *     | ann: 97 coin, 3 held
 *
 * Set-up, before the first account:   bounds orders|levels|accounts N
 *     asset NAME, another market NAME BASE QUOTE, market WORD VALUE ... [in MARKET] with these words:
 *         prices lots A..B | tick lot notional orders N
 *         market-lots trailing A..B | bids asks DOWN..UP | notional-max position band average stops
 *         icebergs parts lists N | self MODE,MODE (the first is the default)
 *     tier [N:] MAKER_PPM TAKER_PPM [from VOLUME], volume of ASSET
 * At any time:   NAME has AMOUNT ASSET, free NAME (an account of tier 1, which pays no fees),
 *     NAME opens at N (an account of tier N), at [dayN] TIME (nanoseconds, or HH:MM[:SS[.mmm]])
 *
 * Orders:   NAME buys|sells QTY @ PRICE | QTY stop [PRICE] [@ PRICE] | QTY profit [PRICE] [@ PRICE]
 *                         | market QTY | market for QUOTE
 *     [gtc|ioc|fok|maker] [trailing DELTA] [showing QTY] [self MODE] [session N] [as ID]
 *     and for orders that cannot be: side N, type N, force N
 * Lists:    NAME places oco:|oto:|otoco: ORDER and ORDER [and ORDER] [list-id ID]
 * Others:   NAME cancels [ORDER] [ID] [only-new|only-partly], NAME cancels all, NAME cancels list [N] [ID]
 *     NAME amends [ORDER] [ID] to QTY [as ID]
 *     NAME replaces [ORDER] [ID] [only-new|only-partly] with|anyway ORDER   (STOP_ON_ or ALLOW_FAILURE)
 *     NAME arms MS, NAME disarms, NAME ends session N, NAME gets|gives AMOUNT ASSET, NAME is given tier N
 *     the market halts|breaks|resumes, the market sets WORD VALUE ...
 *     node N begins, node N repeats (its HELLO), node N is lost, block N ends
 *     custody ... (story_custody.c), NAME allows|forbids CHAIN ADDRESS,
 *     NAME withdraws AMOUNT ASSET CHAIN ADDRESS as ID
 * Behind any of them:   in MARKET, by TIME (its deadline), group N, via NODE (the origin; its next sequence),
 *     again (the same sequence as before), epoch N (another than the origin's)
 *
 * A MODE is none, taker, maker, both or decrement; `nobody` is an account that does not exist, `nowhere` a
 * market. The engine's invariants are asserted after every command.
 */

#include "tests/golden/story.h"

#include <ctype.h>
#include <stdarg.h>

#define WORDS_MAX 64
#define DAY_NS    UINT64_C(86400000000000)

static void text_add(struct story_text *text, const char *format, va_list arguments)
{
    const size_t room = STORY_TEXT_MAX - text->count;
    const int written = vsnprintf(text->bytes + text->count, room, format, arguments);
    ASSERT(written >= 0 && (size_t)written < room);
    text->count += (size_t)written;
}

void story_say(struct story *story, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_add(&story->actual, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static void expect(struct story *story, const char *format,
                                                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_add(&story->expected, format, arguments);
    va_end(arguments);
}

_Noreturn void story_unreadable(const struct story *story, const char *word)
{
    printf("line %d: cannot read \"%s\" in: %s\n", story->line_number,
           word == NULL ? "the end" : word, story->line);
    exit(2);
}

void story_open(struct story *story)
{
    if (story->open) return;
    world_open(&story->world);
    story->open = true;
}

/* ---- Words ---- */

int64_t story_number(const struct story *story, const char *word)
{
    char *end;
    if (word == NULL) story_unreadable(story, word);
    const int64_t number = strtoll(word, &end, 10);
    if (end == word || *end != '\0') story_unreadable(story, word);
    return number;
}

void story_range(const struct story *story, const char *word, int64_t *from, int64_t *to)
{
    int end = 0;
    if (word == NULL || sscanf(word, "%" SCNd64 "..%" SCNd64 "%n", from, to, &end) != 2 ||
        word[end] != '\0')
        story_unreadable(story, word);
}

uint64_t story_time(const struct story *story, const char *word)
{
    unsigned hour, minute, second = 0, ms = 0;
    int end = 0;
    if (word == NULL || strchr(word, ':') == NULL) return (uint64_t)story_number(story, word);
    (void)sscanf(word, "%u:%u%n:%u%n.%u%n", &hour, &minute, &end, &second, &end, &ms, &end);
    if (word[end] != '\0' || end == 0) story_unreadable(story, word);
    return (((uint64_t)hour * 60 + minute) * 60 + second) * 1000000000 + (uint64_t)ms * 1000000;
}

uint8_t story_self_trade(const struct story *story, const char *word)
{
    for (uint8_t mode = 0; mode <= SELF_TRADE_TRANSFER; mode++)
        if (story_is(word, story_self_trade_words[mode])) return mode;
    return (uint8_t)story_number(story, word);
}

static bool is_named(const char *word, const char *symbol)
{
    size_t i = 0;
    for (; word[i] != '\0' && toupper((unsigned char)word[i]) == symbol[i]; i++) {
    }
    return word[i] == '\0' && symbol[i] == '\0';
}

uint16_t story_asset(const struct story *story, const char *word)
{
    const struct params *params = &story->world.genesis.params;
    for (uint16_t asset = 0; word != NULL && asset < params->asset_count; asset++)
        if (is_named(word, params->assets[asset].symbol)) return asset;
    story_unreadable(story, word);
}

uint16_t story_market(const struct story *story, const char *word)
{
    const uint16_t market_count = story->world.genesis.params.market_count;
    if (story_is(word, "nowhere")) return market_count;
    for (uint16_t market = 0; word != NULL && market < market_count; market++)
        if (story_is(story->markets[market], word)) return market;
    story_unreadable(story, word);
}

uint32_t story_account(const struct story *story, const char *name)
{
    for (uint32_t account = 1; account < STORY_NAMES; account++)
        if (story->names[account][0] != '\0' && story_is(story->names[account], name))
            return account;
    if (story_is(name, "nobody")) return STORY_NAMES;
    story_unreadable(story, name);
}

static bool is_number(const char *word)
{
    return word != NULL && isdigit((unsigned char)word[0]);
}

static void end_here(const struct story *story, char **words)
{
    if (*words != NULL) story_unreadable(story, *words);
}

/* ---- Commands ---- */

/* "strategy ID TYPE" (0: none) and "once", after the order's words: what only ORDER_SUBMIT says. Cuts them off. */
static bool tag_read(const struct story *story, char **words, struct order_submit_command *submit)
{
    bool found = false;
    for (; *words != NULL; words++) {
        const bool called = story_is(*words, "strategy"), once = story_is(*words, "once");
        if (!called && !once) continue;
        *words = NULL; /* the order ends here */
        found = true;
        if (once) submit->flags |= ORDER_TAG_IDEMPOTENT;
        if (!called) continue;
        if (words[1] == NULL || words[2] == NULL) story_unreadable(story, words[1]);
        submit->strategy_id = (uint64_t)story_number(story, *++words);
        submit->strategy_type = (uint32_t)story_number(story, *++words);
        if (submit->strategy_id != 0) submit->flags |= ORDER_TAG_ID;
        if (submit->strategy_type != 0) submit->flags |= ORDER_TAG_TYPE;
    }
    return found;
}

static void do_place(struct story *story, char **words)
{
    struct order_place_command place = {.account = story_account(story, words[0]),
                                        .market = story->market};
    struct order_submit_command submit = {.flags = 0};
    const bool tagged = tag_read(story, words, &submit);
    end_here(story, story_order(story, words + 1, &place, NULL));
    if (tagged) {
        uint8_t payload[COMMAND_PAYLOAD_MAX];
        uint8_t *at = order_place_command_put(payload, &place);
        at = le_put_u64(at, submit.strategy_id);
        at = le_put_u32(at, submit.strategy_type);
        (void)le_put_u8(at, submit.flags);
        world_step(&story->world, T_ORDER_SUBMIT, payload);
        return;
    }
    (void)world_order_place(&story->world, place);
}

#define LEG_PUT(list, letter, leg) \
    do { \
        (list).letter##_price = (leg)->price; \
        (list).letter##_qty = (leg)->qty; \
        (list).letter##_stop_price = (leg)->stop_price; \
        (list).letter##_iceberg_qty = (leg)->iceberg_qty; \
        (list).letter##_trailing_delta = (leg)->trailing_delta; \
        (list).letter##_side = (leg)->side; \
        (list).letter##_type = (leg)->type; \
        (list).letter##_time_in_force = (leg)->time_in_force; \
        memcpy((list).letter##_client_id, (leg)->client_id, 36); \
    } while (0)

/* NAME places KIND: ORDER and ORDER and ORDER. Mode and session of any leg are the list's. */
static void do_list(struct story *story, char **words)
{
    static const char *const kinds[] = {"0:", "oco:", "oto:", "otoco:", "4:"};
    struct list_place_command list = {.account = story_account(story, words[0]),
                                      .market = story->market};
    struct order_place_command legs[3];
    memset(legs, 0, sizeof(legs));
    while (list.kind < 5 && !story_is(words[2], kinds[list.kind]))
        list.kind++;
    if (list.kind == 5) story_unreadable(story, words[2]);
    words += 3;
    for (int leg = 0; leg < 3 && *words != NULL; leg++) {
        words = story_order(story, words, &legs[leg], list.client_id);
        if (legs[leg].self_trade != 0) list.self_trade = legs[leg].self_trade;
        if (legs[leg].session != 0) list.session = legs[leg].session;
        if (story_is(*words, "and")) words++;
    }
    end_here(story, words);
    LEG_PUT(list, a, &legs[0]);
    LEG_PUT(list, b, &legs[1]);
    LEG_PUT(list, c, &legs[2]);
    (void)world_list_place(&story->world, list);
}

/* [ORDER] [ID] [only-new|only-partly], up to another word; returns that. */
static char **order_named(const struct story *story, char **words, uint64_t *order_id,
                          uint8_t client_id[36], uint8_t *restriction)
{
    if (is_number(*words)) *order_id = (uint64_t)story_number(story, *words++);
    for (; *words != NULL && !story_is(*words, "to") && !story_is(*words, "with") &&
           !story_is(*words, "anyway") && !story_is(*words, "mode");
         words++) {
        if (restriction != NULL && story_is(*words, "only-new"))
            *restriction = CANCEL_ONLY_NEW;
        else if (restriction != NULL && story_is(*words, "only-partly"))
            *restriction = CANCEL_ONLY_PARTIALLY_FILLED;
        else if (client_id[0] == 0)
            story_put_id(client_id, *words);
        else
            story_unreadable(story, *words);
    }
    return words;
}

static void do_cancel_list(struct story *story, uint32_t account, char **words)
{
    struct list_cancel_command cancel = {.account = account, .market = story->market};
    end_here(story, order_named(story, words, &cancel.list_id, cancel.orig_client_id, NULL));
    (void)world_list_cancel(&story->world, cancel);
}

static void do_cancel(struct story *story, char **words)
{
    const uint32_t account = story_account(story, words[0]);
    if (story_is(words[2], "list")) {
        do_cancel_list(story, account, words + 3);
    } else if (story_is(words[2], "all")) {
        end_here(story, words + 3);
        (void)world_cancel_all(&story->world, (struct cancel_all_command){.account = account,
                                                                          .market = story->market});
    } else {
        struct order_cancel_command cancel = {.account = account, .market = story->market};
        end_here(story, order_named(story, words + 2, &cancel.order_id, cancel.orig_client_id,
                                    &cancel.restriction));
        (void)world_order_cancel(&story->world, cancel);
    }
}

static void do_amend(struct story *story, char **words)
{
    struct order_amend_command amend = {.account = story_account(story, words[0]),
                                        .market = story->market};
    words = order_named(story, words + 2, &amend.order_id, amend.orig_client_id, NULL);
    if (!story_is(*words, "to")) story_unreadable(story, *words);
    amend.qty.lots = story_number(story, words[1]);
    words += 2;
    if (story_is(*words, "as") && words[1] != NULL) {
        story_put_id(amend.client_id, words[1]);
        words += 2;
    }
    end_here(story, words);
    (void)world_order_amend(&story->world, amend);
}

static void do_replace(struct story *story, char **words)
{
    struct order_replace_command replace = {.account = story_account(story, words[0]),
                                            .market = story->market};
    struct order_place_command place = {.account = 0};
    words = order_named(story, words + 2, &replace.cancel_order_id, replace.cancel_orig_client_id,
                        &replace.restriction);
    replace.mode = story_is(*words, "with") ? REPLACE_STOP_ON_FAILURE : REPLACE_ALLOW_FAILURE;
    if (story_is(*words, "mode")) replace.mode = (uint8_t)story_number(story, *++words);
    if (*words == NULL) story_unreadable(story, *words);
    end_here(story, story_order(story, words + 1, &place, NULL));
    replace.price = place.price;
    replace.qty = place.qty;
    replace.quote_qty = place.quote_qty;
    replace.stop_price = place.stop_price;
    replace.iceberg_qty = place.iceberg_qty;
    replace.trailing_delta = place.trailing_delta;
    replace.session = place.session;
    replace.side = place.side;
    replace.type = place.type;
    replace.time_in_force = place.time_in_force;
    replace.self_trade = place.self_trade;
    memcpy(replace.client_id, place.client_id, sizeof(replace.client_id));
    (void)world_order_replace(&story->world, replace);
}

static void do_transfer(struct story *story, char **words)
{
    const struct credit_command credit = {.nonce = ++story->world.nonce,
                                          .account = story_account(story, words[0]),
                                          .asset = story_asset(story, words[3]),
                                          .amount = {story_number(story, words[2])}};
    const struct debit_command debit = {credit.nonce, 0, credit.account, credit.asset,
                                        credit.amount};
    end_here(story, words + 4);
    if (story_is(words[1], "gets"))
        (void)world_credit(&story->world, credit);
    else
        (void)world_debit(&story->world, debit);
}

static void do_switch(struct story *story, char **words)
{
    struct switch_set_command set = {.account = story_account(story, words[0]),
                                     .market = story->market};
    const bool arms = story_is(words[1], "arms");
    if (arms) set.timeout_ms = (uint32_t)story_number(story, words[2]);
    end_here(story, words + (arms ? 3 : 2));
    (void)world_switch_set(&story->world, set);
}

static void do_session(struct story *story, char **words)
{
    if (!story_is(words[2], "session")) story_unreadable(story, words[2]);
    const struct session_end_command end = {.session = (uint32_t)story_number(story, words[3]),
                                            .account = story_account(story, words[0]),
                                            .market = story->market};
    end_here(story, words + 4);
    (void)world_session_end(&story->world, end);
}

static void do_tier(struct story *story, char **words)
{
    if (!story_is(words[2], "given") || !story_is(words[3], "tier"))
        story_unreadable(story, words[2]);
    const struct account_tier_command tier = {.nonce = ++story->world.nonce,
                                              .account = story_account(story, words[0]),
                                              .tier = (uint16_t)story_number(story, words[4])};
    end_here(story, words + 5);
    (void)world_account_tier(&story->world, tier);
}

static void do_status(struct story *story, char **words)
{
    static const char *const statuses[] = {"", "resumes", "halts", "breaks"};
    struct market_status_command change = {.nonce = ++story->world.nonce, .market = story->market};
    for (uint8_t status = MARKET_TRADING; status <= MARKET_BREAK; status++)
        if (story_is(words[2], statuses[status])) change.status = status;
    if (change.status == 0) story_unreadable(story, words[2]);
    end_here(story, words + 3);
    (void)world_market_status(&story->world, change);
}

/* The market's filters as they are, but for those named. */
static void do_filters(struct story *story, char **words)
{
    struct market_filters now = story->filters;
    for (words += 3; *words != NULL; words += 2)
        if (!story_filter(story, &now, words)) story_unreadable(story, *words);
    (void)world_market_filters(&story->world, (struct market_filters_command){
                                                  .nonce = ++story->world.nonce,
                                                  .market_qty_min = now.market_qty_min,
                                                  .market_qty_max = now.market_qty_max,
                                                  .notional_max = now.notional_max,
                                                  .position_max = now.position_max,
                                                  .bid_up = now.bid_up,
                                                  .bid_down = now.bid_down,
                                                  .ask_up = now.ask_up,
                                                  .ask_down = now.ask_down,
                                                  .band_ppm = now.band_ppm,
                                                  .average_minutes = now.average_minutes,
                                                  .algo_orders_max = now.algo_orders_max,
                                                  .iceberg_orders_max = now.iceberg_orders_max,
                                                  .iceberg_parts_max = now.iceberg_parts_max,
                                                  .order_lists_max = now.order_lists_max,
                                                  .trailing_min = now.trailing_min,
                                                  .trailing_max = now.trailing_max,
                                                  .market = story->market,
                                                  .self_trade_modes = now.self_trade_modes,
                                                  .self_trade_default = now.self_trade_default,
                                              });
}

/* node N begins|repeats|is lost, block N ends */
static void do_node(struct story *story, char **words)
{
    const uint64_t number = (uint64_t)story_number(story, words[1]);
    if (story_is(words[0], "block") && story_is(words[2], "ends")) {
        end_here(story, words + 3);
        (void)world_seal(&story->world, (struct seal_command){number});
        return;
    }
    if (story_is(words[0], "block") || number >= STORY_NODES) story_unreadable(story, words[1]);
    struct story_node *node = &story->nodes[number];
    if (story_is(words[2], "begins")) {
        const uint64_t nonce = story->world.number + 1;
        end_here(story, words + 3);
        (void)world_hello(&story->world, (struct hello_command){nonce, (uint32_t)number});
        *node = (struct story_node){.epoch = story->world.number};
    } else if (story_is(words[2], "repeats")) { /* the HELLO it began with */
        end_here(story, words + 3);
        (void)world_hello(&story->world, (struct hello_command){node->epoch, (uint32_t)number});
    } else if (story_is(words[2], "is") && story_is(words[3], "lost")) {
        end_here(story, words + 4);
        const struct origin_lost_command lost = {.epoch = story->world.header.origin_epoch != 0
                                                              ? story->world.header.origin_epoch
                                                              : node->epoch,
                                                 .node = (uint32_t)number};
        story->world.header.origin_epoch = 0;
        (void)world_origin_lost(&story->world, lost);
    } else if (!story_membership(story, (uint32_t)number, words + 2)) {
        story_unreadable(story, words[2]);
    }
}

static void do_epoch(struct story *story, char **words)
{
    if (!story_epoch(story, words)) story_unreadable(story, words[0]);
}

static void do_custody(struct story *story, char **words)
{
    if (!story_custody(story, words)) story_unreadable(story, words[1]);
}

typedef void doing(struct story *story, char **words);

static doing *doing_of(char **words)
{
    static const struct {
        const char *verb;
        doing *perform;
    } doings[] = {
        {"buys", do_place},
        {"sells", do_place},
        {"places", do_list},
        {"cancels", do_cancel},
        {"amends", do_amend},
        {"replaces", do_replace},
        {"gets", do_transfer},
        {"gives", do_transfer},
        {"arms", do_switch},
        {"disarms", do_switch},
        {"ends", do_session},
        {"is", do_tier},
        {"allows", story_allow},
        {"forbids", story_allow},
        {"withdraws", story_withdraw},
        {"unwithdraws", story_unwithdraw},
    };
    if (story_is(words[0], "node") || story_is(words[0], "block")) return do_node;
    if (story_is(words[0], "era")) return do_epoch;
    if (story_is(words[0], "custody")) return do_custody;
    if (story_is(words[0], "the") && story_is(words[1], "market"))
        return story_is(words[2], "sets") ? do_filters : do_status;
    for (size_t i = 0; i < sizeof(doings) / sizeof(doings[0]); i++)
        if (story_is(words[1], doings[i].verb)) return doings[i].perform;
    return NULL;
}

/* ---- Lines ---- */

static void words_remove(char **words, int count)
{
    do
        words[0] = words[count];
    while (*words++ != NULL);
}

/* Takes what may stand behind any command out of its words: where, by when and by whom. */
static void header_read(struct story *story, char **words)
{
    struct command_header *header = &story->world.header;
    bool again = false, other = false;
    *header = (struct command_header){.origin = 0};
    story->market = 0;
    while (*words != NULL) {
        int count = 2;
        if (story_is(*words, "in")) {
            story->market = story_market(story, words[1]);
        } else if (story_is(*words, "by")) {
            header->deadline_ns = story_time(story, words[1]);
        } else if (story_is(*words, "group")) {
            header->group = (uint16_t)story_number(story, words[1]);
        } else if (story_is(*words, "via")) {
            header->origin = (uint32_t)story_number(story, words[1]);
        } else if (story_is(*words, "epoch")) {
            header->origin_epoch = (uint64_t)story_number(story, words[1]);
            other = true;
        } else if (story_is(*words, "again")) {
            again = true;
            count = 1;
        } else {
            count = 0;
        }
        if (count == 0)
            words++;
        else
            words_remove(words, count);
    }
    if (header->origin == 0) return;
    if (header->origin >= STORY_NODES) story_unreadable(story, "via");
    struct story_node *node = &story->nodes[header->origin];
    if (!other) header->origin_epoch = node->epoch;
    header->origin_sequence = again || other ? node->sequence : ++node->sequence;
}

/* at TIME, at dayN [TIME] */
static void time_set(struct story *story, char **words)
{
    uint64_t day = 0;
    if (words[1] != NULL && strncmp(words[1], "day", 3) == 0) {
        day = (uint64_t)story_number(story, words[1] + 3);
        words++;
    }
    const bool timed = words[1] != NULL;
    const uint64_t stamp_ns = day * DAY_NS + (timed ? story_time(story, words[1]) : 0);
    end_here(story, words + (timed ? 2 : 1));
    if (stamp_ns < story->world.stamp_ns) story_unreadable(story, "at"); /* time only rises */
    story->world.stamp_ns = stamp_ns;
}

static void line_play(struct story *story, char **words)
{
    header_read(story, words);
    if (story_is(words[0], "at")) {
        time_set(story, words);
        return;
    }
    if (story_set_up(story, words)) return;
    doing *perform = words[0] == NULL ? NULL : doing_of(words);
    if (perform == NULL) story_unreadable(story, words[0]);
    story_open(story);
    if (story->market < story->world.genesis.params.market_count)
        story->filters = engine_params(story->world.engine)->markets[story->market].filters;
    perform(story, words);
    story_trace(story);
}

static void line_split(const struct story *story, char *line, char *words[WORDS_MAX + 1])
{
    int count = 0;
    char *rest = line, *word;
    while ((word = strsep(&rest, " \t\n")) != NULL) {
        if (*word == '\0') continue;
        if (count == WORDS_MAX) story_unreadable(story, word);
        words[count++] = word;
    }
    words[count] = NULL;
}

static void story_play(struct story *story, FILE *file)
{
    char line[512], copy[512];
    char *words[WORDS_MAX + 1];
    while (fgets(line, sizeof(line), file) != NULL) {
        story->line = line;
        story->line_number++;
        if (strchr(line, '\n') == NULL) story_unreadable(story, NULL); /* too long, or torn */
        expect(story, "%s", line);
        if (line[0] == '|') continue;
        story_say(story, "%s", line);
        if (line[0] == '#' || line[0] == '\n') continue;
        memcpy(copy, line, sizeof(copy));
        *strchr(line, '\n') = '\0';
        line_split(story, copy, words);
        line_play(story, words);
    }
}

/* Prints where the two part. */
static bool story_agrees(const struct story *story)
{
    const char *expected = story->expected.bytes, *actual = story->actual.bytes;
    if (strcmp(expected, actual) == 0) return true;
    size_t at = 0, line = 1, start = 0;
    while (expected[at] == actual[at]) {
        if (expected[at] == '\n') line++, start = at + 1;
        at++;
    }
    expected += start;
    actual += start;
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

    if (story_is(mode, "--print")) {
        fputs(story.actual.bytes, stdout);
        return 0;
    }
    return story_agrees(&story) == !story_is(mode, "--expect-difference") ? 0 : 1;
}
