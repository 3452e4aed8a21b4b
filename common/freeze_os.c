#include "common/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a chunk is in; see the header. A new mapping of states is all OPEN. */
enum { CHUNK_OPEN, CHUNK_KEPT, CHUNK_COPYING, CHUNK_COPIED };

#define HUGE_BYTES     ((size_t)2 * 1024 * 1024)
#define PAGE_MAP_PAGES 512 /* looked up at once, on the handler's stack */

/* Bits of /proc/self/pagemap. The zero page, which reading alone maps, is present and not exclusive. */
#define PAGE_PRESENT   (UINT64_C(1) << 63)
#define PAGE_SWAPPED   (UINT64_C(1) << 62)
#define PAGE_EXCLUSIVE (UINT64_C(1) << 56)

/* A signal handler is told an address and nothing else: it has to find the range by itself. */
static _Atomic(struct freeze *) ranges[FREEZES_MAX];
static struct sigaction previous; /* who gets the faults that are not ours */
static atomic_flag installed = ATOMIC_FLAG_INIT;

/* ---- Chunks lie at multiples of their size; the first and the last may be cut by the range. */

static size_t chunk_of(const struct freeze *freeze, uintptr_t address)
{
    return address / freeze->chunk_bytes - (uintptr_t)freeze->memory / freeze->chunk_bytes;
}

/* The bytes of the range that a chunk has, from *offset on. */
static size_t chunk_part(const struct freeze *freeze, size_t chunk, size_t *offset)
{
    const size_t cut = (uintptr_t)freeze->memory % freeze->chunk_bytes;
    const size_t end = (chunk + 1) * freeze->chunk_bytes - cut;
    *offset = chunk == 0 ? 0 : chunk * freeze->chunk_bytes - cut;
    return (end < freeze->byte_count ? end : freeze->byte_count) - *offset;
}

/* ---- Copying. */

struct line {
    uint64_t words[8];
};

/* Copies a page, unless it is all zero, as the image is already.
 *
 * Not for the thread sanitizer: that these reads come before the owner's next writes is the page table's
 * doing, which it does not know. The chunk is read-only until its copier has made it writable, after the
 * copy. The empty assembly keeps the loops from becoming calls, which the sanitizer would see. */
__attribute__((no_sanitize("thread"))) static void copy_page(uint8_t *image, const uint8_t *memory,
                                                             size_t byte_count)
{
    const struct line *from = (const struct line *)memory;
    struct line *to = (struct line *)image;
    const size_t count = byte_count / sizeof(struct line);
    size_t i = 0;
    for (; i < count; i++) {
        const uint64_t *words = from[i].words;
        if ((words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] |
             words[7]) != 0)
            break;
    }
    for (; i < count; i++) {
        to[i] = from[i];
        __asm__ volatile("" ::: "memory");
    }
}

/* What the kernel says of up to PAGE_MAP_PAGES pages. When it cannot be asked: all have been touched. */
static void look_up(const struct freeze *freeze, const uint8_t *memory, size_t page_count,
                    uint64_t entries[PAGE_MAP_PAGES])
{
    const off_t at = (off_t)((uintptr_t)memory / freeze->page_bytes * sizeof(uint64_t));
    const size_t byte_count = page_count * sizeof(uint64_t);
    if (pread(freeze->page_map, entries, byte_count, at) == (ssize_t)byte_count) return;
    for (size_t i = 0; i < page_count; i++)
        entries[i] = UINT64_MAX;
}

/* Calls `act` for each of a chunk's pages that has one of the kernel's `bits`. */
static void each_page(const struct freeze *freeze, size_t chunk, uint64_t bits,
                      void (*act)(uint8_t *image, const uint8_t *memory, size_t byte_count))
{
    const size_t page_bytes = freeze->page_bytes;
    uint64_t entries[PAGE_MAP_PAGES];
    size_t offset;
    size_t page_count = chunk_part(freeze, chunk, &offset) / page_bytes;
    while (page_count > 0) {
        const size_t count = page_count < PAGE_MAP_PAGES ? page_count : PAGE_MAP_PAGES;
        look_up(freeze, freeze->memory + offset, count, entries);
        for (size_t i = 0; i < count; i++, offset += page_bytes)
            if ((entries[i] & bits) != 0)
                act(freeze->image + offset, freeze->memory + offset, page_bytes);
        page_count -= count;
    }
}

/* For each_page: gives the image's page memory. No other thread writes to the image now. */
static void touch_page(uint8_t *image, const uint8_t *memory, size_t byte_count)
{
    (void)memory, (void)byte_count;
    *(volatile uint8_t *)image = 0;
}

/* ---- The life of a chunk. */

