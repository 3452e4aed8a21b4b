#include "gateway/ws_method.h"

#include "gateway/ws_user_h2o.h"

#include <string.h>

static const struct ws_method methods[] = {
#define WS_METHOD(name, method, path) {name, sizeof(name) - 1, METHOD_##method, path, {0}},
#define WS_OWN(name, weight, security, handler) \
    {name, \
     sizeof(name) - 1, \
     METHOD_POST, \
     name, \
     {METHOD_POST, SECURITY_##security, weight, sizeof(name) - 1, name, handler}},
#include "gateway/ws_methods.def"
#undef WS_METHOD
#undef WS_OWN
};

#define METHOD_COUNT (sizeof(methods) / sizeof(methods[0]))

const struct ws_method *ws_method_find(const char *name, size_t name_bytes)
{
    if (name_bytes > 3 && memcmp(name, "v3/", 3) == 0) {
        name += 3;
        name_bytes -= 3;
    }
    for (size_t index = 0; index < METHOD_COUNT; index++) {
        const struct ws_method *method = &methods[index];
        if (method->name_bytes == name_bytes && memcmp(method->name, name, name_bytes) == 0)
            return method;
    }
    return NULL;
}

const struct ws_method *ws_method_all(uint32_t *count)
{
    *count = (uint32_t)METHOD_COUNT;
    return methods;
}
