#include "settlement/key_change.h"

#include "common/key_rights.h"
#include "common/reject.h"
#include "common/share.h"
#include "settlement/mandate_book.h"
#include "tests/harness.h"
#include "tests/unit/settlement/agreement.h"
#include "tests/unit/settlement/snapshots.h"

/* A world under rules 7 with one more account than all worlds have, whose owner can sign. */
struct fixture {
    struct world *world;
    struct arena arena;
    struct mandate_book *book;
    uint32_t account;
    uint8_t owner[PUBLIC_KEY_BYTES], secret[SECRET_KEY_BYTES];
    char chain[80]; /* what texts have beside: nothing, or the chain they are for */
    uint64_t time_ms;
    const uint8_t *at; /* in the world's body: what the book has not seen */
};

static void open_account(struct fixture *f)
{
    struct world *world = f->world;
    uint8_t payload[256];
    char text[256], hex[65];
    struct account_create_command create = {.nonce = ++world->nonce};
    struct account_created_event created = {.account = ++world->account_count};
    f->account = created.account;
    memcpy(create.public_key, f->owner, sizeof(f->owner));
    memcpy(created.public_key, f->owner, sizeof(f->owner));
    hash_hex(f->owner, 32, hex);
    account_create_command_put(payload, &create);
    event_write_account_created(&world->out, &created);
    snprintf(text, sizeof(text), "action=account-create&publicKey=%s&tier=0", hex);
    world_operate(world, T_ACCOUNT_CREATE, payload, text);
}

static struct fixture setup_with(void (*adjust)(struct genesis *))
{
    struct fixture f = {.world = world_new_with(adjust)};
    const uint8_t seed[32] = "an owner of an account of a test";
    assert_true(hash_start());
    crypto_sign_seed_keypair(f.owner, f.secret, seed);
    assert_true(arena_map(&f.arena, mandate_book_bytes(&f.world->genesis)));
    f.book = mandate_book_new(&f.arena, &f.world->genesis);
    f.at = f.world->body + f.world->body_bytes;
    mandate_book_copy(f.book, f.world->settlement);
    world_rules(f.world, PARAMS_RULES_KEYS);
    f.time_ms = f.world->stamp_ns / 1000000;
    open_account(&f);
    assert_int_equal(f.world->status, STATUS_OK);
    return f;
}

static struct fixture setup(void)
{
    return setup_with(NULL);
}

static void teardown(struct fixture *f)
{
    arena_unmap(&f->arena);
    world_free(f->world);
}

/* What this key signs, with the time; `id`: who the command says signed it. */
static void signed_by(struct fixture *f, const uint8_t *id, const uint8_t *secret, uint16_t type,
                      const uint8_t *payload, const char *text)
{
    uint8_t auth[COMMAND_AUTH_MAX];
    char *signed_text = (char *)auth + 96;
    const int length = snprintf(signed_text, sizeof(auth) - 96, "%s%s&timestamp=%llu", text,
                                f->chain, (unsigned long long)f->time_ms);
    memcpy(auth, id, 32);
    hash_sign(secret, signed_text, (size_t)length, auth + 32);
    const struct command_header header = {.type = type,
                                          .origin = 1,
                                          .auth_kind = AUTH_ED25519,
                                          .auth_length = (uint16_t)(96 + length),
                                          .deadline_ns = (f->time_ms + 5000) * 1000000};
    world_apply(f->world, &header, payload, auth);
}

static void owner_signs(struct fixture *f, uint16_t type, const uint8_t *payload, const char *text)
{
    signed_by(f, f->owner, f->secret, type, payload, text);
}

static struct key_created_event created_now(struct fixture *f)
{
    struct key_created_event created = {.time_ns = ++f->time_ms * 1000000,
                                        .account = f->account,
                                        .permissions = KEY_READ | KEY_TRADE,
                                        .secret_version = 1,
                                        .ip_count = 1,
                                        .ips = {[10] = 0xff, [11] = 0xff, [12] = 10, [16] = 104}};
    const hash_t id = key_rights_id(f->owner, created.time_ns);
    memcpy(created.key_id, id.bytes, sizeof(created.key_id));
    return created;
}

