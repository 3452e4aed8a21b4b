#include "node/vetter.h"

#include "common/arena.h"
#include "common/batch.h"
#include "common/le.h"
#include "common/log.h"
#include "node/evidence.h"
#include "settlement/mandate_book.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REST_MS      100 /* how long a stop may go unnoticed */
#define RETRY_MS     1   /* no room for an answer */
#define ANSWER_BYTES 16

/* A question:  kind u32 | count u32 | number u64 | then, each: offset u32 | text bytes u32 | key | signature | text
 * Evidence:    kind u32 | node u32  | what's length u32 | zero u32 | what | the command
 * An answer:   number u64 | stands u32 | offset u32 */
enum question { QUESTION_SIGNATURES = 1, QUESTION_EVIDENCE = 2 };

#define QUESTION_HEAD_BYTES  16
#define SIGNATURE_HEAD_BYTES (8 + PUBLIC_KEY_BYTES + SIGNATURE_BYTES)

struct vetter {
    struct vetter_options options;
    struct arena arena;
    struct mandate_book *book; /* the consensus thread's, like `reached` */
    uint64_t reached;
    uint32_t kept; /* the vetter's own thread's */
};

/* A command with a signature takes more room in its run than its question does. */
static_assert(SIGNATURE_HEAD_BYTES <= COMMAND_HEADER_BYTES + PUBLIC_KEY_BYTES + SIGNATURE_BYTES,
              "VETTER_QUESTION_MAX is enough");

size_t vetter_bytes(const struct genesis *genesis)
{
    return mandate_book_bytes(genesis);
}

struct vetter *vetter_new(const struct vetter_options *options)
{
    ASSERT(ring_record_max(options->questions) >= VETTER_QUESTION_MAX);
    struct vetter *vetter = calloc(1, sizeof(*vetter));
    if (vetter != NULL && arena_map(&vetter->arena, vetter_bytes(options->genesis)))
        vetter->book = mandate_book_new(&vetter->arena, options->genesis);
    if (vetter == NULL || vetter->book == NULL) {
        log_error("node", "no memory for the keys to vet by", "bytes=%zu",
                  vetter_bytes(options->genesis));
        vetter_free(vetter);
        return NULL;
    }
    vetter->options = *options;
    vetter->options.settlement = NULL;
    mandate_book_copy(vetter->book, options->settlement);
    vetter->reached = settlement_command(options->settlement);
    return vetter;
}

void vetter_free(struct vetter *vetter)
{
    if (vetter == NULL) return;
    if (vetter->arena.bytes != NULL) arena_unmap(&vetter->arena);
    free(vetter);
}

/* ---- The consensus thread ---- */

static void take_facts(void *context)
{
    struct vetter *vetter = context;
    const struct vetter_options *options = &vetter->options;
    const uint8_t *record;
    /* acquire: pairs with the anchor's release; the facts up to there have been published. Read before the ring. */
    const uint64_t settled =
        atomic_load_explicit(&options->progress->settled_command, memory_order_acquire);
    for (size_t byte_count; (record = ring_peek(options->facts, &byte_count)) != NULL;
         ring_pop(options->facts)) {
        struct event event;
        const uint8_t *at = record;
        const bool whole = event_next(&at, record + byte_count, &event);
        ASSERT(whole && at == record + byte_count);
        const bool follows = mandate_book_apply(vetter->book, &event);
        ASSERT(follows); /* settlement has taken it */
    }
    ring_release(options->facts);
    if (settled > vetter->reached) vetter->reached = settled;
}

static uint64_t reached(void *context)
{
    return ((const struct vetter *)context)->reached;
}

static uint8_t *put_signature(uint8_t *at, uint32_t offset,
                              const struct authority_signature *signature)
{
    at = le_put_u32(at, offset);
    at = le_put_u32(at, (uint32_t)signature->text_bytes);
    at = le_put_bytes(at, signature->public_key, PUBLIC_KEY_BYTES);
    at = le_put_bytes(at, signature->signature, SIGNATURE_BYTES);
    return le_put_bytes(at, signature->text, signature->text_bytes);
}

