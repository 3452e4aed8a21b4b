/* Plays a fuzz target without libFuzzer: every file of the corpus folders given, then a fixed run of
 * made-up inputs, half of them corpus files with a few bytes changed.   QUOREX_SEED changes the run. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES_MAX 4096
#define CORPUS_MAX      256

/* Where the fuzz preset's libFuzzer makes up as many under the same sanitizers, and knows where to look, this run is a part. */
#ifdef __SANITIZE_ADDRESS__
#define MADE_UP_COUNT 5000
#else
#define MADE_UP_COUNT 20000
#endif

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static struct input {
    uint8_t bytes[INPUT_BYTES_MAX];
    size_t byte_count;
} corpus[CORPUS_MAX];
static size_t corpus_count;
static uint64_t seed = 0x5eed;

/* xorshift64: the run is the same everywhere. */
static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void load_corpus(const char *folder)
{
    DIR *directory = opendir(folder);
    if (directory == NULL) return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL && corpus_count < CORPUS_MAX;) {
        char path[1024];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        if (file == NULL) continue;
        struct input *input = &corpus[corpus_count++];
        input->byte_count = fread(input->bytes, 1, sizeof(input->bytes), file);
        fclose(file);
    }
    closedir(directory);
}

static void make_up(struct input *input)
{
    if (corpus_count > 0 && (next_random() & 1) != 0) {
        *input = corpus[next_random() % corpus_count];
        for (uint64_t i = 0; i < 1 + next_random() % 4 && input->byte_count > 0; i++)
            input->bytes[next_random() % input->byte_count] = (uint8_t)next_random();
        return;
    }
    input->byte_count = next_random() % 512;
    for (size_t i = 0; i < input->byte_count; i++)
        input->bytes[i] = (uint8_t)next_random();
}

int main(int argc, char **argv)
{
    const char *given = getenv("QUOREX_SEED");
    if (given != NULL) seed = strtoull(given, NULL, 0) | 1;
    printf("seed %#llx\n", (unsigned long long)seed);

    for (int i = 1; i < argc; i++)
        load_corpus(argv[i]);
    for (size_t i = 0; i < corpus_count; i++)
        LLVMFuzzerTestOneInput(corpus[i].bytes, corpus[i].byte_count);
    static struct input input;
    for (int i = 0; i < MADE_UP_COUNT; i++) {
        make_up(&input);
        LLVMFuzzerTestOneInput(input.bytes, input.byte_count);
    }
    printf("%zu from the corpus, %d made up\n", corpus_count, MADE_UP_COUNT);
    return 0;
}