/* The command as it was asked for, and this event. */
static void create_with(struct fixture *f, const struct key_created_event *told)
{
    uint8_t payload[256];
    struct key_create_command asked;
    uint8_t bytes[KEY_CREATED_BYTES];
    key_created_event_put(bytes, told);
    key_create_command_get(bytes, &asked); /* it begins with the command */
    asked.time_ns = f->time_ms * 1000000;
    asked.account = f->account;
    asked.permissions = KEY_READ | KEY_TRADE;
    key_create_command_put(payload, &asked);
    event_write_key_created(&f->world->out, told);
    owner_signs(f, T_KEY_CREATE, payload,
                "action=key-create&permissions=READ,TRADE&ipList=10.0.0.0/8");
}

static hash_t create(struct fixture *f)
{
    const struct key_created_event created = created_now(f);
    create_with(f, &created);
    assert_int_equal(f->world->status, STATUS_OK);
    hash_t id;
    memcpy(id.bytes, created.key_id, sizeof(id.bytes));
    return id;
}

/* A removal with this text behind what it says, which every engine must refuse or take. */
static void remove_with(struct fixture *f, const hash_t *id, const char *more, bool is_refused)
{
    uint8_t payload[256];
    char text[256], hex[65];
    struct key_remove_command ask = {.time_ns = ++f->time_ms * 1000000, .account = f->account};
    struct key_removed_event removed = {.time_ns = ask.time_ns, .account = f->account};
    memcpy(ask.key_id, id->bytes, sizeof(ask.key_id));
    memcpy(removed.key_id, id->bytes, sizeof(removed.key_id));
    hash_hex(id->bytes, 32, hex);
    key_remove_command_put(payload, &ask);
    if (is_refused)
        event_write_refused(&f->world->out, &(struct refused_event){.reject = REJECT_OTHER_CHAIN});
    else
        event_write_key_removed(&f->world->out, &removed);
    snprintf(text, sizeof(text), "action=key-remove&keyId=%s%s", hex, more);
    owner_signs(f, T_KEY_REMOVE, payload, text);
}

static void remove_key(struct fixture *f, const hash_t *id)
{
    remove_with(f, id, "", false);
}

static void limit_key(struct fixture *f, const hash_t *id, uint16_t permissions)
{
    uint8_t payload[256];
    char text[256], hex[65];
    struct key_limit_command ask = {
        .time_ns = ++f->time_ms * 1000000, .account = f->account, .permissions = permissions};
    struct key_limited_event limited;
    memcpy(ask.key_id, id->bytes, sizeof(ask.key_id));
    hash_hex(id->bytes, 32, hex);
    key_limit_command_put(payload, &ask);
    key_limited_event_get(payload, &limited);
    event_write_key_limited(&f->world->out, &limited);
    snprintf(text, sizeof(text), "action=key-limit&keyId=%s&permissions=%s", hex,
             permissions == KEY_READ ? "READ" : "TRADE");
    owner_signs(f, T_KEY_LIMIT, payload, text);
}

/* A command of the account by this key; `event_type`: what came of it. */
static void cancel_all_by(struct fixture *f, const hash_t *id, uint16_t event_type)
{
    uint8_t payload[256];
    cancel_all_command_put(payload, &(struct cancel_all_command){.account = f->account});
    if (event_type == T_REFUSED)
        event_write_refused(&f->world->out,
                            &(struct refused_event){.reject = REJECT_KEY_PERMISSION});
    const struct command_header header = {
        .type = T_CANCEL_ALL, .origin = 1, .auth_kind = AUTH_HMAC, .auth_length = 32};
    world_apply(f->world, &header, payload, id->bytes);
}

static void assert_differs(struct fixture *f, const char *what)
{
    differ(f->world, what);
    teardown(f);
}

