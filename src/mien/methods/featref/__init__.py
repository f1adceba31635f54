"""FeatRef (Zhou et al., Pattern Recognition 122, 2022)."""
