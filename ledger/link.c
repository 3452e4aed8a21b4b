#include "ledger/link.h"

#include "common/le.h"

#include <string.h>

#define REKEY_FRAMES (UINT64_C(1) << 20)
#define REKEY_BYTES  (UINT64_C(1) << 30) /* far below what AES-GCM may carry under one key */

#define NONCE_BYTES    12
#define PROLOGUE_BYTES (11 + 4 + HASH_BYTES + 4 + PUBLIC_KEY_BYTES)
#define SESSION_BYTES  (HASH_BYTES + PUBLIC_KEY_BYTES + 1)

static_assert(NONCE_BYTES == crypto_aead_aes256gcm_NPUBBYTES, "AES-256-GCM");
static_assert(NONCE_BYTES == crypto_aead_chacha20poly1305_ietf_NPUBBYTES, "ChaCha20-Poly1305");
static_assert(LINK_TAG_BYTES == crypto_aead_aes256gcm_ABYTES, "AES-256-GCM");
static_assert(LINK_HEAD_BYTES <= LINK_ANSWER_MAX, "an empty frame is an answer, too");

/* ---- Who is who ---- */

bool link_identity_init(struct link_identity *identity, const hash_t *chain_id, uint32_t node,
                        const uint8_t secret_key[SECRET_KEY_BYTES])
{
    uint8_t secret[NOISE_KEY_BYTES];
    *identity = (struct link_identity){
        .chain_id = *chain_id,
        .node = node,
        .version = LINK_VERSION,
        .ciphers = LINK_CHACHA20POLY1305,
        .rekey_frames = REKEY_FRAMES,
        .rekey_bytes = REKEY_BYTES,
    };
    if (crypto_aead_aes256gcm_is_available() != 0) identity->ciphers |= LINK_AES256GCM;
    if (crypto_sign_ed25519_sk_to_pk(identity->public_key, secret_key) != 0 ||
        crypto_sign_ed25519_sk_to_curve25519(secret, secret_key) != 0)
        return false;
    noise_pair_of(secret, &identity->pair);
    sodium_memzero(secret, sizeof(secret));
    return true;
}

void link_identity_wipe(struct link_identity *identity)
{
    sodium_memzero(identity, sizeof(*identity));
}

static bool is_in(const struct node_set *set, const struct link_member *member)
{
    const struct node_member *same = node_set_find(set, member->node);
    return same != NULL && memcmp(same->public_key, member->public_key, PUBLIC_KEY_BYTES) == 0;
}

void link_members_set(struct link_members *members, const struct node_set *set, uint32_t own_node)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < members->count; i++)
        if (is_in(set, &members->members[i])) members->members[kept++] = members->members[i];
    members->count = kept;

    for (uint32_t i = 0; i < set->count; i++) {
        const struct node_member *from = &set->members[i];
        if (from->node == own_node || link_members_find(members, from->node) != NULL) continue;
        struct link_member *member = &members->members[members->count];
        *member = (struct link_member){.node = from->node};
        memcpy(member->public_key, from->public_key, PUBLIC_KEY_BYTES);
        /* What is no point of the curve's large group is nobody's key. */
        if (crypto_sign_ed25519_pk_to_curve25519(member->noise_key, from->public_key) == 0)
            members->count++;
    }
}

const struct link_member *link_members_find(const struct link_members *members, uint32_t node)
{
    for (uint32_t i = 0; i < members->count; i++)
        if (members->members[i].node == node) return &members->members[i];
    return NULL;
}

static struct link_member *member_by_key(struct link_members *members,
                                         const uint8_t noise_key[NOISE_KEY_BYTES])
{
    for (uint32_t i = 0; i < members->count; i++)
        if (memcmp(members->members[i].noise_key, noise_key, NOISE_KEY_BYTES) == 0)
            return &members->members[i];
    return NULL;
}

static bool was_seen(const struct link_member *member, const uint8_t ephemeral[NOISE_KEY_BYTES])
{
    for (uint32_t i = 0; i < LINK_RECENT; i++)
        if (memcmp(member->recent[i], ephemeral, NOISE_KEY_BYTES) == 0) return true;
    return false;
}

