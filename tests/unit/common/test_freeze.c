#include "tests/harness.h"

#include "common/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define PAGE   ((size_t)4096)
#define KIB    ((size_t)1024)
#define MIB    (KIB * 1024)
#define WAIT_S 30 /* a child that takes longer hangs */

static uint8_t *map_pages(size_t byte_count, int protection)
{
    uint8_t *memory = mmap(NULL, byte_count, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    return memory;
}

/* ---- In children: what a fault does. The first tests of the file, since a process installs its handler
 * once. */

static uint8_t *child_page;

/* How a child ends that plays this; 0 when it plays to the end. */
static int child_status(void (*play)(void))
{
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* cmocka and sanitizers have taken it */
        alarm(WAIT_S);
        play();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void killed_by_fault(int status)
{
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* A frozen range, and beside it a page that is read-only for another reason. */
static void child_freeze(struct freeze *freeze)
{
    child_page = map_pages(PAGE, PROT_READ);
    uint8_t *memory = map_pages(MIB, PROT_READ | PROT_WRITE);
    memset(memory, 1, MIB);
    if (!freeze_init(freeze, memory, MIB, FREEZE_CHUNK_MIN) || !freeze_begin(freeze)) _exit(3);
    memory[0] = 2; /* ours */
    if (freeze->owner_copies != 1) _exit(4);
}

static void write_elsewhere(void)
{
    struct freeze freeze;
    child_freeze(&freeze);
    *(volatile uint8_t *)child_page = 1;
}

static void write_nowhere(void)
{
    struct freeze freeze;
    child_freeze(&freeze);
    volatile uintptr_t nowhere = 64;
    *(volatile uint8_t *)nowhere = 1;
}

/* What is no first write to a frozen chunk kills, as if nothing was frozen. */
TEST(freeze, faults_elsewhere_kill_as_before)
{
    killed_by_fault(child_status(write_elsewhere));
    killed_by_fault(child_status(write_nowhere));
}

static void send_signal(void)
{
    struct freeze freeze;
    child_freeze(&freeze);
    kill(getpid(), SIGSEGV);
}

/* So does a SIGSEGV that somebody sends. */
TEST(freeze, sent_signal_kills_as_before)
{
    killed_by_fault(child_status(send_signal));
}

static void exit_with_address(int number, siginfo_t *info, void *context)
{
    (void)context;
    _exit(number == SIGSEGV && info->si_addr == child_page + 7 ? 42 : 5);
}

static void exit_plainly(int number)
{
    _exit(number == SIGSEGV ? 43 : 5);
}

static void make_writable(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if (mprotect(child_page, PAGE, PROT_READ | PROT_WRITE) != 0 || info->si_addr != child_page)
        _exit(5);
}

static void handle(void (*with_address)(int, siginfo_t *, void *), void (*plainly)(int))
{
    struct sigaction action = {.sa_flags = with_address != NULL ? SA_SIGINFO : 0};
    if (with_address != NULL)
        action.sa_sigaction = with_address;
    else
        action.sa_handler = plainly;
    if (sigaction(SIGSEGV, &action, NULL) != 0) _exit(6);
}

static void write_handled(void)
{
    struct freeze freeze;
    handle(exit_with_address, NULL);
    child_freeze(&freeze);
    *(volatile uint8_t *)(child_page + 7) = 1;
}

static void write_handled_plainly(void)
{
    struct freeze freeze;
    handle(NULL, exit_plainly);
    child_freeze(&freeze);
    *(volatile uint8_t *)child_page = 1;
}

static void write_pardoned(void)
{
    struct freeze freeze;
    handle(make_writable, NULL);
    child_freeze(&freeze);
    *(volatile uint8_t *)child_page = 9;
    if (child_page[0] != 9) _exit(7);
    *(volatile uint8_t *)(freeze.memory + FREEZE_CHUNK_MIN) = 9; /* and ours still work */
    if (freeze.owner_copies != 2) _exit(8);
    freeze_copy_all(&freeze);
    freeze_end(&freeze);
    freeze_close(&freeze);
}

/* Who handled faults before gets them with all that belongs to them, and may repair them. */
TEST(freeze, faults_elsewhere_reach_the_older_handler)
{
    int status = child_status(write_handled);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    status = child_status(write_handled_plainly);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 43);
    assert_int_equal(child_status(write_pardoned), 0);
}

static void write_to_protected_range(void)
{
    struct freeze freeze;
    child_freeze(&freeze);
    freeze_copy_all(&freeze);
    freeze_end(&freeze);
    if (mprotect(freeze.memory, MIB, PROT_READ) != 0) _exit(6);
    *(volatile uint8_t *)freeze.memory = 1;
}

static void write_to_closed_range(void)
{
    struct freeze freeze;
    child_freeze(&freeze);
    uint8_t *memory = freeze.memory;
    freeze_copy_all(&freeze);
    freeze_end(&freeze);
    freeze_close(&freeze);
    if (mprotect(memory, MIB, PROT_READ) != 0) _exit(6);
    *(volatile uint8_t *)memory = 1;
}

/* A range that somebody else makes read-only is no frozen one: its writer dies and does not try for ever. */
TEST(freeze, range_that_another_protects_kills)
{
    killed_by_fault(child_status(write_to_protected_range));
    killed_by_fault(child_status(write_to_closed_range));
}

#define FILLER_BYTES (80000 * PAGE)

static uint8_t *filler;
static size_t filled;

/* Every second page of another protection, until the kernel has no mapping left. */
static void take_mappings(void)
{
    while (filled < FILLER_BYTES && mprotect(filler + filled, PAGE, PROT_READ) == 0)
        filled += 2 * PAGE;
    if (filled >= FILLER_BYTES) _exit(9); /* this kernel has no such bound */
}

static void give_mappings_back(int count)
{
    for (int i = 0; i < count; i++)
        if (mprotect(filler + (filled -= 2 * PAGE), PAGE, PROT_NONE) != 0) _exit(4);
}

static void fill_pages(struct freeze *freeze)
{
    for (size_t i = 0; i < freeze->byte_count; i += PAGE)
        memset(freeze->memory + i, 1 + (int)(i / PAGE % 251), PAGE);
}

static void check_pages(struct freeze *freeze)
{
    const uint8_t *image = freeze_image(freeze);
    for (size_t i = 0; i < freeze->byte_count; i++)
        if (image[i] != 1 + i / PAGE % 251) _exit(6);
    freeze_end(freeze);
}

static void freeze_without_mappings(void)
{
    struct freeze freeze;
    uint8_t *memory = map_pages(16 * MIB, PROT_READ | PROT_WRITE);
    if (!freeze_init(&freeze, memory, 16 * MIB, FREEZE_CHUNK_MIN)) _exit(3);
    fill_pages(&freeze);
    filler = map_pages(FILLER_BYTES, PROT_NONE);
    filled = PAGE;
    take_mappings();
    give_mappings_back(5);
    if (!freeze_begin(&freeze)) _exit(5);
    for (size_t i = 3 * FREEZE_CHUNK_MIN; i < freeze.byte_count; i += 2 * FREEZE_CHUNK_MIN)
        memory[i] = 0; /* the owner meets it */
    if (freeze.owner_copies != freeze.chunk_count) _exit(7);
    freeze_copy_all(&freeze);
    check_pages(&freeze);

    fill_pages(&freeze);
    if (!freeze_begin(&freeze)) _exit(5);
    take_mappings();
    freeze_copy_all(&freeze); /* the other thread meets it */
    const int zeros = open("/dev/zero", O_RDONLY);
    if (read(zeros, memory + 5 * MIB, PAGE) != (ssize_t)PAGE)
        _exit(11); /* no handler comes to help */
    memset(memory, 0, freeze.byte_count);
    if (freeze.owner_copies != 0) _exit(8);
    check_pages(&freeze);
}

/* A process that may have no more mappings freezes and goes on, in one piece. */
TEST(freeze, kernel_without_mappings_left_costs_time_only)
{
    if (SANITIZED) skip(); /* they map memory as they go */
    const int status = child_status(freeze_without_mappings);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 9) skip();
    assert_int_equal(status, 0);
}

/* ---- A copier that is stopped in the middle of a page: its first store to that page of the image faults,
 * and the handler, the one before ours, does not come back until it may. */

static uint8_t *stop_page;
static _Atomic int stop_stage; /* 1 copy, 2 stopped, 3 go on, 4 copied, 5 end */

static int stop_now(void)
{
    return atomic_load_explicit(&stop_stage, memory_order_acquire);
}

static void stop_set(int stage)
{
    atomic_store_explicit(&stop_stage, stage, memory_order_release);
}

static void stop_here(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if ((uint8_t *)info->si_addr != stop_page) _exit(5);
    if (mprotect(stop_page, PAGE, PROT_READ | PROT_WRITE) != 0) _exit(6);
    stop_set(2);
    while (stop_now() != 3)
        sched_yield();
}

static void *stopped_copier(void *freeze)
{
    for (;;) {
        while (stop_now() != 1) {
            if (stop_now() == 5) return NULL;
            sched_yield();
        }
        freeze_copy_all(freeze);
        stop_set(4);
    }
}

/* Stops the copier at a page, overwrites everything, lets it go on, and compares. */
static void play_stop(struct freeze *freeze, uint8_t *expected, size_t page)
{
    for (size_t i = 0; i < freeze->byte_count; i++)
        expected[i] = freeze->memory[i] = (uint8_t)(1 + (i * 7 + page) % 251);
    stop_page = freeze->image + page * PAGE;
    if (mprotect(stop_page, PAGE, PROT_READ) != 0) _exit(7);
    if (!freeze_begin(freeze)) _exit(8);
    stop_set(1);
    while (stop_now() != 2)
        sched_yield();
    memset(freeze->memory, 0xff, freeze->byte_count); /* does not hang */
    const size_t chunk_of_page = page * PAGE / FREEZE_CHUNK_MIN;
    if (freeze->owner_copies != freeze->chunk_count - chunk_of_page) _exit(9);
    stop_set(3);
    while (stop_now() != 4)
        sched_yield();
    if (memcmp(freeze_image(freeze), expected, freeze->byte_count) != 0) _exit(10);
    freeze_end(freeze);
}

static void stop_copier_in_each_page(void)
{
    enum { CHUNKS = 4 };
    const size_t byte_count = CHUNKS * FREEZE_CHUNK_MIN;
    uint8_t *memory = map_pages(byte_count + FREEZE_CHUNK_MIN, PROT_READ | PROT_WRITE);
    uint8_t *expected = map_pages(byte_count, PROT_READ | PROT_WRITE);
    memory += FREEZE_CHUNK_MIN - (uintptr_t)memory % FREEZE_CHUNK_MIN;
    struct freeze freeze;
    handle(stop_here, NULL);
    if (!freeze_init(&freeze, memory, byte_count, FREEZE_CHUNK_MIN)) _exit(3);
    pthread_t thread;
    if (pthread_create(&thread, NULL, stopped_copier, &freeze) != 0) _exit(4);
    for (size_t page = 0; page < byte_count / PAGE; page++)
        play_stop(&freeze, expected, page);
    stop_set(5);
    pthread_join(thread, NULL);
}

/* The owner waits for nobody: it takes the chunk that a stopped copier holds, writes to all of it, and the
 * image is right all the same when the copier goes on in the middle of its page. */
TEST(freeze, owner_takes_the_chunk_of_a_stopped_copier)
{
    assert_int_equal(child_status(stop_copier_in_each_page), 0);
}

/* ---- One writer, one copier. */

enum stage { WRITING, FROZEN, DONE, CLOSED };

struct freeze_world {
    struct freeze freeze;
    uint8_t *memory;
    uint8_t *expected; /* the range as it was at the beginning */
    size_t byte_count;
    uint64_t random;
    bool prepare;
    _Atomic int stage;
    int differences; /* the copier's, to be read after it has ended */
};

static uint64_t seed_of_run(void)
{
    const char *given = getenv("QUOREX_SEED");
    const uint64_t seed = given == NULL ? 0x5eed : strtoull(given, NULL, 0);
    print_message("seed %#llx\n", (unsigned long long)seed);
    return seed == 0 ? 1 : seed;
}

static uint64_t random_below(struct freeze_world *world, uint64_t bound)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % bound;
}

