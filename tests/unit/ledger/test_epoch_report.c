/* Reports to the byte, and which log is kept. */

#include "ledger/epoch_report.h"

#include "common/le.h"
#include "tests/harness.h"

#define NODES 4

static uint8_t secrets[NODES][SECRET_KEY_BYTES];
static struct validator_set set;
static hash_t chain_id;
static uint8_t bytes[NODES][EPOCH_REPORT_HEAD_BYTES + 64 * EPOCH_MARK_BYTES + SIGNATURE_BYTES];
static size_t lengths[NODES];
static struct epoch_report reports[NODES];

static void four(void)
{
    assert_true(hash_start());
    set.count = NODES;
    for (uint32_t i = 0; i < NODES; i++) {
        const uint8_t seed[32] = {(uint8_t)(i + 1), 'r'};
        set.members[i].node = i + 1;
        crypto_sign_seed_keypair(set.members[i].public_key, secrets[i], seed);
    }
    chain_id = hash_of("chain", 5);
}

/* A node's log in letters, one an entry, two commands each: a small letter is of term 1, a capital one of term 2. Up
 * to `commit` it knows it to be committed; the report covers what lies above `base`. */
static void log_of(uint32_t node, const char *entries, uint64_t base, uint64_t commit)
{
    struct epoch_mark marks[64];
    uint32_t count = 0;
    hash_t hash = chain_id;
    struct epoch_statement statement = {.epoch = 3, .node = node, .log_hash = chain_id};
    for (size_t i = 0; entries[i] != '\0'; i++) {
        uint8_t next[HASH_BYTES + 1];
        memcpy(next, hash.bytes, HASH_BYTES);
        next[HASH_BYTES] = (uint8_t)entries[i];
        hash = hash_of(next, sizeof(next));
        statement.log_index = i + 1;
        statement.log_term = entries[i] >= 'a' ? 1 : 2;
        statement.log_hash = hash;
        if (i < base) continue;
        marks[count++] = (struct epoch_mark){i + 1, statement.log_term, hash, 2 * (i + 1)};
    }
    lengths[node - 1] = epoch_report_put(&statement, chain_id, commit, marks, count,
                                         secrets[node - 1], bytes[node - 1]);
    assert_int_equal(lengths[node - 1], epoch_report_bytes(count));
    assert_null(
        epoch_report_get(bytes[node - 1], lengths[node - 1], chain_id, &set, &reports[node - 1]));
}

/* What is read is what was written; nothing may be changed, left out or added. */
TEST(epoch_report, is_exactly_its_bytes)
{
    struct epoch_report report;
    struct epoch_mark mark;
    uint8_t copy[sizeof(bytes[0])];
    four();
    log_of(2, "abcdef", 2, 5);
    assert_int_equal(reports[1].statement.node, 2);
    assert_int_equal(reports[1].commit, 5);
    assert_int_equal(reports[1].mark_count, 4);
    assert_false(epoch_report_mark(&reports[1], 2, &mark));
    assert_true(epoch_report_mark(&reports[1], 3, &mark));
    assert_int_equal(mark.commands, 6);
    assert_true(epoch_report_mark(&reports[1], 6, &mark));
    assert_true(hash_equal(mark.hash, reports[1].statement.log_hash));
    assert_false(epoch_report_mark(&reports[1], 7, &mark));
    for (size_t length = 0; length < lengths[1]; length++)
        assert_non_null(epoch_report_get(bytes[1], length, chain_id, &set, &report));
    for (size_t at = 0; at < lengths[1]; at++) {
        memcpy(copy, bytes[1], lengths[1]);
        copy[at] ^= 4;
        assert_non_null(epoch_report_get(copy, lengths[1], chain_id, &set, &report));
    }
    struct validator_set others = set;
    others.count = 1;
    assert_string_equal(epoch_report_get(bytes[1], lengths[1], chain_id, &others, &report),
                        "it is by no voter");
}

