/* The projection: a chain's blocks as rows, and the thread that keeps PostgreSQL filled with them.
 *
 * Live, catching up and rebuilding are one piece of code: read the next block after the cursor, turn
 * its events into rows, commit rows and cursor together. store.c does the turning and is pure;
 * store_pg.c talks to the database.
 *
 * Rows come from a block's events and the balances before it. Trades, fees, rebates, credits and debits
 * are booked from the facts; what is left of the change between two BALANCE events of an account and
 * asset is what was held or released, and must be a move between its two amounts: a unit more or less
 * is MALFORMED. What is carried over are listings (struct params), balances, and which orders are of lists, all of which the
 * database has; of open orders besides their names, since the store began to read (open_order.h).
 *
 * Owner    one thread each for a struct store and for store_run
 * Memory   the caller's arena, store_bytes in all, touched as accounts come
 * Limits   STORE_ENTRIES_MAX ledger entries are netted at a time; a block with more has several rows
 *          for one (account, asset, kind), with the same sum
 */

#ifndef SETTLEMENT_STORE_H
#define SETTLEMENT_STORE_H

#include "common/balance_slice.h"
#include "common/block_header.h"
#include "common/genesis.h"
#include "common/interval.h"
#include "common/metrics.h"
#include "common/park.h"
#include "common/progress.h"
#include "common/status.h"

struct arena;
struct ring;
struct store;

#define STORE_ENTRIES_MAX (1u << 16)

/* ---- Where blocks come from. ---- */

/* A sealed block as its chain file holds it; good until the next read of the same source. */
struct block_bytes {
    const uint8_t *header; /* BLOCK_HEADER_BYTES */
    const uint8_t *body;   /* applied records, one a command (common/applied.h) */
    size_t body_bytes;
};

/* Reads block `height` (from 1): STATUS_OK, STATUS_NOT_FOUND when it is not there yet, or a failure,
 * already logged. Called by the writer thread only. */
struct block_source {
    void *context;
    enum status (*read)(void *context, uint64_t height, struct block_bytes *out);
    /* The lowest height that will ever be there. May be NULL: 1. */
    uint64_t (*first)(void *context);
};

/* ---- Rows. Raw whole numbers: ticks, lots, units; the reader scales. ---- */

struct fill_row {
    uint64_t command;
    uint32_t ordinal; /* the event's place in its command, from 0 */
    struct fill_event fill;
    uint64_t time_ns;
    amount_t maker_fee; /* charged, in the asset the maker received */
    amount_t taker_fee;
    amount_t maker_rebate; /* given, in the asset the maker paid */
    uint64_t maker_list;   /* 0: of none */
    uint64_t taker_list;
};

struct order_row {
    uint64_t command; /* that ended it */
    uint64_t closed_ns;
    struct order_done_event done;
    struct order_terms_event terms;   /* all zero for a plain order */
    struct order_tagged_event tagged; /* all zero for one that is not called anything */
    char client_id[37];               /* printable, terminated */
};

struct prevented_row {
    uint64_t command;
    uint32_t ordinal;
    struct prevented_event prevented;
    uint64_t time_ns;
};

struct amended_row {
    uint64_t command;
    uint32_t ordinal;
    struct order_amended_event amended;
    uint64_t time_ns;
    char former_client_id[37]; /* printable, terminated; empty: not known */
    char client_id[37];
};

struct list_row {
    uint64_t command;
    struct list_accepted_event accepted;
    uint64_t time_ns;
    char client_id[37];
};

struct list_end_row {
    uint16_t market;
    uint64_t list_id;
    uint64_t time_ns;
};

/* The net of one account's movements of one kind in one asset and block. House accounts have the
 * negative numbers of enum posting_house (posting.h). */
struct entry_row {
    uint64_t height;
    uint64_t command; /* the block's last */
    int32_t account;
    uint16_t asset;
    uint16_t kind; /* enum posting_kind */
    uint32_t event_count;
    amount_t available;
    amount_t held;
};

/* A deposit, a withdrawal or an address as a command left it: later rows of the same number are newer. */
struct deposit_row {
    uint64_t command;
    uint32_t ordinal;
    uint64_t time_ns;
    struct deposit_changed_event deposit;
};

struct withdrawal_row {
    uint64_t command;
    uint32_t ordinal;
    uint64_t time_ns;
    struct withdrawal_moved_event withdrawal;
    char address[CHAIN_ADDRESS_BYTES + 1]; /* printable, terminated */
    char client_id[37];
};

struct address_row {
    uint64_t command;
    uint32_t ordinal;
    uint64_t time_ns;
    struct address_changed_event address;
    char text[CHAIN_ADDRESS_BYTES + 1]; /* printable, terminated */
};

struct balance_row {
    uint32_t account;
    uint16_t asset;
    amount_t available;
    amount_t held;
    uint64_t height; /* of its last change */
};

/* What the fills of one flush add to a candle. */
struct candle_row {
    uint16_t market;
    uint16_t interval; /* enum interval */
    uint64_t open_ns;
    price_t open, high, low, close;
    __int128 volume;       /* lots */
    __int128 quote_volume; /* units of the quote asset */
    __int128 taker_volume; /* of them, bought by takers */
    __int128 taker_quote_volume;
    uint64_t fill_count;
};

struct account_row {
    struct account_created_event created;
    uint64_t time_ns;
};

struct block_row {
    struct block_header header;
    hash_t hash;
    const uint8_t *header_bytes;
};

