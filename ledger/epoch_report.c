#include "ledger/epoch_report.h"

#include "common/le.h"

#define REPORT_MAGIC   0x52455851u /* "QXER" */
#define DECISION_MAGIC 0x44455851u /* "QXED" */
#define VERSION        1u

static_assert(EPOCH_MARK_BYTES == 8 + 8 + HASH_BYTES + 8, "the fields fill a mark");

size_t epoch_report_bytes(uint32_t mark_count)
{
    return EPOCH_REPORT_HEAD_BYTES + (size_t)mark_count * EPOCH_MARK_BYTES + SIGNATURE_BYTES;
}

static uint8_t *mark_put(uint8_t *at, const struct epoch_mark *mark)
{
    at = le_put_u64(at, mark->index);
    at = le_put_u64(at, mark->term);
    at = le_put_bytes(at, mark->hash.bytes, HASH_BYTES);
    return le_put_u64(at, mark->commands);
}

static struct epoch_mark mark_get(const uint8_t *at)
{
    struct epoch_mark mark = {.index = le_get_u64(at), .term = le_get_u64(at + 8)};
    memcpy(mark.hash.bytes, at + 16, HASH_BYTES);
    mark.commands = le_get_u64(at + 48);
    return mark;
}

static struct epoch_mark mark_of(const struct epoch_report *report, uint32_t place)
{
    return mark_get(report->marks + (size_t)place * EPOCH_MARK_BYTES);
}

size_t epoch_report_put(const struct epoch_statement *statement, hash_t chain_id, uint64_t commit,
                        const struct epoch_mark *marks, uint32_t mark_count,
                        const uint8_t secret_key[SECRET_KEY_BYTES], uint8_t *bytes)
{
    ASSERT(mark_count <= EPOCH_MARKS_MAX);
    uint8_t *at = le_put_u32(bytes, REPORT_MAGIC);
    at = le_put_u32(at, VERSION);
    epoch_statement_sign(statement, chain_id, secret_key, at);
    at = le_put_u64(at + EPOCH_STATEMENT_BYTES, commit);
    at = le_put_u32(at, mark_count);
    at = le_put_u32(at, 0);
    for (uint32_t i = 0; i < mark_count; i++)
        at = mark_put(at, &marks[i]);
    hash_sign(secret_key, bytes, (size_t)(at - bytes), at);
    return (size_t)(at - bytes) + SIGNATURE_BYTES;
}

/* Indexes rise by one, terms and commands never fall, and the last mark is what the statement says. */
static bool marks_are_whole(const struct epoch_report *report)
{
    const struct epoch_statement *statement = &report->statement;
    struct epoch_mark before = {0};
    for (uint32_t i = 0; i < report->mark_count; i++) {
        const struct epoch_mark mark = mark_of(report, i);
        if (i > 0 && (mark.index != before.index + 1 || mark.term < before.term ||
                      mark.commands < before.commands))
            return false;
        before = mark;
    }
    if (report->commit > statement->log_index) return false;
    return report->mark_count == 0 ||
           (before.index == statement->log_index && before.term == statement->log_term &&
            hash_equal(before.hash, statement->log_hash));
}

const char *epoch_report_get(const uint8_t *bytes, size_t byte_count, hash_t chain_id,
                             const struct validator_set *voters, struct epoch_report *report)
{
    if (byte_count < epoch_report_bytes(0)) return "it is too short";
    if (le_get_u32(bytes) != REPORT_MAGIC || le_get_u32(bytes + 4) != VERSION)
        return "it is no report, or another version's";
    const uint8_t *at = bytes + 8 + EPOCH_STATEMENT_BYTES;
    *report = (struct epoch_report){.statement_bytes = bytes + 8,
                                    .commit = le_get_u64(at),
                                    .mark_count = le_get_u32(at + 8),
                                    .marks = at + 16};
    if (report->mark_count > EPOCH_MARKS_MAX || le_get_u32(at + 12) != 0 ||
        byte_count != epoch_report_bytes(report->mark_count))
        return "it is malformed";
    if (!epoch_statement_decode(report->statement_bytes, chain_id, &report->statement))
        return "its statement is malformed, or another chain's";
    const struct validator *voter = validator_set_find(voters, report->statement.node);
    if (voter == NULL) return "it is by no voter";
    const size_t signed_bytes = byte_count - SIGNATURE_BYTES;
    if (!epoch_statement_valid(report->statement_bytes, voters) ||
        !hash_verify(voter->public_key, bytes, signed_bytes, bytes + signed_bytes))
        return "a signature of it is wrong";
    return marks_are_whole(report) ? NULL : "its marks do not fit together";
}

