#include "ledger/release_shelf.h"

#include "common/log.h"
#include "common/params.h"
#include "common/withdrawal_event.h"
#include "ledger/chain_files.h"
#include "ledger/release.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIP           60
#define SMALL_SEGMENT 8000
#define EVERY         3 /* blocks, of which one approves */

static struct chain_folder folder;
static char directory[192];
static struct blocks blocks;
static struct chain *chain;

/* In block h, when it is one that approves: withdrawals 10h and 10h + 1. */
static void approve(uint64_t number)
{
    uint8_t payload[512] = {0}, events[512];
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    const struct withdrawal_moved_event approved = {.withdrawal = number,
                                                    .block = blocks.height,
                                                    .amount = {1000},
                                                    .fee = {30},
                                                    .paid = {970},
                                                    .state = WITHDRAWAL_APPROVED,
                                                    .chain = "ETH",
                                                    .address = "0xabc"};
    withdrawal_event_write(&writer, PARAMS_RULES_CHARGES, &approved);
    blocks_record(&blocks, T_WITHDRAW, payload, &writer, events);
}

static void next_block(void)
{
    if ((blocks.height + 1) % EVERY != 0) {
        blocks_next(&blocks);
        return;
    }
    uint8_t payload[64], events[64];
    blocks.height++;
    blocks.body_bytes = 0;
    const uint64_t first = blocks.command + 1;
    seal_begin(&blocks.seal, first);
    approve(10 * blocks.height);
    approve(10 * blocks.height + 1);
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    seal_command_put(payload, &(struct seal_command){.height = blocks.height});
    blocks_record(&blocks, T_SEAL, payload, &writer, events);
    const struct seal_facts facts = {.height = blocks.height,
                                     .time_ns = blocks.height,
                                     .prev_hash = blocks.last_hash,
                                     .history_root = history_root(&blocks.history),
                                     .releases = true};
    seal_step(&blocks.seal, &facts, &blocks.header);
    block_header_encode(&blocks.header, blocks.header_bytes);
    blocks.last_hash = block_header_hash(blocks.header_bytes);
    history_add(&blocks.history, blocks.height, blocks.last_hash);
}

static void begin(void)
{
    assert_true(hash_start());
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&folder);
    blocks_begin(&blocks);
    snprintf(directory, sizeof(directory), "%s-releases", folder.path);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    chain->segment_bytes = SMALL_SEGMENT;
    while (blocks.height < TIP) {
        next_block();
        assert_int_equal(
            chain_append_block(chain, blocks.header_bytes, blocks.body, blocks.body_bytes),
            STATUS_OK);
    }
}

static void end(void)
{
    chain_close(chain);
    chain_folder_remove_files(directory);
    chain_folder_remove(&folder);
}

static void shelve(uint64_t *shelved, uint64_t below)
{
    for (int calls = 0; calls < 10 && *shelved + 1 < below; calls++)
        assert_int_equal(release_shelf_take(directory, chain, shelved, below), STATUS_OK);
    assert_int_equal(*shelved + 1, below);
}

static void prune(uint64_t below)
{
    for (bool more = true; more;)
        assert_int_equal(chain_prune_bodies(chain, below, &more), STATUS_OK);
}

/* The release of a withdrawal by what was kept of its block, checked against the header that the chain still has. */
static enum status release_of(uint64_t withdrawal, uint64_t height)
{
    static hash_t leaves[64];
    uint8_t bytes[BLOCK_HEADER_BYTES], *kept;
    struct block_header header;
    struct proof_release release;
    size_t byte_count;
    assert_int_equal(chain_read_header(chain, height, bytes), STATUS_OK);
    assert_true(block_header_decode(bytes, &header));
    enum status status = release_shelf_read(directory, height, &kept, &byte_count);
    if (status != STATUS_OK) return status;
    status = release_of_kept(&header, kept, byte_count, withdrawal, leaves, &release);
    free(kept);
    if (status != STATUS_OK) return status;
    assert_null(release_fault(&release, &header));
    assert_int_equal(release.withdrawal.withdrawal, withdrawal);
    assert_int_equal(release.withdrawal.paid.units, 970);
    return STATUS_OK;
}

static void assert_kept_below(uint64_t below)
{
    for (uint64_t height = 1; height <= TIP; height++) {
        const bool kept = height < below && height % EVERY == 0;
        for (uint64_t i = 0; i < 2; i++)
            assert_int_equal(release_of(10 * height + i, height),
                             kept ? STATUS_OK : STATUS_NOT_FOUND);
    }
}

/* Bodies gone, every release of theirs is proved against the header that stayed; of blocks above, nothing is kept. */
TEST(release_shelf, what_bodies_told_is_told_without_them)
{
    uint64_t shelved = 0;
    begin();
    assert_int_equal(release_of(30, 3), STATUS_NOT_FOUND); /* no folder yet */
    shelve(&shelved, 31);
    prune(31);
    struct chain_block block;
    assert_true(chain_first_body(chain) > 20);
    assert_int_equal(chain_read_block(chain, 9, &block), STATUS_NOT_FOUND);
    assert_kept_below(31);
    assert_int_equal(release_of(92, 9), STATUS_NOT_FOUND);
    shelve(&shelved, 46);
    prune(46);
    assert_kept_below(46);
    end();
}

