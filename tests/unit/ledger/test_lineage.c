#include "ledger/lineage.h"

#include "common/le.h"
#include "tests/harness.h"
#include "tests/unit/ledger/checkpoints.h"

static struct checkpoints folder; /* chain, four validators, a directory */
static struct validator_set second;
static struct lineage lineage;
static struct lineage_step step;

static void sets(void)
{
    second = folder.set;
    second.count = 3;
}

/* The step from `old` to `next` after block `height`, signed by the first `votes` of the four. */
static void make_step(uint64_t height, const struct validator_set *old,
                      const struct validator_set *next, uint32_t votes)
{
    step = (struct lineage_step){.height = height, .next = *next};
    checkpoints_header(&folder, height, old, next, step.header);
    const hash_t hash = block_header_hash(step.header);
    step.certificate =
        (struct certificate){.height = height, .header_hash = hash, .vote_count = votes};
    for (uint32_t i = 0; i < votes; i++) {
        struct vote_command vote;
        certificate_sign(folder.secrets[i], folder.chain_id, 0, height, hash, i + 1, &vote);
        step.certificate.votes[i].node = i + 1;
        memcpy(step.certificate.votes[i].signature, vote.signature, SIGNATURE_BYTES);
    }
}

static void at_genesis(void)
{
    checkpoints_keys(&folder);
    sets();
    lineage_begin(&lineage, folder.chain_id, &folder.set, 0);
}

TEST(lineage, is_followed_step_by_step)
{
    at_genesis();
    make_step(20, &folder.set, &second, 3);
    assert_int_equal(lineage_follow(&lineage, &step), LINEAGE_FOLLOWED);
    assert_int_equal(lineage.height, 20);
    assert_int_equal(lineage.set.count, 3);
    assert_int_equal(lineage_follow(&lineage, &step), LINEAGE_KNOWN);
    make_step(30, &second, &folder.set, 3);
    assert_int_equal(lineage_follow(&lineage, &step), LINEAGE_FOLLOWED);
    assert_int_equal(lineage.set.count, 4);
}

/* What the old set has not signed does not move us. */
TEST(lineage, is_not_led_astray)
{
    for (int what = 0; what < 8; what++) {
        at_genesis();
        make_step(20, &folder.set, &second, what == 0 ? 2 : 3);
        if (what == 1) step.certificate.height++;
        if (what == 2) step.certificate.epoch++;
        if (what == 3) step.certificate.header_hash.bytes[0] ^= 1;
        if (what == 4) step.certificate.votes[2].signature[0] ^= 1;
        if (what == 5) step.next.members[1].public_key[0] ^= 1;
        if (what == 6) step.header[40] ^= 1; /* a field that nothing else says */
        if (what == 7) lineage.chain_id.bytes[0] ^= 1;
        assert_int_equal(lineage_follow(&lineage, &step), LINEAGE_FALSE);
        assert_int_equal(lineage.height, 0);
        assert_int_equal(lineage.set.count, 4);
    }
    /* A set that would do with one signature, its own, does not sign itself in. */
    at_genesis();
    second.count = 1;
    make_step(20, &folder.set, &second, 1);
    assert_int_equal(lineage_follow(&lineage, &step), LINEAGE_FALSE);

    at_genesis();
    make_step(20, &second, &folder.set, 3);
    assert_int_equal(lineage_follow(&lineage, &step), LINEAGE_GAP);
    assert_int_equal(lineage.height, 0);
}

TEST(lineage, step_comes_back_from_its_bytes)
{
    at_genesis();
    make_step(20, &folder.set, &second, 3);
    static uint8_t bytes[LINEAGE_STEP_BYTES_MAX + 1], again[LINEAGE_STEP_BYTES_MAX];
    struct lineage_step decoded;
    const size_t length = lineage_step_encode(step.header, &step.certificate, &step.next, bytes);
    assert_int_equal(length, 8 + 448 + 4 + 52 + 3 * 68 + 4 + 3 * 36);
    assert_int_equal(lineage_step_decode(bytes, length + 1, &decoded), length);
    assert_int_equal(decoded.height, 20);
    assert_int_equal(
        lineage_step_encode(decoded.header, &decoded.certificate, &decoded.next, again), length);
    assert_memory_equal(bytes, again, length);
    for (size_t shorter = 0; shorter < length; shorter++)
        assert_int_equal(lineage_step_decode(bytes, shorter, &decoded), 0);
    for (size_t i = 0; i < length; i++) {
        bytes[i] ^= 0x40;
        assert_int_equal(lineage_step_decode(bytes, length + 1, &decoded), 0);
        bytes[i] ^= 0x40;
    }
    assert_int_equal(lineage_follow(&lineage, &decoded), LINEAGE_FOLLOWED);
}

/* ---- The file. ---- */

static void append(uint64_t height)
{
    make_step(height, &folder.set, &second, 3);
    assert_int_equal(lineage_append(folder.path, step.header, &step.certificate, &step.next),
                     STATUS_OK);
}

static off_t file_bytes(void)
{
    char path[256];
    struct stat facts;
    checkpoints_path(&folder, "lineage", path);
    return stat(path, &facts) == 0 ? facts.st_size : 0;
}

TEST(lineage, file_has_every_step_once)
{
    checkpoints_begin(&folder);
    sets();
    struct lineage_reader *reader = lineage_reader_new(folder.path);
    assert_int_equal(lineage_reader_height(reader), 0);
    append(20);
    append(30);
    const off_t two = file_bytes();
    append(30); /* a replay comes by again */
    append(20);
    assert_int_equal(file_bytes(), two);
    assert_int_equal(lineage_reader_height(reader), 30);
    append(40);
    assert_int_equal(lineage_reader_height(reader), 40);

    static uint8_t bytes[65536];
    const uint32_t one = (uint32_t)two / 2;
    assert_int_equal(lineage_reader_steps(reader, 0, bytes, sizeof(bytes)), 3 * one);
    assert_int_equal(lineage_reader_steps(reader, 20, bytes, sizeof(bytes)), 2 * one);
    assert_int_equal(lineage_reader_steps(reader, 0, bytes, 2 * one + 5), 2 * one); /* whole ones */
    assert_int_equal(lineage_reader_steps(reader, 40, bytes, sizeof(bytes)), 0);
    struct lineage_step decoded;
    assert_int_equal(lineage_reader_steps(reader, 25, bytes, one), one);
    assert_int_equal(lineage_step_decode(bytes, one, &decoded), one);
    assert_int_equal(decoded.height, 30);
    lineage_reader_free(reader);
    checkpoints_end(&folder);
}

/* A torn step never counted; rot ends what can be believed. Both are cut, a copy is kept, and appending goes on. */
TEST(lineage, file_is_cut_behind_its_last_good_step)
{
    for (int what = 0; what < 2; what++) {
        checkpoints_begin(&folder);
        sets();
        append(20);
        const off_t one = file_bytes();
        append(30);
        append(40);
        if (what == 0) checkpoints_cut(&folder, "lineage", 3 * one - 1);
        if (what == 1) checkpoints_rot(&folder, "lineage", one + 100);
        append(50);
        assert_true(checkpoints_has(&folder, "lineage.bad"));
        struct lineage_reader *reader = lineage_reader_new(folder.path);
        static uint8_t bytes[65536];
        assert_int_equal(lineage_reader_height(reader), 50);
        assert_int_equal(lineage_reader_steps(reader, 0, bytes, sizeof(bytes)),
                         (what == 0 ? 3 : 2) * one);
        lineage_reader_free(reader);
        checkpoints_end(&folder);
    }
}
