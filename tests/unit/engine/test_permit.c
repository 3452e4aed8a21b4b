#include "engine/permit.h"

#include "common/ip_list.h"
#include "common/key_rights.h"
#include "common/share.h"
#include "tests/harness.h"
#include "tests/unit/engine/snapshots.h"

#define SECOND UINT64_C(1000000000)

/* Two accounts with public keys, under these rules; account 1 may place orders. */
static struct world world;

static void open_under(uint32_t rules)
{
    assert_true(hash_start());
    world_prepare(&world);
    world.genesis.params.rules = rules;
    world.genesis.params.gateway_secret_version = 1;
    world.genesis.params.keys_max = 40;
    world_open(&world);
    world.stamp_ns = 1000 * SECOND;
    for (uint8_t i = 1; i <= 2; i++) {
        const struct account_create_command create = {.nonce = ++world.nonce, .public_key = {i}};
        assert_int_equal(world_account_create(&world, create), 0);
        assert_int_equal(world_credit(&world, (struct credit_command){.nonce = ++world.nonce,
                                                                      .account = i,
                                                                      .asset = USD,
                                                                      .amount = {1000}}),
                         0);
    }
}

/* A key with an HMAC secret, asked for now; its id. */
static hash_t make_key(uint32_t account, uint16_t permissions, unsigned reject)
{
    const uint8_t owner[PUBLIC_KEY_BYTES] = {(uint8_t)account};
    const struct key_create_command create = {.time_ns = ++world.stamp_ns,
                                              .account = account,
                                              .permissions = permissions,
                                              .secret_version = 1};
    assert_int_equal(world_key_create(&world, create), reject);
    return key_rights_id(owner, create.time_ns);
}

static unsigned remove_key(uint32_t account, const hash_t *id)
{
    struct key_remove_command ask = {.time_ns = ++world.stamp_ns, .account = account};
    memcpy(ask.key_id, id->bytes, sizeof(ask.key_id));
    return world_key_remove(&world, ask);
}

static unsigned limit_key(uint32_t account, const hash_t *id, uint16_t permissions)
{
    struct key_limit_command ask = {
        .time_ns = ++world.stamp_ns, .account = account, .permissions = permissions};
    memcpy(ask.key_id, id->bytes, sizeof(ask.key_id));
    return world_key_limit(&world, ask);
}

/* A command of account 1 that comes by this key, or says so. */
static unsigned by_kind(uint16_t type, const uint8_t *payload, enum auth_kind kind,
                        const uint8_t *id)
{
    struct command command = {.payload = payload, .auth = id};
    command.header.type = type;
    command.header.auth_kind = (uint16_t)kind;
    command.header.auth_length = 32;
    world.out = (struct event_writer){.at = world.events.bytes,
                                      .end = world.events.bytes + world.events.capacity};
    match_step(world.engine, &command, ++world.number, ++world.stamp_ns, &world.out);
    return world_reject(&world);
}

static unsigned by_key(uint16_t type, const uint8_t *payload, const uint8_t *id)
{
    return by_kind(type, payload, AUTH_HMAC, id);
}

static unsigned place_by(const hash_t *id)
{
    uint8_t payload[ORDER_PLACE_BYTES];
    const struct order_place_command place = world_limit(1, BUY, 1, 10);
    order_place_command_put(payload, &place);
    return by_key(T_ORDER_PLACE, payload, id->bytes);
}