/* cmocka takes SIGSEGV for itself when a test begins: the first test that freezes here keeps what
 * freeze_init has installed, later ones put it back. */
static void take_signal_back(void)
{
    static struct sigaction ours;
    static bool kept;
    assert_int_equal(sigaction(SIGSEGV, kept ? &ours : NULL, kept ? NULL : &ours), 0);
    kept = true;
}

static void world_open(struct freeze_world *world, size_t byte_count, size_t chunk_bytes)
{
    memset(world, 0, sizeof(*world));
    world->byte_count = byte_count;
    world->memory = map_pages(byte_count, PROT_READ | PROT_WRITE);
    world->expected = map_pages(byte_count, PROT_READ | PROT_WRITE);
    world->random = 0x5eed;
    assert_true(freeze_init(&world->freeze, world->memory, byte_count, chunk_bytes));
    take_signal_back();
}

static void world_close(struct freeze_world *world)
{
    freeze_close(&world->freeze);
    munmap(world->memory, world->byte_count);
    munmap(world->expected, world->byte_count);
}

static void write_somewhere(struct freeze_world *world)
{
    const size_t longest = 3 * PAGE;
    const uint64_t random = random_below(world, UINT64_MAX);
    size_t byte_count = 1 + random % 64;
    if (random >> 60 == 0) byte_count = 1 + random % longest; /* over a chunk's end as well */
    if (random >> 60 == 1) byte_count = 1;
    const size_t at = random_below(world, world->byte_count - byte_count);
    memset(world->memory + at, (int)(random >> 8 & 0xff), byte_count);
}

