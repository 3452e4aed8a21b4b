/* A small exchange for settlement's tests: it matches naively, writes the events that an engine owes,
 * and can be told to get one thing wrong.
 *
 * It shares no arithmetic with settlement: holds and fees are computed here, on plain numbers. One
 * market, BTCUSDT: prices in cents, lots of 0.00001 BTC, so one step (a tick times a lot) is 10 units
 * of USDT at 8 decimals.
 */

#ifndef TESTS_UNIT_SETTLEMENT_WORLD_H
#define TESTS_UNIT_SETTLEMENT_WORLD_H

#include "common/applied.h"
#include "common/arena.h"
#include "common/block_header.h"
#include "common/le.h"
#include "common/order_tag.h"
#include "settlement/settle.h"
#include "settlement/store.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef WORLD_ACCOUNTS
#define WORLD_ACCOUNTS 8
#endif
#ifndef WORLD_BLOCKS
#define WORLD_BLOCKS 4096
#endif
#define WORLD_ORDERS 64
#define WORLD_DAYS   64
#define WORLD_DAY_NS 86400000000000u
#define BTC          0
#define USDT         1
#define LOT_UNITS    1000
#define STEP_UNITS   10

enum plant {
    PLANT_NONE,
    PLANT_HOLD,            /* a buyer's hold one unit too large */
    PLANT_HOLD_ASSET,      /* a buyer holds base */
    PLANT_NO_RELEASE,      /* price improvement is kept in the hold */
    PLANT_DONE_KEEPS_HOLD, /* a cancelled order's hold is not given back */
    PLANT_FEE_SIDE,        /* the buyer's fee is taken in quote */
    PLANT_FEE_PAYER,       /* each pays the other's rate */
    PLANT_ROUNDING,        /* fees round down */
    PLANT_RATE,            /* the taker's rate is not that of its tier */
    PLANT_TRADE_ID,        /* a trade id is left out */
    PLANT_AGGREGATE_ID,    /* an aggregate id is left out */
    PLANT_ORDER_ID,        /* an order id is left out */
    PLANT_PRICE,           /* a fill at the taker's price */
    PLANT_OVERFILL,        /* one lot more than the maker has */
    PLANT_EXECUTED,        /* ORDER_DONE says one lot less */
    PLANT_SILENT,          /* a balance that changed is not reported */
    PLANT_BALANCE,         /* a balance is reported one unit too high */
    PLANT_CREDIT,          /* a credit of another amount than was asked */
    PLANT_CREDIT_ACCOUNT,  /* a credit to another account */
    PLANT_CANCEL_OTHER,    /* a cancel ends another account's order */
    PLANT_SIMPLE_COUNT,    /* those above need plain orders only */

