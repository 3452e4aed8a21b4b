#include "engine/custody.h"

#include "engine/state.h"
#include "tests/harness.h"
#include "tests/unit/engine/custody_world.h"

#include <sys/wait.h>
#include <unistd.h>

/* Whether custody_check stops after this damage. */
static bool check_stops(void (*damage)(struct engine *))
{
    struct world world;
    struct custody_world custody = {.world = &world};
    world_prepare(&world);
    world_open(&world);
    (void)world_account(&world, 0, 0, 0);
    (void)world_account(&world, 0, 100, 0);
    custody_open(&custody);
    assert_int_equal(custody_report(&custody, 1, 50, 3), REJECT_NONE);
    assert_int_equal(custody_allow(&custody, 2), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 5, "small"), REJECT_NONE);
    assert_int_equal(custody_withdraw(&custody, 2, 20, "large"), REJECT_NONE);
    assert_true(engine_check(world.engine));

    fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        damage(world.engine);
        engine_check(world.engine);
        _exit(0);
    }
    int state;
    assert_int_equal(waitpid(child, &state, 0), child);
    world_close(&world);
    return WIFSIGNALED(state);
}

static void nothing(struct engine *engine)
{
    (void)engine;
}

static void a_deposit_has_another_key(struct engine *engine)
{
    custody_deposit_at(&engine->custody, 1)->txid[3] ^= 1;
}

static void a_withdrawal_has_another_name(struct engine *engine)
{
    custody_withdrawal_at(&engine->custody, 1)->facts.client_id[3] ^= 1;
}

static void an_address_is_anothers(struct engine *engine)
{
    engine->custody.addresses[3].account = 1;
}

static void one_unit_is_in_flight(struct engine *engine)
{
    engine->accounts.in_flight[COIN].units++;
    engine->accounts.supply[COIN].units++;
}

static void a_credited_deposit_lacks_a_unit(struct engine *engine)
{
    custody_deposit_at(&engine->custody, 1)->credited.units--;
}

static void a_withdrawal_holds_less(struct engine *engine)
{
    custody_withdrawal_at(&engine->custody, 2)->facts.amount.units--;
}

TEST(custody, check_stops_for_every_kind_of_damage)
{
    assert_false(check_stops(nothing));
    assert_true(check_stops(a_deposit_has_another_key));
    assert_true(check_stops(a_withdrawal_has_another_name));
    assert_true(check_stops(an_address_is_anothers));
    assert_true(check_stops(one_unit_is_in_flight));
    assert_true(check_stops(a_credited_deposit_lacks_a_unit));
    assert_true(check_stops(a_withdrawal_holds_less));
}