static void remember(struct link_member *member, const uint8_t ephemeral[NOISE_KEY_BYTES])
{
    memcpy(member->recent[member->recent_at], ephemeral, NOISE_KEY_BYTES);
    member->recent_at = (member->recent_at + 1) % LINK_RECENT;
}

/* ---- Ciphers ---- */

static void nonce_put(uint8_t nonce[NONCE_BYTES], uint64_t number)
{
    memset(nonce, 0, NONCE_BYTES - sizeof(number));
    le_put_u64(nonce + NONCE_BYTES - sizeof(number), number);
}

/* `sealed` has room for the tag behind; it may be `bytes`. */
static void seal(const struct link_way *way, uint8_t cipher, uint64_t number, const uint8_t *bytes,
                 size_t byte_count, uint8_t *sealed)
{
    uint8_t nonce[NONCE_BYTES];
    nonce_put(nonce, number);
    if (cipher == LINK_AES256GCM)
        crypto_aead_aes256gcm_encrypt_afternm(sealed, NULL, bytes, byte_count, NULL, 0, NULL, nonce,
                                              &way->schedule);
    else
        crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, bytes, byte_count, NULL, 0, NULL,
                                                  nonce, way->key);
}

/* In place; the tag lies behind the bytes. */
MUST_CHECK static bool unseal(struct link_way *way, uint8_t cipher, uint8_t *bytes,
                              size_t byte_count)
{
    uint8_t nonce[NONCE_BYTES];
    nonce_put(nonce, way->nonce++);
    const size_t sealed_bytes = byte_count + LINK_TAG_BYTES;
    if (cipher == LINK_AES256GCM)
        return crypto_aead_aes256gcm_decrypt_afternm(bytes, NULL, NULL, bytes, sealed_bytes, NULL,
                                                     0, nonce, &way->schedule) == 0;
    return crypto_aead_chacha20poly1305_ietf_decrypt(bytes, NULL, NULL, bytes, sealed_bytes, NULL,
                                                     0, nonce, way->key) == 0;
}

static void way_set_key(struct link_way *way, uint8_t cipher, const uint8_t key[NOISE_KEY_BYTES])
{
    memcpy(way->key, key, NOISE_KEY_BYTES);
    way->frames = 0;
    way->bytes = 0;
    if (cipher == LINK_AES256GCM) crypto_aead_aes256gcm_beforenm(&way->schedule, way->key);
}

/* Noise's REKEY: the old key cannot be had back from the new one. The nonce goes on. */
static void way_move_on(struct link_way *way, uint8_t cipher)
{
    uint8_t bytes[NOISE_KEY_BYTES + LINK_TAG_BYTES] = {0};
    seal(way, cipher, UINT64_MAX, bytes, NOISE_KEY_BYTES, bytes);
    way_set_key(way, cipher, bytes);
    sodium_memzero(bytes, sizeof(bytes));
}

/* A frame is through. Both sides count alike, so they move on at the same frame. */
static void way_count(struct link_way *way, const struct link *link, size_t message_bytes)
{
    way->frames++;
    way->bytes += message_bytes;
    if (way->frames >= link->identity->rekey_frames || way->bytes >= link->identity->rekey_bytes)
        way_move_on(way, link->cipher);
}

/* ---- The handshake ---- */

static void prologue_put(uint8_t prologue[PROLOGUE_BYTES], const struct link_identity *identity,
                         uint32_t called_node, const uint8_t called_key[PUBLIC_KEY_BYTES])
{
    uint8_t *at = le_put_bytes(prologue, "Quorex link", 11);
    at = le_put_u32(at, identity->version);
    at = le_put_bytes(at, identity->chain_id.bytes, HASH_BYTES);
    at = le_put_u32(at, called_node);
    at = le_put_bytes(at, called_key, PUBLIC_KEY_BYTES);
    ASSERT(at == prologue + PROLOGUE_BYTES);
}

/* Says: I know this chain, speak this version and mean you. Everybody who may know these can make it; it
 * only saves the called node the work of finding out about all others. */
