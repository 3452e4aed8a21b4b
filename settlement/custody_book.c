#include "settlement/custody_book.h"

#include "common/arena.h"
#include "common/le.h"
#include "settlement/image.h"
#include "settlement/slot_index.h"

#include <string.h>

#define CLIENT_BYTES 36

struct withdrawn {
    amount_t sum;
    uint32_t day;
};

struct custody_book {
    struct address_changed_event *addresses;
    struct deposit_changed_event *deposits; /* number n in place n mod capacity */
    struct custody_withdrawal *withdrawals; /* likewise */
    struct withdrawn *withdrawn;            /* by account x assets_max + asset */
    uint32_t *listed; /* by account: addresses that it may withdraw to; of account 0 all of them */
    struct slot_index by_address, by_deposit, by_withdrawal; /* place + 1 */
    uint64_t floors[PARAMS_ROUTES_LIMIT];
    struct custody_span deposit_span, withdrawal_span;
    uint32_t address_count, addresses_max;
    uint32_t capacity;
    uint32_t assets_max;
};

size_t custody_book_bytes(const struct params *params)
{
    const size_t transfers = params_transfers_max(params), addresses = params_addresses_max(params);
    const size_t cells = ((size_t)params->accounts_max + 1) * params->assets_max;
    return addresses * sizeof(struct address_changed_event) +
           transfers * (sizeof(struct deposit_changed_event) + sizeof(struct custody_withdrawal)) +
           cells * sizeof(struct withdrawn) +
           ((size_t)params->accounts_max + 1) * sizeof(uint32_t) +
           slot_index_bytes((uint32_t)addresses) + 2 * slot_index_bytes((uint32_t)transfers) +
           sizeof(struct custody_book) + 576;
}

struct custody_book *custody_book_new(struct arena *arena, const struct params *params)
{
    const uint32_t transfers = params_transfers_max(params);
    struct custody_book *book = arena_take(arena, sizeof(*book));
    if (book == NULL) return NULL;
    book->addresses_max = params_addresses_max(params);
    book->capacity = transfers;
    book->assets_max = params->assets_max;
    book->addresses =
        arena_take_array(arena, book->addresses_max, sizeof(struct address_changed_event));
    book->deposits = arena_take_array(arena, transfers, sizeof(struct deposit_changed_event));
    book->withdrawals = arena_take_array(arena, transfers, sizeof(struct custody_withdrawal));
    book->withdrawn = arena_take_array(
        arena, ((size_t)params->accounts_max + 1) * params->assets_max, sizeof(struct withdrawn));
    book->listed = arena_take_array(arena, (size_t)params->accounts_max + 1, sizeof(uint32_t));
    const bool taken = book->addresses != NULL && book->deposits != NULL && book->listed != NULL &&
                       book->withdrawals != NULL && book->withdrawn != NULL &&
                       slot_index_init(&book->by_address, arena, book->addresses_max) &&
                       slot_index_init(&book->by_deposit, arena, transfers) &&
                       slot_index_init(&book->by_withdrawal, arena, transfers);
    return taken ? book : NULL;
}

static uint32_t bytes_hash(uint64_t seed, const uint8_t *bytes, size_t byte_count)
{
    uint64_t hash = 0xcbf29ce484222325u ^ seed * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < byte_count; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return slot_index_hash(hash, seed);
}

/* ---- Addresses. */

static bool address_owned(uint8_t kind)
{
    return kind == ADDRESS_WITHDRAWAL;
}

static uint32_t address_hash(uint8_t kind, uint32_t account, const uint8_t *address)
{
    return bytes_hash((uint64_t)kind << 32 | (address_owned(kind) ? account : 0), address,
                      CHAIN_ADDRESS_BYTES);
}

