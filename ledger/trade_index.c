#include "ledger/trade_index.h"

#include "common/le.h"
#include "ledger/crc32c.h"

void trade_spans_begin(struct trade_spans *spans)
{
    for (uint16_t i = 0; i < spans->count; i++)
        spans->places[spans->spans[i].market] = 0;
    spans->count = 0;
}

void trade_spans_add(struct trade_spans *spans, const struct event *event)
{
    struct fill_event fill;
    if (event->type != T_FILL) return;
    fill_event_get(event->payload, &fill);
    if (fill.market >= PARAMS_MARKETS_LIMIT) return;
    uint16_t *place = &spans->places[fill.market];
    if (*place == 0) {
        spans->spans[spans->count++] = (struct trade_span){fill.market, 0, fill.trade_id};
        *place = spans->count;
    }
    spans->spans[*place - 1].count++;
}

void trade_index_put(uint8_t at[TRADE_INDEX_RECORD_BYTES], uint64_t height,
                     const struct trade_span *span)
{
    uint8_t *end = le_put_u64(at, height);
    end = le_put_u64(end, span->first);
    end = le_put_u32(end, span->count);
    le_put_u32(end, crc32c_add(0, at, (size_t)(end - at)));
}

bool trade_index_get(const uint8_t at[TRADE_INDEX_RECORD_BYTES], uint64_t *height,
                     struct trade_span *span)
{
    *height = le_get_u64(at);
    span->first = le_get_u64(at + 8);
    span->count = le_get_u32(at + 16);
    return *height > 0 && span->count > 0 && le_get_u32(at + 20) == crc32c_add(0, at, 20);
}
