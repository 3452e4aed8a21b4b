#include "node/light_follow.h"

#include "common/log.h"
#include "node/evidence.h"
#include "node/light_fork.h"
#include "node/trusted.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Pending headers up to here are let go of after a server and fetched again: so each server is heard from what is
 * certified on. More are kept, as of a chain that stands still. */
#define REFETCH_MAX (2 * LIGHT_PAGE_MAX)

/* ---- Questions ---- */

static uint64_t height_of(const struct light_row *row)
{
    struct block_header header;
    return block_header_decode(row->header, &header) ? header.height : 0;
}

enum light_reply light_follow_page(struct light_server *server, uint64_t from, uint32_t limit,
                                   struct light_page *page)
{
    char query[64] = "";
    struct client_answer answer;
    if (from > 0) snprintf(query, sizeof(query), "from=%" PRIu64 "&limit=%" PRIu32, from, limit);
    const enum light_reply reply = light_servers_ask(server, "/quorex/v1/headers", query, &answer);
    if (reply != LIGHT_REPLY_GIVEN) return reply;
    const char *fault = light_page_read(answer.body, answer.body_bytes, page);
    if (fault == NULL && page->count > limit) fault = "the page is longer than was asked for";
    if (fault == NULL && from > 0 && height_of(&page->rows[0]) != from)
        fault = "the page begins with another block";
    if (fault == NULL) return LIGHT_REPLY_GIVEN;
    light_servers_drop(server, from, fault);
    return LIGHT_REPLY_FALSE;
}

static bool ask_voters(struct light_server *server, hash_t hash, struct validator_set *set)
{
    char query[2 * HASH_BYTES + 8] = "hash=";
    struct client_answer answer;
    hash_hex(hash.bytes, HASH_BYTES, query + 5);
    if (light_servers_ask(server, "/quorex/v1/validators", query, &answer) != LIGHT_REPLY_GIVEN)
        return false;
    if (trusted_set(answer.body, answer.body_bytes, set) &&
        hash_equal(validator_set_hash(set), hash))
        return true;
    light_servers_drop(server, 0, "the voters it names have another hash");
    return false;
}

bool light_follow_voters(struct light_servers *servers, struct light_server *first, hash_t hash,
                         struct validator_set *set)
{
    if (first != NULL && ask_voters(first, hash, set)) return true;
    for (uint32_t i = 0; i < servers->count; i++) {
        struct light_server *server = &servers->list[i];
        if (server != first && light_servers_ready(server) && ask_voters(server, hash, set))
            return true;
    }
    return false;
}

/* ---- Who signed twice ---- */

static void keep_doubles(const struct light_follow *follow, const struct certificate *one,
                         const struct certificate *other, const struct validator_set *set)
{
    struct vote_command votes[2];
    const hash_t chain_id = follow->light.chain_id;
    for (uint32_t i = 0; light_signed_twice(one, other, chain_id, set, i, votes); i++) {
        const struct validator *member = validator_set_find(set, votes[0].node);
        log_warn("light", "a node has signed two headers of one height",
                 "node=%u epoch=%lu block=%lu", votes[0].node, votes[0].epoch, votes[0].height);
        if (evidence_keep_double(light_store_evidence(follow->store), CERTIFICATE_OF_BLOCK,
                                 chain_id, member->public_key, votes) != STATUS_OK)
            return;
    }
}

/* A certificate that was worth nothing may hold a signature that is. */
static void remember(struct light_follow *follow, const struct certificate *certificate,
                     const struct validator_set *set)
{
    if (certificate->vote_count == 0) return;
    for (uint32_t i = 0; i < LIGHT_KEPT_VOTES; i++)
        if (follow->kept[i].certificate.height == certificate->height)
            keep_doubles(follow, &follow->kept[i].certificate, certificate, set);
    follow->kept[follow->next_kept++ % LIGHT_KEPT_VOTES] = (struct light_kept){*certificate, *set};
}

