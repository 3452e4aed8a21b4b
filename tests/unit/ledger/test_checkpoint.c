#include "common/le.h"
#include "tests/harness.h"
#include "tests/unit/ledger/checkpoints.h"

static struct checkpoints folder;
static hash_t chunks[CHECKPOINT_CHUNKS_MAX];

static struct checkpoint_manifest small_manifest(hash_t hashes[5])
{
    struct checkpoint_manifest manifest = {.height = 40, .chunk_count = 5, .chunks = hashes};
    checkpoints_keys(&folder);
    manifest.chain_id = folder.chain_id;
    checkpoints_header(&folder, 40, &folder.set, &folder.set, manifest.header);
    memcpy(manifest.section_bytes, checkpoints_bytes, sizeof(checkpoints_bytes));
    for (uint8_t i = 0; i < 5; i++)
        hashes[i] = hash_of(&i, 1);
    return manifest;
}

TEST(checkpoint, manifest_comes_back_from_its_bytes)
{
    hash_t hashes[5];
    const struct checkpoint_manifest manifest = small_manifest(hashes);
    uint8_t bytes[1024], again[1024];
    const size_t byte_count = checkpoint_manifest_encode(&manifest, bytes);
    assert_int_equal(byte_count, 504 + 4 * 16 + 5 * 32);
    struct checkpoint_manifest decoded;
    assert_true(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));
    assert_int_equal(decoded.height, 40);
    assert_int_equal(decoded.chunk_count, 5);
    assert_memory_equal(decoded.section_bytes, checkpoints_bytes, sizeof(checkpoints_bytes));
    assert_int_equal(checkpoint_manifest_encode(&decoded, again), byte_count);
    assert_memory_equal(bytes, again, byte_count);
}

/* What decodes is exactly what would be encoded: no byte of a manifest is without meaning. */
TEST(checkpoint, manifest_of_other_bytes_is_another_or_none)
{
    hash_t hashes[5];
    const struct checkpoint_manifest manifest = small_manifest(hashes);
    uint8_t bytes[1024], again[1024];
    const size_t byte_count = checkpoint_manifest_encode(&manifest, bytes);
    const hash_t root = checkpoint_root(bytes, byte_count);
    struct checkpoint_manifest decoded;
    uint32_t accepted = 0;
    for (size_t i = 0; i < byte_count; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            if (checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks)) {
                assert_int_equal(checkpoint_manifest_encode(&decoded, again), byte_count);
                assert_memory_equal(bytes, again, byte_count);
                accepted++;
            }
            assert_false(hash_equal(checkpoint_root(bytes, byte_count), root));
            bytes[i] ^= (uint8_t)(1 << bit);
        }
    assert_true(accepted > 0);
    for (size_t shorter = 0; shorter < byte_count; shorter++)
        assert_false(checkpoint_manifest_decode(bytes, shorter, &decoded, chunks));
    assert_false(checkpoint_manifest_decode(bytes, byte_count + 1, &decoded, chunks));
}

/* Its header is of the same height, epoch and chain, and its chunks are as many as its sections need. */
TEST(checkpoint, manifest_agrees_with_itself)
{
    hash_t hashes[5];
    struct checkpoint_manifest manifest = small_manifest(hashes), decoded;
    uint8_t bytes[1024];
    const size_t byte_count = checkpoint_manifest_encode(&manifest, bytes);
    le_put_u64(bytes + 8, 41);
    assert_false(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));
    le_put_u64(bytes + 8, 40);
    le_put_u64(bytes + 16, 1);
    assert_false(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));
    le_put_u64(bytes + 16, 0);
    bytes[24] ^= 1;
    assert_false(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));
    bytes[24] ^= 1;
    assert_true(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));

    /* One byte more than two chunks hold are three. */
    uint8_t *section = bytes + CHECKPOINT_MANIFEST_HEADER_BYTES;
    le_put_u64(section, 2 * CHECKPOINT_CHUNK_BYTES);
    assert_false(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));
    le_put_u64(section, 2 * CHECKPOINT_CHUNK_BYTES + 1);
    assert_true(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));
    le_put_u64(section, 3 * CHECKPOINT_CHUNK_BYTES);
    assert_true(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));
    le_put_u64(section, 3 * CHECKPOINT_CHUNK_BYTES + 1);
    assert_false(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));
    le_put_u64(section, UINT64_MAX);
    assert_false(checkpoint_manifest_decode(bytes, byte_count, &decoded, chunks));
}

