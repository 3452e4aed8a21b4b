/* What do the liabilities of a large exchange take to make, to check and to open?
 *
 *     bench_liabilities [ACCOUNTS [ASSETS [FOLDER]]]        default: 1000000 5 /tmp
 *
 * Every account has something of every asset. Writes the shelf's file, then what follows it in a checkpoint maker's
 * thread, and reads it as a stranger and as holders do. Prints one JSON line: milliseconds and processor's
 * milliseconds of the writing, bytes of the file and of its index, the most memory that the writing had beside what
 * was there before it, milliseconds of the SHA-256 that certifies it, of adding up every leaf (what `quorex verify
 * --liabilities` does beside some signatures), and of an opening (mean and longest of 200). What was made is removed.
 */

#include "common/arena.h"
#include "settlement/liabilities_file.h"
#include "settlement/liability_check.h"
#include "settlement/proof_shelf.h"
#include "settlement/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OPENINGS 200

static struct genesis genesis;
static struct settlement *settlement;
static char folder[128], shelf[160], files[160], kept[192];
static uint8_t header_bytes[BLOCK_HEADER_BYTES];
static struct liabilities_head head;
static uint64_t random_state = 0x5eed;

static double ms_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double now_ms(void)
{
    return ms_of(CLOCK_MONOTONIC);
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_liabilities: %s\n", what);
    exit(1);
}

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Bytes of what the line of /proc/self/status with this name says. */
static uint64_t memory_of(const char *name)
{
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0) kib = strtoull(line + strlen(name), NULL, 10);
    if (file != NULL) fclose(file);
    return kib * 1024;
}

static void forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file == NULL || fputs("5", file) < 0 || fclose(file) != 0) fail("no peak can be forgotten");
}

static void fill(uint32_t accounts, uint16_t assets)
{
    static const uint8_t secret[HASH_BYTES] = "a benchmark's tree secret, 32 by";
    static struct arena arena;
    genesis.params = (struct params){.rules = 1,
                                     .accounts_max = accounts,
                                     .keys_max = 16,
                                     .orders_max = 16,
                                     .levels_max = 16,
                                     .assets_max = assets,
                                     .markets_max = 1,
                                     .tier_count = 1};
    if (!arena_map(&arena, settlement_bytes(&genesis))) fail("no memory");
    settlement = settlement_new(&arena, &genesis, secret);
    if (settlement == NULL) fail("no settlement");
    settlement->params.asset_count = assets;
    for (uint32_t i = 0; i < accounts; i++) {
        uint8_t key[PUBLIC_KEY_BYTES] = {0};
        memcpy(key, &i, sizeof(i));
        const uint32_t account = balance_sheet_open(settlement->accounts, key, 0);
        for (uint16_t asset = 0; asset < assets; asset++) {
            const int64_t has = (int64_t)(next_random() >> 30) + 1;
            balance_sheet_cell(settlement->accounts, account, asset)->available.units = has;
            settlement->totals[asset].users += has;
            settlement->totals[asset].external += has;
        }
    }
    settlement->height = 100;
    struct block_header header = {.version = BLOCK_HEADER_VERSION, .height = 100};
    header.totals_root = totals_root(settlement->totals, assets, false);
    block_header_encode(&header, header_bytes);
}

static void empty(const char *path)
{
    DIR *listing = opendir(path);
    const struct dirent *entry;
    while (listing != NULL && (entry = readdir(listing)) != NULL)
        (void)!unlinkat(dirfd(listing), entry->d_name, 0);
    if (listing != NULL) closedir(listing);
    (void)!rmdir(path);
}

static uint64_t bytes_of(const char *suffix)
{
    char path[256];
    struct stat found;
    snprintf(path, sizeof(path), "%s/100%s", files, suffix);
    return stat(path, &found) == 0 ? (uint64_t)found.st_size : 0;
}

