/* How long does a joining node need for a checkpoint, from several peers over encrypted links on this machine?
 *
 *     bench_join [MIB] [PEERS]
 *
 * Makes a checkpoint of MIB (300) under /tmp and gives it to PEERS (1 to 3; 3) nodes, each a thread with links of
 * its own; a fourth node fetches it, and reads it as a start does. Prints one JSON object: seconds to write it, of
 * the fetch, to read it with every hash, of one plain copy of the files with fdatasync (the disk's floor), and what
 * the fetch is of that.
 */

#include "common/log.h"
#include "tests/unit/ledger/doors.h"

#include <time.h>

#define PORT 19190

static struct doors doors;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_join: %s\n", what);
    exit(2);
}

/* The same files for another node, without making them again. */
static void link_files(const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof(command), "cp -rl '%s/40' '%s/40'", from, to);
    if (system(command) != 0) fail("cannot link the files");
}

/* Reads and writes the chunks once, nothing else. */
static double copy_plainly(const char *from, const char *to, uint32_t chunks)
{
    static uint8_t bytes[CHECKPOINT_CHUNK_BYTES];
    const double begin = now();
    for (uint32_t i = 0; i < chunks; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/40/%05u.chunk", from, i);
        const int in = open(path, O_RDONLY);
        snprintf(path, sizeof(path), "%s/%05u.copy", to, i);
        const int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        const ssize_t got = read(in, bytes, sizeof(bytes));
        if (got < 0 || write(out, bytes, (size_t)got) != got || fdatasync(out) != 0)
            fail("cannot copy");
        close(in);
        close(out);
    }
    return now() - begin;
}

static double read_all(const char *directory, uint32_t *chunks)
{
    struct checkpoint_reader *reader;
    const uint8_t *bytes;
    size_t byte_count;
    const double begin = now();
    if (checkpoint_reader_open(directory, 40, &reader) != STATUS_OK) fail("cannot open");
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++)
        if (checkpoint_reader_section(reader, (enum checkpoint_section)section, &bytes,
                                      &byte_count) != STATUS_OK)
            fail("cannot read");
    *chunks = checkpoint_reader_manifest(reader)->chunk_count;
    checkpoint_reader_close(reader);
    return now() - begin;
}

static double write_one(struct door *door, uint64_t bytes)
{
    static uint8_t piece[1 << 20];
    struct checkpoint_writer *writer;
    uint8_t header[BLOCK_HEADER_BYTES], certificate[CERTIFICATE_BYTES_MAX];
    hash_t root;
    for (size_t i = 0; i < sizeof(piece); i++)
        piece[i] = checkpoints_byte(1, 0, i);
    const double begin = now();
    if (checkpoint_writer_open(door->folder.path, 40, &writer) != STATUS_OK) fail("cannot write");
    checkpoint_writer_section(writer, CHECKPOINT_ENGINE);
    for (uint64_t at = 0; at < bytes; at += sizeof(piece)) {
        memcpy(piece, &at, sizeof(at)); /* no two chunks alike */
        if (checkpoint_writer_put(writer, piece, sizeof(piece)) != STATUS_OK) fail("cannot write");
    }
    checkpoints_header(&door->folder, 40, &door->folder.set, &door->folder.set, header);
    if (checkpoint_writer_finish(writer, 0, door->folder.chain_id, header, &root) != STATUS_OK)
        fail("cannot write");
    checkpoint_writer_close(writer);
    const double took = now() - begin;
    const size_t count = checkpoints_sign(&door->folder, 40, root, 3, certificate);
    if (checkpoint_certify(door->folder.path, 40, certificate, count) != STATUS_OK)
        fail("cannot certify");
    return took;
}

int main(int argc, char **argv)
{
    const uint64_t bytes = (argc > 1 ? strtoull(argv[1], NULL, 10) : 300) << 20;
    const uint32_t peers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : DOORS_MAX;
    if (peers < 1 || peers > DOORS_MAX || bytes == 0) fail("1 to 3 peers, and something to send");
    log_set_level(LOG_WARN);
    doors_begin(&doors, PORT);
    const double writing = write_one(&doors.list[0], bytes);
    for (uint32_t node = 1; node <= peers; node++) {
        if (node > 1) link_files(doors.list[0].folder.path, doors.list[node - 1].folder.path);
        atomic_store(&doors.list[node - 1].progress.checkpoint_height, 40);
        doors_open(&doors, node);
    }
    uint32_t chunks;
    (void)read_all(doors.list[0].folder.path, &chunks);
    const double copying =
        copy_plainly(doors.list[0].folder.path, doors.list[0].folder.path, chunks);
    struct join_options options = doors_options(&doors);
    uint64_t height;
    const double begin = now();
    if (join_run(&options, &height) != STATUS_OK || height != 40) fail("cannot join");
    const double joining = now() - begin;
    const double reading = read_all(doors.own.path, &chunks);
    printf("{\"bytes\": %lu, \"peers\": %u, \"write_s\": %.2f, \"join_s\": %.2f, "
           "\"join_mb_per_s\": %.0f, \"read_s\": %.2f, \"copy_s\": %.2f, \"join_to_copy\": %.1f}\n",
           bytes, peers, writing, joining, (double)bytes / joining / 1e6, reading, copying,
           joining / copying);
    doors_end(&doors);
    return 0;
}