/* A key may what its account says, from the command on with which it says so, and nothing once it is removed. */
TEST(permit, a_key_may_what_its_account_says)
{
    open_under(PARAMS_RULES_KEYS);
    const hash_t key = make_key(1, KEY_READ | KEY_TRADE, 0);
    struct event event;
    struct key_created_event created;
    assert_true(world_event(&world, 0, &event) && event.type == T_KEY_CREATED);
    key_created_event_get(event.payload, &created);
    assert_memory_equal(created.key_id, key.bytes, 32);
    assert_int_equal(place_by(&key), 0);
    assert_int_equal(limit_key(1, &key, KEY_READ), 0);
    assert_int_equal(place_by(&key), REJECT_KEY_PERMISSION);
    assert_int_equal(limit_key(1, &key, KEY_TRADE), 0);
    assert_int_equal(place_by(&key), 0);
    assert_int_equal(remove_key(1, &key), 0);
    assert_int_equal(world_events_of(&world, T_KEY_REMOVED), 1);
    assert_int_equal(place_by(&key), REJECT_KEY_PERMISSION);
    assert_int_equal(remove_key(1, &key), REJECT_UNKNOWN_KEY);
    assert_int_equal(limit_key(1, &key, KEY_TRADE), REJECT_UNKNOWN_KEY);
    world_close(&world);
}

/* A key without WITHDRAW takes nothing out; the end of a session, which cancels, a gateway may say by any key. */
TEST(permit, what_a_command_needs_is_looked_at)
{
    open_under(PARAMS_RULES_KEYS);
    const hash_t key = make_key(1, KEY_TRADE, 0);
    uint8_t payload[256];
    withdraw_command_put(payload, &(struct withdraw_command){.account = 1});
    assert_int_equal(by_key(T_WITHDRAW, payload, key.bytes), REJECT_KEY_PERMISSION);
    assert_int_equal(remove_key(1, &key), 0);
    session_end_command_put(payload, &(struct session_end_command){.account = 1, .session = 1});
    assert_int_equal(by_key(T_SESSION_END, payload, key.bytes), 0);
    world_close(&world);
}

/* What comes by no key is refused, but by the account's own, which signs; that a session is over any gateway says. */
TEST(permit, who_is_nobody_may_nothing)
{
    open_under(PARAMS_RULES_KEYS - 1);
    const uint8_t nobody[32] = {9}, owner[32] = {1}, another[32] = {2};
    uint8_t payload[256];
    struct order_place_command place = world_limit(1, BUY, 1, 10);
    order_place_command_put(payload, &place);
    assert_int_equal(by_key(T_ORDER_PLACE, payload, nobody), 0);
    const struct rules_set_command rules = {.nonce = ++world.nonce, .rules = PARAMS_RULES_KEYS};
    assert_int_equal(world_rules_set(&world, rules), 0);
    assert_int_equal(by_key(T_ORDER_PLACE, payload, nobody), REJECT_KEY_PERMISSION);
    assert_int_equal(by_key(T_ORDER_PLACE, payload, owner), REJECT_KEY_PERMISSION);
    assert_int_equal(by_kind(T_ORDER_PLACE, payload, AUTH_ED25519, nobody), REJECT_KEY_PERMISSION);
    assert_int_equal(by_kind(T_ORDER_PLACE, payload, AUTH_ED25519, another), REJECT_KEY_PERMISSION);
    assert_int_equal(by_kind(T_ORDER_PLACE, payload, AUTH_ED25519, owner), 0);
    place.account = UINT32_MAX;
    order_place_command_put(payload, &place);
    assert_int_equal(by_kind(T_ORDER_PLACE, payload, AUTH_ED25519, owner), REJECT_KEY_PERMISSION);
    session_end_command_put(payload, &(struct session_end_command){.account = 1, .session = 1});
    assert_int_equal(by_key(T_SESSION_END, payload, nobody), 0);
    world_close(&world);
}

/* The key of another account is nobody's to change, and neither is one at a time that is not later than the last. */
TEST(permit, only_the_account_itself_and_only_later)
{
    open_under(PARAMS_RULES_KEYS);
    const hash_t key = make_key(1, KEY_TRADE, 0);
    assert_int_equal(remove_key(2, &key), REJECT_UNKNOWN_KEY);
    assert_int_equal(limit_key(2, &key, KEY_READ), REJECT_UNKNOWN_KEY);
    assert_int_equal(place_by(&key), 0);

    struct key_create_command again = {.account = 1, .permissions = 2, .secret_version = 1};
    again.time_ns = world.engine->keys.owners[1].last_ns;
    assert_int_equal(world_key_create(&world, again), REJECT_KEY_TIME);
    again.time_ns = world.stamp_ns + KEY_AHEAD_NS + 1;
    assert_int_equal(world_key_create(&world, again), REJECT_KEY_TIME);
    again.time_ns--;
    assert_int_equal(world_key_create(&world, again), 0);
    again.account = 3;
    assert_int_equal(world_key_create(&world, again), REJECT_UNKNOWN_ACCOUNT);
    world_close(&world);
}

