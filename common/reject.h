/* Refusals: the market or the gateway says no, and this is what the client reads.
 *
 * Expanded from reject.def. The engine writes a number into an event; the gateway turns it into
 * code, HTTP status and text.
 */

#ifndef COMMON_REJECT_H
#define COMMON_REJECT_H

#include <stddef.h>
#include <stdint.h>

enum reject {
#define REJECT(NAME, number, code, http, text) REJECT_##NAME = number,
#include "common/reject.def"
#undef REJECT
};

/* A refusal with the details its text has places for. */
struct refusal {
    enum reject reject;
    char first[40];
    char second[40];
};

#define REFUSAL_TEXT_MAX 320

/* A refusal with up to two details (NULL for none); longer ones are cut. */
struct refusal refusal_of(enum reject reject, const char *first, const char *second);

int reject_code(enum reject reject);
int reject_http_status(enum reject reject);

/* The name, as logs show it: "INSUFFICIENT_BALANCE". */
const char *reject_name(enum reject reject);

/* Writes the text with its details filled in; returns its length. */
size_t refusal_text(const struct refusal *refusal, char text[REFUSAL_TEXT_MAX]);

#endif /* COMMON_REJECT_H */
