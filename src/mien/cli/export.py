"""``mien export``: a trained network as ONNX."""

from __future__ import annotations

from pathlib import Path

import typer

from mien.cli._app import app


@app.command("export")
def export_command(
    model: Path = typer.Argument(..., help="A model folder from 'mien train'."),
    out: Path = typer.Option(..., "--out", help="The .onnx file to write."),
    dataset: str | None = typer.Option(None, "--dataset", help="A name from 'mien datasets', to compare on its clips."),
    root: Path | None = typer.Option(None, "--root", help="Your copy of the dataset."),
) -> None:
    """Write a trained network as ONNX, checked against torch within 1e-4."""
    from mien.evaluation.export import export_model

    done = export_model(model, out=out, dataset=dataset, root=root)
    shape = " x ".join(map(str, done["input"]))
    print(f"{done['method']}: input {shape}, {done['outputs']} {done['output']}, opset {done['opset']}")
    real = "no real input was given" if done["real"] is None else f"{done['real']:.1e} on real input"
    print(f"largest difference from torch: {done['random']:.1e} on random input, {real}")
    print(done["file"])
