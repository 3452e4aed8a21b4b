#include "gateway/query_sql.h"

/* clang-format off */

/* `gone` says whether the question begins with what retention has dropped: then the first column is below zero. */
#define CURSOR_UNLESS(gone, columns, rows) \
    CURSOR_BUT("c.dropped_command > 0 AND " gone, columns, rows)

#define CURSOR_BUT(gone, columns, rows) \
    "SELECT CASE WHEN " gone " THEN -c.command ELSE c.command END," \
    " coalesce(b.time_ns, 0), " columns \
    " FROM quorex.cursor c LEFT JOIN quorex.blocks b ON b.height = c.height" \
    " LEFT JOIN LATERAL (" rows ") r ON true WHERE c.id = 1"

#define CURSOR_AND(columns, rows) CURSOR_UNLESS("false", columns, rows)

/* An oldest-first question is gone when neither its time nor its id is sure to be above what was dropped. A newest-first
 * one ends where history begins. */
#define GONE_ASC(time, low, first) \
    time "::bigint <= c.dropped_ns AND " low "::bigint < coalesce((" first "), 9223372036854775807)"
#define GONE_DESC(time, low, first) "false"

#define FIRST_FILL(id, market) \
    "SELECT " id " FROM quorex.fills WHERE market = " market "::int ORDER BY trade_id LIMIT 1"

#define ORDER_COLUMNS \
    "r.order_id, r.command, r.client_id, r.side, r.type, r.time_in_force, r.status, r.reason," \
    " r.price, r.qty, r.executed, r.quote_qty, r.quote_executed, r.created_ns, r.closed_ns," \
    " r.self_trade, r.list_id, r.stop_price, r.iceberg_qty, r.prevented, r.trailing_delta," \
    " CASE WHEN r.prevented = 0 THEN 0 ELSE (SELECT coalesce(max(p.prevented_id), 0)" \
    " FROM quorex.prevented_matches p WHERE p.account = r.account AND p.market = r.market" \
    " AND ((p.maker_order = r.order_id AND p.maker_qty > 0)" \
    " OR (p.taker_order = r.order_id AND p.taker_qty > 0))) END," \
    " r.strategy_id, r.strategy_type, r.tag_flags"

#define TRADE_COLUMNS \
    "r.trade_id, r.command, r.aggregate_id, r.time_ns, r.price, r.qty, r.maker_order," \
    " r.taker_order, r.maker_account, r.taker_account, r.maker_fee - r.maker_rebate," \
    " r.taker_fee, r.taker_side"

/* The list that a side's order is of. Fills from before the upgrade do not say it (settlement/schema/013_amendments.sql): the
 * asker's own order does, by its key, as CLIENT_OF. */
#define LIST_OF(side) \
    "CASE WHEN r.command > c.amendments_command OR r." side "_account <> $1::int" \
    " THEN coalesce(r." side "_list, 0) ELSE coalesce(r." side "_list," \
    " (SELECT o.list_id FROM quorex.orders o" \
    " WHERE o.account = r." side "_account AND o.market = r.market" \
    " AND o.order_id BETWEEN r." side "_order AND r." side "_order" \
    " ORDER BY o.order_id LIMIT 1), 0) END"

#define FILL_COLUMNS TRADE_COLUMNS ", " LIST_OF("maker") ", " LIST_OF("taker")

#define AGGREGATE_COLUMNS \
    "r.aggregate_id, r.first_id, r.last_id, r.time_ns, r.price, r.qty, r.taker_side"

#define CANDLE_COLUMNS \
    "r.open_ns, r.open, r.high, r.low, r.close, r.volume, r.quote_volume, r.fill_count," \
    " r.taker_volume, r.taker_quote_volume"

/* Ids of a market rise with time: the bound is an id and says all that the time does. A condition on the time beside it
 * would let plans go by that, and sort. Every 32nd id of a market is a milestone, in an index by time, whoever's it is: from
 * the one before a time, or back from the one behind it, ids are walked until the time is reached. The conditions are word
 * by word those of the indexes (settlement/schema/011_milestones.sql). Not asked for where the time is open. */
