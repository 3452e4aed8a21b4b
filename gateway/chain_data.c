#include "gateway/chain_data.h"

#include "gateway/route.h"

#include "common/log.h"

#include <string.h>

#define BLOCKS_DEFAULT    20
#define BLOCKS_MAX        512
#define HEADERS_DEFAULT   64
#define HEADERS_MAX       256
#define CERTIFICATE_REACH 64 /* headers above a block in which its certificate is looked for */
#define BODY_PIECE_MAX    (8u * 1024 * 1024)

/* ---- reading the chain ---- */

static uint64_t tip_of(const struct facts *facts)
{
    return facts->blocks->height;
}

enum outcome chain_data_refuse(struct request *request, enum reject reject, uint64_t height)
{
    char text[DECIMAL_TEXT_MAX];
    text[decimal_format((int64_t)height, 0, text)] = '\0';
    return request_refuse(request, reject, text, NULL);
}

/* Of a height that is not there: why. */
enum outcome chain_data_refuse_missing(struct request *request, const struct facts *facts,
                                       uint64_t height)
{
    const bool ahead = height == 0 || height > tip_of(facts);
    return chain_data_refuse(request, ahead ? REJECT_BLOCK_AHEAD : REJECT_BLOCK_GONE, height);
}

static enum outcome refuse_status(struct request *request, const struct facts *facts,
                                  enum status status, uint64_t height)
{
    if (status == STATUS_NOT_FOUND) return chain_data_refuse_missing(request, facts, height);
    return request_refuse(request, REJECT_CHAIN_UNREADABLE, NULL, NULL);
}

/* A header's bytes: from the files, or from the last blocks' notices. */
static enum status read_header(const struct facts *facts, uint64_t height,
                               uint8_t bytes[BLOCK_HEADER_BYTES])
{
    const struct chain_source *chain = facts->chain;
    const struct block_entry *kept = block_list_at(facts->blocks, height);
    if (kept != NULL) {
        block_header_encode(&kept->header, bytes);
        return STATUS_OK;
    }
    if (chain == NULL || chain->header == NULL || height == 0) return STATUS_NOT_FOUND;
    return chain->header(chain->context, height, bytes);
}

/* ---- a header as JSON ---- */

static void put_hash(struct writer *json, const char *name, hash_t hash)
{
    writer_key(json, name);
    writer_hex(json, hash.bytes, HASH_BYTES);
}

/* Nanoseconds are above what a client's numbers hold: text. */
static void put_ns(struct writer *json, const char *name, uint64_t ns)
{
    char text[DECIMAL_TEXT_MAX];
    writer_key_text(json, name, text, decimal_format((int64_t)ns, 0, text));
}

static void put_summary(struct writer *json, const struct printing *printing,
                        const struct block_header *header, hash_t hash, uint64_t certified_height)
{
    writer_key_u64(json, "height", header->height);
    put_hash(json, "hash", hash);
    put_hash(json, "stateRoot", header->state_root);
    writer_key_u64(json, "time", header->time_ns / printing->time_unit_ns);
    writer_key_u64(json, "firstCommand", header->first_command);
    writer_key_u64(json, "lastCommand", header->last_command);
    writer_key_u64(json, "txCount", header->tx_count);
    writer_key_u64(json, "fillCount", header->fill_count);
    writer_key_bool(json, "certified", header->height <= certified_height);
}

static void put_fields(struct writer *json, const struct block_header *header)
{
    writer_key_u64(json, "version", header->version);
    writer_key_u64(json, "flags", header->flags);
    writer_key_u64(json, "epoch", header->epoch);
    put_ns(json, "timeNs", header->time_ns);
    writer_key_u64(json, "bodyLength", header->body_length);
    put_hash(json, "chainId", header->chain_id);
    put_hash(json, "prevHash", header->prev_hash);
    put_hash(json, "historyRoot", header->history_root);
    put_hash(json, "txRoot", header->tx_root);
    put_hash(json, "fillsRoot", header->fills_root);
    put_hash(json, "eventsHash", header->events_hash);
    put_hash(json, "totalsRoot", header->totals_root);
    put_hash(json, "validatorsHash", header->validators_hash);
    put_hash(json, "nextValidatorsHash", header->next_validators_hash);
    put_hash(json, "paramsHash", header->params_hash);
    put_hash(json, "bodyHash", header->body_hash);
}

