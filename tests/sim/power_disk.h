/* A disk in memory that can lose power in the middle of any call.
 *
 * What a call reported durable survives; of everything else any subset of 512-byte sectors does. Once
 * the power is gone every call fails, until power_disk_restore.
 *
 * Memory   its own, until power_disk_free
 */

#ifndef TESTS_SIM_POWER_DISK_H
#define TESTS_SIM_POWER_DISK_H

#include "ledger/wal_disk.h"

#include <stdbool.h>

struct power_disk;

/* Needs: segments of at most `file_bytes_max`. */
struct power_disk *power_disk_new(uint64_t seed, size_t file_bytes_max);
void power_disk_free(struct power_disk *disk);

const struct wal_disk *power_disk_table(struct power_disk *disk);

/* The power goes during the `calls`th call from now that changes anything. */
void power_disk_cut_after(struct power_disk *disk, uint64_t calls);

/* Cuts now if it has not happened; then the power is back and files hold what survived. */
void power_disk_restore(struct power_disk *disk);

/* While held, every call fails and nothing is lost: the process is gone, the machine is not. */
void power_disk_hold(struct power_disk *disk, bool held);

/* While full, nothing can be written. */
void power_disk_fill(struct power_disk *disk, bool full);

bool power_disk_is_off(const struct power_disk *disk);

/* Changing calls so far. */
uint64_t power_disk_calls(const struct power_disk *disk);

/* Files put into quarantine so far. */
uint64_t power_disk_quarantined(const struct power_disk *disk);

/* The name of one of the log's segments, chosen by `pick`; false when there is none. */
/* The one that is written to. */
MUST_CHECK bool power_disk_newest_segment(struct power_disk *disk, char name[32]);
MUST_CHECK bool power_disk_some_segment(struct power_disk *disk, uint64_t pick, char name[32]);

/* Flips one bit of a file. */
void power_disk_flip(struct power_disk *disk, const char *name, uint64_t offset);

#endif /* TESTS_SIM_POWER_DISK_H */
