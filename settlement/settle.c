#include "settlement/settle.h"

#include "common/arena.h"
#include "common/key_rights.h"
#include "common/sharing.h"
#include "settlement/acceptance.h"
#include "settlement/authority.h"
#include "settlement/ending.h"
#include "settlement/expect.h"
#include "settlement/key_change.h"
#include "settlement/membership.h"
#include "settlement/opening.h"
#include "settlement/operation.h"
#include "settlement/trade.h"
#include "settlement/transfer.h"
#include "settlement/waking.h"
#include "settlement/word.h"

#include <string.h>

#define AHEAD         8   /* accounts whose memory is asked for before they are closed */
#define PART_ACCOUNTS 256 /* closed in one part, but for those of very many */

/* Prices of one command that those who trail may have to be shown: a new one means that a level is
 * empty, and so an order done, or that another taker's run began. */
static uint32_t prices_max(const struct params *params)
{
    return 2 * params->orders_max + 64;
}

size_t settlement_bytes(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    return sizeof(struct settlement) +
           balance_sheet_bytes(params->accounts_max, params->assets_max) +
           hold_book_bytes(params->orders_max) +
           keyring_bytes(params->keys_max, params->accounts_max) +
           account_tree_bytes(params->accounts_max) +
           switch_book_bytes(params->orders_max, params->accounts_max) +
           tier_book_bytes(params->accounts_max) + custody_book_bytes(params) +
           params->assets_max * sizeof(struct totals) +
           params->markets_max * (sizeof(struct market_state) + sizeof(struct price_trail)) +
           ((size_t)params->orders_max + 2) * sizeof(struct pairing_node) +
           (size_t)prices_max(params) * sizeof(struct command_price) + 2048;
}

/* False when the arena is too small. */
static bool take_memory(struct settlement *s, struct arena *arena, const uint8_t tree_secret[32])
{
    const struct params *params = &s->params;
    s->accounts = balance_sheet_new(arena, params->accounts_max, params->assets_max);
    s->orders = hold_book_new(arena, params->orders_max);
    s->keys = keyring_new(arena, params->keys_max, params->accounts_max);
    s->tree = account_tree_new(arena, params->accounts_max, tree_secret);
    s->switches = switch_book_new(arena, params->orders_max, params->accounts_max);
    s->tiers = tier_book_new(arena, params->accounts_max);
    s->custody = custody_book_new(arena, params);
    s->totals = arena_take_array(arena, params->assets_max, sizeof(struct totals));
    s->markets = arena_take_array(arena, params->markets_max, sizeof(struct market_state));
    s->trails = arena_take_array(arena, params->markets_max, sizeof(struct price_trail));
    s->sleepers =
        arena_take_array(arena, (size_t)params->orders_max + 2, sizeof(struct pairing_node));
    s->prices_max = prices_max(params);
    s->prices = arena_take_array(arena, s->prices_max, sizeof(struct command_price));
    return s->accounts != NULL && s->orders != NULL && s->keys != NULL && s->tree != NULL &&
           s->switches != NULL && s->tiers != NULL && s->custody != NULL && s->totals != NULL &&
           s->markets != NULL && s->trails != NULL && s->sleepers != NULL && s->prices != NULL;
}

struct settlement *settlement_new(struct arena *arena, const struct genesis *genesis,
                                  const uint8_t tree_secret[32])
{
    struct settlement *s = arena_take(arena, sizeof(*s));
    if (s == NULL) return NULL;
    s->genesis = genesis;
    s->chain_id = genesis_chain_id(genesis);
    s->params = genesis->params;
    s->params_moved = true;
    return take_memory(s, arena, tree_secret) ? s : NULL;
}

enum status settle_differs(struct settlement *s, const struct settle_mismatch *found)
{
    if (!s->has_mismatch) {
        s->mismatch = *found;
        if (s->mismatch.command == 0) s->mismatch.command = s->command.number;
        s->has_mismatch = true;
    }
    return STATUS_MISMATCH;
}

enum status settle_differs_order(struct settlement *s, const char *what, uint16_t market,
                                 uint64_t order_id, uint32_t account, int64_t ours, int64_t theirs)
{
    return settle_differs(s, &(struct settle_mismatch){.what = what,
                                                       .market = market,
                                                       .order_id = order_id,
                                                       .account = account,
                                                       .ours = ours,
                                                       .theirs = theirs});
}

