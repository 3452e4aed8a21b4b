#include "ledger/chain_scan.h"

#include "common/log.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"

static struct chain_folder folder;
static struct chain_scan scan;

#define SEGMENT "00000001.segment"

TEST(chain_scan, counts_what_is_there)
{
    log_set_level(LOG_ERROR + 1);
    chain_folder_chain(&folder, 6);
    assert_int_equal(chain_scan(folder.path, &scan), STATUS_OK);
    assert_int_equal(scan.tip, 6);
    assert_int_equal(scan.certified, 5);
    assert_int_equal(scan.segment, 1);
    assert_int_equal(scan.offset, chain_folder_bytes(&folder, SEGMENT));
    assert_int_equal(scan.torn_bytes, 0);
    assert_null(scan.index_fault);
    assert_true(scan.index_current);
    chain_scan_end(&scan);
    chain_folder_remove(&folder);
}

TEST(chain_scan, of_an_empty_folder_finds_nothing)
{
    chain_folder_make(&folder);
    assert_int_equal(chain_scan(folder.path, &scan), STATUS_OK);
    assert_int_equal(scan.tip, 0);
    chain_scan_end(&scan);
    chain_folder_remove(&folder);
    assert_int_equal(chain_scan("/nonexistent/chain", &scan), STATUS_IO);
}

/* Whichever byte of whichever file changed, the scan says so, and names the file and the record. */
TEST(chain_scan, names_every_changed_byte)
{
    chain_folder_chain(&folder, 4);
    const off_t segment_bytes = chain_folder_bytes(&folder, SEGMENT);
    const off_t index_bytes = chain_folder_bytes(&folder, "index");
    uint64_t last_place = 0;
    for (off_t offset = 0; offset < segment_bytes; offset++) {
        const uint8_t bits = (uint8_t)(1 << (offset + 3) % 8);
        chain_folder_flip(&folder, SEGMENT, offset, bits);
        assert_int_equal(chain_scan(folder.path, &scan), STATUS_DAMAGED);
        assert_string_equal(scan.file, SEGMENT);
        assert_true(scan.file_offset <= (uint64_t)offset && scan.file_offset >= last_place);
        last_place = scan.file_offset;
        chain_scan_end(&scan);
        chain_folder_flip(&folder, SEGMENT, offset, bits);
    }
    for (off_t offset = 0; offset < index_bytes; offset++) {
        const uint8_t bits = (uint8_t)(1 << (offset + 5) % 8);
        chain_folder_flip(&folder, "index", offset, bits);
        const enum status status = chain_scan(folder.path, &scan);
        assert_true(status == STATUS_DAMAGED || scan.index_fault != NULL);
        assert_true(scan.index_offset <= (uint64_t)offset);
        assert_true((uint64_t)offset < scan.index_offset + CHAIN_INDEX_HEADER_BYTES);
        chain_scan_end(&scan);
        chain_folder_flip(&folder, "index", offset, bits);
    }
    chain_folder_remove(&folder);
}

/* Behind a writer that was killed between the record and its place in the index nothing is wrong. */
TEST(chain_scan, index_may_lack_the_last_records)
{
    chain_folder_chain(&folder, 4);
    chain_folder_truncate(&folder, "index", (off_t)chain_entry_offset(0, 4));
    assert_int_equal(chain_scan(folder.path, &scan), STATUS_OK);
    assert_int_equal(scan.tip, 4);
    assert_null(scan.index_fault);
    assert_false(scan.index_current);
    chain_scan_end(&scan);
    chain_folder_remove(&folder);
}

/* Of the place of a certificate whose record is gone a part may be there: it must not stay below what comes next. */
TEST(chain_scan, half_a_place_at_the_end_of_the_index_is_seen)
{
    for (off_t part = 0; part < CHAIN_PLACE_BYTES; part++) {
        chain_folder_chain(&folder, 6); /* 6 has no certificate */
        const off_t whole = chain_folder_bytes(&folder, "index");
        assert_int_equal(whole, (off_t)chain_entry_offset(0, 6) + CHAIN_PLACE_BYTES);
        const int descriptor = chain_folder_open(&folder, "index");
        for (off_t i = 0; i < part; i++)
            assert_int_equal(pwrite(descriptor, "x", 1, whole + i), 1);
        close(descriptor);
        assert_int_equal(chain_scan(folder.path, &scan), STATUS_OK);
        assert_int_equal(scan.index_current, part == 0);
        chain_scan_end(&scan);
        chain_folder_remove(&folder);
    }
}

/* But a hole before records that it holds is. */
TEST(chain_scan, index_with_a_hole_is_wrong)
{
    chain_folder_chain(&folder, 4);
    const uint8_t zeros[CHAIN_ENTRY_BYTES] = {0};
    const int descriptor = chain_folder_open(&folder, "index");
    assert_int_equal(pwrite(descriptor, zeros, sizeof(zeros), (off_t)chain_entry_offset(0, 2)),
                     sizeof(zeros));
    close(descriptor);
    assert_int_equal(chain_scan(folder.path, &scan), STATUS_OK);
    assert_non_null(scan.index_fault);
    chain_scan_end(&scan);
    chain_folder_remove(&folder);
}

/* Records in another order than they were appended are damage, though each one is whole. */
TEST(chain_scan, records_out_of_order_are_damage)
{
    chain_folder_chain(&folder, 1);
    const off_t bytes = chain_folder_bytes(&folder, SEGMENT);
    uint8_t *copy = malloc((size_t)bytes);
    const int descriptor = chain_folder_open(&folder, SEGMENT);
    assert_int_equal(pread(descriptor, copy, (size_t)bytes, 0), bytes);
    assert_int_equal(pwrite(descriptor, copy, (size_t)bytes, bytes), bytes);
    close(descriptor);
    free(copy);
    assert_int_equal(chain_scan(folder.path, &scan), STATUS_DAMAGED);
    assert_int_equal(scan.file_offset, bytes);
    chain_scan_end(&scan);
    chain_folder_remove(&folder);
}
