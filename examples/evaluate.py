"""Train and test a method so that no subject is on both sides, and read the honest score.

Needs no data: synthetic motion maps stand in for a corpus. With a real one, name it and its folder:
`mien.evaluate("flow-svm", "casme2", "/data/CASME2", out=...)`.
"""

from pathlib import Path

import mien

OUT = Path("build/examples")

maps = mien.generate_motion(OUT / "maps.npz", per_class=40, seed=1)
scores = mien.evaluate("flow-svm", "motion-npz", maps, out=OUT / "flow-svm", protocol="kfold:3", jobs=1, progress=False)

low, high = scores["ci95"]["uf1"]
print(f"UF1 {scores['uf1']:.3f} (95 % interval over subjects {low:.3f} to {high:.3f})")
print(f"always the most frequent class: UF1 {scores['baselines']['majority']['uf1']:.3f}")
print("leaks:", scores["leaks"] or "none")
