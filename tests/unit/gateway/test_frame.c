#include "gateway/frame.h"
#include "tests/harness.h"

static struct frame_reader reader;
static struct frame frame;
static uint8_t wire[FRAME_MESSAGE_MAX + 64];

/* A client frame with mask 1 2 3 4; returns its length. */
static size_t client_frame(uint8_t first_byte, const void *payload, size_t payload_bytes)
{
    size_t at = 0;
    wire[at++] = first_byte;
    if (payload_bytes < 126) {
        wire[at++] = (uint8_t)(0x80 | payload_bytes);
    } else if (payload_bytes <= 65535) {
        wire[at++] = 0x80 | 126;
        wire[at++] = (uint8_t)(payload_bytes >> 8);
        wire[at++] = (uint8_t)payload_bytes;
    } else {
        wire[at++] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            wire[at++] = (uint8_t)(payload_bytes >> shift);
    }
    const uint8_t mask[4] = {1, 2, 3, 4};
    memcpy(wire + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < payload_bytes; i++) {
        wire[at + i] = ((const uint8_t *)payload)[i] ^ mask[i % 4];
    }
    return at + payload_bytes;
}

static void expect_refused(const uint8_t *bytes, size_t byte_count, uint16_t code)
{
    struct frame_reader fresh = {0};
    uint8_t copy[64];
    memcpy(copy, bytes, byte_count);
    assert_int_equal(frame_read(&fresh, copy, byte_count, &frame), FRAME_REFUSED);
    assert_int_equal(frame.close_code, code);
    assert_non_null(frame.reason);
}

/* The three forms of a length, at their bounds. */
TEST(frame, heads_use_the_shortest_length)
{
    uint8_t head[FRAME_HEAD_MAX];
    assert_int_equal(frame_head_put(head, FRAME_TEXT, 125), 2);
    assert_int_equal(head[0], 0x81);
    assert_int_equal(head[1], 125);
    assert_int_equal(frame_head_put(head, FRAME_TEXT, 126), 4);
    assert_memory_equal(head, "\x81\x7e\x00\x7e", 4);
    assert_int_equal(frame_head_put(head, FRAME_PING, 65535), 4);
    assert_int_equal(frame_head_put(head, FRAME_TEXT, 65536), 10);
    assert_memory_equal(head, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
}

/* Cut anywhere, a frame is asked for again until its last byte is there. */
TEST(frame, waits_for_the_last_byte)
{
    static char payload[300];
    memset(payload, 'x', sizeof(payload));
    memset(&reader, 0, sizeof(reader));
    const size_t bytes = client_frame(0x81, payload, sizeof(payload));
    for (size_t cut = 0; cut < bytes; cut++) {
        assert_int_equal(frame_read(&reader, wire, cut, &frame), FRAME_MORE);
    }
    assert_int_equal(frame_read(&reader, wire, bytes, &frame), FRAME_WHOLE);
    assert_int_equal(frame.frame_bytes, bytes);
    assert_int_equal(frame.payload_bytes, sizeof(payload));
    assert_memory_equal(frame.payload, payload, sizeof(payload));
    assert_true(frame.is_first && frame.is_last && frame.opcode == FRAME_TEXT);
}

/* Control frames may come between the parts of a message, and do not end it. */
TEST(frame, ping_inside_a_fragmented_message)
{
    memset(&reader, 0, sizeof(reader));
    size_t bytes = client_frame(0x01, "he", 2);
    assert_int_equal(frame_read(&reader, wire, bytes, &frame), FRAME_WHOLE);
    assert_true(frame.is_first && !frame.is_last);
    bytes = client_frame(0x89, "p", 1);
    assert_int_equal(frame_read(&reader, wire, bytes, &frame), FRAME_WHOLE);
    assert_int_equal(frame.opcode, FRAME_PING);
    bytes = client_frame(0x80, "llo", 3);
    assert_int_equal(frame_read(&reader, wire, bytes, &frame), FRAME_WHOLE);
    assert_true(!frame.is_first && frame.is_last);
    assert_int_equal(frame.opcode, FRAME_TEXT);
    assert_int_equal(reader.opcode, 0);
}

/* Everything the protocol forbids is refused with 1002. */
TEST(frame, refuses_what_the_protocol_forbids)
{
    expect_refused((const uint8_t *)"\x81\x01z", 3, FRAME_CLOSE_PROTOCOL);    /* not masked */
    expect_refused((const uint8_t *)"\xc1\x80....", 6, FRAME_CLOSE_PROTOCOL); /* reserved bit */
    expect_refused((const uint8_t *)"\x83\x80....", 6, FRAME_CLOSE_PROTOCOL); /* opcode 3 */
    expect_refused((const uint8_t *)"\x8b\x80....", 6, FRAME_CLOSE_PROTOCOL); /* opcode 11 */
    expect_refused((const uint8_t *)"\x09\x80....", 6, FRAME_CLOSE_PROTOCOL); /* split ping */
    expect_refused((const uint8_t *)"\x89\xfe\x00\x7e....", 8,
                   FRAME_CLOSE_PROTOCOL); /* long ping */
    expect_refused((const uint8_t *)"\x80\x80....", 6,
                   FRAME_CLOSE_PROTOCOL); /* nothing to continue */
    expect_refused((const uint8_t *)"\x81\xfe\x00\x05....", 8,
                   FRAME_CLOSE_PROTOCOL); /* length too long */
    expect_refused((const uint8_t *)"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x01", 10,
                   FRAME_CLOSE_PROTOCOL); /* highest bit of a length */
    memset(&reader, 0, sizeof(reader));
    size_t bytes = client_frame(0x01, "a", 1);
    assert_int_equal(frame_read(&reader, wire, bytes, &frame), FRAME_WHOLE);
    bytes = client_frame(0x81, "b", 1);
    assert_int_equal(frame_read(&reader, wire, bytes, &frame), FRAME_REFUSED);
}

/* 64 KiB is the limit of a message, in one frame or in many; a longer one is refused by its head. */
TEST(frame, message_of_64_kib_is_the_largest)
{
    static uint8_t payload[FRAME_MESSAGE_MAX];
    memset(&reader, 0, sizeof(reader));
    size_t bytes = client_frame(0x81, payload, FRAME_MESSAGE_MAX);
    assert_int_equal(frame_read(&reader, wire, bytes, &frame), FRAME_WHOLE);
    expect_refused((const uint8_t *)"\x81\xff\x00\x00\x00\x00\x00\x01\x00\x01", 10,
                   FRAME_CLOSE_TOO_BIG);
    expect_refused((const uint8_t *)"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10,
                   FRAME_CLOSE_TOO_BIG);
    bytes = client_frame(0x01, payload, FRAME_MESSAGE_MAX);
    assert_int_equal(frame_read(&reader, wire, bytes, &frame), FRAME_WHOLE);
    bytes = client_frame(0x80, payload, 1);
    assert_int_equal(frame_read(&reader, wire, bytes, &frame), FRAME_REFUSED);
    assert_int_equal(frame.close_code, FRAME_CLOSE_TOO_BIG);
}

/* Close bodies: none, one byte, codes that may and may not be sent, bad text. */
TEST(frame, close_bodies)
{
    uint16_t code, answer;
    assert_true(frame_close_read((const uint8_t *)"", 0, &code, &answer));
    assert_int_equal(code, FRAME_CLOSE_NONE);
    assert_false(frame_close_read((const uint8_t *)"\x03", 1, &code, &answer));
    assert_int_equal(answer, FRAME_CLOSE_PROTOCOL);
    assert_true(frame_close_read((const uint8_t *)"\x03\xe8ok", 4, &code, &answer));
    assert_int_equal(code, 1000);
    static const uint16_t bad[] = {0, 999, 1004, 1005, 1006, 1015, 2999, 5000};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const uint8_t body[2] = {(uint8_t)(bad[i] >> 8), (uint8_t)bad[i]};
        assert_false(frame_close_read(body, 2, &code, &answer));
        assert_int_equal(answer, FRAME_CLOSE_PROTOCOL);
    }
    assert_true(frame_close_read((const uint8_t *)"\x0f\xa0", 2, &code, &answer)); /* 4000 */
    assert_false(frame_close_read((const uint8_t *)"\x03\xe8\xff", 3, &code, &answer));
    assert_int_equal(answer, FRAME_CLOSE_NOT_UTF8);
}

