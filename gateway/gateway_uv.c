#include "gateway/gateway.h"

#include "gateway/custody_watch.h"
#include "gateway/desk.h"
#include "gateway/hall.h"
#include "gateway/restore.h"
#include "gateway/server.h"
#include "gateway/tls_identity.h"

#include "common/le.h"
#include "common/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#define TICK_MS         100
#define MEASURE_TICKS   10   /* custody is measured once a second */
#define DRAIN_MAX       4096 /* records a round: requests must not wait for a replay */
#define ABANDON_MS      1000 /* after GATEWAY_STOP_MS: how long last answers may take */
#define ALIGNMENT_EXTRA 4096

struct gateway {
    struct gateway_options own;            /* the caller's, with what has changed since */
    const struct gateway_options *options; /* those */
    char elsewhere[GATEWAY_TEXT_MAX], origins[GATEWAY_TEXT_MAX];
    struct arena arena;
    struct view *view;
    struct market_views *markets;
    struct publisher *publisher;
    struct custody_watch *custody;
    uint32_t ticks; /* since custody was measured */
    struct block_list blocks;
    struct server *server;
    struct desk *desk; /* the server's */
    uv_loop_t loop;
    uv_poll_t park;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* runs while there is more to drain, so that the loop does not sleep */
    uv_timer_t timer;
    struct waiter *waiter; /* of the command whose parts are coming */
    uint64_t sealed;       /* height that this command seals; 0: none */
    enum status status;
    uint64_t stop_at_ms;
    bool is_open;
    bool is_stopping;
    bool has_abandoned;
    bool has_answered;
};

/* ---- checkpoints ---- */

static uint64_t height_of(const struct event *event)
{
    struct sealed_event sealed;
    sealed_event_get(event->payload, &sealed);
    return sealed.height;
}

/* The views are as the SEAL has left them. */
static void tell_checkpoint(struct gateway *gateway)
{
    const struct gateway_checkpoints *checkpoints = &gateway->options->checkpoints;
    const uint32_t every = market_views_params(gateway->markets)->checkpoint_blocks;
    const uint64_t height = gateway->sealed;
    gateway->sealed = 0;
    if (height == 0 || checkpoints->sealed == NULL || every == 0 || height % every != 0) return;
    struct restore views;
    restore_begin(&views, gateway->view, gateway->markets);
    checkpoints->sealed(checkpoints->context, height, &views);
}

/* ---- events ---- */

static void take_record(struct gateway *gateway, const uint8_t *bytes, size_t byte_count)
{
    struct applied applied;
    struct command command;
    struct event event;
    const uint8_t *at = bytes;
    const bool decoded = applied_next(&at, bytes + byte_count, &applied);
    ASSERT(decoded && at == bytes + byte_count);

    if ((applied.flags & APPLIED_FIRST) != 0) {
        const bool whole = command_decode(applied.command, applied.command_length, &command);
        ASSERT(whole);
        gateway->waiter = desk_waiter(gateway->desk, &command.header);
    }
    const uint8_t *events = applied.events;
    const uint8_t *end = applied.events + applied.events_length;
    while (event_next(&events, end, &event)) {
        market_view_apply(gateway->markets, &applied, &event);
        view_apply(gateway->view, &applied, &event);
        custody_watch_apply(gateway->custody, applied.stamp_ns, &event);
        publish_event(gateway->publisher, &applied, &event);
        if (event.type == T_SEALED) gateway->sealed = height_of(&event);
        if (gateway->waiter != NULL) desk_event(gateway->waiter, &applied, &event);
    }
    ASSERT(events == end);
    publish_end(gateway->publisher, &applied);
    if ((applied.flags & APPLIED_LAST) == 0) return;

    market_views_advance(gateway->markets, applied.stamp_ns);
    view_finish(gateway->view, &applied);
    if (gateway->waiter != NULL) desk_finish(gateway->desk, gateway->waiter, &applied);
    gateway->waiter = NULL;
    tell_checkpoint(gateway);
}

/* Framed like an event, but never among events. */
static void take_notice(struct gateway *gateway, const uint8_t *bytes, size_t byte_count)
{
    struct event notice;
    const bool decoded = notice_decode(bytes, byte_count, &notice);
    ASSERT(decoded);
    block_list_apply(&gateway->blocks, notice.type, notice.payload);
    publish_notice(gateway->publisher, notice.type, notice.payload);
}

