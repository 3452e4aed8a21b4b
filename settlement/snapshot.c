#include "settlement/snapshot.h"

#include "common/arena.h"
#include "settlement/booking.h"
#include "settlement/state.h"

#define DIGIT_BITS  10 /* of a key, by which numbers are sorted at a time */
#define DIGIT_COUNT (1u << DIGIT_BITS)

static_assert(PARAMS_MARKETS_LIMIT <= DIGIT_COUNT, "markets are sorted by as if they were a digit");

/* A numbered thing on its way to its place. */
struct ranked {
    uint64_t key;
    uint32_t number;
    uint32_t market;
};

/* Things by place, and as much room to sort them in. */
struct ranking {
    struct ranked *items, *other;
    uint64_t count;
};

struct writer {
    const struct settlement *s;
    const struct genesis *genesis;
    struct section_writer out;
    uint64_t counts[SETTLED_SECTIONS];
    struct ranking orders;
    struct ranking switches;
    struct settled_market *markets; /* as far as they are counted */
    uint8_t *params;
    size_t params_bytes;
    uint8_t *buffer;
    uint32_t today, oldest; /* days: that of the last stamp, and the first that still counts */
};

static const uint32_t record_bytes[SETTLED_SECTIONS] = {
#define SECTION(NAME, name) [SETTLED_##NAME] = SETTLED_##NAME##_BYTES,
#define FIELD(type, name)
#define BYTES(name, count)
#define END(NAME, name)
#include "settlement/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END
};

/* Each version has all that the one before it has, and more sections at the end. */
#define FORM(number, sections) \
    { \
        .magic = SETTLED_MAGIC, .domain = SETTLED_DOMAIN, .version = (number), \
        .count = (sections), .record_bytes = record_bytes \
    }

/* By the first rules under which it is written. */
static const struct {
    uint32_t rules;
    struct section_form form;
} versions[] = {
    {1, FORM(SETTLED_VERSION_HOUSELESS, SETTLED_HOUSE)},
    {PARAMS_RULES_HOUSE, FORM(SETTLED_VERSION_CHARGELESS, SETTLED_CHARGES)},
    {PARAMS_RULES_CHARGES, FORM(SETTLED_VERSION_RIGHTLESS, SETTLED_KEY_RIGHTS)},
    {PARAMS_RULES_KEYS, FORM(SETTLED_VERSION_OPENLESS, SETTLED_OPENINGS)},
    {PARAMS_RULES_OPENING, FORM(SETTLED_VERSION, SETTLED_SECTIONS)},
};

#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

const struct section_form *settlement_snapshot_form(uint32_t rules)
{
    size_t newest = VERSIONS - 1;
    while (versions[newest].rules > rules && newest > 0)
        newest--;
    return &versions[newest].form;
}

enum status settlement_snapshot_find(const struct genesis *genesis, const uint8_t *bytes,
                                     size_t byte_count,
                                     struct section_records records[SETTLED_SECTIONS])
{
    enum status status = STATUS_UNSUPPORTED;
    for (size_t i = 0; i < VERSIONS && status == STATUS_UNSUPPORTED; i++) {
        const struct section_form *form = &versions[i].form;
        status = section_find(form, genesis, bytes, byte_count, records);
        for (uint32_t absent = form->count; absent < SETTLED_SECTIONS; absent++)
            records[absent] = (struct section_records){.begin = bytes};
    }
    return status;
}

/* ---- Scratch. */

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t settlement_snapshot_scratch_bytes(const struct settlement *s)
{
    return 2 * rounded(hold_book_count(s->orders) * sizeof(struct ranked)) +
           2 * rounded(switch_book_count(s->switches) * sizeof(struct ranked)) +
           rounded(s->params.market_count * sizeof(struct settled_market)) +
           rounded(PARAMS_BYTES_MAX) + SECTION_BUFFER_BYTES;
}

