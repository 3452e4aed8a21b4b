#include "node/start.h"

#include "common/log.h"
#include "engine/engine.h"
#include "engine/origins.h"
#include "engine/restore.h"
#include "engine/sections.h"
#include "ledger/chain_scan.h"
#include "node/chain_section.h"
#include "node/voters.h"
#include "settlement/restore.h"

#include <inttypes.h>
#include <string.h>

#define TRIES_MAX 64 /* more checkpoints than are ever kept */

static enum status refused(const struct start *start, const char *what, enum status status)
{
    log_error("node", "the checkpoint is of no use", "height=%" PRIu64 " what=\"%s\" reason=\"%s\"",
              start->height, what, status_text(status));
    return status;
}

/* ---- Choosing ---- */

static enum status map_sections(struct start *start)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < CHECKPOINT_SECTIONS && status == STATUS_OK; i++)
        status = checkpoint_reader_section(start->reader, (enum checkpoint_section)i,
                                           &start->sections[i], &start->section_bytes[i]);
    return status;
}

/* The node set as the engine has decided it. */
static enum status read_nodes(struct start *start)
{
    struct sections sections;
    struct snapshot_node node;
    const enum status status =
        sections_open(&sections, start->genesis, start->sections[CHECKPOINT_ENGINE],
                      start->section_bytes[CHECKPOINT_ENGINE]);
    if (status != STATUS_OK) return refused(start, "engine", status);
    while (sections_node(&sections, &node)) {
        struct node_changed_event member = {.node = node.node, .role = node.role};
        memcpy(member.public_key, node.public_key, sizeof(member.public_key));
        memcpy(member.address, node.address, sizeof(member.address));
        if (!node_set_apply(&start->nodes, &member))
            return refused(start, "nodes", STATUS_MALFORMED);
    }
    return STATUS_OK;
}

/* The sections of an open checkpoint, and what the log and the node set are above it. */
static enum status read_sections(struct start *start)
{
    struct chain_section section;
    const uint64_t height = start->height;
    const hash_t chain_id = genesis_chain_id(start->genesis);
    if (!hash_equal(checkpoint_reader_manifest(start->reader)->chain_id, chain_id))
        return refused(start, "chain id: genesis.json is not the one it was made with",
                       STATUS_MISMATCH);
    const enum status status = map_sections(start);
    if (status != STATUS_OK) return status;
    if (!chain_section_get(start->sections[CHECKPOINT_CHAIN],
                           start->section_bytes[CHECKPOINT_CHAIN], &section))
        return refused(start, "chain section", STATUS_MALFORMED);
    if (section.mark.height != height) return refused(start, "mark", STATUS_MALFORMED);
    start->base = section.mark.base;
    return read_nodes(start);
}

/* Whose signatures count for it: those who vote above it, or, where its block hands over to them, those whom the
 * lineage names. False: nothing here says. */
static bool find_signers(const struct start *start, const char *directory,
                         struct validator_set *signers)
{
    struct chain_section section;
    struct block_header header;
    struct membership membership;
    struct voters *voters;
    enum voters_word word;
    const uint8_t *bytes = start->sections[CHECKPOINT_CHAIN];
    if (!chain_section_get(bytes, start->section_bytes[CHECKPOINT_CHAIN], &section) ||
        !block_header_decode(checkpoint_reader_manifest(start->reader)->header, &header) ||
        !digest_snapshot_membership(start->genesis, section.digest, section.digest_bytes,
                                    &membership))
        return false;
    node_set_voters(&membership.nodes, signers);
    if (hash_equal(validator_set_hash(signers), header.validators_hash)) return true;
    if (voters_new(directory, start->genesis, NULL, &voters) != STATUS_OK) return false;
    const struct validator_set *found = voters_find(voters, header.validators_hash, &word);
    if (found != NULL) *signers = *found;
    voters_free(voters);
    return found != NULL;
}

/* A certificate whose signatures are not right is put aside: peers would take us for liars, and nothing proves the
 * state any more. Whose they are cannot be told where a set was replaced that could not sign; it was told when the
 * certificate came. */
