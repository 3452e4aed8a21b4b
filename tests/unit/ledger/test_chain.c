#include "ledger/chain.h"

#include "common/log.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"

#include <pthread.h>
#include <sys/wait.h>

static struct chain_folder folder;
static struct blocks blocks;
static struct chain *chain;

#define SEGMENT "00000001.segment"

/* Compares every block and certificate up to `tip` with the ones that were made. */
static void assert_chain(struct chain *reader, uint64_t tip)
{
    struct blocks made;
    blocks_begin(&made);
    assert_int_equal(chain_tip(reader), tip);
    while (made.height < tip) {
        uint8_t header[BLOCK_HEADER_BYTES], certificate[64];
        struct chain_block block;
        const uint8_t *bytes;
        size_t byte_count;
        blocks_next(&made);
        assert_int_equal(chain_read_header(reader, made.height, header), STATUS_OK);
        assert_memory_equal(header, made.header_bytes, sizeof(header));
        assert_int_equal(chain_read_block(reader, made.height, &block), STATUS_OK);
        assert_memory_equal(block.header, made.header_bytes, sizeof(header));
        assert_int_equal(block.body_bytes, made.body_bytes);
        assert_memory_equal(block.body, made.body, made.body_bytes);
        const enum status status = chain_read_certificate(reader, made.height, &bytes, &byte_count);
        assert_int_equal(status, made.height % 3 == 0 ? STATUS_NOT_FOUND : STATUS_OK);
        if (status != STATUS_OK) continue;
        assert_int_equal(byte_count, chain_folder_certificate(made.height, certificate));
        assert_memory_equal(bytes, certificate, byte_count);
    }
    struct chain_block block;
    assert_int_equal(chain_read_block(reader, tip + 1, &block), STATUS_NOT_FOUND);
    assert_int_equal(chain_read_block(reader, 0, &block), STATUS_NOT_FOUND);
}

TEST(chain, gives_back_what_was_appended)
{
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&folder);
    blocks_begin(&blocks);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_tip(chain), 0);
    assert_int_equal(chain_folder_fill(chain, &blocks, 10), STATUS_OK);
    assert_chain(chain, 10);
    assert_int_equal(chain_certified(chain), 10);
    chain_close(chain);

    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_chain(chain, 10);
    assert_int_equal(chain_folder_fill(chain, &blocks, 12), STATUS_OK);
    assert_chain(chain, 12);
    assert_int_equal(chain_certified(chain), 11);
    chain_close(chain);
    assert_int_equal(chain_open_reader(folder.path, &chain), STATUS_OK);
    assert_chain(chain, 12);
    assert_int_equal(chain_certified(chain), 11);
    chain_close(chain);
    chain_folder_remove(&folder);
}

