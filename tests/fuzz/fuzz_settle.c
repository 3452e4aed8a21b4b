/* Any bytes as orders: whatever the real engine makes of them, settlement derives the same figures.
 *
 * An input is read byte by byte, command after command; when it ends, a generator seeded by it goes on
 * for some more, so that short inputs make long stories too. Four accounts, two of them almost poor, three
 * markets, ten client ids and sixteen prices: orders meet, stops fire stops, and holds run out. Both sides
 * start each input from the state after listed markets and funded accounts, copied back in one piece; its first
 * byte says by which rules, and more may come. An account without money makes and removes keys, and asks by them; others open
 * themselves. What the projection makes of the same blocks must add up to the same balances.
 */

#include "common/intent_custody.h"
#include "common/intent_key.h"
#include "common/key_rights.h"
#include "engine/match.h"
#include "settlement/posting.h"
#include "tests/unit/settlement/world.h"

#define COMMANDS_MAX 512
#define PRICE_BASE   92
#define ASSETS       3 /* BTC, USDT, and ETH, which is listed here */
#define DAY_NS       86400000000000u

static struct world *world;
static struct engine *engine;
static struct arena engine_arena;
static uint8_t *engine_start, *settlement_start;
static uint8_t *events;
static size_t events_max;
static struct params params, params_start;
static uint64_t number, height, stamp_ns, nonce;
static uint16_t market; /* of the present command */
static uint64_t origin_epoch, origin_epoch_start, origin_sequence, origin_sequence_start;

/* The present block's records, and what came out of all blocks as rows. */
static struct store *store;
static struct arena store_arena;
static uint8_t body[1 << 22], first_body[1 << 14];
static size_t body_bytes, first_body_bytes;
static uint64_t first_command;
static uint32_t fill_count;
static struct {
    __int128 available[WORLD_ACCOUNTS + 1][ASSETS], held[WORLD_ACCOUNTS + 1][ASSETS], house[ASSETS];
    uint64_t fills, prevented, lists_open;
} rows;

static void on_block(void *context, const struct block_row *row)
{
    (void)context, (void)row;
}
static void on_fill(void *context, const struct fill_row *row)
{
    (void)context, (void)row;
    rows.fills++;
}
static void on_order(void *context, const struct order_row *row)
{
    (void)context;
    ASSERT(row->terms.order_id == 0 || row->terms.order_id == row->done.order_id);
}
static void on_entry(void *context, const struct entry_row *row)
{
    (void)context;
    if (row->account < 0) {
        rows.house[row->asset] += row->available.units;
        return;
    }
    rows.available[row->account][row->asset] += row->available.units;
    rows.held[row->account][row->asset] += row->held.units;
}
static void on_account(void *context, const struct account_row *row)
{
    (void)context, (void)row;
}
static void on_asset(void *context, uint16_t index, const struct asset *asset)
{
    (void)context, (void)index, (void)asset;
}
static void on_market(void *context, uint16_t index, const struct market *listed)
{
    (void)context, (void)index, (void)listed;
}
static void on_candle(void *context, const struct candle_row *row)
{
    (void)context, (void)row;
}
static void on_balance(void *context, const struct balance_row *row)
{
    (void)context, (void)row;
}
static void on_prevented(void *context, const struct prevented_row *row)
{
    (void)context, (void)row;
    rows.prevented++;
}
static void on_list(void *context, const struct list_row *row)
{
    (void)context, (void)row;
    rows.lists_open++;
}
static void on_list_end(void *context, const struct list_end_row *row)
{
    (void)context, (void)row;
    rows.lists_open--;
}

static void on_deposit(void *context, const struct deposit_row *row)
{
    (void)context, (void)row;
}
static void on_withdrawal(void *context, const struct withdrawal_row *row)
{
    (void)context, (void)row;
}
static void on_address(void *context, const struct address_row *row)
{
    (void)context, (void)row;
}
static void on_amended(void *context, const struct amended_row *row)
{
    (void)context;
    ASSERT(strlen(row->former_client_id) <= 36 && strlen(row->client_id) <= 36);
}

static const struct store_sink sink = {
    NULL,        on_block,   on_fill,       on_order,   on_entry,     on_account,
    on_asset,    on_market,  on_candle,     on_balance, on_prevented, on_list,
    on_list_end, on_deposit, on_withdrawal, on_address, on_amended};

static void keep_record(const struct applied *applied)
{
    const size_t record_bytes =
        APPLIED_HEADER_BYTES + applied->command_length + applied->events_length;
    if (body_bytes + record_bytes > sizeof(body)) abort();
    uint8_t *at = body + body_bytes;
    applied_header_put(at, applied);
    memcpy(at + APPLIED_HEADER_BYTES, applied->command, applied->command_length);
    memcpy(at + APPLIED_HEADER_BYTES + applied->command_length, applied->events,
           applied->events_length);
    body_bytes += record_bytes;
}

