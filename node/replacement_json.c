#include "node/replacement.h"

#include "common/reject.h"
#include "node/admin.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_PATH "/quorex/v1/status"

/* ---- The command line. ---- */

static const char *value_of(const char *key, int pair_count, char **pairs)
{
    const size_t length = strlen(key);
    for (int i = 0; i < pair_count; i++)
        if (strncmp(pairs[i], key, length) == 0 && pairs[i][length] == '=')
            return pairs[i] + length + 1;
    return NULL;
}

static bool whole(const char *key, const char *text, uint32_t *number)
{
    char *end = NULL;
    const unsigned long value = text == NULL ? 0 : strtoul(text, &end, 10);
    if (text != NULL && text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= UINT32_MAX) {
        *number = (uint32_t)value;
        return true;
    }
    fprintf(stderr, "quorex admin: %s= is missing or no number\n", key);
    return false;
}

static bool text_of(const char *key, const char *text, const char *letters, char *to, size_t room)
{
    if (text != NULL && text[0] != '\0' && strlen(text) < room &&
        strspn(text, letters) == strlen(text)) {
        memcpy(to, text, strlen(text) + 1);
        return true;
    }
    fprintf(stderr, "quorex admin: %s= is missing or not well-formed\n", key);
    return false;
}

bool replacement_read(int pair_count, char **pairs, struct replacement *replacement)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    static const char host[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_[]:";
    const char *wait = value_of("wait", pair_count, pairs);
    uint32_t wait_s = REPLACEMENT_WAIT_S;
    if (wait != NULL && !whole("wait", wait, &wait_s)) return false;
    *replacement =
        (struct replacement){.wait_ms = UINT64_C(1000) * wait_s, .ask_ms = REPLACEMENT_ASK_MS};
    return whole("oldNode", value_of("oldNode", pair_count, pairs), &replacement->old_node) &&
           whole("newNode", value_of("newNode", pair_count, pairs), &replacement->new_node) &&
           text_of("publicKey", value_of("publicKey", pair_count, pairs), hex,
                   replacement->public_key, sizeof(replacement->public_key)) &&
           text_of("address", value_of("address", pair_count, pairs), host, replacement->address,
                   sizeof(replacement->address));
}

/* ---- What the exchange says. ---- */

static const json_t *peer_of(const json_t *status, uint32_t node)
{
    const json_t *peers = json_object_get(status, "peers"), *peer;
    size_t i;
    json_array_foreach(peers, i, peer) if (json_integer_value(json_object_get(peer, "node")) ==
                                           (json_int_t)node) return peer;
    return NULL;
}

enum replacement_news replacement_news(const char *status, uint32_t new_node)
{
    json_t *object = json_loads(status, JSON_REJECT_DUPLICATES, NULL);
    const json_t *height = json_object_get(object, "height");
    enum replacement_news news = REPLACEMENT_NONSENSE;
    if (json_is_integer(height) && json_is_array(json_object_get(object, "peers"))) {
        const json_t *peer = peer_of(object, new_node);
        const char *role = json_string_value(json_object_get(peer, "role"));
        const json_int_t behind =
            json_integer_value(height) - json_integer_value(json_object_get(peer, "height"));
        if (peer == NULL || role == NULL || !json_is_true(json_object_get(peer, "up")))
            news = REPLACEMENT_UNKNOWN;
        else if (strcmp(role, "standby") != 0)
            news = REPLACEMENT_VOTES;
        else
            news = behind <= REPLACEMENT_BEHIND_MAX ? REPLACEMENT_FOLLOWS : REPLACEMENT_BEHIND;
    }
    json_decref(object);
    return news;
}

/* Whether the answer is this refusal. */
static bool is_refusal(const struct client_answer *answer, enum reject reject)
{
    char text[REFUSAL_TEXT_MAX];
    const struct refusal refusal = refusal_of(reject, NULL, NULL);
    (void)refusal_text(&refusal, text);
    return answer->http_status >= 400 && strstr(answer->body, text) != NULL;
}

/* ---- The steps. ---- */

struct steps {
    struct client *client;
    const uint8_t *secret_key;
    const struct replacement *replacement;
    uint64_t left_ms;
};

