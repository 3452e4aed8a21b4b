/* One link between two nodes: who is there, and sealed frames in both directions.
 *
 * Pure: bytes in, bytes out; randomness is handed in. The handshake is noise.h's, so that each side proves
 * its Ed25519 identity (as X25519 keys, by the birational map) and the session's keys are fresh. Chain,
 * version and both nodes are in what is proved; a keyed hash in front turns away, for a microsecond, who
 * does not know the chain or speaks another version. The called node says nothing, not a byte, before the
 * first message has proved a member. ledger/README.md draws the bytes.
 *
 *     CALLING ---second message---> OPEN          the caller; its first frame is empty and proves
 *     AWAITING --first message--> ANSWERED        that it is there now: no replay comes so far
 *     ANSWERED ----empty frame----> OPEN
 *     any ---wrong byte---> DEAD                  for good; keys wiped
 *
 * Frames are numbered by the cipher's nonce: what is left out, twice, in another order or another
 * direction has a wrong tag. Keys move on (Noise's REKEY) after so many frames or bytes.
 *
 * Owner    one thread
 * Memory   the caller's. link_end wipes the keys; what is dead is wiped already
 * Limits   PEERS_MESSAGE_MAX bytes a message. A recorded first message is refused while it is one of the
 *          member's last LINK_RECENT; an older one gets a second message, and nothing more
 * Cost     64 KiB with AES-256-GCM: 26 us to seal, 32 us to open (benchmarks/README.md)
 */

#ifndef LEDGER_LINK_H
#define LEDGER_LINK_H

#include "common/node_set.h"
#include "ledger/noise.h"
#include "ledger/peers.h"

#define LINK_VERSION 1
#define LINK_RECENT  32

#define LINK_HELLO_BYTES  8  /* payload of each handshake message */
#define LINK_MARK_BYTES   16 /* the keyed hash behind the first message */
#define LINK_FIRST_BYTES  (NOISE_FIRST_BYTES + LINK_HELLO_BYTES + LINK_MARK_BYTES)
#define LINK_SECOND_BYTES (NOISE_SECOND_BYTES + LINK_HELLO_BYTES)
#define LINK_TAG_BYTES    NOISE_TAG_BYTES
#define LINK_HEAD_BYTES   (4 + LINK_TAG_BYTES) /* sealed length; an empty frame is this alone */
#define LINK_FRAME_MAX    (LINK_HEAD_BYTES + PEERS_MESSAGE_MAX + LINK_TAG_BYTES)
#define LINK_ANSWER_MAX   LINK_SECOND_BYTES

/* Bits: what a node can do, and what was chosen. */
enum link_cipher { LINK_AES256GCM = 1, LINK_CHACHA20POLY1305 = 2 };

/* Who this node is, for all of its links. Part of the protocol's version but for tests: `version`,
 * `rekey_frames`, `rekey_bytes`; and `ciphers`, which is what this processor can do. */
struct link_identity {
    hash_t chain_id;
    uint32_t node;
    uint32_t version;
    uint8_t public_key[PUBLIC_KEY_BYTES];
    struct noise_pair pair;
    uint8_t ciphers;
    uint64_t rekey_frames;
    uint64_t rekey_bytes;
};

/* False when the key is none. */
MUST_CHECK bool link_identity_init(struct link_identity *identity, const hash_t *chain_id,
                                   uint32_t node, const uint8_t secret_key[SECRET_KEY_BYTES]);
void link_identity_wipe(struct link_identity *identity);

/* A member, as links know it. */
struct link_member {
    uint32_t node; /* 0: its key is none, nobody can be it */
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint8_t noise_key[NOISE_KEY_BYTES];
    uint8_t recent[LINK_RECENT][NOISE_KEY_BYTES]; /* ephemeral keys of its last first messages */
    uint32_t recent_at;
};

/* Who may call. */
struct link_members {
    uint32_t count;
    struct link_member members[NODE_SET_LIMIT];
};

