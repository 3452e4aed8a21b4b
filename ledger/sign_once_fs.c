#include "common/log.h"
#include "ledger/sign_once.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static enum status io_failed(const char *what, const char *path)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "path=\"%s\" error=\"%s\"", path, strerror(errno));
    return status;
}

/* Slot 0, then slot 1: whichever a power cut tears, the other is whole. */
static bool write_slots(int descriptor, const struct sign_once_record *record)
{
    uint8_t slot[SIGN_ONCE_SLOT_BYTES] = {0};
    sign_once_encode(record, slot);
    for (off_t i = 0; i < 2; i++) {
        const ssize_t written = pwrite(descriptor, slot, sizeof(slot), i * SIGN_ONCE_SLOT_BYTES);
        if (written >= 0 && written != SIGN_ONCE_SLOT_BYTES) errno = ENOSPC;
        if (written != SIGN_ONCE_SLOT_BYTES) return false;
    }
    return true;
}

static bool sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof(copy)) return false;
    memcpy(copy, path, strlen(path) + 1);
    const int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return false;
    const bool synced = fsync(folder) == 0;
    close(folder);
    return synced;
}

/* Appears under its name only when it is whole: a crash leaves none or all of it. */
enum status sign_once_create(const char *path)
{
    char draft[PATH_MAX];
    const size_t length = strlen(path);
    if (length + sizeof(".new") > sizeof(draft)) return STATUS_MALFORMED;
    memcpy(draft, path, length);
    memcpy(draft + length, ".new", sizeof(".new"));

    const int descriptor = open(draft, O_RDWR | O_CREAT | O_TRUNC | O_DSYNC | O_CLOEXEC, 0600);
    if (descriptor < 0) return io_failed("sign-once file cannot be made", draft);
    const bool whole =
        write_slots(descriptor, &(struct sign_once_record){0}) && fsync(descriptor) == 0;
    close(descriptor);
    if (!whole) return io_failed("sign-once file cannot be made", draft);
    /* A link, not a rename: it never takes the place of what was signed. */
    const bool linked = link(draft, path) == 0;
    const bool exists = !linked && errno == EEXIST;
    if (!linked && !exists) return io_failed("sign-once file cannot be made", path);
    unlink(draft);
    if (exists) return STATUS_EXISTS;
    return sync_folder_of(path) ? STATUS_OK : io_failed("sign-once file cannot be made", path);
}

static bool slot_decode(const uint8_t slot[SIGN_ONCE_SLOT_BYTES], struct sign_once_record *record)
{
    for (size_t i = SIGN_ONCE_RECORD_BYTES; i < SIGN_ONCE_SLOT_BYTES; i++)
        if (slot[i] != 0) return false;
    return sign_once_decode(slot, record);
}

/* Reads both slots. The higher record is the last one; a damaged slot is named. */
static enum status read_slots(struct sign_once *once, const char *path)
{
    uint8_t bytes[SIGN_ONCE_FILE_BYTES + 1] = {0};
    const ssize_t got = pread(once->descriptor, bytes, sizeof(bytes), 0);
    if (got < 0) return io_failed("sign-once file cannot be read", path);

    struct sign_once_record records[2];
    bool whole[2];
    for (int i = 0; i < 2; i++) {
        whole[i] = slot_decode(bytes + i * SIGN_ONCE_SLOT_BYTES, &records[i]);
        if (!whole[i])
            log_error("ledger", "sign-once slot is damaged", "path=\"%s\" offset=%d", path,
                      i * SIGN_ONCE_SLOT_BYTES);
    }
    if (!whole[0] && !whole[1]) return STATUS_AMNESIAC;
    int last = whole[0] ? 0 : 1;
    if (whole[0] && whole[1] && sign_once_decide(&records[0], &records[1]) == STATUS_OK) last = 1;
    once->last = records[last];
    if (whole[0] && whole[1] &&
        memcmp(bytes, bytes + SIGN_ONCE_SLOT_BYTES, SIGN_ONCE_SLOT_BYTES) == 0)
        return STATUS_OK;
    if (!write_slots(once->descriptor, &once->last))
        return io_failed("sign-once file cannot be written", path);
    return STATUS_OK;
}

enum status sign_once_open(struct sign_once *once, const char *path)
{
    *once = (struct sign_once){.descriptor = open(path, O_RDWR | O_DSYNC | O_CLOEXEC)};
    if (once->descriptor < 0)
        return errno == ENOENT ? STATUS_NOT_FOUND
                               : io_failed("sign-once file cannot be opened", path);
    enum status status = STATUS_EXISTS;
    if (flock(once->descriptor, LOCK_EX | LOCK_NB) == 0)
        status = read_slots(once, path);
    else
        log_error("ledger", "sign-once file is in use by another process", "path=\"%s\"", path);
    if (status != STATUS_OK) sign_once_close(once);
    return status;
}

void sign_once_close(struct sign_once *once)
{
    if (once->descriptor >= 0) close(once->descriptor);
    once->descriptor = -1;
}

enum status sign_once_close_epoch(struct sign_once *once, uint64_t epoch)
{
    struct sign_once_record closed = {.epoch = epoch, .closed = true};
    if (once->last.epoch > epoch) {
        log_error("ledger", "an older epoch is not closed any more",
                  "signed_epoch=%lu signed_height=%lu epoch=%lu", once->last.epoch,
                  once->last.height, epoch);
        return STATUS_NOT_FOUND;
    }
    if (once->last.epoch == epoch) {
        if (once->last.closed) return STATUS_OK;
        closed.height = once->last.height;
        closed.header_hash = once->last.header_hash;
    }
    if (!write_slots(once->descriptor, &closed))
        return io_failed("sign-once file cannot be written", "sign-once");
    once->last = closed;
    return STATUS_OK;
}

enum status sign_once_claim(struct sign_once *once, const struct sign_once_record *wanted)
{
    const enum status decision = sign_once_decide(&once->last, wanted);
    if (decision == STATUS_EXISTS) return STATUS_OK;
    if (decision != STATUS_OK) {
        char signed_hash[2 * HASH_BYTES + 1], wanted_hash[2 * HASH_BYTES + 1];
        hash_hex(once->last.header_hash.bytes, HASH_BYTES, signed_hash);
        hash_hex(wanted->header_hash.bytes, HASH_BYTES, wanted_hash);
        log_error("ledger", "refused to sign",
                  "signed_epoch=%lu signed_height=%lu signed_hash=%s epoch=%lu height=%lu hash=%s",
                  once->last.epoch, once->last.height, signed_hash, wanted->epoch, wanted->height,
                  wanted_hash);
        return decision;
    }
    if (!write_slots(once->descriptor, wanted))
        return io_failed("sign-once file cannot be written", "sign-once");
    once->last = *wanted;
    return STATUS_OK;
}