static void project(uint64_t block_height, uint64_t last_command)
{
    uint8_t header_bytes[BLOCK_HEADER_BYTES];
    const struct block_header header = {.version = BLOCK_HEADER_VERSION,
                                        .height = block_height,
                                        .first_command = first_command,
                                        .last_command = last_command,
                                        .fill_count = fill_count,
                                        .body_length = body_bytes};
    block_header_encode(&header, header_bytes);
    const struct block_bytes block = {header_bytes, body, body_bytes};
    if (store_block(store, &block, &sink) != STATUS_OK) {
        fprintf(stderr, "projection: block %llu is malformed\n", (unsigned long long)block_height);
        abort();
    }
    body_bytes = fill_count = 0;
    first_command = last_command + 1;
}

/* Where the bytes come from. */
static struct {
    const uint8_t *at, *end;
    uint64_t state;
} input;

static uint8_t byte(void)
{
    if (input.at != input.end) return *input.at++;
    input.state = input.state * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(input.state >> 56);
}

static void expect(enum status status)
{
    if (status == STATUS_OK) return;
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    fprintf(stderr, "%s: command %llu order %llu account %u asset %u ours %lld theirs %lld\n",
            found->what, (unsigned long long)found->command, (unsigned long long)found->order_id,
            found->account, found->asset, (long long)found->ours, (long long)found->theirs);
    abort();
}

static void step(const struct command *command, const uint8_t *bytes)
{
    struct event_writer out = {.at = events, .end = events + events_max};
    const uint8_t *at = events;
    struct event event;
    match_step(engine, command, ++number, stamp_ns, &out);
    const struct applied applied = {number,
                                    stamp_ns,
                                    command->header.length,
                                    (uint32_t)(out.at - events),
                                    out.count,
                                    APPLIED_FIRST | APPLIED_LAST,
                                    bytes,
                                    events};
    keep_record(&applied);
    expect(settle_command(world->settlement, number, stamp_ns, command));
    while (event_next(&at, out.at, &event)) {
        expect(settle_event(world->settlement, &event));
        params_apply(&params, &event);
        fill_count += event.type == T_FILL;
    }
    if (at != out.at) abort();
    if (command->header.type != T_SEAL) return;
    struct settle_roots roots;
    expect(settle_block(world->settlement, ++height, &roots));
    project(height, number);
}

static uint64_t deadline_ns; /* of the command that is sent next */

static void send(uint16_t type, uint16_t auth_kind, const uint8_t *payload, const uint8_t *auth,
                 size_t auth_bytes)
{
    uint8_t bytes[COMMAND_BYTES_MAX];
    struct command command;
    const size_t payload_bytes = message_payload_bytes(type);
    const bool own = auth_kind == AUTH_NONE;
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes + auth_bytes),
        .type = type,
        .origin = own ? 0 : 1,
        .origin_epoch = own ? 0 : origin_epoch,
        .origin_sequence = own ? 0 : ++origin_sequence,
        .auth_kind = auth_kind,
        .auth_length = (uint16_t)auth_bytes,
        .deadline_ns = deadline_ns};
    command_header_put(bytes, &header);
    memcpy(bytes + COMMAND_HEADER_BYTES, payload, payload_bytes);
    if (auth_bytes > 0) memcpy(bytes + COMMAND_HEADER_BYTES + payload_bytes, auth, auth_bytes);
    if (!command_decode(bytes, header.length, &command)) abort();
    step(&command, bytes);
}

static void trade(uint16_t type, uint32_t account, const uint8_t *payload)
{
    uint8_t key_id[32];
    world_key_id(account, key_id);
    send(type, AUTH_HMAC, payload, key_id, sizeof(key_id));
}

static void seal(void)
{
    uint8_t payload[SEAL_BYTES];
    const struct seal_command command = {height + 1};
    seal_command_put(payload, &command);
    send(T_SEAL, AUTH_NONE, payload, NULL, 0);
}

/* The node starts anew; with `is_lost` it was given up before. */
static void hello(bool is_lost)
{
    uint8_t payload[64];
    if (is_lost) {
        const struct origin_lost_command lost = {origin_epoch, 1};
        origin_lost_command_put(payload, &lost);
        send(T_ORIGIN_LOST, AUTH_NONE, payload, NULL, 0);
    }
    const struct hello_command command = {number, 1};
    hello_command_put(payload, &command);
    send(T_HELLO, AUTH_NONE, payload, NULL, 0);
    origin_epoch = number;
    origin_sequence = 0;
}

/* An operator's command by its text. */
static void operate(const char *text)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX], auth[1024];
    struct form form;
    struct intent intent;
    struct refusal refusal;
    char *signed_text = (char *)auth + 96;
    const int length = snprintf(signed_text, sizeof(auth) - 96, "%s&nonce=%llu", text,
                                (unsigned long long)++nonce);
    memcpy(auth, world->genesis.operators[0], 32);
    hash_sign(world->operator_secret, signed_text, (size_t)length, auth + 32);
    if (!form_parse(&form, signed_text, (size_t)length, "", 0)) abort();
    if (!intent_admin(&form, &params, &intent, &refusal)) abort();
    intent_put(&intent, payload);
    send(intent.type, AUTH_OPERATOR, payload, auth, 96 + (size_t)length);
}

