#include "settlement/proof_journal.h"

#include "common/arena.h"
#include "settlement/account_tree.h"
#include "settlement/balance_sheet.h"
#include "settlement/state.h"
#include "settlement/word.h"

#define LEVEL_NODES_MAX \
    (1u << (ACCOUNT_TREE_DEPTH_MAX / 2 + 1)) /* of a row, and of leaves below one of its nodes */
#define ROW_NODES_MAX (1u << ((ACCOUNT_TREE_DEPTH_MAX - 1) / 2))
#define ROWS_FOLDED   8 /* that a reader remembers */
#define BLOCKS_MAX    65536u

/* What was kept of a place; its balances follow. */
enum kept_word {
    KEPT_PLACE,
    KEPT_BLOCK,  /* that changed it */
    KEPT_BEFORE, /* where it was kept last, and one; 0: never */
    KEPT_LEAF_HEIGHT,
    KEPT_LEAF,
    KEPT_COUNT = KEPT_LEAF + HASH_BYTES / WORD_BYTES,
    KEPT_BALANCES
};
#define KEPT_BALANCE_WORDS 3
#define KEPT_WORDS_MAX     (KEPT_BALANCES + PROOF_ASSETS_MAX * KEPT_BALANCE_WORDS)

/* What was kept of a block; its totals follow. */
enum block_word { BLOCK_HEIGHT, BLOCK_ROW, BLOCK_HEAD, BLOCK_ASSETS, BLOCK_TOTALS };
#define BLOCK_TOTAL_WORDS 12

struct proof_journal {
    uint64_t *words;  /* the ring of what was kept */
    uint64_t *newest; /* by place: where it was kept last, and one */
    uint64_t *rows;
    uint64_t *blocks;   /* by height modulo block_max */
    uint64_t word_max;  /* of the ring */
    uint32_t row_level; /* above the leaves */
    uint32_t row_nodes;
    uint32_t row_max;
    uint32_t block_max;
    uint32_t block_words;
    bool has_house;                           /* totals have an account of the house */
    hash_t empty[ACCOUNT_TREE_DEPTH_MAX + 1]; /* subtrees without an account, by height */
    /* Written by the owner, read by others. Positions count on from 0 and are taken modulo word_max. */
    uint64_t head;     /* where the next is kept */
    uint64_t tail;     /* below it all is overwritten, or about to be */
    uint64_t floor;    /* of what lies below `tail` nothing is needed from this height on */
    uint64_t row_head; /* rows so far, that being written included */
    uint64_t last;     /* height */
};

/* A row and all above it as a heap: the root is 1, the row begins at row_nodes. */
struct folded_row {
    uint64_t row; /* and one; 0: none */
    hash_t nodes[2 * ROW_NODES_MAX];
};

/* What changed below a node of a row, by rising index, is hashed up from `nodes`. */
struct proof_journal_room {
    hash_t nodes[LEVEL_NODES_MAX];
    uint32_t indices[LEVEL_NODES_MAX];
    struct folded_row rows[ROWS_FOLDED];
};

static uint32_t depth_of(const struct params *params)
{
    uint32_t depth = 0;
    while ((1u << depth) < params->accounts_max)
        depth++;
    return depth;
}

/* A little above the middle: rows are kept by the thousand, leaves are there anyway. */
static uint32_t row_depth(uint32_t depth)
{
    return depth > 0 ? (depth - 1) / 2 : 0;
}

static size_t row_bytes(uint32_t depth)
{
    return (size_t)HASH_BYTES << row_depth(depth);
}

struct proof_journal_limits proof_journal_limits_of(const struct params *params)
{
    const uint32_t blocks = PROOF_JOURNAL_MS / params->block_ms + 64;
    /* 64 changes of every account are enough for any of them. */
    const size_t kept = ((size_t)params->accounts_max + 64) * 64 * 128;
    return (struct proof_journal_limits){
        .blocks = blocks < BLOCKS_MAX ? blocks : BLOCKS_MAX,
        .kept_bytes = kept < PROOF_JOURNAL_KEPT_BYTES ? kept : PROOF_JOURNAL_KEPT_BYTES,
        .row_bytes = PROOF_JOURNAL_ROW_BYTES,
    };
}

