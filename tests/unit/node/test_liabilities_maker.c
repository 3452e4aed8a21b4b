#include "node/liabilities_maker.h"

#include "ledger/chain.h"
#include "ledger/root_vote.h"
#include "settlement/liabilities_file.h"
#include "tests/unit/node/workshop.h"

#include <sys/resource.h>

/* A workshop whose maker makes liabilities, and a chain of its headers, each with its certificate. */
static struct workshop shop;
static struct liabilities_maker *maker;
static struct metrics metrics;
static struct ring *certificates, *votes;
static struct chain *chain;
static char liabilities[128], shelf[128], chain_folder[128];
static bool withholds_certificates; /* of blocks */
static uint64_t vote_again_ns;

static void certify_block(uint64_t height)
{
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    struct vote_command vote;
    struct certificate certificate = {
        .height = height, .header_hash = shop.state.block.hash, .vote_count = 1};
    certificate_sign(shop.journal.node_secret, genesis_chain_id(&shop.journal.genesis), 0, height,
                     certificate.header_hash, 1, &vote);
    certificate.votes[0].node = 1;
    memcpy(certificate.votes[0].signature, vote.signature, SIGNATURE_BYTES);
    const size_t byte_count = certificate_encode(&certificate, bytes);
    assert_int_equal(chain_append_certificate(chain, height, bytes, byte_count), STATUS_OK);
}

static void follow(void *context, const struct applied *record, const struct command *command)
{
    (void)context;
    (void)record;
    const uint64_t height = shop.state.digest.height;
    if (command->header.type != T_SEAL || height == chain_tip(chain)) return;
    assert_int_equal(chain_append_header(chain, shop.state.block.bytes), STATUS_OK);
    if (!withholds_certificates) certify_block(height);
}

static struct liabilities_maker *new_maker(const struct settlement *settlement)
{
    const struct liabilities_maker_options own = {.genesis = &shop.journal.genesis,
                                                  .node = 1,
                                                  .secret_key = shop.journal.node_secret,
                                                  .directory = liabilities,
                                                  .shelf = shelf,
                                                  .chain_directory = chain_folder,
                                                  .settlement = settlement,
                                                  .certificates = certificates,
                                                  .votes = votes,
                                                  .consensus_park = &shop.consensus_park,
                                                  .vote_again_ns = vote_again_ns,
                                                  .progress = &shop.progress,
                                                  .metrics = &metrics};
    struct liabilities_maker *made = liabilities_maker_new(&own);
    assert_non_null(made);
    return made;
}

static void make_makers(void)
{
    maker = new_maker(shop.state.settlement);
    shop.liabilities = maker;
    shop.shelf = shelf;
    workshop_make_maker(&shop);
}

static void begin(void)
{
    workshop_begin(&shop);
    maker_free(shop.maker);
    memset(&metrics, 0, sizeof(metrics));
    withholds_certificates = false;
    vote_again_ns = LIABILITIES_VOTE_AGAIN_NS;
    snprintf(liabilities, sizeof(liabilities), "%s/liabilities", shop.folder);
    snprintf(shelf, sizeof(shelf), "%s/proofs", shop.folder);
    snprintf(chain_folder, sizeof(chain_folder), "%s/chain", shop.folder);
    assert_int_equal(mkdir(chain_folder, 0700), 0);
    assert_int_equal(chain_open(chain_folder, &chain), STATUS_OK);
    certificates = workshop_ring();
    votes = workshop_ring();
    shop.liabilities_due = true;
    shop.follow = follow;
    make_makers();
    workshop_start(&shop);
}

static void end(void)
{
    workshop_stop(&shop);
    assert_int_equal(shop.ended, STATUS_OK);
    chain_close(chain);
    liabilities_maker_free(maker);
    free(certificates);
    free(votes);
    workshop_end(&shop);
}

static bool take_vote(struct vote_command *vote)
{
    size_t byte_count;
    const uint8_t *bytes = NULL;
    for (int waits = 0; bytes == NULL && waits < WORKSHOP_WAITS; waits++) {
        bytes = ring_peek(votes, &byte_count);
        if (bytes == NULL) workshop_rest();
    }
    if (bytes == NULL) return false;
    struct command command;
    assert_true(command_decode(bytes, byte_count, &command));
    assert_int_equal(command.header.type, T_LIABILITIES_VOTE);
    vote_command_get(command.payload, vote);
    ring_pop(votes);
    ring_release(votes);
    return true;
}

