#include "node/flow_os.h"
#include "tests/unit/node/flow_file.h"

static bool reads(struct flow_file *file, size_t missing)
{
    struct flow flow;
    const char *reason = NULL;
    flow_file_write(file, missing);
    const bool read = flow_read(&flow, file->path, &reason);
    unlink(file->path);
    assert_int_equal(read, reason == NULL);
    if (read) {
        assert_int_equal(flow.header.command_count, file->header.command_count);
        assert_memory_equal(flow.records, file->records, sizeof(file->records));
    }
    flow_free(&flow);
    return read;
}

TEST(flow, reads_what_was_written)
{
    struct flow_file file;
    flow_file_prepare(&file);
    assert_true(reads(&file, 0));
}

/* Sizes and counts of the header must be those of the file: nothing is read past its end. */
TEST(flow, a_header_that_lies_is_refused)
{
    struct flow_file file;
    flow_file_prepare(&file);
    assert_false(reads(&file, 1));
    assert_false(reads(&file, 32));
    assert_false(reads(&file, sizeof(file.records) + 1));
    assert_false(reads(&file, sizeof(file.records) + sizeof(file.header)));
    file.header.preload_count = UINT64_MAX; /* + 3 wraps round to 2 */
    assert_false(reads(&file, 0));
    flow_file_prepare(&file);
    file.header.header_bytes = 64;
    assert_false(reads(&file, 0));
    flow_file_prepare(&file);
    file.header.magic[0] = 'X';
    assert_false(reads(&file, 0));
    flow_file_prepare(&file);
    file.header.target_depth = (uint64_t)1 << 60;
    assert_false(reads(&file, 0));
    flow_file_prepare(&file);
    file.header.command_count = 0;
    file.header.preload_count = FLOW_RECORDS;
    assert_false(reads(&file, 0));
}

/* One record at a time is bent; each must be noticed. */
TEST(flow, a_record_that_cannot_be_is_refused)
{
    static const struct {
        int at;
        struct flow_record record;
    } bent[] = {
        {0, {.op = 0, .side = 1, .qty = 5, .id = 1, .price = 100}},
        {0, {.op = 4, .side = 1, .qty = 5, .id = 1, .price = 100}},
        {0, {.op = FLOW_ADD, .side = 2, .qty = 5, .id = 1, .price = 100}},
        {0, {.op = FLOW_ADD, .side = 1, .qty = 0, .id = 1, .price = 100}},
        {0, {.op = FLOW_ADD, .side = 1, .qty = 5, .id = 1, .price = 0}},
        {0, {.op = FLOW_ADD, .side = 1, .qty = 5, .id = 1, .price = -7}},
        {0, {.op = FLOW_ADD, .side = 1, .qty = 5, .id = 2, .price = 100}},
        {0, {.op = FLOW_ADD, .side = 1, .market = 1, .qty = 5, .id = 1, .price = 100}},
        {3, {.op = FLOW_TAKE, .side = 0, .qty = 6, .id = 3, .price = 100}},
        {4, {.op = FLOW_CANCEL, .id = 0}},
        {4, {.op = FLOW_CANCEL, .id = 5}},
    };
    for (size_t i = 0; i < sizeof(bent) / sizeof(*bent); i++) {
        struct flow_file file;
        flow_file_prepare(&file);
        file.records[bent[i].at] = bent[i].record;
        assert_false(reads(&file, 0));
    }
}

TEST(flow, a_file_that_is_not_there_has_a_reason)
{
    struct flow flow;
    const char *reason = NULL;
    assert_false(flow_read(&flow, "/tmp/quorex-no-such-flow", &reason));
    assert_non_null(reason);
    assert_false(flow_read(&flow, "/tmp", &reason));
}
