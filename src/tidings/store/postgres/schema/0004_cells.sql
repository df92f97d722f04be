-- The ranges of numbers that were ever granted to this store, where it is one of several cells. Which of them is
-- begun says `range_begun` in `meta`; a store without that is the only one, and its numbers have no end.
--
-- The owner gives the numbers of all kinds, so nothing takes one of the IDENTITY columns any more. They stay for
-- a process of the release before, which serves until it is stopped, and what they have given is not given again.
CREATE TABLE number_range (range_index bigint PRIMARY KEY);

-- Which families of orgs are this store's to serve (core/cells/families.py). A family is an org without a parent,
-- with all its children. `state`: whether it is here, comes or goes; `number`: of its newest move that this store
-- knows; `other`: the cell that it leaves to, arrives from, or has gone to.
CREATE TABLE family (family bigint PRIMARY KEY, state bigint NOT NULL, number bigint NOT NULL, other bigint);
INSERT INTO family (family, state, number) SELECT id, 0, 1 FROM org WHERE parent IS NULL;
