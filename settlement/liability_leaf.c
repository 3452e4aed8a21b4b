#include "settlement/liability_leaf.h"

#include "common/le.h"

#define COMMITMENT_BYTES (HASH_BYTES + PUBLIC_KEY_BYTES + 2 + 2 + 2)
#define LEAF_TEXT_BYTES  (1 + 2 + 8 + HASH_BYTES)
#define NODE_TEXT_BYTES  (1 + 2 * (16 + HASH_BYTES))

hash_t liability_leaf_commitment(const hash_t *nonce, const uint8_t public_key[PUBLIC_KEY_BYTES],
                                 uint16_t asset, uint16_t part, uint16_t parts)
{
    uint8_t bytes[COMMITMENT_BYTES];
    uint8_t *at = le_put_bytes(bytes, nonce->bytes, HASH_BYTES);
    at = le_put_bytes(at, public_key, PUBLIC_KEY_BYTES);
    le_put_u16(le_put_u16(le_put_u16(at, asset), part), parts);
    return hash_tagged("quorex/liability/1", bytes, sizeof(bytes));
}

struct liabilities_node liability_leaf_node(uint16_t asset, uint64_t amount,
                                            const hash_t *commitment)
{
    uint8_t bytes[LEAF_TEXT_BYTES];
    ASSERT(amount <= INT64_MAX);
    uint8_t *at = le_put_u16(le_put_u8(bytes, 0x00), asset);
    le_put_bytes(le_put_u64(at, amount), commitment->bytes, HASH_BYTES);
    return (struct liabilities_node){.sum = amount, .hash = hash_of(bytes, sizeof(bytes))};
}

static uint8_t *put_node(uint8_t *at, const struct liabilities_node *node)
{
    at = le_put_u64(le_put_u64(at, (uint64_t)node->sum), (uint64_t)(node->sum >> 64));
    return le_put_bytes(at, node->hash.bytes, HASH_BYTES);
}

struct liabilities_node liability_leaf_join(const struct liabilities_node *left,
                                            const struct liabilities_node *right)
{
    uint8_t bytes[NODE_TEXT_BYTES];
    put_node(put_node(le_put_u8(bytes, 0x01), left), right);
    return (struct liabilities_node){.sum = left->sum + right->sum,
                                     .hash = hash_of(bytes, sizeof(bytes))};
}

void liability_leaf_tree_begin(struct liability_tree *tree)
{
    tree->leaf_count = 0;
    tree->peak_count = 0;
}

/* Two peaks of one size become one: as often as the count has ones at its end. */
void liability_leaf_tree_add(struct liability_tree *tree, const struct liabilities_node *node)
{
    ASSERT(tree->leaf_count < LIABILITIES_LEAVES_MAX);
    struct liabilities_node joined = *node;
    for (uint64_t count = tree->leaf_count; count & 1; count >>= 1)
        joined = liability_leaf_join(&tree->peaks[--tree->peak_count], &joined);
    tree->peaks[tree->peak_count++] = joined;
    tree->leaf_count++;
}

struct liabilities_node liability_leaf_tree_root(const struct liability_tree *tree)
{
    ASSERT(tree->peak_count > 0);
    struct liabilities_node root = tree->peaks[tree->peak_count - 1];
    for (uint32_t i = tree->peak_count - 1; i-- > 0;)
        root = liability_leaf_join(&tree->peaks[i], &root);
    return root;
}

bool liability_leaf_tree_check(const struct liability_tree *tree)
{
    ASSERT(tree->peak_count == (uint32_t)__builtin_popcountll(tree->leaf_count));
    return true;
}

/* Replaces the nodes of a level by those above them. */
static void fold(struct liabilities_node *nodes, uint32_t count)
{
    for (uint32_t i = 0; 2 * i < count; i++)
        nodes[i] = 2 * i + 1 < count ? liability_leaf_join(&nodes[2 * i], &nodes[2 * i + 1])
                                     : nodes[2 * i];
}

uint32_t liability_leaf_path(struct liabilities_node *nodes, uint32_t count, uint32_t index,
                             struct liabilities_node *path)
{
    uint32_t length = 0;
    ASSERT(index < count);
    for (; count > 1; count = (count + 1) / 2, index /= 2) {
        if ((index ^ 1) < count) path[length++] = nodes[index ^ 1];
        fold(nodes, count);
    }
    return length;
}

void liability_leaf_rise(struct liabilities_node *nodes, uint32_t count, uint64_t below,
                         struct liabilities_part *parts, uint32_t part_count)
{
    for (; count > 1; count = (count + 1) / 2, below *= 2) {
        for (uint32_t i = 0; i < part_count; i++) {
            const uint64_t sibling = parts[i].position / below ^ 1;
            if (sibling < count) parts[i].path[parts[i].path_count++] = nodes[sibling];
        }
        fold(nodes, count);
    }
}

const char *liability_leaf_fault(const struct liabilities_part *part, struct liabilities_node leaf,
                                 const struct liabilities_row *row)
{
    uint64_t index = part->position, count = row->leaf_count;
    uint32_t used = 0;
    if (index >= count) return "a part's place is outside of its asset's tree";
    for (; count > 1; count = (count + 1) / 2, index /= 2) {
        if ((index ^ 1) >= count) continue; /* alone: it stands for its parent */
        if (used == part->path_count) return "a part's path is too short";
        const struct liabilities_node *sibling = &part->path[used++];
        if (leaf.sum > row->sum || sibling->sum > row->sum - leaf.sum)
            return "a part's path has a sum above its asset's";
        leaf = index % 2 == 0 ? liability_leaf_join(&leaf, sibling)
                              : liability_leaf_join(sibling, &leaf);
    }
    if (used != part->path_count) return "a part's path is too long";
    if (leaf.sum != row->sum || !hash_equal(leaf.hash, row->root))
        return "a part's path does not lead to its asset's root";
    return NULL;
}
