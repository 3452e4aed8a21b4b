#include "common/le.h"
#include "tests/harness.h"
#include "tests/unit/ledger/town.h"

static void expect_whole(uint64_t height)
{
    struct checkpoint_reader *reader;
    const uint8_t *bytes;
    size_t byte_count;
    uint64_t newest;
    checkpoint_part_close(town.part);
    town.part = NULL;
    assert_int_equal(checkpoint_newest(town.keys.path, &newest), STATUS_OK);
    assert_int_equal(newest, height);
    assert_int_equal(checkpoint_reader_open(town.keys.path, height, &reader), STATUS_OK);
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++)
        assert_int_equal(checkpoint_reader_section(reader, (enum checkpoint_section)section, &bytes,
                                                   &byte_count),
                         STATUS_OK);
    checkpoint_reader_close(reader);
}

static void all_have(uint64_t height)
{
    for (uint32_t node = 1; node <= TOWN_PEERS; node++)
        town_give(node, height);
}

/* Different chunks from all of them at once, and each byte once. */
TEST(fetch, takes_different_chunks_from_several_peers)
{
    town_open();
    all_have(40);
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_DONE);
    uint64_t sent = 0;
    for (uint32_t i = 0; i < TOWN_PEERS; i++) {
        assert_true(town.men[i].sent_chunk_bytes > 0);
        sent += town.men[i].sent_chunk_bytes;
    }
    assert_int_equal(sent, 3 * CHECKPOINT_CHUNK_BYTES + 1000 + 77);
    assert_int_equal(fetch_facts(town.fetch).senders, 3);
    assert_int_equal(fetch_facts(town.fetch).bytes, sent);
    assert_int_equal(town.blame_count, 0);
    expect_whole(40);
    town_close();
}

/* The newest that anybody can prove, also when most have an older one only. */
TEST(fetch, takes_the_newest_certified)
{
    town_open();
    all_have(40);
    town_give(2, 50);
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_DONE);
    expect_whole(50);
    town_close();
}

/* The sender of a wrong byte is named and asked no more; the chunk comes from another. */
TEST(fetch, drops_who_sends_a_wrong_chunk)
{
    town_open();
    all_have(40);
    town.men[1].rotten_chunk = 1;
    town.men[1].answers = 64; /* he would get it, being so fast */
    town_links_up();
    for (int tries = 0; tries < 400 && town.blame_count == 0; tries++)
        town_step();
    assert_int_equal(town.blame_count, 1);
    assert_int_equal(town.blamed_node, 2);
    assert_int_equal(town.blamed_chunk, 1);
    const uint64_t sent = town.men[1].sent_chunk_bytes;
    assert_int_equal(town_run(20000), FETCH_DONE);
    assert_int_equal(town.blame_count, 1);
    assert_true(town.men[1].sent_chunk_bytes <= sent + FETCH_WINDOW_MAX * FETCH_PIECE_BYTES);
    expect_whole(40);
    town_close();
}

/* With nobody left who tells the truth it says so, instead of asking for ever. */
TEST(fetch, fails_when_everybody_lies)
{
    town_open();
    all_have(40);
    for (uint32_t i = 0; i < TOWN_PEERS; i++)
        town.men[i].rotten_chunk = 0;
    town_links_up();
    assert_int_equal(town_run(30000), FETCH_FAILED);
    assert_int_equal(fetch_facts(town.fetch).status, STATUS_MISMATCH);
    assert_int_equal(town.blame_count, 3);
    town_close();
}

/* A peer that is asked and says nothing loses its chunks to the others. */
TEST(fetch, goes_on_without_a_silent_peer)
{
    town_open();
    all_have(40);
    town_links_up();
    while (fetch_facts(town.fetch).bytes == 0)
        town_step();
    town.men[0].silent = true;
    assert_int_equal(town_run(FETCH_SILENT_MS + 3000), FETCH_DONE);
    assert_int_equal(town.blame_count, 0);
    expect_whole(40);
    town_close();
}

/* So does one whose link breaks, at once; when it is back it is asked again. */
TEST(fetch, goes_on_when_a_peer_restarts)
{
    town_open();
    all_have(40);
    town_man(3)->up = false;
    town_links_up();
    while (fetch_facts(town.fetch).bytes < CHECKPOINT_CHUNK_BYTES / 2)
        town_step();
    for (uint32_t node = 1; node <= 2; node++) {
        town_link(node, false);
        town_start(node);
    }
    for (int i = 0; i < 100; i++)
        town_step();
    assert_int_equal(town_phase(), FETCH_CHUNKS);
    town_link(1, true);
    assert_int_equal(town_run(5000), FETCH_DONE);
    expect_whole(40);
    town_close();
}