static void wake_thread(const struct vetter *vetter)
{
    if (ring_publish(vetter->options.questions)) park_wake(vetter->options.park);
}

/* Hands over the question in `room`, which ends at `end`. */
static void send_question(struct vetter *vetter, uint8_t *room, const uint8_t *end, uint32_t count,
                          uint64_t number)
{
    uint8_t *at = le_put_u32(room, QUESTION_SIGNATURES);
    at = le_put_u32(at, count);
    le_put_u64(at, number);
    ring_commit(vetter->options.questions, (size_t)(end - room));
    wake_thread(vetter);
}

static enum vetting_result ask(void *context, const struct vetting_run *run,
                               struct vetting_fault *fault)
{
    struct vetter *vetter = context;
    const uint8_t *at = run->bytes, *const end = run->bytes + run->byte_count;
    uint8_t *room = NULL, *question = NULL;
    uint32_t count = 0;
    struct command command;
    struct authority_signature signature;
    while (at < end) {
        fault->offset = (uint32_t)(at - run->bytes);
        fault->what = "form";
        if (!batch_next(&at, end, &command)) return VETTING_FALSE;
        fault->what = mandate_book_objection(vetter->book, &command, &signature);
        if (fault->what != NULL) {
            if (mandate_book_late(vetter->book, &command, run->stamp_ns, run->clock_ns,
                                  &fault->stands_ns))
                continue;
            return VETTING_LATE;
        }
        if (signature.public_key == NULL) continue;
        if (room == NULL) {
            room = ring_reserve(vetter->options.questions, VETTER_QUESTION_MAX);
            if (room == NULL) return VETTING_BUSY;
            question = room + QUESTION_HEAD_BYTES;
        }
        question = put_signature(question, fault->offset, &signature);
        count++;
    }
    if (count == 0) return VETTING_STANDS;
    send_question(vetter, room, question, count, run->number);
    return VETTING_ASKED;
}

static bool answer(void *context, struct vetting_answer *given)
{
    const struct vetter *vetter = context;
    struct ring *answers = vetter->options.answers;
    size_t byte_count;
    const uint8_t *record = ring_peek(answers, &byte_count);
    if (record == NULL) {
        ring_release(answers);
        return false;
    }
    ASSERT(byte_count == ANSWER_BYTES);
    given->number = le_get_u64(record);
    given->stands = le_get_u32(record + 8) != 0;
    given->fault = (struct vetting_fault){.what = "signature", .offset = le_get_u32(record + 12)};
    ring_pop(answers);
    return true;
}

/* The command that is wrong goes to where files are written. */
static void convict(void *context, const struct vetting_run *run, const struct vetting_fault *fault)
{
    struct vetter *vetter = context;
    const uint8_t *command = run->bytes + fault->offset;
    const size_t left = run->byte_count - fault->offset, what_bytes = strlen(fault->what);
    const size_t said = left >= 4 ? le_get_u32(command) : 0;
    const size_t command_bytes = said > 0 && said < left ? said : left;
    const size_t most = QUESTION_HEAD_BYTES + what_bytes + command_bytes;
    if (most > ring_record_max(vetter->options.questions)) return;
    uint8_t *at = ring_reserve(vetter->options.questions, most);
    if (at == NULL) return;
    at = le_put_u32(at, QUESTION_EVIDENCE);
    at = le_put_u32(at, run->node);
    at = le_put_u32(at, (uint32_t)what_bytes);
    at = le_put_u32(at, 0);
    at = le_put_bytes(at, fault->what, what_bytes);
    le_put_bytes(at, command, command_bytes);
    ring_commit(vetter->options.questions, most);
    wake_thread(vetter);
}

static bool rest(void *context)
{
    const struct vetter *vetter = context;
    return ring_sleepy(vetter->options.facts) && ring_sleepy(vetter->options.answers);
}

