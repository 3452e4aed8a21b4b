#include "gateway/grant.h"
#include "tests/unit/gateway/desk_fixture.h"

#define TIP       600u
#define NOTICES   512 /* the newest are known without files */
#define CERTIFIED 590u
#define BASE      3u
#define BODIES    100u

static uint8_t headers[TIP + 1][BLOCK_HEADER_BYTES];
static bool unreadable;  /* the disk fails */
static bool wrong_roots; /* the tree of headers is not the chain's */

static hash_t root_of(uint64_t size)
{
    return hash_of(&size, sizeof(size));
}

static enum status read_header(void *context, uint64_t height, uint8_t header[BLOCK_HEADER_BYTES])
{
    (void)context;
    if (unreadable) return STATUS_DAMAGED;
    if (height < BASE || height > TIP) return STATUS_NOT_FOUND;
    memcpy(header, headers[height], BLOCK_HEADER_BYTES);
    return STATUS_OK;
}

/* Every fifth block has a certificate of its own up to 500; above, each that 16 divides. One has come whose
 * notice has not. */
static enum status read_certificate(void *context, uint64_t height,
                                    struct chain_certificate *certificate)
{
    (void)context;
    if (height % (height <= 500 ? 5 : 16) != 0) return STATUS_NOT_FOUND;
    *certificate = (struct chain_certificate){
        .height = height, .epoch = 2, .header_hash = block_header_hash(headers[height])};
    certificate->vote_count = 3;
    for (uint32_t index = 0; index < 3; index++) {
        certificate->votes[index].node = index + 1;
        memset(certificate->votes[index].signature, (int)(0x10 + index), SIGNATURE_BYTES);
    }
    return STATUS_OK;
}

static enum status read_body(void *context, uint64_t height, const uint8_t **bytes,
                             size_t *byte_count)
{
    static const uint8_t body[] = "the body's bytes";
    (void)context;
    if (unreadable) return STATUS_DAMAGED;
    if (height < BODIES) return STATUS_NOT_FOUND;
    *bytes = body;
    *byte_count = sizeof(body) - 1;
    return STATUS_OK;
}

static uint64_t base(void *context)
{
    (void)context;
    return BASE;
}

static uint64_t first_body(void *context)
{
    (void)context;
    return BODIES;
}

static enum status read_root(void *context, uint64_t size, hash_t *root)
{
    (void)context;
    if (size < BASE) return STATUS_NOT_FOUND;
    *root = root_of(wrong_roots ? size + 1 : size);
    return STATUS_OK;
}

static enum status prove(void *context, uint64_t low, uint64_t high, struct chain_proof *proof)
{
    (void)context;
    assert_true(low >= BASE && low <= high && high <= TIP);
    proof->count = 2;
    memset(proof->hashes[0].bytes, (int)(low & 0xff), HASH_BYTES);
    memset(proof->hashes[1].bytes, (int)(high & 0xff), HASH_BYTES);
    return STATUS_OK;
}

static const struct chain_source source = {
    .base = base,
    .first_body = first_body,
    .header = read_header,
    .certificate = read_certificate,
    .body = read_body,
    .consistency = prove,
    .inclusion = prove,
    .root = read_root,
};

static void tell(uint64_t height)
{
    uint8_t payload[BLOCK_SEALED_BYTES];
    struct block_sealed_notice sealed = {0};
    memcpy(sealed.header, headers[height], BLOCK_HEADER_BYTES);
    const hash_t hash = block_header_hash(headers[height]);
    memcpy(sealed.hash, hash.bytes, HASH_BYTES);
    block_sealed_notice_put(payload, &sealed);
    block_list_apply(&desk_blocks, T_BLOCK_SEALED, payload);
}

static void open_chain(void)
{
    desk_open();
    unreadable = wrong_roots = false;
    desk_facts.chain = &source;
    for (uint64_t height = 1; height <= TIP; height++) {
        const struct block_header header = {.version = BLOCK_HEADER_VERSION,
                                            .height = height,
                                            .time_ns = FIXTURE_START_NS + height,
                                            .epoch = 2,
                                            .first_command = height * 10,
                                            .last_command = height * 10 + 9,
                                            .tx_count = 7,
                                            .fill_count = 2,
                                            .body_length = 4096,
                                            .history_root = root_of(height - 1)};
        block_header_encode(&header, headers[height]);
        if (height > TIP - NOTICES) tell(height);
    }
    desk_blocks.certified_height = CERTIFIED;
}

static void ask(const char *path, const char *query)
{
    assert_int_equal(desk_ask(METHOD_GET, path, query, 0), OUTCOME_ANSWERED);
}

