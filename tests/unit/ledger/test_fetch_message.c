#include "ledger/fetch_message.h"

#include "common/le.h"
#include "tests/harness.h"

/* Every byte of every message matters: with any bit flipped it is another message or none, and no other length is
 * taken. */
TEST(fetch_message, questions_come_back_from_their_bytes)
{
    uint8_t bytes[64];
    size_t byte_count = fetch_what_encode(bytes);
    assert_true(fetch_what_decode(bytes, byte_count));
    assert_false(fetch_what_decode(bytes, byte_count - 1));
    for (size_t i = 0; i < byte_count; i++) {
        bytes[i] ^= 1;
        assert_false(fetch_what_decode(bytes, byte_count));
        bytes[i] ^= 1;
    }

    const struct fetch_ask ask = {{FETCH_CHUNK, 70000, 1ull << 40}, 5, FETCH_PIECE_MAX};
    struct fetch_ask asked;
    byte_count = fetch_ask_encode(&ask, bytes);
    assert_int_equal(byte_count, FETCH_ASK_BYTES);
    assert_true(fetch_ask_decode(bytes, byte_count, &asked));
    assert_true(fetch_object_equal(&ask.object, &asked.object));
    assert_int_equal(asked.offset, 5);
    assert_int_equal(asked.count, FETCH_PIECE_MAX);
    assert_false(fetch_ask_decode(bytes, byte_count - 1, &asked));
    assert_false(fetch_ask_decode(bytes, byte_count + 1, &asked));

    const struct fetch_range range = {1ull << 50, FETCH_ENTRIES_MAX};
    struct fetch_range ranged;
    byte_count = fetch_ask_entries_encode(&range, bytes);
    assert_true(fetch_ask_entries_decode(bytes, byte_count, &ranged));
    assert_int_equal(ranged.first, range.first);
    assert_int_equal(ranged.count, range.count);
    assert_false(fetch_ask_entries_decode(bytes, byte_count - 1, &ranged));
}

TEST(fetch_message, questions_keep_their_limits)
{
    uint8_t bytes[64];
    struct fetch_ask ask = {{FETCH_MANIFEST, 0, 9}, 0, FETCH_PIECE_MAX + 1}, asked;
    assert_false(fetch_ask_decode(bytes, fetch_ask_encode(&ask, bytes), &asked));
    ask.count = 0;
    assert_false(fetch_ask_decode(bytes, fetch_ask_encode(&ask, bytes), &asked));
    ask.count = 1;
    assert_true(fetch_ask_decode(bytes, fetch_ask_encode(&ask, bytes), &asked));
    ask.object.part = 1; /* only chunks have parts */
    assert_false(fetch_ask_decode(bytes, fetch_ask_encode(&ask, bytes), &asked));
    for (uint32_t part = 0; part <= FETCH_HEADERS_MAX + 1; part += 1 + part / 2) {
        ask.object = (struct fetch_object){FETCH_HEADERS, part, 9};
        assert_int_equal(fetch_ask_decode(bytes, fetch_ask_encode(&ask, bytes), &asked),
                         part > 0 && part <= FETCH_HEADERS_MAX);
    }
    ask.object = (struct fetch_object){.kind = FETCH_KINDS};
    assert_false(fetch_ask_decode(bytes, fetch_ask_encode(&ask, bytes), &asked));

    struct fetch_range range = {0, 1}, ranged;
    assert_false(fetch_ask_entries_decode(bytes, fetch_ask_entries_encode(&range, bytes), &ranged));
    range = (struct fetch_range){UINT64_MAX, 1};
    assert_false(fetch_ask_entries_decode(bytes, fetch_ask_entries_encode(&range, bytes), &ranged));
    range = (struct fetch_range){1, FETCH_ENTRIES_MAX + 1};
    assert_false(fetch_ask_entries_decode(bytes, fetch_ask_entries_encode(&range, bytes), &ranged));
}

