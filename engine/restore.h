/* An engine made again from its snapshot (snapshot.h).
 *
 * It answers every command as the one did that was written, and its own snapshot is the same bytes. A
 * snapshot is outside input: whatever it says is checked before it is used, so that a restored engine holds
 * every invariant of engine_check and of its parts, or there is none.
 *
 *     form, hash, chain ─► numbers, parameters ─► accounts, sums ─► orders ─► lists ─► books, stops ─► rest
 *
 * What an order holds is checked against what its account holds by counting down: `touched` of a balance is
 * what is held and not yet explained by an order. It ends at 0, which is a balance that no command has
 * touched.
 *
 * Owner    whoever starts the engine thread, before it runs
 * Memory   as engine_new. When the status is not STATUS_OK the arena is spoilt and must be unmapped.
 * Cost     O(accounts x assets + orders), what will be needed next being asked for ahead; hashing the bytes
 *          is a good part of it
 */

#ifndef ENGINE_RESTORE_H
#define ENGINE_RESTORE_H

#include "common/genesis.h"
#include "common/status.h"

struct arena;
struct engine;

/* Makes *engine in the arena, which has engine_bytes(genesis) to give, all zero.
 *
 * STATUS_NO_MEMORY: the arena is too small. STATUS_UNSUPPORTED: not a snapshot of this version.
 * STATUS_MISMATCH: of another genesis. STATUS_DAMAGED: the bytes are not those that were hashed.
 * STATUS_MALFORMED: they are, and say what no engine's state is. */
MUST_CHECK enum status restore_engine(struct arena *arena, const struct genesis *genesis,
                                      const uint8_t *bytes, size_t byte_count,
                                      struct engine **engine);

#endif /* ENGINE_RESTORE_H */
