/* The third kind of error: a bug, which stops the process.
 *
 * ASSERT stays on in release builds: an exchange that knows it is wrong should stop. INVARIANT is
 * for checks that walk a whole structure; it is compiled into debug, sanitizer and fuzz builds.
 */

#ifndef COMMON_ASSERT_H
#define COMMON_ASSERT_H

#include <stddef.h>

/* The result says whether the call worked: a caller that ignores it is a bug. */
#define MUST_CHECK __attribute__((warn_unused_result))

#define ASSERT(fact) \
    (__builtin_expect(!!(fact), 1) ? (void)0 : assert_failed(__FILE__, __LINE__, #fact))

#ifdef QUOREX_INVARIANTS
#define INVARIANT(fact) ASSERT(fact)
#else
#define INVARIANT(fact) ((void)0)
#endif

/* The struct that `member` points into. */
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* Writes file, line and the broken fact to standard error and aborts. Never returns. */
_Noreturn void assert_failed(const char *file, int line, const char *fact);

#endif /* COMMON_ASSERT_H */
