#include "common/log.h"
#include "ledger/checkpoint_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct checkpoint_reader {
    char *directory;
    uint64_t height;
    int folder;
    bool audits;    /* puts nothing aside */
    int chunk_file; /* of the last piece; -1: none */
    uint32_t chunk;
    uint8_t *manifest_bytes;
    size_t manifest_byte_count;
    hash_t *hashes;
    struct checkpoint_manifest manifest;
    struct certificate certificate;
    struct {
        uint8_t *bytes; /* mapped */
        size_t byte_count;
    } sections[CHECKPOINT_SECTIONS];
};

static enum status damaged(struct checkpoint_reader *reader, const char *file, const char *what)
{
    log_error("ledger", "checkpoint file is damaged",
              "directory=\"%s\" file=\"%s\" what=\"%s\" height=%lu", reader->directory, file, what,
              reader->height);
    if (!reader->audits) checkpoint_files_put_aside(reader->folder, file);
    return STATUS_DAMAGED;
}

enum status checkpoint_reader_refuse(struct checkpoint_reader *reader, const char *what)
{
    return damaged(reader, "certificate", what);
}

static enum status read_manifest(struct checkpoint_reader *reader, uint64_t height)
{
    uint8_t *bytes = malloc(CHECKPOINT_MANIFEST_BYTES_MAX);
    hash_t *hashes = malloc(CHECKPOINT_CHUNKS_MAX * sizeof(*hashes));
    reader->manifest_bytes = bytes;
    reader->hashes = hashes;
    if (bytes == NULL || hashes == NULL) {
        log_error("ledger", "no memory for a checkpoint", "directory=\"%s\"", reader->directory);
        return STATUS_NO_MEMORY;
    }
    if (!checkpoint_files_read(reader->folder, "manifest", bytes, CHECKPOINT_MANIFEST_BYTES_MAX,
                               &reader->manifest_byte_count)) {
        if (errno == EFBIG || errno == 0) return damaged(reader, "manifest", "its length");
        return checkpoint_files_failed("checkpoint cannot be read", reader->directory, "manifest");
    }
    if (!checkpoint_manifest_decode(bytes, reader->manifest_byte_count, &reader->manifest, hashes))
        return damaged(reader, "manifest", "it is no manifest");
    if (reader->manifest.height != height)
        return damaged(reader, "manifest", "it is of another height");
    return STATUS_OK;
}

static enum status read_certificate(struct checkpoint_reader *reader)
{
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    size_t byte_count;
    if (!checkpoint_files_read(reader->folder, "certificate", bytes, sizeof(bytes), &byte_count)) {
        if (errno == EFBIG || errno == 0) return damaged(reader, "certificate", "its length");
        return checkpoint_files_failed("checkpoint cannot be read", reader->directory,
                                       "certificate");
    }
    if (!certificate_decode(bytes, byte_count, &reader->certificate))
        return damaged(reader, "certificate", "it is no certificate");
    if (reader->certificate.height == reader->manifest.height &&
        hash_equal(reader->certificate.header_hash,
                   checkpoint_root(reader->manifest_bytes, reader->manifest_byte_count)))
        return STATUS_OK;
    /* One of the two is wrong, and nothing here says which. */
    (void)damaged(reader, "certificate", "it is not this manifest's");
    return damaged(reader, "manifest", "it is not this certificate's");
}

/* STATUS_NOT_FOUND: by its names it is not a whole, certified one. */
static enum status open_folder(struct checkpoint_reader *reader, uint64_t height)
{
    char name[CHECKPOINT_NAME_MAX];
    checkpoint_files_name(height, "", name);
    const int parent = open(reader->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 && errno == ENOENT) return STATUS_NOT_FOUND;
    bool whole = false, certified = false;
    const bool seen = parent >= 0 && checkpoint_files_whole(parent, name, &whole, &certified);
    if (seen && whole && certified)
        reader->folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = STATUS_OK;
    if (!seen)
        status = checkpoint_files_failed("checkpoint cannot be opened", reader->directory, name);
    else if (reader->folder < 0)
        status = STATUS_NOT_FOUND;
    if (parent >= 0) close(parent);
    return status;
}

