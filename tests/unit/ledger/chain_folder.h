/* A folder for the chain's tests, filled with small blocks. */

#ifndef TESTS_LEDGER_CHAIN_FOLDER_H
#define TESTS_LEDGER_CHAIN_FOLDER_H

#include "ledger/chain.h"
#include "tests/unit/ledger/blocks.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct chain_folder {
    char path[64];
};

static inline void chain_folder_make(struct chain_folder *folder)
{
    snprintf(folder->path, sizeof(folder->path), "/tmp/chain-XXXXXX");
    if (mkdtemp(folder->path) == NULL) abort();
}

static inline void chain_folder_remove_files(const char *path)
{
    DIR *listing = opendir(path);
    if (listing == NULL) return;
    const struct dirent *found;
    while ((found = readdir(listing)) != NULL)
        unlinkat(dirfd(listing), found->d_name, 0);
    closedir(listing);
    rmdir(path);
}

static inline void chain_folder_remove(const struct chain_folder *folder)
{
    char quarantine[128];
    snprintf(quarantine, sizeof(quarantine), "%s/quarantine", folder->path);
    chain_folder_remove_files(quarantine);
    snprintf(quarantine, sizeof(quarantine), "%s/" CHAIN_FILLED, folder->path);
    chain_folder_remove_files(quarantine);
    chain_folder_remove_files(folder->path);
}

static inline int chain_folder_open(const struct chain_folder *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    return open(path, O_RDWR);
}

static inline off_t chain_folder_bytes(const struct chain_folder *folder, const char *name)
{
    struct stat stat;
    const int descriptor = chain_folder_open(folder, name);
    if (descriptor < 0 || fstat(descriptor, &stat) != 0) abort();
    close(descriptor);
    return stat.st_size;
}

static inline void chain_folder_truncate(const struct chain_folder *folder, const char *name,
                                         off_t bytes)
{
    const int descriptor = chain_folder_open(folder, name);
    if (ftruncate(descriptor, bytes) != 0) abort();
    close(descriptor);
}

/* Flips bits of one byte. */
static inline void chain_folder_flip(const struct chain_folder *folder, const char *name,
                                     off_t offset, uint8_t bits)
{
    uint8_t byte;
    const int descriptor = chain_folder_open(folder, name);
    if (pread(descriptor, &byte, 1, offset) != 1) abort();
    byte ^= bits;
    if (pwrite(descriptor, &byte, 1, offset) != 1) abort();
    close(descriptor);
}

/* What stands for a certificate: the chain does not look inside. */
static inline size_t chain_folder_certificate(uint64_t height, uint8_t bytes[64])
{
    for (int i = 0; i < 64; i++)
        bytes[i] = (uint8_t)(height + (uint64_t)i);
    return 40 + height % 20;
}

/* Appends blocks up to `tip`; every height that is no multiple of 3 gets a certificate. */
static inline enum status chain_folder_fill(struct chain *chain, struct blocks *blocks,
                                            uint64_t tip)
{
    enum status status = STATUS_OK;
    while (blocks->height < tip && status == STATUS_OK) {
        uint8_t certificate[64];
        blocks_next(blocks);
        if (blocks->height <= chain_tip(chain)) continue;
        status = chain_append_block(chain, blocks->header_bytes, blocks->body, blocks->body_bytes);
        const size_t bytes = chain_folder_certificate(blocks->height, certificate);
        if (status == STATUS_OK && blocks->height % 3 != 0)
            status = chain_append_certificate(chain, blocks->height, certificate, bytes);
    }
    return status;
}

/* A closed chain of `tip` blocks. */
static inline void chain_folder_chain(struct chain_folder *folder, uint64_t tip)
{
    struct blocks blocks;
    struct chain *chain;
    chain_folder_make(folder);
    blocks_begin(&blocks);
    if (chain_open(folder->path, &chain) != STATUS_OK) abort();
    if (chain_folder_fill(chain, &blocks, tip) != STATUS_OK) abort();
    chain_close(chain);
}

/* Takes back what the index says of the disk: as after a kill, nothing was synchronised. */
static inline void chain_folder_unsync(const struct chain_folder *folder)
{
    uint8_t header[CHAIN_INDEX_HEADER_BYTES];
    struct chain_index index;
    const int descriptor = chain_folder_open(folder, "index");
    if (pread(descriptor, header, sizeof(header), 0) != sizeof(header)) abort();
    if (!chain_index_get(header, &index)) abort();
    index.synced_segment = index.synced_offset = 0;
    chain_index_put(header, &index);
    if (pwrite(descriptor, header, sizeof(header), 0) != sizeof(header)) abort();
    close(descriptor);
}

#endif /* TESTS_LEDGER_CHAIN_FOLDER_H */
