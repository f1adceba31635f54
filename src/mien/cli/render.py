"""``mien render`` and ``mien generate-motion``: data with known truth."""

from __future__ import annotations

from pathlib import Path

import typer

from mien.cli._app import app
from mien.cli._bar import bar
from mien.cli._parse import width_height


@app.command("render")
def render_command(
    out: Path = typer.Option(..., "--out", help="The video to write; FILE.json beside it holds the truth."),
    fps: float = typer.Option(200.0, help="Frames per second."),
    seconds: float = typer.Option(10.0, help="Length."),
    size: str = typer.Option("640x480", help="WIDTHxHEIGHT in pixels."),
    seed: int = typer.Option(0, help="Seed of everything drawn."),
    events: Path | None = typer.Option(None, help="JSON that says exactly what happens."),
    intensity_px: float | None = typer.Option(None, "--intensity-px", help="Largest displacement at a 128-px face."),
    distractors: str = typer.Option("all", help="all (blinks,head,noise), everything, none, or a list of names."),
    portrait: Path | None = typer.Option(None, help="A picture of a face; default: scikit-image's astronaut."),
    over: Path | None = typer.Option(None, help="Warp this real video instead of a portrait."),
) -> None:
    """Render a clip with micro-expressions at known times."""
    from mien.synthesis import render

    path = render(
        out,
        fps=fps,
        seconds=seconds,
        size=width_height(size),
        seed=seed,
        events=events,
        intensity_px=intensity_px,
        distractors=distractors,
        portrait=portrait,
        over=over,
    )
    print(f"{path}\n{path.with_suffix('.json')}")


@app.command("generate-motion")
def generate_motion_command(
    out: Path = typer.Option(..., "--out", help="The .npz file to write, in the motion-npz format."),
    per_class: int = typer.Option(1000, "--per-class", help="Maps of each class."),
    seed: int = typer.Option(0, help="The same seed gives the same file."),
    jobs: int | None = typer.Option(None, help="Processes; by default one per core."),
) -> None:
    """Generate synthetic motion maps: what micro-expressions move, without anybody's face."""
    from mien.synthesis import generate_motion

    with bar("clips") as advance:
        print(generate_motion(out, per_class=per_class, seed=seed, jobs=jobs, advance=advance))
