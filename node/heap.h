/* How the process keeps memory that it has given back to the heap.
 *
 * A batch of a hundred orders takes half a megabyte until it is answered. By itself the heap returns as much to the system at
 * once and fetches it again, page by page, for the next: a seventh of the gateway's time under load.
 *
 * Owner    main, before any thread
 * Limits   each thread that allocates keeps at most HEAP_KEPT_BYTES of what it has freed
 */

#ifndef NODE_HEAP_H
#define NODE_HEAP_H

#define HEAP_KEPT_BYTES (16 * 1024 * 1024)

void heap_keep(void);

#endif /* NODE_HEAP_H */
