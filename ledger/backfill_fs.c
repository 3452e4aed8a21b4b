#include "common/le.h"
#include "common/log.h"
#include "ledger/backfill.h"
#include "ledger/backfill_run.h"
#include "ledger/chain.h"
#include "ledger/lineage.h"
#include "ledger/release_shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TELL_MS         5000
#define PRUNE_MS        1000
#define SHELVE_AGAIN_MS 60000
#define LONELY_MS       10000 /* no peer is known for so long: nobody is there to ask */
#define STEPS_BYTES     (64u * 1024)

struct run {
    const struct backfill_run_options *options;
    char directory[PATH_MAX]; /* of the earlier chain */
    struct chain *earlier;    /* its writer */
    struct chain *chain;      /* the whole one, while holes are filled: a reader */
    int proven;
    uint64_t base;
    uint8_t base_header[BLOCK_HEADER_BYTES];
    struct lineage_reader *lineage;
    struct validator_set voters; /* of the last block that was asked about */
    hash_t voters_hash;
    bool voters_known;
    uint8_t *rooms[BACKFILL_SLOTS];
    size_t room_bytes[BACKFILL_SLOTS];
    struct backfill machine;
    uint32_t nodes[NODE_SET_LIMIT]; /* whom to ask */
    uint32_t node_count;
    uint64_t shelved; /* what releases need of the blocks up to it is kept */
    uint64_t shelve_again_ms;
    uint64_t begun_ms;
    uint64_t told_ms, told_bytes;
    enum backfill_phase told_phase;
    bool told_missing;
    uint8_t steps[STEPS_BYTES];
    uint8_t run_bytes[FETCH_HEADERS_MAX * BLOCK_HEADER_BYTES];
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_stopping(const struct run *run)
{
    return atomic_load_explicit(&run->options->progress->stopping, memory_order_relaxed) != 0;
}

static enum status io_failed(const struct run *run, const char *what)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "directory=\"%s\" error=\"%s\"", run->directory, strerror(errno));
    return status;
}

static void announce(const struct run *run, enum progress_backfill what)
{
    atomic_store_explicit(&run->options->progress->backfill, (uint32_t)what, memory_order_release);
}

/* ---- The store: headers ---- */

static off_t place_of(uint64_t height)
{
    return (off_t)((height - 1) * BLOCK_HEADER_BYTES);
}

