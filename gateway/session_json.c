#include "gateway/session_json.h"

#include <jansson.h>
#include <string.h>

static void fail(struct session_request *request, enum session_error error, const char *format,
                 const char *detail, int line, int column)
{
    struct text text = text_over(request->error_text, sizeof(request->error_text) - 1);
    request->error = error;
    text_add(&text, format);
    text_add(&text, detail);
    if (line > 0) {
        text_add(&text, " at line ");
        text_i64(&text, line);
        text_add(&text, " column ");
        text_i64(&text, column);
    }
    request->error_text[text.used] = '\0';
}

static void invalid(struct session_request *request, const char *why)
{
    fail(request, SESSION_INVALID_REQUEST, "Invalid request: ", why, 0, 0);
}

static bool is_id_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_';
}

/* An id that is no id is answered with null. */
static bool read_id(struct session_request *request, const json_t *id)
{
    if (id == NULL || json_is_null(id)) return true;
    if (json_is_integer(id)) {
        request->id_kind = SESSION_ID_INTEGER;
        request->id_integer = json_integer_value(id);
        return true;
    }
    if (!json_is_string(id)) return false;
    const char *string = json_string_value(id);
    const size_t bytes = json_string_length(id);
    if (bytes > SESSION_ID_MAX) return false;
    for (size_t i = 0; i < bytes; i++) {
        if (!is_id_byte(string[i])) return false;
    }
    memcpy(request->id_string, string, bytes);
    request->id_string[bytes] = '\0';
    request->id_kind = SESSION_ID_STRING;
    return true;
}

static bool read_method(struct session_request *request, const json_t *method)
{
    static const char *const names[] = {
        [SESSION_SUBSCRIBE] = "SUBSCRIBE",       [SESSION_UNSUBSCRIBE] = "UNSUBSCRIBE",
        [SESSION_LIST] = "LIST_SUBSCRIPTIONS",   [SESSION_SET_PROPERTY] = "SET_PROPERTY",
        [SESSION_GET_PROPERTY] = "GET_PROPERTY",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], json_string_value(method)) != 0) continue;
        request->method = (enum session_method)i;
        return true;
    }
    return false;
}

static bool read_parameters(struct session_request *request, const json_t *params)
{
    const size_t count = json_array_size(params);
    if (count > SESSION_STREAMS_MAX) return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(params, i);
        struct session_parameter *parameter = &request->parameters[i];
        *parameter = (struct session_parameter){.kind = SESSION_VALUE_OTHER};
        if (json_is_string(value)) {
            parameter->kind = SESSION_VALUE_STRING;
            parameter->string = json_string_value(value);
            parameter->string_bytes = json_string_length(value);
        } else if (json_is_boolean(value)) {
            parameter->kind = SESSION_VALUE_BOOLEAN;
            parameter->boolean = json_is_true(value);
        }
    }
    request->parameter_count = (uint32_t)count;
    return true;
}

static void read_object(struct session_request *request, const json_t *object)
{
    const json_t *method = json_object_get(object, "method");
    const json_t *params = json_object_get(object, "params");
    if (!read_id(request, json_object_get(object, "id"))) {
        invalid(request, "request ID must be an integer, a string of at most 36 letters, digits, "
                         "- and _, or null");
    } else if (method == NULL) {
        invalid(request, "missing field `method`");
    } else if (!json_is_string(method) || !read_method(request, method)) {
        invalid(request, "unknown variant, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, "
                         "`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`");
    } else if (params == NULL && request->method != SESSION_LIST) {
        invalid(request, "missing field `params`");
    } else if (params != NULL && !json_is_null(params) && !json_is_array(params)) {
        invalid(request, "`params` must be an array");
    } else if (!read_parameters(request, params)) {
        invalid(request, "too many parameters");
    }
}

void session_request_read(struct session_request *request, const char *text, size_t text_bytes)
{
    request->id_kind = SESSION_ID_NULL;
    request->parameter_count = 0;
    request->error = SESSION_NO_ERROR;
    request->method = SESSION_LIST;

    json_error_t error;
    request->document = json_loadb(text, text_bytes, JSON_DECODE_ANY, &error);
    if (request->document == NULL) {
        fail(request, SESSION_INVALID_JSON, "Invalid JSON: ", "expected value", error.line,
             error.column);
    } else if (!json_is_object((json_t *)request->document)) {
        invalid(request, "expected an object");
    } else {
        read_object(request, request->document);
    }
}

void session_request_free(struct session_request *request)
{
    json_decref(request->document);
    request->document = NULL;
}