static uint32_t rows_of(const struct params *params, const struct proof_journal_limits *limits)
{
    const size_t rows = limits->row_bytes / row_bytes(depth_of(params));
    return rows < 2 ? 2 : rows < limits->blocks ? (uint32_t)rows : limits->blocks;
}

static uint32_t block_words_of(const struct params *params)
{
    return BLOCK_TOTALS + params->assets_max * BLOCK_TOTAL_WORDS;
}

size_t proof_journal_bytes(const struct params *params, const struct proof_journal_limits *limits)
{
    const uint32_t depth = depth_of(params);
    return sizeof(struct proof_journal) + limits->kept_bytes + 2 * KEPT_WORDS_MAX * WORD_BYTES +
           ((size_t)WORD_BYTES << depth) + rows_of(params, limits) * row_bytes(depth) +
           (size_t)limits->blocks * block_words_of(params) * WORD_BYTES + 5 * 64;
}

struct proof_journal *proof_journal_new(struct arena *arena, const struct params *params,
                                        const struct proof_journal_limits *limits)
{
    const uint32_t depth = depth_of(params);
    struct proof_journal *journal = arena_take(arena, sizeof(*journal));
    if (journal == NULL) return NULL;
    journal->has_house = params_has_house(params);
    journal->empty[0] = hash_of(&(uint8_t){0x00}, 1);
    for (uint32_t level = 1; level <= depth; level++)
        journal->empty[level] =
            account_tree_node_hash(&journal->empty[level - 1], &journal->empty[level - 1]);
    journal->row_level = depth - row_depth(depth);
    journal->row_nodes = 1u << row_depth(depth);
    journal->row_max = rows_of(params, limits);
    journal->block_max = limits->blocks;
    journal->block_words = block_words_of(params);
    journal->word_max = limits->kept_bytes / WORD_BYTES;
    if (journal->word_max < 2 * KEPT_WORDS_MAX) journal->word_max = 2 * KEPT_WORDS_MAX;
    journal->words = arena_take_array(arena, journal->word_max, WORD_BYTES);
    journal->newest = arena_take_array(arena, (size_t)1 << depth, WORD_BYTES);
    journal->rows = arena_take_array(arena, journal->row_max, row_bytes(depth));
    journal->blocks =
        arena_take_array(arena, journal->block_max, journal->block_words * (size_t)WORD_BYTES);
    if (journal->words == NULL || journal->newest == NULL || journal->rows == NULL ||
        journal->blocks == NULL)
        return NULL;
    return journal;
}

/* ---- Writing ---- */

static uint64_t *word_at(const struct proof_journal *journal, uint64_t position)
{
    return &journal->words[position % journal->word_max];
}

/* Words of one that was kept. What is left at the ring's end, where none would fit, is 0. */
static uint64_t kept_words(const uint64_t *kept)
{
    return KEPT_BALANCES + kept[KEPT_COUNT] * KEPT_BALANCE_WORDS;
}

/* Up to the ring's end, when fewer words than any can need are left there. */
static uint64_t skip_end(const struct proof_journal *journal, uint64_t position)
{
    const uint64_t left = journal->word_max - position % journal->word_max;
    return left < KEPT_WORDS_MAX ? position + left : position;
}

/* Gives up the oldest until there is room for any. Says so before it is overwritten. */
static void make_room(struct proof_journal *journal)
{
    uint64_t tail = journal->tail, floor = journal->floor;
    while (journal->head + KEPT_WORDS_MAX > tail + journal->word_max) {
        const uint64_t *kept = word_at(journal, tail);
        floor = kept[KEPT_BLOCK];
        tail = skip_end(journal, tail + kept_words(kept));
    }
    if (tail == journal->tail) return;
    word_put(&journal->floor, floor);
    word_put(&journal->tail, tail);
}