static void ranking_take(struct ranking *ranking, struct arena *scratch, uint64_t count)
{
    ranking->items = arena_take_array(scratch, count, sizeof(struct ranked));
    ranking->other = arena_take_array(scratch, count, sizeof(struct ranked));
}

static void scratch_take(struct writer *writer, struct arena *scratch)
{
    const struct settlement *s = writer->s;
    ranking_take(&writer->orders, scratch, hold_book_count(s->orders));
    ranking_take(&writer->switches, scratch, switch_book_count(s->switches));
    writer->markets =
        arena_take_array(scratch, s->params.market_count, sizeof(struct settled_market));
    writer->params = arena_take(scratch, PARAMS_BYTES_MAX);
    writer->buffer = arena_take(scratch, SECTION_BUFFER_BYTES);
    ASSERT(writer->buffer != NULL); /* settlement_snapshot_scratch_bytes has counted them all */
}

/* put_order(writer, record) and so on, one a section. */
#define SECTION(NAME, name) \
    static void put_##name(struct writer *writer, struct settled_##name record) \
    { \
        settled_##name##_put(section_room(&writer->out, SETTLED_##NAME##_BYTES), &record); \
    }
#define FIELD(type, name)
#define BYTES(name, count)
#define END(NAME, name)
#include "settlement/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

static void put_section(struct writer *writer, enum settled_section section)
{
    section_open(&writer->out, section, writer->counts[section]);
}

/* ---- Places: numbers say nothing about the order of what they stand for. */

static uint32_t digit_of(const struct ranked *ranked, unsigned shift)
{
    return (uint32_t)(ranked->key >> shift) % DIGIT_COUNT;
}

static uint32_t market_of(const struct ranked *ranked, unsigned shift)
{
    (void)shift;
    return ranked->market;
}

/* Sorts by one digit, and leaves those that have the same one in their order. */
static void digit_sort(struct ranking *ranking,
                       uint32_t (*of)(const struct ranked *ranked, unsigned shift), unsigned shift)
{
    uint32_t begins[DIGIT_COUNT + 1] = {0};
    for (uint64_t i = 0; i < ranking->count; i++)
        begins[of(&ranking->items[i], shift) + 1]++;
    for (uint32_t digit = 0; digit < DIGIT_COUNT; digit++)
        begins[digit + 1] += begins[digit];
    for (uint64_t i = 0; i < ranking->count; i++)
        ranking->other[begins[of(&ranking->items[i], shift)]++] = ranking->items[i];

    struct ranked *const sorted = ranking->other;
    ranking->other = ranking->items;
    ranking->items = sorted;
}

/* By market, and by key within one. */
static void ranking_sort(struct ranking *ranking)
{
    uint64_t bits = 0;
    for (uint64_t i = 0; i < ranking->count; i++)
        bits |= ranking->items[i].key;
    for (unsigned shift = 0; shift < 64 && bits >> shift != 0; shift += DIGIT_BITS)
        digit_sort(ranking, digit_of, shift);
    digit_sort(ranking, market_of, 0);
}

static const struct hold_entry *order_at(const struct writer *writer, uint64_t place)
{
    return hold_book_at(writer->s->orders, writer->orders.items[place].number);
}

/* ---- What is given: sections say how many records they have before the first one. */

/* What an iceberg shows is not known yet, or as much as if it was not. */
static qty_t shown_of(const struct hold_entry *entry)
{
    const qty_t whole = qty_min(entry->iceberg_qty, order_rest(entry));
    return entry->shown.lots == whole.lots ? (qty_t){0} : entry->shown;
}

static uint8_t has_of(const struct hold_entry *entry)
{
    const bool extra = entry->stop_price.ticks != 0 || entry->iceberg_qty.lots != 0 ||
                       entry->prevented.lots != 0 || entry->trailing_delta != 0;
    return (uint8_t)((extra ? SETTLED_HAS_EXTRA : 0) |
                     (order_follows(entry) ? SETTLED_HAS_FOLLOWER : 0) |
                     (entry->session != 0 ? SETTLED_HAS_SESSION : 0));
}

