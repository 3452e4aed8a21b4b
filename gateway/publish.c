#include "gateway/publish.h"

#include "gateway/stream.h"
#include "gateway/zone.h"

#include <string.h>

#define MS_NS       1000000ull
#define SECOND_NS   (1000 * MS_NS)
#define MINUTE_NS   (60 * SECOND_NS)
#define KLINE_KINDS (2 * INTERVAL_COUNT) /* from CHANNEL_KLINE on */

/* How long the log may be silent before the wall clock closes a candle. */
#define SILENCE_NS (2 * SECOND_NS)

/* After a silence, candles without fills that are still sent as closed; older ones are left out. */
#define CLOSED_AT_ONCE_MAX 60

enum rate { SLOW, FAST, RATES };

struct market_state {
    uint64_t dirty;                      /* periodic channel kinds with something new, by bit */
    uint64_t next_first_id[RATES];       /* U of the next difference */
    struct stream_best best;             /* as last looked at */
    uint64_t kline_open_ns[KLINE_KINDS]; /* candle that is being shown; 0: none yet */
    uint64_t minutes_expired;            /* as last shown */
    uint64_t minute;                     /* since 1970, as last shown */
    bool touched;                        /* levels changed in the command */
};

struct publisher {
    struct market_views *views;
    const struct block_list *blocks;
    struct user_stream *users; /* NULL: nobody is told of accounts */
    struct publish_sink sink;
    uint32_t markets_max;
    uint32_t *subscribers; /* by channel */
    struct market_state *states;
    uint16_t *touched; /* markets of the command that is being applied */
    uint32_t touched_count;
    uint16_t pending_market; /* aggregate that may still grow */
    uint64_t pending_aggregate;
    uint64_t shown_ns;      /* latest of stamps and of what the clock has closed */
    uint64_t closed_second; /* candles are closed up to here */
    uint64_t tick_fast, tick_second;
    struct stream_certificate certificate; /* the highest */
    struct depth_change changes[DEPTH_HISTORY];
    struct depth_level levels[STREAM_BOOK_LEVELS];
    char text[PUBLISH_TEXT_MAX];
};

/* A message being printed, for the readers of one unit. */
struct draft {
    uint32_t channel;
    struct stream_form form;
    struct text text;
};

/* One bit a kind; that of an array says that the market has news for it. */
#define BIT(kind) (1ull << (uint32_t)(kind))
_Static_assert(CHANNEL_KINDS_END <= 64, "one bit a kind");

/* What a changed level, a fill, and a minute that has passed make new. */
#define BOOK_BITS \
    (BIT(CHANNEL_TOP_5) | BIT(CHANNEL_TOP_10) | BIT(CHANNEL_TOP_20) | BIT(CHANNEL_TOP_5_FAST) | \
     BIT(CHANNEL_TOP_10_FAST) | BIT(CHANNEL_TOP_20_FAST) | BIT(CHANNEL_TICKER) | \
     BIT(CHANNEL_ALL_TICKERS))
#define KLINE_BITS (((1ull << KLINE_KINDS) - 1) << CHANNEL_KLINE)
#define TICKER_BITS \
    (BIT(CHANNEL_TICKER) | BIT(CHANNEL_MINI_TICKER) | BIT(CHANNEL_ALL_MINI_TICKERS) | \
     BIT(CHANNEL_ALL_TICKERS))
#define MINUTE_BITS \
    (BIT(CHANNEL_TICKER_1H) | BIT(CHANNEL_TICKER_4H) | BIT(CHANNEL_TICKER_1D) | \
     BIT(CHANNEL_ALL_TICKERS_1H) | BIT(CHANNEL_ALL_TICKERS_4H) | BIT(CHANNEL_ALL_TICKERS_1D) | \
     BIT(CHANNEL_AVERAGE))

size_t publish_bytes(const struct genesis *genesis)
{
    const uint32_t markets = genesis->params.markets_max;
    return sizeof(struct publisher) + markets * sizeof(struct market_state) +
           markets * sizeof(uint16_t) + channel_count(markets) * sizeof(uint32_t) + 4 * 64;
}

