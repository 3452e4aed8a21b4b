-- Addresses; what became of each deposit, withdrawal and address, a row a change; and reads of an account's ledger.

-- kind: enum address_kind. One row each, as the last command left it; one to deposit to has one owner for good.
CREATE TABLE quorex.addresses (
    kind       int NOT NULL,
    chain      text NOT NULL,
    address    text NOT NULL,
    account    int NOT NULL,
    active_ns  bigint NOT NULL, -- one to withdraw to is good from then on; 0: not any more
    created_ns bigint NOT NULL,
    changed_ns bigint NOT NULL,
    command    bigint NOT NULL,
    PRIMARY KEY (kind, chain, address, account)
);
CREATE INDEX addresses_account ON quorex.addresses (account);

-- `moved`: what came into the account by the command; below 0: was taken back.
CREATE TABLE quorex.deposit_changes (
    command       bigint NOT NULL,
    ordinal       int NOT NULL,
    time_ns       bigint NOT NULL,
    deposit       bigint NOT NULL,
    account       int NOT NULL,
    asset         int NOT NULL,
    state         int NOT NULL,
    confirmations bigint NOT NULL,
    chain_height  bigint NOT NULL,
    credited      bigint NOT NULL,
    moved         bigint NOT NULL
) PARTITION BY RANGE (command);
CREATE INDEX deposit_changes_deposit ON quorex.deposit_changes (deposit, command);

CREATE TABLE quorex.withdrawal_changes (
    command    bigint NOT NULL,
    ordinal    int NOT NULL,
    time_ns    bigint NOT NULL,
    withdrawal bigint NOT NULL,
    account    int NOT NULL,
    state      int NOT NULL,
    approvers  int NOT NULL,
    block      bigint NOT NULL,
    txid       bytea NOT NULL
) PARTITION BY RANGE (command);
CREATE INDEX withdrawal_changes_withdrawal ON quorex.withdrawal_changes (withdrawal, command);

CREATE TABLE quorex.address_changes (
    command   bigint NOT NULL,
    ordinal   int NOT NULL,
    time_ns   bigint NOT NULL,
    account   int NOT NULL,
    kind      int NOT NULL,
    chain     text NOT NULL,
    address   text NOT NULL,
    active_ns bigint NOT NULL
) PARTITION BY RANGE (command);
CREATE INDEX address_changes_account ON quorex.address_changes (account, command);

-- A database that was filled before these tables were there has changes from here on only, and readers are told
-- so. One that is dropped is filled again with all of them.
ALTER TABLE quorex.cursor ADD COLUMN changes_command bigint NOT NULL DEFAULT 0;
ALTER TABLE quorex.cursor ADD COLUMN changes_ns bigint NOT NULL DEFAULT 0;
UPDATE quorex.cursor c SET changes_command = c.command, changes_ns = coalesce(
    (SELECT b.time_ns FROM quorex.blocks b WHERE b.height = c.height), 0);

-- Withdrawals of one state, of an account or of all.
CREATE INDEX withdrawals_account_state ON quorex.withdrawals (account, state, withdrawal);
CREATE INDEX withdrawals_state ON quorex.withdrawals (state, withdrawal);

-- An account's ledger in the order of its pages, and the height of a time.
DROP INDEX quorex.ledger_entries_account;
CREATE INDEX ledger_entries_account ON quorex.ledger_entries (account, height, asset, kind);
CREATE INDEX blocks_time ON quorex.blocks (time_ns, height);
