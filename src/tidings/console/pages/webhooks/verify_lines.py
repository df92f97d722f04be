"""The lines that verify a message's signature, as the page of a new secret shows them.

Each line is one of `docs/receive/libraries.md`, whose whole receivers are carried out by tests; the
wheel has no documents, so that the lines stand here as well and a test compares the two.
"""

import msgspec


class VerifyLines(msgspec.Struct, frozen=True):
    """The lines of one language. `heading` is the section of the documentation they are from."""

    heading: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one block."""
        return "\n".join(self.lines)


LANGUAGES = (
    VerifyLines(
        "Python",
        (
            "from standardwebhooks import Webhook, WebhookVerificationError",
            'webhook = Webhook(os.environ["WEBHOOK_SECRET"])',
            "event = webhook.verify(request.get_data(), dict(request.headers))",
        ),
    ),
    VerifyLines(
        "JavaScript",
        (
            'import { Webhook } from "standardwebhooks";',
            "const webhook = new Webhook(process.env.WEBHOOK_SECRET);",
            "event = webhook.verify(Buffer.concat(parts).toString(), request.headers);",
        ),
    ),
    VerifyLines(
        "Java",
        (
            "import com.standardwebhooks.Webhook;",
            'var webhook = new Webhook(System.getenv("WEBHOOK_SECRET"));',
            "var body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);",
            "webhook.verify(body, exchange.getRequestHeaders());",
        ),
    ),
    VerifyLines(
        "PHP",
        (
            "$webhook = new \\StandardWebhooks\\Webhook(getenv('WEBHOOK_SECRET'));",
            "$headers = array_change_key_case(getallheaders());",
            "$event = $webhook->verify(file_get_contents('php://input'), $headers);",
        ),
    ),
    VerifyLines(
        "Go",
        (
            'standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"',
            'webhook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))',
            "body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))",
            "if err := webhook.Verify(body, r.Header); err != nil {",
        ),
    ),
)
