/* Peers say anything at any time: messages of any bytes to one that fetches, to one that fetches older blocks, to one that
 * repairs its log, to one that supplies, and to a roster. Nothing is begun, kept or added that was not proved.
 *
 *     input   messages: length u16 | control u8 | bytes; control: peer (2 bits), link up or down, time, turns
 */

#include "common/le.h"
#include "ledger/backfill.h"
#include "ledger/fetch.h"
#include "ledger/fetch_log.h"
#include "ledger/roster.h"
#include "ledger/supply.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static uint64_t sends, adds;

static bool send(void *context, uint32_t node, const struct peers_piece *pieces, uint32_t count)
{
    size_t byte_count = 0;
    (void)context;
    ASSERT(node >= 1 && node <= 3 && count <= PEERS_PIECES_MAX);
    for (uint32_t i = 0; i < count; i++)
        byte_count += pieces[i].byte_count;
    ASSERT(byte_count > 0 && byte_count <= PEERS_MESSAGE_MAX);
    return ++sends % 7 != 0;
}

static bool is_up(void *context, uint32_t node)
{
    (void)context;
    return node != 0;
}

static enum status store_begin(void *context, const struct checkpoint_proof *proof)
{
    (void)context;
    (void)proof;
    const bool somebody_signed_a_checkpoint = false;
    ASSERT(somebody_signed_a_checkpoint);
    return STATUS_IO;
}

static void blame(void *context, uint32_t node, const char *what, uint64_t height, uint32_t chunk)
{
    (void)context;
    (void)height;
    (void)chunk;
    ASSERT(node >= 1 && node <= 3 && what != NULL);
}

static void proved(void *context, const struct lineage_step *step)
{
    (void)context;
    (void)step;
    const bool somebody_signed_a_step = false;
    ASSERT(somebody_signed_a_step);
}

static bool needs(void *context, uint64_t *first, uint64_t *last)
{
    (void)context;
    *first = 5;
    *last = 300;
    return true;
}

static enum status add(void *context, const struct wal_entry *entry)
{
    (void)context;
    ASSERT(entry->index >= 5 && entry->index <= 300);
    return ++adds % 5 == 0 ? STATUS_MISMATCH : STATUS_OK;
}

static void wrong(void *context, uint32_t node, const char *what, uint64_t index)
{
    (void)context;
    (void)node;
    (void)what;
    (void)index;
}

static void offer(void *context, struct fetch_offer *made)
{
    (void)context;
    *made = (struct fetch_offer){.height = 3};
}

static enum status read_object(void *context, const struct fetch_object *object, uint32_t offset,
                               uint8_t *bytes, uint32_t capacity, uint32_t *byte_count,
                               uint32_t *total)
{
    (void)context;
    if (object->height % 3 == 0 || offset > 1000) return STATUS_NOT_FOUND;
    *total = UINT32_MAX;
    *byte_count = capacity;
    memset(bytes, 1, capacity);
    return STATUS_OK;
}

static enum status read_entry(void *context, uint64_t index, struct wal_entry *entry)
{
    static const uint8_t bytes[5000];
    (void)context;
    *entry = (struct wal_entry){
        .index = index, .term = 1, .type = 1, .length = (uint32_t)(index % 5000), .bytes = bytes};
    return index % 11 == 0 ? STATUS_NOT_FOUND : STATUS_OK;
}

/* Older blocks. None is proved by bytes that nobody hashed to what is wanted: nothing is ever kept. */
static enum status backfill_header(void *context, uint64_t height,
                                   uint8_t header[BLOCK_HEADER_BYTES])
{
    const struct block_header made = {
        .version = BLOCK_HEADER_VERSION, .height = height, .body_length = 300000 + height};
    (void)context;
    block_header_encode(&made, header);
    return STATUS_OK;
}

static enum status backfill_keep_headers(void *context, uint64_t height, uint32_t count,
                                         const uint8_t *kept)
{
    (void)context;
    (void)height;
    (void)count;
    (void)kept;
    ASSERT(false);
    return STATUS_OK;
}

static enum status backfill_keep_block(void *context, const uint8_t header[BLOCK_HEADER_BYTES],
                                       const uint8_t *body, size_t body_bytes,
                                       const uint8_t *certificate, size_t certificate_bytes)
{
    (void)context;
    (void)header;
    (void)body_bytes;
    (void)certificate;
    ASSERT(body == NULL && certificate_bytes == 0);
    return STATUS_OK;
}

static const struct validator_set *backfill_voters(void *context, hash_t validators_hash)
{
    static const struct validator_set set = {.count = 1, .members = {{.node = 1}}};
    (void)context;
    (void)validators_hash;
    return &set;
}