static void mark_put(uint8_t mark[LINK_MARK_BYTES], const struct link_identity *identity,
                     const uint8_t prologue[PROLOGUE_BYTES], const uint8_t *first)
{
    const hash_t key =
        hash_derive(identity->chain_id.bytes, "quorex link mark", prologue, PROLOGUE_BYTES);
    crypto_generichash(mark, LINK_MARK_BYTES, first, LINK_FIRST_BYTES - LINK_MARK_BYTES, key.bytes,
                       HASH_BYTES);
}

static void hello_put(uint8_t hello[LINK_HELLO_BYTES], uint32_t node, uint8_t ciphers)
{
    memset(hello, 0, LINK_HELLO_BYTES);
    le_put_u8(le_put_u32(hello, node), ciphers);
}

/* False: another node's, or zeros that are none. */
MUST_CHECK static bool hello_get(const uint8_t hello[LINK_HELLO_BYTES], uint32_t node,
                                 uint8_t *ciphers)
{
    uint8_t same[LINK_HELLO_BYTES];
    *ciphers = le_get_u8(hello + 4);
    hello_put(same, node, *ciphers);
    return memcmp(same, hello, LINK_HELLO_BYTES) == 0 &&
           (*ciphers & ~(LINK_AES256GCM | LINK_CHACHA20POLY1305)) == 0;
}

/* The fresh keys of both ways hang on all that was said, who said it, and what it is to be sealed with. */
static void open_session(struct link *link, const uint8_t caller_key[PUBLIC_KEY_BYTES],
                         bool is_caller)
{
    uint8_t session[SESSION_BYTES], keys[2][NOISE_KEY_BYTES];
    uint8_t *at = le_put_bytes(session, link->noise.transcript.bytes, HASH_BYTES);
    at = le_put_bytes(at, caller_key, PUBLIC_KEY_BYTES);
    at = le_put_u8(at, link->cipher);
    ASSERT(at == session + SESSION_BYTES);
    noise_split(&link->noise, session, SESSION_BYTES, keys[0], keys[1]);
    way_set_key(&link->sending, link->cipher, keys[is_caller ? 0 : 1]);
    way_set_key(&link->receiving, link->cipher, keys[is_caller ? 1 : 0]);
    sodium_memzero(keys, sizeof(keys));
    noise_wipe(&link->noise);
}

static enum link_event die(struct link *link, enum link_refusal why)
{
    link_end(link);
    link->refusal = (uint8_t)why;
    return LINK_REFUSED;
}

bool link_call(struct link *link, const struct link_identity *identity,
               const struct link_member *member, const uint8_t ephemeral[NOISE_KEY_BYTES],
               uint8_t first[LINK_FIRST_BYTES])
{
    uint8_t prologue[PROLOGUE_BYTES], hello[LINK_HELLO_BYTES];
    memset(link, 0, sizeof(*link));
    link->identity = identity;
    link->node = member->node;
    link->state = LINK_CALLING;
    prologue_put(prologue, identity, member->node, member->public_key);
    hello_put(hello, identity->node, identity->ciphers);
    noise_begin_caller(&link->noise, &identity->pair, member->noise_key, ephemeral, prologue,
                       PROLOGUE_BYTES);
    if (!noise_write_first(&link->noise, hello, LINK_HELLO_BYTES, first)) {
        link_end(link);
        return false;
    }
    mark_put(first + LINK_FIRST_BYTES - LINK_MARK_BYTES, identity, prologue, first);
    return true;
}

void link_await(struct link *link, const struct link_identity *identity,
                struct link_members *members, const uint8_t ephemeral[NOISE_KEY_BYTES])
{
    uint8_t prologue[PROLOGUE_BYTES];
    memset(link, 0, sizeof(*link));
    link->identity = identity;
    link->members = members;
    link->state = LINK_AWAITING;
    prologue_put(prologue, identity, identity->node, identity->public_key);
    noise_begin_called(&link->noise, &identity->pair, ephemeral, prologue, PROLOGUE_BYTES);
}

/* Who wrote the first message: LINK_FINE, a member, now known to be the one it says. From the cheapest
 * check to the dearest. */
