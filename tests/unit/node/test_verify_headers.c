/* verify_headers.c and what verify.c makes of it: chains that begin later than block 1, or lack their older bodies, and
 * what is planted in them. */

#include "node/verify_headers.h"

#include "ledger/chain_files.h"
#include "node/verify.h"
#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/workshop.h"

#define TIP         14
#define CHECKPOINT  9 /* the lower of the two that are kept */
#define BLOCK_BYTES (64 * 1024)

struct kept_block {
    uint8_t header[BLOCK_HEADER_BYTES];
    uint8_t body[BLOCK_BYTES];
    size_t body_bytes;
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;
};

static struct workshop shop;
static struct chain_folder folder;
static struct kept_block blocks[TIP + 2]; /* by height */
static struct verify_result result;
static struct verify_options options;

static void certify(struct kept_block *block, uint64_t height)
{
    struct vote_command vote;
    struct certificate certificate = {
        .height = height, .header_hash = block_header_hash(block->header), .vote_count = 1};
    certificate_sign(shop.journal.node_secret, genesis_chain_id(&shop.journal.genesis), 0, height,
                     certificate.header_hash, 1, &vote);
    certificate.votes[0].node = 1;
    memcpy(certificate.votes[0].signature, vote.signature, SIGNATURE_BYTES);
    block->certificate_bytes = certificate_encode(&certificate, block->certificate);
}

static void keep(void *context, const struct applied *record, const struct command *command)
{
    const bool sealed = command->header.type == T_SEAL;
    const uint64_t height = shop.journal.height + (sealed ? 0 : 1);
    struct kept_block *block = &blocks[height];
    (void)context;
    uint8_t *at = block->body + block->body_bytes;
    applied_header_put(at, record);
    at = le_put_bytes(at + APPLIED_HEADER_BYTES, record->command, record->command_length);
    at = le_put_bytes(at, record->events, record->events_length);
    block->body_bytes = (size_t)(at - block->body);
    assert_true(block->body_bytes <= BLOCK_BYTES);
    if (!sealed) return;
    memcpy(block->header, shop.state.block.bytes, BLOCK_HEADER_BYTES);
    certify(block, height);
}

/* TIP blocks of a real engine and settlement, with real checkpoints of the last two of their heights. */
static void begin(void)
{
    memset(blocks, 0, sizeof(blocks));
    workshop_begin(&shop);
    workshop_start(&shop);
    shop.follow = keep;
    for (uint64_t at = WORKSHOP_EVERY; at < TIP; at += WORKSHOP_EVERY)
        workshop_checkpoint(&shop, at);
    workshop_trade_to(&shop, TIP);
    chain_folder_make(&folder);
    options = (struct verify_options){.chain = folder.path,
                                      .checkpoints = shop.checkpoints,
                                      .genesis = &shop.journal.genesis,
                                      .tree_secret = journal_tree_secret};
}

static void end(void)
{
    chain_folder_remove(&folder);
    workshop_end(&shop);
}

static void append(struct chain *chain, uint64_t height)
{
    const struct kept_block *block = &blocks[height];
    assert_int_equal(chain_append_block(chain, block->header, block->body, block->body_bytes),
                     STATUS_OK);
    if (block->certificate_bytes > 0)
        assert_int_equal(
            chain_append_certificate(chain, height, block->certificate, block->certificate_bytes),
            STATUS_OK);
}

/* All blocks, a segment each, and the bodies below `below` taken away. */
static void write_pruned(uint64_t below)
{
    struct chain *chain;
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    chain->segment_bytes = 1;
    for (uint64_t height = 1; height <= TIP; height++)
        append(chain, height);
    for (bool more = true; more;)
        assert_int_equal(chain_prune_bodies(chain, below, &more), STATUS_OK);
    assert_int_equal(chain_first_body(chain), below);
    chain_close(chain);
}

/* What a node has that joined at block `base`. */
static void write_joined(uint64_t base)
{
    struct chain *chain;
    assert_int_equal(chain_begin_at(folder.path, blocks[base].header, blocks[base].certificate,
                                    blocks[base].certificate_bytes),
                     STATUS_OK);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    for (uint64_t height = base + 1; height <= TIP; height++)
        append(chain, height);
    chain_close(chain);
}

static enum status audit(void)
{
    return verify_audit(&options, &result);
}

static void assert_wrong(uint64_t height, const char *reason)
{
    assert_int_equal(audit(), STATUS_MISMATCH);
    if (result.bad_height != height || strstr(result.reason, reason) == NULL)
        print_error("block %lu: %s\n", result.bad_height, result.reason);
    assert_int_equal(result.bad_height, height);
    assert_non_null(strstr(result.reason, reason));
}

