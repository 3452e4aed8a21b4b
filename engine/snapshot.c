#include "engine/snapshot.h"

#include "common/arena.h"
#include "engine/filters.h"
#include "engine/state.h"

#define DIGIT_BITS  10 /* of an id, by which orders are sorted at a time */
#define DIGIT_COUNT (1u << DIGIT_BITS)
#define BY_MARKET   64 /* instead of a shift */
#define LOOK_AHEAD  16 /* orders that are asked for ahead of their turn */
#define HASH_DOMAIN "quorex/snapshot/1"

static_assert(PARAMS_MARKETS_LIMIT <= DIGIT_COUNT, "markets are sorted by as if they were a digit");

/* An open order on its way to its place. */
struct ranked {
    uint64_t id;
    uint32_t slot;
    uint32_t market;
};

struct writer {
    const struct engine *engine;
    const struct genesis *genesis;
    const struct snapshot_sink *sink;
    struct section_writer out;
    uint8_t *buffer;
    uint64_t counts[SNAPSHOT_SECTIONS];
    struct ranked *ranked, *other;   /* by place - 1; room to sort them in */
    uint32_t *places;                /* by slot */
    struct snapshot_market *markets; /* as far as they are counted */
    uint8_t *params;
    size_t params_bytes;
    struct switch_due *switches;
};

static const uint32_t record_bytes[SNAPSHOT_SECTIONS] = {
#define SECTION(NAME, name) [SNAPSHOT_##NAME] = SNAPSHOT_##NAME##_BYTES,
#define FIELD(type, name)
#define BYTES(name, count)
#define END(NAME, name)
#include "engine/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END
};

/* Each version has all that the one before it has, and more sections at the end. */
#define FORM(number, sections) \
    { \
        .magic = SNAPSHOT_MAGIC, .domain = HASH_DOMAIN, .version = (number), .count = (sections), \
        .record_bytes = record_bytes \
    }

/* By the first rules under which it is written. */
static const struct {
    uint32_t rules;
    struct section_form form;
} versions[] = {
    {1, FORM(SNAPSHOT_VERSION_CHARGELESS, SNAPSHOT_CHARGES)},
    {PARAMS_RULES_CHARGES, FORM(SNAPSHOT_VERSION_TAGLESS, SNAPSHOT_TAGS)},
    {PARAMS_RULES_API, FORM(SNAPSHOT_VERSION_RIGHTLESS, SNAPSHOT_KEY_RIGHTS)},
    {PARAMS_RULES_KEYS, FORM(SNAPSHOT_VERSION_OPENLESS, SNAPSHOT_OPENINGS)},
    {PARAMS_RULES_OPENING, FORM(SNAPSHOT_VERSION, SNAPSHOT_SECTIONS)},
};

#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

const struct section_form *snapshot_form(uint32_t rules)
{
    size_t newest = VERSIONS - 1;
    while (versions[newest].rules > rules && newest > 0)
        newest--;
    return &versions[newest].form;
}

enum status snapshot_find(const struct genesis *genesis, const uint8_t *bytes, size_t byte_count,
                          struct section_records records[SNAPSHOT_SECTIONS])
{
    enum status status = STATUS_UNSUPPORTED;
    for (size_t i = 0; i < VERSIONS && status == STATUS_UNSUPPORTED; i++) {
        const struct section_form *form = &versions[i].form;
        status = section_find(form, genesis, bytes, byte_count, records);
        for (uint32_t absent = form->count; absent < SNAPSHOT_SECTIONS; absent++)
            records[absent] = (struct section_records){.begin = bytes};
    }
    return status;
}

uint32_t snapshot_record_bytes(enum snapshot_section section)
{
    return record_bytes[section];
}

/* ---- Scratch. */

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t snapshot_scratch_bytes(const struct engine *engine)
{
    const struct order_pool *pool = &engine->books.orders;
    return 2 * rounded(pool->count * sizeof(struct ranked)) +
           rounded(((size_t)pool->used + 1) * sizeof(uint32_t)) +
           rounded(engine->params.market_count * sizeof(struct snapshot_market)) +
           rounded(PARAMS_BYTES_MAX) + rounded(engine->switches.count * sizeof(struct switch_due)) +
           SECTION_BUFFER_BYTES;
}

