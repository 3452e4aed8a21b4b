#include "node/settings.h"

#include "common/log.h"
#include "gateway/origin.h"
#include "gateway/tls_identity.h"
#include "node/file_os.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIME_TEXT_BYTES 24

static_assert(CONFIG_TEXT_MAX < GATEWAY_TEXT_MAX, "a setting's text fits into the gateway's");

/* ---- what they must be together ---- */

static bool refuse(struct config_error *error, const char *key, const char *reason)
{
    *error = (struct config_error){.source = "settings"};
    (void)snprintf(error->key, sizeof(error->key), "%s", key);
    (void)snprintf(error->reason, sizeof(error->reason), "%s", reason);
    return false;
}

/* What may stand in JSON and in a close frame as it is. */
static bool is_url(const char *text, size_t text_bytes)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._~:/[]";
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        const size_t scheme_bytes = strlen(schemes[i]);
        if (text_bytes > scheme_bytes && memcmp(text, schemes[i], scheme_bytes) == 0)
            return strspn(text, allowed) >= text_bytes;
    }
    return false;
}

static bool are_urls(const char *list)
{
    if (*list == '\0') return true;
    for (;;) {
        const size_t bytes = strcspn(list, ",");
        if (!is_url(list, bytes)) return false;
        if (list[bytes] == '\0') return true;
        list += bytes + 1;
    }
}

static bool check(const struct config *config, struct config_error *error)
{
    const bool has_certificate = config->tls_certificate[0] != '\0';
    if (has_certificate != (config->tls_key[0] != '\0'))
        return refuse(error, has_certificate ? "tls_key" : "tls_certificate",
                      "is missing: a certificate and its key are named together");
    if (!are_urls(config->elsewhere))
        return refuse(error, "elsewhere", "must be URLs with commas, and nothing between them");
    if (!origin_list_is_good(config->origins))
        return refuse(error, "origins",
                      "must be scheme://host or scheme://host:port in lower case, or *");
    return true;
}

bool settings_load(struct settings *settings, int argument_count, char *const arguments[],
                   char *const environment[], struct config_error *error)
{
    settings->argument_count = argument_count;
    settings->arguments = arguments;
    settings->environment = environment;
    return config_load(&settings->config, argument_count, arguments, environment, error) &&
           check(&settings->config, error);
}

/* ---- the certificate ---- */

