#include "ledger/history_store.h"

#include "tests/harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADERS 200

/* A chain of headers as the store sees it: each commits to all below it. */
static uint8_t headers[HEADERS + 1][BLOCK_HEADER_BYTES];
static hash_t hashes[HEADERS + 1], leaves[HEADERS];
static struct history histories[HEADERS + 1]; /* after so many headers */
static char path[64];

static void make_chain(uint8_t kind)
{
    struct history history;
    history_begin(&history);
    for (uint64_t height = 1; height <= HEADERS; height++) {
        struct block_header header = {.version = BLOCK_HEADER_VERSION,
                                      .height = height,
                                      .time_ns = kind,
                                      .history_root = history_root(&history)};
        histories[height - 1] = history;
        block_header_encode(&header, headers[height]);
        hashes[height] = block_header_hash(headers[height]);
        leaves[height - 1] = history_leaf(hashes[height]);
        history_add(&history, height, hashes[height]);
    }
    histories[HEADERS] = history;
}

static enum status read_header(void *context, uint64_t height, uint8_t header[BLOCK_HEADER_BYTES])
{
    const uint64_t *lowest = context;
    if (height > HEADERS || height < *lowest) return STATUS_NOT_FOUND;
    memcpy(header, headers[height], BLOCK_HEADER_BYTES);
    return STATUS_OK;
}

static struct history_headers chain(uint64_t lowest)
{
    static uint64_t kept;
    kept = lowest;
    return (struct history_headers){&kept, read_header};
}

static void new_path(void)
{
    snprintf(path, sizeof(path), "/tmp/history-XXXXXX");
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    unlink(path);
}

static struct history_store *follow(uint64_t base, uint64_t tip)
{
    struct history_store *store;
    const struct history_headers source = chain(base + 1);
    assert_int_equal(history_store_open(path, &store), STATUS_OK);
    assert_int_equal(history_store_follow(store, &histories[base], tip, &source), STATUS_OK);
    assert_int_equal(history_store_height(store), tip);
    return store;
}

/* Every proof between sizes from..to is the one that merkle.h makes of the leaves. */
static void assert_proofs(struct history_store *store, uint64_t from, uint64_t to)
{
    struct merkle_path got, expected;
    hash_t root;
    for (uint64_t size = from; size <= to; size++) {
        assert_int_equal(history_store_root(store, size, &root), STATUS_OK);
        assert_true(hash_equal(root, history_root(&histories[size])));
        for (uint64_t old = from; old <= size; old++) {
            assert_int_equal(history_store_consistency(store, old, size, &got), STATUS_OK);
            merkle_prove_consistency(leaves, old, size, &expected);
            assert_int_equal(got.count, expected.count);
            assert_memory_equal(got.hashes, expected.hashes, got.count * sizeof(hash_t));
        }
        for (uint64_t height = from + 1; height <= size; height++) {
            assert_int_equal(history_store_inclusion(store, height, size, &got), STATUS_OK);
            merkle_prove_inclusion(leaves, size, height - 1, &expected);
            assert_int_equal(got.count, expected.count);
            assert_memory_equal(got.hashes, expected.hashes, got.count * sizeof(hash_t));
        }
    }
}

/* The places are the arithmetic of the header's drawing: no two nodes share one, none is left out. */
TEST(history_store, places_are_dense)
{
    uint64_t place = 0;
    for (uint64_t leaf = 1; leaf <= 1000; leaf++) {
        for (uint32_t level = 0; leaf % (UINT64_C(1) << level) == 0; level++)
            assert_int_equal(history_store_place(leaf, level), place++);
        assert_int_equal(history_store_nodes(leaf), place);
    }
}

TEST(history_store, header_is_strict)
{
    uint8_t header[HISTORY_STORE_HEADER_BYTES];
    uint64_t base, synced;
    history_store_header_put(header, 7, 1024);
    assert_true(history_store_header_get(header, &base, &synced));
    assert_int_equal(base, 7);
    assert_int_equal(synced, 1024);
    for (size_t at = 0; at < sizeof(header); at++) {
        header[at] ^= 1;
        assert_false(history_store_header_get(header, &base, &synced));
        header[at] ^= 1;
    }
    history_store_header_put(header, 9, 8);
    assert_false(history_store_header_get(header, &base, &synced));
}

