/* What operators, connectors and account holders ask of custody: parameters in, one command's payload out.
 *
 *   action=rules-set           rules
 *   action=route-set           chain asset decimals confirmations connector withdrawMin withdrawMax
 *                              withdrawDayMax approvalAbove approvals addressDelay (s) status=OPEN|CLOSED
 *   action=route-fee-set       chain asset withdrawFee (decimal)
 *   action=connector-add       publicKey (64 hex)
 *   action=account-freeze      account frozen=true|false
 *   action=deposit-address     account chain address
 *   action=deposit-report      chain txid output asset amount (whole, in the chain's unit) address height
 *                              confirmations
 *   action=deposit-reorg       chain txid output
 *   action=withdrawal-approve  withdrawal asset amount (decimal) address
 *   action=withdrawal-deny     withdrawal
 *   action=withdrawal-report   withdrawal status=BROADCAST|FINAL|FAILED [txid]
 *   action=liabilities-order
 *
 * An account's own name their action too, so that no signed text means another thing elsewhere:
 *
 *   action=withdraw            chain asset amount (decimal) address withdrawOrderId
 *   action=address-allow       chain address
 *   action=address-forbid      chain address
 *   action=withdraw-cancel     withdrawal
 *
 * The wallet's own words for a withdrawal, from rules 6 on, name no action. Nothing else that an account signs has all three
 * of coin, address and amount, and they are refused beside an action or a symbol:
 *
 *   coin address amount        network (of several: the coin's first) withdrawOrderId (made up
 *                              when there is none, of the timestamp and all of these: the same text has the same)
 *
 * An address is 1 to 64 of a-z A-Z 0-9 - _ . :, a txid 64 hex digits.
 */

#ifndef COMMON_INTENT_CUSTODY_H
#define COMMON_INTENT_CUSTODY_H

#include "common/intent.h"

/* The operators' actions above, and those of intent_opening.h; what none of them is is refused. */
MUST_CHECK bool intent_custody_action(const struct form *form, const struct params *params,
                                      struct intent *intent, struct refusal *refusal);

/* Copies into `asked` the operator, whom the text does not name. */
void intent_custody_fill(struct intent *asked, const struct intent *given);

/* Whether the command is one of those whose operator intent_custody_fill sets. */
bool intent_custody_is(uint16_t type);

/* The account's own. */
MUST_CHECK bool intent_custody_withdraw(const struct form *form, const struct params *params,
                                        struct intent *intent, struct refusal *refusal);
MUST_CHECK bool intent_custody_apply(const struct form *form, const struct params *params,
                                     struct intent *intent, struct refusal *refusal);
MUST_CHECK bool intent_custody_allow(const struct form *form, const struct params *params,
                                     struct intent *intent, struct refusal *refusal);
MUST_CHECK bool intent_custody_cancel(const struct form *form, struct intent *intent,
                                      struct refusal *refusal);

#endif /* COMMON_INTENT_CUSTODY_H */
