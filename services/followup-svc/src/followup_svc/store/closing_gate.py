"""The closing gate once more, in the database: judged at commit, by statements of its own, with the owner's rights.

It belongs to `followup_owner`: the serving role can neither change nor disable it, only obey. What it refuses has the
SQLSTATE `LD409` and the codes of the conditions in its detail.
"""

REFUSED = "LD409"

_FAULTS = """
CREATE OR REPLACE FUNCTION followup.closing_faults(whom uuid, this_cycle integer, its_outcome text, its_grade text)
RETURNS text[] LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = followup, pg_temp AS $$
    SELECT coalesce(array_agg(code ORDER BY code), '{}') FROM (
        SELECT 'outcome_unknown' AS code WHERE its_outcome IS NULL
        UNION SELECT 'visit_open' FROM visit
            WHERE referral_id = whom AND cycle = this_cycle AND mandatory
              AND state NOT IN ('done', 'waived', 'cancelled')
        UNION SELECT 'obligation_overdue' FROM obligation
            WHERE referral_id = whom
              AND (state = 'breached' OR (state = 'open' AND due_at <= clock_timestamp()))
        UNION SELECT 'grade_too_high' FROM noted
            WHERE referral_id = whom AND (grade IN ('red', 'orange') OR its_grade IN ('red', 'orange'))
        UNION SELECT 'halted' FROM halt WHERE referral_id = whom AND lifted_at IS NULL
        UNION SELECT 'milestone_untold' FROM milestone
            WHERE referral_id = whom AND milestone <> 'closed'
              AND NOT (state IN ('acknowledged', 'waived') OR (state = 'delivered' AND NOT awaits))
        UNION SELECT CASE reason WHEN 'waiting' THEN 'event_waiting' ELSE 'event_held_up' END FROM parked
            WHERE referral_id = whom AND consumer = 'acting'
        UNION SELECT 'event_missing' FROM lacking l
            WHERE l.referral_id = whom AND l.consumer = 'acting' AND l.upto > coalesce((
                SELECT p.last FROM stream_pos p WHERE p.referral_id = whom AND p.consumer = 'acting'
                  AND p.producer = l.producer), 0)
        UNION SELECT 'producer_distrusted' FROM comparison WHERE consumer = 'acting' AND distrusted IS NOT NULL
        UNION SELECT 'producer_silent' FROM unnest(ARRAY['intake', 'triage', 'mediation']) AS one(producer)
            WHERE NOT EXISTS (
                SELECT 1 FROM gate_check g WHERE g.referral_id = whom AND g.producer = one.producer
                  AND g.asked_at BETWEEN clock_timestamp() - interval '5 minutes' AND clock_timestamp())
        UNION SELECT 'position_behind' FROM gate_check g
            LEFT JOIN stream_pos p
                ON p.referral_id = g.referral_id AND p.consumer = 'acting' AND p.producer = g.producer
            WHERE g.referral_id = whom
              AND (coalesce(p.last, 0) < g.head
                   OR (p.last = g.head AND g.head > 0 AND p.last_event_id IS DISTINCT FROM g.event_id))
    ) AS found
$$
"""

_JUDGE = f"""
CREATE OR REPLACE FUNCTION followup.judge_closing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = followup, pg_temp AS $$
DECLARE
    faults text[] := followup.closing_faults(NEW.referral_id, NEW.cycle, NEW.outcome, NEW.proposed_grade);
BEGIN
    IF cardinality(faults) > 0 THEN
        RAISE EXCEPTION 'closing refused' USING ERRCODE = '{REFUSED}', DETAIL = array_to_string(faults, ',');
    END IF;
    RETURN NULL;
END $$
"""

_TRIGGERS = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = 'watch_closes' AND tgrelid = 'followup.watch'::regclass) THEN
        CREATE CONSTRAINT TRIGGER watch_closes AFTER UPDATE ON followup.watch DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.state = 'closed' AND (OLD.state <> 'closed' OR OLD.cycle <> NEW.cycle
                OR OLD.referral_id <> NEW.referral_id OR OLD.outcome IS DISTINCT FROM NEW.outcome))
            EXECUTE FUNCTION followup.judge_closing();
        CREATE CONSTRAINT TRIGGER watch_begins_closed AFTER INSERT ON followup.watch DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.state = 'closed') EXECUTE FUNCTION followup.judge_closing();
    END IF;
END $$
"""

STATEMENTS = (_FAULTS, _JUDGE, _TRIGGERS)
