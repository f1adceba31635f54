"""MDMO: Liu, Zhang, Yan, Wang, Zhao & Fu, IEEE TAC 7, 2016."""
