#include "settlement/opening.h"

#include "common/reject.h"
#include "settlement/mandate_book.h"
#include "tests/harness.h"
#include "tests/unit/settlement/agreement.h"
#include "tests/unit/settlement/snapshots.h"

#define HOUR_NS UINT64_C(3600000000000)

/* A world under rules 8, somebody with a key pair who has no account in it, and a leader's book. */
struct fixture {
    struct world *world;
    struct arena arena;
    struct mandate_book *book;
    uint8_t key[PUBLIC_KEY_BYTES], secret[SECRET_KEY_BYTES];
    uint8_t signer[PUBLIC_KEY_BYTES], chain[HASH_BYTES]; /* as the command has them */
    char text_key[65], text_chain[65];                   /* as the text has them */
    const char *action;
    uint64_t
        age_ms; /* how long before the command's stamp the text was signed; it is good for five seconds */
};

static void become(struct fixture *f, uint8_t number)
{
    const uint8_t seed[32] = {number};
    crypto_sign_seed_keypair(f->key, f->secret, seed);
    memcpy(f->signer, f->key, sizeof(f->signer));
    hash_hex(f->key, 32, f->text_key);
}

static void set_opening(struct fixture *f, uint32_t per_hour, uint8_t approval)
{
    struct world *world = f->world;
    uint8_t payload[256];
    char text[128];
    const struct opening_set_command set = {
        .nonce = ++world->nonce, .per_hour = per_hour, .approval = approval};
    opening_set_command_put(payload, &set);
    event_write_opening_changed(&world->out, &(struct opening_changed_event){per_hour, approval});
    snprintf(text, sizeof(text), "action=opening-set&perHour=%u&approval=%s", per_hour,
             approval != 0 ? "true" : "false");
    world_operate(world, T_OPENING_SET, payload, text);
}

static struct fixture setup(uint32_t per_hour, uint8_t approval)
{
    struct fixture f = {.world = world_new(), .action = "account-open"};
    assert_true(hash_start());
    assert_true(arena_map(&f.arena, mandate_book_bytes(&f.world->genesis)));
    world_rules(f.world, PARAMS_RULES_OPENING);
    set_opening(&f, per_hour, approval);
    assert_int_equal(f.world->status, STATUS_OK);
    f.book = mandate_book_new(&f.arena, &f.world->genesis);
    mandate_book_copy(f.book, f.world->settlement);
    const hash_t chain = genesis_chain_id(&f.world->genesis);
    memcpy(f.chain, chain.bytes, sizeof(f.chain));
    hash_hex(chain.bytes, 32, f.text_chain);
    become(&f, 1);
    return f;
}

static void teardown(struct fixture *f)
{
    arena_unmap(&f->arena);
    world_free(f->world);
}

/* The command, by whoever the fixture says, with its signature; returns how long that and the text are. */
static struct command_header ask(struct fixture *f, uint8_t payload[ACCOUNT_OPEN_BYTES],
                                 uint8_t auth[COMMAND_AUTH_MAX])
{
    struct account_open_command open;
    char *text = (char *)auth + 96;
    const uint64_t time_ms = f->world->stamp_ns / 1000000 - f->age_ms;
    memcpy(open.public_key, f->key, sizeof(open.public_key));
    memcpy(open.chain_id, f->chain, sizeof(open.chain_id));
    account_open_command_put(payload, &open);
    const int length =
        snprintf(text, COMMAND_AUTH_MAX - 96, "action=%s&publicKey=%s&chainId=%s&timestamp=%llu",
                 f->action, f->text_key, f->text_chain, (unsigned long long)time_ms);
    memcpy(auth, f->signer, 32);
    hash_sign(f->secret, text, (size_t)length, auth + 32);
    return (struct command_header){.type = T_ACCOUNT_OPEN,
                                   .origin = 1,
                                   .auth_kind = AUTH_ED25519,
                                   .auth_length = (uint16_t)(96 + length),
                                   .deadline_ns = (time_ms + 5000) * 1000000};
}

/* With these events. */
static void open_with(struct fixture *f, const struct account_created_event *created,
                      uint32_t pending)
{
    uint8_t payload[ACCOUNT_OPEN_BYTES], auth[COMMAND_AUTH_MAX];
    const struct command_header header = ask(f, payload, auth);
    event_write_account_created(&f->world->out, created);
    if (pending != 0)
        event_write_account_pending(&f->world->out, &(struct account_pending_event){pending, 1});
    world_apply(f->world, &header, payload, auth);
}

