#include "common/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a chunk is in; see the header. A new mapping of states is all OPEN. */
enum { CHUNK_OPEN, CHUNK_KEPT, CHUNK_COPYING, CHUNK_COPIED, CHUNK_OWNED };

#define HUGE_BYTES     ((size_t)2 * 1024 * 1024)
#define PAGE_MAP_PAGES 512 /* looked up at once, on the handler's stack */

/* Bits of /proc/self/pagemap. The zero page, which reading alone maps, is present and not exclusive. */
#define PAGE_PRESENT   (UINT64_C(1) << 63)
#define PAGE_SWAPPED   (UINT64_C(1) << 62)
#define PAGE_EXCLUSIVE (UINT64_C(1) << 56)
#define PAGE_TOUCHED   (PAGE_PRESENT | PAGE_SWAPPED)

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

/* ---- Copying.
 *
 * Not for the thread sanitizer: that the owner does not write to what is copied is the page table's doing,
 * which it does not know. Whoever copies a chunk makes it writable only then; where the owner takes a
 * chunk away from the other thread, what that one copies too late is made good (repair). The empty
 * assembly keeps the loops from becoming calls, which the sanitizer would see. */

struct line {
    uint64_t words[8];
};

__attribute__((no_sanitize("thread"))) static void copy_lines(struct line *to,
                                                              const struct line *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
        __asm__ volatile("" ::: "memory");
    }
}

__attribute__((no_sanitize("thread"))) static bool line_is_zero(const struct line *line)
{
    const uint64_t *words = line->words;
    return (words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] |
            words[7]) == 0;
}

