"""Pages and plots: where they are written, and that nothing in them comes from elsewhere."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from matplotlib.figure import Figure
from PIL import Image

from training.pages import report
from training.pages.report import render, save_figure


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    monkeypatch.setattr(report, "TEMPLATES", folder)
    return folder


def test_render_writes_index_html_and_returns_its_path(templates: Path, tmp_path: Path) -> None:
    (templates / "page.html").write_text("{{ count }} photos", encoding="utf-8")
    path = render("page.html", tmp_path / "made" / "here", count=3)
    assert path == tmp_path / "made" / "here" / "index.html"
    assert path.read_text(encoding="utf-8") == "3 photos"


def test_render_escapes_what_a_file_name_may_hold(templates: Path, tmp_path: Path) -> None:
    (templates / "page.html").write_text("{{ name }}", encoding="utf-8")
    path = render("page.html", tmp_path, name="<script>合照.jpg")
    assert path.read_text(encoding="utf-8") == "&lt;script&gt;合照.jpg"


def test_render_refuses_a_name_that_the_template_uses_and_nobody_gave(templates: Path, tmp_path: Path) -> None:
    (templates / "page.html").write_text("{{ forgotten }}", encoding="utf-8")
    with pytest.raises(UndefinedError, match="'forgotten' is undefined"):
        render("page.html", tmp_path)


@pytest.mark.parametrize("template", sorted(report.TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_template_loads_anything_from_elsewhere(template: Path) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|<script", template.read_text(encoding="utf-8"))


def test_save_figure_writes_a_png_and_returns_its_name(tmp_path: Path) -> None:
    figure = Figure((3, 2))
    figure.subplots().plot([1, 2])
    assert save_figure(figure, tmp_path / "plots" / "line.png") == "line.png"
    with Image.open(tmp_path / "plots" / "line.png") as image:
        assert image.format == "PNG"
