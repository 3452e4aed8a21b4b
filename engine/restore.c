#include "engine/restore.h"

#include "common/arena.h"
#include "common/order_tag.h"
#include "engine/restore_custody.h"
#include "engine/restore_market.h"

#define COMMANDS_LIMIT (UINT64_C(1) << 62)

/* ---- The log's numbers, the parameters, who may command. */

static bool state_load(struct engine *engine, struct sections *sections)
{
    struct snapshot_state state;
    if (!sections_state(sections, &state)) return false;
    if (state.last_command >= COMMANDS_LIMIT || state.sealed_command > state.last_command ||
        state.sealed_height > state.sealed_command)
        return false;
    engine->last_command = state.last_command;
    engine->stamp_ns = state.stamp_ns;
    engine->day = volumes_day_of(state.stamp_ns);
    engine->sealed_height = state.sealed_height;
    engine->sealed_command = state.sealed_command;
    engine->accounts.command = state.last_command;
    return true;
}

static bool params_load(struct engine *engine, struct sections *sections,
                        const struct genesis *genesis)
{
    const size_t byte_count = sections->left[SNAPSHOT_PARAMS];
    sections->left[SNAPSHOT_PARAMS] = 0;
    if (!params_decode(sections->begins[SNAPSHOT_PARAMS], byte_count, &engine->params) ||
        !params_bounds_equal(&engine->params, &genesis->params))
        return false;
    engine->volumes_counted = volumes_counted(&engine->params);
    return true;
}

/* "" is no address, but that of nodes without peers. */
static bool node_record_valid(const struct engine *engine, const struct snapshot_node *record)
{
    static const char nowhere[NODE_ADDRESS_BYTES];
    char address[NODE_ADDRESS_BYTES];
    memcpy(address, record->address, sizeof(address));
    return (record->role == NODE_STANDBY || record->role == NODE_VOTER) &&
           record->voted <= (record->role == NODE_VOTER ? engine->sealed_height : 0) &&
           (memcmp(address, nowhere, sizeof(address)) == 0 || node_address_valid(address));
}

static bool nodes_load(struct engine *engine, struct sections *sections)
{
    struct nodes *nodes = &engine->nodes;
    struct snapshot_membership membership;
    struct snapshot_node record;
    uint32_t last = 0, voters = 0;
    if (!sections_membership(sections, &membership) ||
        membership.change_height > engine->sealed_height + 1 + NODES_NOTICE)
        return false;
    *nodes = (struct nodes){.change_height = membership.change_height,
                            .last_node = membership.last_node,
                            .epoch = membership.epoch};
    engine->origins.count = 0;
    while (sections_node(sections, &record)) {
        if (record.node <= last || nodes->set.count == NODE_SET_LIMIT ||
            !node_record_valid(engine, &record))
            return false;
        struct node_member *member = &nodes->set.members[nodes->set.count];
        *member = (struct node_member){.node = record.node, .role = record.role};
        memcpy(member->public_key, record.public_key, sizeof(member->public_key));
        memcpy(member->address, record.address, sizeof(member->address));
        nodes->voted[nodes->set.count++] = record.voted;
        origins_add(&engine->origins, record.node);
        last = record.node;
        voters += record.role == NODE_VOTER;
    }
    return voters > 0 && last <= nodes->last_node;
}

static bool nonces_load(struct engine *engine, struct sections *sections)
{
    struct snapshot_nonce nonce;
    for (uint32_t i = 0; i < engine->operator_count; i++) {
        if (!sections_nonce(sections, &nonce)) return false;
        engine->operator_nonces[i] = nonce.last;
    }
    for (uint32_t i = 0; i < engine->params.connector_count; i++) {
        if (!sections_nonce(sections, &nonce)) return false;
        engine->operator_nonces[PARAMS_CONNECTOR_FIRST + i] = nonce.last;
    }
    return true;
}

/* An epoch is the number of one HELLO: no two nodes have the same. */
static bool origin_good(const struct engine *engine, const struct snapshot_origin *record)
{
    if (record->epoch == 0) return record->nonce == 0 && record->last_sequence == 0;
    for (uint32_t i = 0; i < engine->origins.count; i++)
        if (engine->origins.members[i].epoch == record->epoch) return false;
    return record->epoch <= engine->last_command &&
           record->last_sequence <= engine->last_command - record->epoch;
}