static enum link_refusal prove_caller(struct link *link, const uint8_t *first,
                                      struct link_member **caller, uint8_t *ciphers)
{
    uint8_t prologue[PROLOGUE_BYTES], mark[LINK_MARK_BYTES], hello[LINK_HELLO_BYTES];
    prologue_put(prologue, link->identity, link->identity->node, link->identity->public_key);
    mark_put(mark, link->identity, prologue, first);
    if (sodium_memcmp(mark, first + LINK_FIRST_BYTES - LINK_MARK_BYTES, LINK_MARK_BYTES) != 0)
        return LINK_NO_MARK;
    if (!noise_read_caller(&link->noise, first)) return LINK_STRANGER;
    *caller = member_by_key(link->members, link->noise.remote);
    if (*caller == NULL) return LINK_STRANGER;
    if (was_seen(*caller, link->noise.remote_ephemeral)) return LINK_REPLAY;
    if (!noise_read_first(&link->noise, first, hello, LINK_HELLO_BYTES)) return LINK_STRANGER;
    remember(*caller, link->noise.remote_ephemeral);
    if (!hello_get(hello, (*caller)->node, ciphers)) return LINK_BAD_HELLO;
    return LINK_FINE;
}

static enum link_event take_first(struct link *link, const uint8_t *first, struct link_taken *taken)
{
    struct link_member *caller;
    uint8_t ciphers, hello[LINK_HELLO_BYTES];
    const enum link_refusal refusal = prove_caller(link, first, &caller, &ciphers);
    if (refusal != LINK_FINE) return die(link, refusal);

    const uint8_t common = ciphers & link->identity->ciphers;
    if (common == 0) return die(link, LINK_BAD_HELLO);
    link->cipher = (common & LINK_AES256GCM) != 0 ? LINK_AES256GCM : LINK_CHACHA20POLY1305;
    hello_put(hello, link->identity->node, link->cipher);
    if (!noise_write_second(&link->noise, hello, LINK_HELLO_BYTES, taken->answer))
        return die(link, LINK_STRANGER);
    taken->answer_bytes = LINK_SECOND_BYTES;
    taken->consumed = LINK_FIRST_BYTES;
    link->node = caller->node;
    link->state = LINK_ANSWERED;
    open_session(link, caller->public_key, false);
    return LINK_MORE;
}

static enum link_event take_second(struct link *link, const uint8_t *second,
                                   struct link_taken *taken)
{
    uint8_t hello[LINK_HELLO_BYTES], cipher;
    if (!noise_read_second(&link->noise, second, hello, LINK_HELLO_BYTES))
        return die(link, LINK_BAD_ANSWER);
    if (!hello_get(hello, link->node, &cipher)) return die(link, LINK_BAD_HELLO);
    if ((cipher != LINK_AES256GCM && cipher != LINK_CHACHA20POLY1305) ||
        (cipher & link->identity->ciphers) == 0)
        return die(link, LINK_BAD_HELLO);
    link->cipher = cipher;
    taken->consumed = LINK_SECOND_BYTES;
    open_session(link, link->identity->public_key, true);
    link->state = LINK_OPEN;
    taken->answer_bytes = link_seal(link, NULL, 0, taken->answer);
    return LINK_UP;
}

/* ---- Frames ---- */

static enum link_event take_empty(struct link *link)
{
    way_count(&link->receiving, link, 0);
    if (link->state == LINK_OPEN) return LINK_BEAT;
    link->state = LINK_OPEN; /* only who read the second message can have sealed it */
    return LINK_UP;
}

static enum link_event take_frame(struct link *link, uint8_t *bytes, size_t byte_count,
                                  struct link_taken *taken)
{
    if (!link->has_head) {
        if (byte_count < LINK_HEAD_BYTES) return LINK_MORE;
        if (!unseal(&link->receiving, link->cipher, bytes, 4)) return die(link, LINK_BAD_FRAME);
        link->message_bytes = le_get_u32(bytes);
        if (link->message_bytes > PEERS_MESSAGE_MAX) return die(link, LINK_BAD_LENGTH);
        taken->consumed = LINK_HEAD_BYTES;
        if (link->message_bytes == 0) return take_empty(link);
        if (link->state == LINK_ANSWERED) return die(link, LINK_BAD_FRAME);
        link->has_head = true;
    }
    uint8_t *message = bytes + taken->consumed;
    if (byte_count - taken->consumed < link->message_bytes + LINK_TAG_BYTES) return LINK_MORE;
    if (!unseal(&link->receiving, link->cipher, message, link->message_bytes))
        return die(link, LINK_BAD_FRAME);
    taken->consumed += link->message_bytes + LINK_TAG_BYTES;
    taken->message = message;
    taken->message_bytes = link->message_bytes;
    link->has_head = false;
    way_count(&link->receiving, link, link->message_bytes);
    return LINK_MESSAGE;
}

