#include "common/log.h"
#include "ledger/checkpoint_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct checkpoint_writer {
    char *directory;
    int parent;
    int folder; /* of the part; locked while it is written */
    bool finished;
    bool in_place;      /* there is no part any more */
    enum status status; /* the first failure */
    int section;        /* at hand; -1 before the first */
    uint64_t height;
    uint64_t section_bytes[CHECKPOINT_SECTIONS];
    uint32_t chunk_count;
    size_t filled; /* of `chunk` */
    uint8_t *chunk;
    hash_t *hashes; /* CHECKPOINT_CHUNKS_MAX, touched as they come */
};

static enum status writer_failed(struct checkpoint_writer *writer, const char *what,
                                 const char *name)
{
    if (writer->status == STATUS_OK)
        writer->status = checkpoint_files_failed(what, writer->directory, name);
    return writer->status;
}

/* ---- Writing ---- */

/* Takes DIR/<height>.part for this writer, empty. */
static enum status take_part(struct checkpoint_writer *writer)
{
    char name[CHECKPOINT_NAME_MAX];
    checkpoint_files_name(writer->height, ".part", name);
    const int old = openat(writer->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool busy = old >= 0 && flock(old, LOCK_EX | LOCK_NB) != 0;
    bool taken = !busy && checkpoint_files_remove(writer->parent, name);
    if (old >= 0) close(old);
    if (busy) {
        log_error("ledger", "checkpoint is being written by somebody else",
                  "directory=\"%s\" name=\"%s\"", writer->directory, name);
        return STATUS_EXISTS;
    }
    if (taken && mkdirat(writer->parent, name, 0700) == 0)
        writer->folder = openat(writer->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (writer->folder < 0 || flock(writer->folder, LOCK_EX | LOCK_NB) != 0)
        return checkpoint_files_failed("checkpoint cannot be begun", writer->directory, name);
    return STATUS_OK;
}

enum status checkpoint_writer_open(const char *directory, uint64_t height,
                                   struct checkpoint_writer **writer)
{
    ASSERT(height > 0);
    *writer = NULL;
    struct checkpoint_writer *made = calloc(1, sizeof(*made));
    if (made == NULL) return STATUS_NO_MEMORY;
    made->parent = made->folder = made->section = -1;
    made->height = height;
    made->directory = strdup(directory);
    made->chunk = malloc(CHECKPOINT_CHUNK_BYTES);
    made->hashes = malloc(CHECKPOINT_CHUNKS_MAX * sizeof(*made->hashes));
    enum status status = STATUS_NO_MEMORY;
    if (made->directory != NULL && made->chunk != NULL && made->hashes != NULL) {
        status = STATUS_OK;
        if (mkdir(directory, 0700) == 0 || errno == EEXIST)
            made->parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (made->parent < 0)
            status = checkpoint_files_failed("checkpoints have no directory", directory, ".");
    } else {
        log_error("ledger", "no memory for a checkpoint", "directory=\"%s\"", directory);
    }
    if (status == STATUS_OK) status = take_part(made);
    if (status == STATUS_OK)
        *writer = made;
    else
        checkpoint_writer_close(made);
    return status;
}

static enum status flush_chunk(struct checkpoint_writer *writer)
{
    if (writer->filled == 0 || writer->status != STATUS_OK) return writer->status;
    char name[CHECKPOINT_NAME_MAX];
    checkpoint_files_chunk(writer->chunk_count, name);
    if (writer->chunk_count == CHECKPOINT_CHUNKS_MAX) {
        errno = EFBIG;
        return writer_failed(writer, "checkpoint is too large", name);
    }
    writer->hashes[writer->chunk_count++] = checkpoint_chunk_hash(writer->chunk, writer->filled);
    if (!checkpoint_files_write(writer->folder, name, writer->chunk, writer->filled))
        return writer_failed(writer, "checkpoint cannot be written", name);
    writer->filled = 0;
    return STATUS_OK;
}

void checkpoint_writer_section(struct checkpoint_writer *writer, enum checkpoint_section section)
{
    ASSERT(writer->section < (int)section && section < CHECKPOINT_SECTIONS);
    (void)!flush_chunk(writer); /* a failure is the answer to the next put */
    writer->section = (int)section;
}

enum status checkpoint_writer_put(struct checkpoint_writer *writer, const uint8_t *bytes,
                                  size_t byte_count)
{
    ASSERT(writer->section >= 0 && !writer->finished);
    while (byte_count > 0 && writer->status == STATUS_OK) {
        size_t now = CHECKPOINT_CHUNK_BYTES - writer->filled;
        if (now > byte_count) now = byte_count;
        memcpy(writer->chunk + writer->filled, bytes, now);
        writer->filled += now;
        writer->section_bytes[writer->section] += now;
        bytes += now;
        byte_count -= now;
        if (writer->filled == CHECKPOINT_CHUNK_BYTES) (void)!flush_chunk(writer);
    }
    return writer->status;
}

/* The manifest of the checkpoint that stands under this name; NULL when there is none that can be read. */
static uint8_t *manifest_of(int parent, const char *name, size_t *byte_count, bool *certified)
{
    bool whole;
    *certified = false;
    if (!checkpoint_files_whole(parent, name, &whole, certified)) return NULL;
    const int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return NULL;
    uint8_t *bytes = malloc(CHECKPOINT_MANIFEST_BYTES_MAX);
    if (bytes != NULL && !checkpoint_files_read(folder, "manifest", bytes,
                                                CHECKPOINT_MANIFEST_BYTES_MAX, byte_count)) {
        free(bytes);
        bytes = NULL;
    }
    close(folder);
    return bytes;
}

/* Whether these are the bytes of a certificate of this manifest's root. */
static enum status certificate_fits(uint64_t height, const uint8_t *manifest, size_t manifest_bytes,
                                    const uint8_t *bytes, size_t byte_count)
{
    struct certificate certificate;
    if (!certificate_decode(bytes, byte_count, &certificate) || certificate.height != height)
        return STATUS_MALFORMED;
    const hash_t root = checkpoint_root(manifest, manifest_bytes);
    return hash_equal(certificate.header_hash, root) ? STATUS_OK : STATUS_MISMATCH;
}

/* Whether the certificate that lies beside a manifest is this manifest's. */
static bool certificate_beside(int parent, const char *name, uint64_t height,
                               const uint8_t *manifest, size_t manifest_bytes)
{
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    size_t byte_count;
    const int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return false;
    const bool fits =
        checkpoint_files_read(folder, "certificate", bytes, sizeof(bytes), &byte_count) &&
        certificate_fits(height, manifest, manifest_bytes, bytes, byte_count) == STATUS_OK;
    close(folder);
    return fits;
}

/* The one that stands is this one: our files, just written, take the place of its own one by one, for some of its
 * may be gone. It is certified as it was at every moment. */
static bool renew(struct checkpoint_writer *writer, const char *name)
{
    const int old = openat(writer->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = old >= 0;
    for (uint32_t chunk = 0; done && chunk < writer->chunk_count; chunk++) {
        char file[CHECKPOINT_NAME_MAX];
        checkpoint_files_chunk(chunk, file);
        done = renameat(writer->folder, file, old, file) == 0;
    }
    done = done && fsync(old) == 0 && checkpoint_files_remove_aside(old) && fsync(old) == 0;
    const int kept = errno;
    if (old >= 0) close(old);
    errno = kept;
    return done;
}

/* The part becomes the checkpoint. */
static enum status put_in_place(struct checkpoint_writer *writer, const uint8_t *manifest,
                                size_t manifest_bytes)
{
    char part[CHECKPOINT_NAME_MAX], name[CHECKPOINT_NAME_MAX];
    checkpoint_files_name(writer->height, ".part", part);
    checkpoint_files_name(writer->height, "", name);
    bool certified;
    size_t old_bytes = 0;
    uint8_t *old = manifest_of(writer->parent, name, &old_bytes, &certified);
    const bool same =
        old != NULL && old_bytes == manifest_bytes && memcmp(old, manifest, manifest_bytes) == 0;
    /* Of one that rotted the manifest is not what was certified: ours takes its place. */
    const bool other = old != NULL && !same && certified &&
                       certificate_beside(writer->parent, name, writer->height, old, old_bytes);
    free(old);
    if (other) {
        log_error("ledger", "checkpoint differs from the certified one",
                  "directory=\"%s\" height=%lu", writer->directory, writer->height);
        return writer->status = STATUS_MISMATCH;
    }
    if (same && !renew(writer, name))
        return writer_failed(writer, "checkpoint cannot be renewed", name);
    if (same) return STATUS_OK; /* what is left of the part goes at close */
    if (!checkpoint_files_write(writer->folder, "manifest", manifest, manifest_bytes) ||
        fsync(writer->folder) != 0)
        return writer_failed(writer, "checkpoint cannot be written", "manifest");
    if (!checkpoint_files_remove(writer->parent, name) ||
        renameat(writer->parent, part, writer->parent, name) != 0 || fsync(writer->parent) != 0)
        return writer_failed(writer, "checkpoint cannot be put in its place", part);
    writer->in_place = true;
    return STATUS_OK;
}

enum status checkpoint_writer_finish(struct checkpoint_writer *writer, uint64_t epoch,
                                     hash_t chain_id, const uint8_t header[BLOCK_HEADER_BYTES],
                                     hash_t *root)
{
    ASSERT(!writer->finished);
    if (flush_chunk(writer) != STATUS_OK) return writer->status;
    struct checkpoint_manifest manifest = {.height = writer->height,
                                           .epoch = epoch,
                                           .chain_id = chain_id,
                                           .chunk_count = writer->chunk_count,
                                           .chunks = writer->hashes};
    struct block_header facts;
    ASSERT(block_header_decode(header, &facts) && facts.height == writer->height);
    ASSERT(facts.epoch == epoch && hash_equal(facts.chain_id, chain_id));
    memcpy(manifest.header, header, BLOCK_HEADER_BYTES);
    memcpy(manifest.section_bytes, writer->section_bytes, sizeof(manifest.section_bytes));
    uint8_t *bytes = malloc(checkpoint_manifest_bytes(&manifest));
    if (bytes == NULL) {
        log_error("ledger", "no memory for a checkpoint", "directory=\"%s\"", writer->directory);
        return writer->status = STATUS_NO_MEMORY;
    }
    const size_t byte_count = checkpoint_manifest_encode(&manifest, bytes);
    *root = checkpoint_root(bytes, byte_count);
    const enum status status = put_in_place(writer, bytes, byte_count);
    writer->finished = status == STATUS_OK;
    free(bytes);
    return status;
}

void checkpoint_writer_close(struct checkpoint_writer *writer)
{
    if (writer == NULL) return;
    if (writer->folder >= 0 && !writer->in_place) {
        char name[CHECKPOINT_NAME_MAX];
        checkpoint_files_name(writer->height, ".part", name);
        if (!checkpoint_files_remove(writer->parent, name))
            (void)checkpoint_files_failed("unfinished checkpoint cannot be removed",
                                          writer->directory, name);
    }
    if (writer->folder >= 0) close(writer->folder);
    if (writer->parent >= 0) close(writer->parent);
    free(writer->hashes);
    free(writer->chunk);
    free(writer->directory);
    free(writer);
}

/* ---- The certificate ---- */

static enum status write_certificate(int folder, const char *directory, const uint8_t *bytes,
                                     size_t byte_count)
{
    if (!checkpoint_files_write(folder, "certificate.new", bytes, byte_count) ||
        renameat(folder, "certificate.new", folder, "certificate") != 0 || fsync(folder) != 0)
        return checkpoint_files_failed("certificate of a checkpoint cannot be written", directory,
                                       "certificate");
    return STATUS_OK;
}

enum status checkpoint_certify(const char *directory, uint64_t height, const uint8_t *certificate,
                               size_t byte_count)
{
    char name[CHECKPOINT_NAME_MAX];
    checkpoint_files_name(height, "", name);
    const int parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) return STATUS_NOT_FOUND;
    bool certified;
    size_t manifest_bytes = 0;
    uint8_t *manifest = manifest_of(parent, name, &manifest_bytes, &certified);
    enum status status = STATUS_NOT_FOUND;
    if (manifest != NULL)
        status = certificate_fits(height, manifest, manifest_bytes, certificate, byte_count);
    if (status == STATUS_MISMATCH || status == STATUS_MALFORMED)
        log_error("ledger", "certificate is not this checkpoint's", "directory=\"%s\" height=%lu",
                  directory, height);
    if (status == STATUS_OK && !certified) {
        const int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        status = folder < 0
                     ? checkpoint_files_failed("checkpoint cannot be opened", directory, name)
                     : write_certificate(folder, directory, certificate, byte_count);
        if (folder >= 0) close(folder);
    }
    free(manifest);
    close(parent);
    return status;
}

/* ---- The directory ---- */

#define KEEP_MAX 16

/* The newest certified ones, falling. */
struct newest {
    uint32_t count;
    uint64_t heights[KEEP_MAX];
};

static bool note_newest(void *context, int parent, const char *name)
{
    struct newest *newest = context;
    const uint64_t height = checkpoint_files_height(name, "");
    bool whole, certified;
    if (height == 0) return true;
    if (!checkpoint_files_whole(parent, name, &whole, &certified)) return false;
    if (!whole || !certified) return true;
    uint32_t place = newest->count < KEEP_MAX ? newest->count++ : KEEP_MAX;
    for (; place > 0 && newest->heights[place - 1] < height; place--)
        if (place < KEEP_MAX) newest->heights[place] = newest->heights[place - 1];
    if (place < KEEP_MAX) newest->heights[place] = height;
    return true;
}

/* Finds them, and leaves the directory open in *folder; -1 when it is not there. */
static enum status find_newest(const char *directory, struct newest *newest, int *folder)
{
    *newest = (struct newest){0};
    *folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0 && errno == ENOENT) return STATUS_OK;
    if (*folder < 0 || !checkpoint_files_each(*folder, note_newest, newest))
        return checkpoint_files_failed("checkpoints cannot be listed", directory, ".");
    return STATUS_OK;
}

enum status checkpoint_newest(const char *directory, uint64_t *height)
{
    struct newest newest;
    int folder;
    const enum status status = find_newest(directory, &newest, &folder);
    *height = newest.count > 0 ? newest.heights[0] : 0;
    if (folder >= 0) close(folder);
    return status;
}

struct lowest {
    uint64_t from, height;
};

static bool note_lowest(void *context, int parent, const char *name)
{
    struct lowest *lowest = context;
    const uint64_t height = checkpoint_files_height(name, "");
    bool whole, certified;
    if (height == 0 || height < lowest->from) return true;
    if (!checkpoint_files_whole(parent, name, &whole, &certified)) return false;
    if (whole && certified && (lowest->height == 0 || height < lowest->height))
        lowest->height = height;
    return true;
}

enum status checkpoint_lowest(const char *directory, uint64_t from, uint64_t *height)
{
    struct lowest lowest = {.from = from};
    const int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *height = 0;
    if (folder < 0 && errno == ENOENT) return STATUS_OK;
    enum status status = STATUS_OK;
    if (folder < 0 || !checkpoint_files_each(folder, note_lowest, &lowest))
        status = checkpoint_files_failed("checkpoints cannot be listed", directory, ".");
    if (folder >= 0) close(folder);
    *height = lowest.height;
    return status;
}

struct pruning {
    uint64_t newest; /* certified */
    uint64_t oldest; /* of those kept */
};

/* A part is somebody's while it is locked. */
static bool remove_part(int parent, const char *name)
{
    const int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return errno == ENOENT;
    const bool busy = flock(folder, LOCK_EX | LOCK_NB) != 0;
    const bool done = busy || checkpoint_files_remove(parent, name);
    close(folder);
    return done;
}

static bool prune_name(void *context, int parent, const char *name)
{
    const struct pruning *pruning = context;
    if (checkpoint_files_height(name, ".gone") > 0 ||
        checkpoint_files_height(name, ".part.gone") > 0)
        return checkpoint_files_remove(parent, name);
    if (checkpoint_files_height(name, ".part") > 0) return remove_part(parent, name);
    const uint64_t height = checkpoint_files_height(name, "");
    if (height == 0 || height >= pruning->newest) return true;
    bool whole, certified;
    if (!checkpoint_files_whole(parent, name, &whole, &certified)) return false;
    if (height >= pruning->oldest && certified) return true;
    return checkpoint_files_remove(parent, name);
}

enum status checkpoint_prune(const char *directory, uint32_t keep)
{
    ASSERT(keep > 0 && keep <= KEEP_MAX);
    struct newest newest;
    int folder;
    enum status status = find_newest(directory, &newest, &folder);
    struct pruning pruning = {0};
    if (newest.count > 0) pruning.newest = newest.heights[0];
    if (newest.count >= keep) pruning.oldest = newest.heights[keep - 1];
    if (status == STATUS_OK && folder >= 0 && !checkpoint_files_each(folder, prune_name, &pruning))
        status = checkpoint_files_failed("older checkpoint cannot be removed", directory, ".");
    if (folder >= 0) close(folder);
    return status;
}