/* Copies the chunk if nobody has begun to; otherwise waits until it is copied. True: it was us. */
static bool keep_chunk(struct freeze *freeze, size_t chunk)
{
    _Atomic uint8_t *state = &freeze->states[chunk];
    uint8_t expected = CHUNK_KEPT;
    /* relaxed: it decides who copies; what is copied nobody has written since freeze_begin, of which the
     * other thread has been told. */
    if (atomic_compare_exchange_strong_explicit(state, &expected, CHUNK_COPYING,
                                                memory_order_relaxed, memory_order_relaxed)) {
        each_page(freeze, chunk, PAGE_PRESENT | PAGE_SWAPPED, copy_page);
        /* release: the image has the chunk. Pairs with the acquire below. */
        atomic_store_explicit(state, CHUNK_COPIED, memory_order_release);
        return true;
    }
    /* acquire: pairs with the releases of COPIED and OPEN. */
    while (atomic_load_explicit(state, memory_order_acquire) == CHUNK_COPYING)
        sched_yield();
    return false;
}

/* Makes writable what is copied. The other thread may be at the same: either way it is writable. */
static bool open_chunk(struct freeze *freeze, size_t chunk)
{
    size_t offset;
    const size_t byte_count = chunk_part(freeze, chunk, &offset);
    if (mprotect(freeze->memory + offset, byte_count, PROT_READ | PROT_WRITE) != 0) return false;
    /* release: the reads of the copy are over, and the chunk is writable. Pairs with the acquire in
     * keep_chunk. */
    atomic_store_explicit(&freeze->states[chunk], CHUNK_OPEN, memory_order_release);
    return true;
}

/* The kernel has no mapping left to split: the whole range is copied and opened in one piece. Nobody
 * waits for an opening, only for a copy, so two of these never wait for each other. */
static void open_all(struct freeze *freeze)
{
    for (size_t chunk = 0; chunk < freeze->chunk_count; chunk++)
        (void)keep_chunk(freeze, chunk);
    if (mprotect(freeze->memory, freeze->byte_count, PROT_READ | PROT_WRITE) != 0) abort();
    for (size_t chunk = 0; chunk < freeze->chunk_count; chunk++)
        atomic_store_explicit(&freeze->states[chunk], CHUNK_OPEN, memory_order_release);
}

/* ---- The handler, on the owner's thread. Everything below it may be called in a signal handler. */

/* Whether the write at `address` can be done again now. */
static bool let_write(struct freeze *freeze, uintptr_t address)
{
    const size_t chunk = chunk_of(freeze, address);
    const bool copied = keep_chunk(freeze, chunk);
    if (atomic_load_explicit(&freeze->states[chunk], memory_order_acquire) == CHUNK_OPEN) {
        /* Opened since the fault, so the write will do. At the same address again it is no fault of
         * ours: somebody else has protected it. */
        const bool again = freeze->open_address == address;
        freeze->open_address = address;
        return !again;
    }
    freeze->open_address = 0;
    if (copied) freeze->owner_copies++;
    if (!open_chunk(freeze, chunk)) open_all(freeze);
    return true;
}

static struct freeze *range_of(uintptr_t address)
{
    for (size_t i = 0; i < FREEZES_MAX; i++) {
        /* acquire: pairs with the release in freeze_init; the range is described before it is here. */
        struct freeze *freeze = atomic_load_explicit(&ranges[i], memory_order_acquire);
        if (freeze != NULL && address - (uintptr_t)freeze->memory < freeze->byte_count)
            return freeze;
    }
    return NULL;
}

/* What would have happened without us. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else {
        /* A fault comes again when we return, and then it kills; a signal that was sent does not. */
        signal(number, SIG_DFL);
        if (info->si_code <= 0) raise(number);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const int kept = errno;
    const uintptr_t address = (uintptr_t)info->si_addr;
    struct freeze *freeze = info->si_code == SEGV_ACCERR ? range_of(address) : NULL;
    if (freeze == NULL || !let_write(freeze, address)) pass_on(number, info, context);
    errno = kept;
}

/* Once in a process, before all others or after: who came before gets what is not ours. */
static bool install(void)
{
    if (atomic_flag_test_and_set(&installed)) return true;
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    action.sa_sigaction = on_fault;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, NULL, &previous) == 0 && sigaction(SIGSEGV, &action, NULL) == 0)
        return true;
    atomic_flag_clear(&installed);
    return false;
}

/* ---- For the callers. */

static size_t chunks_in(const struct freeze *freeze)
{
    return chunk_of(freeze, (uintptr_t)freeze->memory + freeze->byte_count - 1) + 1;
}

static bool choose_chunks(struct freeze *freeze, size_t chunk_bytes)
{
    freeze->chunk_bytes = chunk_bytes == 0 ? HUGE_BYTES : chunk_bytes;
    while (chunk_bytes == 0 && chunks_in(freeze) > FREEZE_CHUNKS_MAX)
        freeze->chunk_bytes *= 2;
    freeze->chunk_count = chunks_in(freeze);
    return freeze->chunk_bytes >= FREEZE_CHUNK_MIN && freeze->chunk_count <= FREEZE_CHUNKS_MAX;
}

