#include "node/epoch.h"

#include "common/log.h"
#include "ledger/sign_once.h"
#include "node/epoch_chain.h"
#include "node/epoch_cut.h"
#include "node/epoch_state.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: quorex epoch report --config FILE --out REPORT\n"
    "       quorex epoch decide --config FILE --out DECISION REPORT REPORT ...\n"
    "       quorex epoch apply  --config FILE --decision DECISION\n"
    "\n"
    "The way out of a chain that is stuck, when at some height no header can get enough\n"
    "signatures any more. All nodes are stopped first.\n"
    "\n"
    "  report  closes the epoch in this node's sign-once file: the node signs nothing more in\n"
    "          it, ever. Then it writes what the node states, signed by the node\n"
    "  decide  checks the reports of at least a quorum of the voters against this node's chain,\n"
    "          and says what is kept, by whom, and which commands are lost\n"
    "  apply   brings this node's log to what was decided (what is cut goes to quarantine/), and\n"
    "          leaves the change of the epoch for the node to propose when it is started\n"
    "\n"
    "Exit status: 0 done, 1 refused, 2 it could not be tried.\n";

struct epoch_flags {
    const char *config, *out, *decision;
    char **reports;
    int report_count;
};

static int refused(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int refused(const char *format, ...)
{
    va_list arguments;
    fputs("quorex epoch: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return 1;
}

static void print_header(const char *what, const struct epoch_header *header)
{
    char hex[2 * HASH_BYTES + 1];
    hash_hex(header->hash.bytes, HASH_BYTES, hex);
    if (header->height == 0)
        printf("%s nothing", what);
    else
        printf("%s block %" PRIu64 " %.16s", what, header->height, hex);
}

static void print_statement(const struct epoch_statement *statement)
{
    printf("node %u: ", (unsigned)statement->node);
    print_header("last signed", &statement->signed_last);
    print_header(", certified", &statement->certified);
    printf(", log to entry %" PRIu64 " of term %" PRIu64, statement->log_index,
           statement->log_term);
}

/* ---- report ---- */

/* Closes the epoch; only then anything is said about it. */
static int close_epoch(struct epoch_state *state, struct epoch_statement *statement)
{
    struct sign_once once;
    if (validator_set_find(&state->voters, state->files.id) == NULL)
        return refused("%s", "this node has no vote: its statement would not count");
    enum status status = sign_once_open(&once, state->files.sign_once);
    if (status != STATUS_OK)
        return refused("what this node signed is not known, so it can state nothing: %s",
                       status_text(status));
    status = sign_once_close_epoch(&once, state->membership.epoch);
    statement->signed_last = (struct epoch_header){once.last.height, once.last.header_hash};
    sign_once_close(&once);
    return status == STATUS_OK ? 0 : refused("the epoch is not closed: %s", status_text(status));
}

static int certified_of(struct epoch_state *state, struct epoch_header *certified)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    certified->height = chain_certified(state->chain);
    if (certified->height == 0) return 0;
    if (chain_read_header(state->chain, certified->height, bytes) != STATUS_OK)
        return refused("%s", "the certified header cannot be read");
    certified->hash = block_header_hash(bytes);
    return 0;
}

static int write_file(const char *path, const void *bytes, size_t byte_count)
{
    const enum status status = file_replace(path, bytes, byte_count, 0644);
    return status == STATUS_OK ? 0 : refused("nothing is written: %s", status_text(status));
}

static int report(struct epoch_state *state, const struct epoch_flags *flags)
{
    struct epoch_statement statement = {
        .epoch = state->membership.epoch,
        .node = state->files.id,
        .log_index = state->log_index,
        .log_term = state->log_term,
        .log_hash = state->log_hash,
    };
    int code = close_epoch(state, &statement);
    if (code == 0) code = certified_of(state, &statement.certified);
    if (code != 0) return code;
    uint8_t *bytes = malloc(epoch_report_bytes(state->mark_count));
    if (bytes == NULL) return 2;
    const size_t byte_count =
        epoch_report_put(&statement, state->chain_id, state->log_commit, state->marks,
                         state->mark_count, state->files.secret_key, bytes);
    code = write_file(flags->out, bytes, byte_count);
    free(bytes);
    if (code != 0) return code;
    printf("signs nothing more in epoch %" PRIu64 ". ", statement.epoch);
    print_statement(&statement);
    printf("\n");
    return 0;
}

/* ---- decide ---- */

struct judgement {
    struct epoch_report reports[EPOCH_STATEMENTS_MAX];
    uint32_t count;
    struct epoch_log log;
    struct epoch_decision decision;
    uint64_t cut_height; /* the last block of what is kept */
    uint32_t longer;     /* a node that has signed blocks which this node has not yet; 0: none */
};

/* Whether this node's log holds what is kept, so that its chain can be judged by. */
static bool holds_kept(const struct epoch_state *state, const struct epoch_mark *kept)
{
    for (uint32_t i = 0; i < state->mark_count; i++)
        if (state->marks[i].index == kept->index)
            return hash_equal(state->marks[i].hash, kept->hash);
    return false;
}

struct kept_chain {
    struct epoch_chain whole;
    uint64_t last;
};

static enum epoch_known kept_header(void *context, uint64_t height, hash_t *hash)
{
    const struct kept_chain *kept = context;
    if (height > kept->last) return EPOCH_NO_BLOCK;
    return kept->whole.header(kept->whole.context, height, hash);
}

/* Everything that follows from the reports, on this node's chain as far as it is kept. */
static const char *judge(struct epoch_state *state, struct judgement *judgement)
{
    struct epoch_statement statements[EPOCH_STATEMENTS_MAX];
    for (uint32_t i = 0; i < judgement->count; i++) {
        statements[i] = judgement->reports[i].statement;
        if (statements[i].epoch != state->membership.epoch)
            return "a report is of another epoch than this node's";
    }
    const char *fault = epoch_log_decide(judgement->reports, judgement->count,
                                         validator_set_quorum(&state->voters), &judgement->log);
    if (fault != NULL) return fault;
    judgement->cut_height = state->tip;
    if (judgement->log.cut && !holds_kept(state, &judgement->log.kept))
        return "this node's log does not hold what is kept: decide on another node";
    if (judgement->log.cut)
        judgement->cut_height = epoch_state_height_of(state, judgement->log.kept.commands);
    for (uint32_t i = 0; i < judgement->count && !judgement->log.cut; i++)
        if (statements[i].signed_last.height > judgement->cut_height)
            judgement->longer = statements[i].node;
    struct kept_chain kept = {epoch_chain_of(state->chain), judgement->cut_height};
    const struct epoch_chain chain = {&kept, kept_header};
    return epoch_decide(statements, judgement->count, &state->voters, &chain, &judgement->decision);
}

static void print_judgement(const struct epoch_state *state, const struct judgement *judgement)
{
    const struct epoch_log *log = &judgement->log;
    printf("epoch %" PRIu64 " ends: %u of %u voters have reported, %u are a quorum\n",
           state->membership.epoch, judgement->count, state->voters.count,
           validator_set_quorum(&state->voters));
    for (uint32_t i = 0; i < judgement->count; i++) {
        print_statement(&judgement->reports[i].statement);
        printf(judgement->decision.off[i] ? "; NOT of this chain\n" : "\n");
    }
    print_header("kept:", &judgement->decision.kept);
    printf(", and every block above it that the log gives\n");
    if (!log->cut) {
        printf("log: the reports do not contradict each other, nothing is cut; the longest is node "
               "%u's\nlost: nothing\n",
               (unsigned)judgement->reports[log->holder].statement.node);
        return;
    }
    printf("log: the reports contradict each other; kept up to entry %" PRIu64 ", command %" PRIu64
           ", which %u reports have alike\n",
           log->kept.index, log->kept.commands, log->holder_count);
    for (uint32_t i = 0; i < log->lost_count; i++)
        printf("lost: commands %" PRIu64 " to %" PRIu64 " of node %u's log, %s\n",
               log->lost[i].first, log->lost[i].last,
               (unsigned)judgement->reports[log->lost[i].report].statement.node,
               log->lost[i].acknowledged ? "acknowledged" : "not known to be acknowledged");
}

struct report_file {
    char *bytes;
    size_t byte_count;
    struct epoch_report report;
};

static int by_node(const void *left, const void *right)
{
    const uint32_t a = ((const struct report_file *)left)->report.statement.node;
    const uint32_t b = ((const struct report_file *)right)->report.statement.node;
    return (a > b) - (a < b);
}

/* Reads the reports and puts them into order. */
static int read_reports(struct epoch_state *state, const struct epoch_flags *flags,
                        struct report_file *files)
{
    for (int i = 0; i < flags->report_count; i++) {
        const char *path = flags->reports[i];
        if (file_read(path, &files[i].bytes, &files[i].byte_count) != STATUS_OK)
            return refused("%s cannot be read", path);
        const char *fault = epoch_report_get((const uint8_t *)files[i].bytes, files[i].byte_count,
                                             state->chain_id, &state->voters, &files[i].report);
        if (fault != NULL) return refused("%s: %s", path, fault);
    }
    const size_t count = (size_t)flags->report_count;
    qsort(files, count, sizeof(*files), by_node);
    for (size_t i = 1; i < count; i++)
        if (by_node(&files[i - 1], &files[i]) == 0)
            return refused("%s", "two reports are by the same node");
    return 0;
}

static int write_decision(const struct report_file *files, const struct judgement *judgement,
                          const char *path)
{
    const uint8_t *reports[EPOCH_STATEMENTS_MAX];
    size_t report_bytes[EPOCH_STATEMENTS_MAX];
    for (uint32_t i = 0; i < judgement->count; i++) {
        reports[i] = (const uint8_t *)files[i].bytes;
        report_bytes[i] = files[i].byte_count;
    }
    uint8_t *bytes = malloc(EPOCH_DECISION_BYTES_MAX);
    if (bytes == NULL) return 2;
    const size_t byte_count = epoch_decision_put(&judgement->decision.kept, reports, report_bytes,
                                                 judgement->count, bytes);
    const int code = write_file(path, bytes, byte_count);
    free(bytes);
    return code;
}

static int decide(struct epoch_state *state, const struct epoch_flags *flags)
{
    struct report_file files[EPOCH_STATEMENTS_MAX] = {0};
    struct judgement *judgement = calloc(1, sizeof(*judgement));
    if (judgement == NULL) return 2;
    int code = read_reports(state, flags, files);
    if (code == 0) {
        judgement->count = (uint32_t)flags->report_count;
        for (uint32_t i = 0; i < judgement->count; i++)
            judgement->reports[i] = files[i].report;
        const char *fault = judge(state, judgement);
        print_judgement(state, judgement);
        if (fault != NULL && judgement->longer != 0)
            code = refused("nothing is decided: %s; node %u has blocks that this node has not yet: "
                           "decide there",
                           fault, (unsigned)judgement->longer);
        else
            code = fault != NULL ? refused("nothing is decided: %s", fault)
                                 : write_decision(files, judgement, flags->out);
    }
    for (int i = 0; i < flags->report_count; i++)
        free(files[i].bytes);
    free(judgement);
    return code;
}

/* ---- apply ---- */

/* The last entry that this node's log has in common with what is kept. False: none that the reports cover. */
static bool common_entry(const struct epoch_state *state, const struct judgement *judgement,
                         struct epoch_mark *common)
{
    const struct epoch_report *holder = &judgement->reports[judgement->log.holder];
    for (uint32_t i = state->mark_count; i > 0; i--) {
        struct epoch_mark kept;
        *common = state->marks[i - 1];
        if (common->index <= judgement->log.kept.index &&
            epoch_report_mark(holder, common->index, &kept) && hash_equal(kept.hash, common->hash))
            return true;
    }
    return false;
}

static int cut_log(struct epoch_state *state, const struct judgement *judgement)
{
    struct epoch_mark common;
    if (!judgement->log.cut) return 0;
    if (!common_entry(state, judgement, &common))
        return refused("%s", "this log differs from what is kept below what the reports cover: "
                             "join a new node in this one's place (quorex join, replace-node)");
    if (common.index == state->log_index) return 0;
    printf("the log is cut behind entry %" PRIu64 ", command %" PRIu64 "\n", common.index,
           common.commands);
    const enum status status = epoch_cut(state, &common);
    return status == STATUS_OK ? 0 : refused("the log is not cut: %s", status_text(status));
}

static int leave_change(struct epoch_state *state, const struct judgement *judgement,
                        const struct epoch_header *kept)
{
    uint8_t statements[EPOCH_STATEMENTS_MAX * EPOCH_STATEMENT_BYTES];
    uint8_t bytes[EPOCH_COMMAND_BYTES_MAX];
    struct command command;
    for (uint32_t i = 0; i < judgement->count; i++)
        memcpy(statements + i * EPOCH_STATEMENT_BYTES, judgement->reports[i].statement_bytes,
               EPOCH_STATEMENT_BYTES);
    const size_t byte_count =
        epoch_change_put(state->membership.epoch + 1, kept, statements, judgement->count, bytes);
    const char *fault = command_decode(bytes, byte_count, &command)
                            ? epoch_change_fault(&command, state->chain_id, &state->voters)
                            : "malformed";
    if (fault != NULL) return refused("the change of the epoch may not be: %s", fault);
    return write_file(state->files.epoch_change, bytes, byte_count);
}

static int apply(struct epoch_state *state, const struct epoch_flags *flags)
{
    char *bytes = NULL;
    size_t byte_count;
    struct epoch_header kept;
    struct judgement *judgement = calloc(1, sizeof(*judgement));
    if (judgement == NULL) return 2;
    int code = 0;
    if (file_read(flags->decision, &bytes, &byte_count) != STATUS_OK)
        code = refused("%s cannot be read", flags->decision);
    const char *fault = NULL;
    if (code == 0)
        fault = epoch_decision_get((const uint8_t *)bytes, byte_count, state->chain_id,
                                   &state->voters, &kept, judgement->reports, &judgement->count);
    if (code == 0 && fault == NULL &&
        judgement->reports[0].statement.epoch != state->membership.epoch)
        fault = "it is of another epoch than this node's";
    if (code == 0 && fault == NULL)
        fault = epoch_log_decide(judgement->reports, judgement->count,
                                 validator_set_quorum(&state->voters), &judgement->log);
    if (fault != NULL) code = refused("the decision is not applied: %s", fault);
    if (code == 0) code = cut_log(state, judgement);
    if (code == 0) code = leave_change(state, judgement, &kept);
    if (code == 0)
        printf("node %u will propose epoch %" PRIu64 ": start it\n", (unsigned)state->files.id,
               state->membership.epoch + 1);
    free(bytes);
    free(judgement);
    return code;
}

/* ---- The command line ---- */

static bool read_flags(int argc, char **argv, struct epoch_flags *flags)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"decision", required_argument, NULL, 'd'},
                                            {NULL, 0, NULL, 0}};
    *flags = (struct epoch_flags){0};
    optind = 1;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c') flags->config = optarg;
        if (option == 'o') flags->out = optarg;
        if (option == 'd') flags->decision = optarg;
        if (option == '?') return false;
    }
    flags->reports = argv + optind;
    flags->report_count = argc - optind;
    return flags->config != NULL;
}

