"""MMNet (Li et al., IJCAI 2022) and its reproduction."""
