/* The anchors of several nodes over one log: sets that change, votes that are lost, nodes that lie. */

#include "engine/state.h"
#include "gateway/block_list.h"
#include "gateway/proof_source.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"
#include "ledger/epoch.h"
#include "ledger/release_shelf.h"
#include "ledger/root_vote.h"
#include "ledger/vote.h"
#include "node/proof_check.h"
#include "node/proof_table_os.h"
#include "node/verify.h"
#include "tests/harness.h"
#include "tests/unit/node/council.h"
#include "tests/unit/node/payout.h"

static struct council council;

static void council_of(uint32_t voters)
{
    council_make(&council, voters, 4);
    for (uint32_t id = 1; id <= voters; id++)
        assert_int_equal(council_start(&council, id), STATUS_OK);
    for (uint32_t id = 1; id <= voters; id++)
        council_hello(&council, id);
}

static void seal(uint32_t blocks)
{
    while (blocks-- > 0)
        council_seal(&council);
}

/* Every block of the node's chain, every certificate under the set of its height, and the sets' lineage. */
static void check_chain(uint32_t id, uint64_t certified, uint64_t turns)
{
    static struct verify_result result;
    struct council_node *node = &council.nodes[id - 1];
    const enum status status =
        verify_chain(node->folder.path, &council.journal.genesis, journal_tree_secret, &result);
    if (status != STATUS_OK)
        print_error("block %lu: %s\n", result.fault.height, result.fault.reason);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(result.height, council.journal.height);
    assert_int_equal(result.certified_height, certified);

    static uint8_t steps[64 * 1024];
    static struct lineage_step step;
    static struct lineage lineage;
    struct lineage_reader *reader = lineage_reader_new(node->lineage);
    const size_t byte_count = lineage_reader_steps(reader, 0, steps, sizeof(steps));
    lineage_begin(&lineage, genesis_chain_id(&council.journal.genesis),
                  &council.journal.genesis.validators, 0);
    uint64_t count = 0;
    for (size_t at = 0; at < byte_count; count++) {
        const size_t length = lineage_step_decode(steps + at, byte_count - at, &step);
        assert_true(length > 0);
        assert_int_equal(lineage_follow(&lineage, &step), LINEAGE_FOLLOWED);
        at += length;
    }
    assert_int_equal(count, turns);
    lineage_reader_free(reader);
}

/* Adds a node, lets it start and say HELLO; it stands by. */
static void join(uint32_t id)
{
    council_add(&council, id);
    seal(2);
    assert_int_equal(council_start(&council, id), STATUS_OK);
    council_hello(&council, id);
}

/* From one node to four, each of which signs as soon as it counts, and every set is signed over by the one
 * before it. */
TEST(council, grows_from_one_to_four)
{
    council_of(1);
    seal(2);
    for (uint32_t id = 2; id <= 4; id++) {
        join(id);
        assert_int_equal(access(council.nodes[id - 1].sign_once, F_OK), -1);
        council_role(&council, id, NODE_VOTER);
        assert_int_equal(access(council.nodes[id - 1].sign_once, F_OK), 0);
        const uint64_t voted = council.nodes[id - 1].votes_taken;
        seal(2);
        assert_int_equal(council.nodes[id - 1].votes_taken, voted); /* it counts from the next on */
        seal(1);
        assert_int_equal(council.nodes[id - 1].votes_taken, voted + 1);
        for (uint32_t each = 1; each <= id; each++)
            assert_int_equal(council_certified(&council, each), council.journal.height);
    }
    for (uint32_t id = 1; id <= 4; id++)
        check_chain(id, council.journal.height, 3);
    council_end(&council);
}

/* And back to one: who goes signs the block that hands over, and nothing after it. */
TEST(council, shrinks_from_four_to_one)
{
    council_of(4);
    seal(2);
    for (uint32_t id = 4; id >= 2; id--) {
        if (id % 2 == 0)
            council_remove(&council, id);
        else
            council_role(&council, id, NODE_STANDBY);
        const uint64_t voted = council.nodes[id - 1].votes_taken;
        seal(2);
        assert_int_equal(council.nodes[id - 1].votes_taken, voted + 2);
        seal(1);
        assert_int_equal(council.nodes[id - 1].votes_taken, voted + 2);
    }
    assert_int_equal(council_certified(&council, 1), council.journal.height);
    check_chain(1, council.journal.height, 3);
    check_chain(4, council.journal.height, 3); /* it goes on reading as long as it is let */
    council_end(&council);
}

/* A standby takes a dead voter's place; the three that are left sign meanwhile. */
TEST(council, swaps_a_dead_node)
{
    council_of(4);
    seal(2);
    council_stop(&council, 2);
    join(5);
    seal(1);
    council_swap(&council, 2, 5);
    seal(4);
    assert_int_equal(council_certified(&council, 1), council.journal.height);
    assert_int_equal(council_certified(&council, 5), council.journal.height);
    assert_true(council.nodes[4].votes_taken > 0);
    council_stop(&council, 3); /* with node 2 in the set this would be one too many */
    seal(2);
    assert_int_equal(council_certified(&council, 5), council.journal.height);
    check_chain(5, council.journal.height, 1);
    council_end(&council);
}