enum status settle_differs_count(struct settlement *s, const char *what, int64_t ours,
                                 int64_t theirs)
{
    return settle_differs(s,
                          &(struct settle_mismatch){.what = what, .ours = ours, .theirs = theirs});
}

const struct settle_mismatch *settlement_mismatch(const struct settlement *s)
{
    return s->has_mismatch ? &s->mismatch : NULL;
}

/* All switches that were due have fired by now. */
static enum status leave_switches(struct settlement *s)
{
    struct command_state *command = &s->command;
    if (command->phase != PHASE_SWITCHES) return STATUS_OK;
    command->phase = PHASE_MAIN;
    command->swept_order = 0;
    const uint64_t next = switch_book_next(s->switches);
    if (next > command->stamp_ns) return STATUS_OK;
    return settle_differs_count(s, "switch not fired", (int64_t)next, (int64_t)command->stamp_ns);
}

/* Whether the command did all it began. */
static enum status close_command(struct settlement *s)
{
    struct command_state *command = &s->command;
    enum status status = leave_switches(s);
    if (status != STATUS_OK) return status;
    if (command->must_refuse && !command->refused)
        return settle_differs_count(s, "refusal of a key that may not", 1, 0);
    if (command->next != NEXT_ANY)
        return settle_differs_order(s, "event missing at the command's end", command->next_market,
                                    command->terms_order, 0, command->next, 0);
    if (command->owing_count != 0)
        return settle_differs_count(s, "orders that should have ended, fired or been released",
                                    command->owing_count, 0);
    waking_close(s);
    status = acceptance_close(s);
    if (status == STATUS_OK) status = operation_close(s);
    if (status == STATUS_OK) status = transfer_close(s);
    if (status == STATUS_OK) status = opening_close(s);
    return status == STATUS_OK ? membership_close(s) : status;
}

enum status settle_command(struct settlement *s, uint64_t number, uint64_t stamp_ns,
                           const struct command *command)
{
    ASSERT(number == s->command.number + 1);
    const size_t payload_bytes = message_payload_bytes(command->header.type);
    ASSERT(payload_bytes > 0 && payload_bytes <= sizeof(s->command.payload));

    /* The last command is closed under its own number. */
    if (!s->has_mismatch && close_command(s) != STATUS_OK) ASSERT(s->has_mismatch);
    memset(&s->command, 0, offsetof(struct command_state, payload));
    s->command.number = number;
    s->command.stamp_ns = stamp_ns;
    s->command.deadline_ns = command->header.deadline_ns;
    s->command.type = order_tag_base(command->header.type);
    s->command.tagged_type = command->header.type;
    s->command.origin = command->header.origin;
    s->command.actor = key_rights_account(command);
    memcpy(s->command.payload, command->payload, payload_bytes);
    if (s->has_mismatch) return STATUS_MISMATCH;

    const struct authority authority = {s->genesis,  &s->chain_id,   &s->params,      s->keys,
                                        s->accounts, s->epoch_check, s->epoch_context};
    if (authority_is_late(&authority, command, stamp_ns)) {
        s->command.must_refuse = true;
        return STATUS_OK;
    }
    const char *objection = authority_objection(&authority, command);
    s->command.must_refuse = objection == NULL && (authority_is_void(&authority, command) ||
                                                   opening_waits(s, s->command.actor));
    if (objection == NULL) return STATUS_OK;
    return settle_differs(
        s, &(struct settle_mismatch){.what = objection, .account = s->command.actor});
}

/* Whether settlement's figures are the engine's. */
static bool cell_agrees(const struct balance_cell *cell)
{
    return cell->available.units == cell->engine_available.units &&
           cell->held.units == cell->engine_held.units;
}

static enum status compare(struct settlement *s, uint32_t account, uint16_t asset)
{
    const struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
    struct settle_mismatch found = {
        .account = account,
        .asset = asset,
        .command = balance_sheet_owner(s->accounts, account)->last_command,
    };
    if (cell->available.units != cell->engine_available.units) {
        found.what = "available balance";
        found.ours = cell->available.units;
        found.theirs = cell->engine_available.units;
        return settle_differs(s, &found);
    }
    if (cell->held.units != cell->engine_held.units) {
        found.what = "held balance";
        found.ours = cell->held.units;
        found.theirs = cell->engine_held.units;
        return settle_differs(s, &found);
    }
    return STATUS_OK;
}

