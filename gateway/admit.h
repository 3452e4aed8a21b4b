/* The first verb: a verified request becomes one command's bytes.
 *
 * Nothing is decided here that the engine decides.
 */

#ifndef GATEWAY_ADMIT_H
#define GATEWAY_ADMIT_H

#include "common/intent.h"
#include "gateway/auth.h"

#define ADMIT_CLIENT_ID_LETTERS 22

struct facts;

struct admission {
    const struct intent *intent;
    const struct auth_proof *proof;
    const struct auth_payload *payload; /* goes along for Ed25519 and operators */
    uint64_t deadline_ns;
    uint64_t ticket;
    uint32_t origin;
};

/* Fills the accounts and operator index of an intent: they come from the key, not from the text. */
void admit_account(struct intent *intent, uint32_t account);

void admit_operator(struct intent *intent, uint16_t operator_index);

/* An id of 22 letters and digits out of as many random bytes. */
void admit_client_id(uint8_t client_id[36], const uint8_t random[ADMIT_CLIENT_ID_LETTERS]);

/* Gives whatever the intent names an id of its own, made of the random one, where the client gave
 * none. */
void admit_ids(struct intent *intent, const uint8_t random_id[36]);

/* Size of the command; more than COMMAND_BYTES_MAX or an authentication field beyond COMMAND_AUTH_MAX
 * gives 0. */
size_t admit_bytes(const struct admission *admission);

/* Writes it. Needs: admit_bytes bytes at `at`. */
void admit_put(const struct admission *admission, uint8_t *at);

/* Whether the command's own signed bytes ask for exactly it: what every node checks before it signs; and, of one about keys,
 * name this chain where the rules want it.
 * A request whose parameters are split over query and body may fail. `form` is scratch. */
MUST_CHECK bool admit_provable(const uint8_t *bytes, size_t byte_count, const struct facts *facts,
                               struct form *form);

#endif /* GATEWAY_ADMIT_H */
