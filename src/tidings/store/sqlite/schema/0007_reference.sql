-- Reference data. `kind`: 1 stores, 2 tills, 3 customers. `value` is sealed.
CREATE TABLE reference (
    org INTEGER NOT NULL, kind INTEGER NOT NULL, id TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (org, kind, id)
) WITHOUT ROWID;

-- Kept by every write: counting a million sealed rows would read all of them.
CREATE TABLE reference_count (
    org INTEGER NOT NULL, kind INTEGER NOT NULL, records INTEGER NOT NULL,
    PRIMARY KEY (org, kind)
) WITHOUT ROWID;