/* What was kept before a break does not come over the wire again; what rotted meanwhile does. */
TEST(fetch, resumes_with_what_lies_there)
{
    town_open();
    all_have(40);
    town_links_up();
    while (fetch_facts(town.fetch).bytes < 2 * CHECKPOINT_CHUNK_BYTES + 2000)
        town_step();
    for (uint32_t node = 1; node <= TOWN_PEERS; node++) {
        town_start(node); /* what was under way went with the links */
        town_man(node)->sent_chunk_bytes = 0;
    }
    town_fetch();
    assert_true(checkpoints_has(&town.keys, "40.part"));
    char path[256], part[64];
    uint32_t kept = 0, kept_bytes = 0;
    bool rotted = false;
    for (uint32_t chunk = 0; chunk < 5; chunk++) {
        snprintf(part, sizeof(part), "40.part/%05u.chunk", chunk);
        checkpoints_path(&town.keys, part, path);
        struct stat facts;
        if (stat(path, &facts) != 0) continue;
        if (!rotted) checkpoints_rot(&town.keys, part, 10);
        if (rotted) {
            kept++;
            kept_bytes += (uint32_t)facts.st_size;
        }
        rotted = true;
    }
    assert_true(rotted);
    assert_true(kept > 0);
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_DONE);
    uint64_t sent = 0;
    for (uint32_t i = 0; i < TOWN_PEERS; i++)
        sent += town.men[i].sent_chunk_bytes;
    assert_int_equal(sent, 3 * CHECKPOINT_CHUNK_BYTES + 1000 + 77 - kept_bytes);
    expect_whole(40);
    town_close();
}

/* Enough peers say that there is none: three of four, this one among them. */
TEST(fetch, ends_when_there_is_none_yet)
{
    town_open();
    town_man(3)->up = false;
    town_links_up();
    assert_int_equal(town_run(FETCH_GRACE_MS / 2), FETCH_ASKING); /* the third may still come */
    assert_int_equal(town_run(FETCH_GRACE_MS), FETCH_NOTHING);
    town_close();

    town_open();
    town_links_up();
    assert_int_equal(town_run(100), FETCH_NOTHING); /* all have answered */
    town_close();

    town_open();
    town_man(2)->up = town_man(3)->up = false;
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_ASKING); /* one is not enough */
    town_close();

    /* Of a cluster that starts for the first time those who know it go to work, and are not there any more. */
    town_open();
    town_man(3)->up = false;
    town_links_up();
    (void)town_run(100);
    town_link(1, false);
    town_link(2, false);
    assert_int_equal(town_run(2 * FETCH_GRACE_MS), FETCH_NOTHING);
    town_close();
}

/* One that has one and is gone is not waited for when the others have none. */
TEST(fetch, does_not_wait_for_one_who_is_gone)
{
    town_open();
    town_give(1, 40);
    town_links_up();
    town.men[0].answers = 0;
    const struct fetch_offer offer = {.checkpoint_height = 40};
    uint8_t bytes[FETCH_OFFER_BYTES];
    fetch_receive(town.fetch, town.now_ms, 1, bytes, fetch_offer_encode(&offer, bytes));
    (void)town_run(500);
    town_link(1, false);
    assert_int_equal(town_run(20000), FETCH_NOTHING);
    town_close();
}

/* A node alone need not ask. */
TEST(fetch, of_a_node_alone_ends_at_once)
{
    town_open();
    town.nodes.members[0] = town.nodes.members[3];
    town.nodes.count = 1;
    town_fetch();
    assert_int_equal(town_run(10), FETCH_NOTHING);
    town_close();
}

/* The peers have taken a newer one and thrown the old one away. */
TEST(fetch, turns_to_a_newer_one_when_the_old_is_gone)
{
    town_open();
    all_have(40);
    town_links_up();
    while (fetch_facts(town.fetch).bytes < CHECKPOINT_CHUNK_BYTES / 2)
        town_step();
    for (uint32_t node = 1; node <= TOWN_PEERS; node++) {
        town_give(node, 50);
        assert_int_equal(checkpoint_prune(town_man(node)->folder.path, 1), STATUS_OK);
        town_start(node);
    }
    assert_int_equal(town_run(30000), FETCH_DONE);
    assert_int_equal(town.leaves, 1);
    assert_int_equal(town.blame_count, 0);
    expect_whole(50);
    town_close();
}

/* While they keep both, the one that was begun is finished. */
TEST(fetch, finishes_what_it_has_begun_while_a_newer_one_appears)
{
    town_open();
    all_have(40);
    town_links_up();
    while (fetch_facts(town.fetch).bytes < CHECKPOINT_CHUNK_BYTES / 2)
        town_step();
    all_have(50);
    assert_int_equal(town_run(20000), FETCH_DONE);
    expect_whole(40);
    town_close();
}

