"""mien's own network: learns from synthetic motion first, then from real clips where there are some."""