/* The members are there already, none with an epoch. */
static bool origins_load(struct engine *engine, struct sections *sections)
{
    struct snapshot_origin record;
    for (uint32_t i = 0; i < engine->origins.count; i++) {
        struct origin *origin = &engine->origins.members[i];
        if (!sections_origin(sections, &record)) return false;
        if (record.node != origin->node || !origin_good(engine, &record)) return false;
        origin->epoch = record.epoch;
        origin->nonce = record.nonce;
        origin->last_sequence = record.last_sequence;
    }
    return true;
}

/* ---- Accounts. */

static const uint8_t no_key[PUBLIC_KEY_BYTES];

static bool account_load(struct engine *engine, struct sections *sections,
                         struct snapshot_account *record)
{
    struct accounts *accounts = &engine->accounts;
    struct snapshot_account_key key = {{0}};
    const bool may_wait = engine->params.rules >= PARAMS_RULES_OPENING;
    if (!sections_account(sections, record) || record->has_key > 1 ||
        (record->frozen & ~(SNAPSHOT_FROZEN | (may_wait ? SNAPSHOT_PENDING : 0))) != 0)
        return false;
    if (record->tier >= engine->params.tier_count || record->floor > record->tier) return false;
    if (record->has_key != 0 && (!sections_account_key(sections, &key) ||
                                 memcmp(key.public_key, no_key, PUBLIC_KEY_BYTES) == 0))
        return false;
    if (accounts->count >= accounts->accounts_max || accounts_find(accounts, key.public_key) != 0)
        return false;
    const uint32_t account = accounts_create(accounts, record->tier, key.public_key);
    accounts->terms[account].floor = (uint8_t)record->floor;
    accounts->terms[account].frozen = (record->frozen & SNAPSHOT_FROZEN) != 0;
    if ((record->frozen & SNAPSHOT_PENDING) != 0) accounts_set_pending(accounts, account, true);
    accounts->terms[account].tier_day = record->tier_day;
    return true;
}

/* Adds to what all accounts have of the asset. */
static bool sum_add(int64_t *sum, amount_t amount)
{
    return amount.units >= 0 && !__builtin_add_overflow(*sum, amount.units, sum);
}

static bool balances_load(struct engine *engine, struct sections *sections, uint32_t count,
                          int64_t sums[PARAMS_ASSETS_LIMIT])
{
    struct accounts *accounts = &engine->accounts;
    struct snapshot_balance record;
    uint32_t from = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!sections_balance(sections, &record)) return false;
        if (record.asset < from || record.asset >= engine->params.asset_count) return false;
        if (!sum_add(&sums[record.asset], record.available) ||
            !sum_add(&sums[record.asset], record.held) ||
            (record.available.units == 0 && record.held.units == 0))
            return false; /* A1 */
        struct balance *balance =
            &accounts->balances[(size_t)accounts->count * accounts->assets_max + record.asset];
        balance->available = record.available;
        balance->held = record.held;
        balance->touched = (uint64_t)record.held.units; /* not yet explained */
        from = record.asset + 1u;
    }
    return true;
}

static bool accounts_load(struct engine *engine, struct sections *sections)
{
    int64_t sums[PARAMS_ASSETS_LIMIT] = {0};
    struct snapshot_account account;
    struct snapshot_asset asset;
    while (sections->left[SNAPSHOT_ACCOUNTS] != 0)
        if (!account_load(engine, sections, &account) ||
            !balances_load(engine, sections, account.balances, sums))
            return false;
    for (uint16_t i = 0; i < engine->params.asset_count; i++) {
        if (!sections_asset(sections, &asset)) return false;
        if (!sum_add(&sums[i], asset.fees) || !sum_add(&sums[i], asset.in_flight) ||
            sums[i] != asset.supply.units)
            return false; /* A2 */
        engine->accounts.supply[i] = asset.supply;
        engine->accounts.fees[i] = asset.fees;
        engine->accounts.in_flight[i] = asset.in_flight;
    }
    return true;
}