/* What no key may be: nothing at all, more than there is, both kinds or none, HMAC that withdraws, a network with too many
 * bits, a secret of another version. */
TEST(permit, only_whole_keys_are_made)
{
    open_under(PARAMS_RULES_KEYS);
    const struct key_create_command bad[] = {
        {.permissions = 0, .secret_version = 1},
        {.permissions = 8, .secret_version = 1},
        {.permissions = KEY_TRADE, .secret_version = 1, .public_key = {1}},
        {.permissions = KEY_TRADE},
        {.permissions = KEY_WITHDRAW, .secret_version = 1},
        {.permissions = KEY_TRADE, .secret_version = 2},
        {.permissions = KEY_TRADE, .secret_version = 1, .ip_count = 9},
        {.permissions = KEY_TRADE, .secret_version = 1, .ip_count = 1, .ips = {[16] = 129}},
        {.permissions = KEY_TRADE, .secret_version = 1, .ip_count = 1, .ips = {[15] = 1}},
        {.permissions = KEY_TRADE, .secret_version = 1, .ips = {[16] = 1}},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct key_create_command ask = bad[i];
        ask.account = 1;
        ask.time_ns = ++world.stamp_ns;
        assert_int_equal(world_key_create(&world, ask), REJECT_KEY_SPEC);
    }
    struct key_create_command good = {.time_ns = ++world.stamp_ns,
                                      .account = 1,
                                      .permissions = KEY_PERMISSIONS,
                                      .public_key = {1},
                                      .ip_count = 1,
                                      .ips = {[15] = 1, [16] = 128}};
    assert_int_equal(world_key_create(&world, good), 0);
    world_close(&world);
}

/* An account has at most so many; the place of one that was removed is free after a while, the oldest first. */
TEST(permit, places_are_bounded_and_used_again)
{
    open_under(PARAMS_RULES_KEYS);
    hash_t keys[KEYS_OF_ACCOUNT_MAX];
    for (int i = 0; i < KEYS_OF_ACCOUNT_MAX; i++)
        keys[i] = make_key(1, KEY_TRADE, 0);
    (void)make_key(1, KEY_TRADE, REJECT_ACCOUNT_KEYS);
    assert_int_equal(remove_key(1, &keys[7]), 0);
    const uint64_t first_ns = world.stamp_ns;
    assert_int_equal(remove_key(1, &keys[3]), 0);
    world.stamp_ns = first_ns + KEY_LINGER_NS - 2;
    (void)make_key(1, KEY_TRADE, REJECT_ACCOUNT_KEYS);
    assert_int_equal(place_by(&keys[7]), REJECT_KEY_PERMISSION);
    world.stamp_ns = first_ns + KEY_LINGER_NS - 1;
    (void)make_key(1, KEY_TRADE, 0);
    struct event event;
    struct key_created_event created;
    assert_true(world_event(&world, 0, &event));
    key_created_event_get(event.payload, &created);
    assert_int_equal(created.replaces, 1);
    assert_memory_equal(created.replaced_id, keys[7].bytes, 32);
    assert_int_equal(place_by(&keys[7]), REJECT_KEY_PERMISSION);
    (void)make_key(1, KEY_TRADE, 0); /* the place of keys[3] */
    (void)make_key(1, KEY_TRADE, REJECT_ACCOUNT_KEYS);
    assert_true(keys_check(&world.engine->keys));
    /* Another's account is not full, until the exchange is. */
    for (uint32_t i = KEYS_OF_ACCOUNT_MAX; i < 40; i++)
        (void)make_key(2, KEY_TRADE, 0);
    (void)make_key(2, KEY_TRADE, REJECT_KEYS_FULL);
    world_close(&world);
}

