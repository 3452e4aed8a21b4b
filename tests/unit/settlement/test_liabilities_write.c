#include "settlement/liability_check.h"
#include "settlement/liability_split.h"
#include "tests/unit/settlement/liable.h"

#include "common/log.h"
#include "settlement/state.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

static struct liable liable;
static uint64_t free_bytes = UINT64_MAX; /* of the disk, at most */

/* The C library's, but for how much is free. */
int statvfs(const char *path, struct statvfs *disk)
{
    const int folder = open(path, O_RDONLY | O_CLOEXEC);
    const int result = fstatvfs(folder, disk);
    close(folder);
    const uint64_t blocks = free_bytes / disk->f_frsize;
    if (disk->f_bavail > blocks) disk->f_bavail = blocks;
    return result;
}

/* The whole file by the streaming check; the sums are those of every account there is. */
static void check_bytes(const uint8_t *bytes, size_t byte_count)
{
    struct liability_check check;
    struct liabilities_head head;
    struct proof_totals totals;
    const size_t head_bytes = liabilities_head_get(bytes, byte_count, &head);
    assert_true(head_bytes > 0 &&
                hash_equal(liabilities_root(&head), liabilities_root(&liable.head)));
    assert_int_equal(proof_shelf_totals(liable.shelf, head.height, &totals), STATUS_OK);
    assert_null(liability_check_totals(&head, &totals));
    liability_check_begin(&check, &head);
    uint64_t leaves = 0;
    for (uint32_t i = 0; i < head.asset_count; i++)
        leaves += head.assets[i].leaf_count;
    assert_int_equal(byte_count, head_bytes + leaves * LIABILITIES_LEAF_BYTES);
    for (uint64_t i = 0; i < leaves; i++)
        assert_null(liability_check_leaf(&check, bytes + head_bytes + i * LIABILITIES_LEAF_BYTES));
    assert_null(liability_check_end(&check));
    for (uint16_t asset = 0; asset < head.asset_count; asset++) {
        int64_t owed = 0;
        for (uint32_t account = 1; account <= liable.world->account_count; account++)
            owed += liable.world->available[account][asset] + liable.world->held[account][asset];
        assert_true(head.assets[asset].sum == (unsigned __int128)owed);
    }
}

TEST(liabilities_write, leaves_are_all_that_is_owed)
{
    size_t byte_count;
    liable_begin(&liable, world_new());
    for (uint64_t seed = 1; seed < 6; seed++) {
        liable_seal(&liable, seed);
        assert_int_equal(liable_write(&liable), STATUS_OK);
        uint8_t *bytes = liable_bytes(&liable, &byte_count);
        check_bytes(bytes, byte_count);
        free(bytes);
    }
    liable_end(&liable);
}

/* Two nodes, two disks, one file; and of two heights nothing is the same. */
TEST(liabilities_write, every_node_writes_the_same_bytes)
{
    struct liable second;
    size_t bytes[3];
    liable_begin(&liable, world_new());
    liable_begin(&second, world_new());
    liable_seal(&liable, 5);
    liable_seal(&second, 5);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    assert_int_equal(liable_write(&second), STATUS_OK);
    uint8_t *left = liable_bytes(&liable, &bytes[0]), *right = liable_bytes(&second, &bytes[1]);
    assert_int_equal(bytes[0], bytes[1]);
    assert_memory_equal(left, right, bytes[0]);
    assert_int_equal(world_seal(liable.world), STATUS_OK); /* nothing happened in it */
    assert_int_equal(proof_shelf_write(liable.shelf, liable.world->settlement), STATUS_OK);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    uint8_t *later = liable_bytes(&liable, &bytes[2]);
    assert_int_equal(bytes[2], bytes[0]);
    const size_t leaves = LIABILITIES_HEAD_FIXED + 2 * LIABILITIES_ROW_BYTES;
    uint32_t same = 0;
    for (size_t at = leaves; at < bytes[0]; at += LIABILITIES_LEAF_BYTES)
        same += memcmp(left + at + 8, later + at + 8, HASH_BYTES) == 0;
    assert_int_equal(same, 0);
    free(left);
    free(right);
    free(later);
    liable_end(&liable);
    liable_end(&second);
}

/* After a restart what is there is only read, also when settlement is further. */
TEST(liabilities_write, what_is_there_is_not_made_again)
{
    char path[160];
    struct stat before, after;
    liable_begin(&liable, world_new());
    liable_seal(&liable, 5);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    const hash_t root = liabilities_root(&liable.head);
    snprintf(path, sizeof(path), "%s/%lu", liable.files, liable.world->height);
    assert_int_equal(stat(path, &before), 0);
    liable_empty(liable.shelf);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_true(hash_equal(root, liabilities_root(&liable.head)));
    liable_end(&liable);
}

