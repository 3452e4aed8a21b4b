/* What a small exchange with four voters hands out, for the verifiers that share no code with it, and how ours judges
 * what they made of it.
 *
 *     sample FOLDER             writes
 *         trust.json, keys.json      whom to believe; the voters' seeds, for whoever forges
 *         account-1, -2, trade, totals, release    proofs; certified themselves, or by a block above
 *         opening-ACCOUNT-ASSET, holder-ACCOUNT    of the liabilities' height
 *         liabilities, forged-omitted, -negative, -asset      whole files that every voter signed, right and lies
 *         history.json               blocks 1 .. 42 and a consistency proof for all 1 <= from <= to <= 40
 *     sample --judge PATH ...   says of each what is wrong with it, as proof or as liabilities, a line each
 */

#include "ledger/history_store.h"
#include "tests/unit/node/owed.h"
#include "tests/unit/node/payout.h"

#include <unistd.h>

#define SAMPLE_VOTERS  4
#define SAMPLE_QUORUM  3
#define SAMPLE_HEADERS 42 /* of the history; any of three is certified by the block above it */
#define SAMPLE_SIZES   40

static struct owed owed;
static struct proved proved;
static const char *folder;

static void write_file(const char *name, const void *bytes, size_t byte_count)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, byte_count, file) != byte_count || fclose(file) != 0)
        abort();
}

/* ---- the story ---- */

/* What a withdrawal costs from here on. */
static void charge(struct journal *journal)
{
    uint8_t payload[256];
    const struct route_fee_set_command fee = {
        .nonce = ++journal->nonce, .fee = {20000}, .asset = JOURNAL_BTC, .chain = "ETH"};
    route_fee_set_command_put(payload, &fee);
    journal_operate(journal, T_ROUTE_FEE_SET, payload,
                    "action=route-fee-set&chain=ETH&asset=BTC&withdrawFee=0.0002");
}

/* Three withdrawals that need nobody's approval, each for a fee, and five trades. */
static void pay_and_trade(struct journal *journal)
{
    struct payout payout;
    payout_begin(&payout, journal);
    charge(journal);
    for (char id = 'a'; id <= 'c'; id++)
        payout_ask(&payout, id);
    for (int i = 0; i < 5; i++)
        journal_order(journal, 1, SELL, 4999000 + i, 1000);
    journal_order(journal, 2, BUY, 4999010, 5000);
}

static const struct story_plan plan = {
    .voters = SAMPLE_VOTERS, .rules = PARAMS_RULES_CHARGES, .more = pay_and_trade};

/* ---- trust and keys ---- */

static void hex_of(const void *bytes, size_t byte_count, FILE *file)
{
    const uint8_t *at = bytes;
    fputc('"', file);
    for (size_t i = 0; i < byte_count; i++)
        fprintf(file, "%02x", at[i]);
    fputc('"', file);
}

static FILE *open_json(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) abort();
    return file;
}

static void write_trust(const struct genesis *genesis)
{
    FILE *trust = open_json("trust.json"), *keys = open_json("keys.json");
    const hash_t chain_id = genesis_chain_id(genesis);
    fprintf(trust, "{\"chainId\":");
    hex_of(chain_id.bytes, HASH_BYTES, trust);
    fprintf(trust, ",\"validators\":[");
    fputc('[', keys);
    for (uint32_t id = 1; id <= genesis->validators.count; id++) {
        uint8_t seed[32];
        const char *comma = id == 1 ? "" : ",";
        story_voter_seed(id, seed);
        fprintf(trust, "%s{\"node\":%u,\"publicKey\":", comma, id);
        hex_of(genesis->validators.members[id - 1].public_key, PUBLIC_KEY_BYTES, trust);
        fputc('}', trust);
        fprintf(keys, "%s{\"node\":%u,\"seed\":", comma, id);
        hex_of(seed, sizeof(seed), keys);
        fputc('}', keys);
    }
    fprintf(trust, "]}");
    fputc(']', keys);
    if (fclose(trust) != 0 || fclose(keys) != 0) abort();
}

/* ---- proofs ---- */

static void write_proof(const char *name, enum status status, const struct proof_bytes *proof)
{
    if (status != STATUS_OK) abort();
    write_file(name, proof->bytes, proof->byte_count);
}

/* Of block 2, which block 5 certifies. */
static void write_proofs(void)
{
    const struct proof_source *source = proved.source;
    struct proof_bytes proof;
    write_proof("account-1", source->account(source->context, 1, 2, &proof), &proof);
    write_proof("account-2", source->account(source->context, 2, 2, &proof), &proof);
    write_proof("totals", source->totals(source->context, 2, &proof), &proof);
    write_proof("trade", source->trade(source->context, 0, 3, 2, &proof), &proof);
    write_proof("release", source->release(source->context, 2, 2, &proof), &proof);
}

