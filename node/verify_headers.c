#include "node/verify_headers.h"

#include "ledger/block.h"
#include "ledger/certificate.h"

static enum status unreadable(struct verify_headers *headers, uint64_t height, const char *what,
                              enum status status)
{
    (void)verify_fault_set(&headers->fault, height, 0, "%s cannot be read: %s", what,
                           status_text(status));
    return status;
}

void verify_headers_begin(struct verify_headers *headers, struct chain *chain,
                          const struct voters *voters, hash_t chain_id,
                          struct conservation *conservation)
{
    *headers = (struct verify_headers){.chain = chain,
                                       .voters = voters,
                                       .chain_id = chain_id,
                                       .conservation = conservation,
                                       .word = VOTERS_GENESIS};
    history_begin(&headers->history);
}

static enum status check_link(struct verify_headers *headers, uint64_t height,
                              const struct block_header *header)
{
    struct block_fault fault;
    const bool is_first = headers->height == 0;
    const struct block_header *previous = is_first ? NULL : &headers->header;
    if (header->height != height)
        return verify_fault_set(&headers->fault, height, 0, "height is wrong");
    if (!hash_equal(header->chain_id, headers->chain_id))
        return verify_fault_set(&headers->fault, height, 0, "chain_id is not that of the genesis");
    /* What a chain that begins above it names as the one before is not here. */
    if ((!is_first || height == 1) && !block_link_check(previous, headers->hash, header, &fault))
        return verify_fault_set(&headers->fault, height, 0, "%s is wrong", fault.what);
    if (is_first) headers->from_first = height == 1;
    if (headers->from_first && !hash_equal(header->history_root, history_root(&headers->history)))
        return verify_fault_set(&headers->fault, height, 0, "history_root is wrong");
    return STATUS_OK;
}

static enum status check_money(struct verify_headers *headers, uint64_t height,
                               const struct block_header *header, const struct chain_block *block)
{
    struct conservation_fault fault;
    char text[VERIFY_FAULT_REASON_MAX / 2];
    if (headers->conservation == NULL || headers->conserved_height + 1 != height) return STATUS_OK;
    if (!conservation_block(headers->conservation, block->body, block->body_bytes, &fault)) {
        conservation_print(&fault, text, sizeof(text));
        return verify_fault_set(&headers->fault, height, fault.command, "%s", text);
    }
    if (!hash_equal(conservation_root(headers->conservation), header->totals_root))
        return verify_fault_set(&headers->fault, height, 0,
                                "totals_root is not what its events add up to");
    headers->conserved_height = height;
    return STATUS_OK;
}

/* A body that is not here is nothing: it went, or never came. */
static enum status check_body(struct verify_headers *headers, uint64_t height,
                              const struct block_header *header)
{
    struct chain_block block;
    struct block_fault fault;
    const enum status status = chain_read_block(headers->chain, height, &block);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return unreadable(headers, height, "it", status);
    if (!block_body_check(header, block.body, block.body_bytes, &fault)) {
        if (fault.command == 0)
            return verify_fault_set(&headers->fault, height, 0, "%s is wrong", fault.what);
        return verify_fault_set(&headers->fault, height, fault.command, "%s at command %lu",
                                fault.what, fault.command);
    }
    headers->body_count++;
    return check_money(headers, height, header, &block);
}

static enum status check_certificate(struct verify_headers *headers, uint64_t height,
                                     const struct block_header *header, hash_t hash)
{
    const uint8_t *bytes;
    size_t byte_count;
    struct certificate certificate;
    enum voters_word word;
    const enum status status = chain_read_certificate(headers->chain, height, &bytes, &byte_count);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return unreadable(headers, height, "its certificate", status);
    if (!certificate_decode(bytes, byte_count, &certificate))
        return verify_fault_set(&headers->fault, height, 0, "its certificate is malformed");
    if (certificate.height != height || certificate.epoch != header->epoch ||
        !hash_equal(certificate.header_hash, hash))
        return verify_fault_set(&headers->fault, height, 0,
                                "its certificate is for another header");
    const struct validator_set *set = voters_find(headers->voters, header->validators_hash, &word);
    if (set == NULL) {
        if (headers->unknown_count++ == 0) headers->unknown_first = height;
        headers->unknown_last = height;
        return STATUS_OK;
    }
    const char *fault = certificate_fault(&certificate, headers->chain_id, set);
    if (fault != NULL)
        return verify_fault_set(&headers->fault, height, 0, "its certificate is not valid: %s",
                                fault);
    if (word < headers->word) headers->word = word;
    headers->certified_count++;
    headers->certified_height = height;
    return STATUS_OK;
}

enum status verify_headers_next(struct verify_headers *headers, uint64_t height)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    ASSERT(headers->height == 0 || height == headers->height + 1);
    enum status status = chain_read_header(headers->chain, height, bytes);
    if (status != STATUS_OK) return unreadable(headers, height, "its header", status);
    if (!block_header_decode(bytes, &header))
        return verify_fault_set(&headers->fault, height, 0, "its header is not one of ours");
    const hash_t hash = block_header_hash(bytes);
    status = check_link(headers, height, &header);
    if (status == STATUS_OK) status = check_body(headers, height, &header);
    if (status == STATUS_OK) status = check_certificate(headers, height, &header, hash);
    if (status != STATUS_OK) return status;
    headers->height = height;
    headers->header = header;
    headers->hash = hash;
    if (headers->from_first) history_add(&headers->history, height, hash);
    return STATUS_OK;
}
