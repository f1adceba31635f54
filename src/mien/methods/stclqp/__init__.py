"""STCLQP: Huang, Zhao, Hong, Zheng & Pietikainen, Neurocomputing 175, 2016."""