static enum status check_certificate(struct start *start, const char *directory)
{
    struct validator_set signers;
    size_t byte_count;
    if (!find_signers(start, directory, &signers)) {
        log_warn("node", "the checkpoint's signatures cannot be checked: its voters are not known",
                 "height=%" PRIu64, start->height);
        return STATUS_OK;
    }
    const uint8_t *bytes = checkpoint_reader_manifest_bytes(start->reader, &byte_count);
    const char *fault = checkpoint_fault(checkpoint_reader_manifest(start->reader), bytes,
                                         byte_count, checkpoint_reader_certificate(start->reader),
                                         genesis_chain_id(start->genesis), &signers);
    return fault == NULL ? STATUS_OK : checkpoint_reader_refuse(start->reader, fault);
}

static enum status open_at(struct start *start, const char *directory, uint64_t height)
{
    start->height = height;
    enum status status = checkpoint_reader_open(directory, height, &start->reader);
    if (status == STATUS_OK) status = read_sections(start);
    return status == STATUS_OK ? check_certificate(start, directory) : status;
}

enum status start_audit(struct start *start, const char *directory, const struct genesis *genesis,
                        uint64_t height)
{
    *start = (struct start){.genesis = genesis, .height = height};
    const enum status status = checkpoint_reader_audit(directory, height, &start->reader);
    return status == STATUS_OK ? read_sections(start) : status;
}

/* A damaged one is not whole any more once it was read, so that an older one is the newest. */
enum status start_open(struct start *start, const char *directory, const struct genesis *genesis)
{
    for (uint32_t tries = 0; tries < TRIES_MAX; tries++) {
        uint64_t height;
        *start = (struct start){.genesis = genesis};
        enum status status = checkpoint_newest(directory, &height);
        if (status != STATUS_OK) return status;
        if (height == 0) {
            node_set_of_genesis(genesis, &start->nodes);
            return STATUS_OK;
        }
        status = open_at(start, directory, height);
        if (status == STATUS_OK) {
            log_info("node", "starting from a checkpoint", "height=%" PRIu64 " index=%" PRIu64,
                     height, start->base.index);
            return STATUS_OK;
        }
        start_close(start);
        if (status != STATUS_DAMAGED && status != STATUS_NOT_FOUND) return status;
    }
    return STATUS_DAMAGED;
}

void start_close(struct start *start)
{
    checkpoint_reader_close(start->reader);
    start->reader = NULL;
}

/* ---- The engine ---- */

static void take_origins(struct start *start, const struct engine *engine)
{
    const struct origins *origins = engine_origins(engine);
    struct sequence_base *base = &start->base.sequence;
    base->command_count = engine_last_command(engine);
    base->sealed_height = engine_sealed_height(engine);
    base->stamp_ns = engine_stamp(engine);
    for (uint32_t i = 0; i < origins->count; i++) {
        const struct origin *origin = &origins->members[i];
        if (origin->epoch == 0) continue;
        base->origins[base->origin_count++] =
            (struct sequence_origin){.node = origin->node,
                                     .epoch = origin->epoch,
                                     .nonce = origin->nonce,
                                     .last = origin->last_sequence,
                                     .expected = origin->last_sequence + 1};
    }
}