static void scratch_take(struct writer *writer, struct arena *scratch)
{
    const struct engine *engine = writer->engine;
    const struct order_pool *pool = &engine->books.orders;
    writer->ranked = arena_take_array(scratch, pool->count, sizeof(struct ranked));
    writer->other = arena_take_array(scratch, pool->count, sizeof(struct ranked));
    writer->places = arena_take_array(scratch, (size_t)pool->used + 1, sizeof(uint32_t));
    writer->markets =
        arena_take_array(scratch, engine->params.market_count, sizeof(struct snapshot_market));
    writer->params = arena_take(scratch, PARAMS_BYTES_MAX);
    writer->switches = arena_take_array(scratch, engine->switches.count, sizeof(struct switch_due));
    writer->buffer = arena_take(scratch, SECTION_BUFFER_BYTES);
    ASSERT(writer->buffer != NULL); /* snapshot_scratch_bytes has counted them all */
}

/* ---- Bytes out. */

/* put_order(writer, record) and so on, one a section. */
#define SECTION(NAME, name) \
    static void put_##name(struct writer *writer, struct snapshot_##name record) \
    { \
        snapshot_##name##_put(section_room(&writer->out, SNAPSHOT_##NAME##_BYTES), &record); \
    }
#define FIELD(type, name)
#define BYTES(name, count)
#define END(NAME, name)
#include "engine/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

static void put_section(struct writer *writer, enum snapshot_section section)
{
    section_open(&writer->out, section, writer->counts[section]);
}

/* ---- Counting: sections say how many records they have before the first one. */

static const struct order *order_at(const struct writer *writer, uint32_t slot)
{
    return &writer->engine->books.orders.orders[slot];
}

static const struct order_extra *extra_of(const struct writer *writer, const struct order *order)
{
    return &writer->engine->books.orders.extras[order->extra];
}

static bool bytes_given(const uint8_t *bytes, size_t byte_count)
{
    uint8_t all = 0;
    for (size_t i = 0; i < byte_count; i++)
        all |= bytes[i];
    return all != 0;
}

static uint8_t has_of(const struct order *order)
{
    return (uint8_t)((bytes_given(order->client_id, CLIENT_ID_BYTES) ? SNAPSHOT_HAS_NAME : 0) |
                     (order->extra != NO_SLOT ? SNAPSHOT_HAS_EXTRA : 0) |
                     (order->tag_flags != 0 ? SNAPSHOT_HAS_TAG : 0));
}

/* The list that this order speaks for, being the first of it that is open; or NULL. */
static const struct list *list_headed(const struct writer *writer, uint32_t slot)
{
    const struct engine *engine = writer->engine;
    const struct list *list = lists_of(&engine->lists, &engine->books.orders, slot);
    if (list == NULL) return NULL;
    uint32_t first = 0;
    while (list->legs[first] == NO_SLOT)
        first++;
    return list->legs[first] == slot ? list : NULL;
}

/* Where it waits, in its market's counts. */
static uint32_t *waiting_count(struct snapshot_market *market, const struct order *order)
{
    if ((order->flags & ORDER_DORMANT) == 0)
        return order->side == BUY ? &market->bids : &market->asks;
    if ((order->level & TRIGGERS_TRAILING) != 0) return &market->trailing;
    return filters_rises(order->type, order->side) ? &market->rising : &market->falling;
}

static void order_count(struct writer *writer, uint32_t slot)
{
    const struct order *order = order_at(writer, slot);
    struct snapshot_market *market = &writer->markets[order->market];
    const uint8_t has = has_of(order);
    ASSERT((order->flags & ORDER_QUEUED) == 0);

    writer->ranked[writer->counts[SNAPSHOT_ORDERS]++] =
        (struct ranked){.id = order->id, .slot = slot, .market = order->market};
    market->orders++;
    market->lists += list_headed(writer, slot) != NULL;
    if ((order->flags & ORDER_PENDING) == 0) ++*waiting_count(market, order);
    writer->counts[SNAPSHOT_NAMES] += (has & SNAPSHOT_HAS_NAME) != 0;
    writer->counts[SNAPSHOT_EXTRAS] += (has & SNAPSHOT_HAS_EXTRA) != 0;
    writer->counts[SNAPSHOT_TAGS] += (has & SNAPSHOT_HAS_TAG) != 0;
    writer->counts[SNAPSHOT_BOUND] += (order->flags & ORDER_BOUND) != 0;
}

static void orders_count(struct writer *writer)
{
    const struct order_pool *pool = &writer->engine->books.orders;
    for (uint32_t slot = 1; slot <= pool->used; slot++)
        if (pool->orders[slot].id != 0) order_count(writer, slot);
    ASSERT(writer->counts[SNAPSHOT_ORDERS] == pool->count);
}