static bool remembers(const struct light_follow *follow, uint64_t height)
{
    for (uint32_t i = 0; i < LIGHT_KEPT_VOTES; i++)
        if (follow->kept[i].certificate.height == height) return true;
    return false;
}

/* Compares what is certified now with what was worth nothing. */
static void compare_kept(struct light_follow *follow, const struct certificate *certificate)
{
    for (uint32_t i = 0; i < LIGHT_KEPT_VOTES; i++) {
        struct light_kept *kept = &follow->kept[i];
        if (kept->certificate.height != certificate->height) continue;
        keep_doubles(follow, certificate, &kept->certificate, &kept->set);
        kept->certificate.height = 0;
    }
}

/* Another header than ours, with votes: who signed both? */
static void compare_conflict(struct light_follow *follow, const struct light_row *row,
                             uint64_t height)
{
    struct certificate ours;
    struct block_header header;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    if (!row->is_signed || light_store_header(follow->store, height, bytes) != STATUS_OK ||
        light_store_certificate(follow->store, height, &ours) != STATUS_OK ||
        !block_header_decode(bytes, &header))
        return;
    const struct validator_set *set = light_store_voters(follow->store, header.validators_hash);
    if (set != NULL) keep_doubles(follow, &ours, &row->certificate, set);
}

/* ---- One server ---- */

enum heard {
    HEARD,
    HEARD_NOTHING,
    HEARD_FORK,
    HEARD_FAILED,
    HEARD_STOPPED,
};

/* The server's header at a certified height is not ours. */
static enum heard conflict(struct light_follow *follow, struct light_server *server,
                           const struct light_row *row, uint64_t height)
{
    compare_conflict(follow, row, height);
    switch (light_fork_look(follow, server, height)) {
    case LIGHT_FORK_PROVED:
        return HEARD_FORK;
    case LIGHT_FORK_FAILED:
        return HEARD_FAILED;
    case LIGHT_FORK_NONE:
        break;
    }
    light_servers_drop(server, height, "its block is not the certified one");
    return HEARD_NOTHING;
}

/* A server that has not come to what is certified: what is the newest it has? */
static enum heard hear_lagging(struct light_follow *follow, struct light_server *server)
{
    const struct light *light = &follow->light;
    uint8_t header[BLOCK_HEADER_BYTES];
    struct light_page *page = &follow->page;
    if (light_follow_page(server, 0, LIGHT_PAGE_MAX, page) != LIGHT_REPLY_GIVEN)
        return HEARD_NOTHING;
    const struct light_row *row = &page->rows[0];
    const uint64_t height = height_of(row);
    light_servers_show(server, height, light->certified.height);
    if (height < light->first || height > light->certified.height) return HEARD;
    const enum status status = light_store_header(follow->store, height, header);
    if (status == STATUS_NOT_FOUND) return HEARD;
    if (status != STATUS_OK) return HEARD_FAILED;
    if (memcmp(header, row->header, BLOCK_HEADER_BYTES) == 0) return HEARD;
    return conflict(follow, server, row, height);
}

/* Rows of a page whose certificates decide: one certifies all below it. */
struct deciding {
    uint32_t last; /* the last that has one */
    uint32_t
        before_turn; /* the last before a hand-over that has none: behind it nobody may count */
};

static struct deciding find_deciding(const struct light_page *page, uint32_t first)
{
    struct deciding deciding = {UINT32_MAX, UINT32_MAX};
    struct block_header header;
    for (uint32_t i = first; i < page->count; i++) {
        if (page->rows[i].is_signed)
            deciding.last = i;
        else if (deciding.before_turn == UINT32_MAX &&
                 block_header_decode(page->rows[i].header, &header) && light_hands_over(&header))
            deciding.before_turn = deciding.last;
    }
    return deciding;
}

/* Also of a hand-over, and of a height at which somebody may have signed something else. */
static bool decides(const struct light_follow *follow, const struct light_row *row, uint32_t index,
                    struct deciding deciding)
{
    struct block_header header;
    if (!row->is_signed || !block_header_decode(row->header, &header)) return row->is_signed;
    return index == deciding.last || index == deciding.before_turn || light_hands_over(&header) ||
           remembers(follow, header.height);
}

