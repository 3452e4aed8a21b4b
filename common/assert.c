#include "common/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_failed(const char *file, int line, const char *fact)
{
    fprintf(stderr, "quorex: bug at %s:%d: this must hold: %s\n", file, line, fact);
    fflush(stderr);
    abort();
}
