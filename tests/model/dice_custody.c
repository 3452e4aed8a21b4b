#include "tests/model/dice_roll.h"

/* One of two chains; now and then of none. */
static void chain_put(struct dice *dice, uint8_t chain[CHAIN_BYTES])
{
    static const char *const names[] = {"ETH", "BTC", "XMR"};
    const uint32_t drawn = chance(dice, 2) ? 2 : below(dice, 2);
    memcpy(chain, names[drawn], 3);
}

static void address_put(struct dice *dice, uint8_t address[CHAIN_ADDRESS_BYTES])
{
    if (slip(dice)) return;
    address[0] = (uint8_t)('a' + below(dice, 6));
}

/* Who says it: mostly whom the route of the chain and asset names (asset -1: the chain's first). */
static uint16_t some_connector(struct dice *dice, const struct model *model, const uint8_t *chain,
                               int asset)
{
    if (slip(dice)) return (uint16_t)(chance(dice, 50) ? 1 : 15 + below(dice, 4));
    for (int i = 0; i < model->params.route_count; i++)
        if (memcmp(model->params.routes[i].chain, chain, CHAIN_BYTES) == 0 &&
            (asset < 0 || model->params.routes[i].asset == asset))
            return model->params.routes[i].connector;
    return 0;
}

static void put_connector(struct dice *dice, struct trial_command *command)
{
    struct connector_add_command ask = {.operator_index = (uint16_t)below(dice, 2)};
    if (!slip(dice)) ask.public_key[0] = (uint8_t)(1 + below(dice, 5));
    PUT(CONNECTOR_ADD, connector_add, &ask);
}

/* Its fields draw one by one, so that every bound is passed now and then. */
static void put_route(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct route_set_command ask = {.operator_index = (uint16_t)below(dice, 2)};
    chain_put(dice, ask.chain);
    ask.asset = (uint16_t)below(dice, 3);
    ask.decimals = (uint8_t)(ask.asset == 2 ? 0 : 2); /* those that are there stay as they are */
    ask.withdrawal_min.units = ONE_OF(dice, 1, 2, 5, 10);
    ask.withdrawal_max.units = ask.withdrawal_min.units + ONE_OF(dice, 0, 10, 50, 2000);
    ask.day_max.units = ask.withdrawal_max.units + ONE_OF(dice, 0, 10, 100, 100000);
    ask.approval_above.units = ONE_OF(dice, 0, 3, 10, 100000);
    ask.confirmations = ONE_OF(dice, 1, 2, 3);
    ask.address_delay_s = ONE_OF(dice, 0, 0, 0, 1, 60);
    ask.approvals = (uint8_t)ONE_OF(dice, 1, 1, 2);
    ask.status = (uint8_t)ONE_OF(dice, ROUTE_OPEN, ROUTE_OPEN, ROUTE_OPEN, ROUTE_CLOSED);
    if (slip(dice)) ask.decimals = (uint8_t)ONE_OF(dice, 1, 36, 37);
    if (slip(dice)) ask.day_max.units = ask.withdrawal_max.units - 1;
    if (slip(dice)) ask.approvals = (uint8_t)ONE_OF(dice, 0, 3);
    if (model->params.connector_count > 0 && chance(dice, 50))
        ask.connector = (uint16_t)(16 + below(dice, model->params.connector_count));
    if (slip(dice)) ask.connector = (uint16_t)ONE_OF(dice, 2, 15, 16, 90);
    if (slip(dice)) ask.chain[4] = 'x';
    if (slip(dice)) ask.asset = 9;
    PUT(ROUTE_SET, route_set, &ask);
}

static void put_route_fee(struct dice *dice, const struct model *model,
                          struct trial_command *command)
{
    struct route_fee_set_command ask = {.operator_index = (uint16_t)below(dice, 2)};
    chain_put(dice, ask.chain);
    ask.asset = (uint16_t)below(dice, 3);
    if (model->params.route_count > 0 && !slip(dice)) {
        const struct route_changed_event *route =
            &model->params.routes[below(dice, model->params.route_count)];
        ask.asset = route->asset;
        memcpy(ask.chain, route->chain, sizeof(ask.chain));
    }
    ask.fee.units = ONE_OF(dice, 0, 1, 2, 5, 10, 11);
    if (slip(dice)) ask.fee.units = -1;
    PUT(ROUTE_FEE_SET, route_fee_set, &ask);
}

