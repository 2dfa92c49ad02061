"""The steps that look at the photos, add copies and divide them."""

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands import Data, Seed, written
from training.errors import TrainingError
from training.text import printable

if TYPE_CHECKING:
    from training.photos.analyze import Analysis
    from training.photos.data import Skipped
    from training.photos.split import Split

Photos = Annotated[Path, typer.Argument(help="Folder with sub-folders offline and online, or of unsorted photos.")]
NewFolder = Annotated[Path, typer.Argument(help="Folder to write; it must be absent or empty.")]
OFF = 0.05  # of the whole: a part that misses its share by more is worth a word


def analyze(
    data: Photos,
    out: Annotated[Path, typer.Option(help="Folder for the page, its plots and analysis.json.")] = Path("var/analysis"),
    quarantine: Annotated[
        Path | None, typer.Option(help="Move unreadable files, copies and pictures in both classes to this new folder.")
    ] = None,
) -> None:
    """Count the photos, find bad and double ones, plot their sizes: one page. Changes nothing unless told to."""
    from training.photos import analyze as analysing
    from training.photos.analysis_page import write_page
    from training.photos.folders import check_new, outside
    from training.photos.quarantine import bad_files, move_bad_files, undo_command

    outside(out, data)
    if quarantine:
        check_new(quarantine, data)
        if out.resolve().is_relative_to(quarantine.resolve()):
            raise TrainingError(f"{out} lies inside {quarantine}; give --out another folder.")
    analysis = analysing.analyze(data)
    bad = list(bad_files(analysis))
    print_findings(analysis)
    written(analysing.write_analysis(analysis, out))
    undo = undo_command(analysis, quarantine) if quarantine and bad else ""
    page = write_page(analysis, out, bad, undo)  # before the move: it shows what is moved
    if quarantine and bad:
        print(f"moved {move_bad_files(analysis, quarantine)} file(s) to {quarantine}; to put them back: {undo}")
    elif bad:
        print(f"{len(bad)} file(s) should not be trained on; move them away with --quarantine FOLDER")
    written(page, shlex.join(["split", str(data), "SPLIT"]))


def print_findings(analysis: "Analysis") -> None:
    """What an analysis found, in a few lines."""
    for paths in analysis.conflicts:
        say(f"WARNING: the same picture in both classes: {', '.join(paths)}")
    for item in analysis.rejected:
        say(f"unreadable: {item.path}: {item.reason}")
    for paths in analysis.equal_copies:
        say(f"same bytes: {', '.join(paths)}")
    counts = ", ".join(f"{len(analysis.of(label))} {label}" for label in analysis.labels)
    print(f"{counts}; {len(analysis.rejected)} unreadable; {len(analysis.near)} near-duplicate pair(s)")
    dense = analysis.dense
    print(f"suggested input: {dense['height'].middle} x {dense['width'].middle} (height x width)")


def split(
    data: Data,
    out: NewFolder,
    train: Annotated[float, typer.Option(help="Share of training pictures, in proportion to --val.")] = 0.3,
    val: Annotated[float, typer.Option(help="Share of validation pictures, in proportion to --train.")] = 0.7,
    test: Annotated[float, typer.Option(help="Share of the whole, taken first; nothing is chosen on it.")] = 0.15,
    seed: Seed = 0,
    ignore_groups: Annotated[
        bool, typer.Option("--ignore-groups", help="By file name, as documented: copies cross parts and flatter.")
    ] = False,
) -> None:
    """Divide the photos into train, val and test; what belongs together stays together."""
    from training.photos import split as splitting
    from training.photos.folders import new_folder
    from training.photos.parts import write_parts

    shares = splitting.shares_of(train, val, test)
    new_folder(out, data)
    result = splitting.split(data, shares, seed, by_group=not ignore_groups)
    print_skipped(result.skipped)
    print_split(result)
    if ignore_groups:
        print(
            f"WARNING: {result.related('val', 'train')} of {len(result.members('val'))} val pictures have a relative "
            "(the same source, a copy or a near duplicate) in train, so numbers on val flatter the model."
        )
    command = shlex.join(["python", "-m", "training", *sys.argv[1:]])
    write_parts(data, result, out, {"command": command, "seed": seed, "ignore_groups": ignore_groups})
    written(out, shlex.join(["train", str(out), "RUN"]))


def print_split(result: "Split") -> None:
    """The parts as a table, what was asked and what was reached; then whether large groups kept them apart."""
    print(f"{'part':6}{'asked':>8}{'got':>8}{'offline':>10}{'online':>10}{'groups':>9}")
    reached, counts = result.reached(), result.counts()
    for part, asked in result.shares.items():
        groups = len({sample.group for sample in result.members(part)})
        offline, online = counts[part].values()
        print(f"{part:6}{asked:>8.1%}{reached[part]:>8.1%}{offline:>10}{online:>10}{groups:>9}")
    if max(abs(reached[part] - asked) for part, asked in result.shares.items()) > OFF:
        print("the shares are not met closely: groups stay whole, and some are large")


def augment(data: Data, out: NewFolder, seed: Seed = 0) -> None:
    """Add the documented brightness and saturation copies until the classes balance; draw contact sheets."""
    from training.learning.views_sheet import views_sheet
    from training.photos import copies

    result = copies.add_copies(data, out, seed)
    print_skipped(result.skipped)
    if result.made:
        varied = len({copy.original for copy in result.made})
        print(f"made {len(result.made)} copies of {varied} pictures: the classes balance")
        copies.copies_sheet(out, result.made).save(out / "copies.png")
        print(f"look at {out / 'copies.png'}: originals and their copies")
    else:
        print("the classes balance already: no copy is needed")
    originals = result.samples[: len(result.samples) - len(result.made)]
    views_sheet(out, originals, seed).save(out / "views.png")
    print(f"look at {out / 'views.png'}: the views that training makes on the fly, without copies")
    weights = copies.loss_weights(originals)
    print("without copies, class weights balance the loss: " + ", ".join(f"{k} {v:.3f}" for k, v in weights.items()))
    written(out, shlex.join(["split", str(out), "SPLIT"]))


def print_skipped(skipped: Sequence["Skipped"]) -> None:
    """Files that are left out, and why."""
    for item in skipped:
        say(f"left out: {item.path}: {item.reason}")


def say(text: str) -> None:
    """Print what names files."""
    print(printable(text))


STEPS: tuple[Callable[..., None], ...] = (analyze, split, augment)
