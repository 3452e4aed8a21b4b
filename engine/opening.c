#include "engine/opening.h"

#include "common/command_rules.h"

#include <string.h>

/* Those that open themselves leave one in eight to operators. */
static uint32_t room(const struct params *params)
{
    return params->accounts_max - params->accounts_max / 8;
}

/* Why this key may have no account now. Who asks again is told that he has one, whatever else holds. */
static enum reject check(const struct engine *engine, const uint8_t public_key[PUBLIC_KEY_BYTES],
                         uint32_t opened)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    const struct params *params = &engine->params;
    if (memcmp(public_key, none, sizeof(none)) == 0) return REJECT_KEY_SPEC;
    if (accounts_find(&engine->accounts, public_key) != 0) return REJECT_ALREADY_EXISTS;
    if (params->open_per_hour == 0) return REJECT_OPENING_CLOSED;
    if (opened >= params->open_per_hour) return REJECT_OPENINGS_MANY;
    return engine->accounts.count < room(params) ? REJECT_NONE : REJECT_ACCOUNTS_FULL;
}

enum reject opening_open(struct engine *engine, const struct command *command,
                         struct event_writer *out)
{
    struct account_open_command open;
    account_open_command_get(command->payload, &open);
    if (!command_rules_allow(engine->params.rules, T_ACCOUNT_OPEN)) return REJECT_RULES;
    const uint32_t hour = (uint32_t)(engine->stamp_ns / OPENING_HOUR_NS);
    const uint32_t opened = engine->opened.hour == hour ? engine->opened.count : 0;
    const enum reject reject = check(engine, open.public_key, opened);
    if (reject != REJECT_NONE) return reject;

    engine->opened = (struct opening_hour){.hour = hour, .count = opened + 1};
    struct account_created_event created = {
        .account = accounts_create(&engine->accounts, 0, open.public_key)};
    memcpy(created.public_key, open.public_key, sizeof(created.public_key));
    event_write_account_created(out, &created);
    if (!engine->params.open_approval) return REJECT_NONE;
    accounts_set_pending(&engine->accounts, created.account, true);
    event_write_account_pending(
        out, &(struct account_pending_event){.account = created.account, .pending = 1});
    return REJECT_NONE;
}

enum reject opening_approve(struct engine *engine, const struct command *command,
                            struct event_writer *out)
{
    struct account_approve_command approve;
    account_approve_command_get(command->payload, &approve);
    if (!accounts_exists(&engine->accounts, approve.account)) return REJECT_UNKNOWN_ACCOUNT;
    if (!accounts_pending(&engine->accounts, approve.account)) return REJECT_NOT_PENDING;
    accounts_set_pending(&engine->accounts, approve.account, false);
    event_write_account_pending(out, &(struct account_pending_event){.account = approve.account});
    return REJECT_NONE;
}
