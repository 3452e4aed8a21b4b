#include "tests/golden/story.h"

#include "common/fee.h"
#include "common/reject.h"
#include "common/withdrawal_event.h"

const char *const story_self_trade_words[SELF_TRADE_TRANSFER + 1] = {
    "none", "taker", "maker", "both", "decrement", "transfer"};

static const struct params *params_of(const struct story *story)
{
    return engine_params(story->world.engine);
}

static const char *asset_word(const struct story *story, uint16_t asset)
{
    static char words[2][ASSET_SYMBOL_BYTES + 1];
    static int turn;
    char *word = words[turn = !turn];
    const char *symbol = params_of(story)->assets[asset].symbol;
    size_t i = 0;
    for (; symbol[i] != '\0'; i++)
        word[i] = (char)(symbol[i] | 0x20);
    word[i] = '\0';
    return word;
}

static const char *side_word(uint8_t side)
{
    return side == BUY ? "buy" : "sell";
}

/* `, in tea` where it is not the first market. */
static void say_market(struct story *story, uint16_t market)
{
    if (market != 0) story_say(story, " in %s", story->markets[market]);
}

static void say_order(struct story *story, uint32_t account, uint64_t order_id, uint16_t market)
{
    story_say(story, "| %s %" PRIu64, story->names[account], order_id);
    say_market(story, market);
}

static void say_client_id(struct story *story, const uint8_t client_id[36])
{
    if (client_id[0] != 0) story_say(story, " as %.36s", (const char *)client_id);
}

static void say_hold(struct story *story, amount_t hold, uint16_t asset)
{
    story_say(story, ", holds %" PRId64 " %s\n", hold.units, asset_word(story, asset));
}

static void say_stamp(struct story *story, uint64_t stamp_ns)
{
    const uint64_t ms = stamp_ns / 1000000, day = ms / 86400000, second = ms / 1000 % 86400;
    if (stamp_ns % 1000000 != 0) {
        story_say(story, "%" PRIu64 " ns", stamp_ns);
        return;
    }
    if (day != 0) story_say(story, "day%" PRIu64 " ", day);
    story_say(story, "%02d:%02d:%02d", (int)(second / 3600), (int)(second / 60 % 60),
              (int)(second % 60));
    if (ms % 1000 != 0) story_say(story, ".%03d", (int)(ms % 1000));
}

static void say_accepted(struct story *story, const struct event *event)
{
    static const char *const types[] = {"",     "",     "market", "maker",
                                        "stop", "stop", "profit", "profit"};
    static const char *const forces[] = {"", "gtc", "ioc", "fok"};
    struct order_accepted_event accepted;
    order_accepted_event_get(event->payload, &accepted);
    const bool own_force = accepted.type == LIMIT || accepted.type == STOP_LOSS_LIMIT ||
                           accepted.type == TAKE_PROFIT_LIMIT;
    say_order(story, accepted.account, accepted.order_id, accepted.market);
    story_say(story, ": %s", side_word(accepted.side));
    if (accepted.type != LIMIT) story_say(story, " %s", types[accepted.type]);
    if (own_force || accepted.time_in_force != GTC)
        story_say(story, " %s", forces[accepted.time_in_force]);
    if (accepted.quote_qty.units != 0) story_say(story, " for %" PRId64, accepted.quote_qty.units);
    if (accepted.quote_qty.units == 0 || accepted.qty.lots != 0)
        story_say(story, " %" PRId64, accepted.qty.lots);
    if (accepted.price.ticks != 0) story_say(story, " @ %" PRId64, accepted.price.ticks);
    if (accepted.self_trade != SELF_TRADE_NONE)
        story_say(story, " self %s", story_self_trade_words[accepted.self_trade]);
    say_client_id(story, accepted.client_id);
    say_hold(story, accepted.hold, accepted.hold_asset);
}

