-- The states of look-up lists that are in force. A state is written in sealed pieces, and takes the place of the
-- earlier one by its row here; pieces of no such row are dropped. `sealed`: by what the state is known.
CREATE TABLE kept_list (
    name text COLLATE "C" PRIMARY KEY, run text COLLATE "C" NOT NULL, pieces bigint NOT NULL, sealed bytea NOT NULL
);
-- Few rows of half a MiB, all of which go when their list has another state: their bytes are cleared away before a
-- fifth of them is dead. They are sealed, so that compressing them is in vain.
CREATE TABLE list_piece (
    list text COLLATE "C" NOT NULL, run text COLLATE "C" NOT NULL, piece bigint NOT NULL, sealed bytea NOT NULL,
    PRIMARY KEY (list, run, piece)
) WITH (
    autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 20,
    toast.autovacuum_vacuum_scale_factor = 0.05
);
ALTER TABLE list_piece ALTER COLUMN sealed SET STORAGE EXTERNAL;
