"""What a person sees when a rule is broken, and when rules speak."""

import pytest

TWO_CALLS = """
from chatkit_sim import calls, says

def test_two(chatkit_client, chatkit_model):
    chatkit_model.script(calls("add_to_todo_list", item="milk") & calls("add_to_todo_list", item="eggs"), says("Done."))
    chatkit_client.client_tool(name="add_to_todo_list")(lambda item: None)
    chatkit_client.send("Milk and eggs")
"""

LEFT_OVER = """
import pytest
from chatkit_sim import says

{marks}
def test_left_over(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello!"), says("Never said."))
    chatkit_client.send("Hi")
"""


def test_a_violation_shows_the_line_the_reason_and_the_remedy_and_no_machinery(todo):
    todo.write("test_it.py", TWO_CALLS)
    result = todo.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>   *chatkit_client.send("Milk and eggs")',
            "E   *ViolationError: 1 rule broken",
            "E   *one-client-tool-call-per-turn  turn 1, stream 1, event *",
            "E   *Remedy: *",
            "test_it.py:7: ViolationError",
            "FAILED test_it.py::test_two - one-client-tool-call-per-turn (turn 1, stream 1, event *)",
        ]
    )
    result.stdout.no_fnmatch_line("*chatkit_sim/client/*")


def test_rules_about_the_whole_test_fail_the_test_itself(todo):
    todo.write("test_it.py", LEFT_OVER.format(marks=""))
    result = todo.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "script-used-up  the whole test",
            "*Never said.*",
            "*chatkit-sim: what happened*",
            "FAILED test_it.py::test_left_over - script-used-up (the whole test)",
        ]
    )
    result.stdout.no_fnmatch_line("*plugin.py*")


@pytest.mark.parametrize("strict", ["", "strict=True"])
def test_xfail_works_for_rules_about_the_whole_test(todo, strict):
    todo.write("test_it.py", LEFT_OVER.format(marks=f"@pytest.mark.xfail({strict})"))
    todo.run().assert_outcomes(xfailed=1)


def test_an_exception_of_the_test_is_not_masked(todo):
    todo.write("test_it.py", LEFT_OVER.format(marks="") + "    raise RuntimeError('mine')\n")
    result = todo.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *RuntimeError: mine"])
    result.stdout.no_fnmatch_line("*script-used-up*")


def test_an_assertion_shows_the_turns(todo):
    todo.write(
        "test_it.py",
        """
from chatkit_sim import says

def test_it(chatkit_client, chatkit_model):
    chatkit_model.always(says("Hello!"))
    for number in range(5):
        turn = chatkit_client.send(f"Message {number}")
    assert not turn.text
""",
    )
    result = todo.run()
    result.stdout.fnmatch_lines(
        ["*chatkit-sim: what happened*", "(2 earlier turns)", "<Turn 3>", '*"Message 2"', "<Turn 5>", '*"Message 4"']
    )
    result.stdout.no_fnmatch_line("*Message 1*")


def test_a_failing_test_says_what_else_went_wrong_behind_its_back(todo):
    todo.write(
        "test_it.py",
        """
import socket

def test_it(chatkit_client):
    try:
        socket.create_connection(("93.184.216.34", 80), 1)
    except Exception:
        raise ValueError("something else") from None
""",
    )
    result = todo.run()
    result.stdout.fnmatch_lines(["*stopped connections*", "93.184.216.34, port 80, from *test_it.py:6 in test_it"])


def test_a_stopped_connection_fails_the_test_although_it_was_swallowed(todo):
    todo.write(
        "test_it.py",
        """
import socket

def test_it(chatkit_client):
    try:
        socket.create_connection(("93.184.216.34", 80), 1)
    except Exception:
        return
""",
    )
    result = todo.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["no-network  the whole test", "*93.184.216.34*"])


@pytest.mark.parametrize(
    ("ini", "passes"),
    [
        ("chatkit_allow_network = 93.184.216.0/24", True),
        ("chatkit_allow_network = 10.0.0.0/8", False),
        ("chatkit_network = open", True),
        ("chatkit_network = strict", False),
    ],
)
def test_the_network_can_be_opened(todo, ini, passes):
    todo.write("pytest.ini", f"[pytest]\n{ini}\n")
    todo.write(
        "test_it.py",
        """
import sys

def test_it(chatkit_client):
    # What a connection raises first; none is made.
    sys.audit("socket.connect", None, ("93.184.216.34", 80))
""",
    )
    todo.run().assert_outcomes(passed=int(passes), failed=int(not passes))


def test_what_a_handler_raises_is_shown_with_its_own_line(todo):
    todo.write(
        "test_it.py",
        """
from chatkit_sim import calls, says

def test_it(chatkit_client, chatkit_model):
    chatkit_model.script(calls("add_to_todo_list", item="milk"), says("Done."))

    @chatkit_client.client_tool
    def add_to_todo_list(item: str):
        return item + 1

    chatkit_client.send("Milk")
""",
    )
    result = todo.run()
    result.stdout.fnmatch_lines([">*chatkit_client.send(*", ">*return item + 1", "E *TypeError: *"])
    result.stdout.no_fnmatch_line("*client_tools.py*")


