/* The node set as the engine decides it: who may join, vote, stand by and go, and from which block on.
 *
 * A change that is taken in block b counts from block b + 2, so that the set of the block before, b + 1,
 * signs over the new one. Of two changes the second waits until the first counts. VOTE commands tell who
 * is alive: a change of the voters is refused unless a quorum of the new ones has voted of late, for a
 * set that cannot sign stops the chain. The engine takes a vote at its word; its signature is checked
 * where certificates are made. docs/membership.md has the rules and their reasons.
 *
 * Owner    the engine thread
 * Limits   NODE_SET_LIMIT members
 *
 * Invariants, asserted by nodes_check:
 *   N1  members by rising id, none above last_node
 *   N2  there is a voter
 */

#ifndef ENGINE_NODES_H
#define ENGINE_NODES_H

#include "common/node_set.h"
#include "common/reject.h"

#define NODES_VOTED_WITHIN 100 /* heights: a voter whose last vote is older is silent */
#define NODES_ALL_VOTE     3 /* voters, at most: each must sign, so a new one cannot be done without */
#define NODES_NOTICE       2 /* blocks between the one that decides and the first that it counts for */

struct nodes {
    struct node_set set;            /* with every change that was decided */
    uint64_t voted[NODE_SET_LIMIT]; /* by place in the set: the highest height that it voted for */
    uint64_t change_height;         /* from which the last change counts; 0: there was none */
    uint32_t last_node;             /* the highest id that there ever was */
    uint64_t epoch;
};

void nodes_init(struct nodes *nodes, const struct genesis *genesis);

/* What a command of this kind is refused for, or REJECT_NONE. `sealed_height` is that of the last block;
 * `runs` says whether the node that would begin to vote has said HELLO. */
enum reject nodes_check_add(const struct nodes *nodes, const struct node_add_command *add,
                            uint64_t sealed_height);
enum reject nodes_check_role(const struct nodes *nodes, const struct node_role_command *change,
                             uint64_t sealed_height, bool runs);
enum reject nodes_check_remove(const struct nodes *nodes, const struct node_remove_command *remove,
                               uint64_t sealed_height);
enum reject nodes_check_swap(const struct nodes *nodes, const struct node_swap_command *swap,
                             uint64_t sealed_height, bool runs);
enum reject nodes_check_epoch(const struct nodes *nodes, const struct epoch_change_command *change,
                              uint64_t sealed_height);

/* The event of a node that gets this role, as it will be. Needs: it is a member. */
struct node_changed_event nodes_changed(const struct nodes *nodes, uint32_t node,
                                        enum node_role role, uint64_t sealed_height);

/* Moves the set forward by an event. Needs: a check has passed it. */
void nodes_apply(struct nodes *nodes, const struct node_changed_event *changed);

/* Takes note of a vote. One of nobody, of another epoch or for a block that there is not yet is nothing. */
void nodes_vote(struct nodes *nodes, const struct vote_command *vote, uint64_t sealed_height);

/* Whether voters enough for a certificate have voted for this block or a later one. That their signatures
 * are good is not known here. */
bool nodes_certified(const struct nodes *nodes, uint64_t height);

/* Asserts N1 and N2. */
bool nodes_check(const struct nodes *nodes);

#endif /* ENGINE_NODES_H */
