#include "common/status.h"

#include "tests/harness.h"

#include <errno.h>

TEST(status, every_failure_has_its_name_and_text)
{
    assert_int_equal(STATUS_OK, 0);
    assert_string_equal(status_name(STATUS_NO_SPACE), "NO_SPACE");
    assert_string_equal(status_text(STATUS_NO_SPACE), "the disk is full");
#define STATUS(NAME, text) \
    assert_string_equal(status_name(STATUS_##NAME), #NAME); \
    assert_string_equal(status_text(STATUS_##NAME), text);
#include "common/status.def"
#undef STATUS
}

TEST(status, full_disks_and_quotas_are_told_from_failures)
{
    assert_int_equal(status_of_errno(ENOSPC), STATUS_NO_SPACE);
    assert_int_equal(status_of_errno(EDQUOT), STATUS_NO_SPACE);
    assert_int_equal(status_of_errno(EIO), STATUS_IO);
    assert_int_equal(status_of_errno(0), STATUS_IO); /* a short write */
}
