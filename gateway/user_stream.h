/* Who listens to which account, and what each is told: entries (user_event.h) as messages (user_json.h).
 *
 * A listener hears all that happens to its account from when it joined, in order, nothing left out; and before that, if it
 * wishes, what it has missed. A message is printed once for a unit of time, however many hear it, and not at all for
 * nobody.
 *
 * Owner    one gateway loop
 * Memory   from an arena at start. A listener is the caller's, linked between join and leave
 * Limits   USER_REPLAY_MAX missed entries are told at most
 * Cost     a command without listeners: what user_event_apply costs
 */

#ifndef GATEWAY_USER_STREAM_H
#define GATEWAY_USER_STREAM_H

#include "gateway/user_event.h"

#define USER_REPLAY_MAX 1000

struct listen_keys;
struct user_stream;

struct user_listener {
    struct user_listener *next, *previous; /* of the account */
    uint32_t account;
    uint64_t time_unit_ns; /* 1,000,000 or 1,000 */
    struct user_number
        from; /* what is not behind it has been heard already; a listener of another node may be ahead of this one */
    bool is_joined;
    /* One message, whose bytes are good until it returns. It may leave from within, and so may others. */
    void (*hear)(struct user_listener *listener, const char *message, size_t byte_count);
};

size_t user_stream_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold it. Needs: the view outlives it; `params` are those that the market views move. */
MUST_CHECK struct user_stream *user_stream_new(struct arena *arena, const struct genesis *genesis,
                                               const struct view *view,
                                               const struct params *params);

/* The listen keys by which old clients name accounts. */
struct listen_keys *user_stream_keys(const struct user_stream *stream);

/* As user_event_restart. */
void user_stream_restart(struct user_stream *stream);

/* As user_event_apply and _end. With a command's end its messages go out. */
void user_stream_event(struct user_stream *stream, const struct applied *applied,
                       const struct event *event);
void user_stream_end(struct user_stream *stream, const struct applied *applied);

/* Needs: the account exists; all members but the links are set. */
void user_stream_join(struct user_stream *stream, struct user_listener *listener);

/* Nothing when it is not joined. */
void user_stream_leave(struct user_stream *stream, struct user_listener *listener);

/* Whoever joins now hears all that is behind this number. */
struct user_number user_stream_number(const struct user_stream *stream);

/* Whether the account's entries behind `from` are all remembered, and no more than USER_REPLAY_MAX. */
bool user_stream_remembers(struct user_stream *stream, uint32_t account, struct user_number from);

/* Tells a listener that has joined with `from` what it has missed since then: what user_stream_remembers. Nothing when that
 * has been forgotten meanwhile. */
void user_stream_replay(struct user_stream *stream, struct user_listener *listener);

#endif /* GATEWAY_USER_STREAM_H */
