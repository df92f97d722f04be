-- The ranges of numbers that were ever granted to this store, where it is one of several cells. Which of them is
-- begun says `range_begun` in `meta`; a store without that is the only one, and its numbers have no end.
--
-- The owner gives the numbers of all kinds, so nothing takes one of the IDENTITY columns any more. They stay for
-- a process of the release before, which serves until it is stopped, and what they have given is not given again.
CREATE TABLE number_range (range_index bigint PRIMARY KEY);
