"""What the owner of a cell owes the map: who it is, what is here, and how it is found."""
