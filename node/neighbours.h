/* Whom a node that joined may ask: the members as an exchange said them when `quorex join` made the node's folder. The
 * genesis names the first ones, and those may all have been replaced since.
 *
 *     DIR/node-K/members    the answer of GET /quorex/v1/validators, as it came
 *
 * Nobody is believed for standing there: links prove who is who, and what is fetched is proved by itself.
 *
 * Owner    the joining program; the node's main thread
 */

#ifndef NODE_NEIGHBOURS_H
#define NODE_NEIGHBOURS_H

#include "common/node_set.h"
#include "common/status.h"

#define NEIGHBOURS_FILE "members" /* in the node's folder */

/* Adds who is not in the set yet, by node id and key; returns how many. What is malformed is passed over, and so is who
 * has no room. */
uint32_t neighbours_add(const char *text, size_t byte_count, struct node_set *set);

/* The same from a file. None is no failure, nor is one that cannot be read: logged, nobody is added. */
uint32_t neighbours_read(const char *path, struct node_set *set);

#endif /* NODE_NEIGHBOURS_H */
