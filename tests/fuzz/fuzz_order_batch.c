/* A batch's body: whatever bytes come are lines, and a line is taken by no other request's reader than by its route's. */

#include "common/intent.h"
#include "gateway/order_batch.h"
#include "gateway/route.h"
#include "tests/unit/common/world.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static struct params params;
static struct form form;

static const struct {
    bool (*read)(const struct form *, const struct params *, struct intent *, struct refusal *);
    enum outcome (*handler)(struct request *, const struct facts *);
} readers[] = {
    {intent_order_place, trading_place},
    {intent_order_cancel, trading_cancel},
    {intent_order_replace, trading_replace},
    {intent_order_amend, trading_amend},
};

static void check_line(const struct auth_piece *line)
{
    struct intent intent;
    struct refusal refusal;
    const struct route *route = order_batch_route(line);
    ASSERT(route->security == SECURITY_TRADE);
    if (!form_parse(&form, line->bytes, line->byte_count, NULL, 0)) return;
    /* Names that are encoded are not looked for: such a line is refused. */
    if (line->byte_count > 0 && memchr(line->bytes, '%', line->byte_count) != NULL) return;
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
        if (readers[i].read(&form, &params, &intent, &refusal))
            ASSERT(route->handler == readers[i].handler);
}

/* Without a gap each '&' stands between two parameters: there is one field more than of these, when all are good. */
static void check_gap(const struct auth_piece *line)
{
    uint32_t separators = 0;
    for (size_t at = 0; at < line->byte_count; at++)
        separators += line->bytes[at] == '&';
    if (line->byte_count > 0 && form_parse(&form, line->bytes, line->byte_count, NULL, 0))
        ASSERT(order_batch_has_gap(line) == (form.field_count != separators + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    const char *at = (const char *)bytes, *end = at + byte_count;
    uint32_t lines = 0;
    size_t length = 0;
    if (params.market_count == 0) world_params(&params);
    const uint32_t count = order_batch_count(at, byte_count);
    while (at < end) {
        const struct auth_piece line = order_batch_next(&at, end);
        ASSERT(line.byte_count == 0 || memchr(line.bytes, '\n', line.byte_count) == NULL);
        check_line(&line);
        check_gap(&line);
        length += line.byte_count + 1;
        lines++;
    }
    ASSERT(lines == count && (length == byte_count || length == byte_count + 1));
    return 0;
}
