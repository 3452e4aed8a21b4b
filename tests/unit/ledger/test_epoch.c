/* Statements to the byte, and the decision by every case of small sets: a header that q voters can have signed is
 * never dropped, and no two chains may be kept that both can have certificates. */

#include "ledger/epoch.h"

#include "common/le.h"
#include "tests/harness.h"

#define NODES_MAX 7

static uint8_t secrets[NODES_MAX][SECRET_KEY_BYTES];
static struct validator_set set;
static hash_t chain_id;

static void voters(uint32_t count)
{
    assert_true(hash_start());
    set = (struct validator_set){.count = count};
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t seed[32] = {(uint8_t)(i + 1), 'e'};
        set.members[i].node = i + 1;
        crypto_sign_seed_keypair(set.members[i].public_key, secrets[i], seed);
    }
    chain_id = hash_of("chain", 5);
}

/* Two chains that are one up to block 1, and part there: block 2 and 3 are each chain's own. */
#define CHAINS  2
#define HEIGHTS 3

static hash_t block(int chain, uint64_t height)
{
    const uint8_t name[2] = {(uint8_t)height, (uint8_t)(height == 1 ? 0 : chain)};
    return hash_of(name, sizeof(name));
}

static enum epoch_known header(void *context, uint64_t height, hash_t *hash)
{
    const int *chain = context;
    if (height > HEIGHTS) return EPOCH_NO_BLOCK;
    *hash = block(*chain, height);
    return EPOCH_HAS_BLOCK;
}

/* What a voter signed last: 0 nothing, 1 the common block, then blocks 2 and 3 of the first chain, of the second. */
#define TOPS 6

static struct epoch_header top(int number)
{
    if (number == 0) return (struct epoch_header){0};
    if (number == 1) return (struct epoch_header){1, block(0, 1)};
    const uint64_t height = 2 + (uint64_t)(number % 2);
    return (struct epoch_header){height, block((number - 2) / 2, height)};
}

/* Whether a voter who signed this last can have signed the block: it is it, or below it on its chain. */
static bool signed_it(int number, int chain, uint64_t height)
{
    const struct epoch_header last = top(number);
    if (last.height < height) return false;
    if (height == 1) return true;
    return number >= 2 && (number - 2) / 2 == chain;
}

/* Whether the block can have a certificate, whatever those did who say nothing: counted without any rule. */
static bool can_be_certified(const int *tops, uint32_t reporters, int chain, uint64_t height)
{
    uint32_t signers = set.count - reporters;
    for (uint32_t i = 0; i < reporters; i++)
        signers += signed_it(tops[i], chain, height);
    return signers >= validator_set_quorum(&set);
}

static uint64_t cases, kept_cases;

static void check_case(const int *tops, uint32_t reporters)
{
    struct epoch_statement statements[NODES_MAX] = {{0}};
    bool keeps[CHAINS];
    cases++;
    for (uint32_t i = 0; i < reporters; i++)
        statements[i] = (struct epoch_statement){.node = i + 1, .signed_last = top(tops[i])};
    for (int c = 0; c < CHAINS; c++) {
        struct epoch_decision decision;
        int which = c;
        const struct epoch_chain chain = {&which, header};
        const char *fault = epoch_decide(statements, reporters, &set, &chain, &decision);
        keeps[c] = fault == NULL;
        if (!keeps[c]) continue;
        kept_cases++;
        for (uint64_t height = 2; height <= HEIGHTS; height++)
            assert_false(can_be_certified(tops, reporters, 1 - c, height)); /* dropped */
        /* The kept header is not below one that can be certified and that somebody named. */
        for (uint32_t i = 0; i < reporters; i++) {
            const struct epoch_header last = top(tops[i]);
            const bool ours = tops[i] < 2 || (tops[i] - 2) / 2 == c;
            if (ours && last.height > 0 && can_be_certified(tops, reporters, c, last.height))
                assert_true(decision.kept.height >= last.height);
        }
        if (decision.kept.height > 0)
            assert_true(hash_equal(decision.kept.hash, block(c, decision.kept.height)));
    }
    /* Both may be kept only where neither has a block of its own that can be certified. */
    if (keeps[0] && keeps[1])
        for (int c = 0; c < CHAINS; c++)
            assert_false(can_be_certified(tops, reporters, c, 2));
}

