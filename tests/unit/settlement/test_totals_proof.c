#include "settlement/totals_proof.h"

#include "settlement/totals.h"
#include "tests/harness.h"

static struct totals totals[3];
static struct proof_totals proof;
static hash_t root;

/* Three assets, of which everything adds up. */
static void three(void)
{
    assert_true(hash_start());
    proof.count = 3;
    for (uint16_t i = 0; i < 3; i++) {
        totals[i] = (struct totals){1000 + i, 20, 3, 5, 1028 + i, 0};
        proof.assets[i] = (struct proof_total){i, 1000 + i, 20, 3, 5, 1028 + i, 0};
    }
    root = totals_root(totals, 3, false);
}

TEST(totals_proof, of_what_the_header_has_is_right)
{
    three();
    assert_null(totals_proof_fault(&proof, root));
}

/* An exchange that owes more than it says: the forged total does not lead to the root that was signed. */
TEST(totals_proof, a_forged_total_is_refused)
{
    three();
    proof.assets[1].users--;
    proof.assets[1].external--; /* and it still adds up */
    assert_string_equal(totals_proof_fault(&proof, root), "its totals do not lead to totals_root");
    three();
    proof.count = 2; /* an asset left out */
    assert_string_equal(totals_proof_fault(&proof, root), "its totals do not lead to totals_root");
}

/* And nodes that sign what does not add up, or a debt below zero, are found out by whoever adds it up. */
TEST(totals_proof, what_does_not_add_up_is_refused_though_it_was_signed)
{
    three();
    proof.assets[2].external = totals[2].external = 2000;
    assert_string_equal(totals_proof_fault(&proof, totals_root(totals, 3, false)),
                        "an asset's totals do not add up");
    three();
    proof.assets[0].users = totals[0].users = -1;
    proof.assets[0].external = totals[0].external = 27;
    assert_string_equal(totals_proof_fault(&proof, totals_root(totals, 3, false)),
                        "an asset's total is below zero");
}

/* What operators credited is owed, and no chain brought it in: it shows as what the house lacks. */
TEST(totals_proof, a_house_below_zero_is_right_and_bound)
{
    three();
    proof.has_house = true;
    for (uint16_t i = 0; i < 3; i++) {
        proof.assets[i].external = totals[i].external = 28;
        proof.assets[i].house = totals[i].house = -1000 - i;
    }
    root = totals_root(totals, 3, true);
    assert_null(totals_proof_fault(&proof, root));
    proof.assets[1].house++;
    proof.assets[1].external++;
    assert_string_equal(totals_proof_fault(&proof, root), "its totals do not lead to totals_root");
    proof.assets[1].house--;
    proof.assets[1].external--;
    proof.has_house = false; /* nor does it pass for an older chain's */
    for (uint16_t i = 0; i < 3; i++)
        proof.assets[i].house = 0;
    assert_string_equal(totals_proof_fault(&proof, root), "its totals do not lead to totals_root");
}
