#include "engine/sections.h"

enum status sections_open(struct sections *sections, const struct genesis *genesis,
                          const uint8_t *bytes, size_t byte_count)
{
    struct section_records records[SNAPSHOT_SECTIONS];
    const enum status status = section_find(&snapshot_form, genesis, bytes, byte_count, records);
    if (status != STATUS_OK) return status;
    for (enum snapshot_section section = 0; section < SNAPSHOT_SECTIONS; section++) {
        sections->begins[section] = sections->at[section] = records[section].begin;
        sections->left[section] = records[section].count;
    }
    return STATUS_OK;
}

bool sections_done(const struct sections *sections)
{
    for (enum snapshot_section section = 0; section < SNAPSHOT_SECTIONS; section++)
        if (sections->left[section] != 0) return false;
    return true;
}