/* What the snapshot takes for granted of an order between two commands. */
static bool is_at_rest(const struct settlement *s, const struct hold_entry *entry)
{
    ASSERT(entry->owed == 0 && entry->state != HOLD_FIRED && entry->quote_qty.units == 0);
    ASSERT(order_rest(entry).lots > 0);
#ifdef QUOREX_INVARIANTS
    struct settlement *const same = (struct settlement *)(uintptr_t)s; /* is only looked into */
    const struct hold_entry *sibling = booking_sibling(same, entry);
    amount_t due, sibling_due = {0};
    ASSERT(booking_due(same, entry, &due));
    ASSERT(sibling == NULL || booking_due(same, sibling, &sibling_due));
    const int64_t left = entry->left.units + (sibling == NULL ? 0 : sibling->left.units);
    ASSERT(left == due.units + sibling_due.units);
#else
    (void)s;
#endif
    return true;
}

static void order_count(struct writer *writer, const struct hold_entry *entry)
{
    const uint8_t has = has_of(entry);
    ASSERT(is_at_rest(writer->s, entry));
    writer->orders.items[writer->orders.count++] =
        (struct ranked){.key = entry->order_id,
                        .number = hold_book_number(writer->s->orders, entry),
                        .market = entry->market};
    writer->markets[entry->market].orders++;
    writer->counts[SETTLED_EXTRAS] += (has & SETTLED_HAS_EXTRA) != 0;
    writer->counts[SETTLED_FOLLOWERS] += (has & SETTLED_HAS_FOLLOWER) != 0;
    writer->counts[SETTLED_SESSIONS] += (has & SETTLED_HAS_SESSION) != 0;
}

/* Whether the order at this place speaks for its list: legs follow one another. */
static bool heads_list(const struct writer *writer, uint64_t place)
{
    const struct hold_entry *entry = order_at(writer, place);
    if (entry->list_id == 0) return false;
    if (place == 0) return true;
    const struct hold_entry *before = order_at(writer, place - 1);
    return before->list_id != entry->list_id || before->market != entry->market;
}

static void orders_count(struct writer *writer)
{
    const struct hold_entry *entry;
    size_t slot = 0;
    while ((entry = hold_book_next(writer->s->orders, &slot)) != NULL)
        order_count(writer, entry);
    ranking_sort(&writer->orders);
    for (uint64_t place = 0; place < writer->orders.count; place++)
        writer->markets[order_at(writer, place)->market].lists += heads_list(writer, place);
    writer->counts[SETTLED_ORDERS] = writer->orders.count;
}

static void markets_count(struct writer *writer)
{
    const struct settlement *s = writer->s;
    memset(writer->markets, 0, s->params.market_count * sizeof(struct settled_market));
    orders_count(writer);
    for (uint16_t i = 0; i < s->params.market_count; i++) {
        struct settled_market *market = &writer->markets[i];
        market->highs = s->trails[i].high_count;
        market->lows = s->trails[i].low_count;
        writer->counts[SETTLED_MARKS] += (uint64_t)market->highs + market->lows;
        writer->counts[SETTLED_LISTS] += market->lists;
    }
}

static bool cell_given(const struct balance_cell *cell)
{
    return cell->available.units != 0 || cell->held.units != 0;
}

static uint8_t balances_of(const struct settlement *s, uint32_t account)
{
    uint8_t count = 0;
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++)
        count += cell_given(balance_sheet_cell(s->accounts, account, asset));
    return count;
}

static bool has_key(const struct settlement *s, uint32_t account)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    return memcmp(balance_sheet_owner(s->accounts, account)->public_key, none, sizeof(none)) != 0;
}

