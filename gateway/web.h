/* The pages at / and /docs: our own files of gateway/web, and the documents of docs/api that the second one draws,
 * compiled into the binary. */

#ifndef GATEWAY_WEB_H
#define GATEWAY_WEB_H

#include <stddef.h>
#include <stdint.h>

struct web_file {
    const char *path;         /* "/", "/page.js", "/docs", ... */
    const char *content_type; /* with charset */
    const uint8_t *bytes;
    size_t byte_count;
};

/* What a page of ours may load and where it may connect: the Content-Security-Policy header. */
#define WEB_SECURITY_POLICY \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " \
    "'self'; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* The file at this path (without query), or NULL. */
const struct web_file *web_find(const char *path, size_t path_bytes);

/* All files, to register routes. */
const struct web_file *web_all(size_t *count);

#endif /* GATEWAY_WEB_H */