/* ---- a block's certificate ---- */

/* The lowest certificate at `height` or above, within reach. */
static bool find_certificate(const struct facts *facts, uint64_t height,
                             struct chain_certificate *certificate)
{
    const struct chain_source *chain = facts->chain;
    if (chain == NULL || chain->certificate == NULL) return false;
    const uint64_t certified = facts->blocks->certified_height;
    for (uint64_t at = height; at <= certified && at - height <= CERTIFICATE_REACH; at++) {
        const enum status status = chain->certificate(chain->context, at, certificate);
        if (status == STATUS_OK) return true;
        if (status != STATUS_NOT_FOUND) return false; /* which was logged */
    }
    return false;
}

static void put_votes(struct writer *json, const struct chain_certificate *certificate)
{
    writer_key(json, "votes");
    writer_array(json);
    for (uint32_t index = 0; index < certificate->vote_count; index++) {
        const struct chain_vote *vote = &certificate->votes[index];
        writer_object(json);
        writer_key_u64(json, "node", vote->node);
        writer_key(json, "signature");
        writer_hex(json, vote->signature, SIGNATURE_BYTES);
        writer_object_end(json);
    }
    writer_array_end(json);
}

/* What leads from a block up to the certified one: each header names the hash of the one before it. */
static void put_headers_between(struct writer *json, const struct facts *facts, uint64_t height,
                                uint64_t certified)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    writer_key(json, "headers");
    writer_array(json);
    for (uint64_t at = height + 1; at <= certified; at++) {
        if (read_header(facts, at, bytes) != STATUS_OK) break;
        writer_hex(json, bytes, sizeof(bytes));
    }
    writer_array_end(json);
}

/* What is signed, and by whom: the beginning of an object. */
static void put_signed(struct writer *json, const struct chain_certificate *certificate)
{
    writer_object(json);
    writer_key_u64(json, "height", certificate->height);
    writer_key_u64(json, "epoch", certificate->epoch);
    put_hash(json, "headerHash", certificate->header_hash);
    put_votes(json, certificate);
}

void chain_data_put_certificate(struct writer *json, const struct facts *facts, uint64_t height)
{
    struct chain_certificate certificate;
    writer_key(json, "certificate");
    if (!find_certificate(facts, height, &certificate)) {
        writer_null(json);
        return;
    }
    put_signed(json, &certificate);
    put_headers_between(json, facts, height, certificate.height);
    writer_object_end(json);
}

/* ---- blocks ---- */

enum outcome chain_data_blocks(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const struct printing printing = request_printing(request, facts);
    uint64_t from = tip_of(facts);
    uint32_t limit;
    bool has_from;
    if (!request_limit(request, BLOCKS_DEFAULT, BLOCKS_MAX, &limit) ||
        !request_u64(request, "from", &from, &has_from))
        return OUTCOME_REFUSED;
    request->weight = 1 + limit / 50;
    if (has_from && (from == 0 || from > tip_of(facts)))
        return chain_data_refuse_missing(request, facts, from);

    writer_array(json);
    for (uint64_t height = from; limit > 0 && height > 0; height--, limit--) {
        uint8_t bytes[BLOCK_HEADER_BYTES];
        struct block_header header;
        if (read_header(facts, height, bytes) != STATUS_OK || !block_header_decode(bytes, &header))
            break;
        writer_object(json);
        put_summary(json, &printing, &header, block_header_hash(bytes),
                    facts->blocks->certified_height);
        writer_object_end(json);
    }
    writer_array_end(json);
    return OUTCOME_ANSWERED;
}

