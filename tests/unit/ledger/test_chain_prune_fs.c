#include "common/log.h"
#include "ledger/chain_files.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"

#include <pthread.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SMALL_SEGMENT 6000 /* four or five blocks */
#define TIP           60

static struct chain_folder folder;
static struct blocks blocks;
static struct chain *chain;

/* A chain of `tip` blocks in small segments, open for writing. */
static void fill(uint64_t tip)
{
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&folder);
    blocks_begin(&blocks);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    chain->segment_bytes = SMALL_SEGMENT;
    assert_int_equal(chain_folder_fill(chain, &blocks, tip), STATUS_OK);
}

static void prune(uint64_t below)
{
    for (bool more = true; more;)
        assert_int_equal(chain_prune_bodies(chain, below, &more), STATUS_OK);
}

/* Every header and certificate up to `tip` is what was made, and every body from `first_body` on. */
static void assert_pruned(struct chain *reader, uint64_t first_body, uint64_t tip)
{
    struct blocks made;
    blocks_begin(&made);
    assert_int_equal(chain_tip(reader), tip);
    assert_int_equal(chain_base(reader), 0);
    assert_int_equal(chain_first_body(reader), first_body);
    while (made.height < tip) {
        uint8_t header[BLOCK_HEADER_BYTES], certificate[64];
        struct chain_block block;
        const uint8_t *bytes;
        size_t byte_count;
        blocks_next(&made);
        assert_int_equal(chain_read_header(reader, made.height, header), STATUS_OK);
        assert_memory_equal(header, made.header_bytes, sizeof(header));
        const bool here = made.height >= first_body;
        assert_int_equal(chain_read_block(reader, made.height, &block),
                         here ? STATUS_OK : STATUS_NOT_FOUND);
        if (here) assert_memory_equal(block.body, made.body, made.body_bytes);
        const enum status status = chain_read_certificate(reader, made.height, &bytes, &byte_count);
        assert_int_equal(status, made.height % 3 == 0 ? STATUS_NOT_FOUND : STATUS_OK);
        if (status != STATUS_OK) continue;
        assert_int_equal(byte_count, chain_folder_certificate(made.height, certificate));
        assert_memory_equal(bytes, certificate, byte_count);
    }
}

static bool exists(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder.path, name);
    return access(path, F_OK) == 0;
}

/* Bodies go by whole segments that hold no other; headers and certificates stay, for the writer, for readers, and
 * after the chain was opened again, and it goes on. */
TEST(chain_prune, takes_bodies_and_leaves_the_rest)
{
    struct chain *reader;
    fill(TIP);
    assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
    assert_pruned(reader, 1, TIP);
    uint64_t first = 1;
    for (uint64_t below = 0; below <= TIP + 20; below += 7) {
        prune(below);
        const uint64_t now = chain_first_body(chain);
        assert_true(now >= first && (now <= below || now == 1));
        assert_true(below > TIP || now + 8 >= below); /* not more than a segment is left over */
        first = now;
        assert_pruned(chain, first, TIP);
        assert_pruned(reader, first, TIP);
    }
    assert_true(first > TIP - 10 && first <= TIP);
    assert_true(exists("00000001.headers") && !exists("00000001.segment"));
    chain_close(reader);
    chain_close(chain);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_pruned(chain, first, TIP);
    assert_int_equal(chain_folder_fill(chain, &blocks, TIP + 10), STATUS_OK);
    prune(TIP + 100);
    assert_pruned(chain, first, TIP + 10);
    chain_close(chain);
    chain_folder_remove(&folder);
}

/* One segment a call, and it says whether there is another. */
TEST(chain_prune, does_one_segment_a_call)
{
    bool more;
    fill(TIP);
    unsigned calls = 0;
    do {
        const uint64_t before = chain_first_body(chain);
        assert_int_equal(chain_prune_bodies(chain, TIP, &more), STATUS_OK);
        assert_true(chain_first_body(chain) > before);
        calls++;
    } while (more);
    assert_true(calls > 5);
    const uint64_t before = chain_first_body(chain);
    assert_int_equal(chain_prune_bodies(chain, TIP, &more), STATUS_OK);
    assert_false(more);
    assert_int_equal(chain_first_body(chain), before);
    chain_close(chain);
    chain_folder_remove(&folder);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536], path[128];
    snprintf(path, sizeof(path), "%s/%s", folder.path, from);
    const int source = open(path, O_RDONLY);
    const ssize_t count = read(source, bytes, sizeof(bytes));
    snprintf(path, sizeof(path), "%s/%s", folder.path, to);
    const int copy = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(source >= 0 && copy >= 0 && count > 0 && count < (ssize_t)sizeof(bytes));
    assert_int_equal(write(copy, bytes, (size_t)count), count);
    close(source);
    close(copy);
}

