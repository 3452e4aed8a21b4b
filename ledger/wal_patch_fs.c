#include "common/log.h"
#include "ledger/wal_files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_ENTRIES 64

struct wal_patch {
    struct wal_options options;
    struct wal *older; /* as it can be read */
    struct wal *fresh; /* what takes its place */
    uint64_t next;     /* entry */
    uint64_t end;      /* the last entry of the older log, be it in a hole */
    uint32_t gap;      /* of older->gaps: the one at hand or ahead */
    hash_t hash;       /* running, before `next` */
    bool added;        /* entries at the tail: somebody must vouch for them */

    /* Entries on their way into the fresh log. */
    struct wal_entry batch[BATCH_ENTRIES];
    uint32_t batch_count;
    uint8_t *bytes;
    size_t used, capacity;
    uint8_t *scratch;
};

static const struct wal_gap *gap_at_hand(const struct wal_patch *patch)
{
    return patch->gap < patch->older->gap_count ? &patch->older->gaps[patch->gap] : NULL;
}

/* ---- Reading what is there ---- */

/* The log in `options`' directory, as far as it can be read. */
static enum status older_read(const struct wal_options *options, struct wal **older)
{
    struct wal_damage damage = {.offset = 0};
    *older = wal_files_new(options);
    if (*older == NULL) return STATUS_NO_MEMORY;
    (*older)->tolerant = true;
    const enum status status = wal_scan_files(*older, WAL_DIRECTORY_OPEN, &damage);
    if (status == STATUS_OK) return STATUS_OK;
    wal_files_free(*older);
    *older = NULL;
    return status;
}

enum status wal_survey(const struct wal_options *options, struct wal_hole *holes, uint32_t *count)
{
    struct wal *wal;
    *count = 0;
    enum status status = older_read(options, &wal);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < wal->gap_count && i < WAL_HOLES_MAX && status == STATUS_OK; i++) {
        const struct wal_gap *gap = &wal->gaps[i];
        uint64_t term;
        holes[i] = (struct wal_hole){.first = gap->first, .last = gap->last, .tail = gap->tail};
        status = wal_files_hash(wal, gap->first - 1, &holes[i].previous, &term);
        *count = i + 1;
        log_warn("ledger", "entries of the log cannot be read",
                 "first=%" PRIu64 " last=%" PRIu64 " tail=%d", gap->first, gap->last, gap->tail);
    }
    if (status == STATUS_OK && wal->damaged) status = STATUS_DAMAGED;
    wal_files_free(wal);
    return status;
}

/* ---- Beginning ---- */

static void patch_free(struct wal_patch *patch)
{
    if (patch->older != NULL) wal_files_free(patch->older);
    if (patch->fresh != NULL) wal_files_free(patch->fresh);
    free(patch->bytes);
    free(patch->scratch);
    free(patch);
}

/* The lowest entry that lies in the files to be written anew or cannot be read. */
static uint64_t first_entry(const struct wal *older)
{
    uint64_t first = older->last.index + 1;
    for (uint32_t i = older->mark_count; i > 0; i--)
        if (older->marks[i - 1].file >= older->patch_file) first = older->marks[i - 1].index;
    if (older->gap_count > 0 && older->gaps[0].first < first) first = older->gaps[0].first;
    return first;
}

/* Takes the configuration at `index` from the older log, from before anything that is written anew; later ones
 * come with their entries. */
static enum status configuration_below(struct wal_patch *patch, uint64_t index)
{
    struct wal *fresh = patch->fresh;
    struct wal_base base = {
        .index = fresh->last.index, .term = fresh->last.term, .hash = fresh->last.hash};
    if (fresh->file_count > 0) base = fresh->base;
    struct wal_entry entry = {0};
    const enum status status = wal_read_configuration(patch->older, index, &entry);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    base.configuration_index = entry.index;
    base.configuration = entry.bytes;
    base.configuration_bytes = entry.length;
    wal_files_set_base(fresh, &base);
    return STATUS_OK;
}

