/* A name in a URL that may be a listen key: it is the key of who has it, letter for letter, or nobody's; and nobody but him ends
 * it. The first byte says how the rest differs from a key that is there. */

#include "gateway/listen_key.h"

#include <string.h>

#define NOW_NS       1700000000000000000ull
#define ACCOUNTS_MAX 16u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static struct arena arena;
static struct listen_keys *keys;
static char letters[ACCOUNTS_MAX + 1][LISTEN_KEY_LETTERS];

static uint32_t account_of(uint32_t number)
{
    return number / 2 + 1 + number % 2 * LISTEN_KEY_SETS; /* two and two share their places */
}

static void open_keys(void)
{
    uint8_t random[LISTEN_KEY_LETTERS];
    const bool mapped = arena_map(&arena, listen_key_bytes());
    ASSERT(mapped);
    keys = listen_key_new(&arena);
    for (uint32_t number = 1; number <= ACCOUNTS_MAX; number++) {
        memset(random, (int)number, sizeof(random));
        listen_key_take(keys, account_of(number), NOW_NS, 0, random, letters[number]);
    }
}

static uint32_t expected(const char *name, size_t name_bytes)
{
    for (uint32_t number = 1; number <= ACCOUNTS_MAX; number++)
        if (name_bytes == LISTEN_KEY_LETTERS && memcmp(name, letters[number], name_bytes) == 0)
            return account_of(number);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    char name[2 * LISTEN_KEY_LETTERS];
    if (keys == NULL) open_keys();
    if (byte_count == 0 || byte_count > sizeof(name)) return 0;
    const uint32_t number = bytes[0] % (ACCOUNTS_MAX + 1); /* 0: the bytes alone */
    const size_t name_bytes = number == 0 ? byte_count - 1 : LISTEN_KEY_LETTERS;
    if (number > 0) memcpy(name, letters[number], LISTEN_KEY_LETTERS);
    for (size_t at = 1; at < byte_count && at - 1 < name_bytes; at++)
        name[at - 1] = number == 0 ? (char)bytes[at] : (char)(name[at - 1] ^ bytes[at]);
    const uint32_t account = expected(name, name_bytes);
    ASSERT(listen_key_account(keys, name, name_bytes, NOW_NS) == account);
    for (uint32_t other = 1; other <= ACCOUNTS_MAX; other++) {
        const bool is_own = account_of(other) == account;
        const bool extended = listen_key_extend(keys, account_of(other), name, name_bytes, NOW_NS);
        ASSERT(extended == is_own);
    }
    return 0;
}
