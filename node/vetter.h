/* Who looks at what other members send to this node as their leader, before it takes it (ledger/vetting.h).
 *
 *     anchor ── facts ──► consensus: mandate book ── questions ──► this thread: signatures
 *                           ▲  may this command stand?                  │ evidence
 *                           └───────────────── answers ─────────────────┘
 *
 * Everything but signatures is told in place, on the consensus thread, by a copy of what settlement knows of accounts,
 * keys and listings. It lags: the anchor says in progress.settled_command how far it has sent its facts.
 *
 * Owner    vetter_run is the body of a thread of its own; the hooks are called by the consensus thread, which is the
 *          consumer of `facts` and `answers` and the producer of `questions`
 * Memory   an arena for the mandate book, touched as accounts come; everything in the options outlives the vetter
 * Limits   VETTER_QUESTION_MAX a question. A full `questions` ring is an answer (VETTING_BUSY); evidence that does not
 *          fit it is only in the log. VETTER_KEPT_MAX files of evidence a life.
 * Cost     consensus thread: mandate_book.h, and a copy of what is signed; this thread: 36 to 59 us a signature
 * Progress the hooks are wait-free; the thread blocks on its park and in writes of evidence
 */

#ifndef NODE_VETTER_H
#define NODE_VETTER_H

#include "common/genesis.h"
#include "common/park.h"
#include "common/progress.h"
#include "common/ring.h"
#include "common/status.h"
#include "ledger/consensus.h"
#include "ledger/peer_message.h"

struct settlement;
struct vetter;

#define VETTER_QUESTION_MAX (PEER_RUN_BYTES_MAX + 64)
#define VETTER_KEPT_MAX     16

struct vetter_options {
    const struct genesis *genesis;
    const struct settlement *settlement; /* as it stands now; not looked at later */
    struct ring *facts;     /* in: event frames (mandate_book_needs), from the anchor */
    struct ring *questions; /* records of VETTER_QUESTION_MAX */
    struct ring *answers;
    struct park *park; /* this thread's own */
    struct park *consensus_park;
    const char *evidence_directory; /* made when needed; NULL: nothing is kept */
    struct progress *progress;
};

size_t vetter_bytes(const struct genesis *genesis);

/* NULL: no memory; logged. Needs: no other thread uses the settlement yet. */
MUST_CHECK struct vetter *vetter_new(const struct vetter_options *options);
void vetter_free(struct vetter *vetter);

/* For the consensus thread. */
struct consensus_vetting vetter_hooks(struct vetter *vetter);

/* Runs until progress->stopping. */
void vetter_run(struct vetter *vetter);

/* What vetter_run is made of: looks at one question. False: there is none. */
bool vetter_turn(struct vetter *vetter);

#endif /* NODE_VETTER_H */
