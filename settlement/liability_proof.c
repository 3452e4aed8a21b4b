#include "settlement/liability_proof.h"

#include "settlement/liability_leaf.h"

static const char *part_fault(const struct liabilities_opening *opening, uint16_t part)
{
    const struct liabilities_part *opened = &opening->parts[part];
    if (opened->amount > INT64_MAX) return "a part is below zero";
    const hash_t commitment = liability_leaf_commitment(
        &opened->nonce, opening->public_key, opening->asset, part, (uint16_t)opening->part_count);
    return liability_leaf_fault(opened,
                                liability_leaf_node(opening->asset, opened->amount, &commitment),
                                &opening->head.assets[opening->asset]);
}

const char *liability_proof_fault(const struct liabilities_opening *opening,
                                  const struct block_header *header, hash_t header_hash,
                                  const uint8_t *public_key)
{
    if (public_key != NULL && memcmp(public_key, opening->public_key, PUBLIC_KEY_BYTES) != 0)
        return "its leaves are another account's";
    if (opening->head.height != header->height ||
        !hash_equal(opening->head.chain_id, header->chain_id) ||
        !hash_equal(opening->head.header_hash, header_hash))
        return "its liabilities are of another block";
    for (uint16_t part = 0; part < opening->part_count; part++) {
        const char *fault = part_fault(opening, part);
        if (fault != NULL) return fault;
    }
    return NULL;
}

unsigned __int128 liability_proof_amount(const struct liabilities_opening *opening)
{
    unsigned __int128 amount = 0;
    for (uint32_t part = 0; part < opening->part_count; part++)
        amount += opening->parts[part].amount;
    return amount;
}

/* What the account has of the asset; 0: nothing. */
static unsigned __int128 balance_of(const struct proof_account *account, uint16_t asset)
{
    for (uint16_t i = 0; i < account->count; i++)
        if (account->balances[i].asset == asset)
            return (unsigned __int128)account->balances[i].available +
                   (unsigned __int128)account->balances[i].held;
    return 0;
}

static bool is_opened(const struct liabilities_opening *openings, uint32_t count, uint16_t asset)
{
    for (uint32_t i = 0; i < count; i++)
        if (openings[i].asset == asset) return true;
    return false;
}

const char *liability_proof_holder_fault(const struct liabilities_opening *openings, uint32_t count,
                                         const struct proof_account *account, hash_t header_hash,
                                         uint16_t *asset)
{
    for (uint32_t i = 0; i < count; i++) {
        *asset = openings[i].asset;
        if (memcmp(openings[i].public_key, account->public_key, PUBLIC_KEY_BYTES) != 0)
            return "its leaves are another account's";
        if (!hash_equal(openings[i].head.header_hash, header_hash))
            return "the account's proof is of another block";
        if (liability_proof_amount(&openings[i]) != balance_of(account, *asset))
            return "its parts do not add up to the account's balance";
    }
    for (uint16_t i = 0; i < account->count; i++) {
        *asset = account->balances[i].asset;
        if (!is_opened(openings, count, *asset)) return "the account's balance is not opened";
    }
    return NULL;
}
