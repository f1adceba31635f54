"""STSTNet (Liong et al., FG 2019)."""
