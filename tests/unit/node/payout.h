/* Withdrawals in the small exchange of journal.h: asset BTC over a chain ETH, up to 0.1 without approval, asked for
 * with the account owner's key.
 */

#ifndef TESTS_NODE_PAYOUT_H
#define TESTS_NODE_PAYOUT_H

#include "tests/unit/node/journal.h"

struct payout {
    struct journal *journal;
    uint32_t account;
    uint8_t public_key[PUBLIC_KEY_BYTES], secret[SECRET_KEY_BYTES];
};

#define PAYOUT_UNTIL UINT64_C(1700000060000000000)

static inline void payout_own(struct payout *payout, uint16_t type, const uint8_t *payload,
                              const char *text)
{
    uint8_t auth[COMMAND_AUTH_MAX];
    const size_t length = strlen(text);
    memcpy(auth, payout->public_key, 32);
    hash_sign(payout->secret, text, length, auth + 32);
    memcpy(auth + 96, text, length);
    struct command_header header = journal_header(payout->journal, type);
    header.auth_kind = AUTH_ED25519;
    header.auth_length = (uint16_t)(96 + length);
    header.deadline_ns = PAYOUT_UNTIL;
    journal_apply(payout->journal, header, payload, auth);
}

static inline void payout_account(struct payout *payout)
{
    const uint8_t seed[32] = "who is paid out";
    uint8_t payload[256];
    char hex[65], text[256];
    struct journal *journal = payout->journal;
    struct account_create_command create = {.nonce = ++journal->nonce};
    crypto_sign_seed_keypair(payout->public_key, payout->secret, seed);
    memcpy(create.public_key, payout->public_key, PUBLIC_KEY_BYTES);
    account_create_command_put(payload, &create);
    hash_hex(create.public_key, 32, hex);
    snprintf(text, sizeof(text), "action=account-create&publicKey=%s&tier=0", hex);
    journal_operate(journal, T_ACCOUNT_CREATE, payload, text);
    payout->account = ++journal->accounts;
    journal_credit(journal, payout->account, JOURNAL_BTC, 100);
}

static inline void payout_route(struct payout *payout)
{
    uint8_t payload[256];
    const struct route_set_command route = {.nonce = ++payout->journal->nonce,
                                            .withdrawal_min = {1000000},
                                            .withdrawal_max = {100000000},
                                            .day_max = {1000000000},
                                            .approval_above = {10000000},
                                            .confirmations = 3,
                                            .asset = JOURNAL_BTC,
                                            .decimals = 18,
                                            .approvals = 1,
                                            .status = ROUTE_OPEN,
                                            .chain = "ETH"};
    route_set_command_put(payload, &route);
    journal_operate(payout->journal, T_ROUTE_SET, payload,
                    "action=route-set&chain=ETH&asset=BTC&decimals=18&confirmations=3&connector=0"
                    "&withdrawMin=0.01&withdrawMax=1&withdrawDayMax=10&approvalAbove=0.1"
                    "&approvals=1&addressDelay=0&status=OPEN");
}

/* The account, the route and an address to withdraw to. Needs: rules 2 or above. */
static inline void payout_begin(struct payout *payout, struct journal *journal)
{
    uint8_t payload[256];
    *payout = (struct payout){.journal = journal};
    payout_account(payout);
    payout_route(payout);
    const struct address_allow_command allow = {
        .account = payout->account, .allowed = 1, .chain = "ETH", .address = "w"};
    address_allow_command_put(payload, &allow);
    payout_own(payout, T_ADDRESS_ALLOW, payload,
               "action=address-allow&chain=ETH&address=w&recvWindow=60000&timestamp=1700000000000");
}

/* 0.05, which needs nobody's approval. `id`: one letter. */
static inline void payout_ask(struct payout *payout, char id)
{
    uint8_t payload[256];
    char text[256];
    struct withdraw_command ask = {.amount = {5000000},
                                   .account = payout->account,
                                   .asset = JOURNAL_BTC,
                                   .chain = "ETH",
                                   .address = "w"};
    ask.client_id[0] = (uint8_t)id;
    withdraw_command_put(payload, &ask);
    snprintf(text, sizeof(text),
             "action=withdraw&chain=ETH&asset=BTC&amount=0.05&address=w&withdrawOrderId=%c"
             "&recvWindow=60000&timestamp=1700000000000",
             id);
    payout_own(payout, T_WITHDRAW, payload, text);
}

/* The connector, who is operator 0 here, says that it is on its way. */
static inline void payout_broadcast(struct payout *payout, uint64_t withdrawal)
{
    uint8_t payload[256];
    char text[256], hex[65];
    const struct withdrawal_report_command report = {.nonce = ++payout->journal->nonce,
                                                     .withdrawal = withdrawal,
                                                     .state = WITHDRAWAL_BROADCAST,
                                                     .txid = {9}};
    withdrawal_report_command_put(payload, &report);
    hash_hex(report.txid, 32, hex);
    snprintf(text, sizeof(text), "action=withdrawal-report&withdrawal=%lu&status=BROADCAST&txid=%s",
             withdrawal, hex);
    journal_operate(payout->journal, T_WITHDRAWAL_REPORT, payload, text);
}

#endif /* TESTS_NODE_PAYOUT_H */