/* Three tiers: the second by volume, the third of the operator's grace, with a rebate. */
static void adjust(struct genesis *genesis)
{
    genesis->validators.count = 1;
    genesis->validators.members[0].node = 1;
    genesis->params.rules = PARAMS_RULES_HOUSE; /* the house has an account */
    genesis->params.tier_count = 3;
    genesis->params.tiers[0] = (struct fee_tier){1000, 2000, {0}};
    genesis->params.tiers[1] = (struct fee_tier){333, 777, {20000}};
    genesis->params.tiers[2] = (struct fee_tier){-500, 500, {INT64_MAX}};
    genesis->params.orders_max = 24;
    genesis->params.levels_max = 24;
}

/* The chain's rules, one after the other until `rules`. */
static void rules_rise(uint32_t rules)
{
    for (uint32_t next = params.rules + 1; next <= rules; next++) {
        char text[64];
        snprintf(text, sizeof(text), "action=rules-set&rules=%u", next);
        operate(text);
        ASSERT(params.rules == next);
    }
}

/* ---- Deposits and withdrawals of BTC over a chain; account 3 has a key that may withdraw. ---- */

static uint8_t withdraw_public[PUBLIC_KEY_BYTES], withdraw_secret[SECRET_KEY_BYTES];

static void custody_open(void)
{
    const uint8_t seed[32] = "who may withdraw from account 3";
    char text[512], hex[65];
    crypto_sign_seed_keypair(withdraw_public, withdraw_secret, seed);
    hash_hex(withdraw_public, 32, hex);
    operate("action=route-set&chain=ETH&asset=BTC&decimals=8&confirmations=2&connector=0"
            "&withdrawMin=0.00001&withdrawMax=1&withdrawDayMax=2&approvalAbove=0.00003&approvals=1"
            "&addressDelay=0&status=OPEN");
    snprintf(text, sizeof(text),
             "action=key-add&account=3&keyId=%s&publicKey=%s&permissions=READ,WITHDRAW", hex, hex);
    operate(text);
    operate("action=deposit-address&account=1&chain=ETH&address=d0");
    operate("action=deposit-address&account=4&chain=ETH&address=d1");
}

/* A text that this key signs, with the time of now. */
static void sign(const uint8_t public_key[PUBLIC_KEY_BYTES], const uint8_t *secret, uint16_t type,
                 const uint8_t *payload, const char *text)
{
    uint8_t auth[1024];
    char *signed_text = (char *)auth + 96;
    const uint64_t now_ms = stamp_ns / 1000000;
    const int length = snprintf(signed_text, sizeof(auth) - 96, "%s&timestamp=%llu", text,
                                (unsigned long long)now_ms);
    memcpy(auth, public_key, 32);
    hash_sign(secret, signed_text, (size_t)length, auth + 32);
    deadline_ns = now_ms * 1000000 + 5000000000u;
    send(type, AUTH_ED25519, payload, auth, 96 + (size_t)length);
    deadline_ns = 0;
}

/* Account 3's own. */
static void own(uint16_t type, const uint8_t *payload, const char *text)
{
    sign(withdraw_public, withdraw_secret, type, payload, text);
}

static void own_custody(bool allows)
{
    char text[256], timed[320];
    struct form form;
    struct intent intent;
    struct refusal refusal;
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const char where = (char)('a' + byte() % 2);
    const bool applies = !allows && byte() % 2 == 0 && params.rules >= PARAMS_RULES_APPLY;
    if (allows)
        snprintf(text, sizeof(text), "action=address-%s&chain=ETH&address=%c",
                 byte() < 200 ? "allow" : "forbid", where);
    else if (applies)
        snprintf(text, sizeof(text), "coin=BTC&amount=0.0000%u&address=%c%s", 1u + byte() % 9,
                 where, byte() % 2 == 0 ? "" : "&network=ETH&withdrawOrderId=mine");
    else
        snprintf(
            text, sizeof(text),
            "action=withdraw&chain=ETH&asset=BTC&amount=0.0000%u&address=%c&withdrawOrderId=%u",
            1u + byte() % 9, where, byte() % 64u);
    const int length = snprintf(timed, sizeof(timed), "%s&timestamp=%llu", text,
                                (unsigned long long)(stamp_ns / 1000000));
    if (!form_parse(&form, timed, (size_t)length, "", 0)) abort();
    if (!(allows    ? intent_custody_allow(&form, &params, &intent, &refusal)
          : applies ? intent_custody_apply(&form, &params, &intent, &refusal)
                    : intent_custody_withdraw(&form, &params, &intent, &refusal)))
        abort();
    intent.withdraw.account = intent.type == T_WITHDRAW ? 3 : intent.withdraw.account;
    if (intent.type == T_ADDRESS_ALLOW) intent.address_allow.account = 3;
    intent_put(&intent, payload);
    own(intent.type, payload, text);
}

