#include "gateway/depth.h"

#include <assert.h>

static_assert((DEPTH_HISTORY & (DEPTH_HISTORY - 1)) == 0, "history is indexed by a mask");

/* Deepest path of an AA tree of 2^31 nodes. */
#define DEPTH_PATH_MAX 64

#define NOBODY 0u

bool depth_pool_init(struct depth_pool *pool, struct arena *arena, uint32_t levels)
{
    pool->nodes = arena_take_array(arena, (size_t)levels + 1, sizeof(*pool->nodes));
    pool->capacity = levels;
    pool->used = 0;
    pool->free = NOBODY;
    return pool->nodes != NULL;
}

bool depth_init(struct depth *depth, struct depth_pool *pool, struct arena *arena)
{
    *depth = (struct depth){.pool = pool, .first_id = 1};
    depth->history = arena_take_array(arena, DEPTH_HISTORY, sizeof(*depth->history));
    return depth->history != NULL;
}

static uint32_t take_node(struct depth_pool *pool, price_t price, qty_t qty)
{
    uint32_t index = pool->free;
    if (index != NOBODY) {
        pool->free = pool->nodes[index].left;
    } else {
        /* The engine refuses an order that would make one level more than the parameters allow. */
        ASSERT(pool->used < pool->capacity);
        index = ++pool->used;
    }
    pool->nodes[index] = (struct depth_node){.price = price, .qty = qty, .level = 1};
    return index;
}

static void return_node(struct depth_pool *pool, uint32_t index)
{
    pool->nodes[index] = (struct depth_node){.left = pool->free};
    pool->free = index;
}

/* Whether `left` stands before `right`, from the best price on. */
static bool is_better(enum side side, price_t left, price_t right)
{
    return side == BUY ? left.ticks > right.ticks : left.ticks < right.ticks;
}

/* The two steps of an AA tree: skew turns a left child of the same level to the right, split lifts
 * the middle of two right ones. Node 0 has level 0 and ends every path. */
static uint32_t skew(struct depth_node *nodes, uint32_t top)
{
    const uint32_t left = nodes[top].left;
    if (top == NOBODY || nodes[left].level != nodes[top].level) return top;
    nodes[top].left = nodes[left].right;
    nodes[left].right = top;
    return left;
}

static uint32_t split(struct depth_node *nodes, uint32_t top)
{
    const uint32_t right = nodes[top].right;
    if (top == NOBODY || nodes[nodes[right].right].level != nodes[top].level) return top;
    nodes[top].right = nodes[right].left;
    nodes[right].left = top;
    nodes[right].level++;
    return right;
}

static uint32_t insert(struct depth_pool *pool, enum side side, uint32_t top, uint32_t added)
{
    struct depth_node *nodes = pool->nodes;
    if (top == NOBODY) return added;
    if (is_better(side, nodes[added].price, nodes[top].price)) {
        nodes[top].left = insert(pool, side, nodes[top].left, added);
    } else {
        nodes[top].right = insert(pool, side, nodes[top].right, added);
    }
    return split(nodes, skew(nodes, top));
}

/* After a removal below `top`: lowers its level and repairs at most three nodes to the right. */
static uint32_t repair(struct depth_node *nodes, uint32_t top)
{
    const uint32_t left = nodes[nodes[top].left].level, right = nodes[nodes[top].right].level;
    const uint32_t wanted = (left < right ? left : right) + 1;
    if (wanted < nodes[top].level) {
        nodes[top].level = wanted;
        if (wanted < right) nodes[nodes[top].right].level = wanted;
    }
    top = skew(nodes, top);
    nodes[top].right = skew(nodes, nodes[top].right);
    const uint32_t second = nodes[top].right;
    if (second != NOBODY) nodes[second].right = skew(nodes, nodes[second].right);
    top = split(nodes, top);
    nodes[top].right = split(nodes, nodes[top].right);
    return top;
}

static uint32_t first_of(const struct depth_node *nodes, uint32_t top)
{
    while (nodes[top].left != NOBODY)
        top = nodes[top].left;
    return top;
}

static uint32_t remove_price(struct depth_pool *pool, enum side side, uint32_t top, price_t price)
{
    struct depth_node *nodes = pool->nodes;
    ASSERT(top != NOBODY);
    if (nodes[top].price.ticks != price.ticks) {
        if (is_better(side, price, nodes[top].price)) {
            nodes[top].left = remove_price(pool, side, nodes[top].left, price);
        } else {
            nodes[top].right = remove_price(pool, side, nodes[top].right, price);
        }
        return repair(nodes, top);
    }
    /* In an AA tree a node without a right child has no left one either. */
    if (nodes[top].right == NOBODY) {
        ASSERT(nodes[top].left == NOBODY);
        return_node(pool, top);
        return NOBODY;
    }
    const uint32_t next = first_of(nodes, nodes[top].right);
    nodes[top].price = nodes[next].price;
    nodes[top].qty = nodes[next].qty;
    nodes[top].right = remove_price(pool, side, nodes[top].right, nodes[next].price);
    return repair(nodes, top);
}

static uint32_t find(const struct depth *depth, enum side side, price_t price)
{
    const struct depth_node *nodes = depth->pool->nodes;
    uint32_t at = depth->roots[side];
    while (at != NOBODY && nodes[at].price.ticks != price.ticks) {
        at = is_better(side, price, nodes[at].price) ? nodes[at].left : nodes[at].right;
    }
    return at;
}

static void remember(struct depth *depth, enum side side, price_t price, uint64_t update_id)
{
    /* A gap in the ids (a view that began late) makes everything before it unknown. */
    if (update_id != depth->update_id + 1) depth->first_id = update_id;
    depth->history[update_id & (DEPTH_HISTORY - 1)] = (struct depth_change){price, side};
    depth->update_id = update_id;
    if (update_id - depth->first_id >= DEPTH_HISTORY) {
        depth->first_id = update_id - DEPTH_HISTORY + 1;
    }
}

