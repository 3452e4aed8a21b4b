/* Checkpoints for tests: a directory, four validators, and sections whose bytes follow from their number. */

#ifndef TESTS_LEDGER_CHECKPOINTS_H
#define TESTS_LEDGER_CHECKPOINTS_H

#include "common/genesis.h"
#include "ledger/checkpoint.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECKPOINTS_NODES 4

struct checkpoints {
    char path[64];
    hash_t chain_id;
    struct validator_set set;
    uint8_t secrets[CHECKPOINTS_NODES][SECRET_KEY_BYTES];
};

/* Some chunks, an empty section, and one that ends with a chunk. */
static const uint64_t checkpoints_bytes[CHECKPOINT_SECTIONS] = {2 * CHECKPOINT_CHUNK_BYTES + 1000,
                                                                CHECKPOINT_CHUNK_BYTES, 0, 77};

static inline void checkpoints_keys(struct checkpoints *checkpoints)
{
    if (!hash_start()) abort();
    checkpoints->chain_id = hash_of("chain", 5);
    checkpoints->set = (struct validator_set){.count = CHECKPOINTS_NODES};
    for (uint32_t i = 0; i < CHECKPOINTS_NODES; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)};
        checkpoints->set.members[i].node = i + 1;
        crypto_sign_seed_keypair(checkpoints->set.members[i].public_key, checkpoints->secrets[i],
                                 seed);
    }
}

static inline void checkpoints_begin(struct checkpoints *checkpoints)
{
    memset(checkpoints, 0, sizeof(*checkpoints));
    checkpoints_keys(checkpoints);
    snprintf(checkpoints->path, sizeof(checkpoints->path), "/tmp/checkpoints-XXXXXX");
    if (mkdtemp(checkpoints->path) == NULL) abort();
}

static inline int checkpoints_remove(const char *path, const struct stat *facts, int type,
                                     struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void checkpoints_end(const struct checkpoints *checkpoints)
{
    nftw(checkpoints->path, checkpoints_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline uint8_t checkpoints_byte(uint64_t seed, int section, uint64_t at)
{
    const uint64_t mixed = (at + seed * 977 + (uint64_t)section * 31) * 0x9e3779b97f4a7c15u;
    return (uint8_t)(mixed >> 56);
}

/* A header of this height whose validators are `set`, and next ones `next`. */
static inline void checkpoints_header(const struct checkpoints *checkpoints, uint64_t height,
                                      const struct validator_set *set,
                                      const struct validator_set *next,
                                      uint8_t bytes[BLOCK_HEADER_BYTES])
{
    const struct block_header header = {.version = BLOCK_HEADER_VERSION,
                                        .height = height,
                                        .chain_id = checkpoints->chain_id,
                                        .validators_hash = validator_set_hash(set),
                                        .next_validators_hash = validator_set_hash(next)};
    block_header_encode(&header, bytes);
}

/* The first `votes` nodes sign. Returns the length of the encoded certificate. */
static inline size_t checkpoints_sign(const struct checkpoints *checkpoints, uint64_t height,
                                      hash_t root, uint32_t votes,
                                      uint8_t bytes[CERTIFICATE_BYTES_MAX])
{
    struct certificate certificate = {.height = height, .header_hash = root, .vote_count = votes};
    for (uint32_t i = 0; i < votes; i++) {
        struct vote_command vote;
        certificate_statement_sign(CERTIFICATE_OF_CHECKPOINT, checkpoints->secrets[i],
                                   checkpoints->chain_id, 0, height, root, i + 1, &vote);
        certificate.votes[i].node = i + 1;
        memcpy(certificate.votes[i].signature, vote.signature, SIGNATURE_BYTES);
    }
    return certificate_encode(&certificate, bytes);
}

/* Sections of these lengths, filled from `seed`. */
static inline enum status checkpoints_write_of(const struct checkpoints *checkpoints,
                                               uint64_t height, uint64_t seed,
                                               const uint64_t section_bytes[CHECKPOINT_SECTIONS],
                                               hash_t *root)
{
    struct checkpoint_writer *writer;
    enum status status = checkpoint_writer_open(checkpoints->path, height, &writer);
    if (status != STATUS_OK) return status;
    static uint8_t bytes[100003];
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++) {
        if (section_bytes[section] == 0) continue;
        checkpoint_writer_section(writer, (enum checkpoint_section)section);
        for (uint64_t at = 0; at < section_bytes[section] && status == STATUS_OK;) {
            size_t now = sizeof(bytes);
            if (now > section_bytes[section] - at) now = (size_t)(section_bytes[section] - at);
            for (size_t i = 0; i < now; i++)
                bytes[i] = checkpoints_byte(seed, section, at + i);
            status = checkpoint_writer_put(writer, bytes, now);
            at += now;
        }
    }
    uint8_t header[BLOCK_HEADER_BYTES];
    checkpoints_header(checkpoints, height, &checkpoints->set, &checkpoints->set, header);
    if (status == STATUS_OK)
        status = checkpoint_writer_finish(writer, 0, checkpoints->chain_id, header, root);
    checkpoint_writer_close(writer);
    return status;
}

static inline enum status checkpoints_write(const struct checkpoints *checkpoints, uint64_t height,
                                            hash_t *root)
{
    return checkpoints_write_of(checkpoints, height, height, checkpoints_bytes, root);
}

/* One with a certificate by three of the four. */
static inline void checkpoints_make(const struct checkpoints *checkpoints, uint64_t height)
{
    hash_t root;
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    if (checkpoints_write(checkpoints, height, &root) != STATUS_OK) abort();
    const size_t byte_count = checkpoints_sign(checkpoints, height, root, 3, certificate);
    if (checkpoint_certify(checkpoints->path, height, certificate, byte_count) != STATUS_OK)
        abort();
}

static inline void checkpoints_path(const struct checkpoints *checkpoints, const char *name,
                                    char path[256])
{
    snprintf(path, 256, "%s/%s", checkpoints->path, name);
}

static inline bool checkpoints_has(const struct checkpoints *checkpoints, const char *name)
{
    char path[256];
    checkpoints_path(checkpoints, name, path);
    return access(path, F_OK) == 0;
}

/* Flips a bit of one byte. */
static inline void checkpoints_rot(const struct checkpoints *checkpoints, const char *name,
                                   off_t offset)
{
    char path[256];
    uint8_t byte;
    checkpoints_path(checkpoints, name, path);
    const int file = open(path, O_RDWR);
    if (file < 0 || pread(file, &byte, 1, offset) != 1) abort();
    byte ^= 4;
    if (pwrite(file, &byte, 1, offset) != 1) abort();
    close(file);
}

static inline void checkpoints_cut(const struct checkpoints *checkpoints, const char *name,
                                   off_t byte_count)
{
    char path[256];
    checkpoints_path(checkpoints, name, path);
    if (truncate(path, byte_count) != 0) abort();
}

static inline void checkpoints_drop(const struct checkpoints *checkpoints, const char *name)
{
    char path[256];
    checkpoints_path(checkpoints, name, path);
    if (unlink(path) != 0) abort();
}

#endif /* TESTS_LEDGER_CHECKPOINTS_H */
