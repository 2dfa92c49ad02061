"""Draws the plots, contact sheets and the page of an analysis."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from rich.progress import track

from resnet_server.preprocess import PreprocessSpec
from training.pages.report import render, save_figure
from training.pages.sheet import contact_sheet
from training.photos.analyze import Analysis, Picture
from training.photos.sizes import Interval, density, suggested_input
from training.photos.thumbnails import thumbnail

SHOWN = 60  # thumbnails a section and a sheet; analysis.json has everything
COLOURS = {"offline": "#d08440", "online": "#3f78b5", "unlabelled": "#7d8790"}
BINS = 40
# A place of its own: matplotlib looks for the best one as long as it takes, and warns where that is long.
LEGEND: dict[str, Any] = {"loc": "upper right", "framealpha": 0.9, "edgecolor": "none", "fontsize": 8}

Edges = npt.NDArray[np.float64]


def write_page(analysis: Analysis, out: Path, bad: Sequence[str], undo: str = "") -> Path:
    """Write index.html and the pictures it shows; `undo` is the command that undoes a quarantine of `bad`, if any."""
    out.mkdir(parents=True, exist_ok=True)
    sheets = {label: write_sheet(analysis, label, out) for label in analysis.labels}
    height, width = suggested_input(analysis.dense)
    return render(
        "analysis.html",
        out,
        analysis=analysis,
        counts={label: len(analysis.of(label)) for label in analysis.labels},
        plots=write_plots(analysis, out),
        sheets=sheets,
        thumbnails=write_thumbnails(analysis, out),
        dense=analysis.dense,
        suggested=(height, width),
        served=PreprocessSpec(),
        shown=SHOWN,
        bad=bad,
        undo=undo,
    )


def write_thumbnails(analysis: Analysis, out: Path) -> dict[str, str]:
    """Save a thumbnail of each picture that a problem is about. Returns: path in the data → link from the page."""
    groups = [*analysis.equal_conflicts, *analysis.equal_copies[:SHOWN]]
    pairs = [*analysis.near_conflicts, *analysis.near[:SHOWN]]
    paths = {path for group in groups for path in group} | {path for p in pairs for path in (p.first, p.second)}
    folder = out / "thumbnails"
    folder.mkdir(parents=True, exist_ok=True)
    digests = {picture.sample.path: picture.sample.sha256 for picture in analysis.pictures}
    for path in sorted(paths):
        thumbnail(analysis.folder / path).save(folder / f"{digests[path][:16]}.jpg", quality=85)
    return {path: f"thumbnails/{digests[path][:16]}.jpg" for path in paths}


def write_sheet(analysis: Analysis, label: str, out: Path) -> dict[str, object]:
    """Save sheet_LABEL.jpg with up to SHOWN pictures of a class, evenly spaced in the order of their names."""
    pictures = analysis.of(label)
    places = np.unique(np.linspace(0, len(pictures) - 1, min(SHOWN, len(pictures))).round().astype(int))
    chosen = [pictures[place].sample.path for place in places]
    tiles = [
        (thumbnail(analysis.folder / path), path.removeprefix(f"{label}/"))
        for path in track(chosen, description=f"drawing {label}")
    ]
    name = f"sheet_{label}.jpg"
    contact_sheet(tiles).save(out / name, quality=85)
    return {"file": name, "count": len(tiles), "of": len(pictures)}


def write_plots(analysis: Analysis, out: Path) -> dict[str, str]:
    """Save the distributions, the first two under the names that the documents use. Returns: caption → file."""
    return {
        "Width in pixels": save_figure(side_figure(analysis, "width"), out / "w_distribu.png"),
        "Height in pixels": save_figure(side_figure(analysis, "height"), out / "h_distribu.png"),
        "Aspect: width / height": save_figure(aspect_figure(analysis), out / "aspect.png"),
        "Size of the file": save_figure(bytes_figure(analysis), out / "bytes.png"),
    }


def side_figure(analysis: Analysis, side: str) -> Figure:
    """Histogram of widths or heights by class, the density curve of all, and its dense interval."""
    values = [getattr(picture, side) for picture in analysis.pictures]
    figure, axes = plot(f"{side} in pixels")
    edges = np.histogram_bin_edges(values, BINS)
    histogram(axes, analysis, lambda picture: float(getattr(picture, side)), edges)
    if curve := density(values):
        axes.plot(curve[0], curve[1] * len(values) * (edges[1] - edges[0]), color="#444444", label="density of all")
    mark_interval(axes, analysis.dense[side])
    axes.set_xlim(left=0)
    axes.legend(**LEGEND)
    return figure


def mark_interval(axes: Axes, interval: Interval) -> None:
    """Shade a dense interval and draw its middle."""
    axes.axvspan(interval.low, interval.high, color="#000000", alpha=0.07, linewidth=0)
    label = f"dense: {interval.low} to {interval.high}, middle {interval.middle}"
    axes.axvline(interval.middle, color="#a8321f", linestyle="--", label=label)


def aspect_figure(analysis: Analysis) -> Figure:
    """Histogram of width / height by class."""
    figure, axes = plot("width / height")
    values = [picture.width / picture.height for picture in analysis.pictures]
    histogram(axes, analysis, lambda picture: picture.width / picture.height, np.histogram_bin_edges(values, BINS))
    axes.axvline(1, color="#999999", linestyle=":", label="square")
    axes.legend(**LEGEND)
    return figure


def bytes_figure(analysis: Analysis) -> Figure:
    """Histogram of file sizes by class, on a logarithmic axis."""
    figure, axes = plot("kB")
    values = [picture.bytes / 1000 for picture in analysis.pictures]
    edges = np.geomspace(min(values), max(values) * 1.001, BINS + 1)
    histogram(axes, analysis, lambda picture: picture.bytes / 1000, edges)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(**LEGEND)
    return figure


def plot(label: str) -> tuple[Figure, Axes]:
    """An empty plot of one horizontal quantity against the number of pictures."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=label, ylabel="pictures")
    axes.margins(y=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def histogram(axes: Axes, analysis: Analysis, value: Callable[[Picture], float], edges: Edges) -> None:
    """Lay one histogram a class over each other."""
    for label in analysis.labels:
        values = [value(picture) for picture in analysis.of(label)]
        axes.hist(values, edges.tolist(), color=COLOURS[label], alpha=0.6, label=f"{label} ({len(values)})")