/* Who changes keys for ever takes no place of another's. */
TEST(permit, a_place_given_back_is_taken_first)
{
    open_under(PARAMS_RULES_KEYS);
    for (int i = 0; i < 50; i++) {
        const hash_t key = make_key(1, KEY_TRADE, 0);
        assert_int_equal(remove_key(1, &key), 0);
        world.stamp_ns += KEY_LINGER_NS;
    }
    assert_int_equal(world.engine->keys.count, 1);
    (void)make_key(2, KEY_TRADE, 0); /* not in the place of another's */
    assert_int_equal(world.engine->keys.count, 2);
    (void)make_key(1, KEY_TRADE, 0);
    (void)make_key(1, KEY_TRADE, 0);
    assert_int_equal(world.engine->keys.count, 3);
    assert_true(keys_check(&world.engine->keys));
    world_close(&world);
}

/* A command about keys with this text, at the world's stamp. */
static unsigned by_text(uint16_t type, const uint8_t *payload, const char *text)
{
    uint8_t auth[PUBLIC_KEY_BYTES + SIGNATURE_BYTES + 256] = {1};
    memcpy(auth + PUBLIC_KEY_BYTES + SIGNATURE_BYTES, text, strlen(text));
    struct command command = {.payload = payload, .auth = auth};
    command.header.type = type;
    command.header.auth_kind = AUTH_ED25519;
    command.header.auth_length = (uint16_t)(PUBLIC_KEY_BYTES + SIGNATURE_BYTES + strlen(text));
    world.out = (struct event_writer){.at = world.events.bytes,
                                      .end = world.events.bytes + world.events.capacity};
    match_step(world.engine, &command, ++world.number, world.stamp_ns, &world.out);
    return world_reject(&world);
}

/* KEY_REMOVE of a key of account 1. */
static unsigned remove_by(const hash_t *id, const char *text)
{
    uint8_t payload[KEY_REMOVE_BYTES];
    struct key_remove_command ask = {.time_ns = ++world.stamp_ns, .account = 1};
    memcpy(ask.key_id, id->bytes, sizeof(ask.key_id));
    key_remove_command_put(payload, &ask);
    return by_text(T_KEY_REMOVE, payload, text);
}

/* What was signed for another exchange, or for none, changes nothing here: from rules 8 on. */
TEST(permit, what_is_about_keys_names_the_chain)
{
    char text[128] = "timestamp=7&chainId=";
    open_under(PARAMS_RULES_CHAIN - 1);
    hash_hex(genesis_chain_id(&world.genesis).bytes, HASH_BYTES, text + strlen(text));
    const hash_t one = make_key(1, KEY_TRADE, 0), two = make_key(1, KEY_TRADE, 0);
    assert_int_equal(remove_by(&one, "timestamp=7"), 0);
    const struct rules_set_command rules = {.nonce = ++world.nonce, .rules = PARAMS_RULES_CHAIN};
    assert_int_equal(world_rules_set(&world, rules), 0);
    assert_int_equal(remove_by(&two, "timestamp=7"), REJECT_OTHER_CHAIN);
    (void)make_key(1, KEY_TRADE, REJECT_OTHER_CHAIN); /* without any text */
    assert_int_equal(limit_key(1, &two, KEY_READ), REJECT_OTHER_CHAIN);
    text[strlen(text) - 1] ^= 1;
    assert_int_equal(remove_by(&two, text), REJECT_OTHER_CHAIN);
    text[strlen(text) - 1] ^= 1;
    assert_int_equal(place_by(&two), 0);
    assert_int_equal(remove_by(&two, text), 0);
    assert_int_equal(place_by(&two), REJECT_KEY_PERMISSION);
    world_close(&world);
}

