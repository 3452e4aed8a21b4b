#include "node/start.h"

#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/heir.h"

static struct workshop shop;
static struct heir heir;

static void begin(uint64_t height)
{
    workshop_begin(&shop);
    workshop_start(&shop);
    for (uint64_t at = WORKSHOP_EVERY; at <= height; at += WORKSHOP_EVERY)
        workshop_checkpoint(&shop, at);
}

/* Rots a byte of the checkpoint's engine. */
static void rot(uint64_t height)
{
    char path[256];
    uint8_t byte;
    snprintf(path, sizeof(path), "%s/%lu/00000.chunk", shop.checkpoints, height);
    const int descriptor = open(path, O_RDWR);
    assert_true(descriptor >= 0);
    assert_int_equal(pread(descriptor, &byte, 1, 100), 1);
    byte ^= 4;
    assert_int_equal(pwrite(descriptor, &byte, 1, 100), 1);
    close(descriptor);
}

static uint64_t height_opened(void)
{
    struct start start;
    assert_int_equal(start_open(&start, shop.checkpoints, &shop.journal.genesis), STATUS_OK);
    start_close(&start);
    return start.height;
}

/* Without a checkpoint there is the genesis: its nodes, and nothing of a log. */
TEST(start, genesis_is_where_all_begins)
{
    struct start start;
    struct arena arena;
    struct engine *engine;
    struct settlement *settlement;
    static struct digest digest;
    workshop_begin(&shop);
    const struct genesis *genesis = &shop.journal.genesis;
    assert_int_equal(start_open(&start, shop.checkpoints, genesis), STATUS_OK);
    assert_int_equal(start.height, 0);
    assert_int_equal(start.base.index, 0);
    assert_int_equal(start.nodes.count, 1);
    assert_int_equal(start.nodes.members[0].role, NODE_VOTER);
    assert_memory_equal(start.nodes.members[0].public_key,
                        genesis->validators.members[0].public_key, PUBLIC_KEY_BYTES);
    assert_true(arena_map(&arena, engine_bytes(genesis) + settlement_bytes(genesis)));
    assert_int_equal(start_engine(&start, &arena, &engine), STATUS_OK);
    assert_int_equal(start_settlement(&start, &arena, journal_tree_secret, &settlement, &digest),
                     STATUS_OK);
    assert_int_equal(digest.height, 0);
    assert_int_equal(engine_last_command(engine), 0);
    start_close(&start);
    arena_unmap(&arena);
    workshop_end(&shop);
}

/* The state is that of the block, and the same commands lead from it to the same headers, events and
 * checkpoints. */
TEST(start, goes_on_as_if_nothing_had_been)
{
    begin(6);
    heir_begin(&heir, &shop);
    heir_same(&heir);
    workshop_trade_to(&shop, 14);
    assert_int_equal(heir.blocks, 8);
    heir_same(&heir);
    heir_end(&heir);
    workshop_end(&shop);
}

/* Where the log stood at that SEAL, and what each origin's next command is. */
TEST(start, log_goes_on_where_the_mark_is)
{
    begin(3);
    heir_begin(&heir, &shop);
    const struct replica_base *base = &heir.start.base;
    const struct replica_base made = workshop_base(3);
    assert_int_equal(base->index, 30);
    assert_int_equal(base->term, 2);
    assert_true(hash_equal(base->hash, made.hash));
    assert_int_equal(base->configuration_index, 1);
    assert_int_equal(base->configuration_bytes, made.configuration_bytes);
    assert_memory_equal(base->configuration, made.configuration, made.configuration_bytes);
    assert_int_equal(base->sequence.command_count, shop.journal.number);
    assert_int_equal(base->sequence.sealed_height, 3);
    assert_int_equal(base->sequence.stamp_ns, shop.journal.stamp_ns);
    assert_int_equal(base->sequence.origin_count, 1);
    assert_int_equal(base->sequence.origins[0].node, 1);
    assert_int_equal(base->sequence.origins[0].epoch, shop.journal.epoch);
    assert_int_equal(base->sequence.origins[0].last, shop.journal.sequence);
    assert_int_equal(base->sequence.origins[0].expected, shop.journal.sequence + 1);
    assert_int_equal(heir.start.nodes.count, 1);
    assert_string_equal((const char *)heir.start.nodes.members[0].address, "host:7001");
    heir_end(&heir);
    workshop_end(&shop);
}

/* Bytes that rotted are not believed; the one before is as good, with more of the log to read. */
TEST(start, damaged_checkpoint_is_left_for_an_older_one)
{
    begin(6);
    assert_int_equal(height_opened(), 6);
    rot(6);
    assert_int_equal(height_opened(), 3);
    assert_int_equal(height_opened(), 3);
    rot(3);
    assert_int_equal(height_opened(), 0);
    workshop_end(&shop);
}