static int run(int (*act)(struct epoch_state *, const struct epoch_flags *),
               const struct epoch_flags *flags)
{
    static struct config config;
    static struct epoch_state state;
    struct config_error error = {0};
    char *arguments[] = {"--config", (char *)(uintptr_t)flags->config};
    if (!config_load(&config, 2, arguments, environ, &error)) {
        config_print_error(&error);
        return 2;
    }
    log_set_level(LOG_WARN);
    const enum status status = epoch_state_open(&state, &config);
    const int code = status == STATUS_OK
                         ? act(&state, flags)
                         : refused("the node's files cannot be read: %s", status_text(status)) + 1;
    epoch_state_close(&state);
    return code;
}

int epoch_main(int argc, char **argv)
{
    struct epoch_flags flags;
    const char *action = argc > 1 ? argv[1] : "";
    if (strcmp(action, "--help") == 0 || strcmp(action, "-h") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (argc > 1 && read_flags(argc - 1, argv + 1, &flags)) {
        const bool none = flags.report_count == 0;
        if (strcmp(action, "report") == 0 && flags.out != NULL && none) return run(report, &flags);
        if (strcmp(action, "decide") == 0 && flags.out != NULL && !none &&
            flags.report_count <= EPOCH_STATEMENTS_MAX)
            return run(decide, &flags);
        if (strcmp(action, "apply") == 0 && flags.decision != NULL && none)
            return run(apply, &flags);
    }
    fputs(help, stderr);
    return 2;
}