static void *copier(void *given)
{
    struct freeze_world *world = given;
    for (;;) {
        int stage;
        while ((stage = atomic_load_explicit(&world->stage, memory_order_acquire)) != FROZEN) {
            if (stage == CLOSED) return NULL;
            sched_yield();
        }
        freeze_copy_all(&world->freeze);
        /* The writer writes on. */
        if (memcmp(freeze_image(&world->freeze), world->expected, world->byte_count) != 0)
            world->differences++;
        freeze_end(&world->freeze);
        if (world->prepare) freeze_prepare(&world->freeze);
        atomic_store_explicit(&world->stage, DONE, memory_order_release);
    }
}

/* Writes, begins, and writes on until the copier has compared. */
static void play_rounds(struct freeze_world *world, int round_count)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, copier, world), 0);
    for (int round = 0; round < round_count; round++) {
        for (uint64_t i = random_below(world, 3000); i > 0; i--)
            write_somewhere(world);
        memcpy(world->expected, world->memory, world->byte_count);
        assert_true(freeze_begin(&world->freeze));
        atomic_store_explicit(&world->stage, FROZEN, memory_order_release);
        while (atomic_load_explicit(&world->stage, memory_order_acquire) == FROZEN) {
            errno = 77;
            write_somewhere(world);
            assert_int_equal(errno, 77);
        }
        atomic_store_explicit(&world->stage, WRITING, memory_order_release);
    }
    atomic_store_explicit(&world->stage, CLOSED, memory_order_release);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(world->differences, 0);
}

