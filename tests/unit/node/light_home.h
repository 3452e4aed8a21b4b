/* A light node's folder for tests, filled from a hand-made chain (light_chain.h). */

#ifndef TESTS_NODE_LIGHT_HOME_H
#define TESTS_NODE_LIGHT_HOME_H

#include "node/light_store.h"
#include "tests/unit/ledger/light_chain.h"

#include <ftw.h>
#include <stdlib.h>

struct light_home {
    char folder[32];
    struct genesis genesis;
    struct trusted trusted;
    struct light light;
    struct light_store *store;
};

static inline enum status light_home_open(struct light_home *home)
{
    const struct light_store_options options = {.directory = home->folder,
                                                .genesis = &home->genesis,
                                                .trusted = &home->trusted,
                                                .writes = true};
    return light_store_open(&options, &home->store, &home->light);
}

/* An empty folder; `chain` becomes that of its genesis, which the nodes of `voters` sign. */
static inline void light_home_begin(struct light_home *home, struct light_chain *chain,
                                    uint32_t voters)
{
    memset(home, 0, sizeof(*home));
    light_chain_begin(chain, voters);
    home->genesis.validators = light_chain_set(chain, voters);
    chain->chain_id = genesis_chain_id(&home->genesis);
    memcpy(home->folder, "/tmp/light-XXXXXX", 18);
    if (mkdtemp(home->folder) == NULL || light_home_open(home) != STATUS_OK) abort();
}

/* Takes the chain's headers up to `height`, which the nodes of `signers` sign. */
static inline void light_home_take(struct light_home *home, const struct light_chain *chain,
                                   uint64_t height, uint32_t signers)
{
    const char *what;
    for (uint64_t at = home->light.tip.height + 1; at <= height; at++) {
        const struct certificate certificate = light_chain_sign(chain, chain->headers[at], signers);
        const struct light_step step = {.header = chain->headers[at],
                                        .certificate = at == height ? &certificate : NULL};
        const enum light_answer answer = light_take(&home->light, &step, &what);
        if (answer != (at == height ? LIGHT_CERTIFIED : LIGHT_PENDING) ||
            light_store_pend(home->store, &home->light, chain->headers[at]) != STATUS_OK ||
            (at == height &&
             light_store_certify(home->store, &home->light, &certificate, NULL) != STATUS_OK))
            abort();
    }
    if (light_store_sync(home->store) != STATUS_OK) abort();
}

static inline int light_home_remove(const char *path, const struct stat *facts, int type,
                                    struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void light_home_end(struct light_home *home)
{
    light_store_close(home->store);
    nftw(home->folder, light_home_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif /* TESTS_NODE_LIGHT_HOME_H */
