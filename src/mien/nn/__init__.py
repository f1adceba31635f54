"""Network blocks that two or more papers share. Empty until a second paper needs one."""
