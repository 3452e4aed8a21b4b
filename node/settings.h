/* A node's settings beyond their table: what they must be together, what they are to the gateway, and how they are read
 * again while the node runs.
 *
 * Reading again is all or nothing. A file that is wrong, a certificate or key that cannot be used, a certificate whose
 * time is over: the log says so and what was stays in force, the certificate included. Otherwise what may change
 * (config.def) counts from then on, and the log names what has to wait for the next start. TLS itself is switched on
 * and off by a start alone.
 *
 * Owner    the main thread
 * Memory   texts are in struct settings; what is read for the gateway is handed to the caller
 */

#ifndef NODE_SETTINGS_H
#define NODE_SETTINGS_H

#include "common/config.h"
#include "gateway/gateway.h"

struct settings {
    struct config config; /* in force */
    int argument_count;   /* of the command line, without the program's name */
    char *const *arguments;
    char *const *environment;
};

/* From all their sources, the first time. False: `error` says where and what. */
MUST_CHECK bool settings_load(struct settings *settings, int argument_count,
                              char *const arguments[], char *const environment[],
                              struct config_error *error);

/* Certificate and key from the files that are named; NULL, and STATUS_OK, when none are. A failure has been logged. One
 * whose time is over is warned of. */
MUST_CHECK enum status settings_identity(const struct config *config,
                                         struct tls_identity **identity);

struct gateway_limits settings_limits(const struct config *config);

/* Reads them again, and the certificate with them; `settings` is what is in force after it. NULL: nothing has changed,
 * and the log says why. Otherwise what the gateway has to know: free(), or gateway_leave. */
MUST_CHECK struct gateway_settings *settings_read_again(struct settings *settings);

#endif /* NODE_SETTINGS_H */