/* The engine reports after all that a command moved, so the figures must agree at once. */
static enum status on_balance(struct settlement *s, const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    if (balance.asset >= s->params.asset_count || !balance_sheet_has(s->accounts, balance.account))
        return settle_differs(s, &(struct settle_mismatch){.what = "balance of nobody",
                                                           .account = balance.account,
                                                           .asset = balance.asset});
    struct balance_cell *cell = balance_sheet_cell(s->accounts, balance.account, balance.asset);
    cell->engine_available = balance.available;
    cell->engine_held = balance.held;
    settle_touch(s, balance.account);
    return compare(s, balance.account, balance.asset);
}

/* The market's update ids have no gap. */
static enum status on_level(struct settlement *s, const struct event *event)
{
    struct level_event level;
    level_event_get(event->payload, &level);
    if (level.market >= s->params.market_count)
        return settle_differs_count(s, "market of a level", s->params.market_count, level.market);
    struct market_state *market = &s->markets[level.market];
    if (level.update_id != market->update + 1)
        return settle_differs_order(s, "update id", level.market, 0, 0, (int64_t)market->update + 1,
                                    (int64_t)level.update_id);
    market->update++;
    return STATUS_OK;
}

/* What a refused command's event finds: nothing before it but switches, and it lets nothing follow. */
static enum status on_refusal(struct settlement *s)
{
    if (s->command.main_count > 1)
        return settle_differs_count(s, "refusal after other events", 0,
                                    (int64_t)s->command.main_count);
    s->command.refused = true;
    return STATUS_OK;
}

/* A switch's own event, or the end of an order that one brings about. */
static bool is_of_switch(const struct settlement *s, const struct event *event)
{
    if (s->command.phase != PHASE_SWITCHES) return false;
    if (event->type == T_SWITCH_FIRED) return true;
    if (s->command.fired_account == 0) return false;
    if (event->type == T_ORDER_TERMS || event->type == T_ORDER_TAGGED || event->type == T_LIST_DONE)
        return true;
    if (event->type != T_ORDER_DONE) return false;
    struct order_done_event done;
    order_done_event_get(event->payload, &done);
    return s->command.ending.list_id != 0 || done.reason == DONE_SWITCH;
}

/* Whether the event has its turn now: by what came right before it, and by its phase. */
static enum status check_order(struct settlement *s, const struct event *event)
{
    struct command_state *command = &s->command;
    const uint16_t type = event->type;
    static const uint16_t followers[][2] = {
        [NEXT_ANY] = {0, 0},
        [NEXT_TERMS] = {T_ORDER_TERMS, 0},
        [NEXT_TAG] = {T_ORDER_TAGGED, 0},
        [NEXT_DONE] = {T_ORDER_DONE, T_ORDER_TAGGED},
        [NEXT_END] = {T_ORDER_DONE, 0},
        [NEXT_LEG] = {T_ORDER_TERMS, 0},
        [NEXT_LIST_DONE] = {T_LIST_DONE, 0},
        [NEXT_SIBLING] = {T_FILL, T_ORDER_TRIGGERED},
    };
    const uint16_t *due = followers[command->next];
    if (command->next != NEXT_ANY && type != due[0] && type != due[1])
        return settle_differs_count(s, "event that must come next", due[0], type);

    if (is_of_switch(s, event)) return STATUS_OK;
    const enum status status = leave_switches(s);
    if (status != STATUS_OK) return status;
    const enum command_phase phase = type == T_LEVEL     ? PHASE_LEVELS
                                     : type == T_BALANCE ? PHASE_BALANCES
                                                         : PHASE_MAIN;
    if (command->must_refuse && phase == PHASE_MAIN && type != T_REFUSED && type != T_NOOP)
        return settle_differs_count(s, "event of a key that may not", T_REFUSED, type);
    if (phase < command->phase || (command->refused && phase == PHASE_MAIN))
        return settle_differs_count(s, "order of events", command->phase, type);
    command->phase = (uint8_t)phase;
    command->main_count += phase == PHASE_MAIN;
    return STATUS_OK;
}

