"""index.html in a real headless Chromium: what it shows, how it is used, and what it does not let happen."""

import http.server
import json
import threading
import time
import types
import urllib.request

import pytest
from report_accessibility import HEADING_JUMPS, LOW_CONTRAST, NAMED, SMALL_TARGETS, TWICE
from report_browser import find_chromium, opened
from report_world import ATTACK, EchoServer, ForgetfulServer, finding, judged, made, shop_turns, written

from chatkit_sim.report.making import make_report
from chatkit_sim.snapshots import Pending, PendingSnapshots

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: install one (Debian: chromium), or name it in the variable CHROMIUM"
)
OLD = "\n".join(["== turn 1", "", "user", "  | Milk, please.", "", "assistant", "  | Added milk."])
NEW = OLD.replace("Added milk.", f"Added {ATTACK}\n  | Anything else?")


@pytest.fixture(scope="module")
def open_page(tmp_path_factory):
    with opened(CHROMIUM, tmp_path_factory.mktemp("chromium")) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of three tests and two pending snapshots; what can be is an attack."""
    directory = tmp_path_factory.mktemp("report")
    store = PendingSnapshots(directory, directory)
    store.add(Pending("tests/a.chatkit", "x", "tests/t.py::test_x[a b]", "tests/t.py", 7, OLD, NEW))
    store.add(Pending("tests/a.chatkit", "new", f"tests/t.py::test_new[{ATTACK}]", "tests/t.py", 9, None, NEW))
    tests = {
        "tests/t.py::test_shop": ("passed", shop_turns("Milk, please.", "And <b>milk</b> again."), ""),
        f"tests/t.py::test_attack[{ATTACK}]": ("passed", judged(EchoServer, ATTACK), ""),
        "tests/t.py::test_forgetful": ("failed", judged(ForgetfulServer, "Hello"), f"It failed: {ATTACK}"),
    }
    return made(directory, tests)


@pytest.fixture
def page(open_page, report):
    return open_page().open(report)


@pytest.fixture
def listener():
    """A web server that notes who asks for what."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments):
            """Nothing for the terminal."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield types.SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/", asked=asked)
        server.shutdown()
        thread.join()


def open_test(page, name):
    page.run(
        f"[...document.querySelectorAll('#list a')].find((a) => a.textContent.includes({json.dumps(name)})).click()"
    )
    page.wait_for("document.querySelector('#test .timeline') !== null && !document.getElementById('test').hidden")


def test_the_overview_counts_and_shows_failures_first(page):
    assert page.text("h1") == ["1 failed, 2 passed; 2 snapshots to review"]
    assert page.text("#list .badge") == ["failed", "passed", "passed"]
    assert page.text("#list li:first-child .chip") == ["item-done-once"]
    assert page.text(".tiles div")[:2] == ["tests\n3", "turns\n4"]


def test_a_conversation_is_a_chat_beside_its_events_and_its_run(page):
    open_test(page, "test_shop")
    assert page.text("#test h1") == ["passed tests/t.py::test_shop"]
    assert page.text(".turn:first-of-type .chat .said") == ["Milk, please.", 'add(item="milk")', "Added **milk**."]
    rows = [row.split("\n")[0] for row in page.text(".turn .timeline .words")]
    for expected in ("thread.created", 'request user "Milk, please."', 'client tool runs add(item="milk") answered'):
        assert any(row.startswith(expected) for row in rows), rows
    assert page.text(".row.run .what")[:5] == ["run begins", "model", "server tool begins", "server tool ends", "model"]
    # On one axis: the server tool's bar lies beside the run's, the client tool's reaches from the call to its output.
    assert page.run("document.querySelectorAll('.lane.run .dot.model').length") >= 3
    rows = "[...document.querySelectorAll('.turn:first-of-type .row')]"
    client = page.run(f"{rows}.map((row) => row.querySelector('.lane.client') !== null)")
    texts = page.text(".turn:first-of-type .row .words")
    covered = [text for text, lane in zip(texts, client, strict=True) if lane]
    assert covered[0].startswith("thread.item.done client_tool_call")
    assert covered[-1].startswith("request client tool output")


def test_a_violation_stands_at_the_event_that_broke_the_rule(page):
    open_test(page, "test_forgetful")
    place = page.run(
        "document.querySelector('.timeline .violation').closest('.row').querySelector('.number').textContent"
    )
    assert place.strip() == "5"
    assert page.text(".timeline .violation .rule strong") == ["item-done-once"]
    assert "Remedy:" in page.text(".timeline .violation")[0]
    page.run("document.querySelector('.broken a').click()")
    page.wait_for("document.activeElement.matches('.row.target')")
    assert "stream=1&event=5" in page.run("location.hash")


def test_an_event_unfolds_to_its_payload(page):
    open_test(page, "test_shop")
    page.run("document.querySelector('.row.event summary').focus()")
    page.press("Enter")
    page.wait_for("document.querySelector('.row.event pre') !== null")
    assert json.loads(page.text(".row.event pre")[0])["type"] == "thread.created"


def test_every_turn_has_a_link_that_leads_to_it(page, open_page, report):
    open_test(page, "test_shop")
    link = page.run("document.querySelectorAll('.turn-head a')[1].getAttribute('href')")
    other = open_page().open(report, link)
    other.wait_for("document.activeElement.id === 'turn-title-2'")
    assert other.text("#turn-2 .said")[0] == "And <b>milk</b> again."
    other.run("document.querySelector('.back a').click()")
    other.wait_for("document.getElementById('test').hidden")


def test_search_finds_turns_by_what_was_said(page):
    page.run("document.getElementById('query').focus()")
    page.type("AND <B>milk")
    page.wait_for("document.getElementById('found').textContent === '1 test, 1 turn'")
    assert page.text("#list .hits a") == ['Turn 2: user "And <b>milk</b> again."']
    assert "query=AND" in page.run("location.hash")
    page.run("document.querySelector('.hits a').click()")
    page.wait_for("document.activeElement.id === 'turn-title-2'")
    page.run("history.back()")
    page.wait_for("document.getElementById('found').checkVisibility()")
    assert page.run("document.getElementById('query').value") == "AND <B>milk"


def test_the_list_is_filtered_by_outcome_and_rule(page):
    page.run("document.querySelector('input[value=failed]').click()")
    page.wait_for("document.getElementById('found').textContent === '1 test, 1 turn'")
    page.run("document.querySelector('input[name=show]').click()")
    page.wait_for("document.querySelectorAll('#list > li').length === 3")
    page.run(
        "document.getElementById('rule').value = 'failed item-done-once';"
        "document.getElementById('rule').dispatchEvent(new Event('input', {bubbles: true}))"
    )
    page.wait_for("document.querySelectorAll('#list > li').length === 1")
    page.wait_for("document.querySelector('#list a').innerText.trim() !== ''")  # lines are filled when they are drawn
    assert page.text("#list a")[0] == "tests/t.py::test_forgetful"


def test_a_page_is_read_with_the_keyboard_alone(page):
    for _ in range(40):
        page.press("Tab")
        if page.run("document.activeElement.matches('#list a')"):
            break
    page.press("Enter")
    page.wait_for("document.activeElement.id === 'test-title'")
    assert page.text("#test h1") == ["failed tests/t.py::test_forgetful"]


def test_snapshots_stand_side_by_side_with_the_command_that_accepts_them(page):
    changed = page.run("[...document.querySelectorAll('.change')].findIndex((each) => each.querySelector('table'))")
    rows = f"document.querySelectorAll('.change')[{changed}].querySelectorAll('tbody tr')"
    cells = page.run(f"[...{rows}].map((row) => [...row.cells].map((cell) => cell.textContent))")
    assert ["  | Added milk.", f"  | Added {ATTACK}"] in cells
    assert ["", "  | Anything else?"] in cells
    assert any(command.endswith("--accept 'tests/t.py::test_x[a b]'") for command in page.text(".command code"))


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory):
    """A report of two campaigns with one bug, and of a test with a snapshot to review."""
    directory = tmp_path_factory.mktemp("campaigns")
    code = f"def test_it(chatkit_client):\n    chatkit_client.send({ATTACK!r})"
    PendingSnapshots(directory, directory).add(Pending("a.chatkit", "x", "t.py::test_x", "t.py", 7, OLD, NEW))
    tests = {
        "t.py::chatkit-sim::campaign-a": ("failed", [], "a: ...", finding(same_as="campaign-b")),
        "t.py::chatkit-sim::campaign-b": ("failed", [], "b: ...", finding(test=code)),
        "t.py::test_x": ("failed", shop_turns("Milk"), "def test_x():\nE   assert [+ received] == [- snapshot]"),
        "t.py::test_y": ("error", [], "t.py:3: in test_y\nE   OSError: no server"),
    }
    return made(directory, tests), code


def test_a_bug_of_a_campaign_is_told_with_the_test_to_paste(open_page, campaigns):
    report, code = campaigns
    page = open_page().open(report)
    assert page.text("#list .chip") == [
        "one-client-tool-call-per-turn",
        "1 snapshot to review",
        "one-client-tool-call-per-turn: the same as in campaign-b",
    ]
    page.run("[...document.querySelectorAll('#list a')].find((a) => a.textContent.endsWith('campaign-a')).click()")
    page.run("document.querySelector('.finding a').click()")
    page.wait_for("document.getElementById('test-title').textContent.endsWith('campaign-b')")
    assert "the user writes" in page.text(".finding pre")[0]
    assert "As a test" not in page.text(".finding pre")[0]
    assert page.run("document.querySelector('.finding code').textContent") == code
    page.run("document.querySelector('.finding button').click()")
    page.wait_for("document.querySelector('.finding button').textContent !== 'Copy'")
    assert page.run(HEADING_JUMPS) == []
    assert page.run(LOW_CONTRAST) == []
    assert page.run("window.attacked") is None
    assert page.complaints == []


def test_a_failure_has_a_reason_in_the_list_and_a_way_to_its_snapshot(open_page, campaigns):
    page = open_page().open(campaigns[0])
    assert page.text("#list .why") == ["OSError: no server"]
    page.run("[...document.querySelectorAll('#list a')].find((a) => a.textContent.endsWith('test_x')).click()")
    page.wait_for("!document.getElementById('test').hidden")
    page.run("[...document.querySelectorAll('#test a')].find((a) => a.hash.startsWith('#change-')).click()")
    page.wait_for("document.activeElement.id === 'change-1'")
    page.run("document.querySelector('#change-1 a').click()")
    page.wait_for("document.activeElement.id === 'test-title'")
    assert page.text("#test h1") == ["failed t.py::test_x"]


def test_coverage_says_what_was_never_seen(page):
    reached = dict(zip(page.text(".reached .name"), page.text(".reached .times"), strict=True))
    assert reached["price"] == "2"
    assert reached["client_effect"] == "1"
    assert reached["thread.item.removed"] == "never"


def test_an_attack_is_text_wherever_it_stands(open_page, report):
    page = open_page().open(report)
    seen = page.run("document.body.textContent")
    for number in range(3):
        page.run(f"document.querySelectorAll('#list > li a')[{number}].click()")
        page.wait_for("document.querySelector('#test .timeline') !== null")
        page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        time.sleep(0.2)
        seen += page.run("document.querySelector('#test').textContent")
        page.run("location.hash = ''")
        page.wait_for("document.getElementById('test').hidden")
    assert seen.count(ATTACK) > 15
    assert page.run("window.attacked") is None
    assert page.run("document.querySelectorAll('#overview img, #test img, #test script, #overview script').length") == 0
    assert page.requests == [report.as_uri()]
    assert page.complaints == []


def test_the_policy_stops_scripts_and_requests(open_page, report, listener):
    page = open_page().open(report)
    page.run(
        "const script = document.createElement('script');"
        "try { script.textContent = 'window.attacked = true'; } catch { window.refused = true; }"
        "document.body.append(script);"
        f"document.body.append(Object.assign(document.createElement('img'), {{src: '{listener.url}a.png'}}));"
        "try { document.body.insertAdjacentHTML('beforeend', '<b>') } catch { window.refusedHtml = true; }"
    )
    assert page.run("[window.attacked ?? null, window.refused, window.refusedHtml]") == [None, True, True]
    assert page.run(f"fetch('{listener.url}').then(() => 'answered', () => 'refused')") == "refused"
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    urllib.request.urlopen(f"{listener.url}works").close()
    assert listener.asked == ["/works"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("place", ["overview", "test"])
def test_it_can_be_read(open_page, report, dark, phone, place):
    page = open_page().shown_as(dark=dark, phone=phone).open(report)
    if place == "test":
        open_test(page, "test_forgetful")
    assert page.run(LOW_CONTRAST) == []
    assert page.run("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    assert page.run(SMALL_TARGETS) == []


def test_a_screen_reader_finds_its_way(page):
    for place in ("overview", "test"):
        if place == "test":
            open_test(page, "test_shop")
        tree = page.accessible()
        roles = [role for role, _ in tree]
        assert {"banner", "navigation", "main"} <= set(roles)
        unnamed = [role for role, name in tree if role in NAMED and not name.strip()]
        assert unnamed == []
        assert page.run(HEADING_JUMPS) == []
        assert page.run("[...document.querySelectorAll('h1')].filter((each) => each.checkVisibility()).length") == 1
        assert page.run(TWICE) == []
        assert page.run("document.documentElement.lang") == "en"
    assert "test_shop" in page.run("document.title")
    assert ("list", "Events and run") in page.accessible()


def test_a_thousand_turns_open_without_a_wait(open_page, tmp_path):
    turns = shop_turns("Milk, please.", "And milk again.")
    path = written(tmp_path, {"t.py::test_shop": ("passed", turns, "")}) / "records" / "main.jsonl"
    run, *lines = path.read_text().splitlines(keepends=True)
    many = [line.replace("t.py::test_shop", f"t.py::test_shop[{number}]") for number in range(500) for line in lines]
    one = [line.replace('"index":1,', f'"index":{number},') for number in range(3, 1003) for line in lines[:1]]
    path.write_text("".join([run, *many, *lines[:2], *one, lines[2]]))
    make_report(tmp_path, root=tmp_path)
    page = open_page().open(tmp_path / "index.html")
    assert page.text("#found") == ["501 tests, 2,002 turns"]
    begun = page.run("performance.now()")
    page.run("document.querySelector('#more').click()")
    page.run("[...document.querySelectorAll('#list a')].find((a) => a.textContent === 't.py::test_shop').click()")
    page.wait_for("document.querySelectorAll('#test .turn').length === 1002")
    drawn = page.run("document.querySelectorAll('#test .timeline').length")
    assert 0 < drawn < 50  # only what is near is drawn
    # Far below what a person would call a wait, and far above what a busy machine makes of it.
    assert page.run("performance.now()") - begun < 5000
    link = page.run("document.querySelectorAll('.turn-head a')[900].getAttribute('href')")
    page.run(f"location.hash = {json.dumps(link)}")
    page.wait_for("document.activeElement.id === 'turn-title-901'")
    assert page.run("document.activeElement.getBoundingClientRect().top") < 844
