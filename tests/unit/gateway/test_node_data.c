#include "gateway/hall.h"
#include "tests/unit/gateway/desk_fixture.h"

static void seal(uint64_t height)
{
    uint8_t payload[BLOCK_SEALED_BYTES];
    struct block_sealed_notice sealed = {0};
    const struct block_header header = {.version = BLOCK_HEADER_VERSION,
                                        .height = height,
                                        .time_ns = FIXTURE_START_NS,
                                        .tx_count = 7,
                                        .fill_count = 2};
    block_header_encode(&header, sealed.header);
    memset(sealed.hash, 0xab, sizeof(sealed.hash));
    block_sealed_notice_put(payload, &sealed);
    block_list_apply(&desk_blocks, T_BLOCK_SEALED, payload);
}

static void assert_status(const char *path, int http_status, const char *expected)
{
    assert_int_equal(desk_ask(METHOD_GET, path, "", 0), OUTCOME_ANSWERED);
    assert_string_equal(desk_answer, expected);
    assert_int_equal(desk_request.http_status, http_status);
}

/* Four validators of the genesis; this is node 1. */
static void open_four(void)
{
    desk_open();
    fixture_genesis.validators.count = 4;
    for (uint32_t i = 0; i < 4; i++) {
        struct validator *member = &fixture_genesis.validators.members[i];
        memset(member->public_key, (int)(0xa0 + i), PUBLIC_KEY_BYTES);
        member->node = i + 1;
        snprintf(member->address, sizeof(member->address), "10.0.0.%u:8500", i + 1);
    }
    desk_reopen();
}

#define ABAB "abababababababababababababababababababababababababababababababab"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* All that the cluster's state is at a glance. Peers are those that this node has heard of. */
TEST(node_data, status_tells_the_cluster)
{
    open_four();
    seal(1);
    atomic_store(&desk_progress.leader, 3);
    atomic_store(&desk_progress.role, NODE_VOTER);
    atomic_store(&desk_progress.term, 7);
    atomic_store(&desk_progress.epoch, 2);
    atomic_store(&desk_progress.sealed_height, 1);
    atomic_store(&desk_progress.checkpoint_height, 12);
    atomic_store(&desk_progress.projected_height, 11);
    struct progress_peer *peer = &desk_progress.peers[1];
    atomic_store(&peer->node, 3);
    atomic_store(&peer->role, NODE_VOTER);
    atomic_store(&peer->is_up, 1);
    atomic_store(&peer->stored_index, 99);
    atomic_store(&peer->height, 2);
    atomic_store(&peer->certified_height, 1);
    atomic_store(&peer->clock_ahead_ns, -3500000);
    atomic_store(&peer->false_runs, 2);
    atomic_store(&desk_progress.peers[2].node, 5);
    atomic_store(&desk_progress.peers[2].role, NODE_STANDBY);
    atomic_store(&desk_progress.backfill, BACKFILL_FINDS_NOBODY);
    atomic_store(&desk_progress.backfill_base, 150);
    atomic_store(&desk_progress.backfill_headers_from, 1);
    atomic_store(&desk_progress.backfill_height, 7);
    atomic_store(&desk_progress.backfill_bodies_from, 3);
    atomic_store(&desk_progress.backfill_missing, 8);
    assert_status(
        "/quorex/v1/status", 200,
        "{\"node\":1,\"role\":\"follower\",\"term\":7,\"epoch\":2,\"leader\":3,"
        "\"lastCommand\":0,\"height\":1,\"certifiedHeight\":0,\"headerHash\":\"" ABAB
        "\",\"stateRoot\":\"" ZERO "\",\"version\":\"" QUOREX_VERSION "\",\"chainId\":\"" ZERO
        "\",\"halted\":false,\"stuck\":false,"
        "\"admitting\":true,\"checkpointHeight\":12,\"projectedHeight\":11,\"historyFrom\":0,"
        "\"backfill\":{\"state\":\"WAITING\",\"base\":150,\"headersFrom\":1,\"height\":7,"
        "\"bodiesFrom\":3,\"missing\":8},\"peers\":["
        "{\"node\":3,\"role\":\"leader\",\"up\":true,\"height\":2,"
        "\"certifiedHeight\":1,\"storedIndex\":99,\"clockAheadMs\":-3,"
        "\"falseRuns\":2},"
        "{\"node\":5,\"role\":\"standby\",\"up\":false,\"height\":0,"
        "\"certifiedHeight\":0,\"storedIndex\":0,\"clockAheadMs\":0,"
        "\"falseRuns\":0}]}");
}