/* What the command says is what the event says, and the key is the one of the owner's key and the time. */
TEST(key_change, a_key_is_the_one_asked_for)
{
    struct fixture f = setup();
    const hash_t id = create(&f);
    const struct key_added_event *key = keyring_find(f.world->settlement->keys, id.bytes);
    assert_non_null(key);
    assert_int_equal(key->permissions, KEY_READ | KEY_TRADE);
    assert_int_equal(keyring_right_of(f.world->settlement->keys, key)->ips.count, 1);
    cancel_all_by(&f, &id, 0);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    teardown(&f);

    f = setup();
    struct key_created_event lie = created_now(&f);
    lie.permissions = KEY_READ;
    create_with(&f, &lie);
    assert_differs(&f, "key");

    f = setup();
    lie = created_now(&f);
    lie.key_id[5] ^= 1;
    create_with(&f, &lie);
    assert_differs(&f, "id of a key");

    f = setup();
    const hash_t other = create(&f);
    lie = created_now(&f);
    lie.replaces = 1;
    memcpy(lie.replaced_id, other.bytes, sizeof(lie.replaced_id));
    create_with(&f, &lie);
    assert_differs(&f, "place of a key");
}

/* Times of an account's requests rise, whatever the engine says. */
TEST(key_change, a_text_counts_once)
{
    struct fixture f = setup();
    (void)create(&f);
    f.time_ms--;
    const struct key_created_event again = created_now(&f);
    create_with(&f, &again);
    assert_differs(&f, "key");

    f = setup();
    f.time_ms += 60001;
    const struct key_created_event ahead = created_now(&f);
    create_with(&f, &ahead);
    assert_differs(&f, "key");
}

/* What a key signed before it lost its right, and came behind that, must have been refused, and may be in the log. */
TEST(key_change, what_a_key_may_not_must_be_refused)
{
    struct fixture f = setup();
    hash_t id = create(&f);
    limit_key(&f, &id, KEY_READ);
    cancel_all_by(&f, &id, T_REFUSED);
    limit_key(&f, &id, KEY_TRADE);
    cancel_all_by(&f, &id, 0);
    remove_key(&f, &id);
    cancel_all_by(&f, &id, T_REFUSED);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    assert_int_equal(f.world->status, STATUS_OK);
    teardown(&f);

    f = setup();
    id = create(&f);
    remove_key(&f, &id);
    cancel_all_by(&f, &id, 0);
    assert_differs(&f, "refusal of a key that may not");
}

/* A new key in the place of that one, which was removed long ago. */
static void create_in_place_of(struct fixture *f, const hash_t *gone)
{
    f->world->stamp_ns += KEY_LINGER_NS + 1000000;
    f->time_ms = f->world->stamp_ns / 1000000;
    struct key_created_event created = created_now(f);
    created.replaces = 1;
    memcpy(created.replaced_id, gone->bytes, sizeof(created.replaced_id));
    create_with(f, &created);
    assert_int_equal(f->world->status, STATUS_OK);
}

/* A key that was removed, and then gave its place away. */
static hash_t key_that_is_gone(struct fixture *f)
{
    const hash_t gone = create(f);
    remove_key(f, &gone);
    create_in_place_of(f, &gone);
    return gone;
}

/* A session of the account ends, whoever is said to have had it. */
static void session_ends_by(struct fixture *f, const hash_t *id)
{
    uint8_t payload[256];
    session_end_command_put(payload, &(struct session_end_command){.account = f->account});
    const struct command_header header = {
        .type = T_SESSION_END, .origin = 1, .auth_kind = AUTH_HMAC, .auth_length = 32};
    world_apply(f->world, &header, payload, id->bytes);
}

/* What a key gave may be in the log behind the command by which its place became another's, whatever its deadline: it must
 * have been refused, and is nothing to stop for. */