static void markets_count(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    uint64_t *counts = writer->counts;
    struct averages_minute minute = {0};
    memset(writer->markets, 0, engine->params.market_count * sizeof(struct snapshot_market));
    while (averages_next(&engine->averages, &minute))
        writer->markets[minute.market].minutes++;
    orders_count(writer);
    for (uint16_t i = 0; i < engine->params.market_count; i++) {
        const struct snapshot_market *market = &writer->markets[i];
        counts[SNAPSHOT_MINUTES] += market->minutes;
        counts[SNAPSHOT_LISTS] += market->lists;
        counts[SNAPSHOT_QUEUES] += (uint64_t)market->bids + market->asks;
        counts[SNAPSHOT_SLEEPERS] += (uint64_t)market->rising + market->falling;
        counts[SNAPSHOT_FOLLOWERS] += market->trailing;
    }
}

static bool balance_given(const struct balance *balance)
{
    return balance->available.units != 0 || balance->held.units != 0;
}

static uint8_t balances_of(const struct engine *engine, uint32_t account)
{
    uint8_t count = 0;
    for (uint16_t asset = 0; asset < engine->params.asset_count; asset++)
        count += balance_given(accounts_balance(&engine->accounts, account, asset));
    return count;
}

static bool has_key(const struct engine *engine, uint32_t account)
{
    return bytes_given(engine->accounts.accounts[account].public_key, PUBLIC_KEY_BYTES);
}

static void accounts_count(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    struct volumes_day day = {.account = 0};
    for (uint32_t account = 1; account <= engine->accounts.count; account++) {
        writer->counts[SNAPSHOT_ACCOUNT_KEYS] += has_key(engine, account);
        writer->counts[SNAPSHOT_BALANCES] += balances_of(engine, account);
    }
    while (volumes_next(&engine->volumes, &day))
        writer->counts[SNAPSHOT_VOLUMES]++;
}

/* What counts for today's limit. */
static bool withdrawn_given(const struct engine *engine, uint32_t account, uint16_t asset)
{
    const struct custody_day *day = custody_day(&engine->custody, account, asset);
    return day->day == engine->day && day->sum.units != 0;
}

static void custody_count(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    writer->counts[SNAPSHOT_ADDRESSES] = engine->custody.address_count;
    writer->counts[SNAPSHOT_FLOORS] = engine->params.route_count;
    writer->counts[SNAPSHOT_TRANSFERS] = 1;
    writer->counts[SNAPSHOT_DEPOSITS] = engine->custody.deposit_count;
    writer->counts[SNAPSHOT_WITHDRAWALS] = engine->custody.withdrawal_count;
    if (engine->params.rules >= PARAMS_RULES_CHARGES)
        writer->counts[SNAPSHOT_CHARGES] = engine->custody.withdrawal_count;
    if (engine->custody.withdrawal_last == 0) return;
    for (uint32_t account = 1; account <= engine->accounts.count; account++)
        for (uint16_t asset = 0; asset < engine->params.asset_count; asset++)
            writer->counts[SNAPSHOT_WITHDRAWN] += withdrawn_given(engine, account, asset);
}

static void rights_count(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    if (engine->params.rules < PARAMS_RULES_KEYS) return;
    writer->counts[SNAPSHOT_KEY_RIGHTS] = engine->keys.count;
    for (uint32_t account = 1; account <= engine->accounts.count; account++)
        writer->counts[SNAPSHOT_KEY_TIMES] += engine->keys.owners[account].last_ns != 0;
}

static void all_count(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    writer->params_bytes = params_encode(&engine->params, writer->params);
    writer->counts[SNAPSHOT_STATE] = 1;
    writer->counts[SNAPSHOT_PARAMS] = writer->params_bytes;
    writer->counts[SNAPSHOT_MEMBERSHIP] = 1;
    writer->counts[SNAPSHOT_NODES] = engine->nodes.set.count;
    writer->counts[SNAPSHOT_NONCES] =
        (uint64_t)engine->operator_count + engine->params.connector_count;
    writer->counts[SNAPSHOT_ORIGINS] = engine->origins.count;
    writer->counts[SNAPSHOT_ASSETS] = engine->params.asset_count;
    writer->counts[SNAPSHOT_ACCOUNTS] = engine->accounts.count;
    writer->counts[SNAPSHOT_KEYS] = engine->keys.count;
    writer->counts[SNAPSHOT_MARKETS] = engine->params.market_count;
    writer->counts[SNAPSHOT_SWITCHES] = engine->switches.count;
    writer->counts[SNAPSHOT_REPEATS] = engine->repeats.count;
    writer->counts[SNAPSHOT_OPENINGS] = engine->params.rules >= PARAMS_RULES_OPENING;
    accounts_count(writer);
    markets_count(writer);
    custody_count(writer);
    rights_count(writer);
}