static void say_terms(struct story *story, const struct event *event)
{
    struct order_terms_event terms;
    order_terms_event_get(event->payload, &terms);
    say_order(story, terms.account, terms.order_id, terms.market);
    story_say(story, " terms:");
    if (terms.stop_price.ticks != 0) story_say(story, " stop %" PRId64, terms.stop_price.ticks);
    if (terms.trailing_delta != 0) story_say(story, " trailing %u", terms.trailing_delta);
    if (terms.iceberg_qty.lots != 0) story_say(story, " showing %" PRId64, terms.iceberg_qty.lots);
    if (terms.prevented.lots != 0) story_say(story, " prevented %" PRId64, terms.prevented.lots);
    if (terms.list_id != 0) story_say(story, " list %" PRIu64, terms.list_id);
    if (terms.pending != 0) story_say(story, " pending");
    story_say(story, "\n");
}

static void say_tagged(struct story *story, const struct event *event)
{
    struct order_tagged_event tagged;
    order_tagged_event_get(event->payload, &tagged);
    say_order(story, tagged.account, tagged.order_id, tagged.market);
    story_say(story, " called:");
    if ((tagged.flags & ORDER_TAG_ID) != 0) story_say(story, " %" PRIu64, tagged.strategy_id);
    if ((tagged.flags & ORDER_TAG_TYPE) != 0) story_say(story, " of %u", tagged.strategy_type);
    story_say(story, "\n");
}

static void say_repeated(struct story *story, const struct event *event)
{
    struct order_repeated_event repeated;
    order_repeated_event_get(event->payload, &repeated);
    say_order(story, repeated.account, repeated.order_id, repeated.market);
    story_say(story, " repeated: %" PRId64 " of %" PRId64 " for %" PRId64 " usd, status %u\n",
              repeated.executed.lots, repeated.qty.lots, repeated.quote_executed.units,
              repeated.status);
}

/* What a side of a match pays of what it receives, or gets back of what it paid. */
static void say_fee(struct story *story, int32_t rate_ppm, amount_t received, uint16_t in,
                    amount_t paid, uint16_t out)
{
    if (rate_ppm < 0)
        story_say(story, "rebate %" PRId64 " %s", fee_rebate(paid, rate_ppm).units,
                  asset_word(story, out));
    else
        story_say(story, "%" PRId64 " %s", fee_of(received, rate_ppm).charged.units,
                  asset_word(story, in));
}

static void say_fill(struct story *story, const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    const struct market *market = &params_of(story)->markets[fill.market];
    const amount_t quote = market_notional(market, fill.price, fill.qty);
    const amount_t base = market_base_amount(market, fill.qty);
    const bool taker_buys = fill.taker_side == BUY;
    story_say(story, "| trade %" PRIu64 " of run %" PRIu64, fill.trade_id, fill.aggregate_id);
    say_market(story, fill.market);
    story_say(story, ": %s %" PRIu64 " %s %" PRId64 " @ %" PRId64 " with %s %" PRIu64 ", fees ",
              story->names[fill.taker_account], fill.taker_order, taker_buys ? "buys" : "sells",
              fill.qty.lots, fill.price.ticks, story->names[fill.maker_account], fill.maker_order);
    const amount_t in = taker_buys ? base : quote, out = taker_buys ? quote : base;
    const uint16_t in_asset = taker_buys ? market->base : market->quote;
    const uint16_t out_asset = taker_buys ? market->quote : market->base;
    say_fee(story, fill.taker_rate_ppm, in, in_asset, out, out_asset);
    story_say(story, " and ");
    say_fee(story, fill.maker_rate_ppm, out, out_asset, in, in_asset);
    story_say(story, "\n");
}

static void say_prevented(struct story *story, const struct event *event)
{
    struct prevented_event prevented;
    prevented_event_get(event->payload, &prevented);
    story_say(story, "| prevented %" PRIu64, prevented.prevented_id);
    say_market(story, prevented.market);
    ASSERT(prevented.taker_account == prevented.maker_account);
    story_say(story,
              " by %s: %s %" PRIu64 " %s @ %" PRId64 " from %" PRIu64 ", takes %" PRId64
              " off %" PRIu64 " and %" PRId64 " off %" PRIu64 "\n",
              story_self_trade_words[prevented.mode], story->names[prevented.taker_account],
              prevented.taker_order, prevented.taker_side == BUY ? "buying" : "selling",
              prevented.price.ticks, prevented.maker_order, prevented.taker_qty.lots,
              prevented.taker_order, prevented.maker_qty.lots, prevented.maker_order);
}