/* Every combination of what q or more of 1, 4, 5 and 7 voters can have signed last on two chains. */
TEST(epoch, drops_nothing_that_can_be_certified)
{
    static const uint32_t sizes[] = {1, 4, 5, 7};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        voters(sizes[s]);
        for (uint32_t k = validator_set_quorum(&set); k <= sizes[s]; k++) {
            uint64_t combinations = 1;
            for (uint32_t i = 0; i < k; i++)
                combinations *= TOPS;
            for (uint64_t number = 0; number < combinations; number++) {
                int tops[NODES_MAX];
                uint64_t left = number;
                for (uint32_t i = 0; i < k; i++, left /= TOPS)
                    tops[i] = (int)(left % TOPS);
                check_case(tops, k);
            }
        }
    }
    assert_true(cases > 300000 && kept_cases > cases / 10);
}

/* Honest voters of one chain are enough: the way out is there when it is needed. With a quorum of reports of which
 * none is off, and with one liar where the silent ones and it are no quorum. */
TEST(epoch, honest_reports_find_the_way_out)
{
    voters(4);
    struct epoch_decision decision;
    int first = 0;
    const struct epoch_chain chain = {&first, header};
    struct epoch_statement statements[4] = {{.node = 1, .signed_last = top(3)},
                                            {.node = 2, .signed_last = top(3)},
                                            {.node = 3, .signed_last = top(5)},
                                            {.node = 4, .signed_last = top(5)}};
    assert_null(epoch_decide(statements, 4, &set, &chain, &decision));
    assert_int_equal(decision.off_count, 2);
    assert_true(!decision.off[1] && decision.off[2]);
    assert_int_equal(decision.kept.height, 0); /* two of four make no certificate */
    assert_null(epoch_decide(statements, 3, &set, &chain, &decision));
    assert_int_equal(decision.kept.height, 3); /* the silent one may have signed it */
    assert_string_equal(epoch_decide(statements + 1, 3, &set, &chain, &decision),
                        "another header can have been certified");
    assert_string_equal(epoch_decide(statements, 2, &set, &chain, &decision),
                        "fewer statements than a quorum");

    /* A certificate that is claimed for another header counts as much as a signature. */
    statements[2].signed_last = top(3);
    statements[2].certified = top(5);
    assert_null(epoch_decide(statements, 3, &set, &chain, &decision));
    assert_true(decision.off[2]);
}

/* ---- Bytes ---- */

static void statement_of(uint32_t node, uint64_t epoch, uint8_t bytes[EPOCH_STATEMENT_BYTES])
{
    const struct epoch_statement statement = {.epoch = epoch,
                                              .node = node,
                                              .certified = {1, block(0, 1)},
                                              .signed_last = {2, block(0, 2)},
                                              .log_index = 77,
                                              .log_term = 3,
                                              .log_hash = hash_of("log", 3)};
    epoch_statement_sign(&statement, chain_id, secrets[node - 1], bytes);
}

/* What is read is what was written; another tag, chain, a set reserved bit, a hash of no block, nobody's node: not
 * taken; and every single bit belongs to what is signed. */
