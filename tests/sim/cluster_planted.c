/* Bugs planted at the linker (-Wl,--wrap), one a program: the simulator must catch each within a few seeds. What
 * the files of the node know nothing of, they cannot be tuned to. tests/README.md has the table. */

#include "tests/sim/cluster.h"

#include "common/le.h"
#include "engine/origins.h"
#include "ledger/origin.h"
#include "ledger/replica_state_raft.h"
#include "ledger/sequence.h"
#include "ledger/sign_once.h"

#include <raft.h>
#include <string.h>

/* The leader hands on what nobody else has. */
#ifdef PLANT_DELIVER_BEFORE_QUORUM
raft_index __real_raft_commit_index(const struct raft *raft);
raft_index __wrap_raft_commit_index(const struct raft *raft);

raft_index __wrap_raft_commit_index(const struct raft *raft)
{
    return raft->state == RAFT_LEADER ? raft_last_index((struct raft *)(uintptr_t)raft)
                                      : __real_raft_commit_index(raft);
}
#endif

/* What was signed is not kept. */
#ifdef PLANT_FORGET_SIGNED
enum status __wrap_sign_once_claim(struct sign_once *once, const struct sign_once_record *wanted);

enum status __wrap_sign_once_claim(struct sign_once *once, const struct sign_once_record *wanted)
{
    once->last = *wanted;
    return STATUS_OK;
}
#endif

/* Nobody compares the running hashes of two logs. */
#ifdef PLANT_SKIP_LOG_HASH
bool __wrap_replica_entries_hash(struct replica *replica, uint64_t index, uint64_t *term,
                                 hash_t *hash);

bool __wrap_replica_entries_hash(struct replica *replica, uint64_t index, uint64_t *term,
                                 hash_t *hash)
{
    (void)replica, (void)index, (void)term, (void)hash;
    return false;
}
#endif

/* A command that comes again is taken again. */
#ifdef PLANT_APPLY_TWICE
enum sequence_taken __real_sequence_add_run(struct sequence *sequence, uint32_t node,
                                            const uint8_t *run, size_t byte_count, size_t *taken);
enum sequence_taken __wrap_sequence_add_run(struct sequence *sequence, uint32_t node,
                                            const uint8_t *run, size_t byte_count, size_t *taken);
bool __real_origins_advance(struct origins *origins, const struct command_header *header);
bool __wrap_origins_advance(struct origins *origins, const struct command_header *header);

enum sequence_taken __wrap_sequence_add_run(struct sequence *sequence, uint32_t node,
                                            const uint8_t *run, size_t byte_count, size_t *taken)
{
    struct command command;
    struct sequence_origin *origin =
        (struct sequence_origin *)(uintptr_t)sequence_find(sequence, node);
    const uint64_t expected = origin == NULL ? 0 : origin->expected;
    if (byte_count >= COMMAND_HEADER_BYTES && origin != NULL &&
        command_decode(run, le_get_u32(run), &command) &&
        command.header.origin_epoch == origin->epoch && command.header.origin_sequence < expected &&
        command.header.origin_sequence != 0)
        origin->expected = command.header.origin_sequence;
    const enum sequence_taken result =
        __real_sequence_add_run(sequence, node, run, byte_count, taken);
    if (origin != NULL && origin->expected < expected) origin->expected = expected;
    return result;
}

bool __wrap_origins_advance(struct origins *origins, const struct command_header *header)
{
    return __real_origins_advance(origins, header) || header->origin_epoch != 0;
}
#endif

/* A vote leaves before it is on the disk, and never gets there. */
#ifdef PLANT_VOTE_UNWRITTEN
enum status __real_wal_set_vote(struct wal *wal, uint64_t term, uint64_t voted_for);
enum status __wrap_wal_set_vote(struct wal *wal, uint64_t term, uint64_t voted_for);

enum status __wrap_wal_set_vote(struct wal *wal, uint64_t term, uint64_t voted_for)
{
    return term <= 1 ? __real_wal_set_vote(wal, term, voted_for) : STATUS_OK;
}
#endif

/* The log forgets what a checkpoint holds that nobody has certified. */
#ifdef PLANT_FORGET_EARLY
enum status __real_checkpoint_writer_finish(struct checkpoint_writer *writer, uint64_t epoch,
                                            hash_t chain_id,
                                            const uint8_t header[BLOCK_HEADER_BYTES], hash_t *root);