/* Whether it waits or not, the engine decides and settlement has to agree. */
static void take_back(void)
{
    char text[64];
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const struct withdrawal_cancel_command cancel = {.withdrawal = 1u + byte() % 8, .account = 3};
    withdrawal_cancel_command_put(payload, &cancel);
    snprintf(text, sizeof(text), "action=withdraw-cancel&withdrawal=%u",
             (unsigned)cancel.withdrawal);
    own(T_WITHDRAWAL_CANCEL, payload, text);
}

static void custody(void)
{
    static const char *const states[] = {"BROADCAST", "FINAL", "FAILED", "BROADCAST"};
    char text[512];
    const uint8_t which = byte() % 11, pick = byte() % 32;
    const unsigned withdrawal = 1u + byte() % 8;
    if (which == 10) return take_back();
    if (which < 3)
        snprintf(
            text, sizeof(text),
            "action=deposit-report&chain=ETH&txid=%064x&output=0&asset=BTC&amount=%u000&address=d%u"
            "&height=%u&confirmations=%u",
            pick, 1u + pick % 7, pick % 2u, 100u + pick, byte() % 4u);
    else if (which < 4)
        snprintf(text, sizeof(text), "action=deposit-reorg&chain=ETH&txid=%064x&output=0", pick);
    else if (which < 5)
        snprintf(text, sizeof(text), "action=account-freeze&account=%u&frozen=%s", 1u + pick % 4,
                 pick < 24 ? "false" : "true");
    else if (which < 6)
        snprintf(text, sizeof(text), "action=withdrawal-deny&withdrawal=%u", withdrawal);
    else if (which < 7)
        snprintf(text, sizeof(text),
                 "action=withdrawal-approve&withdrawal=%u&asset=BTC&amount=0.0000%u&address=%c",
                 withdrawal, 4u + pick % 6, (char)('a' + pick % 2));
    else if (which < 8)
        snprintf(text, sizeof(text), "action=withdrawal-report&withdrawal=%u&status=%s&txid=%064x",
                 withdrawal, states[pick % 4], 7);
    else
        return own_custody(which == 8);
    operate(text);
}

/* ---- Keys of an account that has nothing else ---- */

#define OWNERS_KEYS 8

static uint32_t owner;
static uint8_t owner_public[PUBLIC_KEY_BYTES], owner_secret[SECRET_KEY_BYTES];
static char chain_hex[2 * HASH_BYTES + 1];
static hash_t owners_keys[OWNERS_KEYS]; /* that were asked for, and those that never were */
static uint32_t owners_asked;

static void owner_open(void)
{
    const uint8_t seed[32] = "whose keys come and go";
    char text[256], hex[65];
    crypto_sign_seed_keypair(owner_public, owner_secret, seed);
    hash_hex(owner_public, 32, hex);
    hash_hex(genesis_chain_id(&world->genesis).bytes, HASH_BYTES, chain_hex);
    snprintf(text, sizeof(text), "action=account-create&publicKey=%s&tier=0", hex);
    operate(text);
    owner = world->account_count + 1;
}

/* Made, limited or removed: for this exchange, for another one, or for none, as below rules 8. */
static void key_change(void)
{
    static const char *const rights[] = {"READ", "TRADE", "READ,TRADE"};
    char text[512], timed[600], id[65], chain[96] = "";
    struct form form;
    struct intent intent;
    struct refusal refusal;
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const uint8_t which = byte() % 4, where = byte() % 16;
    hash_hex(owners_keys[byte() % OWNERS_KEYS].bytes, 32, id);
    if (where > 0) snprintf(chain, sizeof(chain), "&chainId=%s", where == 1 ? id : chain_hex);
    if (which < 2)
        snprintf(text, sizeof(text), "action=key-create&permissions=%s%s", rights[byte() % 3],
                 chain);
    else if (which == 2)
        snprintf(text, sizeof(text), "action=key-limit&keyId=%s&permissions=%s%s", id,
                 rights[byte() % 3], chain);
    else
        snprintf(text, sizeof(text), "action=key-remove&keyId=%s%s", id, chain);
    const int length = snprintf(timed, sizeof(timed), "%s&timestamp=%llu", text,
                                (unsigned long long)(stamp_ns / 1000000));
    if (!form_parse(&form, timed, (size_t)length, "", 0)) abort();
    if (!(which < 2    ? intent_key_create(&form, &params, &intent, &refusal)
          : which == 2 ? intent_key_limit(&form, &intent, &refusal)
                       : intent_key_remove(&form, &intent, &refusal)))
        abort();
    if (which < 2) {
        intent.key_create.account = owner;
        owners_keys[owners_asked++ % OWNERS_KEYS] =
            key_rights_id(owner_public, intent.key_create.time_ns);
    } else if (which == 2) {
        intent.key_limit.account = owner;
    } else {
        intent.key_remove.account = owner;
    }
    intent_put(&intent, payload);
    sign(owner_public, owner_secret, intent.type, payload, text);
}

/* A command by one of them, whatever became of it: from rules 7 on it may be in the log, and from rules 8 on with anything for a
 * signature behind its deadline. */
