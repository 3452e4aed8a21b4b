#include "gateway/submit.h"

#include "gateway/admit.h"

/* A ticket, from its low bits: slot, loop, how many the loop has given before. Loops of a node give none twice. */
#define TICKET_SLOTS (2u * 16384u)

static_assert(GATEWAY_WAITING_MAX < TICKET_SLOTS, "a ticket's low bits are a slot");

/* A place for a command under way, by ticket; in a list by age. */
struct waiter {
    struct desk_question *question; /* that waits for it; NULL: it has left */
    uint64_t ticket;                /* 0: the place is free */
    uint64_t deadline_ms;
    uint64_t address; /* whose it is */
    uint32_t account;
    uint32_t order_count;    /* that it places */
    uint32_t next, previous; /* by age, or the next free one */
};

size_t submit_bytes(void)
{
    return (GATEWAY_WAITING_MAX + 1) * sizeof(struct waiter);
}

bool submit_init(struct desk *desk, struct arena *arena)
{
    desk->waiters = arena_take_array(arena, GATEWAY_WAITING_MAX + 1, sizeof(*desk->waiters));
    if (desk->waiters == NULL) return false;
    for (uint32_t slot = GATEWAY_WAITING_MAX; slot > 0; slot--) {
        desk->waiters[slot].next = desk->free_waiter;
        desk->free_waiter = slot;
    }
    return true;
}

/* ---- who waits for a command ---- */

/* Nobody waits for it any more; it is under way as before. */
static void waiter_leave(struct desk *desk, struct waiter *waiter)
{
    if (waiter->question == NULL) return;
    waiter->question->slot = SUBMIT_NO_SLOT;
    waiter->question = NULL;
    desk->waiting_count--;
}

static void waiter_link(struct desk *desk, uint32_t slot)
{
    struct waiter *waiters = desk->waiters;
    waiters[slot].previous = waiters[0].previous;
    waiters[slot].next = 0;
    waiters[waiters[0].previous].next = slot;
    waiters[0].previous = slot;
    desk->waiting_count++;
    hall_enter(desk->hall, HALL_COMMANDS, waiters[slot].address, 1);
    hall_enter(desk->hall, HALL_ORDERS, waiters[slot].account, waiters[slot].order_count);
}

static void waiter_release(struct desk *desk, uint32_t slot)
{
    struct waiter *waiters = desk->waiters;
    waiters[waiters[slot].previous].next = waiters[slot].next;
    waiters[waiters[slot].next].previous = waiters[slot].previous;
    waiter_leave(desk, &waiters[slot]);
    hall_leave(desk->hall, HALL_COMMANDS, waiters[slot].address, 1);
    hall_leave(desk->hall, HALL_ORDERS, waiters[slot].account, waiters[slot].order_count);
    waiters[slot] = (struct waiter){.next = desk->free_waiter};
    desk->free_waiter = slot;
}

/* Takes a place. False when all are taken. */
static bool wait_for_command(struct desk_question *question, uint64_t *ticket)
{
    struct desk *desk = question->desk;
    const struct request *request = &question->request;
    const uint32_t slot = desk->free_waiter;
    if (slot == 0) return false;
    struct waiter *waiter = &desk->waiters[slot];
    desk->free_waiter = waiter->next;
    *ticket =
        (++desk->ticket_count * HALL_LOOPS_MAX + desk->options->loop_index) * TICKET_SLOTS + slot;
    *waiter = (struct waiter){
        .question = question,
        .ticket = *ticket,
        .deadline_ms = desk->now_ms + DESK_WAIT_MS,
        .address = request->address,
        .account = request->account,
        .order_count = request->order_count,
    };
    waiter_link(desk, slot);
    question->slot = slot;
    return true;
}

struct waiter *submit_waiter(struct desk *desk, const struct command_header *header)
{
    /* Tickets of an earlier run come by during replay: another epoch. */
    if (header->origin != desk->options->node) return NULL;
    if (header->origin_epoch != view_epoch(desk->facts.view)) return NULL;
    const uint64_t slot = header->ticket % TICKET_SLOTS;
    if (slot == 0 || slot > GATEWAY_WAITING_MAX) return NULL;
    struct waiter *waiter = &desk->waiters[slot];
    if (waiter->ticket != header->ticket) return NULL;
    desk->returning = (uint32_t)slot;
    return waiter;
}

