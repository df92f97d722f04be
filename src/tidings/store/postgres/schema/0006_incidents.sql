-- Incidents of webhooks (core/incidents/): from a first failure until the rule of recovery holds. Of each kind a
-- webhook has one open at most. `notified_…`: what those who are to be alerted have heard.
CREATE TABLE incident (
    webhook bigint NOT NULL, number bigint NOT NULL, org bigint NOT NULL, kind text COLLATE "C" NOT NULL,
    cause text COLLATE "C" NOT NULL, opened_ms bigint NOT NULL, since_ms bigint NOT NULL, waiting bigint NOT NULL,
    step bigint NOT NULL, grew bigint NOT NULL, grew_ms bigint, cause_changes bigint NOT NULL, cause_changed_ms bigint,
    previous_cause text COLLATE "C" NOT NULL, acknowledged_ms bigint, acknowledged_by text COLLATE "C" NOT NULL,
    note text COLLATE "C" NOT NULL, ended_ms bigint, end_reason text COLLATE "C" NOT NULL,
    notified_opened bigint NOT NULL, notified_grew bigint NOT NULL, notified_causes bigint NOT NULL,
    notified_ended bigint NOT NULL,
    PRIMARY KEY (webhook, number)
);
CREATE UNIQUE INDEX incident_open ON incident (webhook, kind) WHERE ended_ms IS NULL;
CREATE INDEX incident_number ON incident (number);
CREATE INDEX incident_org ON incident (org, number);