bool epoch_report_mark(const struct epoch_report *report, uint64_t index, struct epoch_mark *mark)
{
    if (report->mark_count == 0) return false;
    const uint64_t first = mark_of(report, 0).index;
    if (index < first || index - first >= report->mark_count) return false;
    *mark = mark_of(report, (uint32_t)(index - first));
    return true;
}

/* ---- A decision ---- */

size_t epoch_decision_put(const struct epoch_header *kept, const uint8_t *const *reports,
                          const size_t *report_bytes, uint32_t count, uint8_t *bytes)
{
    ASSERT(count <= EPOCH_STATEMENTS_MAX);
    uint8_t *at = le_put_u32(bytes, DECISION_MAGIC);
    at = le_put_u32(at, VERSION);
    at = le_put_u32(at, count);
    at = le_put_u32(at, 0);
    at = le_put_u64(at, kept->height);
    at = le_put_bytes(at, kept->hash.bytes, HASH_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        ASSERT(report_bytes[i] <= EPOCH_REPORT_BYTES_MAX);
        at = le_put_u32(at, (uint32_t)report_bytes[i]);
        at = le_put_bytes(at, reports[i], report_bytes[i]);
    }
    return (size_t)(at - bytes);
}

const char *epoch_decision_get(const uint8_t *bytes, size_t byte_count, hash_t chain_id,
                               const struct validator_set *voters, struct epoch_header *kept,
                               struct epoch_report *reports, uint32_t *count)
{
    static const hash_t none;
    const uint8_t *at = bytes + EPOCH_DECISION_HEAD_BYTES, *const end = bytes + byte_count;
    if (byte_count < EPOCH_DECISION_HEAD_BYTES || le_get_u32(bytes) != DECISION_MAGIC ||
        le_get_u32(bytes + 4) != VERSION)
        return "it is no decision, or another version's";
    kept->height = le_get_u64(bytes + 16);
    memcpy(kept->hash.bytes, bytes + 24, HASH_BYTES);
    if (kept->height == 0 && !hash_equal(kept->hash, none)) return "it is malformed";
    *count = le_get_u32(bytes + 8);
    if (*count == 0 || *count > EPOCH_STATEMENTS_MAX || le_get_u32(bytes + 12) != 0)
        return "it is malformed";
    for (uint32_t i = 0; i < *count; i++) {
        if (end - at < 4 || le_get_u32(at) > (size_t)(end - at) - 4) return "it is malformed";
        const size_t length = le_get_u32(at);
        const char *fault = epoch_report_get(at + 4, length, chain_id, voters, &reports[i]);
        if (fault != NULL) return fault;
        if (i > 0 && reports[i].statement.node <= reports[i - 1].statement.node)
            return "its reports are not by rising node id";
        if (reports[i].statement.epoch != reports[0].statement.epoch)
            return "its reports are of different epochs";
        at += 4 + length;
    }
    return at == end ? NULL : "it is malformed";
}

/* ---- Which log ---- */

