/* What does it take to seal a block, beside the engine?
 *
 *     bench_seal DIR [ACCOUNTS [FILLS [BLOCKS [PROOFS [alone]]]]]
 *
 * ACCOUNTS (1000000) with a key and three assets each. Then BLOCKS (20) blocks of FILLS (10000) fills between
 * accounts at random, half of the commands resting and half of them taking. What the anchor does with them is timed,
 * its functions called as it calls them, with the hasher's thread beside it as in a node (`alone`: without), after the
 * engine has made all of the block: settling each command, and at the SEAL the account tree and the header, and the
 * block's way into the chain files under DIR. Before that each body is checked against its header, record by record
 * and not timed. The memory of the journal for proofs has been touched before, as in a
 * node that has run for a while.
 *
 * Prints one JSON object. Of settling, of the SEAL and of both together, in milliseconds a block: the median and the
 * longest by the wall clock, and the processor time of either thread (median), which is what counts where others are at
 * the machine too. Fills a second through settling and sealing three times: by the wall clock, by the thread that has
 * more to do (what two processors of their own could reach), and by both threads' time together (what one would).
 * Bytes of the body a fill; whether SHA-256 has the processor's instructions. Settlement keeps its journal for
 * proofs all the while, as in a node; then PROOFS (10000) accounts' proofs are made and checked, of the newest block and of
 * the oldest that is kept: median and 99th percentile, in microseconds.
 *
 * The accounts' commands are signed by nobody, so here whoever asks for one may; those of the blocks are checked. */

#define authority_objection settlement_authority_objection
#include "settlement/authority.c"
#undef authority_objection

#include "benchmarks/cluster.h"

#include "common/arena.h"
#include "common/hash_block.h"
#include "common/log.h"
#include "engine/match.h"
#include "ledger/block.h"
#include "ledger/chain.h"
#include "node/demo.h"
#include "node/digest.h"
#include "node/hasher.h"
#include "node/init.h"
#include "settlement/account_proof.h"
#include "settlement/proof_journal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define START_NS     (UINT64_C(1700000000) * 1000000000)
#define STEP_NS      1000u
#define BODY_BYTES   (UINT64_C(1) << 28)
#define BLOCKS_MAX   1000
#define PROOFS_MAX   100000
#define SETUP_BLOCK  50000 /* commands */
#define COMMAND_ROOM (COMMAND_BYTES_MAX)

enum part { SETTLE, SEAL, SETTLE_AND_SEAL, STORE, SEAL_AND_STORE, PARTS };

/* What a part of a block took. */
struct took {
    uint64_t wall_ns, anchor_ns, hasher_ns;
};

static struct {
    struct genesis genesis;
    struct arena engine_arena, arena, journal_arena;
    struct engine *engine;
    struct settlement *settlement;
    struct proof_journal *journal;
    hash_t state_roots[BLOCKS_MAX + 1];
    struct digest digest;
    struct digest_block block;
    struct chain *chain;
    struct traffic traffic;
    struct hasher *hasher;
    uint8_t *body;
    size_t body_bytes;
    size_t digested; /* bytes of the body */
    uint64_t number, fills, body_all;
    struct took took[PARTS][BLOCKS_MAX];
    uint64_t proof_ns[PROOFS_MAX];
} rig;

const char *authority_objection(const struct authority *authority, const struct command *command)
{
    if (is_operators(command->header.type)) return NULL;
    return settlement_authority_objection(authority, command);
}

uint64_t cluster_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The time, and what both threads have worked. */
static struct took took_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (struct took){.wall_ns = cluster_now_ns(),
                         .anchor_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
                         .hasher_ns = hasher_worked_ns(rig.hasher)};
}

static struct took took_since(struct took begin)
{
    const struct took now = took_now();
    return (struct took){now.wall_ns - begin.wall_ns, now.anchor_ns - begin.anchor_ns,
                         now.hasher_ns - begin.hasher_ns};
}

static struct took took_both(struct took left, struct took right)
{
    return (struct took){left.wall_ns + right.wall_ns, left.anchor_ns + right.anchor_ns,
                         left.hasher_ns + right.hasher_ns};
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_seal: %s %s\n", what, rig.digest.fault);
    exit(2);
}