static void say_done(struct story *story, const struct event *event)
{
    static const char *const statuses[] = {"",         "new",     "partly filled",   "filled",
                                           "canceled", "expired", "expired in match"};
    static const char *const reasons[] = {"",
                                          "",
                                          "",
                                          " with all",
                                          ", ioc",
                                          ", fok",
                                          ", no liquidity",
                                          ", self-trade",
                                          ", oco",
                                          ", working order ended",
                                          " with its list",
                                          ", no balance",
                                          ", would take",
                                          ", switch",
                                          ", session",
                                          ", origin lost",
                                          ", price range",
                                          ", replaced"};
    struct order_done_event done;
    order_done_event_get(event->payload, &done);
    const uint16_t quote = params_of(story)->markets[done.market].quote;
    say_order(story, done.account, done.order_id, done.market);
    story_say(story, " %s: %" PRId64 " of %" PRId64 " for %" PRId64 " %s%s\n",
              statuses[done.status], done.executed.lots, done.qty.lots, done.quote_executed.units,
              asset_word(story, quote), reasons[done.reason]);
}

static void say_level(struct story *story, const struct event *event)
{
    struct level_event level;
    level_event_get(event->payload, &level);
    story_say(story, "| %s level %" PRId64, side_word(level.side), level.price.ticks);
    say_market(story, level.market);
    story_say(story, ": %" PRId64 " (%" PRIu64 ")\n", level.qty.lots, level.update_id);
}

static void say_balance(struct story *story, const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    story_say(story, "| %s: %" PRId64 " %s, %" PRId64 " held\n", story->names[balance.account],
              balance.available.units, asset_word(story, balance.asset), balance.held.units);
}

static void say_transfer(struct story *story, const struct event *event)
{
    struct credited_event moved; /* a debit has the same fields */
    credited_event_get(event->payload, &moved);
    story_say(story, "| %s %s %" PRId64 " %s\n", story->names[moved.account],
              event->type == T_CREDITED ? "got" : "gave", moved.amount.units,
              asset_word(story, moved.asset));
}

/* A stop that works from here on, or a pending order in force. */
static void say_started(struct story *story, const struct event *event)
{
    if (event->type == T_ORDER_TRIGGERED) {
        struct order_triggered_event triggered;
        order_triggered_event_get(event->payload, &triggered);
        say_order(story, triggered.account, triggered.order_id, triggered.market);
        story_say(story, " triggered at %" PRId64, triggered.trigger_price.ticks);
        say_hold(story, triggered.hold, triggered.hold_asset);
        return;
    }
    struct order_released_event released;
    order_released_event_get(event->payload, &released);
    say_order(story, released.account, released.order_id, released.market);
    story_say(story, " released");
    say_hold(story, released.hold, released.hold_asset);
}

static void say_amended(struct story *story, const struct event *event)
{
    struct order_amended_event amended;
    order_amended_event_get(event->payload, &amended);
    say_order(story, amended.account, amended.order_id, amended.market);
    story_say(story, " amended: %" PRId64 " to %" PRId64, amended.qty_before.lots,
              amended.qty.lots);
    say_client_id(story, amended.client_id);
    story_say(story, "\n");
}

static void say_replaced(struct story *story, const struct event *event)
{
    struct order_replaced_event replaced;
    order_replaced_event_get(event->payload, &replaced);
    const enum reject cancel = (enum reject)replaced.cancel_reject;
    const enum reject place = (enum reject)replaced.place_reject;
    story_say(story, "| replaced: cancel %s, order %s\n",
              cancel == REJECT_NONE ? "well" : reject_name(cancel),
              replaced.attempted == 0 ? "not tried"
              : place == REJECT_NONE  ? "well"
                                      : reject_name(place));
}

