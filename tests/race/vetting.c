/* Three threads as in a node: the anchor opens accounts and gives them keys, the consensus thread asks about commands of
 * accounts that it was promised, the vetter looks at signatures.
 *
 *     race_vetting [--early]
 *
 * A command that was settled before it was asked about must stand, a wrong signature never does, and every question has
 * one answer. With --early the anchor promises one account more than it has sent: exit 0 only when that is noticed.
 */

#include "common/arena.h"
#include "common/log.h"
#include "node/vetter.h"
#include "tests/unit/settlement/world.h"

#include <pthread.h>
#include <sched.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ACCOUNTS 2000u
#else
#define ACCOUNTS 20000u
#endif

#define AHEAD_MAX 8
#define ASK_EVERY 4 /* of the accounts seen, about a signature */

static struct genesis genesis;
static struct progress progress;
static struct ring *facts, *questions, *answers;
static struct park vetter_park, consensus_park;
static struct vetter *vetter;
static uint8_t owner_key[PUBLIC_KEY_BYTES], owner_secret[SECRET_KEY_BYTES];
static bool early;
static _Atomic uint32_t
    seen; /* the last account that was asked about: the anchor is never far ahead */

static struct ring *ring_of(size_t capacity)
{
    void *memory = aligned_alloc(64, (ring_bytes(capacity) + 63) & ~(size_t)63);
    if (memory == NULL) abort();
    return ring_new(memory, capacity);
}

static void send_fact(struct event_writer *out)
{
    const size_t byte_count = (size_t)(out->at - out->begin);
    uint8_t *room;
    while ((room = ring_reserve(facts, byte_count)) == NULL) {
        if (ring_publish(facts)) park_wake(&consensus_park);
        sched_yield();
    }
    memcpy(room, out->begin, byte_count);
    ring_commit(facts, byte_count);
}

/* Command 2n - 1 opens account n, command 2n gives it its key. */
static void *anchor_main(void *unused)
{
    uint8_t bytes[512];
    for (uint32_t account = 1; account <= ACCOUNTS; account++) {
        while (account > atomic_load_explicit(&seen, memory_order_relaxed) + AHEAD_MAX)
            sched_yield();
        struct account_created_event created = {.account = account};
        struct key_added_event key = {
            .account = account, .permissions = KEY_TRADE, .secret_version = 1};
        memcpy(created.public_key, owner_key, sizeof(owner_key));
        le_put_u32(key.key_id, account);
        key.key_id[31] = 1;
        struct event_writer out = {.at = bytes, .end = bytes + sizeof(bytes), .begin = bytes};
        event_write_account_created(&out, &created);
        send_fact(&out);
        out = (struct event_writer){.at = bytes, .end = bytes + sizeof(bytes), .begin = bytes};
        event_write_key_added(&out, &key);
        send_fact(&out);
        if (ring_publish(facts)) park_wake(&consensus_park);
        atomic_store_explicit(&progress.settled_command, 2u * (account + early),
                              memory_order_release);
    }
    return unused;
}

static void *vetter_main(void *unused)
{
    vetter_run(vetter);
    return unused;
}

static size_t put_command(uint8_t *bytes, uint32_t account, bool is_signed, bool forged)
{
    static const char text[] = "symbol=BTCUSDT&timestamp=1700000000000&recvWindow=5000";
    const size_t text_bytes = sizeof(text) - 1;
    struct command_header header = {
        .type = T_CANCEL_ALL,
        .origin = 1,
        .auth_kind = is_signed ? AUTH_ED25519 : AUTH_HMAC,
        .auth_length = (uint16_t)(is_signed ? 96 + text_bytes : 32),
        .deadline_ns = is_signed ? 1700000005000000000u : 0,
    };
    header.length = (uint32_t)(COMMAND_HEADER_BYTES + CANCEL_ALL_BYTES + header.auth_length);
    command_header_put(bytes, &header);
    const struct cancel_all_command cancel = {.account = account};
    uint8_t *at = cancel_all_command_put(bytes + COMMAND_HEADER_BYTES, &cancel);
    if (!is_signed) {
        memset(at, 0, 32);
        le_put_u32(at, account);
        at[31] = 1;
        return header.length;
    }
    at = le_put_bytes(at, owner_key, PUBLIC_KEY_BYTES);
    hash_sign(owner_secret, text, text_bytes, at);
    if (forged) at[9] ^= 1;
    le_put_bytes(at + SIGNATURE_BYTES, text, text_bytes);
    return header.length;
}