struct publisher *publish_new(struct arena *arena, const struct genesis *genesis,
                              struct market_views *views, const struct block_list *blocks)
{
    struct publisher *publisher = arena_take(arena, sizeof(*publisher));
    if (publisher == NULL) return NULL;
    const uint32_t markets = genesis->params.markets_max;
    publisher->views = views;
    publisher->blocks = blocks;
    publisher->markets_max = markets;
    publisher->subscribers = arena_take_array(arena, channel_count(markets), sizeof(uint32_t));
    publisher->states = arena_take_array(arena, markets, sizeof(*publisher->states));
    publisher->touched = arena_take_array(arena, markets, sizeof(*publisher->touched));
    if (publisher->subscribers == NULL || publisher->states == NULL) return NULL;
    if (publisher->touched == NULL) return NULL;
    for (uint32_t i = 0; i < markets; i++) {
        for (int rate = 0; rate < RATES; rate++)
            publisher->states[i].next_first_id[rate] = 1;
    }
    return publisher;
}

void publish_restart(struct publisher *publisher)
{
    publisher->shown_ns = market_views_now_ns(publisher->views);
    if (publisher->users != NULL) user_stream_restart(publisher->users);
    for (uint16_t market = 0; market < market_views_count(publisher->views); market++) {
        const struct market_view *view = market_views_at(publisher->views, market);
        struct market_state *state = &publisher->states[market];
        for (int rate = 0; rate < RATES; rate++)
            state->next_first_id[rate] = view->depth.update_id + 1;
        state->best = stream_best_of(&view->depth);
        state->minutes_expired = view->ticker.expired;
    }
}

struct market_views *publish_views(const struct publisher *publisher)
{
    return publisher->views;
}

void publish_follow(struct publisher *publisher, struct user_stream *users)
{
    publisher->users = users;
}

struct user_stream *publish_users(const struct publisher *publisher)
{
    return publisher->users;
}

void publish_attach(struct publisher *publisher, struct publish_sink sink)
{
    publisher->sink = sink;
}

static const struct params *params_of(const struct publisher *publisher)
{
    return market_views_params(publisher->views);
}

static struct draft begin_text(struct publisher *publisher, uint32_t channel,
                               enum channel_unit unit)
{
    return (struct draft){
        .channel = channel,
        .form = {params_of(publisher), unit == CHANNEL_US ? STREAM_US_NS : STREAM_MS_NS},
        .text = text_over(publisher->text, sizeof(publisher->text)),
    };
}

/* Begins a message of a stream, `channel` being its number in milliseconds, for those who want times in
 * `unit`. False when nobody does. */
static bool begin(struct publisher *publisher, uint32_t channel, enum channel_unit unit,
                  struct draft *draft)
{
    const uint32_t number = channel_in(channel, unit, publisher->markets_max);
    if (publisher->subscribers[number] == 0 || publisher->sink.message == NULL) return false;
    *draft = begin_text(publisher, number, unit);
    return true;
}

static bool has_subscribers(const struct publisher *publisher, uint32_t channel)
{
    for (enum channel_unit unit = CHANNEL_MS; unit < CHANNEL_UNITS; unit++) {
        const uint32_t number = channel_in(channel, unit, publisher->markets_max);
        if (publisher->subscribers[number] > 0) return publisher->sink.message != NULL;
    }
    return false;
}

static void send_text(struct publisher *publisher, const struct draft *draft,
                      uint64_t first_update_id, bool conflatable)
{
    /* Scratch is sized for the longest message there is. */
    ASSERT(!text_full(&draft->text));
    const struct publish_message message = {
        .channel = draft->channel,
        .payload = draft->text.bytes,
        .payload_bytes = draft->text.used,
        .first_update_id = first_update_id,
        .conflatable = conflatable,
    };
    publisher->sink.message(publisher->sink.context, &message);
}

/* ---- Depth ---- */

static enum channel_kind difference_kind(enum rate rate)
{
    return rate == FAST ? CHANNEL_DIFFERENCE_FAST : CHANNEL_DIFFERENCE;
}

static void print_changes(struct publisher *publisher, const struct market_view *view,
                          enum channel_kind kind, uint64_t first_id, struct draft *draft)
{
    if (kind == CHANNEL_BOOK) {
        stream_book_change(&draft->text, &draft->form, view, publisher->shown_ns, first_id,
                           publisher->changes);
    } else {
        stream_difference(&draft->text, &draft->form, view, publisher->shown_ns, first_id,
                          publisher->changes);
    }
}

