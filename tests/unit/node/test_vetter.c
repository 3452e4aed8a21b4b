#include "node/vetter.h"

#include "common/applied.h"
#include "common/arena.h"
#include "common/log.h"
#include "node/file_os.h"
#include "settlement/mandate_book.h"
#include "tests/harness.h"
#include "tests/unit/settlement/world.h"

#include <dirent.h>
#include <unistd.h>

#define QUESTIONS (1u << 20)

struct fixture {
    struct world *world;
    struct progress progress;
    struct ring *facts, *questions, *answers;
    struct park park, consensus_park;
    struct vetter *vetter;
    struct consensus_vetting hooks;
    char evidence[64];
    const uint8_t *at; /* in the world's body */
};

static struct ring *ring_of(size_t capacity)
{
    void *memory = aligned_alloc(64, (ring_bytes(capacity) + 63) & ~(size_t)63);
    if (memory == NULL) abort();
    return ring_new(memory, capacity);
}

static struct fixture *setup(bool told)
{
    struct fixture *f = aligned_alloc(64, sizeof(*f));
    assert_non_null(f);
    memset(f, 0, sizeof(*f));
    log_set_level(LOG_ERROR + 1);
    f->world = world_new();
    for (uint64_t i = 0; i < 40; i++)
        world_act(f->world, i * UINT64_C(0x9e3779b97f4a7c15) >> 16);
    f->at = f->world->body;
    f->facts = ring_of(1 << 16);
    f->questions = ring_of(QUESTIONS);
    f->answers = ring_of(4096);
    assert_true(park_open(&f->park) && park_open(&f->consensus_park));
    snprintf(f->evidence, sizeof(f->evidence), "/tmp/vetter-XXXXXX");
    assert_non_null(mkdtemp(f->evidence));
    struct arena arena;
    const struct genesis *genesis = &f->world->genesis;
    assert_true(arena_map(&arena, settlement_bytes(genesis)));
    const struct vetter_options options = {
        .genesis = genesis,
        .settlement = told ? f->world->settlement : settlement_new(&arena, genesis, world_secret),
        .facts = f->facts,
        .questions = f->questions,
        .answers = f->answers,
        .park = &f->park,
        .consensus_park = &f->consensus_park,
        .evidence_directory = f->evidence,
        .progress = &f->progress,
    };
    f->vetter = vetter_new(&options);
    assert_non_null(f->vetter);
    f->hooks = vetter_hooks(f->vetter);
    arena_unmap(&arena); /* it is not looked at later */
    return f;
}

static void teardown(struct fixture *f)
{
    char path[FILE_PATH_MAX];
    DIR *folder = opendir(f->evidence);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.' && file_path(path, f->evidence, entry->d_name)) unlink(path);
    closedir(folder);
    assert_int_equal(rmdir(f->evidence), 0);
    vetter_free(f->vetter);
    park_close(&f->park);
    park_close(&f->consensus_park);
    world_free(f->world);
    free(f->facts);
    free(f->questions);
    free(f->answers);
    free(f);
}

/* The next command of the world, of this kind of authentication. */
static void next_of(struct fixture *f, uint16_t auth_kind, struct applied *record)
{
    struct command command;
    do {
        assert_true(applied_next(&f->at, f->world->body + f->world->body_bytes, record));
        assert_true(command_decode(record->command, record->command_length, &command));
    } while (command.header.auth_kind != auth_kind);
}

static enum vetting_result ask(struct fixture *f, const uint8_t *bytes, size_t byte_count,
                               uint64_t number, struct vetting_fault *fault)
{
    const struct vetting_run run = {
        .node = 4, .number = number, .bytes = bytes, .byte_count = byte_count};
    return f->hooks.vetting.ask(f->vetter, &run, fault);
}

static enum vetting_result ask_record(struct fixture *f, const struct applied *record,
                                      uint64_t number)
{
    struct vetting_fault fault;
    return ask(f, record->command, record->command_length, number, &fault);
}

/* As the anchor does it: facts, then how far they go. */
static void tell(struct fixture *f, const struct applied *record)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    for (const uint8_t *begin = at; event_next(&at, end, &event); begin = at) {
        if (!mandate_book_needs(event.type)) continue;
        uint8_t *room = ring_reserve(f->facts, (size_t)(at - begin));
        assert_non_null(room);
        memcpy(room, begin, (size_t)(at - begin));
        ring_commit(f->facts, (size_t)(at - begin));
    }
    (void)!ring_publish(f->facts);
    atomic_store(&f->progress.settled_command, record->number);
}

/* A command without a signature is told in place; one that nothing is known of is late, until the anchor has said what it
 * needs. */