TEST(checkpoint, chunk_knows_its_section_and_length)
{
    hash_t hashes[5];
    const struct checkpoint_manifest manifest = small_manifest(hashes);
    static const struct {
        uint32_t bytes;
        enum checkpoint_section section;
    } expected[5] = {{CHECKPOINT_CHUNK_BYTES, CHECKPOINT_ENGINE},
                     {CHECKPOINT_CHUNK_BYTES, CHECKPOINT_ENGINE},
                     {1000, CHECKPOINT_ENGINE},
                     {CHECKPOINT_CHUNK_BYTES, CHECKPOINT_SETTLEMENT},
                     {77, CHECKPOINT_MARKETS}};
    for (uint32_t i = 0; i < 5; i++) {
        enum checkpoint_section section;
        assert_int_equal(checkpoint_chunk_bytes(&manifest, i, &section), expected[i].bytes);
        assert_int_equal(section, expected[i].section);
    }
    assert_int_equal(checkpoint_section_chunk(&manifest, CHECKPOINT_MARKETS), 4);
    assert_int_equal(checkpoint_section_chunks(&manifest, CHECKPOINT_CHAIN), 0);
    assert_int_equal(checkpoint_section_chunks(&manifest, CHECKPOINT_ENGINE), 3);
}

static struct certificate certificate;

/* A signature on a block's hash says nothing of a checkpoint's root (test_root_vote.c). */
TEST(checkpoint, certificate_is_not_a_block_s)
{
    checkpoints_keys(&folder);
    const hash_t root = hash_of("root", 4);
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    const size_t byte_count = checkpoints_sign(&folder, 40, root, 3, bytes);
    assert_true(certificate_decode(bytes, byte_count, &certificate));
    assert_null(certificate_statement_fault(CERTIFICATE_OF_CHECKPOINT, &certificate,
                                            folder.chain_id, &folder.set));
    assert_non_null(certificate_fault(&certificate, folder.chain_id, &folder.set));
}

/* Each fact of a certified manifest is compared. */
TEST(checkpoint, fault_names_what_does_not_fit)
{
    hash_t hashes[5];
    struct checkpoint_manifest manifest = small_manifest(hashes);
    uint8_t bytes[1024], signed_bytes[CERTIFICATE_BYTES_MAX];
    const size_t byte_count = checkpoint_manifest_encode(&manifest, bytes);
    const hash_t root = checkpoint_root(bytes, byte_count);
    const size_t signed_count = checkpoints_sign(&folder, 40, root, 3, signed_bytes);
    assert_true(certificate_decode(signed_bytes, signed_count, &certificate));
    struct validator_set set = folder.set;
    hash_t chain_id = folder.chain_id;
    assert_null(checkpoint_fault(&manifest, bytes, byte_count, &certificate, chain_id, &set));

    for (int what = 0; what < 7; what++) {
        struct certificate wrong = certificate;
        set = folder.set;
        chain_id = folder.chain_id;
        bytes[byte_count - 1] ^= what == 0;
        if (what == 1) chain_id.bytes[0] ^= 1;
        if (what == 2) wrong.height++;
        if (what == 3) wrong.epoch++;
        if (what == 4) set.count--;
        if (what == 5) wrong.vote_count--;
        if (what == 6) wrong.votes[1].signature[5] ^= 1;
        assert_non_null(checkpoint_fault(&manifest, bytes, byte_count, &wrong, chain_id, &set));
        bytes[byte_count - 1] ^= what == 0;
    }
}

/* ---- Files. ---- */

static void expect_newest(uint64_t expected)
{
    uint64_t height = 1;
    assert_int_equal(checkpoint_newest(folder.path, &height), STATUS_OK);
    assert_int_equal(height, expected);
}