static void put_address(struct dice *dice, const struct model *model, struct trial_command *command)
{
    if (chance(dice, 50)) {
        struct address_allow_command ask = {.allowed = chance(dice, 90)};
        ask.account = some_account(dice);
        chain_put(dice, ask.chain);
        address_put(dice, ask.address);
        PUT(ADDRESS_ALLOW, address_allow, &ask);
        return;
    }
    struct deposit_address_command ask = {.account = some_account(dice)};
    chain_put(dice, ask.chain);
    ask.operator_index = some_connector(dice, model, ask.chain, -1);
    address_put(dice, ask.address);
    PUT(DEPOSIT_ADDRESS, deposit_address, &ask);
}

/* A deposit as it would be told, or one that there is, again. */
static void put_report(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct deposit_report_command ask = {0};
    ask.height = 100 + (uint64_t)model->deposit_count + below(dice, 4);
    ask.confirmations = below(dice, 4);
    ask.output = below(dice, 2);
    ask.asset = (uint16_t)below(dice, 3);
    chain_put(dice, ask.chain);
    address_put(dice, ask.address);
    ask.txid[0] = (uint8_t)below(dice, 40);
    ask.txid[31] = (uint8_t)(model->deposit_count / 4);
    le_put_u64(ask.amount, (uint64_t)ONE_OF(dice, 1, 30, 500, 2000) * (ask.asset == 2 ? 1 : 100));
    if (chance(dice, 2)) ask.amount[below(dice, 32)]++;
    const int known = model->deposit_count - model->deposits_forgotten;
    if (known > 0 && chance(dice, 50)) {
        const struct deposit_changed_event *deposit =
            &model->deposits[model->deposit_count - 1 - (int)below(dice, (uint32_t)known)];
        ask.asset = deposit->asset;
        ask.output = deposit->output;
        memcpy(ask.chain, deposit->chain, sizeof(ask.chain));
        memcpy(ask.txid, deposit->txid, sizeof(ask.txid));
        for (int i = 0; i < model->address_count; i++)
            if (model->addresses[i].kind == ADDRESS_DEPOSIT &&
                model->addresses[i].account == deposit->account &&
                memcmp(model->addresses[i].chain, ask.chain, sizeof(ask.chain)) == 0)
                memcpy(ask.address, model->addresses[i].address, sizeof(ask.address));
        int zeros = 2;
        if (deposit->asset == 2) zeros = 0;
        zeros -= model->params.assets[deposit->asset].decimals;
        uint64_t amount = (uint64_t)deposit->amount.units;
        for (; zeros > 0; zeros--)
            amount *= 10;
        memset(ask.amount, 0, sizeof(ask.amount));
        if (zeros < 0) amount /= 10;
        le_put_u64(ask.amount, amount + (slip(dice) ? 100 : 0));
    }
    ask.operator_index = some_connector(dice, model, ask.chain, ask.asset);
    PUT(DEPOSIT_REPORT, deposit_report, &ask);
}

static void put_reorg(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct deposit_reorg_command ask = {0};
    int asset = -1; /* the chain's first */
    chain_put(dice, ask.chain);
    if (model->deposit_count > 0 && !slip(dice)) {
        const struct deposit_changed_event *deposit =
            &model->deposits[below(dice, (uint32_t)model->deposit_count)];
        ask.output = deposit->output;
        memcpy(ask.chain, deposit->chain, sizeof(ask.chain));
        memcpy(ask.txid, deposit->txid, sizeof(ask.txid));
        if (!chance(dice, 5)) asset = deposit->asset;
    }
    ask.operator_index = some_connector(dice, model, ask.chain, asset);
    PUT(DEPOSIT_REORG, deposit_reorg, &ask);
}

static void put_withdraw(struct dice *dice, const struct model *model,
                         struct trial_command *command)
{
    struct withdraw_command ask = {.account = some_account(dice)};
    ask.asset = (uint16_t)below(dice, 3);
    chain_put(dice, ask.chain);
    address_put(dice, ask.address);
    if (model->address_count > 0 && chance(dice, 85)) {
        const struct model_address *address =
            &model->addresses[below(dice, (uint32_t)model->address_count)];
        ask.account = address->account;
        memcpy(ask.chain, address->chain, sizeof(ask.chain));
        memcpy(ask.address, address->address, sizeof(ask.address));
    }
    ask.amount.units = ONE_OF(dice, 0, 1, 2, 5, 10, 11, 20, 60, 2500);
    le_put_u32(ask.client_id, (uint32_t)model->withdrawal_count - (chance(dice, 10) ? 1u : 0u));
    ask.client_id[35] = 1;
    PUT(WITHDRAW, withdraw, &ask);
    if (chance(dice, 30)) le_put_u64(command->bytes + 32, dice->stamp_ns + below(dice, 1u << 31));
}

