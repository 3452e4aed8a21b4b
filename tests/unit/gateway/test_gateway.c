#include "gateway/restore.h"
#include "tests/unit/gateway/loop_fixture.h"

/* Until the view has passed what the log held at start, and our HELLO, nobody can connect: an answer
 * from half a replay would be a lie. */
TEST(gateway, port_opens_after_the_replay)
{
    loop_start();
    loop_account();
    loop_await_taken();
    assert_int_equal(loop_connect(), -1);
    loop_hello();
    assert_non_null(strstr(loop_exchange("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"), "{}"));
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A stop ends the loop though clients keep their connections open and say nothing. */
TEST(gateway, idle_connections_do_not_hold_a_stop)
{
    struct timespec begin, end;
    loop_start();
    loop_hello();
    const int descriptor = loop_connect_when_open();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(loop_stop(), STATUS_OK);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 3);
    close(descriptor);
}

/* ---- a loop that spins ---- */

static void spin_long(void)
{
    park_spin_for(&loop_park, 600000000);
}

/* While it spins no event costs the engine a wake; clients are answered, and a stop ends it. */
TEST(gateway, a_loop_that_spins_takes_events_unwoken)
{
    loop_prepare = spin_long;
    loop_open();
    assert_non_null(strstr(loop_exchange("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"), "{}"));
    const uint32_t before = loop_wakes;
    for (int i = 0; i < 300; i++) {
        loop_hello();
        loop_await_taken();
    }
    assert_int_equal(loop_wakes, before);
    assert_non_null(strstr(loop_exchange("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"), "{}"));
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* ---- settings that change ---- */

static struct gateway_mailbox mailbox;

static void with_mailbox(void)
{
    loop_options.mailbox = &mailbox;
    loop_options.connections_max = 1;
    loop_options.limits.header_ms = 3600000;
}

static void leave(bool limits_on, uint32_t connections_max, uint32_t header_ms)
{
    struct gateway_settings *settings = calloc(1, sizeof(*settings));
    settings->limits_on = limits_on;
    settings->connections_max = connections_max;
    settings->limits.header_ms = header_ms;
    snprintf(settings->origins, sizeof(settings->origins), "https://a.example");
    gateway_leave(&mailbox, settings, &loop_park);
}

/* What one more connection hears: the status of a ping's answer. */
static int ping_status(const char *origin)
{
    char text[256];
    snprintf(text, sizeof(text), "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\n\r\n",
             origin);
    const int descriptor = loop_connect();
    (void)send(descriptor, text, strlen(text), MSG_NOSIGNAL);
    const int status = (int)strtol(loop_receive(descriptor) + 9, NULL, 10);
    close(descriptor);
    return status;
}

/* They count from the next round on, without a start: more connections than the port was opened with, too. */
TEST(gateway, settings_change_while_it_runs)
{
    loop_prepare = with_mailbox;
    loop_open();
    const int first = loop_connect_when_open();
    assert_int_equal(ping_status("x"), 503);
    leave(true, 65536, 3600000);
    for (int round = 0; ping_status("https://a.example") != 200; round++) {
        if (round == 5000) fail_msg("more connections are not taken");
        loop_moment();
    }
    assert_non_null(strstr(loop_text, "Access-Control-Expose-Headers: "));
    int many[100];
    for (int i = 0; i < 100; i++)
        many[i] = loop_connect();
    assert_int_equal(ping_status("x"), 200);
    for (int i = 0; i < 100; i++)
        close(many[i]);

    /* A request that comes slowly, in an hour's time before, and at once now. */
    assert_int_equal(send(first, "GET /", 5, MSG_NOSIGNAL), 5);
    leave(false, 65536, 1);
    loop_assert_status(loop_receive(first), "408", "too slowly");
    close(first);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* ---- checkpoints ---- */

static struct {
    uint8_t bytes[1 << 16];
    size_t byte_count;
    uint64_t command;
    uint32_t told;
    uint64_t height;
    bool starts;
} checkpoint;

static bool take(void *context, const uint8_t *bytes, size_t byte_count)
{
    (void)context;
    memcpy(checkpoint.bytes + checkpoint.byte_count, bytes, byte_count);
    checkpoint.byte_count += byte_count;
    return true;
}

static void on_sealed(void *context, uint64_t height, const struct restore *restore)
{
    const struct restore_sink sink = {take, NULL};
    assert_ptr_equal(context, &checkpoint);
    checkpoint.byte_count = 0;
    checkpoint.height = height;
    checkpoint.told++;
    checkpoint.command = view_command(restore->view);
    assert_true(restore_save(restore, &sink));
}

static bool on_start(void *context, struct restore *restore)
{
    const uint8_t key[PUBLIC_KEY_BYTES] = {0};
    assert_ptr_equal(context, &checkpoint);
    return checkpoint.starts && restore_params(restore, &loop_genesis.params) &&
           restore_account(restore, 1, key, 0) && restore_book(restore, 0, 40) &&
           restore_level(restore, 0, BUY, (price_t){100}, (qty_t){3}) &&
           restore_load(restore, checkpoint.bytes, checkpoint.byte_count) &&
           restore_end(restore, checkpoint.command);
}

static void every_third(void)
{
    loop_genesis.params.checkpoint_blocks = 3;
    loop_options.checkpoints = (struct gateway_checkpoints){&checkpoint, NULL, on_sealed};
}

static void from_checkpoint(void)
{
    loop_genesis.params.checkpoint_blocks = 3;
    loop_options.checkpoints = (struct gateway_checkpoints){&checkpoint, on_start, NULL};
    loop_number = checkpoint.command;
}

static void seal(uint64_t height)
{
    uint8_t events[64];
    struct event_writer writer = loop_writer(events, sizeof(events));
    const struct sealed_event sealed = {.height = height};
    event_write_sealed(&writer, &sealed);
    loop_apply_own(events, &writer);
}

/* The section is asked for right after the SEAL of a checkpoint's height, before anything that follows. */
TEST(gateway, checkpoints_are_told_of_after_their_seal)
{
    memset(&checkpoint, 0, sizeof(checkpoint));
    loop_prepare = every_third;
    loop_start();
    loop_account();
    for (uint64_t height = 1; height <= 4; height++)
        seal(height);
    loop_hello();
    loop_await_taken();
    assert_int_equal(loop_stop(), STATUS_OK);
    assert_int_equal(checkpoint.told, 1);
    assert_int_equal(checkpoint.height, 3);
    assert_int_equal(checkpoint.command, 4);
}

/* A gateway that starts from one takes the records after it, and shows what was there before. */
TEST(gateway, starts_from_a_checkpoint)
{
    assert_int_equal(checkpoint.told, 1); /* the one made above */
    checkpoint.starts = true;
    loop_prepare = from_checkpoint;
    loop_start();
    loop_hello();
    const char *text =
        loop_exchange("GET /api/v3/depth?symbol=BTCUSDT HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(
        strstr(text, "{\"lastUpdateId\":40,\"bids\":[[\"1.00000000\",\"0.00003000\"]]"));
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* One that cannot be restored does not start. */
TEST(gateway, bad_checkpoint_is_a_failure)
{
    checkpoint.starts = false;
    loop_prepare = from_checkpoint;
    loop_start();
    assert_int_equal(loop_stop(), STATUS_MALFORMED);
}
