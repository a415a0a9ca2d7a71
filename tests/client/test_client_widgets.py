"""Clicks in widgets: what is found, what the web client sends for it, and what comes of it."""

import warnings
from datetime import date
from typing import ClassVar

import pytest
from client_pages import PageServer, button, card, showing, template

from chatkit_sim import ChatKitSimWarning, Policies, SimulatedClient, UsageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from chatkit import widgets as named
    from chatkit.actions import ActionConfig


@pytest.fixture
def client_of():
    clients = []

    def make(*shown, **options):
        client = SimulatedClient(PageServer(showing(*shown)), **options)
        clients.append(client)
        client.send("show")
        return client

    yield make
    for client in clients:
        client._core.bench.close()


def sent(client):
    """The actions that the server got."""
    return client._core.bench.server.actions


class TestFinding:
    def test_a_button_is_found_by_what_stands_on_it(self, client_of):
        client = client_of(card(button("Save", "save", action={"payload": {"id": 1}})))
        turn = client.click("Save")
        assert turn.request.type == "threads.custom_action"
        assert turn.request.params["item_id"] == client.turns[0].widgets[0].id
        assert sent(client) == [("save", {"id": 1})]
        assert turn.text.startswith('save {"id": 1} on ')

    @pytest.mark.parametrize("how", [{"id": "b2"}, {"key": "second"}, {"label": "Two"}])
    def test_or_by_id_key_or_label_at_any_depth(self, client_of, how):
        deep = {"type": "Row", "children": [{"type": "Box", "children": [button("Two", "two", id="b2", key="second")]}]}
        client = client_of(card(button("One", "one", id="b1", key="first"), deep))
        client.click(**how)
        assert sent(client) == [("two", None)]

    def test_a_transition_has_one_child_and_not_a_list(self, client_of):
        client = client_of(card({"type": "Transition", "children": button("Go")}))
        client.click("Go")
        assert sent(client) == [("go", None)]

    @pytest.mark.parametrize("by", ["item", "id"])
    def test_of_two_widgets_the_first_argument_says_which(self, client_of, by):
        client = client_of(card(button("Save", "first")), card(button("Save", "second")))
        second = client.turns[0].widgets[1]
        client.click(second if by == "item" else second.id, "Save")
        assert sent(client) == [("second", None)]
        client.click(second if by == "item" else second.id, label="Save")
        assert sent(client) == [("second", None)] * 2

    def test_the_one_thing_in_a_widget_needs_no_name(self, client_of):
        client = client_of(card(button("Save")))
        client.click(client.turns[0].widgets[0])
        assert sent(client) == [("go", None)]

    def test_what_is_ambiguous_lists_what_is_meant(self, client_of):
        client = client_of(card(button("Save", "first", id="a"), button("Save", "second", id="b"), button("No", "no")))
        with pytest.raises(
            UsageError, match=r"could mean 2 things(.|\n)*id='a' -> first(.|\n)*id='b' -> second"
        ) as error:
            client.click("Save")
        assert "no" not in str(error.value).splitlines()[-1]

    def test_what_is_not_there_lists_what_is(self, client_of):
        client = client_of(card(button("Save", "save", action={"payload": {"id": 1}})))
        with pytest.raises(
            UsageError, match=r'called \'Delete\'(.|\n)*Button "Save" -> save\(id=1\), in the widget \w+'
        ):
            client.click("Delete")

    def test_something_without_an_action_is_told_from_nothing(self, client_of):
        client = client_of(card({"type": "Text", "id": "t", "value": "Hello"}, {"type": "Input", "name": "title"}))
        with pytest.raises(
            UsageError, match=r"There is a Text of that name, which has no action(.|\n)*Nothing on show"
        ):
            client.click("Hello")
        with pytest.raises(UsageError, match=r"It is a form field \(Input\): give its value with click\(\.\.\., form="):
            client.click("title")

    def test_a_disabled_button_cannot_be_clicked(self, client_of):
        client = client_of(card(button("Save", disabled=True), button("Other")))
        with pytest.raises(UsageError, match=r"\(disabled\)(.|\n)*is disabled(.|\n)*Other"):
            client.click("Save")

    def test_a_widget_that_is_gone_is_named(self, client_of):
        client = client_of(card(button("Save")))
        with pytest.raises(UsageError, match=r"'wid_1' is not on show in this thread. Widgets on show: "):
            client.click("wid_1", "Save")
        with pytest.raises(UsageError, match="takes a widget item or its id first, not 42"):
            client.click(42, "Save")

    def test_what_is_clicked_in_place_of_the_widget_is_told_so(self, client_of):
        client = client_of(card(button("Register"), button("Other")))
        listed = r"(.|\n)*What can be clicked:\n  Button \"Register\"(.|\n)*Other"
        with pytest.raises(UsageError, match=r"form=: click\('Register', form=\{'name': 'Jo'\}\)\." + listed):
            client.click("Register", {"name": "Jo"})
        with pytest.raises(UsageError, match=r"goes into form=: click\(\.\.\., form=\{'name': 'Jo'\}\)\." + listed):
            client.click(client.view.items[-1], {"name": "Jo"})
        with pytest.raises(UsageError, match=r"'Register' is something to click(.|\n)*click\('Register'\)" + listed):
            client.click("Register", "Jo")

    def test_a_row_of_a_list_is_called_by_its_texts(self, client_of):
        rows = [
            {
                "type": "ListViewItem",
                "key": key,
                "onClickAction": {"type": "open", "payload": {"key": key}},
                "children": [
                    {"type": "Title", "value": key.title()},
                    {"type": "Row", "children": [button("Buy", "buy")]},
                ],
            }
            for key in ("tulip", "rose")
        ]
        client = client_of({"type": "ListView", "children": rows})
        client.click("Rose")
        client.click(key="tulip")
        assert sent(client) == [("open", {"key": "rose"}), ("open", {"key": "tulip"})]

    def test_widgets_of_named_classes_and_of_templates_are_the_same(self, client_of):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            strict = named.Card(
                children=[named.Button(label="Strict", onClickAction=ActionConfig(type="strict", payload={"n": 1}))]
            )
        from_template = template(
            '{"type": "Card", "children": [{"type": "Button", "label": "Loose",'
            ' "onClickAction": {"type": "loose", "payload": {"n": 2}}}]}'
        )
        client = client_of(strict, from_template)
        client.click("Strict")
        client.click("Loose")
        assert sent(client) == [("strict", {"n": 1}), ("loose", {"n": 2})]