/* ---- Places: orders by market and id. Slots say nothing about either. */

static uint32_t digit_of(const struct ranked *ranked, unsigned shift)
{
    return shift == BY_MARKET ? ranked->market : (uint32_t)(ranked->id >> shift) % DIGIT_COUNT;
}

/* Sorts by one digit, and leaves those that have the same one in their order. */
static void digit_sort(struct writer *writer, unsigned shift)
{
    const uint64_t count = writer->counts[SNAPSHOT_ORDERS];
    uint32_t begins[DIGIT_COUNT + 1] = {0};
    for (uint64_t i = 0; i < count; i++)
        begins[digit_of(&writer->ranked[i], shift) + 1]++;
    for (uint32_t digit = 0; digit < DIGIT_COUNT; digit++)
        begins[digit + 1] += begins[digit];
    for (uint64_t i = 0; i < count; i++)
        writer->other[begins[digit_of(&writer->ranked[i], shift)]++] = writer->ranked[i];

    struct ranked *const sorted = writer->other;
    writer->other = writer->ranked;
    writer->ranked = sorted;
}

static void orders_rank(struct writer *writer)
{
    const uint64_t count = writer->counts[SNAPSHOT_ORDERS];
    uint64_t bits = 0;
    for (uint64_t i = 0; i < count; i++)
        bits |= writer->ranked[i].id;
    for (unsigned shift = 0; shift < 64 && bits >> shift != 0; shift += DIGIT_BITS)
        digit_sort(writer, shift);
    if (writer->engine->params.market_count > 1) digit_sort(writer, BY_MARKET);
    writer->places[NO_SLOT] = 0;
    for (uint64_t i = 0; i < count; i++)
        writer->places[writer->ranked[i].slot] = (uint32_t)i + 1;
}

/* ---- The sections. */

static void put_nodes(struct writer *writer)
{
    const struct nodes *nodes = &writer->engine->nodes;
    put_section(writer, SNAPSHOT_MEMBERSHIP);
    put_membership(writer, (struct snapshot_membership){.change_height = nodes->change_height,
                                                        .epoch = nodes->epoch,
                                                        .last_node = nodes->last_node});
    put_section(writer, SNAPSHOT_NODES);
    for (uint32_t i = 0; i < nodes->set.count; i++) {
        const struct node_member *member = &nodes->set.members[i];
        struct snapshot_node record = {
            .voted = nodes->voted[i], .node = member->node, .role = member->role};
        memcpy(record.public_key, member->public_key, sizeof(record.public_key));
        memcpy(record.address, member->address, sizeof(record.address));
        put_node(writer, record);
    }
}

static void put_log(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    put_section(writer, SNAPSHOT_STATE);
    put_state(writer, (struct snapshot_state){.last_command = engine->last_command,
                                              .stamp_ns = engine->stamp_ns,
                                              .sealed_height = engine->sealed_height,
                                              .sealed_command = engine->sealed_command});
    put_section(writer, SNAPSHOT_PARAMS);
    for (size_t i = 0; i < writer->params_bytes; i++)
        put_param(writer, (struct snapshot_param){.byte = writer->params[i]});
    put_nodes(writer);
    put_section(writer, SNAPSHOT_NONCES);
    for (uint32_t i = 0; i < engine->operator_count; i++)
        put_nonce(writer, (struct snapshot_nonce){.last = engine->operator_nonces[i]});
    for (uint32_t i = 0; i < engine->params.connector_count; i++)
        put_nonce(writer, (struct snapshot_nonce){
                              .last = engine->operator_nonces[PARAMS_CONNECTOR_FIRST + i]});
    put_section(writer, SNAPSHOT_ORIGINS);
    for (uint32_t i = 0; i < engine->origins.count; i++) {
        const struct origin *origin = &engine->origins.members[i];
        put_origin(writer, (struct snapshot_origin){.epoch = origin->epoch,
                                                    .nonce = origin->nonce,
                                                    .last_sequence = origin->last_sequence,
                                                    .node = origin->node});
    }
}

