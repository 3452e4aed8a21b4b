#include "settlement/restore.h"

#include "common/arena.h"
#include "settlement/opening.h"
#include "settlement/restore_order.h"
#include "settlement/restore_transfers.h"
#include "settlement/snapshot.h"
#include "settlement/state.h"

#define COMMANDS_LIMIT (UINT64_C(1) << 62)

static bool state_load(struct settlement *s, struct settled_sections *sections)
{
    struct settled_state state;
    if (!settled_state_next(sections, &state)) return false;
    if (state.command >= COMMANDS_LIMIT || state.height > state.command ||
        (state.height == 0 && (state.command != 0 || state.stamp_ns != 0)))
        return false;
    s->command.number = state.command;
    s->command.stamp_ns = state.stamp_ns;
    s->height = state.height;
    return true;
}

static bool params_load(struct settlement *s, struct settled_sections *sections)
{
    const size_t byte_count = sections->left[SETTLED_PARAMS];
    sections->left[SETTLED_PARAMS] = 0;
    return params_decode(sections->at[SETTLED_PARAMS], byte_count, &s->params) &&
           params_bounds_equal(&s->params, &s->genesis->params);
}

static uint32_t day_of(const struct settlement *s)
{
    return (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS);
}

/* ---- Accounts. */

static bool account_key_load(struct settled_sections *sections, struct settled_account_key *key)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    return settled_account_key_next(sections, key) &&
           memcmp(key->public_key, none, sizeof(none)) != 0;
}

/* engine_held is not yet explained by orders. */
static bool balances_load(struct settlement *s, struct settled_sections *sections, uint32_t account,
                          uint32_t count)
{
    struct settled_balance record;
    uint32_t from = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!settled_balance_next(sections, &record)) return false;
        if (record.asset < from || record.asset >= s->params.asset_count ||
            record.available.units < 0 || record.held.units < 0 ||
            (record.available.units == 0 && record.held.units == 0))
            return false;
        *balance_sheet_cell(s->accounts, account, record.asset) =
            (struct balance_cell){record.available, record.held, record.available, record.held};
        s->totals[record.asset].users += (__int128)record.available.units + record.held.units;
        from = record.asset + 1u;
    }
    return true;
}

static bool account_load(struct settlement *s, struct settled_sections *sections)
{
    struct settled_account record;
    struct settled_account_key key = {{0}};
    if (!settled_account_next(sections, &record)) return false;
    const uint8_t may_wait = s->params.rules >= PARAMS_RULES_OPENING ? SETTLED_HAS_PENDING : 0;
    if (record.has > (SETTLED_HAS_KEY | SETTLED_HAS_LOOK | SETTLED_HAS_FROZEN | may_wait) ||
        record.tier >= s->params.tier_count || record.floor > record.tier || record.height == 0 ||
        record.height > s->height)
        return false;
    if ((record.has & SETTLED_HAS_KEY) != 0 && !account_key_load(sections, &key)) return false;
    const uint32_t account = balance_sheet_open(s->accounts, key.public_key, record.tier);
    if (account == 0) return false;
    balance_sheet_owner(s->accounts, account)->leaf_height = record.height;
    balance_sheet_owner(s->accounts, account)->is_frozen = (record.has & SETTLED_HAS_FROZEN) != 0;
    balance_sheet_owner(s->accounts, account)->is_pending = (record.has & SETTLED_HAS_PENDING) != 0;
    tier_book_set_floor(s->tiers, account, record.floor);
    if ((record.has & SETTLED_HAS_LOOK) != 0) (void)tier_book_look(s->tiers, account, day_of(s));
    return balances_load(s, sections, account, record.balances);
}

/* What the house has: nothing where it has no account. */
static bool house_load(struct settlement *s, struct settled_sections *sections, __int128 *house)
{
    struct settled_house record;
    *house = 0;
    if (!params_has_house(&s->genesis->params)) return true;
    if (!settled_house_next(sections, &record)) return false;
    *house = (__int128)((unsigned __int128)record.high << 64 | record.low);
    /* So large a number of credits was never asked for, and sums with it do not overflow. */
    return *house <= INT64_MAX * (__int128)INT64_MAX && *house >= INT64_MIN * (__int128)INT64_MAX;
}

/* S1: what is owed is what came in. */
static bool assets_load(struct settlement *s, struct settled_sections *sections)
{
    struct settled_asset record;
    for (uint16_t i = 0; i < s->params.asset_count; i++) {
        struct totals *totals = &s->totals[i];
        if (!settled_asset_next(sections, &record) || record.fees.units < 0 ||
            record.rounding.units < 0 || record.in_flight.units < 0)
            return false;
        totals->fees = record.fees.units;
        totals->rounding = record.rounding.units;
        totals->in_flight = record.in_flight.units;
        if (!house_load(s, sections, &totals->house)) return false;
        totals->external = record.owed.units + totals->house;
        if (!totals_conserved(totals)) return false;
    }
    return true;
}

static bool accounts_load(struct settlement *s, struct settled_sections *sections)
{
    while (sections->left[SETTLED_ACCOUNTS] != 0)
        if (!account_load(s, sections)) return false;
    return assets_load(s, sections);
}

static bool volumes_load(struct settlement *s, struct settled_sections *sections)
{
    struct settled_volume before = {.account = 0}, record;
    const uint32_t today = day_of(s);
    while (settled_volume_next(sections, &record)) {
        if (!balance_sheet_has(s->accounts, record.account) || record.value.units <= 0 ||
            record.day > today || today - record.day >= TIER_BOOK_DAYS ||
            record.account < before.account ||
            (record.account == before.account && record.day <= before.day) ||
            !tier_book_counts(&s->params))
            return false;
        tier_book_add(s->tiers, record.account, record.day, record.value);
        before = record;
    }
    return true;
}

