/* A snapshot: the engine's whole state as one string of bytes, and from the state alone.
 *
 * Two engines that answer every command alike have the same snapshot, whatever their slots, free lists,
 * hash tables and parked levels look like, and whether or not they were restored from one (restore.h).
 *
 * Its form is common/section.h's, its sections are those of snapshot.def.
 *
 * Owner    the engine thread between two commands, or whoever holds an image of the engine (image.h)
 * Memory   the caller's scratch arena; nothing in it is kept
 * Cost     O(accounts x assets + orders), beside a sort of the open orders by id; mostly the hash
 */

#ifndef ENGINE_SNAPSHOT_H
#define ENGINE_SNAPSHOT_H

#include "common/section.h"

struct arena;
struct engine;

#define SNAPSHOT_MAGIC   "QUOREXSN"
#define SNAPSHOT_VERSION 7

/* As builds write it that know no fees of withdrawals: without their section, which is the last. A chain is written so as
 * long as its rules are theirs, so that they and this build have the same checkpoints. */
#define SNAPSHOT_VERSION_CHARGELESS 3

/* Likewise of builds that know neither tags nor repeats. */
#define SNAPSHOT_VERSION_TAGLESS 4

/* Likewise of builds that do not know what keys may do. */
#define SNAPSHOT_VERSION_RIGHTLESS 5

/* Likewise of builds that do not know that accounts may be opened with a key pair alone. */
#define SNAPSHOT_VERSION_OPENLESS 6

/* `frozen` of an account. */
#define SNAPSHOT_FROZEN  1
#define SNAPSHOT_PENDING 2 /* from rules 8 on */

#define SNAPSHOT_HAS_NAME  1
#define SNAPSHOT_HAS_EXTRA 2
#define SNAPSHOT_HAS_TAG   4

/* struct snapshot_order, SNAPSHOT_ORDERS_BYTES, snapshot_order_put, snapshot_order_get, and so on, as
 * messages.h has them of messages.def. */
#define SECTION(NAME, name) struct snapshot_##name {
#define FIELD(type, name)   field_##type name;
#define BYTES(name, count)  uint8_t name[count];
#define END(NAME, name) \
    } \
    ;
#include "engine/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

enum snapshot_section {
#define SECTION(NAME, name) SNAPSHOT_##NAME,
#define FIELD(type, name)
#define BYTES(name, count)
#define END(NAME, name)
#include "engine/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END
    SNAPSHOT_SECTIONS
};

enum snapshot_record_bytes {
#define SECTION(NAME, name) SNAPSHOT_##NAME##_BYTES = 0
#define FIELD(type, name)   +SIZE_##type
#define BYTES(name, count)  +(count)
#define END(NAME, name)     ,
#include "engine/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END
};

#define SECTION(NAME, name) \
    static inline uint8_t *snapshot_##name##_put(uint8_t *at, \
                                                 const struct snapshot_##name *record) \
    {
#define FIELD(type, name)  at = field_put_##type(at, record->name);
#define BYTES(name, count) at = le_put_bytes(at, record->name, count);
#define END(NAME, name) \
    return at; \
    }
#include "engine/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

#define SECTION(NAME, name) \
    static inline void snapshot_##name##_get(const uint8_t *at, struct snapshot_##name *record) \
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
#include "engine/snapshot.def"
#undef SECTION
#undef FIELD
#undef BYTES
#undef END

/* Bytes of a record of this section. */
uint32_t snapshot_record_bytes(enum snapshot_section section);

/* What its bytes look like under these rules, for section.h. */
const struct section_form *snapshot_form(uint32_t rules);

/* Finds where every section lies, as section_find does, whichever the version. What a version does not have has no
 * records. */
MUST_CHECK enum status snapshot_find(const struct genesis *genesis, const uint8_t *bytes,
                                     size_t byte_count,
                                     struct section_records records[SNAPSHOT_SECTIONS]);

/* Bytes of scratch that snapshot_write needs for this engine as it is now. */
size_t snapshot_scratch_bytes(const struct engine *engine);

/* Writes the snapshot. STATUS_NO_MEMORY: the scratch is too small, nothing was written; STATUS_IO: the sink
 * did not take it all. The scratch need not be zero, and is as it was when this returns but for its bytes.
 * Needs: no command is in hand; `genesis` is the engine's. */
MUST_CHECK enum status snapshot_write(const struct engine *engine, const struct genesis *genesis,
                                      struct arena *scratch, const struct snapshot_sink *sink);

#endif /* ENGINE_SNAPSHOT_H */
