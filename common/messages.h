/* Commands, events and notices: structs and codec, expanded from messages.def.
 *
 * A command travels and rests as a header of COMMAND_HEADER_BYTES, its payload, and an
 * authentication field of variable length:
 *
 *     length u32 | type u16 | group u16 | origin u32 | auth_kind u16 | auth_length u16 |
 *     origin_epoch u64 | origin_sequence u64 | deadline_ns u64 | ticket u64 | payload | auth
 *
 * An event is a header of EVENT_HEADER_BYTES (type u16, payload length u16) and its payload. Its
 * number is that of the command it follows, its ordinal its place there.
 *
 * Memory   nothing is allocated; decoded views point into the bytes they were decoded from
 * Errors   a decoder returns false for anything that is not exactly one well-formed message
 */

#ifndef COMMON_MESSAGES_H
#define COMMON_MESSAGES_H

#include "common/assert.h"
#include "common/le.h"
#include "common/money.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t field_u8;
typedef uint16_t field_u16;
typedef uint32_t field_u32;
typedef uint64_t field_u64;
typedef int32_t field_i32;
typedef int64_t field_i64;
typedef price_t field_price;
typedef qty_t field_qty;
typedef amount_t field_amount;

/* struct order_place_command, struct fill_event, struct block_sealed_notice, ... */
#define MESSAGE(kind, id, NAME, name) struct name##_##kind {
#define FIELD(type, name)             field_##type name;
#define BYTES(name, count)            uint8_t name[count];
#define END(kind, NAME, name) \
    } \
    ;
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END

/* COMMAND_ORDER_PLACE = 20 and so on cannot be spelled from a lower-case kind; the type is T_NAME. */
enum message_type {
#define MESSAGE(kind, id, NAME, name) T_##NAME = id,
#define FIELD(type, name)
#define BYTES(name, count)
#define END(kind, NAME, name)
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END
};

/* ORDER_PLACE_BYTES: the payload's size on the wire. */
#define SIZE_u8     1
#define SIZE_u16    2
#define SIZE_u32    4
#define SIZE_u64    8
#define SIZE_i32    4
#define SIZE_i64    8
#define SIZE_price  8
#define SIZE_qty    8
#define SIZE_amount 8
enum message_bytes {
#define MESSAGE(kind, id, NAME, name) NAME##_BYTES = 0
#define FIELD(type, name)             +SIZE_##type
#define BYTES(name, count)            +(count)
#define END(kind, NAME, name)         ,
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END
};

/* The codec of every payload, inline because every command passes through it.
 *
 * uint8_t *order_place_command_put(uint8_t *at, const struct order_place_command *): writes the
 * payload and returns the byte after. void order_place_command_get(const uint8_t *at, struct ... *):
 * reads it; the caller has checked the length. */
static inline uint8_t *field_put_u8(uint8_t *at, uint8_t value)
{
    return le_put_u8(at, value);
}
static inline uint8_t *field_put_u16(uint8_t *at, uint16_t value)
{
    return le_put_u16(at, value);
}
static inline uint8_t *field_put_u32(uint8_t *at, uint32_t value)
{
    return le_put_u32(at, value);
}
static inline uint8_t *field_put_u64(uint8_t *at, uint64_t value)
{
    return le_put_u64(at, value);
}
static inline uint8_t *field_put_i32(uint8_t *at, int32_t value)
{
    return le_put_u32(at, (uint32_t)value);
}
static inline uint8_t *field_put_i64(uint8_t *at, int64_t value)
{
    return le_put_i64(at, value);
}
static inline uint8_t *field_put_price(uint8_t *at, price_t value)
{
    return le_put_i64(at, value.ticks);
}
static inline uint8_t *field_put_qty(uint8_t *at, qty_t value)
{
    return le_put_i64(at, value.lots);
}
static inline uint8_t *field_put_amount(uint8_t *at, amount_t value)
{
    return le_put_i64(at, value.units);
}

static inline uint8_t field_get_u8(const uint8_t *at)
{
    return le_get_u8(at);
}
static inline uint16_t field_get_u16(const uint8_t *at)
{
    return le_get_u16(at);
}
static inline uint32_t field_get_u32(const uint8_t *at)
{
    return le_get_u32(at);
}
static inline uint64_t field_get_u64(const uint8_t *at)
{
    return le_get_u64(at);
}
static inline int32_t field_get_i32(const uint8_t *at)
{
    return (int32_t)le_get_u32(at);
}
static inline int64_t field_get_i64(const uint8_t *at)
{
    return le_get_i64(at);
}
static inline price_t field_get_price(const uint8_t *at)
{
    return (price_t){le_get_i64(at)};
}
static inline qty_t field_get_qty(const uint8_t *at)
{
    return (qty_t){le_get_i64(at)};
}
static inline amount_t field_get_amount(const uint8_t *at)
{
    return (amount_t){le_get_i64(at)};
}

