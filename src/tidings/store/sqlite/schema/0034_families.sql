-- Which families of orgs are this store's to serve (core/cells/families.py). A family is an org without a parent,
-- with all its children. `state`: whether it is here, comes or goes; `number`: of its newest move that this store
-- knows; `other`: the cell that it leaves to, arrives from, or has gone to.
CREATE TABLE family (family INTEGER PRIMARY KEY, state INTEGER NOT NULL, number INTEGER NOT NULL, other INTEGER);
INSERT INTO family (family, state, number) SELECT id, 0, 1 FROM org WHERE parent IS NULL;
