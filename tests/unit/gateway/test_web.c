#include "gateway/web.h"

#include "tests/harness.h"

/* The bytes in the binary are those of the file in the tree. */
TEST(web, files_are_those_of_the_tree)
{
    static const char *const names[] = {
        "gateway/web/index.html",  "gateway/web/page.css",  "gateway/web/page.js",
        "gateway/web/book.js",     "gateway/web/chart.js",  "gateway/web/feed.js",
        "gateway/web/favicon.svg", "gateway/web/docs.html", "gateway/web/docs.html",
        "gateway/web/docs.css",    "gateway/web/docs.js",   "gateway/web/docs_schema.js",
        "gateway/web/yaml.js",     "docs/api/openapi.yaml", "docs/api/asyncapi.yaml"};
    size_t count;
    const struct web_file *files = web_all(&count);
    assert_int_equal(count, sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < count; i++) {
        static uint8_t bytes[256 * 1024];
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/%s", TEST_SOURCE_DIR, names[i]);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        const size_t byte_count = fread(bytes, 1, sizeof(bytes), file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(files[i].byte_count, byte_count);
        assert_memory_equal(files[i].bytes, bytes, byte_count);
        assert_true(web_find(files[i].path, strlen(files[i].path)) == &files[i]);
    }
    assert_null(web_find("/index.html", 11));
    assert_null(web_find("", 0));
}

static bool contains(const struct web_file *file, const char *text)
{
    return memmem(file->bytes, file->byte_count, text, strlen(text)) != NULL;
}

/* The pages keep to their own security policy: nothing from elsewhere, no inline script, style or
 * handler. */
TEST(web, page_needs_nothing_from_elsewhere)
{
    static const char *const banned[] = {"https://",  "http://127", "//cdn",
                                         " onclick=", " onload=",   "style=\"",
                                         "<style",    "innerHTML",  "eval("};
    size_t count;
    const struct web_file *files = web_all(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sizeof(banned) / sizeof(banned[0]); j++) {
            assert_false(contains(&files[i], banned[j]));
        }
    }
    assert_false(contains(web_find("/", 1), "<script>"));
    assert_false(contains(web_find("/docs", 5), "<script>"));
}
