#include "node/verify.h"

#include "engine/match.h"
#include "ledger/chain_scan.h"
#include "node/epoch_chain.h"
#include "node/file_os.h"
#include "node/verify_checkpoint.h"
#include "node/verify_execute.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- The files ---- */

/* One folder with segments and an index. `within`: its name in what is said. */
static enum status check_folder(struct audit *audit, const char *directory, const char *within,
                                uint64_t *tip)
{
    struct chain_scan scan;
    enum status status = chain_scan(directory, &scan);
    if (status == STATUS_DAMAGED) {
        verify_fault_set(&audit->result->fault, scan.tip + 1, 0, "%s%s, byte %lu: %s", within,
                         scan.file, scan.file_offset, scan.fault);
    } else if (status == STATUS_OK && scan.index_fault != NULL) {
        const uint64_t offset = scan.index_offset;
        const uint64_t height = offset < CHAIN_INDEX_HEADER_BYTES
                                    ? 1
                                    : (offset - CHAIN_INDEX_HEADER_BYTES) / CHAIN_ENTRY_BYTES + 1;
        verify_fault_set(&audit->result->fault, height, 0, "%sindex, byte %lu: %s", within, offset,
                         scan.index_fault);
        status = STATUS_DAMAGED;
    } else if (status != STATUS_OK) {
        verify_fault_set(&audit->result->fault, 0, 0, "the chain cannot be read: %s",
                         status_text(status));
    }
    *tip = scan.tip;
    chain_scan_end(&scan);
    return status;
}

/* The chain's files, and those of what others gave of the blocks below its beginning. */
static enum status check_files(struct audit *audit, const char *directory, uint64_t *tip)
{
    char earlier[FILE_PATH_MAX];
    uint64_t earlier_tip;
    if (file_path(earlier, directory, CHAIN_EARLIER) && file_exists(earlier)) {
        const enum status status = check_folder(audit, earlier, CHAIN_EARLIER "/", &earlier_tip);
        if (status != STATUS_OK) return status;
    }
    return check_folder(audit, directory, "", tip);
}

/* ---- An audit ---- */

static enum status audit_all(struct audit *audit, uint64_t tip)
{
    const struct genesis *genesis = audit->genesis;
    audit->engine = engine_new(&audit->engine_arena, genesis);
    struct settlement *settlement =
        settlement_new(&audit->settlement_arena, genesis, audit->options->tree_secret);
    if (audit->engine == NULL || settlement == NULL) return verify_execute_no_memory(audit);
    digest_begin(&audit->digest, genesis, settlement);
    audit->digest.chain = epoch_chain_of(audit->headers);
    const enum status status = verify_execute_events(audit);
    audit->result->executed_from = 1;
    audit->result->first_height = 1;
    audit->result->headers_word = VOTERS_GENESIS;
    return status == STATUS_OK ? verify_execute(audit, 1, tip) : status;
}

static enum status prepare(struct audit *audit)
{
    const struct genesis *genesis = audit->genesis;
    if (!arena_map(&audit->engine_arena, engine_bytes(genesis)) ||
        !arena_map(&audit->settlement_arena, settlement_bytes(genesis)) ||
        !verify_execute_money(audit))
        return verify_execute_no_memory(audit);
    const enum status status = chain_open_reader(audit->options->chain, &audit->headers);
    return status == STATUS_OK ? chain_open_reader(audit->options->chain, &audit->chain) : status;
}

static bool audits_all(const struct audit *audit, uint64_t tip)
{
    if (audit->options->from_checkpoint > 0) return false;
    return tip == 0 || chain_first_body(audit->chain) == 1;
}

enum status verify_audit(const struct verify_options *options, struct verify_result *result)
{
    *result = (struct verify_result){0};
    struct audit *audit = calloc(1, sizeof(*audit));
    if (audit == NULL) return STATUS_NO_MEMORY;
    audit->options = options;
    audit->genesis = options->genesis;
    audit->result = result;

    uint64_t tip = 0;
    enum status status = check_files(audit, options->chain, &tip);
    if (status == STATUS_OK) status = prepare(audit);
    if (status == STATUS_OK)
        status =
            audits_all(audit, tip) ? audit_all(audit, tip) : verify_checkpoint_audit(audit, tip);
    if (status != STATUS_OK && result->fault.reason[0] == '\0')
        snprintf(result->fault.reason, sizeof(result->fault.reason), "%s", status_text(status));

    chain_close(audit->chain);
    chain_close(audit->headers);
    arena_unmap(&audit->engine_arena);
    arena_unmap(&audit->settlement_arena);
    arena_unmap(&audit->events_arena);
    arena_unmap(&audit->conservation_arena);
    free(audit);
    return status;
}

enum status verify_chain(const char *directory, const struct genesis *genesis,
                         const uint8_t tree_secret[32], struct verify_result *result)
{
    const struct verify_options options = {
        .chain = directory, .genesis = genesis, .tree_secret = tree_secret};
    return verify_audit(&options, result);
}