    PLANT_TRIGGER_EARLY = PLANT_SIMPLE_COUNT, /* a stop fires one tick before its price */
    PLANT_TRIGGER_PRICE,                      /* and says another price fired it */
    PLANT_TRIGGER_NEVER,                      /* a stop sleeps on though its price came */
    PLANT_TRIGGER_HOLD,                       /* a fired stop holds one unit more */
    PLANT_TRAILING_EARLY,                     /* a trailing stop fires at half its delta */
    PLANT_TRAILING_UNSTARTED,                 /* and another before its stop price came */
    PLANT_PAIR_HOLDS_TWICE,                   /* both orders of a pair hold */
    PLANT_PAIR_HOLDS_LESS,                    /* a pair holds the smaller of the two needs */
    PLANT_SIBLING_KEEPS,                      /* the hold of an ended sibling is kept */
    PLANT_SIBLING_STAYS,                      /* an order trades while its sibling is open */
    PLANT_REBATE_FREE,                        /* a rebate out of nothing */
    PLANT_REBATE_UP,                          /* a rebate rounded up */
    PLANT_REBATE_ASSET,                       /* a rebate in the asset received */
    PLANT_TIER_LATE,                          /* a tier that is due is not announced */
    PLANT_TIER_TODAY,                         /* what was traded today counts */
    PLANT_SELF_TRADE,                         /* an account's orders meet though prevented */
    PLANT_PREVENTED_TRADES,                   /* what was prevented trades all the same */
    PLANT_PREVENTED_HOLDS,                    /* what was prevented stays held */
    PLANT_PREVENTED_ID,                       /* a prevented id is left out */
    PLANT_RELEASE_CANCELED,                   /* a pending order whose working one was canceled */
    PLANT_RELEASE_HALF,                       /* a pending order in force without a word */
    PLANT_PENDING_HOLDS,                      /* a pending order holds */
    PLANT_LIST_ID,                            /* a list id is left out */
    PLANT_LIST_LEFT_OPEN,                     /* an order outlives its canceled list */
    PLANT_AMEND_KEEPS,                        /* the hold of a smaller quantity stays */
    PLANT_AMEND_MORE,                         /* an amend makes an order larger */
    PLANT_ICEBERG_DEEP,                       /* a match takes what an iceberg hides */
    PLANT_TERMS,                              /* ORDER_TERMS has another stop price */
    PLANT_TAG,                                /* ORDER_TAGGED has another strategy */
    PLANT_TAG_MISSING,                        /* or does not come after the acceptance */
    PLANT_TAG_END_OTHER,                      /* or, before an end, is another account's */
    PLANT_REPEAT_OTHER,                       /* ORDER_REPEATED is of another name */
    PLANT_REPEAT_ON,                          /* and something follows */
    PLANT_REPEAT_NO_ORDER,                    /* or it is of no order, */
    PLANT_REPEAT_NO_COMMAND,                  /* of no command, */
    PLANT_REPEAT_COMMAND,                     /* of the command itself, */
    PLANT_REPEAT_AHEAD,                       /* or of a time to come */
    PLANT_REPEAT_PRICE,    /* what it says of the first is not what was asked: price, */
    PLANT_REPEAT_QTY,      /* quantity, */
    PLANT_REPEAT_STOP,     /* stop price, */
    PLANT_REPEAT_STRATEGY, /* strategy, */
    PLANT_REPEAT_FORCE,    /* time in force */
    PLANT_REPEAT_STATUS,   /* or it went as no order goes: a status that there is not, */
    PLANT_REPEAT_BELOW,    /* less than nothing filled, */
    PLANT_REPEAT_ABOVE,    /* or more than was asked */
    PLANT_REPEAT_MOMENT,   /* or it is open and was placed at another time, */
    PLANT_REPEAT_ANOTHERS, /* or by another account */
    PLANT_REPLACE_KEEPS,   /* a replaced order stays open */
    PLANT_SWITCH_EARLY,    /* a switch fires before its time */
    PLANT_SWITCH_NEVER,    /* or never */
    PLANT_SWITCH_OTHER,    /* or ends another account's orders */
    PLANT_SESSION_OTHER,   /* a session's end takes an order of another one */
    PLANT_FILTERS,         /* another filter than was asked for */
    PLANT_COUNT
};

struct world_order {
    uint64_t id;
    uint32_t account; /* 0: free */
    uint8_t side, type, force, mode;
    int64_t price, qty, executed, quote_executed, quote_qty;
    int64_t left;                                  /* held; of a pair with one of the two */
    int64_t stop, iceberg, shown, prevented, last; /* `last`: the last price when it was placed */
    int64_t extreme;                               /* of a trailing stop; 0: not started */
    uint32_t delta, session;
    uint64_t created_ns, list, queue; /* `queue`: its place among equals */
    uint8_t kind, leg;
    bool is_pending, is_asleep, is_due; /* due: in the work queue */
    uint64_t strategy;                  /* what it is called; 0: nothing */
    bool is_once;                       /* it may be asked for again */
};

/* What the work queue holds: a fired stop, or (price 0) a list whose working order is filled. */
struct world_work {
    uint64_t order, list;
    int64_t price;
};

struct world_block {
    uint8_t header[BLOCK_HEADER_BYTES];
    uint8_t *body;
    size_t body_bytes;
};

struct world {
    struct genesis genesis;
    struct arena arena;
    struct settlement *settlement;
    enum status status; /* the first that was not OK */
    jmp_buf *escape;    /* taken then, unless it is NULL */
    enum plant plant;
    uint8_t operator_secret[SECRET_KEY_BYTES];