void submit_event(struct waiter *waiter, const struct applied *applied, const struct event *event)
{
    struct desk_question *question = waiter->question;
    if (question == NULL) return;
    const struct printing printing = request_printing(&question->request, &question->desk->facts);
    reply_event(&question->reply, &printing, applied, event);
}

/* Who has placed orders reads how many of them count now. */
static void tell_orders(struct desk_question *question, uint64_t stamp_ns)
{
    struct desk_answer *answer = &question->answer;
    const struct order_tally *tally =
        &view_account(question->desk->facts.view, question->request.account)->tally;
    answer->counts_orders = true;
    answer->orders_ten_seconds = order_tally_placed(tally, TALLY_TEN_SECONDS, stamp_ns);
    answer->orders_day = order_tally_placed(tally, TALLY_DAY, stamp_ns);
}

/* What places, cancels or replaces costs nothing when it succeeds. */
static void give_weight_back(struct desk_question *question)
{
    const struct request *request = &question->request;
    static const bool is_free[] = {
        [REPLY_ORDER] = true,   [REPLY_CANCEL] = true, [REPLY_CANCEL_ALL] = true,
        [REPLY_REPLACE] = true, [REPLY_LIST] = true,   [REPLY_LIST_CANCEL] = true};
    if (question->reply.repeated_ns != 0) return; /* it placed nothing */
    if (request->http_status != 200 || request->reply_kind >= sizeof(is_free) ||
        !is_free[request->reply_kind])
        return;
    quota_give_back(question->desk->quota, request->address, request->weight, request->now_ns);
}

/* Atomic maximum; release: whoever loads it with acquire and waits for its own view to reach it reads
 * what this answer tells. */
