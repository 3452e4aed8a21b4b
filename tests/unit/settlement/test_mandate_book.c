#include "settlement/mandate_book.h"

#include "common/applied.h"
#include "settlement/state.h"
#include "tests/harness.h"
#include "tests/unit/settlement/world.h"

struct fixture {
    struct world *world;
    struct arena arena;
    struct mandate_book *book;
    const uint8_t *at; /* in the world's body */
};

static struct fixture setup(void)
{
    struct fixture f = {.world = world_new()};
    assert_true(hash_start());
    assert_true(arena_map(&f.arena, mandate_book_bytes(&f.world->genesis)));
    f.book = mandate_book_new(&f.arena, &f.world->genesis);
    assert_non_null(f.book);
    f.at = f.world->body;
    return f;
}

static void teardown(struct fixture *f)
{
    arena_unmap(&f->arena);
    world_free(f->world);
}

static struct authority settlements_own(const struct world *world)
{
    const struct settlement *s = world->settlement;
    return (struct authority){
        .genesis = s->genesis, .params = &s->params, .keys = s->keys, .accounts = s->accounts};
}

/* What the book says, with the signature looked at. */
static const char *book_says(const struct mandate_book *book, const struct command *command)
{
    struct authority_signature by;
    const char *objection = mandate_book_objection(book, command, &by);
    if (objection != NULL || by.public_key == NULL) return objection;
    return hash_verify(by.public_key, by.text, by.text_bytes, by.signature) ? NULL : "signature";
}

static void apply_events(struct mandate_book *book, const struct applied *record)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    while (event_next(&at, end, &event))
        assert_true(mandate_book_apply(book, &event));
}

static bool next_record(struct fixture *f, struct applied *record, struct command *command)
{
    if (!applied_next(&f->at, f->world->body + f->world->body_bytes, record)) return false;
    assert_true(command_decode(record->command, record->command_length, command));
    return true;
}

/* Every command of an exchange stands by what the book was told before it, and the listings, accounts and keys it
 * brings are all that the book has to be told. */
TEST(mandate_book, follows_an_exchange)
{
    struct fixture f = setup();
    struct applied record;
    struct command command;
    uint32_t told = 0, others = 0;
    for (uint64_t i = 0; i < 60; i++)
        world_act(f.world, i * UINT64_C(0x9e3779b97f4a7c15) >> 16);
    while (next_record(&f, &record, &command)) {
        assert_null(book_says(f.book, &command));
        if (mandate_book_concerns(command.header.type)) {
            apply_events(f.book, &record);
            told++;
        } else
            others++;
    }
    assert_true(told > 4 && others > 30);
    teardown(&f);
}

/* What is not known yet is objected to, by the rule that the settlement would name: a key, an account, a listing. */
TEST(mandate_book, objects_to_what_it_was_not_told)
{
    struct fixture f = setup();
    struct applied record;
    struct command command;
    uint32_t objections = 0;
    world_act(f.world, 1);
    for (int i = 0; i < 40; i++)
        world_act(f.world, (uint64_t)i * 7919);
    while (next_record(&f, &record, &command)) {
        const char *objection = book_says(f.book, &command);
        if (objection == NULL) continue; /* operators' that need nothing but the operator */
        const bool expected = strcmp(objection, "key") == 0 || strcmp(objection, "account") == 0 ||
                              strcmp(objection, "signed text") == 0;
        assert_true(expected);
        objections++;
    }
    assert_true(objections > 20);
    teardown(&f);
}

/* One that begins where a settlement stands says what one says that was told everything. */
TEST(mandate_book, begins_where_a_settlement_stands)
{
    struct fixture f = setup();
    struct applied record;
    struct command command;
    uint32_t count = 0;
    for (uint64_t i = 0; i < 30; i++)
        world_act(f.world, i * 104729);
    mandate_book_copy(f.book, f.world->settlement);
    while (next_record(&f, &record, &command)) {
        if (mandate_book_concerns(command.header.type)) continue;
        assert_null(book_says(f.book, &command));
        count++;
    }
    assert_true(count > 10);
    teardown(&f);
}

/* A bit of a command is another: book and settlement say the same of it, whatever it is. */
TEST(mandate_book, says_what_settlement_says)
{
    struct fixture f = setup();
    struct applied record;
    struct command command;
    uint8_t bytes[COMMAND_BYTES_MAX];
    uint32_t objections = 0, asked = 0;
    for (uint64_t i = 0; i < 30; i++)
        world_act(f.world, i * 15485863);
    mandate_book_copy(f.book, f.world->settlement);
    const struct authority authority = settlements_own(f.world);
    while (next_record(&f, &record, &command)) {
        for (uint32_t bit = 32; bit < record.command_length * 8; bit += 29) {
            memcpy(bytes, record.command, record.command_length);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (!command_decode(bytes, record.command_length, &command)) continue;
            const char *own = authority_objection(&authority, &command);
            const char *said = book_says(f.book, &command);
            assert_int_equal(own == NULL, said == NULL);
            objections += said != NULL;
            asked++;
        }
    }
    assert_true(objections > 100 && asked > objections);
    teardown(&f);
}

/* An event that cannot be the next is named, and one that is none of the book's business is let be. */
TEST(mandate_book, refuses_what_cannot_follow)
{
    struct fixture f = setup();
    uint8_t bytes[512];
    struct event event;
    struct event_writer out = {.at = bytes, .end = bytes + sizeof(bytes), .begin = bytes};
    const struct account_created_event created = {.account = 77};
    const struct key_added_event added = {.account = 99, .permissions = KEY_TRADE};
    const struct balance_event balance = {.account = 1};
    event_write_account_created(&out, &created);
    event_write_key_added(&out, &added);
    event_write_balance(&out, &balance);
    const uint8_t *at = bytes;
    assert_true(event_next(&at, out.at, &event) && !mandate_book_apply(f.book, &event));
    assert_true(event_next(&at, out.at, &event) && !mandate_book_apply(f.book, &event));
    assert_true(event_next(&at, out.at, &event) && mandate_book_apply(f.book, &event));
    assert_false(mandate_book_needs(event.type));
    teardown(&f);
}

