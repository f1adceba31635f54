"""CapsuleNet (Van Quang, Chun & Tokuyama, FG 2019)."""
