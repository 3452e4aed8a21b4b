// What is asked about an account's keys: signed by the account's own key alone, at times that rise.

import { createPrivateKey, createPublicKey, sign } from 'node:crypto';

export const KEYS = '/quorex/v1/keys';

let microseconds = 0;

// The signed text, and the account's public key, which is asked by in place of an API key.
export function keysText(account, parameters) {
    microseconds = Math.max(microseconds + 1, Date.now() * 1000);
    const text = new URLSearchParams({ ...parameters, timestamp: microseconds }).toString();
    const signature = sign(null, Buffer.from(text), createPrivateKey(account.privateKey)).toString('base64');
    const der = createPublicKey(account.publicKey).export({ type: 'spki', format: 'der' });
    return { text: `${text}&signature=${encodeURIComponent(signature)}`, apiKey: der.subarray(-32).toString('hex') };
}
