/* quorex light: the chain's headers and certificates, followed from the genesis and checked here. No server is trusted.
 *
 *     quorex light --genesis FILE --data DIR --url URL [--url URL ...] [--trust HEIGHT:HASH] [--once] [--interval S]
 *     quorex light check --data DIR ...          node/light_check.h
 *
 * Asks every server in turn (node/light_follow.h), keeps what is certified (node/light_store.h) and goes on from there
 * after a restart, whatever ended it. --trust HEIGHT:HASH is an operator's word, as for `quorex join` (node/trusted.h): where
 * the voters before could not sign the next ones over, or to begin there instead of at block 1; one a folder.
 *
 * Owner    a program of its own; blocks on HTTP
 * Limits   LIGHT_SERVERS_MAX servers; asked every LIGHT_INTERVAL_S seconds, or as --interval says (1 to LIGHT_INTERVAL_MAX_S)
 */

#ifndef NODE_LIGHT_H
#define NODE_LIGHT_H

#define LIGHT_INTERVAL_S     1
#define LIGHT_INTERVAL_MAX_S 3600

enum light_exit {
    LIGHT_EXIT_DONE, /* --once: as far as the servers go; or a signal ended it */
    LIGHT_EXIT_FAILED, /* nobody is left to ask, or the folder cannot be used; of `check`: it is not proved */
    LIGHT_EXIT_USAGE, /* wrong usage */
    LIGHT_EXIT_GAP,   /* --once: it cannot go on without an operator's word */
    LIGHT_EXIT_FORK, /* two certified chains: a third of the voters or more lied. Also of every later start */
};

/* Returns one of these. */
int light_main(int argc, char **argv);

#endif /* NODE_LIGHT_H */