static enum status on_custody_event(struct settlement *s, const struct event *event)
{
    switch (event->type) {
    case T_ADDRESS_CHANGED:
        return transfer_address(s, event);
    case T_ACCOUNT_FROZEN:
        return transfer_frozen(s, event);
    case T_DEPOSIT_CHANGED:
        return transfer_deposit(s, event);
    default:
        return transfer_withdrawal(s, event);
    }
}

static enum status on_order_event(struct settlement *s, const struct event *event)
{
    switch (event->type) {
    case T_ORDER_ACCEPTED:
        return acceptance_order(s, event);
    case T_ORDER_TERMS:
        return acceptance_terms(s, event);
    case T_ORDER_TAGGED:
        return acceptance_tagged(s, event);
    case T_ORDER_REPEATED:
        return acceptance_repeated(s, event);
    case T_ORDER_REPLACED:
        return acceptance_replaced(s, event);
    case T_LIST_ACCEPTED:
        return acceptance_list(s, event);
    case T_FILL:
        return trade_fill(s, event);
    case T_PREVENTED:
        return trade_prevented(s, event);
    case T_ORDER_TRIGGERED:
        return waking_triggered(s, event);
    case T_ORDER_RELEASED:
        return waking_released(s, event);
    case T_ORDER_AMENDED:
        return ending_amended(s, event);
    case T_ORDER_DONE:
        return ending_order(s, event);
    case T_LIST_DONE:
        return ending_list(s, event);
    case T_LEVEL:
        return on_level(s, event);
    case T_BALANCE:
        return on_balance(s, event);
    default:
        return STATUS_OK; /* moves nothing */
    }
}

enum status settle_event(struct settlement *s, const struct event *event)
{
    if (s->has_mismatch) return STATUS_MISMATCH;
    const enum status status = check_order(s, event);
    if (status != STATUS_OK) return status;
    switch (event->type) {
    case T_NOOP:
    case T_REFUSED:
        return on_refusal(s);
    case T_ASSET_CREATED:
    case T_MARKET_CREATED:
    case T_MARKET_STATUS_CHANGED:
    case T_MARKET_FILTERED:
    case T_RULES_CHANGED:
    case T_ROUTE_CHANGED:
    case T_CONNECTOR_ADDED:
    case T_ROUTE_FEE_CHANGED:
    case T_OPENING_CHANGED:
        return operation_parameters(s, event);
    case T_LIABILITIES_ORDERED:
        return operation_liabilities(s, event);
    case T_ACCOUNT_CREATED:
        return s->command.type == T_ACCOUNT_OPEN ? opening_created(s, event)
                                                 : operation_account(s, event);
    case T_ACCOUNT_PENDING:
        return opening_pending(s, event);
    case T_KEY_ADDED:
        return operation_key(s, event);
    case T_KEY_CREATED:
    case T_KEY_LIMITED:
    case T_KEY_REMOVED:
        return key_change(s, event);
    case T_CREDITED:
        return operation_credited(s, event);
    case T_DEBITED:
        return operation_debited(s, event);
    case T_TIER_SET:
        return operation_tier_set(s, event);
    case T_TIER_CHANGED:
        return operation_tier_changed(s, event);
    case T_HELLO_ACCEPTED:
        return membership_hello(s, event);
    case T_NODE_CHANGED:
        return membership_node(s, event);
    case T_EPOCH_CHANGED:
        return membership_epoch(s, event);
    case T_ADDRESS_CHANGED:
    case T_ACCOUNT_FROZEN:
    case T_DEPOSIT_CHANGED:
    case T_WITHDRAWAL_CHANGED:
    case T_WITHDRAWAL_MOVED:
        return on_custody_event(s, event);
    case T_SWITCH_ARMED:
        return operation_switch_armed(s, event);
    case T_SWITCH_FIRED:
        return operation_switch_fired(s, event);
    default:
        return on_order_event(s, event);
    }
}

void settle_touch(struct settlement *s, uint32_t account)
{
    const struct balance_owner *owner = balance_sheet_owner(s->accounts, account);
    if (s->journal != NULL && !owner->is_dirty)
        proof_journal_keep(s->journal, s->height + 1, account_tree_place(s->tree, account),
                           account_tree_level(s->tree, 0), owner->leaf_height, s->accounts, account,
                           s->params.asset_count);
    balance_sheet_touch(s->accounts, account, s->command.number);
}

