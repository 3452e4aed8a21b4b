#include "node/proof_table_os.h"

#include "common/le.h"
#include "common/log.h"
#include "node/proof_check.h"
#include "settlement/liabilities_file.h"
#include "settlement/proof_shelf.h"
#include "tests/harness.h"
#include "tests/unit/node/proved.h"

#include <sys/stat.h>
#include <unistd.h>

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

/* ---- liabilities ---- */

static char shelf[160], liabilities[160];
static struct proof_table *table;

static void remove_at(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
}

/* A table over an empty journal, and liabilities of the last block, whose shelf file is gone from the shelf. */
static void begin_liabilities(uint64_t height)
{
    static struct arena arena;
    struct liabilities_head head;
    const struct params *params = &proved.story.journal.genesis.params;
    const struct proof_journal_limits limits = proof_journal_limits_of(params);
    char name[32];
    snprintf(shelf, sizeof(shelf), "%s/proofs", proved.folder.path);
    snprintf(liabilities, sizeof(liabilities), "%s/liabilities", proved.folder.path);
    snprintf(name, sizeof(name), "%lu", height);
    assert_int_equal(proof_shelf_write(shelf, proved.settlement), STATUS_OK);
    assert_int_equal(liabilities_file_write(liabilities, shelf, proved.settlement,
                                            proved.story.blocks[height - 1].bytes, NULL, &head),
                     STATUS_OK);
    remove_at(shelf, name);
    assert_true(arena_map(&arena, proof_journal_bytes(params, &limits)));
    const struct proof_table_options options = {
        .chain = proved.folder.path,
        .trades = proved.trades,
        .shelf = shelf,
        .liabilities = liabilities,
        .journal = proof_journal_new(&arena, params, &limits),
        .settlement = proved.settlement,
    };
    assert_int_equal(proof_table_open(&options, &table), STATUS_OK);
}

static void end_liabilities(uint64_t height)
{
    char name[32], kept[200];
    proof_table_close(table);
    snprintf(kept, sizeof(kept), "%s/shelf", liabilities);
    snprintf(name, sizeof(name), "%lu", height);
    remove_at(kept, name);
    rmdir(kept);
    remove_at(liabilities, name);
    snprintf(name, sizeof(name), "%lu.index", height);
    remove_at(liabilities, name);
    rmdir(liabilities);
    rmdir(shelf);
}

/* The shelf has a file of the height, of another state: as a chain leaves it that is cut and comes there anew. */
static void shelve_stale(uint64_t height)
{
    static uint8_t file[1 << 16];
    char path[256];
    snprintf(path, sizeof(path), "%s/shelf/%lu", liabilities, height);
    FILE *kept = fopen(path, "rb");
    const size_t byte_count = fread(file, 1, sizeof(file), kept);
    fclose(kept);
    assert_true(byte_count > 112 && byte_count < sizeof(file));
    for (size_t at = 48; at < byte_count; at += 16) /* its state's root first */
        file[at] ^= 1;
    snprintf(path, sizeof(path), "%s/%lu", shelf, height);
    FILE *stale = fopen(path, "wb");
    assert_int_equal(fwrite(file, 1, byte_count, stale), byte_count);
    fclose(stale);
}

/* What a chain that was cut has left on the shelf does not stand before what is the header's. */
TEST(proof_table, a_shelf_of_another_state_is_passed_over)
{
    proved_begin(&proved, UINT32_MAX);
    const uint64_t height = proved.story.height;
    char name[32];
    snprintf(name, sizeof(name), "%lu", height);
    begin_liabilities(height);
    const struct proof_source *source = proof_table_source(table);
    shelve_stale(height);
    assert_int_equal(source->account(source->context, 1, height, &bytes), STATUS_OK);
    assert_null(fault());
    assert_int_equal(source->totals(source->context, height, &bytes), STATUS_OK);
    assert_null(fault());
    remove_at(shelf, name);
    end_liabilities(height);
    proved_end(&proved);
}

