"""The state machine and ``simulate``, in tests of one's own."""

import pytest
from campaign_servers import Asking, Broken, Forgetful, Polite
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from todo.lists import TodoList
from todo.server import TodoServer

from chatkit_sim import Frontend, UsageError
from chatkit_sim.simulation import KINDS, StoryError, chatkit_state_machine, simulate

QUICK = settings(
    max_examples=15,
    stateful_step_count=3,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
    report_multiple_bugs=False,
)


def test_a_machine_with_rules_and_invariants_of_ones_own():
    lists, seen = [], []

    def make(store):
        lists.append(TodoList())
        return TodoServer(store, lists[-1])

    class Shop(chatkit_state_machine(make, kinds=("send", "retry"), name="Shop")):
        @rule(item=st.sampled_from(["milk", "eggs"]))
        def the_page_adds(self, item):
            self.scene.bench.run(lambda: lists[-1].add(item))

        @invariant()
        def nothing_else_is_on_the_list(self):
            seen.append(len(self.turns))
            if lists:
                assert set(self.scene.bench.run(lists[-1].items)) <= {"milk", "eggs"}

    run_state_machine_as_test(Shop, settings=QUICK)
    assert max(seen) > 1


def test_a_rule_of_ones_own_may_let_users_act():
    seen = []

    class Reader(chatkit_state_machine(lambda store: Polite(store), kinds=("send",))):
        @rule(data=st.data())
        def somebody_tidies_up(self, data):
            before = len(self.scene.story)
            self.act(data, kinds=("reload", "rename"))
            seen.extend((type(one.move).__name__, bool(self.turns)) for one in self.scene.story[before:])

    run_state_machine_as_test(
        Reader, settings=settings(QUICK, derandomize=True, max_examples=40, stateful_step_count=8)
    )
    assert set(seen) == {("Reload", True), ("Rename", True)}  # without a thread there is nothing to tidy up


def test_what_a_rule_of_ones_own_lets_users_do_is_judged():
    class Clicker(chatkit_state_machine(lambda store: Broken(store), kinds=("reload",))):
        @rule(data=st.data())
        def somebody_writes(self, data):
            self.act(data, kinds=("send",))

    with pytest.raises(StoryError, match="no-unexpected-error") as caught:
        run_state_machine_as_test(Clicker, settings=QUICK)
    text = str(caught.value)
    assert text.startswith('the user writes "Hello!"')
    assert "def test_no_unexpected_error(chatkit_client, chatkit_model):" in text


def test_the_server_is_there_before_the_first_rule():
    made = []

    class Patient(chatkit_state_machine(lambda store: made.append(store) or Polite(store), kinds=("send",))):
        @invariant()
        def it_was_made_anew(self):
            assert self.scene.bench.server.store is made[-1]

    run_state_machine_as_test(Patient, settings=QUICK)


def test_a_machine_fails_for_the_rules_of_chatkit():
    machine = chatkit_state_machine(lambda store: Broken(store), kinds=("send",))
    with pytest.raises(StoryError) as caught:
        run_state_machine_as_test(machine, settings=QUICK)
    assert caught.value.key[0] == "no-unexpected-error"
    assert len(caught.value.story) == 1  # Hypothesis has shrunk it


def test_results_are_drawn_from_what_the_page_declares_and_nothing_else():
    posted = []
    frontend = Frontend(client_tools={"confirm": st.sampled_from([{"ok": 7}, {"ok": 8}])})

    @QUICK
    @given(st.data())
    def talk(data):
        conversation = simulate(lambda store: Asking(store), data, moves=3, kinds=("send",), frontend=frontend)
        posted.extend(call.output["ok"] for turn in conversation.turns for call in turn.client_tool_calls)

    talk()
    assert set(posted) == {7, 8}


def test_every_bug_has_a_class_of_its_own():
    machine = chatkit_state_machine(lambda store: Broken(store), kinds=("send",))
    other = chatkit_state_machine(lambda store: Forgetful(store), kinds=("send",))
    kinds = []
    for one in (machine, machine, other):
        with pytest.raises(StoryError) as caught:
            run_state_machine_as_test(one, settings=QUICK)
        kinds.append(type(caught.value))
    assert kinds[0] is kinds[1]
    assert kinds[0] is not kinds[2]


def test_a_machine_on_real_time():
    machine = chatkit_state_machine(lambda store: Polite(store), virtual_time=False, kinds=("send", "wait"))
    run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=3))


def test_unknown_moves_are_refused():
    with pytest.raises(UsageError, match=r"'shout'; there are send"):
        chatkit_state_machine(lambda store: Polite(store), kinds=("shout",))


def test_simulate_with_given():
    stories = []

    @QUICK
    @given(st.data())
    def check(data):
        todos = TodoList()
        conversation = simulate(lambda store: TodoServer(store, todos), data, moves=3)
        stories.append(repr(conversation))
        assert all(turn.streams for turn in conversation.turns if turn.text)

    check()
    assert any("the user writes" in story for story in stories)


def test_simulate_raises_what_is_broken():
    @QUICK
    @given(st.data())
    def check(data):
        simulate(lambda store: Broken(store), data, moves=2, kinds=("send",))

    with pytest.raises(StoryError, match="no-unexpected-error"):
        check()


def test_simulate_needs_nothing_that_can_be_done():
    @settings(QUICK, max_examples=1)
    @given(st.data())
    def check(data):
        assert simulate(lambda store: Polite(store), data, kinds=("answer",)).story == ()

    check()
    assert "answer" in KINDS


def test_a_server_that_was_made_already_is_refused():
    with pytest.raises(UsageError, match=r"give a factory, such as `lambda store: Polite\(store\)`"):
        chatkit_state_machine(Polite(None))
