"""The store's rows, once for each database that keeps them: what is asked and written, in SQL.

An adapter (`store/sqlite/`) brings the connection, the tables and the processes; the promises of
the port are kept here.
"""