enum link_event link_take(struct link *link, uint8_t *bytes, size_t byte_count,
                          struct link_taken *taken)
{
    taken->consumed = taken->message_bytes = taken->answer_bytes = 0;
    taken->message = NULL;
    switch ((enum link_state)link->state) {
    case LINK_AWAITING:
        return byte_count < LINK_FIRST_BYTES ? LINK_MORE : take_first(link, bytes, taken);
    case LINK_CALLING:
        return byte_count < LINK_SECOND_BYTES ? LINK_MORE : take_second(link, bytes, taken);
    case LINK_ANSWERED:
    case LINK_OPEN:
        return take_frame(link, bytes, byte_count, taken);
    case LINK_DEAD:
        break;
    }
    return LINK_REFUSED;
}

size_t link_wants(const struct link *link)
{
    if (link->state == LINK_AWAITING) return LINK_FIRST_BYTES;
    if (link->state == LINK_CALLING) return LINK_SECOND_BYTES;
    return link->has_head ? link->message_bytes + LINK_TAG_BYTES : LINK_HEAD_BYTES;
}

size_t link_frame_bytes(size_t message_bytes)
{
    return LINK_HEAD_BYTES + (message_bytes > 0 ? message_bytes + LINK_TAG_BYTES : 0);
}

size_t link_seal(struct link *link, const struct peers_piece *pieces, uint32_t count,
                 uint8_t *frame)
{
    ASSERT(link->state == LINK_OPEN);
    size_t message_bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        message_bytes += pieces[i].byte_count;
    ASSERT(message_bytes <= PEERS_MESSAGE_MAX);

    struct link_way *way = &link->sending;
    le_put_u32(frame, (uint32_t)message_bytes);
    seal(way, link->cipher, way->nonce++, frame, 4, frame);
    if (message_bytes > 0) {
        uint8_t *body = frame + LINK_HEAD_BYTES;
        const uint8_t *from = pieces[0].bytes;
        if (pieces[0].byte_count < message_bytes) {
            /* The ciphers take bytes that lie together; in place, so that this is the only copy. */
            uint8_t *at = body;
            for (uint32_t i = 0; i < count; i++)
                if (pieces[i].byte_count > 0)
                    at = le_put_bytes(at, pieces[i].bytes, pieces[i].byte_count);
            from = body;
        }
        seal(way, link->cipher, way->nonce++, from, message_bytes, body);
    }
    way_count(way, link, message_bytes);
    return link_frame_bytes(message_bytes);
}

void link_end(struct link *link)
{
    noise_wipe(&link->noise);
    sodium_memzero(&link->sending, sizeof(link->sending));
    sodium_memzero(&link->receiving, sizeof(link->receiving));
    link->state = LINK_DEAD;
}

const char *link_refusal_text(enum link_refusal refusal)
{
    static const char *const texts[] = {
        [LINK_FINE] = "closed",
        [LINK_NO_MARK] = "not of this chain and version",
        [LINK_STRANGER] = "not a member",
        [LINK_REPLAY] = "a replayed first message",
        [LINK_BAD_HELLO] = "a handshake that may not be",
        [LINK_BAD_ANSWER] = "an answer that is not the called node's",
        [LINK_BAD_FRAME] = "a frame changed, repeated or left out",
        [LINK_BAD_LENGTH] = "a frame longer than a message may be",
    };
    return texts[refusal];
}

const char *link_cipher_text(enum link_cipher cipher)
{
    return cipher == LINK_AES256GCM ? "aes-256-gcm" : "chacha20-poly1305";
}