/* The next day, from *day on, on which the account traded and that still counts. */
static bool volume_next(const struct writer *writer, uint32_t account, uint32_t *day,
                        amount_t *value)
{
    if (*day < writer->oldest) *day = writer->oldest;
    return tier_book_traded(writer->s->tiers, account, day, value);
}

static void accounts_count(struct writer *writer)
{
    const struct settlement *s = writer->s;
    const bool counts = tier_book_counts(&s->params);
    amount_t value;
    for (uint32_t account = 1; account <= balance_sheet_count(s->accounts); account++) {
        writer->counts[SETTLED_ACCOUNT_KEYS] += has_key(s, account);
        writer->counts[SETTLED_BALANCES] += balances_of(s, account);
        for (uint32_t day = 0; counts && volume_next(writer, account, &day, &value); day++)
            writer->counts[SETTLED_VOLUMES]++;
    }
}

static void switches_count(struct writer *writer)
{
    struct switch_armed armed;
    uint32_t slot = 0;
    while (switch_book_walk(writer->s->switches, &slot, &armed))
        writer->switches.items[writer->switches.count++] =
            (struct ranked){.key = (uint64_t)armed.account << 16 | armed.market, .number = slot};
    ranking_sort(&writer->switches);
    writer->counts[SETTLED_SWITCHES] = writer->switches.count;
}

/* What the account withdrew of the asset on the day of the last stamp. */
static amount_t withdrawn_of(const struct writer *writer, uint32_t account, uint16_t asset)
{
    return (amount_t){custody_book_withdrawn(writer->s->custody, account, asset, writer->today)};
}

static void custody_count(struct writer *writer)
{
    const struct settlement *s = writer->s;
    const struct custody_span withdrawals = custody_book_withdrawals(s->custody);
    writer->counts[SETTLED_ADDRESSES] = custody_book_address_count(s->custody);
    writer->counts[SETTLED_FLOORS] = s->params.route_count;
    writer->counts[SETTLED_TRANSFERS] = 1;
    writer->counts[SETTLED_DEPOSITS] = custody_book_deposits(s->custody).count;
    writer->counts[SETTLED_WITHDRAWALS] = withdrawals.count;
    if (s->params.rules >= PARAMS_RULES_CHARGES)
        writer->counts[SETTLED_CHARGES] = withdrawals.count;
    if (withdrawals.last == 0) return;
    for (uint32_t account = 1; account <= balance_sheet_count(s->accounts); account++)
        for (uint16_t asset = 0; asset < s->params.asset_count; asset++)
            writer->counts[SETTLED_WITHDRAWN] += withdrawn_of(writer, account, asset).units != 0;
}

static void rights_count(struct writer *writer)
{
    const struct settlement *s = writer->s;
    if (s->params.rules < PARAMS_RULES_KEYS) return;
    writer->counts[SETTLED_KEY_RIGHTS] = keyring_count(s->keys);
    for (uint32_t account = 1; account <= balance_sheet_count(s->accounts); account++)
        writer->counts[SETTLED_KEY_TIMES] += keyring_time(s->keys, account) != 0;
}

static void all_count(struct writer *writer)
{
    const struct settlement *s = writer->s;
    writer->params_bytes = params_encode(&s->params, writer->params);
    writer->counts[SETTLED_STATE] = 1;
    writer->counts[SETTLED_PARAMS] = writer->params_bytes;
    writer->counts[SETTLED_ASSETS] = s->params.asset_count;
    if (params_has_house(&s->genesis->params))
        writer->counts[SETTLED_HOUSE] = s->params.asset_count;
    writer->counts[SETTLED_ACCOUNTS] = balance_sheet_count(s->accounts);
    writer->counts[SETTLED_KEYS] = keyring_count(s->keys);
    writer->counts[SETTLED_MARKETS] = s->params.market_count;
    accounts_count(writer);
    markets_count(writer);
    switches_count(writer);
    custody_count(writer);
    rights_count(writer);
    writer->counts[SETTLED_OPENINGS] = s->params.rules >= PARAMS_RULES_OPENING;
}

