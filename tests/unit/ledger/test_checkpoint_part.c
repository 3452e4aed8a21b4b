#include "tests/harness.h"
#include "tests/unit/ledger/checkpoints.h"

static struct checkpoints source, target;
static struct checkpoint_reader *reader;
static struct checkpoint_part *part;
static uint8_t chunk_bytes[CHECKPOINT_CHUNK_BYTES];

/* A checkpoint of height 9 at the source; an empty directory as target. */
static void made(void)
{
    checkpoints_begin(&source);
    checkpoints_begin(&target);
    checkpoints_make(&source, 9);
    assert_int_equal(checkpoint_reader_open(source.path, 9, &reader), STATUS_OK);
}

static void ended(void)
{
    checkpoint_reader_close(reader);
    checkpoints_end(&source);
    checkpoints_end(&target);
}

static void open_part(void)
{
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    struct checkpoint_proof proof = {.height = 9, .certificate = certificate};
    proof.manifest = checkpoint_reader_manifest_bytes(reader, &proof.manifest_bytes);
    proof.certificate_bytes =
        certificate_encode(checkpoint_reader_certificate(reader), certificate);
    assert_int_equal(checkpoint_part_open(target.path, &proof, &part), STATUS_OK);
}

static uint32_t length_of(uint32_t chunk)
{
    enum checkpoint_section section;
    return checkpoint_chunk_bytes(checkpoint_reader_manifest(reader), chunk, &section);
}

static void keep(uint32_t chunk)
{
    uint32_t count;
    assert_int_equal(
        checkpoint_reader_piece(reader, chunk, 0, chunk_bytes, CHECKPOINT_CHUNK_BYTES, &count),
        STATUS_OK);
    assert_int_equal(count, length_of(chunk));
    assert_int_equal(checkpoint_part_keep(part, chunk, chunk_bytes, count), STATUS_OK);
}

static void expect_whole(void)
{
    struct checkpoint_reader *fetched;
    const uint8_t *bytes;
    size_t byte_count;
    uint64_t height;
    assert_int_equal(checkpoint_newest(target.path, &height), STATUS_OK);
    assert_int_equal(height, 9);
    assert_int_equal(checkpoint_reader_open(target.path, 9, &fetched), STATUS_OK);
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++)
        assert_int_equal(checkpoint_reader_section(fetched, (enum checkpoint_section)section,
                                                   &bytes, &byte_count),
                         STATUS_OK);
    checkpoint_reader_close(fetched);
}

TEST(checkpoint_part, becomes_the_checkpoint_when_it_is_finished)
{
    made();
    rmdir(target.path); /* it is made */
    open_part();
    for (uint32_t chunk = 0; chunk < 5; chunk++)
        keep(chunk);
    uint64_t height = 1;
    assert_int_equal(checkpoint_newest(target.path, &height), STATUS_OK);
    assert_int_equal(height, 0);
    assert_int_equal(checkpoint_part_finish(part), STATUS_OK);
    checkpoint_part_close(part);
    expect_whole();
    ended();
}

/* A break of any kind: what was kept is there, and what was not is not. */
TEST(checkpoint_part, is_taken_up_again)
{
    made();
    open_part();
    keep(0);
    keep(4);
    struct checkpoint_part *second;
    const struct checkpoint_proof other = {.height = 9, .manifest = chunk_bytes};
    assert_int_equal(checkpoint_part_open(target.path, &other, &second), STATUS_EXISTS);
    checkpoint_part_close(part);
    open_part();
    assert_int_equal(checkpoint_part_read(part, 0, chunk_bytes, length_of(0)), STATUS_OK);
    assert_true(hash_equal(checkpoint_chunk_hash(chunk_bytes, length_of(0)),
                           checkpoint_reader_manifest(reader)->chunks[0]));
    assert_int_equal(checkpoint_part_read(part, 1, chunk_bytes, length_of(1)), STATUS_NOT_FOUND);
    assert_int_equal(checkpoint_part_read(part, 4, chunk_bytes, 77), STATUS_OK);
    assert_int_equal(checkpoint_part_read(part, 4, chunk_bytes, 76), STATUS_NOT_FOUND);
    assert_int_equal(checkpoint_part_read(part, 4, chunk_bytes, 78), STATUS_NOT_FOUND);
    for (uint32_t chunk = 1; chunk < 4; chunk++)
        keep(chunk);
    assert_int_equal(checkpoint_part_finish(part), STATUS_OK);
    checkpoint_part_close(part);
    expect_whole();
    ended();
}

/* A checkpoint of our own that has lost a chunk: the others need not come over the wire again. */
TEST(checkpoint_part, begins_with_what_is_left_of_a_damaged_checkpoint)
{
    made();
    checkpoints_make(&target, 9);
    checkpoints_rot(&target, "9/00003.chunk", 9);
    struct checkpoint_reader *own;
    const uint8_t *bytes;
    size_t byte_count;
    assert_int_equal(checkpoint_reader_open(target.path, 9, &own), STATUS_OK);
    assert_int_equal(checkpoint_reader_section(own, CHECKPOINT_SETTLEMENT, &bytes, &byte_count),
                     STATUS_DAMAGED);
    checkpoint_reader_close(own);
    open_part();
    for (uint32_t chunk = 0; chunk < 5; chunk++)
        assert_int_equal(checkpoint_part_read(part, chunk, chunk_bytes, length_of(chunk)),
                         chunk == 3 ? STATUS_NOT_FOUND : STATUS_OK);
    keep(3);
    assert_int_equal(checkpoint_part_finish(part), STATUS_OK);
    checkpoint_part_close(part);
    assert_false(checkpoints_has(&target, "9/00003.chunk.bad"));
    expect_whole();
    ended();
}
