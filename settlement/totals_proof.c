#include "settlement/totals_proof.h"

#include "settlement/totals.h"

const char *totals_proof_fault(const struct proof_totals *proof, hash_t root)
{
    struct totals totals[PROOF_ASSETS_MAX];
    for (uint32_t i = 0; i < proof->count; i++) {
        const struct proof_total *total = &proof->assets[i];
        totals[i] = (struct totals){.users = total->users,
                                    .fees = total->fees,
                                    .rounding = total->rounding,
                                    .in_flight = total->in_flight,
                                    .external = total->external,
                                    .house = total->house};
    }
    if (!hash_equal(totals_root(totals, (uint16_t)proof->count, proof->has_house), root))
        return "its totals do not lead to totals_root";
    for (uint32_t i = 0; i < proof->count; i++) {
        if (totals[i].users < 0 || totals[i].fees < 0 || totals[i].in_flight < 0)
            return "an asset's total is below zero";
        if (!totals_conserved(&totals[i])) return "an asset's totals do not add up";
    }
    return NULL;
}