static void key_use(void)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX], auth[128] = {0};
    if (params.rules < PARAMS_RULES_KEYS) return;
    const struct cancel_all_command asked = {owner, market};
    const bool is_late = params.rules >= PARAMS_RULES_LATE && byte() % 2 == 0;
    const bool is_signed = is_late && byte() % 2 == 0;
    cancel_all_command_put(payload, &asked);
    memcpy(auth, owners_keys[byte() % OWNERS_KEYS].bytes, 32);
    deadline_ns = is_late ? stamp_ns - 1 : 0;
    send(T_CANCEL_ALL, is_signed ? AUTH_ED25519 : AUTH_HMAC, payload, auth, is_signed ? 120 : 32);
    deadline_ns = 0;
}

/* Somebody with a key pair and nothing else opens an account, as often as he likes. */
static void open_account(void)
{
    const uint8_t seed[32] = {(uint8_t)(1 + byte() % 8)};
    uint8_t public_key[PUBLIC_KEY_BYTES], secret[SECRET_KEY_BYTES];
    uint8_t payload[ACCOUNT_OPEN_BYTES];
    char text[256], hex[65];
    struct account_open_command asked;
    crypto_sign_seed_keypair(public_key, secret, seed);
    hash_hex(public_key, PUBLIC_KEY_BYTES, hex);
    memcpy(asked.public_key, public_key, sizeof(asked.public_key));
    const hash_t chain = genesis_chain_id(&world->genesis);
    memcpy(asked.chain_id, chain.bytes, sizeof(asked.chain_id));
    account_open_command_put(payload, &asked);
    snprintf(text, sizeof(text), "action=account-open&publicKey=%s&chainId=%s", hex, chain_hex);
    sign(public_key, secret, T_ACCOUNT_OPEN, payload, text);
}

/* That, or what operators say of it: how many may in an hour, whether they wait, and which waits no more. */
static void opening(void)
{
    char text[64];
    const uint8_t pick = byte();
    if (params.rules < PARAMS_RULES_OPENING) return;
    if (pick < 128) return open_account();
    if (pick < 192)
        snprintf(text, sizeof(text), "action=opening-set&perHour=%u&approval=%s", pick % 8u,
                 pick % 2 == 0 ? "true" : "false");
    else
        snprintf(text, sizeof(text), "action=account-approve&account=%u", 1u + pick % 16);
    operate(text);
}

/* USDTBTC, which prices USDT in the volume asset, and ETHUSDT, which needs that price. */
static void list_more(void)
{
    nonce = world->nonce;
    operate("action=asset-create&symbol=ETH&decimals=8");
    operate("action=market-create&symbol=USDTBTC&base=USDT&quote=BTC&tick=0.001&lot=0.00001"
            "&minPrice=0.001&maxPrice=1000&minQty=0.00001&maxQty=1000&minNotional=0.00000001"
            "&maxOrders=200");
    operate("action=market-create&symbol=ETHUSDT&base=ETH&quote=USDT&tick=0.01&lot=0.00001"
            "&minPrice=0.01&maxPrice=1000000&minQty=0.00001&maxQty=1000&minNotional=0.00000001"
            "&maxOrders=200");
    for (uint32_t account = 1; account <= 4; account++) {
        char text[128];
        snprintf(text, sizeof(text), "action=credit&account=%u&asset=ETH&amount=%s", account,
                 account < 3 ? "1000" : "0.0005");
        operate(text);
    }
    custody_open();
    owner_open();
    world->nonce = nonce;
}

/* The engine plays the world's first block, so that both stand at the same command. */
static void prepare(void)
{
    world = world_new_with(adjust);
    world_debit(world, 3, USDT, 10000000000000000 - 40000);
    world_debit(world, 4, BTC, 100000000000 - 30000);
    world_debit(world, 4, USDT, 10000000000000000 - 15000);
    if (world_seal(world) != STATUS_OK) abort();
    if (!arena_map(&engine_arena, engine_bytes(&world->genesis))) abort();
    engine = engine_new(&engine_arena, &world->genesis);
    events_max = engine_event_bytes_max(engine);
    events = malloc(events_max);

    params = world->genesis.params;
    const struct world_block *block = &world->blocks[0];
    const uint8_t *at = block->body;
    struct applied applied;
    while (applied_next(&at, block->body + block->body_bytes, &applied)) {
        struct command command;
        struct event_writer out = {.at = events, .end = events + events_max};
        const uint8_t *next = events;
        struct event event;
        if (!command_decode(applied.command, applied.command_length, &command)) abort();
        command.header.origin = 0; /* no HELLO has opened one */
        match_step(engine, &command, applied.number, applied.stamp_ns, &out);
        while (event_next(&next, out.at, &event))
            params_apply(&params, &event);
    }
    if (!arena_map(&store_arena, store_bytes(&world->genesis))) abort();
    store = store_new(&store_arena, &world->genesis);
    number = world->number;
    height = 1;
    stamp_ns = world->stamp_ns;
    hello(false);
    list_more();
    if (body_bytes > sizeof(first_body)) abort();
    memcpy(first_body, body, body_bytes);
    first_body_bytes = body_bytes;
    world->number = number;
    origin_epoch_start = origin_epoch;
    origin_sequence_start = origin_sequence;
    params_start = params;
    engine_start = malloc(engine_arena.used);
    settlement_start = malloc(world->arena.used);
    memcpy(engine_start, engine_arena.bytes, engine_arena.used);
    memcpy(settlement_start, world->arena.bytes, world->arena.used);
}

