#include "gateway/ws_request.h"

#include <string.h>

static bool is_name(const struct json_value *value, const char *name)
{
    return value->byte_count == strlen(name) && memcmp(value->bytes, name, value->byte_count) == 0;
}

static bool is_name_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool refuse(struct refusal *refusal, enum reject reject, const char *first,
                   const char *second)
{
    *refusal = refusal_of(reject, first, second);
    return false;
}

/* ---- id ---- */

static bool read_id(struct ws_request *request, const struct json_value *id)
{
    const bool is_string = id->kind == JSON_STRING;
    if (id->kind == JSON_NUMBER)
        for (size_t at = 0; at < id->byte_count; at++)
            if (id->bytes[at] != '-' && (id->bytes[at] < '0' || id->bytes[at] > '9')) return false;
    if (!is_string && id->kind != JSON_NUMBER && id->kind != JSON_NULL) return false;
    if (id->byte_count > WS_REQUEST_ID_MAX) return false;
    request->id.bytes = id->bytes - is_string;
    request->id.byte_count = id->byte_count + (is_string ? 2 : 0);
    return true;
}

/* ---- parameters ---- */

static int compare_names(const struct json_value *a, const struct json_value *b)
{
    const size_t least = a->byte_count < b->byte_count ? a->byte_count : b->byte_count;
    const int order = memcmp(a->bytes, b->bytes, least);
    return order != 0 ? order : (a->byte_count > b->byte_count) - (a->byte_count < b->byte_count);
}

/* Puts it in its place by name. False when its name is there already, or there is no room. */
static bool insert(struct ws_request *request, const struct ws_parameter *parameter)
{
    uint32_t at = request->parameter_count;
    if (at == WS_REQUEST_PARAMETERS_MAX) return false;
    while (at > 0) {
        const int order = compare_names(&request->parameters[at - 1].name, &parameter->name);
        if (order == 0) return false;
        if (order < 0) break;
        request->parameters[at] = request->parameters[at - 1];
        at--;
    }
    request->parameters[at] = *parameter;
    request->parameter_count++;
    return true;
}

static bool is_plain_name(const struct json_value *name)
{
    for (size_t at = 0; at < name->byte_count; at++)
        if (!is_name_byte(name->bytes[at])) return false;
    return name->byte_count > 0;
}

/* Whether the value, unescaped, has neither `&` nor a zero byte: the escapes of both begin with \u00. */
static bool is_plain_value(const struct json_value *value)
{
    const char *at = value->bytes, *end = at + value->byte_count;
    for (; at < end; at++) {
        if (*at == '&') return false;
        if (*at != '\\') continue;
        at++;
        if (*at == 'u' && at[1] == '0' && at[2] == '0' &&
            ((at[3] == '0' && at[4] == '0') || (at[3] == '2' && at[4] == '6')))
            return false;
    }
    return true;
}

static bool read_parameter(struct ws_request *request, const struct ws_parameter *parameter,
                           struct refusal *refusal)
{
    const struct json_value *name = &parameter->name, *value = &parameter->value;
    char shown[sizeof(refusal->first)];
    if (!is_plain_name(name))
        return refuse(refusal, REJECT_JSON_FIELD, "params", "names of letters and digits");
    const size_t shown_bytes =
        name->byte_count < sizeof(shown) - 1 ? name->byte_count : sizeof(shown) - 1;
    memcpy(shown, name->bytes, shown_bytes);
    shown[shown_bytes] = '\0';
    /* Neither sent nor not sent: what is signed would say the word. */
    if (value->kind == JSON_NULL) return refuse(refusal, REJECT_EMPTY, shown, NULL);
    if (!is_plain_value(value)) return refuse(refusal, REJECT_ILLEGAL_CHARACTERS, shown, "^[^&]*$");
    if (is_name(name, "returnRateLimits")) {
        if (value->kind != JSON_BOOLEAN) return refuse(refusal, REJECT_DATA, shown, NULL);
        request->has_limits_wish = true;
        request->wants_limits = *value->bytes == 't';
    }
    return insert(request, parameter) ||
           refuse(refusal, REJECT_JSON_FIELD, "params", "at most 48 parameters, each once");
}