TEST(key_change, what_a_key_gave_that_is_gone_must_be_refused)
{
    struct fixture f = setup();
    hash_t gone = key_that_is_gone(&f);
    cancel_all_by(&f, &gone, T_REFUSED);
    assert_int_equal(f.world->status, STATUS_OK);
    session_ends_by(&f, &gone);
    assert_int_equal(f.world->status, STATUS_OK);
    uint8_t payload[256], secret[SECRET_KEY_BYTES] = {1};
    cancel_all_command_put(payload, &(struct cancel_all_command){.account = f.account});
    event_write_refused(&f.world->out, &(struct refused_event){.reject = REJECT_KEY_PERMISSION});
    signed_by(&f, gone.bytes, secret, T_CANCEL_ALL, payload, "symbol=");
    assert_int_equal(f.world->status, STATUS_OK);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    teardown(&f);

    f = setup();
    gone = key_that_is_gone(&f);
    cancel_all_by(&f, &gone, 0);
    assert_differs(&f, "refusal of a key that may not");

    f = setup();
    gone = key_that_is_gone(&f);
    f.account = UINT32_MAX;
    session_ends_by(&f, &gone);
    assert_differs(&f, "account");
}

/* A place that the account gave back is the one that its next key has. */
TEST(key_change, a_place_given_back_is_taken_first)
{
    struct fixture f = setup();
    (void)key_that_is_gone(&f);
    assert_int_equal(keyring_count_of(f.world->settlement->keys, f.account), 1);
    (void)create(&f);
    assert_int_equal(keyring_count_of(f.world->settlement->keys, f.account), 2);
    teardown(&f);

    f = setup();
    const hash_t removed = create(&f);
    remove_key(&f, &removed);
    f.world->stamp_ns += KEY_LINGER_NS + 1000000;
    f.time_ms = f.world->stamp_ns / 1000000;
    const struct key_created_event elsewhere = created_now(&f);
    create_with(&f, &elsewhere);
    assert_differs(&f, "place of a key");
}

static void freeze(struct fixture *f)
{
    balance_sheet_owner(f->world->settlement->accounts, f->account)->is_frozen = true;
}

/* A frozen account removes its keys, whatever the engine says, and no more. */
TEST(key_change, a_frozen_account_only_removes)
{
    struct fixture f = setup();
    hash_t id = create(&f);
    freeze(&f);
    remove_key(&f, &id);
    assert_int_equal(f.world->status, STATUS_OK);
    const struct key_created_event created = created_now(&f);
    create_with(&f, &created);
    assert_differs(&f, "key");

    f = setup();
    id = create(&f);
    freeze(&f);
    limit_key(&f, &id, KEY_READ);
    assert_differs(&f, "limits of a key");
}

/* From rules 8 on what is about keys names this chain, or must have been refused: texts of before may still come. */
TEST(key_change, what_names_no_chain_must_be_refused)
{
    char here[80] = "&chainId=", elsewhere[80];
    struct fixture f = setup();
    hash_hex(genesis_chain_id(&f.world->genesis).bytes, 32, here + strlen(here));
    memcpy(elsewhere, here, sizeof(here));
    elsewhere[20] = elsewhere[20] == '0' ? '1' : '0';
    hash_t id = create(&f);
    world_rules(f.world, PARAMS_RULES_CHAIN);
    remove_with(&f, &id, "", true);
    assert_int_equal(f.world->status, STATUS_OK);
    remove_with(&f, &id, elsewhere, true);
    assert_int_equal(f.world->status, STATUS_OK);
    remove_with(&f, &id, here, false);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    assert_int_equal(f.world->status, STATUS_OK);
    teardown(&f);

    static const bool names_another[] = {false, true};
    for (int i = 0; i < 2; i++) {
        f = setup();
        id = create(&f);
        world_rules(f.world, PARAMS_RULES_CHAIN);
        remove_with(&f, &id, names_another[i] ? elsewhere : "", false);
        assert_differs(&f, "event of a key that may not");
    }
}

