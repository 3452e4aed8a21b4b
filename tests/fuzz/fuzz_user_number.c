/* The number of a private event, as a client sends it back: what is read is written with the same bytes, and no others. */

#include "gateway/user_event.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct user_number number;
    char text[USER_NUMBER_TEXT];
    if (!user_number_read((const char *)bytes, byte_count, &number)) return 0;
    const size_t written = user_number_put(number, text);
    ASSERT(written == byte_count && memcmp(text, bytes, written) == 0);
    ASSERT(user_number_compare(number, number) == 0);
    return 0;
}
