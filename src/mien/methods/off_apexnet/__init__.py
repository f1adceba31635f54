"""OFF-ApexNet (Gan et al., 2019)."""
