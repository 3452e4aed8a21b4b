/* Changes of the node set on their way from the chain to the log.
 *
 * Who comes or is promoted is passed on at once: the log needs time to reach him. Who loses his vote or
 * goes is kept until the block before the change is certified by itself: it hands over to the new set, the
 * old one must sign that, and a node that the log has dropped cannot send its vote any more. After
 * CHANGE_QUEUE_PATIENCE blocks he goes without.
 *
 * Owner    the anchor; pure
 * Limits   CHANGE_QUEUE_MAX; with as many the oldest is passed on whether it should wait or not
 */

#ifndef NODE_CHANGE_QUEUE_H
#define NODE_CHANGE_QUEUE_H

#include "common/node_set.h"

#define CHANGE_QUEUE_MAX      256
#define CHANGE_QUEUE_PATIENCE 64

struct change_queue_entry {
    struct node_changed_event changed;
    bool waits;
};

struct change_queue {
    struct node_set set; /* with all that ever came in */
    uint32_t count;
    struct change_queue_entry entries[CHANGE_QUEUE_MAX];
};

/* Who reads the queue knows `set`. */
void change_queue_begin(struct change_queue *queue, const struct node_set *set);

/* Needs: the change follows from the set; change_queue_next was called until it said NULL, or fewer than
 * CHANGE_QUEUE_MAX are there. */
void change_queue_add(struct change_queue *queue, const struct node_changed_event *changed);

/* The next one that may go: the oldest that does not wait, and whose node has no older one that does. NULL: none.
 * `turned` is the last block that turned and is certified by itself, `sealed` the last block. */
const struct node_changed_event *change_queue_next(const struct change_queue *queue,
                                                   uint64_t turned, uint64_t sealed);

/* Takes it out. Needs: change_queue_next gave it just now. */
void change_queue_sent(struct change_queue *queue, const struct node_changed_event *changed);

#endif /* NODE_CHANGE_QUEUE_H */