static void certify(uint64_t height, hash_t root)
{
    uint8_t bytes[8 + CERTIFICATE_BYTES_MAX];
    struct vote_command vote;
    struct certificate certificate = {.height = height, .header_hash = root, .vote_count = 1};
    certificate_statement_sign(CERTIFICATE_OF_LIABILITIES, shop.journal.node_secret,
                               genesis_chain_id(&shop.journal.genesis), 0, height, root, 1, &vote);
    certificate.votes[0].node = 1;
    memcpy(certificate.votes[0].signature, vote.signature, SIGNATURE_BYTES);
    le_put_u64(bytes, height);
    workshop_put(certificates, &shop.park, bytes, 8 + certificate_encode(&certificate, bytes + 8));
}

/* A checkpoint, certified: what its liabilities wait for. */
static void checkpoint(uint64_t height)
{
    struct vote_command vote;
    workshop_trade_to(&shop, height);
    assert_true(workshop_vote(&shop, &vote));
    assert_int_equal(vote.height, height);
    workshop_certify(&shop, height, root_vote_root(&vote));
}

static void stop(void)
{
    workshop_stop(&shop);
    assert_int_equal(shop.ended, STATUS_OK);
}

static void start_again(void)
{
    maker_free(shop.maker);
    liabilities_maker_free(maker);
    atomic_store(&shop.progress.stopping, 0);
    make_makers();
    workshop_start(&shop);
}

static void restart(void)
{
    stop();
    start_again();
}

static bool is_made(uint64_t height)
{
    struct liabilities_entry entry;
    return liabilities_file_entry(liabilities, height, &entry) == STATUS_OK;
}

static void await_failed(uint64_t count)
{
    for (int waits = 0; waits < WORKSHOP_WAITS; waits++) {
        if (metric_get(&metrics.liabilities_failed_total) == count) return;
        workshop_rest();
    }
    fail_msg("nothing failed");
}

static bool is_certified(uint64_t height)
{
    struct liabilities_entry entry;
    return liabilities_file_entry(liabilities, height, &entry) == STATUS_OK && entry.is_certified;
}

static void await_certified(uint64_t height)
{
    for (int waits = 0; !is_certified(height) && waits < WORKSHOP_WAITS; waits++)
        workshop_rest();
    assert_true(is_certified(height));
}

/* It is voted for by its root, and counts when its certificate has come. */
TEST(liabilities_maker, what_is_due_is_made_and_certified)
{
    struct vote_command vote;
    struct liabilities_entry entry;
    begin();
    checkpoint(3);
    workshop_trade_to(&shop, 5);
    assert_true(take_vote(&vote));
    assert_int_equal(vote.height, 3);
    assert_int_equal(vote.node, 1);
    assert_true(certificate_statement_valid(CERTIFICATE_OF_LIABILITIES, &vote,
                                            genesis_chain_id(&shop.journal.genesis),
                                            &shop.journal.genesis.validators));
    assert_int_equal(liabilities_file_entry(liabilities, 3, &entry), STATUS_OK);
    assert_true(hash_equal(liabilities_root(&entry.head), root_vote_root(&vote)));
    assert_true(hash_equal(entry.head.header_hash, block_header_hash(shop.headers[3])));
    assert_false(entry.is_certified);
    certify(3, root_vote_root(&vote));
    await_certified(3);
    workshop_stop(&shop);
    assert_int_equal(metric_get(&metrics.liabilities_height), 3);
    assert_int_equal(metric_get(&metrics.liabilities_certified), 3);
    assert_int_equal(atomic_load(&shop.progress.halted), 0);
    end();
}

/* As for a checkpoint. */
TEST(liabilities_maker, no_vote_comes_before_the_block_is_certified)
{
    struct vote_command vote;
    struct liabilities_entry entry;
    size_t byte_count;
    begin();
    workshop_trade_to(&shop, 3);
    assert_true(workshop_vote(&shop, &vote));
    atomic_store(&shop.progress.certified_height, 2);
    workshop_certify(&shop, 3, root_vote_root(&vote));
    for (int waits = 0; liabilities_file_entry(liabilities, 3, &entry) != STATUS_OK; waits++) {
        assert_true(waits < WORKSHOP_WAITS);
        workshop_rest();
    }
    workshop_ready(&shop); /* it has made them, and looked around */
    assert_null(ring_peek(votes, &byte_count));
    atomic_store(&shop.progress.certified_height, 3);
    park_wake(&shop.park);
    assert_true(take_vote(&vote));
    assert_int_equal(vote.height, 3);
    end();
}

TEST(liabilities_maker, what_is_not_due_is_not_made)
{
    size_t byte_count;
    begin();
    shop.liabilities_due = false;
    checkpoint(3);
    workshop_await_certified(&shop, 3);
    assert_null(ring_peek(votes, &byte_count));
    assert_int_equal(access(liabilities, F_OK), -1);
    end();
}

