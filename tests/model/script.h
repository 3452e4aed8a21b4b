/* Scripts: a world and its commands, as a text that can be kept and played again; and events in words.
 *
 *     # anything
 *     world accounts 6 keys 8 orders 40 levels 30 assets 4 markets 4 volume 1
 *     tier 1000 2000 0
 *     1000 1400000014... # ORDER_PLACE account=1 market=0 ...        stamp, bytes in hex, remark
 */

#ifndef TESTS_MODEL_SCRIPT_H
#define TESTS_MODEL_SCRIPT_H

#include "tests/model/trial.h"

#include <stdio.h>

struct script {
    struct genesis genesis;
    struct trial_command *commands;
    uint32_t count, room;
};

/* A genesis with nothing but bounds of 1, two operators, and nodes 1 and 7. */
void script_genesis(struct genesis *genesis);

void script_add(struct script *script, const struct trial_command *command);
void script_free(struct script *script);

/* False when the file cannot be read, with a message on standard error. */
MUST_CHECK bool script_read(struct script *script, const char *path);
MUST_CHECK bool script_write(const struct script *script, const char *path, const char *remark);

/* A command, or an event, as one line of words. */
void script_print_command(FILE *out, const struct trial_command *command);
void script_print_events(FILE *out, const uint8_t *bytes, const uint8_t *end);

#endif /* TESTS_MODEL_SCRIPT_H */
