/* The liabilities of a story's last block: written, certified, and openings of them; and what a forger who has all the
 * validators' keys can make of them.
 */

#ifndef TESTS_NODE_OWED_H
#define TESTS_NODE_OWED_H

#include "ledger/root_vote.h"
#include "node/liabilities_check.h"
#include "node/proof_check.h"
#include "settlement/liabilities_file.h"
#include "settlement/liability_leaf.h"
#include "settlement/proof_shelf.h"
#include "tests/unit/node/proved.h"

struct owed {
    struct proved proved;
    char shelf[160], files[160], kept[192];
    struct liabilities_head head;
    struct proof_bytes totals; /* the proof in the file's tail */
    uint8_t totals_bytes[PROOF_BYTES_MAX];
    uint8_t file[16384]; /* all of it */
    size_t file_bytes;
};

static inline uint64_t owed_height(const struct owed *owed)
{
    return owed->proved.story.height;
}

/* What every validator of the story signs. */
static inline size_t owed_certificate(const struct owed *owed, enum certificate_statement statement,
                                      uint64_t height, hash_t root,
                                      uint8_t bytes[CERTIFICATE_BYTES_MAX])
{
    return story_certify(&owed->proved.story, UINT32_MAX, statement, height, root, bytes);
}

static inline uint64_t owed_leaves_at(const struct liabilities_head *head)
{
    return LIABILITIES_HEAD_FIXED + head->asset_count * LIABILITIES_ROW_BYTES;
}

/* The whole file of leaves that lie in it already: head and certificate made anew, as forgers would. */
static inline void owed_forge(struct owed *owed, const struct liabilities_head *head)
{
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    const size_t certificate_bytes = owed_certificate(
        owed, CERTIFICATE_OF_LIABILITIES, owed_height(owed), liabilities_root(head), certificate);
    uint8_t *at = owed->file + liabilities_head_put(head, owed->file);
    for (uint32_t i = 0; i < head->asset_count; i++)
        at += head->assets[i].leaf_count * LIABILITIES_LEAF_BYTES;
    at = le_put_u32(at, (uint32_t)owed->totals.byte_count);
    at = le_put_u32(at, (uint32_t)certificate_bytes);
    at = le_put_bytes(at, owed->totals.bytes, owed->totals.byte_count);
    at = le_put_bytes(at, certificate, certificate_bytes);
    owed->file_bytes = (size_t)(at - owed->file);
}

/* The sums and roots that the leaves in the file have. */
static inline struct liabilities_head owed_add_up(const struct owed *owed)
{
    struct liabilities_head head = owed->head;
    const uint8_t *at = owed->file + owed_leaves_at(&head);
    for (uint16_t asset = 0; asset < head.asset_count; asset++) {
        struct liability_tree tree;
        liability_leaf_tree_begin(&tree);
        for (uint64_t i = 0; i < head.assets[asset].leaf_count; i++, at += LIABILITIES_LEAF_BYTES) {
            hash_t commitment;
            memcpy(commitment.bytes, at + 8, HASH_BYTES);
            const struct liabilities_node leaf =
                liability_leaf_node(asset, le_get_u64(at), &commitment);
            liability_leaf_tree_add(&tree, &leaf);
        }
        const struct liabilities_node root = liability_leaf_tree_root(&tree);
        head.assets[asset].sum = root.sum;
        head.assets[asset].root = root.hash;
    }
    return head;
}

/* Keeps the story's plan. */
static inline void owed_begin(struct owed *owed)
{
    struct proved *proved = &owed->proved;
    const struct story_plan plan = proved->story.plan;
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    memset(owed, 0, sizeof(*owed));
    proved->story.plan = plan;
    proved_begin(proved, UINT32_MAX);
    snprintf(owed->shelf, sizeof(owed->shelf), "%s/proofs", proved->folder.path);
    snprintf(owed->files, sizeof(owed->files), "%s/liabilities", proved->folder.path);
    snprintf(owed->kept, sizeof(owed->kept), "%s/shelf", owed->files);
    const uint64_t height = owed_height(owed);
    if (proof_shelf_write(owed->shelf, proved->settlement) != STATUS_OK ||
        liabilities_file_write(owed->files, owed->shelf, proved->settlement,
                               proved->story.blocks[height - 1].bytes, NULL,
                               &owed->head) != STATUS_OK)
        abort();
    struct proof_bytes totals;
    if (proved->source->totals(proved->source->context, height, &totals) != STATUS_OK) abort();
    memcpy(owed->totals_bytes, totals.bytes, totals.byte_count);
    owed->totals = (struct proof_bytes){owed->totals_bytes, totals.byte_count};
    const size_t certificate_bytes = owed_certificate(owed, CERTIFICATE_OF_LIABILITIES, height,
                                                      liabilities_root(&owed->head), certificate);
    if (liabilities_file_finish(owed->files, height, totals.bytes, totals.byte_count, certificate,
                                certificate_bytes) != STATUS_OK ||
        liabilities_file_read(owed->files, height, 0, owed->file, sizeof(owed->file),
                              &owed->file_bytes) != STATUS_OK)
        abort();
}

static inline void owed_end(struct owed *owed)
{
    chain_folder_remove_files(owed->kept);
    chain_folder_remove_files(owed->files);
    chain_folder_remove_files(owed->shelf);
    proved_end(&owed->proved);
}

/* An opening in its frame; returns its bytes. */
static inline size_t owed_frame(const struct owed *owed, const struct liabilities_opening *opening,
                                uint8_t bytes[PROOF_BYTES_MAX])
{
    uint8_t subject[PROOF_LIABILITY_BYTES_MAX];
    struct proof proof;
    if (!proof_get(owed->totals.bytes, owed->totals.byte_count, &proof)) abort();
    proof.kind = PROOF_LIABILITY;
    proof.subject = subject;
    proof.subject_bytes = liabilities_opening_put(opening, subject);
    return proof_put(&proof, bytes);
}

static inline void owed_open(const struct owed *owed, uint32_t account, uint16_t asset,
                             struct liabilities_opening *opening)
{
    uint8_t subject[PROOF_LIABILITY_BYTES_MAX];
    size_t byte_count;
    if (liabilities_file_opening(owed->files, owed->proved.settlement, account, asset,
                                 owed_height(owed), subject, &byte_count) != STATUS_OK ||
        !liabilities_opening_get(subject, byte_count, opening))
        abort();
}

#endif /* TESTS_NODE_OWED_H */