#define MESSAGE(kind, id, NAME, name) \
    static inline uint8_t *name##_##kind##_put(uint8_t *at, const struct name##_##kind *message) \
    {
#define FIELD(type, name)  at = field_put_##type(at, message->name);
#define BYTES(name, count) at = le_put_bytes(at, message->name, count);
#define END(kind, NAME, name) \
    return at; \
    }
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END

#define MESSAGE(kind, id, NAME, name) \
    static inline void name##_##kind##_get(const uint8_t *at, struct name##_##kind *message) \
    {
#define FIELD(type, name) \
    message->name = field_get_##type(at); \
    at += SIZE_##type;
#define BYTES(name, count) \
    memcpy(message->name, at, count); \
    at += (count);
#define END(kind, NAME, name) \
    (void)at; \
    }
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END

/* The payload's size of a known type, 0 otherwise. */
size_t message_payload_bytes(uint16_t type);

/* The name of a known type ("ORDER_PLACE"), "UNKNOWN" otherwise. */
const char *message_name(uint16_t type);

#define COMMAND_HEADER_BYTES 48
#define COMMAND_AUTH_MAX     4096
#define COMMAND_PAYLOAD_MAX  512
#define COMMAND_BYTES_MAX    (COMMAND_HEADER_BYTES + COMMAND_PAYLOAD_MAX + COMMAND_AUTH_MAX)
#define EVENT_HEADER_BYTES   4
#define EVENT_PAYLOAD_MAX    256

enum auth_kind {
    AUTH_NONE = 0,       /* a node's own command: HELLO, SEAL, VOTE */
    AUTH_HMAC = 1,       /* key id (32): the gateway node vouches for it */
    AUTH_ED25519 = 2,    /* key id (32), signature (64), the signed bytes: every node checks it */
    AUTH_OPERATOR = 3,   /* operator's public key (32), signature (64), the signed bytes */
    AUTH_STATEMENTS = 4, /* EPOCH_CHANGE: what q nodes state, one after the other */
};

struct command_header {
    uint32_t length; /* header, payload and auth */
    uint16_t type;
    uint16_t group;     /* 0 today: the door to several logs */
    uint32_t origin;    /* node that admitted it; 0 for a node's own commands */
    uint16_t auth_kind; /* enum auth_kind */
    uint16_t auth_length;
    uint64_t origin_epoch;    /* command number of that node's HELLO */
    uint64_t origin_sequence; /* 1, 2, 3 ... within the epoch */
    uint64_t deadline_ns;     /* refused when the stamp is later; 0: none */
    uint64_t ticket; /* the origin's own mark, to find who waits; means nothing elsewhere */
};

/* Where fields of a command's header are, for who reads one in place. */
#define COMMAND_TYPE_OFFSET     4
#define COMMAND_ORIGIN_OFFSET   8
#define COMMAND_EPOCH_OFFSET    16
#define COMMAND_SEQUENCE_OFFSET 24

/* One command in place. */
struct command {
    struct command_header header;
    const uint8_t *payload;
    const uint8_t *auth;
};

void command_header_put(uint8_t *at, const struct command_header *header);

/* Decodes the command that fills exactly `byte_count` bytes. False: unknown type, wrong lengths. */
MUST_CHECK bool command_decode(const uint8_t *bytes, size_t byte_count, struct command *command);

/* One event in place. */
struct event {
    uint16_t type;
    uint16_t payload_length;
    const uint8_t *payload;
};

/* Walks a run of events: decodes the one at *at and moves *at past it. False at the end or when the
 * bytes are not events (then *at != end). */
MUST_CHECK bool event_next(const uint8_t **at, const uint8_t *end, struct event *event);

/* Decodes the notice that fills exactly `byte_count` bytes: framed like an event. */
MUST_CHECK bool notice_decode(const uint8_t *bytes, size_t byte_count, struct event *notice);

/* Where match writes events. Owner: the engine thread.
 *
 * With an `overflow`, an event that does not fit moves all that was written since `begin` there, and
 * writing goes on there: the room can then be small, for the many commands that need little. */
struct event_writer {
    uint8_t *at;
    uint8_t *end;
    uint32_t count;
    uint8_t *begin;    /* of this command's events; NULL without an overflow */
    uint8_t *overflow; /* NULL: there is none, or it is in use */
    uint8_t *overflow_end;
};

/* Goes on in the overflow. Needs: there is one, with room for all. */
void event_writer_move(struct event_writer *writer);

/* A place among the events written, that a move does not change. */
static inline size_t event_writer_mark(const struct event_writer *writer)
{
    return (uintptr_t)writer->at - (uintptr_t)writer->begin;
}

static inline uint8_t *event_writer_at_mark(const struct event_writer *writer, size_t mark)
{
    return writer->at - (event_writer_mark(writer) - mark);
}

static inline void event_writer_need(struct event_writer *writer, size_t byte_count)
{
    if (__builtin_expect((size_t)(writer->end - writer->at) < byte_count, 0))
        event_writer_move(writer);
}

