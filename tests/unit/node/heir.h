/* A node that begins with a checkpoint of the workshop's, and then is given the same commands: whatever its engine,
 * its digest and its views make of them must be what the workshop made of them.
 */

#ifndef TESTS_NODE_HEIR_H
#define TESTS_NODE_HEIR_H

#include "node/start.h"
#include "node/view_restore.h"
#include "tests/unit/node/workshop.h"

struct heir {
    struct workshop *shop;
    struct start start;
    struct workshop_state state;
    uint32_t blocks; /* that it has followed */
};

static inline void heir_follow(void *context, const struct applied *record,
                               const struct command *command)
{
    struct heir *heir = context;
    struct workshop *shop = heir->shop;
    bool sealed;
    const size_t room = engine_event_bytes_max(heir->state.engine);
    uint8_t *events = malloc(room);
    struct event_writer out = {.at = events, .end = events + room};
    match_step(heir->state.engine, command, record->number, record->stamp_ns, &out);
    assert_int_equal(out.at - events, record->events_length);
    assert_memory_equal(events, record->events, record->events_length);
    assert_int_equal(
        digest_record(&heir->state.digest, record, command, &heir->state.block, &sealed),
        STATUS_OK);
    if (sealed) {
        assert_memory_equal(heir->state.block.bytes, shop->state.block.bytes, BLOCK_HEADER_BYTES);
        heir->blocks++;
    }
    workshop_see(&heir->state, record);
    free(events);
}

/* Needs: the newest checkpoint is of the last block. */
static inline void heir_begin(struct heir *heir, struct workshop *shop)
{
    const struct genesis *genesis = &shop->journal.genesis;
    struct restore views;
    *heir = (struct heir){.shop = shop};
    workshop_state_map(&heir->state, genesis);
    assert_int_equal(start_open(&heir->start, shop->checkpoints, genesis), STATUS_OK);
    assert_int_equal(heir->start.height, shop->journal.height);
    assert_int_equal(start_engine(&heir->start, &heir->state.engine_arena, &heir->state.engine),
                     STATUS_OK);
    assert_int_equal(start_settlement(&heir->start, &heir->state.settlement_arena,
                                      journal_tree_secret, &heir->state.settlement,
                                      &heir->state.digest),
                     STATUS_OK);
    restore_begin(&views, heir->state.view, heir->state.markets);
    assert_true(view_restore(&heir->start, &heir->state.digest.membership, &views));
    shop->follow = heir_follow;
    shop->follow_context = heir;
}

static inline void heir_end(struct heir *heir)
{
    heir->shop->follow = NULL;
    start_close(&heir->start);
    workshop_state_end(&heir->state);
}

/* Both are the same in all that a checkpoint would hold. */
static inline void heir_same(struct heir *heir)
{
    struct workshop *shop = heir->shop;
    const struct genesis *genesis = &shop->journal.genesis;
    workshop_same(workshop_engine(heir->state.engine, genesis),
                  workshop_engine(shop->state.engine, genesis));
    workshop_same(workshop_settlement(heir->state.settlement, genesis),
                  workshop_settlement(shop->state.settlement, genesis));
    workshop_same(workshop_markets(&heir->state), workshop_markets(&shop->state));
}

#endif /* TESTS_NODE_HEIR_H */