/* Who comes is passed on to the log when it is decided, who goes when the set before him has signed. */
TEST(council, changes_reach_the_log_in_their_time)
{
    struct node_changed_event changed;
    council_of(4);
    seal(1);
    council_add(&council, 5);
    council_settle(&council);
    seal(2);
    council_hello(&council, 5);
    council_swap(&council, 1, 5);
    council_settle(&council);
    assert_true(council_change(&council, 2, &changed)); /* added */
    assert_int_equal(changed.role, NODE_STANDBY);
    assert_true(council_change(&council, 2, &changed)); /* promoted */
    assert_int_equal(changed.role, NODE_VOTER);
    assert_int_equal(changed.node, 5);
    assert_false(council_change(&council, 2, &changed));
    seal(1); /* the block in which it was decided */
    assert_false(council_change(&council, 2, &changed));
    journal_seal(&council.journal); /* the one that hands over: not signed yet */
    council_turn(&council, &council.nodes[1]);
    assert_false(council_change(&council, 2, &changed));
    council_settle(&council);
    assert_true(council_change(&council, 2, &changed));
    assert_int_equal(changed.node, 1);
    assert_int_equal(changed.role, NODE_GONE);
    assert_int_equal(changed.height, council.journal.height + 1);
    council_end(&council);
}

/* The votes of one node are lost with their leader: it proposes the newest again, the same. */
TEST(council, a_lost_vote_is_proposed_again)
{
    council_of(2);
    seal(1);
    council.nodes[1].mute = true;
    seal(1);
    assert_int_equal(council_certified(&council, 1), 1);
    council.nodes[1].mute = false;
    council_settle(&council);
    assert_int_equal(council_certified(&council, 1), 1);
    council.now_ns += VOTE_PATIENCE_NS;
    council_settle(&council);
    assert_int_equal(council_certified(&council, 1), 2);

    council.nodes[1].mute = true;
    seal(1);
    council.nodes[1].mute = false;
    atomic_store(&council.nodes[1].progress.term, 7);
    atomic_store(&council.nodes[1].progress.leader, 0); /* nobody to send it to yet */
    council_settle(&council);
    assert_int_equal(council_certified(&council, 1), 2);
    atomic_store(&council.nodes[1].progress.leader, 2);
    council_settle(&council);
    assert_int_equal(council_certified(&council, 1), 3);
    council_end(&council);
}

static void vote_of(uint32_t id, uint64_t height, hash_t hash)
{
    struct vote_command vote;
    certificate_sign(council.nodes[id - 1].secret, genesis_chain_id(&council.journal.genesis), 0,
                     height, hash, id, &vote);
    journal_vote(&council.journal, &vote);
}

static char *evidence_of(uint32_t id, const char *name)
{
    char path[FILE_PATH_MAX], *text;
    size_t byte_count;
    if (!file_path(path, council.nodes[id - 1].evidence, name)) return NULL;
    return file_read(path, &text, &byte_count) == STATUS_OK ? text : NULL;
}

/* A validator that signs two hashes of one height is shown to have done it, by every node, after a restart
 * and when the block was certified long before. */
TEST(council, who_signs_twice_is_kept)
{
    council_of(4);
    seal(2);
    assert_int_equal(council_certified(&council, 1), 2);
    vote_of(4, 1, hash_of("other", 5));
    for (uint32_t id = 1; id <= 4; id++) {
        char *text = evidence_of(id, "double-4-0-1.json");
        assert_non_null(text);
        assert_non_null(strstr(text, "double-vote"));
        assert_int_equal(metric_get(&council.nodes[id - 1].metrics.double_votes_total), 1);
        free(text);
    }
    seal(1);
    assert_int_equal(council_certified(&council, 1), 3); /* and the others go on */
    council_stop(&council, 2);
    assert_int_equal(council_start(&council, 2), STATUS_OK);
    assert_int_equal(atomic_load(&council.nodes[1].progress.halted), 0);
    council_end(&council);
}

/* Two and two for two headers: no certificate can come of it, and everybody knows; a later one lifts it. */
TEST(council, a_height_may_be_stuck)
{
    council_of(4);
    seal(1);
    council.nodes[2].mute = council.nodes[3].mute = true;
    seal(1);
    const hash_t other = hash_of("other", 5);
    vote_of(3, 2, other);
    assert_int_equal(atomic_load(&council.nodes[0].progress.stuck), 0);
    vote_of(4, 2, other);
    for (uint32_t id = 1; id <= 2; id++)
        assert_int_equal(atomic_load(&council.nodes[id - 1].progress.stuck), 1);
    assert_int_equal(metric_get(&council.nodes[0].metrics.stuck), 1);
    council.nodes[2].mute = council.nodes[3].mute = false;
    seal(1);
    assert_int_equal(council_certified(&council, 1), 3);
    assert_int_equal(atomic_load(&council.nodes[0].progress.stuck), 0);
    council_end(&council);
}