static void remove_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder.path, name);
    assert_int_equal(unlink(path), 0);
}

/* The power may go between any two steps: the headers file is there and the index does not know it; the index
 * knows part of it; the index knows it and the segment is still there. Readers find everything that was there, and
 * the writer makes one file of it. */
TEST(chain_prune, survives_a_cut_at_every_step)
{
    for (int step = 0; step < 4; step++) {
        struct chain *reader;
        bool more;
        fill(20);
        chain_close(chain);
        assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
        copy_file("00000001.segment", "kept-segment");
        copy_file("index", "kept-index");
        assert_int_equal(chain_prune_bodies(chain, 20, &more), STATUS_OK);
        chain_close(chain);
        copy_file("index", "new-index");
        copy_file("kept-segment", "00000001.segment");
        if (step < 2) copy_file("kept-index", "index");
        if (step == 1) { /* half of the entries are written */
            uint8_t bytes[2 * CHAIN_ENTRY_BYTES];
            const int from = chain_folder_open(&folder, "new-index");
            const int to = chain_folder_open(&folder, "index");
            assert_int_equal(pread(from, bytes, sizeof(bytes), CHAIN_INDEX_HEADER_BYTES),
                             sizeof(bytes));
            assert_int_equal(pwrite(to, bytes, sizeof(bytes), CHAIN_INDEX_HEADER_BYTES),
                             sizeof(bytes));
            close(from);
            close(to);
        }
        if (step == 3) remove_file("00000001.segment");

        assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
        uint8_t header[BLOCK_HEADER_BYTES];
        const uint8_t *bytes;
        size_t byte_count;
        for (uint64_t height = 1; height <= 20; height++) {
            struct chain_block block;
            assert_int_equal(chain_read_header(reader, height, header), STATUS_OK);
            const enum status status = chain_read_block(reader, height, &block);
            assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
            assert_int_equal(chain_read_certificate(reader, height, &bytes, &byte_count),
                             height % 3 == 0 ? STATUS_NOT_FOUND : STATUS_OK);
        }
        struct chain_scan scan;
        assert_int_equal(chain_scan(folder.path, &scan), STATUS_OK);
        assert_null(scan.index_fault); /* for an auditor beside the writer nothing is wrong */
        chain_scan_end(&scan);
        chain_close(reader);

        assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
        const uint64_t first = chain_first_body(chain);
        assert_int_equal(first > 1, step == 3);
        assert_int_equal(exists("00000001.headers"), step == 3);
        assert_pruned(chain, first, 20);
        chain->segment_bytes = SMALL_SEGMENT;
        prune(20);
        assert_pruned(chain, chain_first_body(chain), 20);
        assert_int_equal(chain_folder_fill(chain, &blocks, 25), STATUS_OK);
        assert_pruned(chain, chain_first_body(chain), 25);
        chain_close(chain);
        chain_folder_remove(&folder);
    }
}

/* A byte that changed is never copied into a headers file, and one that changes there is named. */
TEST(chain_prune, changed_byte_is_refused)
{
    bool more;
    fill(20);
    const off_t whole = chain_folder_bytes(&folder, "00000001.segment");
    for (off_t offset = 0; offset < whole; offset += 7) {
        /* A body's bytes are not looked at: they go. */
        chain_folder_flip(&folder, "00000001.segment", offset, 2);
        const enum status status = chain_prune_bodies(chain, 20, &more);
        if (status == STATUS_OK) {
            assert_pruned(chain, chain_first_body(chain), 20);
            chain_close(chain);
            chain_folder_remove(&folder);
            fill(20);
            continue;
        }
        assert_int_equal(status, STATUS_DAMAGED);
        chain_folder_flip(&folder, "00000001.segment", offset, 2);
        assert_false(exists("00000001.headers"));
    }
    prune(20);
    chain_close(chain);
    const off_t left = chain_folder_bytes(&folder, "00000001.headers");
    for (off_t offset = 0; offset < left; offset += 3) {
        struct chain_scan scan;
        chain_folder_flip(&folder, "00000001.headers", offset, 4);
        assert_int_equal(chain_scan(folder.path, &scan), STATUS_DAMAGED);
        assert_string_equal(scan.file, "00000001.headers");
        chain_scan_end(&scan);
        assert_int_equal(chain_open(folder.path, &chain), STATUS_DAMAGED);
        chain_folder_flip(&folder, "00000001.headers", offset, 4);
    }
    chain_folder_remove(&folder);
}

