"""The test classes in a user's project."""

import pytest

from chatkit_sim.stores import MemoryStore
from chatkit_sim.stores.conformance import PROMISES, AttachmentStoreConformance, StoreConformance
from fixtures.broken_stores.attachment_stores import DirectUploads, Uploads, upload_notes

pytest_plugins = ["pytester"]


class TestTwoPhaseUpload(AttachmentStoreConformance):
    @pytest.fixture
    def chatkit_attachment_store(self):
        return Uploads

    @pytest.fixture
    def chatkit_context(self):
        return {"user": "ann"}

    @pytest.fixture
    def chatkit_other_context(self):
        return {"user": "ben"}


class TestDirectUpload(AttachmentStoreConformance):
    @pytest.fixture
    def chatkit_attachment_store(self):
        return DirectUploads()

    @pytest.fixture
    def chatkit_upload(self):
        return upload_notes

    @pytest.fixture
    def chatkit_store(self):
        return MemoryStore()


def test_the_class_has_a_readable_test_for_each_promise():
    tests = {name: test.__doc__ for name, test in vars(StoreConformance).items() if name.startswith("test_")}

    assert len(tests) == len(PROMISES)
    assert (
        tests["test_replaced_item_keeps_its_place"]
        == "An item that is saved again stays where it was among the others."
    )


def test_a_right_store_passes_and_users_are_skipped_without_a_second(pytester):
    pytester.makepyfile("""
        import pytest
        from chatkit_sim.stores import MemoryStore
        from chatkit_sim.stores.conformance import StoreConformance

        class TestMine(StoreConformance):
            chatkit_examples = 5
            test_unicode_survives = None

            @pytest.fixture
            def chatkit_store(self):
                return MemoryStore()
    """)

    result = pytester.runpytest_inprocess("-rs")

    result.assert_outcomes(passed=58, skipped=8)
    result.stdout.fnmatch_lines(["SKIPPED [[]8[]]*needs a second user*chatkit_other_context*"])


def test_a_broken_store_is_told_what_and_why_without_a_traceback(pytester):
    pytester.makepyfile("""
        import pytest
        from chatkit_sim.stores import MemoryStore
        from chatkit_sim.stores.conformance import StoreConformance

        class Forgetful(MemoryStore):
            async def load_thread(self, thread_id, context):
                thread = await super().load_thread(thread_id, context)
                return thread.model_copy(update={"allowed_image_domains": None})

        @pytest.fixture
        def chatkit_other_context():
            return {"user": "ben"}

        class TestForgetful(StoreConformance):
            @pytest.fixture
            def chatkit_store(self):
                return Forgetful
    """)

    result = pytester.runpytest_inprocess("-rs", "-k", "loads_as_saved or any_calls")

    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*TestForgetful.test_thread_loads_as_saved*",
            "thread-loads-as-saved: A saved thread loads with the title*",
            "  Stored: titled thread (ThreadMetadata)",
            "  Came back: allowed_image_domains: stored ['images.example.com'], came back None",
            "  Calls: save_thread(untitled thread)",
            "  Relied on by: chatkit/server.py:*",
            "  Remedy: Store the whole thread*",
        ]
    )
    result.stdout.no_fnmatch_line("*During handling of the above exception*")
    result.stdout.fnmatch_lines(["SKIPPED*it sums up promises that are broken: mend thread-loads-as-saved first*"])