#define ORDER_BEFORE(time) \
    "coalesce((SELECT order_id FROM quorex.orders WHERE market = $2::int AND order_id % 32 = 0" \
    " AND created_ns < " time " ORDER BY created_ns DESC, order_id DESC LIMIT 1), 0)"

#define ORDER_BEHIND(time) \
    "coalesce((SELECT order_id FROM quorex.orders WHERE market = $2::int AND order_id % 32 = 0" \
    " AND created_ns > " time " ORDER BY created_ns, order_id LIMIT 1), 9223372036854775807)"

#define FIRST_ORDER_FROM(time) \
    "SELECT order_id FROM quorex.orders WHERE account = $1::int AND market = $2::int" \
    " AND order_id > " ORDER_BEFORE(time) " AND created_ns >= " time " ORDER BY order_id LIMIT 1"

#define LAST_ORDER_TO(time) \
    "SELECT order_id FROM quorex.orders WHERE account = $1::int AND market = $2::int" \
    " AND order_id < " ORDER_BEHIND(time) " AND created_ns <= " time \
    " ORDER BY order_id DESC LIMIT 1"

#define ORDERS_FROM \
    "CASE WHEN $5::bigint = 0 THEN $3::bigint ELSE greatest($3::bigint, coalesce(" \
    "(" FIRST_ORDER_FROM("$5::bigint") "), 9223372036854775807)) END"

#define ORDERS_TO \
    "CASE WHEN $6::bigint = 9223372036854775807 THEN $4::bigint ELSE least($4::bigint, coalesce(" \
    "(" LAST_ORDER_TO("$6::bigint") "), -1)) END"

/* Orders may be there before the cursor is (settlement/ahead.h): memory has those still. Of a page they are left out
 * when it is whole: as a condition of the page it would seem to the planner to leave a third of the rows, and reading and
 * sorting all of an account's to be as cheap as walking the index. */
#define UP_TO_CURSOR " command <= c.command"

#define ORDERS(direction) CURSOR_UNLESS( \
    GONE_##direction("$5", "$3", FIRST_ORDER_FROM("c.dropped_ns + 1")), ORDER_COLUMNS, \
    "SELECT * FROM (SELECT * FROM quorex.orders WHERE account = $1::int AND market = $2::int" \
    " AND order_id BETWEEN " ORDERS_FROM " AND " ORDERS_TO \
    " ORDER BY order_id " #direction " LIMIT $7::int) page WHERE" UP_TO_CURSOR) " ORDER BY r.order_id"

#define CLIENT CURSOR_AND(ORDER_COLUMNS, \
    "SELECT * FROM quorex.orders WHERE account = $1::int AND market = $2::int" \
    " AND client_id = $3 AND" UP_TO_CURSOR " ORDER BY order_id DESC LIMIT 1")

/* The id of the market's first fill at or after a time, or of its last one at or before it; an id beyond all when there
 * is none. By milestones, as above. */
#define FILL_BEFORE(market, what) \
    "coalesce((SELECT trade_id FROM quorex.fills WHERE market = " market "::int" \
    " AND trade_id % 32 = 0 AND " what " DESC, trade_id DESC LIMIT 1), 0)"

#define FILL_BEHIND(market, what) \
    "coalesce((SELECT trade_id FROM quorex.fills WHERE market = " market "::int" \
    " AND trade_id % 32 = 0 AND " what ", trade_id LIMIT 1), 9223372036854775807)"

#define FILL_FROM(id, market, low, time) \
    "CASE WHEN " time "::bigint = 0 THEN " low "::bigint ELSE greatest(" low "::bigint, coalesce(" \
    "(SELECT " id " FROM quorex.fills WHERE market = " market "::int AND trade_id > " \
    FILL_BEFORE(market, "time_ns < " time "::bigint ORDER BY time_ns") \
    " AND time_ns >= " time "::bigint ORDER BY trade_id LIMIT 1), 9223372036854775807)) END"

