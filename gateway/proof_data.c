#include "common/intent_admin.h"
#include "gateway/chain_data.h"
#include "gateway/reply_custody.h"
#include "gateway/route.h"

/* `height`, or the last certified block. */
static bool read_height(struct request *request, const struct facts *facts, uint64_t *height)
{
    const uint64_t certified = facts->blocks->certified_height;
    bool is_sent;
    *height = certified;
    if (!request_u64(request, "height", height, &is_sent)) return false;
    if (is_sent && (*height == 0 || *height > facts->blocks->height)) {
        chain_data_refuse_missing(request, facts, *height);
        return false;
    }
    if (*height != 0 && *height <= certified) return true;
    chain_data_refuse(request, REJECT_BLOCK_UNCERTIFIED, *height == 0 ? 1 : *height);
    return false;
}

static enum outcome refuse_proof(struct request *request, enum status status, uint64_t height)
{
    if (status == STATUS_NOT_FOUND) return chain_data_refuse(request, REJECT_NOT_PROVABLE, height);
    return request_refuse(request, REJECT_CHAIN_UNREADABLE, NULL, NULL);
}

static void put_hash(struct writer *json, const char *name, const uint8_t bytes[HASH_BYTES])
{
    writer_key(json, name);
    writer_hex(json, bytes, HASH_BYTES);
}

static void put_path(struct writer *json, const hash_t *hashes, uint32_t count)
{
    writer_key(json, "path");
    writer_array(json);
    for (uint32_t i = 0; i < count; i++)
        writer_hex(json, hashes[i].bytes, HASH_BYTES);
    writer_array_end(json);
}

/* What every proof has: its block, the certificate, and the bytes that a verifier takes. */
static void put_frame(struct request *request, const struct facts *facts,
                      const struct proof_bytes *bytes, const struct proof *proof)
{
    struct writer *json = &request->json;
    const struct printing printing = request_printing(request, facts);
    struct block_header header;
    const bool whole = block_header_decode(proof->headers, &header);
    ASSERT(whole); /* whoever made the proof read it */
    writer_key_u64(json, "height", header.height);
    writer_key_u64(json, "time", header.time_ns / printing.time_unit_ns);
    put_hash(json, "hash", block_header_hash(proof->headers).bytes);
    writer_key(json, "header");
    writer_hex(json, proof->headers, BLOCK_HEADER_BYTES);
    chain_data_put_certificate(json, facts, header.height);
    writer_key(json, "proof");
    writer_hex(json, bytes->bytes, bytes->byte_count);
}

/* ---- totals ---- */

enum outcome proof_data_totals(struct request *request, const struct facts *facts)
{
    static const char *const names[] = {"users",    "fees",     "rounding",
                                        "inFlight", "external", "house"};
    const struct proof_source *source = facts->proofs;
    struct writer *json = &request->json;
    struct proof_bytes bytes;
    struct proof proof;
    struct proof_totals totals;
    uint64_t height;
    if (!read_height(request, facts, &height)) return OUTCOME_REFUSED;
    enum status status = STATUS_NOT_FOUND;
    if (source != NULL && source->totals != NULL)
        status = source->totals(source->context, height, &bytes);
    if (status != STATUS_OK) return refuse_proof(request, status, height);
    const bool whole = proof_get(bytes.bytes, bytes.byte_count, &proof) &&
                       proof_totals_get(proof.subject, proof.subject_bytes, &totals);
    ASSERT(whole);

    writer_object(json);
    put_frame(request, facts, &bytes, &proof);
    writer_key(json, "totals");
    writer_array(json);
    for (uint32_t i = 0; i < totals.count; i++) {
        const struct proof_total *total = &totals.assets[i];
        const struct asset *asset = &facts->params->assets[total->asset];
        const __int128 values[] = {total->users,     total->fees,     total->rounding,
                                   total->in_flight, total->external, total->house};
        writer_object(json);
        writer_key_string(json, "asset", asset->symbol);
        writer_key_u64(json, "index", total->asset);
        writer_key_u64(json, "decimals", asset->decimals);
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            writer_key_decimal(json, names[k], values[k], asset->decimals);
        writer_object_end(json);
    }
    writer_array_end(json);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* ---- an account ---- */

static void put_leaf(struct writer *json, const struct facts *facts,
                     const struct proof_account *account)
{
    writer_key(json, "leaf");
    writer_object(json);
    put_hash(json, "salt", account->salt.bytes);
    put_hash(json, "publicKey", account->public_key);
    writer_key(json, "balances");
    writer_array(json);
    for (uint16_t i = 0; i < account->count; i++) {
        const struct proof_balance *balance = &account->balances[i];
        const struct asset *asset = &facts->params->assets[balance->asset];
        writer_object(json);
        writer_key_string(json, "asset", asset->symbol);
        writer_key_u64(json, "index", balance->asset);
        writer_key_u64(json, "decimals", asset->decimals);
        writer_key_decimal(json, "free", balance->available, asset->decimals);
        writer_key_decimal(json, "locked", balance->held, asset->decimals);
        writer_object_end(json);
    }
    writer_array_end(json);
    writer_object_end(json);
}

enum outcome proof_data_account(struct request *request, const struct facts *facts)
{
    const struct proof_source *source = facts->proofs;
    struct writer *json = &request->json;
    struct proof_bytes bytes;
    struct proof proof;
    struct proof_account account;
    uint64_t height;
    if (!read_height(request, facts, &height)) return OUTCOME_REFUSED;
    enum status status = STATUS_NOT_FOUND;
    if (source != NULL && source->account != NULL)
        status = source->account(source->context, request->account, height, &bytes);
    if (status != STATUS_OK) return refuse_proof(request, status, height);
    const bool whole = proof_get(bytes.bytes, bytes.byte_count, &proof) &&
                       proof_account_get(proof.subject, proof.subject_bytes, &account);
    ASSERT(whole);

