/* The last entries of one kind over all accounts; each account's are a chain from its newest back.
 *
 * Owner    one gateway loop
 * Memory   from an arena at start; an entry stays until `kept` newer ones have come
 * Limits   `kept` entries over all accounts; account_tail_lost says whether an account's walk ends early
 */

#ifndef GATEWAY_ACCOUNT_TAIL_H
#define GATEWAY_ACCOUNT_TAIL_H

#include "common/arena.h"
#include "common/params.h"

/* What each entry begins with. */
struct account_tail_link {
    uint64_t command;
    uint64_t previous; /* the account's entry before, number + 1 */
};

struct account_tail {
    uint8_t *entries; /* by number modulo `kept` */
    uint64_t *last;   /* of each account, number + 1 */
    uint64_t end;
    uint64_t dropped; /* those of this command or before may be missing */
    uint32_t kept;
    uint32_t entry_bytes;
    uint32_t accounts_max;
};

size_t account_tail_bytes(const struct params *params, uint32_t kept, uint32_t entry_bytes);

/* False when the arena cannot hold it. Needs: an entry begins with its link. */
MUST_CHECK bool account_tail_init(struct account_tail *tail, struct arena *arena,
                                  const struct params *params, uint32_t kept, uint32_t entry_bytes);

/* A place for the account's newest entry: linked, all zero behind the link. */
void *account_tail_add(struct account_tail *tail, uint32_t account, uint64_t command);

/* Those of `command` and before are not in memory, of any account up to `account_count`. Needs: there were
 * none yet. */
void account_tail_forget(struct account_tail *tail, uint64_t command, uint32_t account_count);

/* Walks an account's from the newest: NULL starts; NULL at the end. */
const void *account_tail_next(const struct account_tail *tail, uint32_t account, const void *entry);

/* Whether the account had older ones than the last that the walk gives. */
bool account_tail_lost(const struct account_tail *tail, uint32_t account);

#endif /* GATEWAY_ACCOUNT_TAIL_H */
