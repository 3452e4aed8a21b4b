#include "node/pid_file.h"

#include "node/file_os.h"
#include "tests/harness.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[32];
static char path[FILE_PATH_MAX];

static void start(void)
{
    memcpy(folder, "/tmp/quorex-pid-XXXXXX", 23);
    assert_non_null(mkdtemp(folder));
    assert_true(file_path(path, folder, "quorex.pid"));
}

static void finish(void)
{
    unlink(path);
    rmdir(folder);
}

static void expect_content(const char *wanted)
{
    char *text;
    size_t length;
    assert_int_equal(file_read(path, &text, &length), STATUS_OK);
    assert_string_equal(text, wanted);
    free(text);
}

TEST(pid_file, holds_our_id_until_release)
{
    struct pid_file ours;
    char id[24];
    start();
    assert_int_equal(pid_file_acquire(&ours, path), STATUS_OK);
    snprintf(id, sizeof(id), "%d\n", (int)getpid());
    expect_content(id);
    pid_file_release(&ours);
    expect_content("");
    finish();
}

/* Two nodes on one log would be two truths. The lock goes with its process, however that ends. */
TEST(pid_file, is_refused_while_another_holds_it)
{
    struct pid_file ours, other;
    start();
    assert_int_equal(pid_file_acquire(&ours, path), STATUS_OK);
    assert_int_equal(pid_file_acquire(&other, path), STATUS_EXISTS);
    pid_file_release(&ours);

    const pid_t child = fork();
    if (child == 0) {
        if (pid_file_acquire(&other, path) != STATUS_OK) _exit(1);
        raise(SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(pid_file_acquire(&ours, path), STATUS_OK);
    pid_file_release(&ours);
    finish();
}
