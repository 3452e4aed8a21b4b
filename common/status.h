/* Failures: the world says no, and the caller decides what now. Expanded from status.def. */

#ifndef COMMON_STATUS_H
#define COMMON_STATUS_H

enum status {
#define STATUS(NAME, text) STATUS_##NAME,
#include "common/status.def"
#undef STATUS
};

/* "NO_SPACE" and "the disk is full". */
const char *status_name(enum status status);
const char *status_text(enum status status);

/* What a call to the disk that failed with this errno (errno(3)) says: NO_SPACE, a quota's end too, or IO. */
enum status status_of_errno(int error);

#endif /* COMMON_STATUS_H */
