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

static void read_list(struct reading *reading, const struct chain_source *chain,
                      const struct proof_source *proofs)
{
    struct proof_published list[PROOF_PUBLISHED_MAX];
    (void)chain;
    reading->found = 0;
    if (proofs != NULL && proofs->published != NULL)
        reading->found = proofs->published(proofs->context, list);
    reading->status = STATUS_OK;
    reading_take(reading, list, reading->found * sizeof(list[0]));
}

static enum outcome answer_list(struct request *request, const struct facts *facts)
{
    const struct reading *reading = &request->reading;
    const struct proof_published *list = reading->taken;
    if (reading->status != STATUS_OK)
        return request_refuse(request, REJECT_CHAIN_UNREADABLE, NULL, NULL);
    writer_array(&request->json);
    for (uint64_t i = 0; i < reading->found; i++)
        put_published(&request->json, facts, &list[i], request->time_unit_ns);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome liabilities_data_list(struct request *request, const struct facts *facts)
{
    (void)facts;
    return request_read(request, &(struct reading){.read = read_list}, answer_list);
}

/* ---- the file ---- */

static enum outcome refuse_missing(struct request *request, enum status status, uint64_t height)
{
    if (status == STATUS_NOT_FOUND)
        return chain_data_refuse(request, REJECT_NO_LIABILITIES, height);
    return request_refuse(request, REJECT_CHAIN_UNREADABLE, NULL, NULL);
}

static void read_piece(struct reading *reading, const struct chain_source *chain,
                       const struct proof_source *proofs)
{
    struct proof_bytes piece;
    (void)chain;
    reading->status = STATUS_NOT_FOUND;
    if (proofs != NULL && proofs->published_piece != NULL)
        reading->status = proofs->published_piece(proofs->context, reading->height, reading->offset,
                                                  reading->length, &piece);
    if (reading->status == STATUS_OK) reading_take(reading, piece.bytes, piece.byte_count);
}

static enum outcome answer_piece(struct request *request, const struct facts *facts)
{
    const struct reading *reading = &request->reading;
    (void)facts;
    if (reading->status != STATUS_OK)
        return refuse_missing(request, reading->status, reading->height);
    request->sends_taken = true;
    request->content_type = "application/octet-stream";
    return OUTCOME_ANSWERED;
}

enum outcome liabilities_data_file(struct request *request, const struct facts *facts)
{
    struct reading reading = {.read = read_piece, .length = PIECE_DEFAULT};
    bool is_sent;
    (void)facts;
    if (!request_u64(request, "height", &reading.height, &is_sent) ||
        !request_u64(request, "offset", &reading.offset, NULL) ||
        !request_u64(request, "length", &reading.length, NULL))
        return OUTCOME_REFUSED;
    if (!is_sent) return request_refuse(request, REJECT_MANDATORY, "height", NULL);
    if (reading.length == 0) return request_refuse(request, REJECT_DATA, "length", NULL);
    if (reading.length > PROOF_PIECE_MAX) reading.length = PROOF_PIECE_MAX;
    return request_read(request, &reading, answer_piece);
}
