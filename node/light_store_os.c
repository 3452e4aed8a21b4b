#include "node/light_store.h"

#include "common/log.h"
#include "ledger/chain.h"
#include "ledger/lineage.h"
#include "node/file_os.h"
#include "node/voters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct light_store {
    struct light_store_options options;
    char chain_path[FILE_PATH_MAX];
    char evidence[FILE_PATH_MAX];
    struct chain
        *chain; /* NULL: of a chain that begins at somebody's word, before its first certificate */
    struct voters *voters;
    int pending;           /* DIR/pending; -1 of a reader */
    uint64_t pending_from; /* height of its first header */
};

static enum status io_failed(const struct light_store *store, const char *what)
{
    const enum status status = status_of_errno(errno);
    log_error("light", what, "directory=\"%s\" error=\"%s\"", store->options.directory,
              strerror(errno));
    return status;
}

/* ---- What is there ---- */

enum status light_store_header(struct light_store *store, uint64_t height,
                               uint8_t header[BLOCK_HEADER_BYTES])
{
    return store->chain == NULL ? STATUS_NOT_FOUND
                                : chain_read_header(store->chain, height, header);
}

enum status light_store_certificate(struct light_store *store, uint64_t height,
                                    struct certificate *certificate)
{
    const uint8_t *bytes;
    size_t byte_count;
    if (store->chain == NULL) return STATUS_NOT_FOUND;
    const enum status status = chain_read_certificate(store->chain, height, &bytes, &byte_count);
    if (status != STATUS_OK) return status;
    return certificate_decode(bytes, byte_count, certificate) ? STATUS_OK : STATUS_DAMAGED;
}

const struct validator_set *light_store_voters(struct light_store *store, hash_t hash)
{
    const struct trusted *trusted = store->options.trusted;
    enum voters_word word;
    if (trusted->height > 0 && hash_equal(validator_set_hash(&trusted->set), hash))
        return &trusted->set;
    return voters_find(store->voters, hash, &word);
}

const char *light_store_evidence(const struct light_store *store)
{
    return store->evidence;
}

static int is_fork(const struct dirent *entry)
{
    return strncmp(entry->d_name, "fork-", 5) == 0;
}