static void print_time(int64_t seconds, char text[TIME_TEXT_BYTES])
{
    const time_t time = (time_t)seconds;
    struct tm utc;
    if (gmtime_r(&time, &utc) == NULL ||
        strftime(text, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        text[0] = '\0';
}

static bool is_in_time(const struct tls_identity *identity)
{
    const int64_t now_s = (int64_t)time(NULL);
    return tls_identity_begins_s(identity) <= now_s && now_s < tls_identity_expires_s(identity);
}

static void tell_identity(const struct config *config, const struct tls_identity *identity)
{
    char begins[TIME_TEXT_BYTES], expires[TIME_TEXT_BYTES];
    print_time(tls_identity_begins_s(identity), begins);
    print_time(tls_identity_expires_s(identity), expires);
    if (is_in_time(identity))
        log_info("node", "certificate read", "path=\"%s\" begins=%s expires=%s",
                 config->tls_certificate, begins, expires);
    else
        log_warn("node", "the certificate is not good at this time",
                 "path=\"%s\" begins=%s expires=%s", config->tls_certificate, begins, expires);
}

enum status settings_identity(const struct config *config, struct tls_identity **identity)
{
    char reason[TLS_REASON_MAX];
    char *chain = NULL, *key = NULL;
    size_t chain_bytes = 0, key_bytes = 0;
    const char *path = config->tls_certificate;
    *identity = NULL;
    if (*path == '\0') return STATUS_OK;

    enum status status = file_read(path, &chain, &chain_bytes);
    if (status == STATUS_OK) {
        path = config->tls_key;
        status = file_read_secret(path, &key, &key_bytes);
    }
    if (status == STATUS_NOT_FOUND) log_error("node", "no such file", "path=\"%s\"", path);
    if (status != STATUS_OK) goto free_texts;

    *identity = tls_identity_new(chain, chain_bytes, key, key_bytes, reason);
    if (*identity == NULL) {
        log_error("node", "certificate and key cannot be used",
                  "certificate=\"%s\" key=\"%s\" reason=\"%s\"", config->tls_certificate,
                  config->tls_key, reason);
        status = STATUS_MALFORMED;
    } else {
        tell_identity(config, *identity);
    }
free_texts:
    if (key != NULL) sodium_memzero(key, key_bytes);
    free(key);
    free(chain);
    return status;
}

/* ---- to the gateway ---- */

struct gateway_limits settings_limits(const struct config *config)
{
    return (struct gateway_limits){
        .address_connections_max =
            config->limits != 0 ? (uint32_t)config->address_connections_max : 0,
        .header_ms = (uint32_t)config->header_s * 1000,
        .body_ms = (uint32_t)config->body_s * 1000,
        .ws_ping_s = (uint32_t)config->ws_ping_s,
        .ws_pong_s = (uint32_t)config->ws_pong_s,
        .ws_life_s = (uint32_t)config->ws_life_s,
        .ws_notice_s = (uint32_t)config->ws_notice_s,
        .ws_messages = (uint32_t)config->ws_messages,
    };
}

static struct gateway_settings *gateway_settings_of(const struct config *config,
                                                    struct tls_identity *identity)
{
    struct gateway_settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL) return NULL;
    settings->limits_on = config->limits != 0;
    settings->connections_max = (uint32_t)config->connections_max;
    settings->limits = settings_limits(config);
    memcpy(settings->elsewhere, config->elsewhere, sizeof(config->elsewhere));
    memcpy(settings->origins, config->origins, sizeof(config->origins));
    settings->identity = identity;
    return settings;
}

/* ---- once more ---- */

struct tally {
    uint32_t taken, waiting;
};

static void tell(void *context, const char *name, bool is_taken)
{
    struct tally *tally = context;
    if (is_taken)
        tally->taken++;
    else
        tally->waiting++;
    log_info("node", is_taken ? "setting changed" : "setting changes at the next start", "key=%s",
             name);
}

/* What a listening port speaks stays as it is. */
static void keep_tls(const struct settings *settings, struct config *fresh)
{
    const struct config *old = &settings->config;
    if ((old->tls_certificate[0] != '\0') == (fresh->tls_certificate[0] != '\0')) return;
    log_warn("node", "setting changes at the next start",
             "key=tls_certificate reason=\"TLS is not switched on or off while a node runs\"");
    memcpy(fresh->tls_certificate, old->tls_certificate, sizeof(old->tls_certificate));
    memcpy(fresh->tls_key, old->tls_key, sizeof(old->tls_key));
}

static bool load_again(const struct settings *settings, struct settings *fresh)
{
    struct config_error error;
    if (settings_load(fresh, settings->argument_count, settings->arguments, settings->environment,
                      &error)) {
        keep_tls(settings, &fresh->config);
        return true;
    }
    log_error("node", "settings not taken: the old ones stay",
              "source=\"%s\" line=%d key=\"%s\" reason=\"%s\"", error.source, error.line, error.key,
              error.reason);
    return false;
}

static bool identity_again(const struct config *config, struct tls_identity **identity)
{
    if (settings_identity(config, identity) == STATUS_OK) {
        if (*identity == NULL || is_in_time(*identity)) return true;
        tls_identity_free(*identity);
    }
    log_error("node", "settings not taken: the old ones stay, and the old certificate", " ");
    return false;
}

struct gateway_settings *settings_read_again(struct settings *settings)
{
    struct settings fresh;
    struct tls_identity *identity;
    struct tally tally = {0};
    if (!load_again(settings, &fresh) || !identity_again(&fresh.config, &identity)) return NULL;
    struct gateway_settings *gateway = gateway_settings_of(&fresh.config, identity);
    if (gateway == NULL) {
        tls_identity_free(identity);
        log_error("node", "settings not taken: no memory", " ");
        return NULL;
    }
    config_take(&settings->config, &fresh.config, tell, &tally);
    log_set_level((enum log_level)settings->config.log_level);
    log_info("node", "settings read again", "changed=%" PRIu32 " at_next_start=%" PRIu32,
             tally.taken, tally.waiting);
    return gateway;
}
