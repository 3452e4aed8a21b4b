/* A small exchange with a way to a chain: asset COIN over ETH, which counts it with two decimals more than we
 * do. Operator 0 is the connector; what comes to the address "dN" is account N's.
 */

#ifndef TESTS_UNIT_ENGINE_CUSTODY_WORLD_H
#define TESTS_UNIT_ENGINE_CUSTODY_WORLD_H

#include "common/withdrawal_event.h"
#include "tests/unit/engine/world.h"

struct custody_world {
    struct world *world;
    struct route_set_command route;
};

static inline unsigned custody_route(struct custody_world *custody)
{
    custody->route.nonce = ++custody->world->nonce;
    return world_route_set(custody->world, custody->route);
}

static inline struct deposit_address_command custody_address_of(struct custody_world *custody,
                                                                uint32_t account)
{
    return (struct deposit_address_command){.nonce = ++custody->world->nonce,
                                            .account = account,
                                            .chain = "ETH",
                                            .address = {'d', (uint8_t)('0' + account)}};
}

/* Rules 2, the route, an address to deposit to for accounts 1 and 2. Up to 10 needs no approval, more that of
 * one operator; 3 confirmations; addresses are good at once. */
static inline void custody_open(struct custody_world *custody)
{
    struct world *world = custody->world;
    custody->route = (struct route_set_command){.withdrawal_min = {2},
                                                .withdrawal_max = {100},
                                                .day_max = {150},
                                                .approval_above = {10},
                                                .confirmations = 3,
                                                .decimals = 2,
                                                .approvals = 1,
                                                .status = ROUTE_OPEN,
                                                .chain = "ETH"};
    if (engine_params(world->engine)->rules == 1)
        ASSERT(world_rules_set(
                   world, (struct rules_set_command){.nonce = ++world->nonce, .rules = 2}) == 0);
    ASSERT(custody_route(custody) == 0);
    for (uint32_t account = 1; account <= 2; account++)
        ASSERT(world_deposit_address(world, custody_address_of(custody, account)) == 0);
}

/* The next rules: releases, connectors, cancels. */
static inline void custody_open_releases(struct custody_world *custody)
{
    struct world *world = custody->world;
    ASSERT(world_rules_set(world, (struct rules_set_command){.nonce = ++world->nonce,
                                                             .rules = PARAMS_RULES_RELEASE}) == 0);
}

/* And those after: fees, and limits of a day that what was undone does not count for. */
static inline void custody_open_charges(struct custody_world *custody)
{
    struct world *world = custody->world;
    custody_open_releases(custody);
    ASSERT(world_rules_set(world, (struct rules_set_command){.nonce = ++world->nonce,
                                                             .rules = PARAMS_RULES_CHARGES}) == 0);
}

static inline unsigned custody_fee(struct custody_world *custody, int64_t units)
{
    return world_route_fee_set(
        custody->world, (struct route_fee_set_command){
                            .nonce = ++custody->world->nonce, .fee = {units}, .chain = "ETH"});
}

/* A deposit of so many whole units to account 1, by its number. */
static inline struct deposit_report_command custody_told(struct custody_world *custody,
                                                         uint8_t number, uint64_t units,
                                                         uint32_t confirmations)
{
    struct deposit_report_command report = {.nonce = ++custody->world->nonce,
                                            .height = 1000u + number,
                                            .confirmations = confirmations,
                                            .asset = COIN,
                                            .chain = "ETH",
                                            .txid = {number},
                                            .address = "d1"};
    le_put_u64(report.amount, units * 100);
    return report;
}

static inline unsigned custody_report(struct custody_world *custody, uint8_t number, uint64_t units,
                                      uint32_t confirmations)
{
    return world_deposit_report(custody->world,
                                custody_told(custody, number, units, confirmations));
}

static inline unsigned custody_reorg(struct custody_world *custody, uint8_t number)
{
    return world_deposit_reorg(
        custody->world, (struct deposit_reorg_command){
                            .nonce = ++custody->world->nonce, .chain = "ETH", .txid = {number}});
}

static inline unsigned custody_allow(struct custody_world *custody, uint32_t account)
{
    return world_address_allow(
        custody->world, (struct address_allow_command){
                            .account = account, .allowed = 1, .chain = "ETH", .address = "w"});
}

static inline struct withdraw_command custody_wish(uint32_t account, int64_t units, const char *id)
{
    struct withdraw_command ask = {
        .amount = {units}, .account = account, .asset = COIN, .chain = "ETH", .address = "w"};
    strncpy((char *)ask.client_id, id, sizeof(ask.client_id) - 1);
    return ask;
}

static inline unsigned custody_withdraw(struct custody_world *custody, uint32_t account,
                                        int64_t units, const char *id)
{
    return world_withdraw(custody->world, custody_wish(account, units, id));
}

static inline unsigned custody_tell(struct custody_world *custody, uint64_t withdrawal,
                                    enum withdrawal_state state)
{
    return world_withdrawal_report(
        custody->world, (struct withdrawal_report_command){.nonce = ++custody->world->nonce,
                                                           .withdrawal = withdrawal,
                                                           .state = (uint8_t)state,
                                                           .txid = {9}});
}

static inline unsigned custody_approve(struct custody_world *custody, uint64_t withdrawal,
                                       int64_t units)
{
    return world_withdrawal_approve(
        custody->world, (struct withdrawal_approve_command){.nonce = ++custody->world->nonce,
                                                            .withdrawal = withdrawal,
                                                            .amount = {units},
                                                            .address = "w"});
}

/* Seals a block and lets both nodes vote for it. */
static inline void custody_certify(struct custody_world *custody)
{
    struct world *world = custody->world;
    const uint64_t height = engine_sealed_height(world->engine) + 1;
    ASSERT(world_seal(world, (struct seal_command){height}) == 0);
    for (uint32_t node = 1; node <= 7; node += 6)
        ASSERT(world_vote(world, (struct vote_command){.height = height, .node = node}) == 0);
}

/* The state of the deposit or withdrawal that the last command changed; 0: it changed none. */
static inline uint8_t custody_state(const struct custody_world *custody)
{
    struct event event;
    for (uint32_t i = 0; world_event(custody->world, i, &event); i++) {
        if (event.type == T_DEPOSIT_CHANGED) {
            struct deposit_changed_event changed;
            deposit_changed_event_get(event.payload, &changed);
            return changed.state;
        }
        if (withdrawal_event_is(event.type)) {
            struct withdrawal_moved_event changed;
            withdrawal_event_get(&event, &changed);
            return changed.state;
        }
    }
    return 0;
}

/* What the last command told of a withdrawal. Needs: it told of one. */
static inline struct withdrawal_moved_event custody_moved(const struct custody_world *custody)
{
    struct withdrawal_moved_event moved = {0};
    struct event event;
    bool told = false;
    for (uint32_t i = 0; !told && world_event(custody->world, i, &event); i++)
        if ((told = withdrawal_event_is(event.type))) withdrawal_event_get(&event, &moved);
    ASSERT(told);
    return moved;
}

#endif /* TESTS_UNIT_ENGINE_CUSTODY_WORLD_H */
