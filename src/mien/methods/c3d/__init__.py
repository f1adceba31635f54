"""C3D (Tran et al., ICCV 2015)."""
