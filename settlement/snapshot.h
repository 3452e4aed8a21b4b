/* A snapshot: settlement's whole state as one string of bytes, and from the state alone.
 *
 * Two settlements that answer everything that may follow alike have the same snapshot, whatever their
 * slots, free lists, hash tables and heaps look like, and whether or not they were restored from one
 * (restore.h). It is a state between two blocks: nothing of a command under way is in it. Its form is
 * common/section.h's, its sections are those of snapshot.def.
 *
 * What follows from the rest is not written: an order's hold (its account's held amounts must be the sum of
 * them), users' totals, heaps, and the account tree, whose leaves are salted anew from the tree secret,
 * the account and the height of its last change. No salt and no secret is in a snapshot.
 *
 * Owner    the settlement's thread between two blocks, or whoever holds an image of it (image.h)
 * Memory   the caller's scratch arena; nothing in it is kept
 * Cost     O(accounts x assets + orders + keys), beside a sort of the open orders by id; mostly the hash
 */

#ifndef SETTLEMENT_SNAPSHOT_H
#define SETTLEMENT_SNAPSHOT_H

#include "common/le.h"
#include "common/messages.h"
#include "common/section.h"

struct arena;
struct settlement;

#define SETTLED_MAGIC   "QUOREXSS"
#define SETTLED_DOMAIN  "quorex/settlement/1"
#define SETTLED_VERSION 6

/* As builds write it that do not know of accounts that open themselves, what keys may do, no fees of withdrawals, and no house: each without the section that came with them. A
 * chain is written so as long as its rules are theirs, so that they and this build have the same checkpoints. */
#define SETTLED_VERSION_OPENLESS   5
#define SETTLED_VERSION_RIGHTLESS  4
#define SETTLED_VERSION_CHARGELESS 3
#define SETTLED_VERSION_HOUSELESS  2

/* `has` of an account. */
#define SETTLED_HAS_KEY     1
#define SETTLED_HAS_LOOK    2 /* its tier was looked at on the day of the last stamp */
#define SETTLED_HAS_FROZEN  4
#define SETTLED_HAS_PENDING 8 /* from rules 8 on: it waits for an operator */

/* `has` of an order. */
#define SETTLED_HAS_EXTRA    1
#define SETTLED_HAS_FOLLOWER 2
#define SETTLED_HAS_SESSION  4

/* struct settled_order, SETTLED_ORDERS_BYTES, settled_order_put, settled_order_get, and so on, as
 * messages.h has them of messages.def. */
#define SECTION(NAME, name) struct settled_##name {
#define FIELD(type, name)   field_##type name;
#define BYTES(name, count)  uint8_t name[count];
#define END(NAME, name) \
    } \
    ;
#include "settlement/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

enum settled_section {
#define SECTION(NAME, name) SETTLED_##NAME,
#define FIELD(type, name)
#define BYTES(name, count)
#define END(NAME, name)
#include "settlement/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END
    SETTLED_SECTIONS
};

enum settled_record_bytes {
#define SECTION(NAME, name) SETTLED_##NAME##_BYTES = 0
#define FIELD(type, name)   +SIZE_##type
#define BYTES(name, count)  +(count)
#define END(NAME, name)     ,
#include "settlement/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END
};

#define SECTION(NAME, name) \
    static inline uint8_t *settled_##name##_put(uint8_t *at, const struct settled_##name *record) \
    {
#define FIELD(type, name)  at = field_put_##type(at, record->name);
#define BYTES(name, count) at = le_put_bytes(at, record->name, count);
#define END(NAME, name) \
    return at; \
    }
#include "settlement/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

#define SECTION(NAME, name) \
    static inline void settled_##name##_get(const uint8_t *at, struct settled_##name *record) \
    {
#define FIELD(type, name) \
    record->name = field_get_##type(at); \
    at += SIZE_##type;
#define BYTES(name, count) \
    memcpy(record->name, at, count); \
    at += (count);
#define END(NAME, name) \
    (void)at; \
    }
#include "settlement/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

/* ---- Reading, record by record: what they say is for the reader to judge. */

struct settled_sections {
    const uint8_t *at[SETTLED_SECTIONS];
    uint64_t left[SETTLED_SECTIONS]; /* records */
};

/* bool settled_order_next(sections, &record) and so on: the next record; false at the section's end. */
#define SECTION(NAME, name) \
    MUST_CHECK static inline bool settled_##name##_next(struct settled_sections *sections, \
                                                        struct settled_##name *record) \
    { \
        if (sections->left[SETTLED_##NAME] == 0) return false; \
        sections->left[SETTLED_##NAME]--; \
        settled_##name##_get(sections->at[SETTLED_##NAME], record); \
        sections->at[SETTLED_##NAME] += SETTLED_##NAME##_BYTES; \
        return true; \
    }
#define FIELD(type, name)
#define BYTES(name, count)
#define END(NAME, name)
#include "settlement/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

/* ---- */

/* What its bytes look like under these rules, for section.h. */
const struct section_form *settlement_snapshot_form(uint32_t rules);

/* Finds where every section lies, as section_find does, whichever the version: a build wrote the later one under every
 * rules. What a version does not have has no records. */
MUST_CHECK enum status settlement_snapshot_find(const struct genesis *genesis, const uint8_t *bytes,
                                                size_t byte_count,
                                                struct section_records records[SETTLED_SECTIONS]);

/* Bytes of scratch that settlement_snapshot_write needs for this settlement as it is now. */
size_t settlement_snapshot_scratch_bytes(const struct settlement *settlement);

/* Writes the snapshot. STATUS_NO_MEMORY: the scratch is too small, nothing was written; STATUS_IO: the sink
 * did not take it all. The scratch need not be zero, and is as it was when this returns but for its bytes.
 * Needs: nothing was settled since settlement_new, restore_settlement or a settle_block that was
 * STATUS_OK; `genesis` is the settlement's. */
MUST_CHECK enum status settlement_snapshot_write(const struct settlement *settlement,
                                                 const struct genesis *genesis,
                                                 struct arena *scratch,
                                                 const struct snapshot_sink *sink);

#endif /* SETTLEMENT_SNAPSHOT_H */