/* It counts when its certificate has come, and not before. */
TEST(checkpoint, newest_is_whole_and_certified)
{
    checkpoints_begin(&folder);
    hash_t root, other;
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    expect_newest(0);
    checkpoints_make(&folder, 9);
    expect_newest(9);
    assert_int_equal(checkpoints_write(&folder, 10, &root), STATUS_OK);
    expect_newest(9);
    size_t byte_count = checkpoints_sign(&folder, 11, root, 3, bytes);
    assert_int_equal(checkpoint_certify(folder.path, 11, bytes, byte_count), STATUS_NOT_FOUND);
    assert_int_equal(checkpoint_certify(folder.path, 10, bytes, byte_count), STATUS_MALFORMED);
    other = hash_of("other", 5);
    byte_count = checkpoints_sign(&folder, 10, other, 3, bytes);
    assert_int_equal(checkpoint_certify(folder.path, 10, bytes, byte_count), STATUS_MISMATCH);
    expect_newest(9);
    byte_count = checkpoints_sign(&folder, 10, root, 3, bytes);
    assert_int_equal(checkpoint_certify(folder.path, 10, bytes, byte_count), STATUS_OK);
    expect_newest(10);
    assert_int_equal(checkpoint_certify(folder.path, 10, bytes, byte_count), STATUS_OK);
    checkpoints_end(&folder);
    expect_newest(0); /* no directory at all */
}

/* The root follows from what was put, not from how it was cut into puts. */
TEST(checkpoint, root_follows_from_the_bytes)
{
    checkpoints_begin(&folder);
    hash_t first, second, other;
    assert_int_equal(checkpoints_write(&folder, 9, &first), STATUS_OK);
    struct checkpoint_writer *writer;
    assert_int_equal(checkpoint_writer_open(folder.path, 9, &writer), STATUS_OK);
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++) {
        checkpoint_writer_section(writer, (enum checkpoint_section)section);
        uint8_t *bytes = malloc(checkpoints_bytes[section] + 1);
        for (uint64_t i = 0; i < checkpoints_bytes[section]; i++)
            bytes[i] = checkpoints_byte(9, section, i);
        assert_int_equal(checkpoint_writer_put(writer, bytes, checkpoints_bytes[section]),
                         STATUS_OK);
        free(bytes);
    }
    uint8_t header[BLOCK_HEADER_BYTES];
    checkpoints_header(&folder, 9, &folder.set, &folder.set, header);
    assert_int_equal(checkpoint_writer_finish(writer, 0, folder.chain_id, header, &second),
                     STATUS_OK);
    checkpoint_writer_close(writer);
    assert_true(hash_equal(first, second));
    assert_int_equal(checkpoints_write_of(&folder, 8, 9, checkpoints_bytes, &other), STATUS_OK);
    assert_false(hash_equal(first, other));
    checkpoints_end(&folder);
}

/* What is not finished leaves nothing behind, and nobody else may write meanwhile. */
TEST(checkpoint, writer_that_does_not_finish_leaves_nothing)
{
    checkpoints_begin(&folder);
    struct checkpoint_writer *writer, *second;
    assert_int_equal(checkpoint_writer_open(folder.path, 9, &writer), STATUS_OK);
    assert_int_equal(checkpoint_writer_open(folder.path, 9, &second), STATUS_EXISTS);
    checkpoint_writer_section(writer, CHECKPOINT_CHAIN);
    assert_int_equal(checkpoint_writer_put(writer, (const uint8_t *)"abc", 3), STATUS_OK);
    assert_int_equal(checkpoint_prune(folder.path, 1), STATUS_OK);
    assert_true(checkpoints_has(&folder, "9.part"));
    checkpoint_writer_close(writer);
    assert_false(checkpoints_has(&folder, "9.part"));
    assert_false(checkpoints_has(&folder, "9"));
    checkpoints_end(&folder);
}

/* A part of an earlier life is begun anew, whatever lies in it. */
TEST(checkpoint, writer_begins_anew)
{
    checkpoints_begin(&folder);
    hash_t root, again;
    assert_int_equal(checkpoints_write(&folder, 9, &root), STATUS_OK);
    char from[256], to[256];
    checkpoints_path(&folder, "9", from);
    checkpoints_path(&folder, "9.part", to);
    assert_int_equal(rename(from, to), 0);
    const uint64_t few[CHECKPOINT_SECTIONS] = {5, 0, 0, 0};
    assert_int_equal(checkpoints_write_of(&folder, 9, 9, few, &again), STATUS_OK);
    assert_false(hash_equal(root, again));
    assert_true(checkpoints_has(&folder, "9/00000.chunk"));
    assert_false(checkpoints_has(&folder, "9/00001.chunk"));
    assert_false(checkpoints_has(&folder, "9.part"));
    checkpoints_end(&folder);
}

