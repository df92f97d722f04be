"""The lines that verify a message's signature, as the page of a new secret shows them.

Tests carry them out as they are shown: a genuine message passes, and any other is answered 401.
Each line is one of `docs/receive/libraries.md`, which has the whole receivers; the wheel has no
documents, so that the lines stand here as well and a test compares the two.
"""

import msgspec


class VerifyLines(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of one language. `heading` is the section of the documentation they are from,
    `install` brings the library, and `imports` stand at the top of a file."""

    heading: str
    install: str
    imports: tuple[str, ...] = ()
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one block."""
        above = [*self.imports, ""] if self.imports else []
        return "\n".join([*above, *self.lines])


LANGUAGES = (
    VerifyLines(
        heading="Python",
        install="pip install standardwebhooks",
        imports=(
            "import os",
            "from standardwebhooks import Webhook, WebhookVerificationError",
        ),
        lines=(
            'webhook = Webhook(os.environ["WEBHOOK_SECRET"])',
            "try:",
            "    event = webhook.verify(request.get_data(), dict(request.headers))",
            "except WebhookVerificationError as wrong:",
            "    return str(wrong), 401",
        ),
    ),
    VerifyLines(
        heading="JavaScript",
        install="npm install standardwebhooks",
        imports=('import { Webhook } from "standardwebhooks";',),
        lines=(
            "const webhook = new Webhook(process.env.WEBHOOK_SECRET);",
            "let event;",
            "try {",
            "  event = webhook.verify(Buffer.concat(parts).toString(), request.headers);",
            "} catch (wrong) {",
            "  response.writeHead(401).end(wrong.message);",
            "  return;",
            "}",
        ),
    ),
    VerifyLines(
        heading="Java",
        install="mvn dependency:copy -Dartifact=com.standardwebhooks:standardwebhooks:1.2.0 "
        "-DoutputDirectory=.",
        imports=(
            "import static java.nio.charset.StandardCharsets.UTF_8;",
            "import com.standardwebhooks.Webhook;",
            "import com.standardwebhooks.exceptions.WebhookVerificationException;",
        ),
        lines=(
            'var webhook = new Webhook(System.getenv("WEBHOOK_SECRET"));',
            "var body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);",
            "try {",
            "    webhook.verify(body, exchange.getRequestHeaders());",
            "} catch (WebhookVerificationException wrong) {",
            "    return 401;",
            "}",
        ),
    ),
    VerifyLines(
        heading="PHP",
        install="composer require standard-webhooks/standard-webhooks",
        imports=("require 'vendor/autoload.php';",),
        lines=(
            "$webhook = new \\StandardWebhooks\\Webhook(getenv('WEBHOOK_SECRET'));",
            "$headers = array_change_key_case(getallheaders());",
            "try {",
            "    $event = $webhook->verify(file_get_contents('php://input'), $headers);",
            "} catch (\\StandardWebhooks\\Exception\\WebhookVerificationException $wrong) {",
            "    http_response_code(401);",
            "    exit;",
            "}",
        ),
    ),
    VerifyLines(
        heading="Go",
        install="go get github.com/standard-webhooks/standard-webhooks/libraries",
        imports=('standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"',),
        lines=(
            'webhook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))',
            "if err != nil {",
            "	log.Fatal(err)",
            "}",
            "body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))",
            "if err != nil {",
            '	http.Error(w, "the body cannot be read", http.StatusServiceUnavailable)',
            "	return",
            "}",
            "if err := webhook.Verify(body, r.Header); err != nil {",
            "	http.Error(w, err.Error(), http.StatusUnauthorized)",
            "	return",
            "}",
        ),
    ),
)