class TestWays:
    def test_a_sync_action_is_answered_at_once_and_changes_the_view(self, client_of):
        client = client_of(card(button("Flag", "flag", action={"streaming": False, "payload": {"on": True}})))
        turn = client.click("Flag")
        assert turn.request.type == "threads.sync_custom_action"
        assert (turn.streams, turn.text) == ((), "")
        [widget] = turn.widgets
        assert widget.widget.children[0].value == "flag done"
        assert client.view.items[-1] == widget
        assert client.turns[-1] == turn
        assert "flag" in repr(turn)
        assert client.reload().items[-1] == widget

    def test_an_action_for_the_page_never_reaches_the_server(self, client_of):
        client = client_of(card(button("Open", "open", action={"handler": "client", "payload": {"id": 7}})))
        heard = []

        @client.on_action(type="open")
        def opened(action, item):
            heard.append((action.type, action.payload, item.id))

        @client.on_action(type="other")
        def other(action, item):
            heard.append("other")

        turn = client.click("Open")
        assert heard == [("open", {"id": 7}, client.view.items[-1].id)]
        assert sent(client) == []
        assert turn.request.type == "widgets.onAction"
        assert len(client.turns) == 1

    def test_the_page_may_send_the_server_an_action_in_its_turn(self, client_of):
        client = client_of(card(button("Open", "open", action={"handler": "client", "payload": {"id": 7}})))

        @client.on_action
        async def opened(action, item):
            assert action.payload == {"id": 7}

        @client.on_action
        def forward(action, item):
            client.action("opened", action.payload, item=item)

        client.click("Open")
        assert sent(client) == [("opened", {"id": 7})]

    def test_a_page_that_takes_no_such_action_is_told_how(self, client_of):
        client = client_of(card(button("Open", "open", action={"handler": "client"})))
        with pytest.raises(UsageError, match=r'nothing on the page takes it.*@client.on_action\(type="open"\)'):
            client.click("Open")

    def test_an_action_of_the_page_itself_may_be_sync_too(self, client_of):
        client = client_of(card())
        turn = client.sync_action("refresh", {"page": 2})
        assert sent(client) == [("refresh", {"page": 2})]
        assert turn.items == ()

    def test_a_streaming_action_waits_for_the_stream_and_a_sync_one_does_not(self, client_of):
        client = client_of(card(button("Track", "track"), button("Flag", "flag", action={"streaming": False})))
        with client.stream("more") as stream:
            next(iter(stream))
            with pytest.raises(UsageError, match=r"A response is being streamed, so click\(\) is refused"):
                client.click(client.turns[0].widgets[0], "Track")
            client.click(client.turns[0].widgets[0], "Flag")
        assert [type for type, _ in sent(client)] == ["flag"]


