"""One file per face finder."""