TEST(node_data, status_of_the_leader_names_itself)
{
    desk_open();
    seal(1);
    atomic_store(&desk_progress.is_leader, 1);
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/status", "", 0), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "{\"node\":1,\"role\":\"leader\",\"term\":0,\"epoch\":0,"
                                        "\"leader\":1,\"lastCommand\":0,\"height\":1,"
                                        "\"certifiedHeight\":0,\"headerHash\":\"abab"));
    atomic_store(&desk_progress.is_leader, 0);
    desk_ask(METHOD_GET, "/quorex/v1/status", "", 0);
    assert_non_null(strstr(desk_answer, "\"role\":\"follower\",\"term\":0,\"epoch\":0,"
                                        "\"leader\":null,"));
}

/* The set of a height, by the events: voters with the hash that headers commit to, standbys beside them. */
TEST(node_data, validators_are_those_of_the_height)
{
    char hash[2 * HASH_BYTES + 1];
    struct node_changed_event changed = {.height = 9, .node = 6, .role = NODE_STANDBY};
    open_four();
    memcpy(changed.address, "10.0.0.6:8500", 13);
    memset(changed.public_key, 0xa6, PUBLIC_KEY_BYTES);
    event_write_node_changed(&desk_events, &changed);
    desk_apply();
    const hash_t set = validator_set_hash(&fixture_genesis.validators);
    hash_hex(set.bytes, HASH_BYTES, hash);
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/validators", "height=8", 0),
                     OUTCOME_ANSWERED);
    assert_memory_equal(desk_answer,
                        "{\"height\":8,\"since\":1,\"nextChange\":9,\"validatorsHash\":\"", 55);
    assert_non_null(strstr(desk_answer, hash));
    assert_non_null(strstr(desk_answer,
                           ",\"quorum\":3,\"validators\":[{\"node\":1,\"role\":\"voter\","
                           "\"publicKey\":\"a0a0"));
    assert_non_null(strstr(desk_answer, "\"address\":\"10.0.0.4:8500\"}],\"standbys\":[]}"));
    desk_ask(METHOD_GET, "/quorex/v1/validators", "height=9", 0);
    assert_memory_equal(desk_answer, "{\"height\":9,\"since\":9,\"nextChange\":null,", 40);
    assert_non_null(strstr(desk_answer, hash)); /* a standby does not vote */
    assert_non_null(strstr(desk_answer, "\"standbys\":[{\"node\":6,\"role\":\"standby\","));
    desk_ask(METHOD_GET, "/quorex/v1/validators", "", 0); /* of the next block */
    assert_memory_equal(desk_answer, "{\"height\":1,", 12);
    assert_refused(METHOD_GET, "/quorex/v1/validators", "height=0", REJECT_DATA);
}

static struct validator_set old_voters;

static enum status read_voters(void *context, hash_t hash, struct validator_set *set)
{
    (void)context;
    if (!hash_equal(hash, validator_set_hash(&old_voters))) return STATUS_NOT_FOUND;
    *set = old_voters;
    return STATUS_OK;
}

static enum status fail_voters(void *context, hash_t hash, struct validator_set *set)
{
    (void)context;
    (void)hash;
    (void)set;
    return STATUS_IO;
}

static void ask_voters(const struct validator_set *set)
{
    char query[80] = "hash=";
    hash_hex(validator_set_hash(set).bytes, HASH_BYTES, query + 5);
    desk_ask(METHOD_GET, "/quorex/v1/validators", query, 0);
}

