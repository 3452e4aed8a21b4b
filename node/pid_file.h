/* One process per node folder: a locked file that holds the process id.
 *
 * Owner    the main thread; the lock lasts until pid_file_release or the end of the process
 */

#ifndef NODE_PID_FILE_H
#define NODE_PID_FILE_H

#include "common/assert.h"
#include "common/status.h"

struct pid_file {
    int descriptor;
};

/* Locks `path` and writes our id. STATUS_EXISTS, logged with the other's id, when it is locked. */
MUST_CHECK enum status pid_file_acquire(struct pid_file *pid_file, const char *path);

/* Empties the file and gives up the lock. The file stays: removing it would let two processes lock
 * two files of one name. */
void pid_file_release(struct pid_file *pid_file);

#endif /* NODE_PID_FILE_H */