static void send_changes(struct publisher *publisher, const struct market_view *view,
                         enum channel_kind kind, uint64_t first_id)
{
    struct draft draft;
    for (enum channel_unit unit = CHANNEL_MS; unit < CHANNEL_UNITS; unit++) {
        if (!begin(publisher, channel_number(view->market, kind), unit, &draft)) continue;
        print_changes(publisher, view, kind, first_id, &draft);
        send_text(publisher, &draft, first_id, true);
    }
}

/* Cuts the next difference of one rate; with nobody there, only its beginning moves. The book is cut
 * with the fast one. */
static void send_difference(struct publisher *publisher, const struct market_view *view,
                            enum rate rate)
{
    struct market_state *state = &publisher->states[view->market];
    const uint64_t first_id = state->next_first_id[rate];
    if (first_id > view->depth.update_id) return;
    state->next_first_id[rate] = view->depth.update_id + 1;
    send_changes(publisher, view, difference_kind(rate), first_id);
    if (rate == FAST) send_changes(publisher, view, CHANNEL_BOOK, first_id);
}

static void touch_level(struct publisher *publisher, const struct event *event)
{
    struct level_event level;
    level_event_get(event->payload, &level);
    struct market_state *state = &publisher->states[level.market];
    state->dirty |= BOOK_BITS;
    if (!state->touched) {
        state->touched = true;
        publisher->touched[publisher->touched_count++] = level.market;
    }

    const struct market_view *view = market_views_at(publisher->views, level.market);
    for (int rate = 0; rate < RATES; rate++) {
        const uint64_t first_id = state->next_first_id[rate];
        if (level.update_id - first_id + 1 < DEPTH_HISTORY / 2) continue;
        send_difference(publisher, view, (enum rate)rate);
    }
}

/* The best of both sides, once a command has ended and changed it. */
static void send_best(struct publisher *publisher, uint16_t market)
{
    const struct market_view *view = market_views_at(publisher->views, market);
    struct market_state *state = &publisher->states[market];
    const struct stream_best best = stream_best_of(&view->depth);
    if (memcmp(&best, &state->best, sizeof(best)) == 0) return;
    state->best = best;

    struct draft draft;
    for (enum channel_unit unit = CHANNEL_MS; unit < CHANNEL_UNITS; unit++) {
        if (!begin(publisher, channel_number(market, CHANNEL_BEST), unit, &draft)) continue;
        stream_best(&draft.text, &draft.form, view, &best);
        send_text(publisher, &draft, 0, true);
    }
}

/* ---- Trades ---- */

/* The aggregate that nothing more can join: the command is over, or the next fill is of another. */
static void send_aggregate(struct publisher *publisher)
{
    if (publisher->pending_aggregate == 0) return;
    const uint64_t id = publisher->pending_aggregate;
    publisher->pending_aggregate = 0;

    const uint16_t market = publisher->pending_market;
    const struct market_view *view = market_views_at(publisher->views, market);
    const uint32_t channel = channel_number(market, CHANNEL_AGGREGATE_TRADE);
    if (!has_subscribers(publisher, channel)) return;
    const uint32_t index = trades_aggregate_find(&view->trades, id);
    ASSERT(index < trades_aggregates_kept(&view->trades));
    struct draft draft;
    for (enum channel_unit unit = CHANNEL_MS; unit < CHANNEL_UNITS; unit++) {
        if (!begin(publisher, channel, unit, &draft)) continue;
        stream_aggregate_trade(&draft.text, &draft.form, view,
                               trades_aggregate_at(&view->trades, index));
        send_text(publisher, &draft, 0, false);
    }
}

