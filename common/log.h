/* The node's log: one line an event, key=value, to standard error.
 *
 *     2026-11-21T03:29:00.123456Z info ledger "segment opened" index=12 path="wal/0001"
 *
 * Log a failure once, where it is detected and the facts are at hand.
 *
 * Owner    any thread; a line is one write
 * Limits   a line of more than 2 KiB is cut
 */

#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Lines below `level` are dropped. Default: LOG_INFO. */
void log_set_level(enum log_level level);

/* Writes a line. `format` gives the key=value part, printf-like; "" for none. */
void log_line(enum log_level level, const char *folder, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#define log_debug(folder, what, ...) log_line(LOG_DEBUG, folder, what, __VA_ARGS__)
#define log_info(folder, what, ...)  log_line(LOG_INFO, folder, what, __VA_ARGS__)
#define log_warn(folder, what, ...)  log_line(LOG_WARN, folder, what, __VA_ARGS__)
#define log_error(folder, what, ...) log_line(LOG_ERROR, folder, what, __VA_ARGS__)

#endif /* COMMON_LOG_H */