/* A node that starts again from an older one comes by the same height again: the certified one stays certified
 * at every moment, and gets back what it lacks. */
TEST(checkpoint, made_again_is_renewed)
{
    checkpoints_begin(&folder);
    hash_t root, again;
    checkpoints_make(&folder, 9);
    checkpoints_drop(&folder, "9/00001.chunk");
    checkpoints_rot(&folder, "9/00002.chunk", 5);
    struct checkpoint_reader *reader;
    const uint8_t *bytes;
    size_t byte_count;
    assert_int_equal(checkpoint_reader_open(folder.path, 9, &reader), STATUS_OK);
    assert_int_equal(checkpoint_reader_section(reader, CHECKPOINT_ENGINE, &bytes, &byte_count),
                     STATUS_DAMAGED);
    checkpoint_reader_close(reader);
    expect_newest(0);
    assert_int_equal(checkpoints_write(&folder, 9, &root), STATUS_OK);
    expect_newest(9);
    assert_false(checkpoints_has(&folder, "9.part"));
    assert_int_equal(checkpoint_reader_open(folder.path, 9, &reader), STATUS_OK);
    assert_int_equal(checkpoint_reader_section(reader, CHECKPOINT_ENGINE, &bytes, &byte_count),
                     STATUS_OK);
    checkpoint_reader_close(reader);

    /* Another one of that height is not put in the place of a certified one. */
    assert_int_equal(checkpoints_write_of(&folder, 9, 1, checkpoints_bytes, &again),
                     STATUS_MISMATCH);
    expect_newest(9);
    assert_false(checkpoints_has(&folder, "9.part"));
    assert_int_equal(checkpoints_write(&folder, 10, &root), STATUS_OK);
    assert_int_equal(checkpoints_write_of(&folder, 10, 1, checkpoints_bytes, &again), STATUS_OK);
    assert_false(hash_equal(root, again));
    checkpoints_end(&folder);
}

/* A manifest or certificate that rotted, seen or not, says nothing of what was certified: the one made again takes its
 * place, and its certificate comes with the votes again. */
TEST(checkpoint, rotten_manifest_gives_way_to_the_one_made_again)
{
    static const char *const files[] = {"9/manifest", "9/certificate"};
    for (int i = 0; i < 4; i++) {
        hash_t root, again;
        uint8_t bytes[CERTIFICATE_BYTES_MAX];
        struct checkpoint_reader *reader;
        checkpoints_begin(&folder);
        assert_int_equal(checkpoints_write(&folder, 9, &root), STATUS_OK);
        const size_t byte_count = checkpoints_sign(&folder, 9, root, 3, bytes);
        assert_int_equal(checkpoint_certify(folder.path, 9, bytes, byte_count), STATUS_OK);
        checkpoints_rot(&folder, files[i % 2],
                        i % 2 == 0 ? 600 : 20); /* a chunk's hash; the root */
        if (i >= 2)
            assert_int_equal(checkpoint_reader_open(folder.path, 9, &reader), STATUS_DAMAGED);
        assert_int_equal(checkpoints_write(&folder, 9, &again), STATUS_OK);
        assert_true(hash_equal(root, again));
        assert_int_equal(checkpoint_certify(folder.path, 9, bytes, byte_count), STATUS_OK);
        if (i != 1) { /* of a certificate nobody has looked at, only a reader finds out */
            expect_newest(9);
            assert_int_equal(checkpoint_reader_open(folder.path, 9, &reader), STATUS_OK);
            checkpoint_reader_close(reader);
        }
        checkpoints_end(&folder);
    }
}

