#include "node/proof_table_os.h"

#include "common/log.h"
#include "gateway/proof_source.h"
#include "ledger/chain.h"
#include "ledger/receipt.h"
#include "ledger/release.h"
#include "ledger/release_shelf.h"
#include "ledger/trade_index.h"
#include "settlement/account_proof.h"
#include "settlement/liabilities_file.h"
#include "settlement/proof_journal.h"
#include "settlement/proof_shelf.h"
#include "settlement/settle.h"
#include "settlement/totals_proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4096
#define TRIES_MAX  3 /* the writer may come by; it does not come by the same place at once again */

struct proof_table {
    struct proof_source source;
    struct proof_table_options options;
    struct chain *chain;
    struct proof_journal_room *room;
    uint8_t headers[PROOF_HEADERS_MAX][BLOCK_HEADER_BYTES];
    uint8_t subject[PROOF_SUBJECT_BYTES_MAX];
    uint8_t bytes[PROOF_BYTES_MAX];
    char liabilities_shelf[PATH_BYTES]; /* the shelf's files as long as liabilities stay */
    uint8_t piece[PROOF_PIECE_MAX];
};

/* ---- the frame ---- */

/* The headers from `height` up to the first that has a certificate, and that. */
static enum status read_attestation(struct proof_table *table, uint64_t height, struct proof *proof)
{
    const uint64_t tip = chain_certified(table->chain);
    proof->headers = table->headers[0];
    for (uint32_t i = 0; i < PROOF_HEADERS_MAX && height + i <= tip; i++) {
        enum status status = chain_read_header(table->chain, height + i, table->headers[i]);
        if (status != STATUS_OK) return status;
        proof->header_count = i + 1;
        status = chain_read_certificate(table->chain, height + i, &proof->certificate,
                                        &proof->certificate_bytes);
        if (status != STATUS_NOT_FOUND) return status;
    }
    return STATUS_NOT_FOUND;
}

/* The proof of a subject that lies in table->subject. */
static enum status finish(struct proof_table *table, enum proof_kind kind, size_t subject_bytes,
                          uint64_t height, struct proof_bytes *out)
{
    struct proof proof = {.kind = kind, .subject = table->subject, .subject_bytes = subject_bytes};
    const enum status status = read_attestation(table, height, &proof);
    if (status != STATUS_OK) return status;
    out->bytes = table->bytes;
    out->byte_count = proof_put(&proof, table->bytes);
    return out->byte_count > 0 ? STATUS_OK : STATUS_DAMAGED;
}

static enum status header_at(struct proof_table *table, uint64_t height,
                             struct block_header *header)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    const enum status status = chain_read_header(table->chain, height, bytes);
    if (status != STATUS_OK) return status;
    return block_header_decode(bytes, header) ? STATUS_OK : STATUS_DAMAGED;
}

static enum status not_proved(uint64_t height, const char *what)
{
    log_error("node", "a proof does not lead to the header", "height=%lu what=%s", height, what);
    return STATUS_DAMAGED;
}

/* ---- accounts, totals ---- */

/* The folder of the shelf that has the state of this header; NULL: none. A file that has only the height is of a chain
 * that was cut. */
static const char *find_shelf(const struct proof_table *table, const struct block_header *header)
{
    const char *const folders[] = {
        table->options.shelf, table->options.liabilities != NULL ? table->liabilities_shelf : NULL};
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
        if (folders[i] != NULL &&
            proof_shelf_has(folders[i], header->height, header->state_root, header->totals_root))
            return folders[i];
    return NULL;
}

static enum status find_account(struct proof_table *table, uint32_t account, uint64_t height,
                                bool in_files, struct proof_bytes *out)
{
    const struct proof_table_options *options = &table->options;
    struct block_header header;
    struct proof_account proof;
    enum status status = header_at(table, height, &header);
    for (int tries = 0; status == STATUS_OK && tries < TRIES_MAX; tries++) {
        status = proof_journal_account(options->journal, options->settlement, account, height,
                                       table->room, &proof);
        const char *shelf =
            status == STATUS_NOT_FOUND && in_files ? find_shelf(table, &header) : NULL;
        if (shelf != NULL)
            status = proof_shelf_account(shelf, options->settlement, account, height, table->room,
                                         &proof);
        if (status != STATUS_OK) return status;
        if (account_proof_fault(&proof, header.state_root, NULL) == NULL)
            return finish(table, PROOF_ACCOUNT, proof_account_put(&proof, table->subject), height,
                          out);
    }
    return status == STATUS_OK ? not_proved(height, "account") : status;
}

