#include "gateway/route.h"

#define BLOCKS_DEFAULT   20
#define METRICS_TEXT_MAX 32768

/* Relaxed: figures for people, not for decisions. */
static uint64_t load(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static bool is_halted(const struct facts *facts)
{
    return atomic_load_explicit(&facts->progress->halted, memory_order_relaxed) != 0;
}

static bool is_leader(const struct facts *facts)
{
    return atomic_load_explicit(&facts->progress->is_leader, memory_order_relaxed) != 0;
}

enum outcome node_data_status(struct request *request, const struct facts *facts)
{
    struct json *json = &request->json;
    const struct block_entry *block = block_list_at(facts->blocks, facts->blocks->height);
    static const hash_t none;
    json_object(json);
    json_key_u64(json, "node", facts->node);
    json_key_string(json, "role", is_leader(facts) ? "leader" : "follower");
    json_key_u64(json, "term", load(&facts->progress->term));
    json_key_u64(json, "epoch", block != NULL ? block->header.epoch : 0);
    json_key(json, "leader");
    if (is_leader(facts))
        json_u64(json, facts->node);
    else
        json_null(json);
    json_key_u64(json, "lastCommand", view_command(facts->view));
    json_key_u64(json, "height", facts->blocks->height);
    json_key_u64(json, "certifiedHeight", facts->blocks->certified_height);
    json_key(json, "headerHash");
    json_hex(json, (block != NULL ? block->hash : none).bytes, HASH_BYTES);
    json_key(json, "stateRoot");
    json_hex(json, (block != NULL ? block->header.state_root : none).bytes, HASH_BYTES);
    json_key_string(json, "version", QUOREX_VERSION);
    json_key_bool(json, "halted", is_halted(facts));
    json_key_u64(json, "projectedHeight", load(&facts->progress->projected_height));
    json_key(json, "peers");
    json_array(json);
    json_array_end(json);
    json_object_end(json);
    return OUTCOME_ANSWERED;
}

static void put_block(struct json *json, const struct printing *printing,
                      const struct block_entry *block, uint64_t certified_height)
{
    json_object(json);
    json_key_u64(json, "height", block->header.height);
    json_key(json, "hash");
    json_hex(json, block->hash.bytes, HASH_BYTES);
    json_key(json, "stateRoot");
    json_hex(json, block->header.state_root.bytes, HASH_BYTES);
    json_key_u64(json, "time", block->header.time_ns / printing->time_unit_ns);
    json_key_u64(json, "firstCommand", block->header.first_command);
    json_key_u64(json, "lastCommand", block->header.last_command);
    json_key_u64(json, "txCount", block->header.tx_count);
    json_key_u64(json, "fillCount", block->header.fill_count);
    json_key_bool(json, "certified", block->header.height <= certified_height);
    json_object_end(json);
}

enum outcome node_data_blocks(struct request *request, const struct facts *facts)
{
    uint32_t limit;
    if (!request_limit(request, BLOCKS_DEFAULT, BLOCK_LIST_KEPT, &limit)) return OUTCOME_REFUSED;
    const struct printing printing = request_printing(request, facts);
    const struct block_list *blocks = facts->blocks;
    json_array(&request->json);
    /* Newest first. */
    for (uint64_t height = blocks->height; limit > 0 && height > 0; height--, limit--) {
        const struct block_entry *block = block_list_at(blocks, height);
        if (block == NULL) break;
        put_block(&request->json, &printing, block, blocks->certified_height);
    }
    json_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome node_data_metrics(struct request *request, const struct facts *facts)
{
    char text[METRICS_TEXT_MAX];
    const size_t text_bytes = metrics_print(facts->metrics, text, sizeof(text));
    json_raw(&request->json, text, text_bytes);
    request->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return OUTCOME_ANSWERED;
}

/* Healthy: this node's own figures agree. */
enum outcome node_data_health(struct request *request, const struct facts *facts)
{
    struct json *json = &request->json;
    const bool halted = is_halted(facts);
    json_object(json);
    json_key_string(json, "status", halted ? "halted" : "ok");
    json_object_end(json);
    request->http_status = halted ? 503 : 200;
    return OUTCOME_ANSWERED;
}

/* Ready: it takes orders. */
enum outcome node_data_ready(struct request *request, const struct facts *facts)
{
    struct json *json = &request->json;
    const bool stopping =
        atomic_load_explicit(&facts->progress->stopping, memory_order_relaxed) != 0;
    const bool ready = !stopping && !is_halted(facts) && is_leader(facts);
    json_object(json);
    json_key_bool(json, "ready", ready);
    json_key_bool(json, "leader", is_leader(facts));
    json_key_bool(json, "history", facts->history_is_up);
    json_key_u64(json, "validators", facts->genesis->validators.count);
    json_object_end(json);
    request->http_status = ready ? 200 : 503;
    return OUTCOME_ANSWERED;
}
