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

#define LETTERS    "abcdefghijklmnopqrstuvwxyz"
#define DIGITS     "0123456789"
#define PORT_BYTES 5

/* Bytes of the host at the text's beginning; 0: none. */
static size_t host_bytes(const char *text)
{
    if (*text != '[') return strspn(text, LETTERS DIGITS "-._");
    const size_t bytes = 1 + strspn(text + 1, "abcdef" DIGITS ":.");
    return bytes > 1 && text[bytes] == ']' ? bytes + 1 : 0;
}

/* Bytes of the origin at the text's beginning, as far as it looks like one. */
static size_t origin_length(const char *text)
{
    const size_t scheme = strspn(text, LETTERS DIGITS "+-.");
    if (scheme == 0 || strncmp(text + scheme, "://", 3) != 0) return 0;
    const size_t host = host_bytes(text + scheme + 3);
    if (host == 0) return 0;
    const size_t bytes = scheme + 3 + host;
    if (text[bytes] != ':') return bytes;
    const size_t port = strspn(text + bytes + 1, DIGITS);
    return port == 0 || port > PORT_BYTES ? 0 : bytes + 1 + port;
}

bool origin_list_is_good(const char *list)
{
    for (list += strspn(list, ", "); *list != '\0'; list += strspn(list, ", ")) {
        const size_t bytes = strcspn(list, ", ");
        const bool is_any = bytes == 1 && *list == '*';
        if (!is_any && origin_length(list) != bytes) return false;
        list += bytes;
    }
    return true;
}
