-- Alert channels of orgs: what each is set to, sealed.
CREATE TABLE alert_channel (
    id text COLLATE "C" PRIMARY KEY, org bigint NOT NULL, sealed bytea NOT NULL, created_ms bigint NOT NULL,
    changed_ms bigint NOT NULL, revision bigint NOT NULL
);

-- What a channel has heard of an incident that is open, or whose end it has not heard of.
CREATE TABLE alert_mark (
    channel text COLLATE "C" NOT NULL, incident text COLLATE "C" NOT NULL, org bigint NOT NULL, mark bytea NOT NULL,
    PRIMARY KEY (channel, incident)
);
CREATE INDEX alert_mark_org ON alert_mark (org);
