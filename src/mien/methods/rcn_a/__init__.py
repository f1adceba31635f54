"""RCN-A (Xia et al., TIP 2020)."""
