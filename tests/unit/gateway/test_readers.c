#include "gateway/proof_source.h"
#include "gateway/readers_uv.h"
#include "gateway/server.h"
#include "tests/unit/gateway/loop_fixture.h"

#include <semaphore.h>
#include <signal.h>

/* Sources that wait until they may go on, as a disk lets wait. */
static sem_t gate;
static _Atomic uint32_t begun, ended, at_once, at_once_most;

static void enter(void)
{
    const uint32_t now = atomic_fetch_add(&at_once, 1) + 1;
    if (now > atomic_load(&at_once_most)) atomic_store(&at_once_most, now);
    atomic_fetch_add(&begun, 1);
    while (sem_wait(&gate) != 0) {
    }
    atomic_fetch_sub(&at_once, 1);
    atomic_fetch_add(&ended, 1);
}

static enum status give_piece(void *context, uint64_t height, uint64_t offset, uint64_t wanted,
                              struct proof_bytes *piece)
{
    (void)context, (void)offset, (void)wanted;
    enter();
    *piece = (struct proof_bytes){(const uint8_t *)"a\0b", 3};
    return height == 9 ? STATUS_OK : STATUS_NOT_FOUND;
}

static const struct proof_source slow = {.published_piece = give_piece};
static const struct gateway_reader two[] = {{NULL, &slow}, {NULL, &slow}};

static void begin(void)
{
    signal(SIGPIPE, SIG_IGN); /* as in a node: answers go to who has left */
    sem_init(&gate, 0, 0);
    atomic_store(&begun, 0);
    atomic_store(&ended, 0);
    atomic_store(&at_once, 0);
    atomic_store(&at_once_most, 0);
}

static void let_go(int count)
{
    for (int i = 0; i < count; i++)
        sem_post(&gate);
}

static void await(const _Atomic uint32_t *counter, uint32_t value)
{
    for (int round = 0; atomic_load(counter) < value; round++) {
        if (round == 5000) fail_msg("%u of %u came", atomic_load(counter), value);
        loop_moment();
    }
}

/* ---- in a gateway ---- */

static void with_readers(void)
{
    loop_options.readers = two;
    loop_options.reader_count = 2;
    loop_options.limits_on = false;
}

static int ask_file(uint64_t height)
{
    char text[128];
    snprintf(text, sizeof(text),
             "GET /quorex/v1/liabilities/file?height=%llu HTTP/1.1\r\nHost: x\r\n\r\n",
             (unsigned long long)height);
    const int descriptor = loop_connect_when_open();
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return descriptor;
}

static void others_are_answered(void)
{
    loop_assert_status(loop_exchange("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"), "200", "{}");
}

/* While files are waited for, as many as can be, whoever wants none is answered; and the file's bytes come as they are
 * when they are there. */