static void put_account_balances(struct writer *writer, uint32_t account)
{
    const struct engine *engine = writer->engine;
    for (uint16_t asset = 0; asset < engine->params.asset_count; asset++) {
        const struct balance *balance = accounts_balance(&engine->accounts, account, asset);
        if (!balance_given(balance)) continue;
        put_balance(writer, (struct snapshot_balance){.available = balance->available,
                                                      .held = balance->held,
                                                      .asset = asset});
    }
}

static void put_accounts(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    const struct accounts *accounts = &engine->accounts;
    put_section(writer, SNAPSHOT_ASSETS);
    for (uint16_t i = 0; i < engine->params.asset_count; i++)
        put_asset(writer, (struct snapshot_asset){.supply = accounts->supply[i],
                                                  .fees = accounts->fees[i],
                                                  .in_flight = accounts->in_flight[i]});
    put_section(writer, SNAPSHOT_ACCOUNTS);
    for (uint32_t account = 1; account <= accounts->count; account++) {
        const struct account_terms *terms = &accounts->terms[account];
        put_account(writer,
                    (struct snapshot_account){.tier_day = terms->tier_day,
                                              .tier = terms->tier,
                                              .floor = terms->floor,
                                              .balances = balances_of(engine, account),
                                              .has_key = has_key(engine, account),
                                              .frozen = (terms->frozen ? SNAPSHOT_FROZEN : 0) |
                                                        (terms->pending ? SNAPSHOT_PENDING : 0)});
    }
    put_section(writer, SNAPSHOT_ACCOUNT_KEYS);
    for (uint32_t account = 1; account <= accounts->count; account++) {
        struct snapshot_account_key key;
        if (!has_key(engine, account)) continue;
        memcpy(key.public_key, accounts->accounts[account].public_key, PUBLIC_KEY_BYTES);
        put_account_key(writer, key);
    }
    put_section(writer, SNAPSHOT_BALANCES);
    for (uint32_t account = 1; account <= accounts->count; account++)
        put_account_balances(writer, account);
}

static void put_volumes(struct writer *writer)
{
    struct volumes_day day = {.account = 0};
    put_section(writer, SNAPSHOT_VOLUMES);
    while (volumes_next(&writer->engine->volumes, &day))
        put_volume(writer, (struct snapshot_volume){
                               .account = day.account, .day = day.day, .value = day.value});
}

static void put_keys(struct writer *writer)
{
    const struct keys *keys = &writer->engine->keys;
    put_section(writer, SNAPSHOT_KEYS);
    for (uint32_t i = 1; i <= keys->count; i++) {
        struct snapshot_key key;
        memcpy(key.id, keys->ids[i], sizeof(key.id));
        put_key(writer, key);
    }
}

static void put_markets(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    put_section(writer, SNAPSHOT_MARKETS);
    for (uint16_t i = 0; i < engine->params.market_count; i++) {
        struct snapshot_market market = writer->markets[i];
        const struct book *book = &engine->books.markets[i];
        market.last_order = book->last_order;
        market.last_trade = book->last_trade;
        market.last_aggregate = book->last_aggregate;
        market.last_update = book->last_update;
        market.last_prevented = engine->ids[i].last_prevented;
        market.last_list = engine->ids[i].last_list;
        market.last_price = averages_last(&engine->averages, i);
        put_market(writer, market);
    }
    put_section(writer, SNAPSHOT_MINUTES);
    struct averages_minute minute = {0};
    while (averages_next(&engine->averages, &minute))
        put_minute(writer, (struct snapshot_minute){
                               .minute = minute.minute,
                               .value_low = (uint64_t)minute.sum.value,
                               .value_high = (uint64_t)(minute.sum.value >> 64),
                               .lots_low = (uint64_t)minute.sum.lots,
                               .lots_high = (uint64_t)(minute.sum.lots >> 64),
                           });
}

/* Calls `put` for each order in the order of places. */
static void each_order(struct writer *writer, void (*put)(struct writer *writer, uint32_t slot))
{
    const uint64_t count = writer->counts[SNAPSHOT_ORDERS];
    for (uint64_t i = 0; i < count; i++) {
        if (i + LOOK_AHEAD < count) {
            const struct order *ahead = order_at(writer, writer->ranked[i + LOOK_AHEAD].slot);
            __builtin_prefetch(ahead);
            __builtin_prefetch(ahead->client_id);
        }
        put(writer, writer->ranked[i].slot);
    }
}

