/* What a leader asks of a run that another member sent, before it takes it: may every command of it stand?
 *
 * A command in the log whose owner did not ask for it stops every honest node. So a member that lies must not bring
 * one there. The ledger knows no accounts and no keys: who does is plugged in here (node/vetter.h, the simulator).
 * What needs no signature is told at once; signatures are looked at elsewhere, and told later.
 *
 * Owner    the replica calls, on the consensus thread
 * Memory   bytes are the caller's again when a call returns
 */

#ifndef LEDGER_VETTING_H
#define LEDGER_VETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vetting_result {
    VETTING_STANDS,
    VETTING_FALSE, /* a command of it can never stand */
    VETTING_LATE, /* nor by what is known so far: with a later command's account or key it may, or at a later stamp */
    VETTING_ASKED, /* an answer comes */
    VETTING_BUSY   /* there is no room for the question: ask again */
};

struct vetting_run {
    uint32_t node;   /* that sent it */
    uint64_t number; /* of the question */
    const uint8_t *bytes;
    size_t byte_count;
    uint64_t stamp_ns; /* of the last batch delivered: the run's own will not be below it */
    uint64_t clock_ns; /* the world's time, as stamps have it */
};

/* What is wrong with a run. */
struct vetting_fault {
    const char *what; /* static text */
    uint32_t offset;  /* of the command */
    uint64_t
        stands_ns; /* with VETTING_LATE: nobody need ask again before the log's stamp is above; 0: it stands by no stamp */
};

struct vetting_answer {
    uint64_t number;
    bool stands;
    struct vetting_fault fault; /* when it does not */
};

/* All zero: everything stands. */
struct vetting {
    void *context;
    /* The command up to which it is known who may speak for whom. */
    uint64_t (*reached)(void *context);
    /* `fault` is set with VETTING_FALSE and VETTING_LATE. */
    enum vetting_result (*ask)(void *context, const struct vetting_run *run,
                               struct vetting_fault *fault);
    /* The next answer. False: none yet. */
    bool (*answer)(void *context, struct vetting_answer *answer);
    /* The run is false: it is kept as evidence. */
    void (*convict)(void *context, const struct vetting_run *run,
                    const struct vetting_fault *fault);
};

#endif /* LEDGER_VETTING_H */
