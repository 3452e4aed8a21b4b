#include "settlement/pairing.h"

/* Makes one heap of two: the larger first node becomes a child of the smaller. */
static uint32_t meld(struct pairing_node *nodes, uint32_t left, uint32_t right)
{
    if (left == 0) return right;
    if (right == 0) return left;
    const bool left_first = nodes[left].key <= nodes[right].key;
    const uint32_t parent = left_first ? left : right;
    const uint32_t child = left_first ? right : left;

    nodes[child].next = nodes[parent].child;
    nodes[child].back = parent;
    if (nodes[child].next != 0) nodes[nodes[child].next].back = child;
    nodes[parent].child = child;
    return parent;
}

/* Makes one heap of a run of siblings: in pairs, then all together from the last pair. */
static uint32_t meld_siblings(struct pairing_node *nodes, uint32_t sibling)
{
    uint32_t pairs = 0, whole = 0;
    while (sibling != 0) {
        const uint32_t left = sibling, right = nodes[left].next;
        sibling = right == 0 ? 0 : nodes[right].next;
        nodes[left].next = nodes[left].back = 0;
        if (right != 0) nodes[right].next = nodes[right].back = 0;
        const uint32_t pair = meld(nodes, left, right);
        nodes[pair].next = pairs;
        pairs = pair;
    }
    while (pairs != 0) {
        const uint32_t pair = pairs;
        pairs = nodes[pair].next;
        nodes[pair].next = 0;
        whole = meld(nodes, whole, pair);
    }
    return whole;
}

void pairing_add(struct pairing_node *nodes, uint32_t *first, uint32_t number, int64_t key)
{
    ASSERT(number != 0 && !nodes[number].is_in);
    nodes[number] = (struct pairing_node){.key = key, .is_in = true};
    *first = meld(nodes, *first, number);
}

/* Takes the node with all below it out from under its parent. */
static void cut(struct pairing_node *nodes, uint32_t number)
{
    const struct pairing_node *node = &nodes[number];
    struct pairing_node *back = &nodes[node->back];
    if (back->child == number)
        back->child = node->next;
    else
        back->next = node->next;
    if (node->next != 0) nodes[node->next].back = node->back;
}

void pairing_remove(struct pairing_node *nodes, uint32_t *first, uint32_t number)
{
    ASSERT(number != 0 && nodes[number].is_in);
    const bool is_first = *first == number;
    if (!is_first) cut(nodes, number);
    const uint32_t below = meld_siblings(nodes, nodes[number].child);
    *first = is_first ? below : meld(nodes, *first, below);
    nodes[number] = (struct pairing_node){0};
}

/* Depth first, by the links alone: a heap may be as deep as it is large. */
uint32_t pairing_check(const struct pairing_node *nodes, uint32_t first)
{
    uint32_t count = 0, at = first;
    while (at != 0) {
        count++;
        const uint32_t child = nodes[at].child;
        ASSERT(nodes[at].is_in);
        ASSERT(child == 0 || nodes[child].back == at);
        for (uint32_t below = child; below != 0; below = nodes[below].next)
            ASSERT(nodes[below].key >= nodes[at].key);
        if (child != 0) {
            at = child;
            continue;
        }
        while (at != first && nodes[at].next == 0) {
            while (nodes[nodes[at].back].child != at)
                at = nodes[at].back;
            at = nodes[at].back;
        }
        at = at == first ? 0 : nodes[at].next;
    }
    return count;
}