#define FILL_TO(id, market, high, time) \
    "CASE WHEN " time "::bigint = 9223372036854775807 THEN " high "::bigint" \
    " ELSE least(" high "::bigint, coalesce(" \
    "(SELECT " id " FROM quorex.fills WHERE market = " market "::int AND trade_id < " \
    FILL_BEHIND(market, "time_ns > " time "::bigint ORDER BY time_ns") \
    " AND time_ns <= " time "::bigint ORDER BY trade_id DESC LIMIT 1), -1)) END"

#define FILLS_OF(condition, direction) \
    "(SELECT * FROM quorex.fills WHERE " condition " AND market = $2::int" \
    " AND trade_id BETWEEN " FILL_FROM("trade_id", "$2", "$3", "$5") \
    " AND " FILL_TO("trade_id", "$2", "$4", "$6") \
    " ORDER BY trade_id " direction " LIMIT $7::int)"

/* Each side by its own index. A fill of an account with itself comes from both, and is one: left out of one half by a condition
 * it would have that half walk all fills of an account that trades with none but itself. */
#define FILLS(direction) CURSOR_UNLESS( \
    GONE_##direction("$5", "$3", FIRST_FILL("trade_id", "$2")), FILL_COLUMNS, \
    "SELECT DISTINCT ON (trade_id) * FROM (" FILLS_OF("maker_account = $1::int", #direction) \
    " UNION ALL " FILLS_OF("taker_account = $1::int", #direction) ") both_sides" \
    " ORDER BY trade_id " #direction " LIMIT $7::int") " ORDER BY r.trade_id"

/* An order has few fills: they are found by the order and sorted. `+ 0`: nothing else may seem to be cheaper. Fills may be
 * gone unless the order is sure to be younger than what was dropped, by a milestone behind it: a fill that is left says
 * nothing, for a stop that fires takes with an id as old as it is. */
#define FILLS_OF_ORDER(direction) CURSOR_UNLESS( \
    "$8::bigint < " ORDER_BEHIND("c.dropped_ns"), FILL_COLUMNS, \
    "SELECT * FROM (SELECT * FROM quorex.fills WHERE market = $2::int AND maker_order = $8::bigint" \
    " UNION ALL SELECT * FROM quorex.fills WHERE market = $2::int AND taker_order = $8::bigint" \
    " AND maker_order <> $8::bigint) of_order" \
    " WHERE (maker_account = $1::int OR taker_account = $1::int)" \
    " AND trade_id + 0 BETWEEN $3::bigint AND $4::bigint" \
    " AND time_ns + 0 BETWEEN $5::bigint AND $6::bigint" \
    " ORDER BY trade_id + 0 " #direction " LIMIT $7::int") " ORDER BY r.trade_id"

#define LAST_FILL(id, market) \
    "SELECT " id " FROM quorex.fills WHERE market = " market "::int ORDER BY trade_id DESC LIMIT 1"

/* Of ids without a gap `limit` are a run of that many, at one end of what is asked for: no plan can miss it, whatever
 * the statistics say. The number keeps the sum within bigint. */
#define RUN_ASC(limit)  "low, least(high, least(low, 9223372036854770000) + " limit "::int - 1) AS high"
#define RUN_DESC(limit) "greatest(low, high - " limit "::int + 1) AS low, high"

#define RUN(direction, id, market, low, high, start, end, limit) \
    "(SELECT " RUN_##direction(limit) " FROM (SELECT greatest(" FILL_FROM(id, market, low, start) \
    ", coalesce((" FIRST_FILL(id, market) "), 0)) AS low, least(" FILL_TO(id, market, high, end) \
    ", coalesce((" LAST_FILL(id, market) "), -1)) AS high OFFSET 0) ends OFFSET 0) run"

#define TRADES(direction) CURSOR_UNLESS( \
    GONE_##direction("$4", "$2", FIRST_FILL("trade_id", "$1")), TRADE_COLUMNS ", 0, 0", \
    "SELECT f.* FROM " RUN(direction, "trade_id", "$1", "$2", "$3", "$4", "$5", "$6") \
    " JOIN quorex.fills f ON f.market = $1::int AND f.trade_id BETWEEN run.low AND run.high") \
    " ORDER BY r.trade_id"

/* Aggregates rise with trades: those of a run lie between the milestones before its first and behind its last one. */
#define AGGREGATE_RUN(direction) \
    "(SELECT low, high, " \
    FILL_BEFORE("$1", "aggregate_id < run.low ORDER BY aggregate_id") " AS before, " \
    FILL_BEHIND("$1", "aggregate_id > run.high ORDER BY aggregate_id") " AS behind" \
    " FROM " RUN(direction, "aggregate_id", "$1", "$2", "$3", "$4", "$5", "$6") " OFFSET 0) run"

/* A taker order's fills are one command's, so an aggregate is never half above the cursor, nor of two times. */
#define AGGREGATES(direction) CURSOR_UNLESS( \
    GONE_##direction("$4", "$2", FIRST_FILL("aggregate_id", "$1")), AGGREGATE_COLUMNS, \
    "SELECT f.aggregate_id, min(f.trade_id) AS first_id, max(f.trade_id) AS last_id," \
    " min(f.time_ns) AS time_ns, min(f.price) AS price, sum(f.qty) AS qty," \
    " min(f.taker_side) AS taker_side" \
    " FROM " AGGREGATE_RUN(direction) " JOIN quorex.fills f ON f.market = $1::int" \
    " AND f.trade_id > run.before AND f.trade_id < run.behind" \
    " AND f.aggregate_id BETWEEN run.low AND run.high GROUP BY f.aggregate_id") \
    " ORDER BY r.aggregate_id"