/* q others say another thing of the same balances: nothing goes on here. */
TEST(liabilities_maker, halts_at_another_root)
{
    struct vote_command vote;
    begin();
    checkpoint(3);
    assert_true(take_vote(&vote));
    certify(3, hash_of("other", 5));
    for (int waits = 0; atomic_load(&shop.progress.halted) == 0 && waits < WORKSHOP_WAITS; waits++)
        workshop_rest();
    assert_int_equal(atomic_load(&shop.progress.halted), 1);
    assert_false(is_certified(3));
    end();
}

/* The others were faster: their certificate waits until this node's own is there. */
TEST(liabilities_maker, a_certificate_may_come_first)
{
    struct vote_command vote;
    begin();
    certify(6, hash_of("other", 5)); /* of a height that is not made yet */
    workshop_await_taken(certificates);
    checkpoint(3);
    assert_true(take_vote(&vote));
    assert_int_equal(atomic_load(&shop.progress.halted), 0);
    workshop_ready(&shop);
    checkpoint(6);
    for (int waits = 0; atomic_load(&shop.progress.halted) == 0 && waits < WORKSHOP_WAITS; waits++)
        workshop_rest();
    assert_int_equal(atomic_load(&shop.progress.halted), 1); /* compared when it was made */
    end();
}

/* The next ones are made before the votes for these have come: both count. */
TEST(liabilities_maker, a_certificate_may_come_after_the_next_was_made)
{
    struct vote_command first, second;
    begin();
    checkpoint(3);
    assert_true(take_vote(&first));
    workshop_ready(&shop);
    checkpoint(6);
    assert_true(take_vote(&second));
    assert_int_equal(second.height, 6);
    certify(3, root_vote_root(&first));
    certify(6, root_vote_root(&second));
    await_certified(3);
    await_certified(6);
    assert_int_equal(atomic_load(&shop.progress.halted), 0);
    end();
}

/* The proof of its totals needs a certificate of the block, which may come later than that of its root. */
TEST(liabilities_maker, waits_for_the_block_to_be_certified)
{
    struct vote_command vote;
    begin();
    withholds_certificates = true;
    checkpoint(3);
    assert_true(take_vote(&vote));
    certify(3, root_vote_root(&vote));
    workshop_await_taken(certificates);
    assert_false(is_certified(3));
    withholds_certificates = false;
    workshop_trade_to(&shop, 4); /* of a block above: as good */
    park_wake(&shop.park);
    await_certified(3);
    end();
}

/* A node that stops between its vote and the certificate gives the same vote again, and takes the certificate then. */
TEST(liabilities_maker, goes_on_after_a_restart)
{
    struct vote_command vote, again;
    begin();
    checkpoint(3);
    assert_true(take_vote(&vote));
    restart();
    assert_true(take_vote(&again));
    assert_int_equal(again.height, vote.height);
    assert_true(hash_equal(root_vote_root(&again), root_vote_root(&vote)));
    assert_memory_equal(again.signature, vote.signature, SIGNATURE_BYTES);
    certify(3, root_vote_root(&vote));
    await_certified(3);
    end();
}

/* Nothing can be written where they go: no node stops for that, and the next ones are made again. */
TEST(liabilities_maker, a_disk_that_takes_none_stops_nobody)
{
    struct vote_command vote;
    begin();
    assert_int_equal(file_create(liabilities, "x", 1, 0600), STATUS_OK); /* no folder */
    checkpoint(3);
    await_failed(1);
    workshop_await_certified(&shop, 3);
    assert_int_equal(unlink(liabilities), 0);
    workshop_ready(&shop);
    checkpoint(6);
    assert_true(take_vote(&vote));
    assert_int_equal(vote.height, 6);
    assert_int_equal(metric_get(&metrics.liabilities_failed_total), 1);
    end();
}

