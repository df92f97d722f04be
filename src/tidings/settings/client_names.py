"""Names of the environment that begin as settings do and are none of the service."""

CLIENT_NAMES = {
    "TIDINGS_CONFIG": "The settings file of the service, as `--config`.",
    "TIDINGS_URL": "Where commands find the service, as `--url`. Default `http://127.0.0.1:8080`.",
    "TIDINGS_KEY": "The credential of the command line, written `key:secret`. It has no option, "
    "because every process can read a command line.",
    "TIDINGS_SECRET": "The secret of the credential, where TIDINGS_KEY holds its key alone.",
    "TIDINGS_ORG": "The org that commands act for, with the platform's credential, as `--org`.",
    "TIDINGS_PROFILE": "The profile that commands take server and credential from, as `--profile`.",
}