/* Takes what has come, up to a bound. */
static void drain(struct ring *ring, struct gateway *gateway,
                  void (*take)(struct gateway *, const uint8_t *, size_t))
{
    const uint8_t *bytes;
    size_t byte_count;
    uint32_t taken = 0;
    while (taken < DRAIN_MAX && !server_is_behind(gateway->server) &&
           (bytes = ring_peek(ring, &byte_count)) != NULL) {
        take(gateway, bytes, byte_count);
        ring_pop(ring);
        taken++;
    }
    if (taken > 0) ring_release(ring);
}

static void drain_all(struct gateway *gateway)
{
    const uint64_t before = view_command(gateway->view);
    drain(gateway->options->applied, gateway, take_record);
    drain(gateway->options->notices, gateway, take_notice);
    if (view_command(gateway->view) == before) return;
    park_busy(gateway->options->park);
    desk_moved(gateway->desk);
}

/* ---- life ---- */

static void gateway_fail(struct gateway *gateway, enum status status)
{
    gateway->status = status;
    uv_stop(&gateway->loop);
}

/* Open once the view has passed all that the log held at start, and our HELLO after it: from then on
 * a command of ours can come back. acquire: pairs with the consensus loop's release. A loop joins a port that the first one
 * has opened, as soon as it is ready itself. */
static void open_when_ready(struct gateway *gateway)
{
    const struct gateway_options *options = gateway->options;
    const uint64_t replay =
        atomic_load_explicit(&options->progress->replay_command, memory_order_acquire);
    if (options->loop_index > 0 && !hall_port_is_open(options->hall)) return;
    if (replay == 0 || view_command(gateway->view) < replay) return;
    if (view_epoch(gateway->view) < replay) return;
    const enum status status = server_listen(gateway->server);
    if (status != STATUS_OK) {
        gateway_fail(gateway, status);
        return;
    }
    gateway->is_open = true;
}

/* Nothing more is taken; what is under way has its answer as long as the other threads go on. */
static void step_closing(struct gateway *gateway)
{
    struct progress *progress = gateway->options->progress;
    if (!gateway->is_stopping) {
        gateway->is_stopping = true;
        gateway->stop_at_ms = uv_now(&gateway->loop) + GATEWAY_STOP_MS;
        server_stop(gateway->server);
        log_info("gateway", "stopping: no more connections", " ");
    }
    if (gateway->has_answered || desk_waits(gateway->desk)) return;
    gateway->has_answered = true;
    if (hall_is_last_to_answer(gateway->options->hall))
        atomic_store_explicit(&progress->answered, 1, memory_order_release);
}

static void step_stopping(struct gateway *gateway)
{
    step_closing(gateway);
    const bool is_late = uv_now(&gateway->loop) >= gateway->stop_at_ms;
    if (server_is_idle(gateway->server) || (is_late && gateway->has_abandoned)) {
        uv_stop(&gateway->loop);
    } else if (is_late) {
        gateway->has_abandoned = true;
        gateway->stop_at_ms += ABANDON_MS;
        desk_abandon(gateway->desk);
    }
}

/* ---- settings ---- */

