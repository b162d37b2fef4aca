"""What must be true when nothing is under way any more (DELIVERY §7, CONTRACTS §3, §9): each as a query of breaches.

Written from the contract pages alone; nothing of the product is imported. A claim's query gives one text per breach.
"""

from __future__ import annotations

from collections.abc import Iterator

SERVICES = ("intake", "triage", "mediation", "followup")

CALL_STATES = (
    "received", "awaiting_screener", "retained_by_police", "referred", "to_other_body", "linked", "invalid",
    "recalled", "returned", "withdrawn",
)  # fmt: skip
REFERRAL_STATES = (
    "opened", "dispatched", "under_review", "blocked", "signed", "contacted", "handed_to_mediation", "no_consent",
    "self_resolved", "return_requested", "back_to_police", "to_other_body",
)  # fmt: skip

EVENTS = {
    "opened": ("intake", "cn.liandong.intake.referral_opened.v1"),
    "linked": ("intake", "cn.liandong.intake.call_linked.v1"),
    "classified": ("triage", "cn.liandong.triage.referral_classified.v1"),
    "dispatched": ("triage", "cn.liandong.triage.referral_dispatched.v1"),
    "ended": ("triage", "cn.liandong.triage.referral_ended.v1"),
    "watch_opened": ("followup", "cn.liandong.followup.watch_opened.v1"),
    "plan_changed": ("followup", "cn.liandong.followup.plan_changed.v1"),
    "visit_recorded": ("followup", "cn.liandong.followup.visit_recorded.v1"),
    "visit_waived": ("followup", "cn.liandong.followup.visit_waived.v1"),
    "reopened": ("followup", "cn.liandong.followup.referral_reopened.v1"),
    "closed": ("followup", "cn.liandong.followup.referral_closed.v1"),
}


# What is stated only because another service stated something. Everything else may also come from a person, whose
# command stands in audit, or from a clock that ran out, which leaves no id behind.
CAUSED_BY_OTHERS = (
    "cn.liandong.triage.referral_classified.v1", "cn.liandong.triage.referral_halted.v1",
    "cn.liandong.mediation.case_opened.v1", "cn.liandong.mediation.referral_halted.v1",
    "cn.liandong.followup.watch_opened.v1", "cn.liandong.followup.referral_halted.v1",
)  # fmt: skip


def claims() -> dict[str, str]:
    """Claim → query. All of them together are the checker."""
    named = dict(_calls()) | dict(_referrals()) | dict(_streams()) | dict(_positions()) | dict(_effects())
    return named | dict(_closings()) | dict(_clocks()) | dict(_nothing_left())


def _facts(name: str) -> str:
    service, event_type = EVENTS[name]
    return f"(SELECT * FROM {service}.event_log WHERE type = '{event_type}')"


def _referrals_of(*names: str) -> str:
    """Those of which one of these facts was told, each once."""
    return "(" + " UNION ".join(f"SELECT referral_id FROM {_facts(name)} f" for name in names) + ")"