/* A light node that kept an old size is shown that nothing below it was rewritten. */
TEST(history_store, proofs_are_those_of_the_leaves)
{
    make_chain(1);
    new_path();
    struct history_store *store = follow(0, HEADERS), *reader;
    assert_proofs(store, 1, HEADERS);
    assert_int_equal(history_store_open_reader(path, &reader), STATUS_OK);
    assert_proofs(reader, 100, 140);
    history_store_close(reader);
    history_store_close(store);
    unlink(path);
}

/* A reader finds a file that comes later, and sizes as the writer adds them. */
TEST(history_store, reader_follows_the_writer)
{
    struct history_store *reader, *store;
    struct merkle_path proof;
    hash_t root;
    make_chain(1);
    new_path();
    assert_int_equal(history_store_open_reader(path, &reader), STATUS_OK);
    assert_int_equal(history_store_root(reader, 1, &root), STATUS_NOT_FOUND);
    store = follow(0, 5);
    assert_proofs(reader, 1, 5);
    assert_int_equal(history_store_root(reader, 6, &root), STATUS_NOT_FOUND);
    assert_int_equal(history_store_consistency(reader, 2, 6, &proof), STATUS_NOT_FOUND);
    assert_int_equal(history_store_add(store, 6, hashes[6]), STATUS_OK);
    assert_int_equal(history_store_add(store, 6, hashes[6]), STATUS_OK); /* once more is nothing */
    assert_proofs(reader, 1, 6);
    assert_int_equal(history_store_root(reader, 0, &root), STATUS_NOT_FOUND);
    history_store_close(store);
    history_store_close(reader);
    unlink(path);
}

/* A node that began above a checkpoint proves everything from its base on, and says so of what is below. */
TEST(history_store, begins_above_a_base)
{
    make_chain(1);
    const uint64_t bases[] = {1, 2, 5, 63, 64, 65, 100, 127};
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        struct merkle_path proof;
        hash_t root;
        new_path();
        struct history_store *store = follow(bases[i], HEADERS);
        assert_proofs(store, bases[i], HEADERS);
        if (bases[i] > 1) {
            assert_int_equal(history_store_root(store, bases[i] - 1, &root), STATUS_NOT_FOUND);
            assert_int_equal(history_store_consistency(store, bases[i] - 1, HEADERS, &proof),
                             STATUS_NOT_FOUND);
            assert_int_equal(history_store_inclusion(store, 1, HEADERS, &proof), STATUS_NOT_FOUND);
        }
        /* The base's own leaf has its sibling below, which nobody has told us. */
        if (bases[i] % 2 == 0)
            assert_int_equal(history_store_inclusion(store, bases[i], HEADERS, &proof),
                             STATUS_NOT_FOUND);
        history_store_close(store);
        store = follow(bases[i], HEADERS); /* and after a restart */
        assert_proofs(store, HEADERS - 20, HEADERS);
        history_store_close(store);
        unlink(path);
    }
}

/* Its chain has come to begin lower: what it could not prove before it proves now. */
TEST(history_store, older_headers_that_came_later_are_taken_in)
{
    static const uint64_t bases[] = {0, 20, 64};
    make_chain(1);
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        new_path();
        struct history_store *store = follow(100, HEADERS);
        history_store_close(store);
        store = follow(bases[i], HEADERS);
        assert_proofs(store, bases[i] > 0 ? bases[i] : 1, HEADERS);
        history_store_close(store);
        store = follow(100, HEADERS); /* and stays: its beginning is the better one */
        assert_proofs(store, bases[i] > 0 ? bases[i] : 1, HEADERS);
        history_store_close(store);
        unlink(path);
    }
}

static void write_at(off_t offset, const void *bytes, size_t byte_count)
{
    const int descriptor = open(path, O_RDWR);
    assert_true(descriptor >= 0);
    assert_int_equal(pwrite(descriptor, bytes, byte_count, offset), (ssize_t)byte_count);
    close(descriptor);
}

