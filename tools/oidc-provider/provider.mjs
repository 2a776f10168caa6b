// An OpenID provider on loopback, for an end-to-end test: client credentials in, JWT access tokens out.
//
//     node provider.mjs FOLDER PORT
//
// FOLDER/keys.json lists the names of the keys that are published; the first one signs. A key that is named for the
// first time is made, and kept in FOLDER. SIGHUP reads the list again. Each time the keys are in use, a line says so.

import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';

import { Provider } from 'oidc-provider';

const [folder, port] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
let answer;

function key(name) {
  const file = join(folder, `${name}.json`);
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file, JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: name, alg: 'ES256', use: 'sig' }));
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

function load() {
  const names = JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8'));
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'airport',
        client_secret: 'not a secret: it is for a test on loopback',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    cookies: { keys: ['unused'] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        // RFC 8707: what the token is for. Its information decides that the token is a JWT.
        getResourceServerInfo: () => ({
          audience: 'puntual',
          scope: '',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 3600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    jwks: { keys: names.map(key) },
  });
  answer = provider.callback();
  console.log(`keys ${names.join(' ')}`);
}

const server = createServer((request, response) => answer(request, response));
server.listen({ host: '127.0.0.1', port: Number(port) }, load);
process.on('SIGHUP', load);
