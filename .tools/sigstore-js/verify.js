#!/usr/bin/env node
// Verifies a Sigstore bundle that holds a DSSE envelope, with Sigstore's own JavaScript, and prints the payload that was verified.
//   sigstore-js --bundle FILE --root TRUSTED_ROOT --key PUBLIC.pem [--timestamps N] [--entries N]
//   sigstore-js --bundle FILE --root TRUSTED_ROOT --identity SUBJECT --issuer URL [--timestamps N] [--entries N]
// Exit code 0: verified. 1: Sigstore refuses it. 64: bad flags. 70: it could not be asked.
'use strict';
const { createHash, createPublicKey } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { parseArgs } = require('node:util');
const { bundleFromJSON, ValidationError } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { PolicyError, toSignedEntity, toTrustMaterial, VerificationError, Verifier } = require('@sigstore/verify');

// Node's own exit code for an exception would be that of a refusal.
process.on('uncaughtException', (e) => {
  console.error(e);
  process.exit(70);
});

const text = { type: 'string' };
const { values: o } = parseArgs({
  options: { bundle: text, root: text, key: text, identity: text, issuer: text, timestamps: text, entries: text },
});
if (!o.bundle || !o.root || !o.key === !(o.identity && o.issuer)) {
  console.error('usage: --bundle FILE --root FILE, and --key FILE or --identity SUBJECT --issuer URL');
  process.exit(64);
}
const json = (file) => JSON.parse(readFileSync(file, 'utf8'));

// The one key counts under the one name that its own bytes give it.
function keyFinder(hint) {
  const key = o.key && createPublicKey(readFileSync(o.key));
  if (!key || hint !== createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('base64')) {
    throw new VerificationError({ code: 'PUBLIC_KEY_ERROR', message: `no such key: ${hint}` });
  }
  return { publicKey: key, validFor: () => true };
}

// The client takes subjects as a pattern.
const exactly = (s) => '^' + s.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&') + '$';
const policy = o.identity && { subjectAlternativeName: exactly(o.identity), extensions: { issuer: o.issuer } };

try {
  const trust = toTrustMaterial(TrustedRoot.fromJSON(json(o.root)), keyFinder);
  const file = json(o.bundle);
  const verifier = new Verifier(trust, {
    ctlogThreshold: 0,
    tlogThreshold: Number(o.entries ?? 0),
    timestampThreshold: Number(o.timestamps ?? 0),
  });
  const bundle = bundleFromJSON(file);
  const signer = verifier.verify(toSignedEntity(bundle), policy);
  if (!!signer.identity !== !!o.identity) {
    throw new VerificationError({ code: 'UNTRUSTED_SIGNER_ERROR', message: 'signed with a certificate instead of a key, or the other way round' });
  }
  process.stdout.write(bundle.content.dsseEnvelope.payload);
} catch (e) {
  if (e instanceof VerificationError || e instanceof PolicyError || e instanceof ValidationError) {
    console.error(`refused: ${e.message}`);
    process.exit(1);
  }
  throw e;
}
