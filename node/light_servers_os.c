#include "node/light_servers.h"

#include "common/log.h"
#include "common/reject.h"
#include "node/light_page.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define RETRY_MAX_S 120 /* a server's own word for how long it wants to rest */

uint64_t light_servers_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- The list ---- */

/* The URL as it is logged: what stands before an @ of the host is nobody's business. */
static void put_name(struct light_server *server, const char *url)
{
    const char *host = strstr(url, "://") + 3;
    const char *end = host + strcspn(host, "/");
    for (const char *at = host; at < end; at++)
        if (*at == '@') host = at + 1;
    snprintf(server->url, sizeof(server->url), "%.*s%s", (int)(strstr(url, "://") + 3 - url), url,
             host);
}

bool light_servers_add(struct light_servers *servers, const char *url)
{
    const bool known = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (!known || servers->count == LIGHT_SERVERS_MAX || strpbrk(url, "\"\n\r ") != NULL)
        return false;
    struct light_server *server = &servers->list[servers->count];
    *server = (struct light_server){.client = client_new(url)};
    if (server->client == NULL) return false;
    put_name(server, url);
    servers->count++;
    return true;
}

void light_servers_free(struct light_servers *servers)
{
    for (uint32_t i = 0; i < servers->count; i++)
        client_free(servers->list[i].client);
    servers->count = 0;
}

uint32_t light_servers_left(const struct light_servers *servers)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < servers->count; i++)
        left += !servers->list[i].is_dropped;
    return left;
}

/* ---- What becomes of one ---- */

void light_servers_drop(struct light_server *server, uint64_t height, const char *what)
{
    if (server->is_dropped) return;
    server->is_dropped = true;
    log_warn("light", "server dropped: it says what is not so",
             "server=\"%s\" block=%lu what=\"%s\"", server->url, height, what);
}

static void rest_for(struct light_server *server, uint64_t rest_ms, const char *what)
{
    if (!server->is_silent)
        log_warn("light", "server cannot be used now", "server=\"%s\" what=\"%s\"", server->url,
                 what);
    server->is_silent = true;
    server->rests_until_ms = light_servers_now_ms() + rest_ms;
}

void light_servers_rest(struct light_server *server, const char *what)
{
    const uint64_t longer = server->rest_ms == 0 ? LIGHT_REST_MIN_MS : 2 * server->rest_ms;
    server->rest_ms = longer < LIGHT_REST_MAX_MS ? longer : LIGHT_REST_MAX_MS;
    rest_for(server, server->rest_ms, what);
}

bool light_servers_ready(const struct light_server *server)
{
    return !server->is_dropped && light_servers_now_ms() >= server->rests_until_ms;
}

void light_servers_show(struct light_server *server, uint64_t height, uint64_t certified)
{
    if (server->is_silent) log_info("light", "server answers again", "server=\"%s\"", server->url);
    server->is_silent = false;
    server->rest_ms = 0;
    const bool lags = certified > LIGHT_LAG_MAX && height < certified - LIGHT_LAG_MAX;
    if (lags && !server->lags)
        log_warn("light", "server shows an older chain",
                 "server=\"%s\" block=%lu shown_before=%lu certified=%lu", server->url, height,
                 server->height, certified);
    if (!lags && server->lags)
        log_info("light", "server has caught up", "server=\"%s\" block=%lu", server->url, height);
    server->lags = lags;
    if (height > server->height) server->height = height;
}

/* ---- Asking ---- */

static enum light_reply take_refusal(struct light_server *server,
                                     const struct client_answer *answer)
{
    char what[64];
    const int code = light_page_refusal(answer->body, answer->body_bytes);
    if (answer->http_status == 404 && code == reject_code(REJECT_BLOCK_AHEAD))
        return LIGHT_REPLY_AHEAD;
    if (answer->http_status == 404 &&
        (code == reject_code(REJECT_BLOCK_GONE) || code == reject_code(REJECT_VOTERS_UNKNOWN)))
        return LIGHT_REPLY_ABSENT;
    snprintf(what, sizeof(what), "it answers HTTP %ld, code %d", answer->http_status, code);
    /* It says itself for how long: a bound of requests is no illness. */
    if (answer->retry_after_s > 0 && answer->retry_after_s <= RETRY_MAX_S)
        rest_for(server, (uint64_t)answer->retry_after_s * 1000, what);
    else
        light_servers_rest(server, what);
    return LIGHT_REPLY_NONE;
}

enum light_reply light_servers_ask(struct light_server *server, const char *path, const char *query,
                                   struct client_answer *answer)
{
    *answer = client_send(server->client, "GET", path, query, NULL);
    if (answer->http_status == 200) return LIGHT_REPLY_GIVEN;
    if (answer->is_too_long) {
        light_servers_drop(server, 0, answer->body);
        return LIGHT_REPLY_FALSE;
    }
    if (answer->http_status == 0) {
        light_servers_rest(server, answer->body);
        return LIGHT_REPLY_NONE;
    }
    return take_refusal(server, answer);
}