    uint64_t number, stamp_ns, height, nonce;
    uint64_t order_id, trade_id, aggregate_id;
    uint32_t account_count, fill_count;
    int64_t available[WORLD_ACCOUNTS + 1][2], held[WORLD_ACCOUNTS + 1][2];
    bool touched[WORLD_ACCOUNTS + 1][2];
    struct world_order orders[WORLD_ORDERS];
    uint64_t clock; /* counts places in queues */
    uint64_t list_id, prevented_id;
    bool amends_unnamed; /* by the order's id alone */
    int64_t last;        /* price */
    bool was_prevented;  /* the last match */
    uint16_t tiers[WORLD_ACCOUNTS + 1], floors[WORLD_ACCOUNTS + 1];
    int64_t traded[WORLD_ACCOUNTS + 1][WORLD_DAYS]; /* by day since the first */
    uint64_t looked[WORLD_ACCOUNTS + 1];            /* day + 1 of the last order */
    uint64_t deadlines[WORLD_ACCOUNTS + 1];         /* of armed switches */
    int64_t prices[256];                            /* of this command */
    uint32_t price_count, work_count, work_done;
    struct world_work work[256];

    uint8_t events[1 << 16];
    struct event_writer out;
    uint8_t body[1 << 20];
    size_t body_bytes;
    uint64_t first_command;
    hash_t prev_hash;
    struct settle_roots roots;
    struct world_block *blocks; /* by height - 1 */
};

static const uint8_t world_secret[32] = "a tree secret of thirty-two byte";

static inline void world_genesis(struct genesis *genesis, uint8_t operator_secret[SECRET_KEY_BYTES])
{
    const uint8_t seed[32] = "an operator of the test's chain";
    memset(genesis, 0, sizeof(*genesis));
    memcpy(genesis->nonce, "world", 5);
    genesis->operator_count = 1;
    crypto_sign_seed_keypair(genesis->operators[0], operator_secret, seed);
    genesis->params = (struct params){.rules = 1,
                                      .accounts_max = 100,
                                      .keys_max = 100,
                                      .orders_max = 1000,
                                      .levels_max = 1000,
                                      .assets_max = 4,
                                      .markets_max = 4,
                                      .block_ms = 100,
                                      .idle_block_ms = 1000,
                                      .stamp_step_ms = 1000,
                                      .uncertified_blocks_max = 10,
                                      .gateway_secret_version = 1,
                                      .tree_secret_version = 1,
                                      .tier_count = 2,
                                      .tiers = {{1000, 2000, {0}}, {333, 777, {0}}}};
}

/* For world_new_with: a chain whose house has an account. */
static inline void world_with_house(struct genesis *genesis)
{
    genesis->params.rules = PARAMS_RULES_HOUSE;
}

/* Hands one command and its events to settlement, and keeps them for the block. */
static inline void world_apply(struct world *world, const struct command_header *header,
                               const uint8_t *payload, const uint8_t *auth)
{
    uint8_t bytes[COMMAND_BYTES_MAX];
    const size_t payload_bytes = message_payload_bytes(header->type);
    struct command_header whole = *header;
    whole.length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes + header->auth_length);
    command_header_put(bytes, &whole);
    memcpy(bytes + COMMAND_HEADER_BYTES, payload, payload_bytes);
    if (header->auth_length > 0)
        memcpy(bytes + COMMAND_HEADER_BYTES + payload_bytes, auth, header->auth_length);

    struct command command;
    if (!command_decode(bytes, whole.length, &command)) abort();
    world->number++;
    const size_t event_bytes = (size_t)(world->out.at - world->events);
    const struct applied applied = {world->number,
                                    world->stamp_ns,
                                    whole.length,
                                    (uint32_t)event_bytes,
                                    world->out.count,
                                    APPLIED_FIRST | APPLIED_LAST,
                                    bytes,
                                    world->events};
    uint8_t *at = world->body + world->body_bytes;
    if (world->body_bytes + APPLIED_HEADER_BYTES + whole.length + event_bytes > sizeof(world->body))
        abort();
    applied_header_put(at, &applied);
    memcpy(at + APPLIED_HEADER_BYTES, bytes, whole.length);
    memcpy(at + APPLIED_HEADER_BYTES + whole.length, world->events, event_bytes);
    world->body_bytes += APPLIED_HEADER_BYTES + whole.length + event_bytes;

    enum status status =
        settle_command(world->settlement, world->number, world->stamp_ns, &command);
    const uint8_t *next = world->events;
    struct event event;
    while (status == STATUS_OK && event_next(&next, world->out.at, &event))
        status = settle_event(world->settlement, &event);
    if (world->status == STATUS_OK) world->status = status;
    world->out =
        (struct event_writer){.at = world->events, .end = world->events + sizeof(world->events)};
    if (world->status != STATUS_OK && world->escape != NULL) longjmp(*world->escape, 1);
}