/* The others certify another header than this node's: it halts, and keeps what it has of both. */
TEST(council, halts_and_keeps_the_evidence)
{
    council_of(4);
    seal(1);
    for (uint32_t id = 2; id <= 4; id++)
        council_stop(&council, id);
    journal_seal(&council.journal);
    const hash_t other = hash_of("other", 5);
    for (uint32_t id = 2; id <= 4; id++)
        vote_of(id, 2, other);
    assert_int_equal(atomic_load(&council.nodes[0].progress.halted), 1);
    char *text = evidence_of(1, "halt-2.json");
    assert_non_null(text);
    assert_non_null(strstr(text, "\"certificate\""));
    assert_non_null(strstr(text, "\"ours\""));
    free(text);
    assert_int_equal(metric_get(&council.nodes[0].metrics.votes_differing_total), 3);
    council_end(&council);
}

/* A voter whose file is gone, or is older than its votes in the log, does not start: it may have signed
 * anything. */
TEST(council, who_forgot_what_it_signed_does_not_start)
{
    council_of(4);
    seal(3);
    council_stop(&council, 2);
    assert_int_equal(unlink(council.nodes[1].sign_once), 0);
    assert_int_equal(council_start(&council, 2), STATUS_AMNESIAC);
    council_stop(&council, 2);
    assert_int_equal(sign_once_create(council.nodes[1].sign_once), STATUS_OK);
    assert_int_equal(council_start(&council, 2), STATUS_AMNESIAC);
    council_stop(&council, 2);

    /* Nor one that was promoted later, with its chain files there. */
    join(5);
    seal(1);
    council_role(&council, 5, NODE_VOTER);
    council.nodes[4].mute = true; /* what it signs does not even reach the log */
    seal(3);
    assert_true(council.nodes[4].votes_taken > 0);
    council_stop(&council, 5);
    assert_int_equal(unlink(council.nodes[4].sign_once), 0);
    assert_int_equal(council_start(&council, 5), STATUS_AMNESIAC);
    council_end(&council);
}

/* A node that starts anew reads the whole log, finds its votes there and the set of each height. */
TEST(council, a_restart_in_the_middle_of_changes)
{
    council_of(4);
    seal(2);
    join(5);
    seal(1);
    council_swap(&council, 3, 5);
    for (uint32_t id = 1; id <= 5; id += 4) {
        council_stop(&council, id);
        assert_int_equal(council_start(&council, id), STATUS_OK);
    }
    seal(1);
    council_stop(&council, 1);
    assert_int_equal(council_start(&council, 1), STATUS_OK);
    seal(3);
    assert_int_equal(council_certified(&council, 1), council.journal.height);
    check_chain(1, council.journal.height, 1);
    check_chain(5, council.journal.height, 1);
    council_end(&council);
}

static void checkpoint_vote(uint32_t id, uint64_t height, hash_t root)
{
    uint8_t payload[256];
    struct vote_command vote;
    certificate_statement_sign(CERTIFICATE_OF_CHECKPOINT, council.nodes[id - 1].secret,
                               genesis_chain_id(&council.journal.genesis), 0, height, root, id,
                               &vote);
    vote_command_put(payload, &vote);
    journal_apply(&council.journal, (struct command_header){.type = T_CHECKPOINT_VOTE}, payload,
                  NULL);
}

/* The maker hears of every checkpoint's height when its block has ended, and of the certificate when q roots
 * agree. */
TEST(council, checkpoints_are_made_and_certified)
{
    council_of(4);
    seal(3);
    assert_int_equal(council.nodes[0].checkpoint, 0);
    seal(2);
    assert_int_equal(council.nodes[0].checkpoint, 4);
    const hash_t root = hash_of("root", 4);
    size_t byte_count;
    checkpoint_vote(1, 4, root);
    checkpoint_vote(2, 4, hash_of("other", 5));
    checkpoint_vote(3, 4, root);
    checkpoint_vote(3, 3, root); /* no checkpoint's height */
    assert_null(ring_peek(council.nodes[0].certificates, &byte_count));
    checkpoint_vote(4, 4, root);
    const uint8_t *bytes = ring_peek(council.nodes[0].certificates, &byte_count);
    assert_non_null(bytes);
    struct certificate certificate;
    assert_int_equal(le_get_u64(bytes), 4);
    assert_true(certificate_decode(bytes + 8, byte_count - 8, &certificate));
    assert_null(certificate_statement_fault(CERTIFICATE_OF_CHECKPOINT, &certificate,
                                            genesis_chain_id(&council.journal.genesis),
                                            &council.journal.genesis.validators));
    checkpoint_vote(4, 4, hash_of("third", 5));
    char *text = evidence_of(1, "double-4-0-4-checkpoint.json");
    assert_non_null(text);
    free(text);
    council_end(&council);
}

