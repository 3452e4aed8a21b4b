/* Pairing heaps: the smallest of a changing set of numbered keys.
 *
 * Many heaps share one array of nodes; a heap is the number of its first node, 0 when it is empty. A
 * number is in one heap at a time. Which of equal keys comes first is not said.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's nodes, zero at first: 24 bytes a number
 * Cost     add O(1); remove O(log n) amortised
 */

#ifndef SETTLEMENT_PAIRING_H
#define SETTLEMENT_PAIRING_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

struct pairing_node {
    int64_t key;
    uint32_t child; /* the first; 0: none */
    uint32_t next;  /* of its parent's children */
    uint32_t back;  /* the one before it, or its parent */
    bool is_in;
};

void pairing_add(struct pairing_node *nodes, uint32_t *first, uint32_t number, int64_t key);

/* Needs: it is in this heap. */
void pairing_remove(struct pairing_node *nodes, uint32_t *first, uint32_t number);

/* Asserts that no key is below that of the node above it. O(heap). Returns how many there are. */
uint32_t pairing_check(const struct pairing_node *nodes, uint32_t first);

#endif /* SETTLEMENT_PAIRING_H */
