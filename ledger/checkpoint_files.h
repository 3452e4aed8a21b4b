/* What the files of checkpoints have in common: names, whole small files, and removal that a cut cannot halve.
 *
 * For checkpoint_fs.c, checkpoint_reader_fs.c and checkpoint_part_fs.c alone.
 *
 * Owner    the caller's thread
 */

#ifndef LEDGER_CHECKPOINT_FILES_H
#define LEDGER_CHECKPOINT_FILES_H

#include "ledger/checkpoint.h"

#define CHECKPOINT_NAME_MAX 40

/* Logs the failure of a system call (errno) and says which it is. */
enum status checkpoint_files_failed(const char *what, const char *directory, const char *name);

/* "<height><suffix>", and "NNNNN.chunk". */
void checkpoint_files_name(uint64_t height, const char *suffix, char name[CHECKPOINT_NAME_MAX]);
void checkpoint_files_chunk(uint32_t chunk, char name[CHECKPOINT_NAME_MAX]);

/* The height of a name "<height><suffix>" as it is written, or 0. */
uint64_t checkpoint_files_height(const char *name, const char *suffix);

/* Writes a whole file, durable in itself; its name is when the folder is synchronised. False: errno. */
MUST_CHECK bool checkpoint_files_write(int folder, const char *name, const uint8_t *bytes,
                                       size_t byte_count);

/* Reads exactly `byte_count` bytes from `offset` on. False: errno, which is 0 when the file ends before. */
MUST_CHECK bool checkpoint_files_read_at(int file, uint8_t *bytes, size_t byte_count,
                                         uint64_t offset);

/* Reads a whole file of at most `capacity` bytes into `bytes`. False: errno; EFBIG when it is larger. */
MUST_CHECK bool checkpoint_files_read(int folder, const char *name, uint8_t *bytes, size_t capacity,
                                      size_t *byte_count);

/* Whether the checkpoint in this folder is whole by its names. False in *whole: it lacks its manifest, or a file
 * was put aside. False: errno. */
MUST_CHECK bool checkpoint_files_whole(int parent, const char *name, bool *whole, bool *certified);

/* Puts a file aside as NAME.bad, so that its checkpoint is not whole any more; one that is missing leaves an
 * empty NAME.bad. */
void checkpoint_files_put_aside(int folder, const char *name);

/* Removes what was put aside in this folder. False: errno. */
MUST_CHECK bool checkpoint_files_remove_aside(int folder);

/* Calls `each` for every name in a folder until it says false, which is then the answer. False: errno. */
MUST_CHECK bool checkpoint_files_each(int folder,
                                      bool (*each)(void *context, int folder, const char *name),
                                      void *context);

/* Removes a folder with all its files: first under another name, so that half of it is never taken for one. A name
 * that is not there is nothing. False: errno. */
MUST_CHECK bool checkpoint_files_remove(int parent, const char *name);

#endif /* LEDGER_CHECKPOINT_FILES_H */
