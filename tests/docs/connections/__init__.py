"""The pages on connections, and on where messages go over them."""
