/* The texts of stream messages: what each looks like, not when it is sent.
 *
 * Each function appends one JSON value. Field names and formats are those of the Binance Spot
 * streams; event times are stamps, in the unit the reader asked for.
 */

#ifndef GATEWAY_STREAM_H
#define GATEWAY_STREAM_H

#include "gateway/block_list.h"
#include "gateway/market_view.h"
#include "gateway/text.h"

#define STREAM_MS_NS 1000000ull
#define STREAM_US_NS 1000ull

/* What all numbers of a message are printed by. */
struct stream_form {
    const struct params *params;
    uint64_t time_unit_ns; /* STREAM_MS_NS or STREAM_US_NS */
};

/* The best of both sides; quantity 0 on an empty side. */
struct stream_best {
    struct depth_level bid, ask;
};

/* The certificate that certifies a block: its own, or that of a block above. */
struct stream_certificate {
    uint64_t height;
    uint32_t vote_count;
};

struct stream_best stream_best_of(const struct depth *depth);

void stream_trade(struct text *text, const struct stream_form *form, const struct market_view *view,
                  const struct trade *trade);
void stream_aggregate_trade(struct text *text, const struct stream_form *form,
                            const struct market_view *view,
                            const struct aggregate_trade *aggregate);
void stream_best(struct text *text, const struct stream_form *form, const struct market_view *view,
                 const struct stream_best *best);

/* Updates first_id .. view->depth.update_id. Needs: the depth remembers them; room in `changes` for
 * as many. */
void stream_difference(struct text *text, const struct stream_form *form,
                       const struct market_view *view, uint64_t event_ns, uint64_t first_id,
                       struct depth_change *changes);

/* Our own book stream: differences like the above, which begin with a snapshot. Each message has a
 * checksum: crc32_of the best STREAM_CHECKED levels a side at `u`, bids first, price:quantity:price:... */
#define STREAM_CHECKED     20
#define STREAM_BOOK_LEVELS 5000 /* a side of a snapshot; what is deeper is told when it changes */

void stream_book_change(struct text *text, const struct stream_form *form,
                        const struct market_view *view, uint64_t event_ns, uint64_t first_id,
                        struct depth_change *changes);

/* The whole book. `is_resync`: for a reader who had one, and was left behind since. Needs: room for
 * STREAM_BOOK_LEVELS in `levels`. */
void stream_book(struct text *text, const struct stream_form *form, const struct market_view *view,
                 uint64_t event_ns, bool is_resync, struct depth_level *levels);

/* The best `level_count` levels a side. Needs: level_count <= 20. */
void stream_top(struct text *text, const struct stream_form *form, const struct market_view *view,
                uint32_t level_count);

/* Which candle a message is about: its times are UTC's wherever its day begins. */
struct stream_kline {
    enum interval interval;
    uint64_t next_ns; /* the candle after it opens */
    bool is_closed;
};

void stream_kline(struct text *text, const struct stream_form *form, const struct market_view *view,
                  uint64_t event_ns, const struct stream_kline *kline, const struct candle *candle);

/* `event_ns` is also the end of the 24 hours. */
void stream_ticker(struct text *text, const struct stream_form *form, struct market_view *view,
                   uint64_t event_ns);
void stream_mini_ticker(struct text *text, const struct stream_form *form, struct market_view *view,
                        uint64_t event_ns);

/* A rolling ticker: `event_ns` is the end of its `window_ns`, whole hours. Its event is named by the
 * window, 1hTicker or 1dTicker. */
void stream_window(struct text *text, const struct stream_form *form, struct market_view *view,
                   uint64_t event_ns, uint64_t window_ns);

/* The average price that filters go by, over TICKER_AVERAGE_NS. */
void stream_average(struct text *text, const struct stream_form *form,
                    const struct market_view *view, uint64_t event_ns);

/* `certificate` NULL: it has been sealed; otherwise it is certified now. */
void stream_block(struct text *text, const struct stream_form *form,
                  const struct block_entry *block, const struct stream_certificate *certificate);

/* This server will close its connections. `elsewhere`: URLs with commas, of characters that JSON's strings take as they
 * are; "": no word of it. */
void stream_shutdown(struct text *text, uint64_t time_unit_ns, uint64_t event_ns,
                     const char *elsewhere);

#endif /* GATEWAY_STREAM_H */