/* A command of the account behind its deadline, with bytes for a signature that nobody made; `event_type` came of it. */
static void late_by(struct fixture *f, const uint8_t *id, uint16_t auth_kind, uint16_t auth_length,
                    uint16_t event_type)
{
    uint8_t payload[256], auth[128] = {0};
    cancel_all_command_put(payload, &(struct cancel_all_command){.account = f->account});
    memcpy(auth, id, 32);
    if (event_type == T_REFUSED)
        event_write_refused(&f->world->out, &(struct refused_event){.reject = REJECT_TOO_LATE});
    const struct command_header header = {.type = T_CANCEL_ALL,
                                          .origin = 1,
                                          .auth_kind = auth_kind,
                                          .auth_length = auth_length,
                                          .deadline_ns = 1};
    world_apply(f->world, &header, payload, auth);
}

/* From rules 8 on nobody looks at who gave what is behind its deadline, not if a key was made with its id since: it must have
 * been refused, and stops nobody. */
TEST(key_change, what_is_too_late_is_void_whoever_gave_it)
{
    struct fixture f = setup();
    const uint8_t nobody[32] = {0x77};
    const hash_t id = create(&f);
    world_rules(f.world, PARAMS_RULES_LATE);
    late_by(&f, nobody, AUTH_HMAC, 32, T_REFUSED);
    late_by(&f, nobody, AUTH_ED25519, 120, T_REFUSED);
    late_by(&f, id.bytes, AUTH_ED25519, 120, T_REFUSED); /* an HMAC key */
    late_by(&f, f.owner, AUTH_ED25519, 120, T_REFUSED);  /* a wrong signature */
    assert_int_equal(f.world->status, STATUS_OK);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    teardown(&f);

    f = setup();
    world_rules(f.world, PARAMS_RULES_LATE);
    late_by(&f, f.owner, AUTH_ED25519, 120, 0);
    assert_int_equal(world_seal(f.world), STATUS_MISMATCH);
    teardown(&f);

    /* Before, the signature is looked at. */
    f = setup();
    world_rules(f.world, PARAMS_RULES_LATE - 1);
    late_by(&f, f.owner, AUTH_ED25519, 120, T_REFUSED);
    assert_differs(&f, "signature");

    /* An operator's is, too. */
    f = setup();
    world_rules(f.world, PARAMS_RULES_LATE);
    late_by(&f, nobody, AUTH_OPERATOR, 120, T_REFUSED);
    assert_differs(&f, "kind of authentication");
}

/* Below rules 7 no engine looks, so such a command may not be there at all. */
TEST(key_change, no_key_is_a_lie_before)
{
    struct world *world = world_new();
    uint8_t payload[256];
    const uint8_t nobody[32] = {0x77};
    cancel_all_command_put(payload, &(struct cancel_all_command){.account = 1});
    event_write_refused(&world->out, &(struct refused_event){.reject = REJECT_KEY_PERMISSION});
    const struct command_header header = {
        .type = T_CANCEL_ALL, .origin = 1, .auth_kind = AUTH_HMAC, .auth_length = 32};
    world_apply(world, &header, payload, nobody);
    assert_int_equal(world->status, STATUS_MISMATCH);
    assert_string_equal(settlement_mismatch(world->settlement)->what, "key");
    world_free(world);
}

/* A key is its own account's to remove; one of before rules 7, of which the engine knows nothing, too. */
TEST(key_change, of_another_account_nothing_is_removed)
{
    struct fixture f = setup();
    hash_t others;
    world_key_id(1, others.bytes);
    remove_key(&f, &others);
    assert_differs(&f, "key of another account");

    f = setup();
    const uint32_t later = world_account(f.world, 0);
    world_key_id(later, others.bytes);
    remove_key(&f, &others);
    assert_differs(&f, "key that is not the account's");
}

/* Nobody but the owner: not a trading key, were its signature as good as can be. */
TEST(key_change, keys_are_the_owners_alone)
{
    struct fixture f = setup();
    const hash_t id = create(&f);
    uint8_t payload[256];
    struct key_remove_command ask = {.time_ns = ++f.time_ms * 1000000, .account = f.account};
    memcpy(ask.key_id, id.bytes, sizeof(ask.key_id));
    key_remove_command_put(payload, &ask);
    const struct command_header header = {
        .type = T_KEY_REMOVE, .origin = 1, .auth_kind = AUTH_HMAC, .auth_length = 32};
    world_apply(f.world, &header, payload, id.bytes);
    assert_differs(&f, "kind of authentication");
}