/* The members of `set`, without this node. Those that stay keep what they remember. */
void link_members_set(struct link_members *members, const struct node_set *set, uint32_t own_node);

/* The member with this node id, or NULL. */
const struct link_member *link_members_find(const struct link_members *members, uint32_t node);

enum link_state { LINK_CALLING, LINK_AWAITING, LINK_ANSWERED, LINK_OPEN, LINK_DEAD };

enum link_refusal {
    LINK_FINE,
    LINK_NO_MARK,    /* a stranger, another chain, another version, or garbage */
    LINK_STRANGER,   /* knows the chain, is no member, or not who it says */
    LINK_REPLAY,     /* a first message seen before */
    LINK_BAD_HELLO,  /* a handshake message that says what it may not */
    LINK_BAD_ANSWER, /* the second message is not the called node's */
    LINK_BAD_FRAME,  /* changed, left out, repeated, reordered, or another session's */
    LINK_BAD_LENGTH  /* sealed by the other side, and longer than a message may be */
};

/* One direction. */
struct link_way {
    uint8_t key[NOISE_KEY_BYTES];
    uint64_t nonce;
    uint64_t frames; /* since the key moved on */
    uint64_t bytes;
    crypto_aead_aes256gcm_state schedule; /* of `key`, when the cipher is AES */
};

struct link {
    const struct link_identity *identity;
    struct link_members *members; /* whom a called node may answer */
    struct noise noise;
    struct link_way sending;
    struct link_way receiving;
    uint32_t node;   /* the other side; 0 while it is not known */
    uint8_t state;   /* enum link_state */
    uint8_t refusal; /* enum link_refusal */
    uint8_t cipher;  /* enum link_cipher */
    bool has_head;   /* the length of the next frame has come */
    uint32_t message_bytes;
};

/* What came out of received bytes. */
enum link_event {
    LINK_MORE,    /* nothing yet */
    LINK_UP,      /* both sides are proved; frames may be sealed */
    LINK_MESSAGE, /* `message` */
    LINK_BEAT,    /* an empty frame */
    LINK_REFUSED  /* dead; link->refusal says why. Nothing is to be sent, not even what is left */
};

struct link_taken {
    size_t
        consumed; /* bytes taken from the front; call again with the rest while there is an event */
    const uint8_t *message; /* within the bytes given */
    size_t message_bytes;
    uint8_t answer[LINK_ANSWER_MAX]; /* to be sent, in front of any frame */
    size_t answer_bytes;
};

/* Begins as the caller of `member` and writes the first message. `ephemeral` is fresh randomness. False:
 * the member's key is none.
 * Memory: `identity` and `members` outlive the link. */
MUST_CHECK bool link_call(struct link *link, const struct link_identity *identity,
                          const struct link_member *member,
                          const uint8_t ephemeral[NOISE_KEY_BYTES],
                          uint8_t first[LINK_FIRST_BYTES]);

/* Begins as the one who is called. */
void link_await(struct link *link, const struct link_identity *identity,
                struct link_members *members, const uint8_t ephemeral[NOISE_KEY_BYTES]);

/* Takes at most one message from the front of what has come; decrypts in place. */
enum link_event link_take(struct link *link, uint8_t *bytes, size_t byte_count,
                          struct link_taken *taken);

/* How many bytes, from the next not consumed, link_take wants to see at once before anything can come. */
size_t link_wants(const struct link *link);

/* Bytes of a frame around a message of so many. */
size_t link_frame_bytes(size_t message_bytes);

/* Seals one message into `frame`, link_frame_bytes of it, and returns them. No pieces: an empty frame.
 * Needs: LINK_OPEN, at most PEERS_MESSAGE_MAX bytes; `frame` overlaps no piece. */
size_t link_seal(struct link *link, const struct peers_piece *pieces, uint32_t count,
                 uint8_t *frame);

/* Wipes the keys. */
void link_end(struct link *link);

/* For people. */
const char *link_refusal_text(enum link_refusal refusal);
const char *link_cipher_text(enum link_cipher cipher);

#endif /* LEDGER_LINK_H */
