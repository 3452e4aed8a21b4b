#include "node/change_queue.h"

#include <string.h>

void change_queue_begin(struct change_queue *queue, const struct node_set *set)
{
    *queue = (struct change_queue){.set = *set};
}

void change_queue_add(struct change_queue *queue, const struct node_changed_event *changed)
{
    ASSERT(queue->count < CHANGE_QUEUE_MAX);
    const struct node_member *member = node_set_find(&queue->set, changed->node);
    const bool voted = member != NULL && member->role == NODE_VOTER;
    queue->entries[queue->count++] =
        (struct change_queue_entry){*changed, voted && changed->role != NODE_VOTER};
    const bool applied = node_set_apply(&queue->set, changed);
    ASSERT(applied);
}

/* Whether one before the entry is about the same node. */
static bool has_older(const struct change_queue *queue, uint32_t place)
{
    for (uint32_t i = 0; i < place; i++)
        if (queue->entries[i].changed.node == queue->entries[place].changed.node) return true;
    return false;
}

const struct node_changed_event *change_queue_next(const struct change_queue *queue,
                                                   uint64_t turned, uint64_t sealed)
{
    if (queue->count == CHANGE_QUEUE_MAX) return &queue->entries[0].changed;
    for (uint32_t i = 0; i < queue->count; i++) {
        const struct change_queue_entry *entry = &queue->entries[i];
        const uint64_t height = entry->changed.height;
        const bool waits =
            entry->waits && turned + 1 < height && sealed < height + CHANGE_QUEUE_PATIENCE;
        if (!waits && !has_older(queue, i)) return &entry->changed;
    }
    return NULL;
}

void change_queue_sent(struct change_queue *queue, const struct node_changed_event *changed)
{
    uint32_t place = 0;
    while (&queue->entries[place].changed != changed)
        place++;
    ASSERT(place < queue->count);
    queue->count--;
    memmove(&queue->entries[place], &queue->entries[place + 1],
            (queue->count - place) * sizeof(queue->entries[0]));
}
