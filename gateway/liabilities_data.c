#include "gateway/chain_data.h"
#include "gateway/route.h"

#define PIECE_DEFAULT (256u * 1024)

/* ---- the list ---- */

static void put_row(struct writer *json, const struct facts *facts,
                    const struct liabilities_row *row)
{
    const struct asset *asset = &facts->params->assets[row->asset];
    writer_object(json);
    writer_key_string(json, "asset", asset->symbol);
    writer_key_u64(json, "index", row->asset);
    writer_key_u64(json, "decimals", asset->decimals);
    writer_key_u64(json, "leaves", row->leaf_count);
    writer_key_decimal(json, "sum", (__int128)row->sum, asset->decimals);
    writer_key(json, "root");
    writer_hex(json, row->root.bytes, HASH_BYTES);
    writer_object_end(json);
}

static void put_published(struct writer *json, const struct facts *facts,
                          const struct proof_published *published, uint64_t time_unit_ns)
{
    const struct liabilities_head *head = &published->head;
    const hash_t root = liabilities_root(head);
    writer_object(json);
    writer_key_u64(json, "height", published->height);
    writer_key_u64(json, "time", published->time_ns / time_unit_ns);
    writer_key_bool(json, "certified", published->is_certified);
    writer_key(json, "root");
    writer_hex(json, root.bytes, HASH_BYTES);
    writer_key_u64(json, "bytes", published->bytes);
    if (published->is_certified) {
        writer_key(json, "sha256");
        writer_hex(json, published->sha256.bytes, HASH_BYTES);
    }
    writer_key(json, "assets");
    writer_array(json);
    for (uint32_t i = 0; i < head->asset_count; i++)
        put_row(json, facts, &head->assets[i]);
    writer_array_end(json);
    writer_object_end(json);
}

enum outcome liabilities_data_list(struct request *request, const struct facts *facts)
{
    const struct proof_source *source = facts->proofs;
    struct proof_published list[PROOF_PUBLISHED_MAX];
    uint32_t count = 0;
    if (source != NULL && source->published != NULL)
        count = source->published(source->context, list);
    writer_array(&request->json);
    for (uint32_t i = 0; i < count; i++)
        put_published(&request->json, facts, &list[i], request->time_unit_ns);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* ---- the file ---- */

static enum outcome refuse_missing(struct request *request, enum status status, uint64_t height)
{
    if (status == STATUS_NOT_FOUND)
        return chain_data_refuse(request, REJECT_NO_LIABILITIES, height);
    return request_refuse(request, REJECT_CHAIN_UNREADABLE, NULL, NULL);
}

enum outcome liabilities_data_file(struct request *request, const struct facts *facts)
{
    const struct proof_source *source = facts->proofs;
    uint64_t height = 0, offset = 0, length = PIECE_DEFAULT;
    struct proof_bytes piece;
    bool is_sent;
    if (!request_u64(request, "height", &height, &is_sent) ||
        !request_u64(request, "offset", &offset, NULL) ||
        !request_u64(request, "length", &length, NULL))
        return OUTCOME_REFUSED;
    if (!is_sent) return request_refuse(request, REJECT_MANDATORY, "height", NULL);
    if (length == 0) return request_refuse(request, REJECT_DATA, "length", NULL);
    if (length > PROOF_PIECE_MAX) length = PROOF_PIECE_MAX;
    enum status status = STATUS_NOT_FOUND;
    if (source != NULL && source->published_piece != NULL)
        status = source->published_piece(source->context, height, offset, length, &piece);
    if (status != STATUS_OK) return refuse_missing(request, status, height);
    writer_raw(&request->json, (const char *)piece.bytes, piece.byte_count);
    request->content_type = "application/octet-stream";
    return OUTCOME_ANSWERED;
}
