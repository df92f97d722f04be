-- Saved views: the filters and the order of a list under a name, of whoever signs in (a person or a credential), in an org.
CREATE TABLE saved_view (
    org bigint NOT NULL, owner text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, list text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL, query text COLLATE "C" NOT NULL, created_ms bigint NOT NULL, revision bigint NOT NULL,
    PRIMARY KEY (org, owner, id)
);
CREATE INDEX saved_view_owner ON saved_view (owner);
