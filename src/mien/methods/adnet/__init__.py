"""AD-Net (Li et al., AIRR 15(2), 2026)."""
