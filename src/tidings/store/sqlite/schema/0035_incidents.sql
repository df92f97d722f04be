-- Incidents of webhooks (core/incidents/): from a first failure until the rule of recovery holds. Of each kind a
-- webhook has one open at most. `notified_…`: what those who are to be alerted have heard.
CREATE TABLE incident (
    webhook INTEGER NOT NULL, number INTEGER NOT NULL, org INTEGER NOT NULL, kind TEXT NOT NULL, cause TEXT NOT NULL,
    opened_ms INTEGER NOT NULL, since_ms INTEGER NOT NULL, waiting INTEGER NOT NULL, step INTEGER NOT NULL,
    grew INTEGER NOT NULL, grew_ms INTEGER, cause_changes INTEGER NOT NULL, cause_changed_ms INTEGER,
    previous_cause TEXT NOT NULL, acknowledged_ms INTEGER, acknowledged_by TEXT NOT NULL, note TEXT NOT NULL,
    ended_ms INTEGER, end_reason TEXT NOT NULL, notified_opened INTEGER NOT NULL, notified_grew INTEGER NOT NULL,
    notified_causes INTEGER NOT NULL, notified_ended INTEGER NOT NULL,
    PRIMARY KEY (webhook, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX incident_open ON incident (webhook, kind) WHERE ended_ms IS NULL;
CREATE INDEX incident_number ON incident (number);
CREATE INDEX incident_org ON incident (org, number);
