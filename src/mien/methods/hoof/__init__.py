"""HOOF: Chaudhry, Ravichandran, Hager & Vidal, CVPR 2009."""