static enum status store_header(void *context, uint64_t height, uint8_t header[BLOCK_HEADER_BYTES])
{
    const struct run *run = context;
    ssize_t got;
    do
        got = pread(run->proven, header, BLOCK_HEADER_BYTES, place_of(height));
    while (got < 0 && errno == EINTR);
    if (got < 0) return io_failed(run, "a kept header cannot be read");
    return got == BLOCK_HEADER_BYTES ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status store_keep_headers(void *context, uint64_t height, uint32_t count,
                                      const uint8_t *bytes)
{
    struct run *run = context;
    const size_t byte_count = (size_t)count * BLOCK_HEADER_BYTES;
    for (uint32_t i = 0; i < count; i++)
        memcpy(run->run_bytes + (size_t)(count - 1 - i) * BLOCK_HEADER_BYTES,
               bytes + (size_t)i * BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES);
    const off_t from = place_of(height - count + 1);
    for (size_t done = 0; done < byte_count;) {
        const ssize_t written =
            pwrite(run->proven, run->run_bytes + done, byte_count - done, from + (off_t)done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return io_failed(run, "headers cannot be kept");
        done += (size_t)written;
    }
    return STATUS_OK;
}

/* ---- The store: blocks ---- */

static enum status store_keep_block(void *context, const uint8_t header[BLOCK_HEADER_BYTES],
                                    const uint8_t *body, size_t body_bytes,
                                    const uint8_t *certificate, size_t certificate_bytes)
{
    const struct run *run = context;
    struct block_header decoded;
    enum status status = STATUS_OK;
    if (!block_header_decode(header, &decoded)) return STATUS_DAMAGED;
    /* The last one of an earlier life may lack nothing but its certificate. */
    if (decoded.height <= chain_tip(run->earlier)) {
        uint8_t here[BLOCK_HEADER_BYTES];
        status = chain_read_header(run->earlier, decoded.height, here);
        if (status == STATUS_OK && memcmp(here, header, sizeof(here)) != 0)
            status = STATUS_MISMATCH;
    } else {
        status = body != NULL ? chain_append_block(run->earlier, header, body, body_bytes)
                              : chain_append_header(run->earlier, header);
    }
    if (status == STATUS_OK && certificate_bytes > 0)
        status =
            chain_append_certificate(run->earlier, decoded.height, certificate, certificate_bytes);
    return status;
}

/* A body that is not wanted any more is about to be pruned with its neighbours. */
static enum status store_fill_hole(void *context, const uint8_t header[BLOCK_HEADER_BYTES],
                                   const uint8_t *body, size_t body_bytes,
                                   const uint8_t *certificate, size_t certificate_bytes)
{
    const struct run *run = context;
    (void)certificate;
    (void)certificate_bytes;
    return body == NULL ? STATUS_OK
                        : chain_fill_hole(run->chain, run->base, header, body, body_bytes);
}

/* Looks for the set among the genesis' and those that the lineage leads to. */
static bool find_voters(struct run *run, hash_t hash, struct validator_set *found)
{
    *found = run->options->genesis->validators;
    if (hash_equal(validator_set_hash(found), hash)) return true;
    uint64_t height = 0;
    for (;;) {
        struct lineage_step step;
        const uint32_t bytes = lineage_reader_steps(run->lineage, height, run->steps, STEPS_BYTES);
        size_t at = 0;
        for (size_t length; at < bytes; at += length) {
            length = lineage_step_decode(run->steps + at, bytes - at, &step);
            if (length == 0) return false;
            height = step.height;
            *found = step.next;
            if (hash_equal(validator_set_hash(found), hash)) return true;
        }
        if (bytes == 0) return false;
    }
}

static const struct validator_set *store_voters(void *context, hash_t validators_hash)
{
    struct run *run = context;
    if (!hash_equal(run->voters_hash, validators_hash)) {
        run->voters_known = find_voters(run, validators_hash, &run->voters);
        run->voters_hash = validators_hash;
    }
    return run->voters_known ? &run->voters : NULL;
}

static uint8_t *store_room(void *context, uint32_t slot, size_t byte_count)
{
    struct run *run = context;
    /* What a large body needed is not kept for small ones. */
    if (byte_count > run->room_bytes[slot] || run->room_bytes[slot] > 4 * BACKFILL_PIECE_BYTES) {
        free(run->rooms[slot]);
        run->rooms[slot] = malloc(byte_count);
        run->room_bytes[slot] = run->rooms[slot] == NULL ? 0 : byte_count;
    }
    return run->rooms[slot];
}

static void store_blame(void *context, uint32_t node, const char *what, uint64_t height)
{
    (void)context;
    log_warn("ledger", "peer is not asked for history any more",
             "node=%" PRIu32 " what=\"%s\" height=%" PRIu64, node, what, height);
}

/* ---- Telling ---- */

static void publish(const struct run *run)
{
    const struct backfill *machine = &run->machine;
    struct progress *progress = run->options->progress;
    atomic_store_explicit(&progress->backfill_headers_from, machine->lowest, memory_order_relaxed);
    atomic_store_explicit(&progress->backfill_height, machine->tip, memory_order_relaxed);
    atomic_store_explicit(&progress->backfill_bodies_from, machine->bodies_from,
                          memory_order_relaxed);
    atomic_store_explicit(&progress->backfill_missing, machine->missing, memory_order_relaxed);
    if (machine->missing != 0)
        announce(run, BACKFILL_FINDS_NOBODY);
    else if (machine->phase == BACKFILL_BLOCKS)
        announce(run, BACKFILL_FETCHES_BLOCKS);
    else if (machine->phase == BACKFILL_LOOKING || machine->phase == BACKFILL_HEADERS)
        announce(run, BACKFILL_FETCHES_HEADERS);
}

static void tell_missing(struct run *run)
{
    const struct backfill *machine = &run->machine;
    if (machine->missing == 0) run->told_missing = false;
    if (machine->missing == 0 || run->told_missing) return;
    run->told_missing = true;
    log_error(
        "ledger",
        machine->phase == BACKFILL_BLOCKS
            ? "no peer has the body of this block: history stays incomplete until a node that "
              "keeps them all (archive = on) is linked"
            : "no peer has the header of this block: history stays incomplete",
        "height=%" PRIu64 " base=%" PRIu64, machine->missing, machine->base);
}

static void tell(struct run *run, uint64_t now)
{
    const struct backfill *machine = &run->machine;
    static const char *const phases[] = {"looking", "headers", "blocks", "done", "failed"};
    tell_missing(run);
    const uint64_t passed = now - run->told_ms;
    const bool moved = machine->bytes != run->told_bytes && passed >= TELL_MS;
    if (machine->phase == run->told_phase && !moved) return;
    log_info("ledger", "history below the checkpoint",
             "doing=\"%s\" headers_from=%" PRIu64 " height=%" PRIu64 " base=%" PRIu64
             " bytes=%" PRIu64 " bytes_per_s=%" PRIu64 " certificates=%" PRIu64
             " uncertified=%" PRIu64 " dropped=%" PRIu32,
             phases[machine->phase], machine->lowest, machine->tip, machine->base, machine->bytes,
             passed > 0 ? (machine->bytes - run->told_bytes) * 1000 / passed : 0,
             machine->certificates, machine->uncertified, machine->dropped);
    run->told_phase = machine->phase;
    run->told_ms = now;
    run->told_bytes = machine->bytes;
}

/* ---- What is wanted ---- */

/* The lowest body that this node keeps: as the anchor prunes. */
static uint64_t bodies_from(const struct backfill_run_options *options)
{
    const struct progress *progress = options->progress;
    const uint64_t checkpoint =
        atomic_load_explicit(&progress->checkpoint_height, memory_order_relaxed);
    if (options->bodies_kept == 0 || checkpoint <= options->bodies_kept) return 1;
    uint64_t from = checkpoint - options->bodies_kept;
    if (options->projects) {
        /* acquire: pairs with the writer's release; its rows are committed. */
        const uint64_t base =
            atomic_load_explicit(&progress->projection_base, memory_order_acquire);
        if (from > base + 1) from = base + 1;
    }
    return from;
}

static bool earlier_path(const struct backfill_run_options *options, char path[PATH_MAX])
{
    const int length = snprintf(path, PATH_MAX, "%s/" CHAIN_EARLIER, options->chain_directory);
    return length > 0 && length < PATH_MAX;
}

/* The block that the chain begins above, and whether the earlier one has come up to it. STATUS_NOT_FOUND: none. */
static enum status look_at_files(const struct backfill_run_options *options,
                                 uint8_t header[BLOCK_HEADER_BYTES], uint64_t *base, bool *reached)
{
    char path[PATH_MAX];
    struct block_header decoded;
    struct chain *earlier;
    enum status status = chain_read_base(options->chain_directory, header);
    if (status != STATUS_OK) return status;
    if (!block_header_decode(header, &decoded)) return STATUS_DAMAGED;
    if (!earlier_path(options, path)) return STATUS_MALFORMED;
    status = chain_open_reader(path, &earlier);
    if (status != STATUS_OK) return status;
    *base = decoded.height;
    *reached = chain_tip(earlier) >= decoded.height;
    chain_close(earlier);
    return STATUS_OK;
}

/* The hole to fill next, of a chain that can be read; 0: none. */
static uint64_t next_hole(const struct backfill_run_options *options, struct chain *chain)
{
    const uint64_t height = chain_hole(chain);
    return height >= bodies_from(options) ? height : 0;
}

static uint64_t look_for_hole(const struct backfill_run_options *options)
{
    struct chain *chain;
    if (chain_open_reader(options->chain_directory, &chain) != STATUS_OK) return 0;
    const uint64_t height = next_hole(options, chain);
    chain_close(chain);
    return height;
}

void backfill_announce(const struct backfill_run_options *options)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    uint64_t base = 0;
    bool reached = false;
    struct progress *progress = options->progress;
    const enum status status = look_at_files(options, header, &base, &reached);
    const bool lacks = status == STATUS_OK && !reached;
    const uint64_t hole = lacks ? 0 : look_for_hole(options);
    atomic_store(&progress->backfill_base, lacks ? base : hole);
    atomic_store(&progress->backfill_headers_from, lacks ? base : hole);
    atomic_store(&progress->backfill_bodies_from, bodies_from(options));
    atomic_store(&progress->backfill, lacks      ? BACKFILL_FETCHES_HEADERS
                                      : hole > 0 ? BACKFILL_FETCHES_BLOCKS
                                                 : BACKFILL_IS_WHOLE);
}

/* ---- Opening ---- */

static enum status open_earlier(struct run *run)
{
    uint64_t tip;
    if (mkdir(run->directory, 0700) != 0 && errno != EEXIST)
        return io_failed(run, "the folder of earlier blocks cannot be made");
    enum status status = chain_open(run->directory, &run->earlier);
    if (status != STATUS_DAMAGED) return status;
    status = chain_quarantine(run->directory, false, &tip);
    return status == STATUS_OK ? chain_open(run->directory, &run->earlier) : status;
}

/* What is here belongs to another chain, or goes on elsewhere: it goes aside, once. */
static enum status begin_earlier_anew(struct run *run)
{
    uint64_t tip;
    log_warn("ledger", "earlier blocks do not lead to the checkpoint and are put aside",
             "height=%" PRIu64, chain_tip(run->earlier));
    chain_close(run->earlier);
    run->earlier = NULL;
    enum status status = chain_quarantine(run->directory, true, &tip);
    if (status == STATUS_OK) status = chain_open(run->directory, &run->earlier);
    return status;
}

static enum status open_proven(struct run *run)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/proven", run->directory);
    run->proven = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return run->proven >= 0 ? STATUS_OK : io_failed(run, "headers cannot be kept");
}