static void file_in(char path[256], uint64_t height, const char *name)
{
    snprintf(path, 256, "%s/%lu/%s", shop.checkpoints, height, name);
}

/* A signature that rotted proves nothing: the older checkpoint is taken, the file is kept aside, and no peer is given
 * it. */
TEST(start, rotten_signature_is_no_certificate)
{
    for (off_t offset = 0; offset < CERTIFICATE_HEADER_BYTES + CERTIFICATE_VOTE_BYTES;
         offset += offset < CERTIFICATE_HEADER_BYTES ? 8 : 1) {
        char path[256], aside[256];
        uint8_t byte;
        struct checkpoint_reader *reader;
        if (offset == 0) begin(6);
        file_in(path, 6, "certificate");
        file_in(aside, 6, "certificate.bad");
        assert_int_equal(height_opened(), 6);
        const int file = open(path, O_RDWR);
        assert_int_equal(pread(file, &byte, 1, offset), 1);
        byte ^= 32;
        assert_int_equal(pwrite(file, &byte, 1, offset), 1);
        assert_int_equal(height_opened(), 3);
        assert_int_equal(access(aside, F_OK), 0);
        assert_int_equal(checkpoint_reader_open(shop.checkpoints, 6, &reader), STATUS_NOT_FOUND);
        byte ^= 32;
        assert_int_equal(pwrite(file, &byte, 1, offset), 1);
        close(file);
        if (access(path, F_OK) != 0) assert_int_equal(rename(aside, path), 0);
        char manifest[256], manifest_aside[256];
        file_in(manifest, 6, "manifest");
        file_in(manifest_aside, 6, "manifest.bad");
        if (access(manifest_aside, F_OK) == 0)
            assert_int_equal(rename(manifest_aside, manifest), 0);
    }
    workshop_end(&shop);
}

/* One vote too few, or of somebody who has none, is no certificate either. */
TEST(start, certificate_of_others_is_refused)
{
    char path[256];
    uint8_t bytes[CERTIFICATE_BYTES_MAX], seed[32] = "nobody", secret[SECRET_KEY_BYTES], key[32];
    static struct certificate certificate;
    begin(6);
    file_in(path, 6, "certificate");
    const int file = open(path, O_RDWR);
    const ssize_t count = read(file, bytes, sizeof(bytes));
    assert_true(certificate_decode(bytes, (size_t)count, &certificate));
    struct vote_command vote;
    crypto_sign_seed_keypair(key, secret, seed);
    certificate_statement_sign(CERTIFICATE_OF_CHECKPOINT, secret,
                               genesis_chain_id(&shop.journal.genesis), 0, 6,
                               certificate.header_hash, 1, &vote);
    memcpy(certificate.votes[0].signature, vote.signature, SIGNATURE_BYTES);
    assert_int_equal(pwrite(file, bytes, certificate_encode(&certificate, bytes), 0), count);
    close(file);
    assert_int_equal(height_opened(), 3);
    workshop_end(&shop);
}

/* An auditor leaves what it finds as it is. */
TEST(start, audit_puts_nothing_aside)
{
    struct start start;
    char path[256];
    begin(3);
    rot(3);
    file_in(path, 3, "00000.chunk");
    assert_int_equal(start_audit(&start, shop.checkpoints, &shop.journal.genesis, 3),
                     STATUS_DAMAGED);
    start_close(&start);
    assert_int_equal(access(path, F_OK), 0);
    rot(3);
    assert_int_equal(start_audit(&start, shop.checkpoints, &shop.journal.genesis, 3), STATUS_OK);
    assert_int_equal(start.height, 3);
    start_close(&start);
    assert_int_equal(start_audit(&start, shop.checkpoints, &shop.journal.genesis, 6),
                     STATUS_NOT_FOUND);
    workshop_end(&shop);
}

/* With another tree secret the roots are not those that were signed: it is not this exchange's. */
TEST(start, other_tree_secret_is_refused)
{
    static const uint8_t other[32] = "another secret of thirty-two byT";
    struct start start;
    struct arena arena;
    struct settlement *settlement;
    static struct digest digest;
    begin(3);
    const struct genesis *genesis = &shop.journal.genesis;
    assert_int_equal(start_open(&start, shop.checkpoints, genesis), STATUS_OK);
    assert_true(arena_map(&arena, settlement_bytes(genesis)));
    assert_int_equal(start_settlement(&start, &arena, other, &settlement, &digest),
                     STATUS_MISMATCH);
    arena_unmap(&arena);
    assert_true(arena_map(&arena, settlement_bytes(genesis)));
    assert_int_equal(start_settlement(&start, &arena, journal_tree_secret, &settlement, &digest),
                     STATUS_OK);
    arena_unmap(&arena);
    start_close(&start);
    workshop_end(&shop);
}

