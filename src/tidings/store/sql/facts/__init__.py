"""What is true of the whole database: numbers by name, what was made once, leaps of its clock."""
