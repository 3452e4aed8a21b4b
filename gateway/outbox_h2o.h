/* What waits for one socket: frames, oldest first. A frame is made once, and shared by reference count among all whom it is
 * for.
 *
 * Owner    one gateway loop
 * Memory   malloc, a frame and a list of places; a frame goes with the last who holds it
 * Limits   none here: whoever adds looks at byte_count
 */

#ifndef GATEWAY_OUTBOX_H2O_H
#define GATEWAY_OUTBOX_H2O_H

#include "gateway/frame.h"

#include <h2o.h>

struct shared_frame {
    uint32_t reference_count;
    bool is_answer; /* the client has asked for it, and is asked no more questions while it waits */
    bool is_user;   /* of what happens to his accounts: user_reader_h2o.h */
    size_t byte_count;
    uint8_t bytes[];
};

/* What one write takes at most: a reader of one long message is seen to take it. */
#define OUTBOX_WRITE_MAX (64 * 1024)

/* The first `in_flight` are being written, the last of them perhaps in part. */
struct outbox {
    struct shared_frame **frames; /* by position modulo capacity, a power of 2 */
    uint32_t capacity;
    uint32_t head, tail;
    uint32_t in_flight;
    size_t sent_bytes;   /* of the oldest, in writes before */
    size_t flying_bytes; /* are being written */
    size_t byte_count;   /* not written yet */
    size_t answer_bytes; /* of those, in answers */
    size_t user_bytes;   /* and in user data */
};

/* A message in one frame, the caller's to release. */
struct shared_frame *outbox_frame_new(enum frame_opcode opcode, const h2o_iovec_t *parts,
                                      size_t part_count);
void outbox_frame_release(struct shared_frame *frame);

uint32_t outbox_count(const struct outbox *outbox);

/* Holds the frame until it is written or cut. */
void outbox_add(struct outbox *outbox, struct shared_frame *frame);

/* What to write next, at most `max` frames and OUTBOX_WRITE_MAX bytes, the first and the last perhaps in part: they are in
 * flight from now on. Returns how many. Needs: none is in flight. */
uint32_t outbox_begin(struct outbox *outbox, h2o_iovec_t *parts, uint32_t max);

/* What was in flight has been written. */
void outbox_written(struct outbox *outbox);

/* Of what was in flight the first so many bytes have been written; the rest waits again, in its place. True when that was all
 * of it. Needs: no more than was in flight. */
bool outbox_taken(struct outbox *outbox, size_t byte_count);

/* Lets go of everything behind the first `kept`, but of nothing of which a part has been written. Needs: what is in flight is kept, or its socket is gone. */
void outbox_cut(struct outbox *outbox, uint32_t kept);

/* All of it. */
void outbox_free(struct outbox *outbox);

#endif /* GATEWAY_OUTBOX_H2O_H */