static void put_order_of(struct writer *writer, uint32_t slot)
{
    const struct order *order = order_at(writer, slot);
    put_order(writer, (struct snapshot_order){
                          .id = order->id,
                          .price = order->price,
                          .qty = order->qty,
                          .left = order->left,
                          .quote_executed = order->quote_executed,
                          .created_ns = order->created_ns,
                          .account = order->account,
                          .side = order->side,
                          .type = order->type,
                          .time_in_force = order->time_in_force,
                          .self_trade = order->self_trade,
                          .flags = order->flags,
                          .has = has_of(order),
                      });
}

static void put_name_of(struct writer *writer, uint32_t slot)
{
    const struct order *order = order_at(writer, slot);
    struct snapshot_name name;
    if ((has_of(order) & SNAPSHOT_HAS_NAME) == 0) return;
    memcpy(name.client_id, order->client_id, CLIENT_ID_BYTES);
    put_name(writer, name);
}

/* What an order has no use for any more is not state: where it fired, where it began to trail. */
static void put_extra_of(struct writer *writer, uint32_t slot)
{
    const struct order *order = order_at(writer, slot);
    if (order->extra == NO_SLOT) return;
    const struct order_extra *extra = extra_of(writer, order);
    put_extra(writer, (struct snapshot_extra){.stop_price = extra->stop_price,
                                              .iceberg_qty = extra->iceberg_qty,
                                              .hidden = extra->hidden,
                                              .prevented = extra->prevented,
                                              .hold_price = extra->hold_price,
                                              .trailing_delta = extra->trailing_delta});
}

/* A list's id rises with those of its orders. */
static void put_list_of(struct writer *writer, uint32_t slot)
{
    if ((order_at(writer, slot)->flags & ORDER_LISTED) == 0) return;
    const struct list *list = list_headed(writer, slot);
    if (list == NULL) return;
    struct snapshot_list record = {.id = list->id,
                                   .a_order = writer->places[list->legs[0]],
                                   .b_order = writer->places[list->legs[1]],
                                   .c_order = writer->places[list->legs[2]],
                                   .kind = list->kind};
    memcpy(record.client_id, list->client_id, CLIENT_ID_BYTES);
    put_list(writer, record);
}

static void put_orders(struct writer *writer)
{
    put_section(writer, SNAPSHOT_ORDERS);
    each_order(writer, put_order_of);
    put_section(writer, SNAPSHOT_NAMES);
    each_order(writer, put_name_of);
    put_section(writer, SNAPSHOT_EXTRAS);
    each_order(writer, put_extra_of);
    put_section(writer, SNAPSHOT_LISTS);
    each_order(writer, put_list_of);
}

static void put_side(struct writer *writer, uint16_t market, enum side side)
{
    const struct books *books = &writer->engine->books;
    const struct ladder *ladder = &books->markets[market].sides[side];
    for (uint32_t level = ladder->best; level != NO_SLOT;
         level = ladder_next(&books->levels, ladder, level))
        for (uint32_t slot = books->levels.levels[level].oldest; slot != NO_SLOT;
             slot = books->orders.orders[slot].newer)
            put_queued(writer, (struct snapshot_queued){.order = writer->places[slot]});
}

/* Those of one market that have started to trail, or those that have not. */
static void put_asleep(struct writer *writer, uint16_t market, bool trailing)
{
    const struct triggers *triggers = &writer->engine->triggers;
    struct asleep asleep;
    bool more = triggers_asleep_first(triggers, market, &asleep);
    for (; more; more = triggers_asleep_next(triggers, &asleep)) {
        const uint32_t place = writer->places[asleep.order];
        if ((asleep.kind == ASLEEP_TRAILING) != trailing) continue;
        if (trailing)
            put_follower(writer,
                         (struct snapshot_follower){.order = place, .extreme = asleep.extreme});
        else
            put_sleeper(writer, (struct snapshot_sleeper){.order = place});
    }
}

static void put_waiting(struct writer *writer)
{
    const uint16_t count = writer->engine->params.market_count;
    put_section(writer, SNAPSHOT_QUEUES);
    for (uint16_t market = 0; market < count; market++) {
        put_side(writer, market, BUY);
        put_side(writer, market, SELL);
    }
    put_section(writer, SNAPSHOT_SLEEPERS);
    for (uint16_t market = 0; market < count; market++)
        put_asleep(writer, market, false);
    put_section(writer, SNAPSHOT_FOLLOWERS);
    for (uint16_t market = 0; market < count; market++)
        put_asleep(writer, market, true);
}