static struct account_created_event created_now(const struct fixture *f)
{
    struct account_created_event created = {.account = f->world->account_count + 1};
    memcpy(created.public_key, f->key, sizeof(created.public_key));
    return created;
}

/* As it should be; the new account. */
static uint32_t open_account(struct fixture *f)
{
    const struct account_created_event created = created_now(f);
    open_with(f, &created, f->world->settlement->params.open_approval ? created.account : 0);
    assert_int_equal(f->world->status, STATUS_OK);
    return ++f->world->account_count;
}

static void approve(struct fixture *f, uint32_t account, uint32_t told)
{
    struct world *world = f->world;
    uint8_t payload[256];
    char text[128];
    const struct account_approve_command ask = {.nonce = ++world->nonce, .account = account};
    account_approve_command_put(payload, &ask);
    event_write_account_pending(&world->out, &(struct account_pending_event){.account = told});
    snprintf(text, sizeof(text), "action=account-approve&account=%u", account);
    world_operate(world, T_ACCOUNT_APPROVE, payload, text);
}

static void assert_differs(struct fixture *f, const char *what)
{
    differ(f->world, what);
    teardown(f);
}

/* Who signs with a key has the next account, which is that key's, and it is in the state root. */
TEST(opening, an_account_is_the_keys_who_signed)
{
    struct fixture f = setup(5, 0);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    struct settle_roots before, after;
    settlement_roots(f.world->settlement, &before);
    const uint32_t account = open_account(&f);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    settlement_roots(f.world->settlement, &after);
    assert_false(hash_equal(before.state_root, after.state_root));
    const struct balance_owner *owner = balance_sheet_owner(f.world->settlement->accounts, account);
    assert_memory_equal(owner->public_key, f.key, sizeof(f.key));
    assert_false(owner->is_pending);
    teardown(&f);
}

/* What the engine makes of it is looked at again: its number, its tier, whose it is, and how many there were. */
TEST(opening, what_the_engine_says_is_looked_at)
{
    struct fixture f = setup(5, 0);
    struct account_created_event created = created_now(&f);
    created.account++;
    open_with(&f, &created, 0);
    assert_differs(&f, "account number");

    f = setup(5, 0);
    created = created_now(&f);
    created.tier = 1;
    open_with(&f, &created, 0);
    assert_differs(&f, "account number");

    f = setup(5, 0);
    created = created_now(&f);
    created.public_key[0] ^= 1;
    open_with(&f, &created, 0);
    assert_differs(&f, "owner's public key");

    f = setup(0, 0);
    created = created_now(&f);
    open_with(&f, &created, 0);
    assert_differs(&f, "accounts that open themselves");

    f = setup(1, 0);
    (void)open_account(&f);
    become(&f, 2);
    f.world->stamp_ns += HOUR_NS; /* in another hour there may be one more, */
    (void)open_account(&f);
    become(&f, 3); /* and in the same there may not */
    created = created_now(&f);
    open_with(&f, &created, 0);
    assert_differs(&f, "accounts that open themselves");
}

/* A text opens nothing behind its deadline. */
TEST(opening, what_is_too_late_opens_nothing)
{
    struct fixture f = setup(5, 0);
    f.age_ms = 4000;
    (void)open_account(&f);
    become(&f, 2);
    f.age_ms = 6000;
    const struct account_created_event created = created_now(&f);
    open_with(&f, &created, 0);
    assert_differs(&f, "accounts that open themselves");
}

/* One in eight stays with operators. */
TEST(opening, strangers_do_not_take_all)
{
    struct fixture f = setup(10000, 0);
    const uint32_t accounts_max = f.world->genesis.params.accounts_max;
    while (f.world->account_count < accounts_max - accounts_max / 8) {
        become(&f, (uint8_t)f.world->account_count);
        (void)open_account(&f);
    }
    become(&f, 200);
    const struct account_created_event created = created_now(&f);
    open_with(&f, &created, 0);
    assert_differs(&f, "accounts that open themselves");
}

