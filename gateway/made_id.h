/* Names for what nobody named: the same on every node, since all follow from the log.
 *
 * A request that names none of what it makes is given a random name before it becomes a command (admit.h). Some commands
 * have no place for one: what they cancel is named after their number.
 */

#ifndef GATEWAY_MADE_ID_H
#define GATEWAY_MADE_ID_H

#include <stdint.h>

#define MADE_ID_LETTERS 22

/* The client id of the cancels that the command made: letters and digits, zeros behind them. */
void made_id_cancel(uint64_t command, uint8_t client_id[36]);

#endif /* GATEWAY_MADE_ID_H */
