#include "node/verify.h"

#include "common/arena.h"
#include "engine/match.h"
#include "ledger/certificate.h"
#include "ledger/chain_scan.h"
#include "ledger/checkpoint.h"
#include "node/chain_section.h"
#include "node/conservation.h"
#include "node/digest.h"
#include "node/epoch_chain.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/key_file.h"
#include "node/start.h"
#include "node/trusted.h"
#include "node/verify_headers.h"
#include "node/verify_liabilities.h"
#include "node/verify_proof.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One audit under way. */
struct audit {
    const struct verify_options *options;
    const struct genesis *genesis;
    struct verify_result *result;
    struct arena engine_arena, settlement_arena, events_arena, conservation_arena;
    struct engine *engine;
    struct conservation *conservation;
    struct digest digest;
    struct validator_set voters; /* of the block in hand */
    struct chain *chain;
    struct chain *headers; /* another reader of the same: the block in hand stays good */
    uint8_t *events;       /* what re-execution of one command gives */
    size_t events_bytes;
    struct block_header previous;
    hash_t previous_hash;
};

static enum status wrong(struct audit *audit, uint64_t height, uint64_t command, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));

static enum status wrong(struct audit *audit, uint64_t height, uint64_t command, const char *format,
                         ...)
{
    struct verify_result *result = audit->result;
    va_list arguments;
    result->bad_height = height;
    result->bad_command = command;
    va_start(arguments, format);
    vsnprintf(result->reason, sizeof(result->reason), format, arguments);
    va_end(arguments);
    return STATUS_MISMATCH;
}

/* ---- The files ---- */