static void put_sessions(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    put_section(writer, SNAPSHOT_BOUND);
    for (uint32_t slot = engine->bound_oldest; slot != NO_SLOT;) {
        const struct order_extra *extra = extra_of(writer, order_at(writer, slot));
        put_bound(writer, (struct snapshot_bound){.order = writer->places[slot],
                                                  .session = extra->session,
                                                  .origin = extra->origin});
        slot = extra->bound_newer;
    }
    put_section(writer, SNAPSHOT_SWITCHES);
    switches_list(&engine->switches, writer->switches);
    for (uint32_t i = 0; i < engine->switches.count; i++) {
        const struct switch_due *due = &writer->switches[i];
        put_switch(writer, (struct snapshot_switch){.deadline_ns = due->deadline_ns,
                                                    .account = due->account,
                                                    .market = due->market});
    }
}

static void put_addresses(struct writer *writer)
{
    const struct custody *custody = &writer->engine->custody;
    put_section(writer, SNAPSHOT_ADDRESSES);
    for (uint32_t i = 1; i <= custody->address_count; i++) {
        const struct address *address = &custody->addresses[i];
        struct snapshot_address record = {
            .active_ns = address->active_ns, .account = address->account, .kind = address->kind};
        memcpy(record.chain, address->chain, CHAIN_BYTES);
        memcpy(record.address, address->address, CHAIN_ADDRESS_BYTES);
        put_address(writer, record);
    }
}

static void put_deposit_of(struct writer *writer, const struct deposit_changed_event *deposit)
{
    struct snapshot_deposit record = {.height = deposit->height,
                                      .amount = deposit->amount,
                                      .credited = deposit->credited,
                                      .account = deposit->account,
                                      .confirmations = deposit->confirmations,
                                      .output = deposit->output,
                                      .asset = deposit->asset,
                                      .state = deposit->state};
    memcpy(record.chain, deposit->chain, CHAIN_BYTES);
    memcpy(record.txid, deposit->txid, TXID_BYTES);
    put_deposit(writer, record);
}

static void put_withdrawal_of(struct writer *writer, const struct withdrawal *withdrawal)
{
    const struct withdrawal_moved_event *facts = &withdrawal->facts;
    struct snapshot_withdrawal record = {.block = facts->block,
                                         .deadline_ns = withdrawal->deadline_ns,
                                         .amount = facts->amount,
                                         .account = facts->account,
                                         .asset = facts->asset,
                                         .approvers = facts->approvers,
                                         .state = facts->state};
    memcpy(record.chain, facts->chain, CHAIN_BYTES);
    memcpy(record.address, facts->address, CHAIN_ADDRESS_BYTES);
    memcpy(record.client_id, facts->client_id, sizeof(record.client_id));
    memcpy(record.txid, facts->txid, TXID_BYTES);
    put_withdrawal(writer, record);
}

static void put_withdrawn_days(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    put_section(writer, SNAPSHOT_WITHDRAWN);
    if (engine->custody.withdrawal_last == 0) return;
    for (uint32_t account = 1; account <= engine->accounts.count; account++)
        for (uint16_t asset = 0; asset < engine->params.asset_count; asset++)
            if (withdrawn_given(engine, account, asset))
                put_withdrawn(writer, (struct snapshot_withdrawn){
                                          .sum = custody_day(&engine->custody, account, asset)->sum,
                                          .account = account,
                                          .asset = asset});
}

static void put_custody(struct writer *writer)
{
    const struct custody *custody = &writer->engine->custody;
    put_addresses(writer);
    put_section(writer, SNAPSHOT_FLOORS);
    for (uint16_t i = 0; i < writer->engine->params.route_count; i++)
        put_floor(writer, (struct snapshot_floor){.height = custody->floors[i]});
    put_section(writer, SNAPSHOT_TRANSFERS);
    put_transfer(writer, (struct snapshot_transfer){.deposit_last = custody->deposit_last,
                                                    .withdrawal_last = custody->withdrawal_last});
    put_section(writer, SNAPSHOT_DEPOSITS);
    for (uint64_t left = custody->deposit_count; left > 0; left--)
        put_deposit_of(writer, custody_deposit_at(custody, custody->deposit_last + 1 - left));
    put_section(writer, SNAPSHOT_WITHDRAWALS);
    for (uint64_t left = custody->withdrawal_count; left > 0; left--)
        put_withdrawal_of(writer,
                          custody_withdrawal_at(custody, custody->withdrawal_last + 1 - left));
    put_withdrawn_days(writer);
}

