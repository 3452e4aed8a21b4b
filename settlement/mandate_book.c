#include "settlement/mandate_book.h"

#include "common/arena.h"
#include "common/command_rules.h"
#include "settlement/state.h"

#define ASSETS 1 /* of the sheet, whose cells stay untouched */

/* How far the log's stamps must be above a deadline for the command to be void in any log, also one that operators cut and that
 * goes on by other clocks; and how far ahead of the time a deadline may be that an honest gateway took. */
#define LATE_NS UINT64_C(2000000000)
#define SOON_NS UINT64_C(120000000000)

struct mandate_book {
    const struct genesis *genesis;
    hash_t chain_id;
    struct params params;
    struct keyring *keys;
    struct balance_sheet *accounts; /* its owners alone */
};

size_t mandate_book_bytes(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    return sizeof(struct mandate_book) + keyring_bytes(params->keys_max, params->accounts_max) +
           balance_sheet_bytes(params->accounts_max, ASSETS) + 256;
}

struct mandate_book *mandate_book_new(struct arena *arena, const struct genesis *genesis)
{
    struct mandate_book *book = arena_take(arena, sizeof(*book));
    if (book == NULL) return NULL;
    book->genesis = genesis;
    book->chain_id = genesis_chain_id(genesis);
    book->params = genesis->params;
    book->keys = keyring_new(arena, genesis->params.keys_max, genesis->params.accounts_max);
    book->accounts = balance_sheet_new(arena, genesis->params.accounts_max, ASSETS);
    return book->keys != NULL && book->accounts != NULL ? book : NULL;
}

void mandate_book_copy(struct mandate_book *book, const struct settlement *settlement)
{
    ASSERT(keyring_count(book->keys) == 0 && balance_sheet_count(book->accounts) == 0);
    book->params = settlement->params;
    for (uint32_t i = 0; i < keyring_count(settlement->keys); i++) {
        const struct key_added_event *key = keyring_at(settlement->keys, i);
        const struct keyring_right *right = keyring_right_of(settlement->keys, key);
        const bool added = keyring_add(book->keys, key);
        ASSERT(added); /* the bounds are the same */
        if (right->is_shared) keyring_share(book->keys, key->key_id, right);
    }
    for (uint32_t i = 1; i <= balance_sheet_count(settlement->accounts); i++) {
        const struct balance_owner *owner = balance_sheet_owner(settlement->accounts, i);
        const uint32_t account = balance_sheet_open(book->accounts, owner->public_key, 0);
        ASSERT(account == i);
    }
}

bool mandate_book_concerns(uint16_t command_type)
{
    switch (command_type) {
    case T_ASSET_CREATE:
    case T_MARKET_CREATE:
    case T_MARKET_STATUS:
    case T_MARKET_FILTERS:
    case T_ACCOUNT_CREATE:
    case T_KEY_ADD:
    case T_KEY_CREATE:
    case T_KEY_LIMIT:
    case T_KEY_REMOVE:
    case T_RULES_SET:
    case T_ROUTE_SET:
    case T_CONNECTOR_ADD:
    case T_ROUTE_FEE_SET:
    case T_ACCOUNT_OPEN:
    case T_OPENING_SET:
        return true;
    default:
        return false;
    }
}

bool mandate_book_needs(uint16_t event_type)
{
    switch (event_type) {
    case T_ASSET_CREATED:
    case T_MARKET_CREATED:
    case T_MARKET_STATUS_CHANGED:
    case T_MARKET_FILTERED:
    case T_ACCOUNT_CREATED:
    case T_KEY_ADDED:
    case T_KEY_CREATED:
    case T_KEY_LIMITED:
    case T_KEY_REMOVED:
    case T_RULES_CHANGED:
    case T_ROUTE_CHANGED:
    case T_CONNECTOR_ADDED:
    case T_ROUTE_FEE_CHANGED:
    case T_OPENING_CHANGED:
        return true;
    default:
        return false;
    }
}

static bool add_account(struct mandate_book *book, const struct event *event)
{
    struct account_created_event created;
    account_created_event_get(event->payload, &created);
    return created.account == balance_sheet_count(book->accounts) + 1 &&
           balance_sheet_open(book->accounts, created.public_key, 0) != 0;
}

static bool add_key(struct mandate_book *book, const struct event *event)
{
    struct key_added_event added;
    key_added_event_get(event->payload, &added);
    if (!balance_sheet_has(book->accounts, added.account) || !keyring_add(book->keys, &added))
        return false;
    if (book->params.rules >= PARAMS_RULES_KEYS)
        keyring_share(book->keys, added.key_id, &(struct keyring_right){0});
    return true;
}

static bool is_of_owner(uint16_t event_type)
{
    return event_type == T_KEY_CREATED || event_type == T_KEY_LIMITED ||
           event_type == T_KEY_REMOVED;
}

bool mandate_book_apply(struct mandate_book *book, const struct event *event)
{
    if (!mandate_book_needs(event->type)) return true;
    if (event->type == T_ACCOUNT_CREATED) return add_account(book, event);
    if (event->type == T_KEY_ADDED) return add_key(book, event);
    /* When a key was removed does not matter here: the event that gives its place away names it. */
    if (is_of_owner(event->type)) return keyring_apply(book->keys, event, 1);
    if (!params_follows(&book->params, event)) return false;
    params_apply(&book->params, event);
    return true;
}

static struct authority authority_of(const struct mandate_book *book)
{
    return (struct authority){
        .genesis = book->genesis,
        .chain_id = &book->chain_id,
        .params = &book->params,
        .keys = book->keys,
        .accounts = book->accounts,
    };
}

const char *mandate_book_objection(const struct mandate_book *book, const struct command *command,
                                   struct authority_signature *signature)
{
    const struct authority authority = authority_of(book);
    *signature = (struct authority_signature){0};
    if (!command_rules_allow(book->params.rules, command->header.type)) return "rules";
    return authority_but_signature(&authority, command, signature);
}

bool mandate_book_late(const struct mandate_book *book, const struct command *command,
                       uint64_t stamp_ns, uint64_t clock_ns, uint64_t *stands_ns)
{
    const struct authority authority = authority_of(book);
    const uint64_t deadline_ns = command->header.deadline_ns;
    *stands_ns = 0;
    if (!command_rules_allow(book->params.rules, command->header.type) ||
        !authority_is_nobodys(&authority, command))
        return false;
    if (stamp_ns > LATE_NS && authority_is_late(&authority, command, stamp_ns - LATE_NS))
        return true;
    if (book->params.rules >= PARAMS_RULES_LATE && deadline_ns != 0 &&
        deadline_ns < clock_ns + SOON_NS)
        *stands_ns = deadline_ns + LATE_NS;
    return false;
}