/* Nothing is published that is not what the block's totals say; nothing appears. */
TEST(liabilities_write, what_is_not_the_blocks_is_not_written)
{
    struct liabilities_entry entries[LIABILITIES_LISTED];
    struct block_header header;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    char path[160];
    uint8_t byte;
    log_set_level(LOG_ERROR + 1);
    liable_begin(&liable, world_new());
    liable_seal(&liable, 5);
    assert_true(block_header_decode(liable_header(&liable), &header));
    header.totals_root.bytes[0] ^= 1;
    block_header_encode(&header, bytes);
    assert_int_equal(liabilities_file_write(liable.files, liable.shelf, liable.world->settlement,
                                            bytes, NULL, &liable.head),
                     STATUS_MISMATCH);
    header.height++;
    block_header_encode(&header, bytes);
    assert_int_equal(liabilities_file_write(liable.files, liable.shelf, liable.world->settlement,
                                            bytes, NULL, &liable.head),
                     STATUS_NOT_FOUND);
    assert_int_equal(liabilities_file_list(liable.files, entries), 0);

    /* A balance in the shelf's file that is one more than it was: the last byte but 15 is of an amount. */
    struct stat found;
    snprintf(path, sizeof(path), "%s/%lu", liable.shelf, liable.world->height);
    const int file = open(path, O_RDWR);
    assert_int_equal(fstat(file, &found), 0);
    assert_int_equal(pread(file, &byte, 1, found.st_size - 16), 1);
    byte++;
    assert_int_equal(pwrite(file, &byte, 1, found.st_size - 16), 1);
    assert_int_equal(liable_write(&liable), STATUS_MISMATCH);
    byte--;
    assert_int_equal(pwrite(file, &byte, 1, found.st_size - 16), 1);
    assert_int_equal(ftruncate(file, found.st_size - 1), 0);
    assert_int_equal(liable_write(&liable), STATUS_DAMAGED);
    close(file);
    assert_int_equal(liabilities_file_list(liable.files, entries), 0);
    liable_end(&liable);
}

/* A node that stops leaves nothing half done. */
TEST(liabilities_write, a_node_that_stops_leaves_nothing)
{
    static const _Atomic uint32_t stopping = 1;
    liable_begin(&liable, world_new());
    liable_seal(&liable, 5);
    assert_int_equal(liabilities_file_write(liable.files, liable.shelf, liable.world->settlement,
                                            liable_header(&liable), &stopping, &liable.head),
                     STATUS_STOPPING);
    uint32_t names = 0;
    DIR *listing = opendir(liable.files);
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL)
        names += entry->d_name[0] != '.' && strcmp(entry->d_name, "shelf") != 0;
    closedir(listing);
    assert_int_equal(names, 0);
    assert_int_equal(liabilities_file_unmade(liable.files), liable.world->height);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    assert_int_equal(liabilities_file_unmade(liable.files), 0);
    liable_end(&liable);
}

/* The newest stay, and the shelf's files of their heights, whatever the shelf itself keeps: what the last one is too many
 * for goes with the next. */
TEST(liabilities_write, the_newest_stay_with_their_balances)
{
    struct liabilities_entry entries[LIABILITIES_LISTED];
    struct proof_account account;
    liable_begin(&liable, world_new());
    uint64_t heights[5];
    for (uint64_t i = 0; i < 5; i++) {
        liable_publish(&liable, i + 1);
        heights[i] = liable.world->height;
        for (int k = 0; k < 4; k++)
            liable_seal(&liable, 70 + (uint64_t)k);
    }
    assert_int_equal(liabilities_file_list(liable.files, entries), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(entries[i].height, heights[4 - i]);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(proof_shelf_account(liable.shelf, liable.world->settlement, 1, heights[i],
                                             liable.room, &account),
                         STATUS_NOT_FOUND);
        assert_int_equal(proof_shelf_account(liable.kept, liable.world->settlement, 1, heights[i],
                                             liable.room, &account),
                         i < 1 ? STATUS_NOT_FOUND : STATUS_OK);
    }
    liable_end(&liable);
}

static uint32_t names_in(const char *path)
{
    uint32_t count = 0;
    DIR *listing = opendir(path);
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;)
        count += entry->d_name[0] != '.' && strcmp(entry->d_name, "shelf") != 0;
    closedir(listing);
    return count;
}