/* The candle before the range comes too: the first ones in it may carry its close. */
#define CANDLES(direction) CURSOR_AND(CANDLE_COLUMNS, \
    "(SELECT * FROM quorex.candles WHERE market = $1::int AND \"interval\" = $2::int" \
    " AND open_ns BETWEEN $3::bigint AND $4::bigint ORDER BY open_ns " direction \
    " LIMIT $5::int) UNION ALL (SELECT * FROM quorex.candles WHERE market = $1::int" \
    " AND \"interval\" = $2::int AND open_ns < $3::bigint ORDER BY open_ns DESC LIMIT 1)") \
    " ORDER BY r.open_ns"

/* The zone's time, and where the candle that holds it opens there: $7 is its length, 0 a month; $8 what a week is shifted by. */
#define ZONE_TIME "(open_ns + $6::bigint)"
#define ZONE_OPEN \
    "CASE WHEN $7::bigint > 0 THEN (" ZONE_TIME " + $8::bigint) / $7::bigint * $7::bigint - $8::bigint" \
    " ELSE extract(epoch FROM date_trunc('month', timestamp '1970-01-01'" \
    " + " ZONE_TIME " / 1000000000 * interval '1 second'))::bigint * 1000000000 END"

#define PARTS_AS(name) "quorex.candles " name " WHERE market = $1::int AND \"interval\" = $2::int"
#define PARTS "quorex.candles WHERE market = $1::int AND \"interval\" = $2::int"

/* From the first part there is, not further than `limit` candles are long; and the part before, for what it may carry. */
#define ZONE_CANDLES CURSOR_AND(CANDLE_COLUMNS, \
    "SELECT * FROM (SELECT " ZONE_OPEN " AS open_ns, (array_agg(open ORDER BY part_ns))[1] AS open," \
    " max(high) AS high, min(low) AS low, (array_agg(close ORDER BY part_ns DESC))[1] AS close," \
    " sum(volume) AS volume, sum(quote_volume) AS quote_volume, sum(fill_count) AS fill_count," \
    " sum(taker_volume) AS taker_volume, sum(taker_quote_volume) AS taker_quote_volume" \
    " FROM (SELECT p.*, p.open_ns AS part_ns FROM " PARTS_AS("p") " AND p.open_ns >= $3::bigint" \
    " AND p.open_ns < least($4::bigint, greatest($3::bigint, coalesce((SELECT open_ns FROM " PARTS \
    " ORDER BY open_ns LIMIT 1), 0)) + $5::bigint)) parts GROUP BY 1) zoned" \
    " UNION ALL (SELECT " ZONE_OPEN ", open, high, low, close, volume, quote_volume, fill_count," \
    " taker_volume, taker_quote_volume FROM " PARTS " AND open_ns < $3::bigint" \
    " AND open_ns < $4::bigint ORDER BY quorex.candles.open_ns DESC LIMIT 1)") \
    " ORDER BY r.open_ns"