/* One of ten names, or none. */
static void name(uint8_t client_id[36])
{
    const uint8_t which = byte() % 16;
    memset(client_id, 0, 36);
    if (which < 10) client_id[0] = (uint8_t)('a' + which);
}

static price_t price(void)
{
    return (price_t){PRICE_BASE + byte() % 16};
}

/* An order that is right more often than not. */
static struct order_place_command order_of(uint32_t account)
{
    static const uint8_t types[] = {LIMIT,           LIMIT,       LIMIT,
                                    MARKET,          LIMIT_MAKER, STOP_LOSS,
                                    STOP_LOSS_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT,
                                    STOP_LOSS_LIMIT};
    const uint8_t shape = byte();
    struct order_place_command order = {.account = account,
                                        .market = market,
                                        .session = byte() % 3,
                                        .side = shape & 1,
                                        .type = types[byte() % 10],
                                        .self_trade = shape >> 1 & 7};
    if (order.self_trade > SELF_TRADE_DECREMENT) order.self_trade = SELF_TRADE_NONE;
    const bool has_price = order.type == LIMIT || order.type == LIMIT_MAKER ||
                           order.type == STOP_LOSS_LIMIT || order.type == TAKE_PROFIT_LIMIT;
    order.qty.lots = 1 + byte() % 16;
    if (has_price) order.price = price();
    if (has_price && order.type != LIMIT_MAKER)
        order.time_in_force = shape < 200 ? GTC : shape < 230 ? IOC : FOK;
    if (has_price && order.time_in_force != IOC && order.time_in_force != FOK && shape % 4 == 3)
        order.iceberg_qty.lots = 1 + byte() % 5;
    if (order.type >= STOP_LOSS) {
        const uint8_t trail = byte();
        if (trail < 100) order.trailing_delta = 100u + trail * 8;
        if (trail >= 50) order.stop_price = price();
    }
    if (order.type == MARKET && shape % 3 == 0) {
        order.qty.lots = 0;
        order.quote_qty.units = 1 + byte() * 61;
    }
    name(order.client_id);
    return order;
}

/* What the order is called, behind its command; now and then what nothing may be called. */
static uint8_t *put_tag(uint8_t *at, uint8_t shape, uint8_t more)
{
    const uint8_t flags = (shape & ORDER_TAG_NUMBERS) | (shape < 8 ? more : 0);
    at = le_put_u64(at, (flags & ORDER_TAG_ID) != 0 ? shape / 4u : 0);
    at = le_put_u32(at, (flags & ORDER_TAG_TYPE) != 0 ? ORDER_TAG_TYPE_MIN + shape % 5u : 0);
    return le_put_u8(at, flags);
}

/* The last order that may be asked for twice, as it was sent. */
static struct {
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    uint32_t account; /* 0: there was none */
} once;

/* The same once more; or the same but for one thing. */
static void place_again(void)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const uint8_t other = byte();
    memcpy(payload, once.payload, sizeof(payload));
    if (other < ORDER_SUBMIT_BYTES) payload[other] ^= (uint8_t)(1 + byte() % 8);
    struct order_submit_command asked;
    order_submit_command_get(payload, &asked);
    asked.account = once.account;
    order_submit_command_put(payload, &asked);
    trade(T_ORDER_SUBMIT, once.account, payload);
}

static void place(uint32_t account)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX] = {0};
    const uint8_t how = byte();
    if (how < 24 && once.account != 0) return place_again();
    const struct order_place_command order = order_of(account);
    uint8_t *at = order_place_command_put(payload, &order);
    if (how < 128) return trade(T_ORDER_PLACE, account, payload);
    const bool is_once = how >= 192;
    (void)put_tag(at, is_once ? how | 8 : byte(), ORDER_TAG_IDEMPOTENT);
    if (is_once) {
        at[12] |= ORDER_TAG_IDEMPOTENT;
        memcpy(once.payload, payload, sizeof(payload));
        once.account = account;
    }
    trade(T_ORDER_SUBMIT, account, payload);
}

static void cancel(uint32_t account)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    struct order_cancel_command asked = {
        .account = account, .market = market, .restriction = byte() % 5 % 3};
    asked.order_id = byte() % 128;
    if (asked.order_id > 100) asked.order_id = 0;
    if (asked.order_id == 0) name(asked.orig_client_id);
    order_cancel_command_put(payload, &asked);
    trade(T_ORDER_CANCEL, account, payload);
}

static void amend(uint32_t account)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    struct order_amend_command asked = {
        .account = account, .market = market, .qty = {1 + byte() % 12}};
    asked.order_id = byte() % 128;
    if (asked.order_id > 60) asked.order_id = 0;
    if (asked.order_id == 0) name(asked.orig_client_id);
    name(asked.client_id);
    order_amend_command_put(payload, &asked);
    trade(T_ORDER_AMEND, account, payload);
}