static void send_fill(struct publisher *publisher, const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    publisher->states[fill.market].dirty |= TICKER_BITS | MINUTE_BITS | KLINE_BITS;
    if (publisher->pending_aggregate != fill.aggregate_id ||
        publisher->pending_market != fill.market) {
        send_aggregate(publisher);
    }
    publisher->pending_aggregate = fill.aggregate_id;
    publisher->pending_market = fill.market;

    const uint32_t channel = channel_number(fill.market, CHANNEL_TRADE);
    const struct market_view *view = market_views_at(publisher->views, fill.market);
    struct draft draft;
    for (enum channel_unit unit = CHANNEL_MS; unit < CHANNEL_UNITS; unit++) {
        if (!begin(publisher, channel, unit, &draft)) continue;
        stream_trade(&draft.text, &draft.form, view, trades_last(&view->trades));
        send_text(publisher, &draft, 0, false);
    }
}

/* ---- Candles ---- */

static bool is_kline(enum channel_kind kind)
{
    return kind >= CHANNEL_KLINE && kind < CHANNEL_KINDS;
}

/* Needs: a kind of kline, with its interval. */
static enum interval interval_of(enum channel_kind kind)
{
    ASSERT(is_kline(kind));
    return (enum interval)((kind - CHANNEL_KLINE) % INTERVAL_COUNT);
}

static int64_t zone_of(enum channel_kind kind)
{
    return kind >= CHANNEL_KLINE_EAST ? CHANNEL_EAST_NS : 0;
}

/* Prints nothing when the market had not traded by then. */
static void print_kline(const struct publisher *publisher, const struct market_view *view,
                        enum channel_kind kind, uint64_t open_ns, bool is_closed,
                        struct draft *draft)
{
    const enum interval interval = interval_of(kind);
    const struct stream_kline kline = {interval, zone_next_ns(interval, zone_of(kind), open_ns),
                                       is_closed};
    struct candle candle;
    if (!zone_candle_at(view->series, interval, zone_of(kind), open_ns, &candle)) return;
    stream_kline(&draft->text, &draft->form, view, publisher->shown_ns, &kline, &candle);
}

static void send_closed(struct publisher *publisher, const struct market_view *view,
                        enum channel_kind kind, uint64_t open_ns)
{
    struct draft draft;
    for (enum channel_unit unit = CHANNEL_MS; unit < CHANNEL_UNITS; unit++) {
        if (!begin(publisher, channel_number(view->market, kind), unit, &draft)) continue;
        print_kline(publisher, view, kind, open_ns, true, &draft);
        if (draft.text.used > 0) send_text(publisher, &draft, 0, false);
    }
}

/* Closes every candle of one kind that ended by shown_ns. */
static void close_candles(struct publisher *publisher, const struct market_view *view,
                          enum channel_kind kind)
{
    const enum interval interval = interval_of(kind);
    const int64_t zone_ns = zone_of(kind);
    uint64_t *shown = &publisher->states[view->market].kline_open_ns[kind - CHANNEL_KLINE];
    const uint64_t current = zone_open_ns(interval, zone_ns, publisher->shown_ns);
    if (*shown == current) return;
    if (*shown != 0 && has_subscribers(publisher, channel_number(view->market, kind))) {
        for (int sent = 0; *shown < current && sent < CLOSED_AT_ONCE_MAX; sent++) {
            send_closed(publisher, view, kind, *shown);
            *shown = zone_next_ns(interval, zone_ns, *shown);
        }
        /* The new candle is shown at the next tick, with or without a fill. */
        publisher->states[view->market].dirty |= BIT(kind);
    }
    *shown = current;
}

/* Moves the time shown forward; candles can only end when a second does. */
static void advance(struct publisher *publisher, uint64_t stamp_ns)
{
    if (stamp_ns > publisher->shown_ns) publisher->shown_ns = stamp_ns;
    const uint64_t second = publisher->shown_ns / SECOND_NS;
    if (second == publisher->closed_second) return;
    publisher->closed_second = second;
    for (uint16_t market = 0; market < market_views_count(publisher->views); market++) {
        const struct market_view *view = market_views_at(publisher->views, market);
        for (int kind = CHANNEL_KLINE; kind < CHANNEL_KINDS; kind++)
            close_candles(publisher, view, (enum channel_kind)kind);
    }
}

/* ---- Commands ---- */

void publish_event(struct publisher *publisher, const struct applied *applied,
                   const struct event *event)
{
    advance(publisher, applied->stamp_ns);
    if (publisher->users != NULL) user_stream_event(publisher->users, applied, event);
    if (event->type == T_FILL) {
        send_fill(publisher, event);
    } else if (event->type == T_LEVEL) {
        touch_level(publisher, event);
    }
}

