// Says of webhook messages whether the npm package `standardwebhooks` verifies them: node verify_webhook.mjs NODE_MODULES
//
// Each line of the input is a message as JSON: its `secret`, its `headers` and its `body`. The output is a list of verdicts.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

// The package stands outside of the checkout, where an `import` would not look for it.
const { Webhook, WebhookVerificationError } = createRequire(resolve(process.argv[2], "here"))("standardwebhooks");

function isVerified({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    // Any other error says nothing of the message.
    if (!(error instanceof WebhookVerificationError)) throw error;
    return false;
  }
}

const lines = readFileSync(0, "utf8").split("\n");
console.log(JSON.stringify(lines.map((line) => isVerified(JSON.parse(line)))));