TEST(epoch, a_statement_is_exactly_its_bytes)
{
    uint8_t bytes[EPOCH_STATEMENT_BYTES], again[EPOCH_STATEMENT_BYTES];
    struct epoch_statement statement;
    voters(4);
    statement_of(2, 9, bytes);
    assert_true(epoch_statement_decode(bytes, chain_id, &statement));
    assert_true(epoch_statement_valid(bytes, &set));
    assert_int_equal(statement.node, 2);
    assert_int_equal(statement.epoch, 9);
    assert_int_equal(statement.signed_last.height, 2);
    assert_int_equal(statement.certified.height, 1);
    assert_int_equal(statement.log_index, 77);
    epoch_statement_sign(&statement, chain_id, secrets[1], again);
    assert_memory_equal(bytes, again, sizeof(bytes));
    assert_memory_equal(bytes, "quorex/epoch/1\0\0", 16);
    assert_false(epoch_statement_decode(bytes, hash_of("other", 5), &statement));
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        memcpy(again, bytes, sizeof(bytes));
        again[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(epoch_statement_decode(again, chain_id, &statement) &&
                     epoch_statement_valid(again, &set));
    }
    memcpy(again, bytes, sizeof(bytes));
    memset(again + 104, 0, 8); /* nothing signed, and a hash of it */
    assert_false(epoch_statement_decode(again, chain_id, &statement));
    memset(again + 104, 0, 8 + HASH_BYTES);
    assert_true(epoch_statement_decode(again, chain_id, &statement));
    again[60] = 1; /* reserved */
    assert_false(epoch_statement_decode(again, chain_id, &statement));
}

static uint8_t statements[EPOCH_STATEMENTS_MAX * EPOCH_STATEMENT_BYTES];
static uint8_t bytes[EPOCH_COMMAND_BYTES_MAX];
static struct command command;

static const char *fault_of(uint32_t count)
{
    const struct epoch_header kept = {2, block(0, 2)};
    const size_t byte_count = epoch_change_put(10, &kept, statements, count, bytes);
    assert_true(command_decode(bytes, byte_count, &command));
    return epoch_change_fault(&command, chain_id, &set);
}

static uint8_t *statement_at(uint32_t place)
{
    return statements + place * EPOCH_STATEMENT_BYTES;
}

/* An EPOCH_CHANGE needs q statements by different voters of the epoch before it. */
TEST(epoch, a_change_needs_statements_of_a_quorum)
{
    voters(4);
    for (uint32_t i = 0; i < 4; i++)
        statement_of(i + 1, 9, statement_at(i));
    assert_null(fault_of(3));
    assert_null(fault_of(4));
    assert_string_equal(fault_of(2), "fewer statements than a quorum");
    memcpy(statement_at(2), statement_at(1), EPOCH_STATEMENT_BYTES); /* one twice */
    assert_string_equal(fault_of(3), "statements are not by rising node id");
    statement_of(3, 8, statement_at(2));
    assert_string_equal(fault_of(3), "a statement is of another epoch");
    statement_of(3, 9, statement_at(2));
    statement_at(2)[200] ^= 1;
    assert_string_equal(fault_of(3), "a statement is signed by no voter");
    voters(5);
    statement_of(5, 9, statement_at(2));
    set.count = 4;
    assert_string_equal(fault_of(3), "a statement is signed by no voter");
}

/* And a header of this chain, not above what can have been certified. */
TEST(epoch, a_change_names_a_header_of_the_chain)
{
    int first = 0, second = 1;
    const struct epoch_chain ours = {&first, header}, other = {&second, header};
    voters(4);
    for (uint32_t i = 0; i < 4; i++)
        statement_of(i + 1, 9, statement_at(i));
    assert_null(fault_of(3));
    assert_null(epoch_change_objection(&command, chain_id, &set, &ours));
    assert_string_equal(epoch_change_objection(&command, chain_id, &set, &other),
                        "another header can have been certified");
    const struct {
        struct epoch_header kept;
        const char *objection;
    } cases_of[] = {
        {{0}, NULL},
        {{1, block(0, 1)}, NULL},
        {{2, block(1, 2)}, "the header named is not of this chain"},
        {{3, block(0, 3)}, "the header named cannot have been certified"},
        {{4, block(0, 3)}, "the header named is not of this chain"},
    };
    for (size_t i = 0; i < sizeof(cases_of) / sizeof(cases_of[0]); i++) {
        const size_t byte_count = epoch_change_put(10, &cases_of[i].kept, statements, 3, bytes);
        assert_true(command_decode(bytes, byte_count, &command));
        const char *objection = epoch_change_objection(&command, chain_id, &set, &ours);
        if (cases_of[i].objection == NULL)
            assert_null(objection);
        else
            assert_string_equal(objection, cases_of[i].objection);
    }
}