TEST(fetch, says_what_the_disk_said)
{
    town_open();
    all_have(40);
    town.keep_status = STATUS_NO_SPACE;
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_FAILED);
    assert_int_equal(fetch_facts(town.fetch).status, STATUS_NO_SPACE);
    town_close();
}

/* ---- Who is believed. ---- */

/* A checkpoint with too few signatures, of other validators, or changed after it was signed. */
TEST(fetch, believes_no_checkpoint_that_is_not_proved)
{
    for (int what = 0; what < 3; what++) {
        town_open();
        all_have(40);
        struct townsman *liar = town_man(1);
        hash_t root;
        uint8_t bytes[CERTIFICATE_BYTES_MAX];
        if (what == 1) { /* keys of his own making */
            for (uint32_t i = 0; i < CHECKPOINTS_NODES; i++) {
                uint8_t seed[32] = {9, (uint8_t)i};
                crypto_sign_seed_keypair(liar->folder.set.members[i].public_key,
                                         liar->folder.secrets[i], seed);
            }
        }
        assert_int_equal(checkpoints_write(&liar->folder, 60, &root), STATUS_OK);
        const size_t byte_count =
            checkpoints_sign(&liar->folder, 60, root, what == 0 ? 2 : 3, bytes);
        assert_int_equal(checkpoint_certify(liar->folder.path, 60, bytes, byte_count), STATUS_OK);
        if (what == 2) checkpoints_rot(&liar->folder, "60/certificate", 60);
        atomic_store(&liar->progress.checkpoint_height, 60);
        town_links_up();
        assert_int_equal(town_run(20000), FETCH_DONE);
        assert_int_equal(town.blamed_node, 1);
        assert_int_equal(town.blame_count, 1);
        expect_whole(40);
        town_close();
    }
}

/* Sets of validators: the genesis' 1 to 4, from block 21 on 1, 2, 3 and 5, from 31 on another. */
static struct checkpoints later;

static struct validator_set swapped(const struct validator_set *set, uint32_t place, uint32_t node,
                                    uint8_t secret[SECRET_KEY_BYTES])
{
    struct validator_set next = *set;
    uint8_t seed[32] = {(uint8_t)node, 77};
    for (; place + 1 < next.count; place++)
        next.members[place] = next.members[place + 1];
    next.members[place] = (struct validator){.node = node};
    crypto_sign_seed_keypair(next.members[place].public_key, secret, seed);
    return next;
}

/* The step after block `height`, signed by three of the old set. */
static void step_of(uint64_t height, const struct validator_set *old, const uint8_t *const *secrets,
                    const struct validator_set *next, const char *directory)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    checkpoints_header(&town.keys, height, old, next, header);
    const hash_t hash = block_header_hash(header);
    struct certificate certificate = {.height = height, .header_hash = hash, .vote_count = 3};
    for (uint32_t i = 0; i < 3; i++) {
        struct vote_command vote;
        certificate_sign(secrets[i], town.keys.chain_id, 0, height, hash, old->members[i].node,
                         &vote);
        certificate.votes[i].node = old->members[i].node;
        memcpy(certificate.votes[i].signature, vote.signature, SIGNATURE_BYTES);
    }
    assert_int_equal(lineage_append(directory, header, &certificate, next), STATUS_OK);
}

/* A checkpoint of `height` at this townsman's, whose validators are `set`; three with these keys sign. */
static void give_of(uint32_t node, uint64_t height, const struct validator_set *set,
                    const uint8_t *const *secrets)
{
    struct townsman *man = town_man(node);
    hash_t root;
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    later = man->folder;
    later.set = *set;
    assert_int_equal(checkpoints_write(&later, height, &root), STATUS_OK);
    struct certificate certificate = {.height = height, .header_hash = root, .vote_count = 3};
    for (uint32_t i = 0; i < 3; i++) {
        struct vote_command vote;
        certificate_statement_sign(CERTIFICATE_OF_CHECKPOINT, secrets[i], town.keys.chain_id, 0,
                                   height, root, set->members[i].node, &vote);
        certificate.votes[i].node = set->members[i].node;
        memcpy(certificate.votes[i].signature, vote.signature, SIGNATURE_BYTES);
    }
    const size_t byte_count = certificate_encode(&certificate, bytes);
    assert_int_equal(checkpoint_certify(man->folder.path, height, bytes, byte_count), STATUS_OK);
    atomic_store(&man->progress.checkpoint_height, height);
}

static uint8_t secret_five[SECRET_KEY_BYTES], secret_six[SECRET_KEY_BYTES];
static struct validator_set second, third;
static const uint8_t *first_keys[3], *second_keys[3], *third_keys[3];

