#include "ledger/roster.h"
#include "tests/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct roster roster, again;

static struct node_set set_of(uint32_t first, uint32_t last)
{
    struct node_set set = {0};
    for (uint32_t node = first; node <= last; node++) {
        struct node_changed_event changed = {.node = node, .role = NODE_VOTER};
        changed.public_key[0] = (uint8_t)node;
        snprintf((char *)changed.address, NODE_ADDRESS_BYTES, "host-%u:7000", (unsigned)node);
        assert_true(node_set_apply(&set, &changed));
    }
    return set;
}

static void path_of(const char *folder, char path[96])
{
    snprintf(path, 96, "%s/members", folder);
}

static void folder_make(char folder[64])
{
    snprintf(folder, 64, "/tmp/quorex-roster-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static void folder_remove(const char *folder)
{
    char path[96];
    path_of(folder, path);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

/* A state that is newer than the set it is told of: who is in the file and not in it has left. */
TEST(roster_fs, a_restart_knows_who_left)
{
    char folder[64];
    const struct node_set before = set_of(1, 3), own = set_of(2, 3), after = set_of(3, 4);
    struct node_set reach;
    folder_make(folder);
    roster_begin(&roster, &before);
    roster_recall(&roster, folder); /* there is none yet */
    assert_int_equal(roster.left.count, 0);
    assert_int_equal(roster_keep(&roster, folder), STATUS_OK);

    roster_begin(&again, &own);
    roster_recall(&again, folder);
    assert_int_equal(again.left.count, 1);
    roster_reach(&again, &reach);
    assert_int_equal(reach.count, 3);
    assert_memory_equal(&reach.members[0], &before.members[0], sizeof(reach.members[0]));

    /* Who had left then is known at the next start, too, and who came since. */
    roster_change(&again, &after);
    assert_int_equal(roster_keep(&again, folder), STATUS_OK);
    roster_begin(&roster, &after);
    roster_recall(&roster, folder);
    roster_reach(&roster, &reach);
    assert_int_equal(reach.count, 4);
    assert_int_equal(roster.left.count, 2);
    folder_remove(folder);
}

/* Bytes that are not what was written say nothing. */
TEST(roster_fs, a_damaged_file_is_as_none)
{
    char folder[64], path[96];
    const struct node_set before = set_of(1, 2), own = set_of(2, 2);
    folder_make(folder);
    path_of(folder, path);
    roster_begin(&roster, &before);
    assert_int_equal(roster_keep(&roster, folder), STATUS_OK);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    const off_t end = lseek(file, 0, SEEK_END);
    for (off_t at = 0; at < end; at++) {
        uint8_t byte;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        byte ^= 4;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
        roster_begin(&again, &own);
        roster_recall(&again, folder);
        assert_int_equal(again.left.count, 0);
        byte ^= 4;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
    }
    roster_recall(&again, folder);
    assert_int_equal(again.left.count, 1);
    assert_int_equal(ftruncate(file, end - 1), 0);
    roster_begin(&again, &own);
    roster_recall(&again, folder);
    assert_int_equal(again.left.count, 0);
    close(file);
    folder_remove(folder);
}

TEST(roster_fs, a_folder_that_is_not_there_is_said)
{
    const struct node_set own = set_of(1, 1);
    roster_begin(&roster, &own);
    assert_int_equal(roster_keep(&roster, "/nowhere/at/all"), STATUS_IO);
    roster_recall(&roster, "/nowhere/at/all");
    assert_int_equal(roster.left.count, 0);
}