/* The header's fields that follow from the body's bytes. */
static void remake(struct block_header *header, const struct chain_block *block)
{
    const uint8_t *at = block->body, *const end = at + block->body_bytes;
    struct block_header made = *header;
    struct applied record;
    struct seal seal;
    seal_begin(&seal, header->first_command);
    while (applied_next(&at, end, &record)) {
        const uint8_t *events = record.events;
        struct event event;
        seal_command(&seal, &record);
        while (event_next(&events, record.events + record.events_length, &event))
            seal_event(&seal, &event);
    }
    const struct seal_facts facts = {.height = header->height,
                                     .time_ns = header->time_ns,
                                     .epoch = header->epoch,
                                     .chain_id = header->chain_id,
                                     .prev_hash = header->prev_hash,
                                     .history_root = header->history_root,
                                     .state_root = header->state_root,
                                     .totals_root = header->totals_root,
                                     .validators_hash = header->validators_hash,
                                     .next_validators_hash = header->next_validators_hash,
                                     .params_hash = header->params_hash};
    seal_step(&seal, &facts, &made);
    *header = made;
}

static void assert_part(uint64_t first, uint64_t executed_from, uint64_t body_count)
{
    const enum status status = audit();
    if (status != STATUS_OK) print_error("block %lu: %s\n", result.bad_height, result.reason);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(result.height, TIP);
    assert_int_equal(result.certified_height, TIP);
    assert_int_equal(result.first_height, first);
    assert_int_equal(result.executed_from, executed_from);
    assert_int_equal(result.body_count, body_count);
    assert_int_equal(result.unknown_count, 0);
    assert_int_equal(result.headers_word, VOTERS_GENESIS);
}

/* ---- What is right ---- */

/* From the first body on everything is executed, over the state that the checkpoint has; what is below is looked at. */
TEST(verify_headers, pruned_chain_is_executed_from_its_checkpoint)
{
    begin();
    write_pruned(CHECKPOINT + 1);
    assert_part(1, CHECKPOINT + 1, 0);
    assert_int_equal(result.certificate_count, CHECKPOINT);
    assert_int_equal(result.checkpoint_height, CHECKPOINT);
    assert_int_equal(result.signer_count, 1);
    assert_int_equal(result.voter_count, 1);
    assert_int_equal(result.quorum, 1);
    assert_int_equal(result.checkpoint_word, VOTERS_GENESIS);
    assert_true(result.command_count > 0 && result.fill_count > 0);
    end();
}

/* Bodies below the lowest checkpoint are looked at as far as bytes go; the newest is not taken where a lower one does. */
TEST(verify_headers, lowest_checkpoint_of_use_is_taken)
{
    begin();
    write_pruned(CHECKPOINT - 3);
    assert_part(1, CHECKPOINT + 1, 4);
    chain_folder_remove(&folder);
    chain_folder_make(&folder);
    write_pruned(CHECKPOINT + 2);
    assert_part(1, CHECKPOINT + 4, 2);
    assert_int_equal(result.checkpoint_height, CHECKPOINT + 3);
    end();
}

TEST(verify_headers, joined_chain_is_executed_from_its_beginning)
{
    begin();
    write_joined(CHECKPOINT);
    assert_part(CHECKPOINT, CHECKPOINT + 1, 0);
    chain_folder_remove(&folder);
    chain_folder_make(&folder);
    write_joined(CHECKPOINT - 3); /* its first checkpoint has gone since */
    assert_part(CHECKPOINT - 3, CHECKPOINT + 1, 3);
    chain_folder_remove(&folder);
    chain_folder_make(&folder);
    write_pruned(1);
    assert_part(1, 1, 0); /* all bodies are here: the genesis alone is needed */
    assert_int_equal(result.checkpoint_height, 0);
    end();
}

/* All bodies are here, and the auditor asks for a checkpoint: below it money is counted, above it everything executed. */
TEST(verify_headers, checkpoint_that_is_asked_for_is_where_it_begins)
{
    begin();
    write_pruned(1);
    options.from_checkpoint = 1;
    assert_part(1, CHECKPOINT + 1, CHECKPOINT);
    assert_int_equal(result.conserved_height, CHECKPOINT);
    assert_int_equal(result.checkpoint_height, CHECKPOINT);
    const uint64_t commands = result.command_count;
    options.from_checkpoint = CHECKPOINT + 1;
    assert_part(1, CHECKPOINT + 4, CHECKPOINT + 3);
    assert_int_equal(result.conserved_height, CHECKPOINT + 3);
    assert_true(result.command_count < commands);
    options.from_checkpoint = TIP + 1;
    assert_int_equal(audit(), STATUS_NOT_FOUND);
    assert_non_null(strstr(result.reason, "no checkpoint at or above block"));
    end();
}

/* Forged below the checkpoint, where nothing is executed, with header and certificate made anew as far as the next block:
 * that money was made is found by counting. */