static bool volumes_load(struct engine *engine, struct sections *sections)
{
    struct snapshot_volume before = {.account = 0}, record;
    uint32_t first = 0; /* day of the account */
    while (sections_volume(sections, &record)) {
        if (record.account != before.account) first = record.day;
        if (!accounts_exists(&engine->accounts, record.account) || record.day > engine->day ||
            record.value.units <= 0)
            return false;
        if (record.account < before.account ||
            (record.account == before.account &&
             (record.day <= before.day || record.day - first > VOLUMES_DAYS)))
            return false;
        volumes_add(&engine->volumes, record.account, record.day, record.value);
        before = record;
    }
    return true;
}

static bool keys_load(struct engine *engine, struct sections *sections)
{
    struct snapshot_key key;
    while (sections_key(sections, &key)) {
        if (engine->keys.count >= engine->keys.capacity || keys_find(&engine->keys, key.id) != 0)
            return false;
        (void)keys_add(&engine->keys, key.id);
    }
    return true;
}

/* What the engine knows of each key, and of those who asked. */
static bool rights_load(struct engine *engine, struct sections *sections)
{
    struct keys *keys = &engine->keys;
    const bool has_rights = engine->params.rules >= PARAMS_RULES_KEYS;
    struct snapshot_key_right record;
    if (sections->left[SNAPSHOT_KEY_RIGHTS] != (has_rights ? keys->count : 0)) return false;
    for (uint32_t slot = 1; sections_key_right(sections, &record); slot++) {
        const bool known = record.account != 0;
        if (known ? !accounts_exists(&engine->accounts, record.account) ||
                        (record.removed_ns != 0 && record.permissions != 0) ||
                        record.removed_ns > engine->stamp_ns
                  : record.removed_ns != 0 || record.permissions != 0)
            return false;
        if (known) keys_allow(keys, slot, record.account, record.permissions, record.removed_ns);
    }
    uint32_t before = 0;
    struct snapshot_key_time time;
    while (sections_key_time(sections, &time)) {
        if (!has_rights || time.account <= before || time.last_ns == 0 ||
            !accounts_exists(&engine->accounts, time.account))
            return false;
        keys->owners[time.account].last_ns = time.last_ns;
        before = time.account;
    }
    return true;
}

static bool openings_load(struct engine *engine, struct sections *sections)
{
    const uint64_t due = engine->params.rules >= PARAMS_RULES_OPENING;
    const uint64_t hour = engine->stamp_ns / OPENING_HOUR_NS;
    struct snapshot_opening record;
    if (sections->left[SNAPSHOT_OPENINGS] != due) return false;
    if (!sections_opening(sections, &record)) return true;
    if (record.hour > hour || record.count > engine->accounts.count ||
        (record.count == 0 && record.hour != 0))
        return false;
    engine->opened = (struct opening_hour){.hour = record.hour, .count = record.count};
    return true;
}

/* ---- Sessions and switches. */

static bool bound_load(struct engine *engine, struct sections *sections)
{
    const struct order_pool *pool = &engine->books.orders;
    struct snapshot_bound record;
    while (sections_bound(sections, &record)) {
        if (record.order - 1 >= pool->count || record.session == 0) return false;
        const struct order *order = &pool->orders[record.order];
        if ((order->flags & ORDER_BOUND) == 0) return false;
        struct order_extra *extra = &pool->extras[order->extra];
        if (extra->session != 0) return false; /* it was bound before */
        extra->session = record.session;
        extra->origin = record.origin;
        extra->bound_older = engine->bound_newest;
        if (engine->bound_newest == NO_SLOT)
            engine->bound_oldest = record.order;
        else
            pool->extras[pool->orders[engine->bound_newest].extra].bound_newer = record.order;
        engine->bound_newest = record.order;
    }
    for (uint32_t slot = 1; slot <= pool->used; slot++) {
        const struct order *order = &pool->orders[slot];
        if ((order->flags & ORDER_BOUND) != 0 && pool->extras[order->extra].session == 0)
            return false;
    }
    return true;
}

static bool comes_later(const struct snapshot_switch *one, const struct snapshot_switch *other)
{
    if (one->deadline_ns != other->deadline_ns) return one->deadline_ns > other->deadline_ns;
    if (one->account != other->account) return one->account > other->account;
    return one->market > other->market;
}

