#include "node/light_fork.h"

#include "common/log.h"
#include "node/file_os.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of two chains, from the block where they part to a certificate. */
struct branch {
    uint32_t count;
    uint8_t headers[LIGHT_FORK_HEADERS_MAX][BLOCK_HEADER_BYTES];
    struct certificate certificate;
};

struct look {
    struct light_follow *follow;
    struct light_server *server;
    uint64_t parting;   /* the first height at which they differ */
    struct light above; /* the server's chain, followed from the block that is common */
    struct branch ours, theirs;
};

/* ---- Where they part ---- */

/* Whether the server's header of this height is ours. `known`: false when it gives none, or we have none. */
static bool is_common(struct look *look, uint64_t height, bool *known)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    struct light_page *page = &look->follow->page;
    *known = light_follow_page(look->server, height, 1, page) == LIGHT_REPLY_GIVEN &&
             light_store_header(look->follow->store, height, header) == STATUS_OK;
    return *known && memcmp(header, page->rows[0].header, BLOCK_HEADER_BYTES) == 0;
}

/* The lowest height that differs, `differs` being one; 0: it cannot be told. A server that contradicts itself only makes
 * its own chain one that does not follow from there. */
static uint64_t find_parting(struct look *look, uint64_t differs)
{
    uint64_t common = look->follow->light.first - 1;
    /* Ends: the stretch between them is halved. */
    while (differs - common > 1) {
        const uint64_t middle = common + (differs - common) / 2;
        bool known;
        if (is_common(look, middle, &known))
            common = middle;
        else
            differs = middle;
        if (!known) return 0;
    }
    return differs;
}

/* ---- Their chain and ours ---- */

/* Begins above the common block, by the voters of our own chain. */
static bool begin_above(struct look *look)
{
    const struct light *light = &look->follow->light;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    if (look->parting == light->first) {
        /* Nothing is common but those who are trusted. */
        if (light_store_header(look->follow->store, light->first, bytes) != STATUS_OK ||
            !block_header_decode(bytes, &header))
            return false;
        const struct validator_set *first =
            light_store_voters(look->follow->store, header.validators_hash);
        if (first != NULL && light_is_whole(light))
            light_begin(&look->above, light->chain_id, first);
        else if (first != NULL)
            light_begin_at(&look->above, light->chain_id, light->first, first);
        return first != NULL;
    }
    if (light_store_header(look->follow->store, look->parting - 1, bytes) != STATUS_OK ||
        !block_header_decode(bytes, &header))
        return false;
    const struct validator_set *set =
        light_store_voters(look->follow->store, header.next_validators_hash);
    if (set != NULL) light_begin_above(&look->above, bytes, set);
    return set != NULL;
}

/* Follows the server's chain to its first certificate. False: it has none that counts. */
static bool read_theirs(struct look *look)
{
    struct light_page *page = &look->follow->page;
    struct branch *theirs = &look->theirs;
    const char *what;
    while (theirs->count < LIGHT_FORK_HEADERS_MAX) {
        const uint64_t from = look->parting + theirs->count;
        if (light_follow_page(look->server, from, LIGHT_PAGE_MAX, page) != LIGHT_REPLY_GIVEN)
            return false;
        for (uint32_t i = 0; i < page->count && theirs->count < LIGHT_FORK_HEADERS_MAX; i++) {
            const struct light_row *row = &page->rows[i];
            const struct light_step step = {
                .header = row->header, .certificate = row->is_signed ? &row->certificate : NULL};
            const enum light_answer answer = light_take(&look->above, &step, &what);
            memcpy(theirs->headers[theirs->count++], row->header, BLOCK_HEADER_BYTES);
            theirs->certificate = row->certificate;
            /* To whom it hands over is nobody's business here: the signatures are right. */
            if (answer == LIGHT_CERTIFIED || answer == LIGHT_WANTS_SET) return true;
            if (answer != LIGHT_PENDING) return false;
        }
    }
    return false;
}

static bool read_ours(struct look *look)
{
    struct branch *ours = &look->ours;
    struct light_store *store = look->follow->store;
    while (ours->count < LIGHT_FORK_HEADERS_MAX) {
        const uint64_t height = look->parting + ours->count;
        if (light_store_header(store, height, ours->headers[ours->count]) != STATUS_OK)
            return false;
        ours->count++;
        if (light_store_certificate(store, height, &ours->certificate) == STATUS_OK) return true;
    }
    return false;
}

