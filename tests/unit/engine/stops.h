/* Sleeping stops too simple to be wrong: one array, searched from end to end for whoever is next by the
 * rules of docs/matching.md. What triggers.c and trailing.c do is compared with it.
 */

#ifndef TESTS_UNIT_ENGINE_STOPS_H
#define TESTS_UNIT_ENGINE_STOPS_H

#include "engine/triggers.h"

#define STOPS_MAX 4096

struct stop {
    int64_t stop;    /* of a plain one */
    int64_t extreme; /* of a trailing one, 0: none yet */
    uint64_t serial; /* who came first */
    uint32_t order;
    uint32_t delta;
    uint16_t market;
    uint8_t side;
    uint8_t kind; /* enum asleep_kind */
    bool moved;   /* by the round's price */
};

struct stops {
    struct stop all[STOPS_MAX];
    size_t count;
    uint64_t serial;
    uint64_t round; /* the serial when it began */
};

static inline void stops_add(struct stops *stops, struct stop stop)
{
    stop.serial = ++stops->serial;
    stops->all[stops->count++] = stop;
}

static inline void stops_remove(struct stops *stops, size_t at)
{
    for (size_t i = at; i + 1 < stops->count; i++)
        stops->all[i] = stops->all[i + 1];
    stops->count--;
}

static inline size_t stops_find(const struct stops *stops, uint32_t order)
{
    size_t at = 0;
    while (at < stops->count && stops->all[at].order != order)
        at++;
    return at;
}

static inline bool stop_improved_by(const struct stop *stop, int64_t price)
{
    if (stop->extreme == 0) return true;
    return stop->side == SELL ? price > stop->extreme : price < stop->extreme;
}

static inline bool stop_woken_by(const struct stop *stop, int64_t price)
{
    if (stop->kind == ASLEEP_RISING) return price >= stop->stop;
    if (stop->kind == ASLEEP_FALLING) return price <= stop->stop;
    if (stop->extreme == 0) return false;
    const __int128 extreme = stop->extreme, asked = (__int128)price * 10000;
    if (stop->side == SELL) return asked <= extreme * (10000 - (int64_t)stop->delta);
    return asked >= extreme * (10000 + (int64_t)stop->delta);
}

/* The order in which one price wakes: the kinds, then what the kind goes by, then who came first. */
static inline bool stop_before(const struct stop *left, const struct stop *right)
{
    if (left->kind != right->kind) return left->kind < right->kind;
    if (left->kind == ASLEEP_RISING && left->stop != right->stop) return left->stop < right->stop;
    if (left->kind == ASLEEP_FALLING && left->stop != right->stop) return left->stop > right->stop;
    if (left->kind == ASLEEP_TRAILING && left->side != right->side) return left->side == SELL;
    if (left->kind == ASLEEP_TRAILING && left->delta != right->delta)
        return left->delta < right->delta;
    return left->serial < right->serial;
}

/* Whether `price` would wake anybody or move an extreme. */
static inline bool stops_feel(const struct stops *stops, uint16_t market, int64_t price)
{
    for (size_t i = 0; i < stops->count; i++) {
        const struct stop *stop = &stops->all[i];
        if (stop->market != market) continue;
        if (stop->kind == ASLEEP_TRAILING && stop_improved_by(stop, price)) return true;
        if (stop_woken_by(stop, price)) return true;
    }
    return false;
}

static inline void stops_begin(struct stops *stops, uint16_t market, int64_t price)
{
    stops->round = stops->serial;
    for (size_t i = 0; i < stops->count; i++) {
        struct stop *stop = &stops->all[i];
        stop->moved = stop->market == market && stop->kind == ASLEEP_TRAILING &&
                      stop_improved_by(stop, price);
        if (stop->moved) stop->extreme = price;
    }
}

/* The next that `price` wakes, taken out into `woken`; false when there is none. Needs: stops_begin. */
static inline bool stops_next(struct stops *stops, uint16_t market, int64_t price,
                              struct stop *woken)
{
    size_t best = stops->count;
    for (size_t i = 0; i < stops->count; i++) {
        const struct stop *stop = &stops->all[i];
        if (stop->market != market || stop->moved || stop->serial > stops->round) continue;
        if (!stop_woken_by(stop, price)) continue;
        if (best == stops->count || stop_before(stop, &stops->all[best])) best = i;
    }
    if (best == stops->count) return false;
    *woken = stops->all[best];
    stops_remove(stops, best);
    return true;
}

/* The first of the market that comes after `after` (NULL: the first of all), whatever the price; NULL at
 * the end. */
static inline const struct stop *stops_after(const struct stops *stops, uint16_t market,
                                             const struct stop *after)
{
    const struct stop *best = NULL;
    for (size_t i = 0; i < stops->count; i++) {
        const struct stop *stop = &stops->all[i];
        if (stop->market != market) continue;
        if (after != NULL && !stop_before(after, stop)) continue;
        if (best == NULL || stop_before(stop, best)) best = stop;
    }
    return best;
}

#endif /* TESTS_UNIT_ENGINE_STOPS_H */
