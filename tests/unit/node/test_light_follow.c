#include "node/light_follow.h"

#include "common/log.h"
#include "node/file_os.h"
#include "node/light_fork.h"
#include "tests/harness.h"
#include "tests/unit/node/light_town.h"

#include <ftw.h>

#define FOUR  0x0fu
#define LATER 0x1eu
#define LAST  0x3cu

static struct light_chain chain, other;
static struct genesis genesis;
static struct trusted trusted;
static struct light_follow follow;
static struct light_servers servers;
static struct town_server town[4];
static uint32_t town_count;
static char folder[32];
static bool stops;
static uint64_t said;

static bool stop(void *context)
{
    (void)context;
    return stops;
}

static void progress(void *context, const struct light *light)
{
    (void)context;
    said = light->certified.height;
}

static void open_store(void)
{
    const struct light_store_options options = {
        .directory = folder, .genesis = &genesis, .trusted = &trusted, .writes = true};
    memset(&follow, 0, sizeof(follow));
    follow = (struct light_follow){
        .servers = &servers, .stop = stop, .progress = progress, .patience_ms = 60000};
    assert_int_equal(light_store_open(&options, &follow.store, &follow.light), STATUS_OK);
}

/* A chain of the genesis' own, `height` blocks; at 300 it hands over to LATER, at 301 on to LAST. */
static void make_chain(struct light_chain *made, uint64_t height)
{
    while (made->height < height) {
        if (made->height == 299)
            light_chain_turn(made, LATER);
        else if (made->height == 300)
            light_chain_turn(made, LAST);
        else
            light_chain_next(made);
    }
}

static void begin(void)
{
    memset(&genesis, 0, sizeof(genesis));
    memset(&trusted, 0, sizeof(trusted));
    memset(&servers, 0, sizeof(servers));
    town_count = 0;
    stops = false;
    light_chain_begin(&chain, FOUR);
    genesis.validators = light_chain_set(&chain, FOUR);
    chain.chain_id = genesis_chain_id(&genesis);
    other = chain;
    memcpy(folder, "/tmp/light-XXXXXX", 18);
    assert_non_null(mkdtemp(folder));
    open_store();
}

static struct town_server *add(const struct light_chain *of, uint64_t tip, enum town_lie lie)
{
    struct town_server *server = &town[town_count++];
    town_start(server, of, tip);
    server->lie = (int)lie;
    assert_true(light_servers_add(&servers, server->url));
    return server;
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

static void end(void)
{
    light_store_close(follow.store);
    light_servers_free(&servers);
    for (uint32_t i = 0; i < town_count; i++)
        town_end(&town[i]);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static uint64_t certified(void)
{
    return follow.light.certified.height;
}

/* What rests is asked at once: tests do not wait. */
static enum light_round round_now(void)
{
    for (uint32_t i = 0; i < servers.count; i++)
        servers.list[i].rests_until_ms = 0;
    return light_follow_round(&follow);
}

static bool has_evidence(const char *name)
{
    char path[FILE_PATH_MAX];
    assert_true(file_path(path, light_store_evidence(follow.store), name));
    return file_exists(path);
}

/* Pages, hand-overs and all: what one server shows is followed to its last certificate, and to the same after a restart
 * without anybody. */
TEST(light_follow, chain_is_followed_and_found_again)
{
    begin();
    make_chain(&chain, 700);
    struct town_server *server = add(&chain, 700, TOWN_HONEST);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 700);
    assert_int_equal(said, 700);
    assert_true(hash_equal(follow.light.certified.hash, chain.last_hash));
    assert_int_equal(follow.light.certified.set.members[0].node, 3);
    const hash_t root = history_root(&follow.light.certified.history);
    assert_true(hash_equal(root, history_root(&chain.history)));

    light_store_close(follow.store);
    const uint32_t asked = server->asked;
    open_store();
    assert_int_equal(certified(), 700);
    assert_true(hash_equal(history_root(&follow.light.certified.history), root));
    assert_int_equal(server->asked, asked);

    make_chain(&chain, 720);
    server->tip = 720;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 720);
    end();
}