static inline void world_report(struct world *world)
{
    bool silent = world->plant == PLANT_SILENT;
    for (uint32_t account = 1; account <= WORLD_ACCOUNTS; account++)
        for (uint16_t asset = 0; asset < 2; asset++) {
            if (!world->touched[account][asset]) continue;
            world->touched[account][asset] = false;
            struct balance_event balance = {
                {world->available[account][asset]}, {world->held[account][asset]}, account, asset};
            if (world->plant == PLANT_BALANCE) balance.available.units++;
            if (!silent) event_write_balance(&world->out, &balance);
            silent = false;
        }
}

static inline void world_move(struct world *world, uint32_t account, uint16_t asset,
                              int64_t available, int64_t held)
{
    world->available[account][asset] += available;
    world->held[account][asset] += held;
    world->touched[account][asset] = true;
}

/* An operator's command: `text` without its nonce, which is added here and is in the payload. */
static inline void world_operate(struct world *world, uint16_t type, const uint8_t *payload,
                                 const char *text)
{
    uint8_t auth[COMMAND_AUTH_MAX];
    char *signed_text = (char *)auth + 96;
    const int length = snprintf(signed_text, sizeof(auth) - 96, "%s&nonce=%llu", text,
                                (unsigned long long)world->nonce);
    memcpy(auth, world->genesis.operators[0], 32);
    hash_sign(world->operator_secret, signed_text, (size_t)length, auth + 32);
    const struct command_header header = {.type = type,
                                          .origin = 1,
                                          .auth_kind = AUTH_OPERATOR,
                                          .auth_length = (uint16_t)(96 + length)};
    world_apply(world, &header, payload, auth);
}

/* The chain's rules, one after the other until `rules`. */
static inline void world_rules(struct world *world, uint32_t rules)
{
    uint8_t payload[256];
    char text[64];
    for (uint32_t next = settlement_rules(world->settlement) + 1; next <= rules; next++) {
        const struct rules_set_command set = {.nonce = ++world->nonce, .rules = next};
        const struct rules_changed_event changed = {next};
        rules_set_command_put(payload, &set);
        event_write_rules_changed(&world->out, &changed);
        snprintf(text, sizeof(text), "action=rules-set&rules=%u", next);
        world_operate(world, T_RULES_SET, payload, text);
    }
}

static inline void world_list(struct world *world)
{
    static const char *const symbols[] = {"BTC", "USDT"};
    uint8_t payload[256];
    char text[256];
    for (uint16_t i = 0; i < 2; i++) {
        struct asset_create_command create = {.nonce = ++world->nonce, .decimals = 8};
        struct asset_created_event created = {.asset = i, .decimals = 8};
        memcpy(create.symbol, symbols[i], strlen(symbols[i]));
        memcpy(created.symbol, symbols[i], strlen(symbols[i]));
        asset_create_command_put(payload, &create);
        event_write_asset_created(&world->out, &created);
        snprintf(text, sizeof(text), "action=asset-create&symbol=%s&decimals=8", symbols[i]);
        world_operate(world, T_ASSET_CREATE, payload, text);
    }
    struct market_create_command market = {.nonce = ++world->nonce,
                                           .base = BTC,
                                           .quote = USDT,
                                           .tick_units = 1000000,
                                           .lot_units = LOT_UNITS,
                                           .price_min = {1},
                                           .price_max = {100000000},
                                           .qty_min = {1},
                                           .qty_max = {100000000},
                                           .notional_min = {1},
                                           .account_orders_max = 200,
                                           .symbol = "BTCUSDT"};
    struct market_created_event listed = {.base = BTC,
                                          .quote = USDT,
                                          .tick_units = 1000000,
                                          .lot_units = LOT_UNITS,
                                          .price_min = {1},
                                          .price_max = {100000000},
                                          .qty_min = {1},
                                          .qty_max = {100000000},
                                          .notional_min = {1},
                                          .account_orders_max = 200,
                                          .symbol = "BTCUSDT"};
    market_create_command_put(payload, &market);
    event_write_market_created(&world->out, &listed);
    world_operate(
        world, T_MARKET_CREATE, payload,
        "action=market-create&symbol=BTCUSDT&base=BTC&quote=USDT&tick=0.01&lot=0.00001"
        "&minPrice=0.01&maxPrice=1000000&minQty=0.00001&maxQty=1000&minNotional=0.00000001"
        "&maxOrders=200");
}

