/* The WebSocket API's methods: which route answers which name, or what does that no route can. Expanded from
 * ws_methods.def. */

#ifndef GATEWAY_WS_METHOD_H
#define GATEWAY_WS_METHOD_H

#include "gateway/route.h"

struct ws_method {
    const char *name;
    size_t name_bytes;
    enum method method;
    const char *path; /* of its route; of the connection's own methods the name */
    struct route own; /* of those: what a route would say; no handler: it has a route */
};

/* The method with this name, with or without "v3/" before it, or NULL. */
const struct ws_method *ws_method_find(const char *name, size_t name_bytes);

/* All of them, for their test and documentation. */
const struct ws_method *ws_method_all(uint32_t *count);

#endif /* GATEWAY_WS_METHOD_H */
