-- The states of look-up lists that are in force. A state is written in sealed pieces, and takes the place of the
-- earlier one by its row here; pieces of no such row are dropped. `sealed`: by what the state is known.
CREATE TABLE kept_list (
    name TEXT PRIMARY KEY, run TEXT NOT NULL, pieces INTEGER NOT NULL, sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE list_piece (
    list TEXT NOT NULL, run TEXT NOT NULL, piece INTEGER NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (list, run, piece)
);