static enum status begin_machine(struct run *run)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    const struct backfill_run_options *options = run->options;
    struct backfill_options begin = {.node = options->node,
                                     .chain_id = genesis_chain_id(options->genesis),
                                     .peers = backfill_relay_peers(options->relay),
                                     .store = {run, store_header, store_keep_headers,
                                               store_keep_block, store_voters, store_room,
                                               store_blame},
                                     .base_header = run->base_header,
                                     .tip = chain_tip(run->earlier),
                                     .bodies_from = bodies_from(options)};
    enum status status = STATUS_OK;
    if (begin.tip > chain_certified(run->earlier)) begin.tip--;
    if (begin.tip > 0) status = chain_read_header(run->earlier, begin.tip, header);
    if (begin.tip > 0) begin.tip_hash = block_header_hash(header);
    if (status != STATUS_OK) return status;
    backfill_begin(&run->machine, &begin);
    backfill_nodes(&run->machine, run->nodes, run->node_count);
    return STATUS_OK;
}

/* STATUS_NOT_FOUND: nothing lacks. */
static enum status open_files(struct run *run)
{
    const struct backfill_run_options *options = run->options;
    bool reached;
    if (!earlier_path(options, run->directory)) return STATUS_MALFORMED;
    enum status status = look_at_files(options, run->base_header, &run->base, &reached);
    if (status != STATUS_OK) return status;
    /* Complete, and nothing of it will ever go: it need not be read through at every start. */
    if (reached && options->bodies_kept == 0) return STATUS_NOT_FOUND;
    run->lineage = lineage_reader_new(options->lineage_directory);
    return run->lineage == NULL ? STATUS_NO_MEMORY : open_earlier(run);
}

