#include "common/withdrawal_event.h"

#include "common/params.h"

void withdrawal_event_get(const struct event *event, struct withdrawal_moved_event *withdrawal)
{
    if (event->type == T_WITHDRAWAL_MOVED) {
        withdrawal_moved_event_get(event->payload, withdrawal);
        return;
    }
    struct withdrawal_changed_event old;
    withdrawal_changed_event_get(event->payload, &old);
    *withdrawal = (struct withdrawal_moved_event){.withdrawal = old.withdrawal,
                                                  .block = old.block,
                                                  .amount = old.amount,
                                                  .paid = old.amount,
                                                  .account = old.account,
                                                  .asset = old.asset,
                                                  .approvers = old.approvers,
                                                  .before = old.before,
                                                  .state = old.state};
    memcpy(withdrawal->chain, old.chain, CHAIN_BYTES);
    memcpy(withdrawal->address, old.address, CHAIN_ADDRESS_BYTES);
    memcpy(withdrawal->client_id, old.client_id, sizeof(old.client_id));
    memcpy(withdrawal->txid, old.txid, TXID_BYTES);
}

static struct withdrawal_changed_event changed_of(const struct withdrawal_moved_event *withdrawal)
{
    struct withdrawal_changed_event old = {.withdrawal = withdrawal->withdrawal,
                                           .block = withdrawal->block,
                                           .amount = withdrawal->amount,
                                           .account = withdrawal->account,
                                           .asset = withdrawal->asset,
                                           .approvers = withdrawal->approvers,
                                           .before = withdrawal->before,
                                           .state = withdrawal->state};
    memcpy(old.chain, withdrawal->chain, CHAIN_BYTES);
    memcpy(old.address, withdrawal->address, CHAIN_ADDRESS_BYTES);
    memcpy(old.client_id, withdrawal->client_id, sizeof(old.client_id));
    memcpy(old.txid, withdrawal->txid, TXID_BYTES);
    return old;
}

uint16_t withdrawal_event_put(uint32_t rules, const struct withdrawal_moved_event *withdrawal,
                              uint8_t bytes[WITHDRAWAL_MOVED_BYTES])
{
    if (rules >= PARAMS_RULES_CHARGES)
        return (uint16_t)(withdrawal_moved_event_put(bytes, withdrawal) - bytes);
    const struct withdrawal_changed_event old = changed_of(withdrawal);
    return (uint16_t)(withdrawal_changed_event_put(bytes, &old) - bytes);
}

uint16_t withdrawal_event_type(uint32_t rules)
{
    return rules >= PARAMS_RULES_CHARGES ? T_WITHDRAWAL_MOVED : T_WITHDRAWAL_CHANGED;
}

void withdrawal_event_write(struct event_writer *out, uint32_t rules,
                            const struct withdrawal_moved_event *withdrawal)
{
    if (rules >= PARAMS_RULES_CHARGES) {
        event_write_withdrawal_moved(out, withdrawal);
        return;
    }
    const struct withdrawal_changed_event old = changed_of(withdrawal);
    event_write_withdrawal_changed(out, &old);
}
