#include "node/neighbours.h"

#include "common/log.h"
#include "node/file_os.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY(digit) digit digit digit digit digit digit digit digit
#define HEX(digit) \
    KEY(digit) KEY(digit) KEY(digit) KEY(digit) KEY(digit) KEY(digit) KEY(digit) KEY(digit)
#define MEMBER(n, d) \
    "{\"node\":" n ",\"role\":\"voter\",\"publicKey\":\"" HEX(d) "\",\"address\":\"10.0.0.1:85" n \
                                                                 "\"}"

static struct node_set set;

static void begin(void)
{
    struct node_changed_event first = {.node = 1, .role = NODE_VOTER, .address = "host:8501"};
    memset(first.public_key, 0x11, PUBLIC_KEY_BYTES);
    memset(&set, 0, sizeof(set));
    log_set_level(LOG_ERROR + 1);
    assert_true(node_set_apply(&set, &first));
}

/* Voters and standbys that one does not know; whom one knows stays as one knows him. */
TEST(neighbours, unknown_members_are_added)
{
    static const char text[] = "{\"height\":58,\"validators\":[" MEMBER("1", "2") "," MEMBER(
        "5", "5") "," MEMBER("6", "1") "],\"standbys\":[" MEMBER("7", "7") "]}";
    begin();
    assert_int_equal(neighbours_add(text, strlen(text), &set), 2);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.members[0].public_key[0], 0x11); /* not the key that was said */
    assert_null(node_set_find(&set, 6));                  /* whose key is that of node 1 */
    const struct node_member *member = node_set_find(&set, 7);
    assert_non_null(member);
    assert_int_equal(member->public_key[31], 0x77);
    assert_string_equal((const char *)member->address, "10.0.0.1:857");
    assert_int_equal(neighbours_add(text, strlen(text), &set), 0);
}

/* Outside input: what is malformed is passed over. */
TEST(neighbours, malformed_members_are_passed_over)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"validators\":3}",
        "{\"validators\":[{},3,{\"node\":5}]}",
        "{\"validators\":[{\"node\":0,\"publicKey\":\"" HEX("5") "\",\"address\":\"h:1\"}]}",
        "{\"validators\":[{\"node\":5,\"publicKey\":\"55\",\"address\":\"h:1\"}]}",
        "{\"validators\":[{\"node\":5,\"publicKey\":\"" HEX("5") "\",\"address\":\"nowhere\"}]}",
        "{\"validators\":[{\"node\":4294967296,\"publicKey\":\"" HEX(
            "5") "\",\"address\":\"h:1\"}]}",
        "{\"validators\":[{\"node\":5,\"publicKey\":\"" HEX("5") "\",\"address\":\"" HEX("a")
            HEX("a") ":1\"}]}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        begin();
        assert_int_equal(neighbours_add(texts[i], strlen(texts[i]), &set), 0);
        assert_int_equal(set.count, 1);
    }
}

TEST(neighbours, no_file_is_nobody)
{
    static const char text[] = "{\"validators\":[" MEMBER("5", "5") "]}";
    char path[] = "/tmp/neighbours-XXXXXX";
    begin();
    close(mkstemp(path));
    assert_int_equal(neighbours_read(path, &set), 0);
    unlink(path);
    assert_int_equal(neighbours_read(path, &set), 0);
    assert_int_equal(file_create(path, text, strlen(text), 0644), STATUS_OK);
    assert_int_equal(neighbours_read(path, &set), 1);
    assert_non_null(node_set_find(&set, 5));
    unlink(path);
}