/* Whoever says what is not so is dropped; nothing of it stays, and the next one leads on. */
TEST(light_follow, liar_is_dropped_and_the_others_lead_on)
{
    static const enum town_lie lies[] = {TOWN_FLIPPED, TOWN_FEW,     TOWN_STRANGERS, TOWN_OTHER_SET,
                                         TOWN_SHIFTED, TOWN_GARBAGE, TOWN_ENDLESS};
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        begin();
        make_chain(&chain, 310);
        struct town_server *liar = add(&chain, 310, lies[i]),
                           *honest = add(&chain, 310, TOWN_HONEST);
        /* A liar that has been honest so far: the lie begins above what is certified. */
        if (lies[i] == TOWN_SHIFTED) {
            liar->lie = TOWN_HONEST;
            liar->tip = 20;
            honest->tip = 20;
            assert_int_equal(round_now(), LIGHT_ROUND_DONE);
            liar->lie = TOWN_SHIFTED;
            liar->tip = honest->tip = 310;
        }
        assert_int_equal(round_now(), LIGHT_ROUND_DONE);
        assert_true(servers.list[0].is_dropped);
        assert_false(servers.list[1].is_dropped);
        assert_int_equal(certified(), 310);
        assert_true(hash_equal(follow.light.certified.hash, chain.last_hash));
        const uint32_t asked = liar->asked;
        assert_int_equal(round_now(), LIGHT_ROUND_DONE);
        assert_int_equal(liar->asked, asked); /* it is not asked again */
        assert_true(honest->asked > 0);
        end();
    }
}

/* Nobody but liars: nothing is certified that q voters have not signed. */
TEST(light_follow, liars_alone_lead_nowhere)
{
    begin();
    make_chain(&chain, 50);
    add(&chain, 50, TOWN_FEW);
    add(&chain, 50, TOWN_STRANGERS);
    assert_int_equal(round_now(), LIGHT_ROUND_NOTHING);
    assert_int_equal(certified(), 0);
    assert_int_equal(light_servers_left(&servers), 0);
    end();
}

/* A network that fails is no lie: whoever is cut off or answers 500 rests, and is asked again. */
TEST(light_follow, silence_is_no_lie)
{
    static const enum town_lie lies[] = {TOWN_TRUNCATED, TOWN_HTTP_500};
    for (size_t i = 0; i < 2; i++) {
        begin();
        make_chain(&chain, 50);
        struct town_server *server = add(&chain, 50, lies[i]);
        assert_int_equal(round_now(), LIGHT_ROUND_NOTHING);
        assert_int_equal(certified(), 0);
        assert_false(servers.list[0].is_dropped);
        assert_true(servers.list[0].is_silent);
        assert_false(light_servers_ready(&servers.list[0]));
        assert_int_equal(light_follow_round(&follow), LIGHT_ROUND_NOTHING);
        server->lie = TOWN_HONEST;
        assert_int_equal(round_now(), LIGHT_ROUND_DONE);
        assert_int_equal(certified(), 50);
        assert_false(servers.list[0].is_silent);
        end();
    }
}

/* An older chain is not a lie, but is named; ours does not go back. */
TEST(light_follow, older_chain_is_named)
{
    begin();
    make_chain(&chain, 200);
    struct town_server *old = add(&chain, 200, TOWN_HONEST), *new = add(&chain, 200, TOWN_HONEST);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    old->tip = 100;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_true(servers.list[0].lags);
    assert_false(servers.list[0].is_dropped);
    assert_int_equal(servers.list[0].height, 200);
    assert_int_equal(certified(), 200);
    old->tip = 200;
    new->tip = 200;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_false(servers.list[0].lags);
    end();
}

/* Signatures kept back: of a hand-over they are missed, and nobody is followed over it; elsewhere the next ones do. */
TEST(light_follow, hand_over_without_signatures_is_a_gap)
{
    begin();
    make_chain(&chain, 400);
    struct town_server *server = add(&chain, 400, TOWN_NO_TURN);
    assert_int_equal(round_now(), LIGHT_ROUND_NOTHING);
    assert_int_equal(certified(), 299);
    assert_int_equal(follow.gap, 300);
    assert_false(servers.list[0].is_dropped); /* perhaps there is none */
    server->lie = TOWN_HONEST;
    server->every = 7;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 399);
    assert_int_equal(follow.gap, 0);
    end();
}

/* With an operator's word it goes on over the gap, and a restart needs it still, and has it. */
TEST(light_follow, operator_s_word_leads_over_the_gap)
{
    begin();
    make_chain(&chain, 700);
    add(&chain, 700, TOWN_NO_TURN);
    assert_int_equal(round_now(), LIGHT_ROUND_NOTHING);
    light_store_close(follow.store);
    trusted.height = 500;
    trusted.set = light_chain_set(&chain, LAST);
    open_store();
    assert_int_equal(certified(), 299);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 700);
    light_store_close(follow.store);
    open_store();
    assert_int_equal(certified(), 700);
    assert_int_equal(follow.light.first, 1);
    end();
}