TEST(verify_headers, money_made_below_the_checkpoint_is_found)
{
    struct block_header header;
    begin();
    struct kept_block *block = &blocks[CHECKPOINT - 1];
    const uint8_t *at = block->body;
    struct applied record = {0};
    uint8_t *balance = NULL;
    while (balance == NULL && applied_next(&at, block->body + block->body_bytes, &record)) {
        const uint8_t *next = record.events;
        struct event event;
        while (event_next(&next, record.events + record.events_length, &event))
            if (event.type == T_BALANCE) balance = (uint8_t *)(uintptr_t)event.payload;
    }
    assert_non_null(balance);
    le_put_i64(balance, le_get_i64(balance) + 3);
    struct chain_block forged = {.body = block->body, .body_bytes = block->body_bytes};
    assert_true(block_header_decode(block->header, &header));
    remake(&header, &forged);
    block_header_encode(&header, block->header);
    certify(block, CHECKPOINT - 1);
    write_pruned(1);
    options.from_checkpoint = 1;
    assert_wrong(CHECKPOINT - 1, "conservation: what is owed is not what came in: asset");
    end();
}

/* Without a checkpoint nothing is executed, and that is said. */
TEST(verify_headers, without_a_checkpoint_headers_only)
{
    begin();
    write_pruned(CHECKPOINT + 1);
    options.checkpoints = NULL;
    assert_part(1, 0, TIP - CHECKPOINT);
    assert_int_equal(result.command_count, 0);
    assert_int_equal(result.checkpoint_height, 0);
    end();
}

/* An operator's word is looked up where the block is here. */
TEST(verify_headers, operator_s_word_must_be_that_of_the_block)
{
    begin();
    write_pruned(CHECKPOINT + 1);
    options.trusted_height = 4;
    options.trusted = validator_set_hash(&shop.journal.genesis.validators);
    assert_part(1, CHECKPOINT + 1, 0);
    options.trusted.bytes[3] ^= 1;
    assert_wrong(4, "operator");
    end();
}

/* ---- What is wrong: each with its records made anew around it ---- */

TEST(verify_headers, altered_header_is_refused)
{
    begin();
    blocks[5].header[300] ^= 1;
    certify(&blocks[5], 5);
    write_pruned(CHECKPOINT + 1);
    assert_wrong(6, "prev_hash");
    end();
}

TEST(verify_headers, altered_certificate_is_refused)
{
    begin();
    blocks[4].certificate[blocks[4].certificate_bytes - 1] ^= 1;
    write_pruned(CHECKPOINT + 1);
    assert_wrong(4, "its certificate is not valid");
    chain_folder_remove(&folder);
    chain_folder_make(&folder);
    certify(&blocks[4], 4);
    blocks[7].certificate[16] ^= 1; /* the hash that it names */
    write_pruned(CHECKPOINT + 1);
    assert_wrong(7, "another header");
    end();
}

/* A body that is not executed is still the one that its header names. */
TEST(verify_headers, altered_body_is_refused)
{
    begin();
    blocks[8].body[blocks[8].body_bytes - 1] ^= 1;
    write_joined(CHECKPOINT - 3);
    assert_int_equal(audit(), STATUS_MISMATCH);
    assert_int_equal(result.bad_height, 8);
    end();
}

/* Above the checkpoint the forger makes header and certificate anew: execution finds him. */
TEST(verify_headers, altered_state_above_the_checkpoint_is_refused)
{
    struct block_header header;
    begin();
    assert_true(block_header_decode(blocks[TIP].header, &header));
    header.state_root.bytes[0] ^= 1;
    block_header_encode(&header, blocks[TIP].header);
    certify(&blocks[TIP], TIP);
    write_pruned(CHECKPOINT + 1);
    assert_wrong(TIP, "state_root");
    assert_int_equal(result.height, TIP - 1);
    end();
}

/* A byte of a file, nothing made anew: named with its file. */
TEST(verify_headers, rotten_headers_file_is_named)
{
    begin();
    write_pruned(CHECKPOINT + 1);
    chain_folder_flip(&folder, "00000007.headers", 100, 1); /* a record a file */
    assert_int_equal(audit(), STATUS_DAMAGED);
    assert_int_equal(result.bad_height, 4);
    assert_non_null(strstr(result.reason, "00000007.headers, byte 0"));
    end();
}

/* ---- Wrong checkpoints ---- */