enum outcome chain_data_block(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const struct printing printing = request_printing(request, facts);
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    uint64_t height;
    if (!request_path_u64(request, "height", &height)) return OUTCOME_REFUSED;
    const enum status status = read_header(facts, height, bytes);
    if (status != STATUS_OK) return refuse_status(request, facts, status, height);
    if (!block_header_decode(bytes, &header))
        return request_refuse(request, REJECT_CHAIN_UNREADABLE, NULL, NULL);

    const struct chain_source *chain = facts->chain;
    const bool has_body = chain != NULL && chain->body != NULL && chain->first_body != NULL &&
                          height >= chain->first_body(chain->context);
    writer_object(json);
    put_summary(json, &printing, &header, block_header_hash(bytes),
                facts->blocks->certified_height);
    put_fields(json, &header);
    writer_key(json, "header");
    writer_hex(json, bytes, sizeof(bytes));
    writer_key_bool(json, "bodyHere", has_body);
    chain_data_put_certificate(json, facts, height);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* A block's own certificate, and no other's. False when it cannot be read. */
static bool put_own_certificate(struct writer *json, const struct facts *facts, uint64_t height)
{
    const struct chain_source *chain = facts->chain;
    struct chain_certificate certificate;
    enum status status = STATUS_NOT_FOUND;
    if (chain != NULL && chain->certificate != NULL && height <= facts->blocks->certified_height)
        status = chain->certificate(chain->context, height, &certificate);
    writer_key(json, "certificate");
    if (status == STATUS_OK) {
        put_signed(json, &certificate);
        writer_object_end(json);
    } else {
        writer_null(json);
    }
    return status == STATUS_OK || status == STATUS_NOT_FOUND;
}

/* Raw headers upwards, each with its own certificate if it has one: what a light node follows by. */
enum outcome chain_data_headers(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    uint64_t from = tip_of(facts);
    uint32_t limit;
    if (!request_limit(request, HEADERS_DEFAULT, HEADERS_MAX, &limit) ||
        !request_u64(request, "from", &from, NULL))
        return OUTCOME_REFUSED;
    request->weight = 2 + limit / 32;
    enum status status = from > tip_of(facts) ? STATUS_NOT_FOUND : read_header(facts, from, bytes);
    if (status != STATUS_OK) return refuse_status(request, facts, status, from);

    writer_array(json);
    for (uint64_t height = from; status == STATUS_OK; height++) {
        writer_object(json);
        writer_key(json, "header");
        writer_hex(json, bytes, sizeof(bytes));
        const bool readable = put_own_certificate(json, facts, height);
        writer_object_end(json);
        if (!readable || height - from + 1 == limit || height == tip_of(facts)) break;
        status = read_header(facts, height + 1, bytes);
    }
    writer_array_end(json);
    return OUTCOME_ANSWERED;
}

static void read_body(struct reading *reading, const struct chain_source *chain,
                      const struct proof_source *proofs)
{
    const uint8_t *bytes;
    size_t byte_count;
    (void)proofs;
    reading->status = STATUS_NOT_FOUND;
    if (chain != NULL && chain->body != NULL)
        reading->status = chain->body(chain->context, reading->height, &bytes, &byte_count);
    if (reading->status != STATUS_OK) return;
    reading->found = byte_count;
    if (reading->offset > byte_count) return;
    const size_t left = byte_count - (size_t)reading->offset;
    reading_take(reading, bytes + reading->offset, left < BODY_PIECE_MAX ? left : BODY_PIECE_MAX);
}

static enum outcome answer_body(struct request *request, const struct facts *facts)
{
    const struct reading *reading = &request->reading;
    if (reading->status != STATUS_OK)
        return refuse_status(request, facts, reading->status, reading->height);
    if (reading->offset > reading->found)
        return request_refuse(request, REJECT_DATA, "offset", NULL);
    request->sends_taken = true;
    request->content_type = "application/octet-stream";
    return OUTCOME_ANSWERED;
}

/* A piece of a body: who asks was checked before. */
enum outcome chain_data_body(struct request *request, const struct facts *facts)
{
    struct reading reading = {.read = read_body};
    if (!request_path_u64(request, "height", &reading.height) ||
        !request_u64(request, "offset", &reading.offset, NULL))
        return OUTCOME_REFUSED;
    if (reading.height == 0 || reading.height > tip_of(facts))
        return refuse_status(request, facts, STATUS_NOT_FOUND, reading.height);
    return request_read(request, &reading, answer_body);
}

/* ---- proofs ---- */

/* Whether the root is the one that the header above commits to; true when there is none yet. A proof that
 * does not fit the chain is not given to anybody. */
static bool root_is_committed(const struct facts *facts, uint64_t size, hash_t root)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    if (size >= tip_of(facts)) return true;
    if (read_header(facts, size + 1, bytes) != STATUS_OK || !block_header_decode(bytes, &header))
        return true;
    if (hash_equal(header.history_root, root)) return true;
    log_error("gateway", "the tree of headers does not fit the chain", "size=%lu", size);
    return false;
}