/* Voters by their hash: of the genesis, of changes that were heard of, and of the chain's own records. */
TEST(node_data, voters_are_found_by_their_hash)
{
    const struct chain_source source = {.voters = read_voters}, broken = {.voters = fail_voters};
    struct validator_set unknown;
    open_four();
    ask_voters(&fixture_genesis.validators);
    assert_memory_equal(desk_answer, "{\"validatorsHash\":\"", 19);
    assert_non_null(strstr(desk_answer, "\"quorum\":3,\"validators\":[{\"node\":1,\"role\":"
                                        "\"voter\",\"publicKey\":\"a0a0"));
    old_voters = fixture_genesis.validators;
    old_voters.count = 2;
    ask_voters(&old_voters); /* there are no files */
    assert_int_equal(desk_request.refusal.reject, REJECT_VOTERS_UNKNOWN);
    desk_facts.chain = &source;
    ask_voters(&old_voters);
    assert_non_null(strstr(desk_answer, "\"quorum\":2,\"validators\":[{\"node\":1,"));
    unknown = old_voters;
    unknown.count = 1;
    ask_voters(&unknown);
    assert_int_equal(desk_request.refusal.reject, REJECT_VOTERS_UNKNOWN);
    assert_int_equal(reject_code(REJECT_VOTERS_UNKNOWN), -9008);
    desk_facts.chain = &broken;
    ask_voters(&unknown);
    assert_int_equal(desk_request.refusal.reject, REJECT_CHAIN_UNREADABLE);
    desk_facts.chain = NULL;
    assert_refused(METHOD_GET, "/quorex/v1/validators", "hash=12", REJECT_DATA);
    assert_refused(METHOD_GET, "/quorex/v1/validators", "hash=", REJECT_DATA);
}

TEST(node_data, genesis_is_the_file_as_it_is)
{
    desk_open();
    assert_refused(METHOD_GET, "/quorex/v1/genesis", "", REJECT_CHAIN_UNREADABLE);
    desk_facts.genesis_text = "{ \"nonce\": 1 }\n";
    desk_facts.genesis_text_bytes = 15;
    assert_status("/quorex/v1/genesis", 200, "{ \"nonce\": 1 }\n");
}

static enum status two_files(void *context, uint32_t index, struct chain_evidence *evidence)
{
    static const struct chain_evidence files[] = {{"double-2-0-7.json", "{\"node\":2}\n", 11},
                                                  {"halt-9.json", "{}", 2}};
    (void)context;
    if (index >= 2) return STATUS_NOT_FOUND;
    *evidence = files[index];
    return STATUS_OK;
}

static const struct chain_source evidence_source = {.evidence = two_files};

TEST(node_data, evidence_is_listed_with_its_text)
{
    desk_open();
    assert_status("/quorex/v1/evidence", 200, "[]");
    desk_facts.chain = &evidence_source;
    assert_status("/quorex/v1/evidence", 200,
                  "[{\"file\":\"double-2-0-7.json\",\"text\":\"{\\\"node\\\":2}\\n\"},"
                  "{\"file\":\"halt-9.json\",\"text\":\"{}\"}]");
}

/* A halted node is not healthy, and says where it stopped and what it kept. A stuck chain is not one
 * node's illness. */
TEST(node_data, health_tells_reason_height_and_evidence)
{
    desk_open();
    assert_status("/healthz", 200, "{\"status\":\"ok\",\"height\":0,\"certifiedHeight\":0}");
    seal(9);
    desk_facts.chain = &evidence_source;
    atomic_store(&desk_progress.stuck, 1);
    assert_int_equal(desk_ask(METHOD_GET, "/healthz", "", 0), OUTCOME_ANSWERED);
    assert_int_equal(desk_request.http_status, 200);
    assert_memory_equal(desk_answer, "{\"status\":\"stuck\",\"height\":9,", 29);
    atomic_store(&desk_progress.halted, 1);
    desk_ask(METHOD_GET, "/healthz", "", 0);
    assert_int_equal(desk_request.http_status, 503);
    assert_memory_equal(desk_answer, "{\"status\":\"halted\",\"height\":9,", 30);
    assert_non_null(strstr(desk_answer, "\"reason\":\"this node's figures differ"));
    assert_non_null(strstr(desk_answer, "\"evidence\":[\"halt-9.json\"]}"));
}

