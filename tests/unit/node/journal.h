/* A small exchange for the node's tests: real commands through the real engine, record by record.
 *
 * One market, BTCUSDT (tick 0.01, lot 0.00001), one operator, one validator, all keys from fixed seeds.
 * journal_* appends one command to the log; `take` gets its record.
 */

#ifndef TESTS_NODE_JOURNAL_H
#define TESTS_NODE_JOURNAL_H

#include "common/applied.h"
#include "common/arena.h"
#include "common/genesis.h"
#include "common/le.h"
#include "engine/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOURNAL_BTC  0
#define JOURNAL_USDT 1

struct journal {
    struct genesis genesis;
    uint8_t operator_secret[SECRET_KEY_BYTES];
    uint8_t node_secret[SECRET_KEY_BYTES];
    struct arena arena;
    struct engine *engine;
    uint8_t *events;
    size_t events_bytes;
    uint64_t number, stamp_ns, nonce, epoch, sequence, height, client;
    uint32_t accounts;
    int64_t forged_credit; /* added to the next credit's amount after it was signed */
    void (*take)(void *context, const struct applied *record, const struct command *command);
    void *context;
};

static const uint8_t journal_tree_secret[32] = "another secret of thirty-two byt";

static inline void journal_genesis(struct journal *journal)
{
    static const uint8_t operator_seed[32] = "operator", node_seed[32] = "node one";
    struct genesis *genesis = &journal->genesis;
    struct params *params = &genesis->params;
    memset(genesis, 0, sizeof(*genesis));
    memcpy(genesis->nonce, "journal", 7);
    genesis->time_ns = 1000;
    genesis->operator_count = 1;
    crypto_sign_seed_keypair(genesis->operators[0], journal->operator_secret, operator_seed);
    genesis->validators.count = 1;
    genesis->validators.members[0].node = 1;
    crypto_sign_seed_keypair(genesis->validators.members[0].public_key, journal->node_secret,
                             node_seed);
    *params = (struct params){.rules = 1,
                              .accounts_max = 64,
                              .keys_max = 64,
                              .orders_max = 4096,
                              .levels_max = 4096,
                              .assets_max = 4,
                              .markets_max = 2,
                              .block_ms = 100,
                              .idle_block_ms = 1000,
                              .stamp_step_ms = 10000,
                              .uncertified_blocks_max = 600,
                              .gateway_secret_version = 1,
                              .tree_secret_version = 1,
                              .tier_count = 1,
                              .asset_count = 2,
                              .market_count = 1,
                              .tiers = {{1000, 1000, {0}}},
                              .assets = {{"BTC", 8}, {"USDT", 8}}};
    const struct market_create_command listing = {.base = JOURNAL_BTC,
                                                  .quote = JOURNAL_USDT,
                                                  .tick_units = 1000000,
                                                  .lot_units = 1000,
                                                  .price_min = {1},
                                                  .price_max = {100000000},
                                                  .qty_min = {1},
                                                  .qty_max = {100000000},
                                                  .notional_min = {500000000},
                                                  .account_orders_max = 200,
                                                  .symbol = "BTCUSDT"};
    if (!market_list(&listing, params->assets, &params->markets[0])) abort();
}

static inline void journal_begin(struct journal *journal)
{
    memset(journal, 0, sizeof(*journal));
    if (!hash_start()) abort();
    journal_genesis(journal);
    if (!arena_map(&journal->arena, engine_bytes(&journal->genesis))) abort();
    journal->engine = engine_new(&journal->arena, &journal->genesis);
    if (journal->engine == NULL) abort();
    journal->events_bytes = engine_event_bytes_max(journal->engine);
    journal->events = malloc(journal->events_bytes);
    journal->stamp_ns = 1700000000000000000;
}

static inline void journal_end(struct journal *journal)
{
    arena_unmap(&journal->arena);
    free(journal->events);
}

/* Applies one command and hands its record on. */
static inline void journal_apply(struct journal *journal, struct command_header header,
                                 const uint8_t *payload, const uint8_t *auth)
{
    uint8_t bytes[COMMAND_BYTES_MAX];
    struct command command;
    const size_t payload_bytes = message_payload_bytes(header.type);
    header.length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes + header.auth_length);
    command_header_put(bytes, &header);
    uint8_t *at = le_put_bytes(bytes + COMMAND_HEADER_BYTES, payload, payload_bytes);
    if (auth != NULL) le_put_bytes(at, auth, header.auth_length);
    if (!command_decode(bytes, header.length, &command)) abort();

    struct event_writer out = {.at = journal->events,
                               .end = journal->events + journal->events_bytes};
    journal->number++;
    journal->stamp_ns += 1000000;
    match_step(journal->engine, &command, journal->number, journal->stamp_ns, &out);
    const struct applied record = {.number = journal->number,
                                   .stamp_ns = journal->stamp_ns,
                                   .command_length = header.length,
                                   .events_length = (uint32_t)(out.at - journal->events),
                                   .event_count = out.count,
                                   .flags = APPLIED_FIRST | APPLIED_LAST,
                                   .command = bytes,
                                   .events = journal->events};
    journal->take(journal->context, &record, &command);
}

static inline struct command_header journal_header(struct journal *journal, uint16_t type)
{
    return (struct command_header){.type = type,
                                   .origin = 1,
                                   .origin_epoch = journal->epoch,
                                   .origin_sequence = ++journal->sequence};
}

static inline void journal_hello(struct journal *journal)
{
    uint8_t payload[64];
    const struct hello_command hello = {.nonce = journal->number, .node = 1};
    hello_command_put(payload, &hello);
    journal->epoch = journal->number + 1;
    journal->sequence = 0;
    journal_apply(journal, (struct command_header){.type = T_HELLO}, payload, NULL);
}

