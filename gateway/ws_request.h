/* A request of the WebSocket API, read from JSON: {"id", "method", "params"}; and its parameters as the two texts that
 * the desk knows them by: the form, percent-encoded, and what was signed.
 *
 * Signed is `name=value` of all parameters but `signature`, sorted by name, joined by `&`, values as they are: strings
 * without quotes and escapes, all else as its JSON was written. So that a signed text reads one way only, a name is
 * letters, digits and _, no value holds `&` or a zero byte, and none is null.
 *
 * Memory   points into the text that was read
 * Limits   WS_REQUEST_PARAMETERS_MAX parameters, WS_REQUEST_ID_MAX bytes of an id's JSON
 */

#ifndef GATEWAY_WS_REQUEST_H
#define GATEWAY_WS_REQUEST_H

#include "common/reject.h"
#include "gateway/auth.h"
#include "gateway/json_scan.h"

#define WS_REQUEST_PARAMETERS_MAX 48
#define WS_REQUEST_ID_MAX         128

struct ws_parameter {
    struct json_value name, value;
};

struct ws_request {
    struct auth_piece id;     /* its JSON, to be echoed; null when there is none to be told */
    struct auth_piece method; /* without quotes */
    bool has_limits_wish;     /* returnRateLimits was sent: */
    bool wants_limits;
    uint32_t parameter_count;
    struct ws_parameter parameters[WS_REQUEST_PARAMETERS_MAX]; /* by name */
};

/* False with the refusal. `request->id` is good either way. Needs: the text is UTF-8. */
MUST_CHECK bool ws_request_read(struct ws_request *request, const char *text, size_t text_bytes,
                                struct refusal *refusal);

/* The parameter with this name, or NULL. */
const struct ws_parameter *ws_request_find(const struct ws_request *request, const char *name);

/* Bytes that either text has at most. */
size_t ws_request_text_bytes(const struct ws_request *request);

/* Writes the text; returns its length. Needs: room for ws_request_text_bytes. */
size_t ws_request_put_signed(const struct ws_request *request, char *to);
size_t ws_request_put_form(const struct ws_request *request, char *to);

#endif /* GATEWAY_WS_REQUEST_H */