/* ---- The sections. */

static void put_log(struct writer *writer)
{
    const struct settlement *s = writer->s;
    put_section(writer, SETTLED_STATE);
    put_state(writer, (struct settled_state){.command = s->command.number,
                                             .stamp_ns = s->command.stamp_ns,
                                             .height = s->height});
    put_section(writer, SETTLED_PARAMS);
    for (size_t i = 0; i < writer->params_bytes; i++)
        put_param(writer, (struct settled_param){.byte = writer->params[i]});
}

static amount_t amount_from(__int128 total)
{
    ASSERT(total >= 0 && total <= INT64_MAX); /* the engine refuses a credit beyond it */
    return (amount_t){(int64_t)total};
}

static void put_assets(struct writer *writer)
{
    put_section(writer, SETTLED_ASSETS);
    for (uint16_t i = 0; i < writer->s->params.asset_count; i++) {
        const struct totals *totals = &writer->s->totals[i];
        put_asset(writer,
                  (struct settled_asset){.fees = amount_from(totals->fees),
                                         .rounding = amount_from(totals->rounding),
                                         .in_flight = amount_from(totals->in_flight),
                                         .owed = amount_from(totals->external - totals->house)});
    }
}

static void put_account_of(struct writer *writer, uint32_t account)
{
    const struct settlement *s = writer->s;
    const struct balance_owner *owner = balance_sheet_owner(s->accounts, account);
    const bool looked = tier_book_looked(s->tiers, account, writer->today);
    put_account(writer, (struct settled_account){
                            .height = owner->leaf_height,
                            .tier = owner->tier,
                            .floor = tier_book_floor(s->tiers, account),
                            .balances = balances_of(s, account),
                            .has = (uint8_t)((has_key(s, account) ? SETTLED_HAS_KEY : 0) |
                                             (owner->is_frozen ? SETTLED_HAS_FROZEN : 0) |
                                             (owner->is_pending ? SETTLED_HAS_PENDING : 0) |
                                             (looked ? SETTLED_HAS_LOOK : 0)),
                        });
}

static void put_balances_of(struct writer *writer, uint32_t account)
{
    const struct settlement *s = writer->s;
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
        const struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
        ASSERT(cell->available.units == cell->engine_available.units &&
               cell->held.units == cell->engine_held.units);
        if (!cell_given(cell)) continue;
        put_balance(writer, (struct settled_balance){
                                .available = cell->available, .held = cell->held, .asset = asset});
    }
}

static void put_accounts(struct writer *writer)
{
    const struct settlement *s = writer->s;
    const uint32_t count = balance_sheet_count(s->accounts);
    put_section(writer, SETTLED_ACCOUNTS);
    for (uint32_t account = 1; account <= count; account++)
        put_account_of(writer, account);
    put_section(writer, SETTLED_ACCOUNT_KEYS);
    for (uint32_t account = 1; account <= count; account++) {
        struct settled_account_key key;
        if (!has_key(s, account)) continue;
        memcpy(key.public_key, balance_sheet_owner(s->accounts, account)->public_key,
               PUBLIC_KEY_BYTES);
        put_account_key(writer, key);
    }
    put_section(writer, SETTLED_BALANCES);
    for (uint32_t account = 1; account <= count; account++)
        put_balances_of(writer, account);
}

static void put_volumes(struct writer *writer)
{
    const struct settlement *s = writer->s;
    const bool counts = tier_book_counts(&s->params);
    put_section(writer, SETTLED_VOLUMES);
    for (uint32_t account = 1; counts && account <= balance_sheet_count(s->accounts); account++) {
        amount_t value;
        for (uint32_t day = 0; volume_next(writer, account, &day, &value); day++)
            put_volume(writer, (struct settled_volume){account, day, value});
    }
}

