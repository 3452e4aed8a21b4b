#include "node/verify.h"

#include "common/arena.h"
#include "engine/match.h"
#include "ledger/certificate.h"
#include "ledger/chain_scan.h"
#include "node/digest.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/key_file.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One audit under way. */
struct audit {
    const struct genesis *genesis;
    struct verify_result *result;
    struct arena engine_arena, settlement_arena, events_arena;
    struct engine *engine;
    struct digest digest;
    struct validator_set voters; /* of the block in hand */
    struct chain *chain;
    uint8_t *events; /* what re-execution of one command gives */
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

static enum status check_files(struct audit *audit, const char *directory, uint64_t *tip)
{
    struct chain_scan scan;
    enum status status = chain_scan(directory, &scan);
    if (status == STATUS_DAMAGED) {
        wrong(audit, scan.tip + 1, 0, "%s, byte %lu: %s", scan.file, scan.file_offset, scan.fault);
    } else if (status == STATUS_OK && scan.index_fault != NULL) {
        const uint64_t offset = scan.index_offset;
        const uint64_t height = offset < CHAIN_INDEX_HEADER_BYTES
                                    ? 1
                                    : (offset - CHAIN_INDEX_HEADER_BYTES) / CHAIN_ENTRY_BYTES + 1;
        wrong(audit, height, 0, "index, byte %lu: %s", offset, scan.index_fault);
        status = STATUS_DAMAGED;
    } else if (status != STATUS_OK) {
        wrong(audit, 0, 0, "the chain cannot be read: %s", status_text(status));
    }
    *tip = scan.tip;
    chain_scan_end(&scan);
    return status;
}

/* A chain that was joined at a checkpoint, or whose older bodies went, may be right: nobody can tell from it alone. */
static enum status check_beginning(struct audit *audit, uint64_t tip)
{
    const uint64_t first = chain_first_body(audit->chain);
    if (tip == 0 || first == 1) return STATUS_OK;
    snprintf(audit->result->reason, sizeof(audit->result->reason),
             "its bodies begin with block %lu: audit the chain of a node that keeps them all",
             first);
    return STATUS_NOT_FOUND;
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
    if (status != STATUS_OK)
        return wrong(audit, height, 0, "it cannot be read: %s", status_text(status));
    node_set_voters(&audit->digest.membership.nodes, &audit->voters);
    status = check_bytes(audit, height, &block, &header);
    if (status == STATUS_OK) status = execute_body(audit, height, &block, &derived);
    if (status != STATUS_OK) return status;
    const char *field = block_header_difference(&header, &derived.header);
    if (field != NULL) return wrong(audit, height, 0, "%s is not what its commands give", field);
    /* The fields are equal, so the bytes are unless the codec lost one. */
    if (memcmp(block.header, derived.bytes, BLOCK_HEADER_BYTES) != 0)
        return wrong(audit, height, 0, "its header's bytes are not canonical");

