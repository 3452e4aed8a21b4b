#include "node/proof_table_os.h"

#include "common/log.h"
#include "node/proof_check.h"
#include "tests/harness.h"
#include "tests/unit/node/proved.h"

static struct proved proved;
static struct proof_bytes bytes;
static struct proof_check check;

static const char *fault(void)
{
    const struct genesis *genesis = &proved.story.journal.genesis;
    return proof_check_fault(bytes.bytes, bytes.byte_count, genesis_chain_id(genesis),
                             &genesis->validators, NULL, &check);
}

static void *context(void)
{
    return proved.source->context;
}

/* Every account and the totals at every height that a certificate covers; by block 6's, those below it. */
TEST(proof_table, accounts_and_totals_of_every_block_hold)
{
    proved_begin(&proved, 1u << 5);
    uint32_t accounts = 0;
    for (uint64_t height = 1; height <= 6; height++) {
        for (uint32_t account = 1; account <= 2; account++) {
            const enum status status = proved.source->account(context(), account, height, &bytes);
            assert_int_equal(status, STATUS_OK);
            assert_null(fault());
            assert_int_equal(check.header.height, height);
            accounts++;
        }
        assert_int_equal(proved.source->totals(context(), height, &bytes), STATUS_OK);
        assert_null(fault());
        assert_true(check.totals.count >= 2);
    }
    for (uint16_t i = 0; i < check.totals.count; i++) {
        const struct totals totals = settlement_totals(proved.settlement, i);
        assert_true(totals.users == check.totals.assets[i].users);
    }
    assert_int_equal(accounts, 12);
    assert_int_equal(proved.source->account(context(), 1, 7, &bytes), STATUS_NOT_FOUND);
    assert_int_equal(proved.source->account(context(), 9, 6, &bytes), STATUS_NOT_FOUND);
    proved_end(&proved);
}

/* Every fill of every body is found by its market and number, and its receipt holds. */
TEST(proof_table, trades_of_every_block_hold)
{
    proved_begin(&proved, UINT32_MAX);
    uint64_t id = 1, at = 0, last = 0;
    while (proved.source->trade_height(context(), 0, id, &at) == STATUS_OK) {
        assert_int_equal(proved.source->trade(context(), 0, id, at, &bytes), STATUS_OK);
        assert_null(fault());
        assert_int_equal(check.kind, PROOF_TRADE);
        assert_int_equal(check.trade.fill.trade_id, id);
        assert_int_equal(check.header.height, at);
        assert_true(at >= last);
        last = at;
        id++;
    }
    uint64_t fills = 0;
    for (uint32_t i = 0; i < proved.story.height; i++)
        fills += proved.story.blocks[i].header.fill_count;
    assert_true(fills > 0);
    assert_int_equal(id - 1, fills);
    proved_end(&proved);
}

/* What no certificate covers is not proved yet. */
TEST(proof_table, blocks_without_a_certificate_wait)
{
    proved_begin(&proved, 1u << 2);
    assert_int_equal(proved.source->account(context(), 1, 3, &bytes), STATUS_OK);
    assert_null(fault());
    assert_int_equal(proved.source->account(context(), 1, 4, &bytes), STATUS_NOT_FOUND);
    assert_int_equal(proved.source->totals(context(), 4, &bytes), STATUS_NOT_FOUND);
    proved_end(&proved);
}

/* A settlement whose figures are not the chain's proves nothing: what does not lead to the header is not handed
 * out. */
TEST(proof_table, what_does_not_lead_to_the_header_is_kept_back)
{
    log_set_level(LOG_ERROR + 1);
    proved_begin(&proved, UINT32_MAX);
    /* A unit more in memory, behind settlement's back. */
    for (uint8_t *at = proved.arena.bytes; at < proved.arena.bytes + proved.arena.capacity;
         at += 8) {
        const int64_t now = settlement_available(proved.settlement, 1, 0).units;
        if (now != 0 && memcmp(at, &now, 8) == 0) {
            *at ^= 1;
            if (settlement_available(proved.settlement, 1, 0).units != now) break;
            *at ^= 1;
        }
    }
    assert_int_equal(proved.source->account(context(), 1, 6, &bytes), STATUS_DAMAGED);
    assert_int_equal(proved.source->account(context(), 2, 6, &bytes), STATUS_OK);
    proved_end(&proved);
}