/* Whatever the size of the range and of its chunks, again and again: the image is the moment of the
 * beginning, the writer writes on while it is made and while it is read. */
TEST(freeze, image_is_the_moment_of_the_beginning)
{
    static const struct {
        size_t byte_count, chunk_bytes;
        bool prepare;
    } cases[] = {
        {4 * MIB, 64 * KIB, false},
        {4 * MIB, 64 * KIB, true},
        {4 * MIB + 5 * PAGE, 64 * KIB, true},
        {9 * MIB + PAGE, 2 * MIB, false},
        {9 * MIB + PAGE, 2 * MIB, true},
        {3 * PAGE + 1, 64 * KIB, false},
        {5 * MIB, 0, true},
    };
    const uint64_t seed = seed_of_run();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct freeze_world world;
        world_open(&world, cases[i].byte_count, cases[i].chunk_bytes);
        world.random = seed;
        world.prepare = cases[i].prepare;
        play_rounds(&world, SANITIZED ? 12 : 40);
        world_close(&world);
    }
}

/* ---- Two threads that write: an owner, and one that helps it. */

#define NODE_BYTES 32 /* as in a tree of hashes: what is one's lies beside what is the other's */

struct helped {
    struct freeze_world world;
    _Atomic int begun, helped; /* rounds */
    int round_count;
};

/* Nodes of this parity, in an order of its own. */
static void write_nodes(struct helped *helped, uint64_t seed, size_t parity)
{
    const size_t pairs = helped->world.byte_count / (2 * NODE_BYTES);
    for (int i = 0; i < 4000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        const size_t node = 2 * (size_t)((seed >> 33) % pairs) + parity;
        memcpy(helped->world.memory + node * NODE_BYTES, &seed, sizeof(seed));
    }
}

