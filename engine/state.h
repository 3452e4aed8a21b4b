/* Everything the engine is made of. For the files of engine/ that make up the verb; others see
 * engine.h.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_STATE_H
#define ENGINE_STATE_H

#include "common/genesis.h"
#include "engine/accounts.h"
#include "engine/book.h"
#include "engine/directory.h"
#include "engine/engine.h"
#include "engine/keys.h"
#include "engine/origins.h"

struct engine {
    struct params params; /* as they stand now */
    struct accounts accounts;
    struct books books;
    struct directory directory;
    struct keys keys;
    struct origins origins;
    uint32_t operator_count;
    uint64_t operator_nonces[GENESIS_OPERATORS_LIMIT]; /* last one used */
    uint64_t last_command;
    uint64_t sealed_height;
    uint64_t sealed_command; /* that ended block sealed_height */
    struct engine_counts counts;
};

#endif /* ENGINE_STATE_H */
