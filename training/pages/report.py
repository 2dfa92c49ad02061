"""Writes the pages that a step makes: HTML from training/pages/templates, and plots as PNG files beside it."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib import font_manager, rcParams
from matplotlib.figure import Figure

TEMPLATES = Path(__file__).parent / "templates"
DOTS_PER_INCH = 120
# Names may be Chinese, which matplotlib's own font has no glyphs for: whichever of these the machine has fills in.
CHINESE = {"Noto Sans CJK SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"}
rcParams["font.family"] = ["DejaVu Sans", *sorted(CHINESE & set(font_manager.get_font_names()))]


def render(template: str, out: Path, **context: object) -> Path:
    """Write out/index.html from training/pages/templates/<template>; everything in `context` is escaped.

    The page loads nothing from elsewhere: what it shows lies in `out`.
    """
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    out.mkdir(parents=True, exist_ok=True)
    path = out / "index.html"
    # Names of files may hold bytes that are no UTF-8: the page shows them as \udcff.
    path.write_text(pages.get_template(template).render(context), encoding="utf-8", errors="backslashreplace")
    return path


def save_figure(figure: Figure, path: Path) -> str:
    """Save a figure as PNG and return the file's name, as a page beside it links it.

    Make figures with matplotlib.figure.Figure, never pyplot: pyplot keeps them in a global list and wants a display.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight")
    return path.name
