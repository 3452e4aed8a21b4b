#include "gateway/origin.h"

#include <string.h>

bool origin_is_listed(const char *list, const char *origin, size_t origin_bytes)
{
    while (*list != '\0') {
        list += strspn(list, ", ");
        const size_t bytes = strcspn(list, ", ");
        if (bytes == 1 && *list == '*') return true;
        if (bytes > 0 && bytes == origin_bytes && memcmp(list, origin, bytes) == 0) return true;
        list += bytes;
    }
    return false;
}
