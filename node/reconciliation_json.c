#include "node/reconciliation.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATH     "/quorex/v1/reconciliation"
#define PAUSE_MS 200

static bool wrong(const char *pair, const char *what)
{
    fprintf(stderr, "quorex admin: %s: %s\n", pair, what);
    return false;
}

static bool read_pair(const char *pair, struct reconciliation *reconciliation)
{
    if (strncmp(pair, "seconds=", 8) == 0) {
        char *end;
        const unsigned long value = strtoul(pair + 8, &end, 10);
        if (pair[8] < '1' || pair[8] > '9' || *end != '\0' || value > 86400)
            return wrong(pair, "1 to 86400");
        reconciliation->seconds = (uint32_t)value;
        return true;
    }
    if (strncmp(pair, "database=", 9) != 0) return wrong(pair, "no such key");
    reconciliation->database = strcmp(pair + 9, "true") == 0;
    return reconciliation->database || strcmp(pair + 9, "false") == 0 ||
           wrong(pair, "true or false");
}

bool reconciliation_read(int pair_count, char **pairs, struct reconciliation *reconciliation)
{
    *reconciliation = (struct reconciliation){.seconds = RECONCILIATION_SECONDS, .database = true};
    for (int i = 0; i < pair_count; i++)
        if (!read_pair(pairs[i], reconciliation)) return false;
    return true;
}

static uint64_t figure(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static bool says(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static void print_pass(const char *what, const json_t *pass)
{
    printf("%s: %" PRIu64 " balances of %" PRIu64 " accounts, heights %" PRIu64 " to %" PRIu64 "\n",
           what, figure(pass, "balances"), figure(pass, "accounts"), figure(pass, "fromHeight"),
           figure(pass, "toHeight"));
}

/* The exit code when all that was waited for is there; -1: not yet. */
static int judge(const json_t *state, uint64_t asked, const struct reconciliation *reconciliation)
{
    const json_t *own = json_object_get(state, "state");
    const json_t *database = json_object_get(state, "database");
    if (says(state, "halted")) {
        fputs("the node has halted: its log and /healthz say what differs\n", stderr);
        return 1;
    }
    if (figure(own, "answered") < asked) return -1;
    if (reconciliation->database && says(state, "databaseWrong")) {
        fputs("PostgreSQL differs from the chain: the node's log says where\n", stderr);
        return 1;
    }
    if (reconciliation->database && figure(database, "answered") < asked) return -1;
    print_pass("engine = settlement = state root, sums and totals equal", own);
    if (reconciliation->database)
        print_pass("PostgreSQL the same, trade ids without a gap", database);
    return 0;
}

static int read_answer(const struct client_answer *answer, json_t **state)
{
    if (answer->http_status == 0) {
        fprintf(stderr, "quorex admin: no answer: %s\n", answer->body);
        return 3;
    }
    *state = json_loads(answer->body, JSON_REJECT_DUPLICATES, NULL);
    if (answer->http_status == 200 && *state != NULL) return 0;
    fprintf(stderr, "quorex admin: refused (HTTP %ld): %s\n", answer->http_status, answer->body);
    json_decref(*state);
    return 1;
}

static int wait_for(struct client *client, uint64_t asked,
                    const struct reconciliation *reconciliation)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    const uint64_t end_us = client_now_us() + reconciliation->seconds * UINT64_C(1000000);
    while (client_now_us() < end_us) {
        json_t *state;
        const struct client_answer answer = client_send(client, "GET", PATH, "", NULL);
        const int code = read_answer(&answer, &state);
        if (code != 0) return code;
        const int judged = judge(state, asked, reconciliation);
        json_decref(state);
        if (judged >= 0) return judged;
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    fputs("quorex admin: not over in time; it goes on, and " PATH " says how far it is\n", stderr);
    return 3;
}

int reconciliation_perform(struct client *client, const uint8_t secret_key[SECRET_KEY_BYTES],
                           const struct reconciliation *reconciliation)
{
    char text[128];
    json_t *state;
    snprintf(text, sizeof(text), "action=reconcile&timestamp=%" PRIu64, client_now_us() / 1000);
    const struct client_answer answer = client_send_operator(client, PATH, text, secret_key);
    const int code = read_answer(&answer, &state);
    if (code != 0) return code;
    const uint64_t asked = figure(state, "asked");
    json_decref(state);
    return wait_for(client, asked, reconciliation);
}
