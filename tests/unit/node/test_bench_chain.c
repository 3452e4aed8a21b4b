#include "node/bench_chain.h"

#include "common/log.h"
#include "node/bench.h"
#include "node/genesis_json.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/story.h"

static struct story story;
static struct chain_folder folder;
static struct bench_chain_result result;

static enum status replay(FILE *trades)
{
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&folder);
    story_write(&story, folder.path, UINT32_MAX);
    return bench_chain_replay(folder.path, &story.journal.genesis, trades, &result);
}

static void done(void)
{
    story_end(&story);
    chain_folder_remove(&folder);
}

/* The number of the command to which these bytes of a body belong. */
static uint64_t command_of(uint64_t height, const uint8_t *event)
{
    const struct story_block *block = &story.blocks[height - 1];
    const uint8_t *at = block->body;
    struct applied record;
    while (applied_next(&at, block->body + block->body_bytes, &record))
        if (event >= record.events && event < at) return record.number;
    abort();
}

/* A node's chain comes out of its commands again, to the byte. */
TEST(bench_chain, honest_chain_is_the_same_again)
{
    story_tell(&story, 0);
    assert_int_equal(replay(NULL), STATUS_OK);
    assert_int_equal(result.blocks, 6);
    assert_int_equal(result.commands, story.journal.number);
    uint64_t fills = 0;
    for (uint32_t i = 0; i < story.height; i++)
        fills += story.blocks[i].header.fill_count;
    assert_int_equal(result.trades, fills);
    assert_true(result.trades >= 5 && result.quantity > result.trades);
    assert_int_equal(result.bad_command, 0);
    assert_true(hash_equal(result.events_hash, result.chain_events_hash));
    assert_false(hash_equal(result.events_hash, hash_of("", 0)));
    done();
}

/* One byte of one event, whatever the header says of it. */
TEST(bench_chain, changed_event_is_named_with_its_command)
{
    char expected[64];
    for (int remade = 0; remade < 2; remade++) {
        story_tell(&story, 0);
        uint8_t *balance = story_event(&story, 4, T_BALANCE, 1);
        const uint64_t command = command_of(4, balance);
        balance[8] ^= 1;
        if (remade != 0) story_seal(&story);
        assert_int_equal(replay(NULL), STATUS_MISMATCH);
        assert_int_equal(result.bad_command, command);
        snprintf(expected, sizeof(expected), "of command %lu is BALANCE", command);
        assert_non_null(strstr(result.reason, expected));
        assert_false(hash_equal(result.events_hash, result.chain_events_hash));
        done();
    }
}

/* A command that was changed gives other events, there or later. */
TEST(bench_chain, credit_of_another_amount_is_found)
{
    story_tell(&story, 0);
    uint8_t *credited = story_event(&story, 1, T_CREDITED, 0);
    const uint64_t command = command_of(1, credited);
    const struct story_block *block = &story.blocks[0];
    const uint8_t *at = block->body;
    struct applied record;
    while (applied_next(&at, block->body + block->body_bytes, &record))
        if (record.number == command) {
            uint8_t *payload = (uint8_t *)(uintptr_t)record.command + COMMAND_HEADER_BYTES;
            struct credit_command credit;
            credit_command_get(payload, &credit);
            credit.amount.units++;
            credit_command_put(payload, &credit);
        }
    assert_int_equal(replay(NULL), STATUS_MISMATCH);
    assert_int_equal(result.bad_command, command);
    done();
}

/* A chain whose beginning is another exchange's does not come out of this genesis. */
TEST(bench_chain, other_parameters_give_other_events)
{
    story_tell(&story, 0);
    story.journal.genesis.params.tiers[0].taker_ppm++;
    assert_int_equal(replay(NULL), STATUS_MISMATCH);
    assert_true(result.bad_command > 0);
    done();
}

/* A changed byte in a file is found before anything is executed, and said. */
TEST(bench_chain, damaged_record_is_refused)
{
    story_tell(&story, 0);
    assert_int_equal(replay(NULL), STATUS_OK);
    const off_t bytes = chain_folder_bytes(&folder, "00000001.segment");
    chain_folder_flip(&folder, "00000001.segment", bytes / 2, 1);
    assert_int_equal(bench_chain_replay(folder.path, &story.journal.genesis, NULL, &result),
                     STATUS_DAMAGED);
    assert_true(result.bad_height > 1);
    assert_non_null(strstr(result.reason, "block "));
    done();
}

/* Every trade of the replay is a line, ids from 1 without a gap in each market. */
TEST(bench_chain, trades_are_written_as_the_api_shows_them)
{
    char line[512];
    uint64_t lines = 0;
    FILE *trades = tmpfile();
    assert_non_null(trades);
    story_tell(&story, 0);
    assert_int_equal(replay(trades), STATUS_OK);
    uint8_t *bytes = story_event(&story, 2, T_FILL, 0);
    struct fill_event fill;
    char expected[64];
    fill_event_get(bytes, &fill);
    snprintf(expected, sizeof(expected), "\"id\":%lu,\"price\":\"", fill.trade_id);
    bool found = false;
    rewind(trades);
    for (; fgets(line, sizeof(line), trades) != NULL; lines++) {
        assert_memory_equal(line, "{\"symbol\":\"", 11);
        found = found || strstr(line, expected) != NULL;
    }
    assert_int_equal(lines, result.trades);
    assert_true(found);
    fclose(trades);
    done();
}

TEST(bench_chain, empty_chain_is_the_same_again)
{
    story_tell(&story, 0);
    story.height = 0;
    assert_int_equal(replay(NULL), STATUS_OK);
    assert_int_equal(result.commands, 0);
    done();
}

/* The command's own words and exit status. */
TEST(bench_chain, command_takes_the_genesis_beside_the_chain_or_another)
{
    char genesis[128];
    story_tell(&story, 0);
    assert_int_equal(replay(NULL), STATUS_OK);
    snprintf(genesis, sizeof(genesis), "%s/genesis.json", folder.path);
    assert_int_equal(genesis_write(genesis, &story.journal.genesis), STATUS_OK);
    char *right[] = {"engine", "--chain", folder.path, "--genesis", genesis, NULL};
    char *beside[] = {"engine", "--chain", folder.path, NULL};
    char *nowhere[] = {"engine", "--chain", NULL},
         *help[] = {"engine", "--chain=x", "--help", NULL};
    char *both[] = {"engine", "--chain", folder.path, "--flow", "x", NULL};
    assert_int_equal(bench_engine_main(5, right), 0);
    assert_int_equal(bench_engine_main(3, beside), 1);
    assert_int_equal(bench_engine_main(2, nowhere), 2);
    assert_int_equal(bench_engine_main(3, help), 0);
    assert_int_equal(bench_engine_main(5, both), 2);
    done();
}
