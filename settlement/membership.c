#include "settlement/membership.h"

#include "common/node_set.h"

#include <string.h>

/* What the command's next NODE_CHANGED must say. */
struct wanted {
    uint32_t node;
    uint8_t role;
};

/* How many NODE_CHANGED the command has when it is not refused. */
static uint8_t changes_of(uint16_t type)
{
    switch (type) {
    case T_NODE_ADD:
    case T_NODE_ROLE:
    case T_NODE_REMOVE:
        return 1;
    case T_NODE_SWAP:
        return 2;
    default:
        return 0;
    }
}

/* Needs: the command has a change with this ordinal. */
static struct wanted wanted_by(const struct settlement *s, uint8_t ordinal)
{
    struct node_add_command add;
    struct node_role_command change;
    struct node_remove_command remove;
    struct node_swap_command swap;
    switch (s->command.type) {
    case T_NODE_ADD:
        node_add_command_get(s->command.payload, &add);
        return (struct wanted){add.node, NODE_STANDBY};
    case T_NODE_ROLE:
        node_role_command_get(s->command.payload, &change);
        return (struct wanted){change.node, change.role};
    case T_NODE_REMOVE:
        node_remove_command_get(s->command.payload, &remove);
        return (struct wanted){remove.node, NODE_GONE};
    default:
        ASSERT(s->command.type == T_NODE_SWAP);
        node_swap_command_get(s->command.payload, &swap);
        return ordinal == 0 ? (struct wanted){swap.new_node, NODE_VOTER}
                            : (struct wanted){swap.old_node, NODE_GONE};
    }
}

/* Of a newcomer the command says who it is. */
static bool is_as_added(const struct settlement *s, const struct node_changed_event *changed)
{
    struct node_add_command add;
    if (s->command.type != T_NODE_ADD) return true;
    node_add_command_get(s->command.payload, &add);
    return memcmp(changed->public_key, add.public_key, sizeof(add.public_key)) == 0 &&
           memcmp(changed->address, add.address, sizeof(add.address)) == 0;
}

enum status membership_node(struct settlement *s, const struct event *event)
{
    struct node_changed_event changed;
    node_changed_event_get(event->payload, &changed);
    const uint8_t ordinal = s->command.node_changes;
    if (ordinal >= changes_of(s->command.type) || s->command.main_count != ordinal + 1u)
        return settle_differs_count(s, "node changes of the command", changes_of(s->command.type),
                                    ordinal + 1);
    const struct wanted wanted = wanted_by(s, ordinal);
    if (changed.node != wanted.node)
        return settle_differs_count(s, "node that changes", wanted.node, changed.node);
    if (changed.role != wanted.role)
        return settle_differs_count(s, "role of a node", wanted.role, changed.role);
    if (!is_as_added(s, &changed))
        return settle_differs_count(s, "key or address of a node", wanted.node, changed.node);
    s->command.node_changes++;
    return STATUS_OK;
}

enum status membership_epoch(struct settlement *s, const struct event *event)
{
    struct epoch_changed_event changed;
    struct epoch_change_command asked = {0};
    epoch_changed_event_get(event->payload, &changed);
    if (s->command.type == T_EPOCH_CHANGE) epoch_change_command_get(s->command.payload, &asked);
    if (s->command.main_count > 1 || changed.epoch != asked.epoch || changed.epoch == 0)
        return settle_differs_count(s, "epoch", (int64_t)asked.epoch, (int64_t)changed.epoch);
    s->command.epoch_changed = true;
    return STATUS_OK;
}

/* A HELLO's first event, if it is not a no-op: its own number names the epoch. */
enum status membership_hello(struct settlement *s, const struct event *event)
{
    struct hello_accepted_event accepted;
    struct hello_command said = {0};
    hello_accepted_event_get(event->payload, &accepted);
    if (s->command.type == T_HELLO) hello_command_get(s->command.payload, &said);
    if (s->command.main_count > 1 || accepted.node != said.node || said.node == 0)
        return settle_differs_count(s, "node that begins", said.node, accepted.node);
    if (accepted.epoch != s->command.number)
        return settle_differs_count(s, "epoch of a node", (int64_t)s->command.number,
                                    (int64_t)accepted.epoch);
    s->command.epoch_opened = true;
    return STATUS_OK;
}

static bool is_given_up(const struct settlement *s, uint32_t node)
{
    struct origin_lost_command lost;
    origin_lost_command_get(s->command.payload, &lost);
    return lost.node == node;
}

static bool begins_anew(const struct settlement *s, uint32_t node)
{
    struct hello_command said;
    hello_command_get(s->command.payload, &said);
    return s->command.epoch_opened && said.node == node;
}

static bool is_gone(const struct settlement *s, uint32_t node)
{
    const uint8_t count = s->command.node_changes;
    if (count == 0 || count != changes_of(s->command.type)) return false;
    const struct wanted last = wanted_by(s, (uint8_t)(count - 1));
    return last.role == NODE_GONE && last.node == node;
}

bool membership_sessions_over(const struct settlement *s, uint32_t node)
{
    if (s->command.type == T_ORIGIN_LOST) return is_given_up(s, node);
    return s->command.type == T_HELLO ? begins_anew(s, node) : is_gone(s, node);
}

enum status membership_close(struct settlement *s)
{
    const struct command_state *command = &s->command;
    if (command->refused) return STATUS_OK;
    if (command->node_changes != changes_of(command->type))
        return settle_differs_count(s, "node changes of the command", changes_of(command->type),
                                    command->node_changes);
    if (command->epoch_changed != (command->type == T_EPOCH_CHANGE))
        return settle_differs_count(s, "epoch not changed", 1, 0);
    if (command->epoch_opened != (command->type == T_HELLO))
        return settle_differs_count(s, "epoch of a node not opened", 1, 0);
    return STATUS_OK;
}
