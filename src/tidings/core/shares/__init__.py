"""What all orgs share of one process: tables and budgets in which nobody takes another's part."""
