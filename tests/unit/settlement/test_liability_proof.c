#include "settlement/liability_proof.h"

#include "settlement/liability_leaf.h"
#include "tests/unit/settlement/liable.h"

static struct liable liable;
static struct liabilities_opening opening, other;
static struct block_header header;
static hash_t header_hash;
static uint8_t ann[PUBLIC_KEY_BYTES], bob[PUBLIC_KEY_BYTES];

static void begin(void)
{
    liable_begin(&liable, world_new());
    liable_publish(&liable, 3);
    const uint8_t *bytes = liable_header(&liable);
    assert_true(block_header_decode(bytes, &header));
    header_hash = block_header_hash(bytes);
    assert_int_equal(liable_open(&liable, 1, BTC, &opening), STATUS_OK);
    assert_int_equal(liable_open(&liable, 2, BTC, &other), STATUS_OK);
    memcpy(ann, opening.public_key, sizeof(ann));
    memcpy(bob, other.public_key, sizeof(bob));
}

static const char *fault(const uint8_t *public_key)
{
    return liability_proof_fault(&opening, &header, header_hash, public_key);
}

static struct proof_account account_of(uint32_t number)
{
    struct proof_account account;
    assert_int_equal(proof_shelf_account(liable.shelf, liable.world->settlement, number,
                                         liable.world->height, liable.room, &account),
                     STATUS_OK);
    return account;
}

static const char *holder_fault(const struct liabilities_opening *openings, uint32_t count,
                                const struct proof_account *account)
{
    uint16_t asset;
    return liability_proof_holder_fault(openings, count, account, header_hash, &asset);
}

/* Every account, every asset: opened in full beside its own proof. */
TEST(liability_proof, all_that_is_owed_is_opened)
{
    begin();
    for (uint32_t number = 1; number <= liable.world->account_count; number++) {
        struct liabilities_opening openings[2];
        const struct proof_account account = account_of(number);
        uint32_t count = 0;
        for (uint16_t i = 0; i < account.count; i++) {
            const uint16_t asset = account.balances[i].asset;
            assert_int_equal(liable_open(&liable, number, asset, &openings[count]), STATUS_OK);
            assert_null(
                liability_proof_fault(&openings[count], &header, header_hash, account.public_key));
            assert_true(
                liability_proof_amount(&openings[count++]) ==
                (unsigned __int128)(account.balances[i].available + account.balances[i].held));
        }
        assert_null(holder_fault(openings, count, &account));
    }
    liable_end(&liable);
}

/* Two accounts shown one leaf: it opens to the key that it was made for, and to no other. */
TEST(liability_proof, one_leaf_is_not_shown_to_two)
{
    begin();
    assert_null(fault(ann));
    assert_string_equal(fault(bob), "its leaves are another account's");
    memcpy(opening.public_key, bob, sizeof(bob));
    assert_string_equal(fault(bob), "a part's path does not lead to its asset's root");
    liable_end(&liable);
}

/* One leaf shown as two parts, or as the only one. */
TEST(liability_proof, a_part_is_one_of_all)
{
    begin();
    for (uint32_t number = 1; number <= 4; number++)
        for (uint16_t asset = 0; asset < 2 && opening.part_count < 2; asset++)
            assert_int_equal(liable_open(&liable, number, asset, &opening), STATUS_OK);
    assert_true(opening.part_count >= 2 && fault(NULL) == NULL);
    struct liabilities_opening twice = opening;
    opening.parts[1] = opening.parts[0];
    assert_string_equal(fault(NULL), "a part's path does not lead to its asset's root");
    opening = twice;
    opening.part_count--;
    assert_string_equal(fault(NULL), "a part's path does not lead to its asset's root");
    opening = twice;
    opening.asset ^= 1;
    assert_non_null(fault(NULL));
    liable_end(&liable);
}

/* A smaller amount, made up by another part or not at all; one below zero. */
TEST(liability_proof, amounts_are_what_was_bound)
{
    begin();
    const struct liabilities_opening right = opening;
    opening.parts[0].amount--;
    assert_string_equal(fault(ann), "a part's path does not lead to its asset's root");
    opening.parts[0].amount = (uint64_t)-5;
    assert_string_equal(fault(ann), "a part is below zero");
    opening = right;
    opening.parts[0].nonce.bytes[3] ^= 1;
    assert_string_equal(fault(ann), "a part's path does not lead to its asset's root");
    opening = right;
    opening.parts[0].position ^= 1; /* moved */
    assert_non_null(fault(ann));
    opening = right;
    opening.head.assets[0].sum -= 1; /* a forged total */
    assert_non_null(fault(ann));
    liable_end(&liable);
}

TEST(liability_proof, another_block_is_named)
{
    begin();
    const struct liabilities_opening right = opening;
    opening.head.height++;
    assert_string_equal(fault(ann), "its liabilities are of another block");
    opening = right;
    opening.head.chain_id.bytes[0] ^= 1;
    assert_string_equal(fault(ann), "its liabilities are of another block");
    opening = right;
    opening.head.header_hash.bytes[0] ^= 1;
    assert_string_equal(fault(ann), "its liabilities are of another block");
    liable_end(&liable);
}

/* An omitted account, or an asset of it, or a part of an asset. */
TEST(liability_proof, what_was_omitted_is_missed)
{
    struct liabilities_opening openings[2];
    begin();
    struct proof_account account = account_of(1);
    assert_true(account.count == 2);
    assert_string_equal(holder_fault(NULL, 0, &account), "the account's balance is not opened");
    openings[0] = opening;
    assert_string_equal(holder_fault(openings, 1, &account), "the account's balance is not opened");
    assert_int_equal(liable_open(&liable, 1, USDT, &openings[1]), STATUS_OK);
    assert_null(holder_fault(openings, 2, &account));
    account.balances[1].held++;
    assert_string_equal(holder_fault(openings, 2, &account),
                        "its parts do not add up to the account's balance");
    account.balances[1].held--;
    openings[1] = other;
    assert_string_equal(holder_fault(openings, 2, &account), "its leaves are another account's");
    header_hash.bytes[0] ^= 1;
    assert_string_equal(holder_fault(openings, 1, &account),
                        "the account's proof is of another block");
    liable_end(&liable);
}
