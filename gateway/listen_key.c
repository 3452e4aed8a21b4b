#include "gateway/listen_key.h"

#include "gateway/latch.h"

#include <string.h>

struct listen_key {
    uint64_t end_ns;
    uint32_t account; /* 0: the place is free */
    char letters[LISTEN_KEY_LETTERS];
};

struct listen_keys {
    struct latch latch;
    struct listen_key keys[LISTEN_KEYS_MAX];
};

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

/* The account's, which is good, or NULL. */
static struct listen_key *of_account(struct listen_keys *keys, uint32_t account, uint64_t now_ns)
{
    for (uint32_t at = 0; at < LISTEN_KEYS_MAX; at++)
        if (keys->keys[at].account == account && is_good(&keys->keys[at], now_ns))
            return &keys->keys[at];
    return NULL;
}

static struct listen_key *free_place(struct listen_keys *keys, uint64_t now_ns)
{
    for (uint32_t at = 0; at < LISTEN_KEYS_MAX; at++)
        if (!is_good(&keys->keys[at], now_ns)) return &keys->keys[at];
    return NULL;
}

/* The account's, or a new one; NULL: there is no room. */
static struct listen_key *key_for(struct listen_keys *keys, uint32_t account, uint64_t now_ns,
                                  const uint8_t random[LISTEN_KEY_LETTERS])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct listen_key *key = of_account(keys, account, now_ns);
    if (key != NULL) return key;
    key = free_place(keys, now_ns);
    if (key == NULL) return NULL;
    key->account = account;
    for (uint32_t at = 0; at < LISTEN_KEY_LETTERS; at++)
        key->letters[at] = letters[random[at] % (sizeof(letters) - 1)];
    return key;
}

bool listen_key_take(struct listen_keys *keys, uint32_t account, uint64_t now_ns,
                     const uint8_t random[LISTEN_KEY_LETTERS], char letters[LISTEN_KEY_LETTERS])
{
    ASSERT(account != 0);
    latch_take(&keys->latch);
    struct listen_key *key = key_for(keys, account, now_ns, random);
    if (key != NULL) {
        key->end_ns = now_ns + LISTEN_KEY_LIFE_NS;
        memcpy(letters, key->letters, LISTEN_KEY_LETTERS);
    }
    latch_release(&keys->latch);
    return key != NULL;
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

uint32_t listen_key_account(struct listen_keys *keys, const char *key, size_t key_bytes,
                            uint64_t now_ns)
{
    uint32_t account = 0;
    if (key_bytes != LISTEN_KEY_LETTERS) return 0; /* as most names are */
    latch_take(&keys->latch);
    for (uint32_t at = 0; at < LISTEN_KEYS_MAX && account == 0; at++)
        if (is_good(&keys->keys[at], now_ns) && is_key(&keys->keys[at], key, key_bytes))
            account = keys->keys[at].account;
    latch_release(&keys->latch);
    return account;
}
