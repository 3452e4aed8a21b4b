/* The two files of one height's liabilities as those who write, serve and open them see them; others see
 * liabilities_file.h, which draws them.
 *
 * Owner    the caller; closed by him
 */

#ifndef SETTLEMENT_LIABILITIES_INDEX_H
#define SETTLEMENT_LIABILITIES_INDEX_H

#include "common/liabilities.h"
#include "common/status.h"
#include "settlement/liabilities_file.h"

#include <limits.h>

#define LIABILITIES_INDEX_MAGIC     0x494c5851u
#define LIABILITIES_INDEX_VERSION   1u
#define LIABILITIES_INDEX_HEADER    128
#define LIABILITIES_INDEX_CERTIFIED 24 /* where the whole file's length is, and its SHA-256 */
#define LIABILITIES_INDEX_SECTION \
    16 /* before an asset's entries: their number, and that of the rows */

/* An account with a balance, the first ordinal of its parts, and what it has. One more, of nobody, ends them. */
struct liabilities_holder {
    uint32_t account;
    uint32_t first;
    uint64_t amount;
};

static_assert(sizeof(struct liabilities_holder) == 16, "as it lies in the file");
static_assert(sizeof(struct liabilities_node) == 48, "as it lies in the file");

struct liabilities_index {
    int file, index; /* descriptors */
    uint64_t height, time_ns;
    uint64_t certified_bytes; /* of the whole file; 0: it is not certified */
    hash_t sha256;
    struct liabilities_head head;
};

/* Heights, the newest first; 0 where there are no more. */
struct liabilities_newest {
    uint64_t certified[LIABILITIES_KEPT];
    uint64_t waiting[LIABILITIES_WAITING];
};

/* Logs what could not be done, and why. */
enum status liabilities_index_failed(const char *what, const char *path);

MUST_CHECK bool liabilities_index_path(char path[PATH_MAX], const char *directory, uint64_t height,
                                       const char *suffix);

MUST_CHECK bool liabilities_index_read(int descriptor, void *bytes, size_t byte_count,
                                       uint64_t offset);

/* STATUS_NOT_FOUND: there are none of the height, or none that are whole. */
MUST_CHECK enum status liabilities_index_open(struct liabilities_index *index,
                                              const char *directory, uint64_t height);
void liabilities_index_close(const struct liabilities_index *index);

/* Of the whole files of a folder. */
void liabilities_index_newest(const char *directory, struct liabilities_newest *newest);

/* Where an asset's leaves begin in the file; of the asset after the last: where the tail does. */
uint64_t liabilities_index_leaves_at(const struct liabilities_head *head, uint32_t asset);

#endif /* SETTLEMENT_LIABILITIES_INDEX_H */
