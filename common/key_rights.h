/* What a key may do, and how its owner says so (docs/api-quorex.md): what engine, settlement and gateway agree about.
 *
 * From rules 7 on an account manages its keys itself, by its own signature. A key that was removed keeps its place, with no
 * permission, for KEY_LINGER_NS at least, so that what it signed and what is under way is known to be its, and refused.
 * Then the place is free for another key of the same account.
 */

#ifndef COMMON_KEY_RIGHTS_H
#define COMMON_KEY_RIGHTS_H

#include "common/hash.h"
#include "common/messages.h"

#define KEYS_OF_ACCOUNT_MAX 32 /* with those removed of late; operators may add more */
#define KEY_LINGER_NS \
    UINT64_C(120000000000) /* above the longest life of a command: 60 s and clocks */
#define KEY_AHEAD_NS    UINT64_C(60000000000) /* how far ahead of the log a request's time may be */
#define KEY_PERMISSIONS (KEY_READ | KEY_TRADE | KEY_WITHDRAW)

/* The id of the key that an account makes at that time. Times of one account's requests rise, and nobody can choose an id:
 * it is no key's before, and nobody's public key. */
hash_t key_rights_id(const uint8_t owner[PUBLIC_KEY_BYTES], uint64_t time_ns);

/* What a key needs for a command of an account; 0: nothing, as for what only the owner's own key may sign, for the end
 * of a session, which gateways say by themselves, and for an account that is not there yet. */
uint16_t key_rights_needed(uint16_t command_type);

/* What only the owner's own key may sign. */
bool key_rights_manages(uint16_t command_type);

/* What moves money out, or says where it may go. */
bool key_rights_withdraws(uint16_t command_type);

/* The account that a command is for which accounts ask for, 0 for others. */
uint32_t key_rights_account(const struct command *command);

/* Whether an account may make such a key: with some of the permissions, and with a secret or a public key; one with a secret
 * never withdraws. */
bool key_rights_valid(const struct key_create_command *create);

#endif /* COMMON_KEY_RIGHTS_H */