/* Or it begins there: nothing below is asked for. */
TEST(light_follow, chain_begins_at_an_operator_s_word)
{
    begin();
    light_store_close(follow.store);
    make_chain(&chain, 700);
    trusted.height = 500;
    trusted.set = light_chain_set(&chain, LAST);
    open_store();
    struct town_server *server = add(&chain, 700, TOWN_HONEST);
    server->every = 9;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 693);
    uint8_t header[BLOCK_HEADER_BYTES];
    assert_int_equal(light_store_header(follow.store, 500, header), STATUS_OK);
    assert_memory_equal(header, chain.headers[500], BLOCK_HEADER_BYTES);
    assert_int_equal(light_store_header(follow.store, 499, header), STATUS_NOT_FOUND);
    light_store_close(follow.store);
    open_store();
    assert_int_equal(certified(), 693);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 693);
    end();
}

/* Another chain from `parting` on, signed by whom the test says. */
static void branch(uint64_t parting, uint64_t height)
{
    other = chain;
    light_chain_begin(&other, FOUR);
    other.chain_id = chain.chain_id;
    while (other.height < height) {
        struct block_header header = light_chain_header(&other, other.voters);
        if (other.height + 1 == parting) header.tx_count = 77;
        light_chain_take(&other, &header, other.voters);
    }
}

/* Two certified chains: proved, named, kept; the chain that was followed stays as it was. */
TEST(light_follow, two_certified_chains_are_proved)
{
    char path[FILE_PATH_MAX];
    begin();
    make_chain(&chain, 200);
    branch(150, 190);
    add(&chain, 200, TOWN_HONEST);
    add(&other, 190, TOWN_HONEST);
    assert_int_equal(round_now(), LIGHT_ROUND_FORK);
    assert_int_equal(certified(), 200);
    assert_true(has_evidence("fork-150.json"));
    light_store_fork(follow.store, path, sizeof(path));
    assert_non_null(strstr(path, "fork-150.json"));
    char *text;
    size_t byte_count;
    assert_int_equal(file_read(path, &text, &byte_count), STATUS_OK);
    assert_non_null(strstr(text, "\"height\": 150"));
    assert_non_null(strstr(text, "\"signedBoth\""));
    free(text);
    end();
}

/* The same of the very first block, and of a server that is as far as we are. */
TEST(light_follow, fork_is_found_wherever_it_begins)
{
    static const uint64_t partings[] = {1, 2, 100, 199, 200};
    for (size_t i = 0; i < sizeof(partings) / sizeof(partings[0]); i++) {
        char name[64];
        begin();
        make_chain(&chain, 200);
        branch(partings[i], 260);
        add(&chain, 200, TOWN_HONEST);
        add(&other, 260, TOWN_HONEST);
        assert_int_equal(round_now(), LIGHT_ROUND_FORK);
        snprintf(name, sizeof(name), "fork-%lu.json", partings[i]);
        assert_true(has_evidence(name));
        end();
    }
}

/* Another chain that nobody certified is a lie of the server's, nothing more. */
TEST(light_follow, branch_without_certificates_is_a_lie)
{
    static const enum town_lie lies[] = {TOWN_UNCERTIFIED, TOWN_FEW, TOWN_STRANGERS};
    for (size_t i = 0; i < 3; i++) {
        begin();
        make_chain(&chain, 200);
        branch(150, 260);
        add(&chain, 200, TOWN_HONEST);
        add(&other, 260, lies[i]);
        assert_int_equal(round_now(), LIGHT_ROUND_DONE);
        assert_true(servers.list[1].is_dropped);
        assert_false(has_evidence("fork-150.json"));
        assert_int_equal(certified(), 200);
        end();
    }
}

/* Two nodes sign another header of a height, which is no certificate: each of them is named with both signatures. */
TEST(light_follow, node_that_signed_twice_is_named)
{
    begin();
    make_chain(&chain, 200);
    branch(200, 200);
    add(&chain, 200, TOWN_HONEST);
    add(&other, 200, TOWN_FEW); /* nodes 1 and 2 */
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_true(has_evidence("double-1-0-200.json"));
    assert_true(has_evidence("double-2-0-200.json"));
    assert_false(has_evidence("double-3-0-200.json"));
    assert_true(servers.list[1].is_dropped);
    end();
}

