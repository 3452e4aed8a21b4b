#include "gateway/custody_watch.h"

#include "common/arena.h"
#include "common/withdrawal_event.h"
#include "gateway/custody_view.h"

#define SECOND_NS UINT64_C(1000000000)

/* Of deposits, or of withdrawals: number n in place n mod capacity. */
struct kind {
    uint8_t *states;
    uint64_t *since_ns; /* in that state */
    uint64_t last;      /* number of the newest */
    uint32_t under_way; /* how many are in a state that must end */
};

struct custody_watch {
    struct kind deposits, withdrawals;
    uint32_t capacity;
};

/* How many of a state there are, and since when the oldest is in it. */
struct waiting {
    uint64_t count;
    uint64_t since_ns;
};

size_t custody_watch_bytes(const struct genesis *genesis)
{
    const size_t transfers = params_transfers_max(&genesis->params);
    return sizeof(struct custody_watch) + 2 * transfers * (sizeof(uint64_t) + 1) + 512;
}

struct custody_watch *custody_watch_new(struct arena *arena, const struct genesis *genesis)
{
    const uint32_t transfers = params_transfers_max(&genesis->params);
    struct custody_watch *watch = arena_take(arena, sizeof(*watch));
    if (watch == NULL) return NULL;
    watch->capacity = transfers;
    struct kind *const kinds[] = {&watch->deposits, &watch->withdrawals};
    for (int i = 0; i < 2; i++) {
        kinds[i]->states = arena_take_array(arena, transfers, sizeof(uint8_t));
        kinds[i]->since_ns = arena_take_array(arena, transfers, sizeof(uint64_t));
        if (kinds[i]->states == NULL || kinds[i]->since_ns == NULL) return NULL;
    }
    return watch;
}

/* The states that must end, a bit for each. */
#define DEPOSITS_OPEN (1u << DEPOSIT_CONFIRMING | 1u << DEPOSIT_OWED)
#define WITHDRAWALS_OPEN \
    (1u << WITHDRAWAL_HELD | 1u << WITHDRAWAL_APPROVED | 1u << WITHDRAWAL_BROADCAST)

static bool is_in(uint8_t state, uint32_t open)
{
    ASSERT(state < 32);
    return (open >> state & 1) != 0;
}

/* One that is told again and stays as it is keeps its time; a new one takes the place of one that has ended. */
static void move(const struct custody_watch *watch, struct kind *kind, uint64_t number,
                 uint8_t state, uint64_t now_ns, uint32_t open)
{
    const uint64_t place = number % watch->capacity;
    const uint8_t before = kind->states[place];
    if (number <= kind->last && before == state) return;
    kind->under_way -= is_in(before, open);
    kind->under_way += is_in(state, open);
    kind->states[place] = state;
    kind->since_ns[place] = now_ns;
    if (number > kind->last) kind->last = number;
}

void custody_watch_apply(struct custody_watch *watch, uint64_t stamp_ns, const struct event *event)
{
    if (event->type == T_DEPOSIT_CHANGED) {
        struct deposit_changed_event changed;
        deposit_changed_event_get(event->payload, &changed);
        move(watch, &watch->deposits, changed.deposit, changed.state, stamp_ns, DEPOSITS_OPEN);
    } else if (withdrawal_event_is(event->type)) {
        struct withdrawal_moved_event changed;
        withdrawal_event_get(event, &changed);
        move(watch, &watch->withdrawals, changed.withdrawal, changed.state, stamp_ns,
             WITHDRAWALS_OPEN);
    }
}

/* The lowest number that may be remembered. */
static uint64_t first_of(const struct custody_watch *watch, uint64_t last)
{
    return last > watch->capacity ? last - watch->capacity + 1 : 1;
}