/* ---- Liabilities ---- */

static void liabilities_council(uint32_t rules)
{
    council_make(&council, 4, 4);
    council.journal.genesis.params.rules = rules;
    arena_unmap(&council.journal.arena);
    assert_true(arena_map(&council.journal.arena, engine_bytes(&council.journal.genesis)));
    council.journal.engine = engine_new(&council.journal.arena, &council.journal.genesis);
    for (uint32_t id = 1; id <= 4; id++)
        assert_int_equal(council_start(&council, id), STATUS_OK);
    for (uint32_t id = 1; id <= 4; id++)
        council_hello(&council, id);
}

static void liabilities_order(void)
{
    uint8_t payload[64];
    const struct liabilities_order_command order = {.nonce = ++council.journal.nonce};
    liabilities_order_command_put(payload, &order);
    journal_operate(&council.journal, T_LIABILITIES_ORDER, payload, "action=liabilities-order");
}

static void liabilities_vote(uint32_t id, uint64_t height, hash_t root)
{
    uint8_t payload[256];
    struct vote_command vote;
    certificate_statement_sign(CERTIFICATE_OF_LIABILITIES, council.nodes[id - 1].secret,
                               genesis_chain_id(&council.journal.genesis), 0, height, root, id,
                               &vote);
    vote_command_put(payload, &vote);
    journal_apply(&council.journal, (struct command_header){.type = T_LIABILITIES_VOTE}, payload,
                  NULL);
}

/* At the first checkpoint, at the first of another hour of log time, at the next after an order, and at no other; the
 * nodes agree, one that reads the log anew too. */
TEST(council, liabilities_are_due_by_the_hour_and_on_order)
{
    const uint64_t due[] = {4, 4, 12, 12, 20, 20, 28};
    liabilities_council(3);
    for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
        if (council.journal.height + 4 == 12) council.journal.stamp_ns += UINT64_C(3600000000000);
        seal(3);
        if (council.journal.height + 1 == 20) liabilities_order();
        seal(1);
        if (council.journal.height == 24) liabilities_order(); /* behind its block: of the next */
        for (uint32_t id = 1; id <= 4; id++)
            assert_int_equal(council.nodes[id - 1].liabilities_due, due[i]);
    }
    council_stop(&council, 3);
    council.nodes[2].liabilities_due = 0;
    assert_int_equal(council_start(&council, 3), STATUS_OK);
    assert_int_equal(council.nodes[2].liabilities_due, 28);
    council_end(&council);
}

TEST(council, older_rules_know_no_liabilities)
{
    liabilities_council(2);
    liabilities_order();
    seal(8);
    for (uint32_t id = 1; id <= 4; id++)
        assert_int_equal(council.nodes[id - 1].liabilities_due, 0);
    assert_int_equal(council.nodes[0].checkpoint, 8);
    for (uint32_t id = 1; id <= 4; id++)
        liabilities_vote(id, 8, hash_of("root", 4));
    size_t byte_count;
    assert_null(ring_peek(council.nodes[0].liabilities, &byte_count));
    council_end(&council);
}

/* q votes for one root are handed on, of a height at which they are due; not a checkpoint's, nor a block's vote, nor one
 * of somebody else's. */
TEST(council, liabilities_are_certified_by_q_votes)
{
    const hash_t root = hash_of("root", 4), other = hash_of("other", 5);
    size_t byte_count;
    liabilities_council(3);
    seal(9);
    struct ring *ring = council.nodes[1].liabilities;
    liabilities_vote(1, 4, root);
    liabilities_vote(2, 4, other);
    liabilities_vote(3, 4, root);
    checkpoint_vote(4, 4, root);
    liabilities_vote(5, 4, root);
    for (uint32_t id = 1; id <= 4; id++)
        liabilities_vote(id, 8, root); /* nobody wants those */
    assert_null(ring_peek(ring, &byte_count));
    liabilities_vote(4, 4, root);
    const uint8_t *bytes = ring_peek(ring, &byte_count);
    assert_non_null(bytes);
    struct certificate certificate;
    assert_int_equal(le_get_u64(bytes), 4);
    assert_true(certificate_decode(bytes + 8, byte_count - 8, &certificate));
    assert_true(hash_equal(certificate.header_hash, root));
    assert_int_equal(certificate.vote_count, 3);
    const hash_t chain_id = genesis_chain_id(&council.journal.genesis);
    const struct validator_set *set = &council.journal.genesis.validators;
    assert_null(
        certificate_statement_fault(CERTIFICATE_OF_LIABILITIES, &certificate, chain_id, set));
    assert_non_null(
        certificate_statement_fault(CERTIFICATE_OF_CHECKPOINT, &certificate, chain_id, set));
    assert_non_null(certificate_fault(&certificate, chain_id, set));
    liabilities_vote(4, 4, other);
    char *text = evidence_of(2, "double-4-0-4-liabilities.json");
    assert_non_null(text);
    assert_non_null(strstr(text, "\"statement\": \"liabilities\""));
    free(text);
    council_end(&council);
}

