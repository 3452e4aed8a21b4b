#include "common/liabilities.h"

#include "tests/harness.h"

static struct liabilities_opening opening, again;
static uint8_t bytes[PROOF_LIABILITY_BYTES_MAX], second[PROOF_LIABILITY_BYTES_MAX];

static void fill(void *at, size_t byte_count, uint8_t first)
{
    for (size_t i = 0; i < byte_count; i++)
        ((uint8_t *)at)[i] = (uint8_t)(first + i * 7);
}

static void make_head(struct liabilities_head *head, uint32_t asset_count)
{
    *head = (struct liabilities_head){.height = 77, .asset_count = asset_count};
    fill(head->chain_id.bytes, HASH_BYTES, 1);
    fill(head->header_hash.bytes, HASH_BYTES, 2);
    for (uint32_t i = 0; i < asset_count; i++) {
        head->assets[i] = (struct liabilities_row){
            .asset = (uint16_t)i,
            .leaf_count = 4000 + i,
            .sum = ((unsigned __int128)1 << 70) + i,
        };
        fill(head->assets[i].root.bytes, HASH_BYTES, (uint8_t)(3 + i));
    }
}

static void make_opening(uint32_t assets, uint32_t parts, uint32_t path)
{
    opening = (struct liabilities_opening){
        .asset = (uint16_t)(assets - 1), .certificate_bytes = 120, .part_count = parts};
    make_head(&opening.head, assets);
    fill(opening.public_key, PUBLIC_KEY_BYTES, 9);
    fill(opening.certificate, 120, 10);
    for (uint32_t i = 0; i < parts; i++) {
        struct liabilities_part *part = &opening.parts[i];
        part->position = 5 + i;
        part->amount = 1000 * i;
        part->path_count = path;
        fill(part->nonce.bytes, HASH_BYTES, (uint8_t)(11 + i));
        for (uint32_t k = 0; k < path; k++) {
            part->path[k].sum = ((unsigned __int128)k << 65) + i;
            fill(part->path[k].hash.bytes, HASH_BYTES, (uint8_t)(20 + k));
        }
    }
}

/* The bytes are what docs/liabilities.md draws: a reader's program depends on each place. */
TEST(liabilities, head_is_where_it_is_said_to_be)
{
    struct liabilities_head head, read;
    assert_true(hash_start());
    make_head(&head, 2);
    assert_int_equal(liabilities_head_put(&head, bytes), 80 + 2 * 58);
    assert_memory_equal(bytes, "QXLB\x01\x00\x02\x00", 8);
    assert_int_equal(bytes[8], 77);
    assert_memory_equal(bytes + 16, head.chain_id.bytes, 32);
    assert_memory_equal(bytes + 48, head.header_hash.bytes, 32);
    assert_int_equal(bytes[80 + 58], 1);              /* asset */
    assert_int_equal(bytes[80 + 58 + 2], 4001 % 256); /* leaves */
    assert_int_equal(bytes[80 + 58 + 10], 1);         /* sum: 2^70 + 1 */
    assert_int_equal(bytes[80 + 58 + 18], 64);
    assert_memory_equal(bytes + 80 + 58 + 26, head.assets[1].root.bytes, 32);
    assert_int_equal(liabilities_head_get(bytes, sizeof(bytes), &read), 80 + 2 * 58);
    assert_int_equal(liabilities_head_put(&read, second), 80 + 2 * 58);
    assert_memory_equal(bytes, second, 80 + 2 * 58);

    const hash_t root = hash_tagged("quorex/liabilities/1", bytes, 80 + 2 * 58);
    assert_true(hash_equal(liabilities_root(&head), root));
}

static size_t head_with(uint32_t at, uint8_t byte)
{
    struct liabilities_head head;
    make_head(&head, 2);
    const size_t byte_count = liabilities_head_put(&head, bytes);
    bytes[at] = byte;
    return liabilities_head_get(bytes, byte_count, &head);
}

/* Assets in their order, each with leaves, and no sum that its leaves could not have: a path's sums then cannot wrap. */
TEST(liabilities, what_is_no_head_is_refused)
{
    struct liabilities_head head;
    assert_int_equal(head_with(0, 'Q'), 196);
    assert_int_equal(head_with(0, 'R'), 0);
    assert_int_equal(head_with(4, 2), 0);
    assert_int_equal(head_with(6, 65), 0);
    assert_int_equal(head_with(6, 3), 0);       /* cut short */
    assert_int_equal(head_with(80 + 58, 0), 0); /* an asset twice */
    assert_int_equal(head_with(80 + 7, 1), 0);  /* 2^40 leaves */
    assert_int_equal(head_with(80 + 20, 1), 0); /* a sum above 4000 x 2^63 */
    make_head(&head, 1);
    head.assets[0].leaf_count = 0;
    liabilities_head_put(&head, bytes);
    assert_int_equal(liabilities_head_get(bytes, sizeof(bytes), &head), 0);
    make_head(&head, 1);
    head.assets[0].sum = (unsigned __int128)head.assets[0].leaf_count * INT64_MAX;
    liabilities_head_put(&head, bytes);
    assert_int_equal(liabilities_head_get(bytes, sizeof(bytes), &head), 138);
    head.assets[0].sum++;
    liabilities_head_put(&head, bytes);
    assert_int_equal(liabilities_head_get(bytes, sizeof(bytes), &head), 0);
}

/* Any opening, up to the largest, is read as it was written; one byte more or less is none. */
TEST(liabilities, openings_are_read_as_they_are_written)
{
    for (uint32_t assets = 1; assets <= 64; assets += 63)
        for (uint32_t parts = 1; parts <= 3; parts++)
            for (uint32_t path = 0; path <= 32; path += 16) {
                make_opening(assets, parts, path);
                const size_t count = liabilities_opening_put(&opening, bytes);
                assert_true(liabilities_opening_get(bytes, count, &again));
                assert_int_equal(liabilities_opening_put(&again, second), count);
                assert_memory_equal(bytes, second, count);
                assert_false(liabilities_opening_get(bytes, count - 1, &again));
                bytes[count] = 0;
                assert_false(liabilities_opening_get(bytes, count + 1, &again));
            }
    make_opening(2, 2, 3);
    const size_t count = liabilities_opening_put(&opening, bytes);
    for (size_t cut = 0; cut < count; cut++)
        assert_false(liabilities_opening_get(bytes, cut, &again));
}

TEST(liabilities, what_is_no_opening_is_refused)
{
    make_opening(2, 2, 3);
    size_t count = liabilities_opening_put(&opening, bytes);
    bytes[32] = 2; /* an asset that the head has not */
    assert_false(liabilities_opening_get(bytes, count, &again));
    bytes[32] = 1;
    bytes[34] = 4; /* parts */
    assert_false(liabilities_opening_get(bytes, count, &again));
    bytes[34] = 0;
    assert_false(liabilities_opening_get(bytes, count, &again));
    make_opening(1, 1, 32);
    count = liabilities_opening_put(&opening, bytes);
    const size_t path_count = count - 32 * 48 - 2;
    assert_int_equal(bytes[path_count], 32);
    bytes[path_count] = 33;
    assert_false(liabilities_opening_get(bytes, count + 48, &again));
}
