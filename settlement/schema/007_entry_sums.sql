-- What the audit of the ledger goes by: the entries of a run of commands, which lie together. A few bytes a
-- megabyte, and next to nothing for the writer.
CREATE INDEX ledger_entries_command ON quorex.ledger_entries USING brin (command)
    WITH (autosummarize = on);
