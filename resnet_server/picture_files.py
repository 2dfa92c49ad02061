"""Which files of a folder may be pictures: training and the check of a roll-out read a folder alike."""

from pathlib import Path

CLUTTER = ("Thumbs.db", "desktop.ini", "__MACOSX")  # what file managers leave behind, besides hidden files


def files_below(folder: Path) -> list[str]:
    """Every file in and below a folder, relative to it, sorted, but hidden files and CLUTTER."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(path.as_posix() for path in paths if not any(is_clutter(Path(part)) for part in path.parts))


def is_clutter(path: Path) -> bool:
    """What file managers leave behind: .DS_Store, Thumbs.db and the like."""
    return path.name.startswith(".") or path.name in CLUTTER