struct address_changed_event *custody_book_address(const struct custody_book *book, uint8_t kind,
                                                   uint32_t account, const uint8_t *chain,
                                                   const uint8_t *address)
{
    struct slot_search search = {0};
    const uint32_t hash = address_hash(kind, account, address);
    uint32_t number;
    while ((number = slot_index_next(&book->by_address, hash, &search)) != 0) {
        struct address_changed_event *found = &book->addresses[number - 1];
        if (found->kind == kind && (!address_owned(kind) || found->account == account) &&
            memcmp(found->chain, chain, CHAIN_BYTES) == 0 &&
            memcmp(found->address, address, CHAIN_ADDRESS_BYTES) == 0)
            return found;
    }
    return NULL;
}

bool custody_book_add_address(struct custody_book *book,
                              const struct address_changed_event *address)
{
    if (book->address_count == book->addresses_max) return false;
    book->addresses[book->address_count++] = *address;
    slot_index_add(&book->by_address,
                   address_hash(address->kind, address->account, address->address),
                   book->address_count);
    if (address_owned(address->kind)) {
        book->listed[0]++;
        book->listed[address->account]++;
    }
    return true;
}

uint32_t custody_book_listed(const struct custody_book *book, uint32_t account)
{
    return book->listed[account];
}

uint32_t custody_book_address_count(const struct custody_book *book)
{
    return book->address_count;
}

const struct address_changed_event *custody_book_address_at(const struct custody_book *book,
                                                            uint32_t index)
{
    ASSERT(index < book->address_count);
    return &book->addresses[index];
}

/* ---- Deposits. */

struct deposit_changed_event *custody_book_deposit(const struct custody_book *book,
                                                   const uint8_t *chain, const uint8_t *txid,
                                                   uint32_t output)
{
    struct slot_search search = {0};
    const uint32_t hash = bytes_hash(output, txid, TXID_BYTES);
    uint32_t number;
    while ((number = slot_index_next(&book->by_deposit, hash, &search)) != 0) {
        struct deposit_changed_event *found = &book->deposits[number - 1];
        if (found->output == output && memcmp(found->txid, txid, TXID_BYTES) == 0 &&
            memcmp(found->chain, chain, CHAIN_BYTES) == 0)
            return found;
    }
    return NULL;
}

struct deposit_changed_event *custody_book_deposit_at(const struct custody_book *book,
                                                      uint64_t number)
{
    return &book->deposits[number % book->capacity];
}

struct custody_span custody_book_deposits(const struct custody_book *book)
{
    return book->deposit_span;
}

const struct deposit_changed_event *custody_book_deposit_put_out(const struct custody_book *book)
{
    const struct custody_span *span = &book->deposit_span;
    if (span->count < book->capacity) return NULL;
    return custody_book_deposit_at(book, span->last + 1 - span->count);
}

void custody_book_add_deposit(struct custody_book *book,
                              const struct deposit_changed_event *deposit)
{
    struct custody_span *span = &book->deposit_span;
    const struct deposit_changed_event *out = custody_book_deposit_put_out(book);
    ASSERT(span->count == 0 || deposit->deposit == span->last + 1);
    const uint32_t place = (uint32_t)(deposit->deposit % book->capacity) + 1;
    if (out != NULL) {
        slot_index_remove(&book->by_deposit, bytes_hash(out->output, out->txid, TXID_BYTES), place);
        span->count--;
    }
    book->deposits[place - 1] = *deposit;
    slot_index_add(&book->by_deposit, bytes_hash(deposit->output, deposit->txid, TXID_BYTES),
                   place);
    span->last = deposit->deposit;
    span->count++;
}

/* ---- Withdrawals. */

struct custody_withdrawal *custody_book_withdrawal_of(const struct custody_book *book,
                                                      uint32_t account, const uint8_t *client_id)
{
    struct slot_search search = {0};
    const uint32_t hash = bytes_hash(account, client_id, CLIENT_BYTES);
    uint32_t number;
    while ((number = slot_index_next(&book->by_withdrawal, hash, &search)) != 0) {
        struct custody_withdrawal *found = &book->withdrawals[number - 1];
        if (found->facts.account == account &&
            memcmp(found->facts.client_id, client_id, CLIENT_BYTES) == 0)
            return found;
    }
    return NULL;
}

