#include "common/log.h"
#include "ledger/chain_files.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"

#define SMALL_SEGMENT 6000
#define BASE          17

static struct chain_folder folder;
static struct blocks blocks;
static struct chain *chain;

/* A folder whose chain begins above block BASE. */
static void begin(void)
{
    log_set_level(LOG_ERROR + 1);
    uint8_t certificate[64];
    chain_folder_make(&folder);
    blocks_begin(&blocks);
    while (blocks.height < BASE)
        blocks_next(&blocks);
    assert_int_equal(chain_begin_at(folder.path, blocks.header_bytes, certificate,
                                    chain_folder_certificate(BASE, certificate)),
                     STATUS_OK);
}

static void open_small(void)
{
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    chain->segment_bytes = SMALL_SEGMENT;
}

/* Appends up to `tip` what blocks.h makes. */
static void fill(uint64_t tip)
{
    assert_int_equal(chain_folder_fill(chain, &blocks, tip), STATUS_OK);
}

static void assert_chain(struct chain *reader, uint64_t base, uint64_t first_body, uint64_t tip)
{
    struct blocks made;
    struct chain_block block;
    const uint8_t *bytes;
    size_t byte_count;
    uint8_t header[BLOCK_HEADER_BYTES], certificate[64];
    blocks_begin(&made);
    assert_int_equal(chain_base(reader), base);
    assert_int_equal(chain_tip(reader), tip);
    assert_int_equal(chain_first_body(reader), first_body);
    while (made.height < tip) {
        blocks_next(&made);
        const bool here = made.height >= base;
        assert_int_equal(chain_read_header(reader, made.height, header),
                         here ? STATUS_OK : STATUS_NOT_FOUND);
        if (here) assert_memory_equal(header, made.header_bytes, sizeof(header));
        const bool whole = made.height >= first_body;
        assert_int_equal(chain_read_block(reader, made.height, &block),
                         whole ? STATUS_OK : STATUS_NOT_FOUND);
        if (whole) assert_memory_equal(block.body, made.body, made.body_bytes);
        const enum status status = chain_read_certificate(reader, made.height, &bytes, &byte_count);
        const bool signed_here = here && (made.height % 3 != 0 || made.height == base);
        assert_int_equal(status, signed_here ? STATUS_OK : STATUS_NOT_FOUND);
        if (status != STATUS_OK) continue;
        assert_int_equal(byte_count, chain_folder_certificate(made.height, certificate));
        assert_memory_equal(bytes, certificate, byte_count);
    }
    assert_int_equal(chain_read_header(reader, tip + 1, header), STATUS_NOT_FOUND);
}

/* Header and certificate of the block below are here, its body is not, nothing older is, and the chain goes on. */
TEST(chain_begin, chain_goes_on_above_a_block)
{
    struct chain *reader;
    begin();
    assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
    open_small();
    assert_chain(chain, BASE, BASE + 1, BASE);
    assert_int_equal(chain_certified(chain), BASE);
    assert_chain(reader, BASE, BASE + 1, BASE);
    assert_int_equal(chain_certified(reader), BASE);
    fill(BASE + 20);
    assert_chain(chain, BASE, BASE + 1, BASE + 20);
    assert_chain(reader, BASE, BASE + 1, BASE + 20);
    chain_close(chain);
    open_small();
    assert_chain(chain, BASE, BASE + 1, BASE + 20);
    for (bool more = true; more;)
        assert_int_equal(chain_prune_bodies(chain, BASE + 10, &more), STATUS_OK);
    const uint64_t first = chain_first_body(chain);
    assert_true(first > BASE + 1 && first <= BASE + 10);
    assert_chain(chain, BASE, first, BASE + 20);
    assert_chain(reader, BASE, first, BASE + 20);
    chain_close(chain);
    open_small();
    assert_chain(chain, BASE, first, BASE + 20);
    chain_close(reader);
    chain_close(chain);
    chain_folder_remove(&folder);
}