/* Also when the false header comes first and the true one after it. */
TEST(light_follow, node_that_signs_the_true_header_later_is_named)
{
    begin();
    make_chain(&chain, 200);
    branch(200, 200);
    add(&other, 200, TOWN_FEW);
    add(&chain, 200, TOWN_HONEST);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 200);
    assert_true(servers.list[0].is_dropped);
    assert_true(has_evidence("double-1-0-200.json"));
    assert_true(has_evidence("double-2-0-200.json"));
    end();
}

/* More pending headers than are fetched again are kept from round to round; another server's may not go with them, and
 * that is not its fault. */
TEST(light_follow, pending_of_another_server_is_nobody_s_fault)
{
    begin();
    make_chain(&chain, 1000);
    branch(20, 1000);
    struct town_server *liar = add(&other, 1000, TOWN_UNCERTIFIED);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(light_pending(&follow.light), 1000);
    const uint32_t asked = liar->asked;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(light_pending(&follow.light), 1000);
    assert_true(liar->asked - asked <= 3); /* not all of them again */
    struct town_server *honest = add(&chain, 1000, TOWN_HONEST);
    honest->every = 10;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 1000);
    assert_false(servers.list[1].is_dropped);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_true(servers.list[0].is_dropped); /* its block is not the certified one */
    end();
}

/* A chain that was stuck: its blocks wait without certificates, until one of the next epoch certifies them all. */
TEST(light_follow, epoch_change_is_followed)
{
    begin();
    make_chain(&chain, 280);
    chain.epoch = 1;
    light_chain_next(&chain);
    make_chain(&chain, 299);
    struct town_server *server = add(&chain, 280, TOWN_HONEST);
    server->mute_from = 21;
    server->mute_to = 285;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 20);
    assert_int_equal(light_pending(&follow.light), 260);
    server->tip = 284;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 20);
    server->tip = 290;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 290);
    assert_int_equal(follow.light.certified.header.epoch, 1);
    light_store_close(follow.store);
    open_store();
    assert_int_equal(certified(), 290);
    end();
}

/* And where operators had to cut its blocks: what waited without a certificate is replaced, and nobody lied. */
TEST(light_follow, blocks_that_were_cut_are_replaced)
{
    begin();
    make_chain(&chain, 60);
    branch(41, 50);
    struct town_server *server = add(&other, 50, TOWN_HONEST);
    server->mute_from = 31;
    server->mute_to = 60;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(light_pending(&follow.light), 20);
    server->chain = &chain;
    server->tip = 60;
    server->mute_to = 45;
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(certified(), 60);
    assert_false(servers.list[0].is_dropped);
    end();
}

/* One server's time ends while it has more: the next is heard, and goes on from there. */
TEST(light_follow, slow_server_does_not_keep_us_from_the_others)
{
    begin();
    make_chain(&chain, 1020);
    follow.patience_ms = 0;
    add(&chain, 1020, TOWN_HONEST);
    add(&chain, 1020, TOWN_HONEST);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_true(follow.more); /* the first one would have had more to say */
    assert_int_equal(certified(), 1020);
    end();
    begin();
    make_chain(&chain, 1020);
    follow.patience_ms = 0;
    add(&chain, 1020, TOWN_HONEST);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_true(follow.more);
    assert_int_equal(certified(), 2 * 256);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_int_equal(round_now(), LIGHT_ROUND_DONE);
    assert_false(follow.more);
    assert_int_equal(certified(), 1020);
    end();
}

TEST(light_follow, stop_is_asked_for_between_pages)
{
    begin();
    make_chain(&chain, 1000);
    add(&chain, 1000, TOWN_HONEST);
    stops = true;
    assert_int_equal(round_now(), LIGHT_ROUND_STOPPED);
    assert_int_equal(certified(), 0);
    end();
}

/* A proxy hides what a URL carries for itself. */
TEST(light_follow, servers_are_named_without_their_passwords)
{
    begin();
    assert_true(light_servers_add(&servers, "http://ann:secret@127.0.0.1:1/"));
    assert_string_equal(servers.list[0].url, "http://127.0.0.1:1/");
    assert_false(light_servers_add(&servers, "file:///etc/passwd"));
    assert_false(light_servers_add(&servers, "http://a b"));
    while (servers.count < LIGHT_SERVERS_MAX)
        assert_true(light_servers_add(&servers, "https://127.0.0.1:1"));
    assert_false(light_servers_add(&servers, "https://127.0.0.1:1"));
    end();
}
