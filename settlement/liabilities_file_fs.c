#include "settlement/liabilities_file.h"

#include "common/le.h"
#include "common/log.h"
#include "settlement/liabilities_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_BYTES (1u << 20)

/* ---- What is there ---- */

enum status liabilities_file_entry(const char *directory, uint64_t height,
                                   struct liabilities_entry *entry)
{
    struct liabilities_index index;
    const enum status status = liabilities_index_open(&index, directory, height);
    if (status != STATUS_OK) return status;
    liabilities_index_close(&index);
    *entry = (struct liabilities_entry){.height = height,
                                        .time_ns = index.time_ns,
                                        .bytes = index.certified_bytes,
                                        .is_certified = index.certified_bytes > 0,
                                        .sha256 = index.sha256,
                                        .head = index.head};
    return STATUS_OK;
}

/* Two lists into one, by falling height. */
uint32_t liabilities_file_list(const char *directory,
                               struct liabilities_entry entries[LIABILITIES_LISTED])
{
    struct liabilities_newest newest;
    uint32_t count = 0, certified = 0, waiting = 0;
    liabilities_index_newest(directory, &newest);
    for (uint32_t i = 0; i < LIABILITIES_LISTED; i++) {
        const uint64_t one = certified < LIABILITIES_KEPT ? newest.certified[certified] : 0;
        const uint64_t other = waiting < LIABILITIES_WAITING ? newest.waiting[waiting] : 0;
        if (one > other)
            certified++;
        else
            waiting++;
        const uint64_t height = one > other ? one : other;
        if (liabilities_file_entry(directory, height, &entries[count]) == STATUS_OK) count++;
    }
    return count;
}

enum status liabilities_file_read(const char *directory, uint64_t height, uint64_t offset,
                                  uint8_t *bytes, size_t byte_count, size_t *read)
{
    struct liabilities_index index;
    const enum status status = liabilities_index_open(&index, directory, height);
    if (status != STATUS_OK) return status;
    const uint64_t left = offset < index.certified_bytes ? index.certified_bytes - offset : 0;
    *read = left < byte_count ? (size_t)left : byte_count;
    const bool got = *read == 0 || liabilities_index_read(index.file, bytes, *read, offset);
    liabilities_index_close(&index);
    if (index.certified_bytes == 0) return STATUS_NOT_FOUND;
    return got ? STATUS_OK : STATUS_IO;
}

/* ---- The tail ---- */

static bool write_at(int descriptor, const void *bytes, size_t byte_count, uint64_t offset)
{
    return pwrite(descriptor, bytes, byte_count, (off_t)offset) == (ssize_t)byte_count;
}

static bool hash_file(int descriptor, uint64_t byte_count, hash_t *hash)
{
    struct hash_stream stream;
    uint8_t *buffer = malloc(BUFFER_BYTES);
    bool read = buffer != NULL;
    hash_stream_begin(&stream);
    for (uint64_t done = 0; read && done < byte_count;) {
        const uint64_t left = byte_count - done;
        const size_t now = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
        read = liabilities_index_read(descriptor, buffer, now, done);
        hash_stream_add(&stream, buffer, now);
        done += now;
    }
    *hash = hash_stream_end(&stream);
    free(buffer);
    return read;
}

/* The tail is on the disk before the index says so: its length last, since that is what says it. */
static bool put_tail(int file, int index, uint64_t tail_at, const uint8_t *proof,
                     size_t proof_bytes, const uint8_t *certificate, size_t certificate_bytes)
{
    uint8_t lengths[LIABILITIES_TAIL_FIXED], length[8];
    hash_t hash;
    const uint64_t proof_at = tail_at + sizeof(lengths),
                   bytes = proof_at + proof_bytes + certificate_bytes;
    le_put_u32(le_put_u32(lengths, (uint32_t)proof_bytes), (uint32_t)certificate_bytes);
    le_put_u64(length, bytes);
    return ftruncate(file, (off_t)tail_at) == 0 &&
           write_at(file, lengths, sizeof(lengths), tail_at) &&
           write_at(file, proof, proof_bytes, proof_at) &&
           write_at(file, certificate, certificate_bytes, proof_at + proof_bytes) &&
           fdatasync(file) == 0 && hash_file(file, bytes, &hash) &&
           write_at(index, hash.bytes, HASH_BYTES, LIABILITIES_INDEX_CERTIFIED + sizeof(length)) &&
           write_at(index, length, sizeof(length), LIABILITIES_INDEX_CERTIFIED) &&
           fdatasync(index) == 0;
}

/* As it was before its tail: a disk that is full needs the room. The length goes first. */
static void take_tail_back(int file, int index, uint64_t tail_at)
{
    const uint8_t none[8] = {0};
    if (write_at(index, none, sizeof(none), LIABILITIES_INDEX_CERTIFIED))
        (void)!ftruncate(file, (off_t)tail_at);
}

enum status liabilities_file_finish(const char *directory, uint64_t height,
                                    const uint8_t *totals_proof, size_t proof_bytes,
                                    const uint8_t *certificate, size_t certificate_bytes)
{
    struct liabilities_index there;
    char path[PATH_MAX], beside[PATH_MAX];
    enum status status = liabilities_index_open(&there, directory, height);
    if (status != STATUS_OK) return status;
    liabilities_index_close(&there);
    if (there.certified_bytes > 0) return STATUS_OK;
    if (!liabilities_index_path(path, directory, height, "") ||
        !liabilities_index_path(beside, directory, height, ".index"))
        return STATUS_MALFORMED;
    const int file = open(path, O_RDWR | O_CLOEXEC), index = open(beside, O_RDWR | O_CLOEXEC);
    const uint64_t tail_at = liabilities_index_leaves_at(&there.head, there.head.asset_count);
    if (file < 0 || index < 0 ||
        !put_tail(file, index, tail_at, totals_proof, proof_bytes, certificate, certificate_bytes))
        status = liabilities_index_failed("liabilities cannot be certified", path);
    if (status != STATUS_OK && file >= 0 && index >= 0) take_tail_back(file, index, tail_at);
    if (file >= 0) close(file);
    if (index >= 0) close(index);
    return status;
}
