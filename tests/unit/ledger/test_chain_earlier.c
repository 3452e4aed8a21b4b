#include "common/log.h"
#include "ledger/chain_files.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"

/* A chain that begins above BASE, and the earlier one that comes up to it: read as one. */
#define BASE 17u
#define TIP  40u

static struct chain_folder folder, earlier_folder;
static struct blocks blocks, older;
static struct chain *chain, *earlier, *reader;

static void begin(void)
{
    uint8_t certificate[64];
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&folder);
    snprintf(earlier_folder.path, sizeof(earlier_folder.path), "%.40s/" CHAIN_EARLIER, folder.path);
    assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
    assert_int_equal(chain_base(reader), 0);
    blocks_begin(&blocks);
    blocks_begin(&older);
    while (blocks.height < BASE)
        blocks_next(&blocks);
    assert_int_equal(chain_begin_at(folder.path, blocks.header_bytes, certificate,
                                    chain_folder_certificate(BASE, certificate)),
                     STATUS_OK);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_folder_fill(chain, &blocks, TIP), STATUS_OK);
}

static void begin_earlier(void)
{
    assert_int_equal(mkdir(earlier_folder.path, 0700), 0);
    assert_int_equal(chain_open(earlier_folder.path, &earlier), STATUS_OK);
}

static void end(void)
{
    chain_close(reader);
    chain_close(earlier);
    chain_close(chain);
    earlier = NULL;
    chain_folder_remove_files(earlier_folder.path);
    chain_folder_remove(&folder);
}

/* What `from` says of every height: bodies from 1 to `lower`, and above BASE. */
static void assert_blocks(struct chain *from, uint64_t lower)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    struct chain_block block;
    struct blocks expected;
    const uint8_t *certificate;
    size_t byte_count;
    blocks_begin(&expected);
    for (uint64_t height = 1; height <= TIP; height++) {
        blocks_next(&expected);
        const bool body = height <= lower || height > BASE, here = body || height == BASE;
        assert_int_equal(chain_read_header(from, height, header),
                         here ? STATUS_OK : STATUS_NOT_FOUND);
        if (here) assert_memory_equal(header, expected.header_bytes, sizeof(header));
        assert_int_equal(chain_read_block(from, height, &block),
                         body ? STATUS_OK : STATUS_NOT_FOUND);
        if (body) assert_int_equal(block.body_bytes, expected.body_bytes);
        if (body) assert_memory_equal(block.body, expected.body, block.body_bytes);
        const bool is_signed = here && (height % 3 != 0 || height == BASE);
        assert_int_equal(chain_read_certificate(from, height, &certificate, &byte_count),
                         is_signed ? STATUS_OK : STATUS_NOT_FOUND);
        if (is_signed) assert_int_equal(byte_count, 40 + height % 20);
    }
    assert_int_equal(chain_tip(from), TIP);
}

TEST(chain_earlier, is_read_as_it_comes)
{
    begin();
    assert_blocks(reader, 0);
    assert_blocks(chain, 0);
    begin_earlier();
    for (uint64_t height = 1; height <= BASE; height++) {
        assert_int_equal(chain_base(reader), BASE);
        assert_int_equal(chain_base(chain), BASE);
        assert_int_equal(chain_first_body(reader), BASE + 1);
        assert_int_equal(chain_folder_fill(earlier, &older, height), STATUS_OK);
        assert_blocks(reader, height);
    }
    assert_blocks(chain, BASE);
    end();
}

TEST(chain_earlier, makes_the_chain_begin_with_block_1_when_it_is_whole)
{
    begin();
    begin_earlier();
    assert_int_equal(chain_folder_fill(earlier, &older, BASE), STATUS_OK);
    struct chain *const all[] = {reader, chain};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(chain_base(all[i]), 0);
        assert_int_equal(chain_first_body(all[i]), 1);
    }
    /* The writer goes on above, as ever; at the next open, too. */
    assert_int_equal(chain_folder_fill(chain, &blocks, TIP + 1), STATUS_OK);
    chain_close(chain);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_tip(chain), TIP + 1);
    assert_int_equal(chain_base(chain), 0);
    assert_int_equal(chain_folder_fill(chain, &blocks, TIP + 2), STATUS_OK);
    end();
}

TEST(chain_earlier, without_its_lower_bodies_says_where_they_begin)
{
    begin();
    begin_earlier();
    while (older.height < BASE) {
        blocks_next(&older);
        assert_int_equal(older.height <= 9 ? chain_append_header(earlier, older.header_bytes)
                                           : chain_append_block(earlier, older.header_bytes,
                                                                older.body, older.body_bytes),
                         STATUS_OK);
    }
    assert_int_equal(chain_base(reader), 0);
    assert_int_equal(chain_first_body(reader), 10);
    assert_int_equal(chain_first_body(chain), 10);
    end();
}

TEST(chain_earlier, base_is_told_without_an_index)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    struct block_header decoded;
    begin();
    assert_int_equal(chain_read_base(folder.path, header), STATUS_OK);
    assert_true(block_header_decode(header, &decoded));
    assert_int_equal(decoded.height, BASE);
    begin_earlier();
    assert_int_equal(chain_folder_fill(earlier, &older, 3), STATUS_OK);
    assert_int_equal(chain_read_base(earlier_folder.path, header), STATUS_NOT_FOUND);
    assert_int_equal(chain_read_base("/nowhere/at/all", header), STATUS_NOT_FOUND);
    chain_folder_flip(&folder, "00000001.headers", 100, 1);
    assert_int_equal(chain_read_base(folder.path, header), STATUS_DAMAGED);
    chain_folder_flip(&folder, "00000001.headers", 100, 1);
    end();
}
