"""LBP-TOP: Zhao & Pietikainen, PAMI 2007."""
