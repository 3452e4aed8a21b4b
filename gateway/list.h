/* Lists whose members know their places: whatever is in one embeds a link for it.
 *
 * Owner    whoever owns the members
 * Memory   embedded; a list is a link that points to itself when it is empty
 */

#ifndef GATEWAY_LIST_H
#define GATEWAY_LIST_H

#include "common/assert.h"

#include <stdbool.h>

/* A place in a list, or the list itself. */
struct link {
    struct link *previous, *next;
};

static inline void list_init(struct link *list)
{
    list->previous = list->next = list;
}

static inline bool is_linked(const struct link *link)
{
    return link->next != link;
}

static inline void link_last(struct link *list, struct link *link)
{
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

static inline void unlink_from(struct link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

#endif /* GATEWAY_LIST_H */