/* ---- liabilities ---- */

/* Whatever the account has is opened. */
static void write_holder(uint32_t account)
{
    static struct liabilities_opening opening;
    static struct proof_account leaf;
    static uint8_t bytes[PROOF_BYTES_MAX];
    const struct proof_source *source = owed.proved.source;
    struct proof_bytes made;
    struct proof proof;
    char name[64];
    const enum status status = source->account(source->context, account, owed_height(&owed), &made);
    snprintf(name, sizeof(name), "holder-%u", account);
    write_proof(name, status, &made);
    if (!proof_get(made.bytes, made.byte_count, &proof) ||
        !proof_account_get(proof.subject, proof.subject_bytes, &leaf))
        abort();
    for (uint16_t i = 0; i < leaf.count; i++) {
        owed_open(&owed, account, leaf.balances[i].asset, &opening);
        snprintf(name, sizeof(name), "opening-%u-%u", account, leaf.balances[i].asset);
        write_file(name, bytes, owed_frame(&owed, &opening, bytes));
    }
}

/* The first leaf that has an amount. */
static uint8_t *somebodys_leaf(void)
{
    uint8_t *at = owed.file + owed_leaves_at(&owed.head);
    while (le_get_u64(at) == 0)
        at += LIABILITIES_LEAF_BYTES;
    return at;
}

static void write_forged(void)
{
    uint8_t *leaf = somebodys_leaf();
    const uint64_t amount = le_get_u64(leaf);
    struct liabilities_head head;
    le_put_u64(leaf, 0);
    head = owed_add_up(&owed);
    owed_forge(&owed, &head);
    write_file("forged-omitted", owed.file, owed.file_bytes);
    le_put_u64(leaf, (uint64_t) - (int64_t)amount);
    owed_forge(&owed, &owed.head);
    write_file("forged-negative", owed.file, owed.file_bytes);
    le_put_u64(leaf, amount);
    head = owed.head;
    head.asset_count--;
    memmove(owed.file + owed_leaves_at(&head), owed.file + owed_leaves_at(&owed.head),
            sizeof(owed.file) - owed_leaves_at(&owed.head));
    owed_forge(&owed, &head);
    write_file("forged-asset", owed.file, owed.file_bytes);
}

/* ---- the history ---- */

struct chain_of_headers {
    uint8_t bytes[SAMPLE_HEADERS][BLOCK_HEADER_BYTES];
    hash_t hashes[SAMPLE_HEADERS];
    hash_t roots[SAMPLE_HEADERS]; /* of the first n headers, by n - 1 */
    struct history_store *store;
    char path[192];
};

/* Headers like that of the story's first block, one above the other. */
static void make_headers(struct chain_of_headers *chain)
{
    struct block_header header = owed.proved.story.blocks[0].header;
    struct history history;
    history_begin(&history);
    snprintf(chain->path, sizeof(chain->path), "%s/history", owed.proved.folder.path);
    if (history_store_open(chain->path, &chain->store) != STATUS_OK) abort();
    for (uint32_t i = 0; i < SAMPLE_HEADERS; i++) {
        header.height = i + 1;
        header.history_root = history_root(&history);
        if (i > 0) header.prev_hash = chain->hashes[i - 1];
        block_header_encode(&header, chain->bytes[i]);
        chain->hashes[i] = block_header_hash(chain->bytes[i]);
        history_add(&history, i + 1, chain->hashes[i]);
        chain->roots[i] = history_root(&history);
        if (history_store_add(chain->store, i + 1, chain->hashes[i]) != STATUS_OK) abort();
    }
}