def test_what_the_responder_raised_is_shown_without_the_sdk(project):
    project.write(
        "my_app.py",
        """
from chatkit.server import ChatKitServer

class Server(ChatKitServer):
    async def respond(self, thread, message, context):
        yield self.notice()

    def notice(self):
        raise LookupError("no such notice")
""",
    )
    project.write("test_it.py", "def test_it(chatkit_client): chatkit_client.send('Hi')")
    result = project.run("--chatkit-server", "my_app:Server", "--show-capture=no")
    result.stdout.fnmatch_lines(
        [
            '>*raise LookupError("no such notice")',
            "my_app.py:9: LookupError",
            "The above exception was the direct cause*",
            "E *no-unexpected-error  turn 1, stream 1, event *",
        ]
    )
    result.stdout.no_fnmatch_line("*site-packages*: in *")


def test_the_context_that_was_not_given_says_so(project):
    project.write(
        "my_app.py",
        """
from chatkit.server import ChatKitServer

class Server(ChatKitServer):
    async def respond(self, thread, message, context):
        yield context["user"]
""",
    )
    project.write("test_it.py", "def test_it(chatkit_client): chatkit_client.send('Hi')")
    project.run("--chatkit-server", "my_app:Server").stdout.fnmatch_lines(["*Define the fixture `chatkit_context`*"])


@pytest.mark.parametrize(
    ("where", "arguments"),
    [
        ('@pytest.mark.chatkit(ignore=["script-used-up: a longer script than needed"])', ()),
        ("", ("--chatkit-ignore", "script-used-up: a longer script than needed")),
        ("", ("-o", "chatkit_ignore=script-used-up: a longer script than needed")),
    ],
)
def test_rules_are_ignored_with_a_reason(todo, where, arguments):
    todo.write("test_it.py", LEFT_OVER.format(marks=where))
    result = todo.run(*arguments)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["ignored*1 violation by 'script-used-up: a longer script than needed'"])


def test_an_ignore_of_a_marker_that_matches_nothing_fails_its_test(todo):
    todo.write(
        "test_it.py",
        """
import pytest

@pytest.mark.chatkit(ignore=["script-used-up: once needed"])
def test_it(chatkit_client): pass
""",
    )
    result = todo.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["Nothing in this test broke what its marker ignores:", "  script-used-up: once needed"]
    )


STALE = ("-o", "chatkit_ignore=no-network: once needed")
PASSES = "def test_it(chatkit_client): pass\ndef test_other(): pass\n"


def test_an_ignore_of_the_ini_file_expires_at_the_end_of_a_complete_run(todo):
    todo.write("test_it.py", PASSES)
    result = todo.run(*STALE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["stale *'no-network: once needed' silenced nothing in this complete run*"])


@pytest.mark.parametrize("narrowed", [("-k", "test_it"), ("-m", "not slow"), ("test_it.py",), ("--deselect", "x")])
def test_an_ignore_does_not_expire_in_a_part_of_the_run(todo, narrowed):
    todo.write("test_it.py", PASSES)
    assert todo.run(*STALE, *narrowed).ret == 0


def test_an_ignore_does_not_expire_when_no_test_could_have_needed_it(todo):
    todo.write("test_it.py", "def test_it(): pass")
    assert todo.run(*STALE).ret == 0


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('ignores=["script-used-up: x"]', "The marker takes @pytest.mark.chatkit(*), not ignores."),
        ('"script-used-up: x"', "*@pytest.mark.chatkit(ignore=*not 'script-used-up: x'."),
        ('ignore="script-used-up: x"', "*a list, not one text*"),
        ('ignore=["script-usd-up: x"]', "*names no rule. Did you mean 'script-used-up'?"),
        ('ignore=["script-used-up"]', "*says no reason*"),
    ],
)
def test_markers_that_are_written_wrong(todo, marker, message):
    todo.write("test_it.py", f"import pytest\n@pytest.mark.chatkit({marker})\ndef test_it(chatkit_client): pass\n")
    result = todo.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_differences_of_client_tool_calls_are_explained(todo):
    todo.write(
        "test_it.py",
        """
from chatkit_sim import calls, says
from chatkit_sim.expect import client_tool_call

def test_it(chatkit_client, chatkit_model):
    chatkit_model.script(calls("add_to_todo_list", item="milk"), says("Done."))
    chatkit_client.client_tool(name="add_to_todo_list")(lambda item: None)
    turn = chatkit_client.send("Milk")
    assert turn.client_tool_calls[0] == client_tool_call("add_to_todo_list", item="eggs")
""",
    )
    todo.run().stdout.fnmatch_lines(["E *add_to_todo_list*", 'E *"milk"*'])


def test_everything_reads_the_same_on_workers(todo):
    todo.write("test_it.py", TWO_CALLS + LEFT_OVER.format(marks=""))
    result = todo.run_apart("-n2", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines_random(
        [
            "E *one-client-tool-call-per-turn  turn 1, stream 1, event *",
            "script-used-up  the whole test",
            "FAILED test_it.py::test_left_over - script-used-up (the whole test)",
        ]
    )