/* Whose signatures the header above the tip needs, as far as is known. */
static const struct validator_set *signers(const struct light *light)
{
    if (light->trusted_height == light->tip.height + 1) return &light->trusted;
    return light->tip.set_known ? &light->tip.set : NULL;
}

/* The server was wrong about the header above the tip. */
static enum heard refuse(struct light_follow *follow, struct light_server *server,
                         const struct light_row *row, const char *what)
{
    const uint64_t height = follow->light.tip.height + 1;
    const struct validator_set *set = signers(&follow->light);
    if (row->is_signed && set != NULL && row->certificate.height == height)
        remember(follow, &row->certificate, set);
    light_servers_drop(server, height, what);
    return HEARD_NOTHING;
}

static enum light_answer take_row(struct light_follow *follow, struct light_server *server,
                                  const struct light_row *row, struct light_step *step,
                                  struct validator_set *next, const char **what)
{
    struct block_header header;
    enum light_answer answer = light_take(&follow->light, step, what);
    if (answer != LIGHT_WANTS_SET || !block_header_decode(row->header, &header)) return answer;
    const struct validator_set *known =
        light_store_voters(follow->store, header.next_validators_hash);
    if (known != NULL)
        *next = *known;
    else if (!light_follow_voters(follow->servers, server, header.next_validators_hash, next))
        return answer;
    step->next = next;
    return light_take(&follow->light, step, what);
}

/* Takes one row and keeps what comes of it. */
static enum heard hear_row(struct light_follow *follow, struct light_server *server,
                           const struct light_row *row, bool is_shown)
{
    struct light *light = &follow->light;
    struct validator_set next;
    struct light_step step = {.header = row->header,
                              .certificate = is_shown ? &row->certificate : NULL};
    const char *what = NULL;
    const enum light_answer answer = take_row(follow, server, row, &step, &next, &what);
    enum status status = STATUS_OK;
    switch (answer) {
    case LIGHT_FALSE:
        return refuse(follow, server, row, what);
    case LIGHT_WANTS_SET:
        light_servers_rest(server, "nobody names the voters that a block hands over to");
        return HEARD_NOTHING;
    case LIGHT_FULL:
        light_servers_rest(server, "too many of its blocks have no certificate");
        return HEARD_NOTHING;
    case LIGHT_GAP:
        follow->gap = light->tip.turn;
        light_servers_rest(server, "it shows no certificate of a block that hands over");
        return HEARD_NOTHING;
    case LIGHT_PENDING:
    case LIGHT_CERTIFIED:
        status = light_store_pend(follow->store, light, row->header);
    }
    if (status == STATUS_OK && answer == LIGHT_CERTIFIED) {
        status = light_store_certify(follow->store, light, &row->certificate, step.next);
        compare_kept(follow, &row->certificate);
        follow->gap = 0;
    }
    return status == STATUS_OK ? HEARD : HEARD_FAILED;
}

/* Takes a page from row `first` on. */
static enum heard hear_page(struct light_follow *follow, struct light_server *server,
                            uint32_t first)
{
    const struct light_page *page = &follow->page;
    const uint64_t before = follow->light.certified.height;
    enum heard heard = HEARD;
    const struct deciding deciding = find_deciding(page, first);
    for (uint32_t i = first; i < page->count && heard == HEARD; i++)
        heard =
            hear_row(follow, server, &page->rows[i], decides(follow, &page->rows[i], i, deciding));
    if (follow->light.certified.height > before) follow->progress(follow->context, &follow->light);
    return heard;
}

