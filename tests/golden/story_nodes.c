#include "tests/golden/story.h"

#include "common/node_set.h"

/* Ends the program unless the line does. */
static void line_ends(const struct story *story, char **words)
{
    if (*words != NULL) story_unreadable(story, *words);
}

static void do_join(struct story *story, uint32_t node, char **words)
{
    struct node_add_command add = {
        .nonce = ++story->world.nonce, .node = node, .public_key = {(uint8_t)node}};
    line_ends(story, words);
    memcpy(add.address, "host:7000", 9);
    add.address[8] = (uint8_t)('0' + node % 10);
    (void)world_node_add(&story->world, add);
}

/* votes for N */
static void do_vote(struct story *story, uint32_t node, char **words)
{
    struct vote_command vote = {.node = node};
    if (!story_is(words[0], "for")) story_unreadable(story, words[0]);
    vote.height = (uint64_t)story_number(story, words[1]);
    line_ends(story, words + 2);
    (void)world_vote(&story->world, vote);
}

/* is promoted|demoted|removed */
static void do_change(struct story *story, uint32_t node, char **words)
{
    const uint64_t nonce = ++story->world.nonce;
    line_ends(story, words + 1);
    if (story_is(words[0], "removed"))
        (void)world_node_remove(&story->world, (struct node_remove_command){nonce, 0, node});
    else if (story_is(words[0], "promoted"))
        (void)world_node_role(&story->world,
                              (struct node_role_command){nonce, 0, node, NODE_VOTER});
    else if (story_is(words[0], "demoted"))
        (void)world_node_role(&story->world,
                              (struct node_role_command){nonce, 0, node, NODE_STANDBY});
    else
        story_unreadable(story, words[0]);
}

/* replaces N */
static void do_swap(struct story *story, uint32_t node, char **words)
{
    const struct node_swap_command swap = {.nonce = ++story->world.nonce,
                                           .old_node = (uint32_t)story_number(story, words[0]),
                                           .new_node = node};
    line_ends(story, words + 1);
    (void)world_node_swap(&story->world, swap);
}

bool story_membership(struct story *story, uint32_t node, char **words)
{
    if (story_is(words[0], "joins"))
        do_join(story, node, words + 1);
    else if (story_is(words[0], "votes"))
        do_vote(story, node, words + 1);
    else if (story_is(words[0], "is"))
        do_change(story, node, words + 1);
    else if (story_is(words[0], "replaces"))
        do_swap(story, node, words + 1);
    else
        return false;
    return true;
}

bool story_epoch(struct story *story, char **words)
{
    struct epoch_change_command change = {.epoch = 0};
    if (!story_is(words[0], "era") || !story_is(words[2], "begins") || !story_is(words[3], "above"))
        return false;
    change.epoch = (uint64_t)story_number(story, words[1]);
    change.height = (uint64_t)story_number(story, words[4]);
    line_ends(story, words + 5);
    (void)world_epoch_change(&story->world, change);
    return true;
}
