#include "gateway/origin.h"

#include "tests/harness.h"

static bool listed(const char *list, const char *origin)
{
    return origin_is_listed(list, origin, strlen(origin));
}

/* An origin is all of what a browser writes: scheme, host and port. */
TEST(origin, whole_texts_are_compared)
{
    assert_true(listed("https://a.example", "https://a.example"));
    assert_true(listed("https://b.example:8443, https://a.example", "https://a.example"));
    assert_false(listed("https://a.example", "https://a.example.evil"));
    assert_false(listed("https://a.example", "https://a.exampl"));
    assert_false(listed("https://a.example", "http://a.example"));
    assert_false(
        listed("https://a.example,https://b.example", "https://a.example,https://b.example"));
    assert_false(listed("https://a.example", ""));
}

TEST(origin, nobody_or_anybody)
{
    assert_false(listed("", "https://a.example"));
    assert_false(listed(", ,", ""));
    assert_true(listed("*", "null"));
    assert_true(listed("https://b.example,*", "https://a.example"));
    assert_false(listed("https://*", "https://a.example"));
}