static bool read_parameters(struct ws_request *request, const struct json_value *params,
                            struct refusal *refusal)
{
    struct ws_parameter parameter;
    const char *at = NULL;
    if (params->kind == JSON_NULL) return true;
    if (params->kind != JSON_OBJECT)
        return refuse(refusal, REJECT_JSON_FIELD, "params", "an object");
    while (json_scan_member(params, &at, &parameter.name, &parameter.value))
        if (!read_parameter(request, &parameter, refusal)) return false;
    return true;
}

/* ---- the request ---- */

/* The members we know; of one that is there twice the last counts. */
struct request_members {
    struct json_value id, method, params;
};

static void find_members(const struct json_value *object, struct request_members *members)
{
    struct json_value name, value;
    const char *at = NULL;
    *members = (struct request_members){.params = {.kind = JSON_NULL}};
    while (json_scan_member(object, &at, &name, &value)) {
        if (is_name(&name, "id")) members->id = value;
        if (is_name(&name, "method")) members->method = value;
        if (is_name(&name, "params")) members->params = value;
    }
}

bool ws_request_read(struct ws_request *request, const char *text, size_t text_bytes,
                     struct refusal *refusal)
{
    struct json_value object;
    struct request_members members;
    request->id = (struct auth_piece){"null", 4};
    request->method = (struct auth_piece){NULL, 0};
    request->has_limits_wish = false;
    request->parameter_count = 0;
    if (!json_scan_text(text, text_bytes, &object) || object.kind != JSON_OBJECT)
        return refuse(refusal, REJECT_JSON, NULL, NULL);
    find_members(&object, &members);
    if (members.id.bytes != NULL && !read_id(request, &members.id))
        return refuse(refusal, REJECT_JSON_FIELD, "id", "an integer, a string or null");
    if (members.method.bytes == NULL || members.method.kind != JSON_STRING)
        return refuse(refusal, REJECT_JSON_FIELD, "method", "a string");
    request->method = (struct auth_piece){members.method.bytes, members.method.byte_count};
    return read_parameters(request, &members.params, refusal);
}

const struct ws_parameter *ws_request_find(const struct ws_request *request, const char *name)
{
    for (uint32_t index = 0; index < request->parameter_count; index++)
        if (is_name(&request->parameters[index].name, name)) return &request->parameters[index];
    return NULL;
}

/* ---- texts ---- */

size_t ws_request_text_bytes(const struct ws_request *request)
{
    size_t byte_count = 1;
    for (uint32_t index = 0; index < request->parameter_count; index++)
        byte_count += request->parameters[index].name.byte_count +
                      3 * request->parameters[index].value.byte_count + 2;
    return byte_count;
}

static size_t put_value(const struct json_value *value, char *to)
{
    if (value->kind == JSON_STRING) return json_scan_string(value, to);
    memcpy(to, value->bytes, value->byte_count);
    return value->byte_count;
}

/* Moves what is not a letter or digit and the like apart into %XX. Needs: room for three times as many bytes. */
static size_t encode(char *text, size_t byte_count)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t grown = byte_count;
    for (size_t at = 0; at < byte_count; at++)
        if (!is_name_byte(text[at]) && strchr("-._~", text[at]) == NULL) grown += 2;
    char *to = text + grown;
    for (size_t at = byte_count; at-- > 0;) {
        const uint8_t byte = (uint8_t)text[at];
        if (is_name_byte(text[at]) || strchr("-._~", text[at]) != NULL) {
            *--to = text[at];
            continue;
        }
        *--to = digits[byte % 16];
        *--to = digits[byte / 16];
        *--to = '%';
    }
    return grown;
}

static size_t put_text(const struct ws_request *request, bool is_form, char *to)
{
    const char *begin = to;
    for (uint32_t index = 0; index < request->parameter_count; index++) {
        const struct ws_parameter *parameter = &request->parameters[index];
        if (is_name(&parameter->name, "signature")) continue;
        if (to > begin) *to++ = '&';
        memcpy(to, parameter->name.bytes, parameter->name.byte_count);
        to += parameter->name.byte_count;
        *to++ = '=';
        const size_t value_bytes = put_value(&parameter->value, to);
        to += is_form ? encode(to, value_bytes) : value_bytes;
    }
    return (size_t)(to - begin);
}

size_t ws_request_put_signed(const struct ws_request *request, char *to)
{
    return put_text(request, false, to);
}

size_t ws_request_put_form(const struct ws_request *request, char *to)
{
    return put_text(request, true, to);
}