/* A decision is its reports, by rising node id and of one epoch. */
TEST(epoch_report, a_decision_is_its_reports)
{
    static uint8_t decision[4 * sizeof(bytes[0])];
    struct epoch_report got[EPOCH_STATEMENTS_MAX];
    struct epoch_header kept = {7, hash_of("seven", 5)}, read;
    uint32_t count;
    four();
    for (uint32_t i = 1; i <= 3; i++)
        log_of(i, "abc", 0, 2);
    const uint8_t *parts[] = {bytes[0], bytes[1], bytes[2]}, *turned[] = {bytes[1], bytes[0]};
    size_t length = epoch_decision_put(&kept, parts, lengths, 3, decision);
    assert_null(epoch_decision_get(decision, length, chain_id, &set, &read, got, &count));
    assert_int_equal(count, 3);
    assert_int_equal(read.height, 7);
    assert_true(hash_equal(read.hash, kept.hash));
    assert_memory_equal(got[2].statement_bytes, reports[2].statement_bytes, EPOCH_STATEMENT_BYTES);
    for (size_t cut = 0; cut < length; cut += 7)
        assert_non_null(epoch_decision_get(decision, cut, chain_id, &set, &read, got, &count));
    decision[length] = 0;
    assert_non_null(epoch_decision_get(decision, length + 1, chain_id, &set, &read, got, &count));
    length = epoch_decision_put(&kept, turned, lengths, 2, decision);
    assert_string_equal(epoch_decision_get(decision, length, chain_id, &set, &read, got, &count),
                        "its reports are not by rising node id");
}

/* Logs of which one only goes further, or whose ends differ as an election leaves them, stay as they are: nothing
 * that anybody was told may go. */
TEST(epoch_report, nothing_is_cut_where_no_logs_contradict)
{
    struct epoch_log log;
    four();
    log_of(1, "abcdef", 0, 4);
    log_of(2, "abcd", 0, 4);
    log_of(3, "abcdE", 0, 5);
    assert_null(epoch_log_decide(reports, 3, 3, &log));
    assert_false(log.cut);
    assert_int_equal(log.holder, 2); /* the later term wins the election */
    assert_int_equal(log.kept.index, 5);
    assert_int_equal(log.lost_count, 0);
    assert_string_equal(epoch_log_decide(reports, 2, 3, &log), "fewer reports than a quorum");
}

/* Two hashes at one index and term, or below what both know to be committed: kept is what q logs have alike, and what
 * lies above is named. */
TEST(epoch_report, logs_that_contradict_are_cut_to_what_a_quorum_has)
{
    struct epoch_log log;
    four();
    log_of(1, "abcdefg", 0, 7);
    log_of(2, "abcdefg", 0, 7);
    log_of(3, "abcdxy", 0, 6);
    log_of(4, "abcdef", 0, 4);
    assert_null(epoch_log_decide(reports, 3, 3, &log));
    assert_true(log.cut);
    assert_int_equal(log.kept.index, 4);
    assert_int_equal(log.holder_count, 3);
    assert_int_equal(log.lost_count, 3);
    assert_int_equal(log.lost[0].first, 9);
    assert_int_equal(log.lost[0].last, 14);
    assert_true(log.lost[0].acknowledged);
    assert_int_equal(log.lost[2].report, 2);
    assert_int_equal(log.lost[2].last, 12);

    assert_null(
        epoch_log_decide(reports, 4, 3, &log)); /* with the fourth more is stored by three */
    assert_int_equal(log.kept.index, 6);
    assert_true(log.holds[0] && log.holds[1] && !log.holds[2] && log.holds[3]);
    assert_int_equal(log.lost_count, 3);
    assert_int_equal(log.lost[0].first, 13);
    assert_int_equal(log.lost[2].report, 2); /* and node 3's own branch */
    assert_int_equal(log.lost[2].first, 9);

    log_of(3, "abXYZ", 0, 5); /* another term, but both are sure */
    assert_null(epoch_log_decide(reports, 3, 3, &log));
    assert_true(log.cut);
    assert_int_equal(log.kept.index, 2);
}

/* What the reports do not cover is not guessed. */
TEST(epoch_report, logs_that_differ_too_far_below_are_not_decided_on)
{
    struct epoch_log log;
    four();
    log_of(1, "abcdefgh", 4, 8);
    log_of(2, "abcdefgh", 4, 8);
    log_of(3, "axcdefgh", 4, 8);
    assert_string_equal(epoch_log_decide(reports, 3, 3, &log),
                        "the logs differ below what the reports cover");
}