/* PostgreSQL being wrong is an alarm, and no reason to restart a node. */
TEST(node_data, health_tells_that_the_database_is_wrong)
{
    desk_open();
    atomic_store(&desk_progress.projection_wrong, 1);
    assert_status("/healthz", 200,
                  "{\"status\":\"ok\",\"database\":\"wrong\",\"height\":0,\"certifiedHeight\":0}");
}

/* What was asked for and what was answered, for the state and for PostgreSQL. */
TEST(node_data, reconciliation_is_told_and_asked_for)
{
    desk_open();
    desk_facts.reconcile_wanted = &desk_progress.reconcile_wanted;
    atomic_store(&desk_progress.reconciled.count, 3);
    atomic_store(&desk_progress.reconciled.to_height, 9);
    atomic_store(&desk_progress.reconciled.balances, 40);
    atomic_store(&desk_progress.projection.wanted, 1);
    atomic_store(&desk_progress.projection_wrong, 1);
    assert_status("/quorex/v1/reconciliation", 200,
                  "{\"asked\":0,\"halted\":false,\"state\":{\"passes\":3,\"answered\":0,"
                  "\"fromHeight\":0,\"toHeight\":9,\"accounts\":0,\"balances\":40},"
                  "\"databaseUp\":false,\"databaseWrong\":true,\"database\":{\"passes\":0,"
                  "\"answered\":1,\"fromHeight\":0,\"toHeight\":0,\"accounts\":0,"
                  "\"balances\":0}}");
    assert_int_equal(
        desk_ask(METHOD_POST, "/quorex/v1/reconciliation", "action=reconcile&timestamp=1", 0),
        OUTCOME_ANSWERED);
    assert_int_equal(atomic_load(&desk_progress.reconcile_wanted), 1);
    /* A text that was signed for something else, or that never gets old, asks for nothing. */
    assert_int_equal(desk_ask(METHOD_POST, "/quorex/v1/reconciliation", "action=reconcile", 0),
                     OUTCOME_REFUSED);
    assert_int_equal(
        desk_ask(METHOD_POST, "/quorex/v1/reconciliation", "action=credit&timestamp=1", 0),
        OUTCOME_REFUSED);
    assert_int_equal(atomic_load(&desk_progress.reconcile_wanted), 1);
    /* By this `quorex admin reconcile` knows a node that has halted. */
    atomic_store(&desk_progress.halted, 1);
    assert_status("/quorex/v1/reconciliation", 200,
                  "{\"asked\":1,\"halted\":true,\"state\":{\"passes\":3,\"answered\":0,"
                  "\"fromHeight\":0,\"toHeight\":9,\"accounts\":0,\"balances\":40},"
                  "\"databaseUp\":false,\"databaseWrong\":true,\"database\":{\"passes\":0,"
                  "\"answered\":1,\"fromHeight\":0,\"toHeight\":0,\"accounts\":0,"
                  "\"balances\":0}}");
}

/* Ready is who can answer: with a leader somewhere, and a place in the node set. */
TEST(node_data, readiness_needs_a_leader)
{
    open_four();
    desk_facts.history_is_up = true;
    assert_status("/readyz", 503,
                  "{\"ready\":false,\"orders\":false,\"leader\":false,\"role\":\"follower\","
                  "\"history\":true,\"voters\":4}");
    atomic_store(&desk_progress.leader, 2);
    assert_status("/readyz", 200,
                  "{\"ready\":true,\"orders\":true,\"leader\":false,\"role\":\"follower\","
                  "\"history\":true,\"voters\":4}");
    atomic_store(&desk_progress.stopping, 1);
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_int_equal(desk_request.http_status, 503);
    atomic_store(&desk_progress.stopping, 0);
    atomic_store(&desk_progress.halted, 1);
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_int_equal(desk_request.http_status, 503);
}

