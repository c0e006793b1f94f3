"""Turns: nobody waits behind all that another one has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailboxes.turns import in_turns


def test_everybody_has_a_turn_before_anybody_has_a_second():
    owned = [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", None), ("b2", "b")]
    assert in_turns(owned) == ["a1", "b1", "c1", "a2", "b2", "a3"]


@given(st.lists(st.integers(0, 4)))
def test_nothing_is_lost_and_each_owners_order_is_kept(owners):
    owned = list(enumerate(owners))
    dealt = in_turns(owned)
    assert sorted(dealt) == list(range(len(owners)))
    for owner in set(owners):
        assert [n for n in dealt if owners[n] == owner] == [n for n, who in owned if who == owner]


@given(st.lists(st.integers(0, 4)), st.integers(0, 4))
def test_the_nth_of_an_owner_has_at_most_n_of_each_other_before_it(owners, owner):
    dealt = in_turns(enumerate(owners))
    own = [place for place, n in enumerate(dealt) if owners[n] == owner]
    for turn, place in enumerate(own):
        before = [owners[n] for n in dealt[:place]]
        assert all(before.count(other) <= turn + 1 for other in set(owners) - {owner})
