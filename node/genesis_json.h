/* The genesis as a file: what operators read, compare and hand to each other.
 *
 *     {"nonce": hex, "time": ns,
 *      "validators": [{"node": 1, "publicKey": hex, "address": "host:port"}], "operators": [hex],
 *      "params": {"rules": 1, "accountsMax": ..., "assets": [{"symbol", "decimals"}],
 *                 "volumeAsset": symbol, "tiers": [{"makerPpm", "takerPpm", "volumeMin"}],
 *                 "markets": [{"symbol", "base", "quote", "status", "tick", "lot", "minPrice",
 *                              "maxPrice", "minQty", "maxQty", "minNotional", "maxOrders",
 *                              "filters": {...}}]}}
 *
 * Prices and quantities are decimal text in whole quote and base, a tier's volumeMin in whole volume
 * asset. The filters are those of intent_filters.h by the same names; numbers without a unit are
 * JSON numbers, selfTradeModes is a list of words. volumeAsset (the first asset), volumeMin (0),
 * filters and each of them (market_filters_default) may be left out. Any other key that is missing,
 * unknown or out of its range is refused by name in the log.
 *
 * Limits   those of struct genesis; params_valid and market_list must agree
 */

#ifndef NODE_GENESIS_JSON_H
#define NODE_GENESIS_JSON_H

#include "common/genesis.h"
#include "common/status.h"

/* Reads `path`. STATUS_NOT_FOUND, STATUS_MALFORMED or STATUS_IO, logged, otherwise. */
MUST_CHECK enum status genesis_read(const char *path, struct genesis *genesis);

/* Writes a new file. STATUS_EXISTS when there is one; it is left as it is. */
MUST_CHECK enum status genesis_write(const char *path, const struct genesis *genesis);

#endif /* NODE_GENESIS_JSON_H */