#define LIST_COLUMNS \
    "r.list_id, r.market, r.kind, r.client_id, r.a_order, r.b_order, r.c_order, r.a_client," \
    " r.b_client, r.c_client, r.created_ns, r.closed_ns"

/* By a client id, by one list's id, or by time: what does not apply is not run. `+ 0`: those few are sorted, and found
 * by nothing but their name. */
#define LISTS_WHERE(direction, applies, id, time) \
    "(SELECT * FROM quorex.order_lists WHERE account = $1::int AND " applies " AND closed_ns > 0" \
    " AND ($2::int < 0 OR market + 0 = $2::int) AND " id " BETWEEN $3::bigint AND $4::bigint" \
    " AND " time " BETWEEN $5::bigint AND $6::bigint ORDER BY " time " " #direction " LIMIT $7::int)"

#define LISTS_OF_CLIENT(direction) \
    LISTS_WHERE(direction, "$8::text <> '' AND client_id = $8::text", "list_id + 0", "created_ns + 0")
#define LISTS_OF_ID(direction) LISTS_WHERE(direction, \
    "$8::text = '' AND $3::bigint = $4::bigint AND list_id = $3::bigint", "list_id + 0", \
    "created_ns + 0")
#define LISTS_OF_TIME(direction) \
    LISTS_WHERE(direction, "$8::text = '' AND $3::bigint <> $4::bigint", "list_id + 0", "created_ns")

/* One order's, by its key: a join might be made by hashing all orders, and an equal id found by walking the index on
 * client ids, where a range in order cannot be. */
#define CLIENT_OF(leg) \
    "CASE WHEN l." leg "_order = 0 THEN '' ELSE coalesce((SELECT o.client_id FROM quorex.orders o" \
    " WHERE o.account = l.account AND o.market = l.market" \
    " AND o.order_id BETWEEN l." leg "_order AND l." leg "_order" \
    " ORDER BY o.order_id LIMIT 1), '') END AS " leg "_client"

/* Lists that have ended: their orders have rows too. Open ones are memory's. */
#define LISTS(direction) CURSOR_UNLESS(GONE_##direction("$5", "$3", \
    "SELECT min(list_id) FROM quorex.order_lists WHERE account = $1::int"), LIST_COLUMNS, \
    "SELECT l.*, " CLIENT_OF("a") ", " CLIENT_OF("b") ", " CLIENT_OF("c") \
    " FROM (SELECT * FROM (" \
    LISTS_OF_CLIENT(direction) " UNION ALL " LISTS_OF_ID(direction) " UNION ALL " \
    LISTS_OF_TIME(direction) ") found" \
    " ORDER BY created_ns " #direction " LIMIT $7::int) l") " ORDER BY r.created_ns"

#define PREVENTED_COLUMNS \
    "r.prevented_id, r.command, r.time_ns, r.price, r.maker_order, r.taker_order, r.maker_qty," \
    " r.taker_qty, r.mode"

#define PREVENTED_WHERE(direction, applies, account, id, time) \
    "(SELECT * FROM quorex.prevented_matches WHERE " account " = $1::int AND market = $2::int" \
    " AND " applies " AND " id " BETWEEN $3::bigint AND $4::bigint" \
    " AND " time " BETWEEN $5::bigint AND $6::bigint" \
    " ORDER BY " id " " #direction " LIMIT $7::int)"

/* An order has few: they are found by it and sorted. */
#define PREVENTED_OF_ORDER(direction, which) \
    PREVENTED_WHERE(direction, "$8::bigint <> 0 AND " which, "account + 0", "prevented_id + 0", \
                    "time_ns + 0")

