#include "ledger/root_vote.h"

#include <string.h>

static_assert(CHECKPOINT_VOTE_BYTES == VOTE_BYTES && LIABILITIES_VOTE_BYTES == VOTE_BYTES,
              "votes have the same fields, whatever for");

uint16_t root_vote_type(enum certificate_statement statement)
{
    ASSERT(statement == CERTIFICATE_OF_CHECKPOINT || statement == CERTIFICATE_OF_LIABILITIES);
    return statement == CERTIFICATE_OF_CHECKPOINT ? T_CHECKPOINT_VOTE : T_LIABILITIES_VOTE;
}

void root_vote_put(uint8_t command[ROOT_VOTE_BYTES], enum certificate_statement statement,
                   const struct vote_command *vote)
{
    const struct command_header header = {
        .length = ROOT_VOTE_BYTES, .type = root_vote_type(statement), .auth_kind = AUTH_NONE};
    command_header_put(command, &header);
    vote_command_put(command + COMMAND_HEADER_BYTES, vote);
}

void root_vote_get(const struct command *command, struct vote_command *vote)
{
    ASSERT(command->header.type == T_CHECKPOINT_VOTE || command->header.type == T_LIABILITIES_VOTE);
    vote_command_get(command->payload, vote);
}

hash_t root_vote_root(const struct vote_command *vote)
{
    hash_t root;
    memcpy(root.bytes, vote->header_hash, HASH_BYTES);
    return root;
}

void root_vote_tally_begin(struct certificate_tally *tally, enum certificate_statement statement,
                           hash_t chain_id, uint64_t epoch, uint64_t certified_height,
                           uint32_t checkpoint_blocks)
{
    ASSERT(statement != CERTIFICATE_OF_BLOCK && checkpoint_blocks > 0);
    certificate_tally_begin(tally, chain_id, epoch, certified_height);
    tally->statement = statement;
    tally->stride = checkpoint_blocks;
}