/* As /quorex/v1/blocks/{height} says it: by the lowest certificate at this height or above. */
static void write_block(const struct chain_of_headers *chain, uint32_t height, FILE *json)
{
    const uint32_t certified = height % 3 == 0 ? height + 1 : height;
    const hash_t hash = chain->hashes[certified - 1];
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    struct certificate certificate;
    /* Another three of the four every time. */
    const uint32_t among = 0xfu ^ 1u << certified % SAMPLE_VOTERS;
    const size_t byte_count =
        story_certify(&owed.proved.story, among, CERTIFICATE_OF_BLOCK, certified, hash, bytes);
    if (!certificate_decode(bytes, byte_count, &certificate) ||
        certificate.vote_count != SAMPLE_QUORUM)
        abort();
    fprintf(json, "%s{\"header\":", height == 1 ? "" : ",\n");
    hex_of(chain->bytes[height - 1], BLOCK_HEADER_BYTES, json);
    fprintf(json, ",\"certificate\":{\"height\":%u,\"epoch\":0,\"headerHash\":", certified);
    hex_of(hash.bytes, HASH_BYTES, json);
    fprintf(json, ",\"votes\":[");
    for (uint32_t i = 0; i < certificate.vote_count; i++) {
        fprintf(json, "%s{\"node\":%u,\"signature\":", i == 0 ? "" : ",",
                certificate.votes[i].node);
        hex_of(certificate.votes[i].signature, SIGNATURE_BYTES, json);
        fputc('}', json);
    }
    fprintf(json, "],\"headers\":[");
    if (certified != height) hex_of(chain->bytes[certified - 1], BLOCK_HEADER_BYTES, json);
    fprintf(json, "]}}");
}

static void write_consistency(const struct chain_of_headers *chain, uint32_t from, uint32_t to,
                              FILE *json)
{
    struct merkle_path path;
    if (history_store_consistency(chain->store, from, to, &path) != STATUS_OK) abort();
    fprintf(json, "%s{\"from\":%u,\"to\":%u,\"fromRoot\":", from == 1 && to == 1 ? "" : ",\n", from,
            to);
    hex_of(chain->roots[from - 1].bytes, HASH_BYTES, json);
    fprintf(json, ",\"toRoot\":");
    hex_of(chain->roots[to - 1].bytes, HASH_BYTES, json);
    fprintf(json, ",\"hashes\":[");
    for (uint32_t i = 0; i < path.count; i++) {
        if (i > 0) fputc(',', json);
        hex_of(path.hashes[i].bytes, HASH_BYTES, json);
    }
    fprintf(json, "]}");
}

static void write_history(void)
{
    static struct chain_of_headers chain;
    FILE *json = open_json("history.json");
    make_headers(&chain);
    fprintf(json, "{\"blocks\":[");
    for (uint32_t height = 1; height < SAMPLE_HEADERS; height++)
        write_block(&chain, height, json);
    fprintf(json, "],\n\"proofs\":[");
    for (uint32_t to = 1; to <= SAMPLE_SIZES; to++)
        for (uint32_t from = 1; from <= to; from++)
            write_consistency(&chain, from, to, json);
    fprintf(json, "]}\n");
    if (fclose(json) != 0) abort();
    history_store_close(chain.store);
    unlink(chain.path);
}

/* ---- judging ---- */

static uint8_t asked[1 << 20];
static size_t asked_bytes;

static bool read_asked(void *context, uint64_t offset, void *bytes, size_t byte_count)
{
    (void)context;
    if (offset > asked_bytes || byte_count > asked_bytes - offset) return false;
    memcpy(bytes, asked + offset, byte_count);
    return true;
}

static const char *judge(const struct genesis *genesis)
{
    static struct proof_check check;
    static struct liabilities_check file_check;
    const hash_t chain_id = genesis_chain_id(genesis);
    const struct liabilities_check_input input = {NULL, read_asked, asked_bytes};
    if (asked_bytes >= 4 && memcmp(asked, "QXLB", 4) == 0)
        return liabilities_check_fault(&input, chain_id, &genesis->validators, &file_check);
    return proof_check_fault(asked, asked_bytes, chain_id, &genesis->validators, NULL, &check);
}

static int judge_all(char **paths)
{
    static struct story story;
    story.plan = plan;
    story_journal(&story);
    for (; *paths != NULL; paths++) {
        FILE *file = fopen(*paths, "rb");
        if (file == NULL) abort();
        asked_bytes = fread(asked, 1, sizeof(asked), file);
        fclose(file);
        const char *fault = judge(&story.journal.genesis);
        puts(fault == NULL ? "right" : fault);
    }
    journal_end(&story.journal);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) return 2;
    if (strcmp(argv[1], "--judge") == 0) return judge_all(argv + 2);
    folder = argv[1];
    proved.story.plan = owed.proved.story.plan = plan;
    proved_begin(&proved, 1u << 4);
    write_trust(&proved.story.journal.genesis);
    write_proofs();
    proved_end(&proved);
    owed_begin(&owed);
    write_file("liabilities", owed.file, owed.file_bytes);
    for (uint32_t account = 1; account <= 3; account++)
        write_holder(account);
    write_history();
    write_forged();
    owed_end(&owed);
    return 0;
}