static void write_files(void)
{
    double began = now_ms();
    if (proof_shelf_write(shelf, settlement) != STATUS_OK) fail("no shelf");
    const double shelf_ms = now_ms() - began;
    malloc_trim(0);
    forget_peak();
    const uint64_t before = memory_of("VmRSS:");
    began = now_ms();
    const double cpu = ms_of(CLOCK_THREAD_CPUTIME_ID);
    if (liabilities_file_write(files, shelf, settlement, header_bytes, NULL, &head) != STATUS_OK)
        fail("no liabilities");
    printf("{\"shelf_ms\":%.0f,\"write_ms\":%.0f,\"write_cpu_ms\":%.0f,\"memory_bytes\":%lu",
           shelf_ms, now_ms() - began, ms_of(CLOCK_THREAD_CPUTIME_ID) - cpu,
           memory_of("VmHWM:") - before);
    began = now_ms();
    const uint8_t tail[800] = {0};
    if (liabilities_file_finish(files, 100, tail, sizeof(tail), tail, 320) != STATUS_OK)
        fail("not finished");
    printf(",\"finish_ms\":%.0f,\"file_bytes\":%lu,\"index_bytes\":%lu", now_ms() - began,
           bytes_of(""), bytes_of(".index"));
}

static void check_leaves(void)
{
    static uint8_t piece[LIABILITIES_LEAF_BYTES * 8192];
    struct liability_check check;
    const double began = now_ms();
    uint64_t leaves = 0, at = LIABILITIES_HEAD_FIXED + head.asset_count * LIABILITIES_ROW_BYTES;
    size_t read;
    for (uint32_t i = 0; i < head.asset_count; i++)
        leaves += head.assets[i].leaf_count;
    liability_check_begin(&check, &head);
    for (uint64_t done = 0; done < leaves; done += read / LIABILITIES_LEAF_BYTES) {
        const uint64_t left = (leaves - done) * LIABILITIES_LEAF_BYTES;
        const size_t now = left < sizeof(piece) ? (size_t)left : sizeof(piece);
        if (liabilities_file_read(files, 100, at + done * LIABILITIES_LEAF_BYTES, piece, now,
                                  &read) != STATUS_OK ||
            read != now)
            fail("unread");
        for (size_t i = 0; i < read; i += LIABILITIES_LEAF_BYTES)
            if (liability_check_leaf(&check, piece + i) != NULL) fail("wrong");
    }
    if (liability_check_end(&check) != NULL) fail("wrong");
    printf(",\"leaves\":%lu,\"check_ms\":%.0f", leaves, now_ms() - began);
}

static void open_some(uint32_t accounts, uint16_t assets)
{
    static uint8_t subject[PROOF_LIABILITY_BYTES_MAX];
    double sum = 0, longest = 0;
    size_t byte_count = 0;
    for (uint32_t i = 0; i < OPENINGS; i++) {
        const double began = now_ms();
        if (liabilities_file_opening(files, settlement, (uint32_t)(next_random() % accounts) + 1,
                                     (uint16_t)(i % assets), 100, subject,
                                     &byte_count) != STATUS_OK)
            fail("not opened");
        const double took = now_ms() - began;
        sum += took;
        if (took > longest) longest = took;
    }
    printf(",\"opening_bytes\":%zu,\"opening_ms\":%.2f,\"opening_ms_longest\":%.2f}\n", byte_count,
           sum / OPENINGS, longest);
}

int main(int argc, char **argv)
{
    const uint32_t accounts = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    const uint16_t assets = argc > 2 ? (uint16_t)strtoul(argv[2], NULL, 10) : 5;
    snprintf(folder, sizeof(folder), "%s/liabilities-XXXXXX", argc > 3 ? argv[3] : "/tmp");
    if (accounts == 0 || assets == 0 || assets > PROOF_ASSETS_MAX || !hash_start() ||
        mkdtemp(folder) == NULL)
        fail("usage: bench_liabilities [ACCOUNTS [ASSETS [FOLDER]]]");
    snprintf(shelf, sizeof(shelf), "%s/proofs", folder);
    snprintf(files, sizeof(files), "%s/liabilities", folder);
    snprintf(kept, sizeof(kept), "%s/shelf", files);
    fill(accounts, assets);
    write_files();
    check_leaves();
    open_some(accounts, assets);
    empty(kept);
    empty(files);
    empty(shelf);
    empty(folder);
    return 0;
}
