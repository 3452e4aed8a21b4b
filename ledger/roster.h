/* Whom to have links with: the node set that one's own state says, and what other members say of newer ones.
 *
 * A node that was away knows an old set, and would refuse those who came since. So members tell each other their sets
 * when a link comes up and when the set changes. A member that is not in the own set is linked to when more than a
 * third of the own set's voters say that it is one: at least one of them is honest. Who has left the own set is kept
 * while the log's configuration has it: the change that takes it out may need its vote. A node that has just joined
 * may know nobody who is left: until its own set has it, it also links to those its operator's exchange named. All
 * that is for links alone; what counts for votes and signatures comes from the log.
 *
 *     nodes   38 | zero u8 u16 | count u32 | count x (node u32 | role u8 | zero u8 u16 | key 32 | address 64)
 *             by rising node id
 *
 * Owner    one thread; pure
 * Memory   the caller's, some 450 KiB
 * Limits   NODE_SET_LIMIT members; of the own set all, of those that left and of others what fits.
 */

#ifndef LEDGER_ROSTER_H
#define LEDGER_ROSTER_H

#include "common/node_set.h"
#include "common/status.h"
#include "ledger/fetch_message.h"

#define ROSTER_MEMBER_BYTES (4 + 4 + PUBLIC_KEY_BYTES + NODE_ADDRESS_BYTES)
#define ROSTER_BYTES_MAX    (8 + NODE_SET_LIMIT * ROSTER_MEMBER_BYTES)

struct roster_teller {
    uint32_t node;
    struct node_set said;
};

struct roster {
    struct node_set own;
    struct node_set left; /* no members of it any more, but counted by the log */
    struct node_set
        introduced; /* whom the exchange named when this node joined; empty as a member */
    uint32_t self;  /* this node, while there are such */
    uint32_t teller_count;
    struct roster_teller tellers[NODE_SET_LIMIT];
};

/* The message; returns its length. */
size_t roster_encode(const struct node_set *set, uint8_t bytes[ROSTER_BYTES_MAX]);

/* Strict: roles, keys and addresses as the state would have them. */
MUST_CHECK bool roster_decode(const uint8_t *bytes, size_t byte_count, struct node_set *set);

void roster_begin(struct roster *roster, const struct node_set *own);

/* The own state has come to another set. */
void roster_change(struct roster *roster, const struct node_set *own);

/* `self` joined lately, and these are said to be the members. Nothing when the own set has `self`: it knows better. */
void roster_introduce(struct roster *roster, uint32_t self, const struct node_set *set);

/* Who left before this process began, as far as they are not in the own set. */
void roster_take_left(struct roster *roster, const struct node_set *left);

/* Forgets who left and whom nobody `counts` any more. True: there was one. */
bool roster_release(struct roster *roster, bool (*counts)(void *context, uint32_t node),
                    void *context);

/* What a member says; of others it is ignored. True: it says something new. */
bool roster_hear(struct roster *roster, uint32_t node, const uint8_t *bytes, size_t byte_count);

/* Who is a member, by the own set or by what others say, or named when this node joined. */
void roster_links(const struct roster *roster, struct node_set *links);

/* Whom to link to now: those, and who left. */
void roster_reach(const struct roster *roster, struct node_set *reach);

/* The own set and who left. */
void roster_known(const struct roster *roster, struct node_set *known);

/* ---- DIR/members: the own set and who left, over a restart from a state that is newer than that set
 * (roster_fs.c). ----
 *
 *     crc32c u32 of what follows | a message as above
 */

/* Durable when it returns. STATUS_IO, STATUS_NO_SPACE, logged. */
MUST_CHECK enum status roster_keep(const struct roster *roster, const char *directory);

/* Who is in the file and not in the own set has left. A damaged file is as none: it is for links alone, and said in
 * the log. */
void roster_recall(struct roster *roster, const char *directory);

#endif /* LEDGER_ROSTER_H */
