#include "node/light_store.h"

#include "common/log.h"
#include "node/file_os.h"
#include "tests/harness.h"
#include "tests/unit/ledger/light_chain.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#define FOUR  0x0fu
#define THREE 0x07u
#define LATER 0x1eu

static struct light_chain chain;
static struct genesis genesis;
static struct trusted trusted;
static struct light light;
static struct light_store *store;
static char folder[32];

static enum status open_store(bool writes)
{
    const struct light_store_options options = {
        .directory = folder, .genesis = &genesis, .trusted = &trusted, .writes = writes};
    return light_store_open(&options, &store, &light);
}

static void begin(void)
{
    memset(&genesis, 0, sizeof(genesis));
    memset(&trusted, 0, sizeof(trusted));
    light_chain_begin(&chain, FOUR);
    genesis.validators = light_chain_set(&chain, FOUR);
    chain.chain_id = genesis_chain_id(&genesis);
    memcpy(folder, "/tmp/light-XXXXXX", 18);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(open_store(true), STATUS_OK);
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
    light_store_close(store);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void reopen(void)
{
    light_store_close(store);
    assert_int_equal(open_store(true), STATUS_OK);
}

/* Takes the header and notes it. */
static void pend(uint64_t height)
{
    const char *what;
    const struct light_step step = {.header = chain.headers[height]};
    assert_int_equal(light_take(&light, &step, &what), LIGHT_PENDING);
    assert_int_equal(light_store_pend(store, &light, chain.headers[height]), STATUS_OK);
}

/* Takes the header with a certificate, and keeps both. */
static void certify(uint64_t height, uint32_t signers, uint32_t next)
{
    const char *what;
    const struct certificate certificate = light_chain_sign(&chain, chain.headers[height], signers);
    const struct validator_set set = light_chain_set(&chain, next);
    const struct light_step step = {.header = chain.headers[height],
                                    .certificate = &certificate,
                                    .next = next != 0 ? &set : NULL};
    assert_int_equal(light_take(&light, &step, &what), LIGHT_CERTIFIED);
    assert_int_equal(light_store_pend(store, &light, chain.headers[height]), STATUS_OK);
    assert_int_equal(light_store_certify(store, &light, &certificate, step.next), STATUS_OK);
    assert_int_equal(light_store_sync(store), STATUS_OK);
}

/* Ten blocks; the fifth hands over. */
static void ten_blocks(void)
{
    for (uint64_t height = 1; height <= 10; height++) {
        if (height == 5)
            light_chain_turn(&chain, LATER);
        else
            light_chain_next(&chain);
    }
    for (uint64_t height = 1; height <= 4; height++)
        pend(height);
    certify(5, THREE, LATER);
    pend(6);
    certify(7, 0x0e, 0);
}

/* Only what is certified is there after a start, with the voters who sign on. */
TEST(light_store, certified_headers_are_found_again)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    struct certificate certificate;
    begin();
    ten_blocks();
    pend(8);
    assert_int_equal(light_store_header(store, 8, header), STATUS_NOT_FOUND);
    reopen();
    assert_int_equal(light.certified.height, 7);
    assert_int_equal(light.tip.height, 7);
    assert_int_equal(light.certified.set.members[3].node, 5);
    for (uint64_t height = 1; height <= 7; height++) {
        assert_int_equal(light_store_header(store, height, header), STATUS_OK);
        assert_memory_equal(header, chain.headers[height], sizeof(header));
    }
    assert_int_equal(light_store_certificate(store, 5, &certificate), STATUS_OK);
    assert_int_equal(certificate.vote_count, 3);
    assert_int_equal(light_store_certificate(store, 6, &certificate), STATUS_NOT_FOUND);
    const struct validator_set later = light_chain_set(&chain, LATER);
    assert_non_null(light_store_voters(store, validator_set_hash(&later)));
    assert_null(light_store_voters(store, hash_of("", 0)));
    pend(8);
    certify(9, 0x0e, 0);
    reopen();
    assert_int_equal(light.certified.height, 9);
    end();
}

/* One process writes; others may read meanwhile. */
TEST(light_store, one_writes_and_others_read)
{
    struct light_store *first;
    begin();
    ten_blocks();
    first = store;
    assert_int_equal(open_store(true), STATUS_EXISTS);
    assert_int_equal(open_store(false), STATUS_OK);
    assert_int_equal(light.certified.height, 7);
    light_store_close(store);
    store = first;
    end();
}

