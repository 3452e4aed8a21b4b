#include "gateway/made_id.h"

#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

#define IDS 100000

/* What two nodes print of one command is the same, now and after an upgrade. */
TEST(made_id, name_is_the_commands)
{
    uint8_t id[36];
    static const char expected[36] = "zvlZ6MRqCcM8FhdV6u7sFI";
    made_id_cancel(1, id);
    assert_memory_equal(id, expected, sizeof(id));
}

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, 36);
}

/* No two commands share one, and each is a client id: letters and digits alone. */
TEST(made_id, names_differ)
{
    static uint8_t ids[IDS][36];
    for (uint64_t command = 0; command < IDS; command++) {
        made_id_cancel(command, ids[command]);
        assert_int_equal(strspn((const char *)ids[command],
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
                         MADE_ID_LETTERS);
    }
    qsort(ids, IDS, sizeof(ids[0]), compare);
    for (int i = 1; i < IDS; i++)
        assert_memory_not_equal(ids[i - 1], ids[i], 36);
}