void depth_set(struct depth *depth, enum side side, price_t price, qty_t qty, uint64_t update_id)
{
    ASSERT(qty.lots >= 0);
    ASSERT(update_id > depth->update_id);

    struct depth_pool *pool = depth->pool;
    const uint32_t found = find(depth, side, price);
    uint32_t *root = &depth->roots[side];
    if (found == NOBODY && qty.lots > 0) {
        *root = insert(pool, side, *root, take_node(pool, price, qty));
        depth->counts[side]++;
    } else if (found != NOBODY && qty.lots > 0) {
        pool->nodes[found].qty = qty;
    } else if (found != NOBODY) {
        *root = remove_price(pool, side, *root, price);
        depth->counts[side]--;
    }
    remember(depth, side, price, update_id);
}

void depth_restart(struct depth *depth, uint64_t update_id)
{
    ASSERT(depth->update_id == 0);
    depth->update_id = update_id;
    depth->first_id = update_id + 1;
}

bool depth_load(struct depth *depth, enum side side, price_t price, qty_t qty)
{
    struct depth_pool *pool = depth->pool;
    uint32_t *root = &depth->roots[side];
    if (qty.lots <= 0 || find(depth, side, price) != NOBODY) return false;
    if (pool->free == NOBODY && pool->used == pool->capacity) return false;
    *root = insert(pool, side, *root, take_node(pool, price, qty));
    depth->counts[side]++;
    return true;
}

bool depth_best(const struct depth *depth, enum side side, struct depth_level *level)
{
    if (depth->roots[side] == NOBODY) return false;
    const struct depth_node *nodes = depth->pool->nodes;
    const struct depth_node *best = &nodes[first_of(nodes, depth->roots[side])];
    *level = (struct depth_level){best->price, best->qty};
    return true;
}

qty_t depth_qty(const struct depth *depth, enum side side, price_t price)
{
    return depth->pool->nodes[find(depth, side, price)].qty; /* node 0 has none */
}

uint32_t depth_top(const struct depth *depth, enum side side, struct depth_level *levels,
                   uint32_t count)
{
    const struct depth_node *nodes = depth->pool->nodes;
    uint32_t path[DEPTH_PATH_MAX], path_count = 0, written = 0;
    uint32_t at = depth->roots[side];
    /* Ends: each pass goes down one node or writes one. */
    while (written < count && (at != NOBODY || path_count > 0)) {
        if (at != NOBODY) {
            ASSERT(path_count < DEPTH_PATH_MAX);
            path[path_count++] = at;
            at = nodes[at].left;
            continue;
        }
        at = path[--path_count];
        levels[written++] = (struct depth_level){nodes[at].price, nodes[at].qty};
        at = nodes[at].right;
    }
    return written;
}

bool depth_remembers(const struct depth *depth, uint64_t first_id)
{
    return first_id >= depth->first_id;
}

static bool change_before(const struct depth_change *left, const struct depth_change *right)
{
    if (left->side != right->side) return left->side == BUY;
    return is_better(left->side, left->price, right->price);
}

static void sift_down(struct depth_change *changes, uint32_t top, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * top + 1;
        if (child >= count) return;
        if (child + 1 < count && change_before(&changes[child], &changes[child + 1])) child++;
        if (!change_before(&changes[top], &changes[child])) return;
        const struct depth_change moved = changes[top];
        changes[top] = changes[child];
        changes[child] = moved;
        top = child;
    }
}

/* Heap sort: in place and without recursion; libc's qsort may allocate. */
static void sort_changes(struct depth_change *changes, uint32_t count)
{
    for (uint32_t top = count / 2; top-- > 0;)
        sift_down(changes, top, count);
    for (uint32_t end = count; end-- > 1;) {
        const struct depth_change last = changes[end];
        changes[end] = changes[0];
        changes[0] = last;
        sift_down(changes, 0, end);
    }
}

uint32_t depth_changes(const struct depth *depth, uint64_t first_id, struct depth_change *changes)
{
    ASSERT(depth_remembers(depth, first_id));

    uint32_t count = 0;
    for (uint64_t id = first_id; id <= depth->update_id; id++) {
        changes[count++] = depth->history[id & (DEPTH_HISTORY - 1)];
    }
    sort_changes(changes, count);

    uint32_t distinct = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (distinct > 0 && !change_before(&changes[distinct - 1], &changes[i])) continue;
        changes[distinct++] = changes[i];
    }
    return distinct;
}

static uint32_t check_tree(const struct depth *depth, enum side side, uint32_t top,
                           const price_t **previous)
{
    const struct depth_node *nodes = depth->pool->nodes;
    if (top == NOBODY) return 0;
    const struct depth_node *node = &nodes[top];
    ASSERT(node->qty.lots > 0);
    ASSERT(nodes[node->left].level + 1 == node->level);
    ASSERT(node->level - nodes[node->right].level <= 1);
    ASSERT(nodes[nodes[node->right].right].level < node->level);
    const uint32_t before = check_tree(depth, side, node->left, previous);
    ASSERT(*previous == NULL || is_better(side, **previous, node->price));
    *previous = &node->price;
    return before + 1 + check_tree(depth, side, node->right, previous);
}

bool depth_check(const struct depth *depth)
{
    ASSERT(depth->pool->nodes[NOBODY].level == 0);
    for (int side = BUY; side <= SELL; side++) {
        const price_t *previous = NULL;
        ASSERT(check_tree(depth, (enum side)side, depth->roots[side], &previous) ==
               depth->counts[side]);
    }
    return true;
}