static void *map(size_t byte_count)
{
    return mmap(NULL, byte_count, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* One chunk more than the range, so that the image can lie to chunks as the range does. */
static bool map_image(struct freeze *freeze)
{
    void *mapping = map(freeze->byte_count + freeze->chunk_bytes);
    void *states = map(freeze->chunk_count);
    if (mapping == MAP_FAILED || states == MAP_FAILED) {
        if (mapping != MAP_FAILED) munmap(mapping, freeze->byte_count + freeze->chunk_bytes);
        if (states != MAP_FAILED) munmap(states, freeze->chunk_count);
        return false;
    }
    freeze->mapping = mapping;
    freeze->states = states;
    const uintptr_t shift = (uintptr_t)freeze->memory - (uintptr_t)freeze->mapping;
    freeze->image = freeze->mapping + shift % freeze->chunk_bytes;
    /* A smaller chunk would pay for a whole huge page, in the handler. */
    if (freeze->chunk_bytes >= HUGE_BYTES)
        madvise(mapping, freeze->byte_count + freeze->chunk_bytes, MADV_HUGEPAGE);
    return true;
}

static bool enter(struct freeze *freeze)
{
    for (size_t i = 0; i < FREEZES_MAX; i++) {
        struct freeze *expected = NULL;
        /* release: pairs with the acquire in range_of. */
        if (atomic_compare_exchange_strong_explicit(&ranges[i], &expected, freeze,
                                                    memory_order_release, memory_order_relaxed))
            return true;
    }
    return false;
}

bool freeze_init(struct freeze *freeze, void *memory, size_t byte_count, size_t chunk_bytes)
{
    const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    ASSERT((uintptr_t)memory % page_bytes == 0 && byte_count > 0);
    ASSERT((chunk_bytes & (chunk_bytes - 1)) == 0);
    *freeze = (struct freeze){
        .memory = memory,
        .byte_count = (byte_count + page_bytes - 1) & ~(page_bytes - 1),
        .page_bytes = page_bytes,
    };
    if (!choose_chunks(freeze, chunk_bytes) || !install() || !map_image(freeze)) return false;
    freeze->page_map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (enter(freeze)) return true;
    freeze_close(freeze);
    return false;
}

void freeze_close(struct freeze *freeze)
{
    ASSERT(!atomic_load_explicit(&freeze->active, memory_order_acquire));
    for (size_t i = 0; i < FREEZES_MAX; i++) {
        struct freeze *expected = freeze;
        (void)atomic_compare_exchange_strong_explicit(&ranges[i], &expected, NULL,
                                                      memory_order_relaxed, memory_order_relaxed);
    }
    munmap(freeze->mapping, freeze->byte_count + freeze->chunk_bytes);
    munmap((void *)freeze->states, freeze->chunk_count);
    if (freeze->page_map >= 0) close(freeze->page_map);
    *freeze = (struct freeze){.page_map = -1};
}

static void set_states(struct freeze *freeze, uint8_t state)
{
    /* relaxed: the owner's own thread meets them, and the other one is told of the beginning. */
    for (size_t chunk = 0; chunk < freeze->chunk_count; chunk++)
        atomic_store_explicit(&freeze->states[chunk], state, memory_order_relaxed);
}

void freeze_prepare(struct freeze *freeze)
{
    ASSERT(!atomic_load_explicit(&freeze->active, memory_order_acquire));
    for (size_t chunk = 0; chunk < freeze->chunk_count; chunk++)
        each_page(freeze, chunk, PAGE_EXCLUSIVE | PAGE_SWAPPED, touch_page);
}

bool freeze_begin(struct freeze *freeze)
{
    /* acquire: pairs with the release in freeze_end. */
    ASSERT(!atomic_load_explicit(&freeze->active, memory_order_acquire));
    set_states(freeze, CHUNK_KEPT);
    if (mprotect(freeze->memory, freeze->byte_count, PROT_READ) != 0) {
        /* Part of it may have been done; making it writable merges mappings and splits none. */
        if (mprotect(freeze->memory, freeze->byte_count, PROT_READ | PROT_WRITE) != 0) abort();
        set_states(freeze, CHUNK_OPEN);
        return false;
    }
    freeze->open_address = 0;
    freeze->owner_copies = 0;
    atomic_store_explicit(&freeze->active, true, memory_order_relaxed); /* the owner's to read */
    return true;
}

void freeze_copy_all(struct freeze *freeze)
{
    for (size_t chunk = 0; chunk < freeze->chunk_count; chunk++)
        if (keep_chunk(freeze, chunk) && !open_chunk(freeze, chunk)) open_all(freeze);
}

const void *freeze_image(const struct freeze *freeze)
{
    return freeze->image;
}

void freeze_end(struct freeze *freeze)
{
    madvise(freeze->image, freeze->byte_count, MADV_DONTNEED);
    /* release: the image is done with. Pairs with the acquire in freeze_begin. */
    atomic_store_explicit(&freeze->active, false, memory_order_release);
}
