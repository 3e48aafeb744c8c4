// SPDX-License-Identifier: Apache-2.0
// A real authorization server (oidc-provider of npm) behind https with a certificate of the tests' PKI. Its access tokens are
// JWTs that Dovecot validates by itself; the claim `mailbox` names the user there. It asks nobody's password: whoever comes
// to its pages is the user that login() names, and consents.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import Provider from 'oidc-provider';
import { atExit } from './station.mjs';

export const CLIENT = 'belfry';
export const SECRET = 'client-secret-3f9a8c7e5d';
export const SCOPE = 'openid offline_access mail';
const AUDIENCE = 'urn:mail.test';

const attribute = (tag, name) => tag.match(new RegExp(` ${name}="([^"]*)"`))?.[1] ?? '';

export class Identity {
  /** Starts it with a certificate {cert, key}. Options: clients (more of them), lifetime (seconds of an access token). */
  static async start(certificate, options = {}) {
    const identity = new Identity();
    await identity.launch(certificate, options);
    return identity;
  }

  async launch(certificate, { clients = [], lifetime = 3600 }) {
    this.requests = [];
    this.grants = new Set();
    this.server = createServer({ cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }, (req, res) => {
      this.requests.push(`${req.method} ${req.url.split('?')[0]}`);
      if (req.url.startsWith('/interaction/')) this.interact(req, res);
      else this.handler(req, res);
    });
    await new Promise((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
    this.issuer = `https://127.0.0.1:${this.server.address().port}`;
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    /** For Dovecot's local validation. */
    this.publicKey = publicKey.export({ type: 'spki', format: 'pem' });
    this.provider = new Provider(this.issuer, configuration(privateKey.export({ format: 'jwk' }), clients, lifetime));
    this.handler = this.provider.callback();
    /** All that a station must keep to itself: what was issued. */
    this.tokens = [];
    for (const model of ['AccessToken', 'RefreshToken', 'ClientCredentials', 'AuthorizationCode', 'DeviceCode']) {
      const save = this.provider[model].prototype.save;
      const { tokens } = this;
      this.provider[model].prototype.save = async function keep(...args) {
        const token = await save.apply(this, args);
        tokens.push(token);
        return token;
      };
    }
    atExit(() => this.server.close());
  }

  /** Who comes to its pages, and says yes. */
  async interact(req, res) {
    try {
      const details = await this.provider.interactionDetails(req, res);
      const { prompt, params, grantId, session } = details;
      if (prompt.name === 'login') {
        await this.provider.interactionFinished(req, res, { login: { accountId: 'alice' } });
        return;
      }
      const grant = grantId ? await this.provider.Grant.find(grantId) : new this.provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      grant.addResourceScope(AUDIENCE, 'mail');
      const granted = await grant.save();
      this.grants.add(granted);
      await this.provider.interactionFinished(req, res, { consent: { grantId: granted } }, { mergeWithLastSubmission: true });
    } catch (error) {
      res.writeHead(500).end(String(error));
    }
  }

  /** Walks from an address as a browser does, with cookies, until it leaves this server or shows a page; forms are sent as
   * they stand. Resolves to {location} or {text}. */
  async walk(url) {
    const cookies = new Map();
    let next = { method: 'GET', url, body: undefined };
    for (let step = 0; step < 20; step += 1) {
      const answer = await this.ask(next, cookies);
      if (answer.location) {
        const location = new URL(answer.location, next.url).href;
        if (!location.startsWith(this.issuer)) return { location };
        next = { method: 'GET', url: location };
        continue;
      }
      const form = answer.text.match(/<form[^>]*action="([^"]+)"/)?.[1];
      if (!form) return answer;
      const fields = [...answer.text.matchAll(/<input[^>]*>/g)].map(([tag]) => [attribute(tag, 'name'), attribute(tag, 'value')]);
      next = { method: 'POST', url: new URL(form, next.url).href, body: new URLSearchParams(fields).toString() };
    }
    throw new Error(`no end after 20 steps: ${next.url}`);
  }

  ask({ method, url, body }, cookies) {
    return new Promise((resolve, reject) => {
      const headers = { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '), ...(body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(body) }) };
      const req = request(url, { method, headers, rejectUnauthorized: false }, (res) => {
        for (const cookie of res.headers['set-cookie'] ?? []) {
          const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
          if (value) cookies.set(name, value);
          else cookies.delete(name);
        }
        let text = '';
        res.on('data', (chunk) => { text += chunk; });
        res.on('end', () => resolve({ status: res.statusCode, location: res.headers.location, text }));
      });
      req.on('error', reject);
      req.end(body);
    });
  }

  /** Values of an account's emailAuthenticator that gets tokens for alice's mailbox by itself. */
  login(mechanism = 'auto') {
    return { type: 'email:OAuthEmailClientSecretAuthenticator', authServerMetadataEndpoint: this.issuer, account: 'alice', clientId: CLIENT, clientSecret: SECRET, scope: 'mail', mechanism };
  }

  /** Withdraws every permission that a person has given. */
  async withdraw() {
    for (const grantId of this.grants) await (await this.provider.Grant.find(grantId))?.destroy();
  }

  stop() {
    this.server.closeAllConnections?.();
    this.server.close();
  }
}

const configuration = (jwk, clients, lifetime) => ({
  jwks: { keys: [{ ...jwk, use: 'sig', alg: 'RS256', kid: 'default' }] },
  clients: [{
    client_id: CLIENT, client_secret: SECRET, redirect_uris: ['https://127.0.0.1/oauth/callback'],
    grant_types: ['client_credentials', 'authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'], token_endpoint_auth_method: 'client_secret_basic',
  }, ...clients],
  scopes: ['openid', 'offline_access', 'mail'],
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (ctx, token) => ({ mailbox: token.accountId ?? 'alice' }),
  formats: { customizers: { jwt: (ctx, token, jwt) => { jwt.header = { typ: 'JWT' }; } } }, // Dovecot takes no other
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
  ttl: { AccessToken: lifetime, ClientCredentials: lifetime, RefreshToken: 90 * 86400, DeviceCode: 600, Grant: 90 * 86400, Session: 3600, Interaction: 600 },
  cookies: { keys: ['tests'] },
  pkce: { required: () => true, methods: ['S256'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => AUDIENCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'mail', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
    },
  },
});
