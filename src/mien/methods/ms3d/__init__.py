"""MS3D (Jin et al., MBE 2024)."""
