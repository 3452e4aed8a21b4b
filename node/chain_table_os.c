#include "node/chain_table_os.h"

#include "gateway/chain_source.h"
#include "ledger/certificate.h"
#include "ledger/chain.h"
#include "ledger/history_store.h"
#include "ledger/lineage.h"
#include "node/file_os.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define EVIDENCE_MAX 1024 /* files that are listed */

struct chain_table {
    struct chain_source source;
    struct chain_table_paths paths;
    struct chain *chain;
    struct history_store *history;
    struct lineage_reader *lineage;
    uint8_t step_bytes[LINEAGE_STEP_BYTES_MAX];
    struct lineage_step step;
    char evidence_name[256];
    char *evidence_text;
};

/* ---- Blocks ---- */

static uint64_t table_base(void *context)
{
    struct chain_table *table = context;
    const uint64_t base = chain_base(table->chain);
    return base > 0 ? base : 1;
}

static uint64_t table_first_body(void *context)
{
    struct chain_table *table = context;
    return chain_first_body(table->chain);
}

static enum status table_header(void *context, uint64_t height, uint8_t header[BLOCK_HEADER_BYTES])
{
    struct chain_table *table = context;
    return chain_read_header(table->chain, height, header);
}

static enum status table_certificate(void *context, uint64_t height, struct chain_certificate *out)
{
    struct chain_table *table = context;
    struct certificate certificate;
    const uint8_t *bytes;
    size_t byte_count;
    const enum status status = chain_read_certificate(table->chain, height, &bytes, &byte_count);
    if (status != STATUS_OK) return status;
    if (!certificate_decode(bytes, byte_count, &certificate)) return STATUS_DAMAGED;
    *out = (struct chain_certificate){.height = certificate.height,
                                      .epoch = certificate.epoch,
                                      .header_hash = certificate.header_hash,
                                      .vote_count = certificate.vote_count};
    for (uint32_t i = 0; i < certificate.vote_count; i++) {
        out->votes[i].node = certificate.votes[i].node;
        memcpy(out->votes[i].signature, certificate.votes[i].signature, SIGNATURE_BYTES);
    }
    return STATUS_OK;
}

static enum status table_body(void *context, uint64_t height, const uint8_t **bytes,
                              size_t *byte_count)
{
    struct chain_table *table = context;
    struct chain_block block;
    const enum status status = chain_read_block(table->chain, height, &block);
    if (status != STATUS_OK) return status;
    *bytes = block.body;
    *byte_count = block.body_bytes;
    return STATUS_OK;
}

/* ---- Proofs ---- */

static_assert(CHAIN_PROOF_MAX >= MERKLE_DEPTH_MAX + 1, "a proof fits");

static void proof_of(const struct merkle_path *path, struct chain_proof *proof)
{
    proof->count = path->count;
    memcpy(proof->hashes, path->hashes, path->count * sizeof(path->hashes[0]));
}

static enum status table_consistency(void *context, uint64_t from, uint64_t to,
                                     struct chain_proof *proof)
{
    struct chain_table *table = context;
    struct merkle_path path;
    const enum status status = history_store_consistency(table->history, from, to, &path);
    if (status == STATUS_OK) proof_of(&path, proof);
    return status;
}

static enum status table_inclusion(void *context, uint64_t height, uint64_t at,
                                   struct chain_proof *proof)
{
    struct chain_table *table = context;
    struct merkle_path path;
    const enum status status = history_store_inclusion(table->history, height, at, &path);
    if (status == STATUS_OK) proof_of(&path, proof);
    return status;
}

static enum status table_root(void *context, uint64_t size, hash_t *root)
{
    struct chain_table *table = context;
    return history_store_root(table->history, size, root);
}

/* ---- Voters ---- */

/* Of the sets that followed one another: nobody has to believe it, the hash decides. */
static enum status table_voters(void *context, hash_t hash, struct validator_set *set)
{
    struct chain_table *table = context;
    uint64_t height = 0;
    /* Ends: each step is above the one before. */
    for (;;) {
        const uint32_t byte_count = lineage_reader_steps(table->lineage, height, table->step_bytes,
                                                         sizeof(table->step_bytes));
        /* As many as fit: they are taken one after the other. */
        for (size_t at = 0, length; at < byte_count; at += length) {
            length = lineage_step_decode(table->step_bytes + at, byte_count - at, &table->step);
            if (length == 0) return STATUS_NOT_FOUND;
            height = table->step.height;
            if (!hash_equal(validator_set_hash(&table->step.next), hash)) continue;
            *set = table->step.next;
            return STATUS_OK;
        }
        if (byte_count == 0) return STATUS_NOT_FOUND;
    }
}

/* ---- Evidence ---- */

static int is_evidence(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return length > 5 && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + length - 5, ".json") == 0;
}

/* The name of the index-th file. False behind the last. */
static bool evidence_name(struct chain_table *table, uint32_t index)
{
    struct dirent **entries;
    const int count = scandir(table->paths.evidence, &entries, is_evidence, alphasort);
    bool found = false;
    for (int i = 0; i < count; i++) {
        if ((uint32_t)i == index && index < EVIDENCE_MAX) {
            memcpy(table->evidence_name, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
            found = true;
        }
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return found;
}

static enum status table_evidence(void *context, uint32_t index, struct chain_evidence *evidence)
{
    struct chain_table *table = context;
    char path[FILE_PATH_MAX];
    size_t byte_count;
    free(table->evidence_text);
    table->evidence_text = NULL;
    if (!evidence_name(table, index)) return STATUS_NOT_FOUND;
    if (!file_path(path, table->paths.evidence, table->evidence_name)) return STATUS_MALFORMED;
    const enum status status = file_read(path, &table->evidence_text, &byte_count);
    if (status != STATUS_OK) return status;
    *evidence = (struct chain_evidence){
        .name = table->evidence_name, .text = table->evidence_text, .text_bytes = byte_count};
    return STATUS_OK;
}

/* ---- Opening ---- */

enum status chain_table_open(const struct chain_table_paths *paths, struct chain_table **table)
{
    struct chain_table *made = calloc(1, sizeof(*made));
    *table = made;
    if (made == NULL) return STATUS_NO_MEMORY;
    made->paths = *paths;
    made->source = (struct chain_source){
        .context = made,
        .base = table_base,
        .first_body = table_first_body,
        .header = table_header,
        .certificate = table_certificate,
        .body = table_body,
        .consistency = table_consistency,
        .inclusion = table_inclusion,
        .root = table_root,
        .voters = table_voters,
        .evidence = table_evidence,
    };
    enum status status = chain_open_reader(paths->chain, &made->chain);
    if (status == STATUS_OK) status = history_store_open_reader(paths->history, &made->history);
    if (status == STATUS_OK) {
        made->lineage = lineage_reader_new(paths->lineage);
        if (made->lineage == NULL) status = STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK) return STATUS_OK;
    chain_table_close(made);
    *table = NULL;
    return status;
}

void chain_table_close(struct chain_table *table)
{
    if (table == NULL) return;
    chain_close(table->chain);
    history_store_close(table->history);
    lineage_reader_free(table->lineage);
    free(table->evidence_text);
    free(table);
}

const struct chain_source *chain_table_source(const struct chain_table *table)
{
    return &table->source;
}