void proof_journal_keep(struct proof_journal *journal, uint64_t height, uint32_t place,
                        const hash_t *leaves, uint64_t leaf_height,
                        const struct balance_sheet *sheet, uint32_t account, uint16_t asset_count)
{
    make_room(journal);
    uint64_t *kept = word_at(journal, journal->head), count = 0;
    uint64_t *balance = kept + KEPT_BALANCES;
    word_put(&kept[KEPT_PLACE], place);
    word_put(&kept[KEPT_BLOCK], height);
    word_put(&kept[KEPT_BEFORE], journal->newest[place]);
    word_put(&kept[KEPT_LEAF_HEIGHT], leaf_height);
    words_put(&kept[KEPT_LEAF], leaves[place].bytes, HASH_BYTES);
    for (uint16_t asset = 0; asset < asset_count; asset++) {
        const struct balance_cell *cell = balance_sheet_cell(sheet, account, asset);
        if (cell->available.units == 0 && cell->held.units == 0) continue;
        word_put(balance, asset);
        word_put(balance + 1, (uint64_t)cell->available.units);
        word_put(balance + 2, (uint64_t)cell->held.units);
        balance += KEPT_BALANCE_WORDS;
        count++;
    }
    word_put(&kept[KEPT_COUNT], count);
    /* release: whoever reads a change reads this before, and then what was kept. */
    word_put(&journal->newest[place], journal->head + 1);
    word_put(&journal->head, skip_end(journal, journal->head + kept_words(kept)));
}

static void keep_row(struct proof_journal *journal, const struct account_tree *tree)
{
    const hash_t *nodes = account_tree_level(tree, journal->row_level);
    const uint64_t row = journal->row_head;
    const size_t bytes = (size_t)journal->row_nodes * HASH_BYTES;
    word_put(&journal->row_head, row + 1); /* before it is overwritten */
    words_put((uint8_t *)journal->rows + (row % journal->row_max) * bytes, nodes, bytes);
}

static void put_i128(uint64_t *at, __int128 value)
{
    word_put(at, (uint64_t)value);
    word_put(at + 1, (uint64_t)((unsigned __int128)value >> 64));
}

static uint64_t *block_at(const struct proof_journal *journal, uint64_t height)
{
    return &journal->blocks[(height % journal->block_max) * journal->block_words];
}

void proof_journal_block(struct proof_journal *journal, uint64_t height,
                         const struct account_tree *tree, bool changed, const struct totals *totals,
                         uint16_t asset_count)
{
    ASSERT(height > journal->last);
    if (changed || journal->row_head == 0) keep_row(journal, tree);
    uint64_t *block = block_at(journal, height);
    word_put(&block[BLOCK_HEIGHT], 0); /* before it is overwritten */
    word_put(&block[BLOCK_ROW], journal->row_head - 1);
    word_put(&block[BLOCK_HEAD], journal->head);
    word_put(&block[BLOCK_ASSETS], asset_count);
    for (uint16_t asset = 0; asset < asset_count; asset++) {
        uint64_t *at = block + BLOCK_TOTALS + asset * BLOCK_TOTAL_WORDS;
        put_i128(at, totals[asset].users);
        put_i128(at + 2, totals[asset].fees);
        put_i128(at + 4, totals[asset].rounding);
        put_i128(at + 6, totals[asset].in_flight);
        put_i128(at + 8, totals[asset].external);
        put_i128(at + 10, totals[asset].house);
    }
    word_put(&block[BLOCK_HEIGHT], height);
    if (journal->last == 0) word_put(&journal->floor, height);
    word_put(&journal->last, height);
}

void proof_journal_expect(const struct proof_journal *journal, uint32_t place)
{
    __builtin_prefetch(&journal->newest[place], 1);
}

/* ---- Reading ---- */

size_t proof_journal_room_bytes(void)
{
    return sizeof(struct proof_journal_room);
}

hash_t *proof_journal_room_nodes(struct proof_journal_room *room)
{
    return room->nodes;
}

uint64_t proof_journal_first(const struct proof_journal *journal)
{
    const uint64_t last = word_get(&journal->last), floor = word_get(&journal->floor);
    const uint64_t first = last >= journal->block_max ? last - journal->block_max + 1 : 1;
    return last == 0 ? 0 : floor > first ? floor : first;
}

/* What was kept of the place by the first block above `height` that changed it; false: none has. What it gives is
 * good while `height` is not below the floor: then what is overwritten is not asked for. */