/* void event_write_fill(struct event_writer *, const struct fill_event *), one per event.
 * Needs: room for EVENT_HEADER_BYTES + the payload. */
#define MESSAGE(kind, id, NAME, name) \
    static inline void kind##_write_##name(struct event_writer *writer, \
                                           const struct name##_##kind *message) \
    { \
        event_writer_need(writer, EVENT_HEADER_BYTES + NAME##_BYTES); \
        uint8_t *at = le_put_u16(writer->at, id); \
        at = le_put_u16(at, NAME##_BYTES); \
        writer->at = name##_##kind##_put(at, message); \
        writer->count++; \
    }
#define FIELD(type, name)
#define BYTES(name, count)
#define END(kind, NAME, name)
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END

/* The market's own words, numbered for the wire. Append-only. */
enum order_type {
    LIMIT = 1,
    MARKET = 2,
    LIMIT_MAKER = 3,
    STOP_LOSS = 4,
    STOP_LOSS_LIMIT = 5,
    TAKE_PROFIT = 6,
    TAKE_PROFIT_LIMIT = 7,
};

enum time_in_force { GTC = 1, IOC = 2, FOK = 3 };

enum order_status {
    ORDER_NEW = 1,
    ORDER_PARTIALLY_FILLED = 2,
    ORDER_FILLED = 3,
    ORDER_CANCELED = 4,
    ORDER_EXPIRED = 5,
    ORDER_EXPIRED_IN_MATCH = 6, /* by self-trade prevention */
    ORDER_PENDING_NEW = 7,      /* waits for the working order of its list */
};

/* Why an order is done. */
enum done_reason {
    DONE_FILLED = 1,
    DONE_CANCELED = 2,
    DONE_CANCELED_ALL = 3,
    DONE_IOC_UNFILLED = 4,
    DONE_FOK_UNFILLED = 5,
    DONE_NO_LIQUIDITY = 6,   /* MARKET: the book or the quote amount ended first */
    DONE_SELF_TRADE = 7,     /* prevented */
    DONE_OCO = 8,            /* its sibling fired or traded */
    DONE_WORKING_ENDED = 9,  /* pending: its working order ended unfilled */
    DONE_LIST_CANCELED = 10, /* another order of its list was cancelled */
    DONE_NO_BALANCE = 11,    /* released or fired, and not to be paid for */
    DONE_WOULD_TAKE = 12,    /* LIMIT_MAKER released into a book where it would take */
    DONE_SWITCH = 13,        /* dead-man's switch */
    DONE_SESSION = 14,       /* its session ended */
    DONE_ORIGIN_LOST = 15,   /* its session's node was lost, or began anew */
    DONE_PRICE_RANGE = 16,   /* MARKET: the rest lies beyond the market's price band */
    DONE_REPLACED = 17,      /* cancelled by ORDER_REPLACE */
};

enum replace_mode { REPLACE_STOP_ON_FAILURE = 1, REPLACE_ALLOW_FAILURE = 2 };

enum list_kind { LIST_OCO = 1, LIST_OTO = 2, LIST_OTOCO = 3 };

enum cancel_restriction {
    CANCEL_ANY = 0,
    CANCEL_ONLY_NEW = 1,
    CANCEL_ONLY_PARTIALLY_FILLED = 2,
};

/* What happens when an order would trade with another of its own account. */
enum self_trade {
    SELF_TRADE_NONE = 0, /* they trade */
    SELF_TRADE_EXPIRE_TAKER = 1,
    SELF_TRADE_EXPIRE_MAKER = 2,
    SELF_TRADE_EXPIRE_BOTH = 3,
    SELF_TRADE_DECREMENT = 4,
    SELF_TRADE_TRANSFER = 5, /* no market of ours allows it */
};

enum route_status { ROUTE_OPEN = 1, ROUTE_CLOSED = 2 };

enum address_kind { ADDRESS_DEPOSIT = 1, ADDRESS_WITHDRAWAL = 2 };

enum deposit_state {
    DEPOSIT_CONFIRMING = 1,
    DEPOSIT_CREDITED = 2,
    DEPOSIT_REORGED = 3, /* and nothing of it is in the account */
    DEPOSIT_OWED = 4,    /* reorged, but the account had spent of it */
};

enum withdrawal_state {
    WITHDRAWAL_HELD = 1,     /* until enough operators approve */
    WITHDRAWAL_APPROVED = 2, /* released once the block that holds the approval is certified */
    WITHDRAWAL_DENIED = 3,
    WITHDRAWAL_BROADCAST = 4,
    WITHDRAWAL_FINAL = 5,
    WITHDRAWAL_FAILED = 6,
    WITHDRAWAL_CANCELED = 7, /* by the account, from HELD */
};

#define CHAIN_BYTES         12
#define CHAIN_ADDRESS_BYTES 64
#define TXID_BYTES          32

enum key_permission { KEY_READ = 1, KEY_TRADE = 2, KEY_WITHDRAW = 4 };

#endif /* COMMON_MESSAGES_H */