/* A node that died in between goes on from the first body it has: what is there is not written twice. */
TEST(release_shelf, begun_again_it_has_each_once)
{
    uint64_t shelved = 0;
    struct stat before, after;
    char path[256];
    begin();
    shelve(&shelved, 31);
    snprintf(path, sizeof(path), "%s/leaves", directory);
    assert_int_equal(stat(path, &before), 0);
    shelved = 0;
    shelve(&shelved, 31);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_kept_below(31);
    end();
}

/* Cut anywhere, it is as if the last blocks had not been kept; kept again, all are there. */
TEST(release_shelf, a_torn_tail_is_written_again)
{
    uint64_t shelved;
    char path[256];
    for (off_t cut = 1; cut <= 3 * RELEASE_SHELF_RECORD_BYTES; cut += 13) {
        struct stat found;
        begin();
        shelved = 0;
        shelve(&shelved, 31);
        snprintf(path, sizeof(path), "%s/index", directory);
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(truncate(path, found.st_size - cut), 0);
        assert_int_equal(release_of(300, 30), STATUS_NOT_FOUND);
        assert_int_equal(release_of(30, 3), STATUS_OK);
        shelved = 0;
        shelve(&shelved, 31);
        assert_kept_below(31);
        end();
    }
}

/* Whatever byte is another one: nothing is given that was not kept. */
TEST(release_shelf, a_byte_that_changed_is_noticed)
{
    uint64_t shelved = 0;
    char path[256];
    struct stat found;
    begin();
    shelve(&shelved, 31);
    snprintf(path, sizeof(path), "%s/leaves", directory);
    assert_int_equal(stat(path, &found), 0);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    const off_t each = found.st_size / (30 / EVERY);
    for (off_t at = 0; at < each; at++) {
        uint8_t byte;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
        assert_int_equal(release_of(30, 3), STATUS_DAMAGED);
        assert_int_equal(release_of(60, 6), STATUS_OK);
        byte ^= 0x10;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
    }
    assert_int_equal(release_of(30, 3), STATUS_OK);
    close(file);
    end();
}

/* ---- The index ---- */

static int open_index(void)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/index", directory);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    return file;
}

static off_t bytes_of(const char *name)
{
    char path[256];
    struct stat found;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(stat(path, &found), 0);
    return found.st_size;
}

static void zero_records(int first, int count)
{
    static const uint8_t zeros[RELEASE_SHELF_RECORD_BYTES];
    const int file = open_index();
    for (int i = first; i < first + count; i++)
        assert_int_equal(pwrite(file, zeros, sizeof(zeros), (off_t)i * (off_t)sizeof(zeros)),
                         sizeof(zeros));
    close(file);
}

/* Whatever bit of whatever record is another one: its block is damaged, and every other one is read as before. */
TEST(release_shelf, a_damaged_record_hides_no_other)
{
    uint64_t shelved = 0;
    begin();
    shelve(&shelved, 31);
    const int file = open_index();
    const off_t byte_count = bytes_of("index");
    assert_int_equal(byte_count, 30 / EVERY * RELEASE_SHELF_RECORD_BYTES);
    for (off_t at = 0; at < byte_count; at++) {
        const uint64_t hit = ((uint64_t)at / RELEASE_SHELF_RECORD_BYTES + 1) * EVERY;
        uint8_t byte, other;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        other = (uint8_t)(byte ^ (1 << at % 8));
        assert_int_equal(pwrite(file, &other, 1, at), 1);
        for (uint64_t height = EVERY; height <= 30; height += EVERY)
            assert_int_equal(release_of(10 * height, height),
                             height == hit ? STATUS_DAMAGED : STATUS_OK);
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
    }
    assert_kept_below(31);
    close(file);
    end();
}

/* Whatever run of records is zeros: those blocks are damaged, and when their bodies are looked at again, each has its
 * record, in its place. */
TEST(release_shelf, what_is_damaged_is_written_again)
{
    const int records = 30 / EVERY;
    begin();
    uint64_t shelved = 0;
    shelve(&shelved, 31);
    const off_t byte_count = bytes_of("index");
    for (int first = 0; first < records; first++)
        for (int count = 1; first + count <= records; count++) {
            zero_records(first, count);
            for (int i = 0; i < records; i++) {
                const uint64_t height = ((uint64_t)i + 1) * EVERY;
                assert_int_equal(release_of(10 * height, height),
                                 i >= first && i < first + count ? STATUS_DAMAGED : STATUS_OK);
            }
            shelved = 0;
            shelve(&shelved, 31);
            assert_int_equal(bytes_of("index"), byte_count);
            assert_kept_below(31);
        }
    shelve(&shelved, 46);
    assert_kept_below(46);
    end();
}