#define PREVENTED(direction) CURSOR_UNLESS(GONE_##direction("$5", "$3", \
    "SELECT min(prevented_id) FROM quorex.prevented_matches WHERE account = $1::int" \
    " AND market = $2::int"), PREVENTED_COLUMNS, \
    "SELECT * FROM (" PREVENTED_WHERE(direction, "$8::bigint = 0", "account", "prevented_id", "time_ns") \
    " UNION ALL " PREVENTED_OF_ORDER(direction, "maker_order = $8::bigint") \
    " UNION ALL " PREVENTED_OF_ORDER(direction, \
    "taker_order = $8::bigint AND maker_order <> $8::bigint") ") found" \
    " ORDER BY prevented_id " #direction " LIMIT $7::int") " ORDER BY r.prevented_id"

#define AMENDED_COLUMNS \
    "r.command, r.time_ns, r.orig_client_id, r.new_client_id, r.orig_qty, r.new_qty"

/* Amendments begin where retention has left them, or where the database got their table. */
#define AMENDMENTS_FROM "greatest(c.dropped_command, c.amendments_command)"

/* Whether the order may have been amended before that: unless it is sure to be younger, by a milestone behind it. */
#define AMENDMENTS_GONE \
    "$4::bigint <= " AMENDMENTS_FROM " AND " AMENDMENTS_FROM " > 0 AND $3::bigint < " \
    ORDER_BEHIND("greatest(c.dropped_ns, c.amendments_ns)")

#define AMENDMENTS CURSOR_BUT(AMENDMENTS_GONE, AMENDED_COLUMNS, \
    "SELECT * FROM quorex.order_amendments WHERE account = $1::int AND market = $2::int" \
    " AND order_id = $3::bigint AND command >= $4::bigint ORDER BY command LIMIT $5::int") \
    " ORDER BY r.command"

#define DEPOSIT_COLUMNS \
    "r.deposit, r.account, r.asset, r.chain, encode(r.txid, 'hex'), r.output, r.amount, r.credited," \
    " r.chain_height, r.confirmations, r.state, r.created_ns, r.changed_ns"

#define WITHDRAWAL_COLUMNS \
    "r.withdrawal, r.account, r.asset, r.chain, r.address, r.client_id, r.amount, r.state," \
    " r.approvers, r.block, encode(r.txid, 'hex'), r.fee, r.created_ns, r.changed_ns"

/* Of an account or of all, of a state or of any. What does not apply is not run. Those of a state go by indexes on the
 * very expressions that stand here, which no other index has, so that none can seem to be cheaper. */
#define TRANSFERS_WHERE(table, id, direction, applies) \
    "(SELECT * FROM quorex." table " WHERE " applies " AND " id " BETWEEN $2::bigint AND $3::bigint" \
    " ORDER BY " id " " direction " LIMIT $4::int)"

#define DEPOSITS(direction) CURSOR_AND(DEPOSIT_COLUMNS, \
    "SELECT * FROM (" \
    TRANSFERS_WHERE("deposits", "deposit", direction, "$1::int > 0 AND account = $1::int") \
    " UNION ALL " TRANSFERS_WHERE("deposits", "deposit", direction, "$1::int = 0") ") of_all") \
    " ORDER BY r.deposit"

#define OF_ACCOUNT_AND_STATE \
    "(account::bigint << 8 | state) = ($1::bigint << 8 | $5::bigint)"

#define WITHDRAWALS(direction) CURSOR_AND(WITHDRAWAL_COLUMNS, \
    "SELECT * FROM (" \
    TRANSFERS_WHERE("withdrawals", "withdrawal", direction, \
                    "$1::int > 0 AND $5::int < 0 AND account = $1::int") " UNION ALL " \
    TRANSFERS_WHERE("withdrawals", "(withdrawal + 0)", direction, \
                    "$1::int > 0 AND $5::int >= 0 AND " OF_ACCOUNT_AND_STATE) " UNION ALL " \
    TRANSFERS_WHERE("withdrawals", "withdrawal", direction, "$1::int = 0 AND $5::int < 0") \
    " UNION ALL " \
    TRANSFERS_WHERE("withdrawals", "(withdrawal + 0)", direction, \
                    "$1::int = 0 AND $5::int >= 0 AND (state + 0) = $5::int") ") of_all") \
    " ORDER BY r.withdrawal"

