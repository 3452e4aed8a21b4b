#include "node/verify_fault.h"

#include <stdarg.h>
#include <stdio.h>

enum status verify_fault_set(struct verify_fault *fault, uint64_t height, uint64_t command,
                             const char *format, ...)
{
    va_list arguments;
    fault->height = height;
    fault->command = command;
    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof(fault->reason), format, arguments);
    va_end(arguments);
    return STATUS_MISMATCH;
}
