-- What of a withdrawal's amount the exchange keeps, once it is final; the rest goes to the address. 0 below rules 4.
ALTER TABLE quorex.withdrawals ADD COLUMN fee bigint NOT NULL DEFAULT 0;

-- ledger_entries.kind 13: charge, in flight to fees.
