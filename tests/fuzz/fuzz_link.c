#include "ledger/link.h"

#include <string.h>

/* Two links and a network between them that the input commands: it delivers in pieces, changes, loses,
 * repeats and makes up bytes, from the first byte of the handshake or into an open session. Whatever it
 * does, what comes out of one end is what went into the other, whole, in order and once; and an end that
 * has died says nothing more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WAY_BYTES   8192
#define MESSAGE_MAX 255

struct way {
    uint8_t bytes[WAY_BYTES]; /* on their way */
    size_t used;
    uint8_t arrived[WAY_BYTES]; /* not yet taken */
    size_t waiting;
    uint64_t sent, received; /* messages */
};

struct party {
    struct link link;
    struct way out;
    bool was_up;
};

static struct link_identity identities[2];
static struct link_members rooms[2];
static struct party open_pairs[2][2]; /* by cipher */

static const uint8_t *message_bytes(uint64_t number, size_t byte_count)
{
    static uint8_t bytes[MESSAGE_MAX];
    for (size_t i = 0; i < byte_count; i++)
        bytes[i] = (uint8_t)(number * 31 + i + byte_count);
    return bytes;
}

static size_t message_length(uint64_t number, size_t from)
{
    return 1 + (number * 37 + from * 11) % MESSAGE_MAX;
}

static void put(struct way *way, const uint8_t *bytes, size_t byte_count)
{
    if (way->used + byte_count > WAY_BYTES) return; /* lost, which is one more thing that happens */
    memcpy(way->bytes + way->used, bytes, byte_count);
    way->used += byte_count;
}

static void say(struct party *both, size_t at, bool is_empty)
{
    uint8_t frame[LINK_HEAD_BYTES + MESSAGE_MAX + LINK_TAG_BYTES];
    struct party *party = &both[at];
    if (party->link.state != LINK_OPEN) return;
    const size_t length = message_length(party->out.sent, at);
    const uint8_t *bytes = message_bytes(party->out.sent, length);
    const struct peers_piece pieces[] = {{bytes, length / 2},
                                         {bytes + length / 2, length - length / 2}};
    if (!is_empty) party->out.sent++;
    put(&party->out, frame, link_seal(&party->link, pieces, is_empty ? 0 : 2, frame));
}

static void check_message(const struct way *way, size_t from, const struct link_taken *taken)
{
    ASSERT(way->received < way->sent);
    ASSERT(taken->message_bytes == message_length(way->received, from));
    ASSERT(memcmp(taken->message, message_bytes(way->received, taken->message_bytes),
                  taken->message_bytes) == 0);
}

/* Side `at` takes what has arrived. */
static void take(struct party *both, size_t at)
{
    struct party *party = &both[at];
    struct way *way = &both[1 - at].out;
    for (;;) {
        struct link_taken taken;
        const bool was_dead = party->link.state == LINK_DEAD;
        const enum link_event event = link_take(&party->link, way->arrived, way->waiting, &taken);
        ASSERT(taken.consumed <= way->waiting);
        ASSERT(!was_dead || event == LINK_REFUSED);
        ASSERT((event == LINK_MESSAGE) == (taken.message != NULL));
        if (event == LINK_REFUSED)
            ASSERT(party->link.state == LINK_DEAD && taken.answer_bytes == 0);
        if (event == LINK_UP) ASSERT(!party->was_up);
        if (event == LINK_UP) party->was_up = true;
        if (event == LINK_MESSAGE) {
            ASSERT(party->was_up);
            check_message(way, 1 - at, &taken);
            way->received++;
        }
        ASSERT(taken.answer_bytes <= LINK_ANSWER_MAX);
        put(&party->out, taken.answer, taken.answer_bytes);
        way->waiting -= taken.consumed;
        memmove(way->arrived, way->arrived + taken.consumed, way->waiting);
        if (event == LINK_MORE || event == LINK_REFUSED) return;
    }
}

static void deliver(struct party *both, size_t from, size_t byte_count)
{
    struct way *way = &both[from].out;
    if (byte_count > way->used) byte_count = way->used;
    if (byte_count > WAY_BYTES - way->waiting) byte_count = WAY_BYTES - way->waiting;
    memcpy(way->arrived + way->waiting, way->bytes, byte_count);
    way->waiting += byte_count;
    way->used -= byte_count;
    memmove(way->bytes, way->bytes + byte_count, way->used);
    take(both, 1 - from);
}

/* One command of two bytes and what it needs of the rest. */
static void play(struct party *both, uint8_t command, uint8_t number)
{
    const size_t from = command & 1;
    struct way *way = &both[from].out;
    const size_t place = way->used > 0 ? number % way->used : 0;
    switch (command >> 1 & 7) {
    case 0:
        say(both, from, false);
        break;
    case 1:
        say(both, from, true);
        break;
    case 2:
        deliver(both, from, number);
        break;
    case 3:
        deliver(both, from, WAY_BYTES);
        break;
    case 4: /* changed */
        if (way->used > 0) way->bytes[place] ^= (uint8_t)(command >> 4 | 1);
        break;
    case 5: /* lost from the front: as a piece of the stream left out */
        way->used -= place;
        memmove(way->bytes, way->bytes + place, way->used);
        break;
    case 6: { /* repeated */
        uint8_t again[256];
        memcpy(again, way->bytes, place);
        put(way, again, place);
        break;
    }
    default: /* made up */
        put(way, &number, 1);
        break;
    }
}

static void begin(struct party *both, uint8_t ciphers)
{
    uint8_t first[LINK_FIRST_BYTES];
    memset(both, 0, 2 * sizeof(*both));
    identities[0].ciphers = ciphers;
    rooms[1].members[0].recent_at = 0;
    memset(rooms[1].members[0].recent, 0, sizeof(rooms[1].members[0].recent));
    const bool called = link_call(&both[0].link, &identities[0], &rooms[0].members[0],
                                  (const uint8_t[32]){5}, first);
    ASSERT(called);
    link_await(&both[1].link, &identities[1], &rooms[1], (const uint8_t[32]){6});
    put(&both[0].out, first, LINK_FIRST_BYTES);
}

static void set_up(void)
{
    struct node_set set = {.count = 2};
    const bool started = hash_start();
    ASSERT(started);
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t secret_key[SECRET_KEY_BYTES], seed[32] = {(uint8_t)i};
        set.members[i].node = i + 1;
        crypto_sign_seed_keypair(set.members[i].public_key, secret_key, seed);
        const bool good = link_identity_init(&identities[i], &(hash_t){{1}}, i + 1, secret_key);
        ASSERT(good);
        identities[i].rekey_frames = 5;
    }
    for (uint32_t i = 0; i < 2; i++)
        link_members_set(&rooms[i], &set, i + 1);
    for (size_t i = 0; i < 2; i++) {
        begin(open_pairs[i], i == 0 ? LINK_CHACHA20POLY1305 : 3);
        for (size_t turn = 0; turn < 3; turn++)
            deliver(open_pairs[i], turn % 2, WAY_BYTES);
        ASSERT(open_pairs[i][0].was_up && open_pairs[i][1].was_up);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_set_up;
    static struct party both[2];
    if (!is_set_up) set_up();
    is_set_up = true;
    if (size == 0) return 0;
    if (data[0] % 4 == 0)
        begin(both, 3);
    else
        memcpy(both, open_pairs[data[0] % 2], sizeof(both));
    for (size_t i = 1; i + 1 < size; i += 2)
        play(both, data[i], data[i + 1]);
    return 0;
}
