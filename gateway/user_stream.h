/* Who listens to which account, and what each is told: entries (user_event.h) as messages (user_json.h).
 *
 * A listener hears all that happens to its account behind a number, in order, nothing left out. It is told from the memory of
 * entries: at the end of a command as much as it takes, and what it had no room for when it asks for more. So a reader may
 * lag by as much as is remembered; behind that it is lost, and told so.
 *
 *     up to date ──► hear says: no room ──► waiting ──► user_stream_go_on ──► up to date
 *          └──────────── forgotten ────────────┴──► lost
 *
 * Whoever wants that is told as well which of his events have become final (finality.h): behind those, once a certificate
 * covers them.
 *
 * A message is printed when somebody hears it, and kept for whoever hears it soon after in the same unit of time: commands
 * have few messages an account, and each is printed once, however many listen. Of a command of many each listener hears as
 * much as it takes before the next one begins, and it is printed again: what is told in a round bounds that
 * (user_reader_h2o.h).
 *
 * Owner    one gateway loop
 * Memory   from an arena at start. A listener is the caller's, linked between join and leave
 * Limits   what is remembered
 * Cost     a command without listeners: what user_event_apply costs. A listener's first message behind an old number: a
 *          walk over what the account has had since
 */

#ifndef GATEWAY_USER_STREAM_H
#define GATEWAY_USER_STREAM_H

#include "common/metrics.h"
#include "gateway/finality.h"
#include "gateway/list.h"

#define USER_PAGE 64 /* messages that user_stream_go_on tells at most */

/* Why a connection is closed whose listener is lost. */
#define USER_LOST "too slow: what comes next in user data is not remembered any more"

#define USER_NO_KEY UINT32_MAX

struct listen_keys;
struct user_stream;

struct user_listener {
    struct user_listener *next, *previous; /* of the account */
    uint32_t account;
    uint64_t time_unit_ns; /* 1,000,000 or 1,000 */
    struct user_number
        from; /* what is not behind it has been heard already; a listener of another node may be ahead of this one */
    uint32_t
        key; /* of the view: by whose right it listens. USER_NO_KEY: by none that can be taken away */
    uint32_t place; /* where its last entry that is not behind that may be; 0: nobody knows */
    struct finality_marks *marks; /* NULL: it is not told what has become final */
    struct link certified;        /* those that are */
    bool is_joined;
    bool is_waiting; /* for user_stream_go_on; never when it is not joined */
    /* One message, whose bytes are good until it returns. It may leave from within, and so may others. Returns false when
     * there is no room for another: then it is waiting. */
    bool (*hear)(struct user_listener *listener, const char *message, size_t byte_count);
    /* What comes behind `from` has been forgotten. It has left. */
    void (*lost)(struct user_listener *listener);
    /* Its key is not good for listening any more, since `time_ns`. It has left. */
    void (*ended)(struct user_listener *listener, uint64_t time_ns);
};

size_t user_stream_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold it. Needs: view, keys and blocks outlive it; `params` are those that the market views move. */
MUST_CHECK struct user_stream *user_stream_new(struct arena *arena, const struct genesis *genesis,
                                               const struct view *view, const struct params *params,
                                               struct listen_keys *keys,
                                               const struct block_list *blocks);

/* What it counts goes there from now on; before, it is not looked at. Needs: the metrics outlive it. */
void user_stream_measure(struct user_stream *stream, struct metrics *metrics);

/* The listen keys by which old clients name accounts. */
struct listen_keys *user_stream_keys(const struct user_stream *stream);

/* As user_event_restart. */
void user_stream_restart(struct user_stream *stream);

/* As user_event_apply and _end. With a command's end its messages go out. */
void user_stream_event(struct user_stream *stream, const struct applied *applied,
                       const struct event *event);
void user_stream_end(struct user_stream *stream, const struct applied *applied);

/* A block has been sealed or certified. Needs: the list of blocks has heard of it. */
void user_stream_notice(struct user_stream *stream);

/* Whether the account exists here: of one that another loop's view has, this one may not have heard yet. */
bool user_stream_knows(const struct user_stream *stream, uint32_t account);

/* From now on it is told of what happens. What has happened since `from` it is told with user_stream_go_on, and until then
 * it is waiting, unless nothing has.
 * Needs: the account exists; account, time_unit_ns, from, key and what it is called back by are set, place where it is known, marks too where it
 * wants that, with what it has heard elsewhere and may not be final yet; the rest is zero. */
void user_stream_join(struct user_stream *stream, struct user_listener *listener);

/* Nothing when it is not joined. */
void user_stream_leave(struct user_stream *stream, struct user_listener *listener);

/* A key of the account is gone, or may not read any more: who listens by it ends, and so does the account's listen key, which
 * may have been had by it. Not from within a listener's own calls. */
void user_stream_end_key(struct user_stream *stream, uint32_t account, uint32_t key,
                         uint64_t time_ns);

/* Whoever joins from this number hears what happens from now on. */
struct user_number user_stream_number(const struct user_stream *stream);

/* Whether a listener may join from there: the account's entries behind `from` are all remembered. Counts resumes and refusals. */
MUST_CHECK bool user_stream_may_resume(struct user_stream *stream, uint32_t account,
                                       struct user_number from);

/* How many of the account's entries are behind `from`; `place` is then for its listener, so that they are gone through once.
 * Needs: user_stream_may_resume. */
uint32_t user_stream_missed(const struct user_stream *stream, uint32_t account,
                            struct user_number from, uint32_t *place);

/* Tells a waiting listener what it has missed: a page, or as much as it has room for. When that was all, it is not waiting
 * any more. It may have left. */
void user_stream_go_on(struct user_stream *stream, struct user_listener *listener);

#endif /* GATEWAY_USER_STREAM_H */