struct custody_withdrawal *custody_book_withdrawal(const struct custody_book *book, uint64_t number)
{
    const struct custody_span *span = &book->withdrawal_span;
    if (number > span->last || number + span->count <= span->last) return NULL;
    return &book->withdrawals[number % book->capacity];
}

struct custody_span custody_book_withdrawals(const struct custody_book *book)
{
    return book->withdrawal_span;
}

const struct custody_withdrawal *custody_book_withdrawal_put_out(const struct custody_book *book)
{
    const struct custody_span *span = &book->withdrawal_span;
    if (span->count < book->capacity) return NULL;
    return &book->withdrawals[(span->last + 1 - span->count) % book->capacity];
}

void custody_book_add_withdrawal(struct custody_book *book,
                                 const struct custody_withdrawal *withdrawal)
{
    struct custody_span *span = &book->withdrawal_span;
    const struct custody_withdrawal *out = custody_book_withdrawal_put_out(book);
    const struct withdrawal_moved_event *facts = &withdrawal->facts;
    ASSERT(span->count == 0 || facts->withdrawal == span->last + 1);
    const uint32_t place = (uint32_t)(facts->withdrawal % book->capacity) + 1;
    if (out != NULL) {
        slot_index_remove(&book->by_withdrawal,
                          bytes_hash(out->facts.account, out->facts.client_id, CLIENT_BYTES),
                          place);
        span->count--;
    }
    book->withdrawals[place - 1] = *withdrawal;
    slot_index_add(&book->by_withdrawal, bytes_hash(facts->account, facts->client_id, CLIENT_BYTES),
                   place);
    span->last = facts->withdrawal;
    span->count++;
}

/* ---- The rest. */

uint64_t *custody_book_floor(struct custody_book *book, int chain)
{
    ASSERT(chain >= 0 && chain < PARAMS_ROUTES_LIMIT);
    return &book->floors[chain];
}

static struct withdrawn *withdrawn_at(const struct custody_book *book, uint32_t account,
                                      uint16_t asset)
{
    return &book->withdrawn[(size_t)account * book->assets_max + asset];
}

int64_t custody_book_withdrawn(const struct custody_book *book, uint32_t account, uint16_t asset,
                               uint32_t day)
{
    const struct withdrawn *withdrawn = withdrawn_at(book, account, asset);
    return withdrawn->day == day ? withdrawn->sum.units : 0;
}

void custody_book_add_withdrawn(struct custody_book *book, uint32_t account, uint16_t asset,
                                uint32_t day, amount_t amount)
{
    const int64_t before = custody_book_withdrawn(book, account, asset, day);
    ASSERT(before + amount.units >= 0);
    *withdrawn_at(book, account, asset) = (struct withdrawn){{before + amount.units}, day};
}

void custody_book_set_last(struct custody_book *book, uint64_t deposit, uint64_t withdrawal)
{
    book->deposit_span.last = deposit;
    book->withdrawal_span.last = withdrawal;
}

struct custody_book *custody_book_image(struct arena *arena, const struct custody_book *book,
                                        const struct image_move *move)
{
    struct custody_book *copy = image_take(arena, move, book, sizeof(*copy));
    if (copy == NULL) return NULL;
    copy->addresses = image_at(move, copy->addresses);
    copy->deposits = image_at(move, copy->deposits);
    copy->withdrawals = image_at(move, copy->withdrawals);
    copy->withdrawn = image_at(move, copy->withdrawn);
    copy->listed = image_at(move, copy->listed);
    copy->by_address.cells = image_at(move, copy->by_address.cells);
    copy->by_deposit.cells = image_at(move, copy->by_deposit.cells);
    copy->by_withdrawal.cells = image_at(move, copy->by_withdrawal.cells);
    return copy;
}
