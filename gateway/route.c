#include "gateway/route.h"

#include <string.h>

static const struct route routes[] = {
#define ROUTE(method, path, weight, security, handler) \
    {METHOD_##method, SECURITY_##security, weight, sizeof(path) - 1, path, handler},
#include "gateway/routes.def"
#undef ROUTE
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

/* Whether the path is the route's with anything but a slash, and not nothing, in the place of {name}. */
static bool has_value(const struct route *route, const char *path, size_t path_bytes,
                      struct auth_piece *value)
{
    const char *brace = strchr(route->path, '{');
    if (brace == NULL) return false;
    const char *behind = strchr(brace, '}') + 1;
    const size_t before_bytes = (size_t)(brace - route->path), behind_bytes = strlen(behind);
    if (path_bytes <= before_bytes + behind_bytes) return false;
    *value = (struct auth_piece){path + before_bytes, path_bytes - before_bytes - behind_bytes};
    return memcmp(path, route->path, before_bytes) == 0 &&
           memcmp(path + path_bytes - behind_bytes, behind, behind_bytes) == 0 &&
           memchr(value->bytes, '/', value->byte_count) == NULL;
}

const struct route *route_find(enum method method, const char *path, size_t path_bytes,
                               struct auth_piece *value, bool *path_exists)
{
    *path_exists = false;
    *value = (struct auth_piece){NULL, 0};
    for (size_t index = 0; index < ROUTE_COUNT; index++) {
        const struct route *route = &routes[index];
        if (route->path_bytes != path_bytes || memcmp(route->path, path, path_bytes) != 0) continue;
        if (route->method == method) return route;
        *path_exists = true;
    }
    for (size_t index = 0; index < ROUTE_COUNT && !*path_exists; index++) {
        if (!has_value(&routes[index], path, path_bytes, value)) continue;
        if (routes[index].method == method) return &routes[index];
        *path_exists = true;
    }
    return NULL;
}

const struct route *route_all(uint32_t *count)
{
    *count = (uint32_t)ROUTE_COUNT;
    return routes;
}
