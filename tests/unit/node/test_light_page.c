#include "node/light_page.h"

#include "tests/harness.h"

static struct light_page page;
static struct light_proof proof;
static char text[1 << 21];

static void hex(size_t digits, char digit, char *at)
{
    memset(at, digit, digits);
    at[digits] = '\0';
}

/* A row with a header of eeee..., and a certificate of so many votes; -1: null. */
static size_t put_row(char *at, int votes)
{
    char header[2 * BLOCK_HEADER_BYTES + 1], hash[65], signature[129];
    hex(2 * BLOCK_HEADER_BYTES, 'e', header);
    hex(64, 'a', hash);
    hex(128, 'b', signature);
    size_t length = (size_t)snprintf(at, 2048, "{\"header\":\"%s\",\"certificate\":", header);
    if (votes < 0) return length + (size_t)snprintf(at + length, 64, "null}");
    length += (size_t)snprintf(at + length, 256,
                               "{\"height\":7,\"epoch\":2,\"headerHash\":\"%s\",\"votes\":[", hash);
    for (int i = 0; i < votes; i++)
        length += (size_t)snprintf(at + length, 256, "%s{\"node\":%d,\"signature\":\"%s\"}",
                                   i > 0 ? "," : "", i + 1, signature);
    return length + (size_t)snprintf(at + length, 8, "]}}");
}

static size_t put_page(int rows, int votes)
{
    size_t length = 1;
    text[0] = '[';
    for (int i = 0; i < rows; i++) {
        if (i > 0) text[length++] = ',';
        length += put_row(text + length, i % 2 == 0 ? votes : -1);
    }
    memcpy(text + length, "]", 2);
    return length + 1;
}

/* A page as servers write it, each row with what belongs to it. */
TEST(light_page, rows_come_with_their_certificates)
{
    assert_null(light_page_read(text, put_page(3, 3), &page));
    assert_int_equal(page.count, 3);
    assert_int_equal(page.rows[0].header[447], 0xee);
    assert_true(page.rows[0].is_signed);
    assert_false(page.rows[1].is_signed);
    const struct certificate *certificate = &page.rows[2].certificate;
    assert_int_equal(certificate->height, 7);
    assert_int_equal(certificate->epoch, 2);
    assert_int_equal(certificate->header_hash.bytes[31], 0xaa);
    assert_int_equal(certificate->vote_count, 3);
    assert_int_equal(certificate->votes[2].node, 3);
    assert_int_equal(certificate->votes[2].signature[63], 0xbb);
}

/* Bounds from both sides: rows of a page, votes of a certificate. */
TEST(light_page, what_is_too_long_is_refused)
{
    assert_null(light_page_read(text, put_page(LIGHT_PAGE_MAX, 1), &page));
    assert_int_equal(page.count, LIGHT_PAGE_MAX);
    assert_string_equal(light_page_read(text, put_page(LIGHT_PAGE_MAX + 1, 1), &page),
                        "the page is too long");
    assert_int_equal(page.count, 0);
    assert_null(light_page_read(text, put_page(1, GENESIS_VALIDATORS_LIMIT), &page));
    assert_string_equal(light_page_read(text, put_page(1, GENESIS_VALIDATORS_LIMIT + 1), &page),
                        "a certificate is malformed");
    assert_string_equal(light_page_read("[]", 2, &page), "the page is empty");
}

