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
    struct writer *json = &request->json;
    const struct block_entry *block = block_list_at(facts->blocks, facts->blocks->height);
    static const hash_t none;
    writer_object(json);
    writer_key_u64(json, "node", facts->node);
    writer_key_string(json, "role", is_leader(facts) ? "leader" : "follower");
    writer_key_u64(json, "term", load(&facts->progress->term));
    writer_key_u64(json, "epoch", block != NULL ? block->header.epoch : 0);
    writer_key(json, "leader");
    if (is_leader(facts))
        writer_u64(json, facts->node);
    else
        writer_null(json);
    writer_key_u64(json, "lastCommand", view_command(facts->view));
    writer_key_u64(json, "height", facts->blocks->height);
    writer_key_u64(json, "certifiedHeight", facts->blocks->certified_height);
    writer_key(json, "headerHash");
    writer_hex(json, (block != NULL ? block->hash : none).bytes, HASH_BYTES);
    writer_key(json, "stateRoot");
    writer_hex(json, (block != NULL ? block->header.state_root : none).bytes, HASH_BYTES);
    writer_key_string(json, "version", QUOREX_VERSION);
    writer_key_bool(json, "halted", is_halted(facts));
    writer_key_u64(json, "projectedHeight", load(&facts->progress->projected_height));
    writer_key(json, "peers");
    writer_array(json);
    writer_array_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

static void put_block(struct writer *json, const struct printing *printing,
                      const struct block_entry *block, uint64_t certified_height)
{
    writer_object(json);
    writer_key_u64(json, "height", block->header.height);
    writer_key(json, "hash");
    writer_hex(json, block->hash.bytes, HASH_BYTES);
    writer_key(json, "stateRoot");
    writer_hex(json, block->header.state_root.bytes, HASH_BYTES);
    writer_key_u64(json, "time", block->header.time_ns / printing->time_unit_ns);
    writer_key_u64(json, "firstCommand", block->header.first_command);
    writer_key_u64(json, "lastCommand", block->header.last_command);
    writer_key_u64(json, "txCount", block->header.tx_count);
    writer_key_u64(json, "fillCount", block->header.fill_count);
    writer_key_bool(json, "certified", block->header.height <= certified_height);
    writer_object_end(json);
}

enum outcome node_data_blocks(struct request *request, const struct facts *facts)
{
    uint32_t limit;
    if (!request_limit(request, BLOCKS_DEFAULT, BLOCK_LIST_KEPT, &limit)) return OUTCOME_REFUSED;
    const struct printing printing = request_printing(request, facts);
    const struct block_list *blocks = facts->blocks;
    writer_array(&request->json);
    /* Newest first. */
    for (uint64_t height = blocks->height; limit > 0 && height > 0; height--, limit--) {
        const struct block_entry *block = block_list_at(blocks, height);
        if (block == NULL) break;
        put_block(&request->json, &printing, block, blocks->certified_height);
    }
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome node_data_metrics(struct request *request, const struct facts *facts)
{
    char text[METRICS_TEXT_MAX];
    const size_t text_bytes = metrics_print(facts->metrics, text, sizeof(text));
    writer_raw(&request->json, text, text_bytes);
    request->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return OUTCOME_ANSWERED;
}

/* Healthy: this node's own figures agree. */
enum outcome node_data_health(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const bool halted = is_halted(facts);
    writer_object(json);
    writer_key_string(json, "status", halted ? "halted" : "ok");
    writer_object_end(json);
    request->http_status = halted ? 503 : 200;
    return OUTCOME_ANSWERED;
}

/* Ready: it takes orders. */
enum outcome node_data_ready(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const bool stopping =
        atomic_load_explicit(&facts->progress->stopping, memory_order_relaxed) != 0;
    const bool ready = !stopping && !is_halted(facts) && is_leader(facts);
    writer_object(json);
    writer_key_bool(json, "ready", ready);
    writer_key_bool(json, "leader", is_leader(facts));
    writer_key_bool(json, "history", facts->history_is_up);
    writer_key_u64(json, "validators", facts->genesis->validators.count);
    writer_object_end(json);
    request->http_status = ready ? 200 : 503;
    return OUTCOME_ANSWERED;
}
