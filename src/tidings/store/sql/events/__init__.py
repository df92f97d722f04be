"""Events as rows: the log, its pages and totals, its search keys, the types of orgs."""