TEST(readers, the_loop_answers_others_meanwhile)
{
    begin();
    loop_prepare = with_readers;
    loop_open();
    const int first = ask_file(9), second = ask_file(8), third = ask_file(9);
    await(&begun, 2);
    others_are_answered();
    assert_int_equal(recv(first, loop_text, 1, MSG_DONTWAIT), -1);
    assert_int_equal(atomic_load(&begun), 2); /* the third waits for a reader */
    let_go(3);
    const char *text = loop_receive(first);
    loop_assert_status(text, "200", "Content-Length: 3\r\n");
    assert_memory_equal(strstr(text, "\r\n\r\n") + 4, "a\0b", 3);
    loop_assert_status(loop_receive(second), "404", "\"code\":");
    loop_assert_status(loop_receive(third), "200", "application/octet-stream");
    assert_int_equal(atomic_load(&at_once_most), 2);
    close(first);
    close(second);
    close(third);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* What nobody waits for any more is not read, and what is being read for nobody harms nobody. */
TEST(readers, who_leaves_is_forgotten)
{
    begin();
    loop_prepare = with_readers;
    loop_open();
    int clients[20];
    for (int i = 0; i < 20; i++)
        clients[i] = ask_file(9);
    await(&begun, 2);
    others_are_answered(); /* and all have been heard */
    for (int i = 0; i < 20; i++) {
        const struct linger at_once_gone = {1, 0};
        if (i % 2 == 0)
            setsockopt(clients[i], SOL_SOCKET, SO_LINGER, &at_once_gone, sizeof(at_once_gone));
        close(clients[i]);
    }
    const int last = ask_file(9);
    let_go(1); /* of the two that are being read: then the last one's turn comes */
    await(&begun, 3);
    for (int round = 0; metric_get(&loop_metrics.http_connections) > 2; round++) {
        if (round == 5000) fail_msg("a client that left is still there");
        loop_moment();
    }
    let_go(2);
    loop_assert_status(loop_receive(last), "200", "application/octet-stream");
    assert_int_equal(atomic_load(&begun), 3);
    close(last);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* More than a bound do not wait: 503, at once. */
TEST(readers, too_many_questions_are_refused)
{
    static int clients[READERS_WAITING_MAX + 3];
    begin();
    loop_prepare = with_readers;
    loop_open();
    for (int i = 0; i < READERS_WAITING_MAX + 3; i++) {
        clients[i] = ask_file(9);
        if (i == 1) await(&begun, 2);
    }
    loop_assert_status(loop_receive(clients[READERS_WAITING_MAX + 2]), "503", "-1008");
    others_are_answered();
    let_go(READERS_WAITING_MAX + 2);
    for (int i = 0; i < READERS_WAITING_MAX + 2; i++)
        loop_assert_status(loop_receive(clients[i]), "200", "application/octet-stream");
    for (int i = 0; i < READERS_WAITING_MAX + 3; i++)
        close(clients[i]);
    assert_int_equal(atomic_load(&at_once_most), 2);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* ---- by themselves ---- */

static uint32_t told, told_nothing;

static void on_done(void *context, const struct reading *reading)
{
    (void)context;
    told++;
    if (reading == NULL) {
        told_nothing++;
        return;
    }
    assert_int_equal(reading->status, STATUS_OK);
    free(reading->taken);
}

static bool wanted = true;

static bool is_wanted(void *context)
{
    (void)context;
    return wanted;
}

static const struct readers_asker asker = {on_done, is_wanted, NULL};

static void read_slowly(struct reading *reading, const struct chain_source *chain,
                        const struct proof_source *proofs)
{
    (void)chain, (void)proofs;
    enter();
    reading->status = STATUS_OK;
    reading_take(reading, "abc", 3);
}

static void *let_go_later(void *context)
{
    (void)context;
    await(&begun, 1);
    loop_moment();
    let_go(1);
    return NULL;
}

/* An end waits for what is being read and drops what waits: each asker is told that nothing comes, once. */
TEST(readers, an_end_waits_for_what_is_being_read)
{
    const struct gateway_reader one = {NULL, NULL};
    const struct reading reading = {.read = read_slowly};
    uv_loop_t loop;
    pthread_t other;
    begin();
    told = told_nothing = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct readers *readers = readers_new(&loop, &one, 1);
    assert_non_null(readers);
    let_go(1);
    assert_non_null(readers_ask(readers, &reading, asker));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(told, 1);
    atomic_store(&begun, 0);
    assert_int_equal(pthread_create(&other, NULL, let_go_later, NULL), 0);
    assert_non_null(readers_ask(readers, &reading, asker));
    assert_non_null(readers_ask(readers, &reading, asker));
    readers_free(readers);
    assert_int_equal(atomic_load(&ended), 2);
    assert_int_equal(told, 3);
    assert_int_equal(told_nothing, 2);
    pthread_join(other, NULL);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* What waits and is not wanted any more is not read; its asker is told. */
TEST(readers, what_is_not_wanted_is_not_read)
{
    const struct gateway_reader one = {NULL, NULL};
    const struct reading reading = {.read = read_slowly};
    uv_loop_t loop;
    begin();
    told = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct readers *readers = readers_new(&loop, &one, 1);
    assert_non_null(readers);
    for (int i = 0; i < 3; i++)
        assert_non_null(readers_ask(readers, &reading, asker));
    readers_sweep(readers);
    assert_int_equal(told, 0);
    wanted = false;
    readers_sweep(readers); /* not what is being read */
    assert_int_equal(told, 2);
    assert_non_null(readers_ask(readers, &reading, asker));
    let_go(2);
    uv_run(&loop, UV_RUN_DEFAULT); /* nor at its turn */
    assert_int_equal(told, 4);
    assert_int_equal(atomic_load(&begun), 1);
    wanted = true;
    readers_free(readers);
    assert_int_equal(uv_loop_close(&loop), 0);
}
