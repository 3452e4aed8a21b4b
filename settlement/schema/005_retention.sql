-- What retention goes by: the block that a command is in.
CREATE INDEX blocks_last_command ON quorex.blocks (last_command);