/* An Ed25519 key of the account that an operator added. */
static void add_key(struct fixture *f, uint32_t account, const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    uint8_t payload[256];
    char text[512], hex[65];
    struct key_add_command add = {
        .nonce = ++f->world->nonce, .account = account, .permissions = KEY_PERMISSIONS};
    struct key_added_event added = {.account = account, .permissions = KEY_PERMISSIONS};
    memcpy(add.key_id, public_key, sizeof(add.key_id));
    memcpy(add.public_key, public_key, sizeof(add.public_key));
    memcpy(added.key_id, public_key, sizeof(added.key_id));
    memcpy(added.public_key, public_key, sizeof(added.public_key));
    hash_hex(public_key, 32, hex);
    key_add_command_put(payload, &add);
    event_write_key_added(&f->world->out, &added);
    snprintf(text, sizeof(text),
             "action=key-add&account=%u&keyId=%s&publicKey=%s&permissions=READ,TRADE,WITHDRAW",
             account, hex, hex);
    world_operate(f->world, T_KEY_ADD, payload, text);
    assert_int_equal(f->world->status, STATUS_OK);
}

/* 24 keys, of which accounts may make 21; the first 11 are for who comes first, and of the others each account has one. */
static void few_keys(struct genesis *genesis)
{
    genesis->params.keys_max = 24;
}

/* Under these rules, with so many keys, of which operators added all that are not there anyhow. */
static struct fixture setup_full(uint32_t rules, uint32_t count)
{
    struct fixture f = setup_with(few_keys);
    uint8_t id[PUBLIC_KEY_BYTES] = {0xee};
    if (rules >= PARAMS_RULES_CHAIN) {
        world_rules(f.world, rules);
        memcpy(f.chain, "&chainId=", 9);
        hash_hex(genesis_chain_id(&f.world->genesis).bytes, 32, f.chain + 9);
    }
    while (keyring_count(f.world->settlement->keys) < count) {
        id[1]++;
        add_key(&f, 1, id);
        assert_int_equal(f.world->status, STATUS_OK);
    }
    return f;
}

static void assert_no_place(struct fixture *f)
{
    const struct key_created_event created = created_now(f);
    create_with(f, &created);
    assert_differs(f, "place of a key");
}

/* Whatever the engine says: an account has one key where half is taken, none where the operators' eighth begins, and in a
 * place of its own as many as before. */
TEST(key_change, an_account_takes_no_more_than_its_share)
{
    struct fixture f = setup_full(PARAMS_RULES_KEYS, 10);
    for (int i = 0; i < 14; i++)
        (void)create(&f);
    assert_no_place(&f);

    f = setup_full(PARAMS_RULES_SHARES, 8);
    for (int i = 0; i < 3; i++)
        (void)create(&f);
    assert_no_place(&f);

    f = setup_full(PARAMS_RULES_SHARES, 11);
    (void)create(&f);
    assert_no_place(&f);

    f = setup_full(PARAMS_RULES_SHARES, 20);
    const hash_t gone = create(&f);
    remove_key(&f, &gone);
    create_in_place_of(&f, &gone);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    teardown(&f);

    f = setup_full(PARAMS_RULES_SHARES, 21);
    assert_no_place(&f);
    f = setup_full(PARAMS_RULES_SHARES, 24);
    teardown(&f);
}