static void raise_acked(struct progress *progress, uint64_t command)
{
    uint64_t acked = atomic_load_explicit(&progress->acked_command, memory_order_relaxed);
    while (acked < command &&
           !atomic_compare_exchange_weak_explicit(&progress->acked_command, &acked, command,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

void submit_show(struct desk *desk)
{
    if (hall_loop_count(desk->hall) > 1)
        raise_acked(desk->options->progress, view_command(desk->facts.view));
}

static void expect_reply(struct desk_question *question)
{
    const struct request *request = &question->request;
    struct writer list;
    writer_start_growing(&list, DESK_ANSWER_MAX, question->asker->grow, question);
    reply_begin(&question->reply, request->reply_kind, request->response, &request->intent,
                request->client_id, list);
}

/* The secret of a key that was just made is told to its owner, whose signature the command has; here and now alone. */
static void tell_secret(struct desk_question *question)
{
    const struct view *view = question->desk->facts.view;
    struct reply *reply = &question->reply;
    if (reply->key_change != T_KEY_CREATED) return;
    const int64_t index = view_find_key(view, reply->key_id);
    if (index < 0 ||
        !auth_tell_secret(question->desk->auth, view_key(view, (uint32_t)index), reply->key_secret))
        reply->key_secret[0] = '\0';
}

static void answer(struct desk_question *question, const struct applied *applied)
{
    struct request *request = &question->request;
    const struct printing printing = request_printing(request, &question->desk->facts);
    tell_secret(question);
    if (!reply_finish(&question->reply, &printing, &request->json, &request->refusal)) {
        desk_send_refusal(question);
        return;
    }
    request->http_status = question->reply.http_status;
    if (reply_placed_count(&question->reply) > 0) tell_orders(question, applied->stamp_ns);
    give_weight_back(question);
    desk_send_written(question);
}

void submit_finish(struct desk *desk, struct waiter *waiter, const struct applied *applied)
{
    struct desk_question *question = waiter->question;
    desk->returning = 0;
    if (question != NULL && question->reply.is_stale) {
        expect_reply(question);
        return;
    }
    /* In this order: who comes over another loop when the orders have left the hall waits for a view that has them. */
    raise_acked(desk->options->progress, applied->number);
    if (waiter->order_count > 0) hall_note_placed(desk->hall, waiter->account, applied->number);
    waiter_release(desk, (uint32_t)(waiter - desk->waiters));
    if (question != NULL) answer(question, applied);
}

/* Who has waited longest; not one whose command is coming back: its answer is as near. */
static uint32_t oldest(const struct desk *desk)
{
    const uint32_t slot = desk->waiters[0].next;
    return slot != 0 && slot == desk->returning ? desk->waiters[slot].next : slot;
}

void submit_end_waiting(struct desk *desk, uint64_t now_ms)
{
    for (;;) {
        const uint32_t slot = oldest(desk);
        if (slot == 0 || desk->waiters[slot].deadline_ms > now_ms) break;
        struct desk_question *question = desk->waiters[slot].question;
        waiter_release(desk, slot);
        if (question != NULL) desk_refuse(question, REJECT_OUTCOME_UNKNOWN);
    }
}

/* Its place stays with the command: who leaves and comes again has no more under way by it. */
void submit_forget(struct desk_question *question)
{
    struct desk *desk = question->desk;
    if (question->slot != SUBMIT_NO_SLOT) waiter_leave(desk, &desk->waiters[question->slot]);
}

/* ---- commands ---- */

static bool write_command(struct desk_question *question, uint64_t ticket, enum reject *reject)
{
    struct desk *desk = question->desk;
    struct request *request = &question->request;
    const struct admission admission = {
        .intent = &request->intent,
        .proof = &request->proof,
        .payload = &request->payload,
        .deadline_ns = request->deadline_ns,
        .ticket = ticket,
        .origin = desk->options->node,
    };
    const size_t byte_count = admit_bytes(&admission);
    *reject = REJECT_SIGNATURE;
    if (byte_count == 0) return false;
    uint8_t *at = ring_reserve(desk->options->submissions, byte_count);
    if (at == NULL) {
        metric_add(&desk->options->metrics->admission_full_total, 1);
        *reject = REJECT_BUSY;
        return false;
    }
    admit_put(&admission, at);
    if (!admit_provable(at, byte_count, &desk->facts, &desk->form)) return false;
    ring_commit(desk->options->submissions, byte_count);
    desk->has_committed = true;
    return true;
}

/* Whether as many of the address are under way as may be. */
static bool has_its_share(const struct desk_question *question)
{
    const struct desk *desk = question->desk;
    return desk->options->limits_on &&
           hall_count(desk->hall, HALL_COMMANDS, question->request.address) >= DESK_COMMANDS_SHARE;
}

/* What only a session says: every node takes this one's word for a key with an HMAC secret, as it does for each of that
 * key's orders, and for no other key. */
static bool vouch(struct desk_question *question)
{
    struct request *request = &question->request;
    const struct view_key *key = view_key(question->desk->facts.view, request->key_index);
    if (key->secret_version == 0) return false;
    request->proof = (struct auth_proof){.kind = AUTH_HMAC};
    memcpy(request->proof.key_id, key->key_id, sizeof(key->key_id));
    return true;
}

/* The log would refuse it: an account that waits for an operator can only ask. */
static bool waits(const struct desk_question *question)
{
    const struct view_account *account =
        view_account(question->desk->facts.view, question->request.account);
    return account != NULL && account->pending;
}

void submit_command(struct desk_question *question)
{
    struct desk *desk = question->desk;
    const struct progress *progress = desk->options->progress;
    enum reject reject = REJECT_BUSY;
    uint64_t ticket;
    expect_reply(question);

    if (question->by_session && !vouch(question)) {
        desk_refuse(question, REJECT_SESSION_UNSIGNED);
    } else if (waits(question)) {
        desk_refuse(question, REJECT_ACCOUNT_PENDING);
    } else if (desk->is_stopping) {
        desk_refuse(question, REJECT_STOPPING);
    } else if (atomic_load_explicit(&progress->halted, memory_order_relaxed) != 0) {
        desk_refuse(question, REJECT_HALTED);
    } else if (!request_admits(&desk->facts)) {
        desk_refuse(question, REJECT_NOT_ADMITTING);
    } else if (has_its_share(question)) {
        desk_refuse_queued(question);
    } else if (!wait_for_command(question, &ticket)) {
        desk_refuse(question, REJECT_BUSY);
    } else if (!write_command(question, ticket, &reject)) {
        waiter_release(desk, question->slot);
        desk_refuse(question, reject);
    }
}

void submit_flush(struct desk *desk)
{
    if (!desk->has_committed) return;
    desk->has_committed = false;
    if (ring_publish(desk->options->submissions)) park_wake(desk->options->submissions_park);
}