/* Nor where it takes the file but not its tail. */
TEST(liabilities_maker, a_disk_that_takes_no_tail_stops_nobody)
{
    struct vote_command vote;
    struct rlimit before, small;
    struct stat found;
    char path[160];
    begin();
    checkpoint(3);
    workshop_await_certified(&shop, 3);
    assert_true(take_vote(&vote));
    snprintf(path, sizeof(path), "%s/3", liabilities);
    assert_int_equal(stat(path, &found), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)found.st_size + 12;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    certify(3, root_vote_root(&vote));
    await_failed(1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(is_certified(3));
    workshop_ready(&shop);
    checkpoint(6);
    assert_true(take_vote(&vote));
    certify(6, root_vote_root(&vote));
    await_certified(6);
    end();
}

/* While they are held up, here by a pipe in their file's place, the checkpoint gets its certificate. */
TEST(liabilities_maker, the_checkpoint_does_not_wait_for_them)
{
    struct vote_command vote;
    char file[160];
    begin();
    snprintf(file, sizeof(file), "%s/3", liabilities);
    assert_int_equal(mkdir(liabilities, 0700), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    checkpoint(3);
    workshop_await_certified(&shop, 3);
    const int writer = open(file, O_WRONLY | O_CLOEXEC); /* returns when the maker is there */
    assert_true(writer >= 0);
    assert_int_equal(unlink(file), 0);
    close(writer);
    assert_true(take_vote(&vote));
    assert_int_equal(vote.height, 3);
    end();
}

/* A node that stops before it has made them makes them when it runs again, also when the log is not replayed to there. */
TEST(liabilities_maker, what_was_due_before_a_restart_is_made)
{
    struct vote_command vote;
    struct vote_command first;
    begin();
    workshop_trade_to(&shop, 4);
    assert_true(workshop_vote(&shop, &first)); /* not certified: they wait */
    for (int waits = 0; liabilities_file_unmade(liabilities) == 0 && waits < WORKSHOP_WAITS;
         waits++)
        workshop_rest();
    assert_int_equal(liabilities_file_unmade(liabilities), 3);
    assert_false(is_made(3));
    restart();
    assert_true(take_vote(&vote));
    assert_int_equal(vote.height, 3);
    assert_int_equal(liabilities_file_unmade(liabilities), 0);
    certify(3, root_vote_root(&vote));
    await_certified(3);
    end();
}

/* Whose a leaf is settlement knows, and knows it only when the log is replayed to there. */
TEST(liabilities_maker, owners_are_known_before_anything_is_made)
{
    struct vote_command vote;
    struct vote_command first;
    struct arena arena;
    begin();
    workshop_trade_to(&shop, 4);
    assert_true(workshop_vote(&shop, &first)); /* not certified: they wait */
    for (int waits = 0; liabilities_file_unmade(liabilities) == 0 && waits < WORKSHOP_WAITS;
         waits++)
        workshop_rest();
    stop();
    assert_true(arena_map(&arena, settlement_bytes(&shop.journal.genesis)));
    struct liabilities_maker *early =
        new_maker(settlement_new(&arena, &shop.journal.genesis, journal_tree_secret));
    liabilities_maker_resume(early);
    atomic_store(&shop.progress.stopping, 0);
    liabilities_maker_turn(early);
    assert_false(is_made(3));
    assert_int_equal(liabilities_file_unmade(liabilities), 3);
    liabilities_maker_free(early);
    arena_unmap(&arena);
    start_again();
    assert_true(take_vote(&vote));
    assert_int_equal(vote.height, 3);
    end();
}

/* What is to be taken up again may have to wait until the chain is opened. */
TEST(liabilities_maker, looks_for_the_chain_until_it_is_there)
{
    struct vote_command vote, again;
    char away[160];
    begin();
    checkpoint(3);
    assert_true(take_vote(&vote));
    workshop_await_certified(&shop, 3);
    snprintf(away, sizeof(away), "%s-away", chain_folder);
    assert_int_equal(rename(chain_folder, away), 0);
    restart();
    workshop_ready(&shop);
    assert_int_equal(ring_used(votes), 0);
    assert_int_equal(rename(away, chain_folder), 0);
    assert_true(take_vote(&again));
    assert_memory_equal(again.signature, vote.signature, SIGNATURE_BYTES);
    end();
}

/* Whether another vote comes within some turns of the maker. */
static bool votes_on(void)
{
    for (int turns = 0; turns < 4; turns++)
        workshop_ready(&shop);
    return ring_used(votes) > 0;
}

/* Votes that nobody counts end some time. */
TEST(liabilities_maker, does_not_vote_for_ever)
{
    struct vote_command vote;
    begin();
    vote_again_ns = 1;
    restart();
    checkpoint(3);
    for (int tries = 0; tries < LIABILITIES_VOTE_TRIES; tries++) {
        park_wake(&shop.park);
        assert_true(take_vote(&vote));
        assert_int_equal(vote.height, 3);
    }
    assert_false(votes_on());
    certify(3, root_vote_root(&vote)); /* that of the others comes late, and counts */
    await_certified(3);
    end();
}

/* Nothing is signed for an epoch that is over. */
TEST(liabilities_maker, signs_nothing_of_an_ended_epoch)
{
    struct vote_command vote;
    begin();
    vote_again_ns = 1;
    restart();
    checkpoint(3);
    assert_true(take_vote(&vote));
    atomic_store(&shop.progress.epoch, vote.epoch + 1);
    workshop_ready(&shop);
    workshop_ready(&shop);
    while (ring_used(votes) > 0)
        assert_true(take_vote(&vote));
    assert_false(votes_on());
    checkpoint(6);
    for (int waits = 0; !is_made(6) && waits < WORKSHOP_WAITS; waits++)
        workshop_rest();
    assert_true(is_made(6));
    assert_false(votes_on());
    end();
}
