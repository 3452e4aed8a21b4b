#include "ledger/supply_files.h"

#include "ledger/chain.h"
#include "ledger/lineage.h"
#include "tests/harness.h"
#include "tests/unit/ledger/blocks.h"
#include "tests/unit/ledger/checkpoints.h"

static struct checkpoints folder;
static struct progress progress;
static struct supply_files *files;
static struct supply_source source;
static uint8_t bytes[FETCH_PIECE_MAX];
static uint32_t byte_count, total;

static void open_files(const char *chain_directory)
{
    const struct supply_files_options options = {.checkpoint_directory = folder.path,
                                                 .chain_directory = chain_directory,
                                                 .archive = chain_directory != NULL,
                                                 .progress = &progress};
    files = supply_files_new(&options);
    assert_non_null(files);
    source = supply_files_source(files);
}

static enum status read_object(uint8_t kind, uint64_t height, uint32_t part, uint32_t offset)
{
    const struct fetch_object object = {kind, part, height};
    byte_count = total = 0;
    return source.read(source.context, &object, offset, bytes, sizeof(bytes), &byte_count, &total);
}

/* Reads a whole object in pieces; the caller frees. */
static uint8_t *whole(uint8_t kind, uint64_t height, uint32_t part, uint32_t *length)
{
    assert_int_equal(read_object(kind, height, part, 0), STATUS_OK);
    uint8_t *made = malloc(total);
    *length = total;
    for (uint32_t at = 0; at < *length; at += byte_count) {
        assert_int_equal(read_object(kind, height, part, at), STATUS_OK);
        assert_int_equal(total, *length);
        assert_true(byte_count > 0 && byte_count <= *length - at);
        memcpy(made + at, bytes, byte_count);
    }
    return made;
}

TEST(supply_files, gives_a_checkpoint_in_pieces)
{
    checkpoints_begin(&folder);
    checkpoints_make(&folder, 40);
    open_files(NULL);
    static hash_t hashes[CHECKPOINT_CHUNKS_MAX];
    struct checkpoint_manifest manifest;
    struct certificate certificate;
    uint32_t manifest_bytes, length;
    uint8_t *made = whole(FETCH_MANIFEST, 40, 0, &manifest_bytes);
    assert_true(checkpoint_manifest_decode(made, manifest_bytes, &manifest, hashes));
    uint8_t *signatures = whole(FETCH_CERTIFICATE, 40, 0, &length);
    assert_true(certificate_decode(signatures, length, &certificate));
    assert_null(checkpoint_fault(&manifest, made, manifest_bytes, &certificate, folder.chain_id,
                                 &folder.set));
    free(made);
    free(signatures);
    for (uint32_t chunk = 0; chunk < manifest.chunk_count; chunk++) {
        made = whole(FETCH_CHUNK, 40, chunk, &length);
        assert_true(hash_equal(checkpoint_chunk_hash(made, length), manifest.chunks[chunk]));
        free(made);
    }
    assert_int_equal(read_object(FETCH_CHUNK, 40, 5, 0), STATUS_NOT_FOUND);
    assert_int_equal(read_object(FETCH_CHUNK, 40, 4, 77), STATUS_NOT_FOUND);
    assert_int_equal(read_object(FETCH_MANIFEST, 40, 0, manifest_bytes), STATUS_NOT_FOUND);
    assert_int_equal(read_object(FETCH_MANIFEST, 41, 0, 0), STATUS_NOT_FOUND);
    assert_int_equal(read_object(FETCH_MANIFEST, 0, 0, 0), STATUS_NOT_FOUND);
    supply_files_free(files);
    checkpoints_end(&folder);
}