/* Steps the engine; the record goes behind the others of the block. */
static void step(const uint8_t *bytes, size_t byte_count)
{
    struct command command;
    struct applied record = {
        .number = ++rig.number,
        .stamp_ns = START_NS + rig.number * STEP_NS,
        .command_length = (uint32_t)byte_count,
        .flags = APPLIED_FIRST | APPLIED_LAST,
    };
    uint8_t *const at = rig.body + rig.body_bytes;
    if (rig.body_bytes + byte_count + 65536 > BODY_BYTES) fail("too large a block");
    uint8_t *events = le_put_bytes(at + APPLIED_HEADER_BYTES, bytes, byte_count);
    struct event_writer out = {.at = events, .end = rig.body + BODY_BYTES, .begin = events};
    if (!command_decode(at + APPLIED_HEADER_BYTES, byte_count, &command)) fail("no command");
    match_step(rig.engine, &command, record.number, record.stamp_ns, &out);
    record.command = at + APPLIED_HEADER_BYTES;
    record.events = events;
    record.events_length = (uint32_t)(out.at - events);
    record.event_count = out.count;
    applied_header_put(at, &record);
    rig.body_bytes += APPLIED_HEADER_BYTES + byte_count + record.events_length;
    for (const uint8_t *next = events; next < out.at;) {
        struct event event;
        if (!event_next(&next, out.at, &event)) fail("no event");
        if (event.type == T_REFUSED) fail("refused");
        rig.fills += event.type == T_FILL;
    }
}

static void commands(uint32_t work, uint64_t count)
{
    uint8_t bytes[COMMAND_ROOM];
    for (uint64_t i = 0; i < count; i++) {
        const size_t byte_count = traffic_next(&rig.traffic, work, 1, bytes);
        if (byte_count == 0) return;
        step(bytes, byte_count);
    }
}

static void hash_record(void *context)
{
    (void)context;
    hasher_give(rig.hasher, &rig.digest.seal, rig.body, rig.digested);
}

static void hash_finish(void *context)
{
    (void)context;
    hasher_finish(rig.hasher);
}

/* Announces the record at *at, and moves on to the next. */
static void announce(const uint8_t **at, const uint8_t *end)
{
    struct applied record;
    struct command command;
    if (*at == end) return;
    if (!applied_next(at, end, &record) ||
        !command_decode(record.command, record.command_length, &command))
        fail("no record");
    digest_expect(&rig.digest, &record, &command);
}

/* Gives the records between to the digest as the anchor has them. Returns how long that took. */
static struct took digest(size_t from, size_t to, bool *sealed)
{
    const uint8_t *at = rig.body + from, *const end = rig.body + to;
    const struct took begin = took_now();
    const uint8_t *ahead = at;
    struct applied record;
    struct command command;
    for (int i = 0; i < DIGEST_AHEAD; i++)
        announce(&ahead, end);
    while (at < end) {
        announce(&ahead, end);
        if (!block_next(&at, end, &record, &command)) fail("no record");
        rig.digested = (size_t)(at - rig.body);
        if (digest_record(&rig.digest, &record, &command, &rig.block, sealed) != STATUS_OK)
            fail("differs:");
    }
    return took_since(begin);
}

/* Settles and ends the block. Its times go to `at` of each part. */
static void block_end(uint32_t at)
{
    uint8_t bytes[COMMAND_HEADER_BYTES + SEAL_BYTES];
    const struct seal_command asked = {.height = rig.digest.height + 1};
    const struct command_header header = {.length = sizeof(bytes), .type = T_SEAL};
    const size_t records = rig.body_bytes;
    bool sealed;
    command_header_put(bytes, &header);
    seal_command_put(bytes + COMMAND_HEADER_BYTES, &asked);
    step(bytes, sizeof(bytes));
    rig.took[SETTLE][at] = digest(0, records, &sealed);
    rig.took[SEAL][at] = digest(records, rig.body_bytes, &sealed);
    if (!sealed) fail("no block");
    struct block_fault fault;
    if (!block_body_check(&rig.block.header, rig.body, rig.body_bytes, &fault)) fail(fault.what);
    const struct took begin = took_now();
    if (chain_append_block(rig.chain, rig.block.bytes, rig.body, rig.body_bytes) != STATUS_OK)
        fail("not stored");
    rig.took[STORE][at] = took_since(begin);
    rig.took[SETTLE_AND_SEAL][at] = took_both(rig.took[SETTLE][at], rig.took[SEAL][at]);
    rig.took[SEAL_AND_STORE][at] = took_both(rig.took[SEAL][at], rig.took[STORE][at]);
    rig.body_all += rig.body_bytes;
    rig.body_bytes = 0;
}