TEST(start, other_chains_checkpoint_is_refused)
{
    struct start start;
    static struct genesis other;
    begin(3);
    other = shop.journal.genesis;
    other.time_ns++;
    assert_int_equal(start_open(&start, shop.checkpoints, &other), STATUS_MISMATCH);
    start_close(&start);
    workshop_end(&shop);
}

/* ---- The chain's files ---- */

static void write_chain(const char *folder, uint64_t tip)
{
    static struct blocks blocks;
    struct chain *chain;
    blocks_begin(&blocks);
    assert_int_equal(chain_open(folder, &chain), STATUS_OK);
    while (blocks.height < tip) {
        blocks_next(&blocks);
        assert_int_equal(
            chain_append_block(chain, blocks.header_bytes, blocks.body, blocks.body_bytes),
            STATUS_OK);
    }
    chain_close(chain);
}

/* As the anchor opens it. */
static void check_chain(const char *folder, uint64_t base, uint64_t tip)
{
    struct chain *chain;
    assert_int_equal(chain_open(folder, &chain), STATUS_OK);
    assert_int_equal(chain_base(chain), base);
    assert_int_equal(chain_tip(chain), tip);
    chain_close(chain);
}

/* The chain begins at the checkpoint where it does not reach it: what is below is kept aside, for there would
 * be a gap. */
TEST(start, chain_below_the_checkpoint_gives_way)
{
    struct chain_folder empty, lower, higher, above;
    char quarantine[128];
    begin(3);
    heir_begin(&heir, &shop);
    chain_folder_make(&empty);
    assert_int_equal(start_chain(&heir.start, empty.path), STATUS_OK);
    check_chain(empty.path, 3, 3);
    assert_int_equal(start_chain(&heir.start, empty.path), STATUS_OK);
    check_chain(empty.path, 3, 3);

    chain_folder_make(&lower);
    write_chain(lower.path, 2);
    assert_int_equal(start_chain(&heir.start, lower.path), STATUS_OK);
    check_chain(lower.path, 3, 3);
    snprintf(quarantine, sizeof(quarantine), "%s/quarantine", lower.path);
    assert_int_equal(access(quarantine, F_OK), 0);

    chain_folder_make(&higher);
    write_chain(higher.path, 3);
    assert_int_equal(start_chain(&heir.start, higher.path), STATUS_OK);
    check_chain(higher.path, 0, 3);

    /* One that begins above it is what a damaged newer checkpoint has left. */
    static struct blocks blocks;
    blocks_begin(&blocks);
    while (blocks.height < 6)
        blocks_next(&blocks);
    chain_folder_make(&above);
    assert_int_equal(chain_begin_at(above.path, blocks.header_bytes, NULL, 0), STATUS_OK);
    check_chain(above.path, 6, 6);
    assert_int_equal(start_chain(&heir.start, above.path), STATUS_OK);
    check_chain(above.path, 3, 3);
    chain_folder_remove(&above);
    chain_folder_remove(&empty);
    chain_folder_remove(&lower);
    chain_folder_remove(&higher);
    heir_end(&heir);
    workshop_end(&shop);
}

static void assert_no_quarantine(const char *folder)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/quarantine", folder);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* The index follows from the segments: one that rotted, in whatever byte, or that is missing, costs nothing. */
TEST(start, index_that_rotted_costs_no_block)
{
    struct chain_folder folder;
    begin(6);
    heir_begin(&heir, &shop);
    chain_folder_make(&folder);
    write_chain(folder.path, 6);
    const off_t bytes = chain_folder_bytes(&folder, "index");
    for (off_t offset = 0; offset < bytes; offset += 3) {
        chain_folder_flip(&folder, "index", offset, 64);
        assert_int_equal(start_chain(&heir.start, folder.path), STATUS_OK);
        check_chain(folder.path, 0, 6);
        assert_no_quarantine(folder.path);
    }
    char path[128];
    snprintf(path, sizeof(path), "%s/index", folder.path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(start_chain(&heir.start, folder.path), STATUS_OK);
    check_chain(folder.path, 0, 6);
    assert_no_quarantine(folder.path);
    /* Segments that rotted as well are mended before anything is decided. */
    assert_int_equal(unlink(path), 0);
    chain_folder_flip(&folder, "00000001.segment", 900, 1);
    assert_int_equal(start_chain(&heir.start, folder.path), STATUS_DAMAGED);
    uint64_t tip;
    assert_int_equal(chain_mend(folder.path, 6, &tip), STATUS_OK);
    assert_int_equal(tip, 6);
    assert_int_equal(start_chain(&heir.start, folder.path), STATUS_OK);
    check_chain(folder.path, 0, 6);
    chain_folder_remove(&folder);
    heir_end(&heir);
    workshop_end(&shop);
}
