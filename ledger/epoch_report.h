/* What an operator carries from a stopped node to the others: its statement (epoch.h), and how its log ends.
 *
 *     report     magic u32 "QXER" | version u32 | statement 256 | commit u64 | mark_count u32 | zero u32 |
 *                marks | signature 64, of all before
 *     mark       index u64 | term u64 | hash 32 | commands u64          one an entry, the last entry last
 *     decision   magic u32 "QXED" | version u32 | report_count u32 | zero u32 | kept height u64, hash 32 |
 *                report_count x (bytes u32 | report), by rising node id
 *
 * A decision holds the header that is kept, and the reports that it follows from: whoever acts on it comes to it
 * himself.
 *
 * Which log (epoch_log_decide). Where no two logs contradict each other, nothing is cut: agreement among honest
 * nodes brings back by itself all that any of them acknowledged. Two logs contradict each other when they have at
 * one index the same term and another hash, or another hash at or below what both know to be committed: then
 * somebody lied to one of them, and the log is kept up to the highest entry that q reporters have alike. What
 * lies above is lost, by name: the numbers of the commands there, and whose log they are in.
 *
 * Owner    the caller; pure
 * Memory   a decoded report points into its bytes
 * Limits   EPOCH_MARKS_MAX entries; logs that differ below what their reports cover are not decided on
 */

#ifndef LEDGER_EPOCH_REPORT_H
#define LEDGER_EPOCH_REPORT_H

#include "ledger/epoch.h"

#define EPOCH_MARKS_MAX         4096
#define EPOCH_MARK_BYTES        56
#define EPOCH_REPORT_HEAD_BYTES (8 + EPOCH_STATEMENT_BYTES + 16)
#define EPOCH_REPORT_BYTES_MAX \
    (EPOCH_REPORT_HEAD_BYTES + EPOCH_MARKS_MAX * EPOCH_MARK_BYTES + SIGNATURE_BYTES)
#define EPOCH_DECISION_HEAD_BYTES 56
#define EPOCH_DECISION_BYTES_MAX \
    (EPOCH_DECISION_HEAD_BYTES + EPOCH_STATEMENTS_MAX * (4 + EPOCH_REPORT_BYTES_MAX))

struct epoch_mark {
    uint64_t index;
    uint64_t term;
    hash_t hash;       /* running, at `index` */
    uint64_t commands; /* number of the last command up to there */
};

struct epoch_report {
    const uint8_t *statement_bytes; /* EPOCH_STATEMENT_BYTES */
    struct epoch_statement statement;
    uint64_t commit; /* the last entry that this node knew to be committed */
    uint32_t mark_count;
    const uint8_t *marks;
};

/* Bytes of a report with so many marks. */
size_t epoch_report_bytes(uint32_t mark_count);

/* Signs and writes a report; the statement says the chain and the node. Returns its length.
 * Needs: mark_count <= EPOCH_MARKS_MAX, marks by index without a gap, the last one where the log ends. */
size_t epoch_report_put(const struct epoch_statement *statement, hash_t chain_id, uint64_t commit,
                        const struct epoch_mark *marks, uint32_t mark_count,
                        const uint8_t secret_key[SECRET_KEY_BYTES], uint8_t *bytes);

/* NULL, or what is wrong with these bytes as the report of one of `voters`. */
const char *epoch_report_get(const uint8_t *bytes, size_t byte_count, hash_t chain_id,
                             const struct validator_set *voters, struct epoch_report *report);

/* The mark at an index. False: the report does not cover it. */
MUST_CHECK bool epoch_report_mark(const struct epoch_report *report, uint64_t index,
                                  struct epoch_mark *mark);

/* Writes a decision: `reports` are whole ones, of the lengths in `report_bytes`. Returns its length. */
size_t epoch_decision_put(const struct epoch_header *kept, const uint8_t *const *reports,
                          const size_t *report_bytes, uint32_t count, uint8_t *bytes);

/* The header and the reports of a decision. NULL, or what is wrong: a report is, they are not by rising node id, or of
 * different epochs. Needs: room for EPOCH_STATEMENTS_MAX. */
const char *epoch_decision_get(const uint8_t *bytes, size_t byte_count, hash_t chain_id,
                               const struct validator_set *voters, struct epoch_header *kept,
                               struct epoch_report *reports, uint32_t *count);

/* ---- Which log ---- */

struct epoch_lost {
    uint32_t report;      /* whose log has them */
    uint64_t first, last; /* numbers of the commands */
    bool acknowledged;    /* that log knew at least some of them to be committed */
};

struct epoch_log {
    bool cut;               /* false: every log stays as it is */
    struct epoch_mark kept; /* where the kept log ends */
    uint32_t holder;        /* a report whose log holds it */
    uint32_t holder_count;
    bool holds[EPOCH_STATEMENTS_MAX]; /* by report */
    uint32_t lost_count;
    struct epoch_lost lost[EPOCH_STATEMENTS_MAX];
};

/* NULL, or why it cannot be decided. Needs: 0 < count <= EPOCH_STATEMENTS_MAX. */
const char *epoch_log_decide(const struct epoch_report *reports, uint32_t count, uint32_t quorum,
                             struct epoch_log *log);

#endif /* LEDGER_EPOCH_REPORT_H */
