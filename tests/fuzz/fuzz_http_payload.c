/* What was signed is what was received, less the signature: whatever bytes come as query and body. */

#include "common/form.h"
#include "gateway/auth.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static void check_piece(const struct auth_piece *piece, const char *text, size_t text_bytes)
{
    if (piece->byte_count == 0) return;
    ASSERT(piece->bytes >= text && piece->bytes + piece->byte_count <= text + text_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    static struct form form;
    const char *text = (const char *)bytes;
    const char *middle = byte_count == 0 ? NULL : memchr(text, '\n', byte_count);
    const size_t query_bytes = middle == NULL ? byte_count : (size_t)(middle - text);
    const char *body = text + query_bytes;
    const size_t body_bytes = byte_count - query_bytes;

    const struct auth_payload payload = auth_payload_of(text, query_bytes, body, body_bytes);
    for (int index = 0; index < 2; index++) {
        check_piece(&payload.pieces[index], text, query_bytes);
        check_piece(&payload.pieces[index + 2], body, body_bytes);
    }
    check_piece(&payload.signature, text, byte_count);
    const size_t signed_bytes = auth_payload_bytes(&payload);
    ASSERT(signed_bytes <= byte_count);
    if (payload.signature_count == 0) ASSERT(signed_bytes == byte_count);

    /* Joined, the pieces of a query alone hold no second signature unless two were counted. */
    uint8_t *joined = malloc(signed_bytes + 1);
    ASSERT(joined != NULL);
    auth_payload_put(&payload, joined);
    if (middle == NULL && payload.signature_count == 1)
        ASSERT(auth_payload_of((char *)joined, signed_bytes, NULL, 0).signature_count == 0);
    free(joined);

    if (!form_parse(&form, text, query_bytes, body, body_bytes)) ASSERT(form.field_count == 0);
    return 0;
}
