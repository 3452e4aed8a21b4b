#include "gateway/user_memory.h"

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t user_memory_bytes(uint32_t accounts_max, uint32_t capacity)
{
    return rounded(((size_t)capacity + 1) * sizeof(struct user_place)) +
           rounded(((size_t)accounts_max + 1) * sizeof(struct user_owner)) +
           rounded(((size_t)capacity + 1) * sizeof(struct user_rank));
}

bool user_memory_init(struct user_memory *memory, struct arena *arena, uint32_t accounts_max,
                      uint32_t capacity)
{
    *memory = (struct user_memory){.accounts_max = accounts_max, .capacity = capacity};
    memory->places = arena_take_array(arena, (size_t)capacity + 1, sizeof(struct user_place));
    memory->owners = arena_take_array(arena, (size_t)accounts_max + 1, sizeof(struct user_owner));
    memory->ranks = arena_take_array(arena, (size_t)capacity + 1, sizeof(struct user_rank));
    return memory->places != NULL && memory->owners != NULL && memory->ranks != NULL;
}

/* ---- ranks ---- */

static void rank_leave(struct user_memory *memory, uint32_t account)
{
    const struct user_owner *owner = &memory->owners[account];
    struct user_rank *rank = &memory->ranks[owner->count];
    if (owner->left == 0)
        rank->first = owner->right;
    else
        memory->owners[owner->left].right = owner->right;
    if (owner->right == 0)
        rank->last = owner->left;
    else
        memory->owners[owner->right].left = owner->left;
}

static void rank_enter(struct user_memory *memory, uint32_t account)
{
    struct user_owner *owner = &memory->owners[account];
    struct user_rank *rank = &memory->ranks[owner->count];
    owner->left = rank->last;
    owner->right = 0;
    if (rank->last == 0)
        rank->first = account;
    else
        memory->owners[rank->last].right = account;
    rank->last = account;
}

/* One more, or one fewer: it is the one rank beside its own that may be the highest now. */
static void count_entries(struct user_memory *memory, uint32_t account, uint32_t count)
{
    struct user_owner *owner = &memory->owners[account];
    if (owner->count > 0) rank_leave(memory, account);
    owner->count = count;
    if (count > 0) rank_enter(memory, account);
    if (count > memory->most) memory->most = count;
    if (memory->most > 0 && memory->ranks[memory->most].first == 0) memory->most--;
}

uint32_t user_memory_who_gives(const struct user_memory *memory)
{
    ASSERT(memory->most > 0);
    return memory->ranks[memory->most].last;
}

/* ---- places ---- */

static uint32_t take_free(struct user_memory *memory)
{
    const uint32_t place = memory->free;
    ASSERT(memory->count < memory->capacity);
    if (place == 0) return ++memory->used;
    memory->free = memory->places[place].behind;
    return place;
}

uint32_t user_memory_take(struct user_memory *memory, uint32_t account)
{
    ASSERT(account >= 1 && account <= memory->accounts_max);
    const uint32_t at = take_free(memory);
    struct user_owner *owner = &memory->owners[account];
    memory->places[at] = (struct user_place){.older = owner->newest,
                                             .before = memory->newest,
                                             .account = account,
                                             .age = memory->taken++};
    if (memory->newest == 0)
        memory->oldest = at;
    else
        memory->places[memory->newest].behind = at;
    memory->newest = at;
    if (owner->newest == 0)
        owner->oldest = at;
    else
        memory->places[owner->newest].newer = at;
    owner->newest = at;
    memory->count++;
    count_entries(memory, account, owner->count + 1);
    return at;
}

static void unlink_from_all(struct user_memory *memory, const struct user_place *place)
{
    if (place->before == 0)
        memory->oldest = place->behind;
    else
        memory->places[place->before].behind = place->behind;
    if (place->behind == 0)
        memory->newest = place->before;
    else
        memory->places[place->behind].before = place->before;
}

uint32_t user_memory_give(struct user_memory *memory, uint32_t account)
{
    struct user_owner *owner = &memory->owners[account];
    const uint32_t at = owner->oldest;
    ASSERT(at != 0);
    struct user_place *place = &memory->places[at];
    unlink_from_all(memory, place);
    owner->oldest = place->newer;
    if (owner->oldest == 0)
        owner->newest = 0;
    else
        memory->places[owner->oldest].older = 0;
    *place = (struct user_place){.behind = memory->free};
    memory->free = at;
    memory->count--;
    count_entries(memory, account, owner->count - 1);
    return at;
}

/* ---- check ---- */

/* Asserts U1 and U2 for all. */
static void all_check(const struct user_memory *memory)
{
    uint32_t count = 0, before = 0;
    for (uint32_t at = memory->oldest; at != 0; at = memory->places[at].behind) {
        const struct user_place *place = &memory->places[at];
        ASSERT(place->account != 0 && place->before == before);
        ASSERT(before == 0 || memory->places[before].age < place->age);
        before = at;
        count++;
    }
    ASSERT(before == memory->newest && count == memory->count);
}

/* Asserts U1, U2 and U3 for one account. */
static void owner_check(const struct user_memory *memory, uint32_t account)
{
    const struct user_owner *owner = &memory->owners[account];
    uint32_t count = 0, older = 0;
    for (uint32_t at = owner->oldest; at != 0; at = memory->places[at].newer) {
        const struct user_place *place = &memory->places[at];
        ASSERT(place->account == account && place->older == older);
        ASSERT(older == 0 || memory->places[older].age < place->age);
        older = at;
        count++;
    }
    ASSERT(older == owner->newest && count == owner->count && count <= memory->most);
}

/* Asserts U4 for one rank, and returns how many are in it. */
static uint32_t rank_check(const struct user_memory *memory, uint32_t count)
{
    uint32_t accounts = 0, left = 0;
    for (uint32_t at = memory->ranks[count].first; at != 0; at = memory->owners[at].right) {
        ASSERT(memory->owners[at].count == count && memory->owners[at].left == left);
        left = at;
        accounts++;
    }
    ASSERT(left == memory->ranks[count].last);
    return accounts;
}

bool user_memory_check(const struct user_memory *memory)
{
    uint64_t entries = 0;
    uint32_t having = 0, ranked = 0;
    all_check(memory);
    for (uint32_t account = 1; account <= memory->accounts_max; account++) {
        owner_check(memory, account);
        entries += memory->owners[account].count;
        having += memory->owners[account].count > 0;
    }
    for (uint32_t count = 1; count <= memory->capacity; count++)
        ranked += rank_check(memory, count);
    ASSERT(entries == memory->count && having == ranked);
    ASSERT(memory->most == 0 ? memory->count == 0 : memory->ranks[memory->most].first != 0);
    return true;
}
