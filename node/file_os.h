/* Small files read and written whole: keys, the genesis, lists of accounts.
 *
 * Owner    any thread, before the node's threads start and in the command-line programs
 * Memory   file_read gives the caller a buffer to free
 * Limits   FILE_BYTES_MAX; a larger file is STATUS_MALFORMED
 */

#ifndef NODE_FILE_OS_H
#define NODE_FILE_OS_H

#include "common/assert.h"
#include "common/status.h"

#include <stdbool.h>
#include <sys/types.h>

#define FILE_BYTES_MAX (8 * 1024 * 1024)
#define FILE_PATH_MAX  4096

/* Reads the whole file and adds a terminator. STATUS_NOT_FOUND when there is none; only other
 * failures are logged. */
MUST_CHECK enum status file_read(const char *path, char **bytes, size_t *byte_count);

/* As file_read, but refuses a file that its group or others may read. */
MUST_CHECK enum status file_read_secret(const char *path, char **bytes, size_t *byte_count);

/* Writes a new file: either all of it is there, on disk, or none. STATUS_EXISTS, not logged, when
 * something has that name already; it is left as it is. */
MUST_CHECK enum status file_create(const char *path, const void *bytes, size_t byte_count,
                                   mode_t mode);

/* As file_create, but puts the new file in the place of an older one. */
MUST_CHECK enum status file_replace(const char *path, const void *bytes, size_t byte_count,
                                    mode_t mode);

/* Makes the folder, and those above it that are missing. One that exists is left as it is. */
MUST_CHECK enum status file_make_folder(const char *path, mode_t mode);

/* Whether anything has this name. */
bool file_exists(const char *path);

/* Writes folder/name into `path`. False when it does not fit. */
MUST_CHECK bool file_path(char path[FILE_PATH_MAX], const char *folder, const char *name);

#endif /* NODE_FILE_OS_H */
