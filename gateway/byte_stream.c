#include "gateway/byte_stream.h"

#include "common/assert.h"

void byte_writer_begin(struct byte_writer *writer,
                       bool (*take)(void *context, const uint8_t *bytes, size_t byte_count),
                       void *context)
{
    writer->take = take;
    writer->context = context;
    writer->used = 0;
    writer->failed = false;
}

static void flush(struct byte_writer *writer)
{
    if (writer->used > 0 && !writer->failed)
        writer->failed = !writer->take(writer->context, writer->buffer, writer->used);
    writer->used = 0;
}

uint8_t *byte_writer_room(struct byte_writer *writer, size_t byte_count)
{
    ASSERT(byte_count <= BYTE_RECORD_MAX);
    if (writer->used + byte_count > BYTE_WRITER_BYTES) flush(writer);
    uint8_t *at = writer->buffer + writer->used;
    writer->used += byte_count;
    return at;
}

bool byte_writer_end(struct byte_writer *writer)
{
    flush(writer);
    return !writer->failed;
}

struct byte_reader byte_reader_over(const uint8_t *bytes, size_t byte_count)
{
    return (struct byte_reader){.at = bytes, .end = bytes + byte_count};
}

const uint8_t *byte_reader_take(struct byte_reader *reader, size_t byte_count)
{
    if (reader->failed || (size_t)(reader->end - reader->at) < byte_count) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *taken = reader->at;
    reader->at += byte_count;
    return taken;
}

uint8_t byte_reader_u8(struct byte_reader *reader)
{
    const uint8_t *at = byte_reader_take(reader, sizeof(uint8_t));
    return at == NULL ? 0 : le_get_u8(at);
}

uint16_t byte_reader_u16(struct byte_reader *reader)
{
    const uint8_t *at = byte_reader_take(reader, sizeof(uint16_t));
    return at == NULL ? 0 : le_get_u16(at);
}

uint32_t byte_reader_u32(struct byte_reader *reader)
{
    const uint8_t *at = byte_reader_take(reader, sizeof(uint32_t));
    return at == NULL ? 0 : le_get_u32(at);
}

uint64_t byte_reader_u64(struct byte_reader *reader)
{
    const uint8_t *at = byte_reader_take(reader, sizeof(uint64_t));
    return at == NULL ? 0 : le_get_u64(at);
}

int64_t byte_reader_i64(struct byte_reader *reader)
{
    return (int64_t)byte_reader_u64(reader);
}

bool byte_reader_whole(const struct byte_reader *reader)
{
    return !reader->failed;
}
