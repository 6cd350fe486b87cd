// A certified OpenID provider (npm oidc-provider) for the tests: everything in memory, on loopback only.
// node provider.mjs PORT REDIRECT_URI CLIENT_ID CLIENT_SECRET. One signs in by naming an account; no password.
import Provider from "oidc-provider";

const [port, redirectUri, clientId, clientSecret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const accounts = {
  ada: { name: "Ada Lovelace", email: "Ada@university.example", email_verified: true },
  keeper: { name: "Kim Keeper", email: "keeper@fabriek.example", email_verified: true },
  mallory: { name: "Mallory", email: "keeper@fabriek.example", email_verified: false },
  silent: { name: "Sam Silent", email: "silent@university.example" },
};

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [new URL("/", redirectUri).href],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"] },
  cookies: { keys: ["for the tests only"] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  pkce: { methods: ["S256"], required: () => true },
  // Consent is not what is tested: whoever signs in grants what is asked.
  async loadExistingGrant(context) {
    const grant = new context.oidc.provider.Grant({
      clientId: context.oidc.client.clientId,
      accountId: context.oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});

provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  if (context.method === "GET") {
    context.type = "html";
    context.body = `<!doctype html><html lang="en"><title>Test provider</title><h1>Test provider</h1>
      <form method="post"><label>Account <input name="account"></label><button>Continue</button></form>
      <form method="post"><button name="refuse" value="1">Refuse</button></form>`;
    return;
  }
  let body = "";
  for await (const part of context.req) body += part;
  const form = new URLSearchParams(body);
  const result = form.get("refuse")
    ? { error: "access_denied", error_description: "the person refused" }
    : { login: { accountId: form.get("account") } };
  await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: false });
  context.respond = false;
});

provider.listen(Number(port), "127.0.0.1", () => console.log(`ready on ${issuer}`));
