#include "common/le.h"
#include "gateway/hall.h"
#include "gateway/route.h"
#include "gateway/text.h"

#include <string.h>

#define METRICS_TEXT_MAX 32768
#define EVIDENCE_MAX     64 /* files listed in one answer */
#define MS_NS            1000000
#define LENGTH_BYTES     8

/* Relaxed: figures for people, not for decisions. */
static uint64_t load(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static uint32_t load_word(const _Atomic uint32_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* ---- the cluster ---- */

static const char *role_name(uint32_t role, bool is_leader)
{
    if (is_leader) return "leader";
    return role == NODE_STANDBY ? "standby" : role == NODE_GONE ? "gone" : "follower";
}

static bool leads(const struct facts *facts)
{
    return load_word(&facts->progress->is_leader) != 0;
}

/* Who leads as far as this node knows, or 0. */
static uint32_t leader_of(const struct facts *facts)
{
    return leads(facts) ? facts->node : load_word(&facts->progress->leader);
}

/* By the log's configuration; before it is known, by the node set. */
static uint32_t own_role(const struct facts *facts)
{
    struct node_set set;
    const uint32_t role = load_word(&facts->progress->role);
    if (role != NODE_GONE) return role;
    request_members(facts, &set);
    const struct node_member *self = node_set_find(&set, facts->node);
    return self == NULL ? NODE_GONE : self->role;
}

static void put_peer(struct writer *json, const struct progress_peer *peer, uint32_t leader)
{
    const uint32_t node = load_word(&peer->node);
    const int64_t ahead_ns = atomic_load_explicit(&peer->clock_ahead_ns, memory_order_relaxed);
    if (node == 0) return;
    writer_object(json);
    writer_key_u64(json, "node", node);
    writer_key_string(json, "role", role_name(load_word(&peer->role), node == leader));
    writer_key_bool(json, "up", load_word(&peer->is_up) != 0);
    writer_key_u64(json, "height", load(&peer->height));
    writer_key_u64(json, "certifiedHeight", load(&peer->certified_height));
    writer_key_u64(json, "storedIndex", load(&peer->stored_index));
    writer_key_i64(json, "clockAheadMs", ahead_ns / MS_NS);
    writer_key_u64(json, "falseRuns", load_word(&peer->false_runs));
    writer_object_end(json);
}

static void put_peers(struct writer *json, const struct facts *facts)
{
    writer_key(json, "peers");
    writer_array(json);
    for (uint32_t index = 0; index < PROGRESS_PEERS; index++)
        put_peer(json, &facts->progress->peers[index], leader_of(facts));
    writer_array_end(json);
}

static void put_hash(struct writer *json, const char *name, const hash_t *hash)
{
    static const hash_t none;
    writer_key(json, name);
    writer_hex(json, (hash != NULL ? hash : &none)->bytes, HASH_BYTES);
}

/* What this node is to the others, and what it takes. */
static void put_standing(struct writer *json, const struct facts *facts)
{
    const struct progress *progress = facts->progress;
    const uint32_t leader = leader_of(facts);
    writer_key_u64(json, "node", facts->node);
    writer_key_string(json, "role", role_name(own_role(facts), leads(facts)));
    writer_key_u64(json, "term", load(&progress->term));
    writer_key_u64(json, "epoch", load(&progress->epoch));
    writer_key(json, "leader");
    if (leader != 0)
        writer_u64(json, leader);
    else
        writer_null(json);
}

/* The blocks below the checkpoint that this node began at: what it does to have them; null when none lacks. */
static void put_backfill(struct writer *json, const struct progress *progress)
{
    static const char *const states[] = {NULL, "HEADERS", "BLOCKS", "WAITING", "FAILED"};
    const uint32_t state = load_word(&progress->backfill);
    writer_key(json, "backfill");
    if (state == BACKFILL_IS_WHOLE || state > BACKFILL_HAS_FAILED) {
        writer_null(json);
        return;
    }
    writer_object(json);
    writer_key_string(json, "state", states[state]);
    writer_key_u64(json, "base", load(&progress->backfill_base));
    writer_key_u64(json, "headersFrom", load(&progress->backfill_headers_from));
    writer_key_u64(json, "height", load(&progress->backfill_height));
    writer_key_u64(json, "bodiesFrom", load(&progress->backfill_bodies_from));
    writer_key_u64(json, "missing", load(&progress->backfill_missing));
    writer_object_end(json);
}

enum outcome node_data_status(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const struct progress *progress = facts->progress;
    const struct block_entry *block = block_list_at(facts->blocks, facts->blocks->height);
    writer_object(json);
    put_standing(json, facts);
    writer_key_u64(json, "lastCommand", view_command(facts->view));
    writer_key_u64(json, "height", facts->blocks->height);
    writer_key_u64(json, "certifiedHeight", facts->blocks->certified_height);
    put_hash(json, "headerHash", block != NULL ? &block->hash : NULL);
    put_hash(json, "stateRoot", block != NULL ? &block->header.state_root : NULL);
    writer_key_string(json, "version", QUOREX_VERSION);
    put_hash(json, "chainId", &facts->chain_id);
    writer_key_bool(json, "halted", load_word(&progress->halted) != 0);
    writer_key_bool(json, "stuck", load_word(&progress->stuck) != 0);
    writer_key_bool(json, "admitting", request_admits(facts));
    writer_key_u64(json, "checkpointHeight", load(&progress->checkpoint_height));
    writer_key_u64(json, "projectedHeight", load(&progress->projected_height));
    writer_key_u64(json, "historyFrom", load(&progress->history_from_ns) / MS_NS);
    put_backfill(json, progress);
    put_peers(json, facts);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* ---- the node set ---- */

static void put_member(struct writer *json, const struct node_member *member)
{
    writer_object(json);
    writer_key_u64(json, "node", member->node);
    writer_key_string(json, "role", member->role == NODE_VOTER ? "voter" : "standby");
    writer_key(json, "publicKey");
    writer_hex(json, member->public_key, PUBLIC_KEY_BYTES);
    writer_key(json, "address");
    writer_padded(json, (const uint8_t *)member->address, NODE_ADDRESS_BYTES);
    writer_object_end(json);
}

static void put_members(struct writer *json, const char *name, const struct node_set *set,
                        enum node_role role)
{
    writer_key(json, name);
    writer_array(json);
    for (uint32_t index = 0; index < set->count; index++)
        if (set->members[index].role == role) put_member(json, &set->members[index]);
    writer_array_end(json);
}

static enum outcome answer_members(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const struct members *members = view_members(facts->view);
    uint64_t height = facts->blocks->height + 1, since;
    struct validator_set voters;
    struct node_set set;
    char text[DECIMAL_TEXT_MAX];
    if (height < members->base_height) height = members->base_height;
    if (!request_u64(request, "height", &height, NULL)) return OUTCOME_REFUSED;
    if (height == 0) return request_refuse(request, REJECT_DATA, "height", NULL);
    text[decimal_format((int64_t)(height & INT64_MAX), 0, text)] = '\0';
    if (!members_at(members, height, &set, &since))
        return request_refuse(request, REJECT_BLOCK_GONE, text, NULL);

    node_set_voters(&set, &voters);
    const hash_t hash = validator_set_hash(&voters);
    const uint64_t next = members_next(members, height);
    writer_object(json);
    writer_key_u64(json, "height", height);
    writer_key_u64(json, "since", since);
    writer_key(json, "nextChange");
    if (next != 0)
        writer_u64(json, next);
    else
        writer_null(json);
    put_hash(json, "validatorsHash", &hash);
    writer_key_u64(json, "quorum", validator_set_quorum(&voters));
    put_members(json, "validators", &set, NODE_VOTER);
    put_members(json, "standbys", &set, NODE_STANDBY);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* Of a set that is known by its hash alone, from the chain's own records. */
static void put_voter(struct writer *json, const struct validator *voter)
{
    writer_object(json);
    writer_key_u64(json, "node", voter->node);
    writer_key_string(json, "role", "voter");
    writer_key(json, "publicKey");
    writer_hex(json, voter->public_key, PUBLIC_KEY_BYTES);
    writer_object_end(json);
}

static enum outcome put_voters_of(struct request *request, hash_t hash,
                                  const struct validator_set *voters)
{
    struct writer *json = &request->json;
    writer_object(json);
    put_hash(json, "validatorsHash", &hash);
    writer_key_u64(json, "quorum", validator_set_quorum(voters));
    writer_key(json, "validators");
    writer_array(json);
    for (uint32_t index = 0; index < voters->count; index++)
        put_voter(json, &voters->members[index]);
    writer_array_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

static void read_voters(struct reading *reading, const struct chain_source *chain,
                        const struct proof_source *proofs)
{
    struct validator_set voters;
    (void)proofs;
    reading->status = STATUS_NOT_FOUND;
    if (chain != NULL && chain->voters != NULL)
        reading->status = chain->voters(chain->context, reading->hash, &voters);
    if (reading->status == STATUS_OK) reading_take(reading, &voters, sizeof(voters));
}

static enum outcome answer_voters(struct request *request, const struct facts *facts)
{
    const struct reading *reading = &request->reading;
    (void)facts;
    if (reading->status == STATUS_NOT_FOUND)
        return request_refuse(request, REJECT_VOTERS_UNKNOWN, NULL, NULL);
    if (reading->status != STATUS_OK)
        return request_refuse(request, REJECT_CHAIN_UNREADABLE, NULL, NULL);
    return put_voters_of(request, reading->hash, reading->taken);
}

/* The voters with a hash, whenever they were: who has a header needs them to check its signatures. */
static enum outcome ask_voters(struct request *request, const struct facts *facts, hash_t hash)
{
    struct validator_set voters = facts->genesis->validators;
    request->weight = 5;
    if (hash_equal(validator_set_hash(&voters), hash) ||
        members_find(view_members(facts->view), hash, &voters))
        return put_voters_of(request, hash, &voters);
    return request_read(request, &(struct reading){.read = read_voters, .hash = hash},
                        answer_voters);
}

enum outcome node_data_validators(struct request *request, const struct facts *facts)
{
    const struct form_field *by_hash = form_find(request->form, "hash");
    hash_t wanted;
    if (by_hash == NULL) return answer_members(request, facts);
    if (!hash_from_hex(by_hash->value, by_hash->value_bytes, wanted.bytes, HASH_BYTES))
        return request_refuse(request, REJECT_DATA, "hash", NULL);
    return ask_voters(request, facts, wanted);
}

/* ---- genesis and evidence ---- */

enum outcome node_data_genesis(struct request *request, const struct facts *facts)
{
    if (facts->genesis_text == NULL)
        return request_refuse(request, REJECT_CHAIN_UNREADABLE, NULL, NULL);
    writer_raw(&request->json, facts->genesis_text, facts->genesis_text_bytes);
    return OUTCOME_ANSWERED;
}

/* The index-th file, of those that one answer has. */
static bool find_evidence(const struct chain_source *chain, uint32_t index,
                          struct chain_evidence *evidence)
{
    return index < EVIDENCE_MAX && chain != NULL && chain->evidence != NULL &&
           chain->evidence(chain->context, index, evidence) == STATUS_OK;
}

/* Names and texts, each with its length before it. */
static void take_text(struct reading *reading, const char *text, size_t text_bytes)
{
    uint8_t length[LENGTH_BYTES];
    le_put_u64(length, text_bytes);
    reading_take(reading, length, sizeof(length));
    if (reading->status == STATUS_OK) reading_take(reading, text, text_bytes);
}

static void read_evidence(struct reading *reading, const struct chain_source *chain,
                          const struct proof_source *proofs)
{
    struct chain_evidence evidence;
    (void)proofs;
    reading->status = STATUS_OK;
    for (uint32_t index = 0; reading->status == STATUS_OK && find_evidence(chain, index, &evidence);
         index++) {
        take_text(reading, evidence.name, strlen(evidence.name));
        if (reading->status == STATUS_OK) take_text(reading, evidence.text, evidence.text_bytes);
    }
}

static const uint8_t *put_text(struct writer *json, const char *name, const uint8_t *at)
{
    const size_t text_bytes = le_get_u64(at);
    writer_key_text(json, name, (const char *)at + LENGTH_BYTES, text_bytes);
    return at + LENGTH_BYTES + text_bytes;
}

static enum outcome answer_evidence(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const struct proof_bytes *bytes = &request->reading.bytes;
    (void)facts;
    if (request->reading.status != STATUS_OK)
        return request_refuse(request, REJECT_CHAIN_UNREADABLE, NULL, NULL);
    writer_array(json);
    for (const uint8_t *at = bytes->bytes; at < bytes->bytes + bytes->byte_count;) {
        writer_object(json);
        at = put_text(json, "file", at);
        at = put_text(json, "text", at);
        writer_object_end(json);
    }
    writer_array_end(json);
    return OUTCOME_ANSWERED;
}

enum outcome node_data_evidence(struct request *request, const struct facts *facts)
{
    (void)facts;
    return request_read(request, &(struct reading){.read = read_evidence}, answer_evidence);
}

/* ---- reconciliation ---- */

/* The last pass that is whole: its count is the same before and after. */
static void put_pass(struct writer *json, const char *name, const struct progress_pass *pass)
{
    uint64_t count, from_height, to_height, balances, accounts, wanted;
    do { /* ends: a pass takes a block at least */
        /* acquire: pairs with the release of who ended the pass. */
        count = atomic_load_explicit(&pass->count, memory_order_acquire);
        wanted = atomic_load_explicit(&pass->wanted, memory_order_acquire);
        from_height = atomic_load_explicit(&pass->from_height, memory_order_acquire);
        to_height = atomic_load_explicit(&pass->to_height, memory_order_acquire);
        balances = atomic_load_explicit(&pass->balances, memory_order_acquire);
        accounts = atomic_load_explicit(&pass->accounts, memory_order_acquire);
    } while (count != atomic_load_explicit(&pass->count, memory_order_acquire));
    writer_key(json, name);
    writer_object(json);
    writer_key_u64(json, "passes", count);
    writer_key_u64(json, "answered", wanted);
    writer_key_u64(json, "fromHeight", from_height);
    writer_key_u64(json, "toHeight", to_height);
    writer_key_u64(json, "accounts", accounts);
    writer_key_u64(json, "balances", balances);
    writer_object_end(json);
}

enum outcome node_data_reconciliation(struct request *request, const struct facts *facts)
{
    const struct progress *progress = facts->progress;
    struct writer *json = &request->json;
    writer_object(json);
    writer_key_u64(json, "asked", load(&progress->reconcile_wanted));
    writer_key_bool(json, "halted", load_word(&progress->halted) != 0);
    put_pass(json, "state", &progress->reconciled);
    writer_key_bool(json, "databaseUp", facts->history_is_up);
    writer_key_bool(json, "databaseWrong", load_word(&progress->projection_wrong) != 0);
    put_pass(json, "database", &progress->projection);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* Asks for a pass. Told twice, it is two: harmless. */
enum outcome node_data_reconcile(struct request *request, const struct facts *facts)
{
    const struct form_field *action = form_find(request->form, "action");
    if (action == NULL || strcmp(action->value, "reconcile") != 0)
        return request_refuse(request, REJECT_DATA, "action", NULL);
    if (form_find(request->form, "timestamp") == NULL)
        return request_refuse(request, REJECT_MANDATORY, "timestamp", NULL);
    if (!request_is_read(request, facts)) return OUTCOME_REFUSED;
    if (facts->reconcile_wanted == NULL) return request_refuse(request, REJECT_BUSY, NULL, NULL);
    atomic_fetch_add_explicit(facts->reconcile_wanted, 1, memory_order_relaxed);
    return node_data_reconciliation(request, facts);
}

/* ---- metrics, health, readiness ---- */

/* One line a loop: whether they share the work. */
static void add_loops(struct text *text, const struct hall *hall)
{
    text_add(text, "# HELP quorex_loop_requests_total HTTP requests answered by each gateway loop\n"
                   "# TYPE quorex_loop_requests_total counter\n");
    for (uint32_t loop = 0; loop < hall_loop_count(hall); loop++) {
        text_add(text, "quorex_loop_requests_total{loop=\"");
        text_u64(text, loop);
        text_add(text, "\"} ");
        text_u64(text, metric_get(&hall_metrics(hall, loop)->http_requests_total));
        text_add(text, "\n");
    }
}

enum outcome node_data_metrics(struct request *request, const struct facts *facts)
{
    char bytes[METRICS_TEXT_MAX];
    struct text text = text_over(bytes, sizeof(bytes));
    struct metrics sum;
    if (facts->hall != NULL) hall_sum_metrics(facts->hall, &sum);
    text.used = metrics_print(facts->hall != NULL ? &sum : facts->metrics, bytes, sizeof(bytes));
    if (facts->hall != NULL && hall_loop_count(facts->hall) > 1) add_loops(&text, facts->hall);
    ASSERT(!text_full(&text));
    writer_raw(&request->json, text.bytes, text.used);
    request->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return OUTCOME_ANSWERED;
}

/* Names of the files that say why. */
/* On the loop: a node that has halted has no other work. */
static void put_halt_evidence(struct writer *json, const struct facts *facts)
{
    struct chain_evidence evidence;
    writer_key(json, "evidence");
    writer_array(json);
    for (uint32_t index = 0; find_evidence(facts->chain, index, &evidence); index++)
        if (strncmp(evidence.name, "halt-", 5) == 0) writer_string(json, evidence.name);
    writer_array_end(json);
}

/* Healthy: this node's own figures agree. A stuck chain is not this node's illness. */
enum outcome node_data_health(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const bool halted = load_word(&facts->progress->halted) != 0;
    const bool stuck = load_word(&facts->progress->stuck) != 0;
    const bool wrong = load_word(&facts->progress->projection_wrong) != 0;
    writer_object(json);
    writer_key_string(json, "status", halted ? "halted" : stuck ? "stuck" : "ok");
    /* A projection: trading does not depend on it, and a restart would not mend it. */
    if (wrong) writer_key_string(json, "database", "wrong");
    writer_key_u64(json, "height", facts->blocks->height);
    writer_key_u64(json, "certifiedHeight", facts->blocks->certified_height);
    if (halted) {
        writer_key_string(
            json, "reason",
            "this node's figures differ from its own or from certified ones: it signs "
            "and answers no more; the others go on without it");
        put_halt_evidence(json, facts);
    } else if (stuck) {
        writer_key_string(json, "reason",
                          "at one height no header can get enough signatures any more: operators "
                          "must change the epoch");
    }
    writer_object_end(json);
    request->http_status = halted ? 503 : 200;
    return OUTCOME_ANSWERED;
}

/* What the number of voters means for who may fail. */
static void put_voters(struct writer *json, const struct facts *facts)
{
    struct validator_set voters;
    struct node_set set;
    request_members(facts, &set);
    node_set_voters(&set, &voters);
    writer_key_u64(json, "voters", voters.count);
    if (voters.count == 2 || voters.count == 3)
        writer_key_string(json, "warning",
                          voters.count == 2
                              ? "2 voters: both must be up; go on to 4, or back to 1"
                              : "3 voters: certificates need all three; go on to 4, or back to 1");
}

/* Ready: it answers reads that are no older than the leader's last word, and takes orders unless
 * `orders` is false. */
enum outcome node_data_ready(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const struct progress *progress = facts->progress;
    const bool up = load_word(&progress->stopping) == 0 && load_word(&progress->halted) == 0;
    const bool ready = up && leader_of(facts) != 0 && own_role(facts) != NODE_GONE;
    writer_object(json);
    writer_key_bool(json, "ready", ready);
    writer_key_bool(json, "orders", ready && request_admits(facts));
    writer_key_bool(json, "leader", leads(facts));
    writer_key_string(json, "role", role_name(own_role(facts), leads(facts)));
    writer_key_bool(json, "history", facts->history_is_up);
    put_voters(json, facts);
    writer_object_end(json);
    request->http_status = ready ? 200 : 503;
    return OUTCOME_ANSWERED;
}
