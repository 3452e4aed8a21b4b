#include "node/light_fork.h"

#include "common/log.h"
#include "node/file_os.h"
#include "tests/harness.h"
#include "tests/unit/node/light_home.h"
#include "tests/unit/node/light_town.h"

#include <jansson.h>

#define FOUR  0x0fu
#define THREE 0x07u

static struct light_chain chain, other;
static struct light_home home;
static struct light_follow follow;
static struct light_servers servers;
static struct town_server town;

/* Our chain of `ours` blocks; the server's is another from `parting` on, of `theirs` blocks. */
static void begin(uint64_t ours, uint64_t parting, uint64_t theirs)
{
    light_home_begin(&home, &chain, FOUR);
    other = chain;
    while (chain.height < ours)
        light_chain_next(&chain);
    while (other.height < theirs) {
        struct block_header header = light_chain_header(&other, FOUR);
        header.tx_count = other.height + 1 == parting ? 5 : 0;
        light_chain_take(&other, &header, FOUR);
    }
    light_home_take(&home, &chain, ours, THREE);
    town_start(&town, &other, theirs);
    memset(&servers, 0, sizeof(servers));
    assert_true(light_servers_add(&servers, town.url));
    memset(&follow, 0, sizeof(follow));
    follow.light = home.light;
    follow.store = home.store;
    follow.servers = &servers;
}

static void end(void)
{
    light_servers_free(&servers);
    town_end(&town);
    light_home_end(&home);
}

static enum light_fork look(uint64_t height)
{
    return light_fork_look(&follow, &servers.list[0], height);
}

static size_t hex_of(const json_t *text, uint8_t *bytes, size_t capacity)
{
    const size_t count = json_string_length(text) / 2;
    assert_true(count <= capacity);
    assert_true(hash_from_hex(json_string_value(text), 2 * count, bytes, count));
    return count;
}

/* Checks one chain of the evidence as somebody would who has nothing but the genesis and a common block. */
static hash_t check_branch(const json_t *branch, uint64_t parting, hash_t before)
{
    const json_t *headers = json_object_get(branch, "headers");
    struct certificate certificate;
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    struct block_header header = {0};
    for (size_t i = 0; i < json_array_size(headers); i++) {
        assert_int_equal(hex_of(json_array_get(headers, i), bytes, sizeof(bytes)),
                         BLOCK_HEADER_BYTES);
        assert_true(block_header_decode(bytes, &header));
        assert_int_equal(header.height, parting + i);
        assert_true(hash_equal(header.prev_hash, before));
        before = block_header_hash(bytes);
    }
    const size_t count = hex_of(json_object_get(branch, "certificate"), bytes, sizeof(bytes));
    assert_true(certificate_decode(bytes, count, &certificate));
    assert_true(hash_equal(certificate.header_hash, before));
    assert_null(certificate_fault(&certificate, chain.chain_id, &home.genesis.validators));
    return before;
}

/* The evidence is enough by itself: two chains from one block, each to a certificate, and the names of who signed both. */
TEST(light_fork, evidence_proves_itself)
{
    char path[FILE_PATH_MAX];
    begin(80, 31, 70);
    town.every = 40; /* their first certificate is nine blocks above the parting */
    assert_int_equal(look(70), LIGHT_FORK_PROVED);
    light_store_fork(home.store, path, sizeof(path));
    json_t *root = json_load_file(path, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "height")), 31);
    const json_t *both = json_object_get(root, "signedBoth");
    assert_int_equal(json_array_size(both), 3);
    assert_int_equal(json_integer_value(json_array_get(both, 2)), 3);
    const hash_t before = block_header_hash(chain.headers[30]);
    const hash_t ours = check_branch(json_object_get(root, "ours"), 31, before);
    const hash_t theirs = check_branch(json_object_get(root, "theirs"), 31, before);
    assert_true(hash_equal(ours, block_header_hash(chain.headers[80])));
    assert_true(hash_equal(theirs, block_header_hash(other.headers[40])));
    json_decref(root);
    /* Found again, it is proved again. */
    assert_int_equal(look(70), LIGHT_FORK_PROVED);
    end();
}

/* Without a certificate of the voters there is no fork; nor where the server does not know what it says. */
TEST(light_fork, what_nobody_certified_is_none)
{
    static const enum town_lie lies[] = {TOWN_UNCERTIFIED, TOWN_FEW,     TOWN_STRANGERS,
                                         TOWN_FLIPPED,     TOWN_GARBAGE, TOWN_HTTP_500};
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        char path[FILE_PATH_MAX];
        begin(80, 31, 70);
        town.every = lies[i] == TOWN_FLIPPED ? 70 : 10;
        town.lie = (int)lies[i];
        assert_int_equal(look(70), LIGHT_FORK_NONE);
        light_store_fork(home.store, path, sizeof(path));
        assert_string_equal(path, "");
        end();
    }
}

/* Longer ways to a certificate than are kept prove nothing here. */
TEST(light_fork, evidence_is_bounded)
{
    static struct light_chain longer;
    begin(20, 11, 20);
    town_end(&town);
    light_servers_free(&servers);
    longer = other;
    while (longer.height < LIGHT_CHAIN_MAX)
        light_chain_next(&longer);
    town_start(&town, &longer, LIGHT_CHAIN_MAX);
    town.every = LIGHT_CHAIN_MAX;
    assert_true(light_servers_add(&servers, town.url));
    assert_int_equal(look(20), LIGHT_FORK_PROVED); /* 1,014 headers */
    town.every = UINT64_MAX;
    assert_int_equal(look(20), LIGHT_FORK_NONE);
    end();
}