    audit->previous = header;
    audit->previous_hash = derived.hash;
    audit->result->height = height;
    audit->result->fill_count += header.fill_count;
    return check_certificate(audit, height, derived.hash);
}

/* ---- An audit ---- */

static enum status prepare(struct audit *audit, const char *directory,
                           const uint8_t tree_secret[32])
{
    const struct genesis *genesis = audit->genesis;
    struct settlement *settlement = NULL;
    if (arena_map(&audit->engine_arena, engine_bytes(genesis)))
        audit->engine = engine_new(&audit->engine_arena, genesis);
    if (arena_map(&audit->settlement_arena, settlement_bytes(genesis)))
        settlement = settlement_new(&audit->settlement_arena, genesis, tree_secret);
    if (audit->engine != NULL) {
        audit->events_bytes = engine_event_bytes_max(audit->engine);
        if (arena_map(&audit->events_arena, audit->events_bytes))
            audit->events = audit->events_arena.bytes;
    }
    if (audit->engine == NULL || settlement == NULL || audit->events == NULL) {
        wrong(audit, 0, 0, "not enough memory for the genesis parameters");
        return STATUS_NO_MEMORY;
    }
    digest_begin(&audit->digest, genesis, settlement);
    return chain_open_reader(directory, &audit->chain);
}

enum status verify_chain(const char *directory, const struct genesis *genesis,
                         const uint8_t tree_secret[32], struct verify_result *result)
{
    *result = (struct verify_result){0};
    struct audit *audit = calloc(1, sizeof(*audit));
    if (audit == NULL) return STATUS_NO_MEMORY;
    audit->genesis = genesis;
    audit->result = result;

    uint64_t tip = 0;
    enum status status = check_files(audit, directory, &tip);
    if (status == STATUS_OK) status = prepare(audit, directory, tree_secret);
    if (status == STATUS_OK) status = check_beginning(audit, tip);
    for (uint64_t height = 1; height <= tip && status == STATUS_OK; height++)
        status = check_block(audit, height);

    chain_close(audit->chain);
    arena_unmap(&audit->engine_arena);
    arena_unmap(&audit->settlement_arena);
    arena_unmap(&audit->events_arena);
    free(audit);
    return status;
}

/* ---- The command ---- */

static const char help[] =
    "usage: quorex verify --chain DIR [--genesis FILE] [--tree-secret FILE]\n"
    "\n"
    "Audits a chain without trusting it: reads every byte, checks every hash, link, root and\n"
    "signature, and executes every command again from the genesis. The first block that is wrong\n"
    "is named.\n"
    "\n"
    "  --chain DIR         the folder with the chain files (a node's chain/)\n"
    "  --genesis FILE      the chain's genesis (default: DIR/../genesis.json)\n"
    "  --tree-secret FILE  the secret of the account tree (default: DIR/../keys/tree-secret-V, V\n"
    "                      being the genesis' version)\n"
    "  --help              this text\n"
    "\n"
    "Exit status: 0 the chain is right, 1 it is not, 2 it cannot be told.\n";

struct verify_flags {
    const char *chain;
    const char *genesis;
    const char *tree_secret;
};

/* The exit status with which to end now, or -1 to go on. */
static int read_flags(int argc, char **argv, struct verify_flags *flags)
{
    static const struct option options[] = {{"chain", required_argument, NULL, 'c'},
                                            {"genesis", required_argument, NULL, 'g'},
                                            {"tree-secret", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    *flags = (struct verify_flags){0};
    optind = 1;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c') flags->chain = optarg;
        if (option == 'g') flags->genesis = optarg;
        if (option == 't') flags->tree_secret = optarg;
        if (option == 'h') fputs(help, stdout);
        if (option == 'h') return 0;
        if (option == '?') return 2;
    }
    if (flags->chain != NULL && optind == argc) return -1;
    fputs(help, stderr);
    return 2;
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

static void print_right(const struct verify_result *result)
{
    printf("right: %lu blocks, %lu commands, %lu fills", result->height, result->command_count,
           result->fill_count);
    if (result->height == 0)
        printf("; the chain is empty\n");
    else if (result->certified_height == result->height)
        printf("; all certified\n");
    else
        printf("; certified to block %lu, the %lu after it not yet\n", result->certified_height,
               result->height - result->certified_height);
}

int verify_main(int argc, char **argv)
{
    struct verify_flags flags;
    uint8_t tree_secret[32];
    struct verify_result result;
    const int early = read_flags(argc, argv, &flags);
    if (early >= 0) return early;

    struct genesis *genesis = calloc(1, sizeof(*genesis));
    int code = genesis == NULL || !hash_start() ? 2 : read_inputs(&flags, genesis, tree_secret);
    if (code == 0) {
        const enum status status = verify_chain(flags.chain, genesis, tree_secret, &result);
        if (status == STATUS_OK)
            print_right(&result);
        else if (result.bad_height > 0)
            printf("wrong: block %lu: %s\n", result.bad_height, result.reason);
        else
            fprintf(stderr, "quorex verify: %s\n", result.reason);
        if (status != STATUS_OK) code = result.bad_height > 0 ? 1 : 2;
    }
    sodium_memzero(tree_secret, sizeof(tree_secret));
    free(genesis);
    return code;
}
