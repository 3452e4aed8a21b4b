/* A market story in play: a small exchange, and the text of what it said.
 *
 * match_script.c reads a story's lines, story_nodes.c those about its nodes, story_custody.c those about deposits and
 * withdrawals, story_set_up.c prepares its exchange, story_order.c reads what a
 * trader asks for, story_trace.c tells what came of it.
 */

#ifndef TESTS_GOLDEN_STORY_H
#define TESTS_GOLDEN_STORY_H

#include "tests/unit/engine/world.h"

#include <inttypes.h>
#include <stdio.h>

#define STORY_TEXT_MAX (256 * 1024)
#define STORY_NAMES    16
#define STORY_NODES    16

struct story_text {
    char bytes[STORY_TEXT_MAX];
    size_t count;
};

/* What this origin has said so far, as its node counts. */
struct story_node {
    uint64_t epoch;
    uint64_t sequence;
};

struct story {
    struct world world;
    bool open;
    uint16_t market;             /* of the line in hand */
    char names[STORY_NAMES][16]; /* of accounts; 0 is nobody */
    char markets[PARAMS_MARKETS_LIMIT][16];
    struct market_filters filters; /* before the command in hand */
    struct story_node nodes[STORY_NODES];
    struct story_text expected;
    struct story_text actual;
    const char *line; /* in hand, for messages */
    int line_number;
};

__attribute__((format(printf, 2, 3))) void story_say(struct story *story, const char *format, ...);

/* Ends the program: the line in hand has a word that is none. */
_Noreturn void story_unreadable(const struct story *story, const char *word);

/* Starts the exchange, if it has not yet. */
void story_open(struct story *story);

/* Words. `word` may be NULL, which is no word. */
static inline bool story_is(const char *word, const char *wanted)
{
    return word != NULL && strcmp(word, wanted) == 0;
}
int64_t story_number(const struct story *story, const char *word);
void story_range(const struct story *story, const char *word, int64_t *from, int64_t *to);
uint64_t story_time(const struct story *story, const char *word);
uint8_t story_self_trade(const struct story *story, const char *word);
uint16_t story_asset(const struct story *story, const char *word);
uint16_t story_market(const struct story *story, const char *word);
uint32_t story_account(const struct story *story, const char *name);

extern const char *const story_self_trade_words[SELF_TRADE_TRANSFER + 1];

/* Plays a line of set-up; false when it is none. */
bool story_set_up(struct story *story, char **words);

/* Sets one of a market's filters by name: words[0] is the name, words[1] the value. False: no filter. */
bool story_filter(const struct story *story, struct market_filters *filters, char **words);

/* Reads `buys|sells ...` up to the end of the line or the word `and`; returns the words behind it. A list's
 * own client id is put into `list_id`; NULL: it cannot have one. */
char **story_order(const struct story *story, char **words, struct order_place_command *place,
                   uint8_t *list_id);

/* node N joins | votes for H | is promoted|demoted|removed | replaces M: `words` begin behind the number. False:
 * none of these. */
bool story_membership(struct story *story, uint32_t node, char **words);

/* era N begins above H: an EPOCH_CHANGE. False: another line. */
bool story_epoch(struct story *story, char **words);

/* custody rules|route|address|shows|loses|freezes|frees|approves|denies|says ...: what operators and connectors
 * say. custody openings N [approval], custody opens NAME, custody admits NAME: of accounts that open themselves, each with
 * a key that is its name. False: another line. */
bool story_custody(struct story *story, char **words);

/* NAME allows|forbids CHAIN ADDRESS, NAME withdraws AMOUNT ASSET CHAIN ADDRESS as ID */
void story_allow(struct story *story, char **words);
void story_withdraw(struct story *story, char **words);
void story_unwithdraw(struct story *story, char **words);

/* A client id in its field, padded with zero bytes. */
void story_put_id(uint8_t field[36], const char *id);

/* Tells every event of the last command. */
void story_trace(struct story *story);

#endif /* TESTS_GOLDEN_STORY_H */