static void put_keys(struct writer *writer)
{
    put_section(writer, SETTLED_KEYS);
    for (uint32_t i = 0; i < keyring_count(writer->s->keys); i++) {
        const struct key_added_event *key = keyring_at(writer->s->keys, i);
        struct settled_key record = {.account = key->account,
                                     .permissions = key->permissions,
                                     .secret_version = key->secret_version};
        memcpy(record.key_id, key->key_id, sizeof(record.key_id));
        memcpy(record.public_key, key->public_key, sizeof(record.public_key));
        put_key(writer, record);
    }
}

static void put_marks(struct writer *writer, const struct price_mark *marks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        put_mark(writer, (struct settled_mark){marks[i].trade_id, marks[i].price});
}

/* An aggregate goes on within one command only: who began it is not state. */
static void put_markets(struct writer *writer)
{
    const struct settlement *s = writer->s;
    put_section(writer, SETTLED_MARKETS);
    for (uint16_t i = 0; i < s->params.market_count; i++) {
        const struct market_state *state = &s->markets[i];
        struct settled_market market = writer->markets[i];
        market.last_order = state->order;
        market.last_trade = state->trade;
        market.last_aggregate = state->aggregate;
        market.last_update = state->update;
        market.last_prevented = state->prevented;
        market.last_list = state->list;
        market.last_price = state->last;
        put_market(writer, market);
    }
    put_section(writer, SETTLED_MARKS);
    for (uint16_t i = 0; i < s->params.market_count; i++) {
        put_marks(writer, s->trails[i].highs, s->trails[i].high_count);
        put_marks(writer, s->trails[i].lows, s->trails[i].low_count);
    }
}

static void put_order_of(struct writer *writer, const struct hold_entry *entry)
{
    put_order(writer, (struct settled_order){
                          .id = entry->order_id,
                          .created_ns = entry->created_ns,
                          .client_hash = entry->client_hash,
                          .price = entry->price,
                          .qty = entry->qty,
                          .executed = entry->executed,
                          .quote_executed = entry->quote_executed,
                          .account = entry->account,
                          .side = entry->side,
                          .type = entry->type,
                          .time_in_force = entry->time_in_force,
                          .self_trade = entry->self_trade,
                          .state = entry->state,
                          .has = has_of(entry),
                      });
}

static void put_extra_of(struct writer *writer, const struct hold_entry *entry)
{
    if ((has_of(entry) & SETTLED_HAS_EXTRA) == 0) return;
    put_extra(writer, (struct settled_extra){.stop_price = entry->stop_price,
                                             .iceberg_qty = entry->iceberg_qty,
                                             .shown = shown_of(entry),
                                             .prevented = entry->prevented,
                                             .trailing_delta = entry->trailing_delta});
}

static void put_follower_of(struct writer *writer, const struct hold_entry *entry)
{
    if (!order_follows(entry)) return;
    const price_t held_by = order_holds_by_last(entry) ? entry->hold_price : (price_t){0};
    put_follower(writer, (struct settled_follower){.first_trade = entry->start_trade,
                                                   .extreme = entry->woken_price,
                                                   .hold_price = held_by});
}

static void put_session_of(struct writer *writer, const struct hold_entry *entry)
{
    if (entry->session == 0) return;
    put_session(writer,
                (struct settled_session){.session = entry->session, .origin = entry->origin});
}

static void put_each(struct writer *writer, enum settled_section section,
                     void (*put)(struct writer *writer, const struct hold_entry *entry))
{
    put_section(writer, section);
    for (uint64_t place = 0; place < writer->orders.count; place++)
        put(writer, order_at(writer, place));
}

