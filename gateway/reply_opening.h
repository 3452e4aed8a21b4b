/* What is told of an account to who opened it, or waits for it. */

#ifndef GATEWAY_REPLY_OPENING_H
#define GATEWAY_REPLY_OPENING_H

#include "gateway/view.h"
#include "gateway/writer.h"

/* account, publicKey, and status OPEN, PENDING or FROZEN. Needs: the account exists. */
void reply_opening(struct writer *json, const struct view *view, uint32_t account);

#endif /* GATEWAY_REPLY_OPENING_H */
