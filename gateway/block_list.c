#include "gateway/block_list.h"

#include "common/messages.h"

#include <string.h>

bool block_list_init(struct block_list *list, struct arena *arena)
{
    *list = (struct block_list){0};
    list->entries = arena_take_array(arena, BLOCK_LIST_KEPT, sizeof(*list->entries));
    return list->entries != NULL;
}

static void on_sealed(struct block_list *list, const uint8_t *payload)
{
    struct block_sealed_notice sealed;
    struct block_header header;
    block_sealed_notice_get(payload, &sealed);
    const bool decoded = block_header_decode(sealed.header, &header);
    ASSERT(decoded);
    struct block_entry *entry = &list->entries[header.height % BLOCK_LIST_KEPT];
    *entry = (struct block_entry){.header = header};
    memcpy(entry->hash.bytes, sealed.hash, HASH_BYTES);
    if (header.height > list->height) list->height = header.height;
}

static void on_certified(struct block_list *list, const uint8_t *payload)
{
    struct block_certified_notice certified;
    block_certified_notice_get(payload, &certified);
    if (certified.height > list->certified_height) list->certified_height = certified.height;
    struct block_entry *entry = &list->entries[certified.height % BLOCK_LIST_KEPT];
    if (entry->header.height == certified.height) entry->vote_count = certified.vote_count;
}

void block_list_apply(struct block_list *list, uint16_t type, const uint8_t *payload)
{
    if (type == T_BLOCK_SEALED) on_sealed(list, payload);
    if (type == T_BLOCK_CERTIFIED) on_certified(list, payload);
}

const struct block_entry *block_list_at(const struct block_list *list, uint64_t height)
{
    const struct block_entry *entry = &list->entries[height % BLOCK_LIST_KEPT];
    return height != 0 && entry->header.height == height ? entry : NULL;
}

const struct block_entry *block_list_ended(const struct block_list *list, uint64_t above,
                                           uint64_t command)
{
    const uint64_t certified = list->certified_height;
    uint64_t left = BLOCK_LIST_KEPT;
    for (uint64_t at = certified < list->height ? certified : list->height; at > above && left > 0;
         at--, left--) {
        const struct block_entry *block = block_list_at(list, at);
        if (block != NULL && block->header.last_command <= command) return block;
    }
    return NULL;
}
