"""Flow estimators, one file each; they register themselves in :data:`mien.motion.FLOWS`."""
