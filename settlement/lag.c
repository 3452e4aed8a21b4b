#include "settlement/lag.h"

#include "common/log.h"
#include "common/metrics.h"
#include "common/progress.h"

#include <inttypes.h>

static uint64_t projected(const struct lag *lag)
{
    return atomic_load_explicit(&lag->progress->projected_height, memory_order_relaxed);
}

uint64_t lag_measure(const struct lag *lag)
{
    const uint64_t sealed =
        atomic_load_explicit(&lag->progress->sealed_height, memory_order_relaxed);
    const uint64_t at = projected(lag);
    const uint64_t behind = sealed > at ? sealed - at : 0;
    metric_set(&lag->metrics->projection_behind, behind);
    return behind;
}

static void begin(struct lag *lag, uint64_t now_ms, uint64_t behind)
{
    lag->is_behind = true;
    lag->began_ms = lag->told_ms = now_ms;
    lag->from_height = projected(lag);
    lag->fills = 0;
    log_info("settlement", "PostgreSQL is behind the chain and catches up",
             "height=%" PRIu64 " behind=%" PRIu64, lag->from_height, behind);
}

void lag_tell(struct lag *lag, uint64_t now_ms, uint64_t fill_count)
{
    const uint64_t behind = lag_measure(lag);
    if (!lag->is_behind) {
        if (behind >= LAG_BLOCKS) begin(lag, now_ms, behind);
        return;
    }
    lag->fills += fill_count;
    const bool is_over = behind == 0;
    if (!is_over && now_ms - lag->told_ms < lag->tell_ms) return;
    lag->told_ms = now_ms;
    lag->is_behind = !is_over;
    const uint64_t took_ms = now_ms - lag->began_ms;
    log_info("settlement",
             is_over ? "PostgreSQL has caught up with the chain" : "PostgreSQL catches up",
             "height=%" PRIu64 " behind=%" PRIu64 " blocks=%" PRIu64 " fills=%" PRIu64
             " seconds=%" PRIu64 " fills_per_s=%" PRIu64,
             projected(lag), behind, projected(lag) - lag->from_height, lag->fills, took_ms / 1000,
             lag->fills * 1000 / (took_ms + 1));
}

static void fall_silent(struct lag *lag, uint64_t silent_ms)
{
    if (atomic_fetch_add(&lag->silent_count, 1) != 0) return; /* the other one's is known */
    lag->was_up = metric_get(&lag->metrics->database_up);
    metric_set(&lag->metrics->database_up, 0);
    log_warn("settlement", "PostgreSQL does not answer; what it lacks waits in the chain",
             "height=%" PRIu64 " behind=%" PRIu64 " milliseconds=%" PRIu64, projected(lag),
             lag_measure(lag), silent_ms);
}

/* A connection that is gone had no answer: the failure itself is told where it is met. */
static void speak(struct lag *lag, uint64_t silent_ms, bool has_answered)
{
    if (atomic_fetch_sub(&lag->silent_count, 1) != 1 || !has_answered) return;
    metric_set(&lag->metrics->database_up, lag->was_up);
    log_info("settlement", "PostgreSQL answers again",
             "height=%" PRIu64 " behind=%" PRIu64 " milliseconds=%" PRIu64, projected(lag),
             lag_measure(lag), silent_ms);
}

static void on_wait(void *context, enum database_wait what, uint64_t silent_ms)
{
    struct lag *lag = context;
    switch (what) {
    case DATABASE_WAITS:
        (void)lag_measure(lag);
        break;
    case DATABASE_SILENT:
        fall_silent(lag, silent_ms);
        break;
    case DATABASE_ANSWERED:
    case DATABASE_LEFT:
        speak(lag, silent_ms, what == DATABASE_ANSWERED);
        break;
    }
}

struct database_watch lag_watch(struct lag *lag)
{
    return (struct database_watch){.context = lag, .silent_ms = LAG_SILENT_MS, .call = on_wait};
}
