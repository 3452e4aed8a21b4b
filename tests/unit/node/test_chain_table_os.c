#include "node/chain_table_os.h"

#include "gateway/chain_source.h"
#include "ledger/lineage.h"
#include "node/file_os.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/story.h"

static struct story story;
static struct chain_folder folder, evidence;
static struct chain_table *table;
static const struct chain_source *source;

/* Six blocks; those whose bit is set have a certificate. */
static void begin(uint32_t certified)
{
    char history[128];
    story_tell(&story, 0);
    chain_folder_make(&folder);
    chain_folder_make(&evidence);
    snprintf(history, sizeof(history), "%s/history", evidence.path);
    const struct chain_table_paths paths = {.chain = folder.path,
                                            .evidence = evidence.path,
                                            .history = history,
                                            .lineage = evidence.path};
    assert_int_equal(chain_table_open(&paths, &table), STATUS_OK);
    source = chain_table_source(table);
    /* Written after it was opened: it sees what comes. */
    story_write(&story, folder.path, certified);
}

static void end(void)
{
    chain_table_close(table);
    chain_folder_remove(&folder);
    chain_folder_remove(&evidence);
    story_end(&story);
}

/* Every header and body as it was written, and nothing above the tip. */
TEST(chain_table, blocks_are_those_of_the_files)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    const uint8_t *bytes;
    size_t byte_count;
    begin(0);
    assert_int_equal(source->base(source->context), 1);
    assert_int_equal(source->first_body(source->context), 1);
    for (uint64_t height = 1; height <= 6; height++) {
        const struct story_block *block = &story.blocks[height - 1];
        assert_int_equal(source->header(source->context, height, header), STATUS_OK);
        assert_memory_equal(header, block->bytes, BLOCK_HEADER_BYTES);
        assert_int_equal(source->body(source->context, height, &bytes, &byte_count), STATUS_OK);
        assert_int_equal(byte_count, block->body_bytes);
        assert_memory_equal(bytes, block->body, byte_count);
    }
    assert_int_equal(source->header(source->context, 7, header), STATUS_NOT_FOUND);
    assert_int_equal(source->body(source->context, 7, &bytes, &byte_count), STATUS_NOT_FOUND);
    end();
}

/* A certificate in the words of the gateway: whose signatures, on which header. */
TEST(chain_table, certificates_are_decoded)
{
    struct chain_certificate certificate;
    begin(1u << 3);
    assert_int_equal(source->certificate(source->context, 4, &certificate), STATUS_OK);
    assert_int_equal(certificate.height, 4);
    assert_int_equal(certificate.epoch, 0);
    assert_true(hash_equal(certificate.header_hash, story.blocks[3].hash));
    assert_int_equal(certificate.vote_count, 1);
    assert_int_equal(certificate.votes[0].node, 1);
    struct vote_command vote;
    certificate_sign(story.journal.node_secret, genesis_chain_id(&story.journal.genesis), 0, 4,
                     story.blocks[3].hash, 1, &vote);
    assert_memory_equal(certificate.votes[0].signature, vote.signature, SIGNATURE_BYTES);
    assert_int_equal(source->certificate(source->context, 3, &certificate), STATUS_NOT_FOUND);
    end();
}

/* Evidence comes by name, and what lies beside it is not shown. */
TEST(chain_table, evidence_is_listed_by_name)
{
    static const char *const names[] = {"b.json", "a.json", ".hidden.json", "note.txt"};
    struct chain_evidence found;
    char path[FILE_PATH_MAX];
    begin(0);
    assert_int_equal(source->evidence(source->context, 0, &found), STATUS_NOT_FOUND);
    for (size_t i = 0; i < 4; i++) {
        assert_true(file_path(path, evidence.path, names[i]));
        assert_int_equal(file_create(path, names[i], strlen(names[i]), 0600), STATUS_OK);
    }
    assert_int_equal(source->evidence(source->context, 0, &found), STATUS_OK);
    assert_string_equal(found.name, "a.json");
    assert_int_equal(found.text_bytes, 6);
    assert_memory_equal(found.text, "a.json", 6);
    assert_int_equal(source->evidence(source->context, 1, &found), STATUS_OK);
    assert_string_equal(found.name, "b.json");
    assert_int_equal(source->evidence(source->context, 2, &found), STATUS_NOT_FOUND);
    end();
}

/* Sets of voters by their hash, as the steps of the lineage come: whoever asks checks the hash himself. */
TEST(chain_table, voters_are_those_of_the_lineage)
{
    static struct certificate certificate;
    struct validator_set sets[3], found;
    uint8_t header[BLOCK_HEADER_BYTES];
    begin(0);
    for (uint32_t i = 0; i < 3; i++) {
        sets[i] = (struct validator_set){.count = i + 1};
        for (uint32_t k = 0; k <= i; k++)
            sets[i].members[k] = (struct validator){.node = k + 1, .public_key = {(uint8_t)i}};
        assert_int_equal(source->voters(source->context, validator_set_hash(&sets[i]), &found),
                         STATUS_NOT_FOUND);
        const struct block_header step = {.version = BLOCK_HEADER_VERSION, .height = 10 + i};
        block_header_encode(&step, header);
        assert_int_equal(lineage_append(evidence.path, header, &certificate, &sets[i]), STATUS_OK);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(source->voters(source->context, validator_set_hash(&sets[i]), &found),
                         STATUS_OK);
        assert_int_equal(found.count, i + 1);
        assert_true(hash_equal(validator_set_hash(&found), validator_set_hash(&sets[i])));
    }
    end();
}

/* The file of the tree need not be there yet: no proofs then, and no crash. */
TEST(chain_table, proofs_wait_for_their_file)
{
    struct chain_proof proof;
    hash_t root;
    begin(0);
    assert_int_not_equal(source->consistency(source->context, 2, 5, &proof), STATUS_OK);
    assert_int_not_equal(source->inclusion(source->context, 2, 5, &proof), STATUS_OK);
    assert_int_not_equal(source->root(source->context, 5, &root), STATUS_OK);
    end();
}