/* What a node says when the operators ask it, after its file says that it signs nothing more: as `quorex epoch
 * report` does. A node that is up is stopped first. */
static void ask_statement(uint32_t id, uint64_t epoch, uint8_t bytes[EPOCH_STATEMENT_BYTES])
{
    struct sign_once once;
    struct council_node *node = &council.nodes[id - 1];
    if (node->anchor != NULL) council_stop(&council, id);
    assert_int_equal(sign_once_open(&once, node->sign_once), STATUS_OK);
    assert_int_equal(sign_once_close_epoch(&once, epoch), STATUS_OK);
    const struct epoch_statement statement = {
        .epoch = epoch,
        .node = id,
        .signed_last = {once.last.height, once.last.header_hash},
        .log_index = 1,
    };
    epoch_statement_sign(&statement, genesis_chain_id(&council.journal.genesis), node->secret,
                         bytes);
    sign_once_close(&once);
}

/* The command that follows from what nodes 1 .. count state. */
static size_t change_of(uint32_t count, uint64_t epoch, struct epoch_header kept,
                        uint8_t command[EPOCH_COMMAND_BYTES_MAX])
{
    uint8_t statements[EPOCH_STATEMENTS_MAX * EPOCH_STATEMENT_BYTES];
    for (uint32_t id = 1; id <= count; id++)
        ask_statement(id, epoch, statements + (id - 1) * EPOCH_STATEMENT_BYTES);
    return epoch_change_put(epoch + 1, &kept, statements, count, command);
}

static void hand_in(uint32_t id, const uint8_t *command, size_t byte_count)
{
    assert_int_equal(file_replace(council.nodes[id - 1].epoch_change, command, byte_count, 0600),
                     STATUS_OK);
}