static bool contradict(const struct epoch_report *left, const struct epoch_report *right)
{
    const uint64_t committed = left->commit < right->commit ? left->commit : right->commit;
    for (uint32_t i = 0; i < left->mark_count; i++) {
        const struct epoch_mark ours = mark_of(left, i);
        struct epoch_mark theirs;
        if (!epoch_report_mark(right, ours.index, &theirs) || hash_equal(ours.hash, theirs.hash))
            continue;
        if (ours.term == theirs.term || ours.index <= committed) return true;
    }
    return false;
}

static bool any_contradict(const struct epoch_report *reports, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (contradict(&reports[i], &reports[j])) return true;
    return false;
}

/* Notes who has exactly this entry, and all below it. */
static void holders_of(const struct epoch_report *reports, uint32_t count,
                       const struct epoch_mark *mark, struct epoch_log *log)
{
    log->holder_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct epoch_mark theirs;
        log->holds[i] = epoch_report_mark(&reports[i], mark->index, &theirs) &&
                        hash_equal(theirs.hash, mark->hash);
        log->holder_count += log->holds[i];
    }
}

/* The log that an election prefers: the highest last term, of these the longest. */
static void keep_longest(const struct epoch_report *reports, uint32_t count, struct epoch_log *log)
{
    for (uint32_t i = 0; i < count; i++) {
        if (reports[i].mark_count == 0) continue;
        const struct epoch_mark last = mark_of(&reports[i], reports[i].mark_count - 1);
        if (last.term < log->kept.term ||
            (last.term == log->kept.term && last.index <= log->kept.index))
            continue;
        log->kept = last;
        log->holder = i;
    }
    holders_of(reports, count, &log->kept, log);
}

/* The highest entry that `quorum` logs have alike; with more than half of them in agreement there is one at most
 * at an index. */
static bool keep_common(const struct epoch_report *reports, uint32_t count, uint32_t quorum,
                        struct epoch_log *log)
{
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t place = reports[i].mark_count; place > 0; place--) {
            const struct epoch_mark mark = mark_of(&reports[i], place - 1);
            if (found && mark.index <= log->kept.index) break;
            holders_of(reports, count, &mark, log);
            if (log->holder_count < quorum) continue;
            log->kept = mark;
            log->holder = i;
            found = true;
            break;
        }
    }
    if (found) holders_of(reports, count, &log->kept, log);
    return found;
}

/* Names what the log of a report has above what is kept: from where the two part on. */
static void list_lost(const struct epoch_report *reports, uint32_t report, struct epoch_log *log)
{
    const struct epoch_report *theirs = &reports[report], *kept = &reports[log->holder];
    uint64_t common = 0, last = 0;
    bool acknowledged = false;
    for (uint32_t i = 0; i < theirs->mark_count; i++) {
        const struct epoch_mark mark = mark_of(theirs, i);
        struct epoch_mark same;
        if (mark.index <= log->kept.index && epoch_report_mark(kept, mark.index, &same) &&
            hash_equal(same.hash, mark.hash))
            common = mark.commands;
        else if (mark.index <= theirs->commit)
            acknowledged = true;
        if (i == 0 && mark.index > 1 && common == 0) common = mark.commands; /* covers no more */
        last = mark.commands;
    }
    if (last > common)
        log->lost[log->lost_count++] = (struct epoch_lost){
            .report = report, .first = common + 1, .last = last, .acknowledged = acknowledged};
}

const char *epoch_log_decide(const struct epoch_report *reports, uint32_t count, uint32_t quorum,
                             struct epoch_log *log)
{
    ASSERT(count > 0 && count <= EPOCH_STATEMENTS_MAX);
    *log = (struct epoch_log){.cut = any_contradict(reports, count)};
    if (count < quorum) return "fewer reports than a quorum";
    if (!log->cut) {
        keep_longest(reports, count, log);
        return NULL;
    }
    if (!keep_common(reports, count, quorum, log))
        return "the logs differ below what the reports cover";
    for (uint32_t i = 0; i < count; i++)
        list_lost(reports, i, log);
    return NULL;
}
