/* Which of an account's events have become final: those in blocks that a certificate covers.
 *
 *     event heard ─► its mark, one a block ─► its block's SEAL ─► a certificate of that block or a later one ─► taken
 *
 * A SEAL ends its block: the block has the commands up to its own. A certificate certifies its block and all below it. Both
 * are known by command numbers, so that what is heard again after a break finds its block as well.
 *
 * Owner    one gateway loop
 * Memory   embedded by the caller; marks by whoever listens
 * Limits   FINALITY_SEALS_KEPT ends of blocks, the newest. FINALITY_MARKS_MAX blocks a listener that have
 *          events of his and no certificate: those of further ones join the last, and become final with the latest of them.
 *          At each bound something is told later than it could be, never earlier
 * Cost     O(1) an event heard live, O(log seals) one that is heard again
 */

#ifndef GATEWAY_FINALITY_H
#define GATEWAY_FINALITY_H

#include "gateway/block_list.h"
#include "gateway/user_event.h"
#include "gateway/writer.h"

#define FINALITY_SEALS_KEPT 1024 /* a power of 2 */
#define FINALITY_MARKS_MAX  16
#define FINALITY_JSON_MAX   256

struct finality {
    uint64_t seals[FINALITY_SEALS_KEPT]; /* commands that ended blocks, rising, by index modulo */
    uint64_t seal_count;
};

/* Events of one account that are final together, both included. */
struct finality_range {
    struct user_number from, to;
};

/* What a listener has heard that is not final yet, oldest first. */
struct finality_marks {
    uint32_t count;
    struct finality_range marks[FINALITY_MARKS_MAX];
};

/* A SEAL has ended a block at this command. Needs: rising. */
void finality_seal(struct finality *finality, uint64_t command);

/* Whether the command has ended a block: the newest that is known. */
bool finality_is_seal(const struct finality *finality, uint64_t command);

/* The listener has heard what is up to this number elsewhere: none of it may be final yet. Needs: the marks are empty. */
void finality_begin(struct finality_marks *marks, struct user_number heard);

/* The listener hears the event of this number. Needs: they rise. */
void finality_hear(const struct finality *finality, struct finality_marks *marks,
                   struct user_number number);

/* Takes what is in blocks up to `last_command`. False when that is nothing. */
MUST_CHECK bool finality_take(struct finality_marks *marks, uint64_t last_command,
                              struct finality_range *range);

/* The message, at most FINALITY_JSON_MAX bytes. */
void finality_put(struct writer *json, const struct block_entry *block,
                  const struct finality_range *range, uint64_t time_unit_ns);

#endif /* GATEWAY_FINALITY_H */
