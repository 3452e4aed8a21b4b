#include "ledger/light.h"

#include "ledger/block.h"
#include "ledger/vote.h"

#include <string.h>

static_assert(LIGHT_TURN_MAX == VOTE_TURN_MAX, "voters sign a hand-over up to there");

/* ---- Beginning ---- */

void light_begin(struct light *light, hash_t chain_id, const struct validator_set *genesis)
{
    memset(light, 0, sizeof(*light));
    light->chain_id = chain_id;
    light->first = 1;
    light->certified.set = *genesis;
    light->certified.set_known = true;
    history_begin(&light->certified.history);
    light->tip = light->certified;
}

void light_begin_at(struct light *light, hash_t chain_id, uint64_t height,
                    const struct validator_set *trusted)
{
    ASSERT(height > 0);
    light_begin(light, chain_id, trusted);
    light->first = height;
}

void light_begin_above(struct light *light, const uint8_t header[BLOCK_HEADER_BYTES],
                       const struct validator_set *next)
{
    struct block_header facts;
    const bool decoded = block_header_decode(header, &facts);
    ASSERT(decoded);
    ASSERT(hash_equal(facts.next_validators_hash, validator_set_hash(next)));
    light_begin(light, facts.chain_id, next);
    light->first = facts.height + 1;
    light->certified.height = facts.height;
    light->certified.hash = block_header_hash(header);
    light->certified.header = facts;
    light->tip = light->certified;
}

void light_trust(struct light *light, uint64_t height, const struct validator_set *trusted)
{
    ASSERT(height > light->certified.height);
    light->trusted_height = height;
    light->trusted_hash = validator_set_hash(trusted);
    light->trusted = *trusted;
}

/* ---- Following ---- */

bool light_is_whole(const struct light *light)
{
    return light->first == 1;
}

bool light_hands_over(const struct block_header *header)
{
    return !hash_equal(header->validators_hash, header->next_validators_hash);
}

static enum light_answer false_step(const char **what, const char *why)
{
    *what = why;
    return LIGHT_FALSE;
}

/* Why the header does not follow the tip, or NULL. */
static const char *link_fault(const struct light *light, const struct block_header *header)
{
    const struct light_point *tip = &light->tip;
    struct block_fault fault;
    if (!hash_equal(header->chain_id, light->chain_id)) return "it is of another chain";
    if (tip->height == 0 && header->height != light->first) return "height";
    /* What a chain names as the one before that begins at somebody's word is not here. */
    if ((tip->height > 0 || light->first == 1) &&
        !block_link_check(tip->height == 0 ? NULL : &tip->header, tip->hash, header, &fault))
        return fault.what;
    /* A first header is signed by those whom we trusted before it; later ones by whom the one before names. */
    if (tip->height == 0 && !hash_equal(header->validators_hash, validator_set_hash(&tip->set)))
        return "its voters are not those that are trusted";
    if (light->trusted_height == header->height &&
        !hash_equal(header->validators_hash, light->trusted_hash))
        return "its voters are not those that the operator vouched for";
    if (light_is_whole(light) && !hash_equal(header->history_root, history_root(&tip->history)))
        return "history_root";
    return NULL;
}

/* Whose signatures this header needs, or NULL while nobody knows. */
static const struct validator_set *signers(const struct light *light, uint64_t height)
{
    if (light->trusted_height == height) return &light->trusted;
    return light->tip.set_known ? &light->tip.set : NULL;
}

/* Whether nobody will ever know whose signatures count above the tip. */
static bool is_lost(const struct light *light)
{
    return !light->tip.set_known && light->trusted_height <= light->tip.height &&
           light->tip.height >= light->tip.turn + LIGHT_TURN_MAX;
}

static const char *certificate_is_not(const struct light *light, const struct light_step *step,
                                      const struct block_header *header, hash_t hash,
                                      const struct validator_set *set)
{
    const struct certificate *certificate = step->certificate;
    if (certificate->height != header->height || certificate->epoch != header->epoch ||
        !hash_equal(certificate->header_hash, hash))
        return "its certificate is of another header";
    return certificate_fault(certificate, light->chain_id, set);
}