/* The fresh log begins where the first file to be written anew does. */
static enum status begin_in_place(struct wal_patch *patch)
{
    struct wal *older = patch->older, *fresh = patch->fresh;
    if (!older->damaged) {
        older->patch_file = older->file_count;
        older->patch_start = older->last;
    } else {
        fresh->replaces =
            older->patch_file == 0 ? 1 : older->files[older->patch_file - 1].segment.sequence + 1;
    }
    fresh->last = older->patch_start;
    patch->next = first_entry(older);

    const uint64_t start = fresh->last.index;
    enum status status = configuration_below(patch, patch->next <= start ? patch->next - 1 : start);
    uint64_t term;
    fresh->older = older;
    if (status == STATUS_OK) status = wal_files_hash(fresh, patch->next - 1, &patch->hash, &term);
    return status;
}

/* The fresh log begins above a checkpoint: holes up to there do not count, and one may lie below what the older
 * log holds. */
static enum status begin_at_base(struct wal_patch *patch, const struct wal_base *base)
{
    struct wal *older = patch->older, *fresh = patch->fresh;
    fresh->replaces = 1;
    fresh->last = (struct wal_scan){
        .index = base->index, .term = base->term, .hash = base->hash, .commit = base->index};
    wal_files_set_base(fresh, base);
    patch->next = base->index + 1;
    patch->hash = base->hash;

    uint32_t kept = 0;
    struct wal_gap below = {patch->next, older->base.index, patch->next, false};
    for (uint32_t i = 0; i < older->gap_count; i++) {
        struct wal_gap gap = older->gaps[i];
        if (gap.last <= base->index) continue;
        if (gap.first < patch->next) gap.first = patch->next;
        if (gap.floor < patch->next) gap.floor = patch->next;
        older->gaps[kept++] = gap;
    }
    older->gap_count = kept;
    if (below.first > below.last) return STATUS_OK;
    const enum status status = wal_files_add_gap(older, &below);
    if (status != STATUS_OK || kept == 0) return status;
    memmove(older->gaps + 1, older->gaps, kept * sizeof(*older->gaps));
    older->gaps[0] = below;
    return STATUS_OK;
}

static enum status patch_new(const struct wal_options *options, const struct wal_base *base,
                             struct wal_patch **made)
{
    struct wal_patch *patch = calloc(1, sizeof(*patch));
    if (patch == NULL) return STATUS_NO_MEMORY;
    *made = patch;
    patch->options = *options;
    patch->options.metrics = NULL;
    enum status status = older_read(options, &patch->older);
    if (status != STATUS_OK) return status;
    struct wal *older = patch->older, *fresh = patch->fresh = wal_files_new(&patch->options);
    if (fresh == NULL) return STATUS_NO_MEMORY;
    patch->capacity = fresh->buffer_bytes;
    patch->bytes = malloc(patch->capacity);
    patch->scratch = malloc(patch->capacity + WAL_BLOCK_BYTES);
    if (patch->bytes == NULL || patch->scratch == NULL) return STATUS_NO_MEMORY;

    memcpy(fresh->spares, older->spares, sizeof(fresh->spares));
    fresh->next_sequence =
        older->file_count == 0 ? 1 : older->files[older->file_count - 1].segment.sequence + 1;
    fresh->patch = fresh->next_sequence;
    patch->end = older->last.index;
    status = base == NULL ? begin_in_place(patch) : begin_at_base(patch, base);
    /* Above every write there was: what proves one durable is about the older log. */
    fresh->last.write = older->write_max;
    fresh->last.write_broken = false;
    return status;
}

/* ---- Writing ---- */

static enum status batch_flush(struct wal_patch *patch)
{
    if (patch->batch_count == 0) return STATUS_OK;
    /* Entries of a hole may be replaced until they are proved. */
    const bool proved = gap_at_hand(patch) == NULL;
    const enum status status =
        wal_append(patch->fresh, patch->batch, patch->batch_count,
                   proved ? patch->older->last.commit : patch->fresh->last.commit);
    patch->batch_count = 0;
    patch->used = 0;
    return status;
}

static hash_t entry_hash(const struct wal_patch *patch, const struct wal_entry *entry)
{
    const struct wal_record record = {
        .index = entry->index,
        .term = entry->term,
        .type = entry->type,
        .length = entry->length,
        .payload = entry->bytes,
    };
    return wal_record_put(patch->scratch, 0, &record, patch->hash);
}