static void awake(void *context)
{
    const struct vetter *vetter = context;
    ring_awake(vetter->options.facts);
    ring_awake(vetter->options.answers);
}

struct consensus_vetting vetter_hooks(struct vetter *vetter)
{
    return (struct consensus_vetting){
        .vetting = {.context = vetter,
                    .reached = reached,
                    .ask = ask,
                    .answer = answer,
                    .convict = convict},
        .turn = take_facts,
        .rest = rest,
        .awake = awake,
    };
}

/* ---- The vetter's own thread ---- */

static bool is_stopping(const struct vetter *vetter)
{
    return atomic_load_explicit(&vetter->options.progress->stopping, memory_order_acquire) != 0;
}

/* Until there is room; when the node stops, nobody waits for it. */
static void send_answer(struct vetter *vetter, uint64_t number, bool stands, uint32_t offset)
{
    struct ring *answers = vetter->options.answers;
    uint8_t *at;
    while ((at = ring_reserve(answers, ANSWER_BYTES)) == NULL) {
        if (is_stopping(vetter)) return;
        park_sleep(vetter->options.park, RETRY_MS);
    }
    at = le_put_u64(at, number);
    at = le_put_u32(at, stands);
    le_put_u32(at, offset);
    ring_commit(answers, ANSWER_BYTES);
    if (ring_publish(answers)) park_wake(vetter->options.consensus_park);
}

static void look(struct vetter *vetter, const uint8_t *question)
{
    const uint32_t count = le_get_u32(question + 4);
    const uint64_t number = le_get_u64(question + 8);
    const uint8_t *at = question + QUESTION_HEAD_BYTES;
    uint32_t offset = 0;
    bool stands = true;
    for (uint32_t i = 0; i < count && stands; i++) {
        offset = le_get_u32(at);
        const uint32_t text_bytes = le_get_u32(at + 4);
        const uint8_t *public_key = at + 8, *signature = public_key + PUBLIC_KEY_BYTES;
        const uint8_t *text = signature + SIGNATURE_BYTES;
        stands = hash_verify(public_key, text, text_bytes, signature);
        at = text + text_bytes;
    }
    send_answer(vetter, number, stands, offset);
}

static void keep(struct vetter *vetter, const uint8_t *record, size_t byte_count)
{
    const struct vetter_options *options = &vetter->options;
    char what[64] = "";
    const size_t what_bytes = le_get_u32(record + 8);
    const uint8_t *at = record + QUESTION_HEAD_BYTES;
    if (options->evidence_directory == NULL || vetter->kept == VETTER_KEPT_MAX) return;
    memcpy(what, at, what_bytes < sizeof(what) ? what_bytes : sizeof(what) - 1);
    at += what_bytes;
    const struct evidence_command lie = {
        .chain_id = genesis_chain_id(options->genesis),
        .node = le_get_u32(record + 4),
        .what = what,
        .bytes = at,
        .byte_count = byte_count - QUESTION_HEAD_BYTES - what_bytes,
    };
    vetter->kept++;
    (void)!evidence_keep_command(options->evidence_directory, &lie); /* a failure has been logged */
}

bool vetter_turn(struct vetter *vetter)
{
    struct ring *questions = vetter->options.questions;
    size_t byte_count;
    const uint8_t *record = ring_peek(questions, &byte_count);
    if (record == NULL) return false;
    if (le_get_u32(record) == QUESTION_SIGNATURES)
        look(vetter, record);
    else
        keep(vetter, record, byte_count);
    ring_pop(questions);
    ring_release(questions);
    return true;
}

void vetter_run(struct vetter *vetter)
{
    for (;;) {
        /* Read before the ring: evidence that was sent before the stop is still kept. */
        const bool stopping = is_stopping(vetter);
        if (vetter_turn(vetter)) continue;
        if (stopping) return;
        if (ring_sleepy(vetter->options.questions)) park_sleep(vetter->options.park, REST_MS);
        ring_awake(vetter->options.questions);
    }
}