static void rot(const char *name, off_t offset)
{
    char path[256];
    uint8_t byte;
    snprintf(path, sizeof(path), "%s/%d/%s", shop.checkpoints, CHECKPOINT, name);
    const int file = open(path, O_RDWR);
    assert_int_equal(pread(file, &byte, 1, offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(file, &byte, 1, offset), 1);
    close(file);
}

/* Rotten in whatever file: named, and left as it is, for an auditor changes nothing. */
TEST(verify_headers, rotten_checkpoint_is_named_and_left)
{
    static const struct {
        const char *name;
        off_t offset;
    } places[] = {{"00000.chunk", 50},
                  {"manifest", 20},
                  {"manifest", 300},
                  {"certificate", 20},
                  {"certificate", CERTIFICATE_HEADER_BYTES + 10}};
    begin();
    write_pruned(CHECKPOINT + 1);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        rot(places[i].name, places[i].offset);
        assert_wrong(CHECKPOINT, "its checkpoint");
        rot(places[i].name, places[i].offset);
        assert_part(1, CHECKPOINT + 1, 0);
    }
    end();
}

/* One of another history, whole and signed by the right voter: the chain does not have its header. */
TEST(verify_headers, checkpoint_of_another_history_is_refused)
{
    static struct workshop other;
    begin();
    write_pruned(CHECKPOINT + 1);
    static struct genesis genesis;
    genesis = shop.journal.genesis;
    options.genesis = &genesis;
    workshop_end(&shop);
    workshop_begin(&other);
    workshop_start(&other);
    workshop_trade_to(&other, 2);
    journal_trade(&other.journal, 4000000);
    struct checkpoint_vote_command vote;
    assert_true(workshop_vote(&other, &vote));
    workshop_certify(&other, WORKSHOP_EVERY, workshop_root(&vote));
    workshop_await_certified(&other, WORKSHOP_EVERY);
    workshop_ready(&other);
    for (uint64_t at = 2 * WORKSHOP_EVERY; at <= CHECKPOINT; at += WORKSHOP_EVERY)
        workshop_checkpoint(&other, at);
    options.checkpoints = other.checkpoints;
    assert_wrong(CHECKPOINT, "another header");
    workshop_end(&other);
    chain_folder_remove(&folder);
}

/* Signed, but by nobody who votes. */
TEST(verify_headers, checkpoint_signed_by_a_stranger_is_refused)
{
    char path[256];
    uint8_t bytes[CERTIFICATE_BYTES_MAX], seed[32] = "nobody", secret[SECRET_KEY_BYTES], key[32];
    static struct certificate certificate;
    struct checkpoint_vote_command vote;
    begin();
    write_pruned(CHECKPOINT + 1);
    snprintf(path, sizeof(path), "%s/%d/certificate", shop.checkpoints, CHECKPOINT);
    const int file = open(path, O_RDWR);
    const ssize_t count = read(file, bytes, sizeof(bytes));
    assert_true(certificate_decode(bytes, (size_t)count, &certificate));
    crypto_sign_seed_keypair(key, secret, seed);
    checkpoint_sign(secret, genesis_chain_id(&shop.journal.genesis), 0, CHECKPOINT,
                    certificate.header_hash, 1, &vote);
    memcpy(certificate.votes[0].signature, vote.signature, SIGNATURE_BYTES);
    assert_int_equal(pwrite(file, bytes, certificate_encode(&certificate, bytes), 0), count);
    close(file);
    assert_wrong(CHECKPOINT, "certificate is not valid");
    end();
}

/* With another tree secret the state is not the one that the header names. */
TEST(verify_headers, other_tree_secret_is_not_right)
{
    static const uint8_t other[32] = "not the secret";
    begin();
    write_pruned(CHECKPOINT + 1);
    options.tree_secret = other;
    assert_wrong(CHECKPOINT, "state is not that of the block");
    end();
}

/* A header must follow: what a chain of other voters, or of a later epoch, says is looked at height by height. */
TEST(verify_headers, unknown_voters_are_said)
{
    static struct verify_headers headers;
    static struct genesis other;
    struct voters *voters;
    struct chain *chain;
    begin();
    write_pruned(CHECKPOINT + 1);
    other = shop.journal.genesis;
    other.validators.members[0].public_key[0] ^= 1;
    assert_int_equal(voters_new(shop.folder, &other, NULL, &voters), STATUS_OK);
    assert_int_equal(chain_open_reader(folder.path, &chain), STATUS_OK);
    verify_headers_begin(&headers, chain, voters, genesis_chain_id(&shop.journal.genesis), NULL);
    for (uint64_t height = 1; height <= CHECKPOINT; height++)
        assert_int_equal(verify_headers_next(&headers, height), STATUS_OK);
    assert_int_equal(headers.certified_count, 0);
    assert_int_equal(headers.certified_height, 0);
    assert_int_equal(headers.unknown_count, CHECKPOINT);
    assert_int_equal(headers.unknown_first, 1);
    assert_int_equal(headers.unknown_last, CHECKPOINT);
    chain_close(chain);
    voters_free(voters);
    end();
}