void custody_watch_fill(struct custody_watch *watch, const struct custody_view *view,
                        uint64_t now_ns)
{
    const uint64_t deposit_last = custody_view_deposit_last(view);
    const uint64_t withdrawal_last = custody_view_withdrawal_last(view);
    for (uint64_t number = first_of(watch, deposit_last); number <= deposit_last; number++) {
        const struct deposit_changed_event *deposit = custody_view_deposit(view, number);
        if (deposit != NULL)
            move(watch, &watch->deposits, number, deposit->state, now_ns, DEPOSITS_OPEN);
    }
    for (uint64_t number = first_of(watch, withdrawal_last); number <= withdrawal_last; number++) {
        const struct withdrawal_moved_event *withdrawal = custody_view_withdrawal(view, number);
        if (withdrawal != NULL)
            move(watch, &watch->withdrawals, number, withdrawal->state, now_ns, WITHDRAWALS_OPEN);
    }
}

static void add(struct waiting *waiting, uint64_t since_ns)
{
    if (waiting->count++ == 0 || since_ns < waiting->since_ns) waiting->since_ns = since_ns;
}

/* A stamp may be ahead of this node's clock. */
static uint64_t age_s(const struct waiting *waiting, uint64_t now_ns)
{
    if (waiting->count == 0 || waiting->since_ns >= now_ns) return 0;
    return (now_ns - waiting->since_ns) / SECOND_NS;
}

/* What is in one of these states: how many, and since when. The numbers that are remembered, place by place. */
static void gather(const struct custody_watch *watch, const struct kind *kind,
                   void (*take)(void *context, uint8_t state, uint64_t number, uint64_t since_ns),
                   void *context, uint32_t open)
{
    if (kind->under_way == 0) return;
    uint64_t number = first_of(watch, kind->last);
    uint64_t place = number % watch->capacity;
    for (; number <= kind->last; number++) {
        if (is_in(kind->states[place], open))
            take(context, kind->states[place], number, kind->since_ns[place]);
        if (++place == watch->capacity) place = 0;
    }
}

struct deposits {
    struct waiting confirming, owed;
};

static void take_deposit(void *context, uint8_t state, uint64_t number, uint64_t since_ns)
{
    struct deposits *deposits = context;
    (void)number;
    add(state == DEPOSIT_OWED ? &deposits->owed : &deposits->confirming, since_ns);
}

struct withdrawals {
    const struct custody_view *view;
    uint64_t certified_height;
    struct waiting held, approved, released, broadcast;
};

static void take_withdrawal(void *context, uint8_t state, uint64_t number, uint64_t since_ns)
{
    struct withdrawals *all = context;
    if (state == WITHDRAWAL_HELD) add(&all->held, since_ns);
    if (state == WITHDRAWAL_BROADCAST) add(&all->broadcast, since_ns);
    if (state != WITHDRAWAL_APPROVED) return;
    const struct withdrawal_moved_event *facts = custody_view_withdrawal(all->view, number);
    const bool is_released = facts != NULL && facts->block <= all->certified_height;
    add(is_released ? &all->released : &all->approved, since_ns);
}

void custody_watch_measure(const struct custody_watch *watch, const struct custody_view *view,
                           uint64_t certified_height, uint64_t now_ns, struct metrics *metrics)
{
    struct deposits deposits = {.owed = {0}};
    struct withdrawals all = {.view = view, .certified_height = certified_height};
    gather(watch, &watch->deposits, take_deposit, &deposits, DEPOSITS_OPEN);
    gather(watch, &watch->withdrawals, take_withdrawal, &all, WITHDRAWALS_OPEN);
    metric_set(&metrics->deposits_confirming, deposits.confirming.count);
    metric_set(&metrics->deposits_confirming_s, age_s(&deposits.confirming, now_ns));
    metric_set(&metrics->deposits_owed, deposits.owed.count);
    metric_set(&metrics->withdrawals_held, all.held.count);
    metric_set(&metrics->withdrawals_held_s, age_s(&all.held, now_ns));
    metric_set(&metrics->withdrawals_approved, all.approved.count);
    metric_set(&metrics->withdrawals_approved_s, age_s(&all.approved, now_ns));
    metric_set(&metrics->withdrawals_released, all.released.count);
    metric_set(&metrics->withdrawals_released_s, age_s(&all.released, now_ns));
    metric_set(&metrics->withdrawals_broadcast, all.broadcast.count);
    metric_set(&metrics->withdrawals_broadcast_s, age_s(&all.broadcast, now_ns));
}
