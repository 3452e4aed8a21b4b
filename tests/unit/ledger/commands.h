/* Commands as origins and anchors make them, and what is in a batch.
 *
 * Include tests/harness.h first.
 */

#ifndef TESTS_UNIT_LEDGER_COMMANDS_H
#define TESTS_UNIT_LEDGER_COMMANDS_H

#include "common/batch.h"

/* A command without an origin yet; returns its length. */
static inline size_t command_make(uint8_t *bytes, uint16_t type, uint16_t auth_bytes,
                                  uint64_t ticket)
{
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type) + auth_bytes),
        .type = type,
        .auth_kind = auth_bytes > 0 ? AUTH_ED25519 : AUTH_NONE,
        .auth_length = auth_bytes,
        .ticket = ticket,
    };
    memset(bytes, 0, header.length);
    command_header_put(bytes, &header);
    memset(bytes + header.length - auth_bytes, (int)(ticket & 0xff), auth_bytes);
    return header.length;
}

/* The same, with the numbers that its origin gives it. */
static inline size_t command_numbered(uint8_t *bytes, uint16_t type, uint32_t node, uint64_t epoch,
                                      uint64_t number)
{
    const size_t byte_count = command_make(bytes, type, 0, number);
    le_put_u64(le_put_u64(le_put_u32(bytes + 8, node) + 4, epoch), number);
    return byte_count;
}

static inline size_t command_hello(uint8_t *bytes, uint32_t node, uint64_t nonce)
{
    const struct hello_command hello = {.nonce = nonce, .node = node};
    const size_t byte_count = command_make(bytes, T_HELLO, 0, 0);
    hello_command_put(bytes + COMMAND_HEADER_BYTES, &hello);
    return byte_count;
}

#endif /* TESTS_UNIT_LEDGER_COMMANDS_H */
