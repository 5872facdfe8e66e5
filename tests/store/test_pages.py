"""The page transaction: all of it or nothing, newest versions, a gapless feed."""

from __future__ import annotations

from tests.store.world import World, issue


def test_a_page_is_mirrored_with_typed_columns(world: World) -> None:
    done = world.poll(issue(1, title="a", votes=3, open=True), issue(2, title="b", votes=None, open=False))

    assert (done.inserted, done.fresh) == (2, 2)
    assert world.rows("SELECT id, title, votes, open, _key FROM crm_issues ORDER BY id") == [
        (1, "a", 3, 1, "1"),
        (2, "b", None, 0, "2"),
    ]