static void say_list(struct story *story, const struct event *event)
{
    static const char *const kinds[] = {"", "oco", "oto", "otoco"};
    if (event->type == T_LIST_DONE) {
        struct list_done_event done;
        list_done_event_get(event->payload, &done);
        story_say(story, "| %s list %" PRIu64, story->names[done.account], done.list_id);
        say_market(story, done.market);
        story_say(story, " done\n");
        return;
    }
    struct list_accepted_event list;
    list_accepted_event_get(event->payload, &list);
    story_say(story, "| %s list %" PRIu64, story->names[list.account], list.list_id);
    say_market(story, list.market);
    story_say(story, ": %s of %" PRIu64 " and %" PRIu64, kinds[list.kind], list.a_order,
              list.b_order);
    if (list.c_order != 0) story_say(story, " and %" PRIu64, list.c_order);
    say_client_id(story, list.client_id);
    story_say(story, "\n");
}

static void say_switch(struct story *story, const struct event *event)
{
    struct switch_armed_event armed; /* a firing has the same fields */
    switch_armed_event_get(event->payload, &armed);
    story_say(story, "| %s switch", story->names[armed.account]);
    say_market(story, armed.market);
    if (armed.deadline_ns == 0) {
        story_say(story, " off\n");
        return;
    }
    story_say(story, event->type == T_SWITCH_ARMED ? " set to " : " fired of ");
    say_stamp(story, armed.deadline_ns);
    story_say(story, "\n");
}

static void say_tier(struct story *story, const struct event *event)
{
    struct tier_set_event tier; /* a change has the same fields */
    tier_set_event_get(event->payload, &tier);
    story_say(story, "| %s %s tier %u\n", story->names[tier.account],
              event->type == T_TIER_SET ? "has at least" : "now has", tier.tier);
}

#define SAY_IF_CHANGED(name, format, value) \
    if ((now.value) != (before->value)) story_say(story, " " name " " format, (now.value))
#define SAY_PAIR_IF_CHANGED(name, format, from, to) \
    if ((now.from) != (before->from) || (now.to) != (before->to)) \
    story_say(story, " " name " " format ".." format, (now.from), (now.to))

static void say_filters(struct story *story, const struct event *event)
{
    struct market_filtered_event filtered;
    market_filtered_event_get(event->payload, &filtered);
    const struct market_filters now = params_filters_of(&filtered), *before = &story->filters;
    story_say(story, "| the market");
    say_market(story, filtered.market);
    story_say(story, " has");
    SAY_PAIR_IF_CHANGED("market-lots", "%" PRId64, market_qty_min.lots, market_qty_max.lots);
    SAY_IF_CHANGED("notional-max", "%" PRId64, notional_max.units);
    SAY_IF_CHANGED("position", "%" PRId64, position_max.units);
    SAY_PAIR_IF_CHANGED("bids", "%u", bid_down, bid_up);
    SAY_PAIR_IF_CHANGED("asks", "%u", ask_down, ask_up);
    SAY_IF_CHANGED("average", "%u", average_minutes);
    SAY_IF_CHANGED("band", "%u", band_ppm);
    SAY_IF_CHANGED("stops", "%u", algo_orders_max);
    SAY_IF_CHANGED("icebergs", "%u", iceberg_orders_max);
    SAY_IF_CHANGED("parts", "%u", iceberg_parts_max);
    SAY_IF_CHANGED("lists", "%u", order_lists_max);
    SAY_PAIR_IF_CHANGED("trailing", "%u", trailing_min, trailing_max);
    SAY_IF_CHANGED("self modes", "0x%x", self_trade_modes);
    SAY_IF_CHANGED("self by itself", "%u", self_trade_default);
    story_say(story, "\n");
}

static void say_refused(struct story *story, const struct event *event)
{
    struct refused_event refused; /* a no-op has the same fields */
    refused_event_get(event->payload, &refused);
    story_say(story, "| %s: %s\n", event->type == T_NOOP ? "no-op" : "refused",
              reject_name((enum reject)refused.reject));
}

static void say_node(struct story *story, const struct event *event)
{
    struct hello_accepted_event hello;
    hello_accepted_event_get(event->payload, &hello);
    ASSERT(hello.epoch == story->world.number);
    story_say(story, "| node %u has begun\n", hello.node);
}

static void say_membership(struct story *story, const struct event *event)
{
    static const char *const roles[] = {"is gone", "stands by", "votes"};
    struct node_changed_event changed;
    node_changed_event_get(event->payload, &changed);
    story_say(story, "| node %u %s from block %" PRIu64 "\n", changed.node, roles[changed.role],
              changed.height);
}

