/* What this node has signed last, on disk before the vote leaves: never two hashes for one height.
 *
 * Two slots of one sector each, written one after the other, each synchronously:
 *
 *     magic u32 "QXSO" | version u32 | epoch u64 | height u64 | header_hash 32 | crc32c u32
 *     version 1; or 2: closed, this node signs no header of this epoch any more (epoch.h)
 *
 * A write that a power cut tore damages one slot; the other then holds this record or the one before,
 * and the vote had not left. So one damaged slot is named and written anew, two are refused.
 *
 * The file is made once, for a node that is new, and never by opening it: a node without its file may have
 * signed anything. A height may be signed again in a later epoch, for nothing of the older one counts then.
 *
 * Owner    one thread of one process: the file is locked while it is open
 * Memory   struct sign_once is the caller's
 * Cost     two synchronous writes a new height
 */

#ifndef LEDGER_SIGN_ONCE_H
#define LEDGER_SIGN_ONCE_H

#include "common/hash.h"
#include "common/status.h"

#define SIGN_ONCE_SLOT_BYTES   512
#define SIGN_ONCE_RECORD_BYTES 60
#define SIGN_ONCE_FILE_BYTES   (2 * SIGN_ONCE_SLOT_BYTES)

struct sign_once_record {
    uint64_t epoch;
    uint64_t height; /* 0: nothing signed yet */
    hash_t header_hash;
    bool closed; /* and nothing more will be signed in this epoch */
};

struct sign_once {
    int descriptor;
    struct sign_once_record last;
};

/* What may be done with a header, given the last record. Pure.
 *   STATUS_OK         above the last: record it, then sign
 *   STATUS_EXISTS     the very header signed last: sign again, the signature is the same
 *   STATUS_MISMATCH   another hash for the height signed last: never
 *   STATUS_NOT_FOUND  below the last: what was signed there is no longer known, so never; or of an epoch that is
 *                     closed */
MUST_CHECK enum status sign_once_decide(const struct sign_once_record *last,
                                        const struct sign_once_record *wanted);

void sign_once_encode(const struct sign_once_record *record, uint8_t bytes[SIGN_ONCE_RECORD_BYTES]);

/* False when the bytes are not a whole record. */
MUST_CHECK bool sign_once_decode(const uint8_t bytes[SIGN_ONCE_RECORD_BYTES],
                                 struct sign_once_record *record);

/* Makes the file, with nothing signed: for a node that is new. STATUS_EXISTS, not logged: there is one,
 * and it is left as it is. STATUS_NO_SPACE, STATUS_IO: logged. */
MUST_CHECK enum status sign_once_create(const char *path);

/* Opens the file. STATUS_NOT_FOUND, not logged: there is none. STATUS_AMNESIAC: neither slot can be read,
 * so what was signed is not known. STATUS_EXISTS (another process has it), STATUS_IO: logged. */
MUST_CHECK enum status sign_once_open(struct sign_once *once, const char *path);
void sign_once_close(struct sign_once *once);

/* Closes an epoch: when it returns STATUS_OK the disk says that nothing of it will be signed any more; what was
 * signed last in it stays known. STATUS_NOT_FOUND: the file is of a later epoch. STATUS_IO, STATUS_NO_SPACE. All
 * logged. */
MUST_CHECK enum status sign_once_close_epoch(struct sign_once *once, uint64_t epoch);

/* Makes sure `wanted` may be signed, and is on disk if it is new. STATUS_OK: sign. STATUS_MISMATCH or
 * STATUS_NOT_FOUND as in sign_once_decide, STATUS_IO or STATUS_NO_SPACE: do not; all are logged. */
MUST_CHECK enum status sign_once_claim(struct sign_once *once,
                                       const struct sign_once_record *wanted);

#endif /* LEDGER_SIGN_ONCE_H */
