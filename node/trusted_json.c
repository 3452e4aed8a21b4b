#include "node/trusted.h"

#include "common/log.h"
#include "node/file_os.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

bool trusted_word(const char *text, uint64_t *height, hash_t *hash)
{
    char *end;
    errno = 0;
    *height = strtoull(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && errno == 0 && *end == ':' &&
           hash_from_hex(end + 1, strlen(end + 1), hash->bytes, HASH_BYTES);
}

static bool read_member(const json_t *object, struct validator_set *set)
{
    const json_t *node = json_object_get(object, "node");
    const char *key = json_string_value(json_object_get(object, "publicKey"));
    const uint32_t last = set->count > 0 ? set->members[set->count - 1].node : 0;
    if (set->count == GENESIS_VALIDATORS_LIMIT || !json_is_integer(node) || key == NULL)
        return false;
    const json_int_t id = json_integer_value(node);
    struct validator *member = &set->members[set->count++];
    if (id <= (json_int_t)last || id > (json_int_t)UINT32_MAX) return false;
    member->node = (uint32_t)id;
    return hash_from_hex(key, strlen(key), member->public_key, PUBLIC_KEY_BYTES);
}

static bool read_set(const json_t *root, struct validator_set *set)
{
    size_t i;
    const json_t *member;
    *set = (struct validator_set){0};
    json_array_foreach(json_object_get(root, "validators"), i,
                       member) if (!read_member(member, set)) return false;
    return set->count > 0;
}

bool trusted_set(const char *text, size_t byte_count, struct validator_set *set)
{
    json_t *root = json_loadb(text, byte_count, JSON_REJECT_DUPLICATES, NULL);
    const bool read = read_set(root, set);
    json_decref(root);
    return read;
}

enum status trusted_write(const char *path, const struct trusted *trusted)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < trusted->set.count; i++) {
        char key[2 * PUBLIC_KEY_BYTES + 1];
        const struct validator *member = &trusted->set.members[i];
        hash_hex(member->public_key, PUBLIC_KEY_BYTES, key);
        json_array_append_new(
            list, json_pack("{s:I,s:s}", "node", (json_int_t)member->node, "publicKey", key));
    }
    json_t *root =
        json_pack("{s:I,s:o}", "height", (json_int_t)trusted->height, "validators", list);
    char *text = json_dumps(root, JSON_INDENT(2));
    const enum status status =
        text == NULL ? STATUS_NO_MEMORY : file_create(path, text, strlen(text), 0644);
    free(text);
    json_decref(root);
    return status;
}

enum status trusted_read(const char *path, struct trusted *trusted)
{
    char *text;
    size_t byte_count;
    *trusted = (struct trusted){0};
    enum status status = file_read(path, &text, &byte_count);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    json_t *root = json_loadb(text, byte_count, JSON_REJECT_DUPLICATES, NULL);
    const json_t *height = json_object_get(root, "height");
    if (json_is_integer(height) && json_integer_value(height) > 0 && read_set(root, &trusted->set))
        trusted->height = (uint64_t)json_integer_value(height);
    json_decref(root);
    free(text);
    if (trusted->height > 0) return STATUS_OK;
    log_error("node", "the file of trusted validators is malformed", "file=\"%s\"", path);
    return STATUS_MALFORMED;
}