/* Nor a key that signs as the owner does, whatever it may. */
TEST(key_change, a_key_that_signs_changes_no_keys)
{
    struct fixture f = setup();
    const uint8_t seed[32] = {9};
    uint8_t public_key[PUBLIC_KEY_BYTES], secret[SECRET_KEY_BYTES], payload[256];
    char text[256], hex[65];
    crypto_sign_seed_keypair(public_key, secret, seed);
    add_key(&f, f.account, public_key);
    struct key_remove_command ask = {.time_ns = ++f.time_ms * 1000000, .account = f.account};
    memcpy(ask.key_id, public_key, sizeof(ask.key_id));
    hash_hex(public_key, 32, hex);
    key_remove_command_put(payload, &ask);
    snprintf(text, sizeof(text), "action=key-remove&keyId=%s", hex);
    signed_by(&f, public_key, secret, T_KEY_REMOVE, payload, text);
    assert_differs(&f, "kind of authentication");
}

static void book_follows(struct fixture *f)
{
    struct applied record;
    while (applied_next(&f->at, f->world->body + f->world->body_bytes, &record)) {
        const uint8_t *at = record.events, *const end = at + record.events_length;
        struct event event;
        while (event_next(&at, end, &event))
            assert_true(mandate_book_apply(f->book, &event));
    }
}

static const char *book_says(struct fixture *f, const hash_t *id)
{
    uint8_t bytes[COMMAND_HEADER_BYTES + CANCEL_ALL_BYTES + 32];
    struct command command;
    struct authority_signature by;
    const struct command_header header = {.length = sizeof(bytes),
                                          .type = T_CANCEL_ALL,
                                          .origin = 1,
                                          .auth_kind = AUTH_HMAC,
                                          .auth_length = 32};
    command_header_put(bytes, &header);
    cancel_all_command_put(bytes + COMMAND_HEADER_BYTES,
                           &(struct cancel_all_command){.account = f->account});
    memcpy(bytes + COMMAND_HEADER_BYTES + CANCEL_ALL_BYTES, id->bytes, 32);
    assert_true(command_decode(bytes, sizeof(bytes), &command));
    return mandate_book_objection(f->book, &command, &by);
}

/* A leader takes what a removed key signed: its sender need not have known, and the engine refuses it. */
TEST(key_change, a_leader_takes_what_is_under_way)
{
    struct fixture f = setup();
    const hash_t id = create(&f);
    book_follows(&f);
    assert_null(book_says(&f, &id));
    remove_key(&f, &id);
    book_follows(&f);
    assert_null(book_says(&f, &id));
    const hash_t nobodys = {.bytes = {1}};
    assert_string_equal(book_says(&f, &nobodys), "key");
    assert_true(mandate_book_concerns(T_KEY_CREATE) && mandate_book_concerns(T_KEY_LIMIT) &&
                mandate_book_concerns(T_KEY_REMOVE));

    /* A book that begins now knows it too. */
    arena_unmap(&f.arena);
    assert_true(arena_map(&f.arena, mandate_book_bytes(&f.world->genesis)));
    f.book = mandate_book_new(&f.arena, &f.world->genesis);
    mandate_book_copy(f.book, f.world->settlement);
    assert_null(book_says(&f, &id));
    teardown(&f);
}

/* But nothing by an id of no key: one may be made with it before the command has its turn, and whether that one signed it
 * nobody could have looked at. */
TEST(key_change, a_leader_takes_nothing_of_nobody)
{
    struct fixture f = setup();
    const hash_t gone = key_that_is_gone(&f);
    book_follows(&f);
    assert_string_equal(book_says(&f, &gone), "key");
    cancel_all_by(&f, &gone, T_REFUSED);
    assert_int_equal(f.world->status, STATUS_OK);
    teardown(&f);
}