/* A disk that takes no more in the middle of the file has its room back, and that of the balances. */
TEST(liabilities_write, what_a_disk_does_not_take_is_left_nowhere)
{
    struct rlimit before, small;
    log_set_level(LOG_ERROR + 1);
    liable_begin(&liable, world_new());
    liable_publish(&liable, 1);
    liable_seal(&liable, 2);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 300;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const enum status status = liable_write(&liable);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, STATUS_IO);
    assert_int_equal(names_in(liable.files), 2); /* the one of before, and its index */
    assert_int_equal(names_in(liable.kept), 1);
    assert_int_equal(liabilities_file_unmade(liable.files), 0);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    liable_end(&liable);
}

/* A disk that is nearly full is left to the log, also with what a crash has left there; and nothing is tried for ever. */
TEST(liabilities_write, the_log_has_the_last_of_the_disk)
{
    char part[160];
    log_set_level(LOG_ERROR + 1);
    liable_begin(&liable, world_new());
    liable_seal(&liable, 1);
    assert_int_equal(liabilities_file_mark(liable.files, liable.shelf, liable.world->height),
                     STATUS_OK);
    snprintf(part, sizeof(part), "%s/%lu.part", liable.files, liable.world->height);
    close(open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    free_bytes = UINT64_C(128) << 20;
    const enum status status = liable_write(&liable);
    free_bytes = UINT64_MAX;
    assert_int_equal(status, STATUS_NO_SPACE);
    assert_int_equal(names_in(liable.files), 0);
    assert_int_equal(names_in(liable.kept), 0);
    assert_int_equal(liabilities_file_unmade(liable.files), 0);
    free_bytes = UINT64_C(129) << 20;
    assert_int_equal(liable_write(&liable), STATUS_OK);
    free_bytes = UINT64_MAX;
    liable_end(&liable);
}

/* Files that nobody votes for push out none that is published; they are counted by themselves. */
TEST(liabilities_write, what_waits_pushes_out_nothing_published)
{
    struct liabilities_entry entries[LIABILITIES_LISTED];
    uint64_t heights[9];
    liable_begin(&liable, world_new());
    for (uint64_t i = 0; i < 9; i++) {
        liable_seal(&liable, i + 1);
        heights[i] = liable.world->height;
        assert_int_equal(liable_write(&liable), STATUS_OK);
        if (i < 4) assert_int_equal(liable_finish(&liable), STATUS_OK);
    }
    assert_int_equal(liabilities_file_list(liable.files, entries), 5);
    const uint64_t stay[] = {heights[8], heights[7], heights[3], heights[2], heights[1]};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(entries[i].height, stay[i]);
        assert_int_equal(entries[i].is_certified, i > 1);
    }
    assert_int_equal(names_in(liable.files), 10);
    assert_int_equal(names_in(liable.kept), 5);
    liable_end(&liable);
}

static void many_assets(struct genesis *genesis)
{
    genesis->params.accounts_max = 4096;
}

/* More leaves than are below one node of the index, and a last chunk that is not full. */
TEST(liabilities_write, trees_of_many_chunks_are_whole)
{
    struct liabilities_opening opening;
    liable_begin(&liable, world_new_with(many_assets));
    struct settlement *settlement = liable.world->settlement;
    liable_seal(&liable, 1);
    /* Owners straight into the book, beside the world's rules: files are made from the shelf alone. */
    for (uint32_t i = 0; i < 3000; i++) {
        uint8_t key[PUBLIC_KEY_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8), 77};
        const uint32_t account = balance_sheet_open(settlement->accounts, key, 0);
        balance_sheet_cell(settlement->accounts, account, BTC)->available.units = (int64_t)i + 1;
        settlement->totals[BTC].users += (int64_t)i + 1;
    }
    struct totals *btc = &settlement->totals[BTC];
    btc->external = btc->users + btc->fees + btc->rounding + btc->in_flight + btc->house;
    liable_empty(liable.shelf);
    assert_int_equal(proof_shelf_write(liable.shelf, settlement), STATUS_OK);
    struct world_block *block = &liable.world->blocks[liable.world->height - 1];
    struct block_header header;
    assert_true(block_header_decode(block->header, &header));
    header.totals_root = totals_root(settlement->totals, settlement->params.asset_count,
                                     params_has_house(&settlement->genesis->params));
    block_header_encode(&header, block->header);
    assert_int_equal(liable_write(&liable), STATUS_OK);
    assert_int_equal(liable_finish(&liable), STATUS_OK);
    assert_true(liable.head.assets[BTC].leaf_count > 5000);
    for (uint32_t account = 5; account <= 3004; account += 7) {
        assert_int_equal(liable_open(&liable, account, BTC, &opening), STATUS_OK);
        uint64_t sum = 0;
        for (uint32_t i = 0; i < opening.part_count; i++)
            sum += opening.parts[i].amount;
        assert_int_equal(sum, account - 4);
    }
    liable_end(&liable);
}