/* The page that begins with what is certified: the same header there, and then what is new. `count`: rows that came. */
static enum heard hear_first(struct light_follow *follow, struct light_server *server,
                             uint32_t limit, uint32_t *count)
{
    const struct light *light = &follow->light;
    const uint64_t certified = light->certified.height;
    const struct light_row *row = &follow->page.rows[0];
    const enum light_reply reply =
        light_follow_page(server, certified > 0 ? certified : light->first, limit, &follow->page);
    if (reply == LIGHT_REPLY_AHEAD) return hear_lagging(follow, server);
    if (reply == LIGHT_REPLY_ABSENT) light_servers_rest(server, "it does not keep these blocks");
    if (reply != LIGHT_REPLY_GIVEN) return HEARD_NOTHING;
    if (certified > 0 && !hash_equal(block_header_hash(row->header), light->certified.hash))
        return conflict(follow, server, row, certified);
    *count = follow->page.count;
    /* With more pending than are fetched again, only the one header was asked for. */
    return limit == 1 ? HEARD : hear_page(follow, server, certified > 0 ? 1 : 0);
}

static enum heard hear_pages(struct light_follow *follow, struct light_server *server)
{
    const struct light *light = &follow->light;
    const uint64_t began_ms = light_servers_now_ms();
    const uint32_t limit = light_pending(light) > 0 ? 1 : LIGHT_PAGE_MAX;
    uint32_t count = 0;
    enum heard heard = hear_first(follow, server, limit, &count);
    /* Ends: each page moves the tip, and a short one is the last. */
    while (heard == HEARD && count == (limit == 1 ? 1 : LIGHT_PAGE_MAX)) {
        if (follow->stop(follow->context)) return HEARD_STOPPED;
        const enum light_reply reply =
            light_follow_page(server, light->tip.height + 1, LIGHT_PAGE_MAX, &follow->page);
        if (reply == LIGHT_REPLY_AHEAD) break;
        if (reply != LIGHT_REPLY_GIVEN) return HEARD_NOTHING;
        heard = hear_page(follow, server, 0);
        count = follow->page.count;
        if (count < LIGHT_PAGE_MAX) break;
        follow->more = light_servers_now_ms() - began_ms >= follow->patience_ms;
        if (follow->more) break;
    }
    if (heard == HEARD && count > 0)
        light_servers_show(server, light->tip.height, light->certified.height);
    return heard;
}

/* Whether the server has the last pending header, too. One that made up a long chain of them must not keep us from
 * hearing the others. */
static bool has_tip(struct light_follow *follow, struct light_server *server)
{
    const struct light_point *tip = &follow->light.tip;
    return light_follow_page(server, tip->height, 1, &follow->page) == LIGHT_REPLY_GIVEN &&
           hash_equal(block_header_hash(follow->page.rows[0].header), tip->hash);
}

static enum heard hear(struct light_follow *follow, struct light_server *server)
{
    struct light *light = &follow->light;
    if (light_pending(light) <= REFETCH_MAX || !light->tip.set_known || !has_tip(follow, server))
        light_forget_pending(light);
    if (!light_servers_ready(server)) return HEARD_NOTHING;
    const uint64_t before = light->certified.height;
    const enum heard heard = hear_pages(follow, server);
    /* Once a server, not once a page: what a power cut takes is fetched again. */
    if (light->certified.height > before && light_store_sync(follow->store) != STATUS_OK)
        return HEARD_FAILED;
    return heard;
}

enum light_round light_follow_round(struct light_follow *follow)
{
    bool heard_any = false, more = false;
    for (uint32_t i = 0; i < follow->servers->count; i++) {
        struct light_server *server = &follow->servers->list[i];
        if (!light_servers_ready(server)) continue;
        if (follow->stop(follow->context)) return LIGHT_ROUND_STOPPED;
        follow->more = false;
        const enum heard heard = hear(follow, server);
        more = more || (heard == HEARD && follow->more);
        switch (heard) {
        case HEARD:
            heard_any = true;
            break;
        case HEARD_NOTHING:
            break;
        case HEARD_FORK:
            return LIGHT_ROUND_FORK;
        case HEARD_FAILED:
            return LIGHT_ROUND_FAILED;
        case HEARD_STOPPED:
            return LIGHT_ROUND_STOPPED;
        }
    }
    follow->more = more;
    return heard_any ? LIGHT_ROUND_DONE : LIGHT_ROUND_NOTHING;
}
