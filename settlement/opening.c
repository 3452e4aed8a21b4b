#include "settlement/opening.h"

#include <string.h>

#define OPERATORS_PART 8 /* one in so many accounts is left to operators */

/* How many were opened in the hour of the command. */
static uint32_t opened_now(const struct settlement *s)
{
    return s->command.stamp_ns / OPENING_HOUR_NS == s->open_hour ? s->open_count : 0;
}

static bool may_open(const struct settlement *s, const struct account_open_command *asked)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    const uint32_t accounts_max = s->params.accounts_max;
    return s->params.rules >= PARAMS_RULES_OPENING && s->command.main_count == 1 &&
           !params_void(&s->params, s->command.deadline_ns, s->command.stamp_ns) &&
           memcmp(asked->public_key, none, sizeof(none)) != 0 &&
           opened_now(s) < s->params.open_per_hour &&
           balance_sheet_count(s->accounts) < accounts_max - accounts_max / OPERATORS_PART;
}

enum status opening_created(struct settlement *s, const struct event *event)
{
    struct account_created_event created;
    struct account_open_command asked;
    account_created_event_get(event->payload, &created);
    account_open_command_get(s->command.payload, &asked);
    const uint32_t next = balance_sheet_count(s->accounts) + 1;
    if (!may_open(s, &asked))
        return settle_differs_count(s, "accounts that open themselves", s->params.open_per_hour,
                                    opened_now(s));
    if (created.account != next || created.tier != 0)
        return settle_differs_count(s, "account number", next, created.account);
    if (memcmp(created.public_key, asked.public_key, PUBLIC_KEY_BYTES) != 0)
        return settle_differs_count(s, "owner's public key", next, created.account);
    if (balance_sheet_open(s->accounts, created.public_key, 0) == 0)
        return settle_differs_count(s, "accounts in use", s->params.accounts_max, created.account);
    s->open_count = opened_now(s) + 1;
    s->open_hour = (uint32_t)(s->command.stamp_ns / OPENING_HOUR_NS);
    balance_sheet_owner(s->accounts, next)->is_pending = s->params.open_approval;
    if (s->params.open_approval) s->command.pending_due = next;
    settle_touch(s, next);
    return STATUS_OK;
}

enum status opening_pending(struct settlement *s, const struct event *event)
{
    struct account_pending_event told;
    struct account_approve_command asked;
    account_pending_event_get(event->payload, &told);
    account_approve_command_get(s->command.payload, &asked);
    if (s->command.type == T_ACCOUNT_OPEN) {
        if (told.account == 0 || told.account != s->command.pending_due || told.pending != 1)
            return settle_differs_count(s, "account that waits", s->command.pending_due,
                                        told.account);
        s->command.pending_due = 0;
        return STATUS_OK;
    }
    if (s->command.type != T_ACCOUNT_APPROVE || s->command.main_count > 1 ||
        told.account != asked.account || told.pending != 0 || !opening_waits(s, told.account))
        return settle_differs_count(s, "approved account", asked.account, told.account);
    balance_sheet_owner(s->accounts, told.account)->is_pending = false;
    return STATUS_OK;
}

bool opening_waits(const struct settlement *s, uint32_t account)
{
    return balance_sheet_has(s->accounts, account) &&
           balance_sheet_owner(s->accounts, account)->is_pending;
}

enum status opening_close(struct settlement *s)
{
    if (s->command.pending_due == 0) return STATUS_OK;
    return settle_differs_count(s, "account that must wait", s->command.pending_due, 0);
}
