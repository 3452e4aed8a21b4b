/* Rows of COPY by a key of theirs, so that those of one account come together.
 *
 * What a row costs the server is mostly the walk to its places in B-trees that begin with the account. Rows of one account
 * behind each other walk the same way, over pages that are in the processor's caches, and lie on few pages where that
 * account's history is read. Rows of one key keep the order they came in.
 *
 * Owner    the thread that has the rows
 * Memory   16 bytes a row and a second copy of the rows; kept for the next batch, given back by row_sort_close
 */

#ifndef SETTLEMENT_ROW_SORT_H
#define SETTLEMENT_ROW_SORT_H

#include "settlement/copy_row.h"

struct row_place {
    uint64_t key;
    uint32_t start; /* of the row, in bytes */
    uint32_t byte_count;
};

/* All zero is empty. */
struct row_sort {
    struct row_place *places; /* by the rows' numbers */
    size_t capacity;
    uint8_t *bytes; /* as large as the rows' own */
    size_t byte_capacity;
};

/* The next row of `rows`, not begun yet, has this key. Needs: every row since copy_row_start was told, and
 * less than 4 GiB of them. */
void row_sort_next(struct row_sort *sort, const struct copy_rows *rows, uint64_t key);

/* Orders the rows, which are not finished yet, by their keys. Takes time n log n. */
void row_sort_apply(struct row_sort *sort, struct copy_rows *rows);

void row_sort_close(struct row_sort *sort);

#endif /* SETTLEMENT_ROW_SORT_H */
