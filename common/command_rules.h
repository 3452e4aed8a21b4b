/* Since which rules a command may be in a chain's log.
 *
 * A build that does not know a command cannot read the log entry that has it, and stops. So under rules that are older
 * than a command a gateway does not make it, a leader does not take it from anybody (settlement/mandate_book.h), and an
 * engine that finds it in the log nevertheless makes nothing of it. All three ask here.
 */

#ifndef COMMON_COMMAND_RULES_H
#define COMMON_COMMAND_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* The first rules that know the command; 1 for what was there from the beginning on. Whoever adds a command adds it to
 * the table here. */
uint32_t command_rules_since(uint16_t type);

static inline bool command_rules_allow(uint32_t rules, uint16_t type)
{
    return rules >= command_rules_since(type);
}

#endif /* COMMON_COMMAND_RULES_H */