    writer_object(json);
    put_frame(request, facts, &bytes, &proof);
    writer_key_u64(json, "account", request->account);
    writer_key_u64(json, "position", account.position);
    writer_key_u64(json, "depth", account.depth);
    put_leaf(json, facts, &account);
    put_path(json, account.siblings, account.depth);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* ---- a trade ---- */

static void put_fill(struct writer *json, const struct facts *facts, uint32_t account,
                     const struct proof_trade *trade)
{
    const struct fill_event *fill = &trade->fill;
    const struct market *market = &facts->params->markets[fill->market];
    const bool buyer_is_taker = fill->taker_side == BUY;
    const bool is_maker = fill->maker_account == account;
    writer_key_string(json, "symbol", market->symbol);
    writer_key_u64(json, "id", fill->trade_id);
    writer_key_u64(json, "orderId", is_maker ? fill->maker_order : fill->taker_order);
    writer_key_i64(json, "priceTicks", fill->price.ticks);
    writer_key_i64(json, "qtyLots", fill->qty.lots);
    writer_key_bool(json, "isMaker", is_maker);
    writer_key_bool(json, "isBuyer", is_maker != buyer_is_taker);
    writer_key_u64(json, "command", trade->command);
    writer_key_u64(json, "ordinal", trade->ordinal);
    writer_key_u64(json, "index", trade->index);
    writer_key(json, "leaf");
    writer_hex(json, trade->leaf, sizeof(trade->leaf));
    put_path(json, trade->path, trade->path_count);
}

/* The market's trade `id`, if it is one of the account's. What the leaf says of the other side (its account's number,
 * its order, its rate) nobody else is to see. */
static enum status find_trade(const struct request *request, const struct proof_source *source,
                              uint16_t market, uint64_t id, uint64_t certified, uint64_t *height,
                              struct proof_bytes *bytes, struct proof *proof,
                              struct proof_trade *trade)
{
    if (source == NULL || source->trade == NULL || source->trade_height == NULL)
        return STATUS_NOT_FOUND;
    enum status status = source->trade_height(source->context, market, id, height);
    if (status != STATUS_OK || *height > certified) return status;
    status = source->trade(source->context, market, id, *height, bytes);
    if (status != STATUS_OK) return status;
    const bool whole = proof_get(bytes->bytes, bytes->byte_count, proof) &&
                       proof_trade_get(proof->subject, proof->subject_bytes, trade);
    ASSERT(whole);
    const bool is_party = trade->fill.maker_account == request->account ||
                          trade->fill.taker_account == request->account;
    return is_party ? STATUS_OK : STATUS_NOT_FOUND;
}

enum outcome proof_data_trade(struct request *request, const struct facts *facts)
{
    struct writer *json = &request->json;
    const uint64_t certified = facts->blocks->certified_height;
    struct proof_bytes bytes;
    struct proof proof;
    struct proof_trade trade;
    uint64_t id = 0, height = 0;
    uint16_t market;
    bool is_sent;
    if (!request_market(request, facts, &market)) return OUTCOME_REFUSED;
    if (!request_u64(request, "id", &id, &is_sent)) return OUTCOME_REFUSED;
    if (!is_sent) return request_refuse(request, REJECT_MANDATORY, "id", NULL);
    const enum status status =
        find_trade(request, facts->proofs, market, id, certified, &height, &bytes, &proof, &trade);
    if (status == STATUS_NOT_FOUND)
        return request_refuse(request, REJECT_NO_SUCH_TRADE, NULL, NULL);
    if (status != STATUS_OK) return refuse_proof(request, status, height);
    if (height > certified) return chain_data_refuse(request, REJECT_BLOCK_UNCERTIFIED, height);

