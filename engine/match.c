#include "engine/match.h"

#include "common/command_rules.h"
#include "engine/amend.h"
#include "engine/cancel.h"
#include "engine/enlist.h"
#include "engine/opening.h"
#include "engine/operator.h"
#include "engine/outcome.h"
#include "engine/permit.h"
#include "engine/place.h"
#include "engine/replace.h"
#include "engine/withdrawal.h"

static enum reject order_place(struct engine *engine, const struct command *command,
                               struct event_writer *out)
{
    struct order_place_command place;
    struct place_plan plan;
    order_place_command_get(command->payload, &place);
    const struct order_tag tag = order_tag_of(command->header.type, command->payload, 0);
    enum reject reject = place_check(engine, &place);
    if (reject == REJECT_NONE) reject = place_decide(engine, &place, &plan);
    if (reject == REJECT_NONE) place_accept(engine, &place, tag, &plan, out);
    return reject;
}

/* The order was asked for before. Below rules 6 its name alone says that it is the same one. */
static enum reject order_again(const struct engine *engine,
                               const struct order_repeated_event *first,
                               const struct order_place_command *place, struct order_tag tag,
                               struct event_writer *out)
{
    if (engine->params.rules >= PARAMS_RULES_ONCE && !outcome_is_of(first, place, tag))
        return REJECT_REPEAT_DIFFERS;
    event_write_order_repeated(out, first);
    return REJECT_NONE;
}

/* An order that is called something, or that may be asked for twice. */
static enum reject order_submit(struct engine *engine, const struct command *command,
                                struct event_writer *out)
{
    struct order_place_command place;
    order_place_command_get(command->payload, &place);
    const struct order_tag tag = order_tag_of(command->header.type, command->payload, 0);
    const bool idempotent = (tag.flags & ORDER_TAG_IDEMPOTENT) != 0;
    enum reject reject = place_check_tags(engine, command, 1);
    if (reject != REJECT_NONE) return reject;
    if (!idempotent) return order_place(engine, command, out);
    if (!order_has_client_id(place.client_id)) return REJECT_COMBINATION; /* asked for by no name */

    const struct order_repeated_event *first =
        repeats_find(&engine->repeats, place.account, place.market, place.client_id);
    if (first != NULL) return order_again(engine, first, &place, tag, out);
    const size_t mark = event_writer_mark(out);
    reject = order_place(engine, command, out);
    if (reject == REJECT_NONE) outcome_remember(engine, &place, mark, out);
    return reject;
}

static enum reject hello(struct engine *engine, const struct command *command, uint64_t number,
                         struct event_writer *out)
{
    struct hello_command said;
    hello_command_get(command->payload, &said);
    if (!origins_hello(&engine->origins, said.node, said.nonce, number))
        return REJECT_STALE_SEQUENCE;

    const struct hello_accepted_event accepted = {.epoch = number, .node = said.node};
    event_write_hello_accepted(out, &accepted);
    cancel_bound(engine, said.node, out); /* of the process before: its connections are gone */
    return REJECT_NONE;
}

static enum reject seal(struct engine *engine, const struct command *command, uint64_t number,
                        struct event_writer *out)
{
    struct seal_command asked;
    seal_command_get(command->payload, &asked);
    if (asked.height != engine->sealed_height + 1) return REJECT_OTHER_HEIGHT;

    const struct sealed_event sealed = {.height = asked.height,
                                        .first_command = engine->sealed_command + 1};
    event_write_sealed(out, &sealed);
    engine->sealed_height = asked.height;
    engine->sealed_command = number;
    return REJECT_NONE;
}

/* Who votes is alive. The anchor checks the vote and keeps it. */
static void vote(struct engine *engine, const struct command *command)
{
    struct vote_command vote;
    vote_command_get(command->payload, &vote);
    nodes_vote(&engine->nodes, &vote, engine->sealed_height);
    engine->counts.votes++;
}

/* That the nodes agree to it, settlement checks: engines do no signatures. */
static enum reject epoch_change(struct engine *engine, const struct command *command,
                                struct event_writer *out)
{
    struct epoch_change_command change;
    epoch_change_command_get(command->payload, &change);
    const enum reject reject = nodes_check_epoch(&engine->nodes, &change, engine->sealed_height);
    if (reject != REJECT_NONE) return reject;
    engine->nodes.epoch = change.epoch;
    const struct epoch_changed_event changed = {.epoch = change.epoch};
    event_write_epoch_changed(out, &changed);
    return REJECT_NONE;
}