TEST(vetter, tells_in_place_what_needs_no_signature)
{
    struct fixture *f = setup(false);
    struct applied record, order;
    const uint8_t *const begin = f->at;
    next_of(f, AUTH_HMAC, &order);
    assert_int_equal(ask_record(f, &order, 1), VETTING_LATE);
    assert_int_equal(f->hooks.vetting.reached(f->vetter), 0);
    for (f->at = begin;
         applied_next(&f->at, order.command, &record) && record.number < order.number;)
        tell(f, &record);
    assert_int_equal(ask_record(f, &order, 2), VETTING_LATE); /* nobody has taken the facts yet */
    f->hooks.turn(f->vetter);
    assert_int_equal(f->hooks.vetting.reached(f->vetter), order.number - 1);
    assert_int_equal(ask_record(f, &order, 3), VETTING_STANDS);
    assert_false(vetter_turn(f->vetter));
    teardown(f);
}

static bool answered(struct fixture *f, struct vetting_answer *answer)
{
    return f->hooks.vetting.answer(f->vetter, answer);
}

/* Such a command would stop the older builds among the followers. It may be the chain that is late. */
TEST(vetter, takes_no_command_of_later_rules)
{
    struct fixture *f = setup(true);
    uint8_t bytes[COMMAND_HEADER_BYTES + LIABILITIES_VOTE_BYTES] = {0};
    struct vetting_fault fault = {.what = NULL};
    const struct command_header header = {.length = sizeof(bytes), .type = T_LIABILITIES_VOTE};
    command_header_put(bytes, &header);
    assert_int_equal(ask(f, bytes, sizeof(bytes), 1, &fault), VETTING_LATE);
    assert_string_equal(fault.what, "rules");
    teardown(f);
}

/* A signature is looked at by the thread, and the answer says of which question it is; a wrong one, which command. */
TEST(vetter, looks_at_signatures_elsewhere)
{
    struct fixture *f = setup(true);
    struct applied first, second;
    struct vetting_answer answer;
    struct vetting_fault fault;
    uint8_t run[8192];
    next_of(f, AUTH_OPERATOR, &first);
    next_of(f, AUTH_OPERATOR, &second);
    memcpy(run, first.command, first.command_length);
    memcpy(run + first.command_length, second.command, second.command_length);
    const size_t byte_count = first.command_length + second.command_length;
    assert_int_equal(ask(f, run, byte_count, 17, &fault), VETTING_ASKED);
    assert_false(answered(f, &answer));
    assert_true(vetter_turn(f->vetter));
    assert_true(answered(f, &answer) && answer.stands && answer.number == 17);
    assert_false(answered(f, &answer));

    /* A bit of the second one's signature. */
    run[first.command_length + COMMAND_HEADER_BYTES +
        message_payload_bytes(le_get_u16(second.command + 4)) + 40] ^= 1;
    assert_int_equal(ask(f, run, byte_count, 18, &fault), VETTING_ASKED);
    assert_true(vetter_turn(f->vetter));
    assert_true(answered(f, &answer) && !answer.stands && answer.number == 18);
    assert_string_equal(answer.fault.what, "signature");
    assert_int_equal(answer.fault.offset, first.command_length);
    teardown(f);
}

/* What may not stand is found with its place, before any signature is looked at; what is no command never stands. */
TEST(vetter, says_where_the_fault_is)
{
    struct fixture *f = setup(true);
    struct applied first, second;
    struct vetting_fault fault;
    uint8_t run[8192];
    next_of(f, AUTH_OPERATOR, &first);
    next_of(f, AUTH_HMAC, &second);
    memcpy(run, first.command, first.command_length);
    memcpy(run + first.command_length, second.command, second.command_length);
    const size_t byte_count = first.command_length + second.command_length;
    run[byte_count - 1] ^= 1; /* of the key id */
    assert_int_equal(ask(f, run, byte_count, 1, &fault), VETTING_LATE);
    assert_string_equal(fault.what, "key");
    assert_int_equal(fault.offset, first.command_length);
    assert_false(vetter_turn(f->vetter)); /* the first one's signature is no question then */

    le_put_u16(run + first.command_length + 4, 9999); /* its type */
    assert_int_equal(ask(f, run, byte_count, 1, &fault), VETTING_FALSE);
    assert_int_equal(fault.offset, first.command_length);
    teardown(f);
}

/* The rules rise, and the vetter hears of it. */
static void rules_rise(struct fixture *f, uint32_t rules)
{
    struct applied record;
    f->at = f->world->body + f->world->body_bytes;
    world_rules(f->world, rules);
    assert_int_equal(f->world->status, STATUS_OK);
    while (applied_next(&f->at, f->world->body + f->world->body_bytes, &record))
        tell(f, &record);
    f->hooks.turn(f->vetter);
}