TEST(fetch_message, offer_comes_back_from_its_bytes)
{
    const struct fetch_offer offer = {FETCH_ARCHIVE, 1, 2, 3, 4, 5, 6};
    struct fetch_offer decoded;
    uint8_t bytes[FETCH_OFFER_BYTES + 1] = {0}, again[FETCH_OFFER_BYTES];
    assert_int_equal(fetch_offer_encode(&offer, bytes), FETCH_OFFER_BYTES);
    assert_true(fetch_offer_decode(bytes, FETCH_OFFER_BYTES, &decoded));
    fetch_offer_encode(&decoded, again);
    assert_memory_equal(bytes, again, FETCH_OFFER_BYTES);
    assert_int_equal(decoded.lineage_height, 4);
    assert_false(fetch_offer_decode(bytes, FETCH_OFFER_BYTES + 1, &decoded));
    assert_false(fetch_offer_decode(bytes, FETCH_OFFER_BYTES - 1, &decoded));
    bytes[1] = 2; /* a flag of a later version */
    assert_false(fetch_offer_decode(bytes, FETCH_OFFER_BYTES, &decoded));
    bytes[1] = 0;
    le_put_u64(bytes + 40, 7); /* a log that ends before it begins */
    assert_false(fetch_offer_decode(bytes, FETCH_OFFER_BYTES, &decoded));
}

/* A piece lies within the whole that it names. */
TEST(fetch_message, piece_lies_within_its_object)
{
    uint8_t bytes[FETCH_PIECE_HEADER_BYTES + 10] = {0};
    struct fetch_piece piece = {.object = {FETCH_CHUNK, 3, 40}, .offset = 90, .total = 100}, got;
    fetch_piece_encode(&piece, bytes);
    assert_true(fetch_piece_decode(bytes, sizeof(bytes), &got));
    assert_int_equal(got.byte_count, 10);
    assert_ptr_equal(got.bytes, bytes + FETCH_PIECE_HEADER_BYTES);
    assert_false(fetch_piece_decode(bytes, FETCH_PIECE_HEADER_BYTES, &got)); /* empty */
    piece.offset = 91;
    fetch_piece_encode(&piece, bytes);
    assert_false(fetch_piece_decode(bytes, sizeof(bytes), &got));
    piece.offset = UINT32_MAX;
    fetch_piece_encode(&piece, bytes);
    assert_false(fetch_piece_decode(bytes, sizeof(bytes), &got));
    piece = (struct fetch_piece){.object = {FETCH_BODY, 0, 40}};
    fetch_piece_encode(&piece, bytes);
    assert_true(fetch_piece_decode(bytes, FETCH_PIECE_HEADER_BYTES, &got)); /* not there */
    assert_false(fetch_piece_decode(bytes, sizeof(bytes), &got));
}

/* Entries fill their message exactly. */
TEST(fetch_message, entries_come_back_from_their_bytes)
{
    static struct fetch_entries entries, decoded;
    static uint8_t bytes[8192];
    entries.first = 100;
    entries.count = 3;
    size_t byte_count = 0;
    for (uint32_t i = 0; i < 3; i++) {
        entries.entries[i] = (struct fetch_entry){.term = 5 + i, .type = 1, .length = 10 * i};
        byte_count += 10 * i;
    }
    byte_count += fetch_entries_encode(&entries, bytes);
    assert_int_equal(byte_count, 16 + 3 * 16 + 30);
    assert_true(fetch_entries_decode(bytes, byte_count, &decoded));
    assert_int_equal(decoded.first, 100);
    assert_int_equal(decoded.entries[2].term, 7);
    assert_ptr_equal(decoded.entries[1].bytes, bytes + 16 + 48);
    assert_ptr_equal(decoded.entries[2].bytes, bytes + 16 + 48 + 10);
    for (size_t shorter = 0; shorter < byte_count; shorter++)
        assert_false(fetch_entries_decode(bytes, shorter, &decoded));
    assert_false(fetch_entries_decode(bytes, byte_count + 1, &decoded));
    le_put_u32(bytes + 16 + 16 + 12, 0xfffffff6u); /* lengths whose sum wraps */
    assert_false(fetch_entries_decode(bytes, byte_count, &decoded));
    entries.count = 0;
    assert_true(fetch_entries_decode(bytes, fetch_entries_encode(&entries, bytes), &decoded));
    le_put_u32(bytes + 4, FETCH_ENTRIES_MAX + 1);
    assert_false(fetch_entries_decode(bytes, sizeof(bytes), &decoded));
}
