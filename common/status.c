#include "common/status.h"

#include <errno.h>

const char *status_name(enum status status)
{
    static const char *const names[] = {
#define STATUS(NAME, text) #NAME,
#include "common/status.def"
#undef STATUS
    };
    return names[status];
}

const char *status_text(enum status status)
{
    static const char *const texts[] = {
#define STATUS(NAME, text) text,
#include "common/status.def"
#undef STATUS
    };
    return texts[status];
}

enum status status_of_errno(int error)
{
    return error == ENOSPC || error == EDQUOT ? STATUS_NO_SPACE : STATUS_IO;
}
