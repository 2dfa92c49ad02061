"""Runs the walk of docs/training.md on drawn photos and keeps the pictures that it makes in docs/images/training/.

python -m docs.walk FOLDER   (an absent or empty one; needs chromium for the pages)
"""

import argparse
import subprocess
import sys
from pathlib import Path

from PIL import Image

from Pm.demo.drawings import offline, online

KEPT = Path(__file__).parent / "images" / "training"
SMALL = "--recipe from-scratch --height 140 --width 100 --epochs 8"
STEPS = (
    "analyze photos --out analysis",
    "augment photos balanced",
    "split balanced parts --train 0.5 --val 0.5",
    f"train parts run {SMALL}",
    "export run float",
    "quantize float parts int8 --max-drop 5",
    "evaluate int8 parts --out report --against float",
    f"compare parts comparison --architecture resnet18 --architecture mobilenet_v2 {SMALL}",
    "package int8 artifact --metrics report/metrics.json",
    "verify artifact",
)
PAGES = {"analysis": 1500, "report": 2600, "comparison": 900}  # height of the screenshot, pixels
PLOTS = ("balanced/copies.png", "balanced/views.png", "run/curves.png")


def main(folder: Path) -> None:
    """Draw, run every step, and keep the pictures."""
    root = Path(__file__).resolve().parent.parent
    for name, draw, count in (("offline", offline, 24), ("online", online, 40)):
        (folder / "photos" / name).mkdir(parents=True)
        for seed in range(count):
            draw(seed).save(folder / "photos" / name / f"{seed:03}.jpg", quality=90)
    for step in STEPS:
        command = [sys.executable, "-m", "training", *step.split()]
        print(f"$ python -m training {step}", flush=True)
        subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}, check=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    for plot in PLOTS:
        keep_picture(folder / plot)
    for page, height in PAGES.items():
        shot = folder / f"{page}.png"
        take_screenshot(folder / page / "index.html", shot, height)
        keep_picture(shot)


def keep_picture(picture: Path) -> None:
    """As WebP, a tenth of the PNG's bytes, at most 1,100 pixels wide."""
    image = Image.open(picture).convert("RGB")
    image.thumbnail((1100, 4000))
    image.save(KEPT / f"{picture.stem}.webp", quality=80)


def take_screenshot(page: Path, target: Path, height: int) -> None:
    """Of the page in Chromium."""
    options = ("--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size=1100,{height}")
    subprocess.run(["chromium", *options, f"--screenshot={target}", page.resolve().as_uri()], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