static bool kept_since(const struct proof_journal *journal, uint32_t place, uint64_t height,
                       uint64_t *found)
{
    bool has = false;
    uint64_t next = word_get(&journal->newest[place]);
    /* Ends: each one was kept before the last. */
    while (next != 0) {
        const uint64_t position = next - 1;
        const uint64_t *kept = word_at(journal, position);
        const uint64_t block = word_get(&kept[KEPT_BLOCK]), before = word_get(&kept[KEPT_BEFORE]);
        /* acquire: what was overwritten was said to be before. */
        if (position < word_get(&journal->tail) || block <= height || before >= next) break;
        *found = position;
        has = true;
        next = before;
    }
    return has;
}

/* The leaf at `height`: what is there, read before it is asked whether it changed. */
static hash_t leaf_at(const struct proof_journal *journal, const hash_t *leaves, uint32_t place,
                      uint64_t height)
{
    uint64_t position;
    hash_t leaf;
    words_get(leaves[place].bytes, leaf.bytes, HASH_BYTES);
    if (kept_since(journal, place, height, &position))
        words_get(&word_at(journal, position)[KEPT_LEAF], leaf.bytes, HASH_BYTES);
    return leaf;
}

static bool is_empty(const hash_t *node)
{
    static const hash_t unset;
    return hash_equal(*node, unset);
}

/* The balances now, read before it is asked whether they changed. */
static void read_balances(const struct balance_sheet *sheet, uint32_t account, uint64_t asset_count,
                          struct proof_account *proof)
{
    proof->count = 0;
    for (uint16_t asset = 0; asset < asset_count; asset++) {
        const struct balance_cell *cell = balance_sheet_cell_place(sheet, account, asset);
        const struct proof_balance balance = {asset, (int64_t)word_get(&cell->available.units),
                                              (int64_t)word_get(&cell->held.units)};
        if (balance.available != 0 || balance.held != 0) proof->balances[proof->count++] = balance;
    }
}

static void kept_balances(const uint64_t *kept, struct proof_account *proof)
{
    const uint64_t count = word_get(&kept[KEPT_COUNT]);
    proof->count = count > PROOF_ASSETS_MAX ? PROOF_ASSETS_MAX : (uint16_t)count;
    for (uint16_t i = 0; i < proof->count; i++) {
        const uint64_t *balance = kept + KEPT_BALANCES + i * KEPT_BALANCE_WORDS;
        proof->balances[i] =
            (struct proof_balance){(uint16_t)word_get(balance), (int64_t)word_get(balance + 1),
                                   (int64_t)word_get(balance + 2)};
    }
}

/* What is kept of a block. */
struct kept_block {
    uint64_t row;
    uint64_t head; /* what was kept from here on was kept because it changed later */
    uint64_t asset_count;
};

static bool block_get(const struct proof_journal *journal, uint64_t height, struct kept_block *out)
{
    const uint64_t *block = block_at(journal, height);
    if (height == 0 || word_get(&block[BLOCK_HEIGHT]) != height) return false;
    out->row = word_get(&block[BLOCK_ROW]);
    out->head = word_get(&block[BLOCK_HEAD]);
    out->asset_count = word_get(&block[BLOCK_ASSETS]);
    return word_get(&block[BLOCK_HEIGHT]) == height && out->asset_count <= PROOF_ASSETS_MAX;
}

/* The account's own: salt, key, balances. */
static void read_leaf(const struct proof_journal *journal, const struct settlement *s,
                      uint32_t account, uint64_t height, uint64_t asset_count,
                      struct proof_account *proof)
{
    const struct balance_owner *owner = balance_sheet_owner_place(s->accounts, account);
    uint64_t position, leaf_height = word_get(&owner->leaf_height);
    read_balances(s->accounts, account, asset_count, proof);
    if (kept_since(journal, proof->position, height, &position)) {
        const uint64_t *kept = word_at(journal, position);
        leaf_height = word_get(&kept[KEPT_LEAF_HEIGHT]);
        kept_balances(kept, proof);
    }
    proof->salt = account_tree_salt(s->tree, account, leaf_height);
    memcpy(proof->public_key, owner->public_key, PUBLIC_KEY_BYTES);
}

/* ---- The path ---- */

