#include "engine/sections.h"

#include <string.h>

enum status sections_open(struct sections *sections, const struct genesis *genesis,
                          const uint8_t *bytes, size_t byte_count)
{
    struct section_records records[SNAPSHOT_SECTIONS];
    const enum status status = snapshot_find(genesis, bytes, byte_count, records);
    if (status != STATUS_OK) return status;
    for (enum snapshot_section section = 0; section < SNAPSHOT_SECTIONS; section++) {
        sections->begins[section] = sections->at[section] = records[section].begin;
        sections->left[section] = records[section].count;
    }
    return STATUS_OK;
}

bool sections_done(const struct sections *sections)
{
    for (enum snapshot_section section = 0; section < SNAPSHOT_SECTIONS; section++)
        if (sections->left[section] != 0) return false;
    return true;
}

struct deposit_changed_event sections_deposit_facts(const struct snapshot_deposit *record,
                                                    uint64_t number)
{
    struct deposit_changed_event deposit = {.deposit = number,
                                            .height = record->height,
                                            .amount = record->amount,
                                            .credited = record->credited,
                                            .account = record->account,
                                            .confirmations = record->confirmations,
                                            .output = record->output,
                                            .asset = record->asset,
                                            .state = record->state};
    memcpy(deposit.chain, record->chain, CHAIN_BYTES);
    memcpy(deposit.txid, record->txid, TXID_BYTES);
    return deposit;
}

struct withdrawal_moved_event sections_withdrawal_facts(const struct snapshot_withdrawal *record,
                                                        uint64_t number)
{
    struct withdrawal_moved_event withdrawal = {.withdrawal = number,
                                                .block = record->block,
                                                .amount = record->amount,
                                                .paid = record->amount,
                                                .account = record->account,
                                                .asset = record->asset,
                                                .approvers = record->approvers,
                                                .state = record->state};
    memcpy(withdrawal.chain, record->chain, CHAIN_BYTES);
    memcpy(withdrawal.address, record->address, CHAIN_ADDRESS_BYTES);
    memcpy(withdrawal.client_id, record->client_id, sizeof(record->client_id));
    memcpy(withdrawal.txid, record->txid, TXID_BYTES);
    return withdrawal;
}