/* UTF-8, from both sides of each boundary. */
TEST(frame, utf8)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xc2",
                                      "\xe2\x82",
                                      "a\xf0\x90\x80"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(frame_is_utf8((const uint8_t *)good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(frame_is_utf8((const uint8_t *)bad[i], strlen(bad[i])));
    }
}

/* A character may be cut anywhere between two pieces; what cannot become one is refused at its first wrong byte, and
 * text may not end inside one. */
TEST(frame, utf8_in_pieces)
{
    static const uint8_t text[] = "a\xc2\x80\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const bool ends[] = {true, true,  false, true,  false, false,
                                true, false, false, false, true,  true};
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        struct frame_utf8 utf8 = {0};
        assert_true(frame_utf8_add(&utf8, text, cut));
        assert_int_equal(frame_utf8_ends(&utf8), ends[cut]);
        assert_true(frame_utf8_add(&utf8, text + cut, sizeof(text) - 1 - cut));
        assert_true(frame_utf8_ends(&utf8));
    }
    struct frame_utf8 surrogate = {0}, far = {0};
    assert_true(frame_utf8_add(&surrogate, (const uint8_t *)"\xed", 1));
    assert_false(frame_utf8_add(&surrogate, (const uint8_t *)"\xa0", 1));
    assert_true(frame_utf8_add(&far, (const uint8_t *)"\xf4", 1));
    assert_false(frame_utf8_add(&far, (const uint8_t *)"\x90", 1));
}

/* Random bytes never make the reader report more than it was given, nor stop for good. */
TEST(frame, random_bytes_stay_in_bounds)
{
    uint32_t random = 5;
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[32];
        random = random * 1664525u + 1013904223u;
        const size_t count = (random >> 16) % sizeof(bytes);
        for (size_t i = 0; i < count; i++) {
            random = random * 1664525u + 1013904223u;
            bytes[i] = (uint8_t)(random >> 24);
        }
        struct frame_reader any = {.opcode = (uint8_t)((random >> 8) % 3)};
        if (frame_read(&any, bytes, count, &frame) != FRAME_WHOLE) continue;
        assert_true(frame.frame_bytes <= count);
        assert_true(frame.payload + frame.payload_bytes <= bytes + count);
    }
}
