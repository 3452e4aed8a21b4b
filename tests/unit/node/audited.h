/* A story's chain, written with whatever was planted in it, and audited from the genesis. */

#ifndef TESTS_UNIT_NODE_AUDITED_H
#define TESTS_UNIT_NODE_AUDITED_H

#include "common/log.h"
#include "node/verify.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/story.h"

static struct story story;
static struct chain_folder audited_folder;
static struct verify_result result;

static inline enum status audited_certified(uint32_t certified)
{
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&audited_folder);
    story_write(&story, audited_folder.path, certified);
    return verify_chain(audited_folder.path, &story.journal.genesis, journal_tree_secret, &result);
}

static inline enum status audited(void)
{
    return audited_certified(UINT32_MAX);
}

static inline void audited_end(void)
{
    story_end(&story);
    chain_folder_remove(&audited_folder);
}

static inline void audited_wrong(uint64_t height, const char *reason)
{
    if (result.fault.height != height || strstr(result.fault.reason, reason) == NULL)
        print_error("block %lu: %s\n", result.fault.height, result.fault.reason);
    assert_int_equal(result.fault.height, height);
    assert_non_null(strstr(result.fault.reason, reason));
}

#endif /* TESTS_UNIT_NODE_AUDITED_H */