static void flip(const char *name, off_t offset)
{
    char path[FILE_PATH_MAX];
    uint8_t byte;
    assert_true(file_path(path, folder, name));
    const int file = open(path, O_RDWR);
    if (offset < 0) offset += lseek(file, 0, SEEK_END);
    assert_int_equal(pread(file, &byte, 1, offset), 1);
    byte ^= 8;
    assert_int_equal(pwrite(file, &byte, 1, offset), 1);
    close(file);
}

static void cut(const char *name, off_t bytes)
{
    char path[FILE_PATH_MAX];
    struct stat facts;
    assert_true(file_path(path, folder, name));
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(truncate(path, facts.st_size - bytes), 0);
}

static bool has(const char *name)
{
    char path[FILE_PATH_MAX];
    assert_true(file_path(path, folder, name));
    return file_exists(path);
}

/* Rotten bytes are named, put aside and fetched again; what is good below them stays. */
TEST(light_store, rotten_bytes_are_put_aside)
{
    begin();
    ten_blocks();
    light_store_close(store);
    flip("chain/00000001.segment", 2 * (448 + 24) + 100); /* in the third header */
    assert_int_equal(open_store(false), STATUS_DAMAGED);
    assert_int_equal(open_store(true), STATUS_OK);
    assert_true(light.certified.height < 3);
    assert_true(has("chain/quarantine/00000001.segment.1"));
    /* It goes on from there. */
    for (uint64_t height = light.tip.height + 1; height <= 4; height++)
        pend(height);
    certify(5, THREE, LATER);
    reopen();
    assert_int_equal(light.certified.height, 5);
    end();
}

/* A crash between headers and their certificate leaves headers that count for nothing, and are not written twice. */
TEST(light_store, headers_without_their_certificate_come_again)
{
    begin();
    ten_blocks();
    light_store_close(store);
    cut("chain/00000001.segment", 5);
    assert_int_equal(open_store(true), STATUS_OK);
    assert_int_equal(light.certified.height, 5);
    pend(6);
    certify(7, 0x0e, 0);
    pend(8);
    certify(9, 0x1c, 0);
    reopen();
    assert_int_equal(light.certified.height, 9);
    end();
}

/* A folder that another genesis' chain is in is not believed for lying there. */
TEST(light_store, chain_of_another_genesis_is_put_aside)
{
    begin();
    ten_blocks();
    light_store_close(store);
    genesis.time_ns++;
    assert_int_equal(open_store(false), STATUS_DAMAGED);
    assert_int_equal(open_store(true), STATUS_OK);
    assert_int_equal(light.certified.height, 0);
    assert_true(has("chain/quarantine/00000001.segment.1"));
    end();
}

/* Without the steps from one set to the next nobody's signatures are known behind them. */
TEST(light_store, lost_lineage_costs_the_chain_not_the_truth)
{
    begin();
    ten_blocks();
    light_store_close(store);
    flip("lineage", 100);
    assert_int_equal(open_store(true), STATUS_OK);
    assert_true(light.certified.height < 5);
    end();
}

/* The operator's word must be that of the chain that is there. */
TEST(light_store, word_that_contradicts_the_chain_is_refused)
{
    begin();
    ten_blocks();
    light_store_close(store);
    trusted.height = 6;
    trusted.set = light_chain_set(&chain, LATER);
    assert_int_equal(open_store(true), STATUS_OK);
    light_store_close(store);
    trusted.set = light_chain_set(&chain, FOUR);
    assert_int_equal(open_store(false), STATUS_MISMATCH);
    assert_int_equal(open_store(true), STATUS_MISMATCH);
    trusted.height = 0; /* nothing was put aside for it */
    assert_int_equal(open_store(true), STATUS_OK);
    assert_int_equal(light.certified.height, 7);
    end();
}

/* Evidence of a fork is found by every later start. */
TEST(light_store, fork_is_not_forgotten)
{
    char path[FILE_PATH_MAX];
    begin();
    light_store_fork(store, path, sizeof(path));
    assert_string_equal(path, "");
    assert_int_equal(file_make_folder(light_store_evidence(store), 0755), STATUS_OK);
    assert_true(file_path(path, light_store_evidence(store), "double-1-0-7.json"));
    assert_int_equal(file_create(path, "{}", 2, 0644), STATUS_OK);
    light_store_fork(store, path, sizeof(path));
    assert_string_equal(path, "");
    assert_true(file_path(path, light_store_evidence(store), "fork-7.json"));
    assert_int_equal(file_create(path, "{}", 2, 0644), STATUS_OK);
    reopen();
    light_store_fork(store, path, sizeof(path));
    assert_non_null(strstr(path, "fork-7.json"));
    end();
}