static void replace(uint32_t account)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const struct order_place_command order = order_of(account);
    struct order_replace_command asked = {.price = order.price,
                                          .qty = order.qty,
                                          .quote_qty = order.quote_qty,
                                          .stop_price = order.stop_price,
                                          .iceberg_qty = order.iceberg_qty,
                                          .trailing_delta = order.trailing_delta,
                                          .account = account,
                                          .market = market,
                                          .session = order.session,
                                          .side = order.side,
                                          .type = order.type,
                                          .time_in_force = order.time_in_force,
                                          .self_trade = order.self_trade,
                                          .mode = 1 + (byte() & 1),
                                          .restriction = byte() % 7 % 3};
    memcpy(asked.client_id, order.client_id, sizeof(asked.client_id));
    asked.cancel_order_id = byte() % 128;
    if (asked.cancel_order_id > 60) asked.cancel_order_id = 0;
    if (asked.cancel_order_id == 0) name(asked.cancel_orig_client_id);
    const uint8_t how = byte();
    (void)put_tag(order_replace_command_put(payload, &asked), how, ORDER_TAG_IDEMPOTENT);
    trade(how < 128 ? T_ORDER_REPLACE : T_ORDER_RESUBMIT, account, payload);
}

#define PUT_LEG(list, leg, order) \
    do { \
        (list)->leg##_price = (order)->price; \
        (list)->leg##_qty = (order)->qty; \
        (list)->leg##_stop_price = (order)->stop_price; \
        (list)->leg##_iceberg_qty = (order)->iceberg_qty; \
        (list)->leg##_trailing_delta = (order)->trailing_delta; \
        (list)->leg##_side = (order)->side; \
        (list)->leg##_type = (order)->type; \
        (list)->leg##_time_in_force = (order)->time_in_force; \
        memcpy((list)->leg##_client_id, (order)->client_id, 36); \
    } while (0)

/* A leg of a pair: which types may be above and below depends on the side. */
static struct order_place_command pair_leg(uint32_t account, uint8_t side, qty_t qty, bool profits)
{
    const uint8_t shape = byte();
    struct order_place_command leg = {.account = account, .side = side, .qty = qty};
    const bool limited = shape & 1;
    if (profits && shape % 3 == 0)
        leg.type = LIMIT_MAKER;
    else if (profits)
        leg.type = limited ? TAKE_PROFIT_LIMIT : TAKE_PROFIT;
    else
        leg.type = limited ? STOP_LOSS_LIMIT : STOP_LOSS;
    if (leg.type == LIMIT_MAKER || limited) leg.price = price();
    if (leg.type != LIMIT_MAKER) {
        leg.stop_price = price();
        if (limited) leg.time_in_force = shape < 220 ? GTC : IOC;
        if (shape % 16 < 4) leg.trailing_delta = 200u + shape;
        if (shape % 16 == 0) leg.stop_price.ticks = 0;
    }
    if (leg.price.ticks > 0 && leg.time_in_force != IOC && shape % 8 == 5) leg.iceberg_qty.lots = 2;
    name(leg.client_id);
    return leg;
}

static void list(uint32_t account)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    struct list_place_command asked = {.account = account,
                                       .market = market,
                                       .session = byte() % 3,
                                       .kind = 1 + byte() % 3,
                                       .self_trade = byte() % 8};
    const uint8_t side = byte() & 1;
    const qty_t qty = {1 + byte() % 8};
    if (asked.self_trade > SELF_TRADE_DECREMENT) asked.self_trade = SELF_TRADE_NONE;
    name(asked.client_id);
    /* For a seller the one that profits is above. */
    const struct order_place_command above = pair_leg(account, side, qty, side == SELL);
    const struct order_place_command below = pair_leg(account, side, qty, side == BUY);
    if (asked.kind == LIST_OCO) {
        PUT_LEG(&asked, a, &above);
        PUT_LEG(&asked, b, &below);
    } else {
        struct order_place_command working = order_of(account);
        const struct order_place_command pending = order_of(account);
        if (working.type != LIMIT_MAKER) working.type = LIMIT;
        if (working.price.ticks == 0) working.price = price();
        if (working.type == LIMIT && working.time_in_force == 0) working.time_in_force = GTC;
        if (working.qty.lots == 0) working.qty = qty;
        working.quote_qty.units = 0;
        working.stop_price.ticks = working.trailing_delta = 0;
        PUT_LEG(&asked, a, &working);
        if (asked.kind == LIST_OTO) {
            PUT_LEG(&asked, b, &pending);
        } else {
            PUT_LEG(&asked, b, &above);
            PUT_LEG(&asked, c, &below);
        }
    }
    const uint8_t how = byte();
    uint8_t *at = list_place_command_put(payload, &asked);
    for (int leg = 0; leg < 3; leg++)
        at = put_tag(at, leg == 2 && asked.kind != LIST_OTOCO ? 8 : byte(), ORDER_TAG_IDEMPOTENT);
    trade(how < 128 ? T_LIST_PLACE : T_LIST_SUBMIT, account, payload);
}