/* A node that begins anew has the files before its settlement is there again: until then there is no opening, and
 * nothing is damaged. */
TEST(proof_table, nothing_is_opened_ahead_of_settlement)
{
    static struct arena arena;
    static uint8_t totals[PROOF_BYTES_MAX];
    const uint8_t certificate[60] = {1};
    struct proof_table *early;
    proved_begin(&proved, UINT32_MAX);
    const uint64_t height = proved.story.height;
    const struct genesis *genesis = &proved.story.journal.genesis;
    begin_liabilities(height);
    const struct proof_source *source = proof_table_source(table);
    assert_int_equal(source->totals(source->context, height, &bytes), STATUS_OK);
    memcpy(totals, bytes.bytes, bytes.byte_count);
    assert_int_equal(liabilities_file_finish(liabilities, height, totals, bytes.byte_count,
                                             certificate, sizeof(certificate)),
                     STATUS_OK);
    assert_int_equal(source->liability(source->context, 1, 0, height, &bytes), STATUS_OK);

    assert_true(arena_map(&arena, settlement_bytes(genesis)));
    const struct proof_table_options options = {
        .chain = proved.folder.path,
        .trades = proved.trades,
        .liabilities = liabilities,
        .settlement = settlement_new(&arena, genesis, journal_tree_secret),
    };
    assert_int_equal(proof_table_open(&options, &early), STATUS_OK);
    source = proof_table_source(early);
    assert_int_equal(source->liability(source->context, 1, 0, height, &bytes), STATUS_NOT_FOUND);
    proof_table_close(early);
    arena_unmap(&arena);
    end_liabilities(height);
    proved_end(&proved);
}

/* As long as the file stays, so do the accounts of its height; nothing of it is opened before it is certified. */
TEST(proof_table, liabilities_are_listed_given_and_opened)
{
    static struct proof_published list[PROOF_PUBLISHED_MAX];
    proved_begin(&proved, UINT32_MAX);
    const uint64_t height = proved.story.height;
    begin_liabilities(height);
    const struct proof_source *source = proof_table_source(table);
    assert_int_equal(source->account(source->context, 1, height, &bytes), STATUS_OK);
    assert_null(fault());
    assert_int_equal(source->totals(source->context, height, &bytes), STATUS_OK);
    assert_null(fault());

    assert_int_equal(source->published(source->context, list), 1);
    assert_int_equal(list[0].height, height);
    assert_false(list[0].is_certified);
    assert_int_equal(source->liability(source->context, 1, 0, height, &bytes), STATUS_NOT_FOUND);
    assert_int_equal(source->published_piece(source->context, height, 0, 10, &bytes),
                     STATUS_NOT_FOUND);
    assert_int_equal(source->totals(source->context, height, &bytes), STATUS_OK);
    static uint8_t totals[PROOF_BYTES_MAX];
    memcpy(totals, bytes.bytes, bytes.byte_count);
    const uint8_t certificate[60] = {1};
    assert_int_equal(liabilities_file_finish(liabilities, height, totals, bytes.byte_count,
                                             certificate, sizeof(certificate)),
                     STATUS_OK);
    assert_int_equal(source->published(source->context, list), 1);
    assert_true(list[0].is_certified);
    assert_int_equal(source->published_piece(source->context, height, 8, 8, &bytes), STATUS_OK);
    assert_int_equal(bytes.byte_count, 8);
    assert_int_equal(le_get_u64(bytes.bytes), height);
    assert_int_equal(
        source->published_piece(source->context, height, list[0].bytes - 3, 1 << 20, &bytes),
        STATUS_OK);
    assert_int_equal(bytes.byte_count, 3);
    assert_int_equal(source->liability(source->context, 1, 0, height, &bytes), STATUS_OK);
    struct proof proof;
    assert_true(proof_get(bytes.bytes, bytes.byte_count, &proof));
    assert_int_equal(proof.kind, PROOF_LIABILITY);
    end_liabilities(height);
    proved_end(&proved);
}
