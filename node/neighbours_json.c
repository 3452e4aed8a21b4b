#include "node/neighbours.h"

#include "common/log.h"
#include "node/file_os.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool known(const struct node_set *set, const struct node_changed_event *member)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->members[i].node == member->node ||
            memcmp(set->members[i].public_key, member->public_key, PUBLIC_KEY_BYTES) == 0)
            return true;
    return false;
}

static bool read_member(const json_t *object, struct node_changed_event *member)
{
    const json_int_t node = json_integer_value(json_object_get(object, "node"));
    const char *key = json_string_value(json_object_get(object, "publicKey"));
    const char *address = json_string_value(json_object_get(object, "address"));
    *member = (struct node_changed_event){.role = NODE_STANDBY};
    if (node <= 0 || node > (json_int_t)UINT32_MAX || key == NULL || address == NULL) return false;
    if (!hash_from_hex(key, strlen(key), member->public_key, PUBLIC_KEY_BYTES)) return false;
    if (strlen(address) >= sizeof(member->address)) return false;
    member->node = (uint32_t)node;
    memcpy(member->address, address, strlen(address));
    char checked[NODE_ADDRESS_BYTES];
    static_assert(sizeof(checked) == sizeof(member->address), "one length of addresses");
    memcpy(checked, member->address, sizeof(checked));
    return node_address_valid(checked);
}

static uint32_t add_list(const json_t *list, struct node_set *set)
{
    size_t i;
    const json_t *object;
    uint32_t added = 0;
    json_array_foreach(list, i, object)
    {
        struct node_changed_event member;
        if (read_member(object, &member) && !known(set, &member) && node_set_apply(set, &member))
            added++;
    }
    return added;
}

uint32_t neighbours_add(const char *text, size_t byte_count, struct node_set *set)
{
    json_t *root = json_loadb(text, byte_count, JSON_REJECT_DUPLICATES, NULL);
    const uint32_t added = add_list(json_object_get(root, "validators"), set) +
                           add_list(json_object_get(root, "standbys"), set);
    json_decref(root);
    return added;
}

uint32_t neighbours_read(const char *path, struct node_set *set)
{
    char *text;
    size_t byte_count;
    if (file_read(path, &text, &byte_count) != STATUS_OK) return 0; /* logged, if it is there */
    const uint32_t added = neighbours_add(text, byte_count, set);
    free(text);
    if (added > 0) log_info("node", "more members to ask", "members=%u", (unsigned)added);
    return added;
}
