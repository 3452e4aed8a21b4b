/* A snapshot's sections, read record by record.
 *
 * sections_open has checked that the bytes are whole and where every section lies; what its records say is
 * for the reader to judge.
 *
 * Memory   the snapshot's bytes, which are not copied
 */

#ifndef ENGINE_SECTIONS_H
#define ENGINE_SECTIONS_H

#include "engine/snapshot.h"

struct sections {
    const uint8_t *begins[SNAPSHOT_SECTIONS];
    const uint8_t *at[SNAPSHOT_SECTIONS];
    uint64_t left[SNAPSHOT_SECTIONS]; /* records */
};

/* STATUS_UNSUPPORTED, STATUS_MISMATCH, STATUS_DAMAGED, STATUS_MALFORMED as restore_engine. */
MUST_CHECK enum status sections_open(struct sections *sections, const struct genesis *genesis,
                                     const uint8_t *bytes, size_t byte_count);

/* Whether every record was read. */
bool sections_done(const struct sections *sections);

/* bool sections_order(sections, &record) and so on: the next record; false at the section's end. */
#define SECTION(NAME, name) \
    MUST_CHECK static inline bool sections_##name(struct sections *sections, \
                                                  struct snapshot_##name *record) \
    { \
        if (sections->left[SNAPSHOT_##NAME] == 0) return false; \
        sections->left[SNAPSHOT_##NAME]--; \
        snapshot_##name##_get(sections->at[SNAPSHOT_##NAME], record); \
        sections->at[SNAPSHOT_##NAME] += SNAPSHOT_##NAME##_BYTES; \
        return true; \
    }
#define FIELD(type, name)
#define BYTES(name, count)
#define END(NAME, name)
#include "engine/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

/* What the event said that made the record what it is; `number`: of the deposit, of the withdrawal, whose fee is not of this
 * record (CHARGES). */
struct deposit_changed_event sections_deposit_facts(const struct snapshot_deposit *record,
                                                    uint64_t number);
struct withdrawal_moved_event sections_withdrawal_facts(const struct snapshot_withdrawal *record,
                                                        uint64_t number);

#endif /* ENGINE_SECTIONS_H */
