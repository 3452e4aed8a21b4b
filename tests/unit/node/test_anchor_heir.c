/* An anchor whose state is a checkpoint's: what the log says of that checkpoint's own block comes after it. */

#include "ledger/root_vote.h"
#include "node/anchor.h"
#include "tests/unit/node/heir.h"

static struct workshop shop;
static struct heir heir;
static struct anchor *anchor;
static struct ring *applied, *liabilities;
static struct progress progress;
static struct metrics metrics;
static uint64_t due;
static char chain_folder[128];

static void follow(void *context, const struct applied *record, const struct command *command)
{
    const size_t byte_count = APPLIED_HEADER_BYTES + record->command_length + record->events_length;
    uint8_t *at = ring_reserve(applied, byte_count);
    (void)context;
    (void)command;
    assert_non_null(at);
    applied_header_put(at, record);
    at = le_put_bytes(at + APPLIED_HEADER_BYTES, record->command, record->command_length);
    le_put_bytes(at, record->events, record->events_length);
    ring_commit(applied, byte_count);
    (void)!ring_publish(applied);
    while (anchor_turn(anchor, 1))
        ;
    assert_int_equal(anchor_status(anchor), STATUS_OK);
}

static void ended(void *context, uint64_t height, const struct digest *digest,
                  const uint8_t *header, bool liabilities_due)
{
    (void)context;
    (void)digest;
    (void)header;
    if (liabilities_due) due = height;
}

/* A checkpoint of block 3, and an anchor over it. */
static void begin(uint32_t rules)
{
    workshop_begin(&shop);
    shop.journal.genesis.params.rules = rules; /* of the engines and settlements to come */
    maker_free(shop.maker);
    workshop_state_end(&shop.state);
    workshop_state_begin(&shop.state, &shop.journal.genesis);
    shop.journal.engine = shop.state.engine;
    workshop_make_maker(&shop);
    workshop_start(&shop);
    workshop_checkpoint(&shop, 3);
    workshop_stop(&shop);
    heir_begin(&heir, &shop);
    snprintf(chain_folder, sizeof(chain_folder), "%s/chain", shop.folder);
    assert_int_equal(mkdir(chain_folder, 0700), 0);
    assert_int_equal(start_chain(&heir.start, chain_folder), STATUS_OK);
    applied = workshop_ring();
    liabilities = workshop_ring();
    memset(&progress, 0, sizeof(progress));
    due = 0;
    static struct anchor_options options;
    options = (struct anchor_options){.genesis = &shop.journal.genesis,
                                      .node = 1,
                                      .secret_key = shop.journal.node_secret,
                                      .digest = &heir.state.digest,
                                      .chain_directory = chain_folder,
                                      .applied = applied,
                                      .park = &shop.park,
                                      .liabilities = liabilities,
                                      .maker_park = &shop.park,
                                      .checkpoint = ended,
                                      .metrics = &metrics,
                                      .progress = &progress};
    assert_int_equal(anchor_open(&options, &anchor), STATUS_OK);
    shop.follow = follow;
}

static void end(void)
{
    anchor_close(anchor);
    free(applied);
    free(liabilities);
    heir_end(&heir);
    workshop_end(&shop);
}

static void vote(uint64_t height, hash_t root)
{
    uint8_t payload[256];
    struct vote_command vote;
    certificate_statement_sign(CERTIFICATE_OF_LIABILITIES, shop.journal.node_secret,
                               genesis_chain_id(&shop.journal.genesis), 0, height, root, 1, &vote);
    vote_command_put(payload, &vote);
    journal_apply(&shop.journal, (struct command_header){.type = T_LIABILITIES_VOTE}, payload,
                  NULL);
}

/* A node that was stopped between its vote and the certificate: the votes lie above the checkpoint it begins with. */
TEST(anchor_heir, liabilities_of_its_own_checkpoint_are_certified)
{
    const hash_t root = hash_of("root", 4);
    size_t byte_count;
    begin(PARAMS_RULES);
    vote(3, root);
    const uint8_t *bytes = ring_peek(liabilities, &byte_count);
    assert_non_null(bytes);
    assert_int_equal(le_get_u64(bytes), 3);
    struct certificate certificate;
    assert_true(certificate_decode(bytes + 8, byte_count - 8, &certificate));
    assert_true(hash_equal(certificate.header_hash, root));
    end();
}

/* The hour of the checkpoint before is that of the block it began with, and not of its own life. */
TEST(anchor_heir, liabilities_are_due_as_for_everybody_else)
{
    begin(PARAMS_RULES);
    workshop_trade_to(&shop, 6);
    assert_int_equal(due, 0);
    shop.journal.stamp_ns += UINT64_C(3600000000000);
    workshop_trade_to(&shop, 9);
    assert_int_equal(due, 9);
    end();
}