static void sweep(uint32_t account, uint8_t which)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    if (which == 0) {
        const struct cancel_all_command asked = {account, market};
        cancel_all_command_put(payload, &asked);
        trade(T_CANCEL_ALL, account, payload);
    } else if (which == 1) {
        struct list_cancel_command asked = {
            .account = account, .market = market, .list_id = byte() % 32};
        if (asked.list_id == 0) name(asked.orig_client_id);
        list_cancel_command_put(payload, &asked);
        trade(T_LIST_CANCEL, account, payload);
    } else if (which == 2) {
        const struct session_end_command asked = {byte() % 3, account, market};
        session_end_command_put(payload, &asked);
        trade(T_SESSION_END, account, payload);
    } else {
        const struct switch_set_command asked = {byte() % 8 * 100u, account, market};
        switch_set_command_put(payload, &asked);
        trade(T_SWITCH_SET, account, payload);
    }
}

static void govern(void)
{
    char text[128];
    const uint8_t which = byte();
    const char *symbol = params.markets[market].symbol;
    if (which < 8) {
        rules_rise(params.rules < PARAMS_RULES ? params.rules + 1 : PARAMS_RULES);
        return;
    }
    if (which < 60)
        snprintf(text, sizeof(text), "action=market-status&symbol=%s&status=%s", symbol,
                 which < 20 ? "HALT" : "TRADING");
    else if (which < 160)
        snprintf(text, sizeof(text), "action=market-filters&symbol=%s&bandPpm=%u", symbol,
                 which < 100 ? 0 : which * 400u);
    else
        snprintf(text, sizeof(text), "action=account-tier&account=%u&tier=%u", 1u + which % 4,
                 which / 4 % 3);
    operate(text);
}

static void step_time(void)
{
    const uint8_t by = byte();
    stamp_ns += by < 250 ? by * 3000000u : by < 254 ? DAY_NS : 12 * DAY_NS;
}

static void one_command(void)
{
    const uint8_t kind = byte();
    const uint8_t whose = byte();
    const uint32_t account = 1 + whose % 4;
    market = whose < 176 ? 0 : whose < 232 ? 1 : 2;
    step_time();
    if (kind < 120)
        place(account);
    else if (kind < 136)
        cancel(account);
    else if (kind < 152)
        amend(account);
    else if (kind < 172)
        replace(account);
    else if (kind < 216)
        list(account);
    else if (kind < 232)
        sweep(account, kind % 4);
    else if (kind < 240)
        kind % 2 == 0 ? key_change() : kind % 4 == 1 ? key_use() : opening();
    else if (kind < 242)
        govern();
    else if (kind < 244)
        custody();
    else if (kind < 246)
        hello(kind == 244);
    else
        seal();
}

/* The world's own block first, then the one that the HELLO began. */
static void begin_projection(void)
{
    struct block_bytes block;
    memset(&rows, 0, sizeof(rows));
    store_reset(store);
    if (world_read(world, 1, &block) != STATUS_OK) abort();
    if (store_block(store, &block, &sink) != STATUS_OK) abort();
    memcpy(body, first_body, first_body_bytes);
    body_bytes = first_body_bytes;
    first_command = origin_epoch_start; /* the HELLO's */
    fill_count = 0;
}

static void compare_rows(void)
{
    for (uint16_t asset = 0; asset < ASSETS; asset++) {
        __int128 sum = rows.house[asset];
        for (uint32_t account = 1; account <= 4; account++) {
            const int64_t available = settlement_available(world->settlement, account, asset).units;
            const int64_t held = settlement_held(world->settlement, account, asset).units;
            ASSERT(rows.available[account][asset] == available);
            ASSERT(rows.held[account][asset] == held);
            sum += rows.available[account][asset] + rows.held[account][asset];
        }
        ASSERT(sum == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t byte_count);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t byte_count)
{
    if (world == NULL) prepare();
    memcpy(engine_arena.bytes, engine_start, engine_arena.used);
    memcpy(world->arena.bytes, settlement_start, world->arena.used);
    number = world->number;
    height = 1;
    stamp_ns = world->stamp_ns;
    nonce = world->nonce;
    params = params_start;
    origin_epoch = origin_epoch_start;
    origin_sequence = origin_sequence_start;
    once.account = 0;
    begin_projection();

    input.at = data;
    input.end = data + byte_count;
    input.state = byte_count;
    for (size_t i = 0; i < byte_count; i++)
        input.state = (input.state ^ data[i]) * 0x100000001b3u;
    const uint32_t more = byte_count == 0 ? 0 : input.state % 64;
    memset(owners_keys, 0x77, sizeof(owners_keys));
    owners_asked = 0;
    rules_rise(PARAMS_RULES_HOUSE + byte() % (PARAMS_RULES - PARAMS_RULES_HOUSE + 1));
    uint32_t count = 0;
    for (; count < COMMANDS_MAX && input.at != input.end; count++)
        one_command();
    for (uint32_t i = 0; i < more; i++)
        one_command();
    seal();
    if (!settle_check(world->settlement)) abort();
    compare_rows();
    return 0;
}
