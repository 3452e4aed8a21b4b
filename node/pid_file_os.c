#include "node/pid_file.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static enum status report_other(int descriptor, const char *path)
{
    char other[24] = "";
    const ssize_t length = read(descriptor, other, sizeof(other) - 1);
    other[length > 0 ? strcspn(other, "\n") : 0] = '\0';
    log_error("node", "another node runs in this folder", "process=%s path=\"%s\"", other, path);
    return STATUS_EXISTS;
}

enum status pid_file_acquire(struct pid_file *pid_file, const char *path)
{
    const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) {
        log_error("node", "pid file not writable", "path=\"%s\" reason=\"%s\"", path,
                  strerror(errno));
        return STATUS_IO;
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        const enum status status = report_other(descriptor, path);
        close(descriptor);
        return status;
    }
    char text[24];
    const int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, text, (size_t)length, 0) != length) {
        const int error = errno;
        log_error("node", "pid file not writable", "path=\"%s\" reason=\"%s\"", path,
                  strerror(error));
        close(descriptor);
        return error == ENOSPC ? STATUS_NO_SPACE : STATUS_IO;
    }
    pid_file->descriptor = descriptor;
    return STATUS_OK;
}

void pid_file_release(struct pid_file *pid_file)
{
    if (pid_file->descriptor < 0) return;
    const int emptied = ftruncate(pid_file->descriptor, 0);
    (void)emptied; /* a stale id is harmless: the lock says who runs */
    close(pid_file->descriptor);
    pid_file->descriptor = -1;
}
