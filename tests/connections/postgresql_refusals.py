"""What servers and libpq say of why no connection comes about, and what is told of it."""

IS_STARTING = "it starts or stops. It goes on by itself."
SAID = [
    ("FATAL:  the database system is starting up", IS_STARTING),
    ("FATAL:  the database system is shutting down", IS_STARTING),
    ("FATAL:  the database system is in recovery mode", IS_STARTING),
    ("FATAL:  the database system is not accepting connections", IS_STARTING),
    ("FATAL:  the database system is not yet accepting connections", IS_STARTING),
    ("FATAL:  terminating connection due to administrator command", IS_STARTING),
    ('FATAL:  database "loyalty" does not exist', "it has no such user or database. Mend"),
    ('FATAL:  role "tidings" does not exist', "it has no such user or database. Mend"),
    ('FATAL:  password authentication failed for user "tidings"', "neither our user nor our"),
    ('FATAL:  password authentication failed for user "starting up"', "neither our user nor our"),
    ('FATAL:  database "recovery" does not exist', "it has no such user or database. Mend"),
    ('FATAL:  database "password" does not exist', "it has no such user or database. Mend"),
    ('FATAL:  role "too many" does not exist', "it has no such user or database. Mend"),
    ('could not translate host name "certificate.example" to address', "nobody answers"),
    ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "t"', "it lets nobody in with our"),
    ("FATAL:  sorry, too many clients already", "it has no connection left"),
    ("connection to server at 10.0.0.1 failed: Connection refused", "nobody answers"),
]