/* What the vetter says at this stamp to a command of account 1 by a key that is none, and behind it one by one that is. */
static enum vetting_result ask_gone(struct fixture *f, uint64_t deadline_ns, uint64_t stamp_ns,
                                    uint64_t clock_ns, struct vetting_fault *fault)
{
    uint8_t bytes[2 * (COMMAND_HEADER_BYTES + CANCEL_ALL_BYTES + 32)], *at = bytes;
    struct command_header header = {.length = sizeof(bytes) / 2,
                                    .type = T_CANCEL_ALL,
                                    .origin = 4,
                                    .auth_kind = AUTH_HMAC,
                                    .auth_length = 32,
                                    .deadline_ns = deadline_ns};
    for (int i = 0; i < 2; i++) {
        command_header_put(at, &header);
        at += COMMAND_HEADER_BYTES;
        cancel_all_command_put(at, &(struct cancel_all_command){.account = 1});
        at += CANCEL_ALL_BYTES;
        world_key_id(1, at);
        if (i == 0) memset(at, 0x77, 32);
        at += 32;
        header.deadline_ns = 0;
    }
    const struct vetting_run run = {.node = 4,
                                    .bytes = bytes,
                                    .byte_count = sizeof(bytes),
                                    .stamp_ns = stamp_ns,
                                    .clock_ns = clock_ns};
    return f->hooks.vetting.ask(f->vetter, &run, fault);
}

/* A node that was cut off while a key's place became another's may have a command by it, and lies not: it waits until its
 * deadline is behind the log, and stands then. Not below rules 8, where its key would still be looked at. */
TEST(vetter, waits_for_what_is_too_late_soon)
{
    struct fixture *f = setup(true);
    const uint64_t second = 1000000000, now = 1000 * second;
    struct vetting_fault fault;
    rules_rise(f, PARAMS_RULES_LATE - 1);
    assert_int_equal(ask_gone(f, now, now + 100 * second, now, &fault), VETTING_LATE);
    assert_int_equal(fault.stands_ns, 0);
    rules_rise(f, PARAMS_RULES_LATE);
    assert_int_equal(ask_gone(f, now, now, now, &fault), VETTING_LATE);
    assert_int_equal(fault.stands_ns, now + 2 * second);
    assert_string_equal(fault.what, "key");
    assert_int_equal(ask_gone(f, now, now + 2 * second, now, &fault), VETTING_LATE);
    assert_int_equal(ask_gone(f, now, now + 2 * second + 1, now, &fault), VETTING_STANDS);
    assert_int_equal(ask_gone(f, now + 119 * second, now, now, &fault), VETTING_LATE);
    assert_int_equal(fault.stands_ns, now + 121 * second);

    /* No honest gateway takes a deadline so far ahead, or none. */
    assert_int_equal(ask_gone(f, now + 120 * second, now, now, &fault), VETTING_LATE);
    assert_int_equal(fault.stands_ns, 0);
    assert_int_equal(ask_gone(f, 0, now, now, &fault), VETTING_LATE);
    assert_int_equal(fault.stands_ns, 0);
    teardown(f);
}

/* A full ring of questions is an answer, and room comes back. */
TEST(vetter, is_busy_when_there_is_no_room)
{
    struct fixture *f = setup(true);
    struct applied record, order;
    struct vetting_answer answer;
    next_of(f, AUTH_OPERATOR, &record);
    next_of(f, AUTH_HMAC, &order);
    uint64_t asked = 0;
    while (ask_record(f, &record, asked + 1) == VETTING_ASKED)
        asked++;
    assert_true(asked > 100);
    assert_int_equal(ask_record(f, &record, asked + 1), VETTING_BUSY);
    assert_int_equal(ask_record(f, &order, 1), VETTING_STANDS); /* it needs no room */
    uint64_t answers = 0;
    while (answers < asked) {
        assert_true(vetter_turn(f->vetter));
        while (answered(f, &answer))
            assert_int_equal(answer.number, ++answers);
    }
    assert_int_equal(ask_record(f, &record, asked + 1), VETTING_ASKED);
    teardown(f);
}

static uint32_t files_in(const char *path)
{
    uint32_t count = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += strncmp(entry->d_name, "lie-4-", 6) == 0;
    closedir(folder);
    return count;
}

static void convict(struct fixture *f, const uint8_t *bytes, size_t byte_count)
{
    const struct vetting_run run = {.node = 4, .bytes = bytes, .byte_count = byte_count};
    const struct vetting_fault fault = {.what = "key"};
    f->hooks.vetting.convict(f->vetter, &run, &fault);
    while (vetter_turn(f->vetter)) {
    }
}

/* A lie is kept, once, and a liar cannot fill the disk with them. */
TEST(vetter, keeps_lies_but_not_too_many)
{
    struct fixture *f = setup(true);
    struct applied record;
    uint8_t bytes[COMMAND_BYTES_MAX];
    next_of(f, AUTH_HMAC, &record);
    memcpy(bytes, record.command, record.command_length);
    convict(f, bytes, record.command_length);
    convict(f, bytes, record.command_length);
    assert_int_equal(files_in(f->evidence), 1);
    for (uint64_t i = 0; i < 2 * VETTER_KEPT_MAX; i++) {
        le_put_u64(bytes + 24, i + 100);
        convict(f, bytes, record.command_length);
    }
    assert_true(files_in(f->evidence) < VETTER_KEPT_MAX + 1);
    assert_true(files_in(f->evidence) > VETTER_KEPT_MAX / 2);
    teardown(f);
}
