#include "gateway/frame.h"
#include "gateway/ws_request.h"

#include "common/form.h"

#include <stdlib.h>
#include <string.h>

/* Any text as a request of the WebSocket API: the id is always JSON, both texts keep to their bound, and the form reads back as the parameters that were signed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_form(const struct ws_request *request, const char *form_text, size_t form_bytes)
{
    static struct form form;
    char *value = malloc(FRAME_MESSAGE_MAX);
    if (form_bytes < FORM_BYTES_MAX / 2) {
        const bool is_parsed = form_parse(&form, form_text, form_bytes, NULL, 0);
        ASSERT(is_parsed);
        for (uint32_t index = 0; index < request->parameter_count; index++) {
            const struct ws_parameter *parameter = &request->parameters[index];
            char name[FORM_BYTES_MAX];
            memcpy(name, parameter->name.bytes, parameter->name.byte_count);
            name[parameter->name.byte_count] = '\0';
            const struct form_field *field = form_find(&form, name);
            if (strcmp(name, "signature") == 0) {
                ASSERT(field == NULL);
                continue;
            }
            ASSERT(field != NULL);
            size_t value_bytes = parameter->value.byte_count;
            if (parameter->value.kind == JSON_STRING)
                value_bytes = json_scan_string(&parameter->value, value);
            else
                memcpy(value, parameter->value.bytes, value_bytes);
            ASSERT(field->value_bytes == value_bytes);
            ASSERT(memcmp(field->value, value, value_bytes) == 0);
        }
    }
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ws_request request;
    struct refusal refusal = {0};
    struct json_value value;
    if (size > FRAME_MESSAGE_MAX || !frame_is_utf8(data, size)) return 0;
    char *text = malloc(size + 1); /* so that a byte read beyond it is seen */
    memcpy(text, data, size);

    const bool is_read = ws_request_read(&request, text, size, &refusal);
    ASSERT(is_read || refusal.reject != REJECT_NONE);
    ASSERT(request.id.byte_count > 0 && request.id.byte_count <= WS_REQUEST_ID_MAX + 2);
    const bool has_id = json_scan_text(request.id.bytes, request.id.byte_count, &value);
    ASSERT(has_id);
    if (is_read) {
        const size_t room = ws_request_text_bytes(&request);
        char *put = malloc(room);
        size_t byte_count = ws_request_put_signed(&request, put);
        ASSERT(byte_count <= room);
        byte_count = ws_request_put_form(&request, put);
        ASSERT(byte_count <= room);
        check_form(&request, put, byte_count);
        free(put);
    }
    free(text);
    return 0;
}
