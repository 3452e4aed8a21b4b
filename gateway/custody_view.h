/* What the gateway knows of deposits, withdrawals and their addresses: the log's own memory of them.
 *
 * Built from events alone. Of deposits and withdrawals the newest params_transfers_max are here, as the engine
 * remembers them; older ones are PostgreSQL's.
 *
 * Owner    one gateway loop
 * Memory   from an arena at start, by the replicated parameters; untouched until used. Pointers are good until
 *          the next custody_view_apply
 * Limits   as replicated
 * Cost     apply: O(1); whoever looks for an account's walks all that are here
 */

#ifndef GATEWAY_CUSTODY_VIEW_H
#define GATEWAY_CUSTODY_VIEW_H

#include "common/genesis.h"

struct arena;
struct custody_view;

/* By the log's clock. */
struct transfer_times {
    uint64_t created_ns; /* 0: not known, it was restored */
    uint64_t changed_ns; /* 0: not since then */
};

size_t custody_view_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold it. */
MUST_CHECK struct custody_view *custody_view_new(struct arena *arena,
                                                 const struct genesis *genesis);

/* Moves the view forward by one event of `command`, which has this stamp; events of other kinds are ignored. */
void custody_view_apply(struct custody_view *view, uint64_t command, uint64_t stamp_ns,
                        const struct event *event);

/* Restored as it was after `command`: what is not here was put out by then. */
void custody_view_restored(struct custody_view *view, uint64_t command);

/* Each takes one of them as it is: a number above the last begins a new one. */
void custody_view_deposit_put(struct custody_view *view,
                              const struct deposit_changed_event *deposit);
void custody_view_withdrawal_put(struct custody_view *view,
                                 const struct withdrawal_moved_event *withdrawal);
void custody_view_address_put(struct custody_view *view,
                              const struct address_changed_event *address);

/* The number of the newest, 0: there was none; and one by its number, NULL when it is not here. */
uint64_t custody_view_deposit_last(const struct custody_view *view);
uint64_t custody_view_withdrawal_last(const struct custody_view *view);
const struct deposit_changed_event *custody_view_deposit(const struct custody_view *view,
                                                         uint64_t number);
const struct withdrawal_moved_event *custody_view_withdrawal(const struct custody_view *view,
                                                             uint64_t number);

/* Needs: that one is here. */
struct transfer_times custody_view_deposit_times(const struct custody_view *view, uint64_t number);
struct transfer_times custody_view_withdrawal_times(const struct custody_view *view,
                                                    uint64_t number);

/* The account's newest that it called so, NULL when none of those here is. */
const struct withdrawal_moved_event *custody_view_withdrawal_named(const struct custody_view *view,
                                                                   uint32_t account,
                                                                   const uint8_t client_id[36]);

/* How many of each are kept, and the command that put out the last one that is not: none of them changed since, for only
 * what has ended is put out. 0: all there ever were are here. */
uint32_t custody_view_kept(const struct custody_view *view);
uint64_t custody_view_put_out(const struct custody_view *view);

/* From 0, as they came. */
uint32_t custody_view_address_count(const struct custody_view *view);
const struct address_changed_event *custody_view_address(const struct custody_view *view,
                                                         uint32_t index);

#endif /* GATEWAY_CUSTODY_VIEW_H */