/* A chain is never begun over another, nor above what is no header. */
TEST(chain_begin, only_in_an_empty_folder)
{
    begin();
    uint8_t bytes[BLOCK_HEADER_BYTES];
    memcpy(bytes, blocks.header_bytes, sizeof(bytes));
    assert_int_equal(chain_begin_at(folder.path, bytes, bytes, 10), STATUS_EXISTS);
    chain_folder_remove(&folder);
    chain_folder_chain(&folder, 3);
    assert_int_equal(chain_begin_at(folder.path, bytes, bytes, 10), STATUS_EXISTS);
    chain_folder_remove(&folder);
    chain_folder_make(&folder);
    bytes[0] ^= 1;
    assert_int_equal(chain_begin_at(folder.path, bytes, bytes, 10), STATUS_MALFORMED);
    chain_folder_remove(&folder);
}

/* Whichever byte of the first file changed, the chain does not open; its index is made anew. */
TEST(chain_begin, changed_bytes_are_seen)
{
    begin();
    const off_t whole = chain_folder_bytes(&folder, "00000001.headers");
    for (off_t offset = 0; offset < whole; offset += 5) { /* before it was ever opened */
        chain_folder_flip(&folder, "00000001.headers", offset, 8);
        assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
        chain_folder_flip(&folder, "00000001.headers", offset, 8);
    }
    open_small();
    fill(BASE + 3);
    chain_close(chain);
    for (off_t offset = 0; offset < whole; offset++) {
        chain_folder_flip(&folder, "00000001.headers", offset, 8);
        assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
        chain_folder_flip(&folder, "00000001.headers", offset, 8);
    }
    const off_t index = chain_folder_bytes(&folder, "index");
    for (off_t offset = 0; offset < index; offset += 3) {
        chain_folder_flip(&folder, "index", offset, 4);
        open_small();
        assert_chain(chain, BASE, BASE + 1, BASE + 3);
        chain_close(chain);
    }
    chain_folder_remove(&folder);
}

/* Headers may come without their bodies, and bodies behind them. */
TEST(chain_begin, takes_headers_without_bodies)
{
    chain_folder_make(&folder);
    open_small();
    struct blocks made;
    uint8_t certificate[64];
    blocks_begin(&made);
    while (made.height < 12) {
        blocks_next(&made);
        assert_int_equal(chain_append_header(chain, made.header_bytes), STATUS_OK);
        const size_t bytes = chain_folder_certificate(made.height, certificate);
        if (made.height % 3 != 0)
            assert_int_equal(chain_append_certificate(chain, made.height, certificate, bytes),
                             STATUS_OK);
    }
    assert_chain(chain, 0, 13, 12);
    blocks_begin(&blocks);
    fill(30);
    assert_chain(chain, 0, 13, 30);
    chain_close(chain);
    open_small();
    assert_chain(chain, 0, 13, 30);
    chain_close(chain);
    chain_folder_remove(&folder);
}

static unsigned quarantined(void)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/quarantine", folder.path);
    DIR *directory = opendir(path);
    if (directory == NULL) return 0;
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* The last block whose record ends at or before `offset` of a file, or `before`. */
static uint64_t last_block_before(const char *name, off_t offset, uint64_t before)
{
    static uint8_t bytes[65536];
    struct chain_record record;
    const int file = chain_folder_open(&folder, name);
    const ssize_t count = read(file, bytes, sizeof(bytes));
    close(file);
    for (size_t at = 0; chain_record_get(bytes + at, (size_t)count - at, &record);) {
        at += CHAIN_RECORD_HEADER_BYTES + record.length;
        if (at > (size_t)offset) break;
        if (record.type == CHAIN_BLOCK) before = record.height;
    }
    return before;
}