/* ---- The evidence ---- */

static json_t *hex_json(const uint8_t *bytes, size_t byte_count)
{
    char text[2 * CERTIFICATE_BYTES_MAX + 1];
    ASSERT(byte_count <= CERTIFICATE_BYTES_MAX);
    hash_hex(bytes, byte_count, text);
    return json_string(text);
}

static json_t *branch_json(const struct branch *branch)
{
    uint8_t bytes[CERTIFICATE_BYTES_MAX];
    json_t *object = json_object(), *headers = json_array();
    for (uint32_t i = 0; i < branch->count; i++)
        json_array_append_new(headers, hex_json(branch->headers[i], BLOCK_HEADER_BYTES));
    json_object_set_new(object, "headers", headers);
    json_object_set_new(object, "certificate",
                        hex_json(bytes, certificate_encode(&branch->certificate, bytes)));
    return object;
}

/* Nodes whose signatures are in both certificates; every one of them was checked. */
static json_t *signed_both(const struct look *look)
{
    json_t *nodes = json_array();
    const struct certificate *ours = &look->ours.certificate, *theirs = &look->theirs.certificate;
    for (uint32_t i = 0; i < ours->vote_count; i++)
        for (uint32_t k = 0; k < theirs->vote_count; k++)
            if (ours->votes[i].node == theirs->votes[k].node)
                json_array_append_new(nodes, json_integer(ours->votes[i].node));
    return nodes;
}

static enum light_fork keep(struct look *look)
{
    char path[FILE_PATH_MAX], name[64];
    const char *directory = light_store_evidence(look->follow->store);
    json_t *object = json_object(), *nodes = signed_both(look);
    char *liars = json_dumps(nodes, JSON_COMPACT), hex[2 * HASH_BYTES + 1];
    hash_hex(look->follow->light.chain_id.bytes, HASH_BYTES, hex);
    json_object_set_new(object, "kind", json_string("fork"));
    json_object_set_new(object, "chainId", json_string(hex));
    json_object_set_new(object, "height", json_integer((json_int_t)look->parting));
    json_object_set_new(object, "server", json_string(look->server->url));
    json_object_set_new(object, "signedBoth", nodes);
    json_object_set_new(object, "ours", branch_json(&look->ours));
    json_object_set_new(object, "theirs", branch_json(&look->theirs));
    char *text = json_dumps(object, JSON_INDENT(2));
    snprintf(name, sizeof(name), "fork-%lu.json", look->parting);
    enum status status = text == NULL || liars == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    if (status == STATUS_OK) status = file_make_folder(directory, 0755);
    if (status == STATUS_OK && !file_path(path, directory, name)) status = STATUS_MALFORMED;
    if (status == STATUS_OK) status = file_create(path, text, strlen(text), 0644);
    if (status == STATUS_OK || status == STATUS_EXISTS)
        log_error("light", "two chains are certified: a third of the voters or more lied",
                  "block=%lu server=\"%s\" signed_both=\"%s\" evidence=\"%s\"", look->parting,
                  look->server->url, liars, path);
    else
        log_error("light", "evidence not kept", "directory=\"%s\" name=\"%s\" reason=\"%s\"",
                  directory, name, status_text(status));
    free(text);
    free(liars);
    json_decref(object);
    return status == STATUS_OK || status == STATUS_EXISTS ? LIGHT_FORK_PROVED : LIGHT_FORK_FAILED;
}

enum light_fork light_fork_look(struct light_follow *follow, struct light_server *server,
                                uint64_t height)
{
    struct look *look = calloc(1, sizeof(*look));
    enum light_fork fork = LIGHT_FORK_NONE;
    if (look == NULL) {
        log_error("light", "no memory to look into a fork", "bytes=%zu", sizeof(*look));
        return LIGHT_FORK_FAILED;
    }
    look->follow = follow;
    look->server = server;
    look->parting = find_parting(look, height);
    if (look->parting > 0 && begin_above(look) && read_theirs(look) && read_ours(look))
        fork = keep(look);
    free(look);
    return fork;
}
