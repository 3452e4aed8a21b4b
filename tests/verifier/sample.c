/* Writes a small exchange's liabilities for the verifiers that share no code with it, right and forged.
 *
 *     sample FOLDER
 *
 *     FOLDER/liabilities, opening-ACCOUNT-ASSET, account-ACCOUNT, trust.json, genesis.json
 *     FOLDER/forged-omitted, -negative, -asset      whole files that every validator signed, each a lie
 */

#include "node/genesis_json.h"
#include "tests/unit/node/owed.h"

#include <stdio.h>

static struct owed owed;
static const char *folder;

static void write_file(const char *name, const void *bytes, size_t byte_count)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, byte_count, file) != byte_count || fclose(file) != 0)
        abort();
}

static void write_trust(void)
{
    const struct genesis *genesis = &owed.proved.story.journal.genesis;
    char path[512], chain[2 * HASH_BYTES + 1], key[2 * PUBLIC_KEY_BYTES + 1], text[512];
    const hash_t chain_id = genesis_chain_id(genesis);
    hash_hex(chain_id.bytes, HASH_BYTES, chain);
    hash_hex(genesis->validators.members[0].public_key, PUBLIC_KEY_BYTES, key);
    const int length = snprintf(
        text, sizeof(text),
        "{\"chainId\":\"%s\",\"validators\":[{\"node\":1,\"publicKey\":\"%s\"}]}", chain, key);
    write_file("trust.json", text, (size_t)length);
    snprintf(path, sizeof(path), "%s/genesis.json", folder);
    if (genesis_write(path, genesis) != STATUS_OK) abort();
}

static void write_account(uint32_t account)
{
    static struct liabilities_opening opening;
    static uint8_t bytes[PROOF_BYTES_MAX];
    const struct proof_source *source = owed.proved.source;
    struct proof_bytes proof;
    char name[64];
    for (uint16_t asset = 0; asset < owed.head.asset_count; asset++) {
        owed_open(&owed, account, asset, &opening);
        snprintf(name, sizeof(name), "opening-%u-%u", account, asset);
        write_file(name, bytes, owed_frame(&owed, &opening, bytes));
    }
    if (source->account(source->context, account, owed_height(&owed), &proof) != STATUS_OK) abort();
    snprintf(name, sizeof(name), "account-%u", account);
    write_file(name, proof.bytes, proof.byte_count);
}

/* The first leaf that has an amount. */
static uint8_t *somebodys_leaf(void)
{
    uint8_t *at = owed.file + owed_leaves_at(&owed.head);
    while (le_get_u64(at) == 0)
        at += LIABILITIES_LEAF_BYTES;
    return at;
}

static void write_forged(void)
{
    uint8_t *leaf = somebodys_leaf();
    const uint64_t amount = le_get_u64(leaf);
    struct liabilities_head head;
    le_put_u64(leaf, 0);
    head = owed_add_up(&owed);
    owed_forge(&owed, &head);
    write_file("forged-omitted", owed.file, owed.file_bytes);
    le_put_u64(leaf, (uint64_t) - (int64_t)amount);
    owed_forge(&owed, &owed.head);
    write_file("forged-negative", owed.file, owed.file_bytes);
    le_put_u64(leaf, amount);
    head = owed.head;
    head.asset_count--;
    memmove(owed.file + owed_leaves_at(&head), owed.file + owed_leaves_at(&owed.head),
            sizeof(owed.file) - owed_leaves_at(&owed.head));
    owed_forge(&owed, &head);
    write_file("forged-asset", owed.file, owed.file_bytes);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    folder = argv[1];
    owed_begin(&owed);
    write_file("liabilities", owed.file, owed.file_bytes);
    write_trust();
    write_account(1);
    write_account(2);
    write_forged();
    owed_end(&owed);
    return 0;
}