/* Where operators ask for it the account waits, and whatever comes of it is refused; then one approves of it. */
TEST(opening, who_waits_must_be_refused)
{
    struct fixture f = setup(5, 1);
    const uint32_t account = open_account(&f);
    assert_true(opening_waits(f.world->settlement, account));
    approve(&f, account, account);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    assert_false(opening_waits(f.world->settlement, account));
    approve(&f, account, account);
    assert_differs(&f, "approved account");

    f = setup(5, 1);
    struct account_created_event created = created_now(&f);
    open_with(&f, &created, 0);
    assert_differs(&f, "account that must wait");

    f = setup(5, 1);
    created = created_now(&f);
    open_with(&f, &created, created.account - 1);
    assert_differs(&f, "account that waits");

    f = setup(5, 0);
    created = created_now(&f);
    open_with(&f, &created, created.account);
    assert_differs(&f, "account that waits");

    f = setup(5, 1);
    const uint32_t waiting = open_account(&f);
    approve(&f, waiting, waiting - 1);
    assert_differs(&f, "approved account");
}

/* A command of the account by its own key. */
static void cancel_all(struct fixture *f, uint32_t account, bool is_refused)
{
    uint8_t payload[256], auth[COMMAND_AUTH_MAX];
    char *text = (char *)auth + 96;
    const uint64_t time_ms = f->world->stamp_ns / 1000000;
    cancel_all_command_put(payload, &(struct cancel_all_command){.account = account});
    const int length =
        snprintf(text, 200, "symbol=BTCUSDT&timestamp=%llu", (unsigned long long)time_ms);
    memcpy(auth, f->key, 32);
    hash_sign(f->secret, text, (size_t)length, auth + 32);
    if (is_refused)
        event_write_refused(&f->world->out, &(struct refused_event){REJECT_ACCOUNT_PENDING});
    const struct command_header header = {.type = T_CANCEL_ALL,
                                          .origin = 1,
                                          .auth_kind = AUTH_ED25519,
                                          .auth_length = (uint16_t)(96 + length),
                                          .deadline_ns = (time_ms + 5000) * 1000000};
    world_apply(f->world, &header, payload, auth);
}

TEST(opening, an_account_that_waits_does_nothing)
{
    struct fixture f = setup(5, 1);
    const uint32_t account = open_account(&f);
    cancel_all(&f, account, true);
    approve(&f, account, account);
    cancel_all(&f, account, false);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    teardown(&f);

    f = setup(5, 1);
    cancel_all(&f, open_account(&f), false);
    assert_differs(&f, "refusal of a key that may not");
}

/* Says what a leader's book and settlement object to; both to the same. */
static void assert_objected(struct fixture *f, const char *what)
{
    uint8_t payload[ACCOUNT_OPEN_BYTES], auth[COMMAND_AUTH_MAX];
    const struct command_header header = ask(f, payload, auth);
    const struct command command = {.header = header, .payload = payload, .auth = auth};
    struct authority_signature by;
    const char *objection = mandate_book_objection(f->book, &command, &by);
    if (objection == NULL && !hash_verify(by.public_key, by.text, by.text_bytes, by.signature))
        objection = "signature";
    assert_non_null(objection);
    assert_string_equal(objection, what);
    const struct account_created_event created = created_now(f);
    open_with(f, &created, 0);
    assert_differs(f, what);
}

/* Neither a leader nor settlement takes what was signed for another exchange, by another key or for another. */
TEST(opening, nothing_but_the_keys_own_signature_will_do)
{
    struct fixture f = setup(5, 0);
    f.chain[7] ^= 1; /* of another exchange, */
    hash_hex(f.chain, 32, f.text_chain);
    assert_objected(&f, "chain");
    f = setup(5, 0);
    hash_hex(f.key, 32, f.text_chain); /* whatever the command says */
    assert_objected(&f, "signed text");
    f = setup(5, 0);
    f.text_key[0] = f.text_key[0] == '0' ? '1' : '0';
    assert_objected(&f, "signed text");
    f = setup(5, 0);
    f.action = "account-opens";
    assert_objected(&f, "signed text");
    f = setup(5, 0);
    f.signer[3] ^= 1;
    assert_objected(&f, "key of a new account");
    f = setup(5, 0);
    f.secret[3] ^= 1;
    assert_objected(&f, "signature");
}