/* Nobody vouches for a change of epoch here: those come as nobody's, and are looked at there. */
TEST(mandate_book, no_change_of_epoch_stands)
{
    struct fixture f = setup();
    uint8_t bytes[COMMAND_BYTES_MAX] = {0};
    struct command command;
    struct authority_signature by;
    const struct command_header header = {.length = COMMAND_HEADER_BYTES + EPOCH_CHANGE_BYTES + 8,
                                          .type = T_EPOCH_CHANGE,
                                          .auth_kind = AUTH_STATEMENTS,
                                          .auth_length = 8};
    command_header_put(bytes, &header);
    assert_true(command_decode(bytes, header.length, &command));
    assert_non_null(mandate_book_objection(f.book, &command, &by));
    teardown(&f);
}

/* A node's own vote, which nobody signs but in its payload. */
static const char *says_of_vote(struct fixture *f, uint16_t type)
{
    uint8_t bytes[COMMAND_BYTES_MAX] = {0};
    struct command command;
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type)),
        .type = type,
        .origin = 1,
        .auth_kind = AUTH_NONE};
    command_header_put(bytes, &header);
    assert_true(command_decode(bytes, header.length, &command));
    return book_says(f->book, &command);
}

/* In a cluster of several builds the older ones stop at an entry that has a command they do not know, and any member can
 * send one without a signature. A leader takes it from the event on that brings in its rules. */
TEST(mandate_book, a_command_of_later_rules_does_not_stand)
{
    struct fixture f = setup();
    uint8_t bytes[64];
    struct event event;
    for (uint32_t rules = 1; rules <= PARAMS_RULES_LIABILITIES; rules++) {
        struct event_writer out = {.at = bytes, .end = bytes + sizeof(bytes), .begin = bytes};
        const uint8_t *at = bytes;
        if (rules > 1) {
            event_write_rules_changed(&out, &(struct rules_changed_event){rules});
            assert_true(event_next(&at, out.at, &event) && mandate_book_apply(f.book, &event));
        }
        assert_null(says_of_vote(&f, T_CHECKPOINT_VOTE));
        const char *said = says_of_vote(&f, T_LIABILITIES_VOTE);
        if (rules < PARAMS_RULES_LIABILITIES)
            assert_string_equal(said, "rules");
        else
            assert_null(said);
    }
    teardown(&f);
}

static const char *says_of_connector(struct fixture *f, const uint8_t *public_key,
                                     const uint8_t *secret_key)
{
    const char text[] = "action=deposit-reorg&chain=ETH&output=0&nonce=9&txid="
                        "0700000000000000000000000000000000000000000000000000000000000000";
    const struct deposit_reorg_command reorg = {
        .nonce = 9, .operator_index = PARAMS_CONNECTOR_FIRST, .chain = "ETH", .txid = {7}};
    const size_t auth_bytes = 96 + strlen(text);
    uint8_t bytes[COMMAND_BYTES_MAX];
    struct command command;
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + DEPOSIT_REORG_BYTES + auth_bytes),
        .type = T_DEPOSIT_REORG,
        .origin = 1,
        .auth_kind = AUTH_OPERATOR,
        .auth_length = (uint16_t)auth_bytes};
    command_header_put(bytes, &header);
    uint8_t *at = deposit_reorg_command_put(bytes + COMMAND_HEADER_BYTES, &reorg);
    memcpy(at, public_key, PUBLIC_KEY_BYTES);
    hash_sign(secret_key, text, strlen(text), at + 32);
    memcpy(at + 96, text, strlen(text));
    assert_true(command_decode(bytes, header.length, &command));
    return book_says(f->book, &command);
}

/* A leader vouches for a connector's reports from the event on that adds it, told one by one or copied. */
TEST(mandate_book, knows_connectors_as_they_are_added)
{
    struct fixture f = setup();
    const uint8_t seed[32] = "a connector";
    uint8_t public_key[PUBLIC_KEY_BYTES], secret_key[SECRET_KEY_BYTES], bytes[512];
    struct event event;
    struct event_writer out = {.at = bytes, .end = bytes + sizeof(bytes), .begin = bytes};
    struct connector_added_event added = {.connector = PARAMS_CONNECTOR_FIRST};
    crypto_sign_seed_keypair(public_key, secret_key, seed);
    memcpy(added.public_key, public_key, PUBLIC_KEY_BYTES);
    event_write_rules_changed(&out, &(struct rules_changed_event){2});
    event_write_rules_changed(&out, &(struct rules_changed_event){3});
    event_write_connector_added(&out, &added);
    assert_true(mandate_book_concerns(T_CONNECTOR_ADD));
    const uint8_t *at = bytes;
    while (event_next(&at, out.at, &event)) {
        const char *said = says_of_connector(&f, public_key, secret_key);
        assert_string_equal(said, event.payload[0] == 2 ? "rules" : "operator");
        assert_true(mandate_book_needs(event.type) && mandate_book_apply(f.book, &event));
    }
    assert_null(says_of_connector(&f, public_key, secret_key));
    assert_false(mandate_book_apply(f.book, &event)); /* it is there */
    const uint8_t thief[32] = "another";
    uint8_t other[PUBLIC_KEY_BYTES];
    crypto_sign_seed_keypair(other, secret_key, thief);
    assert_string_equal(says_of_connector(&f, public_key, secret_key), "signature");
    teardown(&f);
}