/* Replaces the first `from` in a good page and reads it. */
static const char *changed(const char *from, const char *to)
{
    char copy[4096];
    put_page(1, 2);
    char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(copy, sizeof(copy), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return light_page_read(copy, strlen(copy), &page);
}

/* Whatever is missing, of another kind, too short or negative is refused. */
TEST(light_page, malformed_pages_are_refused)
{
    static const char *const headers[][2] = {{"\"header\":\"e", "\"header\":\"x"},
                                             {"\"header\":\"e", "\"header\":\""},
                                             {"\"header\":\"e", "\"header\":\"ee"},
                                             {"\"header\"", "\"Header\""}};
    static const char *const certificates[][2] = {
        {"\"height\":7", "\"height\":-7"},      {"\"height\":7", "\"height\":7.0"},
        {"\"height\":7", "\"height\":\"7\""},   {"\"height\"", "\"size\""},
        {"\"epoch\":2", "\"epoch\":null"},      {"\"headerHash\":\"a", "\"headerHash\":\""},
        {"\"node\":2", "\"node\":1"},           {"\"node\":1", "\"node\":0"},
        {"\"node\":2", "\"node\":4294967296"},  {"\"signature\":\"b", "\"signature\":\""},
        {"\"votes\":[", "\"votes\":[null,"},    {"\"votes\"", "\"votes2\""},
        {"\"certificate\"", "\"certificates\""}};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(changed(headers[i][0], headers[i][1]), "a header is malformed");
    for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++)
        assert_string_equal(changed(certificates[i][0], certificates[i][1]),
                            "a certificate is malformed");
    assert_string_equal(changed("\"epoch\"", "\"height\""), "the answer is no page of headers");
    assert_non_null(light_page_read("{}", 2, &page));
    assert_non_null(light_page_read("[1]", 3, &page));
    assert_non_null(light_page_read("", 0, &page));
    const size_t whole = put_page(1, 2);
    for (size_t length = 0; length < whole; length++)
        assert_non_null(light_page_read(text, length, &page));
}

static const char *read_proof(const char *low, const char *high, const char *low_hash,
                              const char *root, int hashes)
{
    char hash[65], path[70 * 70] = "";
    size_t length = 0;
    hex(64, 'c', hash);
    for (int i = 0; i < hashes; i++)
        length += (size_t)snprintf(path + length, sizeof(path) - length, "%s\"%s\"",
                                   i > 0 ? "," : "", hash);
    snprintf(text, sizeof(text), "{%s,%s,\"%s\":\"%s\",\"%s\":\"%s\",\"hashes\":[%s]}", low, high,
             low_hash, hash, root, hash, path);
    return light_page_proof(text, strlen(text), &proof);
}

/* Both kinds by their own fields; sizes that are none, and paths longer than any tree's, are refused. */
TEST(light_page, proofs_are_told_apart_by_their_fields)
{
    assert_null(read_proof("\"height\":3", "\"at\":9", "hash", "root", 4));
    assert_int_equal(proof.kind, LIGHT_PROOF_INCLUSION);
    assert_int_equal(proof.low, 3);
    assert_int_equal(proof.high, 9);
    assert_int_equal(proof.path.count, 4);
    assert_int_equal(proof.path.hashes[3].bytes[0], 0xcc);
    assert_null(read_proof("\"from\":9", "\"to\":9", "fromRoot", "toRoot", 65));
    assert_int_equal(proof.kind, LIGHT_PROOF_CONSISTENCY);
    assert_string_equal(read_proof("\"from\":9", "\"to\":9", "fromRoot", "toRoot", 66),
                        "its hashes are malformed");
    assert_string_equal(read_proof("\"from\":9", "\"to\":8", "fromRoot", "toRoot", 1),
                        "its sizes are none");
    assert_string_equal(read_proof("\"from\":0", "\"to\":8", "fromRoot", "toRoot", 1),
                        "its sizes are none");
    assert_string_equal(read_proof("\"from\":-1", "\"to\":8", "fromRoot", "toRoot", 1),
                        "its sizes are none");
    assert_string_equal(read_proof("\"from\":1", "\"to\":8", "hash", "toRoot", 1),
                        "its hashes are malformed");
    assert_string_equal(read_proof("\"a\":1", "\"to\":8", "hash", "toRoot", 1),
                        "it is no proof that this program knows");
    assert_string_equal(light_page_proof("[]", 2, &proof), "it is no JSON object");
}

TEST(light_page, refusals_have_a_code)
{
    assert_int_equal(light_page_refusal("{\"code\":-9001,\"msg\":\"x\"}", 24), -9001);
    assert_int_equal(light_page_refusal("{\"code\":12}", 11), 0);
    assert_int_equal(light_page_refusal("<html>", 6), 0);
    assert_int_equal(light_page_refusal("{\"code\":-99999999999}", 21), 0);
}