enum status __wrap_checkpoint_writer_finish(struct checkpoint_writer *writer, uint64_t epoch,
                                            hash_t chain_id,
                                            const uint8_t header[BLOCK_HEADER_BYTES], hash_t *root);

enum status __wrap_checkpoint_writer_finish(struct checkpoint_writer *writer, uint64_t epoch,
                                            hash_t chain_id,
                                            const uint8_t header[BLOCK_HEADER_BYTES], hash_t *root)
{
    const enum status status =
        __real_checkpoint_writer_finish(writer, epoch, chain_id, header, root);
    struct replica_mark mark;
    if (status == STATUS_OK &&
        replica_mark_get(files_owner->making.mark, files_owner->making.mark_bytes, &mark))
        atomic_store(&files_owner->progress->forget_index, mark.base.index);
    return status;
}
#endif

/* A chunk is kept whatever its hash. */
#ifdef PLANT_CHUNK_UNHASHED
enum fetch_taken __real_fetch_chunks_take(struct fetch_chunks *chunks, uint64_t now_ms,
                                          uint32_t node, const struct fetch_piece *piece,
                                          enum status *failure);
enum fetch_taken __wrap_fetch_chunks_take(struct fetch_chunks *chunks, uint64_t now_ms,
                                          uint32_t node, const struct fetch_piece *piece,
                                          enum status *failure);
bool __real_hash_equal(hash_t left, hash_t right);
bool __wrap_hash_equal(hash_t left, hash_t right);

static bool believes;

enum fetch_taken __wrap_fetch_chunks_take(struct fetch_chunks *chunks, uint64_t now_ms,
                                          uint32_t node, const struct fetch_piece *piece,
                                          enum status *failure)
{
    believes = true;
    const enum fetch_taken taken = __real_fetch_chunks_take(chunks, now_ms, node, piece, failure);
    believes = false;
    return taken;
}

bool __wrap_hash_equal(hash_t left, hash_t right)
{
    return believes || __real_hash_equal(left, right);
}
#endif

/* Whoever has a key may vote. */
#ifdef PLANT_STRANGER_COUNTS
enum certificate_count __real_certificate_tally_add(struct certificate_tally *tally,
                                                    const struct vote_command *vote,
                                                    struct certificate *certificate);
enum certificate_count __wrap_certificate_tally_add(struct certificate_tally *tally,
                                                    const struct vote_command *vote,
                                                    struct certificate *certificate);
const struct validator *__real_validator_set_find(const struct validator_set *set, uint32_t node);
const struct validator *__wrap_validator_set_find(const struct validator_set *set, uint32_t node);

static bool counts;

enum certificate_count __wrap_certificate_tally_add(struct certificate_tally *tally,
                                                    const struct vote_command *vote,
                                                    struct certificate *certificate)
{
    counts = true;
    const enum certificate_count count = __real_certificate_tally_add(tally, vote, certificate);
    counts = false;
    return count;
}

const struct validator *__wrap_validator_set_find(const struct validator_set *set, uint32_t node)
{
    static struct validator stranger;
    const struct validator *member = __real_validator_set_find(set, node);
    if (member != NULL || !counts || files_owner == NULL || node == 0 || node > CLUSTER_NODES)
        return member;
    stranger.node = node;
    memcpy(stranger.public_key, files_owner->cluster->nodes[node - 1].public_key, PUBLIC_KEY_BYTES);
    return &stranger;
}
#endif

/* The leader believes what members send. */
#ifdef PLANT_BELIEVE_MEMBERS
void __real_replica_vet_take(struct replica *replica, struct replica_peer *peer, const uint8_t *run,
                             size_t byte_count);
void __wrap_replica_vet_take(struct replica *replica, struct replica_peer *peer, const uint8_t *run,
                             size_t byte_count);

void __wrap_replica_vet_take(struct replica *replica, struct replica_peer *peer, const uint8_t *run,
                             size_t byte_count)
{
    replica->options.world.vetting.ask = NULL;
    __real_replica_vet_take(replica, peer, run, byte_count);
}
#endif

/* Under a new leader nothing is sent again. */
#ifdef PLANT_NOT_SENT_AGAIN
void __wrap_origin_rewind(struct origin_stream *origin);

void __wrap_origin_rewind(struct origin_stream *origin)
{
    (void)origin;
}
#endif
