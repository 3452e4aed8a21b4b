/* Who may speak for which account, and the parameters by which it is read: what authority.h asks for, for another
 * thread than the settlement's.
 *
 * It is a copy of a part of a settlement, moved forward by the same events, some time later. It holds no balance.
 *
 * Owner    one thread; pure
 * Memory   the caller's arena, touched as accounts and keys come: 92 bytes an account, 84 to 96 a key
 * Limits   those of the genesis
 * Cost     10 ns a command without a signed text, beside the misses of its key and account; an operator's text 0.2 us
 */

#ifndef SETTLEMENT_MANDATE_BOOK_H
#define SETTLEMENT_MANDATE_BOOK_H

#include "settlement/authority.h"

struct arena;
struct mandate_book;

size_t mandate_book_bytes(const struct genesis *genesis);

/* As the genesis has it. NULL when the arena is too small.
 * Needs: the genesis outlives it. */
MUST_CHECK struct mandate_book *mandate_book_new(struct arena *arena,
                                                 const struct genesis *genesis);

/* Takes over what a settlement of the same genesis knows. Needs: `book` is new. */
void mandate_book_copy(struct mandate_book *book, const struct settlement *settlement);

/* Whether the events of such commands can have anything to apply. */
bool mandate_book_concerns(uint16_t command_type);

/* Moves it forward by an event that settlement has taken; one that does not concern it is ignored.
 * False: that cannot be the next event. */
MUST_CHECK bool mandate_book_apply(struct mandate_book *book, const struct event *event);

/* Whether an event is one that mandate_book_apply would not ignore. */
bool mandate_book_needs(uint16_t event_type);

/* authority_but_signature, by what the book knows. A change of epoch never stands here; nor does a command that the rules
 * do not know (common/command_rules.h), which settlement would let be, and older builds not.
 * Memory: `signature` points into the command, the book and the genesis. */
const char *mandate_book_objection(const struct mandate_book *book, const struct command *command,
                                   struct authority_signature *signature);

/* Whether a command to which there is an objection is void by now, in any log: by a key that nobody knows, and so far behind
 * the log's last stamp that nobody will look at who gave it (authority_is_late), whatever becomes known. False: above
 * which stamp it is (*stands_ns), if that is before long, or 0; with a deadline that no honest gateway can have taken by
 * `clock_ns` it is 0. */
bool mandate_book_late(const struct mandate_book *book, const struct command *command,
                       uint64_t stamp_ns, uint64_t clock_ns, uint64_t *stands_ns);

#endif /* SETTLEMENT_MANDATE_BOOK_H */