static void sets(void)
{
    second = swapped(&town.keys.set, 0, 5, secret_five); /* 2, 3, 4, 5 */
    third = swapped(&second, 0, 6, secret_six);          /* 3, 4, 5, 6 */
    for (int i = 0; i < 3; i++)
        first_keys[i] = town.keys.secrets[i];
    second_keys[0] = town.keys.secrets[1];
    second_keys[1] = town.keys.secrets[2];
    second_keys[2] = town.keys.secrets[3];
    third_keys[0] = town.keys.secrets[2];
    third_keys[1] = town.keys.secrets[3];
    third_keys[2] = secret_five;
}

/* Today's validators are none of the genesis that signed: the way to them is proved step by step. */
TEST(fetch, follows_the_validators_from_the_genesis)
{
    town_open();
    sets();
    for (uint32_t node = 1; node <= TOWN_PEERS; node++) {
        step_of(20, &town.keys.set, first_keys, &second, town_man(node)->folder.path);
        step_of(30, &second, second_keys, &third, town_man(node)->folder.path);
        give_of(node, 40, &third, third_keys);
    }
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_DONE);
    assert_int_equal(town.proved, 2);
    assert_int_equal(town.blame_count, 0);
    expect_whole(40);
    town_close();
}

/* A step above the checkpoint's height does not concern it. */
TEST(fetch, follows_the_validators_no_further_than_the_checkpoint)
{
    town_open();
    sets();
    step_of(20, &town.keys.set, first_keys, &second, town_man(1)->folder.path);
    step_of(30, &second, second_keys, &third, town_man(1)->folder.path);
    give_of(1, 30, &second, second_keys);
    town_man(2)->up = town_man(3)->up = false;
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_DONE);
    assert_int_equal(town.proved, 1);
    expect_whole(30);
    town_close();
}

/* Keys of validators that have gone may be in anybody's hands: what they sign now is worth nothing as soon as one
 * peer shows that they have gone. */
TEST(fetch, does_not_believe_validators_of_the_past)
{
    town_open();
    sets();
    give_of(1, 60, &town.keys.set, first_keys); /* signed by the set of the genesis, at 60 */
    step_of(20, &town.keys.set, first_keys, &second, town_man(2)->folder.path);
    give_of(2, 40, &second, second_keys);
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_DONE);
    assert_int_equal(town.blamed_node, 1);
    expect_whole(40);
    town_close();
}

/* A step that the old set has not signed, and one that does not begin at it. */
TEST(fetch, believes_no_step_that_is_not_signed_over)
{
    town_open();
    sets();
    step_of(20, &town.keys.set, second_keys, &second, town_man(1)->folder.path);
    give_of(1, 60, &second, second_keys);
    town_give(2, 40);
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_DONE);
    assert_int_equal(town.blamed_node, 1);
    assert_int_equal(town.proved, 0);
    expect_whole(40);
    town_close();

    town_open();
    sets();
    step_of(30, &second, second_keys, &third, town_man(1)->folder.path);
    give_of(1, 60, &third, third_keys);
    town_give(2, 40);
    town_links_up();
    assert_int_equal(town_run(20000), FETCH_DONE);
    assert_int_equal(town.proved, 0);
    expect_whole(40);
    town_close();
}

/* The block's own certificate comes along when there is one, and is checked as well. */
TEST(fetch, ignores_what_it_did_not_ask_for)
{
    town_open();
    all_have(40);
    town_links_up();
    uint8_t bytes[FETCH_PIECE_HEADER_BYTES + 100] = {0};
    uint64_t seed = 7;
    for (int i = 0; i < 3000 && town_phase() < FETCH_DONE; i++) {
        town_step();
        for (int j = 0; j < 5; j++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            const struct fetch_piece piece = {
                .object = {(uint8_t)(seed >> 33) % FETCH_KINDS, (uint32_t)(seed >> 40) % 7, 40},
                .offset = (uint32_t)(seed >> 50) % 3 * FETCH_PIECE_BYTES,
                .total = (uint32_t)(seed >> 20) % 2 * CHECKPOINT_CHUNK_BYTES};
            if (piece.object.kind == FETCH_CHUNK) continue; /* these do harm whoever sends them */
            if (fetch_facts(town.fetch).phase != FETCH_CHUNKS) continue;
            fetch_piece_encode(&piece, bytes);
            fetch_receive(town.fetch, town.now_ms, 1 + (uint32_t)(seed >> 60) % 3, bytes,
                          piece.total == 0 ? FETCH_PIECE_HEADER_BYTES : sizeof(bytes));
        }
    }
    assert_int_equal(town_phase(), FETCH_DONE);
    assert_int_equal(town.blame_count, 0);
    expect_whole(40);
    town_close();
}
