#include "node/digest.h"

#include <stdio.h>
#include <string.h>

void digest_begin(struct digest *digest, const struct genesis *genesis,
                  struct settlement *settlement)
{
    memset(digest, 0, sizeof(*digest));
    digest->settlement = settlement;
    digest->chain_id = genesis_chain_id(genesis);
    membership_begin(&digest->membership, genesis);
    history_begin(&digest->history);
    seal_begin(&digest->seal, 1);
}

void digest_hash_aside(struct digest *digest, const struct digest_hashing *hashing)
{
    ASSERT(hashing == NULL || digest->seal.last_command + 1 == digest->seal.first_command);
    digest->hashing = hashing == NULL ? (struct digest_hashing){0} : *hashing;
}

static enum status differs(struct digest *digest, uint64_t number, const char *what, uint64_t ours,
                           uint64_t theirs)
{
    snprintf(digest->fault, sizeof(digest->fault), "what=\"%s\" command=%lu ours=%lu theirs=%lu",
             what, number, ours, theirs);
    return STATUS_MISMATCH;
}

/* Settlement's own words for the difference it found. */
static enum status settlement_differs(struct digest *digest, enum status status)
{
    const struct settle_mismatch *mismatch = settlement_mismatch(digest->settlement);
    if (status == STATUS_MISMATCH && mismatch != NULL)
        snprintf(digest->fault, sizeof(digest->fault),
                 "what=\"%s\" command=%lu account=%u asset=%u market=%u order=%lu ours=%ld "
                 "theirs=%ld",
                 mismatch->what, mismatch->command, mismatch->account, mismatch->asset,
                 mismatch->market, mismatch->order_id, mismatch->ours, mismatch->theirs);
    return status;
}

static enum status digest_block_end(struct digest *digest, const struct applied *record,
                                    const struct sealed_event *sealed, struct digest_block *block)
{
    if (sealed->height != digest->height + 1)
        return differs(digest, record->number, "sealed height", digest->height + 1, sealed->height);
    if (sealed->first_command != digest->seal.first_command)
        return differs(digest, record->number, "first command of the block",
                       digest->seal.first_command, sealed->first_command);
    struct settle_roots roots;
    const enum status status = settle_block(digest->settlement, sealed->height, &roots);
    if (status != STATUS_OK) return settlement_differs(digest, status);

    if (digest->hashing.finish != NULL) digest->hashing.finish(digest->hashing.context);
    struct membership *membership = &digest->membership;
    const struct seal_facts facts = {
        .height = sealed->height,
        .time_ns = record->stamp_ns,
        .epoch = membership->epoch,
        .chain_id = digest->chain_id,
        .prev_hash = digest->last_hash,
        .history_root = history_root(&digest->history),
        .state_root = roots.state_root,
        .totals_root = roots.totals_root,
        .validators_hash = membership->validators_hash,
        .next_validators_hash = membership_next_hash(membership, sealed->height),
        .params_hash = roots.params_hash,
        .releases = settlement_rules(digest->settlement) >= PARAMS_RULES_RELEASE,
    };
    seal_step(&digest->seal, &facts, &block->header);
    block_header_encode(&block->header, block->bytes);
    block->hash = block_header_hash(block->bytes);

    membership_end_block(membership, sealed->height);
    INVARIANT(membership_check(membership, sealed->height + 1));
    digest->height = sealed->height;
    digest->last_hash = block->hash;
    history_add(&digest->history, sealed->height, block->hash);
    seal_begin(&digest->seal, record->number + 1);
    return STATUS_OK;
}

/* What lies above the last block of the log is none of this chain's, whatever the files hold already. */
static enum epoch_known header_up_to_here(void *context, uint64_t height, hash_t *hash)
{
    const struct digest *digest = context;
    if (height > digest->height) return EPOCH_NO_BLOCK;
    return digest->chain.header(digest->chain.context, height, hash);
}