static void take_settings(struct gateway *gateway)
{
    struct gateway_mailbox *mailbox = gateway->options->mailbox;
    if (mailbox == NULL || atomic_load_explicit(&mailbox->settings, memory_order_relaxed) == NULL)
        return;
    struct gateway_settings *settings =
        atomic_exchange_explicit(&mailbox->settings, NULL, memory_order_acquire);
    if (settings == NULL) return;
    gateway->own.limits_on = settings->limits_on;
    gateway->own.connections_max = settings->connections_max;
    gateway->own.limits = settings->limits;
    memcpy(gateway->elsewhere, settings->elsewhere, sizeof(gateway->elsewhere));
    memcpy(gateway->origins, settings->origins, sizeof(gateway->origins));
    server_reconfigure(gateway->server, settings->identity);
    tls_identity_free(settings->identity);
    free(settings);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

/* Whether both rings are empty, and their producers know that they have to wake us. */
static bool may_sleep(const struct gateway *gateway)
{
    if (park_looks(gateway->options->park)) return false;
    const bool events_done = ring_sleepy(gateway->options->applied);
    const bool notices_done = ring_sleepy(gateway->options->notices);
    return events_done && notices_done;
}

/* Before the loop sleeps, or looks at its sockets and rings again: write what the round has to say, and then hand over its
 * commands, those too that waited for room among what was written. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct gateway *gateway = prepare->data;
    server_write(gateway->server);
    if (desk_flush(gateway->desk)) park_busy(gateway->options->park);
    if (!may_sleep(gateway)) uv_idle_start(&gateway->idle, on_idle);
}

static void on_check(uv_check_t *check)
{
    struct gateway *gateway = check->data;
    ring_awake(gateway->options->applied);
    ring_awake(gateway->options->notices);
    uv_idle_stop(&gateway->idle);
    take_settings(gateway);
    drain_all(gateway);
    if (!gateway->is_open && !gateway->is_stopping && gateway->status == STATUS_OK)
        open_when_ready(gateway);
    if (atomic_load_explicit(&gateway->options->progress->closing, memory_order_acquire) != 0)
        step_closing(gateway);
}

static void on_park(uv_poll_t *poll, int status, int events)
{
    struct gateway *gateway = poll->data;
    (void)status;
    (void)events;
    park_clear(gateway->options->park);
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* All loops' views have the same: one tells of it, since metrics are summed up. */
static void measure_custody(struct gateway *gateway)
{
    if (gateway->options->loop_index > 0) return;
    if (++gateway->ticks < MEASURE_TICKS) return;
    gateway->ticks = 0;
    custody_watch_measure(gateway->custody, view_custody(gateway->view),
                          gateway->blocks.certified_height, clock_ns(), gateway->options->metrics);
}

static void on_timer(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    const struct progress *progress = gateway->options->progress;
    /* acquire: pairs with the writer's release after its commit. */
    const uint64_t projected =
        atomic_load_explicit(&progress->projected_command, memory_order_acquire);
    view_trim(gateway->view, projected, clock_ns());
    measure_custody(gateway);
    server_tick(gateway->server);
    if (atomic_load_explicit(&progress->stopping, memory_order_relaxed) != 0)
        step_stopping(gateway);
}

/* ---- begin and end ---- */

/* A loop that is alone has one to itself. */
static bool find_hall(struct gateway *gateway)
{
    struct gateway_options *own = &gateway->own;
    if (own->hall == NULL) own->hall = hall_new(&gateway->arena, 1, own->metrics);
    return own->hall != NULL;
}

size_t gateway_bytes(const struct genesis *genesis)
{
    return view_bytes(genesis) + market_view_bytes(genesis) + publish_bytes(genesis) +
           user_stream_bytes(genesis) + server_bytes(genesis) + custody_watch_bytes(genesis) +
           BLOCK_LIST_KEPT * sizeof(struct block_entry) + hall_bytes(1) + ALIGNMENT_EXTRA;
}

static enum status make_views(struct gateway *gateway)
{
    const struct genesis *genesis = gateway->options->genesis;
    if (!arena_map(&gateway->arena, gateway_bytes(genesis)) || !find_hall(gateway))
        return STATUS_NO_MEMORY;
    gateway->markets = market_views_new(&gateway->arena, genesis);
    if (gateway->markets == NULL) return STATUS_NO_MEMORY;
    gateway->view = view_new(&gateway->arena, genesis, market_views_params(gateway->markets));
    gateway->publisher = publish_new(&gateway->arena, genesis, gateway->markets, &gateway->blocks);
    gateway->custody = custody_watch_new(&gateway->arena, genesis);
    if (gateway->view == NULL || gateway->publisher == NULL || gateway->custody == NULL ||
        !block_list_init(&gateway->blocks, &gateway->arena))
        return STATUS_NO_MEMORY;
    struct user_stream *users = user_stream_new(
        &gateway->arena, genesis, gateway->view, market_views_params(gateway->markets),
        hall_keys(gateway->options->hall), &gateway->blocks);
    if (users == NULL) return STATUS_NO_MEMORY;
    user_stream_measure(users, gateway->options->metrics);
    publish_follow(gateway->publisher, users);
    view_watch_node(gateway->view, gateway->options->node);
    return STATUS_OK;
}

static enum status start_views(struct gateway *gateway)
{
    const struct gateway_checkpoints *checkpoints = &gateway->options->checkpoints;
    struct restore views;
    if (checkpoints->start == NULL) return STATUS_OK;
    restore_begin(&views, gateway->view, gateway->markets);
    if (!checkpoints->start(checkpoints->context, &views)) return STATUS_MALFORMED;
    publish_restart(gateway->publisher);
    custody_watch_fill(gateway->custody, view_custody(gateway->view), clock_ns());
    return STATUS_OK;
}

static enum status make_server(struct gateway *gateway)
{
    const struct server_options options = {
        .loop = &gateway->loop,
        .gateway = gateway->options,
        .view = gateway->view,
        .markets = gateway->markets,
        .blocks = &gateway->blocks,
        .publisher = gateway->publisher,
    };
    gateway->server = server_new(&gateway->arena, &options);
    if (gateway->server == NULL) return STATUS_NO_MEMORY;
    gateway->desk = server_desk(gateway->server);
    return server_bind(gateway->server);
}

static void start_handles(struct gateway *gateway)
{
    uv_poll_init(&gateway->loop, &gateway->park, park_descriptor(gateway->options->park));
    uv_prepare_init(&gateway->loop, &gateway->prepare);
    uv_check_init(&gateway->loop, &gateway->check);
    uv_idle_init(&gateway->loop, &gateway->idle);
    uv_timer_init(&gateway->loop, &gateway->timer);
    gateway->park.data = gateway->prepare.data = gateway->check.data = gateway->timer.data =
        gateway;
    uv_poll_start(&gateway->park, UV_READABLE, on_park);
    uv_prepare_start(&gateway->prepare, on_prepare);
    uv_check_start(&gateway->check, on_check);
    uv_timer_start(&gateway->timer, on_timer, TICK_MS, TICK_MS);
}

static void close_own(uv_handle_t *handle, void *context)
{
    struct gateway *gateway = context;
    const uv_handle_t *own[] = {
        (uv_handle_t *)&gateway->park,  (uv_handle_t *)&gateway->prepare,
        (uv_handle_t *)&gateway->check, (uv_handle_t *)&gateway->idle,
        (uv_handle_t *)&gateway->timer,
    };
    for (size_t index = 0; index < sizeof(own) / sizeof(own[0]); index++) {
        if (handle == own[index] && !uv_is_closing(handle)) uv_close(handle, NULL);
    }
}

/* Runs close callbacks until none is left, or what is left belongs to connections that did not go. */
static void end_loop(struct gateway *gateway)
{
    server_free(gateway->server);
    uv_walk(&gateway->loop, close_own, gateway);
    for (int round = 0; round < 100; round++) {
        if (uv_run(&gateway->loop, UV_RUN_NOWAIT) == 0) break;
    }
    if (uv_loop_close(&gateway->loop) != 0)
        log_warn("gateway", "connections did not close in time", " ");
}

static void keep_text(char kept[GATEWAY_TEXT_MAX], const char **text)
{
    const char *said = *text != NULL ? *text : "";
    ASSERT(strlen(said) < GATEWAY_TEXT_MAX);
    memcpy(kept, said, strlen(said) + 1);
    *text = kept;
}

static void keep_options(struct gateway *gateway, const struct gateway_options *options)
{
    gateway->own = *options;
    keep_text(gateway->elsewhere, &gateway->own.elsewhere);
    keep_text(gateway->origins, &gateway->own.origins);
    gateway->options = &gateway->own;
}

enum status gateway_run(const struct gateway_options *options)
{
    struct gateway *gateway = calloc(1, sizeof(*gateway));
    if (gateway == NULL) return STATUS_NO_MEMORY;
    keep_options(gateway, options);
    if (uv_loop_init(&gateway->loop) != 0) {
        free(gateway);
        return STATUS_NO_MEMORY;
    }
    gateway->status = make_views(gateway);
    if (gateway->status == STATUS_OK) gateway->status = start_views(gateway);
    if (gateway->status == STATUS_OK) gateway->status = make_server(gateway);
    if (gateway->status == STATUS_OK) {
        start_handles(gateway);
        uv_run(&gateway->loop, UV_RUN_DEFAULT);
    }
    const enum status status = gateway->status;
    if (gateway->server != NULL)
        end_loop(gateway);
    else
        uv_loop_close(&gateway->loop); /* no handle has been made yet */
    arena_unmap(&gateway->arena);
    free(gateway);
    log_info("gateway", "stopped", "status=%s", status_name(status));
    return status;
}