/* ---- Fetching ---- */

static void take_news(struct run *run)
{
    struct backfill_relay *relay = run->options->relay;
    struct backfill_relay_record record;
    while (backfill_relay_next(relay, &record)) {
        uint32_t count = 0;
        if (record.news == BACKFILL_ANSWER)
            backfill_receive(&run->machine, now_ms(), record.node, record.bytes, record.byte_count);
        if (record.news == BACKFILL_REFUSED) backfill_refused(&run->machine, now_ms(), record.node);
        if (record.news != BACKFILL_NODES) continue;
        for (; count < NODE_SET_LIMIT && 4 * ((size_t)count + 1) <= record.byte_count; count++)
            run->nodes[count] = le_get_u32(record.bytes + 4 * (size_t)count);
        run->node_count = count;
        backfill_nodes(&run->machine, run->nodes, count);
    }
    backfill_relay_release(relay);
}

static void rest(struct run *run, int milliseconds)
{
    struct ring *answers = run->options->relay->answers;
    if (ring_sleepy(answers)) park_sleep(run->options->park, milliseconds);
    ring_awake(answers);
}

/* Until everything is here, something fails, or the node stops. */
static enum status fetch(struct run *run)
{
    struct backfill *machine = &run->machine;
    while (machine->phase != BACKFILL_DONE && machine->phase != BACKFILL_FAILED) {
        if (is_stopping(run)) return STATUS_STOPPING;
        const uint64_t now = now_ms();
        take_news(run);
        machine->bodies_from = bodies_from(run->options);
        const bool more = backfill_turn(machine, now);
        if (machine->peer_count == 0 && now - run->begun_ms > LONELY_MS)
            machine->missing =
                machine->phase == BACKFILL_BLOCKS ? machine->tip + 1 : machine->lowest - 1;
        backfill_relay_flush(run->options->relay);
        publish(run);
        tell(run, now);
        if (!more) rest(run, BACKFILL_TURN_MS);
    }
    return machine->phase == BACKFILL_DONE ? STATUS_OK : machine->status;
}

