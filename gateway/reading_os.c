#include "gateway/reading.h"

#include <stdlib.h>
#include <string.h>

void reading_take(struct reading *reading, const void *bytes, size_t byte_count)
{
    const size_t used = reading->taken != NULL ? reading->bytes.byte_count : 0;
    uint8_t *taken = realloc(reading->taken, used + byte_count + 1);
    if (taken == NULL) {
        reading->status = STATUS_NO_MEMORY;
        return;
    }
    if (byte_count > 0) memcpy(taken + used, bytes, byte_count);
    reading->taken = taken;
    reading->bytes = (struct proof_bytes){taken, used + byte_count};
}

void reading_release(struct reading *reading)
{
    free(reading->taken);
    reading->taken = NULL;
}
