-- The ranges of numbers that were ever granted to this store, where it is one of several cells. Which of them is
-- begun says `range_begun` in `meta`; a store without that is the only one, and its numbers have no end.
CREATE TABLE number_range (range_index INTEGER PRIMARY KEY);