static void *help(void *given)
{
    struct helped *helped = given;
    for (int round = 1; round <= helped->round_count; round++) {
        while (atomic_load_explicit(&helped->begun, memory_order_acquire) < round)
            sched_yield();
        write_nodes(helped, (uint64_t)round, 1);
        atomic_store_explicit(&helped->helped, round, memory_order_release);
    }
    return NULL;
}

/* They come to one chunk at once, again and again: neither writes before what was there is in the image. */
TEST(freeze, two_threads_may_write_to_one_chunk)
{
    static struct helped helped;
    pthread_t thread;
    helped.round_count = SANITIZED ? 20 : 200;
    world_open(&helped.world, 8 * MIB, 0);
    struct freeze_world *world = &helped.world;
    assert_int_equal(pthread_create(&thread, NULL, help, &helped), 0);
    for (int round = 1; round <= helped.round_count; round++) {
        memcpy(world->expected, world->memory, world->byte_count);
        freeze_prepare(&world->freeze);
        assert_true(freeze_begin(&world->freeze));
        atomic_store_explicit(&helped.begun, round, memory_order_release);
        write_nodes(&helped, (uint64_t)round << 32, 0);
        while (atomic_load_explicit(&helped.helped, memory_order_acquire) < round)
            sched_yield();
        freeze_copy_all(&world->freeze);
        if (memcmp(freeze_image(&world->freeze), world->expected, world->byte_count) != 0)
            world->differences++;
        freeze_end(&world->freeze);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(world->differences, 0);
    world_close(world);
}

/* The owner alone, before the other thread has come to anything: each chunk is copied once, by its first
 * write, and the range is as it was but for the writes. */
TEST(freeze, owner_alone_copies_what_it_writes_to)
{
    struct freeze_world world;
    world_open(&world, 2 * MIB, 64 * KIB);
    for (size_t i = 0; i < world.byte_count; i += 8)
        memcpy(world.memory + i, &(uint64_t){random_below(&world, UINT64_MAX)}, 8);
    memcpy(world.expected, world.memory, world.byte_count);

    assert_true(freeze_begin(&world.freeze));
    assert_memory_equal(world.memory, world.expected, world.byte_count); /* reading is free */
    assert_int_equal(world.freeze.owner_copies, 0);
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < world.byte_count; i += 1000)
            world.memory[i] = (uint8_t)~world.expected[i];
    assert_int_equal(world.freeze.owner_copies, world.freeze.chunk_count);
    freeze_copy_all(&world.freeze);
    assert_memory_equal(freeze_image(&world.freeze), world.expected, world.byte_count);
    for (size_t i = 0; i < world.byte_count; i++)
        assert_int_equal(world.memory[i],
                         (uint8_t)(i % 1000 == 0 ? ~world.expected[i] : world.expected[i]));
    freeze_end(&world.freeze);
    world_close(&world);
}

/* The other thread alone: nothing is left to the owner, whose writes raise no signal any more. */
TEST(freeze, owner_that_waits_copies_nothing)
{
    struct freeze_world world;
    world_open(&world, 2 * MIB, 64 * KIB);
    memset(world.memory, 3, world.byte_count);
    assert_true(freeze_begin(&world.freeze));
    freeze_copy_all(&world.freeze);
    memset(world.memory, 4, world.byte_count);
    assert_int_equal(world.freeze.owner_copies, 0);
    memset(world.expected, 3, world.byte_count);
    assert_memory_equal(freeze_image(&world.freeze), world.expected, world.byte_count);
    freeze_end(&world.freeze);
    world_close(&world);
}

/* Mappings of the process, by the kernel's list. */
static int mapping_count(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    int count = 0, letter;
    while ((letter = fgetc(maps)) != EOF)
        count += letter == '\n';
    fclose(maps);
    return count;
}

/* When all is copied the range is one mapping again, however it was split in between. */
TEST(freeze, split_mappings_grow_together)
{
    struct freeze_world world;
    world_open(&world, 4 * MIB, 64 * KIB);
    memset(world.memory, 3, world.byte_count);
    const int before = mapping_count();
    for (int round = 0; round < 2; round++) {
        assert_true(freeze_begin(&world.freeze));
        for (size_t i = 0; i < world.byte_count; i += 128 * KIB)
            world.memory[i]++;
        assert_true(mapping_count() >= before + 60);
        freeze_copy_all(&world.freeze);
        freeze_end(&world.freeze);
        assert_int_equal(mapping_count(), before);
    }
    world_close(&world);
}

