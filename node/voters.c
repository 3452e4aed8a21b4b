#include "node/voters.h"

#include "common/log.h"
#include "ledger/lineage.h"

#include <stdlib.h>

struct known_set {
    hash_t hash;
    enum voters_word word;
    struct validator_set set;
};

struct voters {
    hash_t trusted; /* zero: no operator's word */
    struct lineage lineage;
    enum voters_word word; /* of the set that the lineage has come to */
    uint32_t count, capacity;
    struct known_set *sets; /* in the order in which they came */
};

static enum status no_memory(void)
{
    log_error("node", "no memory for the sets of voters", "bytes=%zu", sizeof(struct known_set));
    return STATUS_NO_MEMORY;
}

static struct known_set *find(const struct voters *voters, hash_t hash)
{
    /* From the end: who walks a chain asks for later and later sets. */
    for (uint32_t i = voters->count; i > 0; i--)
        if (hash_equal(voters->sets[i - 1].hash, hash)) return &voters->sets[i - 1];
    return NULL;
}

/* Notes a set; the better word counts. */
static enum status note(struct voters *voters, const struct validator_set *set,
                        enum voters_word word)
{
    const hash_t hash = validator_set_hash(set);
    struct known_set *known = find(voters, hash);
    if (word < VOTERS_OPERATOR && hash_equal(hash, voters->trusted)) word = VOTERS_OPERATOR;
    if (known != NULL && known->word < word) known->word = word;
    if (known != NULL || voters->count == VOTERS_SETS_MAX) return STATUS_OK;
    if (voters->count == voters->capacity) {
        const uint32_t capacity = voters->capacity == 0 ? 8 : 2 * voters->capacity;
        struct known_set *grown = realloc(voters->sets, capacity * sizeof(*grown));
        if (grown == NULL) return no_memory();
        voters->sets = grown;
        voters->capacity = capacity;
    }
    voters->sets[voters->count++] = (struct known_set){hash, word, *set};
    return STATUS_OK;
}

/* One step of the file. Over a gap nobody can be followed; the set behind it is known by name all the same, and an
 * operator may have vouched for it. */
static enum status take_step(struct voters *voters, const struct lineage_step *step)
{
    struct block_header header;
    const hash_t next = validator_set_hash(&step->next);
    if (!block_header_decode(step->header, &header) ||
        !hash_equal(header.chain_id, voters->lineage.chain_id) ||
        !hash_equal(header.next_validators_hash, next))
        return STATUS_OK;
    /* Never from any other set than the last: the keys of voters who have gone may be anybody's by now. */
    const struct known_set *from = find(voters, voters->trusted);
    if (from != NULL && hash_equal(header.validators_hash, voters->trusted) &&
        !hash_equal(header.validators_hash, validator_set_hash(&voters->lineage.set))) {
        lineage_begin(&voters->lineage, header.chain_id, &from->set, voters->lineage.height);
        voters->word = VOTERS_OPERATOR;
    }
    const enum lineage_answer answer = lineage_follow(&voters->lineage, step);
    if (answer == LINEAGE_FALSE) return STATUS_OK;
    return note(voters, &step->next, answer == LINEAGE_FOLLOWED ? voters->word : VOTERS_OWN);
}

static enum status read_lineage(struct voters *voters, const char *directory)
{
    struct lineage_reader *reader = lineage_reader_new(directory);
    uint8_t *bytes = malloc(LINEAGE_STEP_BYTES_MAX);
    struct lineage_step *step = malloc(sizeof(*step));
    enum status status = reader != NULL && bytes != NULL && step != NULL ? STATUS_OK : no_memory();
    /* Ends: each step is above the one before. */
    for (uint64_t height = 0; status == STATUS_OK; height = step->height) {
        const uint32_t byte_count =
            lineage_reader_steps(reader, height, bytes, LINEAGE_STEP_BYTES_MAX);
        if (byte_count == 0 || lineage_step_decode(bytes, byte_count, step) == 0) break;
        status = take_step(voters, step);
    }
    free(step);
    free(bytes);
    lineage_reader_free(reader);
    return status;
}

enum status voters_new(const char *directory, const struct genesis *genesis, const hash_t *trusted,
                       struct voters **voters)
{
    struct voters *made = calloc(1, sizeof(*made));
    *voters = NULL;
    if (made == NULL) return no_memory();
    if (trusted != NULL) made->trusted = *trusted;
    made->word = VOTERS_GENESIS;
    lineage_begin(&made->lineage, genesis_chain_id(genesis), &genesis->validators, 0);
    enum status status = note(made, &genesis->validators, VOTERS_GENESIS);
    if (status == STATUS_OK) status = read_lineage(made, directory);
    if (status == STATUS_OK)
        *voters = made;
    else
        voters_free(made);
    return status;
}

void voters_free(struct voters *voters)
{
    if (voters == NULL) return;
    free(voters->sets);
    free(voters);
}

enum status voters_add(struct voters *voters, const struct validator_set *set)
{
    return note(voters, set, VOTERS_OWN);
}

const struct validator_set *voters_find(const struct voters *voters, hash_t hash,
                                        enum voters_word *word)
{
    const struct known_set *known = find(voters, hash);
    if (known == NULL) return NULL;
    *word = known->word;
    return &known->set;
}