    writer_object(json);
    put_frame(request, facts, &bytes, &proof);
    put_fill(json, facts, request->account, &trade);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* ---- an account's part of the liabilities ---- */

static void put_parts(struct writer *json, const struct liabilities_opening *opening)
{
    writer_key(json, "parts");
    writer_array(json);
    for (uint32_t i = 0; i < opening->part_count; i++) {
        const struct liabilities_part *part = &opening->parts[i];
        writer_object(json);
        writer_key_u64(json, "position", part->position);
        writer_key_u64(json, "amount", part->amount);
        put_hash(json, "nonce", part->nonce.bytes);
        writer_object_end(json);
    }
    writer_array_end(json);
}

static enum outcome put_liability(struct request *request, const struct facts *facts,
                                  const struct proof_bytes *bytes)
{
    struct writer *json = &request->json;
    struct proof proof;
    struct liabilities_opening opening;
    unsigned __int128 total = 0;
    const bool whole = proof_get(bytes->bytes, bytes->byte_count, &proof) &&
                       liabilities_opening_get(proof.subject, proof.subject_bytes, &opening);
    ASSERT(whole);
    const struct asset *asset = &facts->params->assets[opening.asset];
    const hash_t root = liabilities_root(&opening.head);
    for (uint32_t i = 0; i < opening.part_count; i++)
        total += opening.parts[i].amount;

    writer_object(json);
    put_frame(request, facts, bytes, &proof);
    writer_key_u64(json, "account", request->account);
    put_hash(json, "publicKey", opening.public_key);
    writer_key_string(json, "asset", asset->symbol);
    writer_key_u64(json, "index", opening.asset);
    writer_key_u64(json, "decimals", asset->decimals);
    put_hash(json, "root", root.bytes);
    writer_key_decimal(json, "total", (__int128)total, asset->decimals);
    put_parts(json, &opening);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

enum outcome proof_data_liability(struct request *request, const struct facts *facts)
{
    const struct proof_source *source = facts->proofs;
    struct proof_bytes bytes;
    uint64_t height = 0;
    uint16_t asset;
    bool is_sent;
    if (!request_u64(request, "height", &height, &is_sent) ||
        !intent_admin_asset(request->form, "asset", facts->params, &asset, &request->refusal))
        return OUTCOME_REFUSED;
    if (!is_sent) return request_refuse(request, REJECT_MANDATORY, "height", NULL);
    enum status status = STATUS_NOT_FOUND;
    if (source != NULL && source->liability != NULL)
        status = source->liability(source->context, request->account, asset, height, &bytes);
    if (status == STATUS_OK) return put_liability(request, facts, &bytes);
    if (status != STATUS_NOT_FOUND) return refuse_proof(request, status, height);
    return chain_data_refuse(request, REJECT_NO_LIABILITIES, height);
}

/* ---- a release ---- */

/* The withdrawal that the connector asks about, if it is one of its routes'. */
static const struct withdrawal_changed_event *find_withdrawal(const struct request *request,
                                                              const struct facts *facts,
                                                              uint64_t number)
{
    const struct withdrawal_changed_event *withdrawal =
        custody_view_withdrawal(view_custody(facts->view), number);
    const int signer = auth_signer(facts->genesis, facts->params, request->proof.key_id);
    if (withdrawal == NULL || signer < PARAMS_CONNECTOR_FIRST) return withdrawal;
    const int route = params_find_route(facts->params, withdrawal->chain, withdrawal->asset);
    return route >= 0 && facts->params->routes[route].connector == signer ? withdrawal : NULL;
}

/* That the withdrawal is approved in a certified block: what whoever pays it out checks before it does. */
enum outcome proof_data_release(struct request *request, const struct facts *facts)
{
    const struct proof_source *source = facts->proofs;
    const struct printing printing = request_printing(request, facts);
    const uint64_t certified = facts->blocks->certified_height;
    struct writer *json = &request->json;
    struct proof_bytes bytes;
    struct proof proof;
    uint64_t id = 0;
    bool is_sent;
    if (!request_u64(request, "withdrawal", &id, &is_sent)) return OUTCOME_REFUSED;
    if (!is_sent) return request_refuse(request, REJECT_MANDATORY, "withdrawal", NULL);
    const struct withdrawal_changed_event *withdrawal = find_withdrawal(request, facts, id);
    if (withdrawal == NULL) return request_refuse(request, REJECT_UNKNOWN_WITHDRAWAL, NULL, NULL);
    if (withdrawal->block == 0) return request_refuse(request, REJECT_WITHDRAWAL_STATE, NULL, NULL);
    if (withdrawal->block > certified)
        return request_refuse(request, REJECT_NOT_CERTIFIED, NULL, NULL);
    enum status status = STATUS_NOT_FOUND;
    if (source != NULL && source->release != NULL)
        status = source->release(source->context, id, withdrawal->block, &bytes);
    if (status != STATUS_OK) return refuse_proof(request, status, withdrawal->block);
    const bool whole = proof_get(bytes.bytes, bytes.byte_count, &proof);
    ASSERT(whole);

    writer_object(json);
    put_frame(request, facts, &bytes, &proof);
    writer_key(json, "withdrawal");
    reply_withdrawal(json, &printing, withdrawal, certified);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}
