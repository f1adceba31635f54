"""FHOFO: Happy & Routray, IEEE TAC 10, 2019."""
