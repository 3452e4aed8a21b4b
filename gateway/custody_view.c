#include "gateway/custody_view.h"

#include "common/arena.h"
#include "common/withdrawal_event.h"

#include <string.h>

struct custody_view {
    struct deposit_changed_event *deposits; /* number n in place n mod capacity; 0: none */
    struct withdrawal_moved_event *withdrawals;
    struct transfer_times *deposit_times, *withdrawal_times; /* in the same places */
    struct address_changed_event *addresses;
    uint32_t *places; /* of addresses, by hash: index + 1 */
    uint64_t deposit_last, withdrawal_last;
    uint64_t put_out; /* the command that did it last */
    uint32_t capacity;
    uint32_t address_count, addresses_max;
    uint32_t place_mask;
};

/* A power of two, at least twice as many. */
static uint32_t place_count(uint32_t addresses_max)
{
    uint32_t count = 16;
    while (count < 2 * addresses_max)
        count *= 2;
    return count;
}

size_t custody_view_bytes(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    const size_t transfers = params_transfers_max(params);
    const uint32_t addresses = params_addresses_max(params);
    return sizeof(struct custody_view) +
           transfers * (sizeof(struct deposit_changed_event) +
                        sizeof(struct withdrawal_moved_event) + 2 * sizeof(struct transfer_times)) +
           addresses * sizeof(struct address_changed_event) +
           place_count(addresses) * sizeof(uint32_t) + 512;
}

struct custody_view *custody_view_new(struct arena *arena, const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    const uint32_t transfers = params_transfers_max(params);
    struct custody_view *view = arena_take(arena, sizeof(*view));
    if (view == NULL) return NULL;
    view->capacity = transfers;
    view->addresses_max = params_addresses_max(params);
    view->place_mask = place_count(view->addresses_max) - 1;
    view->deposits = arena_take_array(arena, transfers, sizeof(struct deposit_changed_event));
    view->withdrawals = arena_take_array(arena, transfers, sizeof(struct withdrawal_moved_event));
    view->deposit_times = arena_take_array(arena, transfers, sizeof(struct transfer_times));
    view->withdrawal_times = arena_take_array(arena, transfers, sizeof(struct transfer_times));
    view->addresses =
        arena_take_array(arena, view->addresses_max, sizeof(struct address_changed_event));
    view->places = arena_take_array(arena, (size_t)view->place_mask + 1, sizeof(uint32_t));
    const bool taken = view->deposits != NULL && view->withdrawals != NULL &&
                       view->deposit_times != NULL && view->withdrawal_times != NULL &&
                       view->addresses != NULL && view->places != NULL;
    return taken ? view : NULL;
}

void custody_view_deposit_put(struct custody_view *view,
                              const struct deposit_changed_event *deposit)
{
    view->deposits[deposit->deposit % view->capacity] = *deposit;
    if (deposit->deposit > view->deposit_last) view->deposit_last = deposit->deposit;
}

void custody_view_withdrawal_put(struct custody_view *view,
                                 const struct withdrawal_moved_event *withdrawal)
{
    view->withdrawals[withdrawal->withdrawal % view->capacity] = *withdrawal;
    if (withdrawal->withdrawal > view->withdrawal_last)
        view->withdrawal_last = withdrawal->withdrawal;
}

/* Whether two are of the same address: one to deposit to has no owner as part of its name. */
static bool is_same(const struct address_changed_event *one,
                    const struct address_changed_event *other)
{
    return one->kind == other->kind &&
           (one->kind == ADDRESS_DEPOSIT || one->account == other->account) &&
           memcmp(one->chain, other->chain, CHAIN_BYTES) == 0 &&
           memcmp(one->address, other->address, CHAIN_ADDRESS_BYTES) == 0;
}

static uint32_t hash_of_address(const struct address_changed_event *address)
{
    uint32_t hash = 2166136261u ^ address->kind; /* FNV-1a */
    for (size_t i = 0; i < CHAIN_ADDRESS_BYTES; i++)
        hash = (hash ^ address->address[i]) * 16777619u;
    const uint32_t owner = address->kind == ADDRESS_DEPOSIT ? 0 : address->account;
    return (hash ^ owner * 0x9e3779b9u) * 16777619u;
}