void publish_end(struct publisher *publisher, const struct applied *applied)
{
    advance(publisher, applied->stamp_ns);
    if (publisher->users != NULL) user_stream_end(publisher->users, applied);
    if ((applied->flags & APPLIED_LAST) == 0) return;
    send_aggregate(publisher);
    for (uint32_t i = 0; i < publisher->touched_count; i++) {
        publisher->states[publisher->touched[i]].touched = false;
        send_best(publisher, publisher->touched[i]);
    }
    publisher->touched_count = 0;
}

/* ---- Blocks ---- */

static void send_block(struct publisher *publisher, const struct block_entry *block,
                       const struct stream_certificate *certificate)
{
    const uint32_t channel = channel_number_global(CHANNEL_BLOCK, publisher->markets_max);
    struct draft draft;
    for (enum channel_unit unit = CHANNEL_MS; unit < CHANNEL_UNITS; unit++) {
        if (!begin(publisher, channel, unit, &draft)) continue;
        stream_block(&draft.text, &draft.form, block, certificate);
        send_text(publisher, &draft, 0, false);
    }
}

static void on_certified(struct publisher *publisher, const uint8_t *payload)
{
    struct block_certified_notice notice;
    block_certified_notice_get(payload, &notice);
    const struct stream_certificate certificate = {notice.height, notice.vote_count};
    /* A certificate certifies every ancestor that has none of its own. */
    uint64_t from = publisher->certificate.height + 1;
    if (notice.height >= BLOCK_LIST_KEPT && from < notice.height - BLOCK_LIST_KEPT + 1)
        from = notice.height - BLOCK_LIST_KEPT + 1;
    for (uint64_t at = from; at <= notice.height; at++) {
        const struct block_entry *block = block_list_at(publisher->blocks, at);
        if (block != NULL) send_block(publisher, block, &certificate);
    }
    if (notice.height > publisher->certificate.height) publisher->certificate = certificate;
}

static void on_sealed(struct publisher *publisher)
{
    const struct block_entry *block = block_list_at(publisher->blocks, publisher->blocks->height);
    ASSERT(block != NULL); /* the list has had the notice */
    send_block(publisher, block, NULL);
    /* A node that catches up may know the certificate before the block. */
    if (block->header.height <= publisher->certificate.height)
        send_block(publisher, block, &publisher->certificate);
}

void publish_notice(struct publisher *publisher, uint16_t type, const uint8_t *payload)
{
    if (type == T_BLOCK_CERTIFIED) on_certified(publisher, payload);
    if (type == T_BLOCK_SEALED) on_sealed(publisher);
    if (publisher->users != NULL) user_stream_notice(publisher->users);
}

/* ---- Periods ---- */

/* Prints the present state of a periodic kind of a market, once more into an array. */
static void print_state(const struct publisher *publisher, struct market_view *view,
                        enum channel_kind kind, struct draft *draft)
{
    struct text *text = &draft->text;
    const struct stream_form *form = &draft->form;
    const uint64_t now_ns = publisher->shown_ns;
    const uint32_t levels = channel_top_levels(kind);
    const uint64_t window_ns = channel_window_ns(kind);
    if (levels > 0) {
        stream_top(text, form, view, levels);
    } else if (window_ns > 0) {
        stream_window(text, form, view, now_ns, window_ns);
    } else if (kind == CHANNEL_TICKER || kind == CHANNEL_ALL_TICKERS) {
        stream_ticker(text, form, view, now_ns);
    } else if (kind == CHANNEL_MINI_TICKER || kind == CHANNEL_ALL_MINI_TICKERS) {
        stream_mini_ticker(text, form, view, now_ns);
    } else if (kind == CHANNEL_AVERAGE) {
        stream_average(text, form, view, now_ns);
    } else if (kind == CHANNEL_BEST) {
        const struct stream_best best = stream_best_of(&view->depth);
        stream_best(text, form, view, &best);
    } else if (is_kline(kind)) {
        const uint64_t open_ns = zone_open_ns(interval_of(kind), zone_of(kind), now_ns);
        print_kline(publisher, view, kind, open_ns, false, draft);
    }
}

