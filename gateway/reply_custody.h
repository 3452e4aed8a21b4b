/* Deposits, withdrawals and addresses as JSON: the same in answers to commands and to questions. */

#ifndef GATEWAY_REPLY_CUSTODY_H
#define GATEWAY_REPLY_CUSTODY_H

#include "gateway/reply_order.h"

void reply_deposit(struct writer *json, const struct printing *printing,
                   const struct deposit_changed_event *deposit);

/* An APPROVED withdrawal whose block is not above `certified_height` is RELEASED. */
void reply_withdrawal(struct writer *json, const struct printing *printing,
                      const struct withdrawal_moved_event *withdrawal, uint64_t certified_height);

void reply_address(struct writer *json, const struct printing *printing,
                   const struct address_changed_event *address);

/* What a command made of one, as fields of an object that is open. The address of a change needs no route. */
void reply_deposit_change(struct writer *json, const struct printing *printing,
                          const struct deposit_changed_event *deposit);
void reply_withdrawal_change(struct writer *json, const struct withdrawal_moved_event *withdrawal);
void reply_address_change(struct writer *json, const struct printing *printing,
                          const struct address_changed_event *address);

/* The words of `status`. An enum withdrawal_state, or 0 for RELEASED; false: no such word. */
MUST_CHECK bool reply_withdrawal_state(const char *word, uint8_t *state);

/* The least that may be withdrawn by a route at `now_ns`, in units: what arrives of it is above nothing. */
int64_t reply_withdrawal_min(const struct params *params, int route, uint64_t now_ns);

/* A route as /sapi/v1/capital/config/getall tells of it: its limits, what a withdrawal that is asked for now costs,
 * and, while another fee is to come, which and from when. */
void reply_network(struct writer *json, const struct printing *printing, int route,
                   uint64_t now_ns);

#endif /* GATEWAY_REPLY_CUSTODY_H */
