"""The report as one file: it parses, asks for nothing, escapes what people wrote, and works in a browser."""

from html.parser import HTMLParser

import pytest

import resnet_lab as rl
from resnet_lab.base.errors import LabError
from resnet_lab.results.report.sections import SECTIONS
from resnet_lab.results.report.write import report
from tests.conftest import ROOT, any_engine
from tests.results.report import browser
from tests.results.report.conftest import VARIANTS

VOID = {"meta", "link", "input", "br"}
MOST_SCRIPT = 500_000


class Page(HTMLParser):
    """Parses a page, and fails where an element is not closed or asks for an address."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.stack, self.script, self.words = [], [], 0, []
        self.feed(text)
        assert not self.stack

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        assert values.get("src") is None
        assert values.get("href", "#").startswith(("#", "data:"))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.script += len(data) if self.stack and self.stack[-1] == "script" else 0
        self.words.append(data)


@pytest.mark.parametrize(("place", "file"), [("v1.5", ""), ("v1.5", "trials.csv"), ("all", "v1.5.csv")])
def test_the_title_names_the_results(sweep, tmp_path, place, file):
    sweep.path.rename(tmp_path / place)
    if file == "v1.5.csv":
        (tmp_path / place / "trials.csv").rename(tmp_path / place / file)
    report([tmp_path / place / file], tmp_path / "report.html")
    assert "<h1>v1.5</h1>" in (tmp_path / "report.html").read_text()


@pytest.fixture
def page(sweep, tmp_path):
    report([sweep.path], tmp_path / "report.html")
    return tmp_path / "report.html"


def test_the_page_parses_and_asks_for_nothing(page):
    text = page.read_text()
    parsed = Page(text)
    assert [name for name in parsed.ids if name in SECTIONS] == list(SECTIONS)
    assert {f"variant-{name}" for name in VARIANTS} <= set(parsed.ids)
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert parsed.script < MOST_SCRIPT
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text
    assert "@import" not in text


def test_what_people_wrote_is_text(folder, tmp_path):
    evil = "<script>alert(1)</script>"
    for seed in (0, 1):
        folder.put(evil, seed, test_accuracy=0.5, **{"train.init.weights": f"</script>{seed}"})
    folder.put("b & c", 0, "failed", test_accuracy=0.1, **{"train.init.weights": "<b>"})
    folder.store()
    report([folder.path], tmp_path / "report.html", baseline="b & c")
    text = (tmp_path / "report.html").read_text()
    Page(text)
    assert evil not in text
    assert "b &amp; c" in text


def test_every_section_has_its_module_and_its_template():
    place = ROOT / "resnet_lab" / "results" / "report"
    assert {path.stem for path in (place / "sections").glob("*.py")} - {"__init__"} == set(SECTIONS)
    assert {path.stem for path in (place / "templates").glob("*.html")} - {"page"} == set(SECTIONS)


@pytest.mark.parametrize("status", ["ok", "failed"])
def test_one_trial_is_a_report(folder, tmp_path, status):
    folder.put("a", 0, status, epochs=(), test_accuracy=0.5)
    folder.store()
    report([folder.path], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    Page(text)
    assert "There are no verdicts" in text
    assert ("No trial ended ok" in text) == (status == "failed")


def test_several_folders_are_one_report(sweep, tmp_path):
    done = rl.report([sweep.path, sweep.path / "trials.csv"], tmp_path / "r.html", baseline=VARIANTS[0])
    assert done == tmp_path / "r.html"
    Page(done.read_text())


def test_a_file_that_cannot_be_written_is_refused(sweep, tmp_path):
    for output in (tmp_path, tmp_path / "no" / "r.html"):
        with pytest.raises(LabError, match="names no file in an existing folder"):
            report([sweep.path], output)


@pytest.fixture
def chromium(tmp_path):
    program = browser.find() or pytest.skip("no Chromium is installed, so the page is only parsed")
    opened = browser.Browser(program, tmp_path / "profile")
    yield opened
    opened.close()


def column(chromium, number):
    return chromium.run(
        f"[...document.querySelectorAll('#table tbody tr')].map(row => row.cells[{number}].textContent)"
    )


def sort_by(chromium, name):
    chromium.run(f"document.querySelector('#table th button[title={name}]').click()")
    heads = chromium.run("[...document.querySelectorAll('#table th button')].map(button => button.title)")
    return column(chromium, heads.index(name))


def search(chromium, text):
    chromium.run(
        f"(() => {{ const box = document.getElementById('filter'); box.value = {text!r}; "
        "box.dispatchEvent(new Event('input')); })()"
    )
    return chromium.run("document.getElementById('found').textContent")


def test_sorting_and_filtering_work_in_a_browser(page, chromium):
    chromium.open(page)
    falling = sort_by(chromium, "test_accuracy")
    assert falling == sorted(falling, reverse=True)
    assert len(falling) == 12
    assert sort_by(chromium, "test_accuracy") == falling[::-1]
    assert sort_by(chromium, "variant") == sorted(column(chromium, 0))
    assert search(chromium, "_v2 status=ok") == "5 of 12 trials"
    assert set(column(chromium, 0)) == {VARIANTS[1]}
    assert search(chromium, "test_accuracy>=0.924") == "2 of 12 trials"
    assert search(chromium, "speed>3") == "there is no column 'speed'"
    assert search(chromium, "") == "12 trials"
    assert not chromium.errors
    assert not chromium.requests


def test_a_long_table_is_shown_a_page_at_a_time(page, chromium):
    text = page.read_text()
    assert "SIZE = 100" in text
    page.write_text(text.replace("SIZE = 100", "SIZE = 5"))
    chromium.open(page)
    assert len(column(chromium, 0)) == 5
    chromium.run("document.getElementById('next').click(), document.getElementById('next').click()")
    assert len(column(chromium, 0)) == 2
    assert chromium.run("document.getElementById('page').textContent") == "page 3 of 3"
    assert chromium.run("document.getElementById('next').disabled")
    assert not chromium.errors


@pytest.mark.parametrize(
    ("width", "dark"),
    [
        (360, True),
        (1280, False),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((360, False), (1280, True))),
    ],
)
def test_the_page_fits_phones_and_desktops_light_and_dark(page, chromium, width, dark):
    chromium.open(page, width, dark=dark)
    assert chromium.run("document.documentElement.scrollWidth") == width
    paper = chromium.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")
    ink = chromium.run("getComputedStyle(document.querySelector('.net text')).fill")
    assert ink == ("rgb(230, 233, 236)" if dark else "rgb(27, 31, 36)")
    chromium.run("document.getElementById('theme').click()")
    assert chromium.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    assert not chromium.errors


@pytest.mark.usefixtures("trains_here")
def test_the_report_of_a_real_sweep(workspace, lab, chromium):
    (workspace / "variants" / "tiny.yaml").write_text(
        "input: 3x32x32\nstem: {type: cifar, channels: 8}\nstages: [{block: basic, repeat: 1, channels: 8}]\n"
        "head: {classes: 10}\n"
    )
    (workspace / "experiments" / "e.yaml").write_text(
        f"variants: [tiny]\ndata: {{name: digits}}\ntrain: {{epochs: 2, batch_size: 64}}\nengine: {any_engine()}\n"
        "measure: false\n"
    )
    assert lab("run", "experiments/e.yaml", cwd=workspace).returncode == 0
    done = lab("report", "results/e", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("report.html (")
    chromium.open(workspace / "report.html")
    assert column(chromium, 0) == ["tiny"]
    assert chromium.run("document.querySelectorAll('.stages svg').length") == 3
    # a line in each of two charts, and one in the legend
    assert chromium.run("document.querySelectorAll('#curves .line').length") == 3
    assert not chromium.errors
    assert not chromium.requests
