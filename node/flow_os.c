#include "node/flow_os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((off_t)1 << 40)

/* The whole file, on the heap; NULL with the reason. */
static uint8_t *file_read(const char *path, size_t *byte_count, const char **reason)
{
    struct stat status;
    uint8_t *bytes = NULL;
    size_t got = 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) {
        *reason = strerror(errno);
    } else if (!S_ISREG(status.st_mode) || status.st_size > FILE_BYTES_MAX) {
        *reason = "it is no regular file, or too large";
    } else if ((bytes = malloc((size_t)status.st_size + 1)) == NULL) {
        *reason = "there is no memory for it";
    } else {
        ssize_t count = 0;
        while (got < (size_t)status.st_size &&
               (count = read(file, bytes + got, (size_t)status.st_size - got)) > 0)
            got += (size_t)count;
        if (count < 0) *reason = strerror(errno);
        if (count < 0 || got < (size_t)status.st_size) {
            if (count >= 0) *reason = "it ended early";
            free(bytes);
            bytes = NULL;
        }
    }
    if (file >= 0) close(file);
    *byte_count = got;
    return bytes;
}

static const char *header_fault(const struct flow_header *header, size_t byte_count)
{
    if (memcmp(header->magic, FLOW_MAGIC, sizeof(header->magic)) != 0)
        return "it does not begin as a flow does";
    if (header->header_bytes != sizeof(struct flow_header) ||
        header->record_bytes != sizeof(struct flow_record))
        return "its header or its records have another size";
    const uint64_t records = (byte_count - sizeof(*header)) / sizeof(struct flow_record);
    if ((byte_count - sizeof(*header)) % sizeof(struct flow_record) != 0 ||
        header->preload_count > records || header->command_count != records - header->preload_count)
        return "it has not as many records as its header says";
    if (header->command_count == 0) return "it has nothing to measure";
    if (header->target_depth == 0 || header->target_depth > 1u << 24)
        return "its depth is not 1 to 2^24";
    return NULL;
}

static const char *record_fault(const struct flow_record *record, uint64_t *last_id)
{
    if (record->op < FLOW_ADD || record->op > FLOW_TAKE) return "a record has an unknown operation";
    if (record->side > 1) return "a record has an unknown side";
    if (record->market != 0) return "a record is of another market";
    if (record->op == FLOW_CANCEL)
        return record->id == 0 || record->id > *last_id ? "a cancel names an id not given yet"
                                                        : NULL;
    if (record->price <= 0 || record->qty == 0) return "an order has no price or no quantity";
    if (record->id != *last_id + 1) return "ids do not rise by one";
    (*last_id)++;
    return NULL;
}

static const char *records_fault(const struct flow *flow)
{
    const uint64_t count = flow->header.preload_count + flow->header.command_count;
    uint64_t last_id = 0;
    for (uint64_t i = 0; i < count; i++) {
        const char *fault = record_fault(&flow->records[i], &last_id);
        if (fault != NULL) return fault;
    }
    return last_id == flow->header.id_max ? NULL : "its last id is not the one its header names";
}

bool flow_read(struct flow *flow, const char *path, const char **reason)
{
    size_t byte_count;
    *flow = (struct flow){.bytes = file_read(path, &byte_count, reason)};
    if (flow->bytes == NULL) return false;

    *reason = "it is shorter than a header";
    if (byte_count >= sizeof(flow->header)) {
        memcpy(&flow->header, flow->bytes, sizeof(flow->header));
        flow->records = (struct flow_record *)(void *)(flow->bytes + sizeof(flow->header));
        *reason = header_fault(&flow->header, byte_count);
        if (*reason == NULL) *reason = records_fault(flow);
    }
    if (*reason == NULL) return true;
    flow_free(flow);
    return false;
}

void flow_free(struct flow *flow)
{
    free(flow->bytes);
    *flow = (struct flow){.bytes = NULL};
}
