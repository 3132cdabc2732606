"""Labels in rows: which columns hold them, how a cell is read, which scheme they make."""
