#include "gateway/web.h"

#include <string.h>

/* The bytes of each file, put into the binary by the assembler. WEB_ROOT, the tree, comes from the build. */
#define WEB_BYTES(symbol, file) \
    __asm__(".section .rodata\n" \
            ".balign 16\n" \
            "web_" #symbol ":\n" \
            ".incbin \"" WEB_ROOT "/" file "\"\n" \
            "web_" #symbol "_end:\n" \
            ".previous\n"); \
    extern const uint8_t web_##symbol[], web_##symbol##_end[];

/* clang-format off */
#define WEB_FILES(FILE) \
    FILE(index,    "/",                   "gateway/web/index.html",     "text/html; charset=utf-8") \
    FILE(style,    "/page.css",           "gateway/web/page.css",       "text/css; charset=utf-8") \
    FILE(page,     "/page.js",            "gateway/web/page.js",        "text/javascript; charset=utf-8") \
    FILE(book,     "/book.js",            "gateway/web/book.js",        "text/javascript; charset=utf-8") \
    FILE(chart,    "/chart.js",           "gateway/web/chart.js",       "text/javascript; charset=utf-8") \
    FILE(feed,     "/feed.js",            "gateway/web/feed.js",        "text/javascript; charset=utf-8") \
    FILE(favicon,  "/favicon.svg",        "gateway/web/favicon.svg",    "image/svg+xml") \
    FILE(docs,     "/docs",               "gateway/web/docs.html",      "text/html; charset=utf-8") \
    FILE(docs_too, "/docs/",              "gateway/web/docs.html",      "text/html; charset=utf-8") \
    FILE(docs_css, "/docs.css",           "gateway/web/docs.css",       "text/css; charset=utf-8") \
    FILE(docs_js,  "/docs.js",            "gateway/web/docs.js",        "text/javascript; charset=utf-8") \
    FILE(schema,   "/docs_schema.js",     "gateway/web/docs_schema.js", "text/javascript; charset=utf-8") \
    FILE(yaml,     "/yaml.js",            "gateway/web/yaml.js",        "text/javascript; charset=utf-8") \
    FILE(openapi,  "/docs/openapi.yaml",  "docs/api/openapi.yaml",      "application/yaml; charset=utf-8") \
    FILE(asyncapi, "/docs/asyncapi.yaml", "docs/api/asyncapi.yaml",     "application/yaml; charset=utf-8")
/* clang-format on */

#define FILE_BYTES(symbol, path, file, content_type) WEB_BYTES(symbol, file)
WEB_FILES(FILE_BYTES)

#define FILE_COUNT(symbol, path, file, content_type) +1
static struct web_file files[WEB_FILES(FILE_COUNT)];

/* Before main, because a length is a difference of addresses: the linker knows it, the compiler does
 * not. Nothing is written afterwards. */
__attribute__((constructor)) static void measure_files(void)
{
    size_t at = 0;
#define FILE_ENTRY(symbol, path, file, content_type) \
    files[at++] = (struct web_file){path, content_type, web_##symbol, \
                                    (size_t)(web_##symbol##_end - web_##symbol)};
    WEB_FILES(FILE_ENTRY)
}

const struct web_file *web_all(size_t *count)
{
    *count = sizeof(files) / sizeof(files[0]);
    return files;
}

const struct web_file *web_find(const char *path, size_t path_bytes)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const struct web_file *file = &files[i];
        if (strlen(file->path) == path_bytes && memcmp(file->path, path, path_bytes) == 0) {
            return file;
        }
    }
    return NULL;
}