static enum status read_root(const struct facts *facts, uint64_t size, hash_t *root)
{
    const struct chain_source *chain = facts->chain;
    if (chain == NULL || chain->root == NULL) return STATUS_NOT_FOUND;
    const enum status status = chain->root(chain->context, size, root);
    if (status != STATUS_OK) return status;
    return root_is_committed(facts, size, *root) ? STATUS_OK : STATUS_DAMAGED;
}

static void put_path(struct writer *json, const struct chain_proof *proof)
{
    writer_key(json, "hashes");
    writer_array(json);
    for (uint32_t index = 0; index < proof->count; index++)
        writer_hex(json, proof->hashes[index].bytes, HASH_BYTES);
    writer_array_end(json);
}

/* 1 <= low <= high <= sealed height. */
static bool read_sizes(struct request *request, const struct facts *facts, const char *low_name,
                       uint64_t *low, const char *high_name, uint64_t *high)
{
    bool has_low;
    *high = tip_of(facts);
    *low = 0;
    if (!request_u64(request, low_name, low, &has_low) ||
        !request_u64(request, high_name, high, NULL))
        return false;
    request->refusal = refusal_of(REJECT_MANDATORY, low_name, NULL);
    if (!has_low) return false;
    if (*high > tip_of(facts)) {
        chain_data_refuse_missing(request, facts, *high);
        return false;
    }
    request->refusal = refusal_of(REJECT_DATA, low_name, NULL);
    return *low >= 1 && *low <= *high;
}

enum outcome chain_data_consistency(struct request *request, const struct facts *facts)
{
    const struct chain_source *chain = facts->chain;
    struct writer *json = &request->json;
    struct chain_proof proof;
    hash_t from_root, to_root;
    uint64_t from, to;
    if (!read_sizes(request, facts, "from", &from, "to", &to)) return OUTCOME_REFUSED;
    enum status status = read_root(facts, from, &from_root);
    if (status == STATUS_OK) status = read_root(facts, to, &to_root);
    if (status == STATUS_OK) status = chain->consistency(chain->context, from, to, &proof);
    if (status != STATUS_OK) return refuse_status(request, facts, status, from);

    writer_object(json);
    writer_key_u64(json, "from", from);
    writer_key_u64(json, "to", to);
    put_hash(json, "fromRoot", from_root);
    put_hash(json, "toRoot", to_root);
    put_path(json, &proof);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

enum outcome chain_data_inclusion(struct request *request, const struct facts *facts)
{
    const struct chain_source *chain = facts->chain;
    struct writer *json = &request->json;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct chain_proof proof;
    hash_t root;
    uint64_t height, at;
    if (!read_sizes(request, facts, "height", &height, "at", &at)) return OUTCOME_REFUSED;
    enum status status = read_root(facts, at, &root);
    if (status == STATUS_OK) status = read_header(facts, height, bytes);
    if (status == STATUS_OK) status = chain->inclusion(chain->context, height, at, &proof);
    if (status != STATUS_OK) return refuse_status(request, facts, status, height);

    writer_object(json);
    writer_key_u64(json, "height", height);
    writer_key_u64(json, "at", at);
    put_hash(json, "hash", block_header_hash(bytes));
    put_hash(json, "root", root);
    put_path(json, &proof);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}
