"""STLBP-IP: Huang, Wang, Zhao & Pietikainen, ICCVW 2015."""