/* Moves the tip to a header that follows it. `set`: who signs the one above it, NULL while nobody knows. */
static void move(struct light *light, const struct block_header *header, hash_t hash,
                 const struct validator_set *set)
{
    struct light_point *tip = &light->tip;
    const bool was_known = tip->set_known || light->trusted_height == header->height;
    tip->height = header->height;
    tip->hash = hash;
    tip->header = *header;
    if (set != NULL) tip->set = *set;
    tip->set_known = set != NULL;
    if (set != NULL)
        tip->turn = 0;
    else if (was_known)
        tip->turn = header->height;
    if (light_is_whole(light)) history_add(&tip->history, header->height, hash);
}

enum light_answer light_take(struct light *light, const struct light_step *step, const char **what)
{
    struct block_header header;
    if (!block_header_decode(step->header, &header))
        return false_step(what, "it is no header of ours");
    const char *fault = link_fault(light, &header);
    if (fault != NULL) return false_step(what, fault);
    if (is_lost(light)) return LIGHT_GAP;
    if (light_pending(light) >= LIGHT_PENDING_MAX) return LIGHT_FULL;

    const hash_t hash = block_header_hash(step->header);
    const struct validator_set *set = signers(light, header.height), *next = set;
    const bool hands_over = light_hands_over(&header);
    const bool counts = step->certificate != NULL && set != NULL;
    if (counts) fault = certificate_is_not(light, step, &header, hash, set);
    if (fault != NULL) return false_step(what, fault);
    if (counts && hands_over) {
        if (step->next == NULL) return LIGHT_WANTS_SET;
        if (!hash_equal(validator_set_hash(step->next), header.next_validators_hash))
            return false_step(what, "it does not hand over to these voters");
        next = step->next;
    }
    /* A set that nobody has signed over is nobody. */
    move(light, &header, hash, hands_over && !counts ? NULL : next);
    if (counts) light->certified = light->tip;
    ASSERT(light_check(light));
    return counts ? LIGHT_CERTIFIED : LIGHT_PENDING;
}

void light_forget_pending(struct light *light)
{
    light->tip = light->certified;
}

uint64_t light_pending(const struct light *light)
{
    const uint64_t below = light->certified.height > 0 ? light->certified.height : light->first - 1;
    return light->tip.height > below ? light->tip.height - below : 0;
}

/* ---- Who signed twice ---- */

static bool vote_of(const struct certificate *certificate, uint32_t node, hash_t chain_id,
                    const struct validator_set *set, struct vote_command *vote)
{
    for (uint32_t i = 0; i < certificate->vote_count; i++) {
        if (certificate->votes[i].node != node) continue;
        *vote = (struct vote_command){
            .height = certificate->height, .epoch = certificate->epoch, .node = node};
        memcpy(vote->header_hash, certificate->header_hash.bytes, HASH_BYTES);
        memcpy(vote->signature, certificate->votes[i].signature, SIGNATURE_BYTES);
        return certificate_vote_valid(vote, chain_id, set);
    }
    return false;
}

bool light_signed_twice(const struct certificate *one, const struct certificate *other,
                        hash_t chain_id, const struct validator_set *set, uint32_t index,
                        struct vote_command votes[2])
{
    if (one->height != other->height || one->epoch != other->epoch ||
        hash_equal(one->header_hash, other->header_hash))
        return false;
    for (uint32_t i = 0; i < set->count; i++) {
        const uint32_t node = set->members[i].node;
        if (!vote_of(one, node, chain_id, set, &votes[0]) ||
            !vote_of(other, node, chain_id, set, &votes[1]))
            continue;
        if (index-- == 0) return true;
    }
    return false;
}

/* ---- Checking ---- */

bool light_check(const struct light *light)
{
    const struct light_point *certified = &light->certified, *tip = &light->tip;
    ASSERT(tip->height >= certified->height);
    ASSERT(tip->height == 0 || hash_equal(tip->header.chain_id, light->chain_id));
    ASSERT(certified->height == 0 || certified->header.height == certified->height);
    ASSERT(certified->set_known);
    ASSERT(certified->height == 0 ||
           hash_equal(certified->header.next_validators_hash, validator_set_hash(&certified->set)));
    ASSERT(!light_is_whole(light) || history_height(&tip->history) == tip->height);
    return true;
}