static inline void world_key_id(uint32_t account, uint8_t key_id[32])
{
    memset(key_id, 0, 32);
    key_id[0] = 0xa0;
    key_id[31] = (uint8_t)account;
}

/* An account with an HMAC key that may trade. Returns its number. */
static inline uint32_t world_account(struct world *world, uint16_t tier)
{
    uint8_t payload[256];
    char text[512], hex[65];
    const uint32_t account = ++world->account_count;
    struct account_create_command create = {.nonce = ++world->nonce, .tier = tier};
    struct account_created_event created = {.account = account, .tier = tier};
    memset(create.public_key, (int)(0x10 + account), 32);
    memset(created.public_key, (int)(0x10 + account), 32);
    hash_hex(create.public_key, 32, hex);
    world->tiers[account] = world->floors[account] = tier;
    account_create_command_put(payload, &create);
    event_write_account_created(&world->out, &created);
    snprintf(text, sizeof(text), "action=account-create&publicKey=%s&tier=%u", hex, tier);
    world_operate(world, T_ACCOUNT_CREATE, payload, text);

    struct key_add_command add = {.nonce = ++world->nonce,
                                  .account = account,
                                  .permissions = KEY_READ | KEY_TRADE,
                                  .secret_version = 1};
    struct key_added_event added = {
        .account = account, .permissions = KEY_READ | KEY_TRADE, .secret_version = 1};
    world_key_id(account, add.key_id);
    world_key_id(account, added.key_id);
    hash_hex(add.key_id, 32, hex);
    key_add_command_put(payload, &add);
    event_write_key_added(&world->out, &added);
    snprintf(text, sizeof(text),
             "action=key-add&account=%u&keyId=%s&hmac=true&permissions=READ,TRADE", account, hex);
    world_operate(world, T_KEY_ADD, payload, text);
    return account;
}

static inline const char *world_symbol(uint16_t asset)
{
    return asset == BTC ? "BTC" : "USDT";
}

static inline void world_credit(struct world *world, uint32_t account, uint16_t asset,
                                int64_t units)
{
    uint8_t payload[256];
    char text[256], amount[DECIMAL_TEXT_MAX];
    const struct credit_command credit = {
        .nonce = ++world->nonce, .account = account, .asset = asset, .amount = {units}};
    struct credited_event credited = {{units}, account, asset};
    credit_command_put(payload, &credit);
    if (world->plant == PLANT_CREDIT) credited.amount.units++;
    if (world->plant == PLANT_CREDIT_ACCOUNT) credited.account = account == 1 ? 2 : 1;
    event_write_credited(&world->out, &credited);
    world_move(world, credited.account, asset, credited.amount.units, 0);
    world_report(world);
    decimal_format(units, 8, amount);
    snprintf(text, sizeof(text), "action=credit&account=%u&asset=%s&amount=%s", account,
             world_symbol(asset), amount);
    world_operate(world, T_CREDIT, payload, text);
}

static inline void world_debit(struct world *world, uint32_t account, uint16_t asset, int64_t units)
{
    uint8_t payload[256];
    char text[256], amount[DECIMAL_TEXT_MAX];
    const struct debit_command debit = {
        .nonce = ++world->nonce, .account = account, .asset = asset, .amount = {units}};
    const struct debited_event debited = {{units}, account, asset};
    debit_command_put(payload, &debit);
    event_write_debited(&world->out, &debited);
    world_move(world, account, asset, -units, 0);
    world_report(world);
    decimal_format(units, 8, amount);
    snprintf(text, sizeof(text), "action=debit&account=%u&asset=%s&amount=%s", account,
             world_symbol(asset), amount);
    world_operate(world, T_DEBIT, payload, text);
}

