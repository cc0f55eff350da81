"""Faults of ours are counted and logged without content; the grading goes on."""

import logging

from certtrace import grading as g


def test_a_value_that_cannot_be_recorded_is_counted_and_logged_once_without_content(caplog):
    before = g.fault_counts().get("PassStage.cached: ValueError", 0)
    with caplog.at_level(logging.ERROR, "certtrace.grading"):
        for _ in range(3):
            with g.grade_pass(1, 1) as attempt:
                attempt.cached("Maria Lindqvist")
                attempt.graded(grade=4)
    assert attempt.record.grade == 4
    assert g.fault_counts()["PassStage.cached: ValueError"] == before + 3
    assert len([record for record in caplog.records if "PassStage.cached" in record.message]) <= 1
    assert "Maria" not in caplog.text


def test_a_wrong_word_for_a_stage_does_not_break_the_host():
    with g.gateway_cache() as cache:
        cache.hit(kind="by chance")
    assert cache.reply_headers() == {}