/* One folder with segments and an index. `within`: its name in what is said. */
static enum status check_folder(struct audit *audit, const char *directory, const char *within,
                                uint64_t *tip)
{
    struct chain_scan scan;
    enum status status = chain_scan(directory, &scan);
    if (status == STATUS_DAMAGED) {
        wrong(audit, scan.tip + 1, 0, "%s%s, byte %lu: %s", within, scan.file, scan.file_offset,
              scan.fault);
    } else if (status == STATUS_OK && scan.index_fault != NULL) {
        const uint64_t offset = scan.index_offset;
        const uint64_t height = offset < CHAIN_INDEX_HEADER_BYTES
                                    ? 1
                                    : (offset - CHAIN_INDEX_HEADER_BYTES) / CHAIN_ENTRY_BYTES + 1;
        wrong(audit, height, 0, "%sindex, byte %lu: %s", within, offset, scan.index_fault);
        status = STATUS_DAMAGED;
    } else if (status != STATUS_OK) {
        wrong(audit, 0, 0, "the chain cannot be read: %s", status_text(status));
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

/* ---- Execution ---- */

/* Names the first event in which the block and its re-execution differ. */
static enum status events_differ(struct audit *audit, uint64_t height, const struct applied *record,
                                 const uint8_t *ours_end)
{
    const uint8_t *ours = audit->events, *theirs = record->events;
    const uint8_t *const theirs_end = theirs + record->events_length;
    struct event our_event = {0}, their_event = {0};
    for (uint32_t ordinal = 0;; ordinal++) {
        const uint8_t *our_start = ours, *their_start = theirs;
        const bool our_more = event_next(&ours, ours_end, &our_event);
        const bool their_more = event_next(&theirs, theirs_end, &their_event);
        const size_t our_bytes = (size_t)(ours - our_start);
        const bool same = our_more && their_more && our_bytes == (size_t)(theirs - their_start) &&
                          memcmp(our_start, their_start, our_bytes) == 0;
        if (same) continue;
        return wrong(audit, height, record->number,
                     "event %u of command %lu is %s in the block, but the command gives %s%s",
                     ordinal, record->number, their_more ? message_name(their_event.type) : "none",
                     our_more ? message_name(our_event.type) : "none",
                     our_more && their_more && our_event.type == their_event.type
                         ? " with other figures"
                         : "");
    }
}

static enum status execute(struct audit *audit, uint64_t height, const struct applied *record,
                           const struct command *command)
{
    struct event_writer writer = {.at = audit->events, .end = audit->events + audit->events_bytes};
    match_step(audit->engine, command, record->number, record->stamp_ns, &writer);
    const size_t written = (size_t)(writer.at - audit->events);
    if (written != record->events_length || memcmp(audit->events, record->events, written) != 0)
        return events_differ(audit, height, record, writer.at);
    return STATUS_OK;
}

/* Money before anything else: it is the plainest thing to say of a block that has it wrong. */
static enum status check_money(struct audit *audit, uint64_t height,
                               const struct chain_block *block)
{
    struct conservation_fault fault;
    char text[sizeof(audit->result->reason) / 2];
    if (conservation_block(audit->conservation, block->body, block->body_bytes, &fault))
        return STATUS_OK;
    conservation_print(&fault, text, sizeof(text));
    return wrong(audit, height, fault.command, "%s", text);
}

/* Executes every command of a body whose bytes were checked. */
static enum status execute_body(struct audit *audit, uint64_t height,
                                const struct chain_block *block, struct digest_block *derived)
{
    const uint8_t *at = block->body, *const end = at + block->body_bytes;
    struct applied record;
    struct command command;
    bool sealed = false;
    while (block_next(&at, end, &record, &command)) {
        enum status status = execute(audit, height, &record, &command);
        if (status != STATUS_OK) return status;
        status = digest_record(&audit->digest, &record, &command, derived, &sealed);
        if (status == STATUS_MISMATCH)
            return wrong(audit, height, record.number, "settlement differs: %s",
                         audit->digest.fault);
        if (status != STATUS_OK) return status;
        audit->result->command_count++;
    }
    return sealed ? STATUS_OK : wrong(audit, height, 0, "no SEAL ends it");
}

/* ---- Blocks ---- */

static enum status check_certificate(struct audit *audit, uint64_t height, hash_t hash)
{
    const uint8_t *bytes;
    size_t byte_count;
    struct certificate certificate;
    const enum status status = chain_read_certificate(audit->chain, height, &bytes, &byte_count);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK)
        return wrong(audit, height, 0, "its certificate cannot be read: %s", status_text(status));
    if (!certificate_decode(bytes, byte_count, &certificate))
        return wrong(audit, height, 0, "its certificate is malformed");
    if (certificate.height != height || certificate.epoch != audit->previous.epoch ||
        !hash_equal(certificate.header_hash, hash))
        return wrong(audit, height, 0, "its certificate is for another header");
    const char *fault = certificate_fault(&certificate, audit->digest.chain_id, &audit->voters);
    if (fault != NULL) return wrong(audit, height, 0, "its certificate is not valid: %s", fault);
    audit->result->certified_height = height;
    return STATUS_OK;
}

/* What can be said of the block without executing it. */
static enum status check_bytes(struct audit *audit, uint64_t height,
                               const struct chain_block *block, struct block_header *header)
{
    struct block_fault fault;
    const struct block_header *previous = height == 1 ? NULL : &audit->previous;
    if (!block_header_decode(block->header, header))
        return wrong(audit, height, 0, "its header is not one of ours");
    if (!hash_equal(header->chain_id, audit->digest.chain_id))
        return wrong(audit, height, 0, "chain_id is not that of the genesis");
    if (!block_link_check(previous, audit->previous_hash, header, &fault) ||
        !block_body_check(header, block->body, block->body_bytes, &fault)) {
        if (fault.command == 0) return wrong(audit, height, 0, "%s is wrong", fault.what);
        return wrong(audit, height, fault.command, "%s at command %lu", fault.what, fault.command);
    }
    return STATUS_OK;
}

static enum status check_block(struct audit *audit, uint64_t height)
{
    struct chain_block block;
    struct block_header header;
    struct digest_block derived;
    enum status status = chain_read_block(audit->chain, height, &block);
    if (status == STATUS_NOT_FOUND && chain_first_body(audit->chain) > height) {
        snprintf(audit->result->reason, sizeof(audit->result->reason),
                 "the body of block %lu was taken away meanwhile: audit again", height);
        return status;
    }
    if (status != STATUS_OK)
        return wrong(audit, height, 0, "it cannot be read: %s", status_text(status));
    node_set_voters(&audit->digest.membership.nodes, &audit->voters);
    status = check_bytes(audit, height, &block, &header);
    if (status == STATUS_OK) status = check_money(audit, height, &block);
    if (status == STATUS_OK) status = execute_body(audit, height, &block, &derived);
    if (status != STATUS_OK) return status;
    const char *field = block_header_difference(&header, &derived.header);
    if (field != NULL) return wrong(audit, height, 0, "%s is not what its commands give", field);
    if (!hash_equal(conservation_root(audit->conservation), header.totals_root))
        return wrong(audit, height, 0, "totals_root is not what its events add up to");
    /* The fields are equal, so the bytes are unless the codec lost one. */
    if (memcmp(block.header, derived.bytes, BLOCK_HEADER_BYTES) != 0)
        return wrong(audit, height, 0, "its header's bytes are not canonical");

    audit->previous = header;
    audit->previous_hash = derived.hash;
    audit->result->height = height;
    audit->result->fill_count += header.fill_count;
    return check_certificate(audit, height, derived.hash);
}

/* ---- From the genesis ---- */

static enum status no_memory(struct audit *audit)
{
    wrong(audit, 0, 0, "not enough memory for the genesis parameters");
    return STATUS_NO_MEMORY;
}

static bool make_conservation(struct audit *audit)
{
    if (!arena_map(&audit->conservation_arena, conservation_bytes(audit->genesis))) return false;
    audit->conservation = conservation_new(&audit->conservation_arena, audit->genesis);
    return audit->conservation != NULL;
}

static enum status make_events(struct audit *audit)
{
    audit->events_bytes = engine_event_bytes_max(audit->engine);
    if (!arena_map(&audit->events_arena, audit->events_bytes)) return no_memory(audit);
    audit->events = audit->events_arena.bytes;
    return STATUS_OK;
}

static enum status execute_from(struct audit *audit, uint64_t first, uint64_t tip)
{
    enum status status = STATUS_OK;
    for (uint64_t height = first; height <= tip && status == STATUS_OK; height++)
        status = check_block(audit, height);
    if (status == STATUS_OK && first <= tip) audit->result->executed_from = first;
    return status;
}

static enum status audit_all(struct audit *audit, uint64_t tip)
{
    const struct genesis *genesis = audit->genesis;
    audit->engine = engine_new(&audit->engine_arena, genesis);
    struct settlement *settlement =
        settlement_new(&audit->settlement_arena, genesis, audit->options->tree_secret);
    if (audit->engine == NULL || settlement == NULL) return no_memory(audit);
    digest_begin(&audit->digest, genesis, settlement);
    audit->digest.chain = epoch_chain_of(audit->headers);
    const enum status status = make_events(audit);
    audit->result->executed_from = 1;
    audit->result->first_height = 1;
    audit->result->headers_word = VOTERS_GENESIS;
    return status == STATUS_OK ? execute_from(audit, 1, tip) : status;
}

/* ---- From a checkpoint ---- */

#define TRIES_MAX 8 /* of a node beside us that takes checkpoints away */

/* One that is of use, without those who vote for it: the lowest that the first bodies lead on from. Height 0: there is
 * none. One that is damaged is wrong, unless it was being taken away while we read. */
static enum status find_checkpoint(struct audit *audit, uint64_t lowest, uint64_t tip,
                                   struct start *start)
{
    const char *directory = audit->options->checkpoints;
    *start = (struct start){.genesis = audit->genesis};
    for (int tries = 0; directory != NULL && tries < TRIES_MAX; tries++) {
        uint64_t height, again;
        enum status status = checkpoint_lowest(directory, lowest, &height);
        if (status != STATUS_OK || height == 0 || height > tip) return status;
        status = start_audit(start, directory, audit->genesis, height);
        if (status == STATUS_OK) return status;
        start_close(start);
        *start = (struct start){.genesis = audit->genesis};
        if (checkpoint_lowest(directory, lowest, &again) != STATUS_OK || again == height)
            return wrong(audit, height, 0, "its checkpoint is not right: %s", status_text(status));
    }
    return STATUS_OK;
}

/* What the checkpoint says of voters is known by its own word. */
static enum status add_voters(const struct start *start, struct voters *voters)
{
    struct chain_section section;
    struct membership membership;
    struct validator_set set;
    if (!chain_section_get(start->sections[CHECKPOINT_CHAIN],
                           start->section_bytes[CHECKPOINT_CHAIN], &section) ||
        !digest_snapshot_membership(start->genesis, section.digest, section.digest_bytes,
                                    &membership))
        return STATUS_MALFORMED;
    node_set_voters(&membership.nodes, &set);
    const enum status status = voters_add(voters, &set);
    if (status != STATUS_OK) return status;
    node_set_voters(&membership.next, &set);
    return voters_add(voters, &set);
}

/* Whose signatures the checkpoint has, and what they are worth. STATUS_NOT_FOUND: nobody knows its voters. */
static enum status check_signatures(struct audit *audit, const struct start *start,
                                    const struct voters *voters)
{
    struct verify_result *result = audit->result;
    const struct checkpoint_manifest *manifest = checkpoint_reader_manifest(start->reader);
    const struct certificate *certificate = checkpoint_reader_certificate(start->reader);
    struct block_header header;
    size_t byte_count;
    const uint8_t *bytes = checkpoint_reader_manifest_bytes(start->reader, &byte_count);
    if (!block_header_decode(manifest->header, &header))
        return wrong(audit, start->height, 0, "its checkpoint has no header");
    const struct validator_set *set =
        voters_find(voters, header.validators_hash, &result->checkpoint_word);
    if (set == NULL) return STATUS_NOT_FOUND;
    const char *fault = checkpoint_fault(manifest, bytes, byte_count, certificate,
                                         genesis_chain_id(audit->genesis), set);
    if (fault != NULL)
        return wrong(audit, start->height, 0, "its checkpoint's certificate is not valid: %s",
                     fault);
    result->checkpoint_height = start->height;
    result->signer_count = certificate->vote_count;
    result->voter_count = set->count;
    result->quorum = validator_set_quorum(set);
    return STATUS_OK;
}

static enum status check_trusted(struct audit *audit, const struct verify_headers *headers)
{
    const struct verify_options *options = audit->options;
    if (headers->height != options->trusted_height ||
        hash_equal(headers->header.validators_hash, options->trusted))
        return STATUS_OK;
    return wrong(audit, headers->height, 0, "its voters are not those whom the operator named");
}

static enum status walk_headers(struct audit *audit, struct verify_headers *headers, uint64_t first,
                                uint64_t last)
{
    struct verify_result *result = audit->result;
    enum status status = STATUS_OK;
    for (uint64_t height = first; height <= last && status == STATUS_OK; height++) {
        status = verify_headers_next(headers, height);
        if (status == STATUS_OK) status = check_trusted(audit, headers);
    }
    result->first_height = first;
    result->height = headers->height;
    result->body_count = headers->body_count;
    result->conserved_height = headers->conserved_height;
    result->certificate_count = headers->certified_count;
    result->certified_height = headers->certified_height;
    result->headers_word = headers->word;
    result->unknown_count = headers->unknown_count;
    result->unknown_first = headers->unknown_first;
    result->unknown_last = headers->unknown_last;
    if (headers->bad_height > 0)
        wrong(audit, headers->bad_height, headers->bad_command, "%s", headers->reason);
    return status;
}

/* Money is counted on from the checkpoint: from what the blocks below it came to, when all of them were here. */
static enum status go_on(struct audit *audit, uint64_t height, bool counted,
                         const struct settlement *settlement)
{
    struct conservation_fault fault;
    char text[sizeof(audit->result->reason) / 2];
    if (!counted) {
        /* Some bodies may have been counted, and the next one lacked. */
        arena_unmap(&audit->conservation_arena);
        if (!make_conservation(audit)) return no_memory(audit);
        conservation_begin(audit->conservation, settlement, engine_params(audit->engine));
        return STATUS_OK;
    }
    if (conservation_meets(audit->conservation, settlement, &fault)) return STATUS_OK;
    conservation_print(&fault, text, sizeof(text));
    return wrong(audit, height, 0, "%s", text);
}

/* The state of the checkpoint, when it is that of the chain's own block. */
static enum status restore(struct audit *audit, struct start *start,
                           const struct verify_headers *headers)
{
    const uint64_t height = start->height;
    struct settlement *settlement = NULL;
    const uint8_t *header = checkpoint_reader_manifest(start->reader)->header;
    if (!hash_equal(block_header_hash(header), headers->hash))
        return wrong(audit, height, 0, "its checkpoint is of another header");
    enum status status = start_engine(start, &audit->engine_arena, &audit->engine);
    if (status == STATUS_OK)
        status = start_settlement(start, &audit->settlement_arena, audit->options->tree_secret,
                                  &settlement, &audit->digest);
    if (status == STATUS_NO_MEMORY) return no_memory(audit);
    if (status != STATUS_OK)
        return wrong(audit, height, 0, "its checkpoint's state is not that of the block: %s",
                     status_text(status));
    if (headers->from_first &&
        !hash_equal(history_root(&headers->history), history_root(&audit->digest.history)))
        return wrong(audit, height, 0, "its checkpoint's history is not that of the chain");
    status = go_on(audit, height, headers->conserved_height == height, settlement);
    if (status != STATUS_OK) return status;
    audit->digest.chain = epoch_chain_of(audit->headers);
    audit->previous = headers->header;
    audit->previous_hash = headers->hash;
    return make_events(audit);
}

static enum status no_checkpoint(struct audit *audit)
{
    snprintf(audit->result->reason, sizeof(audit->result->reason),
             "no checkpoint at or above block %lu is whole and signed by voters whom anybody knows",
             audit->options->from_checkpoint);
    return STATUS_NOT_FOUND;
}

/* Headers up to the checkpoint, its signatures and its state, and everything above it. */
static enum status audit_part(struct audit *audit, uint64_t tip)
{
    const struct verify_options *options = audit->options;
    const uint64_t base = chain_base(audit->chain), body = chain_first_body(audit->chain);
    const uint64_t first = base > 0 ? base : 1, least = body - 1 > first ? body - 1 : first;
    const uint64_t lowest = options->from_checkpoint > least ? options->from_checkpoint : least;
    struct verify_headers *headers = malloc(sizeof(*headers));
    struct voters *voters = NULL;
    struct start start = {0};
    enum status status = headers == NULL ? no_memory(audit) : STATUS_OK;
    if (status == STATUS_OK)
        status =
            voters_new(options->checkpoints != NULL ? options->checkpoints : "", audit->genesis,
                       options->trusted_height > 0 ? &options->trusted : NULL, &voters);
    if (status == STATUS_OK) status = find_checkpoint(audit, lowest, tip, &start);
    const bool found = start.reader != NULL;
    if (status == STATUS_OK && found) status = add_voters(&start, voters);
    if (status == STATUS_OK && found) status = check_signatures(audit, &start, voters);
    const bool starts = found && status == STATUS_OK;
    if (status == STATUS_NOT_FOUND) status = STATUS_OK; /* without its voters it is of no use */
    if (status == STATUS_OK && !starts && options->from_checkpoint > 0)
        status = no_checkpoint(audit);
    if (status == STATUS_OK) {
        verify_headers_begin(headers, audit->chain, voters, genesis_chain_id(audit->genesis),
                             audit->conservation);
        status = walk_headers(audit, headers, first, starts ? start.height : tip);
    }
    if (status == STATUS_OK && starts) status = restore(audit, &start, headers);
    if (status == STATUS_OK && starts) status = execute_from(audit, start.height + 1, tip);
    start_close(&start);
    voters_free(voters);
    free(headers);
    return status;
}

/* ---- An audit ---- */

static enum status prepare(struct audit *audit)
{
    const struct genesis *genesis = audit->genesis;
    if (!arena_map(&audit->engine_arena, engine_bytes(genesis)) ||
        !arena_map(&audit->settlement_arena, settlement_bytes(genesis)) ||
        !make_conservation(audit))
        return no_memory(audit);
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
        status = audits_all(audit, tip) ? audit_all(audit, tip) : audit_part(audit, tip);
    if (status != STATUS_OK && result->reason[0] == '\0')
        snprintf(result->reason, sizeof(result->reason), "%s", status_text(status));

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

/* ---- The command ---- */

static const char help[] =
    "usage: quorex verify --chain DIR [--checkpoint DIR] [--from-checkpoint HEIGHT]\n"
    "                     [--genesis FILE] [--tree-secret FILE] [--trust HEIGHT:HASH]\n"
    "       quorex verify --proof FILE --genesis FILE [--validators FILE] [--account PUBLICKEY]\n"
    "       quorex verify --liabilities FILE --genesis FILE ...  (--liabilities --help says more)\n"
    "\n"
    "Audits a chain without trusting it: reads every byte, checks every hash, link, root and\n"
    "signature, counts the money of every block, and executes every command again from the\n"
    "genesis. The first block that is wrong is named. A chain that lacks the first bodies is\n"
    "executed from the lowest checkpoint that the others lead on from; what that rests on is "
    "said.\n"
    "\n"
    "  --chain DIR         the folder with the chain files (a node's chain/)\n"
    "  --checkpoint DIR    the folder with checkpoints and lineage (default: DIR/../checkpoint)\n"
    "  --from-checkpoint HEIGHT\n"
    "                      execute from the lowest checkpoint at or above this height, to save "
    "time\n"
    "  --genesis FILE      the chain's genesis (default: DIR/../genesis.json)\n"
    "  --tree-secret FILE  the secret of the account tree (default: DIR/../keys/tree-secret-V, V\n"
    "                      being the genesis' version)\n"
    "  --trust HEIGHT:HASH an operator's word: the validatorsHash of a block, where the voters\n"
    "                      before could not sign the next ones over\n"
    "  --proof FILE        instead of a chain: one proof of an account, a trade or the totals, as "
    "the\n"
    "                      exchange answers it or its bytes alone\n"
    "  --validators FILE   of a proof: its block's voters, as somebody you trust says them at\n"
    "                      /quorex/v1/validators?height=HEIGHT (default: those of the genesis)\n"
    "  --account KEY       of an account's proof: the public key that must be in it\n"
    "  --help              this text\n"
    "\n"
    "Exit status: 0 the chain is right from the genesis on, 1 it is wrong, 2 it cannot be told,\n"
    "3 it is right as far as it goes: blocks below a checkpoint were not executed.\n";

struct verify_flags {
    const char *chain;
    const char *checkpoints;
    const char *from;
    const char *trust;
    const char *genesis;
    const char *tree_secret;
    struct verify_proof_options proof;
};

/* The exit status with which to end now, or -1 to go on. */
static int read_flags(int argc, char **argv, struct verify_flags *flags)
{
    static const struct option options[] = {{"chain", required_argument, NULL, 'c'},
                                            {"checkpoint", required_argument, NULL, 'k'},
                                            {"from-checkpoint", required_argument, NULL, 'f'},
                                            {"trust", required_argument, NULL, 'w'},
                                            {"genesis", required_argument, NULL, 'g'},
                                            {"tree-secret", required_argument, NULL, 't'},
                                            {"proof", required_argument, NULL, 'p'},
                                            {"validators", required_argument, NULL, 'v'},
                                            {"account", required_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    *flags = (struct verify_flags){0};
    optind = 1;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c') flags->chain = optarg;
        if (option == 'k') flags->checkpoints = optarg;
        if (option == 'f') flags->from = optarg;
        if (option == 'w') flags->trust = optarg;
        if (option == 'g') flags->genesis = optarg;
        if (option == 't') flags->tree_secret = optarg;
        if (option == 'p') flags->proof.proof = optarg;
        if (option == 'v') flags->proof.validators = optarg;
        if (option == 'a') flags->proof.account = optarg;
        if (option == 'h') fputs(help, stdout);
        if (option == 'h') return 0;
        if (option == '?') return 2;
    }
    const bool proves = flags->proof.proof != NULL && flags->genesis != NULL;
    flags->proof.genesis = flags->genesis;
    if ((flags->chain != NULL) != proves && optind == argc) return -1;
    fputs(help, stderr);
    return 2;
}

static bool read_height(const char *text, uint64_t *height)
{
    char *end;
    if (*text < '0' || *text > '9') return false;
    errno = 0;
    *height = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 && *height > 0;
}

static int read_inputs(const struct verify_flags *flags, struct genesis *genesis,
                       uint8_t tree_secret[32])
{
    char path[FILE_PATH_MAX], name[64];
    if (flags->genesis == NULL && !file_path(path, flags->chain, "../genesis.json")) return 2;
    if (genesis_read(flags->genesis != NULL ? flags->genesis : path, genesis) != STATUS_OK)
        return 2;
    snprintf(name, sizeof(name), "../keys/tree-secret-%u", genesis->params.tree_secret_version);
    if (flags->tree_secret == NULL && !file_path(path, flags->chain, name)) return 2;
    const char *secret = flags->tree_secret != NULL ? flags->tree_secret : path;
    return key_file_read(secret, tree_secret, 32) == STATUS_OK ? 0 : 2;
}

static const char *word_text(enum voters_word word)
{
    switch (word) {
    case VOTERS_GENESIS:
        return "whom the genesis leads to";
    case VOTERS_OPERATOR:
        return "whom the operator's word leads to";
    case VOTERS_OWN:
        break;
    }
    return "of whom only the checkpoint itself, or a step that nobody signed, says that they vote";
}

static void print_certified(const struct verify_result *result)
{
    if (result->certified_height == result->height)
        printf("all certified\n");
    else
        printf("certified to block %lu, the %lu after it not yet\n", result->certified_height,
               result->height - result->certified_height);
}

static void print_all(const struct verify_result *result)
{
    printf("right: %lu blocks, %lu commands, %lu fills; ", result->height, result->command_count,
           result->fill_count);
    if (result->height == 0)
        printf("the chain is empty\n");
    else
        print_certified(result);
}

static void print_part(const struct verify_result *result)
{
    const uint64_t last =
        result->checkpoint_height > 0 ? result->checkpoint_height : result->height;
    printf("right as far as it goes:\n");
    printf("  blocks %lu to %lu: headers, and the bytes of %lu bodies; not executed\n",
           result->first_height, last, result->body_count);
    printf("    %lu certificates%s%s\n", result->certificate_count,
           result->certificate_count > 0 ? ", by voters " : "",
           result->certificate_count > 0 ? word_text(result->headers_word) : "");
    if (result->unknown_count > 0)
        printf(
            "    %lu more, of blocks %lu to %lu, cannot be checked: nothing here says who voted\n",
            result->unknown_count, result->unknown_first, result->unknown_last);
    if (result->conserved_height > 0)
        printf("    money of blocks 1 to %lu: none made or lost, by their events\n",
               result->conserved_height);
    if (result->checkpoint_height > 0)
        printf("  block %lu: state of a checkpoint that %u of %u voters (%u needed) signed,\n"
               "    %s\n",
               result->checkpoint_height, result->signer_count, result->voter_count, result->quorum,
               word_text(result->checkpoint_word));
    else
        printf("  no checkpoint here leads on to the bodies: nothing was executed\n");
    if (result->executed_from > 0)
        printf("  blocks %lu to %lu: everything, executed again: %lu commands, %lu fills\n",
               result->executed_from, result->height, result->command_count, result->fill_count);
    printf("  ");
    print_certified(result);
}

static int audit_and_print(const struct verify_options *options)
{
    struct verify_result result;
    const enum status status = verify_audit(options, &result);
    if (status == STATUS_OK && result.executed_from == 1) {
        print_all(&result);
        return 0;
    }
    if (status == STATUS_OK) {
        print_part(&result);
        return 3;
    }
    if (result.bad_height > 0)
        printf("wrong: block %lu: %s\n", result.bad_height, result.reason);
    else
        fprintf(stderr, "quorex verify: %s\n", result.reason);
    return result.bad_height > 0 ? 1 : 2;
}

int verify_main(int argc, char **argv)
{
    struct verify_flags flags;
    uint8_t tree_secret[32];
    char checkpoints[FILE_PATH_MAX];
    if (verify_liabilities_asked(argc, argv)) return verify_liabilities_main(argc, argv);
    const int early = read_flags(argc, argv, &flags);
    if (early >= 0) return early;
    if (flags.proof.proof != NULL) return hash_start() ? verify_proof(&flags.proof) : 2;

    struct genesis *genesis = calloc(1, sizeof(*genesis));
    struct verify_options options = {.chain = flags.chain,
                                     .checkpoints = flags.checkpoints,
                                     .genesis = genesis,
                                     .tree_secret = tree_secret};
    int code = genesis == NULL || !hash_start() ? 2 : 0;
    if (code == 0 && flags.trust != NULL &&
        !trusted_word(flags.trust, &options.trusted_height, &options.trusted)) {
        fputs("quorex verify: --trust takes HEIGHT:HASH\n", stderr);
        code = 2;
    }
    if (code == 0 && flags.from != NULL && !read_height(flags.from, &options.from_checkpoint)) {
        fputs("quorex verify: --from-checkpoint takes a height\n", stderr);
        code = 2;
    }
    if (code == 0) code = read_inputs(&flags, genesis, tree_secret);
    if (options.checkpoints == NULL && file_path(checkpoints, flags.chain, "../checkpoint"))
        options.checkpoints = checkpoints;
    if (code == 0) code = audit_and_print(&options);
    sodium_memzero(tree_secret, sizeof(tree_secret));
    free(genesis);
    return code;
}
