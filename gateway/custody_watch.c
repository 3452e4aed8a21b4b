#include "gateway/custody_watch.h"

#include "common/arena.h"
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

static bool deposit_under_way(uint8_t state)
{
    return state == DEPOSIT_CONFIRMING || state == DEPOSIT_OWED;
}

static bool withdrawal_under_way(uint8_t state)
{
    return state == WITHDRAWAL_HELD || state == WITHDRAWAL_APPROVED ||
           state == WITHDRAWAL_BROADCAST;
}

/* One that is told again and stays as it is keeps its time; a new one takes the place of one that has ended. */
static void move(const struct custody_watch *watch, struct kind *kind, uint64_t number,
                 uint8_t state, uint64_t now_ns, bool (*is_under_way)(uint8_t state))
{
    const uint64_t place = number % watch->capacity;
    const uint8_t before = kind->states[place];
    if (number <= kind->last && before == state) return;
    kind->under_way -= is_under_way(before);
    kind->under_way += is_under_way(state);
    kind->states[place] = state;
    kind->since_ns[place] = now_ns;
    if (number > kind->last) kind->last = number;
}

void custody_watch_apply(struct custody_watch *watch, uint64_t stamp_ns, const struct event *event)
{
    if (event->type == T_DEPOSIT_CHANGED) {
        struct deposit_changed_event changed;
        deposit_changed_event_get(event->payload, &changed);
        move(watch, &watch->deposits, changed.deposit, changed.state, stamp_ns, deposit_under_way);
    } else if (event->type == T_WITHDRAWAL_CHANGED) {
        struct withdrawal_changed_event changed;
        withdrawal_changed_event_get(event->payload, &changed);
        move(watch, &watch->withdrawals, changed.withdrawal, changed.state, stamp_ns,
             withdrawal_under_way);
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
            move(watch, &watch->deposits, number, deposit->state, now_ns, deposit_under_way);
    }
    for (uint64_t number = first_of(watch, withdrawal_last); number <= withdrawal_last; number++) {
        const struct withdrawal_changed_event *withdrawal = custody_view_withdrawal(view, number);
        if (withdrawal != NULL)
            move(watch, &watch->withdrawals, number, withdrawal->state, now_ns,
                 withdrawal_under_way);
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

static void measure_deposits(const struct custody_watch *watch, uint64_t now_ns,
                             struct metrics *metrics)
{
    const struct kind *kind = &watch->deposits;
    struct waiting confirming = {0}, owed = {0};
    if (kind->under_way > 0)
        for (uint64_t number = first_of(watch, kind->last); number <= kind->last; number++) {
            const uint64_t place = number % watch->capacity;
            if (kind->states[place] == DEPOSIT_CONFIRMING) add(&confirming, kind->since_ns[place]);
            if (kind->states[place] == DEPOSIT_OWED) add(&owed, kind->since_ns[place]);
        }
    metric_set(&metrics->deposits_confirming, confirming.count);
    metric_set(&metrics->deposits_confirming_s, age_s(&confirming, now_ns));
    metric_set(&metrics->deposits_owed, owed.count);
}

void custody_watch_measure(const struct custody_watch *watch, const struct custody_view *view,
                           uint64_t certified_height, uint64_t now_ns, struct metrics *metrics)
{
    const struct kind *kind = &watch->withdrawals;
    struct waiting held = {0}, approved = {0}, released = {0}, broadcast = {0};
    if (kind->under_way > 0)
        for (uint64_t number = first_of(watch, kind->last); number <= kind->last; number++) {
            const uint64_t place = number % watch->capacity, since_ns = kind->since_ns[place];
            const uint8_t state = kind->states[place];
            if (state == WITHDRAWAL_HELD) add(&held, since_ns);
            if (state == WITHDRAWAL_BROADCAST) add(&broadcast, since_ns);
            if (state != WITHDRAWAL_APPROVED) continue;
            const struct withdrawal_changed_event *facts = custody_view_withdrawal(view, number);
            const bool is_released = facts != NULL && facts->block <= certified_height;
            add(is_released ? &released : &approved, since_ns);
        }
    metric_set(&metrics->withdrawals_held, held.count);
    metric_set(&metrics->withdrawals_held_s, age_s(&held, now_ns));
    metric_set(&metrics->withdrawals_approved, approved.count);
    metric_set(&metrics->withdrawals_approved_s, age_s(&approved, now_ns));
    metric_set(&metrics->withdrawals_released, released.count);
    metric_set(&metrics->withdrawals_released_s, age_s(&released, now_ns));
    metric_set(&metrics->withdrawals_broadcast, broadcast.count);
    metric_set(&metrics->withdrawals_broadcast_s, age_s(&broadcast, now_ns));
    measure_deposits(watch, now_ns, metrics);
}