static uint32_t count(const char *word)
{
    uint32_t found = 0;
    for (const char *at = desk_answer; (at = strstr(at, word)) != NULL; at++)
        found++;
    return found;
}

/* The list goes down from where it is told to begin, into the files where the notices end. */
TEST(chain_data, blocks_are_listed_newest_first_at_any_height)
{
    open_chain();
    ask("/quorex/v1/blocks", "");
    assert_memory_equal(desk_answer, "[{\"height\":600,", 15);
    assert_int_equal(count("\"height\":"), 20);
    ask("/quorex/v1/blocks", "from=590&limit=2");
    assert_memory_equal(desk_answer, "[{\"height\":590,", 15);
    assert_int_equal(count("\"certified\":true"), 2);
    ask("/quorex/v1/blocks", "from=591&limit=2");
    assert_int_equal(count("\"certified\":false"), 1);
    ask("/quorex/v1/blocks", "from=50&limit=3"); /* no notice has it any more */
    assert_memory_equal(desk_answer, "[{\"height\":50,", 14);
    assert_int_equal(count("\"height\":"), 3);
    ask("/quorex/v1/blocks", "from=4"); /* ends where the chain begins here */
    assert_int_equal(count("\"height\":"), 2);
    assert_refused(METHOD_GET, "/quorex/v1/blocks", "from=601", REJECT_BLOCK_AHEAD);
    assert_refused(METHOD_GET, "/quorex/v1/blocks", "from=0", REJECT_BLOCK_AHEAD);
    assert_refused(METHOD_GET, "/quorex/v1/blocks", "limit=0", REJECT_DATA);
}

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* Every field of a header by its name, and the very bytes that were hashed and signed. */
TEST(chain_data, block_shows_the_whole_header)
{
    char hash[2 * HASH_BYTES + 1], root[2 * HASH_BYTES + 1], expected[8192],
        raw[2 * BLOCK_HEADER_BYTES + 1];
    open_chain();
    ask("/quorex/v1/blocks/595", "");
    const hash_t own = block_header_hash(headers[595]), tree = root_of(594);
    hash_hex(own.bytes, HASH_BYTES, hash);
    hash_hex(tree.bytes, HASH_BYTES, root);
    hash_hex(headers[595], BLOCK_HEADER_BYTES, raw);
    snprintf(expected, sizeof(expected),
             "{\"height\":595,\"hash\":\"%s\",\"stateRoot\":\"" ZERO "\",\"time\":1700000040000,"
             "\"firstCommand\":5950,\"lastCommand\":5959,\"txCount\":7,\"fillCount\":2,"
             "\"certified\":false,\"version\":1,\"flags\":0,\"epoch\":2,"
             "\"timeNs\":\"1700000040000000595\",\"bodyLength\":4096,\"chainId\":\"" ZERO
             "\",\"prevHash\":\"" ZERO "\",\"historyRoot\":\"%s\",\"txRoot\":\"" ZERO
             "\",\"fillsRoot\":\"" ZERO "\",\"eventsHash\":\"" ZERO "\",\"totalsRoot\":\"" ZERO
             "\",\"validatorsHash\":\"" ZERO "\",\"nextValidatorsHash\":\"" ZERO
             "\",\"paramsHash\":\"" ZERO "\",\"bodyHash\":\"" ZERO
             "\",\"header\":\"%s\",\"bodyHere\":true,\"certificate\":null}",
             hash, root, raw);
    assert_string_equal(desk_answer, expected);
    ask("/quorex/v1/blocks/40", "");
    assert_non_null(strstr(desk_answer, "\"bodyHere\":false"));
}

/* A block comes with the certificate that certifies it: its own, or the next above it with the headers that
 * lead there. */
TEST(chain_data, block_comes_with_what_certifies_it)
{
    char header[2 * BLOCK_HEADER_BYTES + 1], text[256];
    open_chain();
    ask("/quorex/v1/blocks/400", "");
    assert_non_null(strstr(desk_answer, "\"certificate\":{\"height\":400,\"epoch\":2,"));
    assert_int_equal(count("\"signature\":"), 3);
    snprintf(text, sizeof(text), "{\"node\":2,\"signature\":\"1111");
    assert_non_null(strstr(desk_answer, text));
    assert_non_null(strstr(desk_answer, "],\"headers\":[]}}"));
    ask("/quorex/v1/blocks/398", "");
    assert_non_null(strstr(desk_answer, "\"certificate\":{\"height\":400,"));
    hash_hex(headers[399], BLOCK_HEADER_BYTES, header);
    assert_non_null(strstr(desk_answer, header));
    hash_hex(headers[400], BLOCK_HEADER_BYTES, header);
    assert_non_null(strstr(desk_answer, header));
    ask("/quorex/v1/blocks/513", "");
    assert_non_null(strstr(desk_answer, "\"certificate\":{\"height\":528,"));
    ask("/quorex/v1/blocks/577", ""); /* the next certificate is above the certified height */
    assert_non_null(strstr(desk_answer, "\"certificate\":null"));
}

