/* A node: everything wired together, run until a signal or the first failure.
 *
 *     DIR/quorex.conf, genesis.json, keys/     made by quorex init
 *     DIR/quorex.pid                           who runs here
 *     DIR/wal/, chain/, sign-once              what it has written and signed
 *
 * The threads are those of docs/architecture.md. The main thread waits for SIGTERM or SIGINT, or for
 * a thread that has ended by itself; then it tells all to stop and joins them, producers first. At SIGHUP it reads the
 * settings and the certificate again (settings.h).
 *
 * Owner    the main thread
 * Memory   taken at start by the bounds of the genesis and said in the log; a machine without that
 *          much memory is refused
 */

#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "common/assert.h"
#include "common/status.h"

struct settings;

/* STATUS_OK when it was told to stop and did. Failures have been logged.
 * Needs: no other thread has been started. */
MUST_CHECK enum status node_run(struct settings *settings);

/* quorex node [options]. Returns 0, 1 on a failure, 2 on wrong usage. */
int node_main(int argc, char **argv);

#endif /* NODE_NODE_H */