static void leaf_of(const struct settlement *s, uint32_t account, struct account_leaf *leaf)
{
    const struct balance_owner *owner = balance_sheet_owner(s->accounts, account);
    leaf->salt = account_tree_salt(s->tree, account, owner->leaf_height);
    leaf->public_key = owner->public_key;
    leaf->count = 0;
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
        const struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
        if (cell->available.units == 0 && cell->held.units == 0) continue;
        leaf->balances[leaf->count++] =
            (struct account_leaf_balance){asset, cell->available, cell->held};
    }
}

hash_t settle_leaf_hash(const struct settlement *s, uint32_t account)
{
    struct account_leaf leaf;
    leaf_of(s, account, &leaf);
    return account_tree_leaf_hash(&leaf);
}

void settle_leaf(struct settlement *s, uint32_t account)
{
    account_tree_set(s->tree, account, settle_leaf_hash(s, account));
}

/* The dirty accounts of a block that ends. */
struct closing {
    struct settlement *s;
    const uint32_t *accounts;
    uint32_t count;
    uint32_t part_count;
    uint64_t height;
    uint64_t differs; /* word.h; not 0: some account does not agree */
};

/* Compares every balance of the account. What differs is only noted: the first one is found again in order. */
static void check_account(struct closing *closing, uint32_t account)
{
    struct settlement *s = closing->s;
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++)
        if (!cell_agrees(balance_sheet_cell(s->accounts, account, asset)))
            word_put(&closing->differs, 1);
    word_put(&balance_sheet_owner(s->accounts, account)->leaf_height, closing->height);
}

/* Compares the accounts' balances and puts their leaves into the tree: two of them, or one twice. */
static void close_two(struct closing *closing, const uint32_t accounts[2])
{
    struct settlement *s = closing->s;
    struct account_leaf leaves[2];
    hash_t hashes[2];
    for (int i = 0; i < 2; i++) {
        check_account(closing, accounts[i]);
        leaf_of(s, accounts[i], &leaves[i]);
    }
    account_tree_leaf_hash_two((const struct account_leaf *const[2]){&leaves[0], &leaves[1]},
                               hashes);
    for (int i = 0; i < 2; i++)
        account_tree_put(s->tree, accounts[i], hashes[i]);
}

static void close_part(void *work, uint32_t index)
{
    struct closing *closing = work;
    const uint64_t count = closing->count, parts = closing->part_count;
    const uint32_t from = (uint32_t)(count * index / parts);
    const uint32_t to = (uint32_t)(count * (index + 1) / parts);
    const uint32_t *accounts = closing->accounts;
    for (uint32_t i = from; i < to; i += 2) {
        for (uint32_t ahead = i; ahead < i + 2; ahead++) {
            if (ahead + AHEAD < to) expect_account(closing->s, accounts[ahead + AHEAD]);
            if (ahead + AHEAD / 2 < to) expect_leaf(closing->s, accounts[ahead + AHEAD / 2]);
        }
        close_two(closing, (const uint32_t[2]){accounts[i], accounts[i + 1 < to ? i + 1 : i]});
    }
}

/* Compares all balances of the dirty accounts and, if they agree, has their leaves in the tree. */
static enum status close_accounts(struct settlement *s, uint64_t height)
{
    struct closing closing = {.s = s, .height = height};
    closing.accounts = balance_sheet_dirty(s->accounts, &closing.count);
    closing.part_count = closing.count / PART_ACCOUNTS + 1;
    if (closing.part_count > SHARING_PARTS_MAX) closing.part_count = SHARING_PARTS_MAX;
    sharing_run(s->sharing, close_part, &closing, closing.part_count);
    for (uint32_t i = 0; i < closing.count && word_get(&closing.differs) != 0; i++)
        for (uint16_t asset = 0; asset < s->params.asset_count; asset++)
            if (compare(s, closing.accounts[i], asset) != STATUS_OK) return STATUS_MISMATCH;
    ASSERT(word_get(&closing.differs) == 0);
    for (uint32_t i = 0; i < closing.count; i++)
        account_tree_changed(s->tree, closing.accounts[i]);
    return STATUS_OK;
}

