#include "tests/unit/gateway/socket_fixture.h"

/* Handshakes that are none are refused before the protocol changes. */
TEST(socket, handshakes_are_checked)
{
    start_server();
#define HEAD "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
#define KEY  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13  "Sec-WebSocket-Version: 13\r\n"
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET /ws HTTP/1.1\r\n" HEAD KEY "Sec-WebSocket-Version: 8\r\n\r\n", "426"},
        {"GET /ws HTTP/1.1\r\n" HEAD KEY "\r\n", "426"},
        {"GET /ws HTTP/1.0\r\n" HEAD KEY V13 "\r\n", "400"},
        {"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "426"},
        {"GET /ws HTTP/1.1\r\n" HEAD V13 "\r\n", "400"},
        {"GET /ws HTTP/1.1\r\n" HEAD V13 "Sec-WebSocket-Key: short\r\n\r\n", "400"},
        {"GET /ws HTTP/1.1\r\n" HEAD V13 "Sec-WebSocket-Key: ????????????????????????\r\n\r\n",
         "400"},
        {"POST /ws HTTP/1.1\r\nContent-Length: 0\r\n" HEAD KEY V13 "\r\n", "405"},
        {"GET /ws/%4 HTTP/1.1\r\n" HEAD KEY V13 "\r\n", "400"},
        {"GET /ws HTTP/1.1\r\n" HEAD KEY V13 "\r\n", "101"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(client_request(&first, cases[i].request), cases[i].status);
        leave(&first);
    }
    stop_server();
}

/* A stop tells everybody, and takes nobody new. */
TEST(socket, stop_closes_everybody)
{
    start_server();
    client_open(&first, "/ws/btcusdt@trade");
    trade(1); /* in the same round: it has happened, and is told */
    socket_hub_close_all(hub, 1001, "the node stops", "", false);
    assert_non_null(strstr(hear_text(&first), "\"e\":\"trade\""));
    assert_non_null(strstr(hear_text(&first), "\"e\":\"serverShutdown\""));
    expect_close(&first, 1001);
    assert_string_equal(client_request(&second, "GET /ws HTTP/1.1\r\n" HEAD KEY V13 "\r\n"), "503");
    close(second.descriptor);
    leave(&first);
    stop_server();
}
