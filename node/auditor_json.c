#include "node/auditor.h"

#include "gateway/grant.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATUS_PATH "/quorex/v1/status"
#define DAY_MS      (UINT64_C(24) * 60 * 60 * 1000)

static bool wrong(const char *pair, const char *what)
{
    fprintf(stderr, "quorex admin: %s: %s\n", pair, what);
    return false;
}

static bool read_days(const char *text, uint32_t *days)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '1' || text[0] > '9' || *end != '\0' || value > AUDITOR_DAYS_MAX) return false;
    *days = (uint32_t)value;
    return true;
}

static bool read_pair(const char *pair, struct auditor *auditor, bool *has_key)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL) return wrong(pair, "is not key=value");
    const char *value = equals + 1;
    const size_t name_bytes = (size_t)(equals - pair), value_bytes = strlen(value);
    if (name_bytes == 7 && memcmp(pair, "auditor", 7) == 0) {
        *has_key = hash_from_hex(value, value_bytes, auditor->key, PUBLIC_KEY_BYTES);
        return *has_key || wrong(pair, "64 hex digits are needed");
    }
    if (name_bytes == 7 && memcmp(pair, "chainId", 7) == 0) {
        auditor->has_chain_id =
            hash_from_hex(value, value_bytes, auditor->chain_id.bytes, HASH_BYTES);
        return auditor->has_chain_id || wrong(pair, "64 hex digits are needed");
    }
    if (name_bytes == 4 && memcmp(pair, "days", 4) == 0)
        return read_days(value, &auditor->days) || wrong(pair, "1 to 3650");
    return wrong(pair, "no such key");
}

bool auditor_read(int pair_count, char **pairs, struct auditor *auditor)
{
    bool has_key = false;
    *auditor = (struct auditor){.days = AUDITOR_DAYS};
    for (int i = 0; i < pair_count; i++)
        if (!read_pair(pairs[i], auditor, &has_key)) return false;
    return has_key || wrong("auditor=", "is missing");
}

/* Asks a node. Returns an exit code. */
static int ask_chain_id(struct client *client, hash_t *chain_id)
{
    const struct client_answer answer = client_send(client, "GET", STATUS_PATH, "", NULL);
    if (answer.http_status == 0) {
        fprintf(stderr, "quorex admin: no answer: %s\n", answer.body);
        return 3;
    }
    json_t *status = json_loads(answer.body, JSON_REJECT_DUPLICATES, NULL);
    const char *text = json_string_value(json_object_get(status, "chainId"));
    const bool said =
        text != NULL && hash_from_hex(text, strlen(text), chain_id->bytes, HASH_BYTES);
    json_decref(status);
    if (!said) fputs("quorex admin: the node says no chainId; give chainId=\n", stderr);
    return said ? 0 : 1;
}

int auditor_grant(struct client *client, const uint8_t secret_key[SECRET_KEY_BYTES],
                  const struct auditor *auditor)
{
    char text[GRANT_TEXT_MAX + 1], chain[2 * HASH_BYTES + 1], day[32];
    hash_t chain_id = auditor->chain_id;
    const int asked = auditor->has_chain_id ? 0 : ask_chain_id(client, &chain_id);
    if (asked != 0) return asked;
    const uint64_t expiry_ms = client_now_us() / 1000 + auditor->days * DAY_MS;
    const time_t expiry_s = (time_t)(expiry_ms / 1000);
    struct tm parts;
    gmtime_r(&expiry_s, &parts);
    strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S UTC", &parts);
    hash_hex(chain_id.bytes, HASH_BYTES, chain);
    (void)grant_text(secret_key, chain_id, auditor->key, expiry_ms, text);
    printf("%s\n", text);
    fprintf(stderr,
            "a grant for chain %s, good until %s and not to be taken back before; the auditor\n"
            "sends it as X-Quorex-Grant\n",
            chain, day);
    return 0;
}