/* A list's id rises with those of its orders. */
static void put_lists(struct writer *writer)
{
    put_section(writer, SETTLED_LISTS);
    for (uint64_t place = 0; place < writer->orders.count;) {
        const struct hold_entry *entry = order_at(writer, place++);
        if (entry->list_id == 0) continue;
        struct settled_list list = {.id = entry->list_id,
                                    .first = entry->list_first,
                                    .client_hash = entry->list_client_hash,
                                    .kind = entry->list_kind,
                                    .legs = (uint8_t)(1 << entry->leg)};
        while (place < writer->orders.count && order_at(writer, place)->list_id != 0 &&
               !heads_list(writer, place))
            list.legs |= (uint8_t)(1 << order_at(writer, place++)->leg);
        put_list(writer, list);
    }
}

static void put_switches(struct writer *writer)
{
    put_section(writer, SETTLED_SWITCHES);
    for (uint64_t i = 0; i < writer->switches.count; i++) {
        struct switch_armed armed;
        uint32_t slot = writer->switches.items[i].number - 1;
        const bool found = switch_book_walk(writer->s->switches, &slot, &armed);
        ASSERT(found && slot == writer->switches.items[i].number);
        put_switch(writer, (struct settled_switch){armed.deadline_ns, armed.account, armed.market});
    }
}

static void put_addresses(struct writer *writer)
{
    const struct custody_book *book = writer->s->custody;
    put_section(writer, SETTLED_ADDRESSES);
    for (uint32_t i = 0; i < custody_book_address_count(book); i++) {
        const struct address_changed_event *address = custody_book_address_at(book, i);
        struct settled_address record = {
            .active_ns = address->active_ns, .account = address->account, .kind = address->kind};
        memcpy(record.chain, address->chain, CHAIN_BYTES);
        memcpy(record.address, address->address, CHAIN_ADDRESS_BYTES);
        put_address(writer, record);
    }
}