static enum status open_reader(const char *directory, uint64_t height, bool audits,
                               struct checkpoint_reader **reader)
{
    *reader = NULL;
    struct checkpoint_reader *made = calloc(1, sizeof(*made));
    char *copy = made == NULL ? NULL : strdup(directory);
    if (copy == NULL) {
        free(made);
        log_error("ledger", "no memory for a checkpoint", "directory=\"%s\"", directory);
        return STATUS_NO_MEMORY;
    }
    made->directory = copy;
    made->height = height;
    made->audits = audits;
    made->folder = made->chunk_file = -1;
    enum status status = open_folder(made, height);
    if (status == STATUS_OK) status = read_manifest(made, height);
    if (status == STATUS_OK) status = read_certificate(made);
    if (status == STATUS_OK)
        *reader = made;
    else
        checkpoint_reader_close(made);
    return status;
}

enum status checkpoint_reader_open(const char *directory, uint64_t height,
                                   struct checkpoint_reader **reader)
{
    return open_reader(directory, height, false, reader);
}

enum status checkpoint_reader_audit(const char *directory, uint64_t height,
                                    struct checkpoint_reader **reader)
{
    return open_reader(directory, height, true, reader);
}

void checkpoint_reader_close(struct checkpoint_reader *reader)
{
    if (reader == NULL) return;
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++)
        if (reader->sections[section].bytes != NULL)
            munmap(reader->sections[section].bytes, reader->sections[section].byte_count);
    if (reader->chunk_file >= 0) close(reader->chunk_file);
    if (reader->folder >= 0) close(reader->folder);
    free(reader->hashes);
    free(reader->manifest_bytes);
    free(reader->directory);
    free(reader);
}

const struct checkpoint_manifest *checkpoint_reader_manifest(const struct checkpoint_reader *reader)
{
    return &reader->manifest;
}

const struct certificate *checkpoint_reader_certificate(const struct checkpoint_reader *reader)
{
    return &reader->certificate;
}

const uint8_t *checkpoint_reader_manifest_bytes(const struct checkpoint_reader *reader,
                                                size_t *byte_count)
{
    *byte_count = reader->manifest_byte_count;
    return reader->manifest_bytes;
}

size_t checkpoint_reader_signatures(const struct checkpoint_reader *reader,
                                    uint8_t bytes[CERTIFICATE_BYTES_MAX])
{
    size_t byte_count;
    if (!checkpoint_files_read(reader->folder, "signatures", bytes, CERTIFICATE_BYTES_MAX,
                               &byte_count))
        return 0;
    struct certificate certificate;
    const bool fits =
        certificate_decode(bytes, byte_count, &certificate) &&
        hash_equal(certificate.header_hash, block_header_hash(reader->manifest.header));
    return fits ? byte_count : 0;
}

/* Reads a chunk of exactly this length and compares its hash. */
static enum status read_chunk(struct checkpoint_reader *reader, uint32_t chunk, uint8_t *bytes,
                              uint32_t byte_count)
{
    char name[CHECKPOINT_NAME_MAX];
    checkpoint_files_chunk(chunk, name);
    const int file = openat(reader->folder, name, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) return damaged(reader, name, "it is missing");
    if (file < 0)
        return checkpoint_files_failed("checkpoint cannot be read", reader->directory, name);
    struct stat facts;
    bool read = fstat(file, &facts) == 0;
    const bool right_length = read && facts.st_size == (off_t)byte_count;
    if (right_length) read = checkpoint_files_read_at(file, bytes, byte_count, 0);
    const int why = errno;
    close(file);
    errno = why;
    if (!read && why != 0)
        return checkpoint_files_failed("checkpoint cannot be read", reader->directory, name);
    if (!read || !right_length) return damaged(reader, name, "its length");
    const hash_t hash = checkpoint_chunk_hash(bytes, byte_count);
    if (!hash_equal(hash, reader->manifest.chunks[chunk])) return damaged(reader, name, "its hash");
    return STATUS_OK;
}