void custody_view_address_put(struct custody_view *view,
                              const struct address_changed_event *address)
{
    uint32_t place = hash_of_address(address) & view->place_mask;
    for (; view->places[place] != 0; place = (place + 1) & view->place_mask) {
        struct address_changed_event *known = &view->addresses[view->places[place] - 1];
        if (!is_same(known, address)) continue;
        *known = *address;
        return;
    }
    ASSERT(view->address_count < view->addresses_max); /* the engine has as many */
    view->addresses[view->address_count++] = *address;
    view->places[place] = view->address_count;
}

/* A new number above what is kept takes the place of an old one. */
static void note_put_out(struct custody_view *view, uint64_t command, uint64_t number,
                         uint64_t last)
{
    if (number > last && number > view->capacity) view->put_out = command;
}

/* A new number, above the last one, takes the place of an old one. */
static void note_times(struct transfer_times *times, bool is_new, uint64_t stamp_ns)
{
    if (is_new) times->created_ns = stamp_ns;
    times->changed_ns = stamp_ns;
}

void custody_view_apply(struct custody_view *view, uint64_t command, uint64_t stamp_ns,
                        const struct event *event)
{
    if (event->type == T_DEPOSIT_CHANGED) {
        struct deposit_changed_event deposit;
        deposit_changed_event_get(event->payload, &deposit);
        note_put_out(view, command, deposit.deposit, view->deposit_last);
        note_times(&view->deposit_times[deposit.deposit % view->capacity],
                   deposit.deposit > view->deposit_last, stamp_ns);
        custody_view_deposit_put(view, &deposit);
    } else if (withdrawal_event_is(event->type)) {
        struct withdrawal_moved_event withdrawal;
        withdrawal_event_get(event, &withdrawal);
        note_put_out(view, command, withdrawal.withdrawal, view->withdrawal_last);
        note_times(&view->withdrawal_times[withdrawal.withdrawal % view->capacity],
                   withdrawal.withdrawal > view->withdrawal_last, stamp_ns);
        custody_view_withdrawal_put(view, &withdrawal);
    } else if (event->type == T_ADDRESS_CHANGED) {
        struct address_changed_event address;
        address_changed_event_get(event->payload, &address);
        custody_view_address_put(view, &address);
    }
}

void custody_view_restored(struct custody_view *view, uint64_t command)
{
    if (view->deposit_last > view->capacity || view->withdrawal_last > view->capacity)
        view->put_out = command;
}

const struct withdrawal_moved_event *custody_view_withdrawal_named(const struct custody_view *view,
                                                                   uint32_t account,
                                                                   const uint8_t client_id[36])
{
    const uint64_t last = view->withdrawal_last;
    for (uint64_t number = last; number > 0 && last - number < view->capacity; number--) {
        const struct withdrawal_moved_event *one = custody_view_withdrawal(view, number);
        if (one != NULL && one->account == account && memcmp(one->client_id, client_id, 36) == 0)
            return one;
    }
    return NULL;
}

uint32_t custody_view_kept(const struct custody_view *view)
{
    return view->capacity;
}

uint64_t custody_view_put_out(const struct custody_view *view)
{
    return view->put_out;
}

uint64_t custody_view_deposit_last(const struct custody_view *view)
{
    return view->deposit_last;
}

uint64_t custody_view_withdrawal_last(const struct custody_view *view)
{
    return view->withdrawal_last;
}

const struct deposit_changed_event *custody_view_deposit(const struct custody_view *view,
                                                         uint64_t number)
{
    const struct deposit_changed_event *deposit = &view->deposits[number % view->capacity];
    return number != 0 && deposit->deposit == number ? deposit : NULL;
}

const struct withdrawal_moved_event *custody_view_withdrawal(const struct custody_view *view,
                                                             uint64_t number)
{
    const struct withdrawal_moved_event *found = &view->withdrawals[number % view->capacity];
    return number != 0 && found->withdrawal == number ? found : NULL;
}

struct transfer_times custody_view_deposit_times(const struct custody_view *view, uint64_t number)
{
    ASSERT(custody_view_deposit(view, number) != NULL);
    return view->deposit_times[number % view->capacity];
}

struct transfer_times custody_view_withdrawal_times(const struct custody_view *view,
                                                    uint64_t number)
{
    ASSERT(custody_view_withdrawal(view, number) != NULL);
    return view->withdrawal_times[number % view->capacity];
}

uint32_t custody_view_address_count(const struct custody_view *view)
{
    return view->address_count;
}

const struct address_changed_event *custody_view_address(const struct custody_view *view,
                                                         uint32_t index)
{
    ASSERT(index < view->address_count);
    return &view->addresses[index];
}
