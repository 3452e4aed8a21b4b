#include "gateway/admit.h"
#include "gateway/reply_custody.h"
#include "gateway/route.h"

#include "common/intent_custody.h"
#include "common/parameter.h"

#include <string.h>

#define LIST_DEFAULT 100
#define LIST_MAX     1000

/* ---- commands ---- */

/* What these rules do not have never gets into the log: a node of an older version might not read it. */
static bool rules_allow(struct request *request, const struct facts *facts)
{
    if (facts->params->rules >= PARAMS_RULES_CUSTODY) return true;
    return parameter_refuse(&request->refusal, REJECT_RULES, NULL, NULL);
}

/* Money leaves on an Ed25519 signature, which every node checks; a gateway's word is not enough. */
static enum outcome own_command(struct request *request, enum reply_kind kind)
{
    if (request->proof.kind != AUTH_ED25519)
        return request_refuse(request, REJECT_WITHDRAWAL_KEY, NULL, NULL);
    admit_account(&request->intent, request->account);
    request->reply_kind = kind;
    return OUTCOME_COMMAND;
}

enum outcome custody_data_withdraw(struct request *request, const struct facts *facts)
{
    if (!rules_allow(request, facts) ||
        !intent_custody_withdraw(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return own_command(request, REPLY_CUSTODY);
}

enum outcome custody_data_allow(struct request *request, const struct facts *facts)
{
    if (!rules_allow(request, facts) ||
        !intent_custody_allow(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return own_command(request, REPLY_CUSTODY);
}

/* What a connector may say; the log looks at whose chain it is. */
static bool is_connectors(uint16_t type)
{
    return type == T_DEPOSIT_ADDRESS || type == T_DEPOSIT_REPORT || type == T_DEPOSIT_REORG ||
           type == T_WITHDRAWAL_REPORT;
}

enum outcome custody_data_report(struct request *request, const struct facts *facts)
{
    const enum outcome outcome = trading_admin(request, facts);
    if (outcome == OUTCOME_COMMAND && !is_connectors(request->intent.type))
        return request_refuse(request, REJECT_ACTION, NULL, NULL);
    return outcome;
}

/* ---- questions ---- */

/* What a list is of: an account's, newest first, or (account 0) all from a number on. */
struct listing {
    uint32_t account;
    uint64_t from;
    uint32_t limit;
};

static bool read_listing(struct request *request, struct listing *listing)
{
    listing->account = request->account;
    listing->from = 1;
    return request_u64(request, "fromId", &listing->from, NULL) &&
           request_limit(request, LIST_DEFAULT, LIST_MAX, &listing->limit);
}

/* The lowest number worth looking at. */
static uint64_t first_of(const struct facts *facts, const struct listing *listing, uint64_t last)
{
    const uint64_t kept = params_transfers_max(facts->params);
    const uint64_t oldest = last > kept ? last - kept + 1 : 1;
    return listing->from > oldest ? listing->from : oldest;
}

static void list_deposits(struct request *request, const struct facts *facts,
                          const struct listing *listing)
{
    const struct custody_view *view = view_custody(facts->view);
    const struct printing printing = request_printing(request, facts);
    const uint64_t last = custody_view_deposit_last(view);
    const uint64_t first = first_of(facts, listing, last);
    uint32_t left = listing->limit;
    writer_array(&request->json);
    for (uint64_t i = first; i <= last && left > 0; i++) {
        const uint64_t number = listing->account == 0 ? i : last - (i - first);
        const struct deposit_changed_event *deposit = custody_view_deposit(view, number);
        if (deposit == NULL || (listing->account != 0 && deposit->account != listing->account))
            continue;
        reply_deposit(&request->json, &printing, deposit);
        left--;
    }
    writer_array_end(&request->json);
}

/* An enum withdrawal_state to look for, 0: RELEASED, STATE_ANY. */
#define STATE_ANY UINT8_MAX

static bool state_fits(const struct withdrawal_changed_event *withdrawal, uint8_t state,
                       uint64_t certified)
{
    if (state == STATE_ANY) return true;
    if (state != 0) return withdrawal->state == state;
    return withdrawal->state == WITHDRAWAL_APPROVED && withdrawal->block <= certified;
}

static void list_withdrawals(struct request *request, const struct facts *facts,
                             const struct listing *listing, uint8_t state)
{
    const struct custody_view *view = view_custody(facts->view);
    const struct printing printing = request_printing(request, facts);
    const uint64_t certified = facts->blocks->certified_height;
    const uint64_t last = custody_view_withdrawal_last(view);
    const uint64_t first = first_of(facts, listing, last);
    uint32_t left = listing->limit;
    writer_array(&request->json);
    for (uint64_t i = first; i <= last && left > 0; i++) {
        const uint64_t number = listing->account == 0 ? i : last - (i - first);
        const struct withdrawal_changed_event *withdrawal = custody_view_withdrawal(view, number);
        if (withdrawal == NULL || !state_fits(withdrawal, state, certified) ||
            (listing->account != 0 && withdrawal->account != listing->account))
            continue;
        reply_withdrawal(&request->json, &printing, withdrawal, certified);
        left--;
    }
    writer_array_end(&request->json);
}

enum outcome custody_data_deposits(struct request *request, const struct facts *facts)
{
    struct listing listing;
    if (!read_listing(request, &listing)) return OUTCOME_REFUSED;
    list_deposits(request, facts, &listing);
    return OUTCOME_ANSWERED;
}

enum outcome custody_data_withdrawals(struct request *request, const struct facts *facts)
{
    const struct form_field *word;
    struct listing listing;
    uint8_t state = STATE_ANY;
    if (!read_listing(request, &listing) ||
        !parameter_optional(request->form, "status", &word, &request->refusal))
        return OUTCOME_REFUSED;
    if (word != NULL && !reply_withdrawal_state(word->value, &state))
        return request_refuse(request, REJECT_DATA, "status", NULL);
    list_withdrawals(request, facts, &listing, state);
    return OUTCOME_ANSWERED;
}

/* Both kinds: those to deposit to, and those the account may withdraw to. */
enum outcome custody_data_addresses(struct request *request, const struct facts *facts)
{
    const struct custody_view *view = view_custody(facts->view);
    const struct printing printing = request_printing(request, facts);
    writer_array(&request->json);
    for (uint32_t i = 0; i < custody_view_address_count(view); i++) {
        const struct address_changed_event *address = custody_view_address(view, i);
        if (address->account == request->account) reply_address(&request->json, &printing, address);
    }
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}
