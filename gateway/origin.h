/* Pages of other origins: which of them may do more than read what is public.
 *
 * Owner    any thread: nothing is kept
 */

#ifndef GATEWAY_ORIGIN_H
#define GATEWAY_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether an Origin header's value is one of `list`: origins as browsers write them ("https://trade.example"), with
 * commas, spaces around them allowed; "*" is any. */
bool origin_is_listed(const char *list, const char *origin, size_t origin_bytes);

/* Whether every text of a list is "*" or an origin as a browser would write it: scheme, host and perhaps a port, in
 * lower case, with nothing behind. Others would never be met. */
bool origin_list_is_good(const char *list);

#endif /* GATEWAY_ORIGIN_H */