/* Whatever a power cut leaves behind the mark, only what was synchronised is believed; the rest comes from
 * the headers again. */
TEST(history_store, what_was_not_synchronised_is_added_again)
{
    uint8_t zeros[HASH_BYTES * 64] = {0}, header[HISTORY_STORE_HEADER_BYTES];
    make_chain(1);
    new_path();
    history_store_close(follow(0, HEADERS));
    history_store_header_put(header, 0, 150);
    write_at(0, header, sizeof(header));
    const off_t lost = HISTORY_STORE_HEADER_BYTES + (off_t)history_store_nodes(150) * HASH_BYTES;
    write_at(lost, zeros, sizeof(zeros));
    struct history_store *store = follow(0, HEADERS);
    assert_proofs(store, 140, HEADERS);
    history_store_close(store);
    /* The header itself torn: all of it again. */
    write_at(8, zeros, 8);
    memset(header, 0x5a, sizeof(header));
    write_at(30, header, 8);
    store = follow(0, HEADERS);
    assert_proofs(store, 1, 40);
    history_store_close(store);
    unlink(path);
}

/* An inner node that rots is no tree's peak: roots are right, and whoever asks for a proof gets a right one or none. */
TEST(history_store, rotten_node_gives_no_wrong_proof)
{
    const uint8_t rot = 0x77;
    const uint64_t node = history_store_place(64, 5);
    uint32_t refused = 0;
    struct merkle_path proof;
    make_chain(1);
    new_path();
    struct history_store *store = follow(0, HEADERS);
    write_at(HISTORY_STORE_HEADER_BYTES + (off_t)(node * HASH_BYTES) + 3, &rot, 1);
    const hash_t root = history_root(&histories[HEADERS]);
    for (uint64_t at = 1; at <= HEADERS; at++) {
        enum status status = history_store_inclusion(store, at, HEADERS, &proof);
        if (status == STATUS_OK)
            assert_true(merkle_included(leaves[at - 1], at - 1, HEADERS, root, &proof));
        else
            assert_int_equal(status, STATUS_DAMAGED);
        refused += status == STATUS_DAMAGED;
        status = history_store_consistency(store, at, HEADERS, &proof);
        if (status == STATUS_OK)
            assert_true(merkle_consistent(at, history_root(&histories[at]), HEADERS, root, &proof));
        else
            assert_int_equal(status, STATUS_DAMAGED);
        refused += status == STATUS_DAMAGED;
    }
    assert_in_range(refused, 32, HEADERS);
    history_store_close(store);
    unlink(path);
}

/* A file of another chain, one with a rotten peak, one that is longer than the chain: the chain decides. */
TEST(history_store, disagreement_is_settled_by_the_chain)
{
    const uint8_t rot = 0x77;
    make_chain(1);
    new_path();
    history_store_close(follow(0, HEADERS));
    make_chain(2);
    struct history_store *store = follow(0, HEADERS);
    assert_proofs(store, 90, 120);
    history_store_close(store);

    const uint64_t peak = history_store_place(128, 7);
    write_at(HISTORY_STORE_HEADER_BYTES + (off_t)(peak * HASH_BYTES) + 3, &rot, 1);
    store = follow(0, HEADERS);
    assert_proofs(store, 120, 135);
    history_store_close(store);

    store = follow(0, 77); /* the chain's tail was torn */
    assert_proofs(store, 60, 77);
    assert_int_equal(history_store_add(store, 78, hashes[78]), STATUS_OK);
    assert_proofs(store, 60, 78);
    history_store_close(store);
    unlink(path);
}

/* A failed read of the chain is the caller's to know. */
TEST(history_store, missing_headers_are_a_failure)
{
    struct history_store *store;
    make_chain(1);
    new_path();
    const struct history_headers source = chain(10);
    assert_int_equal(history_store_open(path, &store), STATUS_OK);
    assert_int_equal(history_store_follow(store, &histories[0], HEADERS, &source),
                     STATUS_NOT_FOUND);
    history_store_close(store);
    assert_int_equal(history_store_open("/tmp/no/such/folder/history", &store), STATUS_IO);
    unlink(path);
}
