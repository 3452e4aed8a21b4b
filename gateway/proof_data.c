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

static enum outcome put_totals(struct request *request, const struct facts *facts,
                               const struct proof_bytes *bytes)
{
    static const char *const names[] = {"users",    "fees",     "rounding",
                                        "inFlight", "external", "house"};
    struct writer *json = &request->json;
    struct proof proof;
    struct proof_totals totals;
    const bool whole = proof_get(bytes->bytes, bytes->byte_count, &proof) &&
                       proof_totals_get(proof.subject, proof.subject_bytes, &totals);
    ASSERT(whole);

    writer_object(json);
    put_frame(request, facts, bytes, &proof);
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

static void read_totals(struct reading *reading, const struct chain_source *chain,
                        const struct proof_source *proofs)
{
    (void)chain;
    reading->status = STATUS_NOT_FOUND;
    if (proofs != NULL && proofs->totals != NULL)
        reading->status = proofs->totals(proofs->context, reading->height, &reading->bytes);
}

static enum outcome answer_totals(struct request *request, const struct facts *facts)
{
    const struct reading *reading = &request->reading;
    if (reading->status != STATUS_OK)
        return refuse_proof(request, reading->status, reading->height);
    return put_totals(request, facts, &reading->bytes);
}

/* Of late blocks from memory; others are in files. */
enum outcome proof_data_totals(struct request *request, const struct facts *facts)
{
    const struct proof_source *source = facts->proofs;
    struct reading reading = {.read = read_totals};
    struct proof_bytes bytes;
    if (!read_height(request, facts, &reading.height)) return OUTCOME_REFUSED;
    if (source != NULL && source->totals_kept != NULL &&
        source->totals_kept(source->context, reading.height, &bytes) == STATUS_OK)
        return put_totals(request, facts, &bytes);
    return request_read(request, &reading, answer_totals);
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

static enum outcome put_account(struct request *request, const struct facts *facts,
                                const struct proof_bytes *bytes)
{
    struct writer *json = &request->json;
    struct proof proof;
    struct proof_account account;
    const bool whole = proof_get(bytes->bytes, bytes->byte_count, &proof) &&
                       proof_account_get(proof.subject, proof.subject_bytes, &account);
    ASSERT(whole);

    writer_object(json);
    put_frame(request, facts, bytes, &proof);
    writer_key_u64(json, "account", request->account);
    writer_key_u64(json, "position", account.position);
    writer_key_u64(json, "depth", account.depth);
    put_leaf(json, facts, &account);
    put_path(json, account.siblings, account.depth);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

static void read_account(struct reading *reading, const struct chain_source *chain,
                         const struct proof_source *proofs)
{
    (void)chain;
    reading->status = STATUS_NOT_FOUND;
    if (proofs != NULL && proofs->account != NULL)
        reading->status =
            proofs->account(proofs->context, reading->account, reading->height, &reading->bytes);
}

static enum outcome answer_account(struct request *request, const struct facts *facts)
{
    const struct reading *reading = &request->reading;
    if (reading->status != STATUS_OK)
        return refuse_proof(request, reading->status, reading->height);
    return put_account(request, facts, &reading->bytes);
}

/* As totals. */
enum outcome proof_data_account(struct request *request, const struct facts *facts)
{
    const struct proof_source *source = facts->proofs;
    struct reading reading = {.read = read_account, .account = request->account};
    struct proof_bytes bytes;
    if (!read_height(request, facts, &reading.height)) return OUTCOME_REFUSED;
    if (source != NULL && source->account_kept != NULL &&
        source->account_kept(source->context, reading.account, reading.height, &bytes) == STATUS_OK)
        return put_account(request, facts, &bytes);
    return request_read(request, &reading, answer_account);
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

/* In the highest block that may be shown, or below: its height, and then its proof. */
static void read_trade(struct reading *reading, const struct chain_source *chain,
                       const struct proof_source *proofs)
{
    (void)chain;
    reading->status = STATUS_NOT_FOUND;
    if (proofs == NULL || proofs->trade == NULL || proofs->trade_height == NULL) return;
    reading->status =
        proofs->trade_height(proofs->context, reading->market, reading->id, &reading->found);
    if (reading->status != STATUS_OK || reading->found > reading->height) return;
    reading->status = proofs->trade(proofs->context, reading->market, reading->id, reading->found,
                                    &reading->bytes);
}

/* The trade, if it is one of the account's. What the leaf says of the other side (its account's number, its order, its
 * rate) nobody else is to see. */
static enum outcome answer_trade(struct request *request, const struct facts *facts)
{
    const struct reading *reading = &request->reading;
    struct writer *json = &request->json;
    struct proof proof;
    struct proof_trade trade;
    if (reading->status == STATUS_NOT_FOUND)
        return request_refuse(request, REJECT_NO_SUCH_TRADE, NULL, NULL);
    if (reading->status != STATUS_OK) return refuse_proof(request, reading->status, reading->found);
    if (reading->found > reading->height)
        return chain_data_refuse(request, REJECT_BLOCK_UNCERTIFIED, reading->found);
    const bool whole = proof_get(reading->bytes.bytes, reading->bytes.byte_count, &proof) &&
                       proof_trade_get(proof.subject, proof.subject_bytes, &trade);
    ASSERT(whole);
    if (trade.fill.maker_account != request->account &&
        trade.fill.taker_account != request->account)
        return request_refuse(request, REJECT_NO_SUCH_TRADE, NULL, NULL);

    writer_object(json);
    put_frame(request, facts, &reading->bytes, &proof);
    put_fill(json, facts, request->account, &trade);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

enum outcome proof_data_trade(struct request *request, const struct facts *facts)
{
    struct reading reading = {.read = read_trade, .height = facts->blocks->certified_height};
    bool is_sent;
    if (!request_market(request, facts, &reading.market)) return OUTCOME_REFUSED;
    if (!request_u64(request, "id", &reading.id, &is_sent)) return OUTCOME_REFUSED;
    if (!is_sent) return request_refuse(request, REJECT_MANDATORY, "id", NULL);
    return request_read(request, &reading, answer_trade);
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

static void read_liability(struct reading *reading, const struct chain_source *chain,
                           const struct proof_source *proofs)
{
    (void)chain;
    reading->status = STATUS_NOT_FOUND;
    if (proofs != NULL && proofs->liability != NULL)
        reading->status = proofs->liability(proofs->context, reading->account, reading->asset,
                                            reading->height, &reading->bytes);
}

static enum outcome answer_liability(struct request *request, const struct facts *facts)
{
    const struct reading *reading = &request->reading;
    if (reading->status == STATUS_OK) return put_liability(request, facts, &reading->bytes);
    if (reading->status != STATUS_NOT_FOUND)
        return refuse_proof(request, reading->status, reading->height);
    return chain_data_refuse(request, REJECT_NO_LIABILITIES, reading->height);
}

enum outcome proof_data_liability(struct request *request, const struct facts *facts)
{
    struct reading reading = {.read = read_liability, .account = request->account};
    bool is_sent;
    if (!request_u64(request, "height", &reading.height, &is_sent) ||
        !intent_admin_asset(request->form, "asset", facts->params, &reading.asset,
                            &request->refusal))
        return OUTCOME_REFUSED;
    if (!is_sent) return request_refuse(request, REJECT_MANDATORY, "height", NULL);
    return request_read(request, &reading, answer_liability);
}

/* ---- a release ---- */

/* The withdrawal that the connector asks about, if it is one of its routes'. */
static const struct withdrawal_moved_event *find_withdrawal(const struct request *request,
                                                            const struct facts *facts,
                                                            uint64_t number)
{
    const struct withdrawal_moved_event *withdrawal =
        custody_view_withdrawal(view_custody(facts->view), number);
    const int signer = auth_signer(facts->genesis, facts->params, request->proof.key_id);
    if (withdrawal == NULL || signer < PARAMS_CONNECTOR_FIRST) return withdrawal;
    const int route = params_find_route(facts->params, withdrawal->chain, withdrawal->asset);
    return route >= 0 && facts->params->routes[route].connector == signer ? withdrawal : NULL;
}

static void read_release(struct reading *reading, const struct chain_source *chain,
                         const struct proof_source *proofs)
{
    (void)chain;
    reading->status = STATUS_NOT_FOUND;
    if (proofs != NULL && proofs->release != NULL)
        reading->status =
            proofs->release(proofs->context, reading->id, reading->height, &reading->bytes);
}

/* The withdrawal may have gone on meanwhile, or be forgotten. */
static enum outcome answer_release(struct request *request, const struct facts *facts)
{
    const struct reading *reading = &request->reading;
    const struct printing printing = request_printing(request, facts);
    struct writer *json = &request->json;
    struct proof proof;
    if (reading->status != STATUS_OK)
        return refuse_proof(request, reading->status, reading->height);
    const struct withdrawal_moved_event *withdrawal = find_withdrawal(request, facts, reading->id);
    if (withdrawal == NULL) return request_refuse(request, REJECT_UNKNOWN_WITHDRAWAL, NULL, NULL);
    const bool whole = proof_get(reading->bytes.bytes, reading->bytes.byte_count, &proof);
    ASSERT(whole);

    writer_object(json);
    put_frame(request, facts, &reading->bytes, &proof);
    writer_key(json, "withdrawal");
    reply_withdrawal(json, &printing, withdrawal, facts->blocks->certified_height);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* That the withdrawal is approved in a certified block: what whoever pays it out checks before it does. */
enum outcome proof_data_release(struct request *request, const struct facts *facts)
{
    struct reading reading = {.read = read_release};
    bool is_sent;
    if (!request_u64(request, "withdrawal", &reading.id, &is_sent)) return OUTCOME_REFUSED;
    if (!is_sent) return request_refuse(request, REJECT_MANDATORY, "withdrawal", NULL);
    const struct withdrawal_moved_event *withdrawal = find_withdrawal(request, facts, reading.id);
    if (withdrawal == NULL) return request_refuse(request, REJECT_UNKNOWN_WITHDRAWAL, NULL, NULL);
    if (withdrawal->block == 0) return request_refuse(request, REJECT_WITHDRAWAL_STATE, NULL, NULL);
    if (withdrawal->block > facts->blocks->certified_height)
        return request_refuse(request, REJECT_NOT_CERTIFIED, NULL, NULL);
    reading.height = withdrawal->block;
    return request_read(request, &reading, answer_release);
}
