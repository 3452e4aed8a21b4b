-- Orders have a connection of their own, which commits just before the cursor moves: this row says up to where they go
-- when that is above the cursor. An order above cursor.command is not to be read yet.
CREATE TABLE quorex.ahead (
    id      int PRIMARY KEY CHECK (id = 1),
    height  bigint NOT NULL,
    command bigint NOT NULL,
    hash    bytea NOT NULL -- of the block at `height`
) WITH (fillfactor = 10);
INSERT INTO quorex.ahead VALUES (1, 0, 0, '');

-- A build that does not know of this row would write orders twice, and those before this migration do not look whether
-- there are newer ones. They do ask for `number`, before anything else: without it they are refused and write nothing.
ALTER TABLE quorex.migrations RENAME COLUMN number TO migration;

-- Client ids are ASCII and are only compared for being the same: bytes do, and cost less than a language's order.
ALTER TABLE quorex.orders ALTER COLUMN client_id TYPE text COLLATE "C";
