/* The engine and the model side by side: the same command to both, and every byte of their events and
 * every balance compared.
 *
 * Memory   trial_open takes it, trial_close gives it back
 */

#ifndef TESTS_MODEL_TRIAL_H
#define TESTS_MODEL_TRIAL_H

#include "common/arena.h"
#include "engine/match.h"
#include "tests/model/model.h"

#define TRIAL_ROOM        512 /* for events, before they move to the overflow */
#define TRIAL_COMMAND_MAX (COMMAND_HEADER_BYTES + COMMAND_PAYLOAD_MAX)

/* One command of a script. `regular`: its sequence, epoch and nonce are the next ones, whatever came
 * before, so that a script can lose commands and still mean something. */
struct trial_command {
    uint64_t stamp_ns;
    uint16_t byte_count;
    bool regular;
    int16_t aim; /* the open order it names, counted from the newest, from 1; 0: as it is written */
    uint8_t bytes[TRIAL_COMMAND_MAX];
};

struct trial {
    struct model *model;
    struct engine *engine; /* NULL: the model alone */
    struct arena arena, engine_events, model_events;
    struct event_writer engine_out, model_out; /* the engine's events are from its `begin` */
    uint8_t room[TRIAL_ROOM];
    uint64_t number;
    struct model_balance folded[MODEL_ACCOUNTS + 1][MODEL_ASSETS]; /* from BALANCE events */
};

void trial_open(struct trial *trial, const struct genesis *genesis);
void trial_close(struct trial *trial);

/* Sets what is regular in the command: origin epoch and sequence, an operator's nonce, and whom it aims
 * at. */
void trial_regulate(const struct trial *trial, struct trial_command *command);

/* Whether the events and balances that the last step left are the same. */
MUST_CHECK bool trial_same(struct trial *trial);

/* Steps both. False when their events or balances differ. */
MUST_CHECK bool trial_step(struct trial *trial, const struct trial_command *command);

/* Asserts the invariants of both. */
void trial_check(const struct trial *trial);

#endif /* TESTS_MODEL_TRIAL_H */
