/* Accounts that are opened with a key pair alone: parameters in, one command's payload out. From rules 8 on.
 *
 *   action=account-open     publicKey chainId (64 hex each; the chain's id, so that the text is good on no other exchange)
 *                           and a timestamp, by the private half of publicKey
 *
 * Operators:
 *
 *   action=opening-set      perHour (0: nobody) approval=true|false
 *   action=account-approve  account
 */

#ifndef COMMON_INTENT_OPENING_H
#define COMMON_INTENT_OPENING_H

#include "common/intent.h"

MUST_CHECK bool intent_opening_open(const struct form *form, struct intent *intent,
                                    struct refusal *refusal);

/* The operators'; `params` say nothing about them. */
MUST_CHECK bool intent_opening_set(const struct form *form, const struct params *params,
                                   struct intent *intent, struct refusal *refusal);
MUST_CHECK bool intent_opening_approve(const struct form *form, const struct params *params,
                                       struct intent *intent, struct refusal *refusal);

#endif /* COMMON_INTENT_OPENING_H */