static enum status table_account(void *context, uint32_t account, uint64_t height,
                                 struct proof_bytes *out)
{
    return find_account(context, account, height, true, out);
}

static enum status table_account_kept(void *context, uint32_t account, uint64_t height,
                                      struct proof_bytes *out)
{
    return find_account(context, account, height, false, out);
}

static enum status find_totals(struct proof_table *table, uint64_t height, bool in_files,
                               struct proof_bytes *out)
{
    struct block_header header;
    struct proof_totals proof;
    enum status status = header_at(table, height, &header);
    if (status != STATUS_OK) return status;
    status = proof_journal_totals(table->options.journal, height, &proof);
    const char *shelf = status == STATUS_NOT_FOUND && in_files ? find_shelf(table, &header) : NULL;
    if (shelf != NULL) status = proof_shelf_totals(shelf, height, &proof);
    if (status != STATUS_OK) return status;
    if (totals_proof_fault(&proof, header.totals_root) != NULL) return not_proved(height, "totals");
    return finish(table, PROOF_TOTALS, proof_totals_put(&proof, table->subject), height, out);
}

static enum status table_totals(void *context, uint64_t height, struct proof_bytes *out)
{
    return find_totals(context, height, true, out);
}

static enum status table_totals_kept(void *context, uint64_t height, struct proof_bytes *out)
{
    return find_totals(context, height, false, out);
}

/* ---- trades ---- */

static enum status table_trade_height(void *context, uint16_t market, uint64_t trade_id,
                                      uint64_t *height)
{
    struct proof_table *table = context;
    return trade_index_find(table->options.trades, market, trade_id, height);
}

static enum status table_trade(void *context, uint16_t market, uint64_t trade_id, uint64_t height,
                               struct proof_bytes *out)
{
    struct proof_table *table = context;
    struct block_header header;
    struct chain_block block;
    struct proof_trade trade;
    enum status status = chain_read_block(table->chain, height, &block);
    if (status != STATUS_OK) return status;
    if (!block_header_decode(block.header, &header)) return STATUS_DAMAGED;
    hash_t *leaves = malloc(((size_t)header.fill_count + 1) * sizeof(hash_t));
    if (leaves == NULL) return STATUS_NO_MEMORY;
    status = receipt_make(&header, block.body, block.body_bytes, market, trade_id, leaves, &trade);
    free(leaves);
    if (status == STATUS_DAMAGED) return not_proved(height, "trade");
    if (status != STATUS_OK) return status;
    return finish(table, PROOF_TRADE, proof_trade_put(&trade, table->subject), height, out);
}

/* ---- releases ---- */

/* Out of the body while it is here, out of what was kept of it after. */
static enum status make_release(struct proof_table *table, const struct block_header *header,
                                uint64_t withdrawal, hash_t *leaves, struct proof_release *release)
{
    struct chain_block block;
    uint8_t *kept;
    size_t byte_count;
    enum status status = chain_read_block(table->chain, header->height, &block);
    if (status == STATUS_OK)
        return release_make(header, block.body, block.body_bytes, withdrawal, leaves, release);
    if (status != STATUS_NOT_FOUND || table->options.releases == NULL ||
        (header->flags & BLOCK_RELEASES) == 0)
        return status;
    status = release_shelf_read(table->options.releases, header->height, &kept, &byte_count);
    if (status != STATUS_OK) return status;
    status = release_of_kept(header, kept, byte_count, withdrawal, leaves, release);
    free(kept);
    return status;
}

