#include "ledger/epoch.h"

#include "common/le.h"

#define SIGNED_BYTES (EPOCH_STATEMENT_BYTES - SIGNATURE_BYTES)
#define NODE_OFFSET  56

static const uint8_t tag[16] = "quorex/epoch/1";

static_assert(SIGNED_BYTES == 16 + HASH_BYTES + 8 + 4 + 4 + 3 * (8 + HASH_BYTES) + 8,
              "the fields fill a statement");

static uint8_t *header_put(uint8_t *at, const struct epoch_header *header)
{
    at = le_put_u64(at, header->height);
    return le_put_bytes(at, header->hash.bytes, HASH_BYTES);
}

/* None has no hash. */
static bool header_is_whole(const struct epoch_header *header)
{
    static const hash_t none;
    return header->height != 0 || hash_equal(header->hash, none);
}

static bool header_get(const uint8_t *at, struct epoch_header *header)
{
    header->height = le_get_u64(at);
    memcpy(header->hash.bytes, at + 8, HASH_BYTES);
    return header_is_whole(header);
}

void epoch_statement_sign(const struct epoch_statement *statement, hash_t chain_id,
                          const uint8_t secret_key[SECRET_KEY_BYTES],
                          uint8_t bytes[EPOCH_STATEMENT_BYTES])
{
    uint8_t *at = le_put_bytes(bytes, tag, sizeof(tag));
    at = le_put_bytes(at, chain_id.bytes, HASH_BYTES);
    at = le_put_u64(at, statement->epoch);
    ASSERT(at == bytes + NODE_OFFSET);
    at = le_put_u32(at, statement->node);
    at = le_put_u32(at, 0);
    at = header_put(at, &statement->certified);
    at = header_put(at, &statement->signed_last);
    at = le_put_u64(at, statement->log_index);
    at = le_put_u64(at, statement->log_term);
    at = le_put_bytes(at, statement->log_hash.bytes, HASH_BYTES);
    ASSERT(at == bytes + SIGNED_BYTES);
    hash_sign(secret_key, bytes, SIGNED_BYTES, at);
}

bool epoch_statement_decode(const uint8_t bytes[EPOCH_STATEMENT_BYTES], hash_t chain_id,
                            struct epoch_statement *statement)
{
    if (memcmp(bytes, tag, sizeof(tag)) != 0) return false;
    if (memcmp(bytes + sizeof(tag), chain_id.bytes, HASH_BYTES) != 0) return false;
    statement->epoch = le_get_u64(bytes + 48);
    statement->node = le_get_u32(bytes + NODE_OFFSET);
    if (statement->node == 0 || le_get_u32(bytes + NODE_OFFSET + 4) != 0) return false;
    if (!header_get(bytes + 64, &statement->certified)) return false;
    if (!header_get(bytes + 104, &statement->signed_last)) return false;
    statement->log_index = le_get_u64(bytes + 144);
    statement->log_term = le_get_u64(bytes + 152);
    memcpy(statement->log_hash.bytes, bytes + 160, HASH_BYTES);
    return true;
}

bool epoch_statement_valid(const uint8_t bytes[EPOCH_STATEMENT_BYTES],
                           const struct validator_set *voters)
{
    const struct validator *voter = validator_set_find(voters, le_get_u32(bytes + NODE_OFFSET));
    return voter != NULL &&
           hash_verify(voter->public_key, bytes, SIGNED_BYTES, bytes + SIGNED_BYTES);
}

/* ---- Deciding ---- */

static bool is_on(const struct epoch_chain *chain, const struct epoch_header *header)
{
    hash_t hash;
    if (header->height == 0) return true;
    switch (chain->header(chain->context, header->height, &hash)) {
    case EPOCH_HAS_BLOCK:
        return hash_equal(hash, header->hash);
    case EPOCH_BELOW:
        return true;
    case EPOCH_NO_BLOCK:
        break;
    }
    return false;
}

/* How many voters can have signed the block of the chain at `height`. Who is off it above may have signed it. */
static uint32_t signers_of(const struct epoch_statement *statements, uint32_t count,
                           const bool *off, uint32_t silent, uint64_t height)
{
    uint32_t signers = silent;
    for (uint32_t i = 0; i < count; i++)
        signers += statements[i].signed_last.height > height ||
                   (!off[i] && statements[i].signed_last.height == height);
    return signers;
}