const char *digest_epoch_objection(const struct digest *digest, const struct command *command)
{
    struct epoch_change_command change;
    epoch_change_command_get(command->payload, &change);
    const struct membership *membership = &digest->membership;
    if (change.epoch != membership->next_epoch + 1 || change.height > digest->height) return NULL;
    if (digest->chain.header == NULL) return "statements for a change of epoch";
    struct validator_set voters;
    node_set_voters(&membership->nodes, &voters);
    const struct epoch_chain chain = {(void *)(uintptr_t)digest, header_up_to_here};
    return epoch_change_objection(command, digest->chain_id, &voters, &chain);
}

/* Settlement asks whether an EPOCH_CHANGE may stand. */
static const char *epoch_objection(void *context, const struct command *command)
{
    return digest_epoch_objection(context, command);
}

/* What an event means for the chain itself. */
static enum status digest_event(struct digest *digest, const struct applied *record,
                                const struct event *event)
{
    if (digest->hashing.add == NULL) seal_event(&digest->seal, event);
    trade_spans_add(&digest->trades, event);
    if (event->type != T_NODE_CHANGED && event->type != T_EPOCH_CHANGED) return STATUS_OK;
    const char *fault =
        membership_event(&digest->membership, event, record->number, digest->height + 1);
    return fault == NULL ? STATUS_OK : differs(digest, record->number, fault, 0, 0);
}

static struct expect_named *named_of(struct digest *digest, uint64_t command)
{
    return &digest->named[command % (DIGEST_AHEAD + 1)];
}

void digest_expect(struct digest *digest, const struct applied *record,
                   const struct command *command)
{
    if (record->number <= digest->expected || record->number > digest->command + 1 + DIGEST_AHEAD)
        return;
    if (digest->expected == record->number - 1 && digest->expected > digest->command)
        expect_named(digest->settlement, named_of(digest, digest->expected));
    expect_record(digest->settlement, command, record->events, record->events_length,
                  named_of(digest, record->number));
    digest->expected = record->number;
}

enum status digest_record(struct digest *digest, const struct applied *record,
                          const struct command *command, struct digest_block *block, bool *sealed)
{
    *sealed = false;
    if (record->number != digest->command + 1)
        return differs(digest, record->number, "command number", digest->command + 1,
                       record->number);
    digest_expect(digest, record, command);
    digest->command = record->number;
    if (digest->trades_height != digest->height + 1) trade_spans_begin(&digest->trades);
    digest->trades_height = digest->height + 1;
    settlement_check_epochs(digest->settlement, epoch_objection, digest);
    if (digest->expected <= record->number)
        expect_named(digest->settlement, named_of(digest, record->number));
    if (digest->hashing.add != NULL)
        digest->hashing.add(digest->hashing.context);
    else
        seal_command(&digest->seal, record); /* meanwhile memory gives what was asked for */
    enum status status =
        settle_command(digest->settlement, record->number, record->stamp_ns, command);
    if (status != STATUS_OK) return settlement_differs(digest, status);

    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    struct sealed_event end_of_block = {0};
    uint64_t sealed_count = 0;
    while (event_next(&at, end, &event)) {
        status = settle_event(digest->settlement, &event);
        if (status != STATUS_OK) return settlement_differs(digest, status);
        status = digest_event(digest, record, &event);
        if (status != STATUS_OK) return status;
        if (event.type != T_SEALED) continue;
        /* A switch may fire before the block ends: its events are the SEAL's too. */
        if (++sealed_count != 1 || command->header.type != T_SEAL)
            return differs(digest, record->number, "SEALED of a SEAL", 1, sealed_count);
        sealed_event_get(event.payload, &end_of_block);
        *sealed = true;
    }
    if (at != end) return differs(digest, record->number, "event bytes", 0, (uint64_t)(end - at));
    return *sealed ? digest_block_end(digest, record, &end_of_block, block) : STATUS_OK;
}

enum status digest_reconcile(struct digest *digest, const struct balance_slice *slice, bool *ended,
                             struct reconcile_pass *pass)
{
    return settlement_differs(digest, reconcile_slice(digest->settlement, slice, ended, pass));
}