static enum reject command_apply(struct engine *engine, const struct command *command,
                                 uint64_t number, struct event_writer *out)
{
    switch (command->header.type) {
    case T_ORDER_PLACE:
        return order_place(engine, command, out);
    case T_ORDER_SUBMIT:
        return order_submit(engine, command, out);
    case T_ORDER_CANCEL:
        return cancel_order(engine, command, out);
    case T_CANCEL_ALL:
        return cancel_all(engine, command, out);
    case T_ORDER_AMEND:
        return amend_order(engine, command, out);
    case T_ORDER_REPLACE:
    case T_ORDER_RESUBMIT:
        return replace_order(engine, command, out);
    case T_LIST_PLACE:
    case T_LIST_SUBMIT:
        return enlist(engine, command, out);
    case T_LIST_CANCEL:
        return cancel_list(engine, command, out);
    case T_SWITCH_SET:
        return cancel_switch_set(engine, command, out);
    case T_SESSION_END:
        return cancel_session(engine, command, out);
    case T_ORIGIN_LOST:
        return cancel_origin(engine, command, out);
    case T_HELLO:
        return hello(engine, command, number, out);
    case T_SEAL:
        return seal(engine, command, number, out);
    case T_VOTE:
        vote(engine, command);
        return REJECT_NONE;
    case T_CHECKPOINT_VOTE:
        return REJECT_NONE;  /* the anchor checks and keeps it */
    case T_LIABILITIES_VOTE: /* likewise; nobody waits to be told of the rules */
        return command_rules_allow(engine->params.rules, T_LIABILITIES_VOTE) ? REJECT_NONE
                                                                             : REJECT_LATER_VERSION;
    case T_EPOCH_CHANGE:
        return epoch_change(engine, command, out);
    case T_WITHDRAW:
        return withdrawal_ask(engine, command, out);
    case T_ADDRESS_ALLOW:
        return withdrawal_allow(engine, command, out);
    case T_WITHDRAWAL_CANCEL:
        return withdrawal_cancel(engine, command, out);
    case T_KEY_CREATE:
        return permit_create(engine, command, out);
    case T_KEY_LIMIT:
        return permit_limit(engine, command, out);
    case T_KEY_REMOVE:
        return permit_remove(engine, command, out);
    case T_ACCOUNT_OPEN:
        return opening_open(engine, command, out);
    default:
        return operator_step(engine, command, out);
    }
}

/* Nobody waits for an answer to a node's own commands. */
static bool is_answered(uint16_t type)
{
    return type >= T_ASSET_CREATE;
}

static void rejected_write(struct engine *engine, const struct command *command, enum reject reject,
                           struct event_writer *out)
{
    if (is_answered(command->header.type) && reject != REJECT_STALE_SEQUENCE &&
        reject != REJECT_LATER_VERSION) {
        const struct refused_event refused = {.reject = (uint16_t)reject};
        event_write_refused(out, &refused);
        engine->counts.refusals++;
    } else {
        const struct noop_event noop = {.reject = (uint16_t)reject};
        event_write_noop(out, &noop);
        engine->counts.noops++;
    }
}

static enum reject admission_check(struct engine *engine, const struct command *command)
{
    const uint64_t deadline_ns = command->header.deadline_ns;
    if (!origins_advance(&engine->origins, &command->header)) return REJECT_STALE_SEQUENCE;
    if (command->header.group != 0) return REJECT_LATER_VERSION;
    if (deadline_ns != 0 && engine->stamp_ns > deadline_ns) return REJECT_TOO_LATE;
    return permit_check(engine, command);
}

static void levels_write(struct engine *engine, struct event_writer *out)
{
    struct book_change change;
    while (book_next_change(&engine->books, &change)) {
        const struct level_event level = {
            .update_id = ++engine->books.markets[change.market].last_update,
            .price = change.price,
            .qty = change.qty,
            .market = change.market,
            .side = (uint8_t)change.side,
        };
        event_write_level(out, &level);
    }
}

void match_step(struct engine *engine, const struct command *command, uint64_t number,
                uint64_t stamp_ns, struct event_writer *out)
{
    match_step_ahead(engine, command, number, stamp_ns, 0, out);
}

void match_step_ahead(struct engine *engine, const struct command *command, uint64_t number,
                      uint64_t stamp_ns, uint32_t client_hash, struct event_writer *out)
{
    ASSERT(number == engine->last_command + 1);
    engine->last_command = number;
    engine->counts.commands++;
    engine->ahead_hash = client_hash;
    engine->origin = command->header.origin;
    if (engine->stamp_ns != stamp_ns) {
        engine->stamp_ns = stamp_ns;
        engine->day = volumes_day_of(stamp_ns);
    }
    accounts_begin(&engine->accounts, number);
    cancel_switches(engine, out);

    enum reject reject = admission_check(engine, command);
    if (reject == REJECT_NONE) reject = command_apply(engine, command, number, out);
    if (reject != REJECT_NONE) rejected_write(engine, command, reject, out);
    levels_write(engine, out);
    accounts_write_touched(&engine->accounts, out);
}