static bool may_wait(struct steps *steps)
{
    const uint32_t ask_ms = steps->replacement->ask_ms;
    if (steps->left_ms < ask_ms) return false;
    steps->left_ms -= ask_ms;
    usleep(1000 * ask_ms);
    return true;
}

/* Says the text until the exchange takes it, or refuses it for good. `done` is the refusal that means that it
 * was done before. */
static int say(struct steps *steps, const char *what, const char *text, enum reject done)
{
    for (;;) {
        const struct client_answer answer = admin_send(steps->client, steps->secret_key, text);
        if (answer.http_status == 200 || is_refusal(&answer, done)) {
            printf("%s: %s\n", what, answer.http_status == 200 ? "done" : "was done before");
            return 0;
        }
        const bool later = is_refusal(&answer, REJECT_NODE_PENDING) ||
                           is_refusal(&answer, REJECT_NODE_SILENT) || answer.http_status == 503 ||
                           answer.http_status == 504;
        if (later && may_wait(steps)) continue;
        fprintf(stderr, "quorex admin: %s: %s\n", what, answer.body);
        return answer.http_status == 0 ? 3 : 1;
    }
}

/* Percent-encodes what stands for something else in a form: colons and brackets. */
static void encode(const char *address, char *text)
{
    for (; *address != '\0'; address++) {
        if (strchr(":[]", *address) == NULL)
            *text++ = *address;
        else
            text += snprintf(text, 4, "%%%02X", (unsigned char)*address);
    }
    *text = '\0';
}

static int add(struct steps *steps)
{
    char text[512], address[3 * sizeof(steps->replacement->address) + 1];
    const struct replacement *replacement = steps->replacement;
    encode(replacement->address, address);
    snprintf(text, sizeof(text), "action=node-add&node=%" PRIu32 "&publicKey=%s&address=%s",
             replacement->new_node, replacement->public_key, address);
    return say(steps, "add", text, REJECT_NODE_ID);
}

static const char *news_name(enum replacement_news news)
{
    switch (news) {
    case REPLACEMENT_UNKNOWN:
        return "not heard of yet: start it";
    case REPLACEMENT_BEHIND:
        return "catching up";
    case REPLACEMENT_FOLLOWS:
        return "follows";
    case REPLACEMENT_VOTES:
        return "votes";
    default:
        return "the node's answer is not understood";
    }
}

/* Until the new node follows; prints when there is something new. */
static int await(struct steps *steps, enum replacement_news *news)
{
    enum replacement_news printed = REPLACEMENT_NONSENSE;
    for (;;) {
        const struct client_answer answer =
            client_send(steps->client, "GET", STATUS_PATH, "", NULL);
        *news = answer.http_status == 200
                    ? replacement_news(answer.body, steps->replacement->new_node)
                    : REPLACEMENT_NONSENSE;
        if (*news != printed)
            printf("node %" PRIu32 ": %s\n", steps->replacement->new_node, news_name(*news));
        printed = *news;
        if (*news == REPLACEMENT_FOLLOWS || *news == REPLACEMENT_VOTES) return 0;
        if (may_wait(steps)) continue;
        fputs("quorex admin: it took too long; run the same again to go on\n", stderr);
        return answer.http_status == 0 ? 3 : 1;
    }
}

static int swap(struct steps *steps)
{
    char text[128];
    snprintf(text, sizeof(text), "action=node-swap&oldNode=%" PRIu32 "&newNode=%" PRIu32,
             steps->replacement->old_node, steps->replacement->new_node);
    return say(steps, "swap", text, REJECT_UNKNOWN_NODE);
}

int replacement_perform(struct client *client, const uint8_t secret_key[SECRET_KEY_BYTES],
                        const struct replacement *replacement)
{
    struct steps steps = {client, secret_key, replacement, replacement->wait_ms};
    enum replacement_news news = REPLACEMENT_UNKNOWN;
    int code = add(&steps);
    if (code == 0) code = await(&steps, &news);
    if (code == 0 && news == REPLACEMENT_FOLLOWS) code = swap(&steps);
    return code;
}