static void send_state(struct publisher *publisher, struct market_view *view,
                       enum channel_kind kind)
{
    struct draft draft;
    for (enum channel_unit unit = CHANNEL_MS; unit < CHANNEL_UNITS; unit++) {
        if (!begin(publisher, channel_number(view->market, kind), unit, &draft)) continue;
        print_state(publisher, view, kind, &draft);
        if (draft.text.used > 0) send_text(publisher, &draft, 0, true);
    }
}

/* Sends those of `kinds` that have news and subscribers. */
static void send_states(struct publisher *publisher, struct market_view *view, uint64_t kinds)
{
    struct market_state *state = &publisher->states[view->market];
    for (uint64_t due = state->dirty & kinds; due != 0; due &= due - 1)
        send_state(publisher, view, (enum channel_kind)__builtin_ctzll(due));
    state->dirty &= ~kinds;
}

/* One array over all markets, or over those with news for it. */
static void print_all(struct publisher *publisher, enum channel_kind kind, bool news_only,
                      struct draft *draft)
{
    struct text *text = &draft->text;
    for (uint16_t market = 0; market < market_views_count(publisher->views); market++) {
        if (news_only && (publisher->states[market].dirty & BIT(kind)) == 0) continue;
        text_add(text, text->used == 0 ? "[" : ",");
        print_state(publisher, market_views_at(publisher->views, market), kind, draft);
    }
    if (text->used > 0) text_add(text, "]");
}

static void send_all(struct publisher *publisher, enum channel_kind kind)
{
    const uint32_t channel = channel_number_global(kind, publisher->markets_max);
    struct draft draft;
    for (enum channel_unit unit = CHANNEL_MS; unit < CHANNEL_UNITS; unit++) {
        if (!begin(publisher, channel, unit, &draft)) continue;
        print_all(publisher, kind, true, &draft);
        if (draft.text.used > 0) send_text(publisher, &draft, 0, true);
    }
    for (uint32_t market = 0; market < publisher->markets_max; market++)
        publisher->states[market].dirty &= ~BIT(kind);
}

static void tick_fast(struct publisher *publisher)
{
    for (uint16_t market = 0; market < market_views_count(publisher->views); market++) {
        struct market_view *view = market_views_at(publisher->views, market);
        send_difference(publisher, view, FAST);
        send_states(publisher, view,
                    BIT(CHANNEL_TOP_5_FAST) | BIT(CHANNEL_TOP_10_FAST) | BIT(CHANNEL_TOP_20_FAST));
    }
}

/* What time alone makes new: windows that have moved on. */
static void age(struct publisher *publisher, struct market_view *view)
{
    struct market_state *state = &publisher->states[view->market];
    const uint64_t minute = publisher->shown_ns / MINUTE_NS;
    ticker_advance(&view->ticker, publisher->shown_ns);
    if (view->ticker.expired != state->minutes_expired) state->dirty |= TICKER_BITS;
    if (minute != state->minute) state->dirty |= MINUTE_BITS;
    state->minutes_expired = view->ticker.expired;
    state->minute = minute;
}

static void tick_second(struct publisher *publisher, bool is_even)
{
    const uint64_t every_second = BIT(CHANNEL_TOP_5) | BIT(CHANNEL_TOP_10) | BIT(CHANNEL_TOP_20) |
                                  TICKER_BITS | MINUTE_BITS | BIT(CHANNEL_KLINE + INTERVAL_1S) |
                                  BIT(CHANNEL_KLINE_EAST + INTERVAL_1S);
    const uint64_t of_market = BIT(CHANNEL_KINDS) - 1;
    for (uint16_t market = 0; market < market_views_count(publisher->views); market++) {
        struct market_view *view = market_views_at(publisher->views, market);
        age(publisher, view);
        send_difference(publisher, view, SLOW);
        send_states(publisher, view,
                    of_market & (is_even ? every_second | KLINE_BITS : every_second));
    }
    for (int kind = CHANNEL_ALL_MINI_TICKERS; kind < CHANNEL_KINDS_END; kind++)
        send_all(publisher, (enum channel_kind)kind);
}

