#include "tests/harness.h"

#include "common/le.h"
#include "common/section.h"

/* A form of three sections: of one byte, of eight, and of the largest record that there may be. */
static const uint32_t record_bytes[3] = {1, 8, SECTION_BUFFER_BYTES};
static const struct section_form form = {.magic = "TESTFORM",
                                         .domain = "quorex/test/1",
                                         .version = 7,
                                         .count = 3,
                                         .record_bytes = record_bytes};

static struct genesis genesis;

struct file {
    uint8_t *bytes;
    size_t count, limit;
    uint32_t takes;
};

static bool file_take(void *context, const uint8_t *bytes, size_t byte_count)
{
    struct file *file = context;
    file->takes++;
    if (file->count + byte_count > file->limit) return false;
    memcpy(file->bytes + file->count, bytes, byte_count);
    file->count += byte_count;
    return true;
}

#define ROOM ((size_t)4 * SECTION_BUFFER_BYTES)

/* `counts` records by section, all bytes of the n-th being n. */
static enum status file_write(struct file *file, const uint64_t *counts)
{
    static uint8_t buffer[SECTION_BUFFER_BYTES];
    const struct snapshot_sink sink = {file_take, file};
    struct section_writer writer;
    section_begin(&writer, &form, &genesis, counts, &sink, buffer);
    for (uint32_t section = 0; section < form.count; section++) {
        section_open(&writer, section, counts[section]);
        for (uint64_t i = 0; i < counts[section]; i++)
            memset(section_room(&writer, record_bytes[section]), (int)i, record_bytes[section]);
    }
    return section_end(&writer);
}

static struct file file_of(const uint64_t *counts)
{
    struct file file = {.bytes = malloc(ROOM), .limit = ROOM};
    assert_true(hash_start());
    genesis.validators.count = 1;
    genesis.validators.members[0].node = 1;
    assert_int_equal(file_write(&file, counts), STATUS_OK);
    return file;
}

static void rehash(const struct file *file)
{
    struct hash_stream stream;
    section_hash_begin(&form, &stream);
    hash_stream_add(&stream, file->bytes, file->count - HASH_BYTES);
    const hash_t hash = hash_stream_end(&stream);
    memcpy(file->bytes + file->count - HASH_BYTES, hash.bytes, HASH_BYTES);
}

static enum status find(const struct file *file, size_t byte_count)
{
    struct section_records records[3];
    return section_find(&form, &genesis, file->bytes, byte_count, records);
}

/* What was written is found where it lies, whatever fell on the edge of the buffer; the same bytes are
 * hashed as are given away. */
TEST(section, records_are_found_where_they_were_written)
{
    static const uint64_t counts[3] = {300, 0, 2};
    const struct file file = file_of(counts);
    struct section_records records[3];
    assert_int_equal(section_find(&form, &genesis, file.bytes, file.count, records), STATUS_OK);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(records[i].count, counts[i]);
    for (uint64_t i = 0; i < counts[0]; i++)
        assert_int_equal(records[0].begin[i], (uint8_t)i);
    for (uint64_t i = 0; i < counts[2]; i++)
        for (size_t n = 0; n < record_bytes[2]; n += 4095)
            assert_int_equal(records[2].begin[i * record_bytes[2] + n], i);
    assert_memory_equal(file.bytes, "TESTFORM", 8);
    assert_int_equal(le_get_u64(file.bytes + 16), file.count);
    assert_int_equal(file.count, SECTION_FILE_BYTES + 3 * SECTION_HEADER_BYTES + 300 +
                                     2 * SECTION_BUFFER_BYTES + HASH_BYTES);
    free(file.bytes);
}

/* Cut anywhere it is none, and a bit that fell over is found wherever it lies. */
TEST(section, a_part_or_a_changed_byte_is_refused)
{
    static const uint64_t counts[3] = {9, 3, 0};
    const struct file file = file_of(counts);
    for (size_t count = 0; count < file.count; count++)
        assert_int_equal(find(&file, count), STATUS_MALFORMED);
    for (size_t i = 0; i < file.count; i++) {
        file.bytes[i] ^= 0x10;
        const enum status status = find(&file, file.count);
        assert_int_equal(status, i < 12                   ? STATUS_UNSUPPORTED
                                 : i < 24                 ? STATUS_MALFORMED
                                 : i < SECTION_FILE_BYTES ? STATUS_MISMATCH
                                                          : STATUS_DAMAGED);
        file.bytes[i] ^= 0x10;
    }
    assert_int_equal(find(&file, file.count), STATUS_OK);
    free(file.bytes);
}

/* A section of another kind, of other records, or of more than there are; and a byte that is nobody's. */
TEST(section, what_a_section_says_of_itself_must_be_so)
{
    static const uint64_t counts[3] = {9, 3, 0};
    static const size_t offsets[] = {0, 4, 8, 11, 15};
    struct file file = file_of(counts);
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        uint8_t *at = file.bytes + SECTION_FILE_BYTES + offsets[i];
        *at ^= 0x81;
        rehash(&file);
        assert_int_equal(find(&file, file.count), STATUS_MALFORMED);
        *at ^= 0x81;
    }
    file.count++;
    le_put_u64(file.bytes + 16, file.count);
    rehash(&file);
    assert_int_equal(find(&file, file.count), STATUS_MALFORMED);
    free(file.bytes);
}

/* A sink that is full is asked no more, and the writer says so. */
TEST(section, a_full_sink_is_said)
{
    static const uint64_t counts[3] = {0, 0, 3};
    struct file file = {.bytes = malloc(ROOM), .limit = SECTION_BUFFER_BYTES + 200};
    assert_true(hash_start());
    assert_int_equal(file_write(&file, counts), STATUS_IO);
    assert_int_equal(file.takes, 3); /* the headers, one record, and one too many */
    free(file.bytes);
}
