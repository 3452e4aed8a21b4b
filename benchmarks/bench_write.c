/* What does one durable write cost on the disk under DIR? The floor of an order's latency.
 *
 *     bench_write DIR [WRITES]
 *
 * 4 KiB at a time, O_DIRECT|O_DSYNC, into a pre-written file, as the write-ahead log does it. Prints one
 * JSON object: writes, p50_us, p99_us, max_us.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES 4096
#define BLOCK_COUNT 4096

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_write DIR [WRITES]\n");
        return 2;
    }
    const int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 2000;
    char path[4096];
    snprintf(path, sizeof(path), "%s/bench_write.tmp", argv[1]);

    void *block = aligned_alloc(BLOCK_BYTES, BLOCK_BYTES);
    uint64_t *took = calloc((size_t)count, sizeof(*took));
    if (block == NULL || took == NULL || count < 1) fail("memory");
    memset(block, 0x5a, BLOCK_BYTES);

    int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    if (file < 0) fail(path);
    for (int i = 0; i < BLOCK_COUNT; i++)
        if (write(file, block, BLOCK_BYTES) != BLOCK_BYTES) fail("write");
    fsync(file);
    close(file);

    file = open(path, O_WRONLY | O_DIRECT | O_DSYNC);
    if (file < 0) fail("O_DIRECT");
    for (int i = 0; i < count; i++) {
        const uint64_t start = now_ns();
        const off_t offset = (off_t)(i % BLOCK_COUNT) * BLOCK_BYTES;
        if (pwrite(file, block, BLOCK_BYTES, offset) != BLOCK_BYTES) fail("pwrite");
        took[i] = now_ns() - start;
    }
    unlink(path);
    qsort(took, (size_t)count, sizeof(*took), compare);
    printf("{\"writes\":%d,\"p50_us\":%llu,\"p99_us\":%llu,\"max_us\":%llu}\n", count,
           (unsigned long long)took[count / 2] / 1000,
           (unsigned long long)took[(size_t)count * 99 / 100] / 1000,
           (unsigned long long)took[count - 1] / 1000);
    return 0;
}
