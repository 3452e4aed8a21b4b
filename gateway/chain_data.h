/* What answers about the chain have in common: why a block is not there, how its certificate is printed. */

#ifndef GATEWAY_CHAIN_DATA_H
#define GATEWAY_CHAIN_DATA_H

#include "gateway/request.h"

/* Refuses with a text in which the height stands. */
enum outcome chain_data_refuse(struct request *request, enum reject reject, uint64_t height);

/* Of a height that is not there: why. */
enum outcome chain_data_refuse_missing(struct request *request, const struct facts *facts,
                                       uint64_t height);

/* "certificate": the block's own or the lowest above it within reach, with the headers between, or null. */
void chain_data_put_certificate(struct writer *json, const struct facts *facts, uint64_t height);

#endif /* GATEWAY_CHAIN_DATA_H */