const char *epoch_decide(const struct epoch_statement *statements, uint32_t count,
                         const struct validator_set *voters, const struct epoch_chain *chain,
                         struct epoch_decision *decision)
{
    ASSERT(count > 0 && count <= EPOCH_STATEMENTS_MAX);
    const uint32_t quorum = validator_set_quorum(voters);
    *decision = (struct epoch_decision){.off_count = 0};
    if (count < quorum || count > voters->count) return "fewer statements than a quorum";
    for (uint32_t i = 0; i < count; i++) {
        decision->off[i] =
            !is_on(chain, &statements[i].signed_last) || !is_on(chain, &statements[i].certified);
        decision->off_count += decision->off[i];
    }
    const uint32_t silent = voters->count - count;
    for (uint32_t i = 0; i < count; i++) {
        const struct epoch_header *last = &statements[i].signed_last;
        const struct epoch_header *certified = &statements[i].certified;
        if (decision->off[i]) continue;
        if (certified->height > decision->kept.height) decision->kept = *certified;
        if (last->height > decision->kept.height &&
            signers_of(statements, count, decision->off, silent, last->height) >= quorum)
            decision->kept = *last;
    }
    return decision->off_count + silent < quorum ? NULL : "another header can have been certified";
}

/* ---- The command ---- */

/* Reads the statements, which must be good ones. */
static const char *statements_get(const struct command *command, hash_t chain_id,
                                  const struct validator_set *voters,
                                  struct epoch_statement *statements, uint32_t *count)
{
    const size_t bytes = command->header.auth_length;
    struct epoch_change_command change;
    epoch_change_command_get(command->payload, &change);
    *count = (uint32_t)(bytes / EPOCH_STATEMENT_BYTES);
    if (command->header.auth_kind != AUTH_STATEMENTS || bytes % EPOCH_STATEMENT_BYTES != 0)
        return "statements are malformed";
    if (*count < validator_set_quorum(voters)) return "fewer statements than a quorum";
    for (uint32_t i = 0; i < *count; i++) {
        const uint8_t *at = command->auth + (size_t)i * EPOCH_STATEMENT_BYTES;
        if (!epoch_statement_decode(at, chain_id, &statements[i]))
            return "a statement is malformed, or another chain's";
        if (i > 0 && statements[i].node <= statements[i - 1].node)
            return "statements are not by rising node id";
        if (change.epoch == 0 || statements[i].epoch != change.epoch - 1)
            return "a statement is of another epoch";
        if (!epoch_statement_valid(at, voters)) return "a statement is signed by no voter";
    }
    return NULL;
}

const char *epoch_change_fault(const struct command *command, hash_t chain_id,
                               const struct validator_set *voters)
{
    struct epoch_statement statements[EPOCH_STATEMENTS_MAX];
    uint32_t count;
    return statements_get(command, chain_id, voters, statements, &count);
}

const char *epoch_change_objection(const struct command *command, hash_t chain_id,
                                   const struct validator_set *voters,
                                   const struct epoch_chain *chain)
{
    struct epoch_statement statements[EPOCH_STATEMENTS_MAX];
    struct epoch_change_command change;
    struct epoch_decision decision;
    uint32_t count;
    const char *fault = statements_get(command, chain_id, voters, statements, &count);
    if (fault == NULL) fault = epoch_decide(statements, count, voters, chain, &decision);
    if (fault != NULL) return fault;
    epoch_change_command_get(command->payload, &change);
    struct epoch_header named = {.height = change.height};
    memcpy(named.hash.bytes, change.header_hash, HASH_BYTES);
    if (!header_is_whole(&named) || !is_on(chain, &named))
        return "the header named is not of this chain";
    return named.height <= decision.kept.height ? NULL
                                                : "the header named cannot have been certified";
}

size_t epoch_change_put(uint64_t epoch, const struct epoch_header *kept, const uint8_t *statements,
                        uint32_t count, uint8_t bytes[EPOCH_COMMAND_BYTES_MAX])
{
    ASSERT(count <= EPOCH_STATEMENTS_MAX);
    const size_t auth_bytes = (size_t)count * EPOCH_STATEMENT_BYTES;
    struct epoch_change_command change = {.epoch = epoch, .height = kept->height};
    memcpy(change.header_hash, kept->hash.bytes, HASH_BYTES);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + EPOCH_CHANGE_BYTES + auth_bytes),
        .type = T_EPOCH_CHANGE,
        .auth_kind = AUTH_STATEMENTS,
        .auth_length = (uint16_t)auth_bytes,
    };
    command_header_put(bytes, &header);
    epoch_change_command_put(bytes + COMMAND_HEADER_BYTES, &change);
    le_put_bytes(bytes + COMMAND_HEADER_BYTES + EPOCH_CHANGE_BYTES, statements, auth_bytes);
    return header.length;
}
