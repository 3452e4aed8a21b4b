#include "common/genesis.h"

#include "tests/harness.h"
#include "tests/unit/common/world.h"

static struct genesis genesis;

static void make_genesis(void)
{
    memset(&genesis, 0, sizeof(genesis));
    genesis.time_ns = 1700000000000000000u;
    genesis.operator_count = 1;
    genesis.validators.count = 1;
    genesis.validators.members[0].node = 1;
    for (size_t i = 0; i < 32; i++) {
        genesis.nonce[i] = (uint8_t)i;
        genesis.operators[0][i] = (uint8_t)(0x40 + i);
        genesis.validators.members[0].public_key[i] = (uint8_t)(0x80 + i);
    }
    world_params(&genesis.params);
}

/* Every part of the genesis names another chain when it changes. */
TEST(genesis, any_change_is_another_chain)
{
    make_genesis();
    const hash_t id = genesis_chain_id(&genesis);
    assert_true(hash_equal(id, genesis_chain_id(&genesis)));
#define OTHER_WITH(change) \
    make_genesis(); \
    genesis.change; \
    assert_false(hash_equal(id, genesis_chain_id(&genesis)))

    OTHER_WITH(nonce[31]++);
    OTHER_WITH(time_ns++);
    OTHER_WITH(validators.members[0].node++);
    OTHER_WITH(validators.members[0].public_key[0]++);
    OTHER_WITH(validators.count++);
    OTHER_WITH(operators[0][31]++);
    OTHER_WITH(operator_count++);
    OTHER_WITH(params.block_ms++);
    OTHER_WITH(params.markets[1].tick_units++);
}

/* Members beyond the count are not part of the set. */
TEST(genesis, unused_places_do_not_count)
{
    make_genesis();
    const hash_t id = genesis_chain_id(&genesis);
    genesis.validators.members[1].node = 9;
    genesis.operators[1][0] = 9;
    assert_true(hash_equal(id, genesis_chain_id(&genesis)));
}

TEST(genesis, validators_are_found_by_node)
{
    make_genesis();
    assert_ptr_equal(validator_set_find(&genesis.validators, 1), &genesis.validators.members[0]);
    assert_null(validator_set_find(&genesis.validators, 0));
    assert_null(validator_set_find(&genesis.validators, 2));
}

TEST(genesis, a_quorum_is_more_than_two_thirds)
{
    struct validator_set set = {0};
    for (set.count = 1; set.count <= GENESIS_VALIDATORS_LIMIT; set.count++) {
        const uint32_t quorum = validator_set_quorum(&set);
        assert_true(3 * quorum > 2 * set.count);
        assert_true(3 * (quorum - 1) <= 2 * set.count);
        assert_true(quorum <= set.count);
    }
    set.count = 4;
    assert_int_equal(validator_set_quorum(&set), 3);
}
