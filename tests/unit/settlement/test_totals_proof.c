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
        totals[i] = (struct totals){1000 + i, 20, 3, 5, 1028 + i};
        proof.assets[i] = (struct proof_total){i, 1000 + i, 20, 3, 5, 1028 + i};
    }
    root = totals_root(totals, 3);
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
    assert_string_equal(totals_proof_fault(&proof, totals_root(totals, 3)),
                        "an asset's totals do not add up");
    three();
    proof.assets[0].users = totals[0].users = -1;
    proof.assets[0].external = totals[0].external = 27;
    assert_string_equal(totals_proof_fault(&proof, totals_root(totals, 3)),
                        "an asset's total is below zero");
}