static inline void world_trade(struct world *world, uint16_t type, uint32_t account,
                               const uint8_t *payload)
{
    uint8_t key_id[32];
    world_key_id(account, key_id);
    const struct command_header header = {
        .type = type, .origin = 1, .auth_kind = AUTH_HMAC, .auth_length = 32};
    world_apply(world, &header, payload, key_id);
}

static inline enum status world_seal(struct world *world)
{
    uint8_t payload[256];
    const struct seal_command seal = {world->height + 1};
    const struct sealed_event sealed = {world->height + 1, world->first_command};
    seal_command_put(payload, &seal);
    event_write_sealed(&world->out, &sealed);
    const struct command_header header = {.type = T_SEAL, .auth_kind = AUTH_NONE};
    world_apply(world, &header, payload, NULL);
    const enum status status = settle_block(world->settlement, world->height + 1, &world->roots);
    if (world->status == STATUS_OK) world->status = status;

    const struct block_header block = {.version = BLOCK_HEADER_VERSION,
                                       .height = ++world->height,
                                       .time_ns = world->stamp_ns,
                                       .first_command = world->first_command,
                                       .last_command = world->number,
                                       .fill_count = world->fill_count,
                                       .body_length = world->body_bytes,
                                       .chain_id = genesis_chain_id(&world->genesis),
                                       .prev_hash = world->prev_hash,
                                       .state_root = world->roots.state_root,
                                       .totals_root = world->roots.totals_root,
                                       .params_hash = world->roots.params_hash};
    struct world_block *stored = &world->blocks[world->height - 1];
    block_header_encode(&block, stored->header);
    stored->body = malloc(world->body_bytes);
    memcpy(stored->body, world->body, world->body_bytes);
    stored->body_bytes = world->body_bytes;
    world->prev_hash = block_header_hash(stored->header);
    world->body_bytes = 0;
    world->fill_count = 0;
    world->first_command = world->number + 1;
    return world->status;
}

/* Two assets, one market, four funded accounts (odd: tier 0, even: tier 1), no block yet. `adjust`
 * changes the genesis before anything begins; NULL: as it is. */
static inline struct world *world_new_with(void (*adjust)(struct genesis *))
{
    struct world *world = calloc(1, sizeof(*world));
    if (world == NULL || !hash_start()) abort();
    world->blocks = calloc(WORLD_BLOCKS, sizeof(struct world_block));
    world_genesis(&world->genesis, world->operator_secret);
    if (adjust != NULL) adjust(&world->genesis);
    if (!arena_map(&world->arena, settlement_bytes(&world->genesis))) abort();
    world->settlement = settlement_new(&world->arena, &world->genesis, world_secret);
    if (world->settlement == NULL) abort();
    world->out =
        (struct event_writer){.at = world->events, .end = world->events + sizeof(world->events)};
    world->first_command = 1;
    world->stamp_ns = 1700000000000000000u;
    world_list(world);
    for (uint32_t account = 1; account <= 4; account++) {
        world_account(world, account % 2 == 0);
        world_credit(world, account, BTC, 100000000000);
        world_credit(world, account, USDT, 10000000000000000);
    }
    return world;
}

static inline struct world *world_new(void)
{
    return world_new_with(NULL);
}

static inline void world_free(struct world *world)
{
    for (uint64_t i = 0; i < world->height; i++)
        free(world->blocks[i].body);
    free(world->blocks);
    arena_unmap(&world->arena);
    free(world);
}

static inline enum status world_read(void *context, uint64_t height, struct block_bytes *out)
{
    const struct world *world = context;
    if (height == 0 || height > world->height) return STATUS_NOT_FOUND;
    const struct world_block *block = &world->blocks[height - 1];
    *out = (struct block_bytes){block->header, block->body, block->body_bytes};
    return STATUS_OK;
}

#include "tests/unit/settlement/world_market.h"

#endif /* TESTS_UNIT_SETTLEMENT_WORLD_H */