enum status start_engine(struct start *start, struct arena *arena, struct engine **engine)
{
    if (start->height == 0) {
        *engine = engine_new(arena, start->genesis);
        return *engine != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    const enum status status =
        restore_engine(arena, start->genesis, start->sections[CHECKPOINT_ENGINE],
                       start->section_bytes[CHECKPOINT_ENGINE], engine);
    if (status != STATUS_OK) return refused(start, "engine", status);
    if (engine_sealed_height(*engine) != start->height ||
        engine_sealed_command(*engine) != engine_last_command(*engine))
        return refused(start, "engine's height", STATUS_MISMATCH);
    take_origins(start, *engine);
    return STATUS_OK;
}

/* ---- Settlement and the digest ---- */

/* The name of what the header says otherwise, or NULL. */
static const char *header_differs(const struct start *start, struct settlement *settlement,
                                  const struct digest *digest)
{
    const uint8_t *bytes = checkpoint_reader_manifest(start->reader)->header;
    struct block_header header;
    struct settle_roots roots;
    if (!block_header_decode(bytes, &header)) return "header";
    settlement_roots(settlement, &roots);
    if (header.height != start->height || digest->height != start->height) return "height";
    if (!hash_equal(digest->last_hash, block_header_hash(bytes))) return "header's hash";
    if (digest->command != header.last_command) return "last command";
    if (!hash_equal(roots.state_root, header.state_root)) return "state root";
    if (!hash_equal(roots.totals_root, header.totals_root)) return "totals root";
    if (!hash_equal(roots.params_hash, header.params_hash)) return "parameters";
    return NULL;
}

enum status start_settlement(struct start *start, struct arena *arena,
                             const uint8_t tree_secret[HASH_BYTES], struct settlement **settlement,
                             struct digest *digest)
{
    struct chain_section section;
    if (start->height == 0) {
        *settlement = settlement_new(arena, start->genesis, tree_secret);
        if (*settlement == NULL) return STATUS_NO_MEMORY;
        digest_begin(digest, start->genesis, *settlement);
        return STATUS_OK;
    }
    enum status status = restore_settlement(
        arena, start->genesis, tree_secret, start->sections[CHECKPOINT_SETTLEMENT],
        start->section_bytes[CHECKPOINT_SETTLEMENT], settlement);
    if (status != STATUS_OK) return refused(start, "settlement", status);
    const bool whole = chain_section_get(start->sections[CHECKPOINT_CHAIN],
                                         start->section_bytes[CHECKPOINT_CHAIN], &section);
    ASSERT(whole); /* start_open has read it */
    status = digest_snapshot_get(digest, start->genesis, *settlement, section.digest,
                                 section.digest_bytes);
    if (status != STATUS_OK) return refused(start, "digest", status);
    const char *differs = header_differs(start, *settlement, digest);
    return differs == NULL ? STATUS_OK : refused(start, differs, STATUS_MISMATCH);
}

/* ---- The chain's files ---- */

static bool within(uint64_t base, uint64_t height, uint64_t tip)
{
    return base <= height && height <= tip;
}

/* Whether the chain has the checkpoint's block: then it goes on from there. One that begins above it is what is left
 * when a newer checkpoint was damaged. An index that says no may be wrong, or missing: the segments know, and the
 * index is made anew of them when the chain is opened. */
static enum status chain_reaches(const char *directory, uint64_t height, bool *reaches)
{
    struct chain *chain;
    struct chain_scan scan;
    enum status status = chain_open_reader(directory, &chain);
    if (status != STATUS_OK) return status;
    *reaches = within(chain_base(chain), height, chain_tip(chain));
    chain_close(chain);
    if (*reaches) return STATUS_OK;
    status = chain_scan(directory, &scan);
    if (status == STATUS_OK) *reaches = within(scan.base, height, scan.tip);
    if (status == STATUS_DAMAGED)
        log_error("node", "the chain is damaged", "file=\"%s\" offset=%" PRIu64 " what=\"%s\"",
                  scan.file, scan.file_offset, scan.fault);
    chain_scan_end(&scan);
    return status;
}

enum status start_chain(const struct start *start, const char *directory)
{
    uint64_t tip;
    bool reaches;
    if (start->height == 0) return STATUS_OK;
    enum status status = chain_reaches(directory, start->height, &reaches);
    if (status != STATUS_OK || reaches) return status;
    status = chain_quarantine(directory, true, &tip);
    if (status != STATUS_OK) return status;

    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    const size_t byte_count = checkpoint_reader_signatures(start->reader, certificate);
    log_info("node", "the chain begins at the checkpoint", "height=%" PRIu64, start->height);
    return chain_begin_at(directory, checkpoint_reader_manifest(start->reader)->header, certificate,
                          byte_count);
}