static void put_charges(struct writer *writer)
{
    const struct custody *custody = &writer->engine->custody;
    if (writer->engine->params.rules < PARAMS_RULES_CHARGES) return;
    put_section(writer, SNAPSHOT_CHARGES);
    for (uint64_t left = custody->withdrawal_count; left > 0; left--) {
        const struct withdrawal *withdrawal =
            custody_withdrawal_at(custody, custody->withdrawal_last + 1 - left);
        put_charge(writer, (struct snapshot_charge){.fee = withdrawal->facts.fee,
                                                    .until_day = withdrawal->until_day});
    }
}

static void put_tag_of(struct writer *writer, uint32_t slot)
{
    const struct order *order = order_at(writer, slot);
    if (order->tag_flags == 0) return;
    const struct order_extra *extra = extra_of(writer, order);
    put_tag(writer, (struct snapshot_tag){.strategy_id = extra->strategy_id,
                                          .strategy_type = extra->strategy_type,
                                          .flags = order->tag_flags});
}

static void put_api(struct writer *writer)
{
    const struct repeats *repeats = &writer->engine->repeats;
    if (writer->engine->params.rules < PARAMS_RULES_API) return;
    put_section(writer, SNAPSHOT_TAGS);
    each_order(writer, put_tag_of);
    put_section(writer, SNAPSHOT_REPEATS);
    for (uint32_t slot = repeats->oldest; slot != 0; slot = repeats->records[slot].newer) {
        struct snapshot_repeat record;
        (void)order_repeated_event_put(record.result, &repeats->records[slot].result);
        put_repeat(writer, record);
    }
}

static void put_rights(struct writer *writer)
{
    const struct engine *engine = writer->engine;
    const struct keys *keys = &engine->keys;
    if (engine->params.rules < PARAMS_RULES_KEYS) return;
    put_section(writer, SNAPSHOT_KEY_RIGHTS);
    for (uint32_t slot = 1; slot <= keys->count; slot++)
        put_key_right(writer,
                      (struct snapshot_key_right){.removed_ns = keys->rights[slot].removed_ns,
                                                  .account = keys->rights[slot].account,
                                                  .permissions = keys->rights[slot].permissions});
    put_section(writer, SNAPSHOT_KEY_TIMES);
    for (uint32_t account = 1; account <= engine->accounts.count; account++)
        if (keys->owners[account].last_ns != 0)
            put_key_time(writer, (struct snapshot_key_time){
                                     .last_ns = keys->owners[account].last_ns, .account = account});
}

static void put_openings(struct writer *writer)
{
    const struct opening_hour *opened = &writer->engine->opened;
    if (writer->engine->params.rules < PARAMS_RULES_OPENING) return;
    put_section(writer, SNAPSHOT_OPENINGS);
    put_opening(writer, (struct snapshot_opening){.hour = opened->hour, .count = opened->count});
}

static void put_all(struct writer *writer)
{
    section_begin(&writer->out, snapshot_form(writer->engine->params.rules), writer->genesis,
                  writer->counts, writer->sink, writer->buffer);
    put_log(writer);
    put_accounts(writer);
    put_volumes(writer);
    put_keys(writer);
    put_markets(writer);
    put_orders(writer);
    put_waiting(writer);
    put_sessions(writer);
    put_custody(writer);
    put_charges(writer);
    put_api(writer);
    put_rights(writer);
    put_openings(writer);
}

enum status snapshot_write(const struct engine *engine, const struct genesis *genesis,
                           struct arena *scratch, const struct snapshot_sink *sink)
{
    struct writer writer = {.engine = engine, .genesis = genesis, .sink = sink};
    ASSERT(engine->work.first == NO_SLOT && engine->books.change_count == 0);
    if (snapshot_scratch_bytes(engine) > scratch->capacity - scratch->used) return STATUS_NO_MEMORY;

    const size_t used = scratch->used;
    scratch_take(&writer, scratch);
    all_count(&writer);
    orders_rank(&writer);
    put_all(&writer);
    const enum status status = section_end(&writer.out);
    scratch->used = used;
    return status;
}
