#include "common/proof.h"

#include "common/le.h"
#include "tests/harness.h"

static uint8_t bytes[PROOF_BYTES_MAX], headers[2 * BLOCK_HEADER_BYTES];

static struct proof_account account_of(void)
{
    struct proof_account account = {.position = 5, .depth = 3, .count = 2};
    memset(account.salt.bytes, 1, HASH_BYTES);
    memset(account.public_key, 2, PUBLIC_KEY_BYTES);
    account.balances[0] = (struct proof_balance){1, 100, 0};
    account.balances[1] = (struct proof_balance){7, 0, INT64_MAX};
    for (uint8_t i = 0; i < 3; i++)
        memset(account.siblings[i].bytes, 3 + i, HASH_BYTES);
    return account;
}

/* What is written is what is read, byte for byte, and nothing shorter or longer is. */
TEST(proof, parts_come_back_as_they_were_put)
{
    const struct proof proof = {.kind = PROOF_TRADE,
                                .subject = (const uint8_t *)"subject",
                                .subject_bytes = 7,
                                .headers = headers,
                                .header_count = 2,
                                .certificate = (const uint8_t *)"certificate",
                                .certificate_bytes = 11};
    struct proof read;
    const size_t byte_count = proof_put(&proof, bytes);
    assert_int_equal(byte_count, PROOF_HEADER_BYTES + 7 + 2 * BLOCK_HEADER_BYTES + 11);
    assert_true(proof_get(bytes, byte_count, &read));
    assert_int_equal(read.kind, PROOF_TRADE);
    assert_int_equal(read.header_count, 2);
    assert_memory_equal(read.subject, "subject", 7);
    assert_memory_equal(read.certificate, "certificate", 11);
    for (size_t shorter = 0; shorter < byte_count; shorter++)
        assert_false(proof_get(bytes, shorter, &read));
    assert_false(proof_get(bytes, byte_count + 1, &read));
    for (uint16_t kind = 0; kind < 8; kind++) {
        le_put_u16(bytes + 6, kind);
        assert_int_equal(proof_get(bytes, byte_count, &read), kind >= 1 && kind <= 5);
    }
}

/* No proof without a header, nor with more than can lead to a certificate. */
TEST(proof, headers_are_bounded)
{
    struct proof proof = {.kind = PROOF_TOTALS, .subject = bytes, .headers = headers};
    uint8_t out[PROOF_BYTES_MAX];
    assert_int_equal(proof_put(&proof, out), 0);
    proof.header_count = PROOF_HEADERS_MAX + 1;
    assert_int_equal(proof_put(&proof, out), 0);
    proof.header_count = 1;
    proof.certificate = headers;
    proof.certificate_bytes = PROOF_BYTES_MAX;
    assert_int_equal(proof_put(&proof, out), 0);
}

TEST(proof, account_comes_back_and_only_as_a_leaf_can_be)
{
    struct proof_account account = account_of(), read;
    const size_t byte_count = proof_account_put(&account, bytes);
    assert_true(proof_account_get(bytes, byte_count, &read));
    assert_int_equal(read.position, 5);
    assert_int_equal(read.balances[1].held, INT64_MAX);
    assert_memory_equal(read.siblings, account.siblings, 3 * sizeof(hash_t));
    assert_false(proof_account_get(bytes, byte_count - 1, &read));
    assert_false(proof_account_get(bytes, byte_count + 1, &read));

    account.position = 8; /* of 8 places */
    assert_false(proof_account_get(bytes, proof_account_put(&account, bytes), &read));
    account = account_of();
    account.balances[0].available = -1;
    assert_false(proof_account_get(bytes, proof_account_put(&account, bytes), &read));
    account = account_of();
    account.balances[0].available = 0;
    assert_false(proof_account_get(bytes, proof_account_put(&account, bytes), &read));
    account = account_of();
    account.balances[1].asset = 1;
    assert_false(proof_account_get(bytes, proof_account_put(&account, bytes), &read));
    account.balances[1].asset = PROOF_ASSETS_MAX;
    assert_false(proof_account_get(bytes, proof_account_put(&account, bytes), &read));
}

TEST(proof, trade_comes_back_with_its_fill)
{
    const struct fill_event fill = {.trade_id = 9, .price = {3}, .qty = {4}, .maker_account = 5};
    struct proof_trade trade = {.index = 1, .path_count = 2}, read;
    uint8_t *at = le_put_u32(le_put_u64(trade.leaf, 77), 6);
    struct event_writer writer = {.at = at, .end = trade.leaf + PROOF_FILL_BYTES};
    event_write_fill(&writer, &fill);
    const size_t byte_count = proof_trade_put(&trade, bytes);
    assert_true(proof_trade_get(bytes, byte_count, &read));
    assert_int_equal(read.command, 77);
    assert_int_equal(read.ordinal, 6);
    assert_int_equal(read.fill.trade_id, 9);
    assert_int_equal(read.fill.maker_account, 5);
    assert_false(proof_trade_get(bytes, byte_count - HASH_BYTES, &read));
    bytes[8 + 12] ^= 1; /* another event's type */
    assert_false(proof_trade_get(bytes, byte_count, &read));
}

/* 128 bits with their sign, and assets without a gap. */
TEST(proof, totals_come_back)
{
    const __int128 large = (__int128)INT64_MAX * 1000;
    struct proof_totals totals = {.count = 2}, read;
    totals.assets[0] = (struct proof_total){0, large, 1, -2, 3, -large, 0};
    totals.assets[1].asset = 1;
    const size_t byte_count = proof_totals_put(&totals, bytes);
    assert_true(proof_totals_get(bytes, byte_count, &read));
    assert_true(read.assets[0].users == large && read.assets[0].external == -large &&
                read.assets[0].rounding == -2);
    assert_false(proof_totals_get(bytes, byte_count - 1, &read));
    assert_false(read.has_house);

    totals.has_house = true;
    totals.assets[0].house = -large;
    assert_int_equal(proof_totals_put(&totals, bytes), byte_count + 2 * 16);
    assert_true(proof_totals_get(bytes, byte_count + 2 * 16, &read));
    assert_true(read.has_house && read.assets[0].house == -large && read.assets[1].house == 0);
    assert_false(proof_totals_get(bytes, byte_count + 16, &read));
    totals.assets[1].asset = 2;
    assert_false(proof_totals_get(bytes, proof_totals_put(&totals, bytes), &read));
}
