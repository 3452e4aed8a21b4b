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

#endif /* COMMON_STATUS_H */
