#include "tests/unit/gateway/desk_fixture.h"

static bool damaged;

/* Of blocks 12 (not certified yet) and 9, whose file is 0, 1, 2, ... */
static uint32_t give_published(void *context, struct proof_published list[PROOF_PUBLISHED_MAX])
{
    (void)context;
    list[0] = (struct proof_published){.height = 12, .time_ns = 12000000};
    list[1] = (struct proof_published){
        .height = 9, .time_ns = 9000000, .bytes = 300, .is_certified = true};
    memset(list[1].sha256.bytes, 0xcd, HASH_BYTES);
    list[1].head.asset_count = 1;
    list[1].head.assets[0] = (struct liabilities_row){
        .asset = 1, .leaf_count = 32, .sum = (unsigned __int128)INT64_MAX * 10};
    return 2;
}

static enum status give_piece(void *context, uint64_t height, uint64_t offset, uint64_t wanted,
                              struct proof_bytes *piece)
{
    (void)context;
    if (damaged) return STATUS_DAMAGED;
    if (height != 9) return STATUS_NOT_FOUND;
    static uint8_t bytes[300];
    assert_true(wanted <= PROOF_PIECE_MAX);
    for (uint32_t i = 0; i < 300; i++)
        bytes[i] = (uint8_t)i;
    const uint64_t from = offset < 300 ? offset : 300;
    *piece = (struct proof_bytes){bytes + from, wanted < 300 - from ? wanted : 300 - from};
    return STATUS_OK;
}

static const struct proof_source source = {
    .published = give_published,
    .published_piece = give_piece,
};

static void begin(void)
{
    desk_open();
    damaged = false;
    desk_facts.proofs = &source;
}

static void answered(const char *path, const char *query)
{
    assert_int_equal(desk_ask(METHOD_GET, path, query, 0), OUTCOME_ANSWERED);
}

static void refused(const char *path, const char *query, enum reject reject)
{
    assert_int_equal(desk_ask(METHOD_GET, path, query, 0), OUTCOME_REFUSED);
    assert_int_equal(desk_request.refusal.reject, reject);
}

static void has(const char *text)
{
    if (strstr(desk_answer, text) == NULL) fail_msg("%s not in %s", text, desk_answer);
}

/* Everybody sees what there is, with sums wider than an amount; the newest first. */
TEST(liabilities_data, what_there_is_is_listed)
{
    begin();
    answered("/quorex/v1/liabilities", "");
    has("[{\"height\":12,\"time\":12,\"certified\":false,\"root\":\"");
    has("{\"height\":9,\"time\":9,\"certified\":true,\"root\":\"");
    has("\"bytes\":300,\"sha256\":\"cdcdcd");
    has("\"index\":1,\"decimals\":8,\"leaves\":32,\"sum\":\"922337203685.47758070\",");
    desk_facts.proofs = NULL;
    answered("/quorex/v1/liabilities", "");
    assert_string_equal(desk_answer, "[]");
}

TEST(liabilities_data, a_file_of_liabilities_comes_in_pieces)
{
    const char *const path = "/quorex/v1/liabilities/file";
    begin();
    answered(path, "height=9&offset=65&length=3");
    assert_string_equal(desk_request.content_type, "application/octet-stream");
    assert_string_equal(desk_answer, "ABC");
    answered(path, "height=9&offset=65&length=99999999999"); /* is cut */
    answered(path, "height=9&offset=18446744073709551615");
    assert_string_equal(desk_answer, "");
    refused(path, "height=12", REJECT_NO_LIABILITIES);
    refused(path, "", REJECT_MANDATORY);
    refused(path, "height=9&length=0", REJECT_DATA);
    refused(path, "height=9&offset=-1", REJECT_ILLEGAL_CHARACTERS);
    damaged = true;
    refused(path, "height=9", REJECT_CHAIN_UNREADABLE);
}