void light_store_fork(const struct light_store *store, char *path, size_t capacity)
{
    struct dirent **entries;
    const int count = scandir(store->evidence, &entries, is_fork, alphasort);
    path[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (i == 0) snprintf(path, capacity, "%s/%s", store->evidence, entries[0]->d_name);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

/* ---- Beginning ---- */

static void begin(const struct light_store *store, struct light *light)
{
    const struct genesis *genesis = store->options.genesis;
    const struct trusted *trusted = store->options.trusted;
    const hash_t chain_id = genesis_chain_id(genesis);
    /* The voters of somebody's word are where a chain begins, unless it has begun before them. */
    const bool begun = store->chain != NULL && chain_tip(store->chain) > 0;
    if (trusted->height > 0 && (!begun || chain_base(store->chain) > 0)) {
        light_begin_at(light, chain_id, trusted->height, &trusted->set);
        return;
    }
    light_begin(light, chain_id, &genesis->validators);
    if (trusted->height > 0) light_trust(light, trusted->height, &trusted->set);
}

/* Checks one header of the files as if a server had said it. */
static enum status replay_one(struct light_store *store, struct light *light, uint64_t height,
                              uint64_t last_signed)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    struct certificate certificate;
    struct light_step step = {.header = bytes};
    const char *what = "the voters before it have not signed it over";
    enum status status = light_store_header(store, height, bytes);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_DAMAGED : status;
    /* One certificate proves all below it; a hand-over needs its own. */
    const bool decides =
        block_header_decode(bytes, &header) && (light_hands_over(&header) || height == last_signed);
    if (decides) status = light_store_certificate(store, height, &certificate);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    if (decides && status == STATUS_OK) step.certificate = &certificate;
    if (decides) step.next = light_store_voters(store, header.next_validators_hash);
    const enum light_answer answer = light_take(light, &step, &what);
    if (answer == LIGHT_CERTIFIED || answer == LIGHT_PENDING) return STATUS_OK;
    if (answer == LIGHT_WANTS_SET) what = "the voters it hands over to are not in the lineage";
    log_error("light", "the chain here is not what the genesis leads to",
              "directory=\"%s\" block=%lu what=\"%s\"", store->chain_path, height, what);
    return STATUS_MALFORMED;
}

static enum status replay(struct light_store *store, struct light *light)
{
    begin(store, light);
    if (store->chain == NULL) return STATUS_OK;
    const uint64_t tip = chain_tip(store->chain), last_signed = chain_certified(store->chain);
    enum status status = STATUS_OK;
    for (uint64_t height = light->first; height <= tip && status == STATUS_OK; height++)
        status = replay_one(store, light, height, last_signed);
    /* What lies above is of a crash between a header and its certificate: it comes again. */
    light_forget_pending(light);
    return status;
}

/* Whether the chain has the voters that the operator vouches for, if it reaches that far. */
static enum status compare_trusted(struct light_store *store)
{
    const struct trusted *trusted = store->options.trusted;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    if (trusted->height == 0) return STATUS_OK;
    const enum status status = light_store_header(store, trusted->height, bytes);
    if (status == STATUS_NOT_FOUND || status == STATUS_DAMAGED) return STATUS_OK;
    if (status != STATUS_OK) return status;
    if (block_header_decode(bytes, &header) &&
        hash_equal(header.validators_hash, validator_set_hash(&trusted->set)))
        return STATUS_OK;
    log_error("light", "the chain here has other voters than the operator vouches for",
              "directory=\"%s\" block=%lu", store->options.directory, trusted->height);
    return STATUS_MISMATCH;
}

/* ---- Opening ---- */

/* Of a chain that is to begin at somebody's word there is nothing to open before its first block. */
static enum status open_chain(struct light_store *store)
{
    uint8_t base[BLOCK_HEADER_BYTES];
    if (!store->options.writes) return chain_open_reader(store->chain_path, &store->chain);
    if (store->options.trusted->height > 0 &&
        chain_read_base(store->chain_path, base) == STATUS_NOT_FOUND) {
        struct chain *reader;
        enum status status = chain_open_reader(store->chain_path, &reader);
        if (status != STATUS_OK) return status;
        const bool begun = chain_tip(reader) > 0;
        chain_close(reader);
        if (!begun) return STATUS_OK;
    }
    enum status status = chain_open(store->chain_path, &store->chain);
    if (status != STATUS_DAMAGED) return status;
    uint64_t tip;
    status = chain_quarantine(store->chain_path, false, &tip);
    return status == STATUS_OK ? chain_open(store->chain_path, &store->chain) : status;
}

/* Puts a chain aside that is not the genesis', and begins anew. */
static enum status begin_anew(struct light_store *store, struct light *light)
{
    uint64_t tip;
    chain_close(store->chain);
    store->chain = NULL;
    enum status status = chain_quarantine(store->chain_path, true, &tip);
    if (status == STATUS_OK) status = open_chain(store);
    return status == STATUS_OK ? replay(store, light) : status;
}

static enum status open_pending(struct light_store *store)
{
    char path[FILE_PATH_MAX];
    if (!store->options.writes) return STATUS_OK;
    if (!file_path(path, store->options.directory, "pending")) return STATUS_MALFORMED;
    store->pending = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return store->pending >= 0 ? STATUS_OK : io_failed(store, "pending cannot be opened");
}

static enum status read_voters(struct light_store *store)
{
    const struct trusted *trusted = store->options.trusted;
    const hash_t hash = validator_set_hash(&trusted->set);
    return voters_new(store->options.directory, store->options.genesis,
                      trusted->height > 0 ? &hash : NULL, &store->voters);
}

static enum status open_all(struct light_store *store, struct light *light)
{
    const char *directory = store->options.directory;
    if (!file_path(store->chain_path, directory, "chain") ||
        !file_path(store->evidence, directory, "evidence"))
        return STATUS_MALFORMED;
    enum status status = STATUS_OK;
    if (store->options.writes) status = file_make_folder(store->chain_path, 0755);
    if (status == STATUS_OK) status = read_voters(store);
    if (status == STATUS_OK) status = open_chain(store);
    if (status == STATUS_OK) status = compare_trusted(store);
    if (status == STATUS_OK) status = replay(store, light);
    if (store->options.writes && (status == STATUS_MALFORMED || status == STATUS_DAMAGED))
        status = begin_anew(store, light);
    if (status == STATUS_OK) status = open_pending(store);
    store->pending_from = light->certified.height > 0 ? light->certified.height + 1 : light->first;
    return status == STATUS_MALFORMED ? STATUS_DAMAGED : status;
}

enum status light_store_open(const struct light_store_options *options, struct light_store **store,
                             struct light *light)
{
    struct light_store *made = calloc(1, sizeof(*made));
    *store = NULL;
    if (made == NULL) return STATUS_NO_MEMORY;
    made->options = *options;
    made->pending = -1;
    const enum status status = open_all(made, light);
    if (status == STATUS_OK)
        *store = made;
    else
        light_store_close(made);
    return status;
}

void light_store_close(struct light_store *store)
{
    if (store == NULL) return;
    chain_close(store->chain);
    voters_free(store->voters);
    if (store->pending >= 0) close(store->pending);
    free(store);
}

/* ---- Keeping ---- */

static off_t pending_offset(const struct light_store *store, uint64_t height)
{
    return (off_t)((height - store->pending_from) * BLOCK_HEADER_BYTES);
}

enum status light_store_pend(struct light_store *store, const struct light *light,
                             const uint8_t header[BLOCK_HEADER_BYTES])
{
    ASSERT(light->tip.height >= store->pending_from);
    const ssize_t written = pwrite(store->pending, header, BLOCK_HEADER_BYTES,
                                   pending_offset(store, light->tip.height));
    if (written == BLOCK_HEADER_BYTES) return STATUS_OK;
    if (written >= 0) errno = ENOSPC;
    return io_failed(store, "pending cannot be written");
}

static enum status read_pending(struct light_store *store, uint64_t height,
                                uint8_t header[BLOCK_HEADER_BYTES])
{
    if (pread(store->pending, header, BLOCK_HEADER_BYTES, pending_offset(store, height)) ==
        BLOCK_HEADER_BYTES)
        return STATUS_OK;
    return io_failed(store, "pending cannot be read");
}

/* A chain that begins at somebody's word: its first header is there when it is certified. */
static enum status begin_chain(struct light_store *store, const uint8_t header[BLOCK_HEADER_BYTES])
{
    uint64_t tip;
    enum status status = chain_begin_at(store->chain_path, header, NULL, 0);
    /* Files without a block, of a start from block 1 that came to nothing. */
    if (status == STATUS_EXISTS) {
        status = chain_quarantine(store->chain_path, true, &tip);
        if (status == STATUS_OK) status = chain_begin_at(store->chain_path, header, NULL, 0);
    }
    return status == STATUS_OK ? chain_open(store->chain_path, &store->chain) : status;
}

static enum status append(struct light_store *store, uint64_t height,
                          const uint8_t header[BLOCK_HEADER_BYTES])
{
    uint8_t here[BLOCK_HEADER_BYTES];
    if (store->chain == NULL) return begin_chain(store, header);
    if (height > chain_tip(store->chain)) return chain_append_header(store->chain, header);
    /* A crash left it without a certificate. */
    const enum status status = chain_read_header(store->chain, height, here);
    if (status != STATUS_OK) return status;
    if (memcmp(here, header, BLOCK_HEADER_BYTES) == 0) return STATUS_OK;
    log_error("light", "the chain here has another header than the certified one",
              "directory=\"%s\" block=%lu", store->chain_path, height);
    return STATUS_MISMATCH;
}

enum status light_store_certify(struct light_store *store, const struct light *light,
                                const struct certificate *certificate,
                                const struct validator_set *next)
{
    uint8_t header[BLOCK_HEADER_BYTES], bytes[CERTIFICATE_BYTES_MAX];
    const uint64_t tip = light->certified.height;
    enum status status = STATUS_OK;
    ASSERT(certificate->height == tip && tip >= store->pending_from);
    if (next != NULL) {
        status = read_pending(store, tip, header);
        if (status == STATUS_OK)
            status = lineage_append(store->options.directory, header, certificate, next);
        if (status == STATUS_OK) status = voters_add(store->voters, next);
    }
    for (uint64_t height = store->pending_from; height <= tip && status == STATUS_OK; height++) {
        status = read_pending(store, height, header);
        if (status == STATUS_OK) status = append(store, height, header);
    }
    if (status == STATUS_OK)
        status = chain_append_certificate(store->chain, tip, bytes,
                                          certificate_encode(certificate, bytes));
    if (status != STATUS_OK) return status;
    if (tip - store->pending_from > LIGHT_TURN_MAX && ftruncate(store->pending, 0) != 0)
        return io_failed(store, "pending cannot be cut");
    store->pending_from = tip + 1;
    return STATUS_OK;
}

enum status light_store_sync(struct light_store *store)
{
    return store->chain == NULL ? STATUS_OK : chain_sync(store->chain);
}
