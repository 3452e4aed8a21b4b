/* The validators that an operator vouches for: where a set lost its quorum, nobody signed the next one over, and whoever
 * comes from the genesis needs somebody's word for it.
 *
 *     quorex join ... --trust HEIGHT:HASH     HASH: validatorsHash of block HEIGHT, as a node that the operator
 *                                             trusts says it at /quorex/v1/validators?height=HEIGHT
 *     DIR/node-K/trusted                      {"height":HEIGHT,"validators":[{"node":1,"publicKey":"HEX"}, ...]}
 *
 * The hash decides; who the validators are may then be asked of anybody.
 *
 * Owner    the joining program; the node's main thread
 */

#ifndef NODE_TRUSTED_H
#define NODE_TRUSTED_H

#include "common/genesis.h"
#include "common/status.h"

#define TRUSTED_FILE "trusted" /* in the node's folder */

struct trusted {
    uint64_t height; /* the set is that of this block; 0: nobody has said anything */
    struct validator_set set;
};

/* Reads HEIGHT:HASH. False: it is something else. */
MUST_CHECK bool trusted_word(const char *text, uint64_t *height, hash_t *hash);

/* Reads "validators" of a text of JSON. False for anything but a set by rising node ids. */
MUST_CHECK bool trusted_set(const char *text, size_t byte_count, struct validator_set *set);

/* Writes a new file. STATUS_EXISTS, STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY. */
MUST_CHECK enum status trusted_write(const char *path, const struct trusted *trusted);

/* Reads it; height 0 when there is none. STATUS_MALFORMED, STATUS_IO or STATUS_NO_MEMORY, logged. */
MUST_CHECK enum status trusted_read(const char *path, struct trusted *trusted);

#endif /* NODE_TRUSTED_H */