static void put_deposits(struct writer *writer)
{
    const struct custody_span span = custody_book_deposits(writer->s->custody);
    put_section(writer, SETTLED_DEPOSITS);
    for (uint64_t left = span.count; left > 0; left--) {
        const struct deposit_changed_event *deposit =
            custody_book_deposit_at(writer->s->custody, span.last + 1 - left);
        struct settled_deposit record = {.height = deposit->height,
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
}

static void put_withdrawals(struct writer *writer)
{
    const struct custody_span span = custody_book_withdrawals(writer->s->custody);
    put_section(writer, SETTLED_WITHDRAWALS);
    for (uint64_t left = span.count; left > 0; left--) {
        const struct custody_withdrawal *withdrawal =
            custody_book_withdrawal(writer->s->custody, span.last + 1 - left);
        const struct withdrawal_moved_event *facts = &withdrawal->facts;
        struct settled_withdrawal record = {.block = facts->block,
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
}

static void put_withdrawn_days(struct writer *writer)
{
    const struct settlement *s = writer->s;
    put_section(writer, SETTLED_WITHDRAWN);
    if (writer->counts[SETTLED_WITHDRAWN] == 0) return;
    for (uint32_t account = 1; account <= balance_sheet_count(s->accounts); account++)
        for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
            const amount_t sum = withdrawn_of(writer, account, asset);
            if (sum.units == 0) continue;
            put_withdrawn(
                writer, (struct settled_withdrawn){.sum = sum, .account = account, .asset = asset});
        }
}

static void put_custody(struct writer *writer)
{
    const struct settlement *s = writer->s;
    put_addresses(writer);
    put_section(writer, SETTLED_FLOORS);
    for (uint16_t i = 0; i < s->params.route_count; i++)
        put_floor(writer, (struct settled_floor){*custody_book_floor(s->custody, i)});
    put_section(writer, SETTLED_TRANSFERS);
    put_transfer(writer, (struct settled_transfer){
                             .deposit_last = custody_book_deposits(s->custody).last,
                             .withdrawal_last = custody_book_withdrawals(s->custody).last});
    put_deposits(writer);
    put_withdrawals(writer);
    put_withdrawn_days(writer);
}

static void put_houses(struct writer *writer)
{
    if (writer->out.form->count <= SETTLED_HOUSE) return;
    put_section(writer, SETTLED_HOUSE);
    for (uint64_t i = 0; i < writer->counts[SETTLED_HOUSE]; i++) {
        const unsigned __int128 house = (unsigned __int128)writer->s->totals[i].house;
        put_house(writer, (struct settled_house){(uint64_t)house, (uint64_t)(house >> 64)});
    }
}

static void put_charges(struct writer *writer)
{
    const struct custody_span span = custody_book_withdrawals(writer->s->custody);
    if (writer->out.form->count <= SETTLED_CHARGES) return;
    put_section(writer, SETTLED_CHARGES);
    for (uint64_t left = span.count; left > 0; left--) {
        const struct custody_withdrawal *withdrawal =
            custody_book_withdrawal(writer->s->custody, span.last + 1 - left);
        put_charge(writer, (struct settled_charge){.fee = withdrawal->facts.fee,
                                                   .until_day = withdrawal->until_day});
    }
}

static void put_rights(struct writer *writer)
{
    const struct settlement *s = writer->s;
    if (s->params.rules < PARAMS_RULES_KEYS) return;
    put_section(writer, SETTLED_KEY_RIGHTS);
    for (uint32_t i = 0; i < keyring_count(s->keys); i++) {
        const struct keyring_right *right = keyring_right_of(s->keys, keyring_at(s->keys, i));
        struct settled_key_right record = {.removed_ns = right->removed_ns,
                                           .shared = right->is_shared,
                                           .ip_count = right->ips.count};
        memcpy(record.ips, right->ips.ranges, sizeof(record.ips));
        put_key_right(writer, record);
    }
    put_section(writer, SETTLED_KEY_TIMES);
    for (uint32_t account = 1; account <= balance_sheet_count(s->accounts); account++)
        if (keyring_time(s->keys, account) != 0)
            put_key_time(writer,
                         (struct settled_key_time){keyring_time(s->keys, account), account});
}

static void put_openings(struct writer *writer)
{
    const struct settlement *s = writer->s;
    if (s->params.rules < PARAMS_RULES_OPENING) return;
    put_section(writer, SETTLED_OPENINGS);
    put_opening(writer, (struct settled_opening){.hour = s->open_hour, .count = s->open_count});
}

static void put_all(struct writer *writer)
{
    put_log(writer);
    put_assets(writer);
    put_accounts(writer);
    put_volumes(writer);
    put_keys(writer);
    put_markets(writer);
    put_each(writer, SETTLED_ORDERS, put_order_of);
    put_each(writer, SETTLED_EXTRAS, put_extra_of);
    put_each(writer, SETTLED_FOLLOWERS, put_follower_of);
    put_each(writer, SETTLED_SESSIONS, put_session_of);
    put_lists(writer);
    put_switches(writer);
    put_custody(writer);
    put_houses(writer);
    put_charges(writer);
    put_rights(writer);
    put_openings(writer);
}

enum status settlement_snapshot_write(const struct settlement *s, const struct genesis *genesis,
                                      struct arena *scratch, const struct snapshot_sink *sink)
{
    struct writer writer = {.s = s, .genesis = genesis};
    uint32_t dirty_count;
    (void)balance_sheet_dirty(s->accounts, &dirty_count);
    ASSERT(!s->has_mismatch && dirty_count == 0 && s->command.price_count == 0);
    if (settlement_snapshot_scratch_bytes(s) > scratch->capacity - scratch->used)
        return STATUS_NO_MEMORY;

    const size_t used = scratch->used;
    scratch_take(&writer, scratch);
    writer.today = (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS);
    writer.oldest = writer.today < TIER_BOOK_DAYS ? 0 : writer.today - (TIER_BOOK_DAYS - 1);
    all_count(&writer);
    section_begin(&writer.out, settlement_snapshot_form(s->params.rules), genesis, writer.counts,
                  sink, writer.buffer);
    put_all(&writer);
    const enum status status = section_end(&writer.out);
    scratch->used = used;
    return status;
}