/* An auditor's reader names what is damaged and leaves it; the lowest one from a height on is found by names. */
TEST(checkpoint, auditor_leaves_everything_as_it_is)
{
    struct checkpoint_reader *reader;
    uint64_t height;
    checkpoints_begin(&folder);
    assert_int_equal(checkpoint_lowest(folder.path, 0, &height), STATUS_OK);
    assert_int_equal(height, 0);
    for (uint64_t at = 10; at <= 30; at += 10)
        checkpoints_make(&folder, at);
    assert_int_equal(checkpoint_lowest(folder.path, 0, &height), STATUS_OK);
    assert_int_equal(height, 10);
    assert_int_equal(checkpoint_lowest(folder.path, 11, &height), STATUS_OK);
    assert_int_equal(height, 20);
    assert_int_equal(checkpoint_lowest(folder.path, 31, &height), STATUS_OK);
    assert_int_equal(height, 0);
    checkpoints_rot(&folder, "10/certificate", 20);
    assert_int_equal(checkpoint_reader_audit(folder.path, 10, &reader), STATUS_DAMAGED);
    assert_true(checkpoints_has(&folder, "10/certificate"));
    assert_false(checkpoints_has(&folder, "10/certificate.bad"));
    assert_int_equal(checkpoint_reader_open(folder.path, 10, &reader), STATUS_DAMAGED);
    assert_true(checkpoints_has(&folder, "10/certificate.bad"));
    assert_int_equal(checkpoint_lowest(folder.path, 0, &height), STATUS_OK);
    assert_int_equal(height, 20);
    checkpoints_end(&folder);
}

TEST(checkpoint, prune_keeps_the_newest_certified)
{
    checkpoints_begin(&folder);
    hash_t root;
    for (uint64_t height = 10; height <= 40; height += 10)
        checkpoints_make(&folder, height);
    assert_int_equal(checkpoints_write(&folder, 35, &root), STATUS_OK);
    assert_int_equal(checkpoints_write(&folder, 50, &root), STATUS_OK);
    char path[256];
    checkpoints_path(&folder, "12.part", path);
    assert_int_equal(mkdir(path, 0700), 0);
    checkpoints_path(&folder, "11.gone", path);
    assert_int_equal(mkdir(path, 0700), 0);
    checkpoints_path(&folder, "lineage", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(checkpoint_prune(folder.path, 2), STATUS_OK);
    assert_false(checkpoints_has(&folder, "10"));
    assert_false(checkpoints_has(&folder, "20"));
    assert_true(checkpoints_has(&folder, "30"));
    assert_false(checkpoints_has(&folder, "35")); /* never certified, and a newer one is */
    assert_true(checkpoints_has(&folder, "40"));
    assert_true(checkpoints_has(&folder, "50")); /* may still be certified */
    assert_false(checkpoints_has(&folder, "12.part"));
    assert_false(checkpoints_has(&folder, "11.gone"));
    assert_true(checkpoints_has(&folder, "lineage"));
    expect_newest(40);
    checkpoints_end(&folder);
}

/* Fewer than asked for: nothing certified goes. */
TEST(checkpoint, prune_of_few_removes_none)
{
    checkpoints_begin(&folder);
    checkpoints_make(&folder, 10);
    checkpoints_make(&folder, 20);
    assert_int_equal(checkpoint_prune(folder.path, 3), STATUS_OK);
    assert_true(checkpoints_has(&folder, "10"));
    checkpoints_drop(&folder, "20/certificate");
    assert_int_equal(checkpoint_prune(folder.path, 1), STATUS_OK);
    expect_newest(10);
    checkpoints_end(&folder);
}

/* A disk that is full is an answer, and nothing of the checkpoint is left. */
TEST(checkpoint, writer_says_what_the_disk_said)
{
    checkpoints_begin(&folder);
    struct checkpoint_writer *writer;
    assert_int_equal(checkpoint_writer_open(folder.path, 9, &writer), STATUS_OK);
    char path[256];
    checkpoints_path(&folder, "9.part/00000.chunk", path);
    assert_int_equal(mkdir(path, 0700), 0); /* in the way */
    checkpoint_writer_section(writer, CHECKPOINT_CHAIN);
    assert_int_equal(checkpoint_writer_put(writer, (const uint8_t *)"abc", 3), STATUS_OK);
    checkpoint_writer_section(writer, CHECKPOINT_MARKETS);
    assert_int_equal(checkpoint_writer_put(writer, (const uint8_t *)"abc", 3), STATUS_IO);
    hash_t root;
    uint8_t header[BLOCK_HEADER_BYTES];
    checkpoints_header(&folder, 9, &folder.set, &folder.set, header);
    assert_int_equal(checkpoint_writer_finish(writer, 0, folder.chain_id, header, &root),
                     STATUS_IO);
    rmdir(path);
    checkpoint_writer_close(writer);
    assert_false(checkpoints_has(&folder, "9.part"));
    expect_newest(0);
    checkpoints_end(&folder);
}
