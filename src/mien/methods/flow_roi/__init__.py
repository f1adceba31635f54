"""Statistics of the optical flow in 36 facial regions: mien's own."""
