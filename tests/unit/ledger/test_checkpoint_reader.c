#include "tests/harness.h"
#include "tests/unit/ledger/checkpoints.h"

static struct checkpoints folder;
static struct checkpoint_reader *reader;
static const uint8_t *bytes;
static size_t byte_count;

static void opened(uint64_t height)
{
    assert_int_equal(checkpoint_reader_open(folder.path, height, &reader), STATUS_OK);
}

TEST(checkpoint_reader, gives_each_section_as_it_was_put)
{
    checkpoints_begin(&folder);
    checkpoints_make(&folder, 9);
    opened(9);
    assert_int_equal(checkpoint_reader_manifest(reader)->chunk_count, 5);
    assert_int_equal(checkpoint_reader_certificate(reader)->vote_count, 3);
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++) {
        assert_int_equal(checkpoint_reader_section(reader, (enum checkpoint_section)section, &bytes,
                                                   &byte_count),
                         STATUS_OK);
        assert_int_equal(byte_count, checkpoints_bytes[section]);
        for (size_t i = 0; i < byte_count; i += 97)
            assert_int_equal(bytes[i], checkpoints_byte(9, section, i));
    }
    const uint8_t *manifest = checkpoint_reader_manifest_bytes(reader, &byte_count);
    assert_true(hash_equal(checkpoint_root(manifest, byte_count),
                           checkpoint_reader_certificate(reader)->header_hash));
    assert_null(checkpoint_fault(checkpoint_reader_manifest(reader), manifest, byte_count,
                                 checkpoint_reader_certificate(reader), folder.chain_id,
                                 &folder.set));
    checkpoint_reader_close(reader);
    checkpoints_end(&folder);
}

TEST(checkpoint_reader, gives_pieces_of_chunks)
{
    checkpoints_begin(&folder);
    checkpoints_make(&folder, 9);
    opened(9);
    uint8_t piece[1000];
    uint32_t count;
    assert_int_equal(checkpoint_reader_piece(reader, 1, 4096, piece, 1000, &count), STATUS_OK);
    assert_int_equal(count, 1000);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(piece[i], checkpoints_byte(9, 0, CHECKPOINT_CHUNK_BYTES + 4096 + i));
    assert_int_equal(checkpoint_reader_piece(reader, 4, 70, piece, 1000, &count), STATUS_OK);
    assert_int_equal(count, 7);
    assert_int_equal(piece[6], checkpoints_byte(9, 3, 76));
    assert_int_equal(checkpoint_reader_piece(reader, 4, 77, piece, 1000, &count), STATUS_NOT_FOUND);
    assert_int_equal(checkpoint_reader_piece(reader, 5, 0, piece, 1000, &count), STATUS_NOT_FOUND);
    checkpoints_drop(&folder, "9/00003.chunk");
    assert_int_equal(checkpoint_reader_piece(reader, 3, 0, piece, 1000, &count), STATUS_NOT_FOUND);
    checkpoint_reader_close(reader);
    checkpoints_end(&folder);
}

TEST(checkpoint_reader, opens_only_what_is_whole_and_certified)
{
    checkpoints_begin(&folder);
    hash_t root;
    assert_int_equal(checkpoint_reader_open(folder.path, 9, &reader), STATUS_NOT_FOUND);
    assert_int_equal(checkpoints_write(&folder, 9, &root), STATUS_OK);
    assert_int_equal(checkpoint_reader_open(folder.path, 9, &reader), STATUS_NOT_FOUND);
    checkpoints_make(&folder, 9);
    opened(9);
    checkpoint_reader_close(reader);
    checkpoints_end(&folder);
    assert_int_equal(checkpoint_reader_open(folder.path, 9, &reader), STATUS_NOT_FOUND);
}

/* A rotten, short, long or missing chunk is named and put aside: from then on the checkpoint is not whole. */
TEST(checkpoint_reader, puts_damaged_chunks_aside)
{
    for (int what = 0; what < 4; what++) {
        checkpoints_begin(&folder);
        checkpoints_make(&folder, 9);
        if (what == 0) checkpoints_rot(&folder, "9/00001.chunk", CHECKPOINT_CHUNK_BYTES - 1);
        if (what == 1) checkpoints_cut(&folder, "9/00001.chunk", 100);
        if (what == 2) checkpoints_cut(&folder, "9/00001.chunk", CHECKPOINT_CHUNK_BYTES + 1);
        if (what == 3) checkpoints_drop(&folder, "9/00001.chunk");
        checkpoints_rot(&folder, "9/00000.chunk", 0);
        opened(9);
        assert_int_equal(
            checkpoint_reader_section(reader, CHECKPOINT_SETTLEMENT, &bytes, &byte_count),
            STATUS_OK);
        assert_int_equal(checkpoint_reader_section(reader, CHECKPOINT_ENGINE, &bytes, &byte_count),
                         STATUS_DAMAGED);
        checkpoint_reader_close(reader);
        assert_false(checkpoints_has(&folder, "9/00000.chunk"));
        assert_true(checkpoints_has(&folder, "9/00000.chunk.bad"));
        assert_false(checkpoints_has(&folder, "9/00001.chunk"));
        assert_true(checkpoints_has(&folder, "9/00001.chunk.bad"));
        assert_true(checkpoints_has(&folder, "9/00002.chunk"));
        uint64_t height = 1;
        assert_int_equal(checkpoint_newest(folder.path, &height), STATUS_OK);
        assert_int_equal(height, 0);
        assert_int_equal(checkpoint_reader_open(folder.path, 9, &reader), STATUS_NOT_FOUND);
        checkpoints_end(&folder);
    }
}

/* Any byte of manifest and certificate: the checkpoint is not opened, and an older one is then the newest. */
TEST(checkpoint_reader, refuses_a_damaged_manifest_or_certificate)
{
    static const struct {
        const char *name, *aside;
        off_t at, bytes;
    } places[] = {{"9/manifest", "9/manifest.bad", 0, 0},
                  {"9/manifest", "9/manifest.bad", 700, 0},
                  {"9/manifest", "9/manifest.bad", 0, 10},
                  {"9/certificate", "9/certificate.bad", 3, 0},
                  {"9/certificate", "9/certificate.bad", 20, 0},
                  {"9/certificate", "9/certificate.bad", 0, 10}};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        checkpoints_begin(&folder);
        checkpoints_make(&folder, 8);
        checkpoints_make(&folder, 9);
        if (places[i].bytes > 0)
            checkpoints_cut(&folder, places[i].name, places[i].bytes);
        else
            checkpoints_rot(&folder, places[i].name, places[i].at);
        assert_int_equal(checkpoint_reader_open(folder.path, 9, &reader), STATUS_DAMAGED);
        assert_true(checkpoints_has(&folder, places[i].aside));
        uint64_t height = 0;
        assert_int_equal(checkpoint_newest(folder.path, &height), STATUS_OK);
        assert_int_equal(height, 8);
        checkpoints_end(&folder);
    }
}
