#include "tests/unit/gateway/tls_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#define PING "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"

static struct tls_identity *identity;
static struct gateway_mailbox mailbox;
static uint32_t patience_ms;

static void with_identity(void)
{
    loop_options.identity = identity;
    loop_options.mailbox = &mailbox;
    loop_options.limits.header_ms = patience_ms;
}

/* A loop that shows a certificate of "old". */
static void open_tls(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the node does */
    identity = tls_identity_of("old");
    loop_prepare = with_identity;
    loop_open();
}

static void stop_tls(void)
{
    assert_int_equal(loop_stop(), STATUS_OK);
    gateway_mailbox_empty(&mailbox);
    tls_identity_free(identity);
    patience_ms = 0;
}

static uint64_t counted(const _Atomic uint64_t *metric, uint64_t least)
{
    for (int round = 0; metric_get(metric) < least; round++) {
        if (round == 5000) fail_msg("it is not counted");
        loop_moment();
    }
    return metric_get(metric);
}

TEST(tls, requests_are_answered)
{
    open_tls();
    struct tls_client client = tls_connect();
    loop_assert_status(tls_ask(&client, PING), "200", "{}");
    loop_assert_status(tls_ask(&client, PING), "200", "{}");
    assert_int_equal(SSL_version(client.ssl), TLS1_3_VERSION);
    assert_string_equal(tls_shown(&client), "old");
    tls_client_close(&client);
    assert_int_equal(counted(&loop_metrics.tls_handshakes_total, 1), 1);
    assert_int_equal(metric_get(&loop_metrics.tls_expires_s), tls_identity_expires_s(identity));
    assert_int_equal(metric_get(&loop_metrics.tls_failed_total), 0);
    stop_tls();
}

/* `why`: OpenSSL's reason for what it was told. */
static void expect_no_handshake(struct tls_client *client, int why)
{
    char byte;
    ERR_clear_error();
    assert_int_not_equal(SSL_connect(client->ssl), 1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), why);
    errno = 0;
    assert_true(recv(client->descriptor, &byte, 1, 0) <= 0);
    assert_int_not_equal(errno, EAGAIN);
    tls_client_close(client);
}

