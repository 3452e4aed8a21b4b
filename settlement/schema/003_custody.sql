-- Deposits and withdrawals: one row each, as the last command left it. Never partitioned, never dropped: they
-- are few beside trades, and what came in and went out is kept.

-- state: enum deposit_state. `credited` is what of `amount` is in the account.
CREATE TABLE quorex.deposits (
    deposit       bigint PRIMARY KEY,
    account       int NOT NULL,
    asset         int NOT NULL,
    chain         text NOT NULL,
    txid          bytea NOT NULL,
    output        bigint NOT NULL,
    amount        bigint NOT NULL,
    credited      bigint NOT NULL,
    chain_height  bigint NOT NULL,
    confirmations bigint NOT NULL,
    state         int NOT NULL,
    created_ns    bigint NOT NULL,
    changed_ns    bigint NOT NULL,
    command       bigint NOT NULL -- that left it so
);
CREATE INDEX deposits_account ON quorex.deposits (account, deposit);
CREATE INDEX deposits_key ON quorex.deposits (chain, txid, output);

-- state: enum withdrawal_state. `approvers`: bit n for operator n; `block`: of the approval, 0: none.
CREATE TABLE quorex.withdrawals (
    withdrawal bigint PRIMARY KEY,
    account    int NOT NULL,
    asset      int NOT NULL,
    chain      text NOT NULL,
    address    text NOT NULL,
    client_id  text NOT NULL,
    amount     bigint NOT NULL,
    state      int NOT NULL,
    approvers  int NOT NULL,
    block      bigint NOT NULL,
    txid       bytea NOT NULL, -- all zero: none
    created_ns bigint NOT NULL,
    changed_ns bigint NOT NULL,
    command    bigint NOT NULL
);
CREATE INDEX withdrawals_account ON quorex.withdrawals (account, withdrawal);
CREATE INDEX withdrawals_client ON quorex.withdrawals (account, client_id);

-- ledger_entries.kind 8: deposit, 9: reversal, 10: depart, 11: arrive, 12: return; account -4: in flight.
