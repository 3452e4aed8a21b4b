#include "common/reject.h"

#include <string.h>

struct reject_row {
    int code;
    int http_status;
    const char *name;
    const char *text;
};

static struct reject_row reject_row(enum reject reject)
{
    switch (reject) {
#define REJECT(NAME, number, code, http, text) \
    case REJECT_##NAME: \
        return (struct reject_row){code, http, #NAME, text};
#include "common/reject.def"
#undef REJECT
    }
    return (struct reject_row){-1000, 500, "UNKNOWN", "An unknown error occurred."};
}

static void copy_detail(char *to, size_t capacity, const char *from)
{
    size_t length = from == NULL ? 0 : strnlen(from, capacity - 1);
    if (length > 0) memcpy(to, from, length);
    to[length] = '\0';
}

struct refusal refusal_of(enum reject reject, const char *first, const char *second)
{
    struct refusal refusal = {.reject = reject};
    copy_detail(refusal.first, sizeof(refusal.first), first);
    copy_detail(refusal.second, sizeof(refusal.second), second);
    return refusal;
}

int reject_code(enum reject reject)
{
    return reject_row(reject).code;
}

int reject_http_status(enum reject reject)
{
    return reject_row(reject).http_status;
}

const char *reject_name(enum reject reject)
{
    return reject_row(reject).name;
}

size_t refusal_text(const struct refusal *refusal, char text[REFUSAL_TEXT_MAX])
{
    const char *details[] = {refusal->first, refusal->second};
    size_t detail_index = 0, length = 0;

    for (const char *at = reject_row(refusal->reject).text; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's' && detail_index < 2) {
            const char *detail = details[detail_index++];
            while (*detail != '\0' && length + 1 < REFUSAL_TEXT_MAX)
                text[length++] = *detail++;
            at++;
            continue;
        }
        if (length + 1 < REFUSAL_TEXT_MAX) text[length++] = *at;
    }
    text[length] = '\0';
    return length;
}