static enum status entry_put(struct wal_patch *patch, const struct wal_entry *entry, hash_t hash)
{
    if (patch->batch_count == BATCH_ENTRIES || patch->used + entry->length > patch->capacity) {
        const enum status status = batch_flush(patch);
        if (status != STATUS_OK) return status;
    }
    uint8_t *at = patch->bytes + patch->used;
    if (entry->length > 0) memcpy(at, entry->bytes, entry->length);
    patch->batch[patch->batch_count] = *entry;
    patch->batch[patch->batch_count++].bytes = at;
    patch->used += entry->length;
    patch->hash = hash;
    patch->next = entry->index + 1;
    return STATUS_OK;
}

/* Asks for the hole at hand from `first` on. */
static enum status ask_again(struct wal_patch *patch, uint64_t first)
{
    struct wal *fresh = patch->fresh;
    enum status status = batch_flush(patch);
    if (status != STATUS_OK) return status;
    uint64_t term;
    patch->older->gaps[patch->gap].first = patch->next = first;
    status = wal_files_hash(fresh, first - 1, &patch->hash, &term);
    /* The configuration that the fresh log began with may have been replaced, too. Its first header says it, and
     * nobody asks: what replaces entries below its base is never the oldest segment. */
    if (status == STATUS_OK && first <= fresh->base.configuration_index)
        status = configuration_below(patch, first - 1);
    return status;
}

/* The entry `next`, which can be read, does not follow. Either the entries for the hole before it were not the right
 * ones, or what cannot be read behind it has replaced it. */
static enum status not_followed(struct wal_patch *patch)
{
    log_warn("ledger", "an entry of the log does not follow from those for the hole before it",
             "index=%" PRIu64, patch->next);
    const struct wal_gap *ahead = gap_at_hand(patch);
    const bool replaced = ahead != NULL && ahead->floor <= patch->next;
    if (patch->gap == 0) return replaced ? ask_again(patch, patch->next) : STATUS_MISMATCH;
    struct wal_gap *gap = &patch->older->gaps[patch->gap - 1];
    if (!replaced)
        patch->gap--;
    else
        patch->older->gaps[patch->gap].floor = gap->floor; /* both, as one hole */
    const enum status status = ask_again(patch, gap->floor);
    return status == STATUS_OK ? STATUS_MISMATCH : status;
}

/* Copies what can be read up to the next hole. */
static enum status copy_on(struct wal_patch *patch)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && patch->next <= patch->end) {
        const struct wal_gap *gap = gap_at_hand(patch);
        if (gap != NULL && gap->first <= patch->next) break;
        struct wal_record record;
        status = wal_files_read(patch->older, patch->next, &record);
        if (status != STATUS_OK) break;
        const struct wal_entry entry = {record.index, record.term, record.type, record.length,
                                        record.payload};
        const hash_t hash = entry_hash(patch, &entry);
        if (!hash_equal(hash, record.hash)) return not_followed(patch);
        status = entry_put(patch, &entry, hash);
    }
    return status;
}

/* ---- Ending ---- */

/* Removes the segments of a patch that does not count, or gives those of one that does their names. */
static enum status directory_settle(const struct wal_options *options)
{
    struct wal *wal = wal_files_new(options);
    if (wal == NULL) return STATUS_NO_MEMORY;
    const enum status status = wal_directory_read(wal, WAL_DIRECTORY_OPEN);
    wal_files_free(wal);
    return status;
}

void wal_patch_drop(struct wal_patch *patch)
{
    if (patch == NULL) return;
    const struct wal_options options = patch->options;
    const bool written = patch->fresh != NULL && patch->fresh->file_count > 0;
    patch_free(patch);
    if (!written) return;
    const enum status status = directory_settle(&options);
    (void)status; /* logged; what is left is removed at the next open */
}

/* The one call that makes the fresh log count. */
static enum status patch_name(struct wal_patch *patch)
{
    struct wal *fresh = patch->fresh;
    char from[WAL_NAME_BYTES], to[WAL_NAME_BYTES];
    wal_files_segment_name(fresh, 0, from);
    wal_files_name(fresh->files[0].segment.sequence, "wal", to);
    const int result = fresh->disk->rename(fresh->disk->context, from, to);
    if (result < 0) return wal_files_fail(fresh, "rename", from, result);
    log_info("ledger", "the log was written anew",
             "from_segment=%" PRIu64 " segments=%u base=%" PRIu64 " last_index=%" PRIu64,
             fresh->files[0].segment.sequence, fresh->file_count, fresh->base.index,
             fresh->last.index);
    return STATUS_OK;
}

