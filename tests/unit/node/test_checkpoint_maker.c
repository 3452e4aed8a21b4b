#include "node/checkpoint_maker.h"

#include "tests/unit/node/workshop.h"

#include <dirent.h>

static struct workshop shop;
static struct vote_command vote;

/* Names in the checkpoints' folder. */
static int entries(void)
{
    DIR *folder = opendir(shop.checkpoints);
    int count = 0;
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void check_sections(uint64_t height)
{
    struct checkpoint_reader *reader;
    assert_int_equal(checkpoint_reader_open(shop.checkpoints, height, &reader), STATUS_OK);
    const struct checkpoint_manifest *manifest = checkpoint_reader_manifest(reader);
    assert_int_equal(manifest->height, height);
    assert_memory_equal(manifest->header, shop.headers[height], BLOCK_HEADER_BYTES);
    for (int i = 0; i < CHECKPOINT_SECTIONS; i++) {
        const uint8_t *bytes;
        size_t byte_count;
        const enum status status =
            checkpoint_reader_section(reader, (enum checkpoint_section)i, &bytes, &byte_count);
        assert_int_equal(status, STATUS_OK);
        assert_int_equal(byte_count, shop.sections[height][i].count);
        assert_memory_equal(bytes, shop.sections[height][i].at, byte_count);
    }
    checkpoint_reader_close(reader);
}

/* Everything in it is of one moment, although engine, settlement and views have gone on at once. */
TEST(checkpoint_maker, holds_what_was_at_the_seal)
{
    workshop_begin(&shop);
    workshop_start(&shop);
    workshop_trade_to(&shop, 5);
    assert_true(workshop_vote(&shop, &vote));
    assert_int_equal(vote.height, 3);
    assert_int_equal(vote.node, 1);
    assert_true(certificate_statement_valid(CERTIFICATE_OF_CHECKPOINT, &vote,
                                            genesis_chain_id(&shop.journal.genesis),
                                            &shop.journal.genesis.validators));
    /* Nothing of it counts before it is certified. */
    assert_false(workshop_has(&shop, 3));
    assert_int_equal(atomic_load(&shop.progress.forget_index), 0);
    assert_int_equal(atomic_load(&shop.progress.checkpoint_height), 0);

    workshop_certify(&shop, 3, root_vote_root(&vote));
    workshop_await_certified(&shop, 3);
    assert_int_equal(atomic_load(&shop.progress.checkpoint_height), 3);
    check_sections(3);
    uint64_t newest;
    assert_int_equal(checkpoint_newest(shop.checkpoints, &newest), STATUS_OK);
    assert_int_equal(newest, 3);
    workshop_stop(&shop);
    assert_int_equal(shop.ended, STATUS_OK);
    assert_int_equal(ring_used(shop.votes), 0);
    workshop_end(&shop);
}

/* A certified checkpoint of a block that is not certified could outlive the block: whoever started from it would take it
 * for certified. So there is no vote until the block has its certificate, or a later one; and then at once. */
TEST(checkpoint_maker, no_vote_comes_before_the_block_is_certified)
{
    char path[256];
    workshop_begin(&shop);
    atomic_store(&shop.progress.certified_height, 2);
    workshop_start(&shop);
    workshop_trade_to(&shop, 4);
    snprintf(path, sizeof(path), "%s/3/manifest", shop.checkpoints);
    for (int waits = 0; access(path, F_OK) != 0 && waits < WORKSHOP_WAITS; waits++)
        workshop_rest();
    workshop_ready(&shop); /* it has made it, and looked around */
    assert_int_equal(ring_used(shop.votes), 0);
    atomic_store(&shop.progress.certified_height, 3);
    park_wake(&shop.park);
    assert_true(workshop_vote(&shop, &vote));
    assert_int_equal(vote.height, 3);
    workshop_end(&shop);
}

/* One after the other, and of those that are certified two stay. */
TEST(checkpoint_maker, older_checkpoints_go)
{
    workshop_begin(&shop);
    workshop_start(&shop);
    for (uint64_t height = 3; height <= 12; height += 3) {
        workshop_checkpoint(&shop, height);
        check_sections(height);
    }
    assert_false(workshop_has(&shop, 3));
    assert_false(workshop_has(&shop, 6));
    assert_true(workshop_has(&shop, 9));
    assert_true(workshop_has(&shop, 12));
    assert_int_equal(entries(), 2);
    assert_int_equal(atomic_load(&shop.progress.halted), 0);
    workshop_end(&shop);
}

/* Two nodes make the same bytes, or no root would ever get its votes; and the faster ones may have certified
 * it before this one is ready. */
TEST(checkpoint_maker, certificate_may_come_first)
{
    workshop_begin(&shop);
    workshop_start(&shop);
    workshop_trade_to(&shop, 3);
    assert_true(workshop_vote(&shop, &vote));
    workshop_end(&shop);

    workshop_begin(&shop);
    workshop_start(&shop);
    workshop_certify(&shop, 3, root_vote_root(&vote));
    workshop_await_taken(shop.certificates);
    assert_int_equal(atomic_load(&shop.progress.forget_index), 0);
    workshop_trade_to(&shop, 4);
    workshop_await_certified(&shop, 3);
    check_sections(3);
    workshop_end(&shop);
}

/* A node whose checkpoint is not the certified one is wrong somewhere, and says so instead of going on. */
TEST(checkpoint_maker, other_root_halts)
{
    workshop_begin(&shop);
    workshop_start(&shop);
    workshop_trade_to(&shop, 3);
    assert_true(workshop_vote(&shop, &vote));
    hash_t other = root_vote_root(&vote);
    other.bytes[31] ^= 1;
    workshop_certify(&shop, 3, other);
    for (int waits = 0; atomic_load(&shop.progress.halted) == 0 && waits < WORKSHOP_WAITS; waits++)
        workshop_rest();
    assert_int_equal(atomic_load(&shop.progress.halted), 1);
    assert_int_equal(atomic_load(&shop.progress.forget_index), 0);
    assert_false(workshop_has(&shop, 3));

    /* It signs nothing any more. */
    workshop_ready(&shop);
    workshop_trade_to(&shop, 6);
    workshop_ready(&shop);
    assert_int_equal(ring_used(shop.votes), 0);
    workshop_end(&shop);
}

/* A standby makes them too, to supply them to others, and has no vote. */
TEST(checkpoint_maker, standby_does_not_vote)
{
    workshop_begin(&shop);
    workshop_start(&shop);
    workshop_trade_to(&shop, 3);
    assert_true(workshop_vote(&shop, &vote));
    workshop_end(&shop);

    workshop_begin(&shop);
    atomic_store(&shop.progress.role, NODE_STANDBY);
    workshop_start(&shop);
    workshop_trade_to(&shop, 3);
    workshop_certify(&shop, 3, root_vote_root(&vote));
    workshop_await_certified(&shop, 3);
    assert_int_equal(ring_used(shop.votes), 0);
    check_sections(3);
    workshop_end(&shop);
}

/* While one is being made, the next is left out and nobody waits; what comes after that one is made again. */
TEST(checkpoint_maker, height_that_comes_too_soon_is_left_out)
{
    struct restore views;
    workshop_begin(&shop);
    workshop_start(&shop);
    shop.withholds_gateway = true;
    workshop_trade_to(&shop, 3);
    shop.withholds_gateway = false;
    workshop_trade_to(&shop, 8);
    assert_int_equal(ring_used(shop.votes), 0);
    restore_begin(&views, shop.state.view, shop.state.markets);
    maker_gateway(shop.maker, 3, &views);
    assert_true(workshop_vote(&shop, &vote));
    assert_int_equal(vote.height, 3);
    workshop_ready(&shop);
    workshop_checkpoint(&shop, 9);
    check_sections(9);
    assert_false(workshop_has(&shop, 6));
    assert_int_equal(ring_used(shop.votes), 0);
    workshop_end(&shop);
}

/* Stopped while it waits for somebody who will not come: nothing of it is left on the disk, and the memory is
 * its owners' again. */
static void stop_in_the_middle(bool before_anchor)
{
    workshop_begin(&shop);
    workshop_start(&shop);
    shop.withholds_anchor = before_anchor;
    shop.withholds_gateway = true;
    workshop_trade_to(&shop, 3);
    if (!before_anchor) workshop_await_taken(shop.marks); /* it has begun to write */
    workshop_stop(&shop);
    assert_int_equal(shop.ended, STATUS_OK);
    assert_int_equal(ring_used(shop.votes), 0);
    assert_int_equal(entries(), 0);
    /* An anchor that had not heard of the stop yet freezes for nobody: that thaws with the maker. */
    if (before_anchor) maker_anchor(shop.maker, 3, &shop.state.digest, shop.headers[3], false);
    shop.withholds_anchor = shop.withholds_gateway = false;
    workshop_trade_to(&shop, 7);
    workshop_end(&shop);
}

TEST(checkpoint_maker, stops_while_it_waits_for_the_anchor)
{
    stop_in_the_middle(true);
}

TEST(checkpoint_maker, stops_while_it_waits_for_the_gateway)
{
    stop_in_the_middle(false);
}

/* What a log that is replayed brings before the maker's thread runs is made all the same; nobody freezes anything for
 * one that runs no more. */
TEST(checkpoint_maker, is_open_from_its_beginning_to_its_end)
{
    workshop_begin(&shop);
    workshop_trade_to(&shop, 4);
    workshop_start(&shop);
    assert_true(workshop_vote(&shop, &vote));
    assert_int_equal(vote.height, 3);
    workshop_certify(&shop, 3, root_vote_root(&vote));
    workshop_await_certified(&shop, 3);
    check_sections(3);
    workshop_stop(&shop);
    workshop_trade_to(&shop, 7);
    assert_int_equal(entries(), 1);
    assert_int_equal(ring_used(shop.votes), 0);
    workshop_end(&shop);
}

/* A disk that does not take it ends the thread: the node stops with a reason. */
TEST(checkpoint_maker, failing_disk_ends_it)
{
    workshop_begin(&shop);
    workshop_start(&shop);
    assert_int_equal(rmdir(shop.checkpoints), 0);
    assert_int_equal(file_create(shop.checkpoints, "x", 1, 0600), STATUS_OK); /* no folder */
    workshop_trade_to(&shop, 3);
    pthread_join(shop.thread, NULL);
    shop.runs = false;
    assert_int_equal(shop.ended, STATUS_IO);
    workshop_trade_to(&shop, 7);
    workshop_end(&shop);
}