/* Several joiners are at different checkpoints, and older ones go away under their hands. */
TEST(supply_files, follows_checkpoints_that_come_and_go)
{
    checkpoints_begin(&folder);
    checkpoints_make(&folder, 40);
    open_files(NULL);
    for (uint64_t height = 50; height <= 80; height += 10) {
        assert_int_equal(read_object(FETCH_CHUNK, height - 10, 0, 0), STATUS_OK);
        assert_int_equal(read_object(FETCH_CHUNK, height, 0, 0), STATUS_NOT_FOUND);
        checkpoints_make(&folder, height);
        assert_int_equal(read_object(FETCH_CHUNK, height, 0, 0), STATUS_OK);
        assert_int_equal(bytes[100], checkpoints_byte(height, 0, 100));
        assert_int_equal(read_object(FETCH_CHUNK, height - 10, 0, 0), STATUS_OK);
        assert_int_equal(bytes[100], checkpoints_byte(height - 10, 0, 100));
        if (height > 50) assert_int_equal(read_object(FETCH_CHUNK, height - 20, 0, 0), STATUS_OK);
    }
    assert_int_equal(checkpoint_prune(folder.path, 1), STATUS_OK);
    assert_int_equal(read_object(FETCH_CHUNK, 40, 0, 0), STATUS_NOT_FOUND);
    assert_int_equal(read_object(FETCH_CHUNK, 80, 1, 0), STATUS_OK);
    assert_int_equal(read_object(FETCH_CHUNK, 70, 1, 0), STATUS_NOT_FOUND);
    supply_files_free(files);
    checkpoints_end(&folder);
}

TEST(supply_files, offers_what_progress_says)
{
    checkpoints_begin(&folder);
    open_files(NULL);
    atomic_store(&progress.sealed_height, 7);
    atomic_store(&progress.certified_height, 6);
    atomic_store(&progress.checkpoint_height, 5);
    struct fetch_offer offer;
    source.offer(source.context, &offer);
    assert_int_equal(offer.height, 7);
    assert_int_equal(offer.certified_height, 6);
    assert_int_equal(offer.checkpoint_height, 5);
    assert_int_equal(offer.flags, 0);
    assert_int_equal(offer.log_last, 0);
    struct wal_entry entry;
    assert_int_equal(source.entry(source.context, 1, &entry), STATUS_NOT_FOUND);
    supply_files_free(files);
    checkpoints_end(&folder);
}

/* Whoever keeps all bodies but began at a checkpoint is no archive before it has those below, too. */
TEST(supply_files, is_an_archive_when_it_has_everything)
{
    static struct blocks blocks;
    struct fetch_offer offer;
    struct chain *chain;
    char path[256], earlier[300];
    checkpoints_begin(&folder);
    checkpoints_path(&folder, "chain", path);
    assert_int_equal(mkdir(path, 0700), 0);
    blocks_begin(&blocks);
    snprintf(earlier, sizeof(earlier), "%s/" CHAIN_EARLIER, path);
    assert_int_equal(mkdir(earlier, 0700), 0);
    struct chain *older;
    assert_int_equal(chain_open(earlier, &older), STATUS_OK);
    static uint8_t body[BLOCK_BODY_MAX], header[BLOCK_HEADER_BYTES];
    size_t body_bytes = 0;
    for (uint64_t height = 1; height <= 5; height++) {
        blocks_next(&blocks);
        memcpy(header, blocks.header_bytes, sizeof(header));
        memcpy(body, blocks.body, blocks.body_bytes);
        body_bytes = blocks.body_bytes;
        if (height < 5)
            assert_int_equal(chain_append_block(older, header, body, body_bytes), STATUS_OK);
    }
    assert_int_equal(chain_begin_at(path, header, NULL, 0), STATUS_OK);
    assert_int_equal(chain_open(path, &chain), STATUS_OK);
    open_files(path);
    source.offer(source.context, &offer);
    assert_int_equal(offer.flags, 0);
    assert_int_equal(read_object(FETCH_HEADERS, 5, 5, 0), STATUS_OK);
    assert_int_equal(total, 5 * BLOCK_HEADER_BYTES); /* those of both */
    assert_int_equal(chain_append_block(older, header, body, body_bytes), STATUS_OK);
    source.offer(source.context, &offer);
    assert_int_equal(offer.flags, FETCH_ARCHIVE);
    chain_close(older);
    chain_close(chain);
    supply_files_free(files);
    checkpoints_end(&folder);
}

