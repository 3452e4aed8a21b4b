#include "node/node_files.h"

#include "common/log.h"
#include "node/genesis_json.h"
#include "node/key_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status load_secret(const struct node_files *files, const char *name, unsigned version,
                               uint8_t secret[HASH_BYTES])
{
    char path[FILE_PATH_MAX], inner[64];
    snprintf(inner, sizeof(inner), "keys/%s-%u", name, version);
    if (!file_path(path, files->config->directory, inner)) return STATUS_MALFORMED;
    return key_file_read(path, secret, HASH_BYTES);
}

static enum status load_keys(struct node_files *files)
{
    char path[FILE_PATH_MAX];
    if (!file_path(path, files->config->directory, "keys/node.key")) return STATUS_MALFORMED;
    enum status status = key_file_read_ed25519(path, files->secret_key);
    if (status == STATUS_OK)
        status = load_secret(files, "gateway-secret", files->genesis.params.gateway_secret_version,
                             files->gateway_secret);
    if (status == STATUS_OK)
        status = load_secret(files, "tree-secret", files->genesis.params.tree_secret_version,
                             files->tree_secret);
    return status;
}

/* A validator of the genesis has the key that is there; of a later member the log will say. */
static enum status check_id(struct node_files *files)
{
    files->id = (uint32_t)files->config->node;
    const struct validator *member = validator_set_find(&files->genesis.validators, files->id);
    files->in_genesis = member != NULL;
    if (member == NULL ||
        memcmp(member->public_key, key_file_public(files->secret_key), PUBLIC_KEY_BYTES) == 0)
        return STATUS_OK;
    log_error("node", "keys/node.key is not this validator's in the genesis", "node=%u",
              (unsigned)files->id);
    return STATUS_MISMATCH;
}

static enum status make_folders(struct node_files *files)
{
    const struct {
        char *path;
        const char *name;
        bool made;
    } plan[] = {
        {files->wal, "wal", true},
        {files->chain, "chain", true},
        {files->checkpoint, "checkpoint", true},
        {files->evidence, "evidence", false},
        {files->sign_once, "sign-once", false},
        {files->history, "history", false},
        {files->trades, "trades", false},
        {files->releases, "releases", false},
        {files->shelf, "proofs", false},
        {files->liabilities, "liabilities", false},
        {files->epoch_change, "epoch-change", false},
    };
    for (size_t i = 0; i < sizeof(plan) / sizeof(plan[0]); i++) {
        if (!file_path(plan[i].path, files->config->directory, plan[i].name))
            return STATUS_MALFORMED;
        const enum status status = plan[i].made ? file_make_folder(plan[i].path, 0700) : STATUS_OK;
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

enum status node_files_load(struct node_files *files, const struct config *config)
{
    *files = (struct node_files){.config = config};
    enum status status = genesis_read(config->genesis, &files->genesis);
    if (status == STATUS_OK)
        status = file_read(config->genesis, &files->genesis_text, &files->genesis_text_bytes);
    if (status == STATUS_OK) status = load_keys(files);
    if (status == STATUS_OK) status = check_id(files);
    if (status == STATUS_OK) status = make_folders(files);
    return status;
}

void node_files_close(struct node_files *files)
{
    free(files->genesis_text);
    sodium_memzero(files, sizeof(*files));
}
