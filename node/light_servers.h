/* The servers that a light node asks: nodes of the exchange, or whoever says to be one.
 *
 * None is believed. One that says what is not so is dropped, named in the log with what was wrong, and not asked again by
 * this process; one that does not answer rests, longer each time; one that lags is named and goes on being asked.
 *
 * Owner    one thread; blocks on HTTP
 * Memory   light_servers_add allocates, light_servers_free returns. An answer is good until the next question to the same
 *          server
 * Limits   LIGHT_SERVERS_MAX; an answer of CLIENT_ANSWER_MAX bytes, in 15 s; rests of 1 to LIGHT_REST_MAX_MS
 */

#ifndef NODE_LIGHT_SERVERS_H
#define NODE_LIGHT_SERVERS_H

#include "node/client.h"

#define LIGHT_SERVERS_MAX 16
#define LIGHT_REST_MIN_MS 1000
#define LIGHT_REST_MAX_MS 30000
#define LIGHT_LAG_MAX     64 /* blocks that a server may be behind before it is named */

struct light_server {
    char url[256]; /* for the log: without a user's name or password */
    struct client *client;
    bool is_dropped;
    bool is_silent; /* the last question got no answer */
    bool lags;      /* and was named for it */
    uint64_t rests_until_ms;
    uint64_t rest_ms;
    uint64_t height; /* the highest block that it has shown */
};

struct light_servers {
    uint32_t count;
    struct light_server list[LIGHT_SERVERS_MAX];
};

/* False: no URL of http or https, too many, or no memory. */
MUST_CHECK bool light_servers_add(struct light_servers *servers, const char *url);
void light_servers_free(struct light_servers *servers);

enum light_reply {
    LIGHT_REPLY_GIVEN,  /* 200, with a body */
    LIGHT_REPLY_AHEAD,  /* the server has not come to that block */
    LIGHT_REPLY_ABSENT, /* it does not keep that, or does not know it */
    LIGHT_REPLY_NONE,   /* no answer, or none that says anything: it rests */
    LIGHT_REPLY_FALSE,  /* an answer that no node gives: it was dropped */
};

/* Asks one server, which is neither dropped nor resting. */
enum light_reply light_servers_ask(struct light_server *server, const char *path, const char *query,
                                   struct client_answer *answer);

/* Whether it may be asked now. */
bool light_servers_ready(const struct light_server *server);

/* Drops a server: what it said of block `height` is not so. Height 0: of no block. */
void light_servers_drop(struct light_server *server, uint64_t height, const char *what);

/* Lets a server rest that could not help: `what` is logged when it is the first time in a row. */
void light_servers_rest(struct light_server *server, const char *what);

/* Takes note of the newest block that a server shows, and of what is certified: names one that lags. */
void light_servers_show(struct light_server *server, uint64_t height, uint64_t certified);

/* Servers that are not dropped. */
uint32_t light_servers_left(const struct light_servers *servers);

/* Milliseconds of a clock that only goes forward. */
uint64_t light_servers_now_ms(void);

#endif /* NODE_LIGHT_SERVERS_H */
