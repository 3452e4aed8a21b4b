#include "common/log.h"
#include "ledger/checkpoint_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct checkpoint_part {
    char *directory;
    int parent;
    int folder; /* locked */
    uint64_t height;
};

/* Takes the part, or what there is of the checkpoint, or makes one. */
static enum status take_folder(struct checkpoint_part *part)
{
    char name[CHECKPOINT_NAME_MAX], whole[CHECKPOINT_NAME_MAX];
    checkpoint_files_name(part->height, ".part", name);
    checkpoint_files_name(part->height, "", whole);
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    part->folder = openat(part->parent, name, flags);
    if (part->folder < 0 && errno == ENOENT) {
        const bool taken = renameat(part->parent, whole, part->parent, name) == 0 ||
                           (errno == ENOENT && mkdirat(part->parent, name, 0700) == 0);
        if (taken) part->folder = openat(part->parent, name, flags);
    }
    if (part->folder < 0)
        return checkpoint_files_failed("checkpoint cannot be begun", part->directory, name);
    if (flock(part->folder, LOCK_EX | LOCK_NB) == 0) return STATUS_OK;
    log_error("ledger", "checkpoint is being written by somebody else",
              "directory=\"%s\" name=\"%s\"", part->directory, name);
    return STATUS_EXISTS;
}

static enum status write_proof(struct checkpoint_part *part, const struct checkpoint_proof *proof)
{
    bool written =
        checkpoint_files_write(part->folder, "manifest", proof->manifest, proof->manifest_bytes) &&
        checkpoint_files_write(part->folder, "certificate", proof->certificate,
                               proof->certificate_bytes);
    if (written && proof->signature_bytes > 0)
        written = checkpoint_files_write(part->folder, "signatures", proof->signatures,
                                         proof->signature_bytes);
    if (written) return STATUS_OK;
    return checkpoint_files_failed("checkpoint cannot be written", part->directory, "manifest");
}

enum status checkpoint_part_open(const char *directory, const struct checkpoint_proof *proof,
                                 struct checkpoint_part **part)
{
    ASSERT(proof->height > 0);
    *part = NULL;
    struct checkpoint_part *made = calloc(1, sizeof(*made));
    char *copy = made == NULL ? NULL : strdup(directory);
    if (copy == NULL) {
        free(made);
        log_error("ledger", "no memory for a checkpoint", "directory=\"%s\"", directory);
        return STATUS_NO_MEMORY;
    }
    *made = (struct checkpoint_part){
        .directory = copy, .parent = -1, .folder = -1, .height = proof->height};
    if (mkdir(directory, 0700) == 0 || errno == EEXIST)
        made->parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = STATUS_OK;
    if (made->parent < 0)
        status = checkpoint_files_failed("checkpoints have no directory", directory, ".");
    if (status == STATUS_OK) status = take_folder(made);
    if (status == STATUS_OK) status = write_proof(made, proof);
    if (status == STATUS_OK)
        *part = made;
    else
        checkpoint_part_close(made);
    return status;
}

enum status checkpoint_part_read(struct checkpoint_part *part, uint32_t chunk, uint8_t *bytes,
                                 uint32_t byte_count)
{
    char name[CHECKPOINT_NAME_MAX];
    checkpoint_files_chunk(chunk, name);
    size_t got = 0;
    if (checkpoint_files_read(part->folder, name, bytes, byte_count, &got))
        return got == byte_count ? STATUS_OK : STATUS_NOT_FOUND;
    if (errno == ENOENT || errno == EFBIG || errno == 0) return STATUS_NOT_FOUND;
    return checkpoint_files_failed("checkpoint cannot be read", part->directory, name);
}

enum status checkpoint_part_keep(struct checkpoint_part *part, uint32_t chunk, const uint8_t *bytes,
                                 uint32_t byte_count)
{
    char name[CHECKPOINT_NAME_MAX];
    checkpoint_files_chunk(chunk, name);
    if (checkpoint_files_write(part->folder, name, bytes, byte_count)) return STATUS_OK;
    return checkpoint_files_failed("checkpoint cannot be written", part->directory, name);
}

enum status checkpoint_part_finish(struct checkpoint_part *part)
{
    char name[CHECKPOINT_NAME_MAX], whole[CHECKPOINT_NAME_MAX];
    checkpoint_files_name(part->height, ".part", name);
    checkpoint_files_name(part->height, "", whole);
    if (checkpoint_files_remove_aside(part->folder) && fsync(part->folder) == 0 &&
        checkpoint_files_remove(part->parent, whole) &&
        renameat(part->parent, name, part->parent, whole) == 0 && fsync(part->parent) == 0)
        return STATUS_OK;
    return checkpoint_files_failed("checkpoint cannot be put in its place", part->directory, name);
}

void checkpoint_part_close(struct checkpoint_part *part)
{
    if (part == NULL) return;
    if (part->folder >= 0) close(part->folder);
    if (part->parent >= 0) close(part->parent);
    free(part->directory);
    free(part);
}
