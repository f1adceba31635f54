"""ResNet-18 and ResNet-50 on the difference of two frames (He et al., CVPR 2016)."""