static enum status check_totals(struct settlement *s)
{
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
        const struct totals *totals = &s->totals[asset];
        if (totals_conserved(totals)) continue;
        return settle_differs(
            s, &(struct settle_mismatch){.what = "totals",
                                         .asset = asset,
                                         .ours = (int64_t)(totals->users + totals->fees +
                                                           totals->rounding + totals->in_flight +
                                                           totals->house),
                                         .theirs = (int64_t)totals->external});
    }
    return STATUS_OK;
}

enum status settle_block(struct settlement *s, uint64_t height, struct settle_roots *roots)
{
    if (s->has_mismatch) {
        s->mismatch.height = height;
        return STATUS_MISMATCH;
    }
    uint32_t dirty_count;
    (void)balance_sheet_dirty(s->accounts, &dirty_count);
    enum status status = close_command(s);
    if (status == STATUS_OK) status = check_totals(s);
    if (status == STATUS_OK) status = close_accounts(s, height);
    if (status != STATUS_OK) {
        s->mismatch.height = height;
        return status;
    }
    balance_sheet_forget_dirty(s->accounts);
    INVARIANT(settle_check(s));

    /* Pairs with settlement_height: all that the block changed is there before it. */
    word_put(&s->height, height);
    settlement_roots(s, roots);
    if (s->journal != NULL)
        proof_journal_block(s->journal, height, s->tree, dirty_count > 0, s->totals,
                            s->params.asset_count);
    return STATUS_OK;
}

uint64_t settlement_command(const struct settlement *s)
{
    return s->command.number;
}

uint32_t settlement_rules(const struct settlement *s)
{
    return s->params.rules;
}

uint64_t settlement_height(const struct settlement *s)
{
    return word_get(&s->height);
}

void settlement_roots(struct settlement *s, struct settle_roots *roots)
{
    if (s->params_moved) s->params_hash = params_hash(&s->params);
    s->params_moved = false;
    roots->state_root = account_tree_root_shared(s->tree, s->sharing);
    roots->totals_root =
        totals_root(s->totals, s->params.asset_count, params_has_house(&s->genesis->params));
    roots->params_hash = s->params_hash;
}

void settlement_keep(struct settlement *s, struct proof_journal *journal)
{
    struct settle_roots roots;
    s->journal = journal;
    settlement_roots(s, &roots);
    if (s->height > 0)
        proof_journal_block(journal, s->height, s->tree, true, s->totals, s->params.asset_count);
}

void settlement_share(struct settlement *s, const struct sharing *sharing)
{
    s->sharing = sharing;
}

void settlement_check_epochs(struct settlement *s, settle_epoch_check check, void *context)
{
    s->epoch_check = check;
    s->epoch_context = context;
}

uint32_t settlement_accounts(const struct settlement *s)
{
    return balance_sheet_count(s->accounts);
}

amount_t settlement_available(const struct settlement *s, uint32_t account, uint16_t asset)
{
    return balance_sheet_cell(s->accounts, account, asset)->available;
}

amount_t settlement_held(const struct settlement *s, uint32_t account, uint16_t asset)
{
    return balance_sheet_cell(s->accounts, account, asset)->held;
}

struct totals settlement_totals(const struct settlement *s, uint16_t asset)
{
    ASSERT(asset < s->params.asset_count);
    return s->totals[asset];
}

/* S2: what the orders hold in one asset. */
static __int128 held_by_orders(const struct settlement *s, uint16_t asset)
{
    __int128 held = 0;
    size_t slot = 0;
    const struct hold_entry *entry;
    while ((entry = hold_book_next(s->orders, &slot)) != NULL)
        if (entry->asset == asset) held += entry->left.units;
    return held;
}

bool settle_check(const struct settlement *s)
{
    const uint32_t account_count = balance_sheet_count(s->accounts);
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
        __int128 users = 0, held = 0;
        for (uint32_t account = 1; account <= account_count; account++) {
            const struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
            ASSERT(cell->available.units >= 0 && cell->held.units >= 0); /* S3 */
            users += (__int128)cell->available.units + cell->held.units;
            held += cell->held.units;
        }
        ASSERT(users == s->totals[asset].users);
        ASSERT(totals_conserved(&s->totals[asset]));                        /* S1 */
        ASSERT(held == held_by_orders(s, asset) + transfer_held(s, asset)); /* S2 */
        ASSERT(s->totals[asset].in_flight == transfer_in_flight(s, asset)); /* S5 */
        ASSERT(s->totals[asset].fees >= 0);                                 /* S4 */
    }
    return true;
}
