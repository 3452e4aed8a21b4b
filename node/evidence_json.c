#include "node/evidence.h"

#include "common/log.h"
#include "node/file_os.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes over `value`. */
static void put(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

static void put_hex(json_t *object, const char *name, const uint8_t *bytes, size_t byte_count)
{
    char text[2 * BLOCK_HEADER_BYTES + 1];
    ASSERT(byte_count <= BLOCK_HEADER_BYTES);
    hash_hex(bytes, byte_count, text);
    put(object, name, json_string(text));
}

/* Writes the object under this name, and lets it go. */
static enum status keep(const char *directory, const char *name, json_t *object)
{
    char path[FILE_PATH_MAX];
    char *text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    enum status status = text == NULL ? STATUS_NO_MEMORY : file_make_folder(directory, 0755);
    if (status == STATUS_OK && !file_path(path, directory, name)) status = STATUS_MALFORMED;
    if (status == STATUS_OK) status = file_create(path, text, strlen(text), 0644);
    free(text);
    if (status == STATUS_EXISTS) return STATUS_OK;
    if (status == STATUS_OK)
        log_info("anchor", "evidence kept", "path=\"%s\"", path);
    else
        log_error("anchor", "evidence not kept", "directory=\"%s\" name=\"%s\" reason=\"%s\"",
                  directory, name, status_text(status));
    return status;
}

static json_t *vote_json(enum certificate_statement statement, hash_t chain_id,
                         const struct vote_command *vote)
{
    uint8_t message[BLOCK_VOTE_BYTES];
    hash_t hash;
    memcpy(hash.bytes, vote->header_hash, HASH_BYTES);
    certificate_statement_message(statement, chain_id, vote->epoch, vote->height, hash, message);
    json_t *object = json_object();
    put_hex(object, "hash", hash.bytes, HASH_BYTES);
    put_hex(object, "signed", message, sizeof(message));
    put_hex(object, "signature", vote->signature, SIGNATURE_BYTES);
    return object;
}

enum status evidence_keep_double(const char *directory, enum certificate_statement statement,
                                 hash_t chain_id, const uint8_t public_key[PUBLIC_KEY_BYTES],
                                 const struct vote_command votes[2])
{
    const bool block = statement == CERTIFICATE_OF_BLOCK;
    char name[128];
    json_t *object = json_object(), *both = json_array();
    put(object, "kind", json_string("double-vote"));
    put(object, "statement", json_string(certificate_statement_name(statement)));
    put_hex(object, "chainId", chain_id.bytes, HASH_BYTES);
    put(object, "node", json_integer(votes[0].node));
    put_hex(object, "publicKey", public_key, PUBLIC_KEY_BYTES);
    put(object, "epoch", json_integer((json_int_t)votes[0].epoch));
    put(object, "height", json_integer((json_int_t)votes[0].height));
    for (int i = 0; i < 2; i++)
        json_array_append_new(both, vote_json(statement, chain_id, &votes[i]));
    put(object, "votes", both);
    snprintf(name, sizeof(name), "double-%u-%lu-%lu%s%s.json", votes[0].node, votes[0].epoch,
             votes[0].height, block ? "" : "-", block ? "" : certificate_statement_name(statement));
    return keep(directory, name, object);
}

enum status evidence_keep_halt(const char *directory, const struct evidence_halt *halt)
{
    char name[64];
    json_t *object = json_object();
    put(object, "kind", json_string("halt"));
    put_hex(object, "chainId", halt->chain_id.bytes, HASH_BYTES);
    put(object, "height", json_integer((json_int_t)halt->height));
    put(object, "what", json_string(halt->what));
    put(object, "facts", json_string(halt->facts));
    if (halt->ours != NULL) put_hex(object, "ours", halt->ours, BLOCK_HEADER_BYTES);
    if (halt->theirs != NULL) put_hex(object, "theirs", halt->theirs, BLOCK_HEADER_BYTES);
    if (halt->certificate != NULL) {
        uint8_t bytes[CERTIFICATE_BYTES_MAX];
        char text[2 * CERTIFICATE_BYTES_MAX + 1];
        hash_hex(bytes, certificate_encode(halt->certificate, bytes), text);
        put(object, "certificate", json_string(text));
    }
    snprintf(name, sizeof(name), "halt-%lu.json", halt->height);
    return keep(directory, name, object);
}

enum status evidence_keep_command(const char *directory, const struct evidence_command *command)
{
    char name[96], text[2 * COMMAND_BYTES_MAX + 1];
    uint64_t epoch = 0, sequence = 0;
    const size_t byte_count =
        command->byte_count < COMMAND_BYTES_MAX ? command->byte_count : COMMAND_BYTES_MAX;
    if (byte_count >= COMMAND_HEADER_BYTES) {
        epoch = le_get_u64(command->bytes + COMMAND_EPOCH_OFFSET);
        sequence = le_get_u64(command->bytes + COMMAND_SEQUENCE_OFFSET);
    }
    json_t *object = json_object();
    put(object, "kind", json_string("false-command"));
    put_hex(object, "chainId", command->chain_id.bytes, HASH_BYTES);
    put(object, "node", json_integer(command->node));
    put(object, "what", json_string(command->what));
    put(object, "originEpoch", json_integer((json_int_t)epoch));
    put(object, "originSequence", json_integer((json_int_t)sequence));
    hash_hex(command->bytes, byte_count, text);
    put(object, "command", json_string(text));
    /* One number may have been lied about more than once. */
    hash_hex(hash_of(command->bytes, byte_count).bytes, 4, text);
    snprintf(name, sizeof(name), "lie-%u-%lu-%lu-%.8s.json", command->node, epoch, sequence, text);
    return keep(directory, name, object);
}
