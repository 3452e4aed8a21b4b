#include "gateway/listen_key.h"

#include "gateway/latch.h"

#include <assert.h>
#include <string.h>

struct listen_key {
    uint64_t end_ns;
    uint64_t number;  /* the last command applied where it was made */
    uint32_t account; /* 0: the place is free */
    char letters[LISTEN_KEY_LETTERS];
};

/* A key begins with the number of its set, in letters: so it is found as fast as its account's. */
#define SET_LETTERS 3

struct listen_keys {
    struct latch latch;
    struct listen_key keys[LISTEN_KEY_SETS][LISTEN_KEY_WAYS];
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#define ALPHABET_LETTERS (sizeof(alphabet) - 1)

static_assert(LISTEN_KEY_SETS <= ALPHABET_LETTERS * ALPHABET_LETTERS * ALPHABET_LETTERS,
              "a set's number has room in its letters");

size_t listen_key_bytes(void)
{
    return sizeof(struct listen_keys) + 64;
}

struct listen_keys *listen_key_new(struct arena *arena)
{
    struct listen_keys *keys = arena_take(arena, sizeof(*keys));
    if (keys != NULL) latch_init(&keys->latch, false);
    return keys;
}

void listen_key_share(struct listen_keys *keys)
{
    latch_init(&keys->latch, true);
}

static bool is_good(const struct listen_key *key, uint64_t now_ns)
{
    return key->account != 0 && now_ns < key->end_ns;
}

static struct listen_key *set_of(struct listen_keys *keys, uint32_t account)
{
    return keys->keys[account % LISTEN_KEY_SETS];
}

/* The account's, which is good, or NULL. */
static struct listen_key *of_account(struct listen_keys *keys, uint32_t account, uint64_t now_ns)
{
    struct listen_key *set = set_of(keys, account);
    for (uint32_t at = 0; at < LISTEN_KEY_WAYS; at++)
        if (set[at].account == account && is_good(&set[at], now_ns)) return &set[at];
    return NULL;
}

/* The one that has ended first, or will. */
static struct listen_key *soonest(struct listen_key *set)
{
    struct listen_key *first = set;
    for (uint32_t at = 1; at < LISTEN_KEY_WAYS; at++)
        if (set[at].end_ns < first->end_ns) first = &set[at];
    return first;
}

static void put_set(uint32_t set, char letters[SET_LETTERS])
{
    for (uint32_t at = 0; at < SET_LETTERS; at++, set /= ALPHABET_LETTERS)
        letters[at] = alphabet[set % ALPHABET_LETTERS];
}

/* LISTEN_KEY_SETS when the letters name none. */
static uint32_t read_set(const char *letters)
{
    uint32_t set = 0;
    for (uint32_t at = SET_LETTERS; at-- > 0;) {
        const char *letter = memchr(alphabet, letters[at], ALPHABET_LETTERS);
        if (letter == NULL) return LISTEN_KEY_SETS;
        set = set * (uint32_t)ALPHABET_LETTERS + (uint32_t)(letter - alphabet);
    }
    return set < LISTEN_KEY_SETS ? set : LISTEN_KEY_SETS;
}

/* The account's, or a new one. */
static struct listen_key *key_for(struct listen_keys *keys, uint32_t account, uint64_t now_ns,
                                  uint64_t number, const uint8_t random[LISTEN_KEY_LETTERS])
{
    struct listen_key *key = of_account(keys, account, now_ns);
    if (key != NULL) return key;
    key = soonest(set_of(keys, account));
    key->account = account;
    key->number = number;
    put_set(account % LISTEN_KEY_SETS, key->letters);
    for (uint32_t at = SET_LETTERS; at < LISTEN_KEY_LETTERS; at++)
        key->letters[at] = alphabet[random[at] % ALPHABET_LETTERS];
    return key;
}

void listen_key_take(struct listen_keys *keys, uint32_t account, uint64_t now_ns, uint64_t number,
                     const uint8_t random[LISTEN_KEY_LETTERS], char letters[LISTEN_KEY_LETTERS])
{
    ASSERT(account != 0);
    latch_take(&keys->latch);
    struct listen_key *key = key_for(keys, account, now_ns, number, random);
    key->end_ns = now_ns + LISTEN_KEY_LIFE_NS;
    memcpy(letters, key->letters, LISTEN_KEY_LETTERS);
    latch_release(&keys->latch);
}

static bool is_key(const struct listen_key *key, const char *letters, size_t letter_count)
{
    return letter_count == LISTEN_KEY_LETTERS &&
           memcmp(key->letters, letters, LISTEN_KEY_LETTERS) == 0;
}

/* The account's, if this is it and it is good. */
static struct listen_key *own_key(struct listen_keys *keys, uint32_t account, const char *letters,
                                  size_t letter_count, uint64_t now_ns)
{
    struct listen_key *own = of_account(keys, account, now_ns);
    return own != NULL && is_key(own, letters, letter_count) ? own : NULL;
}

bool listen_key_extend(struct listen_keys *keys, uint32_t account, const char *key,
                       size_t key_bytes, uint64_t now_ns)
{
    latch_take(&keys->latch);
    struct listen_key *own = own_key(keys, account, key, key_bytes, now_ns);
    if (own != NULL) own->end_ns = now_ns + LISTEN_KEY_LIFE_NS;
    latch_release(&keys->latch);
    return own != NULL;
}

bool listen_key_end(struct listen_keys *keys, uint32_t account, const char *key, size_t key_bytes,
                    uint64_t now_ns)
{
    latch_take(&keys->latch);
    struct listen_key *own = own_key(keys, account, key, key_bytes, now_ns);
    if (own != NULL) *own = (struct listen_key){0};
    latch_release(&keys->latch);
    return own != NULL;
}

void listen_key_drop(struct listen_keys *keys, uint32_t account, uint64_t number)
{
    latch_take(&keys->latch);
    struct listen_key *own = of_account(keys, account, 0);
    if (own != NULL && own->number < number) *own = (struct listen_key){0};
    latch_release(&keys->latch);
}

uint32_t listen_key_account(struct listen_keys *keys, const char *key, size_t key_bytes,
                            uint64_t now_ns)
{
    uint32_t account = 0;
    if (key_bytes != LISTEN_KEY_LETTERS) return 0; /* as most names are */
    const uint32_t set = read_set(key);
    if (set == LISTEN_KEY_SETS) return 0;
    latch_take(&keys->latch);
    for (uint32_t at = 0; at < LISTEN_KEY_WAYS && account == 0; at++)
        if (is_good(&keys->keys[set][at], now_ns) && is_key(&keys->keys[set][at], key, key_bytes))
            account = keys->keys[set][at].account;
    latch_release(&keys->latch);
    return account;
}