FIELDS = (
    {"type": "Input", "name": "title", "defaultValue": "Milk", "required": True},
    {"type": "Textarea", "name": "todo.note"},
    {"type": "Select", "name": "size", "options": [{"value": "s", "label": "Small"}, {"value": "l", "label": "Large"}]},
    {"type": "Checkbox", "name": "urgent"},
    {"type": "DatePicker", "name": "todo.due", "min": "2030-01-01T00:00:00"},
    {"type": "Text", "value": "Ada", "editable": {"name": "who", "pattern": "[A-Z][a-z]+"}},
    {"type": "Input", "name": "off", "defaultValue": "x", "disabled": True},
    {"type": "Icon", "name": "bolt"},
)


def form(*more, **options):
    action = {"type": "save", "payload": {"id": 3, **options.pop("payload", {})}}
    return card({"type": "Form", "onSubmitAction": action, "children": [*FIELDS, *more]}, **options)


class TestForms:
    def test_every_field_is_sent_with_what_stands_in_it(self, client_of):
        client = client_of(form({"type": "Button", "label": "Save", "submit": True}))
        client.click("Save")
        assert sent(client) == [
            ("save", {"id": 3, "title": "Milk", "todo": {"note": ""}, "urgent": False, "who": "Ada"})
        ]

    def test_or_with_what_the_user_entered(self, client_of):
        client = client_of(form({"type": "Button", "label": "Save", "submit": True}))
        entered = {"title": "Eggs", "todo.note": "six", "size": "Large", "urgent": True, "todo.due": date(2030, 5, 1)}
        client.click("Save", form=entered)
        assert sent(client)[0][1] == {
            "id": 3,
            "title": "Eggs",
            "todo": {"note": "six", "due": "2030-05-01"},
            "size": "l",
            "urgent": True,
            "who": "Ada",
        }

    def test_by_policy_blank_fields_are_left_out(self, client_of):
        policies = Policies(blank_fields="left-out")
        client = client_of(form({"type": "Button", "label": "Save", "submit": True}), policies=policies)
        client.click("Save")
        assert sent(client)[0][1] == {"id": 3, "title": "Milk", "who": "Ada"}

    @pytest.mark.parametrize(
        ("entered", "says"),
        [
            ({"titel": "x"}, r"no field 'titel'. Did you mean 'title'\? Its fields: title, todo.note, size"),
            ({"size": "xl"}, r"has no option 'xl'. Its options: 's' \(Small\), 'l' \(Large\)"),
            ({"size": None}, r"'size' cannot be cleared"),
            ({"urgent": "yes"}, r"is checked \(True\) or not \(False\)"),
            ({"todo.due": "tomorrow"}, r"'tomorrow' is no ISO date"),
            ({"todo.due": "2029-12-31"}, r"the earliest date is 2030-01-01"),
            ({"title": 3}, "takes what a user types, a text, not 3"),
            ({"off": "y"}, "'off' is disabled"),
            ({"title": ""}, "would not submit the form.*'title' is required"),
            ({"who": "ada"}, r"'who' is 'ada', which does not match its pattern \[A-Z\]\[a-z\]\+"),
        ],
    )
    def test_what_nobody_can_enter_or_submit_is_refused(self, client_of, entered, says):
        client = client_of(form({"type": "Button", "label": "Save", "submit": True}))
        with pytest.raises(UsageError, match=says):
            client.click("Save", form=entered)
        assert sent(client) == []

    def test_an_invalid_form_can_be_forced(self, client_of):
        client = client_of(form({"type": "Button", "label": "Save", "submit": True}))
        client.click("Save", form={"title": ""}, force=True)
        assert sent(client)[0][1]["title"] == ""

    def test_any_action_within_a_form_carries_its_values_without_being_checked(self, client_of):
        client = client_of(form(button("Preview", "preview", action={"payload": {"p": 1}})))
        client.click("Preview", form={"title": ""})
        assert sent(client)[0][0] == "preview"
        assert sent(client)[0][1]["title"] == ""
        assert sent(client)[0][1]["p"] == 1

    def test_outside_of_a_form_there_is_nothing_to_enter(self, client_of):
        client = client_of(card(button("Save")))
        with pytest.raises(UsageError, match=r"is not in a form .*so form=\{'title': 'x'\} goes nowhere"):
            client.click("Save", form={"title": "x"})

    def test_the_payloads_own_key_wins_and_the_test_is_warned(self):
        client = SimulatedClient(PageServer(showing(form(payload={"title": "mine", "todo": {"note": "n"}}))))
        client.send("show")
        client.click(client.turns[0].widgets[0])
        assert sent(client)[0][1]["title"] == "mine"
        assert sent(client)[0][1]["todo"] == {"note": "n"}
        with pytest.warns(ChatKitSimWarning, match="has 'title', 'todo.note' already.*rename the form field"):
            client.close()

    def test_a_card_may_be_a_form(self, client_of):
        client = client_of(
            card(
                {"type": "Input", "name": "title", "required": True},
                asForm=True,
                confirm={"label": "Send", "action": {"type": "send"}},
                cancel={"label": "Discard", "action": {"type": "discard"}},
            )
        )
        with pytest.raises(UsageError, match="'title' is required"):
            client.click("Send")
        client.click("Send", form={"title": "Hi"})
        client.click("cancel")
        assert sent(client) == [("send", {"title": "Hi"}), ("discard", {"title": ""})]

    def test_a_card_that_is_no_form_has_buttons_all_the_same(self, client_of):
        confirm = {"label": "Yes", "action": {"type": "yes", "payload": {"n": 1}}}
        client = client_of(card({"type": "Input", "name": "title"}, confirm=confirm))
        client.click("confirm")
        assert sent(client) == [("yes", {"n": 1})]

    def test_a_button_that_submits_a_card_does_what_confirm_does(self, client_of):
        client = client_of(
            card(
                {"type": "Input", "name": "title"},
                {"type": "Button", "label": "Now", "submit": True},
                asForm=True,
                confirm={"label": "Send", "action": {"type": "send"}},
            )
        )
        client.click("Now", form={"title": "Hi"})
        assert sent(client) == [("send", {"title": "Hi"})]

    def test_fields_belong_to_the_nearest_form(self, client_of):
        inner = {
            "type": "Form",
            "onSubmitAction": {"type": "inner"},
            "children": [
                {"type": "Input", "name": "in", "defaultValue": "1"},
                {"type": "Button", "label": "In", "submit": True},
            ],
        }
        outer = {
            "type": "Form",
            "onSubmitAction": {"type": "outer"},
            "children": [
                inner,
                {"type": "Input", "name": "out", "defaultValue": "2"},
                {"type": "Button", "label": "Out", "submit": True},
            ],
        }
        client = client_of(card(outer))
        client.click("In")
        client.click("Out")
        assert sent(client) == [("inner", {"in": "1"}), ("outer", {"out": "2"})]


