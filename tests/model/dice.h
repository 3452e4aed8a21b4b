/* Random worlds and random commands for them, biased to collisions: few accounts, few prices, small
 * quantities, few names, balances that just suffice, full books.
 *
 * The same seed makes the same world and the same commands, as long as the model answers the same.
 */

#ifndef TESTS_MODEL_DICE_H
#define TESTS_MODEL_DICE_H

#include "tests/model/trial.h"

#define DICE_WEIGHTS 24

struct dice {
    uint64_t state;
    uint64_t stamp_ns;
    uint64_t step_ns; /* stamps rise by less than this, mostly */
    uint32_t accounts, markets, setup, setup_count;
    uint32_t newcomers; /* accounts beyond those that a world begins with */
    uint32_t weights[DICE_WEIGHTS];
    uint32_t stops, icebergs, self_trades, slips; /* how often, of 100 (slips: of 1000) */
    uint32_t wealth;
    bool filters, volumes, wide;
    bool full;       /* few orders, and most of them in lists */
    bool membership; /* nodes come, vote and go */
    bool custody;    /* deposits and withdrawals */
    uint32_t tags;   /* percent of orders that are called something, or may be asked for twice */
    uint32_t origin; /* with membership: a node that has said HELLO; 0: none yet */
    bool huge;       /* amounts near the bound of 63 bits */
};

/* Opens the world of this seed: its bounds go to `genesis`, the rest comes with the first commands. */
void dice_open(struct dice *dice, uint64_t seed, struct genesis *genesis);

/* The next command, aimed at what is open in the model. */
void dice_next(struct dice *dice, const struct model *model, struct trial_command *command);

#endif /* TESTS_MODEL_DICE_H */