def _text_list(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _calls() -> Iterator[tuple[str, str]]:
    yield (
        "a call is kept once",
        "SELECT source || '/' || call_no FROM intake.call GROUP BY source, call_no HAVING count(*) > 1",
    )
    yield (
        "a call stands in a state of the contract",
        f"SELECT call_no || ' ' || state FROM intake.call WHERE state NOT IN ({_text_list(CALL_STATES)})",
    )
    yield "no call waits to be screened", "SELECT call_no FROM intake.call WHERE state = 'received'"
    yield (
        "a referred call has opened its referral once, another call none",
        f"""SELECT c.call_no || ' ' || c.state || ' opened ' || count(o.id) FROM intake.call c
            LEFT JOIN {_facts("opened")} o USING (referral_id)
            GROUP BY c.call_id HAVING count(o.id) > 1
                OR c.state IN ('referred', 'recalled', 'returned') AND count(o.id) <> 1
                OR c.state IN ('received', 'awaiting_screener', 'linked') AND count(o.id) <> 0""",
    )
    yield (
        "an opened referral belongs to a call",
        f"""SELECT o.referral_id::text FROM {_facts("opened")} o LEFT JOIN intake.call c
            ON c.referral_id = o.referral_id AND c.call_id::text = o.body->>'call_id' WHERE c.call_id IS NULL""",
    )
    yield (
        "a linked call is told once, in the referral that it joined, which is open",
        f"""SELECT c.call_no || ' told ' || count(l.id) FROM intake.call c
            LEFT JOIN {_facts("linked")} l ON l.referral_id = c.linked_to AND l.body->>'call_id' = c.call_id::text
            LEFT JOIN {_facts("opened")} o ON o.referral_id = c.linked_to
            WHERE c.state = 'linked' GROUP BY c.call_id HAVING count(l.id) <> 1 OR count(o.id) <> 1""",
    )
    yield (
        "only linked calls are told as linked",
        f"""SELECT l.body->>'call_no' FROM {_facts("linked")} l LEFT JOIN intake.call c
            ON c.call_id::text = l.body->>'call_id' AND c.linked_to = l.referral_id AND c.state = 'linked'
            WHERE c.call_id IS NULL""",
    )
    yield (
        "the current version of a call and its sealed body are kept",
        """SELECT c.call_no FROM intake.call c
            LEFT JOIN intake.call_version v ON v.version_id = c.version_id AND v.kind = 'current'
            LEFT JOIN intake.vault b ON b.version_id = c.version_id
            WHERE v.version_id IS NULL OR b.version_id IS NULL""",
    )


def _referrals() -> Iterator[tuple[str, str]]:
    yield "every opened referral stands in triage, and no other", _same_set(_facts("opened"), "triage.referral")
    yield (
        "a referral stands in a state of the contract",
        f"SELECT referral_id || ' ' || state FROM triage.referral WHERE state NOT IN ({_text_list(REFERRAL_STATES)})",
    )
    yield (
        "a referral was classified once",
        f"""SELECT r.referral_id || ' classified ' || count(e.id) FROM triage.referral r
            LEFT JOIN {_facts("classified")} e USING (referral_id) GROUP BY r.referral_id HAVING count(e.id) <> 1""",
    )
    yield (
        "every dispatch was told once, under its own hop",
        f"""SELECT r.referral_id || ' ' || r.state || ' hop ' || r.hop || ' told ' || count(e.id) FROM triage.referral r
            LEFT JOIN {_facts("dispatched")} e USING (referral_id)
            GROUP BY r.referral_id HAVING count(e.id) <> r.hop OR count(DISTINCT e.body->>'hop') <> r.hop
                OR r.hop = 0 AND r.state = 'dispatched'""",
    )
    yield (
        "every dispatched referral is mirrored in mediation, and no other",
        _same_set(_referrals_of("dispatched"), "(SELECT * FROM mediation.mirror WHERE state = 'dispatched')"),
    )
    yield (
        "every dispatched or ended referral is watched by followup, and no other",
        _same_set(_referrals_of("dispatched", "ended"), "followup.watch"),
    )
    first = f"(SELECT * FROM {_facts('watch_opened')} f WHERE body->>'cycle' = '1')"
    yield "every watch was told once", _same_set("followup.watch", first)
    yield (
        "mirror and watch name the office that triage chose",
        f"""SELECT d.referral_id::text
            FROM (SELECT DISTINCT ON (referral_id) * FROM {_facts("dispatched")} f ORDER BY referral_id, seq DESC) d
            JOIN mediation.mirror m USING (referral_id) JOIN followup.watch w USING (referral_id)
            WHERE d.body->'office'->>'code' IS DISTINCT FROM m.office_code OR m.office_code <> w.office_code""",
    )
    yield (
        "the number of calls of a dispute is the same everywhere",
        f"""SELECT r.referral_id || ' ' || count(l.id) + 1 || ' calls, triage ' || r.calls || ', mediation ' || m.calls
                || ', followup ' || n.calls
            FROM triage.referral r JOIN mediation.mirror m USING (referral_id) JOIN followup.noted n USING (referral_id)
            LEFT JOIN {_facts("linked")} l USING (referral_id) GROUP BY r.referral_id, m.referral_id, n.referral_id
            HAVING NOT (r.calls = count(l.id) + 1 AND m.calls = r.calls AND n.calls = r.calls)""",
    )


def _same_set(left: str, right: str) -> str:
    """Breaches: ids on one side only, or more than once on a side."""
    return f"""
        SELECT coalesce(l.referral_id, r.referral_id) || ' ' || coalesce(l.n, 0) || ' against ' || coalesce(r.n, 0)
        FROM (SELECT referral_id, count(*) AS n FROM {left} a GROUP BY 1) l
        FULL JOIN (SELECT referral_id, count(*) AS n FROM {right} b GROUP BY 1) r USING (referral_id)
        WHERE l.n IS DISTINCT FROM 1 OR r.n IS DISTINCT FROM 1"""


def _streams() -> Iterator[tuple[str, str]]:
    for service in SERVICES:
        yield (
            f"{service}'s streams are numbered 1..n without a hole",
            f"""SELECT referral_id || ' ' || string_agg(seq::text, ',' ORDER BY seq) FROM {service}.event_log
                GROUP BY referral_id HAVING min(seq) <> 1 OR max(seq) <> count(*) OR count(DISTINCT seq) <> count(*)""",
        )
        yield (
            f"{service}'s heads are the last events of its log",
            f"""SELECT coalesce(s.referral_id, e.referral_id) || ' head ' || coalesce(s.head, 0) || ', log '
                    || coalesce(e.seq, 0)
                FROM (SELECT * FROM {service}.stream WHERE head > 0) s
                FULL JOIN (SELECT DISTINCT ON (referral_id) * FROM {service}.event_log
                           ORDER BY referral_id, seq DESC) e USING (referral_id)
                WHERE s.head IS DISTINCT FROM e.seq OR s.head_event_id IS DISTINCT FROM e.id""",
        )


def _positions() -> Iterator[tuple[str, str]]:
    for consumer in SERVICES:
        for producer in SERVICES:
            if consumer != producer:
                yield (
                    f"{consumer} stands at {producer}'s heads",
                    f"""SELECT coalesce(s.referral_id, p.referral_id) || ' at ' || coalesce(p.last, 0) || ' of '
                            || coalesce(s.head, 0)
                        FROM (SELECT * FROM {producer}.stream WHERE head > 0) s
                        FULL JOIN (SELECT * FROM {consumer}.stream_pos
                                   WHERE consumer = 'acting' AND producer = '{producer}') p USING (referral_id)
                        WHERE p.last IS DISTINCT FROM s.head OR p.last_event_id IS DISTINCT FROM s.head_event_id""",
                )


def _effects() -> Iterator[tuple[str, str]]:
    every = " UNION ALL ".join(f"SELECT id, '{s}' AS service, referral_id, seq FROM {s}.event_log" for s in SERVICES)
    for service in SERVICES:
        yield (
            f"{service} has no effect twice",
            f"""SELECT referral_id || ' ' || type || ' x' || count(*) FROM {service}.event_log
                GROUP BY referral_id, type, causation_id HAVING count(*) > 1""",
        )
        yield (
            f"{service}'s causes stand below what its effects name as applied",
            f"""SELECT e.referral_id || ' ' || e.type || ' cause ' || coalesce(c.service || ':' || c.seq, 'unknown')
                FROM {service}.event_log e LEFT JOIN ({every}) c ON c.id = e.causation_id
                WHERE '{service}' <> 'intake' AND e.causation_id IS NOT NULL
                  AND NOT EXISTS (SELECT 1 FROM {service}.audit a WHERE a.id = e.causation_id)
                  AND (c.id IS NULL AND e.type IN ({_text_list(CAUSED_BY_OTHERS)})
                    OR c.service <> '{service}' AND NOT EXISTS (
                    SELECT 1 FROM string_to_table(e.headers->>'ce_after', ',') AS a(entry)
                    WHERE split_part(a.entry, ':', 1) = c.service AND split_part(a.entry, ':', 2)::int >= c.seq))""",
        )


def _closings() -> Iterator[tuple[str, str]]:
    """From the events alone: followup's tables are not asked whether followup was right."""
    yield (
        "nothing was closed without its visits",
        f"""SELECT c.referral_id || ' cycle ' || (c.body->>'cycle') || ' visit ' || (v->>'visit_id')
            FROM {_facts("closed")} c
            JOIN LATERAL (SELECT body FROM {_facts("plan_changed")} p WHERE p.referral_id = c.referral_id
                          AND p.body->>'cycle' = c.body->>'cycle' AND p.seq < c.seq ORDER BY seq DESC LIMIT 1) p ON true
            CROSS JOIN LATERAL json_array_elements(p.body->'visits') v
            WHERE (v->>'mandatory')::bool AND NOT EXISTS (
                SELECT 1 FROM (SELECT * FROM {_facts("visit_recorded")} a UNION ALL
                               SELECT * FROM {_facts("visit_waived")} b) d
                WHERE d.referral_id = c.referral_id AND d.seq < c.seq AND d.body->>'visit_id' = v->>'visit_id')""",
    )
    yield (
        "a referral is closed once a cycle, and only between closings reopened",
        f"""SELECT referral_id || ' ' || string_agg(kind || cycle, ' ' ORDER BY seq) FROM (
                SELECT referral_id, seq, 'closed' AS kind, body->>'cycle' AS cycle FROM {_facts("closed")} c
                UNION ALL SELECT referral_id, seq, 'reopened', body->>'cycle' FROM {_facts("reopened")} r) t
            GROUP BY referral_id
            HAVING count(*) FILTER (WHERE kind = 'closed') - count(*) FILTER (WHERE kind = 'reopened') NOT IN (0, 1)
                OR count(*) FILTER (WHERE kind = 'closed')
                    <> count(DISTINCT cycle) FILTER (WHERE kind = 'closed')""",
    )


def _clocks() -> Iterator[tuple[str, str]]:
    for service in SERVICES:
        breached = f"(SELECT * FROM {service}.event_log WHERE type = 'cn.liandong.{service}.deadline_breached.v1')"
        yield (
            f"{service} breached no deadline early, and none twice",
            f"""SELECT referral_id || ' ' || (body->>'clock') || ' x' || count(*) FROM {breached} b
                GROUP BY referral_id, body->>'clock', body->>'key', body->>'due_at'
                HAVING count(*) > 1 OR min((headers->>'ce_time')::timestamptz) < (body->>'due_at')::timestamptz""",
        )


def _nothing_left() -> Iterator[tuple[str, str]]:
    for service in SERVICES:
        yield f"{service}'s outbox is empty", f"SELECT topic || ' ' || key FROM {service}.outbox"
        yield f"{service} has nothing unsendable", f"SELECT reason || ' ' || key FROM {service}.unsendable"
        yield (
            f"{service} has nothing parked",
            f"SELECT concat_ws(' ', producer, referral_id, seq, reason, detail, needs) FROM {service}.parked",
        )
        yield (
            f"{service} lacks nothing",
            f"SELECT producer || ' ' || referral_id || ' up to ' || upto || ' ' || state FROM {service}.lacking",
        )
        yield (
            f"{service} distrusts nobody",
            f"SELECT producer || ' ' || distrusted FROM {service}.comparison WHERE distrusted IS NOT NULL",
        )
        yield f"{service}'s default partition is empty", f"SELECT id::text FROM {service}.event_log_default"