class TestControls:
    SIZE: ClassVar = {
        "type": "Select",
        "name": "size",
        "clearable": True,
        "options": [
            {"value": "s", "label": "Small"},
            {"value": "l", "label": "Large"},
            {"value": "x", "label": "X", "disabled": True},
        ],
        "onChangeAction": {"type": "size.changed", "payload": {"order": 17}},
    }

    @pytest.mark.parametrize(("value", "is_sent"), [("l", "l"), ("Large", "l"), (None, None)])
    def test_a_select_sends_its_new_value(self, client_of, value, is_sent):
        client = client_of(card({"type": "Label", "fieldName": "size", "value": "Which size?"}, self.SIZE))
        client.click("Which size?", value=value)
        assert sent(client) == [("size.changed", {"order": 17, "size": is_sent})]

    def test_it_has_to_be_said_which(self, client_of):
        client = client_of(card(self.SIZE))
        with pytest.raises(UsageError, match=r"Say what is chosen: click\('size', value=\.\.\.\)"):
            client.click("size")
        with pytest.raises(UsageError, match="the option 'x', but it is disabled"):
            client.click("size", value="x")

    def test_a_checkbox_toggles(self, client_of):
        box = {"type": "Checkbox", "name": "gift", "label": "As a gift", "defaultChecked": True}
        client = client_of(card({**box, "onChangeAction": {"type": "gift"}}))
        client.click("As a gift")
        client.click("gift", value=True)
        assert sent(client) == [("gift", {"gift": False}), ("gift", {"gift": True})]

    def test_radios_and_dates_change_within_their_form(self, client_of):
        radio = {
            "type": "RadioGroup",
            "name": "how",
            "ariaLabel": "How?",
            "options": [{"value": "car", "label": "By car"}],
            "onChangeAction": {"type": "how"},
        }
        day = {"type": "DatePicker", "name": "day", "placeholder": "When?", "onChangeAction": {"type": "day"}}
        children = [{"type": "Input", "name": "who", "defaultValue": "Ada"}, radio, day]
        client = client_of(card({"type": "Form", "children": children}))
        client.click("How?", value="By car")
        client.click("When?", value="2030-02-03")
        assert sent(client) == [("how", {"who": "Ada", "how": "car"}), ("day", {"who": "Ada", "day": "2030-02-03"})]

    def test_a_button_takes_no_value(self, client_of):
        client = client_of(card(button("Save")))
        with pytest.raises(UsageError, match="takes no value"):
            client.click("Save", value=1)
