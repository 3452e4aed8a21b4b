-- An account's order lists by time, by client id and by id, of whatever market.
CREATE INDEX order_lists_time ON quorex.order_lists (account, created_ns);
DROP INDEX quorex.order_lists_client;
CREATE INDEX order_lists_client ON quorex.order_lists (account, client_id);
DROP INDEX quorex.order_lists_account;
CREATE INDEX order_lists_account ON quorex.order_lists (account, list_id);

-- Withdrawals of a state, of an account or of all: expressions, so that these indexes are for these questions alone.
DROP INDEX quorex.withdrawals_account_state;
CREATE INDEX withdrawals_account_state ON quorex.withdrawals ((account::bigint << 8 | state), (withdrawal + 0));
DROP INDEX quorex.withdrawals_state;
CREATE INDEX withdrawals_state ON quorex.withdrawals ((state + 0), (withdrawal + 0));

-- An order's prevented matches, as its fills are found.
DROP INDEX quorex.prevented_matches_maker;
CREATE INDEX prevented_matches_maker ON quorex.prevented_matches (market, maker_order);
DROP INDEX quorex.prevented_matches_taker;
CREATE INDEX prevented_matches_taker ON quorex.prevented_matches (market, taker_order);

-- When the candle opens that holds a time, and the one after it; `shift` counts candles from there.
CREATE FUNCTION quorex.candle_open(which int, time_ns bigint, shift int DEFAULT 0) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE which
        WHEN 15 THEN extract(epoch FROM date_trunc('month', timestamp '1970-01-01'
            + time_ns / 1000000000 * interval '1 second') + shift * interval '1 month')::bigint * 1000000000
        WHEN 14 THEN ((time_ns / 1000000000 + 259200) / 604800 + shift) * 604800000000000 - 259200000000000
        ELSE (time_ns / 1000000000 / seconds + shift) * seconds * 1000000000 END
    FROM (SELECT ('{1,60,180,300,900,1800,3600,7200,14400,21600,28800,43200,86400,259200,1,1}'::bigint[])[which + 1]
          AS seconds) l
$$;

-- The candles that open from one time to another, those without any trade too: they carry the close of the one
-- before. quorex.candles has only those with trades; none is before the market's first.
CREATE FUNCTION quorex.candles_all(of_market int, which int, from_ns bigint, to_ns bigint) RETURNS SETOF quorex.candles
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    last quorex.candles;
    here quorex.candles;
    next_ns bigint := quorex.candle_open(which, from_ns);
BEGIN
    IF next_ns < from_ns THEN next_ns := quorex.candle_open(which, from_ns, 1); END IF;
    SELECT * INTO last FROM quorex.candles c WHERE c.market = of_market AND c."interval" = which
        AND c.open_ns < next_ns ORDER BY c.open_ns DESC LIMIT 1;
    FOR here IN SELECT * FROM quorex.candles c WHERE c.market = of_market AND c."interval" = which
        AND c.open_ns BETWEEN next_ns AND to_ns ORDER BY c.open_ns
    LOOP
        WHILE last.market IS NOT NULL AND next_ns < here.open_ns LOOP
            RETURN NEXT (of_market, which, next_ns, last.close, last.close, last.close, last.close,
                         0, 0, 0, 0, 0)::quorex.candles;
            next_ns := quorex.candle_open(which, next_ns, 1);
        END LOOP;
        RETURN NEXT here;
        last := here;
        next_ns := quorex.candle_open(which, here.open_ns, 1);
    END LOOP;
    WHILE last.market IS NOT NULL AND next_ns <= to_ns LOOP
        RETURN NEXT (of_market, which, next_ns, last.close, last.close, last.close, last.close,
                     0, 0, 0, 0, 0)::quorex.candles;
        next_ns := quorex.candle_open(which, next_ns, 1);
    END LOOP;
END
$$;
