"""DisSTLBP-RIP: Huang, Wang, Liu, Zhao, Feng & Pietikainen, IEEE TAC 10, 2019."""