void publish_tick(struct publisher *publisher, uint64_t now_ns)
{
    /* Candles end by stamps; only when the log is silent does the clock end them, a little late. */
    if (now_ns > publisher->shown_ns + SILENCE_NS && publisher->shown_ns > 0) {
        advance(publisher, now_ns - SILENCE_NS);
    }
    const uint64_t fast = now_ns / (100 * MS_NS), second = now_ns / SECOND_NS;
    if (fast != publisher->tick_fast) tick_fast(publisher);
    if (second != publisher->tick_second) tick_second(publisher, second % 2 == 0);
    publisher->tick_fast = fast;
    publisher->tick_second = second;
}

/* ---- Subscriptions ---- */

/* The kind, an interval's own for klines. */
static enum channel_kind kind_of(const struct channel *channel)
{
    if (!is_kline(channel->kind)) return channel->kind;
    return channel_kline(channel->kind, channel->interval);
}

void publish_subscribe(struct publisher *publisher, uint32_t channel)
{
    ASSERT(channel < channel_count(publisher->markets_max));
    publisher->subscribers[channel]++;

    /* Who comes sees the present state at the next period, news or not. */
    const struct channel about = channel_of(channel, publisher->markets_max);
    if (about.kind < CHANNEL_KINDS) {
        publisher->states[about.market].dirty |= BIT(kind_of(&about));
    } else if (about.kind != CHANNEL_BLOCK) {
        for (uint32_t market = 0; market < publisher->markets_max; market++)
            publisher->states[market].dirty |= BIT(about.kind);
    }
}

void publish_unsubscribe(struct publisher *publisher, uint32_t channel)
{
    ASSERT(publisher->subscribers[channel] > 0);
    publisher->subscribers[channel]--;
}

static bool is_of_changes(enum channel_kind kind)
{
    return kind == CHANNEL_DIFFERENCE || kind == CHANNEL_DIFFERENCE_FAST || kind == CHANNEL_BOOK;
}

/* What a reader lacks from `first_id` on; 0: everything. False when that is forgotten and the stream has no
 * snapshots. Prints nothing while a difference is still to be cut: the next one everybody gets must
 * begin where this one ends (P1). */
static bool print_missed(struct publisher *publisher, const struct market_view *view,
                         enum channel_kind kind, uint64_t first_id, struct draft *draft)
{
    const enum rate rate = kind == CHANNEL_DIFFERENCE ? SLOW : FAST;
    const uint64_t next_id = view->depth.update_id + 1;
    const bool is_between = publisher->states[view->market].next_first_id[rate] == next_id;
    if (first_id > 0 && depth_remembers(&view->depth, first_id)) {
        if (is_between && first_id < next_id) print_changes(publisher, view, kind, first_id, draft);
        return true;
    }
    if (kind != CHANNEL_BOOK) return false;
    if (is_between) {
        stream_book(&draft->text, &draft->form, view, publisher->shown_ns, first_id > 0,
                    publisher->levels);
    }
    return true;
}

bool publish_begins_with_state(const struct publisher *publisher, uint32_t channel)
{
    return channel_of(channel, publisher->markets_max).kind == CHANNEL_BOOK;
}

bool publish_current(struct publisher *publisher, uint32_t channel, uint64_t first_update_id,
                     struct publish_message *message)
{
    const struct channel about = channel_of(channel, publisher->markets_max);
    struct draft draft = begin_text(publisher, channel, about.unit);
    if (is_of_changes(about.kind)) {
        const struct market_view *view = market_views_at(publisher->views, about.market);
        if (!print_missed(publisher, view, about.kind, first_update_id, &draft)) return false;
    } else if (about.kind < CHANNEL_KINDS) {
        struct market_view *view = market_views_at(publisher->views, about.market);
        print_state(publisher, view, kind_of(&about), &draft);
    } else {
        ASSERT(about.kind != CHANNEL_BLOCK);
        print_all(publisher, about.kind, false, &draft);
    }
    ASSERT(!text_full(&draft.text));
    *message = (struct publish_message){
        .channel = channel,
        .payload = draft.text.bytes,
        .payload_bytes = draft.text.used,
        .first_update_id = first_update_id,
        .conflatable = true,
    };
    return true;
}
