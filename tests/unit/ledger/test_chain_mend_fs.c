#include "common/log.h"
#include "ledger/chain_files.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"

#define SMALL_SEGMENT 6000
#define TIP           20

static struct chain_folder folder;
static struct blocks blocks;
static struct chain *chain;

static void open_small(void)
{
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    chain->segment_bytes = SMALL_SEGMENT;
}

/* Blocks 1 to TIP in several segments. */
static void begin(void)
{
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&folder);
    blocks_begin(&blocks);
    open_small();
    assert_int_equal(chain_folder_fill(chain, &blocks, TIP), STATUS_OK);
    chain_close(chain);
}

static void end(void)
{
    chain_close(chain);
    chain_folder_remove(&folder);
}

static const char *segment_name(int segment)
{
    static char name[CHAIN_FILE_NAME_MAX];
    chain_segment_name((uint32_t)segment, name);
    return name;
}

static bool there(int segment)
{
    const int file = chain_folder_open(&folder, segment_name(segment));
    if (file >= 0) close(file);
    return file >= 0;
}

/* How much of blocks 1 to TIP is lost; what is there must be what was written. */
static void count_losses(uint32_t *bodies, uint32_t *certificates)
{
    struct blocks made;
    struct chain_block block;
    const uint8_t *bytes;
    size_t byte_count;
    uint8_t header[BLOCK_HEADER_BYTES], certificate[64];
    *bodies = *certificates = 0;
    blocks_begin(&made);
    while (made.height < TIP) {
        blocks_next(&made);
        assert_int_equal(chain_read_header(chain, made.height, header), STATUS_OK);
        assert_memory_equal(header, made.header_bytes, sizeof(header));
        const enum status read = chain_read_block(chain, made.height, &block);
        if (read == STATUS_OK) assert_memory_equal(block.body, made.body, made.body_bytes);
        if (read != STATUS_OK) assert_int_equal(read, STATUS_NOT_FOUND);
        *bodies += read != STATUS_OK;
        const enum status signed_here =
            chain_read_certificate(chain, made.height, &bytes, &byte_count);
        const bool expected = made.height % 3 != 0;
        if (signed_here == STATUS_OK)
            assert_int_equal(byte_count, chain_folder_certificate(made.height, certificate));
        *certificates += expected && signed_here != STATUS_OK;
    }
}

/* What a reader finds before anybody has opened the chain to write. */
static uint64_t hole_now(void)
{
    struct chain *reader;
    assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
    const uint64_t height = chain_hole(reader);
    chain_close(reader);
    return height;
}

/* Whichever byte of whichever segment rots, one record is lost at most, every header stays, and the chain goes on. */
TEST(chain_mend, one_byte_costs_one_record_at_most)
{
    uint32_t all_bodies = 0, all_certificates = 0, nothing = 0, tries = 0;
    for (int segment = 1; segment <= 4; segment++) {
        for (off_t offset = 0; offset < SMALL_SEGMENT; offset += 137) {
            uint32_t bodies, certificates;
            uint64_t tip;
            begin();
            if (!there(segment) || offset >= chain_folder_bytes(&folder, segment_name(segment)) ||
                !there(segment + 1)) {
                chain_folder_remove(&folder);
                continue;
            }
            chain_folder_flip(&folder, segment_name(segment), offset, 0x10);
            assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
            assert_int_equal(chain_mend(folder.path, TIP, &tip), STATUS_OK);
            assert_int_equal(tip, TIP);
            const uint64_t hole = hole_now();
            open_small();
            count_losses(&bodies, &certificates);
            assert_true(bodies + certificates <= 1);
            assert_int_equal(hole > 0, bodies == 1);
            all_bodies += bodies;
            all_certificates += certificates;
            nothing += bodies + certificates == 0;
            tries++;
            assert_int_equal(chain_folder_fill(chain, &blocks, TIP + 3), STATUS_OK);
            end();
        }
    }
    print_message("%u bytes: %u bodies, %u certificates, %u times nothing lost\n", tries,
                  all_bodies, all_certificates, nothing);
    assert_true(tries > 60 && all_bodies > 0 && all_certificates > 0 && nothing > 0);
}

/* Two in one file, and the old file is kept as it was. */
TEST(chain_mend, several_damages_are_mended_one_by_one)
{
    uint32_t bodies, certificates;
    uint64_t tip;
    char path[128];
    begin();
    const off_t bytes = chain_folder_bytes(&folder, segment_name(1));
    const off_t body = CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES + 9;
    chain_folder_flip(&folder, segment_name(1), body, 2);
    chain_folder_flip(&folder, segment_name(1), bytes - 9, 2);
    chain_folder_flip(&folder, segment_name(2), body, 2);
    assert_int_equal(chain_mend(folder.path, TIP, &tip), STATUS_OK);
    assert_int_equal(tip, TIP);
    open_small();
    count_losses(&bodies, &certificates);
    assert_int_equal(bodies + certificates, 3);
    assert_true(chain_first_body(chain) > 1 && chain_first_body(chain) <= TIP);
    snprintf(path, sizeof(path), "%s/quarantine/%s.1", folder.path, segment_name(1));
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_size, bytes);
    end();
}

/* What the log gives again is not mended: it comes back whole, and all below stays. */
TEST(chain_mend, what_the_log_has_is_left_to_it)
{
    uint64_t tip, tip_before;
    begin();
    chain_folder_flip(&folder, segment_name(2), 700, 1);
    struct chain_scan scan;
    assert_int_equal(chain_scan(folder.path, &scan), STATUS_DAMAGED);
    tip_before = scan.tip;
    chain_scan_end(&scan);
    assert_true(tip_before > 1 && tip_before < TIP);
    assert_int_equal(chain_mend(folder.path, tip_before, &tip), STATUS_OK);
    assert_int_equal(tip, tip_before);
    open_small();
    assert_int_equal(chain_tip(chain), tip_before);
    assert_int_equal(chain_first_body(chain), 1);
    end();
}

/* A header that is not the one that the next block names is not believed, however well its record looks: with two
 * wrong bytes it is lost, and the chain ends there. */
TEST(chain_mend, header_must_be_named_by_what_follows)
{
    uint64_t tip;
    begin();
    chain_folder_flip(&folder, segment_name(1), CHAIN_RECORD_HEADER_BYTES + 200, 1);
    chain_folder_flip(&folder, segment_name(1), CHAIN_RECORD_HEADER_BYTES + 300, 1);
    assert_int_equal(chain_mend(folder.path, TIP, &tip), STATUS_OK);
    assert_int_equal(tip, 0); /* the first block itself: nothing before it is left */
    open_small();
    end();
}

/* A whole chain stays as it is; one that somebody writes is left alone. */
TEST(chain_mend, whole_and_busy_chains_are_left_alone)
{
    uint64_t tip;
    uint32_t bodies, certificates;
    begin();
    assert_int_equal(chain_mend(folder.path, TIP, &tip), STATUS_OK);
    assert_int_equal(tip, TIP);
    open_small();
    count_losses(&bodies, &certificates);
    assert_int_equal(bodies + certificates, 0);
    assert_int_equal(chain_mend(folder.path, TIP, &tip), STATUS_EXISTS);
    end();
    assert_int_equal(chain_mend("/nonexistent/chain", TIP, &tip), STATUS_IO);
}