static bool switches_load(struct engine *engine, struct sections *sections)
{
    struct snapshot_switch before = {.deadline_ns = engine->stamp_ns, .account = UINT32_MAX};
    struct snapshot_switch record;
    while (sections_switch(sections, &record)) {
        const uint32_t count = engine->switches.count;
        if (!comes_later(&record, &before) || !accounts_exists(&engine->accounts, record.account) ||
            record.market >= engine->params.market_count)
            return false;
        if (!switches_set(&engine->switches, record.account, record.market, record.deadline_ns) ||
            engine->switches.count == count)
            return false;
        before = record;
    }
    return true;
}

/* ---- Idempotent orders. */

/* Whether an order can have gone so that the engine knows of. */
static bool repeat_valid(const struct engine *engine, const struct order_repeated_event *result)
{
    if (!accounts_exists(&engine->accounts, result->account) ||
        result->market >= engine->params.market_count || result->command > engine->last_command ||
        result->stamp_ns > engine->stamp_ns)
        return false;
    const struct order_tag numbers = {result->strategy_id, result->strategy_type, result->flags};
    return result->order_id >= 1 &&
           result->order_id <= engine->books.markets[result->market].last_order &&
           result->side <= SELL && result->type >= LIMIT && result->type <= TAKE_PROFIT_LIMIT &&
           result->status >= ORDER_NEW && order_has_client_id(result->client_id) &&
           order_tag_valid(T_ORDER_RESUBMIT, numbers);
}

static bool repeats_load(struct engine *engine, struct sections *sections)
{
    uint64_t before = 0;
    struct snapshot_repeat record;
    while (sections_repeat(sections, &record)) {
        struct order_repeated_event result;
        order_repeated_event_get(record.result, &result);
        if (engine->params.rules < PARAMS_RULES_API || result.command <= before ||
            !repeat_valid(engine, &result) ||
            repeats_find(&engine->repeats, result.account, result.market, result.client_id) != NULL)
            return false;
        before = result.command;
        const uint32_t count = engine->repeats.count;
        repeats_add(&engine->repeats, &result, repeats_share_of(engine->params.rules));
        if (engine->repeats.count == count) return false; /* more than there may be */
    }
    return true;
}

/* ---- All of it. */

/* E1: what accounts hold, their orders and withdrawals hold. */
static bool holds_explained(const struct engine *engine)
{
    const struct accounts *accounts = &engine->accounts;
    uint64_t rest = 0;
    for (uint32_t account = 1; account <= accounts->count; account++)
        for (uint16_t asset = 0; asset < engine->params.asset_count; asset++)
            rest |= accounts_balance(accounts, account, asset)->touched;
    return rest == 0;
}

static bool markets_load(struct engine *engine, struct sections *sections)
{
    const struct ladder_pool *levels = &engine->books.levels;
    for (uint16_t market = 0; market < engine->params.market_count; market++)
        if (!restore_market(engine, sections, market)) return false;
    return (uint64_t)levels->level_count + engine->dormant_count <= engine->params.levels_max;
}

static bool engine_load(struct engine *engine, struct sections *sections,
                        const struct genesis *genesis)
{
    return state_load(engine, sections) && params_load(engine, sections, genesis) &&
           nodes_load(engine, sections) && nonces_load(engine, sections) &&
           origins_load(engine, sections) && accounts_load(engine, sections) &&
           volumes_load(engine, sections) && keys_load(engine, sections) &&
           markets_load(engine, sections) && bound_load(engine, sections) &&
           switches_load(engine, sections) && restore_custody(engine, sections) &&
           repeats_load(engine, sections) && rights_load(engine, sections) &&
           openings_load(engine, sections) && sections_done(sections) && holds_explained(engine);
}

enum status restore_engine(struct arena *arena, const struct genesis *genesis, const uint8_t *bytes,
                           size_t byte_count, struct engine **engine)
{
    struct sections sections;
    const enum status status = sections_open(&sections, genesis, bytes, byte_count);
    if (status != STATUS_OK) return status;
    *engine = engine_new(arena, genesis);
    if (*engine == NULL) return STATUS_NO_MEMORY;
    return engine_load(*engine, &sections, genesis) ? STATUS_OK : STATUS_MALFORMED;
}