/* KEY_CREATE with a text that names this chain. */
static unsigned create_here(uint32_t account)
{
    uint8_t payload[KEY_CREATE_BYTES];
    char text[128] = "chainId=";
    hash_hex(genesis_chain_id(&world.genesis).bytes, HASH_BYTES, text + strlen(text));
    key_create_command_put(payload, &(struct key_create_command){.time_ns = ++world.stamp_ns,
                                                                 .account = account,
                                                                 .permissions = KEY_TRADE,
                                                                 .secret_version = 1});
    return by_text(T_KEY_CREATE, payload, text);
}

/* Operators' keys, until there are so many. */
static void add_keys(uint32_t count)
{
    struct key_add_command add = {.account = 2, .permissions = KEY_READ, .key_id = {0xee}};
    while (world.engine->keys.count < count) {
        add.nonce = ++world.nonce;
        add.key_id[1] = (uint8_t)world.engine->keys.count;
        assert_int_equal(world_key_add(&world, add), 0);
    }
}

/* Of 40 keys accounts make 35: the first 18 are for who comes first, of the others each account has one, and five are operators'.
 * A place of its own an account always has again. */
TEST(permit, nobody_uses_up_the_keys_of_all)
{
    open_under(PARAMS_RULES_SHARES);
    for (uint32_t i = 0; i < 18; i++)
        assert_int_equal(create_here(1), 0);
    struct event event;
    struct key_created_event created;
    assert_true(world_event(&world, 0, &event));
    key_created_event_get(event.payload, &created);
    assert_int_equal(create_here(1), REJECT_KEYS_FULL);
    assert_int_equal(create_here(2), 0);
    assert_int_equal(create_here(2), REJECT_KEYS_FULL);
    add_keys(34);
    const struct account_create_command third = {.nonce = ++world.nonce, .public_key = {3}};
    const struct account_create_command fourth = {.nonce = ++world.nonce, .public_key = {4}};
    assert_int_equal(world_account_create(&world, third), 0);
    assert_int_equal(world_account_create(&world, fourth), 0);
    assert_int_equal(create_here(3), 0);
    assert_int_equal(create_here(4), REJECT_KEYS_FULL);
    add_keys(40);

    char text[128] = "chainId=";
    hash_t last;
    memcpy(last.bytes, created.key_id, sizeof(last.bytes));
    hash_hex(genesis_chain_id(&world.genesis).bytes, HASH_BYTES, text + strlen(text));
    assert_int_equal(remove_by(&last, text), 0);
    world.stamp_ns += KEY_LINGER_NS;
    assert_int_equal(create_here(1), 0);
    assert_int_equal(create_here(1), REJECT_KEYS_FULL);
    world_close(&world);
}

/* Below rules 7 nothing of it is there, and a key that was added then is one of which the engine knows nothing, until its
 * account says something of it. */
TEST(permit, older_keys_are_as_they_were)
{
    open_under(PARAMS_RULES_KEYS - 1);
    const struct key_add_command add = {
        .nonce = ++world.nonce, .account = 1, .permissions = KEY_READ, .key_id = {9}};
    assert_int_equal(world_key_add(&world, add), 0);
    (void)make_key(1, KEY_TRADE, REJECT_RULES);
    hash_t old = {.bytes = {9}};
    assert_int_equal(remove_key(1, &old), REJECT_RULES);
    assert_int_equal(place_by(&old), 0);
    const struct rules_set_command rules = {.nonce = ++world.nonce, .rules = PARAMS_RULES_KEYS};
    assert_int_equal(world_rules_set(&world, rules), 0);
    assert_int_equal(place_by(&old), 0);
    assert_int_equal(limit_key(1, &old, KEY_READ), 0);
    assert_int_equal(place_by(&old), REJECT_KEY_PERMISSION);
    assert_int_equal(remove_key(2, &old), REJECT_UNKNOWN_KEY);
    assert_int_equal(remove_key(1, &old), 0);
    /* An operator's, from now on, is known at once. */
    const struct key_add_command later = {
        .nonce = ++world.nonce, .account = 1, .permissions = KEY_READ, .key_id = {8}};
    assert_int_equal(world_key_add(&world, later), 0);
    const hash_t known = {.bytes = {8}};
    assert_int_equal(place_by(&known), REJECT_KEY_PERMISSION);
    world_close(&world);
}