static bool keys_load(struct settlement *s, struct settled_sections *sections)
{
    struct settled_key record;
    while (settled_key_next(sections, &record)) {
        struct key_added_event key = {.account = record.account,
                                      .permissions = record.permissions,
                                      .secret_version = record.secret_version};
        memcpy(key.key_id, record.key_id, sizeof(key.key_id));
        memcpy(key.public_key, record.public_key, sizeof(key.public_key));
        if (!balance_sheet_has(s->accounts, key.account) || !keyring_add(s->keys, &key))
            return false;
    }
    return true;
}

/* Whether a key's record can be what is known of it. */
static bool right_valid(const struct settlement *s, const struct key_added_event *key,
                        const struct settled_key_right *record)
{
    const struct ip_list list = ip_list_of(record->ip_count, record->ips);
    if (record->shared > 1 || !ip_list_valid(&list)) return false;
    if (record->shared == 0) return record->removed_ns == 0 && list.count == 0;
    return record->removed_ns <= s->command.stamp_ns &&
           (record->removed_ns == 0 || (key->permissions == 0 && list.count == 0));
}

static bool rights_load(struct settlement *s, struct settled_sections *sections)
{
    const bool has_rights = s->params.rules >= PARAMS_RULES_KEYS;
    struct settled_key_right record;
    if (sections->left[SETTLED_KEY_RIGHTS] != (has_rights ? keyring_count(s->keys) : 0))
        return false;
    for (uint32_t i = 0; settled_key_right_next(sections, &record); i++) {
        const struct key_added_event *key = keyring_at(s->keys, i);
        if (!right_valid(s, key, &record)) return false;
        const struct keyring_right right = {.removed_ns = record.removed_ns,
                                            .ips = ip_list_of(record.ip_count, record.ips)};
        if (record.shared != 0) keyring_share(s->keys, key->key_id, &right);
    }
    uint32_t before = 0;
    struct settled_key_time time;
    while (settled_key_time_next(sections, &time)) {
        if (!has_rights || time.account <= before || time.time_ns == 0 ||
            !balance_sheet_has(s->accounts, time.account))
            return false;
        keyring_set_time(s->keys, time.account, time.time_ns);
        before = time.account;
    }
    return true;
}

static bool openings_load(struct settlement *s, struct settled_sections *sections)
{
    const uint64_t due = s->params.rules >= PARAMS_RULES_OPENING;
    struct settled_opening record;
    if (sections->left[SETTLED_OPENINGS] != due) return false;
    if (!settled_opening_next(sections, &record)) return true;
    s->open_hour = record.hour;
    s->open_count = record.count;
    return record.hour <= s->command.stamp_ns / OPENING_HOUR_NS &&
           record.count <= balance_sheet_count(s->accounts) &&
           (record.count != 0 || record.hour == 0);
}

/* ---- The rest. */

static bool markets_load(struct settlement *s, struct settled_sections *sections)
{
    for (uint16_t market = 0; market < s->params.market_count; market++)
        if (!restore_orders(s, sections, market)) return false;
    return hold_book_count(s->orders) <= s->params.orders_max;
}

/* Every switch that was due has fired. */
static bool switches_load(struct settlement *s, struct settled_sections *sections)
{
    struct settled_switch record;
    uint64_t from = 0;
    while (settled_switch_next(sections, &record)) {
        const uint64_t owner = (uint64_t)record.account << 16 | record.market;
        if (owner < from || !balance_sheet_has(s->accounts, record.account) ||
            record.market >= s->params.market_count || record.deadline_ns > INT64_MAX ||
            record.deadline_ns <= s->command.stamp_ns ||
            !switch_book_set(s->switches, record.account, record.market, record.deadline_ns))
            return false;
        from = owner + 1;
    }
    return true;
}

static bool sections_done(const struct settled_sections *sections)
{
    for (enum settled_section section = 0; section < SETTLED_SECTIONS; section++)
        if (sections->left[section] != 0) return false;
    return true;
}

/* S2: what an account holds, its orders and withdrawals hold. Then its leaf can be made. */
static bool accounts_close(struct settlement *s)
{
    for (uint32_t account = 1; account <= balance_sheet_count(s->accounts); account++) {
        for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
            struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
            if (cell->engine_held.units != 0) return false;
            cell->engine_held = cell->held;
        }
        settle_leaf(s, account);
    }
    (void)account_tree_root(s->tree);
    return true;
}

static bool settlement_load(struct settlement *s, struct settled_sections *sections)
{
    return state_load(s, sections) && params_load(s, sections) && accounts_load(s, sections) &&
           volumes_load(s, sections) && keys_load(s, sections) && rights_load(s, sections) &&
           openings_load(s, sections) && markets_load(s, sections) && switches_load(s, sections) &&
           restore_transfers(s, sections) && sections_done(sections) && accounts_close(s);
}

enum status restore_settlement(struct arena *arena, const struct genesis *genesis,
                               const uint8_t tree_secret[32], const uint8_t *bytes,
                               size_t byte_count, struct settlement **settlement)
{
    struct section_records records[SETTLED_SECTIONS];
    struct settled_sections sections;
    const enum status status = settlement_snapshot_find(genesis, bytes, byte_count, records);
    if (status != STATUS_OK) return status;
    for (enum settled_section section = 0; section < SETTLED_SECTIONS; section++) {
        sections.at[section] = records[section].begin;
        sections.left[section] = records[section].count;
    }
    *settlement = settlement_new(arena, genesis, tree_secret);
    if (*settlement == NULL) return STATUS_NO_MEMORY;
    if (!settlement_load(*settlement, &sections)) return STATUS_MALFORMED;
    INVARIANT(settle_check(*settlement));
    return STATUS_OK;
}