/* A block's first height at or after a time, or its last one at or before it. Not asked for where the time is open. */
#define HEIGHT_FROM \
    "CASE WHEN $4::bigint = 0 THEN $2::bigint ELSE greatest($2::bigint, coalesce(" \
    "(SELECT height FROM quorex.blocks WHERE time_ns >= $4::bigint" \
    " ORDER BY time_ns, height LIMIT 1), 9223372036854775807)) END"

#define HEIGHT_TO \
    "CASE WHEN $5::bigint = 9223372036854775807 THEN $3::bigint ELSE least($3::bigint, coalesce(" \
    "(SELECT height FROM quorex.blocks WHERE time_ns <= $5::bigint" \
    " ORDER BY time_ns DESC, height DESC LIMIT 1), -1)) END"

#define FIRST_HEIGHT \
    "SELECT height FROM quorex.blocks WHERE last_command >= c.dropped_command" \
    " ORDER BY last_command LIMIT 1"

/* $7 is a place within the height that a page begins or ends with; beside a later or earlier height it says nothing.
 * Rows as bounds, as above: two numbers would seem to the planner to leave next to nothing, and it would read and
 * sort all of an account's. */
#define LEDGER_ASC \
    "(account, height, asset, kind) > ($1::int, " HEIGHT_FROM ", CASE WHEN " HEIGHT_FROM \
    " > $2::bigint THEN -1 ELSE ($7::bigint >> 16)::int END, ($7::bigint & 65535)::int)" \
    " AND (account, height) <= ($1::int, " HEIGHT_TO ")"
#define LEDGER_DESC \
    "(account, height, asset, kind) < ($1::int, " HEIGHT_TO ", CASE WHEN " HEIGHT_TO \
    " < $3::bigint THEN 2147483647 ELSE least($7::bigint >> 16, 2147483647)::int END," \
    " ($7::bigint & 65535)::int) AND (account, height) >= ($1::int, " HEIGHT_FROM ")"

/* A block with very many accounts has several rows for one entry: here they are one. */
#define LEDGER(direction) CURSOR_UNLESS( \
    GONE_##direction("$4", "$2", FIRST_HEIGHT), \
    "r.height, r.asset, r.kind, r.available, r.held, r.event_count, r.time_ns", \
    "SELECT e.*, (SELECT b.time_ns FROM quorex.blocks b WHERE b.height = e.height) AS time_ns" \
    " FROM (SELECT height, asset, kind, sum(delta_available) AS available, sum(delta_held) AS held," \
    " sum(event_count) AS event_count FROM quorex.ledger_entries WHERE " LEDGER_##direction \
    " GROUP BY account, height, asset, kind ORDER BY account " #direction ", height " #direction \
    ", asset " #direction ", kind " #direction " LIMIT $6::int) e") \
    " ORDER BY r.height, r.asset, r.kind"

/* Changes begin where retention has left them, or where the database got their tables. */
#define CHANGES_FROM "greatest(c.dropped_command, c.changes_command)"

/* `since`: when what is asked for began; NULL: there is no such thing. */
#define CHANGES_OF(table, id, since, columns) CURSOR_BUT( \
    "$3::bigint <= " CHANGES_FROM " AND " CHANGES_FROM " > 0 AND coalesce((" since ")" \
    " <= greatest(c.dropped_ns, c.changes_ns), false)", columns, \
    "SELECT * FROM quorex." table " WHERE " id " = $2::bigint AND account = $1::int" \
    " AND command >= $3::bigint ORDER BY command, ordinal LIMIT $4::int") \
    " ORDER BY r.command, r.ordinal"

#define DEPOSIT_CHANGES CHANGES_OF("deposit_changes", "deposit", \
    "SELECT d.created_ns FROM quorex.deposits d WHERE d.deposit = $2::bigint AND d.account = $1::int", \
    "r.command, r.time_ns, r.deposit, r.account, r.asset, r.state, r.confirmations, r.chain_height," \
    " r.credited, r.moved")

#define WITHDRAWAL_CHANGES CHANGES_OF("withdrawal_changes", "withdrawal", \
    "SELECT w.created_ns FROM quorex.withdrawals w WHERE w.withdrawal = $2::bigint" \
    " AND w.account = $1::int", \
    "r.command, r.time_ns, r.withdrawal, r.account, r.state, r.approvers, r.block," \
    " encode(r.txid, 'hex')")