/* A frozen account takes its keys away, and gets no new right. */
TEST(permit, a_frozen_account_only_removes)
{
    open_under(PARAMS_RULES_KEYS);
    const hash_t key = make_key(1, KEY_TRADE, 0);
    const struct account_freeze_command freeze = {
        .nonce = ++world.nonce, .account = 1, .frozen = 1};
    assert_int_equal(world_account_freeze(&world, freeze), 0);
    (void)make_key(1, KEY_TRADE, REJECT_ACCOUNT_FROZEN);
    assert_int_equal(limit_key(1, &key, KEY_READ), REJECT_ACCOUNT_FROZEN);
    assert_int_equal(remove_key(1, &key), 0);
    world_close(&world);
}

/* What a snapshot has of keys is what the engine goes on with: the same refusals, the same places. */
TEST(permit, a_restored_engine_knows_the_same)
{
    open_under(PARAMS_RULES_KEYS - 1);
    const struct key_add_command add = {.nonce = ++world.nonce, .account = 1, .key_id = {9}};
    assert_int_equal(world_key_add(&world, add), 0);
    const struct rules_set_command rules = {.nonce = ++world.nonce, .rules = PARAMS_RULES_KEYS};
    assert_int_equal(world_rules_set(&world, rules), 0);
    const hash_t narrow = make_key(1, KEY_READ, 0), wide = make_key(1, KEY_TRADE, 0);
    const hash_t gone = make_key(2, KEY_TRADE, 0);
    assert_int_equal(remove_key(2, &gone), 0);

    struct snapshot_bytes snapshot = snapshots_of(world.engine, &world.genesis);
    assert_int_equal(snapshots_count(&snapshot, SNAPSHOT_KEY_RIGHTS), 4);
    assert_int_equal(snapshots_count(&snapshot, SNAPSHOT_KEY_TIMES), 2);
    struct world twin = world;
    assert_int_equal(snapshots_restore(&twin, &snapshot), STATUS_OK);
    const struct snapshot_bytes again = snapshots_of(twin.engine, &world.genesis);
    assert_int_equal(again.count, snapshot.count);
    assert_memory_equal(again.bytes, snapshot.bytes, snapshot.count);
    world_close(&world);
    world = twin;
    assert_int_equal(place_by(&narrow), REJECT_KEY_PERMISSION);
    assert_int_equal(place_by(&wide), 0);
    assert_int_equal(place_by(&gone), REJECT_KEY_PERMISSION);
    struct key_create_command late = {.account = 2, .permissions = 2, .secret_version = 1};
    late.time_ns = world.engine->keys.owners[2].last_ns;
    assert_true(late.time_ns > 0);
    assert_int_equal(world_key_create(&world, late), REJECT_KEY_TIME);
    assert_true(keys_check(&world.engine->keys));
    world_close(&world);

    /* What cannot be is not restored. */
    static const struct {
        enum snapshot_section section;
        uint32_t index, offset;
        uint8_t value;
    } lies[] = {
        {SNAPSHOT_KEY_RIGHTS, 0, 12, 1},   /* a right without an account */
        {SNAPSHOT_KEY_RIGHTS, 1, 8, 200},  /* of an account that is not there */
        {SNAPSHOT_KEY_RIGHTS, 3, 12, 2},   /* removed, with a permission */
        {SNAPSHOT_KEY_RIGHTS, 3, 7, 0x7f}, /* in time to come */
        {SNAPSHOT_KEY_TIMES, 1, 8, 1},     /* out of order */
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t *at = snapshots_record(&snapshot, lies[i].section, lies[i].index) + lies[i].offset;
        const uint8_t was = *at;
        *at = lies[i].value;
        snapshots_rehash(&snapshot);
        assert_int_equal(snapshots_restore(&twin, &snapshot), STATUS_MALFORMED);
        *at = was;
    }
    free(snapshot.bytes);
    free(again.bytes);
}
