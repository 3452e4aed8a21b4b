/* Who may have asked for a command: its authentication field against the keys that the log knows.
 *
 * The gateway checks before it admits, so a command in the log that does not pass was put there by a
 * node that lies. What is checked, and against the parameters of the moment:
 *
 *   Ed25519   the key id names a key of the command's account that may trade and has a public key, or
 *             is the account owner's public key itself; the signature is that key's over the signed
 *             bytes; the signed bytes ask for exactly this command (intent_matches)
 *             A withdrawal, or an address to withdraw to, needs a key that may withdraw, or the owner's; what is
 *             about an account's keys needs the owner's
 *   HMAC      never for those; the key id names a key of the command's account that may trade and has an HMAC secret;
 *             that its bearer signed is the gateway node's word. Never for operators' commands. For
 *             SESSION_END and SWITCH_SET, which gateways make themselves, any trading key will do
 *   operator  the public key is that of the command's operator in the genesis, or, for what connectors may say, of a
 *             connector that was added; signature and text as
 *             for Ed25519
 *   statements  an EPOCH_CHANGE's alone: the nodes' own words, judged by who knows the node set
 *   none      a node's own commands only: HELLO, SEAL, VOTE, CHECKPOINT_VOTE, LIABILITIES_VOTE, ORIGIN_LOST
 *
 * From rules 7 on a key whose account made, changed or removed it, and an operator's later one, may have lost its right, or
 * its place to another, while a command was under way: such a command stands, and the engine must have refused it
 * (authority_is_void). What comes by no key that is known stands likewise, in the log; a leader takes nothing of it, as such
 * a key may be made before the command has its turn. That a session is over is then a gateway's to say by any key or none.
 *
 * The signed bytes are those of the REST request: query string and body, joined without a separator.
 */

#ifndef SETTLEMENT_AUTHORITY_H
#define SETTLEMENT_AUTHORITY_H

#include "common/genesis.h"
#include "settlement/settle.h"

struct balance_sheet;
struct keyring;

struct authority {
    const struct genesis *genesis;
    const hash_t *chain_id; /* the genesis' */
    const struct params *params;
    const struct keyring *keys;
    const struct balance_sheet *accounts;
    settle_epoch_check epoch_check; /* NULL: no change of epoch may stand */
    void *epoch_context;
};

/* NULL when the command may stand; otherwise what is wrong with it, as a log line names it. */
const char *authority_objection(const struct authority *authority, const struct command *command);

/* What only a signature can tell. */
struct authority_signature {
    const uint8_t *public_key; /* NULL: none is needed */
    const uint8_t *signature;  /* SIGNATURE_BYTES */
    const uint8_t *text;
    size_t text_bytes;
};

/* The same but for the signature, which is the costly part: NULL when the command may stand if `signature` is that
 * key's over that text. What may stand once may stand later: accounts and listings are only ever added, and a command by a key that is gone
 * stands in the log, as one that is refused. The other way round, an objection may be one that time would lift: an id that
 * no key has is one here, and none to authority_objection.
 * Memory: `signature` points into the command and into what `authority` names. */
const char *authority_but_signature(const struct authority *authority,
                                    const struct command *command,
                                    struct authority_signature *signature);

/* Whether it is a command of an account by a key that nobody knows: from rules 7 on it stands in the log, refused. */
bool authority_is_nobodys(const struct authority *authority, const struct command *command);

/* Whether it is a command of an account, by a key of its own or not, that is void at `stamp_ns` (params_void): it stands,
 * refused, whatever its key and signature are. */
bool authority_is_late(const struct authority *authority, const struct command *command,
                       uint64_t stamp_ns);

/* Whether the command stands, and must have been refused: the key by which it came was removed, or may not any more, or is
 * none, from rules 7 on; or it is about keys, and its text does not name this chain (intent_key_names). Needs:
 * authority_objection has nothing against it. */
bool authority_is_void(const struct authority *authority, const struct command *command);

#endif /* SETTLEMENT_AUTHORITY_H */