static uint8_t *backfill_room(void *context, uint32_t slot, size_t byte_count)
{
    static uint8_t rooms[BACKFILL_SLOTS][400000];
    (void)context;
    ASSERT(slot < BACKFILL_SLOTS && byte_count <= sizeof(rooms[0]));
    return rooms[slot];
}

static void backfill_blame(void *context, uint32_t node, const char *what, uint64_t height)
{
    (void)context;
    (void)node;
    (void)height;
    ASSERT(what != NULL);
}

static struct backfill runs, blocks;

/* One that asks for headers, and one that has them all and asks for bodies from 10 on. */
static void begin_backfill(struct peers peers)
{
    static const uint32_t nodes[] = {1, 2, 3};
    static uint8_t base[BLOCK_HEADER_BYTES];
    struct block_header header = {.version = BLOCK_HEADER_VERSION, .height = 500};
    header.prev_hash.bytes[0] = 1;
    block_header_encode(&header, base);
    const struct backfill_options options = {.node = 4,
                                             .peers = peers,
                                             .store = {NULL, backfill_header, backfill_keep_headers,
                                                       backfill_keep_block, backfill_voters,
                                                       backfill_room, backfill_blame},
                                             .base_header = base,
                                             .bodies_from = 10};
    backfill_begin(&runs, &options);
    backfill_nodes(&runs, nodes, 3);
    backfill_begin(&blocks, &options);
    backfill_nodes(&blocks, nodes, 3);
    blocks.phase = BACKFILL_BLOCKS;
    blocks.lowest = blocks.next = 1;
}

static void play_backfill(struct backfill *backfill, uint64_t now_ms, uint32_t node,
                          const uint8_t *bytes, size_t byte_count)
{
    backfill_receive(backfill, now_ms, node, bytes, byte_count);
    if (now_ms % 3 == 0) backfill_refused(backfill, now_ms, node);
    ASSERT(backfill_check(backfill));
    while (backfill_turn(backfill, now_ms)) {
    }
    ASSERT(backfill_check(backfill));
}

static struct arena arena;
static struct fetch *fetch;
static struct fetch_log entries;
static struct supply supply;
static struct roster roster;

static void begin(void)
{
    static struct node_set nodes = {.count = 4};
    static const struct validator_set trusted = {.count = 1, .members = {{.node = 1}}};
    const struct peers peers = {NULL, send, is_up};
    for (uint32_t i = 0; i < 4; i++)
        nodes.members[i] = (struct node_member){.node = i + 1, .role = NODE_VOTER};
    if (arena.bytes == NULL) ASSERT(arena_map(&arena, fetch_memory()));
    if (arena.used > 0)
        memset(arena.bytes, 0, 1 << 17); /* the struct itself; the rest is written first */
    arena.used = 0;
    const struct fetch_options options = {.node = 4,
                                          .nodes = &nodes,
                                          .trusted = &trusted,
                                          .peers = peers,
                                          .store = {.begin = store_begin},
                                          .hooks = {NULL, blame, proved}};
    fetch = fetch_new(&arena, &options);
    ASSERT(fetch != NULL);
    fetch_log_begin(&entries, 4, &nodes, peers, (struct fetch_log_sink){NULL, needs, add, wrong},
                    0);
    supply_begin(&supply, peers, (struct supply_source){NULL, offer, read_object, read_entry});
    roster_begin(&roster, &nodes);
    begin_backfill(peers);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    uint64_t now_ms = 1000;
    if (!hash_start()) return 0;
    begin();
    while (byte_count >= 3) {
        size_t length = le_get_u16(bytes);
        const uint8_t control = bytes[2];
        const uint32_t node = 1 + (control & 3u) % 3;
        bytes += 3;
        byte_count -= 3;
        if (length > byte_count) length = byte_count;
        if ((control & 0x0c) == 0) {
            fetch_link(fetch, now_ms, node, (control & 0x10) != 0);
            fetch_log_link(&entries, node, (control & 0x10) != 0);
        }
        if ((control & 0xe0) == 0xe0) now_ms += 700;
        fetch_receive(fetch, now_ms, node, bytes, length);
        fetch_log_receive(&entries, now_ms, node, bytes, length);
        supply_receive(&supply, node, bytes, length);
        play_backfill(&runs, now_ms, node, bytes, length);
        play_backfill(&blocks, now_ms, node, bytes, length);
        if (roster_hear(&roster, node, bytes, length)) {
            struct node_set links;
            roster_links(&roster, &links);
            ASSERT(links.count >= 4 && links.count <= NODE_SET_LIMIT);
        }
        while (fetch_turn(fetch, now_ms)) {
        }
        fetch_log_turn(&entries, now_ms);
        (void)!supply_turn(&supply);
        ASSERT(fetch_check(fetch));
        bytes += length;
        byte_count -= length;
    }
    return 0;
}