/* Called when a file of this name is next opened, before it is. */
static struct {
    const char *name;
    void (*call)(void);
} before_open;

/* In place of the C library's. */
int openat(int directory, const char *name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (before_open.name != NULL && strcmp(name, before_open.name) == 0) {
        before_open.name = NULL;
        before_open.call();
    }
    return (int)syscall(SYS_openat, directory, name, flags, mode);
}

static void prune_first(void)
{
    bool more;
    assert_int_equal(chain_prune_bodies(chain, 20, &more), STATUS_OK);
}

/* A reader knows where a record was, and the file goes before it is opened: the reader looks again. */
TEST(chain_prune, file_that_goes_under_a_reader_is_looked_for_again)
{
    for (int body = 0; body < 2; body++) {
        struct chain *reader;
        struct chain_block block;
        uint8_t header[BLOCK_HEADER_BYTES];
        fill(20);
        assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
        before_open.name = "00000001.segment";
        before_open.call = prune_first;
        if (body)
            assert_int_equal(chain_read_block(reader, 2, &block), STATUS_NOT_FOUND);
        else
            assert_int_equal(chain_read_header(reader, 2, header), STATUS_OK);
        assert_null(before_open.name);
        assert_false(exists("00000001.segment"));
        chain_close(reader);
        chain_close(chain);
        chain_folder_remove(&folder);
    }
}

#define RACE_BLOCKS 1000

/* Reads one height; false when anything is wrong. */
static bool read_one(struct chain *reader, const struct blocks *made)
{
    struct chain_block block;
    uint8_t header[BLOCK_HEADER_BYTES];
    if (chain_read_header(reader, made->height, header) != STATUS_OK ||
        memcmp(header, made->header_bytes, sizeof(header)) != 0)
        return false;
    const enum status status = chain_read_block(reader, made->height, &block);
    if (status == STATUS_OK)
        return block.body_bytes == made->body_bytes &&
               memcmp(block.body, made->body, made->body_bytes) == 0;
    return status == STATUS_NOT_FOUND && made->height < chain_first_body(reader);
}

/* Reads what is about to go, by turns out of two segments so that files are opened anew, until the last body is
 * gone; false when anything is ever wrong. */
static bool read_along(const struct blocks *made)
{
    struct chain *reader;
    if (chain_open_reader(folder.path, &reader) != STATUS_OK) return false;
    bool right = true;
    uint64_t first = 1;
    while (right && first + 20 < RACE_BLOCKS) {
        for (uint64_t i = 0; right && i < 6; i++)
            right = read_one(reader, &made[first + i]) && read_one(reader, &made[first + i + 10]);
        first = chain_first_body(reader);
    }
    for (uint64_t height = 1; right && height <= RACE_BLOCKS; height++)
        right = read_one(reader, &made[height]);
    chain_close(reader);
    return right;
}

struct along {
    const struct blocks *made;
    bool right;
};

static void *read_along_thread(void *argument)
{
    struct along *along = argument;
    along->right = read_along(along->made);
    return NULL;
}

/* While bodies go, a reader in another thread and one in another process find a body or none, never a wrong one,
 * and every header. */
TEST(chain_prune, readers_find_a_body_or_none)
{
    struct blocks *made = calloc(RACE_BLOCKS + 1, sizeof(*made));
    blocks_begin(&made[0]);
    for (int i = 1; i <= RACE_BLOCKS; i++) {
        made[i] = made[i - 1];
        blocks_next(&made[i]);
    }
    fill(RACE_BLOCKS);
    const pid_t child = fork();
    if (child == 0) _exit(read_along(made) ? 0 : 1);
    struct along along = {.made = made};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_along_thread, &along), 0);
    for (uint64_t below = 1; below <= RACE_BLOCKS; below++)
        prune(below);
    pthread_join(thread, NULL);
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(along.right);
    assert_int_equal(code, 0);
    assert_pruned(chain, chain_first_body(chain), RACE_BLOCKS);
    chain_close(chain);
    chain_folder_remove(&folder);
    free(made);
}
