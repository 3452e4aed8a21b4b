#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 2048

static _Atomic int lowest_level = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&lowest_level, (int)level, memory_order_relaxed);
}

static int line_start(char *line, enum log_level level, const char *folder, const char *what)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    return snprintf(line, LINE_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ %s %s \"%s\"",
                    utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                    utc.tm_sec, now.tv_nsec / 1000, names[level], folder, what);
}

void log_line(enum log_level level, const char *folder, const char *what, const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&lowest_level, memory_order_relaxed)) return;

    char line[LINE_BYTES + 1];
    int length = line_start(line, level, folder, what);
    if (format[0] != '\0' && length + 2 < LINE_BYTES) {
        line[length++] = ' ';
        va_list arguments;
        va_start(arguments, format);
        length += vsnprintf(line + length, (size_t)(LINE_BYTES - length), format, arguments);
        va_end(arguments);
    }
    if (length > LINE_BYTES - 1) length = LINE_BYTES - 1;
    line[length++] = '\n';
    const ssize_t written = write(STDERR_FILENO, line, (size_t)length);
    (void)written;
}