static enum status fetch_all(struct run *run)
{
    enum status status = open_proven(run);
    if (status == STATUS_OK) status = begin_machine(run);
    if (status != STATUS_OK) return status;
    run->begun_ms = run->told_ms = now_ms();
    run->told_phase = BACKFILL_LOOKING;
    backfill_relay_open(run->options->relay);
    status = fetch(run);
    const bool elsewhere = status == STATUS_MISMATCH && chain_tip(run->earlier) > 0 &&
                           run->machine.lowest == run->machine.tip + 1;
    if (elsewhere) status = begin_earlier_anew(run);
    if (elsewhere && status == STATUS_OK) status = begin_machine(run);
    if (elsewhere && status == STATUS_OK) status = fetch(run);
    backfill_relay_close(run->options->relay);
    return status;
}

/* ---- Holes ---- */

/* The machine that brings one block: its header is known, and so is all around it. */
static enum status begin_hole(struct run *run, uint64_t height)
{
    struct block_header header;
    const struct backfill_run_options *options = run->options;
    const enum status status = chain_read_header(run->chain, height, run->base_header);
    if (status != STATUS_OK) return status;
    if (!block_header_decode(run->base_header, &header)) return STATUS_DAMAGED;
    const struct backfill_options begin = {.node = options->node,
                                           .chain_id = genesis_chain_id(options->genesis),
                                           .peers = backfill_relay_peers(options->relay),
                                           .store = {run, store_header, store_keep_headers,
                                                     store_fill_hole, store_voters, store_room,
                                                     store_blame},
                                           .base_header = run->base_header,
                                           .tip = height - 1,
                                           .tip_hash = header.prev_hash,
                                           .bodies_from = bodies_from(options)};
    run->base = height;
    backfill_begin(&run->machine, &begin);
    backfill_nodes(&run->machine, run->nodes, run->node_count);
    return STATUS_OK;
}

static enum status fill_hole(struct run *run, uint64_t height)
{
    struct progress *progress = run->options->progress;
    enum status status = begin_hole(run, height);
    if (status != STATUS_OK) return status;
    log_warn("ledger", "the body of a block is lost and is fetched from peers", "height=%" PRIu64,
             height);
    atomic_store(&progress->backfill_base, height);
    run->begun_ms = run->told_ms = now_ms();
    run->told_phase = run->machine.phase;
    run->told_bytes = 0;
    backfill_relay_open(run->options->relay);
    status = fetch(run);
    backfill_relay_close(run->options->relay);
    return status;
}