/* The parents of `count` couples of nodes, two at most; not set, where both are not. */
static void hash_couples(const hash_t *couples, uint32_t count, const hash_t *empty,
                         hash_t *parents)
{
    uint8_t bytes[2][1 + 2 * HASH_BYTES];
    const uint8_t *const texts[2] = {bytes[0], bytes[1]};
    bool is_set[2];
    hash_t hashes[2];
    for (uint32_t i = 0; i < 2; i++) {
        /* One is hashed twice. */
        const hash_t *left = &couples[i < count ? 2 * i : 0], *right = left + 1;
        is_set[i] = !is_empty(left) || !is_empty(right);
        bytes[i][0] = 0x01;
        memcpy(bytes[i] + 1, is_empty(left) ? empty : left, HASH_BYTES);
        memcpy(bytes[i] + 1 + HASH_BYTES, is_empty(right) ? empty : right, HASH_BYTES);
    }
    hash_of_two(texts, sizeof(bytes[0]), hashes);
    for (uint32_t i = 0; i < count; i++)
        parents[i] = is_set[i] ? hashes[i] : (hash_t){{0}};
}

static hash_t node_now(const struct account_tree *tree, uint32_t level, uint32_t index)
{
    hash_t node;
    words_get(account_tree_level(tree, level)[index].bytes, node.bytes, HASH_BYTES);
    return node;
}

/* Whether the leaf has changed since the block whose head it was. It stays so. */
static bool has_changed(const struct proof_journal *journal, uint32_t place, uint64_t head)
{
    return word_get(&journal->newest[place]) > head;
}

/* Of the leaves below a node of the row, from `first` on. */
static uint32_t count_changed(const struct proof_journal *journal, uint32_t first, uint64_t head)
{
    uint32_t count = 0;
    for (uint32_t place = first; place < first + (1u << journal->row_level); place++)
        count += has_changed(journal, place, head);
    return count;
}

/* Takes those into the room, as they were at the block's end. */
static uint32_t take_changed(const struct proof_journal *journal, const struct account_tree *tree,
                             uint64_t height, uint32_t first, uint64_t head,
                             struct proof_journal_room *room)
{
    const hash_t *leaves = account_tree_level(tree, 0);
    uint32_t count = 0;
    for (uint32_t place = first; place < first + (1u << journal->row_level); place++) {
        if (!has_changed(journal, place, head)) continue;
        room->indices[count] = place;
        room->nodes[count++] = leaf_at(journal, leaves, place, height);
    }
    return count;
}