/* A node that died when the leaves were there and their record was not: they are written again, behind what is there. */
TEST(release_shelf, leaves_without_their_record_are_written_again)
{
    begin();
    for (uint64_t last = EVERY; last <= 30; last += EVERY) {
        uint64_t shelved = 0;
        shelve(&shelved, last + 1);
        const off_t leaves = bytes_of("leaves"), index = bytes_of("index");
        const int file = open_index();
        assert_int_equal(ftruncate(file, index - RELEASE_SHELF_RECORD_BYTES), 0);
        close(file);
        assert_int_equal(release_of(10 * last, last), STATUS_NOT_FOUND);
        shelved = 0;
        shelve(&shelved, last + 1);
        assert_true(bytes_of("leaves") > leaves);
        assert_int_equal(bytes_of("index"), index);
        assert_kept_below(last + 1);
    }
    end();
}

/* A body that was lost and came back has its record between the others', wherever that is. */
TEST(release_shelf, what_was_passed_over_finds_its_place)
{
    uint8_t records[30 / EVERY][RELEASE_SHELF_RECORD_BYTES];
    uint64_t shelved = 0;
    begin();
    shelve(&shelved, 31);
    for (size_t lost = 0; lost + 1 < 30 / EVERY; lost++) {
        const int file = open_index();
        assert_int_equal(pread(file, records, sizeof(records), 0), sizeof(records));
        const size_t behind = sizeof(records) - (lost + 1) * sizeof(records[0]);
        memmove(records[lost], records[lost + 1], behind);
        assert_int_equal(pwrite(file, records, sizeof(records), 0), sizeof(records));
        assert_int_equal(ftruncate(file, (off_t)(sizeof(records) - sizeof(records[0]))), 0);
        close(file);
        assert_int_equal(release_of(10 * (lost + 1) * EVERY, (lost + 1) * EVERY), STATUS_NOT_FOUND);
        shelved = 0;
        shelve(&shelved, (lost + 1) * EVERY + 1); /* nothing above it is looked at */
        assert_int_equal(bytes_of("index"), sizeof(records));
        assert_kept_below(31);
    }
    end();
}

/* The chain's earlier part has another writer: its blocks are kept apart, and found all the same. */
TEST(release_shelf, the_earlier_chain_has_a_part_of_its_own)
{
    char earlier[256];
    uint64_t shelved = 15, below = 0;
    begin();
    assert_int_equal(release_shelf_take_earlier(directory, chain, &below, 16), STATUS_OK);
    assert_int_equal(below, 15);
    assert_kept_below(16);
    shelve(&shelved, 31);
    assert_kept_below(31);
    zero_records(0, 1);
    assert_int_equal(release_of(180, 18), STATUS_DAMAGED);
    assert_int_equal(release_of(30, 3), STATUS_OK);
    snprintf(earlier, sizeof(earlier), "%s/" CHAIN_EARLIER, directory);
    chain_folder_remove_files(earlier);
    end();
}

/* Lost, it is had from another node: its files, put beside what is kept here since, prove the releases of bodies that are
 * gone, and what is kept after them is apart. What is damaged of them hides nothing of ours. */
TEST(release_shelf, what_was_lost_is_had_from_another_node)
{
    static const char *const names[] = {"index", "leaves"};
    char earlier[256], from[256], to[512];
    uint64_t shelved = 0;
    begin();
    shelve(&shelved, 31);
    prune(31);
    snprintf(earlier, sizeof(earlier), "%s/" CHAIN_EARLIER, directory);
    assert_int_equal(mkdir(earlier, 0700), 0);
    for (int i = 0; i < 2; i++) {
        snprintf(from, sizeof(from), "%s/%s", directory, names[i]);
        snprintf(to, sizeof(to), "%s/%s", earlier, names[i]);
        assert_int_equal(rename(from, to), 0);
    }
    shelve(&shelved, 46);
    prune(46);
    assert_kept_below(46);
    const int leaves = open(to, O_RDWR | O_CLOEXEC);
    assert_true(leaves >= 0);
    assert_int_equal(ftruncate(leaves, 10), 0);
    close(leaves);
    assert_int_equal(release_of(30, 3), STATUS_DAMAGED);
    assert_int_equal(release_of(330, 33), STATUS_OK);
    chain_folder_remove_files(earlier);
    assert_int_equal(release_of(30, 3), STATUS_NOT_FOUND);
    end();
}

/* A file lies where the folder would be: nothing is said to be kept. */
TEST(release_shelf, what_cannot_be_written_is_not_kept)
{
    uint64_t shelved = 0;
    begin();
    const int file = open(directory, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(release_shelf_take(directory, chain, &shelved, 31), STATUS_IO);
    assert_int_equal(release_shelf_take_earlier(directory, chain, &shelved, 31), STATUS_IO);
    assert_int_equal(shelved, 0);
    assert_int_equal(release_of(30, 3), STATUS_IO);
    unlink(directory);
    shelve(&shelved, 31);
    assert_kept_below(31);
    end();
}