/* Two or three voters are for growing and shrinking, and whoever looks is told. */
TEST(node_data, two_and_three_voters_are_warned_of)
{
    static const char *const warnings[] = {NULL, NULL, "\"warning\":\"2 voters",
                                           "\"warning\":\"3 voters", NULL};
    for (uint32_t voters = 1; voters <= 4; voters++) {
        open_four();
        fixture_genesis.validators.count = voters;
        desk_reopen();
        desk_ask(METHOD_GET, "/readyz", "", 0);
        if (warnings[voters] == NULL)
            assert_null(strstr(desk_answer, "warning"));
        else
            assert_non_null(strstr(desk_answer, warnings[voters]));
    }
}

/* A standby is ready for reads; an expelled node never is. */
TEST(node_data, standby_is_ready_and_an_expelled_node_is_not)
{
    struct node_changed_event changed = {.height = 1, .node = 1, .role = NODE_STANDBY};
    open_four();
    atomic_store(&desk_progress.leader, 2);
    event_write_node_changed(&desk_events, &changed);
    desk_apply();
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_int_equal(desk_request.http_status, 200);
    assert_non_null(strstr(desk_answer, "\"role\":\"standby\""));
    assert_non_null(strstr(desk_answer, "\"voters\":3,\"warning\":"));
    changed.role = NODE_GONE;
    event_write_node_changed(&desk_events, &changed);
    desk_apply();
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_int_equal(desk_request.http_status, 503);
    assert_non_null(strstr(desk_answer, "\"role\":\"gone\""));
}

/* Above the bound of blocks without a certificate, and while the chain is stuck, nothing is taken; reads go
 * on. */
TEST(node_data, readiness_for_orders_ends_without_certificates)
{
    open_four();
    atomic_store(&desk_progress.leader, 2);
    atomic_store(&desk_progress.sealed_height, 150);
    atomic_store(&desk_progress.certified_height, 50);
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_non_null(strstr(desk_answer, "{\"ready\":true,\"orders\":true,"));
    atomic_store(&desk_progress.sealed_height, 151);
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_int_equal(desk_request.http_status, 200);
    assert_non_null(strstr(desk_answer, "{\"ready\":true,\"orders\":false,"));
    desk_ask(METHOD_GET, "/quorex/v1/status", "", 0);
    assert_non_null(strstr(desk_answer, "\"admitting\":false"));
    atomic_store(&desk_progress.certified_height, 151);
    atomic_store(&desk_progress.stuck, 1);
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_non_null(strstr(desk_answer, "{\"ready\":true,\"orders\":false,"));
}

/* Where several loops serve, the figures are all of theirs, and how many each has answered stands behind them. */
TEST(node_data, metrics_are_the_sum_of_all_loops)
{
    struct arena arena = {0};
    desk_open();
    memset(&desk_metrics, 0, sizeof(desk_metrics));
    assert_true(arena_map(&arena, hall_bytes(2)));
    desk_facts.hall = hall_new(&arena, 2, &desk_metrics);
    assert_non_null(desk_facts.hall);
    metric_set(&desk_metrics.http_requests_total, 30);
    metric_set(&hall_metrics(desk_facts.hall, 1)->http_requests_total, 12);
    desk_ask(METHOD_GET, "/metrics", "", 0);
    assert_non_null(strstr(desk_answer, "\nquorex_http_requests_total 42\n"));
    assert_non_null(strstr(desk_answer, "\nquorex_loop_requests_total{loop=\"0\"} 30\n"
                                        "quorex_loop_requests_total{loop=\"1\"} 12\n"));
    desk_facts.hall = NULL;
    arena_unmap(&arena);
}

TEST(node_data, metrics_are_text)
{
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, "/metrics", "", 0), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "quorex_fills_total"));
    assert_memory_equal(desk_request.content_type, "text/plain", 10);
}
