#include "common/interval.h"

#include <string.h>

#define SECOND_NS 1000000000ull
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS   (60 * MINUTE_NS)
#define DAY_NS    (24 * HOUR_NS)

/* 1 January 1970 was a Thursday: the Monday before it lies this far back. */
#define WEEK_SHIFT_NS (3 * DAY_NS)

/* clang-format off */
static const struct {
    const char *name;
    uint64_t length_ns; /* 0: a calendar month */
} intervals[INTERVAL_COUNT] = {
    {"1s",  SECOND_NS},    {"1m",  MINUTE_NS},     {"3m",  3 * MINUTE_NS}, {"5m",  5 * MINUTE_NS},
    {"15m", 15 * MINUTE_NS}, {"30m", 30 * MINUTE_NS}, {"1h",  HOUR_NS},    {"2h",  2 * HOUR_NS},
    {"4h",  4 * HOUR_NS},  {"6h",  6 * HOUR_NS},   {"8h",  8 * HOUR_NS},   {"12h", 12 * HOUR_NS},
    {"1d",  DAY_NS},       {"3d",  3 * DAY_NS},    {"1w",  7 * DAY_NS},    {"1M",  0},
};
/* clang-format on */

const char *interval_name(enum interval interval)
{
    ASSERT(interval < INTERVAL_COUNT);
    return intervals[interval].name;
}

bool interval_parse(const char *text, size_t text_bytes, enum interval *interval)
{
    for (int i = 0; i < INTERVAL_COUNT; i++) {
        if (strlen(intervals[i].name) != text_bytes) continue;
        if (memcmp(intervals[i].name, text, text_bytes) != 0) continue;
        *interval = (enum interval)i;
        return true;
    }
    return false;
}

uint64_t interval_length_ns(enum interval interval)
{
    ASSERT(interval < INTERVAL_COUNT);
    return intervals[interval].length_ns;
}

/* Days since 1970 of the first day of a month, and back: Howard Hinnant's civil calendar, where a
 * year begins in March so that the leap day is its last. */
static uint64_t days_of_month(uint64_t year, uint64_t month)
{
    const uint64_t y = month <= 2 ? year - 1 : year;
    const uint64_t shifted = month > 2 ? month - 3 : month + 9;
    const uint64_t era = y / 400, year_of_era = y % 400;
    const uint64_t day_of_year = (153 * shifted + 2) / 5;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void month_of_days(uint64_t days, uint64_t *year, uint64_t *month)
{
    const uint64_t z = days + 719468;
    const uint64_t era = z / 146097, day_of_era = z % 146097;
    const uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint64_t shifted = (5 * day_of_year + 2) / 153;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

uint64_t interval_open_ns(enum interval interval, uint64_t stamp_ns)
{
    ASSERT(interval < INTERVAL_COUNT);
    if (interval == INTERVAL_MONTH) {
        uint64_t year, month;
        month_of_days(stamp_ns / DAY_NS, &year, &month);
        return days_of_month(year, month) * DAY_NS;
    }
    const uint64_t length = intervals[interval].length_ns;
    if (interval == INTERVAL_1W) {
        const uint64_t shifted = stamp_ns + WEEK_SHIFT_NS;
        const uint64_t open = shifted - shifted % length;
        return open < WEEK_SHIFT_NS ? 0 : open - WEEK_SHIFT_NS;
    }
    return stamp_ns - stamp_ns % length;
}

uint64_t interval_next_ns(enum interval interval, uint64_t open_ns)
{
    ASSERT(interval < INTERVAL_COUNT);
    if (interval == INTERVAL_MONTH) {
        uint64_t year, month;
        month_of_days(open_ns / DAY_NS, &year, &month);
        if (month == 12) return days_of_month(year + 1, 1) * DAY_NS;
        return days_of_month(year, month + 1) * DAY_NS;
    }
    /* The first week of 1970 is short: it began on a Thursday. */
    return interval_open_ns(interval, open_ns + intervals[interval].length_ns);
}
