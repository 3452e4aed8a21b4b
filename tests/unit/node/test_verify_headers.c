#include "node/verify_headers.h"

#include "tests/unit/node/shortened.h"

/* Forged below the checkpoint, where nothing is executed, with header and certificate made anew as far as the next block:
 * that money was made is found by counting. */
TEST(verify_headers, money_made_below_the_checkpoint_is_found)
{
    struct block_header header;
    shortened_begin();
    struct kept_block *block = &blocks[SHORTENED_CHECKPOINT - 1];
    const uint8_t *at = block->body;
    struct applied record = {0};
    uint8_t *balance = NULL;
    while (balance == NULL && applied_next(&at, block->body + block->body_bytes, &record)) {
        const uint8_t *next = record.events;
        struct event event;
        while (event_next(&next, record.events + record.events_length, &event))
            if (event.type == T_BALANCE) balance = (uint8_t *)(uintptr_t)event.payload;
    }
    assert_non_null(balance);
    le_put_i64(balance, le_get_i64(balance) + 3);
    struct chain_block forged = {.body = block->body, .body_bytes = block->body_bytes};
    assert_true(block_header_decode(block->header, &header));
    shortened_remake(&header, &forged);
    block_header_encode(&header, block->header);
    shortened_certify(block, SHORTENED_CHECKPOINT - 1);
    shortened_write_pruned(1);
    options.from_checkpoint = 1;
    shortened_wrong(SHORTENED_CHECKPOINT - 1,
                    "conservation: what is owed is not what came in: asset");
    shortened_end();
}

/* Without a checkpoint nothing is executed, and that is said. */
TEST(verify_headers, without_a_checkpoint_headers_only)
{
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    options.checkpoints = NULL;
    shortened_part(1, 0, SHORTENED_TIP - SHORTENED_CHECKPOINT);
    assert_int_equal(result.command_count, 0);
    assert_int_equal(result.checkpoint_height, 0);
    shortened_end();
}

/* An operator's word is looked up where the block is here. */
TEST(verify_headers, operator_s_word_must_be_that_of_the_block)
{
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    options.trusted_height = 4;
    options.trusted = validator_set_hash(&shop.journal.genesis.validators);
    shortened_part(1, SHORTENED_CHECKPOINT + 1, 0);
    options.trusted.bytes[3] ^= 1;
    shortened_wrong(4, "operator");
    shortened_end();
}

TEST(verify_headers, altered_header_is_refused)
{
    shortened_begin();
    blocks[5].header[300] ^= 1;
    shortened_certify(&blocks[5], 5);
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    shortened_wrong(6, "prev_hash");
    shortened_end();
}

TEST(verify_headers, altered_certificate_is_refused)
{
    shortened_begin();
    blocks[4].certificate[blocks[4].certificate_bytes - 1] ^= 1;
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    shortened_wrong(4, "its certificate is not valid");
    chain_folder_remove(&folder);
    chain_folder_make(&folder);
    shortened_certify(&blocks[4], 4);
    blocks[7].certificate[16] ^= 1; /* the hash that it names */
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    shortened_wrong(7, "another header");
    shortened_end();
}

/* A body that is not executed is still the one that its header names. */
TEST(verify_headers, altered_body_is_refused)
{
    shortened_begin();
    blocks[8].body[blocks[8].body_bytes - 1] ^= 1;
    shortened_write_joined(SHORTENED_CHECKPOINT - 3);
    assert_int_equal(shortened_audit(), STATUS_MISMATCH);
    assert_int_equal(result.fault.height, 8);
    shortened_end();
}

/* A byte of a file, nothing made anew: named with its file. */
TEST(verify_headers, rotten_headers_file_is_named)
{
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    chain_folder_flip(&folder, "00000007.headers", 100, 1); /* a record a file */
    assert_int_equal(shortened_audit(), STATUS_DAMAGED);
    assert_int_equal(result.fault.height, 4);
    assert_non_null(strstr(result.fault.reason, "00000007.headers, byte 0"));
    shortened_end();
}

/* A header must follow: what a chain of other voters, or of a later epoch, says is looked at height by height. */
TEST(verify_headers, unknown_voters_are_said)
{
    static struct verify_headers headers;
    static struct genesis other;
    struct voters *voters;
    struct chain *chain;
    shortened_begin();
    shortened_write_pruned(SHORTENED_CHECKPOINT + 1);
    other = shop.journal.genesis;
    other.validators.members[0].public_key[0] ^= 1;
    assert_int_equal(voters_new(shop.folder, &other, NULL, &voters), STATUS_OK);
    assert_int_equal(chain_open_reader(folder.path, &chain), STATUS_OK);
    verify_headers_begin(&headers, chain, voters, genesis_chain_id(&shop.journal.genesis), NULL);
    for (uint64_t height = 1; height <= SHORTENED_CHECKPOINT; height++)
        assert_int_equal(verify_headers_next(&headers, height), STATUS_OK);
    assert_int_equal(headers.certified_count, 0);
    assert_int_equal(headers.certified_height, 0);
    assert_int_equal(headers.unknown_count, SHORTENED_CHECKPOINT);
    assert_int_equal(headers.unknown_first, 1);
    assert_int_equal(headers.unknown_last, SHORTENED_CHECKPOINT);
    chain_close(chain);
    voters_free(voters);
    shortened_end();
}
