"""What the operator says of a PostgreSQL database, whatever type of connection leads there."""

from tidings.core.connections.fields import ConnectionField

DSN = "dsn"
FIELDS = (
    ConnectionField(DSN, "Where it is, as libpq takes it: `postgresql://user@host/database?…`"),
    ConnectionField("host", "Beside `dsn`, or instead of it, as the following", shown=True),
    ConnectionField("hostaddr", "Its address, where no name is to be resolved", shown=True),
    ConnectionField("port", "", what="port", usual="5432", shown=True),
    ConnectionField("dbname", "The database", usual="as the user", shown=True),
    ConnectionField("user", "", shown=True),
    ConnectionField("password", ""),
    ConnectionField("passfile", "A file of passwords", shown=True),
    ConnectionField(
        "sslmode",
        "Whether by TLS, and what of the server is proved",
        words=("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
        usual="prefer",
        shown=True,
    ),
    ConnectionField("sslrootcert", "A PEM file: who signs its certificate", shown=True),
    ConnectionField("sslcert", "A PEM file: our certificate", shown=True),
    ConnectionField("sslkey", "A PEM file: its key", shown=True),
    ConnectionField("sslpassword", "Of that key"),
    ConnectionField(
        "channel_binding",
        "Whether the password is proved for this very connection",
        words=("disable", "prefer", "require"),
        usual="prefer",
        shown=True,
    ),
    ConnectionField(
        "target_session_attrs",
        "Which of several hosts is taken",
        words=("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
        usual="any",
        shown=True,
    ),
)