#define ADDRESS_CHANGES_ASC_GONE "$2::bigint <= " CHANGES_FROM " AND " CHANGES_FROM " > 0"
#define ADDRESS_CHANGES_DESC_GONE "false"
#define ADDRESS_CHANGES(direction) CURSOR_BUT(ADDRESS_CHANGES_##direction##_GONE, \
    "r.command, r.time_ns, r.account, r.kind, r.chain, r.address, r.active_ns", \
    "SELECT * FROM quorex.address_changes WHERE account = $1::int" \
    " AND command BETWEEN $2::bigint AND $3::bigint ORDER BY command " #direction \
    " LIMIT $4::int") " ORDER BY r.command"

static const char *const statements[QUERY_STATEMENTS] = {
    [HISTORY_ORDERS * 2]         = ORDERS(ASC),
    [HISTORY_ORDERS * 2 + 1]     = ORDERS(DESC),
    [HISTORY_CLIENT * 2]         = CLIENT,
    [HISTORY_CLIENT * 2 + 1]     = CLIENT,
    [HISTORY_FILLS * 2]          = FILLS(ASC),
    [HISTORY_FILLS * 2 + 1]      = FILLS(DESC),
    [HISTORY_TRADES * 2]         = TRADES(ASC),
    [HISTORY_TRADES * 2 + 1]     = TRADES(DESC),
    [HISTORY_AGGREGATES * 2]     = AGGREGATES(ASC),
    [HISTORY_AGGREGATES * 2 + 1] = AGGREGATES(DESC),
    [HISTORY_CANDLES * 2]        = CANDLES("ASC"),
    [HISTORY_CANDLES * 2 + 1]    = CANDLES("DESC"),
    [HISTORY_ORDER_FILLS * 2]     = FILLS_OF_ORDER(ASC),
    [HISTORY_ORDER_FILLS * 2 + 1] = FILLS_OF_ORDER(DESC),
    [HISTORY_LISTS * 2]          = LISTS(ASC),
    [HISTORY_LISTS * 2 + 1]      = LISTS(DESC),
    [HISTORY_PREVENTED * 2]      = PREVENTED(ASC),
    [HISTORY_PREVENTED * 2 + 1]  = PREVENTED(DESC),
    [HISTORY_AMENDMENTS * 2]     = AMENDMENTS,
    [HISTORY_AMENDMENTS * 2 + 1] = AMENDMENTS,
    [HISTORY_ZONE_CANDLES * 2]   = ZONE_CANDLES,
    [HISTORY_ZONE_CANDLES * 2 + 1] = ZONE_CANDLES,
    [HISTORY_DEPOSITS * 2]       = DEPOSITS("ASC"),
    [HISTORY_DEPOSITS * 2 + 1]   = DEPOSITS("DESC"),
    [HISTORY_WITHDRAWALS * 2]    = WITHDRAWALS("ASC"),
    [HISTORY_WITHDRAWALS * 2 + 1] = WITHDRAWALS("DESC"),
    [HISTORY_LEDGER * 2]         = LEDGER(ASC),
    [HISTORY_LEDGER * 2 + 1]     = LEDGER(DESC),
    [HISTORY_DEPOSIT_CHANGES * 2] = DEPOSIT_CHANGES,
    [HISTORY_DEPOSIT_CHANGES * 2 + 1] = DEPOSIT_CHANGES,
    [HISTORY_WITHDRAWAL_CHANGES * 2] = WITHDRAWAL_CHANGES,
    [HISTORY_WITHDRAWAL_CHANGES * 2 + 1] = WITHDRAWAL_CHANGES,
    [HISTORY_ADDRESS_CHANGES * 2] = ADDRESS_CHANGES(ASC),
    [HISTORY_ADDRESS_CHANGES * 2 + 1] = ADDRESS_CHANGES(DESC),
};
/* clang-format on */

const char *query_sql(uint32_t statement)
{
    ASSERT(statement < QUERY_STATEMENTS);
    return statements[statement];
}