/* All of its chunks are looked at, so that one fetch gets back all that are damaged. */
static enum status read_chunks(struct checkpoint_reader *reader, enum checkpoint_section section,
                               uint8_t *bytes)
{
    const struct checkpoint_manifest *manifest = &reader->manifest;
    const uint32_t first = checkpoint_section_chunk(manifest, section);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < checkpoint_section_chunks(manifest, section); i++) {
        enum checkpoint_section of;
        const enum status read =
            read_chunk(reader, first + i, bytes + (size_t)i * CHECKPOINT_CHUNK_BYTES,
                       checkpoint_chunk_bytes(manifest, first + i, &of));
        if (read != STATUS_OK && status != STATUS_IO) status = read;
    }
    return status;
}

enum status checkpoint_reader_section(struct checkpoint_reader *reader,
                                      enum checkpoint_section section, const uint8_t **bytes,
                                      size_t *byte_count)
{
    const size_t length = reader->manifest.section_bytes[section];
    *bytes = reader->sections[section].bytes;
    *byte_count = length;
    if (length == 0 || *bytes != NULL) return STATUS_OK;
    /* Memory of our own rather than the files': what was checked is what is used. */
    uint8_t *mapped = mmap(NULL, length, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        log_error("ledger", "no memory for a checkpoint", "directory=\"%s\" bytes=%lu",
                  reader->directory, length);
        return STATUS_NO_MEMORY;
    }
    const enum status status = read_chunks(reader, section, mapped);
    if (status != STATUS_OK) {
        munmap(mapped, length);
        return status;
    }
    reader->sections[section].bytes = mapped;
    reader->sections[section].byte_count = length;
    *bytes = mapped;
    return STATUS_OK;
}

/* Pieces of one chunk come one after the other: its file stays open. */
static enum status open_chunk(struct checkpoint_reader *reader, uint32_t chunk)
{
    if (reader->chunk_file >= 0 && reader->chunk == chunk) return STATUS_OK;
    char name[CHECKPOINT_NAME_MAX];
    checkpoint_files_chunk(chunk, name);
    if (reader->chunk_file >= 0) close(reader->chunk_file);
    reader->chunk_file = openat(reader->folder, name, O_RDONLY | O_CLOEXEC);
    reader->chunk = chunk;
    if (reader->chunk_file >= 0) return STATUS_OK;
    if (errno == ENOENT) return STATUS_NOT_FOUND;
    return checkpoint_files_failed("checkpoint cannot be read", reader->directory, name);
}

enum status checkpoint_reader_piece(struct checkpoint_reader *reader, uint32_t chunk,
                                    uint32_t offset, uint8_t *bytes, uint32_t capacity,
                                    uint32_t *byte_count)
{
    *byte_count = 0;
    if (chunk >= reader->manifest.chunk_count) return STATUS_NOT_FOUND;
    enum checkpoint_section section;
    const uint32_t length = checkpoint_chunk_bytes(&reader->manifest, chunk, &section);
    if (offset >= length) return STATUS_NOT_FOUND;
    const enum status status = open_chunk(reader, chunk);
    if (status != STATUS_OK) return status;
    const uint32_t wanted = length - offset < capacity ? length - offset : capacity;
    if (!checkpoint_files_read_at(reader->chunk_file, bytes, wanted, offset)) {
        char name[CHECKPOINT_NAME_MAX];
        checkpoint_files_chunk(chunk, name);
        if (errno == 0) return damaged(reader, name, "its length");
        return checkpoint_files_failed("checkpoint cannot be read", reader->directory, name);
    }
    *byte_count = wanted;
    return STATUS_OK;
}
