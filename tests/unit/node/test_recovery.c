#include "node/recovery.h"

#include "ledger/chain.h"
#include "ledger/wal.h"
#include "tests/unit/ledger/blocks.h"
#include "tests/unit/node/workshop.h"

static struct workshop shop;
static struct node_files files;
static struct config config;

static struct wal_options options_of(struct wal_disk *disk)
{
    return (struct wal_options){.disk = disk,
                                .segment_bytes = config.wal_segment_bytes,
                                .chain_id = genesis_chain_id(&files.genesis),
                                .node = 1};
}

/* A log of so many entries; none at all and no memory of votes when `has_memory` is false. */
static void make_log(uint64_t entries, bool has_memory)
{
    struct wal_disk *disk = wal_disk_directory(files.wal);
    const struct wal_options options = options_of(disk);
    struct wal_damage damage;
    struct wal *wal;
    assert_non_null(disk);
    if (has_memory) {
        assert_int_equal(wal_create(&options), STATUS_OK);
        assert_int_equal(wal_open(&options, &wal, &damage), STATUS_OK);
        for (uint64_t index = 1; index <= entries; index++) {
            const struct wal_entry entry = {.index = index,
                                            .term = 1,
                                            .type = WAL_BARRIER,
                                            .length = 8,
                                            .bytes = (const uint8_t *)"barrier"};
            assert_int_equal(wal_append(wal, &entry, 1, index - 1), STATUS_OK);
        }
        wal_close(wal);
    }
    wal_disk_free(disk);
}

static void make_chain(uint64_t tip)
{
    static struct blocks blocks;
    struct chain *chain;
    blocks_begin(&blocks);
    assert_int_equal(chain_open(files.chain, &chain), STATUS_OK);
    while (blocks.height < tip) {
        blocks_next(&blocks);
        assert_int_equal(
            chain_append_block(chain, blocks.header_bytes, blocks.body, blocks.body_bytes),
            STATUS_OK);
    }
    chain_close(chain);
}

static void begin(uint64_t checkpoint)
{
    recovery_steady();
    workshop_begin(&shop);
    workshop_start(&shop);
    if (checkpoint > 0) workshop_checkpoint(&shop, checkpoint);
    config_defaults(&config);
    memset(&files, 0, sizeof(files));
    files.config = &config;
    files.genesis = shop.journal.genesis;
    files.id = 1;
    files.in_genesis = true;
    memcpy(files.secret_key, shop.journal.node_secret, sizeof(files.secret_key));
    assert_true(file_path(files.wal, shop.folder, "wal"));
    assert_true(file_path(files.chain, shop.folder, "chain"));
    assert_true(file_path(files.checkpoint, shop.folder, "checkpoint"));
    assert_int_equal(file_make_folder(files.wal, 0700), STATUS_OK);
    assert_int_equal(file_make_folder(files.chain, 0700), STATUS_OK);
}

static void end(void)
{
    workshop_end(&shop);
    recovery_steady();
}

/* What this cannot mend stays what it was, amnesia above all: a new identity must come. */
TEST(recovery, other_failures_stay)
{
    begin(3);
    make_log(2, false);
    assert_int_equal(recovery_after(&files, STATUS_AMNESIAC), STATUS_AMNESIAC);
    assert_int_equal(recovery_after(&files, STATUS_NO_SPACE), STATUS_NO_SPACE);
    assert_int_equal(recovery_after(&files, STATUS_MISMATCH), STATUS_MISMATCH);
    /* And a log whose votes are forgotten is not begun anew. */
    assert_int_equal(recovery_after(&files, STATUS_BEHIND), STATUS_AMNESIAC);
    end();
}

/* A checkpoint was fetched, or the log lost its end: the log begins above the checkpoint, votes remembered. */
TEST(recovery, log_below_the_checkpoint_begins_anew)
{
    struct wal_damage damage;
    struct wal *wal;
    begin(3);
    make_log(5, true);
    assert_int_equal(recovery_after(&files, STATUS_BEHIND), STATUS_AGAIN);
    struct wal_disk *disk = wal_disk_directory(files.wal);
    const struct wal_options options = options_of(disk);
    assert_int_equal(wal_open(&options, &wal, &damage), STATUS_OK);
    const struct replica_base made = workshop_base(3);
    const struct wal_base *base = wal_base(wal);
    assert_int_equal(base->index, 30);
    assert_int_equal(base->term, 2);
    assert_true(hash_equal(base->hash, made.hash));
    assert_int_equal(wal_last_index(wal), 30);
    wal_close(wal);
    wal_disk_free(disk);
    end();
}

/* Rotten bytes of the chain go aside, with what is above them; the log brings it back. */
TEST(recovery, damaged_chain_goes_to_its_quarantine)
{
    struct chain *chain;
    char path[FILE_PATH_MAX];
    uint8_t byte;
    begin(0);
    make_log(5, true);
    make_chain(6);
    assert_true(file_path(path, files.chain, "00000001.segment"));
    const int descriptor = open(path, O_RDWR);
    assert_int_equal(pread(descriptor, &byte, 1, 700), 1);
    byte ^= 32;
    assert_int_equal(pwrite(descriptor, &byte, 1, 700), 1);
    close(descriptor);
    assert_int_equal(chain_open(files.chain, &chain), STATUS_DAMAGED);

    assert_int_equal(recovery_after(&files, STATUS_DAMAGED), STATUS_AGAIN);
    assert_int_equal(chain_open(files.chain, &chain), STATUS_OK);
    assert_true(chain_tip(chain) < 6);
    chain_close(chain);
    assert_true(file_path(path, files.chain, "quarantine"));
    assert_int_equal(access(path, F_OK), 0);
    end();
}

/* What comes again and again is no damage but a bug; after a steady while the count begins anew. */
TEST(recovery, is_tried_so_often_only)
{
    begin(0);
    make_log(1, true);
    for (int i = 0; i < 8; i++)
        assert_int_equal(recovery_after(&files, STATUS_DAMAGED), STATUS_AGAIN);
    assert_int_equal(recovery_after(&files, STATUS_DAMAGED), STATUS_DAMAGED);
    assert_int_equal(recovery_after(&files, STATUS_DAMAGED), STATUS_DAMAGED);
    recovery_steady();
    assert_int_equal(recovery_after(&files, STATUS_DAMAGED), STATUS_AGAIN);
    end();
}

/* Who has something to begin with goes on with it; a later member whose votes are forgotten does not start. */
TEST(recovery, state_that_is_there_is_enough)
{
    struct start start;
    begin(3);
    assert_int_equal(start_open(&start, files.checkpoint, &files.genesis), STATUS_OK);
    assert_int_equal(recovery_before(&files, &start), STATUS_OK);
    files.in_genesis = false;
    assert_int_equal(recovery_before(&files, &start), STATUS_OK);
    start_close(&start);

    start = (struct start){.genesis = &files.genesis};
    assert_int_equal(recovery_before(&files, &start), STATUS_AMNESIAC);
    files.in_genesis = true;
    assert_int_equal(recovery_before(&files, &start), STATUS_OK);
    files.in_genesis = false;
    make_log(3, true);
    assert_int_equal(recovery_before(&files, &start), STATUS_OK);
    end();
}
