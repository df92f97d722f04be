// Verifies requests, a line of JSON each, with the official library: "right", or why not.
const readline = require("node:readline");
const { Webhook, WebhookVerificationError } = require("standardwebhooks");

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { secret, headers, body } = JSON.parse(line);
  let answer = "right";
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    answer = error.message;
  }
  console.log(JSON.stringify(answer));
});