static enum status table_release(void *context, uint64_t withdrawal, uint64_t height,
                                 struct proof_bytes *out)
{
    struct proof_table *table = context;
    struct block_header header;
    struct proof_release release;
    enum status status = header_at(table, height, &header);
    if (status != STATUS_OK) return status;
    hash_t *leaves = malloc(((size_t)header.tx_count + 1) * sizeof(hash_t));
    if (leaves == NULL) return STATUS_NO_MEMORY;
    status = make_release(table, &header, withdrawal, leaves, &release);
    free(leaves);
    if (status == STATUS_DAMAGED) return not_proved(height, "release");
    if (status != STATUS_OK) return status;
    return finish(table, PROOF_RELEASE, proof_release_put(&release, table->subject), height, out);
}

/* ---- liabilities ---- */

static_assert(LIABILITIES_LISTED == PROOF_PUBLISHED_MAX, "what is kept can be listed");

static uint32_t table_published(void *context, struct proof_published list[PROOF_PUBLISHED_MAX])
{
    const struct proof_table *table = context;
    struct liabilities_entry entries[LIABILITIES_LISTED];
    const uint32_t count = liabilities_file_list(table->options.liabilities, entries);
    for (uint32_t i = 0; i < count; i++)
        list[i] = (struct proof_published){.height = entries[i].height,
                                           .time_ns = entries[i].time_ns,
                                           .bytes = entries[i].bytes,
                                           .is_certified = entries[i].is_certified,
                                           .sha256 = entries[i].sha256,
                                           .head = entries[i].head};
    return count;
}

static enum status table_published_piece(void *context, uint64_t height, uint64_t offset,
                                         uint64_t wanted, struct proof_bytes *piece)
{
    struct proof_table *table = context;
    const size_t most = wanted < sizeof(table->piece) ? (size_t)wanted : sizeof(table->piece);
    piece->bytes = table->piece;
    return liabilities_file_read(table->options.liabilities, height, offset, table->piece, most,
                                 &piece->byte_count);
}

static enum status table_liability(void *context, uint32_t account, uint16_t asset, uint64_t height,
                                   struct proof_bytes *out)
{
    struct proof_table *table = context;
    size_t subject_bytes;
    /* Until settlement has come to the height again it may not know the account yet. */
    if (settlement_height(table->options.settlement) < height) return STATUS_NOT_FOUND;
    const enum status status =
        liabilities_file_opening(table->options.liabilities, table->options.settlement, account,
                                 asset, height, table->subject, &subject_bytes);
    if (status != STATUS_OK) return status;
    return finish(table, PROOF_LIABILITY, subject_bytes, height, out);
}

/* ---- opening ---- */

enum status proof_table_open(const struct proof_table_options *options, struct proof_table **table)
{
    struct proof_table *made = calloc(1, sizeof(*made));
    *table = made;
    if (made == NULL) return STATUS_NO_MEMORY;
    made->options = *options;
    made->source = (struct proof_source){
        .context = made,
        .account_kept = options->journal != NULL ? table_account_kept : NULL,
        .totals_kept = options->journal != NULL ? table_totals_kept : NULL,
        .account = options->journal != NULL ? table_account : NULL,
        .totals = options->journal != NULL ? table_totals : NULL,
        .trade_height = table_trade_height,
        .trade = table_trade,
        .published = options->liabilities != NULL ? table_published : NULL,
        .published_piece = options->liabilities != NULL ? table_published_piece : NULL,
        .liability = options->liabilities != NULL ? table_liability : NULL,
        .release = table_release,
    };
    snprintf(made->liabilities_shelf, sizeof(made->liabilities_shelf), "%s/shelf",
             options->liabilities != NULL ? options->liabilities : "");
    made->room = calloc(1, proof_journal_room_bytes());
    enum status status = made->room != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = chain_open_reader(options->chain, &made->chain);
    if (status == STATUS_OK) return STATUS_OK;
    proof_table_close(made);
    *table = NULL;
    return status;
}

void proof_table_close(struct proof_table *table)
{
    if (table == NULL) return;
    chain_close(table->chain);
    free(table->room);
    free(table);
}

const struct proof_source *proof_table_source(const struct proof_table *table)
{
    return &table->source;
}