static void say_epoch(struct story *story, const struct event *event)
{
    struct epoch_changed_event changed;
    epoch_changed_event_get(event->payload, &changed);
    story_say(story, "| epoch %" PRIu64 "\n", changed.epoch);
}

static void say_sealed(struct story *story, const struct event *event)
{
    struct sealed_event sealed;
    sealed_event_get(event->payload, &sealed);
    story_say(story, "| block %" PRIu64 " ends\n", sealed.height);
}

static void say_status(struct story *story, const struct event *event)
{
    static const char *const statuses[] = {"", "trades", "halts", "breaks"};
    struct market_status_changed_event changed;
    market_status_changed_event_get(event->payload, &changed);
    story_say(story, "| the market");
    say_market(story, changed.market);
    story_say(story, " %s\n", statuses[changed.status]);
}

static void say_rules(struct story *story, const struct event *event)
{
    story_say(story, "| rules %u\n", le_get_u32(event->payload));
}

static void say_route(struct story *story, const struct event *event)
{
    struct route_changed_event route;
    route_changed_event_get(event->payload, &route);
    story_say(story,
              "| %s moves over %.12s: %u confirmations, %" PRId64 "..%" PRId64 ", %" PRId64
              " a day, %u approve above %" PRId64 "%s\n",
              asset_word(story, route.asset), (const char *)route.chain, route.confirmations,
              route.withdrawal_min.units, route.withdrawal_max.units, route.day_max.units,
              route.approvals, route.approval_above.units,
              route.status == ROUTE_OPEN ? "" : ", closed");
}

static void say_frozen(struct story *story, const struct event *event)
{
    struct account_frozen_event frozen;
    account_frozen_event_get(event->payload, &frozen);
    story_say(story, "| %s is %s\n", story->names[frozen.account],
              frozen.frozen ? "frozen" : "free");
}

static void say_created(struct story *story, const struct event *event)
{
    struct account_created_event created;
    account_created_event_get(event->payload, &created);
    story_say(story, "| %s has account %u, tier %u\n", story->names[created.account],
              created.account, created.tier);
}

static void say_pending(struct story *story, const struct event *event)
{
    struct account_pending_event told;
    account_pending_event_get(event->payload, &told);
    story_say(story, "| %s %s\n", story->names[told.account],
              told.pending ? "waits" : "waits no more");
}

static void say_opening(struct story *story, const struct event *event)
{
    struct opening_changed_event changed;
    opening_changed_event_get(event->payload, &changed);
    story_say(story, "| %u accounts an hour open themselves%s\n", changed.per_hour,
              changed.approval ? ", and wait" : "");
}

static void say_address(struct story *story, const struct event *event)
{
    struct address_changed_event address;
    address_changed_event_get(event->payload, &address);
    story_say(story, "| %s %s %.64s on %.12s", story->names[address.account],
              address.kind == ADDRESS_DEPOSIT ? "deposits to" : "may withdraw to",
              (const char *)address.address, (const char *)address.chain);
    if (address.active_ns == 0) {
        story_say(story, ": not any more\n");
        return;
    }
    story_say(story, " from ");
    say_stamp(story, address.active_ns);
    story_say(story, "\n");
}

static void say_deposit(struct story *story, const struct event *event)
{
    static const char *const states[] = {"", "confirming", "credited", "reorged", "owed"};
    struct deposit_changed_event deposit;
    deposit_changed_event_get(event->payload, &deposit);
    story_say(story,
              "| deposit %" PRIu64 " of %s: %" PRId64 " %s %s, %u confirmations, %" PRId64
              " credited (%+" PRId64 ")\n",
              deposit.deposit, story->names[deposit.account], deposit.amount.units,
              asset_word(story, deposit.asset), states[deposit.state], deposit.confirmations,
              deposit.credited.units, deposit.moved.units);
}

static void say_connector(struct story *story, const struct event *event)
{
    struct connector_added_event added;
    connector_added_event_get(event->payload, &added);
    story_say(story, "| connector %u\n", added.connector);
}