TEST(chain_data, heights_that_are_not_there_say_why)
{
    open_chain();
    assert_refused(METHOD_GET, "/quorex/v1/blocks/601", "", REJECT_BLOCK_AHEAD);
    assert_string_equal(desk_request.refusal.first, "601");
    assert_refused(METHOD_GET, "/quorex/v1/blocks/0", "", REJECT_BLOCK_AHEAD);
    assert_refused(METHOD_GET, "/quorex/v1/blocks/2", "", REJECT_BLOCK_GONE);
    assert_refused(METHOD_GET, "/quorex/v1/blocks/007", "", REJECT_DATA);
    assert_refused(METHOD_GET, "/quorex/v1/blocks/1e3", "", REJECT_DATA);
    assert_refused(METHOD_GET, "/quorex/v1/blocks/-1", "", REJECT_DATA);
    assert_refused(METHOD_GET, "/quorex/v1/blocks/99999999999999999999", "", REJECT_DATA);
    unreadable = true;
    assert_refused(METHOD_GET, "/quorex/v1/blocks/50", "", REJECT_CHAIN_UNREADABLE);
    assert_int_equal(reject_http_status(REJECT_BLOCK_AHEAD), 404);
    assert_int_equal(reject_code(REJECT_BLOCK_GONE), -9002);
}

/* Without the files only what the notices told is known. */
TEST(chain_data, last_blocks_are_known_without_files)
{
    open_chain();
    desk_facts.chain = NULL;
    ask("/quorex/v1/blocks/600", "");
    assert_non_null(strstr(desk_answer, "\"bodyHere\":false,\"certificate\":null}"));
    assert_refused(METHOD_GET, "/quorex/v1/blocks/50", "", REJECT_BLOCK_GONE);
    assert_refused(METHOD_GET, "/quorex/v1/blocks/600/body", "", REJECT_BLOCK_GONE);
    assert_refused(METHOD_GET, "/quorex/v1/proofs/consistency", "from=5", REJECT_BLOCK_GONE);
}

/* Headers go up, as they were hashed, each with its own certificate and nobody else's. */
TEST(chain_data, headers_go_up_with_their_own_certificates)
{
    char header[2 * BLOCK_HEADER_BYTES + 1], text[sizeof(header) + 64];
    open_chain();
    ask("/quorex/v1/headers", "from=398&limit=4");
    assert_int_equal(desk_request.weight, 2);
    assert_int_equal(count("\"header\":"), 4);
    for (uint64_t height = 398; height <= 401; height++) {
        hash_hex(headers[height], BLOCK_HEADER_BYTES, header);
        assert_int_equal(count(header), 1);
    }
    hash_hex(headers[400], BLOCK_HEADER_BYTES, header);
    snprintf(text, sizeof(text), "%s\",\"certificate\":{\"height\":400,\"epoch\":2,", header);
    assert_non_null(strstr(desk_answer, text));
    assert_int_equal(count("\"certificate\":null"), 3);
    assert_int_equal(count("\"signature\":"), 3);
    ask("/quorex/v1/headers", "from=300&limit=1000");
    assert_int_equal(count("\"header\":"), 256);
    assert_int_equal(desk_request.weight, 10);
    ask("/quorex/v1/headers", "from=3");
    assert_int_equal(count("\"header\":"), 64);
    ask("/quorex/v1/headers", ""); /* the newest */
    hash_hex(headers[TIP], BLOCK_HEADER_BYTES, header);
    assert_int_equal(count("\"header\":"), 1);
    assert_int_equal(count(header), 1);
    /* 592 has one that nobody was told of yet: above the certified height there is none. */
    ask("/quorex/v1/headers", "from=576");
    assert_int_equal(count("\"header\":"), 25);
    assert_int_equal(count("\"certificate\":{"), 1);
    assert_refused(METHOD_GET, "/quorex/v1/headers", "from=601", REJECT_BLOCK_AHEAD);
    assert_refused(METHOD_GET, "/quorex/v1/headers", "from=0", REJECT_BLOCK_AHEAD);
    assert_refused(METHOD_GET, "/quorex/v1/headers", "from=2", REJECT_BLOCK_GONE);
    assert_refused(METHOD_GET, "/quorex/v1/headers", "limit=0", REJECT_DATA);
    unreadable = true;
    assert_refused(METHOD_GET, "/quorex/v1/headers", "from=50", REJECT_CHAIN_UNREADABLE);
}