/* Where the image has only zeros: a page of zeros is not written to, and so takes no memory. */
static void copy_page(uint8_t *image, const uint8_t *memory, size_t byte_count)
{
    const struct line *from = (const struct line *)memory;
    const size_t count = byte_count / sizeof(struct line);
    size_t zeros = 0;
    while (zeros < count && line_is_zero(&from[zeros]))
        zeros++;
    copy_lines((struct line *)image + zeros, from + zeros, count - zeros);
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

/* Calls `visit` for each page of a chunk, from the one at `offset` of the range on, with what the kernel
 * says of it. False as soon as a visit says so. */
static bool each_page(struct freeze *freeze, size_t chunk, size_t offset,
                      bool (*visit)(struct freeze *freeze, size_t chunk, size_t offset,
                                    uint64_t entry))
{
    uint64_t entries[PAGE_MAP_PAGES];
    size_t begin;
    const size_t end = chunk_part(freeze, chunk, &begin) + begin;
    while (offset < end) {
        const size_t left = (end - offset) / freeze->page_bytes;
        const size_t count = left < PAGE_MAP_PAGES ? left : PAGE_MAP_PAGES;
        look_up(freeze, freeze->memory + offset, count, entries);
        for (size_t i = 0; i < count; i++, offset += freeze->page_bytes)
            if (!visit(freeze, chunk, offset, entries[i])) return false;
    }
    return true;
}

static bool copy_visit(struct freeze *freeze, size_t chunk, size_t offset, uint64_t entry)
{
    (void)chunk;
    if ((entry & PAGE_TOUCHED) != 0)
        copy_page(freeze->image + offset, freeze->memory + offset, freeze->page_bytes);
    return true;
}

/* The other thread says which page it copies, and then looks whether the chunk is still its own. */
static bool copy_visit_watched(struct freeze *freeze, size_t chunk, size_t offset, uint64_t entry)
{
    if ((entry & PAGE_TOUCHED) == 0) return true;
    /* seq_cst, both, as are the exchange in owner_copy and the load in take_away, the other way round:
     * either this load sees that the owner has taken the chunk, or the owner's load sees this page. */
    atomic_store_explicit(&freeze->copying_offset, offset, memory_order_seq_cst);
    if (atomic_load_explicit(&freeze->states[chunk], memory_order_seq_cst) != CHUNK_COPYING)
        return false;
    return copy_visit(freeze, chunk, offset, entry);
}

static bool prepare_visit(struct freeze *freeze, size_t chunk, size_t offset, uint64_t entry)
{
    (void)chunk;
    if ((entry & (PAGE_EXCLUSIVE | PAGE_SWAPPED)) != 0)
        *(volatile uint8_t *)(freeze->image + offset) = 0; /* as it is */
    return true;
}

/* ---- A chunk on the other thread. */

/* What this thread last copied to its page may have come after the owner's next writes: the owner has left
 * the page as it was. */
static void repair(struct freeze *freeze, size_t chunk)
{
    /* acquire: pairs with the release of OPEN. */
    while (atomic_load_explicit(&freeze->states[chunk], memory_order_acquire) != CHUNK_OPEN)
        sched_yield();
    copy_lines((struct line *)(freeze->image + freeze->rescued_offset),
               (const struct line *)freeze->rescued, freeze->page_bytes / sizeof(struct line));
}

/* Copies the chunk, if the owner does not. True: it is for this thread to open. */
static bool other_copy(struct freeze *freeze, size_t chunk)
{
    _Atomic uint8_t *state = &freeze->states[chunk];
    size_t offset;
    (void)chunk_part(freeze, chunk, &offset);
    atomic_store_explicit(&freeze->copying_offset, offset, memory_order_relaxed);
    uint8_t expected = CHUNK_KEPT;
    /* release: the owner that takes the chunk away sees an offset in it. */
    if (!atomic_compare_exchange_strong_explicit(state, &expected, CHUNK_COPYING,
                                                 memory_order_release, memory_order_acquire)) {
        /* acquire: pairs with the release of OPEN; the image has what the owner copied. */
        while (atomic_load_explicit(state, memory_order_acquire) == CHUNK_OWNED)
            sched_yield();
        return false;
    }
    expected = CHUNK_COPYING;
    /* release: the copy's reads come before the owner's next writes. Pairs with the acquire in
     * owner_copy. */
    if (each_page(freeze, chunk, offset, copy_visit_watched) &&
        atomic_compare_exchange_strong_explicit(state, &expected, CHUNK_COPIED,
                                                memory_order_release, memory_order_relaxed))
        return true;
    repair(freeze, chunk);
    return false;
}

/* ---- A chunk on the owner's thread. What follows may be called in a signal handler. */

/* Copies what the other thread has not; the page that it may be at also to where nobody else writes. */
static void take_away(struct freeze *freeze, size_t chunk)
{
    /* seq_cst: see copy_visit_watched. */
    const size_t offset = atomic_load_explicit(&freeze->copying_offset, memory_order_seq_cst);
    copy_lines((struct line *)freeze->rescued, (const struct line *)(freeze->memory + offset),
               freeze->page_bytes / sizeof(struct line));
    freeze->rescued_offset = offset;
    (void)each_page(freeze, chunk, offset, copy_visit);
}

/* Copies the chunk, unless the other thread has. Never waits for it. */
static void owner_copy(struct freeze *freeze, size_t chunk)
{
    _Atomic uint8_t *state = &freeze->states[chunk];
    /* acquire: pairs with the releases of COPIED and OPEN. */
    uint8_t now = atomic_load_explicit(state, memory_order_acquire);
    while (now == CHUNK_KEPT || now == CHUNK_COPYING) {
        const uint8_t before = now;
        if (!atomic_compare_exchange_strong_explicit(state, &now, CHUNK_OWNED, memory_order_seq_cst,
                                                     memory_order_acquire))
            continue;
        size_t offset;
        (void)chunk_part(freeze, chunk, &offset);
        if (before == CHUNK_COPYING)
            take_away(freeze, chunk);
        else
            (void)each_page(freeze, chunk, offset, copy_visit);
        freeze->owner_copies++;
        return;
    }
}

/* ---- Chunks become writable. */

/* By one thread or by both: either way the chunk is. False: the kernel has no mapping left to split. */
static bool open_chunk(struct freeze *freeze, size_t chunk)
{
    size_t offset;
    const size_t byte_count = chunk_part(freeze, chunk, &offset);
    if (mprotect(freeze->memory + offset, byte_count, PROT_READ | PROT_WRITE) != 0) return false;
    /* release: copies are over, and the chunk is writable. Pairs with the acquires in owner_copy, where
     * the owner is about to write, and in other_copy and repair, where the image is about to be read. */
    atomic_store_explicit(&freeze->states[chunk], CHUNK_OPEN, memory_order_release);
    return true;
}

/* All at once, when all are copied: that splits nothing. */
static void open_all(struct freeze *freeze)
{
    if (mprotect(freeze->memory, freeze->byte_count, PROT_READ | PROT_WRITE) != 0) abort();
    for (size_t chunk = 0; chunk < freeze->chunk_count; chunk++) /* release: as above */
        atomic_store_explicit(&freeze->states[chunk], CHUNK_OPEN, memory_order_release);
}

void freeze_copy_all(struct freeze *freeze)
{
    bool split = true;
    for (size_t chunk = 0; chunk < freeze->chunk_count; chunk++)
        if (other_copy(freeze, chunk) && split) split = open_chunk(freeze, chunk);
    if (!split) open_all(freeze);
}

/* ---- The handler. */

/* Whether the write at `address` can be done again now. Needs: in_handler is held. */
static bool let_write(struct freeze *freeze, uintptr_t address)
{
    const size_t chunk = chunk_of(freeze, address);
    owner_copy(freeze, chunk);
    if (atomic_load_explicit(&freeze->states[chunk], memory_order_acquire) == CHUNK_OPEN) {
        /* Opened since the fault, so the write will do. At the same address again it is no fault of
         * ours: somebody else has protected it. */
        const bool again = freeze->open_address == address;
        freeze->open_address = address;
        return !again;
    }
    freeze->open_address = 0;
    if (open_chunk(freeze, chunk)) return true;
    for (size_t other = 0; other < freeze->chunk_count; other++)
        owner_copy(freeze, other);
    open_all(freeze);
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

/* Two threads may come at once, to one chunk too: the second finds it open. Nobody faults while it has the flag: what is
 * written then lies outside of all ranges. */
static bool let_write_alone(struct freeze *freeze, uintptr_t address)
{
    /* acquire: pairs with the release below. */
    while (atomic_flag_test_and_set_explicit(&freeze->in_handler, memory_order_acquire))
        sched_yield();
    const bool writable = let_write(freeze, address);
    /* release: the copy and the state of the chunk are there for the next. */
    atomic_flag_clear_explicit(&freeze->in_handler, memory_order_release);
    return writable;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const int kept = errno;
    const uintptr_t address = (uintptr_t)info->si_addr;
    struct freeze *freeze = info->si_code == SEGV_ACCERR ? range_of(address) : NULL;
    if (freeze == NULL || !let_write_alone(freeze, address)) pass_on(number, info, context);
    errno = kept;
}

/* Once in a process, before all others or after: who came before gets what is not ours. */
static bool install(void)
{
    if (atomic_flag_test_and_set(&installed)) return true;
    /* On the alternative stack where a thread has one: the older handler may need it. */
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
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
static size_t image_bytes(const struct freeze *freeze)
{
    return freeze->byte_count + freeze->chunk_bytes;
}

/* A page and the states. */
static size_t notes_bytes(const struct freeze *freeze)
{
    return freeze->page_bytes + freeze->chunk_count;
}

static bool map_image(struct freeze *freeze)
{
    uint8_t *mapping = map(image_bytes(freeze));
    uint8_t *notes = map(notes_bytes(freeze));
    if (mapping == MAP_FAILED || notes == MAP_FAILED) {
        if (mapping != MAP_FAILED) munmap(mapping, image_bytes(freeze));
        if (notes != MAP_FAILED) munmap(notes, notes_bytes(freeze));
        return false;
    }
    freeze->mapping = mapping;
    freeze->rescued = notes;
    freeze->states = (_Atomic uint8_t *)(notes + freeze->page_bytes);
    const uintptr_t shift = (uintptr_t)freeze->memory - (uintptr_t)mapping;
    freeze->image = mapping + shift % freeze->chunk_bytes;
    /* A smaller chunk would pay for a whole huge page, in the handler. */
    if (freeze->chunk_bytes >= HUGE_BYTES) madvise(mapping, image_bytes(freeze), MADV_HUGEPAGE);
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
    munmap(freeze->mapping, image_bytes(freeze));
    munmap(freeze->rescued, notes_bytes(freeze));
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
    for (size_t chunk = 0; chunk < freeze->chunk_count; chunk++) {
        size_t offset;
        (void)chunk_part(freeze, chunk, &offset);
        (void)each_page(freeze, chunk, offset, prepare_visit);
    }
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
