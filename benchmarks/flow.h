/* The order flow of one market as a file: what flowgen writes and `quorex bench` replays.
 *
 *     header, 192 bytes | record, 32 bytes | record | ...          all little-endian
 *
 * The first preload_count records build the book; the next command_count are what is measured. The header
 * carries what a correct price-time book must have done by the end.
 */

#ifndef BENCHMARKS_FLOW_H
#define BENCHMARKS_FLOW_H

#include <assert.h>
#include <stdint.h>

#define FLOW_MAGIC "OFLOW1\0"

enum flow_op {
    FLOW_ADD = 1,    /* a limit order that does not cross when it arrives */
    FLOW_CANCEL = 2, /* of an order that rests; side, price and quantity only inform */
    FLOW_TAKE = 3,   /* a limit order that crosses, sized to fill completely: IOC and GTC are one */
};

struct flow_record {
    uint8_t op;
    uint8_t side;    /* 0 buy, 1 sell */
    uint16_t market; /* 0 in a file */
    uint32_t qty;    /* lots */
    uint64_t id;     /* rises by one from 1 over ADD and TAKE */
    int64_t price;   /* ticks */
    uint32_t account;
    uint32_t zero;
};
static_assert(sizeof(struct flow_record) == 32, "the file's record");

struct flow_header {
    char magic[8]; /* FLOW_MAGIC */
    uint32_t header_bytes;
    uint32_t record_bytes;
    uint64_t seed;
    uint64_t preload_count;
    uint64_t command_count;
    uint64_t target_depth; /* orders that rest at a time, about */
    uint64_t id_max;
    int64_t price_min;
    int64_t price_max;
    /* What a correct price-time book does with it. */
    uint64_t trade_count;
    uint64_t trade_qty;
    uint64_t digest; /* of all trades in order, by flow_digest */
    uint64_t makers_filled;
    uint64_t end_orders;
    uint64_t end_qty;
    uint32_t end_levels;
    uint32_t zero;
    uint64_t depth_sum; /* orders that rested, summed over the measured commands */
    uint64_t reserved[7];
};
static_assert(sizeof(struct flow_header) == 192, "the file's header");

#define FLOW_DIGEST_START 0xcbf29ce484222325u

/* Moves the digest on by one trade. */
static inline uint64_t flow_digest(uint64_t digest, uint64_t maker, uint64_t taker, uint64_t price,
                                   uint64_t qty)
{
    const uint64_t trade = (maker * 0x9e3779b97f4a7c15u) ^
                           ((taker + (price << 44)) * 0xc2b2ae3d27d4eb4fu) ^
                           (qty * 0x165667b19e3779f9u);
    digest = (digest ^ trade) * 0x100000001b3u;
    return digest ^ (digest >> 29);
}

#endif /* BENCHMARKS_FLOW_H */
