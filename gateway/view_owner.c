#include "gateway/view_owner.h"

#include "gateway/view.h"

#include <string.h>

static const uint8_t none[PUBLIC_KEY_BYTES];

static uint32_t table_size(uint32_t accounts_max)
{
    uint32_t size = 16;
    while (size < accounts_max * 2ull && size < (1u << 31))
        size *= 2;
    return size;
}

size_t view_owner_bytes(uint32_t accounts_max)
{
    return table_size(accounts_max) * sizeof(uint32_t) + 64;
}

bool view_owner_init(struct view_owners *owners, struct arena *arena, uint32_t accounts_max)
{
    const uint32_t size = table_size(accounts_max);
    owners->mask = size - 1;
    owners->table = arena_take_array(arena, size, sizeof(*owners->table));
    return owners->table != NULL;
}

/* Who makes keys until some of them collide pays for each with an account. */
static uint32_t home_of(const struct view_owners *owners,
                        const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    uint64_t words[4];
    memcpy(words, public_key, sizeof(words));
    const uint64_t mixed = (words[0] ^ words[1] * 0xff51afd7ed558ccdu) * 0x9e3779b97f4a7c15u ^
                           (words[2] ^ words[3] * 0xc4ceb9fe1a85ec53u) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)(mixed >> 32) & owners->mask;
}

void view_owner_add(struct view_owners *owners, const struct view_account *accounts,
                    uint32_t account)
{
    const uint8_t *public_key = accounts[account].public_key;
    if (memcmp(public_key, none, sizeof(none)) == 0) return;
    uint32_t at = home_of(owners, public_key);
    while (owners->table[at] != 0)
        at = (at + 1) & owners->mask;
    owners->table[at] = account;
}

uint32_t view_owner_find(const struct view_owners *owners, const struct view_account *accounts,
                         const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    /* Ends: the table is at most half full. */
    for (uint32_t at = home_of(owners, public_key);; at = (at + 1) & owners->mask) {
        const uint32_t account = owners->table[at];
        if (account == 0) return 0;
        if (memcmp(accounts[account].public_key, public_key, PUBLIC_KEY_BYTES) == 0) return account;
    }
}
