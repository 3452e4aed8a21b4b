/* What a node reads before it is one: genesis, keys, and where everything of it lies.
 *
 *     DIR/genesis.json, keys/     made by quorex init or quorex join
 *     DIR/wal/, chain/, checkpoint/, evidence/, sign-once, history, trades/, releases/, proofs/, liabilities/
 *
 * Owner    the main thread
 * Memory   node_files_load to node_files_close; secrets are wiped there
 */

#ifndef NODE_NODE_FILES_H
#define NODE_NODE_FILES_H

#include "common/config.h"
#include "common/genesis.h"
#include "common/status.h"
#include "node/file_os.h"

struct node_files {
    const struct config *config;
    struct genesis genesis;
    char *genesis_text; /* as it is */
    size_t genesis_text_bytes;
    uint32_t id;
    bool in_genesis; /* one of the first validators */
    uint8_t secret_key[SECRET_KEY_BYTES];
    uint8_t gateway_secret[HASH_BYTES];
    uint8_t tree_secret[HASH_BYTES];
    char wal[FILE_PATH_MAX]; /* folders */
    char chain[FILE_PATH_MAX];
    char checkpoint[FILE_PATH_MAX];
    char evidence[FILE_PATH_MAX];
    char sign_once[FILE_PATH_MAX]; /* files */
    char history[FILE_PATH_MAX];
    char trades[FILE_PATH_MAX];       /* a folder, of trade_index.h */
    char releases[FILE_PATH_MAX];     /* a folder, of release_shelf.h */
    char shelf[FILE_PATH_MAX];        /* a folder, of proof_shelf.h */
    char liabilities[FILE_PATH_MAX];  /* a folder, of liabilities_file.h */
    char epoch_change[FILE_PATH_MAX]; /* that operators have decided on (node/epoch.h) */
};

/* Makes the folders that are missing. Failures have been logged; STATUS_MISMATCH: the key is not this
 * validator's. */
MUST_CHECK enum status node_files_load(struct node_files *files, const struct config *config);
void node_files_close(struct node_files *files);

#endif /* NODE_NODE_FILES_H */