/* `text` is signed with the nonce that the payload has too. */
static inline void journal_operate(struct journal *journal, uint16_t type, const uint8_t *payload,
                                   const char *text)
{
    uint8_t auth[COMMAND_AUTH_MAX];
    char *signed_text = (char *)auth + 96;
    const int length =
        snprintf(signed_text, sizeof(auth) - 96, "%s&nonce=%lu", text, journal->nonce);
    memcpy(auth, journal->genesis.operators[0], 32);
    hash_sign(journal->operator_secret, signed_text, (size_t)length, auth + 32);
    struct command_header header = journal_header(journal, type);
    header.auth_kind = AUTH_OPERATOR;
    header.auth_length = (uint16_t)(96 + length);
    journal_apply(journal, header, payload, auth);
}

static inline void journal_key_id(uint32_t account, uint8_t key_id[32])
{
    memset(key_id, 0x40, 32);
    key_id[0] = (uint8_t)account;
}

/* Opens the next account, with a key that may trade. */
static inline uint32_t journal_account(struct journal *journal)
{
    uint8_t payload[256];
    char hex[65], text[512];
    const uint32_t account = ++journal->accounts;
    struct account_create_command create = {.nonce = ++journal->nonce};
    memset(create.public_key, (int)account, 32);
    account_create_command_put(payload, &create);
    hash_hex(create.public_key, 32, hex);
    snprintf(text, sizeof(text), "action=account-create&publicKey=%s&tier=0", hex);
    journal_operate(journal, T_ACCOUNT_CREATE, payload, text);

    struct key_add_command add = {.nonce = ++journal->nonce,
                                  .account = account,
                                  .permissions = KEY_READ | KEY_TRADE,
                                  .secret_version = 1};
    journal_key_id(account, add.key_id);
    key_add_command_put(payload, &add);
    hash_hex(add.key_id, 32, hex);
    snprintf(text, sizeof(text),
             "action=key-add&account=%u&keyId=%s&hmac=true&permissions=READ,TRADE", account, hex);
    journal_operate(journal, T_KEY_ADD, payload, text);
    return account;
}

static inline void journal_credit(struct journal *journal, uint32_t account, uint16_t asset,
                                  int64_t whole)
{
    uint8_t payload[64];
    char text[256];
    const struct credit_command credit = {.nonce = ++journal->nonce,
                                          .account = account,
                                          .asset = asset,
                                          .amount = {whole * 100000000 + journal->forged_credit}};
    journal->forged_credit = 0;
    credit_command_put(payload, &credit);
    snprintf(text, sizeof(text), "action=credit&account=%u&asset=%s&amount=%ld", account,
             asset == JOURNAL_BTC ? "BTC" : "USDT", whole);
    journal_operate(journal, T_CREDIT, payload, text);
}

static inline void journal_order(struct journal *journal, uint32_t account, uint8_t side,
                                 int64_t ticks, int64_t lots)
{
    uint8_t payload[256], auth[32];
    struct order_place_command place = {.price = {ticks},
                                        .qty = {lots},
                                        .account = account,
                                        .side = side,
                                        .type = LIMIT,
                                        .time_in_force = GTC};
    snprintf((char *)place.client_id, sizeof(place.client_id), "c%lu", ++journal->client);
    order_place_command_put(payload, &place);
    journal_key_id(account, auth);
    struct command_header header = journal_header(journal, T_ORDER_PLACE);
    header.auth_kind = AUTH_HMAC;
    header.auth_length = sizeof(auth);
    journal_apply(journal, header, payload, auth);
}

static inline void journal_cancel_all(struct journal *journal, uint32_t account)
{
    uint8_t payload[64], auth[32];
    const struct cancel_all_command cancel = {.account = account, .market = 0};
    cancel_all_command_put(payload, &cancel);
    journal_key_id(account, auth);
    struct command_header header = journal_header(journal, T_CANCEL_ALL);
    header.auth_kind = AUTH_HMAC;
    header.auth_length = sizeof(auth);
    journal_apply(journal, header, payload, auth);
}

static inline void journal_vote(struct journal *journal, const struct vote_command *vote)
{
    uint8_t payload[256];
    vote_command_put(payload, vote);
    journal_apply(journal, (struct command_header){.type = T_VOTE}, payload, NULL);
}

static inline void journal_seal(struct journal *journal)
{
    uint8_t payload[64];
    const struct seal_command seal = {.height = ++journal->height};
    seal_command_put(payload, &seal);
    journal_apply(journal, (struct command_header){.type = T_SEAL}, payload, NULL);
}

/* Two accounts with money; the first block. */
static inline void journal_open(struct journal *journal)
{
    journal_hello(journal);
    for (int i = 0; i < 2; i++) {
        const uint32_t account = journal_account(journal);
        journal_credit(journal, account, JOURNAL_BTC, 100);
        journal_credit(journal, account, JOURNAL_USDT, 10000000);
    }
    journal_seal(journal);
}

/* A block of trading: account 1 rests, account 2 takes a part of it and rests below. */
static inline void journal_trade(struct journal *journal, int64_t ticks)
{
    journal_order(journal, 1, SELL, ticks, 1000);
    journal_order(journal, 2, BUY, ticks + 5, 700);
    journal_order(journal, 2, BUY, ticks - 100, 500);
    if (journal->height % 3 == 0) journal_cancel_all(journal, 2);
    journal_seal(journal);
}

#endif /* TESTS_NODE_JOURNAL_H */