/* Writes what is left, with `lost` as the last entry that may be missing, and makes it count. */
static enum status patch_finish(struct wal_patch *patch, uint64_t lost)
{
    struct wal *fresh = patch->fresh;
    enum status status = batch_flush(patch);
    const bool needed = patch->older->damaged || fresh->replaces > 0 || fresh->file_count > 0;
    if (status != STATUS_OK || !needed) return status;
    if (fresh->file_count == 0) status = wal_files_switch(fresh);
    if (status == STATUS_OK && lost > fresh->last.index) status = wal_files_cut(fresh, lost);
    return status == STATUS_OK ? patch_name(patch) : status;
}

enum status wal_patch_begin(const struct wal_options *options, const struct wal_base *base,
                            struct wal_patch **patch)
{
    *patch = NULL;
    enum status status = patch_new(options, base, patch);
    if (status == STATUS_OK) status = copy_on(*patch);
    if (status == STATUS_OK) return STATUS_OK;
    wal_patch_drop(*patch);
    *patch = NULL;
    return status;
}

bool wal_patch_needs(const struct wal_patch *patch, struct wal_hole *hole)
{
    const struct wal_gap *gap = gap_at_hand(patch);
    if (gap == NULL) return false;
    *hole = (struct wal_hole){
        .first = patch->next, .last = gap->last, .previous = patch->hash, .tail = gap->tail};
    return true;
}

enum status wal_patch_add(struct wal_patch *patch, const struct wal_entry *entry)
{
    if (patch->fresh->failure != STATUS_OK) return patch->fresh->failure;
    const bool possible =
        entry->index == patch->next && entry->type >= WAL_COMMANDS &&
        entry->type <= WAL_CONFIGURATION && entry->length <= wal_entry_bytes_max(patch->fresh) &&
        (entry->type != WAL_CONFIGURATION || entry->length <= WAL_CONFIGURATION_BYTES_MAX);
    if (!possible) return STATUS_MALFORMED;
    const struct wal_gap *gap = gap_at_hand(patch);
    if (gap == NULL || gap->tail) patch->added = true;
    const enum status status = entry_put(patch, entry, entry_hash(patch, entry));
    if (status != STATUS_OK || gap == NULL || patch->next <= gap->last) return status;
    patch->gap++;
    return copy_on(patch);
}

uint64_t wal_patch_last_index(const struct wal_patch *patch)
{
    return patch->next - 1;
}

hash_t wal_patch_last_hash(const struct wal_patch *patch)
{
    return patch->hash;
}

enum status wal_patch_end(struct wal_patch *patch, const hash_t *vouched)
{
    const struct wal_gap *gap = gap_at_hand(patch);
    ASSERT(gap == NULL || gap->tail);
    ASSERT(vouched != NULL || !patch->added);
    enum status status = STATUS_OK;
    if (vouched != NULL && !hash_equal(*vouched, patch->hash)) status = STATUS_MISMATCH;

    uint64_t lost = patch->older->last.lost;
    if (gap != NULL && gap->last > lost) lost = gap->last;
    if (status == STATUS_OK) status = patch_finish(patch, lost);
    const struct wal_options options = patch->options;
    if (status != STATUS_OK) {
        wal_patch_drop(patch);
        return status;
    }
    patch_free(patch);
    return directory_settle(&options);
}

enum status wal_begin_at(const struct wal_options *options, const struct wal_base *base)
{
    struct wal_patch *patch = NULL;
    enum status status = patch_new(options, base, &patch);
    if (status == STATUS_OK) {
        const struct wal *older = patch->older;
        uint64_t lost = older->last.index;
        if (older->vote.durable_index > lost) lost = older->vote.durable_index;
        if (older->last.lost > lost) lost = older->last.lost;
        status = patch_finish(patch, lost);
    }
    if (status != STATUS_OK) {
        wal_patch_drop(patch);
        return status;
    }
    patch_free(patch);
    return directory_settle(options);
}