/* What is older than 1.3 is not spoken, nor is plain HTTP answered. */
TEST(tls, older_versions_are_refused)
{
    open_tls();
    struct tls_client client = tls_client_over(loop_connect_when_open());
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    expect_no_handshake(&client, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    assert_int_equal(counted(&loop_metrics.tls_failed_total, 1), 1);
    assert_string_equal(loop_exchange(PING), "");
    assert_int_equal(counted(&loop_metrics.tls_failed_total, 2), 2);
    assert_int_equal(metric_get(&loop_metrics.tls_handshakes_total), 0);
    stop_tls();
}

/* HTTP/2 stays off, and who speaks nothing else is told so at once. */
TEST(tls, only_http_1_1_is_offered)
{
    const unsigned char *chosen;
    unsigned chosen_bytes;
    open_tls();
    struct tls_client client = tls_client_over(loop_connect_when_open());
    SSL_set_alpn_protos(client.ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    assert_int_equal(SSL_connect(client.ssl), 1);
    SSL_get0_alpn_selected(client.ssl, &chosen, &chosen_bytes);
    assert_int_equal(chosen_bytes, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    loop_assert_status(tls_ask(&client, PING), "200", "{}");
    tls_client_close(&client);
    client = tls_client_over(loop_connect_when_open());
    SSL_set_alpn_protos(client.ssl, (const unsigned char *)"\x02h2", 3);
    expect_no_handshake(&client, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
    stop_tls();
}

/* Nothing that is no handshake is one, wherever it goes wrong or ends; each is counted, and the next client is served. */
TEST(tls, what_is_no_handshake_fails)
{
    static const struct {
        const char *bytes;
        size_t byte_count;
    } cases[] = {
        {"GET /api/v3/ping HTTP/1.1\r\n\r\n", 28},
        {"\0\0\0\0\0\0\0\0", 8},
        {"\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10", 11}, /* SSL 2's first word */
        {"\x16\x03\x01\xff\xff\x01", 6},              /* longer than a record may be */
        {"\x16\x03\x01\0\x04\x01\xff\xff\xff", 9},    /* longer than a first word may be */
        {"\x16\x03\x01\0\x05\x01\0\0\x01\x03", 10},   /* and shorter */
        {"\x16\x03\x01\0\x04\x02\0\0\0", 9},          /* a server's */
        {"\x17\x03\x03\0\x05hello", 10},              /* what comes later */
        {"\x15\x03\x01\0\x02\x02\x28", 7},            /* an alert */
        {"\x14\x03\x03\0\x01\x01", 6},
    };
    open_tls();
    for (uint64_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int descriptor = loop_connect_when_open();
        assert_int_equal(send(descriptor, cases[i].bytes, cases[i].byte_count, MSG_NOSIGNAL),
                         cases[i].byte_count);
        assert_int_equal(shutdown(descriptor, SHUT_WR), 0); /* where more might have come */
        (void)loop_receive(descriptor);
        assert_null(strstr(loop_text, "HTTP/1.1"));
        close(descriptor);
        assert_int_equal(counted(&loop_metrics.tls_failed_total, i + 1), i + 1);
    }
    assert_int_equal(metric_get(&loop_metrics.tls_handshakes_total), 0);
    assert_int_equal(metric_get(&loop_metrics.http_requests_total), 0);
    struct tls_client client = tls_connect();
    loop_assert_status(tls_ask(&client, PING), "200", "{}");
    tls_client_close(&client);
    stop_tls();
}

/* ---- sessions ---- */

/* One whose tickets have come. */
static SSL_SESSION *take_session(void)
{
    struct tls_client client = tls_connect();
    loop_assert_status(tls_ask(&client, PING), "200", "{}");
    SSL_SESSION *session = SSL_get1_session(client.ssl);
    assert_true(SSL_SESSION_is_resumable(session));
    tls_client_close(&client);
    return session;
}

/* What is sent before the handshake is done could be sent again by anybody: it is dropped, and the connection goes on. */
TEST(tls, early_data_is_refused)
{
    size_t written;
    open_tls();
    SSL_SESSION *given = take_session(), *session = SSL_SESSION_dup(given);
    assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
    assert_int_equal(SSL_SESSION_set_max_early_data(session, 4096), 1); /* as a liar has it */
    const uint64_t before = metric_get(&loop_metrics.http_requests_total);
    struct tls_client client = tls_client_over(loop_connect_when_open());
    SSL_set_session(client.ssl, session);
    assert_int_equal(SSL_write_early_data(client.ssl, PING, strlen(PING), &written), 1);
    assert_int_equal(SSL_connect(client.ssl), 1);
    assert_int_equal(SSL_get_early_data_status(client.ssl), SSL_EARLY_DATA_REJECTED);
    loop_assert_status(tls_ask(&client, PING), "200", "{}");
    assert_int_equal(metric_get(&loop_metrics.http_requests_total), before + 1);
    tls_client_close(&client);
    SSL_SESSION_free(session);
    SSL_SESSION_free(given);
    stop_tls();
}

static bool resumes(SSL_SESSION *session)
{
    struct tls_client client = tls_client_over(loop_connect_when_open());
    SSL_set_session(client.ssl, session);
    assert_int_equal(SSL_connect(client.ssl), 1);
    const bool is_resumed = SSL_session_reused(client.ssl) == 1;
    loop_assert_status(tls_ask(&client, PING), "200", "{}");
    tls_client_close(&client);
    return is_resumed;
}

/* ---- another certificate ---- */

static void leave_identity(struct tls_identity *next)
{
    struct gateway_settings *settings = calloc(1, sizeof(*settings));
    settings->limits_on = true;
    settings->limits = loop_options.limits;
    settings->identity = next;
    gateway_leave(&mailbox, settings, &loop_park);
}

static void await_shown(const char *name)
{
    for (int round = 0;; round++) {
        struct tls_client client = tls_connect();
        const bool is_shown = strcmp(tls_shown(&client), name) == 0;
        tls_client_close(&client);
        if (is_shown) return;
        if (round == 5000) fail_msg("the new certificate is not shown");
    }
}

/* Who has been here before need not see the certificate again, until there is another: then his ticket is good for
 * nothing, and he is shown it. */
TEST(tls, sessions_end_with_their_certificate)
{
    open_tls();
    SSL_SESSION *session = take_session();
    assert_true(resumes(session));
    leave_identity(tls_identity_of("new"));
    await_shown("new");
    assert_false(resumes(session));
    SSL_SESSION_free(session);
    stop_tls();
}

/* Connections from then on are shown the new one. One that is open goes on, and so does one that was accepted before
 * and says its first word only now. */
TEST(tls, new_certificate_is_for_new_connections)
{
    open_tls();
    struct tls_client before = tls_connect();
    loop_assert_status(tls_ask(&before, PING), "200", "{}");
    struct tls_client silent = tls_client_over(loop_connect());
    counted(&loop_metrics.http_connections, 2);
    leave_identity(tls_identity_of("new"));
    await_shown("new");
    loop_assert_status(tls_ask(&before, PING), "200", "{}");
    assert_int_equal(SSL_connect(silent.ssl), 1);
    assert_string_equal(tls_shown(&silent), "old");
    loop_assert_status(tls_ask(&silent, PING), "200", "{}");
    tls_client_close(&silent);
    tls_client_close(&before);
    stop_tls();
}

/* Settings that nobody has taken yet make room for the next, and nothing is lost. */
TEST(tls, last_certificate_counts)
{
    open_tls();
    leave_identity(tls_identity_of("first"));
    leave_identity(tls_identity_of("second"));
    leave_identity(NULL); /* settings without one */
    leave_identity(tls_identity_of("third"));
    await_shown("third");
    stop_tls();
}

/* ---- slow and cut ---- */

/* The end of the connection, without a word. */
static void expect_end(int descriptor)
{
    char byte;
    assert_int_equal(recv(descriptor, &byte, 1, 0), 0);
    close(descriptor);
}

/* Who says nothing, and who says half a word, is not waited for. */
TEST(tls, handshake_that_does_not_end_is_ended)
{
    static const char half[] = "\x16\x03\x01\x02\x00\x01";
    patience_ms = 1;
    open_tls();
    expect_end(loop_connect_when_open());
    assert_int_equal(counted(&loop_metrics.tls_slow_closed_total, 1), 1);
    const int descriptor = loop_connect();
    assert_int_equal(send(descriptor, half, sizeof(half) - 1, MSG_NOSIGNAL), sizeof(half) - 1);
    expect_end(descriptor);
    assert_int_equal(counted(&loop_metrics.tls_slow_closed_total, 2), 2);
    stop_tls();
}

/* A handshake within its time is none of that, and the sender of a slow request is told in his own tongue. */
TEST(tls, slow_request_is_told_of_it)
{
    patience_ms = 300;
    open_tls();
    for (int round = 0; metric_get(&loop_metrics.http_slow_closed_total) == 0; round++) {
        if (round == 200) fail_msg("no handshake is done in time");
        struct tls_client client = tls_client_over(loop_connect_when_open());
        /* A machine that is very busy may be too late itself. */
        if (SSL_connect(client.ssl) == 1) {
            tls_say(&client, "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nX-Slow");
            loop_assert_status(tls_hear(&client), "408", "too slowly");
            assert_int_equal(SSL_read(client.ssl, loop_text, 1), 0);
            assert_int_equal(SSL_get_error(client.ssl, 0), SSL_ERROR_ZERO_RETURN);
        }
        tls_client_close(&client);
    }
    stop_tls();
}

/* Handshakes hold up no stop. */
TEST(tls, stop_ends_handshakes)
{
    patience_ms = 3600000;
    open_tls();
    const int silent = loop_connect_when_open();
    counted(&loop_metrics.http_connections, 1);
    atomic_store(&loop_progress.closing, 1);
    park_wake(&loop_park);
    expect_end(silent);
    stop_tls();
}

/* ---- libh2o's faults ---- */

/* A client that resets its connection gives its place free: one that asks, and one that has said nothing yet. */
TEST(tls, reset_connection_is_gone)
{
    const struct linger at_once = {.l_onoff = 1};
    open_tls();
    for (int round = 0; round < 2; round++) {
        struct tls_client client = tls_connect();
        if (round > 0) loop_assert_status(tls_ask(&client, PING), "200", "{}");
        counted(&loop_metrics.http_connections, 1);
        counted(&loop_metrics.tls_handshakes_total, (uint64_t)round + 1);
        assert_int_equal(
            setsockopt(client.descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
        SSL_set_quiet_shutdown(client.ssl, 1);
        tls_client_close(&client);
        for (int wait = 0; metric_get(&loop_metrics.http_connections) > 0; wait++) {
            if (wait == 5000) fail_msg("the connection keeps its place");
            loop_moment();
        }
    }
    stop_tls();
}

#define READ_BYTES 8192 /* libh2o's buffer */
#define BODY_BYTES 30000

/* Speaks TLS into memory, so that the test says how many bytes go at once. */
static struct tls_client connect_by_hand(BIO **to_server)
{
    struct tls_client client = tls_connect();
    *to_server = BIO_new(BIO_s_mem());
    BIO *from_server = BIO_new_socket(client.descriptor, BIO_NOCLOSE);
    SSL_set_bio(client.ssl, from_server, *to_server);
    return client;
}

/* A read that takes exactly what has come, and fills the buffer, is not the connection's end, wherever in its life. */
TEST(tls, full_read_is_not_the_end)
{
    static char body[BODY_BYTES + 1];
    char head[256], *bytes;
    BIO *to_server;
    memset(body, 'a', BODY_BYTES);
    open_tls();
    struct tls_client client = connect_by_hand(&to_server);
    for (int request = 0; request < 2; request++) {
        snprintf(head, sizeof(head),
                 "POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
                 BODY_BYTES);
        tls_say(&client, head);
        tls_say(&client, body);
        const long byte_count = BIO_get_mem_data(to_server, &bytes);
        assert_true(byte_count > 3 * READ_BYTES);
        assert_int_equal(send(client.descriptor, bytes, READ_BYTES, MSG_NOSIGNAL), READ_BYTES);
        /* The loop has read it when it has answered somebody who asks after it. */
        struct tls_client other = tls_connect();
        loop_assert_status(tls_ask(&other, PING), "200", "{}");
        tls_client_close(&other);
        const size_t rest = (size_t)byte_count - READ_BYTES;
        assert_int_equal(send(client.descriptor, bytes + READ_BYTES, rest, MSG_NOSIGNAL), rest);
        (void)BIO_reset(to_server);
        loop_assert_status(tls_hear(&client), "400", "\"code\":");
    }
    tls_client_close(&client);
    stop_tls();
}

/* ---- what comes with a request, and is the end of the connection ---- */

/* The handshake's last word stays in `to_server`, so that it goes in one segment with what is said next. */
static struct tls_client shake_by_hand(BIO **to_server)
{
    struct tls_client client = tls_client_over(loop_connect_when_open());
    struct pollfd ready = {.fd = client.descriptor, .events = POLLIN};
    *to_server = BIO_new(BIO_s_mem());
    SSL_set_bio(client.ssl, BIO_new_socket(client.descriptor, BIO_NOCLOSE), *to_server);
    assert_int_equal(fcntl(client.descriptor, F_SETFL, O_NONBLOCK), 0);
    while (SSL_connect(client.ssl) != 1) {
        char *bytes;
        const long byte_count = BIO_get_mem_data(*to_server, &bytes);
        assert_int_equal(send(client.descriptor, bytes, (size_t)byte_count, MSG_NOSIGNAL),
                         byte_count);
        (void)BIO_reset(*to_server);
        assert_int_equal(poll(&ready, 1, 15000), 1);
    }
    assert_int_equal(fcntl(client.descriptor, F_SETFL, 0), 0);
    return client;
}

/* What stands in `to_server`, at once. */
static void send_segment(struct tls_client *client, BIO *to_server)
{
    char *bytes;
    const long byte_count = BIO_get_mem_data(to_server, &bytes);
    assert_int_equal(send(client->descriptor, bytes, (size_t)byte_count, MSG_NOSIGNAL), byte_count);
    (void)BIO_reset(to_server);
}

static const char garbage[5 + 64] = {0x17, 3, 3, 0, 64};

static void add_garbage(struct tls_client *client, BIO *to_server)
{
    (void)client;
    assert_int_equal(BIO_write(to_server, garbage, sizeof(garbage)), sizeof(garbage));
}

/* What a client says that was told garbage: a fatal alert, encrypted. */
static void add_alert(struct tls_client *client, BIO *to_server)
{
    char byte;
    BIO *from_server = SSL_get_rbio(client->ssl), *told = BIO_new(BIO_s_mem());
    const uint64_t before = BIO_number_written(to_server);
    BIO_write(told, garbage, sizeof(garbage));
    BIO_up_ref(from_server);
    SSL_set0_rbio(client->ssl, told);
    assert_int_equal(SSL_read(client->ssl, &byte, 1), -1);
    SSL_set0_rbio(client->ssl, from_server);
    assert_true(BIO_number_written(to_server) > before);
    ERR_clear_error();
}

typedef void end_by(struct tls_client *client, BIO *to_server);
static end_by *const ends[] = {add_garbage, add_alert};

/* The server has ended the connection, with an answer or without. */
static void expect_cut(struct tls_client *client)
{
    ssize_t got;
    while ((got = recv(client->descriptor, loop_text, sizeof(loop_text), 0)) > 0)
        ;
    if (got < 0) assert_int_equal(errno, ECONNRESET);
    SSL_set_quiet_shutdown(client->ssl, 1);
    tls_client_close(client);
}

static void expect_others_answered(void)
{
    struct tls_client other = tls_connect();
    loop_assert_status(tls_ask(&other, PING), "200", "{}");
    tls_client_close(&other);
}

/* Nothing is answered on a connection that cannot be written to any more. */
TEST(tls, broken_end_of_a_handshake_is_the_end)
{
    BIO *to_server;
    open_tls();
    for (size_t end = 0; end < sizeof(ends) / sizeof(ends[0]); end++) {
        struct tls_client client = shake_by_hand(&to_server);
        tls_say(&client, PING);
        ends[end](&client, to_server);
        send_segment(&client, to_server);
        expect_cut(&client);
        assert_int_equal(counted(&loop_metrics.tls_failed_total, end + 1), end + 1);
        expect_others_answered();
    }
    stop_tls();
}

TEST(tls, broken_end_behind_a_request_is_the_end)
{
    BIO *to_server;
    open_tls();
    for (size_t end = 0; end < sizeof(ends) / sizeof(ends[0]); end++) {
        struct tls_client client = connect_by_hand(&to_server);
        tls_say(&client, PING);
        send_segment(&client, to_server);
        loop_assert_status(tls_hear(&client), "200", "{}");
        tls_say(&client, PING);
        ends[end](&client, to_server);
        send_segment(&client, to_server);
        expect_cut(&client);
        expect_others_answered();
    }
    stop_tls();
}

/* Who asks for new keys and says a request with it, in his handshake's last segment and later, has them. */
TEST(tls, new_keys_are_given)
{
    BIO *to_server;
    open_tls();
    struct tls_client client = shake_by_hand(&to_server);
    for (int request = 0; request < 3; request++) {
        assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        tls_say(&client, PING);
        send_segment(&client, to_server);
        loop_assert_status(tls_hear(&client), "200", "{}");
    }
    tls_client_close(&client);
    stop_tls();
}

#define KERNEL_BYTES (64u << 20) /* more than the kernel takes for a server that does not read */

/* What is said behind a farewell is none of the connection's, and ends it: it is not kept. */
static void say_behind_farewell(struct tls_client *client)
{
    static const char noise[1 << 16];
    size_t sent = 0;
    ssize_t taken;
    while ((taken = send(client->descriptor, noise, sizeof(noise), MSG_NOSIGNAL)) > 0) {
        sent += (size_t)taken;
        assert_true(sent < KERNEL_BYTES);
    }
}

/* Who says that he has asked all is answered. */
TEST(tls, farewell_behind_a_request_waits_for_the_answer)
{
    BIO *to_server;
    open_tls();
    for (int round = 0; round < 2; round++) {
        struct tls_client client =
            round == 0 ? shake_by_hand(&to_server) : connect_by_hand(&to_server);
        tls_say(&client, PING);
        assert_int_equal(SSL_shutdown(client.ssl), 0);
        send_segment(&client, to_server);
        if (round == 0) assert_int_equal(shutdown(client.descriptor, SHUT_WR), 0);
        loop_assert_status(tls_hear(&client), "200", "{}");
        if (round == 1) say_behind_farewell(&client);
        expect_cut(&client);
    }
    stop_tls();
}

/* ---- WebSocket ---- */

/* A frame of the server's, its payload as text; short ones alone. */
static const char *hear_frame(struct tls_client *client)
{
    unsigned char head[2];
    assert_int_equal(SSL_read(client->ssl, head, 2), 2);
    size_t bytes = head[1], used = 0;
    if (bytes == 126) {
        assert_int_equal(SSL_read(client->ssl, head, 2), 2);
        bytes = (size_t)head[0] << 8 | head[1];
    }
    while (used < bytes) {
        const int got = SSL_read(client->ssl, loop_text + used, (int)(bytes - used));
        assert_true(got > 0);
        used += (size_t)got;
    }
    loop_text[used] = '\0';
    return loop_text;
}

static void say_frame(struct tls_client *client, const char *text)
{
    char frame[256] = {(char)0x81, (char)(0x80 | strlen(text))}; /* a mask of zeros */
    assert_true(strlen(text) < 126);
    memcpy(frame + 6, text, strlen(text));
    assert_int_equal(SSL_write(client->ssl, frame, (int)strlen(text) + 6), strlen(text) + 6);
}

static struct tls_client open_websocket(const char *path)
{
    char head[512];
    struct tls_client client = tls_connect();
    snprintf(head, sizeof(head),
             "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             path);
    tls_say(&client, head);
    size_t used = 0;
    do {
        assert_int_equal(SSL_read(client.ssl, loop_text + used, 1), 1);
        loop_text[++used] = '\0';
    } while (strstr(loop_text, "\r\n\r\n") == NULL);
    loop_assert_status(loop_text, "101", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    return client;
}

TEST(tls, websocket_is_spoken_over_it)
{
    open_tls();
    struct tls_client client = open_websocket("/ws");
    say_frame(&client, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"params\":[],\"id\":3}");
    assert_string_equal(hear_frame(&client), "{\"result\":[],\"id\":3}");
    atomic_store(&loop_progress.closing, 1);
    park_wake(&loop_park);
    assert_non_null(strstr(hear_frame(&client), "{\"e\":\"serverShutdown\",\"E\":"));
    assert_memory_equal(hear_frame(&client), "\x03\xe9the node is stopping", 22);
    tls_client_close(&client);
    stop_tls();
}

/* A client's fatal alert ends a WebSocket connection too, and nothing is said to it any more. */
TEST(tls, broken_end_of_a_websocket_is_the_end)
{
    for (size_t end = 0; end < sizeof(ends) / sizeof(ends[0]); end++) {
        open_tls();
        struct tls_client client = open_websocket("/ws");
        BIO *to_server = BIO_new(BIO_s_mem());
        SSL_set0_wbio(client.ssl, to_server);
        say_frame(&client, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"params\":[],\"id\":3}");
        ends[end](&client, to_server);
        send_segment(&client, to_server);
        expect_cut(&client);
        expect_others_answered();
        stop_tls();
    }
}

/* A path that listens to account 1. */
static void make_listen_path(char *path, size_t capacity)
{
    char request[1024], key[65];
    memset(key, 'a', 64);
    key[64] = '\0';
    snprintf(request, sizeof(request),
             "POST /api/v3/userDataStream HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
             "X-MBX-APIKEY: %s\r\n\r\n",
             key);
    struct tls_client client = tls_connect();
    const char *answer = tls_ask(&client, request);
    loop_assert_status(answer, "200", "{\"listenKey\":\"");
    const char *made = strstr(answer, "\"listenKey\":\"") + strlen("\"listenKey\":\"");
    snprintf(path, capacity, "/ws/%.64s", made);
    tls_client_close(&client);
}

/* An order that comes back after the stop has begun is told to who listens to its account, as its answer is. */
TEST(tls, stop_waits_for_what_happens_to_an_account)
{
    char path[128], request[2048];
    uint8_t command[COMMAND_HEADER_BYTES + COMMAND_PAYLOAD_MAX];
    open_tls();
    make_listen_path(path, sizeof(path));
    struct tls_client listens = open_websocket(path), asks = tls_connect();
    loop_sign(request, sizeof(request), "POST", "/api/v3/order",
              "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100");
    tls_say(&asks, request);
    const size_t byte_count = loop_next_command(command);
    atomic_store(&loop_progress.closing, 1);
    park_wake(&loop_park);
    assert_non_null(strstr(hear_frame(&listens), "{\"e\":\"serverShutdown\",\"E\":"));
    loop_accept(command, byte_count, 1);
    assert_non_null(strstr(hear_frame(&listens), "\"e\":\"executionReport\""));
    assert_memory_equal(hear_frame(&listens), "\x03\xe9the node is stopping", 22);
    loop_assert_status(tls_hear(&asks), "200", "\"orderId\":1");
    tls_client_close(&asks);
    tls_client_close(&listens);
    stop_tls();
}