static void put_word(struct dice *dice, const struct model *model, struct trial_command *command)
{
    const int known = model->withdrawal_count - model->withdrawals_forgotten;
    const uint32_t back = known > 0 ? below(dice, (uint32_t)known) : 0;
    uint64_t number = (uint64_t)model->withdrawal_count - back;
    if (slip(dice)) number += below(dice, 40);
    struct withdrawal_moved_event facts = {0};
    if (number > 0 && number <= (uint64_t)model->withdrawal_count)
        facts = model->withdrawals[number - 1].facts;
    const uint32_t drawn = below(dice, 10);
    if (drawn < 3) {
        struct withdrawal_approve_command ask = {.withdrawal = number, .amount = facts.amount};
        ask.operator_index = (uint16_t)below(dice, 2);
        memcpy(ask.address, facts.address, sizeof(ask.address));
        if (slip(dice)) ask.amount.units++;
        if (slip(dice)) ask.address[1] ^= 1;
        PUT(WITHDRAWAL_APPROVE, withdrawal_approve, &ask);
    } else if (drawn == 9 && chance(dice, 60)) {
        struct withdrawal_cancel_command ask = {.withdrawal = number, .account = facts.account};
        if (slip(dice)) ask.account = some_account(dice);
        PUT(WITHDRAWAL_CANCEL, withdrawal_cancel, &ask);
    } else if (drawn < 4) {
        PUT(WITHDRAWAL_DENY, withdrawal_deny,
            &(struct withdrawal_deny_command){.withdrawal = number});
    } else {
        struct withdrawal_report_command ask = {.withdrawal = number, .txid = {7}};
        ask.operator_index = some_connector(dice, model, facts.chain, facts.asset);
        ask.state = (uint8_t)ONE_OF(dice, WITHDRAWAL_BROADCAST, WITHDRAWAL_BROADCAST,
                                    WITHDRAWAL_FINAL, WITHDRAWAL_FINAL, WITHDRAWAL_FAILED);
        if (slip(dice)) ask.state = (uint8_t)below(dice, 9);
        if (slip(dice)) ask.txid[0]++;
        PUT(WITHDRAWAL_REPORT, withdrawal_report, &ask);
    }
}

void dice_put_custody(struct dice *dice, const struct model *model, struct trial_command *command)
{
    const uint32_t drawn = below(dice, 100);
    if (model->params.rules < PARAMS_RULES && chance(dice, model->params.rules < 2 ? 30 : 5)) {
        PUT(RULES_SET, rules_set,
            &(struct rules_set_command){.rules = model->params.rules + 1 + slip(dice)});
    } else if (chance(dice, 3)) {
        PUT(LIABILITIES_ORDER, liabilities_order, &(struct liabilities_order_command){0});
    } else if (chance(dice, 3)) {
        put_route_fee(dice, model, command);
    } else if (chance(dice, model->params.connector_count < 2 ? 8 : 1)) {
        put_connector(dice, command);
    } else if (drawn < 5 || (model->params.route_count < 3 && drawn < 50)) {
        put_route(dice, model, command);
    } else if (drawn < 20) {
        put_address(dice, model, command);
    } else if (drawn < 45) {
        put_report(dice, model, command);
    } else if (drawn < 50) {
        put_reorg(dice, model, command);
    } else if (drawn < 55) {
        PUT(SEAL, seal, &(struct seal_command){0});
    } else if (drawn < 62) {
        dice_put_node_vote(dice, model, command);
    } else if (drawn < 65) {
        struct account_freeze_command ask = {.frozen = chance(dice, 10)};
        ask.account = some_account(dice);
        PUT(ACCOUNT_FREEZE, account_freeze, &ask);
    } else if (drawn < 82) {
        put_withdraw(dice, model, command);
    } else {
        put_word(dice, model, command);
    }
}
