#include "gateway/frame.h"
#include "gateway/session_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Any text as a control message: the answer is always one JSON object, and the session's own limits
 * hold. The first byte says whether the text is a URL instead. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct market_views *views_of_two(void)
{
    static struct genesis genesis;
    static struct arena arena;
    genesis.params.levels_max = 10;
    genesis.params.assets_max = genesis.params.asset_count = 2;
    genesis.params.markets_max = genesis.params.market_count = 1;
    genesis.params.assets[0] = (struct asset){"BTC", 8};
    genesis.params.assets[1] = (struct asset){"USDT", 8};
    genesis.params.markets[0] = (struct market){
        .symbol = "BTCUSDT", .base = 0, .quote = 1, .tick_units = 1000000, .lot_units = 1000};
    if (!arena_map(&arena, market_view_bytes(&genesis))) abort();
    return market_views_new(&arena, &genesis);
}

static void *resize(void *memory, size_t byte_count)
{
    if (byte_count > 0) return realloc(memory, byte_count);
    free(memory);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct market_views *views;
    static struct session session = {.resize = resize};
    static struct session_request request;
    static struct session_changes changes;
    static char reply[96 * 1024];
    if (views == NULL) views = views_of_two();
    if (size == 0 || size > FRAME_MESSAGE_MAX) return 0;

    const char *text = (const char *)data + 1;
    if (data[0] % 2 == 0) {
        const bool taken =
            session_open_path(&session, views, text, size - 1, text, size - 1, &changes);
        ASSERT(!taken || session.stream_count <= SESSION_STREAMS_MAX);
        session_free(&session);
        return 0;
    }
    session_open(&session, false);
    for (int i = 0; i < 2; i++) {
        struct text answer = text_over(reply, sizeof(reply));
        session_request_read(&request, text, size - 1);
        session_answer(&session, views, &request, &answer, &changes);
        session_request_free(&request);
        ASSERT(!text_full(&answer));
        ASSERT(changes.count <= SESSION_STREAMS_MAX);
        ASSERT(session.names_used <= SESSION_NAMES_BYTES);
        json_t *parsed = json_loadb(answer.bytes, answer.used, 0, NULL);
        ASSERT(json_is_object(parsed));
        json_decref(parsed);
    }
    session_free(&session);
    return 0;
}
