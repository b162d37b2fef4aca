"""Faults to plant, and the claim that must cry out: tried on a road laid by hand and on what a chaos run has left."""

from __future__ import annotations

A_WATCHED = "(SELECT referral_id FROM followup.watch ORDER BY 1 LIMIT 1)"
COLUMNS = "referral_id, type, causation_id, headers, body"


def _copied(service: str, event_type: str, seq: str) -> str:
    """The same effect once more, under a new id."""
    return f"""INSERT INTO {service}.event_log (id, seq, {COLUMNS})
        SELECT overlay(id::text placing 'ffff' from 20 for 4)::uuid, {seq}, {COLUMNS} FROM {service}.event_log
        WHERE type LIKE '%{event_type}%' AND referral_id = {A_WATCHED}"""


PLANTS: dict[str, tuple[str, str]] = {
    "a hole in a stream": (
        f"DELETE FROM triage.event_log WHERE seq = 1 AND referral_id = {A_WATCHED}",
        "triage's streams are numbered 1..n without a hole",
    ),
    "an effect told twice": (
        _copied("followup", "watch_opened", "2"),
        "followup has no effect twice",
    ),
    "a number taken twice": (
        _copied("triage", "referral_dispatched", "seq"),
        "triage's streams are numbered 1..n without a hole",
    ),
    "a missing mirror": (
        f"DELETE FROM mediation.mirror WHERE referral_id = {A_WATCHED}",
        "every dispatched referral is mirrored in mediation, and no other",
    ),
    "a missing watch": (
        f"DELETE FROM followup.watch WHERE referral_id = {A_WATCHED}",
        "every dispatched or ended referral is watched by followup, and no other",
    ),
    "a watch too many": (
        "INSERT INTO followup.watch SELECT gen_random_uuid(), 'watching', 1, now(), 1, 'x'",
        "every dispatched or ended referral is watched by followup, and no other",
    ),
    "a watch with another office": (
        f"UPDATE followup.watch SET office_code = 'other' WHERE referral_id = {A_WATCHED}",
        "mirror and watch name the office that triage chose",
    ),
    "a referral that never came to triage": (
        f"DELETE FROM triage.referral WHERE referral_id = {A_WATCHED}",
        "every opened referral stands in triage, and no other",
    ),
    "a lost call": (
        """WITH v AS (DELETE FROM intake.vault), w AS (DELETE FROM intake.call_version)
           DELETE FROM intake.call WHERE state = 'retained_by_police'""",
        "every promise to a client is kept, word for word",
    ),
    "a call nobody was told of": (
        """INSERT INTO intake.call (call_id, source, call_no, referral_id, tracking_code, state, version, version_id,
               content_hash, reported_at)
           SELECT gen_random_uuid(), 'x', 'x', gen_random_uuid(), 'x', 'invalid', 1, gen_random_uuid(), '', now()""",
        "as many calls are kept as were promised",
    ),
    "a call kept under another id than was promised": (
        "UPDATE intake.call SET tracking_code = 'LD-OTHER' WHERE call_id = (SELECT call_id FROM intake.call LIMIT 1)",
        "every promise to a client is kept, word for word",
    ),
    "a call that was never screened": (
        "UPDATE intake.call SET state = 'received' WHERE state = 'retained_by_police'",
        "no call waits to be screened",
    ),
    "a referred call without a referral": (
        "UPDATE intake.call SET state = 'referred' WHERE state = 'retained_by_police'",
        "a referred call has opened its referral once, another call none",
    ),
    "a linked call that was not told": (
        "DELETE FROM intake.event_log WHERE type LIKE '%call_linked%'",
        "a linked call is told once, in the referral that it joined, which is open",
    ),
    "a count that grew twice": (
        f"UPDATE triage.referral SET calls = calls + 1 WHERE referral_id = {A_WATCHED}",
        "the number of calls of a dispute is the same everywhere",
    ),
    "a position behind": (
        "UPDATE mediation.stream_pos SET last = last - 1 WHERE producer = 'triage'",
        "mediation stands at triage's heads",
    ),
    "a position ahead": (
        "UPDATE followup.stream_pos SET last = last + 1 WHERE producer = 'intake'",
        "followup stands at intake's heads",
    ),
    "another event under the number applied": (
        "UPDATE triage.stream_pos SET last_event_id = gen_random_uuid() WHERE producer = 'intake'",
        "triage stands at intake's heads",
    ),
    "a stream nobody was told of": (
        "DELETE FROM intake.stream_pos WHERE producer = 'followup'",
        "intake stands at followup's heads",
    ),
    "a head without its event": (
        f"UPDATE triage.stream SET head = head + 1 WHERE referral_id = {A_WATCHED}",
        "triage's heads are the last events of its log",
    ),
    "an effect of nothing": (
        "UPDATE followup.event_log SET causation_id = gen_random_uuid()",
        "followup's causes stand below what its effects name as applied",
    ),
    "an effect that does not name its cause": (
        "UPDATE followup.event_log SET headers = '{\"ce_after\": \"intake:1\"}'",
        "followup's causes stand below what its effects name as applied",
    ),
    "a closing without its visit": (
        f"""WITH facts(seq, type, body) AS (VALUES
                (2, 'plan_changed', '{{"cycle": 1, "visits": [{{"visit_id": "v", "mandatory": true}}]}}'),
                (3, 'referral_closed', '{{"cycle": 1}}'))
            INSERT INTO followup.event_log (id, referral_id, seq, type, headers, body)
            SELECT gen_random_uuid(), {A_WATCHED}, seq, 'cn.liandong.followup.' || type || '.v1', '{{}}', body::json
            FROM facts""",
        "nothing was closed without its visits",
    ),
    "a cycle closed twice": (
        f"""INSERT INTO followup.event_log (id, referral_id, seq, type, headers, body)
            SELECT gen_random_uuid(), {A_WATCHED}, n, 'cn.liandong.followup.referral_closed.v1', '{{}}',
                '{{"cycle": 1}}' FROM generate_series(2, 3) n""",
        "a referral is closed once a cycle, and only between closings reopened",
    ),
    "a deadline breached before its time": (
        f"""INSERT INTO triage.event_log (id, referral_id, seq, type, headers, body)
            VALUES (gen_random_uuid(), {A_WATCHED}, 9, 'cn.liandong.triage.deadline_breached.v1',
                '{{"ce_time": "2026-01-01T00:00:00Z"}}',
                '{{"clock": "sign_for", "due_at": "2026-01-01T00:00:01Z"}}')""",
        "triage breached no deadline early, and none twice",
    ),
    "an event that was never sent": (
        "INSERT INTO intake.outbox (lane, topic, key) VALUES (0, 'intake.v1', 'k')",
        "intake's outbox is empty",
    ),
    "a parked event": (
        """INSERT INTO triage.parked (consumer, producer, referral_id, seq, event_id, type, reason, detail, needs,
               headers, body)
           VALUES ('acting', 'intake', gen_random_uuid(), 1, gen_random_uuid(), 't', 'failed', '', '', '{}', '')""",
        "triage has nothing parked",
    ),
    "a lack": (
        """INSERT INTO followup.lacking (consumer, producer, referral_id, upto, state)
           VALUES ('acting', 'triage', gen_random_uuid(), 1, 'real')""",
        "followup lacks nothing",
    ),
    "a quarantined record nobody sent": (
        """INSERT INTO mediation.quarantine (consumer, topic, partition, "offset", reason, sealed, digest)
           VALUES ('acting', 'intake.v1', 0, -1, 'headers', '', '')""",
        "quarantine holds what was undecodable and no more",
    ),
}  # fmt: skip
