/* Reads the control messages of a WebSocket session from JSON text.
 */

#ifndef GATEWAY_SESSION_JSON_H
#define GATEWAY_SESSION_JSON_H

#include "gateway/session.h"

/* Always fills `request`: with what was asked, or with the error to answer. Free it afterwards. */
void session_request_read(struct session_request *request, const char *text, size_t text_bytes);
void session_request_free(struct session_request *request);

#endif /* GATEWAY_SESSION_JSON_H */
