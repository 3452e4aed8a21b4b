#include "ledger/sign_once.h"

#include "common/le.h"
#include "ledger/crc32c.h"

#define MAGIC   0x4f535851u /* "QXSO" */
#define OPEN    1u          /* versions */
#define CLOSED  2u
#define COVERED (SIGN_ONCE_RECORD_BYTES - 4) /* all but the checksum itself */

static_assert(4 + 4 + 8 + 8 + HASH_BYTES + 4 == SIGN_ONCE_RECORD_BYTES, "the fields fill it");
static_assert(SIGN_ONCE_RECORD_BYTES <= SIGN_ONCE_SLOT_BYTES, "a record is within one sector");

enum status sign_once_decide(const struct sign_once_record *last,
                             const struct sign_once_record *wanted)
{
    if (last->closed && wanted->epoch <= last->epoch) return STATUS_NOT_FOUND;
    if (wanted->epoch != last->epoch)
        return wanted->epoch > last->epoch ? STATUS_OK : STATUS_NOT_FOUND;
    if (wanted->height != last->height)
        return wanted->height > last->height ? STATUS_OK : STATUS_NOT_FOUND;
    return hash_equal(wanted->header_hash, last->header_hash) ? STATUS_EXISTS : STATUS_MISMATCH;
}

void sign_once_encode(const struct sign_once_record *record, uint8_t bytes[SIGN_ONCE_RECORD_BYTES])
{
    uint8_t *at = le_put_u32(bytes, MAGIC);
    at = le_put_u32(at, record->closed ? CLOSED : OPEN);
    at = le_put_u64(at, record->epoch);
    at = le_put_u64(at, record->height);
    at = le_put_bytes(at, record->header_hash.bytes, HASH_BYTES);
    le_put_u32(at, crc32c_add(0, bytes, COVERED));
}

bool sign_once_decode(const uint8_t bytes[SIGN_ONCE_RECORD_BYTES], struct sign_once_record *record)
{
    const uint32_t version = le_get_u32(bytes + 4);
    if (le_get_u32(bytes) != MAGIC || (version != OPEN && version != CLOSED)) return false;
    if (le_get_u32(bytes + COVERED) != crc32c_add(0, bytes, COVERED)) return false;
    record->epoch = le_get_u64(bytes + 8);
    record->height = le_get_u64(bytes + 16);
    memcpy(record->header_hash.bytes, bytes + 24, HASH_BYTES);
    record->closed = version == CLOSED;
    return true;
}