static void say_route_fee(struct story *story, const struct event *event)
{
    struct route_fee_changed_event changed;
    route_fee_changed_event_get(event->payload, &changed);
    story_say(story, "| fee of %.12s %s: %" PRId64 ", before %" PRId64 ", from %" PRIu64 " s\n",
              (const char *)changed.chain, asset_word(story, changed.asset), changed.fee.units,
              changed.fee_before.units, changed.from_ns / UINT64_C(1000000000));
}

static void say_withdrawal(struct story *story, const struct event *event)
{
    static const char *const states[] = {"new",       "held",  "approved", "denied",
                                         "broadcast", "final", "failed",   "canceled"};
    struct withdrawal_moved_event withdrawal;
    withdrawal_event_get(event, &withdrawal);
    story_say(story, "| withdrawal %" PRIu64 " of %s: %" PRId64 " %s to %.64s, %s to %s",
              withdrawal.withdrawal, story->names[withdrawal.account], withdrawal.amount.units,
              asset_word(story, withdrawal.asset), (const char *)withdrawal.address,
              states[withdrawal.before], states[withdrawal.state]);
    if (withdrawal.fee.units != 0)
        story_say(story, ", %" PRId64 " of it the fee", withdrawal.fee.units);
    if (withdrawal.approvers != 0) story_say(story, ", approvers %x", withdrawal.approvers);
    if (withdrawal.block != 0) story_say(story, ", block %" PRIu64, withdrawal.block);
    story_say(story, "\n");
}

typedef void saying(struct story *story, const struct event *event);

static saying *saying_of(uint16_t type)
{
    static const struct {
        uint16_t type;
        saying *say;
    } sayings[] = {
        {T_NOOP, say_refused},
        {T_REFUSED, say_refused},
        {T_HELLO_ACCEPTED, say_node},
        {T_SEALED, say_sealed},
        {T_NODE_CHANGED, say_membership},
        {T_EPOCH_CHANGED, say_epoch},
        {T_MARKET_STATUS_CHANGED, say_status},
        {T_CREDITED, say_transfer},
        {T_DEBITED, say_transfer},
        {T_ORDER_ACCEPTED, say_accepted},
        {T_FILL, say_fill},
        {T_ORDER_DONE, say_done},
        {T_LEVEL, say_level},
        {T_BALANCE, say_balance},
        {T_ORDER_TERMS, say_terms},
        {T_ORDER_TAGGED, say_tagged},
        {T_ORDER_REPEATED, say_repeated},
        {T_ORDER_TRIGGERED, say_started},
        {T_ORDER_RELEASED, say_started},
        {T_PREVENTED, say_prevented},
        {T_ORDER_AMENDED, say_amended},
        {T_ORDER_REPLACED, say_replaced},
        {T_LIST_ACCEPTED, say_list},
        {T_LIST_DONE, say_list},
        {T_SWITCH_ARMED, say_switch},
        {T_SWITCH_FIRED, say_switch},
        {T_TIER_CHANGED, say_tier},
        {T_TIER_SET, say_tier},
        {T_MARKET_FILTERED, say_filters},
        {T_RULES_CHANGED, say_rules},
        {T_ROUTE_CHANGED, say_route},
        {T_ACCOUNT_FROZEN, say_frozen},
        {T_ACCOUNT_CREATED, say_created},
        {T_ACCOUNT_PENDING, say_pending},
        {T_OPENING_CHANGED, say_opening},
        {T_ADDRESS_CHANGED, say_address},
        {T_DEPOSIT_CHANGED, say_deposit},
        {T_WITHDRAWAL_CHANGED, say_withdrawal},
        {T_WITHDRAWAL_MOVED, say_withdrawal},
        {T_ROUTE_FEE_CHANGED, say_route_fee},
        {T_CONNECTOR_ADDED, say_connector},
    };
    for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++)
        if (sayings[i].type == type) return sayings[i].say;
    return NULL;
}

void story_trace(struct story *story)
{
    const uint8_t *at = story->world.events.bytes;
    struct event event;
    while (event_next(&at, story->world.out.at, &event)) {
        saying *say = saying_of(event.type);
        if (say == NULL)
            story_say(story, "| %s\n", message_name(event.type));
        else
            say(story, &event);
    }
    ASSERT(at == story->world.out.at);
    ASSERT(engine_check(story->world.engine));
}
