#include "node/light_page.h"

#include <jansson.h>
#include <string.h>

/* ---- Fields ---- */

static bool get_u64(const json_t *object, const char *name, uint64_t *value)
{
    const json_t *field = json_object_get(object, name);
    if (!json_is_integer(field) || json_integer_value(field) < 0) return false;
    *value = (uint64_t)json_integer_value(field);
    return true;
}

static bool hex_of(const json_t *field, uint8_t *bytes, size_t byte_count)
{
    const char *text = json_string_value(field);
    return text != NULL && hash_from_hex(text, json_string_length(field), bytes, byte_count);
}

static bool get_hex(const json_t *object, const char *name, uint8_t *bytes, size_t byte_count)
{
    return hex_of(json_object_get(object, name), bytes, byte_count);
}

/* ---- Pages ---- */

static bool read_vote(const json_t *object, struct certificate *certificate)
{
    struct certificate_vote *vote = &certificate->votes[certificate->vote_count];
    const uint32_t last =
        certificate->vote_count > 0 ? certificate->votes[certificate->vote_count - 1].node : 0;
    uint64_t node;
    if (!get_u64(object, "node", &node) || node <= last || node > UINT32_MAX) return false;
    vote->node = (uint32_t)node;
    certificate->vote_count++;
    return get_hex(object, "signature", vote->signature, SIGNATURE_BYTES);
}

static bool read_certificate(const json_t *object, struct certificate *certificate)
{
    const json_t *votes = json_object_get(object, "votes"), *vote;
    size_t i;
    certificate->vote_count = 0;
    if (!get_u64(object, "height", &certificate->height) ||
        !get_u64(object, "epoch", &certificate->epoch) ||
        !get_hex(object, "headerHash", certificate->header_hash.bytes, HASH_BYTES) ||
        !json_is_array(votes) || json_array_size(votes) > GENESIS_VALIDATORS_LIMIT)
        return false;
    json_array_foreach(votes, i, vote)
    {
        if (!read_vote(vote, certificate)) return false;
    }
    return true;
}

static const char *read_row(const json_t *object, struct light_row *row)
{
    const json_t *certificate = json_object_get(object, "certificate");
    if (!get_hex(object, "header", row->header, BLOCK_HEADER_BYTES)) return "a header is malformed";
    row->is_signed = !json_is_null(certificate);
    if (row->is_signed && !read_certificate(certificate, &row->certificate))
        return "a certificate is malformed";
    return NULL;
}

const char *light_page_read(const char *text, size_t byte_count, struct light_page *page)
{
    json_t *root = json_loadb(text, byte_count, JSON_REJECT_DUPLICATES, NULL);
    const json_t *object;
    const char *fault = NULL;
    size_t i;
    page->count = 0;
    if (!json_is_array(root)) fault = "the answer is no page of headers";
    if (fault == NULL && json_array_size(root) == 0) fault = "the page is empty";
    if (fault == NULL && json_array_size(root) > LIGHT_PAGE_MAX) fault = "the page is too long";
    if (fault == NULL) {
        json_array_foreach(root, i, object)
        {
            fault = read_row(object, &page->rows[i]);
            if (fault != NULL) break;
            page->count++;
        }
    }
    json_decref(root);
    if (fault != NULL) page->count = 0;
    return fault;
}

/* ---- Proofs ---- */

static bool read_path(const json_t *root, struct merkle_path *path)
{
    const json_t *hashes = json_object_get(root, "hashes"), *hash;
    size_t i;
    path->count = 0;
    if (!json_is_array(hashes) || json_array_size(hashes) > MERKLE_DEPTH_MAX + 1) return false;
    json_array_foreach(hashes, i, hash)
    {
        if (!hex_of(hash, path->hashes[path->count++].bytes, HASH_BYTES)) return false;
    }
    return true;
}

/* Each kind of proof by the fields that only it has. A new kind is a new row. */
static const struct {
    enum light_proof_kind kind;
    const char *low, *high, *low_hash, *root;
} proofs[] = {
    {LIGHT_PROOF_INCLUSION, "height", "at", "hash", "root"},
    {LIGHT_PROOF_CONSISTENCY, "from", "to", "fromRoot", "toRoot"},
};

static const char *read_proof(const json_t *root, struct light_proof *proof)
{
    for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
        if (json_object_get(root, proofs[i].low) == NULL ||
            json_object_get(root, proofs[i].high) == NULL)
            continue;
        proof->kind = proofs[i].kind;
        if (!get_u64(root, proofs[i].low, &proof->low) ||
            !get_u64(root, proofs[i].high, &proof->high) || proof->low == 0 ||
            proof->low > proof->high)
            return "its sizes are none";
        if (!get_hex(root, proofs[i].low_hash, proof->low_hash.bytes, HASH_BYTES) ||
            !get_hex(root, proofs[i].root, proof->root.bytes, HASH_BYTES) ||
            !read_path(root, &proof->path))
            return "its hashes are malformed";
        return NULL;
    }
    return "it is no proof that this program knows";
}

const char *light_page_proof(const char *text, size_t byte_count, struct light_proof *proof)
{
    json_t *root = json_loadb(text, byte_count, JSON_REJECT_DUPLICATES, NULL);
    const char *fault = json_is_object(root) ? read_proof(root, proof) : "it is no JSON object";
    json_decref(root);
    return fault;
}

int light_page_refusal(const char *text, size_t byte_count)
{
    json_t *root = json_loadb(text, byte_count, 0, NULL);
    const json_int_t code = json_integer_value(json_object_get(root, "code"));
    json_decref(root);
    return code < 0 && code > -100000 ? (int)code : 0;
}
