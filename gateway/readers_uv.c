#include "gateway/readers_uv.h"

#include <stdatomic.h>
#include <stdlib.h>

enum question_state { WAITING, READING, FORGOTTEN };

struct readers_question {
    struct readers *readers;
    struct readers_question *next, *previous; /* of those that wait */
    enum question_state state;
    struct reading reading;
    struct readers_asker asker;
};

struct reader {
    uv_work_t work;
    struct readers *readers;
    struct gateway_reader sources;
    struct readers_question *question; /* NULL: it is free */
    /* Question and answer change hands with it: release by who gives, acquire by who takes. libuv orders them too, by locks
     * that ThreadSanitizer is told not to look at (tests/harness.h). */
    _Atomic uint32_t handed;
};

struct readers {
    uv_loop_t *loop;
    struct readers_question *first, *last; /* that wait */
    uint32_t waiting_count;
    uint32_t reading_count;
    uint32_t count;
    bool is_closing;
    struct reader reader[];
};

struct readers *readers_new(uv_loop_t *loop, const struct gateway_reader *sources, uint32_t count)
{
    struct readers *readers = calloc(1, sizeof(*readers) + count * sizeof(struct reader));
    if (readers == NULL) return NULL;
    readers->loop = loop;
    readers->count = count;
    for (uint32_t i = 0; i < count; i++) {
        readers->reader[i].readers = readers;
        readers->reader[i].sources = sources[i];
    }
    return readers;
}

static void link_question(struct readers *readers, struct readers_question *question)
{
    question->previous = readers->last;
    if (readers->last != NULL)
        readers->last->next = question;
    else
        readers->first = question;
    readers->last = question;
    readers->waiting_count++;
}

static void unlink_question(struct readers *readers, struct readers_question *question)
{
    if (question->previous != NULL)
        question->previous->next = question->next;
    else
        readers->first = question->next;
    if (question->next != NULL)
        question->next->previous = question->previous;
    else
        readers->last = question->previous;
    question->next = question->previous = NULL;
    readers->waiting_count--;
}

/* On a thread of libuv's. Nothing but its own question and sources is touched there. */
static void on_work(uv_work_t *work)
{
    struct reader *reader = (struct reader *)work; /* its first member */
    (void)atomic_load_explicit(&reader->handed, memory_order_acquire);
    struct reading *reading = &reader->question->reading;
    reading->read(reading, reader->sources.chain, reader->sources.proofs);
    atomic_fetch_add_explicit(&reader->handed, 1, memory_order_release);
}

/* Ends its waiting. */
static void drop(struct readers *readers, struct readers_question *question)
{
    const struct readers_asker asker = question->asker;
    unlink_question(readers, question);
    free(question);
    asker.done(asker.context, NULL);
}

/* The same, if nobody waits with it. */
static bool drop_unwanted(struct readers *readers, struct readers_question *question)
{
    if (question->asker.is_wanted(question->asker.context)) return false;
    drop(readers, question);
    return true;
}

static void start_free_ones(struct readers *readers);

static void on_worked(uv_work_t *work, int status)
{
    struct reader *reader = (struct reader *)work; /* its first member */
    (void)atomic_load_explicit(&reader->handed, memory_order_acquire);
    struct readers *readers = reader->readers;
    struct readers_question *question = reader->question;
    ASSERT(status == 0); /* what runs is not cancelled */
    const bool is_told = question->state == READING;
    if (is_told && !readers->is_closing)
        question->asker.done(question->asker.context, &question->reading);
    else
        free(question->reading.taken);
    if (is_told && readers->is_closing) question->asker.done(question->asker.context, NULL);
    free(question);
    /* Only now may another one have its sources' memory. */
    reader->question = NULL;
    readers->reading_count--;
    /* Ends: each goes, or is wanted. */
    while (readers->first != NULL && drop_unwanted(readers, readers->first)) {
    }
    start_free_ones(readers);
}

static void start_free_ones(struct readers *readers)
{
    for (uint32_t i = 0; i < readers->count && readers->first != NULL; i++) {
        struct reader *reader = &readers->reader[i];
        if (reader->question != NULL) continue;
        reader->question = readers->first;
        unlink_question(readers, reader->question);
        reader->question->state = READING;
        readers->reading_count++;
        atomic_fetch_add_explicit(&reader->handed, 1, memory_order_release);
        const int error = uv_queue_work(readers->loop, &reader->work, on_work, on_worked);
        ASSERT(error == 0); /* it only says that there is no function */
    }
}

struct readers_question *readers_ask(struct readers *readers, const struct reading *reading,
                                     struct readers_asker asker)
{
    if (readers->is_closing || readers->waiting_count == READERS_WAITING_MAX) return NULL;
    struct readers_question *question = calloc(1, sizeof(*question));
    if (question == NULL) return NULL;
    question->readers = readers;
    question->reading = *reading;
    question->asker = asker;
    link_question(readers, question);
    start_free_ones(readers);
    return question;
}

void readers_sweep(struct readers *readers)
{
    struct readers_question *question = readers->first;
    while (question != NULL) {
        struct readers_question *next = question->next;
        (void)drop_unwanted(readers, question);
        question = next;
    }
}

void readers_forget(struct readers_question *question)
{
    if (question->state != WAITING) {
        question->state = FORGOTTEN;
        return;
    }
    unlink_question(question->readers, question);
    free(question);
}

void readers_free(struct readers *readers)
{
    if (readers == NULL) return;
    readers->is_closing = true;
    while (readers->first != NULL)
        drop(readers, readers->first);
    /* Ends: each of them is being read, and nothing follows. */
    while (readers->reading_count > 0)
        uv_run(readers->loop, UV_RUN_ONCE);
    free(readers);
}