/* Bodies that rotted away above the base. chain_mend made the index: without one there is no hole. */
static enum status fill_holes(struct run *run)
{
    const struct backfill_run_options *options = run->options;
    enum status status = STATUS_OK;
    if (run->lineage == NULL) run->lineage = lineage_reader_new(options->lineage_directory);
    if (run->lineage == NULL) return STATUS_NO_MEMORY;
    if (run->chain == NULL) status = chain_open_reader(options->chain_directory, &run->chain);
    uint64_t filled = 0, height;
    while (status == STATUS_OK && (height = next_hole(options, run->chain)) != 0) {
        if (height == filled) return STATUS_DAMAGED; /* what was written does not come back */
        status = fill_hole(run, height);
        filled = height;
    }
    return status;
}

/* ---- Afterwards ---- */

static enum status finish(struct run *run)
{
    char path[PATH_MAX + 16];
    const enum status status = chain_sync(run->earlier);
    snprintf(path, sizeof(path), "%s/proven", run->directory);
    if (status == STATUS_OK && unlink(path) != 0 && errno != ENOENT)
        return io_failed(run, "kept headers cannot be removed");
    return status;
}

/* What releases need of the bodies below `below`; false: not of all of them yet. They stay as long as it cannot be kept. */
static bool shelve(struct run *run, uint64_t below)
{
    const char *directory = run->options->releases_directory;
    if (directory == NULL) return true;
    if (now_ms() < run->shelve_again_ms) return false;
    const uint64_t first = chain_first_body(run->earlier);
    if (run->shelved + 1 < first) run->shelved = first - 1; /* no body below was ever here */
    if (below > run->base + 1) below = run->base + 1;
    const enum status status =
        release_shelf_take_earlier(directory, run->earlier, &run->shelved, below);
    if (status != STATUS_OK) run->shelve_again_ms = now_ms() + SHELVE_AGAIN_MS;
    return status == STATUS_OK && run->shelved + 1 >= below;
}

/* What the anchor does to the chain, for the earlier one: bodies go as newer ones come. Its last segment stays. */
static enum status prune(struct run *run)
{
    uint64_t pruned = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !is_stopping(run) && pruned <= run->base) {
        const uint64_t below = bodies_from(run->options);
        bool more = false;
        const bool kept = below <= pruned || shelve(run, below);
        if (below > pruned && kept) status = chain_prune_bodies(run->earlier, below, &more);
        if (!more && kept) pruned = below;
        if (!more) park_sleep(run->options->park, PRUNE_MS);
    }
    return status;
}

static void close_files(struct run *run)
{
    if (run->proven >= 0) close(run->proven);
    chain_close(run->earlier);
    chain_close(run->chain);
    lineage_reader_free(run->lineage);
    for (uint32_t i = 0; i < BACKFILL_SLOTS; i++)
        free(run->rooms[i]);
    free(run);
}

/* What lacks below the base. */
static enum status fill_base(struct run *run)
{
    enum status status = open_files(run);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* nothing does, or ever did */
    if (status != STATUS_OK || chain_tip(run->earlier) >= run->base) return status;
    log_info("ledger", "history below the checkpoint is fetched from peers",
             "height=%" PRIu64 " base=%" PRIu64, chain_tip(run->earlier), run->base);
    status = fetch_all(run);
    if (status == STATUS_OK) status = finish(run);
    if (status == STATUS_OK)
        log_info(
            "ledger", "history is complete",
            "blocks=%" PRIu64 " certificates=%" PRIu64 " uncertified=%" PRIu64 " bytes=%" PRIu64,
            run->base, run->machine.certificates, run->machine.uncertified, run->machine.bytes);
    return status;
}

void backfill_run(const struct backfill_run_options *options)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        log_error("ledger", "no memory to fetch history", "bytes=%zu", sizeof(*run));
        return;
    }
    run->options = options;
    run->proven = -1;
    enum status status = fill_base(run);
    const uint64_t base = run->base;
    if (status == STATUS_OK) status = fill_holes(run);
    if (status == STATUS_OK) {
        announce(run, BACKFILL_IS_WHOLE);
        run->base = base;
        if (run->earlier != NULL && options->bodies_kept > 0) status = prune(run);
    }
    if (status != STATUS_OK && status != STATUS_STOPPING) {
        announce(run, BACKFILL_HAS_FAILED);
        log_error("ledger", "history is not fetched any further: the next start tries again",
                  "reason=\"%s\"", status_text(status));
    }
    close_files(run);
}