/* Of the nodes in the room, or, where nothing has changed, what is there now. */
static hash_t node_then(const struct account_tree *tree, const struct proof_journal_room *room,
                        uint32_t count, uint32_t level, uint32_t index)
{
    uint32_t low = 0;
    for (uint32_t high = count; low < high;) {
        const uint32_t middle = (low + high) / 2;
        if (room->indices[middle] < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && room->indices[low] == index ? room->nodes[low]
                                                      : node_now(tree, level, index);
}

/* Puts the parents of the room's nodes in their place. Returns how many. */
static uint32_t climb(const struct account_tree *tree, const hash_t *empty,
                      struct proof_journal_room *room, uint32_t count, uint32_t level)
{
    hash_t couples[4];
    uint32_t parents = 0, pending = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t index = room->indices[i], other = index ^ 1;
        const bool both = i + 1 < count && room->indices[i + 1] == other;
        couples[2 * pending + index % 2] = room->nodes[i];
        couples[2 * pending + other % 2] = both ? room->nodes[i + 1] : node_now(tree, level, other);
        room->indices[parents + pending++] = index / 2;
        i += both;
        if (pending < 2 && i + 1 < count) continue;
        hash_couples(couples, pending, empty, &room->nodes[parents]);
        parents += pending;
        pending = 0;
    }
    return parents;
}

/* From the leaf to below the row: what has changed since is hashed again, the rest is there. A node is taken as it is
 * because nothing below it has changed, and that is so if nothing more has changed when all are read: who changes a leaf
 * has kept it first. */
static void path_below(const struct proof_journal *journal, const struct account_tree *tree,
                       uint64_t height, uint64_t head, struct proof_journal_room *room,
                       struct proof_account *proof)
{
    const uint32_t first = proof->position >> journal->row_level << journal->row_level;
    uint32_t taken;
    /* Ends: there are so many leaves, and each changes once. */
    do {
        taken = take_changed(journal, tree, height, first, head, room);
        uint32_t count = taken;
        for (uint32_t level = 0; level < journal->row_level; level++) {
            const uint32_t index = proof->position >> level;
            const hash_t sibling = node_then(tree, room, count, level, index ^ 1);
            proof->siblings[level] = is_empty(&sibling) ? journal->empty[level] : sibling;
            count = climb(tree, &journal->empty[level], room, count, level);
        }
    } while (count_changed(journal, first, head) != taken);
}

/* The row and what is above it; NULL when it has been overwritten. A row stays what it is: it is folded once. */
static const struct folded_row *fold_row(const struct proof_journal *journal, uint64_t row,
                                         struct proof_journal_room *room)
{
    struct folded_row *folded = &room->rows[row % ROWS_FOLDED];
    const size_t bytes = (size_t)journal->row_nodes * HASH_BYTES;
    if (folded->row == row + 1) return folded;
    folded->row = 0;
    words_get((const uint8_t *)journal->rows + (row % journal->row_max) * bytes,
              folded->nodes + journal->row_nodes, bytes);
    /* acquire: as in kept_since. */
    if (word_get(&journal->row_head) > row + journal->row_max) return NULL;
    uint32_t level = journal->row_level;
    for (uint32_t nodes = journal->row_nodes / 2; nodes > 0; nodes /= 2, level++) {
        for (uint32_t i = 0; i < nodes; i += 2)
            hash_couples(&folded->nodes[2 * (nodes + i)], nodes > 1 ? 2 : 1, &journal->empty[level],
                         &folded->nodes[nodes + i]);
    }
    folded->row = row + 1;
    return folded;
}

static void path_above(const struct proof_journal *journal, const struct folded_row *folded,
                       struct proof_account *proof)
{
    uint32_t level = journal->row_level, node = journal->row_nodes + (proof->position >> level);
    for (; node > 1; node /= 2, level++) {
        const hash_t *sibling = &folded->nodes[node ^ 1];
        proof->siblings[level] = is_empty(sibling) ? journal->empty[level] : *sibling;
    }
}

enum status proof_journal_account(const struct proof_journal *journal, const struct settlement *s,
                                  uint32_t account, uint64_t height,
                                  struct proof_journal_room *room, struct proof_account *proof)
{
    const struct account_tree *tree = s->tree;
    const hash_t *leaves = account_tree_level(tree, 0);
    struct kept_block block;
    if (!block_get(journal, height, &block)) return STATUS_NOT_FOUND;

    proof->position = account_tree_position(tree, account);
    proof->depth = account_tree_depth(tree);
    const hash_t leaf = leaf_at(journal, leaves, proof->position, height);
    if (is_empty(&leaf)) return STATUS_NOT_FOUND;
    read_leaf(journal, s, account, height, block.asset_count, proof);

    path_below(journal, tree, height, block.head, room, proof);
    const struct folded_row *folded = fold_row(journal, block.row, room);
    /* acquire: as in kept_since. */
    if (folded == NULL || word_get(&journal->floor) > height) return STATUS_NOT_FOUND;
    path_above(journal, folded, proof);
    return STATUS_OK;
}

static __int128 get_i128(const uint64_t *at)
{
    return (__int128)((unsigned __int128)word_get(at + 1) << 64 | word_get(at));
}

enum status proof_journal_totals(const struct proof_journal *journal, uint64_t height,
                                 struct proof_totals *proof)
{
    const uint64_t *block = block_at(journal, height);
    struct kept_block kept;
    if (!block_get(journal, height, &kept)) return STATUS_NOT_FOUND;
    proof->count = (uint32_t)kept.asset_count;
    proof->has_house = journal->has_house;
    for (uint16_t asset = 0; asset < kept.asset_count; asset++) {
        const uint64_t *at = block + BLOCK_TOTALS + asset * BLOCK_TOTAL_WORDS;
        proof->assets[asset] = (struct proof_total){.asset = asset,
                                                    .users = get_i128(at),
                                                    .fees = get_i128(at + 2),
                                                    .rounding = get_i128(at + 4),
                                                    .in_flight = get_i128(at + 6),
                                                    .external = get_i128(at + 8),
                                                    .house = get_i128(at + 10)};
    }
    return word_get(&block[BLOCK_HEIGHT]) == height ? STATUS_OK : STATUS_NOT_FOUND;
}