static struct epoch_header header_at(uint32_t id, uint64_t height)
{
    struct chain *chain;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    assert_int_equal(chain_open_reader(council.nodes[id - 1].folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_read_header(chain, height, bytes), STATUS_OK);
    chain_close(chain);
    return (struct epoch_header){height, block_header_hash(bytes)};
}

/* Four nodes, stuck at block 3: two sign it, with the keys of two others something else is signed, there and at
 * every height after it. */
static void get_stuck(void)
{
    council_of(4);
    seal(2);
    assert_int_equal(council_certified(&council, 1), 2);
    council_stop(&council, 3);
    council_stop(&council, 4);
    for (uint64_t height = 3; height <= 5; height++) {
        seal(1);
        vote_of(3, height, hash_of("other", 5));
        vote_of(4, height, hash_of("other", 5));
    }
    assert_int_equal(council_certified(&council, 1), 2);
    assert_int_equal(atomic_load(&council.nodes[0].progress.stuck), 1);
}

/* The way out: q nodes state that they are done with the epoch, and each proposes the change by itself. From the next
 * block on headers and votes are of the new epoch, its last block is certified by the next, and a node whose key
 * signed what its file has not goes on, for that epoch is over. */
TEST(council, an_epoch_changes)
{
    uint8_t command[EPOCH_COMMAND_BYTES_MAX];
    get_stuck();
    struct epoch_header kept = header_at(1, 2);
    const size_t byte_count = change_of(3, 0, kept, command);
    for (uint32_t id = 1; id <= 3; id++) {
        hand_in(id, command, byte_count);
        assert_int_equal(council_start(&council, id), STATUS_OK);
    }
    assert_int_equal(atomic_load(&council.nodes[2].progress.stuck), 1); /* as the log has it */
    const uint64_t voted = council.nodes[0].votes_taken;
    assert_int_equal(council.nodes[0].changes_proposed, 0); /* not before the log is replayed */
    seal(1);
    assert_int_equal(council.nodes[0].changes_proposed, 1);
    for (uint32_t id = 1; id <= 3; id++) {
        assert_int_equal(atomic_load(&council.nodes[id - 1].progress.halted), 0);
        assert_int_equal(atomic_load(&council.nodes[id - 1].progress.stuck), 0);
    }
    seal(1); /* block 7, in which the epoch changed */
    assert_int_equal(atomic_load(&council.nodes[0].progress.epoch), 0);
    assert_int_equal(council.nodes[0].votes_taken, voted); /* nobody signs it */
    kept = header_at(1, 7);
    for (uint32_t id = 1; id <= 4; id++)
        vote_of(id, 7, kept.hash); /* of epoch 0 */
    assert_int_equal(council_certified(&council, 1), 2);
    seal(1);
    assert_int_equal(atomic_load(&council.nodes[0].progress.epoch), 1);
    assert_int_equal(council_certified(&council, 1), 8);
    seal(2);
    assert_int_equal(council_certified(&council, 3), 10);

    /* And once more from the beginning of the log, with the file still there. */
    council_stop(&council, 3);
    assert_int_equal(council_start(&council, 3), STATUS_OK);
    assert_int_equal(council_certified(&council, 3), 10);
    const uint64_t proposed = council.nodes[2].changes_proposed;
    seal(1);
    assert_int_equal(council_certified(&council, 3), 11);
    assert_int_equal(council.nodes[2].changes_proposed, proposed);
    council_end(&council);
}

/* After its statement a node that is started again signs nothing of that epoch, whatever is certified or not. */
TEST(council, who_has_made_a_statement_signs_no_more)
{
    uint8_t statement[EPOCH_STATEMENT_BYTES];
    council_of(4);
    seal(2);
    ask_statement(2, 0, statement);
    const uint64_t voted = council.nodes[1].votes_taken;
    assert_int_equal(council_start(&council, 2), STATUS_OK);
    seal(2);
    assert_int_equal(council.nodes[1].votes_taken, voted);
    assert_int_equal(council_certified(&council, 2), 4); /* by the three others */
    council_end(&council);
}

/* A node proposes nothing that would stop the others: statements under which another header can have been certified,
 * or for a header that is not its own. */
TEST(council, a_change_that_may_not_be_is_not_proposed)
{
    uint8_t command[EPOCH_COMMAND_BYTES_MAX], liar[EPOCH_STATEMENT_BYTES];
    get_stuck();
    const struct epoch_header kept = header_at(1, 2);
    struct epoch_header other = {2, hash_of("other", 5)};
    size_t byte_count = change_of(3, 0, other, command);
    hand_in(1, command, byte_count);
    assert_int_equal(council_start(&council, 1), STATUS_OK);
    seal(1);
    assert_int_equal(council.nodes[0].changes_proposed, 0);
    council_stop(&council, 1);

    /* Two of three name a header that is none of this chain's: with the silent fourth they are a quorum. */
    byte_count = change_of(3, 0, kept, command);
    for (uint32_t id = 2; id <= 3; id++) {
        const struct epoch_statement statement = {
            .node = id, .signed_last = {3, hash_of("other", 5)}, .log_index = 1};
        epoch_statement_sign(&statement, genesis_chain_id(&council.journal.genesis),
                             council.nodes[id - 1].secret, liar);
        memcpy(command + COMMAND_HEADER_BYTES + EPOCH_CHANGE_BYTES +
                   (id - 1) * EPOCH_STATEMENT_BYTES,
               liar, sizeof(liar));
    }
    hand_in(1, command, byte_count);
    assert_int_equal(council_start(&council, 1), STATUS_OK);
    seal(1);
    assert_int_equal(council.nodes[0].changes_proposed, 0);
    assert_int_equal(atomic_load(&council.nodes[0].progress.halted), 0);
    assert_int_equal(atomic_load(&council.nodes[0].progress.stuck), 1);
    council_stop(&council, 1);

    byte_count = change_of(3, 0, kept, command); /* and a true one is */
    hand_in(1, command, byte_count);
    assert_int_equal(council_start(&council, 1), STATUS_OK);
    seal(1);
    assert_int_equal(council.nodes[0].changes_proposed, 1);
    council_end(&council);
}

/* A leader that puts false statements into the log stops every node that is honest, as it can stop the chain anyway;
 * one that is late, which the engine refuses, stops nobody. */
TEST(council, false_statements_in_the_log_halt)
{
    uint8_t command[EPOCH_COMMAND_BYTES_MAX];
    struct command decoded;
    get_stuck();
    const struct epoch_header kept = header_at(1, 2);
    const size_t byte_count = change_of(3, 0, kept, command);
    assert_true(command_decode(command, byte_count, &decoded));
    for (uint32_t id = 1; id <= 2; id++)
        assert_int_equal(council_start(&council, id), STATUS_OK);
    command[byte_count - 1] ^= 1; /* a signature */

    struct epoch_change_command change;
    epoch_change_command_get(decoded.payload, &change);
    uint8_t payload[EPOCH_CHANGE_BYTES];
    change.epoch = 3; /* of no time that is near */
    epoch_change_command_put(payload, &change);
    journal_apply(&council.journal, decoded.header, payload, decoded.auth);
    assert_int_equal(atomic_load(&council.nodes[0].progress.halted), 0);

    journal_apply(&council.journal, decoded.header, decoded.payload, decoded.auth);
    for (uint32_t id = 1; id <= 2; id++)
        assert_int_equal(atomic_load(&council.nodes[id - 1].progress.halted), 1);
    council_end(&council);
}

/* ---- Releases. */

static struct block_list shown; /* what a gateway of node 2 knows of blocks */

static void gateway_listens(void)
{
    struct ring *ring = council.nodes[1].notices;
    const uint8_t *bytes;
    size_t byte_count;
    while ((bytes = ring_peek(ring, &byte_count)) != NULL) {
        struct event notice;
        assert_true(notice_decode(bytes, byte_count, &notice));
        block_list_apply(&shown, notice.type, notice.payload);
        ring_pop(ring);
    }
    ring_release(ring);
}

static enum status release_of(uint64_t withdrawal, uint64_t height, uint8_t bytes[PROOF_BYTES_MAX],
                              size_t *byte_count)
{
    const struct proof_table_options options = {.chain = council.nodes[1].folder.path,
                                                .trades = council.nodes[1].folder.path};
    struct proof_table *table;
    struct proof_bytes made;
    assert_int_equal(proof_table_open(&options, &table), STATUS_OK);
    const struct proof_source *source = proof_table_source(table);
    const enum status status = source->release(source->context, withdrawal, height, &made);
    if (status == STATUS_OK) memcpy(bytes, made.bytes, *byte_count = made.byte_count);
    proof_table_close(table);
    return status;
}

static const char *release_says(const uint8_t *bytes, size_t byte_count, struct proof_check *check)
{
    const struct genesis *genesis = &council.journal.genesis;
    return proof_check_fault(bytes, byte_count, genesis_chain_id(genesis), &genesis->validators,
                             NULL, check);
}

/* A council whose gateway listens, and a payout in block 2 that only node 1 has voted for. */
static void asked_and_not_certified(struct arena *arena, struct payout *payout)
{
    assert_true(arena_map(arena, 1 << 20) && block_list_init(&shown, arena));
    liabilities_council(3);
    payout_begin(payout, &council.journal);
    seal(1);
    for (uint32_t id = 2; id <= 4; id++)
        council.nodes[id - 1].mute = true;
    payout_ask(payout, 'a');
    seal(1);
    gateway_listens();
    assert_int_equal(shown.height, 2);
    assert_int_equal(shown.certified_height, 1);
}

/* Whoever leads can put votes of others into the log. The engine counts them; but what a connector is shown as released
 * hangs on the certificate, which counts signatures, and so does the proof that he can ask for. */
TEST(council, forged_votes_release_nothing)
{
    static uint8_t bytes[PROOF_BYTES_MAX];
    static struct proof_check check;
    struct payout payout;
    struct arena arena;
    size_t byte_count = 0;
    asked_and_not_certified(&arena, &payout);
    const hash_t hash = block_list_at(&shown, 2)->hash;
    const hash_t chain = genesis_chain_id(&council.journal.genesis);
    for (uint32_t id = 2; id <= 4; id++) {
        struct vote_command vote;
        certificate_sign(council.nodes[0].secret, chain, 0, 2, hash, id, &vote); /* 1's own key */
        journal_vote(&council.journal, &vote);
        certificate_sign(council.nodes[id - 1].secret, chain, 0, 2, hash, id, &vote);
        vote.signature[9] ^= 1;
        journal_vote(&council.journal, &vote);
        certificate_sign(council.nodes[id - 1].secret, chain, 0, 1, hash, id, &vote);
        vote.height = 2; /* a signature of another height */
        journal_vote(&council.journal, &vote);
    }
    council_settle(&council);
    gateway_listens();
    assert_true(nodes_certified(&council.journal.engine->nodes, 2)); /* by its count */
    assert_int_equal(shown.certified_height, 1);
    for (uint32_t id = 1; id <= 4; id++)
        assert_int_equal(council_certified(&council, id), 1);
    assert_int_equal(release_of(1, 2, bytes, &byte_count), STATUS_NOT_FOUND);

    vote_of(2, 2, hash);
    gateway_listens();
    assert_int_equal(shown.certified_height, 1); /* two of four */
    vote_of(3, 2, hash);
    gateway_listens();
    assert_int_equal(shown.certified_height, 2);
    assert_int_equal(release_of(1, 2, bytes, &byte_count), STATUS_OK);
    assert_null(release_says(bytes, byte_count, &check));
    assert_int_equal(check.release.withdrawal.withdrawal, 1);
    assert_int_equal(check.release.withdrawal.amount.units, 5000000);
    assert_int_equal(release_of(2, 2, bytes, &byte_count), STATUS_NOT_FOUND);
    assert_int_equal(release_of(1, 1, bytes, &byte_count), STATUS_NOT_FOUND);
    arena_unmap(&arena);
    council_end(&council);
}

/* The proof with its headers and its certificate: no other byte of it holds, nor does a certificate of forged votes. */
TEST(council, every_bit_of_a_release_counts)
{
    static uint8_t bytes[PROOF_BYTES_MAX];
    static struct proof_check check;
    struct payout payout;
    struct arena arena;
    size_t byte_count = 0;
    asked_and_not_certified(&arena, &payout);
    vote_of(3, 2, block_list_at(&shown, 2)->hash);
    vote_of(4, 2, block_list_at(&shown, 2)->hash);
    assert_int_equal(release_of(1, 2, bytes, &byte_count), STATUS_OK);
    assert_null(release_says(bytes, byte_count, &check));
    for (size_t bit = 0; bit < 8 * byte_count; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (release_says(bytes, byte_count, &check) == NULL) fail_msg("bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    arena_unmap(&arena);
    council_end(&council);
}

static void rules_become(uint32_t rules)
{
    uint8_t payload[64];
    char text[64];
    const struct rules_set_command set = {.nonce = ++council.journal.nonce, .rules = rules};
    rules_set_command_put(payload, &set);
    snprintf(text, sizeof(text), "action=rules-set&rules=%u", rules);
    journal_operate(&council.journal, T_RULES_SET, payload, text);
}

/* A chain of node 1's headers and certificates, as it is when all bodies went. */
static void headers_alone(const struct chain_folder *alone)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    const uint8_t *certificate;
    struct chain *whole, *chain;
    size_t byte_count;
    assert_int_equal(chain_open_reader(council.nodes[1].folder.path, &whole), STATUS_OK);
    assert_int_equal(chain_open(alone->path, &chain), STATUS_OK);
    for (uint64_t height = 1; height <= council.journal.height; height++) {
        assert_int_equal(chain_read_header(whole, height, header), STATUS_OK);
        assert_int_equal(chain_append_header(chain, header), STATUS_OK);
        if (chain_read_certificate(whole, height, &certificate, &byte_count) == STATUS_OK)
            assert_int_equal(chain_append_certificate(chain, height, certificate, byte_count),
                             STATUS_OK);
    }
    chain_close(chain);
    chain_close(whole);
}

/* When the bodies went a release is proved out of what was kept of them, and only that way. */
TEST(council, a_release_outlives_its_body)
{
    static uint8_t bytes[PROOF_BYTES_MAX];
    static struct proof_check check;
    struct payout payout;
    struct chain *whole;
    struct chain_folder alone;
    struct proof_table *table;
    struct proof_bytes made;
    char releases[160];
    size_t byte_count = 0;
    uint64_t shelved = 0;
    liabilities_council(3);
    payout_begin(&payout, &council.journal);
    seal(1);
    payout_ask(&payout, 'a');
    seal(3);
    assert_int_equal(release_of(1, 2, bytes, &byte_count), STATUS_OK);

    chain_folder_make(&alone);
    snprintf(releases, sizeof(releases), "%s-releases", alone.path);
    headers_alone(&alone);
    const struct proof_table_options options = {
        .chain = alone.path, .trades = alone.path, .releases = releases};
    assert_int_equal(proof_table_open(&options, &table), STATUS_OK);
    const struct proof_source *source = proof_table_source(table);
    assert_int_equal(source->release(source->context, 1, 2, &made), STATUS_NOT_FOUND);
    assert_int_equal(chain_open_reader(council.nodes[1].folder.path, &whole), STATUS_OK);
    assert_int_equal(release_shelf_take(releases, whole, &shelved, council.journal.height),
                     STATUS_OK);
    chain_close(whole);
    assert_int_equal(source->release(source->context, 1, 2, &made), STATUS_OK);
    assert_int_equal(made.byte_count, byte_count);
    assert_memory_equal(made.bytes, bytes, byte_count);
    assert_null(release_says(made.bytes, made.byte_count, &check));
    assert_int_equal(source->release(source->context, 2, 2, &made), STATUS_NOT_FOUND);
    assert_int_equal(source->release(source->context, 1, 1, &made), STATUS_NOT_FOUND);
    proof_table_close(table);
    chain_folder_remove_files(releases);
    chain_folder_remove(&alone);
    council_end(&council);
}

/* On a chain that goes on under rules 3 what was approved before is not proved, and what is approved in the block of the
 * change or later is; the whole of it verifies. */
TEST(council, releases_begin_with_the_rules)
{
    static uint8_t bytes[PROOF_BYTES_MAX];
    static struct proof_check check;
    struct payout payout;
    size_t byte_count = 0;
    liabilities_council(2);
    payout_begin(&payout, &council.journal);
    payout_ask(&payout, 'a');
    seal(1);
    payout_ask(&payout, 'b');
    rules_become(3);
    seal(1);
    payout_ask(&payout, 'c');
    seal(2);
    assert_int_equal(release_of(1, 1, bytes, &byte_count), STATUS_NOT_FOUND);
    for (uint64_t number = 2; number <= 3; number++) {
        assert_int_equal(release_of(number, number, bytes, &byte_count), STATUS_OK);
        assert_null(release_says(bytes, byte_count, &check));
    }
    for (uint32_t id = 1; id <= 4; id++)
        check_chain(id, council.journal.height, 0);
    council_end(&council);
}

/* What a build of rules 3 seals, verify re-executes: blocks with releases and without. */
TEST(council, a_chain_with_releases_verifies)
{
    struct payout payout;
    liabilities_council(3);
    payout_begin(&payout, &council.journal);
    for (char id = 'a'; id < 'f'; id++) {
        payout_ask(&payout, id);
        if (id == 'd') payout_ask(&payout, 'z');
        seal(id == 'c' ? 2 : 1);
    }
    payout_broadcast(&payout, 2);
    seal(1);
    for (uint32_t id = 1; id <= 4; id++)
        check_chain(id, council.journal.height, 0);
    council_end(&council);
}