static size_t pages_in_use(const void *memory, size_t byte_count)
{
    static unsigned char in_use[64 * MIB / PAGE];
    assert_true(byte_count <= sizeof(in_use) * PAGE);
    assert_int_equal(mincore((void *)(uintptr_t)memory, byte_count, in_use), 0);
    size_t count = 0;
    for (size_t i = 0; i < byte_count / PAGE; i++)
        count += in_use[i] & 1;
    return count;
}

/* What was never touched takes no memory, neither in the range nor in the image; in the image what is all
 * zero takes none either. And the image's memory is given back. */
TEST(freeze, untouched_memory_stays_untouched)
{
    struct freeze_world world;
    world_open(&world, 64 * MIB, 64 * KIB);
    for (size_t i = 0; i < 10; i++)
        world.memory[(i * i * 100 + 3) * PAGE + PAGE - 1] = 5; /* the last byte of a page */
    volatile uint8_t seen = 0;
    for (size_t i = 0; i < 10; i++)
        seen = (uint8_t)(seen | world.memory[(i * 100 + 50) * PAGE]); /* the zero page */
    const size_t in_use = pages_in_use(world.memory, world.byte_count);
    for (int prepare = 0; prepare < 2; prepare++) {
        if (prepare == 1) {
            freeze_prepare(&world.freeze);
            assert_int_equal(pages_in_use(world.freeze.image, world.byte_count), 10);
        }
        assert_true(freeze_begin(&world.freeze));
        world.memory[3 * PAGE] = 6;
        freeze_copy_all(&world.freeze);
        assert_int_equal(pages_in_use(world.memory, world.byte_count), in_use);
        assert_int_equal(pages_in_use(world.freeze.image, world.byte_count), 10);
        const uint8_t *image = freeze_image(&world.freeze);
        for (size_t i = 0; i < 10; i++)
            assert_int_equal(image[(i * i * 100 + 3) * PAGE + PAGE - 1], 5);
        freeze_end(&world.freeze);
        assert_int_equal(pages_in_use(world.freeze.image, world.byte_count), 0);
    }
    world_close(&world);
}

/* Several ranges may be frozen at once, each with its own moment; beyond FREEZES_MAX the answer is no. */
TEST(freeze, ranges_are_apart)
{
    struct freeze_world worlds[FREEZES_MAX];
    for (size_t i = 0; i < FREEZES_MAX; i++)
        world_open(&worlds[i], MIB, 64 * KIB);
    struct freeze other;
    assert_false(freeze_init(&other, worlds[0].expected, MIB, 64 * KIB));
    for (size_t i = 0; i < FREEZES_MAX; i++) {
        assert_true(freeze_begin(&worlds[i].freeze));
        for (size_t j = 0; j < FREEZES_MAX; j++)
            memset(worlds[j].memory, (int)(10 + i), MIB);
    }
    for (size_t i = 0; i < FREEZES_MAX; i++) {
        freeze_copy_all(&worlds[i].freeze);
        const uint8_t *image = freeze_image(&worlds[i].freeze);
        for (size_t j = 0; j < MIB; j++)
            assert_int_equal(image[j], i == 0 ? 0 : 10 + i - 1);
        freeze_end(&worlds[i].freeze);
        world_close(&worlds[i]);
    }
    world_open(&worlds[0], MIB, 64 * KIB); /* a place is free again */
    world_close(&worlds[0]);
}

/* Chunks too small or too many are refused; 0 finds a size that is neither. */
TEST(freeze, chunks_are_bounded)
{
    struct freeze freeze;
    const size_t byte_count = 40u * 1024 * MIB;
    uint8_t *memory = mmap(NULL, byte_count, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_false(freeze_init(&freeze, memory, MIB, 32 * KIB));
    assert_false(freeze_init(&freeze, memory, byte_count, MIB));
    assert_true(freeze_init(&freeze, memory, byte_count, 0));
    take_signal_back();
    assert_int_equal(freeze.chunk_bytes, 4 * MIB);
    assert_true(freeze.chunk_count <= FREEZE_CHUNKS_MAX);
    memory[byte_count - 1] = 9;
    assert_true(freeze_begin(&freeze));
    memory[byte_count - 1] = 8;
    freeze_copy_all(&freeze);
    assert_int_equal(((const uint8_t *)freeze_image(&freeze))[byte_count - 1], 9);
    freeze_end(&freeze);
    freeze_close(&freeze);
    munmap(memory, byte_count);
}
