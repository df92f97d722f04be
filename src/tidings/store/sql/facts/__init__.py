"""What is true of the whole database: numbers by name, leaps of its clock, whose rows are here."""