/* Takes rows as they come. Each pointer is good during the call only. */
struct store_sink {
    void *context;
    void (*block)(void *context, const struct block_row *row);
    void (*fill)(void *context, const struct fill_row *row);
    void (*order)(void *context, const struct order_row *row);
    void (*entry)(void *context, const struct entry_row *row);
    void (*account)(void *context, const struct account_row *row);
    void (*asset)(void *context, uint16_t index, const struct asset *asset);
    void (*market)(void *context, uint16_t index, const struct market *market);
    void (*candle)(void *context, const struct candle_row *row);   /* from store_flush */
    void (*balance)(void *context, const struct balance_row *row); /* from store_balances */
    void (*prevented)(void *context, const struct prevented_row *row);
    void (*list)(void *context, const struct list_row *row);
    void (*list_end)(void *context, const struct list_end_row *row); /* of one given before */
    void (*deposit)(void *context, const struct deposit_row *row);
    void (*withdrawal)(void *context, const struct withdrawal_row *row);
    void (*address)(void *context, const struct address_row *row);
    void (*amended)(void *context, const struct amended_row *row);
};

size_t store_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold it. `genesis` must outlive it. */
MUST_CHECK struct store *store_new(struct arena *arena, const struct genesis *genesis);

/* Forgets everything: as at genesis. */
void store_reset(struct store *store);

/* What had been listed below the cursor, in order: assets, then markets. False when it does not
 * follow what is known. */
MUST_CHECK bool store_list_asset(struct store *store, uint16_t index, const struct asset *asset);
MUST_CHECK bool store_list_market(struct store *store, uint16_t index,
                                  const struct market_create_command *listing);

/* A balance as it stood below the cursor; none was given for an account and asset: it is 0. False when
 * it cannot be. */
MUST_CHECK bool store_load_balance(struct store *store, const struct balance_row *row);

/* An order of a list that was open below the cursor. False when there are more than can be. */
MUST_CHECK bool store_load_order(struct store *store, uint16_t market, uint64_t order_id,
                                 uint64_t list_id);

/* The list that an open order is of, 0: none, or it is not known. */
uint64_t store_list_of(const struct store *store, uint16_t market, uint64_t order_id);

/* A balance after the last block, 0 when nothing was heard of it. Needs: account and asset within the bounds. */
struct balance_pair store_balance(const struct store *store, uint32_t account, uint16_t asset);

/* The highest account that any balance was heard of. */
uint32_t store_accounts(const struct store *store);

/* The market's last trade id, 0 when it has not traded since the store was reset. */
uint64_t store_trades(const struct store *store, uint16_t market);

/* The numbers of the last deposit and withdrawal, 0 when none was new since the store was reset. */
uint64_t store_deposits(const struct store *store);
uint64_t store_withdrawals(const struct store *store);

/* Turns one block into rows. STATUS_MALFORMED when its bytes are not a block whose events follow one
 * another; rows may have been given to the sink by then, so the caller drops the batch and resets. */
MUST_CHECK enum status store_block(struct store *store, const struct block_bytes *block,
                                   const struct store_sink *sink);

/* Takes from a block only the balances after it: for blocks below the cursor and above the height at
 * which the balance table was last refreshed. */
MUST_CHECK enum status store_block_balances(struct store *store, const struct block_bytes *block);

/* Gives the sink the candles that the blocks since the last flush made or changed, each once. They
 * are increments: the reader of a candle adds up what was flushed for it. */
void store_flush(struct store *store, const struct store_sink *sink);

/* Gives the sink every balance that changed since the last call, each once. */
void store_balances(struct store *store, const struct store_sink *sink);

/* How many accounts have balances that store_balances has not given out. */
uint32_t store_dirty_accounts(const struct store *store);

const struct params *store_params(const struct store *store);

/* ---- The writer thread (store_pg.c). ---- */

#define STORE_PARTITION_COMMANDS (1u << 25)
#define STORE_BATCH_BLOCKS       512
#define STORE_BALANCES_MS        2000

struct store_options {
    const char *conninfo; /* libpq's connection string */
    const struct genesis *genesis;
    struct block_source source;
    struct park *park; /* the writer's own: woken when a block was written */
    struct progress *progress;
    struct metrics *metrics;
    uint32_t partition_commands; /* commands in a partition; 0: STORE_PARTITION_COMMANDS */
    struct ring
        *compared;    /* balances at a block's end, which must be the store's too; may be NULL */
    uint64_t kept_ns; /* history older than that is dropped (retention.h); 0: none */
    uint32_t batch_blocks; /* in a transaction, at most; 0: STORE_BATCH_BLOCKS */
    uint32_t balances_ms;  /* between two refreshes of the balance table; 0: STORE_BALANCES_MS */
    uint32_t tell_ms; /* between two lines of the log while it catches up; 0: LAG_TELL_MS (lag.h) */
    uint32_t
        lock_ms; /* the orders' connection waits so long for a lock; 0: AHEAD_LOCK_MS (ahead.h) */
};

/* The thread's body: fills the database from the source until progress.stopping. A database that is
 * away, empty or dropped is connected to, migrated and filled again, for ever, with backoff up to two
 * seconds; one that belongs to another chain is left alone, and the log says so. So is one that ends below
 * the first block of the source: with a gap, what it says would not be what was. */
void store_run(const struct store_options *options);

#endif /* SETTLEMENT_STORE_H */