/* From rules 8 on such a command is void once the log is well above its deadline, and no other. */
TEST(key_change, a_leader_knows_when_what_nobody_gave_is_void)
{
    struct fixture f = setup();
    const hash_t known = create(&f), nobodys = {.bytes = {1}};
    uint8_t bytes[COMMAND_HEADER_BYTES + WITHDRAW_BYTES + 32] = {0};
    const uint64_t deadline_ns = UINT64_C(1000000000000);
    struct command command;
    for (uint32_t rules = PARAMS_RULES_LATE - 1; rules <= PARAMS_RULES_LATE; rules++) {
        world_rules(f.world, rules);
        book_follows(&f);
        for (int i = 0; i < 4; i++) {
            const bool withdraws = i == 2; /* which no HMAC key may */
            const size_t payload_bytes = withdraws ? WITHDRAW_BYTES : CANCEL_ALL_BYTES;
            const struct command_header header = {
                .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes + 32),
                .type = withdraws ? T_WITHDRAW : T_CANCEL_ALL,
                .origin = 1,
                .auth_kind = AUTH_HMAC,
                .auth_length = 32,
                .deadline_ns = deadline_ns};
            uint8_t *payload = bytes + COMMAND_HEADER_BYTES;
            const uint32_t account = i == 3 ? UINT32_MAX : f.account;
            command_header_put(bytes, &header);
            if (withdraws)
                withdraw_command_put(payload, &(struct withdraw_command){.account = account});
            else
                cancel_all_command_put(payload, &(struct cancel_all_command){.account = account});
            memcpy(payload + payload_bytes, i == 1 ? known.bytes : nobodys.bytes, 32);
            assert_true(command_decode(bytes, header.length, &command));
            uint64_t stands_ns;
            const bool is_void = i == 0 && rules == PARAMS_RULES_LATE;
            const uint64_t late_ns = deadline_ns + 2000000000, clock_ns = deadline_ns;
            assert_int_equal(mandate_book_late(f.book, &command, late_ns + 1, clock_ns, &stands_ns),
                             is_void);
            assert_int_equal(stands_ns, 0);
            assert_false(mandate_book_late(f.book, &command, late_ns, clock_ns, &stands_ns));
            assert_int_equal(stands_ns, is_void ? late_ns : 0);
        }
    }
    teardown(&f);
}

/* A restored settlement has the same of every key, and refuses what no key can have. */
TEST(key_change, a_snapshot_has_what_is_known_of_keys)
{
    struct fixture f = setup();
    const hash_t first = create(&f), second = create(&f);
    remove_key(&f, &second);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    snapshots_restart(f.world);
    const struct keyring *keys = f.world->settlement->keys;
    const struct key_added_event *key = keyring_find(keys, first.bytes);
    assert_int_equal(keyring_right_of(keys, key)->ips.count, 1);
    assert_int_equal(keyring_time(keys, f.account), f.time_ms * 1000000);
    assert_int_equal(keyring_count_of(keys, f.account), 2);
    cancel_all_by(&f, &first, 0);
    cancel_all_by(&f, &second, T_REFUSED);
    assert_int_equal(world_seal(f.world), STATUS_OK);

    const struct snapshot_bytes snapshot = snapshots_of(f.world->settlement, &f.world->genesis);
    static const struct {
        enum settled_section section;
        uint32_t index, offset;
        uint8_t value;
    } lies[] = {
        {SETTLED_KEY_RIGHTS, 4, 8, 2},    /* more than known */
        {SETTLED_KEY_RIGHTS, 4, 9, 9},    /* more networks than there is room for */
        {SETTLED_KEY_RIGHTS, 4, 23, 1},   /* a bit that does not count */
        {SETTLED_KEY_RIGHTS, 4, 7, 0x7f}, /* removed in time to come */
        {SETTLED_KEY_RIGHTS, 4, 0, 1},    /* removed, and may trade */
        {SETTLED_KEY_TIMES, 0, 8, 200},   /* of nobody */
        {SETTLED_KEY_TIMES, 0, 8, 0},
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t *at = snapshots_record(&snapshot, lies[i].section, lies[i].index) + lies[i].offset;
        const uint8_t was = *at;
        struct settlement *settlement;
        struct arena arena;
        *at = lies[i].value;
        snapshots_rehash(&snapshot);
        if (snapshots_restore(&arena, &f.world->genesis, &snapshot, &settlement) !=
            STATUS_MALFORMED)
            fail_msg("lie %zu is believed", i);
        *at = was;
    }
    free(snapshot.bytes);
    teardown(&f);
}