static void fail(const char *what, uint64_t number)
{
    fprintf(stderr, "race.vetting: %s, number %llu\n", what, (unsigned long long)number);
    exit(1);
}

/* Questions with even numbers are about forged signatures. */
static uint64_t take_answers(const struct consensus_vetting *hooks, uint64_t *next)
{
    struct vetting_answer answer;
    uint64_t count = 0;
    while (hooks->vetting.answer(vetter, &answer)) {
        if (answer.number != (*next)++) fail("an answer out of order", answer.number);
        if (answer.stands == (answer.number % 2 == 0)) fail("a wrong answer", answer.number);
        count++;
    }
    return count;
}

/* Returns how many commands did not stand that were said to. */
static uint64_t consensus_main(void)
{
    const struct consensus_vetting hooks = vetter_hooks(vetter);
    uint8_t bytes[COMMAND_BYTES_MAX];
    uint64_t late = 0, asked = 0, answered = 0, next = 1, steps = 0;
    for (uint32_t known = 0; known < ACCOUNTS || answered < asked;) {
        struct vetting_fault fault;
        hooks.turn(vetter);
        answered += take_answers(&hooks, &next);
        const uint64_t promised = hooks.vetting.reached(vetter) / 2;
        if (promised == known || known == ACCOUNTS) {
            if (hooks.rest(vetter)) park_sleep(&consensus_park, 1);
            hooks.awake(vetter);
            continue;
        }
        known = (uint32_t)(promised < ACCOUNTS ? promised : ACCOUNTS);
        struct vetting_run run = {.node = 2, .bytes = bytes};
        run.byte_count = put_command(bytes, known, false, false);
        late += hooks.vetting.ask(vetter, &run, &fault) != VETTING_STANDS;
        atomic_store_explicit(&seen, known, memory_order_relaxed);
        if (++steps % ASK_EVERY != 0) continue;
        run.number = asked + 1;
        run.byte_count =
            put_command(bytes, known - (early && known > 1), true, run.number % 2 == 0);
        const enum vetting_result result = hooks.vetting.ask(vetter, &run, &fault);
        if (result == VETTING_ASKED)
            asked++;
        else if (result != VETTING_BUSY && !early)
            fail(fault.what, known);
    }
    printf("%llu questions, %llu late\n", (unsigned long long)asked, (unsigned long long)late);
    if (asked < ACCOUNTS / AHEAD_MAX / ASK_EVERY / 2) fail("too few questions", asked);
    return late;
}

int main(int argc, char **argv)
{
    uint8_t operator_secret[SECRET_KEY_BYTES];
    struct arena arena;
    pthread_t anchor, thread;
    early = argc == 2 && strcmp(argv[1], "--early") == 0;
    if (!hash_start()) return 1;
    log_set_level(LOG_ERROR + 1);
    crypto_sign_keypair(owner_key, owner_secret);
    world_genesis(&genesis, operator_secret);
    genesis.params.accounts_max = genesis.params.keys_max = ACCOUNTS;
    genesis.params.asset_count = 2;
    genesis.params.market_count = 1;
    genesis.params.markets[0] = (struct market){.symbol = "BTCUSDT", .quote = 1};
    facts = ring_of(1 << 14);
    questions = ring_of(1 << 20);
    answers = ring_of(1 << 12);
    if (!arena_map(&arena, settlement_bytes(&genesis)) || !park_open(&vetter_park) ||
        !park_open(&consensus_park))
        return 1;
    const struct vetter_options options = {
        .genesis = &genesis,
        .settlement = settlement_new(&arena, &genesis, world_secret),
        .facts = facts,
        .questions = questions,
        .answers = answers,
        .park = &vetter_park,
        .consensus_park = &consensus_park,
        .progress = &progress,
    };
    vetter = vetter_new(&options);
    if (vetter == NULL || pthread_create(&thread, NULL, vetter_main, NULL) != 0 ||
        pthread_create(&anchor, NULL, anchor_main, NULL) != 0)
        return 1;
    const uint64_t late = consensus_main();
    atomic_store_explicit(&progress.stopping, 1, memory_order_release);
    park_wake(&vetter_park);
    pthread_join(anchor, NULL);
    pthread_join(thread, NULL);
    vetter_free(vetter);
    arena_unmap(&arena);
    park_close(&vetter_park);
    park_close(&consensus_park);
    free(facts);
    free(questions);
    free(answers);
    return early ? late == 0 : late > 0;
}