/* A damaged file and all behind it go aside, what was good before the damage stays, and the rest comes again. */
TEST(chain_begin, damage_is_put_into_quarantine)
{
    for (uint64_t segment = 1; segment <= 4; segment++) {
        for (off_t offset = 0; offset < 5000; offset += 1117) {
            uint64_t tip;
            char name[32];
            chain_folder_make(&folder);
            blocks_begin(&blocks);
            open_small();
            fill(20);
            chain_close(chain);
            snprintf(name, sizeof(name), "%08d.segment", (int)segment);
            if (offset >= chain_folder_bytes(&folder, name)) {
                chain_folder_remove(&folder);
                continue;
            }
            uint64_t expected = 0;
            for (uint64_t i = 1; i < segment; i++) {
                char older[32];
                snprintf(older, sizeof(older), "%08d.segment", (int)i);
                expected = last_block_before(older, 1 << 20, expected);
            }
            expected = last_block_before(name, offset, expected);
            chain_folder_flip(&folder, name, offset, 1);
            assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
            assert_int_equal(chain_quarantine(folder.path, false, &tip), STATUS_OK);
            assert_int_equal(tip, expected);
            assert_true(tip < 20 && quarantined() >= 2);
            open_small();
            assert_int_equal(chain_tip(chain), tip);
            assert_int_equal(chain_first_body(chain), 1);
            if (tip > 0 && tip % 3 != 0 && chain_certified(chain) < tip) {
                uint8_t certificate[64];
                const size_t bytes = chain_folder_certificate(tip, certificate);
                assert_int_equal(chain_append_certificate(chain, tip, certificate, bytes),
                                 STATUS_OK);
            }
            blocks_begin(&blocks);
            fill(20);
            assert_chain(chain, 0, 1, 20);
            assert_int_equal(chain_quarantine(folder.path, false, &tip), STATUS_EXISTS);
            chain_close(chain);
            chain_folder_remove(&folder);
        }
    }
}

/* Nothing is moved when nothing is wrong; everything, when everything is asked for, and another chain begins. */
TEST(chain_begin, quarantine_takes_nothing_or_everything)
{
    uint64_t tip;
    chain_folder_make(&folder);
    blocks_begin(&blocks);
    open_small();
    fill(20);
    for (bool more = true; more;)
        assert_int_equal(chain_prune_bodies(chain, 10, &more), STATUS_OK);
    chain_close(chain);
    assert_int_equal(chain_quarantine(folder.path, false, &tip), STATUS_OK);
    assert_int_equal(tip, 20);
    assert_int_equal(quarantined(), 0);
    assert_int_equal(chain_quarantine(folder.path, true, &tip), STATUS_OK);
    assert_int_equal(tip, 0);
    assert_true(quarantined() >= 4);
    uint8_t certificate[64];
    assert_int_equal(chain_begin_at(folder.path, blocks.header_bytes, certificate,
                                    chain_folder_certificate(20, certificate)),
                     STATUS_OK);
    open_small();
    assert_int_equal(chain_tip(chain), 20);
    fill(25);
    assert_chain(chain, 20, 21, 25);
    chain_close(chain);
    chain_folder_remove(&folder);
}

/* A headers file that rots, and a file that is gone, end the chain before them. */
TEST(chain_begin, lost_headers_and_files_end_the_chain)
{
    for (int gone = 0; gone < 2; gone++) {
        uint64_t tip;
        char path[128];
        chain_folder_make(&folder);
        blocks_begin(&blocks);
        open_small();
        fill(30);
        for (bool more = true; more;)
            assert_int_equal(chain_prune_bodies(chain, 20, &more), STATUS_OK);
        chain_close(chain);
        if (gone) {
            snprintf(path, sizeof(path), "%s/00000002.headers", folder.path);
            assert_int_equal(unlink(path), 0);
        } else {
            chain_folder_flip(&folder, "00000002.headers", 700, 1);
        }
        assert_int_equal(chain_quarantine(folder.path, false, &tip), STATUS_OK);
        assert_true(tip > 1 && tip < 12);
        open_small();
        assert_int_equal(chain_tip(chain), tip);
        assert_int_equal(chain_first_body(chain), tip + 1);
        chain_close(chain);
        chain_folder_remove(&folder);
    }
}
