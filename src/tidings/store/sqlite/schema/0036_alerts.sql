-- Alert channels of orgs: what each is set to, sealed.
CREATE TABLE alert_channel (
    id TEXT PRIMARY KEY, org INTEGER NOT NULL, sealed BLOB NOT NULL, created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;

-- What a channel has heard of an incident that is open, or whose end it has not heard of.
CREATE TABLE alert_mark (
    channel TEXT NOT NULL, incident TEXT NOT NULL, org INTEGER NOT NULL, mark BLOB NOT NULL,
    PRIMARY KEY (channel, incident)
) WITHOUT ROWID;
CREATE INDEX alert_mark_org ON alert_mark (org);
