/* The routes: which handler answers which method and path. Expanded from routes.def. */

#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "gateway/request.h"

struct route {
    enum method method;
    enum security security;
    uint32_t weight;
    uint32_t path_bytes;
    const char *path;
    enum outcome (*handler)(struct request *request, const struct facts *facts);
};

/* The route of a request, or NULL; `path_exists` then says whether another method has one. `value`: what
 * stands where the route's path has a name in braces; without bytes when it has none. */
const struct route *route_find(enum method method, const char *path, size_t path_bytes,
                               struct auth_piece *value, bool *path_exists);

/* All of them, for documentation and its test. */
const struct route *route_all(uint32_t *count);

#define ROUTE(method, path, weight, security, handler) \
    enum outcome handler(struct request *request, const struct facts *facts);
#include "gateway/routes.def"
#undef ROUTE

#endif /* GATEWAY_ROUTE_H */
