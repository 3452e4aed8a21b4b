/* A small exchange whose liabilities are in files: the world of world.h, a folder, and a block to write. */

#ifndef TESTS_UNIT_SETTLEMENT_LIABLE_H
#define TESTS_UNIT_SETTLEMENT_LIABLE_H

#include "settlement/account_proof.h"
#include "settlement/liabilities_file.h"
#include "settlement/proof_journal.h"
#include "settlement/proof_shelf.h"
#include "tests/harness.h"
#include "tests/unit/settlement/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct liable {
    struct world *world;
    char folder[64], shelf[96], files[96], kept[128];
    struct liabilities_head head; /* of the newest file */
    struct proof_journal_room *room;
};

static inline void liable_begin(struct liable *liable, struct world *world)
{
    memset(liable, 0, sizeof(*liable));
    snprintf(liable->folder, sizeof(liable->folder), "/tmp/liable-XXXXXX");
    assert_non_null(mkdtemp(liable->folder));
    snprintf(liable->shelf, sizeof(liable->shelf), "%s/proofs", liable->folder);
    snprintf(liable->files, sizeof(liable->files), "%s/liabilities", liable->folder);
    snprintf(liable->kept, sizeof(liable->kept), "%s/shelf", liable->files);
    liable->room = malloc(proof_journal_room_bytes());
    liable->world = world;
}

static inline void liable_empty(const char *path)
{
    DIR *listing = opendir(path);
    const struct dirent *entry;
    if (listing == NULL) return;
    while ((entry = readdir(listing)) != NULL)
        unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
    rmdir(path);
}

static inline void liable_end(struct liable *liable)
{
    liable_empty(liable->kept);
    liable_empty(liable->files);
    liable_empty(liable->shelf);
    rmdir(liable->folder);
    free(liable->room);
    world_free(liable->world);
}

static inline const uint8_t *liable_header(const struct liable *liable)
{
    return liable->world->blocks[liable->world->height - 1].header;
}

/* Some trading, a block, its shelf file. */
static inline void liable_seal(struct liable *liable, uint64_t seed)
{
    for (int i = 0; i < 8; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world_act(liable->world, seed >> 20);
    }
    assert_int_equal(world_seal(liable->world), STATUS_OK);
    assert_int_equal(proof_shelf_write(liable->shelf, liable->world->settlement), STATUS_OK);
}

static inline enum status liable_write(struct liable *liable)
{
    return liabilities_file_write(liable->files, liable->shelf, liable->world->settlement,
                                  liable_header(liable), NULL, &liable->head);
}

static inline enum status liable_finish(const struct liable *liable)
{
    static const uint8_t proof[] = "a totals proof", certificate[] = "votes";
    return liabilities_file_finish(liable->files, liable->world->height, proof, sizeof(proof),
                                   certificate, sizeof(certificate));
}

/* A block's file, certified. */
static inline void liable_publish(struct liable *liable, uint64_t seed)
{
    liable_seal(liable, seed);
    assert_int_equal(liable_write(liable), STATUS_OK);
    assert_int_equal(liable_finish(liable), STATUS_OK);
}

static inline enum status liable_open(const struct liable *liable, uint32_t account, uint16_t asset,
                                      struct liabilities_opening *opening)
{
    uint8_t subject[PROOF_LIABILITY_BYTES_MAX];
    size_t byte_count = 0;
    const enum status status =
        liabilities_file_opening(liable->files, liable->world->settlement, account, asset,
                                 liable->world->height, subject, &byte_count);
    if (status == STATUS_OK) assert_true(liabilities_opening_get(subject, byte_count, opening));
    return status;
}

/* The whole file of the newest height. To be freed. */
static inline uint8_t *liable_bytes(const struct liable *liable, size_t *byte_count)
{
    char path[160];
    struct stat found;
    snprintf(path, sizeof(path), "%s/%lu", liable->files, liable->world->height);
    const int file = open(path, O_RDONLY);
    assert_int_equal(fstat(file, &found), 0);
    uint8_t *bytes = malloc((size_t)found.st_size);
    assert_int_equal(read(file, bytes, (size_t)found.st_size), found.st_size);
    close(file);
    *byte_count = (size_t)found.st_size;
    return bytes;
}

#endif /* TESTS_UNIT_SETTLEMENT_LIABLE_H */