static void hasher_begin(bool alone)
{
    const struct digest_hashing hashing = {hash_record, hash_finish, NULL};
    if (hasher_open(alone ? HASHER_ALONE : HASHER_BESIDE, &rig.hasher) != STATUS_OK)
        fail("no hasher");
    digest_hash_aside(&rig.digest, &hashing);
    settlement_share(rig.settlement, hasher_sharing(rig.hasher));
}

static void rig_open(const char *directory, uint32_t accounts)
{
    struct params *params = &rig.genesis.params;
    init_params(params);
    if (accounts > params->accounts_max) params->accounts_max = params->keys_max = accounts;
    params->checkpoint_blocks = 0;
    demo_list(params);
    rig.genesis.validators.count = 1;
    rig.genesis.validators.members[0].node = 1;
    rig.genesis.operator_count = 1;
    mkdir(directory, 0700);
    rig.body = malloc(BODY_BYTES);
    if (rig.body == NULL || !arena_map(&rig.engine_arena, engine_bytes(&rig.genesis)) ||
        !arena_map(&rig.arena, settlement_bytes(&rig.genesis)))
        fail("no memory");
    rig.engine = engine_new(&rig.engine_arena, &rig.genesis);
    rig.settlement = settlement_new(&rig.arena, &rig.genesis,
                                    (const uint8_t *)"thirty-two bytes of tree secret");
    if (rig.engine == NULL || rig.settlement == NULL) fail("no memory");
    if (chain_open(directory, &rig.chain) != STATUS_OK) fail("no chain");
    const struct proof_journal_limits limits = proof_journal_limits_of(params);
    if (!arena_map(&rig.journal_arena, proof_journal_bytes(params, &limits))) fail("no memory");
    memset(rig.journal_arena.bytes, 0, rig.journal_arena.capacity);
    rig.journal = proof_journal_new(&rig.journal_arena, params, &limits);
    settlement_keep(rig.settlement, rig.journal);
    digest_begin(&rig.digest, &rig.genesis, rig.settlement);
    traffic_begin(&rig.traffic, 1, accounts, 0);
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* One figure of all blocks, sorted. */
static const uint64_t *sorted(enum part part, size_t offset, uint32_t blocks)
{
    static uint64_t figures[BLOCKS_MAX];
    for (uint32_t i = 0; i < blocks; i++)
        memcpy(&figures[i], (const uint8_t *)&rig.took[part][i] + offset, sizeof(uint64_t));
    qsort(figures, blocks, sizeof(uint64_t), compare);
    return figures;
}

static void part_print(const char *name, enum part part, uint32_t blocks)
{
    const uint64_t *wall = sorted(part, offsetof(struct took, wall_ns), blocks);
    printf(", \"%s_ms\": %.2f, \"%s_longest_ms\": %.2f", name, (double)wall[blocks / 2] / 1e6, name,
           (double)wall[blocks - 1] / 1e6);
    printf(", \"%s_anchor_ms\": %.2f", name,
           (double)sorted(part, offsetof(struct took, anchor_ns), blocks)[blocks / 2] / 1e6);
    printf(", \"%s_hasher_ms\": %.2f", name,
           (double)sorted(part, offsetof(struct took, hasher_ns), blocks)[blocks / 2] / 1e6);
}

/* By the wall clock; by the thread that has more to do; by both one after the other. */
static void rates_print(uint32_t blocks)
{
    const double fills = (double)rig.fills / blocks * 1e9;
    const enum part part = SETTLE_AND_SEAL;
    const uint64_t wall = sorted(part, offsetof(struct took, wall_ns), blocks)[blocks / 2];
    const uint64_t anchor = sorted(part, offsetof(struct took, anchor_ns), blocks)[blocks / 2];
    const uint64_t hasher = sorted(part, offsetof(struct took, hasher_ns), blocks)[blocks / 2];
    printf(", \"fills_per_second\": %.0f, \"fills_per_second_busiest\": %.0f"
           ", \"fills_per_second_one\": %.0f, \"body_bytes_a_fill\": %.0f",
           fills / (double)wall, fills / (double)(anchor > hasher ? anchor : hasher),
           fills / (double)(anchor + hasher), (double)rig.body_all / (double)rig.fills);
}

/* Proofs of accounts at random, of block `height`, as the node makes them: put as bytes, and led to the root. */
static void proofs_print(const char *name, uint64_t height, hash_t root, uint32_t accounts,
                         uint32_t count)
{
    static uint8_t bytes[PROOF_ACCOUNT_BYTES_MAX];
    struct proof_journal_room *room = calloc(1, proof_journal_room_bytes());
    struct proof_account proof;
    uint64_t seed = 0x5eed;
    for (uint32_t i = 0; i < count; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint32_t account = 1 + (uint32_t)((seed >> 33) % accounts);
        const uint64_t begin_ns = cluster_now_ns();
        if (proof_journal_account(rig.journal, rig.settlement, account, height, room, &proof) !=
                STATUS_OK ||
            account_proof_fault(&proof, root, NULL) != NULL)
            fail("not proved");
        (void)proof_account_put(&proof, bytes);
        rig.proof_ns[i] = cluster_now_ns() - begin_ns;
    }
    free(room);
    qsort(rig.proof_ns, count, sizeof(uint64_t), compare);
    printf(", \"%s_height\": %" PRIu64 ", \"%s_us\": %.1f, \"%s_p99_us\": %.1f", name, height, name,
           (double)rig.proof_ns[count / 2] / 1e3, name,
           (double)rig.proof_ns[count * 99 / 100] / 1e3);
}

int main(int argc, char **argv)
{
    const uint32_t accounts = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000;
    const uint32_t fills = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 10000;
    const uint32_t blocks = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 20;
    const uint32_t proofs = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 10) : 10000;
    log_set_level(LOG_WARN);
    if (argc < 2 || accounts == 0 || blocks == 0 || blocks > BLOCKS_MAX || proofs == 0 ||
        proofs > PROOFS_MAX || !hash_start()) {
        fprintf(stderr, "usage: bench_seal DIR [ACCOUNTS [FILLS [BLOCKS [PROOFS [alone]]]]]\n");
        return 2;
    }
    rig_open(argv[1], accounts);
    hasher_begin(argc > 6 && strcmp(argv[6], "alone") == 0);
    const uint64_t total = traffic_total(&rig.traffic, WORK_ACCOUNTS);
    for (uint64_t done = 0; done < total; done += SETUP_BLOCK) {
        commands(WORK_ACCOUNTS, SETUP_BLOCK);
        block_end(0);
    }
    const uint64_t before = rig.digest.height;
    rig.body_all = rig.fills = 0;
    for (uint32_t i = 0; i < blocks; i++) {
        commands(WORK_MATCH, 2 * (uint64_t)fills);
        block_end(i);
        rig.state_roots[i + 1] = rig.block.header.state_root;
    }
    chain_close(rig.chain);
    printf("{\"accounts\": %u, \"blocks\": %u, \"fills_a_block\": %" PRIu64
           ", \"sha_instructions\": %s",
           accounts, blocks, rig.fills / blocks, hash_block_supported() ? "true" : "false");
    part_print("settle", SETTLE, blocks);
    part_print("seal", SEAL, blocks);
    part_print("settle_and_seal", SETTLE_AND_SEAL, blocks);
    rates_print(blocks);
    part_print("store", STORE, blocks);
    part_print("seal_and_store", SEAL_AND_STORE, blocks);
    uint64_t oldest = proof_journal_first(rig.journal);
    if (oldest <= before) oldest = before + 1;
    proofs_print("newest_proof", rig.digest.height, rig.state_roots[blocks], accounts, proofs);
    proofs_print("oldest_proof", oldest, rig.state_roots[oldest - before], accounts, proofs);
    printf("}\n");
    return 0;
}