/* A key for which anybody can make signatures that hold for any text is nobody's: points of small order. */
TEST(opening, a_key_of_small_order_signs_nothing)
{
    static const uint8_t keys[][PUBLIC_KEY_BYTES] = {
        {0}, {1}, {[0] = 0xec, [1 ... 30] = 0xff, [31] = 0x7f}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct fixture f = setup(5, 0);
        memcpy(f.key, keys[i], sizeof(f.key));
        memcpy(f.signer, keys[i], sizeof(f.signer));
        hash_hex(f.key, 32, f.text_key);
        uint8_t payload[ACCOUNT_OPEN_BYTES], auth[COMMAND_AUTH_MAX];
        const struct command_header header = ask(&f, payload, auth);
        /* R the neutral point, S zero: S*B = R + h*A for A of order 1, and for one text in as many as its order. */
        memset(auth + 32, 0, 64);
        auth[32] = 1;
        const struct account_created_event created = created_now(&f);
        event_write_account_created(&f.world->out, &created);
        world_apply(f.world, &header, payload, auth);
        assert_differs(&f, "signature");
    }
}

/* A leader takes none before rules 8, and knows the new account and the parameters from the events. */
TEST(opening, a_leader_follows)
{
    struct fixture f = setup(5, 0);
    uint8_t payload[ACCOUNT_OPEN_BYTES], auth[COMMAND_AUTH_MAX], bytes[64];
    const struct command_header header = ask(&f, payload, auth);
    const struct command command = {.header = header, .payload = payload, .auth = auth};
    struct authority_signature by;
    assert_null(mandate_book_objection(f.book, &command, &by));
    assert_memory_equal(by.public_key, f.key, sizeof(f.key));
    assert_true(mandate_book_concerns(T_ACCOUNT_OPEN) && mandate_book_concerns(T_OPENING_SET));
    opening_changed_event_put(bytes, &(struct opening_changed_event){7, 1});
    const struct event changed = {
        .type = T_OPENING_CHANGED, .payload = bytes, .payload_length = OPENING_CHANGED_BYTES};
    assert_true(mandate_book_needs(T_OPENING_CHANGED) && mandate_book_apply(f.book, &changed));
    bytes[4] = 2; /* neither true nor false */
    assert_false(mandate_book_apply(f.book, &changed));
    teardown(&f);

    f = setup(5, 0);
    struct mandate_book *older =
        mandate_book_new(&(struct arena){.bytes = malloc(mandate_book_bytes(&f.world->genesis)),
                                         .capacity = mandate_book_bytes(&f.world->genesis)},
                         &f.world->genesis);
    assert_non_null(older);
    assert_string_equal(mandate_book_objection(older, &command, &by), "rules");
    free(older);
    teardown(&f);
}

/* Who waits, and how many there were in the hour, is in the snapshot; what cannot be is refused. */
TEST(opening, is_in_the_snapshot)
{
    static const struct {
        enum settled_section section;
        size_t offset;
        uint8_t value;
    } lies[] = {
        {SETTLED_OPENINGS, 3, 0x7f}, /* an hour to come */
        {SETTLED_OPENINGS, 5, 9},    /* more than there are accounts */
        {SETTLED_OPENINGS, 4, 0},    /* none, and an hour */
    };
    struct fixture f = setup(2, 1);
    const uint32_t one = open_account(&f);
    become(&f, 2);
    const uint32_t two = open_account(&f);
    approve(&f, one, one);
    assert_int_equal(world_seal(f.world), STATUS_OK);
    snapshots_restart(f.world);
    assert_false(opening_waits(f.world->settlement, one));
    assert_true(opening_waits(f.world->settlement, two));

    struct snapshot_bytes snapshot = snapshots_of(f.world->settlement, &f.world->genesis);
    struct settlement *settlement;
    struct arena arena;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t *at = snapshots_record(&snapshot, lies[i].section, 0) + lies[i].offset;
        const uint8_t kept = *at;
        *at = lies[i].value;
        snapshots_rehash(&snapshot);
        assert_int_equal(snapshots_restore(&arena, &f.world->genesis, &snapshot, &settlement),
                         STATUS_MALFORMED);
        *at = kept;
    }
    free(snapshot.bytes);
    become(&f, 3); /* the hour has had its two */
    const struct account_created_event created = created_now(&f);
    open_with(&f, &created, created.account);
    assert_differs(&f, "accounts that open themselves");
}