TEST(supply_files, gives_the_lineage_above_a_height)
{
    checkpoints_begin(&folder);
    open_files(NULL);
    assert_int_equal(read_object(FETCH_LINEAGE, 0, 0, 0), STATUS_NOT_FOUND);
    struct certificate certificate = {.vote_count = 0};
    uint8_t header[BLOCK_HEADER_BYTES];
    for (uint64_t height = 20; height <= 30; height += 10) {
        certificate.height = height;
        checkpoints_header(&folder, height, &folder.set, &folder.set, header);
        assert_int_equal(lineage_append(folder.path, header, &certificate, &folder.set), STATUS_OK);
    }
    struct fetch_offer offer;
    source.offer(source.context, &offer);
    assert_int_equal(offer.lineage_height, 30);
    struct lineage_step step;
    assert_int_equal(read_object(FETCH_LINEAGE, 20, 0, 0), STATUS_OK);
    assert_int_equal(lineage_step_decode(bytes, byte_count, &step), byte_count);
    assert_int_equal(step.height, 30);
    assert_int_equal(read_object(FETCH_LINEAGE, 30, 0, 0), STATUS_NOT_FOUND);
    assert_int_equal(read_object(FETCH_LINEAGE, 20, 0, 1), STATUS_NOT_FOUND);
    supply_files_free(files);
    checkpoints_end(&folder);
}

TEST(supply_files, gives_blocks)
{
    static struct blocks blocks;
    checkpoints_begin(&folder);
    char path[256];
    checkpoints_path(&folder, "chain", path);
    assert_int_equal(mkdir(path, 0700), 0);
    struct chain *chain;
    assert_int_equal(chain_open(path, &chain), STATUS_OK);
    blocks_begin(&blocks);
    for (int i = 0; i < 3; i++) {
        blocks_next(&blocks);
        assert_int_equal(
            chain_append_block(chain, blocks.header_bytes, blocks.body, blocks.body_bytes),
            STATUS_OK);
    }
    static uint8_t signatures[2000];
    memset(signatures, 's', sizeof(signatures));
    assert_int_equal(chain_append_certificate(chain, 3, signatures, sizeof(signatures)), STATUS_OK);
    open_files(path);
    uint32_t length;
    uint8_t *made = whole(FETCH_BODY, 3, 0, &length);
    assert_int_equal(length, blocks.body_bytes);
    assert_memory_equal(made, blocks.body, length);
    free(made);
    made = whole(FETCH_HEADER, 3, 0, &length);
    assert_int_equal(length, BLOCK_HEADER_BYTES);
    assert_memory_equal(made, blocks.header_bytes, length);
    free(made);
    made = whole(FETCH_HEADERS, 3, 2, &length); /* the highest first, no more than was asked for */
    assert_int_equal(length, 2 * BLOCK_HEADER_BYTES);
    assert_memory_equal(made, blocks.header_bytes, BLOCK_HEADER_BYTES);
    struct block_header below;
    assert_true(block_header_decode(made + BLOCK_HEADER_BYTES, &below));
    assert_int_equal(below.height, 2);
    free(made);
    made = whole(FETCH_HEADERS, 2, FETCH_HEADERS_MAX, &length); /* or than there are */
    assert_int_equal(length, 2 * BLOCK_HEADER_BYTES);
    free(made);
    assert_int_equal(read_object(FETCH_HEADERS, 4, 1, 0), STATUS_NOT_FOUND);
    assert_int_equal(read_object(FETCH_HEADERS, 3, 3, BLOCK_HEADER_BYTES), STATUS_NOT_FOUND);
    /* A question for something else in between does not mix them up. */
    assert_int_equal(read_object(FETCH_BODY, 3, 0, 0), STATUS_OK);
    assert_int_equal(read_object(FETCH_SIGNATURES, 3, 0, 0), STATUS_OK);
    assert_int_equal(total, sizeof(signatures));
    assert_memory_equal(bytes, signatures, sizeof(signatures));
    assert_int_equal(read_object(FETCH_BODY, 3, 0, 1), STATUS_OK);
    assert_memory_equal(bytes, blocks.body + 1, byte_count);
    assert_int_equal(read_object(FETCH_SIGNATURES, 2, 0, 0), STATUS_NOT_FOUND);
    assert_int_equal(read_object(FETCH_BODY, 4, 0, 0), STATUS_NOT_FOUND);
    assert_int_equal(read_object(FETCH_HEADER, 0, 0, 0), STATUS_NOT_FOUND);
    chain_close(chain);
    supply_files_free(files);
    checkpoints_end(&folder);
}