TEST(chain_data, body_is_bytes_from_an_offset_on)
{
    open_chain();
    ask("/quorex/v1/blocks/100/body", "");
    assert_string_equal(desk_answer, "the body's bytes");
    assert_string_equal(desk_request.content_type, "application/octet-stream");
    ask("/quorex/v1/blocks/600/body", "offset=4");
    assert_string_equal(desk_answer, "body's bytes");
    ask("/quorex/v1/blocks/600/body", "offset=16");
    assert_string_equal(desk_answer, "");
    assert_refused(METHOD_GET, "/quorex/v1/blocks/600/body", "offset=17", REJECT_DATA);
    assert_refused(METHOD_GET, "/quorex/v1/blocks/99/body", "", REJECT_BLOCK_GONE);
    assert_refused(METHOD_GET, "/quorex/v1/blocks/601/body", "", REJECT_BLOCK_AHEAD);
    unreadable = true;
    assert_refused(METHOD_GET, "/quorex/v1/blocks/100/body", "", REJECT_CHAIN_UNREADABLE);
}

/* A body is for members and auditors: the route says so, and the server asks. */
TEST(chain_data, body_is_not_for_everybody)
{
    uint32_t route_count;
    const struct route *routes = route_all(&route_count);
    for (uint32_t index = 0; index < route_count; index++)
        assert_true((routes[index].security == SECURITY_READER) ==
                    (routes[index].handler == chain_data_body));
}

#define D2  "d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2"
#define X58 "5858585858585858585858585858585858585858585858585858585858585858"

TEST(chain_data, proofs_come_with_the_roots_they_lead_between)
{
    char low[2 * HASH_BYTES + 1], high[2 * HASH_BYTES + 1], own[2 * HASH_BYTES + 1], expected[2048];
    open_chain();
    const hash_t low_root = root_of(0xd2), high_root = root_of(600),
                 hash = block_header_hash(headers[0xd2]);
    hash_hex(low_root.bytes, HASH_BYTES, low);
    hash_hex(high_root.bytes, HASH_BYTES, high);
    hash_hex(hash.bytes, HASH_BYTES, own);
    ask("/quorex/v1/proofs/consistency", "from=210"); /* to the tip */
    snprintf(expected, sizeof(expected),
             "{\"from\":210,\"to\":600,\"fromRoot\":\"%s\",\"toRoot\":\"%s\",\"hashes\":[\"" D2
             "\",\"" X58 "\"]}",
             low, high);
    assert_string_equal(desk_answer, expected);
    ask("/quorex/v1/proofs/header", "height=210&at=600");
    snprintf(expected, sizeof(expected),
             "{\"height\":210,\"at\":600,\"hash\":\"%s\",\"root\":\"%s\",\"hashes\":[\"" D2
             "\",\"" X58 "\"]}",
             own, high);
    assert_string_equal(desk_answer, expected);
    ask("/quorex/v1/proofs/consistency", "from=7&to=7");
}

TEST(chain_data, proofs_refuse_sizes_that_are_none)
{
    open_chain();
    assert_refused(METHOD_GET, "/quorex/v1/proofs/consistency", "", REJECT_MANDATORY);
    assert_refused(METHOD_GET, "/quorex/v1/proofs/consistency", "from=0&to=9", REJECT_DATA);
    assert_refused(METHOD_GET, "/quorex/v1/proofs/consistency", "from=10&to=9", REJECT_DATA);
    assert_refused(METHOD_GET, "/quorex/v1/proofs/consistency", "from=1&to=601",
                   REJECT_BLOCK_AHEAD);
    assert_refused(METHOD_GET, "/quorex/v1/proofs/consistency", "from=2&to=9", REJECT_BLOCK_GONE);
    assert_refused(METHOD_GET, "/quorex/v1/proofs/header", "height=9&at=8", REJECT_DATA);
}

/* A tree that is not the one the headers commit to proves nothing, and is not shown. */
TEST(chain_data, proofs_that_do_not_fit_the_chain_are_kept_back)
{
    open_chain();
    wrong_roots = true;
    assert_refused(METHOD_GET, "/quorex/v1/proofs/consistency", "from=7&to=100",
                   REJECT_CHAIN_UNREADABLE);
    assert_refused(METHOD_GET, "/quorex/v1/proofs/header", "height=7&at=100",
                   REJECT_CHAIN_UNREADABLE);
}
