/* A flow file of a few records, for the tests of what reads and replays one. */

#ifndef TESTS_NODE_FLOW_FILE_H
#define TESTS_NODE_FLOW_FILE_H

#include "tests/harness.h"

#include "benchmarks/flow.h"

#include <unistd.h>

#define FLOW_RECORDS 5

struct flow_file {
    char path[32];
    struct flow_header header;
    struct flow_record records[FLOW_RECORDS];
};

/* Sells of 5 @ 100 and 7 @ 100 are the book; then one of 3 @ 90 comes, 6 are bought for up to 100, and
 * what is left of the second goes. So 3 trade @ 90 with order 3, and 3 @ 100 with order 1; order 1 rests
 * with 2. */
static inline void flow_file_prepare(struct flow_file *file)
{
    *file = (struct flow_file){
        .header = {.header_bytes = sizeof(struct flow_header),
                   .record_bytes = sizeof(struct flow_record),
                   .preload_count = 2,
                   .command_count = FLOW_RECORDS - 2,
                   .target_depth = 2,
                   .id_max = 4,
                   .trade_count = 2,
                   .trade_qty = 6,
                   .end_orders = 1,
                   .end_qty = 2},
        .records = {{.op = FLOW_ADD, .side = 1, .qty = 5, .id = 1, .price = 100},
                    {.op = FLOW_ADD, .side = 1, .qty = 7, .id = 2, .price = 100},
                    {.op = FLOW_ADD, .side = 1, .qty = 3, .id = 3, .price = 90},
                    {.op = FLOW_TAKE, .side = 0, .qty = 6, .id = 4, .price = 100},
                    {.op = FLOW_CANCEL, .side = 1, .id = 2}},
    };
    memcpy(file->header.magic, FLOW_MAGIC, sizeof(file->header.magic));
    const uint64_t first = flow_digest(FLOW_DIGEST_START, 3, 4, 90, 3);
    file->header.digest = flow_digest(first, 1, 4, 100, 3);
}

/* Writes all but the last `missing` bytes, to a new file. */
static inline void flow_file_write(struct flow_file *file, size_t missing)
{
    memcpy(file->path, "/tmp/quorex-flow-XXXXXX", 24);
    const int descriptor = mkstemp(file->path);
    assert_true(descriptor >= 0);
    const size_t header = sizeof(file->header), records = sizeof(file->records);
    const size_t count = header + records - missing, first = count < header ? count : header;
    assert_int_equal(write(descriptor, &file->header, first), first);
    if (count > header)
        assert_int_equal(write(descriptor, file->records, count - header), count - header);
    close(descriptor);
}

#endif /* TESTS_NODE_FLOW_FILE_H */