/* No byte of a record, a place or the index header is unguarded. */
TEST(chain, bytes_with_any_bit_flipped_are_nothing)
{
    uint8_t bytes[CHAIN_RECORD_HEADER_BYTES + 40], place_bytes[CHAIN_PLACE_BYTES];
    uint8_t index[CHAIN_INDEX_HEADER_BYTES];
    memset(bytes, 7, sizeof(bytes));
    const struct chain_record record = {
        .type = CHAIN_CERTIFICATE, .length = 40, .height = 9, .payload = bytes + 24};
    struct chain_record decoded;
    chain_record_put(bytes, &record, NULL, 0);
    assert_true(chain_record_get(bytes, sizeof(bytes), &decoded));
    for (size_t i = 0; i < sizeof(bytes) * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(chain_record_get(bytes, sizeof(bytes), &decoded));
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    struct chain_place place = chain_place_of(&record, 3, 77);
    chain_place_put(place_bytes, &place);
    assert_true(chain_place_get(place_bytes, &place));
    for (size_t i = 0; i < sizeof(place_bytes) * 8; i++) {
        place_bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(chain_place_get(place_bytes, &place));
        place_bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    const struct chain_index said = {
        .synced_segment = 4, .synced_offset = 1000, .base = 77, .first_body = 78};
    struct chain_index got;
    chain_index_put(index, &said);
    assert_true(chain_index_get(index, &got));
    assert_int_equal(got.synced_segment, 4);
    assert_int_equal(got.synced_offset, 1000);
    assert_int_equal(got.base, 77);
    assert_int_equal(got.first_body, 78);
    for (size_t i = 0; i < sizeof(index) * 8; i++) {
        index[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(chain_index_get(index, &got));
        index[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

/* Nothing is there before the writer's first block, and that is no failure. */
TEST(chain, reader_may_come_before_the_writer)
{
    struct chain *reader;
    struct chain_block block;
    chain_folder_make(&folder);
    assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
    assert_int_equal(chain_read_block(reader, 1, &block), STATUS_NOT_FOUND);
    assert_int_equal(chain_tip(reader), 0);
    blocks_begin(&blocks);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_read_block(reader, 1, &block), STATUS_NOT_FOUND);
    assert_int_equal(chain_folder_fill(chain, &blocks, 4), STATUS_OK);
    assert_chain(reader, 4);
    chain_close(chain);
    chain_close(reader);
    chain_folder_remove(&folder);
}

TEST(chain, has_one_writer)
{
    struct chain *second;
    chain_folder_make(&folder);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_open(folder.path, &second), STATUS_EXISTS);
    assert_null(second);
    chain_close(chain);
    chain_folder_remove(&folder);
}

/* The last record is a certificate or a block; at every byte of it a crash may have stopped the write,
 * with the index written or not. It is cut, the records before it stay, and what comes next goes where
 * it was. */
TEST(chain, torn_tail_is_cut_at_every_byte)
{
    for (uint64_t tip = 5; tip <= 6; tip++) {
        chain_folder_chain(&folder, tip);
        const off_t whole = chain_folder_bytes(&folder, SEGMENT);
        blocks_begin(&blocks);
        while (blocks.height < tip)
            blocks_next(&blocks);
        uint8_t certificate[64];
        const off_t last = CHAIN_RECORD_HEADER_BYTES +
                           (tip % 3 != 0 ? (off_t)chain_folder_certificate(tip, certificate)
                                         : BLOCK_HEADER_BYTES + (off_t)blocks.body_bytes);
        chain_folder_remove(&folder);
        const uint64_t left = tip % 3 != 0 ? tip : tip - 1; /* blocks without the last record */

        for (off_t cut = 1; cut <= last; cut++) {
            chain_folder_chain(&folder, tip);
            chain_folder_unsync(&folder);
            chain_folder_truncate(&folder, SEGMENT, whole - cut);
            assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
            assert_int_equal(chain_tip(chain), left);
            assert_int_equal(chain_certified(chain), tip - 1);
            assert_int_equal(chain_folder_bytes(&folder, SEGMENT), whole - last);
            if (tip % 3 != 0) {
                const size_t bytes = chain_folder_certificate(tip, certificate);
                assert_int_equal(chain_append_certificate(chain, tip, certificate, bytes),
                                 STATUS_OK);
            }
            blocks_begin(&blocks);
            assert_int_equal(chain_folder_fill(chain, &blocks, tip + 2), STATUS_OK);
            assert_chain(chain, tip + 2);
            chain_close(chain);
            chain_folder_remove(&folder);
        }
    }
}

/* The same for garbage behind the last record. */
TEST(chain, tail_that_is_no_record_is_cut)
{
    chain_folder_chain(&folder, 4);
    const off_t whole = chain_folder_bytes(&folder, SEGMENT);
    const int descriptor = chain_folder_open(&folder, SEGMENT);
    uint8_t garbage[300];
    memset(garbage, 0xa5, sizeof(garbage));
    assert_int_equal(pwrite(descriptor, garbage, sizeof(garbage), whole), sizeof(garbage));
    close(descriptor);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_chain(chain, 4);
    assert_int_equal(chain_folder_bytes(&folder, SEGMENT), whole);
    chain_close(chain);
    chain_folder_remove(&folder);
}

/* A byte that changed anywhere in the segments is refused, synchronised or not, and even when the index
 * is gone as long as something whole follows. */
TEST(chain, changed_byte_anywhere_is_refused)
{
    chain_folder_chain(&folder, 5);
    const off_t whole = chain_folder_bytes(&folder, SEGMENT);
    for (int unsynced = 0; unsynced < 2; unsynced++) {
        if (unsynced) chain_folder_unsync(&folder);
        for (off_t offset = 0; offset < whole; offset++) {
            const uint8_t bits = (uint8_t)(1 << offset % 8);
            chain_folder_flip(&folder, SEGMENT, offset, bits);
            assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
            chain_folder_flip(&folder, SEGMENT, offset, bits);
        }
    }
    chain_folder_flip(&folder, SEGMENT, 700, 1);
    chain_folder_truncate(&folder, "index", 0);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
    chain_folder_flip(&folder, SEGMENT, 700, 1);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_chain(chain, 5);
    chain_close(chain);
    chain_folder_remove(&folder);
}

/* A synchronised record is never cut as a torn tail. */
TEST(chain, that_lost_synchronised_bytes_is_refused)
{
    chain_folder_chain(&folder, 5);
    chain_folder_truncate(&folder, SEGMENT, chain_folder_bytes(&folder, SEGMENT) - 1);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
    chain_folder_truncate(&folder, SEGMENT, 0);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
    chain_folder_remove(&folder);
}

/* The index follows from the segments: a writer makes it anew, whatever happened to it. */
TEST(chain, index_is_made_anew)
{
    chain_folder_chain(&folder, 5);
    const off_t whole = chain_folder_bytes(&folder, "index");
    for (off_t offset = 0; offset < whole; offset += 5) {
        chain_folder_flip(&folder, "index", offset, 4);
        assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
        assert_chain(chain, 5);
        chain_close(chain);
    }
    for (off_t bytes = 0; bytes < whole; bytes += 9) {
        chain_folder_truncate(&folder, "index", bytes);
        assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
        assert_chain(chain, 5);
        chain_close(chain);
    }
    chain_folder_remove(&folder);
}

/* A reader of damaged bytes says so; it does not take them for a block, nor for one not there yet. */
TEST(chain, reader_refuses_changed_bytes)
{
    struct chain *reader;
    struct chain_block block;
    uint8_t header[BLOCK_HEADER_BYTES];
    chain_folder_chain(&folder, 2);
    assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
    chain_folder_flip(&folder, SEGMENT, CHAIN_RECORD_HEADER_BYTES + 100, 1);
    assert_int_equal(chain_read_header(reader, 1, header), STATUS_DAMAGED);
    assert_int_equal(chain_read_block(reader, 1, &block), STATUS_DAMAGED);
    assert_int_equal(chain_read_block(reader, 2, &block), STATUS_OK);
    chain_folder_flip(&folder, SEGMENT, CHAIN_RECORD_HEADER_BYTES + 100, 1);
    chain_folder_flip(&folder, SEGMENT, CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES + 9, 1);
    assert_int_equal(chain_read_header(reader, 1, header), STATUS_OK);
    assert_int_equal(chain_read_block(reader, 1, &block), STATUS_DAMAGED);
    chain_folder_flip(&folder, "index", CHAIN_INDEX_HEADER_BYTES + 3, 1);
    assert_int_equal(chain_read_header(reader, 1, header), STATUS_DAMAGED);
    chain_close(reader);
    chain_folder_remove(&folder);
}

/* Segments end at their size, a block larger than one has one for itself, and both ways are found. */
TEST(chain, goes_on_in_a_new_segment)
{
    const size_t body_bytes = CHAIN_SEGMENT_BYTES / 2;
    uint8_t *body = calloc(1, CHAIN_SEGMENT_BYTES + 5);
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct chain_block block;
    chain_folder_make(&folder);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    for (uint64_t height = 1; height <= 4; height++) {
        const struct block_header header = {.version = BLOCK_HEADER_VERSION,
                                            .height = height,
                                            .body_length =
                                                height == 3 ? CHAIN_SEGMENT_BYTES + 5 : body_bytes};
        block_header_encode(&header, bytes);
        memset(body, (int)height, CHAIN_SEGMENT_BYTES + 5);
        assert_int_equal(chain_append_block(chain, bytes, body, header.body_length), STATUS_OK);
    }
    chain_close(chain);
    assert_int_equal(chain_folder_bytes(&folder, "00000003.segment"),
                     CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES + CHAIN_SEGMENT_BYTES + 5);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_tip(chain), 4);
    for (uint64_t height = 4; height > 0; height--) {
        assert_int_equal(chain_read_block(chain, height, &block), STATUS_OK);
        assert_int_equal(block.body[block.body_bytes - 1], height);
    }
    chain_close(chain);

    char path[128];
    snprintf(path, sizeof(path), "%s/00000002.segment", folder.path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
    chain_folder_remove(&folder);
    free(body);
}

#define RACE_BLOCKS 400

/* Reads every block as soon as it can be seen; false when it ever saw half a one. */
static bool read_along(void)
{
    struct chain *reader;
    struct blocks made;
    struct chain_block block;
    blocks_begin(&made);
    if (chain_open_reader(folder.path, &reader) != STATUS_OK) return false;
    bool right = true;
    while (right && made.height < RACE_BLOCKS) {
        enum status status;
        blocks_next(&made);
        while ((status = chain_read_block(reader, made.height, &block)) == STATUS_NOT_FOUND)
            sched_yield();
        right = status == STATUS_OK && block.body_bytes == made.body_bytes &&
                memcmp(block.header, made.header_bytes, BLOCK_HEADER_BYTES) == 0 &&
                memcmp(block.body, made.body, made.body_bytes) == 0;
    }
    chain_close(reader);
    return right;
}

static void *read_along_thread(void *right)
{
    *(bool *)right = read_along();
    return NULL;
}

/* A reader in another thread and one in another process follow the writer block by block. */
TEST(chain, readers_see_whole_records_only)
{
    chain_folder_make(&folder);
    const pid_t child = fork();
    if (child == 0) _exit(read_along() ? 0 : 1);
    bool right = false;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_along_thread, &right), 0);

    blocks_begin(&blocks);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_folder_fill(chain, &blocks, RACE_BLOCKS), STATUS_OK);
    pthread_join(thread, NULL);
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(right);
    assert_int_equal(code, 0);
    chain_close(chain);
    chain_folder_remove(&folder);
}
