#include "gateway/route.h"

#include <string.h>

static const struct route routes[] = {
#define ROUTE(method, path, weight, security, handler) \
    {METHOD_##method, SECURITY_##security, weight, sizeof(path) - 1, path, handler},
#include "gateway/routes.def"
#undef ROUTE
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

const struct route *route_find(enum method method, const char *path, size_t path_bytes,
                               bool *path_exists)
{
    *path_exists = false;
    for (size_t index = 0; index < ROUTE_COUNT; index++) {
        const struct route *route = &routes[index];
        if (route->path_bytes != path_bytes || memcmp(route->path, path, path_bytes) != 0) continue;
        if (route->method == method) return route;
        *path_exists = true;
    }
    return NULL;
}

const struct route *route_all(uint32_t *count)
{
    *count = (uint32_t)ROUTE_COUNT;
    return routes;
}
